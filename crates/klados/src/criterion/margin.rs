//! Soft-max-margin: from a label to the distances from it.

use super::descendants::tree;
use super::ordinary::OrdinaryRows;
use super::path_sum::column_by_node;
use super::row_loss::no_meaning;
use super::{Form, InputError, LogProb, RowLoss, Sample, Score, Term, TermSet};
use crate::kernels::descendants::Branches;
use crate::kernels::margin::{self, Margins};
use crate::kernels::ordinary::{Buffers, Scaled};
use crate::kernels::paths::Tree;
use crate::kernels::pool::Pool;
use crate::numeric::{Float, scalar};
use crate::{Hierarchy, Label, NodeId};

/// `-s_y + LSE_v (s_v + tau m(y, v))`, or its hard form.
#[derive(Debug)]
pub(crate) struct MarginRows {
    /// By the number of edges between two nodes.
    worth: Vec<(f64, f64)>,
    hard: bool,
    /// By node.
    column: Vec<u32>,
    tree: Tree,
    branches: Branches,
    /// By node: `e^(tau depth)`; none where one is too large for the kernel of ordinary rows.
    depth_weights: Option<Vec<f64>>,
}

impl MarginRows {
    pub(crate) fn new(hierarchy: &Hierarchy, tau: f64, hard: bool) -> Self {
        let most = 2 * hierarchy.nodes().map(|node| hierarchy.depth(node)).max().unwrap_or(0);
        let (tree, column) = (tree(hierarchy), column_by_node(hierarchy));
        let branches = Branches::new(&tree, &column);
        let weights = hierarchy.nodes().map(|node| scalar::exp(tau * hierarchy.depth(node) as f64));
        let weights: Vec<f64> = weights.collect();
        let depth_weights = weights.iter().all(|weight| *weight <= margin::LARGEST_WEIGHT).then_some(weights);
        Self { worth: margin::worth(tau, most), hard, column, tree, branches, depth_weights }
    }

    /// The loss of a row by column; `None` where it is not for this kernel.
    pub(super) fn ordinary_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let node = match sample.label {
            Label::Class(class) => sample.hierarchy.class_node(*class),
            Label::Node(node) => *node,
            _ => return None,
        };
        let depth_weights = self.depth_weights.as_ref().filter(|_| !self.hard)?;
        let tree = (&self.tree, &self.branches);
        margin::ordinary_row(tree, depth_weights, (node.index(), sample.factor), z, grad, buffers)
    }

    /// The number of edges between a node and each other.
    fn fill(hierarchy: &Hierarchy, y: NodeId, edges: &mut [u32]) {
        edges.fill(u32::MAX);
        let mut path = hierarchy.lineage(y);
        path.push(NodeId::ROOT);
        path.sort_unstable(); // parents first
        for (steps, node) in (0..).zip(path.iter().rev()) {
            edges[node.index()] = steps;
        }
        for node in hierarchy.nodes().skip(1) {
            if edges[node.index()] == u32::MAX {
                edges[node.index()] = edges[hierarchy.parents(node)[0].index()] + 1;
            }
        }
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
        let mut edges = pool.indices(scores.len(), 0);
        let mut loss = 0.0;
        for (node, weight) in Self::targets(sample) {
            Self::fill(sample.hierarchy, node, &mut edges);
            let row = if self.hard { margin::hard } else { margin::soft };
            loss +=
                row(node.index(), Margins { edges: &edges, worth: &self.worth }, weight, scores, grad.as_deref_mut());
        }
        pool.keep_indices(edges);
        loss
    }

    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        Some(OrdinaryRows::Margin(self))
    }

    fn form(&self) -> Form<'_> {
        Form::Margin { by_edges: self.worth.iter().map(|(worth, _)| *worth).collect(), hard: self.hard }
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let mut edges = vec![0; sample.hierarchy.node_count()];
        let mut terms = Vec::new();
        for (node, weight) in Self::targets(sample) {
            Self::fill(sample.hierarchy, node, &mut edges);
            let score = |node: NodeId| Score {
                column: (node != NodeId::ROOT).then(|| self.column[node.index()]),
                plus: self.worth[edges[node.index()] as usize].0,
            };
            let given = sample.hierarchy.nodes().map(score).collect();
            let log_p = LogProb::Ratio { set: vec![score(node)], given, hard: self.hard };
            terms.push(Term { of: TermSet::Node(node), weight, log_p });
        }
        terms
    }
}
