//! Random cut: from a label to the node of the cut that is at or above it.

use super::descendants::parents;
use super::ordinary::OrdinaryRows;
use super::path_sum::{column_by_node, weight_by_node};
use super::row_loss::no_meaning;
use super::{Form, InputError, LogProb, RowLoss, Sample, Score, Term, TermSet};
use crate::kernels::cut::Cut;
use crate::kernels::ordinary::{Buffers, Scaled};
use crate::kernels::paths::ends;
use crate::kernels::pool::Pool;
use crate::numeric::Float;
use crate::{Hierarchy, Label, NodeId};

/// Cross-entropy of a softmax over a random cut.
#[derive(Debug)]
pub(crate) struct CutRows {
    cut: Cut,
    /// By node.
    column: Vec<u32>,
}

impl CutRows {
    pub(crate) fn new(hierarchy: &Hierarchy, p: f64, seed: u64) -> Self {
        let is_leaf = hierarchy.nodes().map(|node| hierarchy.children(node).is_empty()).collect();
        // The draw does not change with the order of the columns.
        let mut place = vec![u32::MAX; hierarchy.node_count()];
        for (at, node) in hierarchy.nodes_by_appearance().into_iter().enumerate() {
            place[node.index()] = at as u32;
        }
        let cut = Cut { end: ends(&parents(hierarchy)), is_leaf, place, p, seed };
        Self { cut, column: column_by_node(hierarchy) }
    }

    /// The loss of a row by column; `None` where it is not for this kernel.
    pub(super) fn ordinary_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let leaf = match sample.label {
            Label::Class(class) => sample.hierarchy.class_node(*class),
            Label::Node(node) => *node,
            _ => return None,
        };
        let place = (sample.row, sample.step);
        self.cut.ordinary_row(place, (leaf.0, sample.factor), (&self.column, z), grad, buffers)
    }

    /// The cut of a sample, and the weight of each of its nodes.
    fn draw(&self, sample: &Sample<'_>, pool: &mut Pool) -> (Vec<u32>, Vec<f64>) {
        let mut members = pool.indices(0, 0);
        self.cut.draw(sample.row, sample.step, &mut members);
        // A node has the weight of all labels at or below it.
        let by_node = weight_by_node(sample, pool);
        let mut weights = pool.floats(0, 0.0);
        weights.extend(members.iter().map(|&node| by_node[node as usize]));
        pool.keep(by_node);
        (members, weights)
    }
}

impl RowLoss for CutRows {
    fn check_label(&self, hierarchy: &Hierarchy, label: &Label) -> Result<(), InputError> {
        match label {
            Label::Node(node) if !hierarchy.children(*node).is_empty() => {
                Err(no_meaning("random_cut", "a class or a distribution a sample", label))
            }
            Label::Ignored | Label::Class(_) | Label::Node(_) | Label::Soft(_) => Ok(()),
            _ => Err(no_meaning("random_cut", "a class or a distribution a sample", label)),
        }
    }

    fn draws_at_random(&self) -> bool {
        true
    }

    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        Some(OrdinaryRows::Cut(self))
    }

    fn row(&self, sample: &Sample<'_>, scores: &[f64], grad: Option<&mut [f64]>, pool: &mut Pool) -> f64 {
        let (members, weights) = self.draw(sample, pool);
        let loss = Cut::row(&members, &weights, scores, grad, pool);
        pool.keep_indices(members);
        pool.keep(weights);
        loss
    }

    fn form(&self) -> Form<'_> {
        Form::RandomCut { place: &self.cut.place, p: self.cut.p, seed: self.cut.seed }
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let (members, weights) = self.draw(sample, &mut Pool::default());
        let score = |&node: &u32| Score { column: Some(self.column[node as usize]), plus: 0.0 };
        let given: Vec<Score> = members.iter().map(score).collect();
        let terms = members.iter().zip(weights).filter(|(_, weight)| *weight != 0.0);
        let term = |(node, weight): (&u32, f64)| {
            let log_p = LogProb::Ratio { set: vec![score(node)], given: given.clone(), hard: false };
            Term { of: TermSet::Node(NodeId(*node)), weight, log_p }
        };
        terms.map(term).collect()
    }
}
