//! Soft-max-margin: from a label to the distances from it.

use super::path_sum::column_by_node;
use super::row_loss::no_meaning;
use super::{InputError, LogProb, RowLoss, Sample, Score, Term, TermSet};
use crate::kernels::margin;
use crate::kernels::pool::Pool;
use crate::{Hierarchy, Label, NodeId};

/// `-s_y + LSE_v (s_v + tau m(y, v))`, or its hard form.
#[derive(Debug)]
pub(crate) struct MarginRows {
    tau: f64,
    hard: bool,
    /// By node.
    column: Vec<u32>,
}

impl MarginRows {
    pub(crate) fn new(hierarchy: &Hierarchy, tau: f64, hard: bool) -> Self {
        Self { tau, hard, column: column_by_node(hierarchy) }
    }

    /// `tau` times the number of edges between a node and each other.
    fn fill(&self, hierarchy: &Hierarchy, y: NodeId, margin: &mut [f64]) {
        margin.fill(f64::NAN);
        let mut path = hierarchy.lineage(y);
        path.push(NodeId::ROOT);
        path.sort_unstable(); // parents first
        for (steps, node) in path.iter().rev().enumerate() {
            margin[node.index()] = steps as f64;
        }
        for node in hierarchy.nodes().skip(1) {
            if margin[node.index()].is_nan() {
                margin[node.index()] = margin[hierarchy.parents(node)[0].index()] + 1.0;
            }
        }
        margin.iter_mut().for_each(|steps| *steps *= self.tau);
    }

    /// The nodes that a sample is judged by, with their weights.
    fn targets(sample: &Sample<'_>) -> Vec<(NodeId, f64)> {
        let hierarchy = sample.hierarchy;
        let own = match sample.label {
            Label::Class(class) => Some(hierarchy.class_node(*class)),
            Label::Node(node) => Some(*node),
            _ => None,
        };
        let classes = sample.target.unwrap_or_default().iter().enumerate();
        let classes = classes.map(|(class, &weight)| (hierarchy.class_node(class), weight));
        own.map(|node| (node, sample.factor)).into_iter().chain(classes).filter(|(_, weight)| *weight != 0.0).collect()
    }
}

impl RowLoss for MarginRows {
    fn check_label(&self, _: &Hierarchy, label: &Label) -> Result<(), InputError> {
        match label {
            Label::Ignored | Label::Class(_) | Label::Node(_) | Label::Soft(_) => Ok(()),
            _ => Err(no_meaning("softmax_margin", "one class, node or distribution a sample", label)),
        }
    }

    fn row(&self, sample: &Sample<'_>, scores: &[f64], mut grad: Option<&mut [f64]>, pool: &mut Pool) -> f64 {
        let mut margins = pool.floats(scores.len(), 0.0);
        let mut loss = 0.0;
        for (node, weight) in Self::targets(sample) {
            self.fill(sample.hierarchy, node, &mut margins);
            let row = if self.hard { margin::hard } else { margin::soft };
            loss += row(node.index(), &margins, weight, scores, grad.as_deref_mut());
        }
        pool.keep(margins);
        loss
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let mut margins = vec![0.0; sample.hierarchy.node_count()];
        let mut terms = Vec::new();
        for (node, weight) in Self::targets(sample) {
            self.fill(sample.hierarchy, node, &mut margins);
            let score = |node: NodeId| Score {
                column: (node != NodeId::ROOT).then(|| self.column[node.index()]),
                plus: margins[node.index()],
            };
            let given = sample.hierarchy.nodes().map(score).collect();
            let log_p = LogProb::Ratio { set: vec![score(node)], given, hard: self.hard };
            terms.push(Term { of: TermSet::Node(node), weight, log_p });
        }
        terms
    }
}
