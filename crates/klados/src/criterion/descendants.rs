//! Descendant softmax: from a label to the nodes on its path.

use super::ordinary::OrdinaryRows;
use super::path_sum::{column_by_node, fill_weight_by_node, weight_by_node};
use super::row_loss::no_meaning;
use super::{Form, InputError, LogProb, RowLoss, Sample, Score, Term, TermSet};
use crate::kernels::descendants::{Against, Branches, Descendants};
use crate::kernels::mass::Mass;
use crate::kernels::ordinary::{Buffers, Scaled};
use crate::kernels::paths::Tree;
use crate::kernels::pool::Pool;
use crate::numeric::{Float, scalar};
use crate::{Hierarchy, Label, NodeId};

/// `sum_a log(1 + against_a / e^{s_a})` over the path of the label.
#[derive(Debug)]
pub(crate) struct DescendantRows {
    tree: Tree,
    /// By node.
    column: Vec<u32>,
    branches: Branches,
}

impl DescendantRows {
    pub(crate) fn new(hierarchy: &Hierarchy) -> Self {
        let (tree, column) = (tree(hierarchy), column_by_node(hierarchy));
        let branches = Branches::new(&tree, &column);
        Self { tree, column, branches }
    }

    /// The loss of a row by column; `None` where it is not for this kernel.
    pub(super) fn ordinary_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        if sample.target.is_some() {
            let [by_node, wide @ ..] = &mut buffers.wide;
            fill_weight_by_node(sample, &self.tree.parent, by_node)?;
            return self.branches.flow_row(&self.tree, by_node, z, grad, wide);
        }
        let node = match sample.label {
            Label::Class(class) => sample.hierarchy.class_node(*class),
            Label::Node(node) => *node,
            _ => return None,
        };
        self.branches.row(&self.tree, (node.index(), sample.factor), z, grad, buffers)
    }
}

/// The arrays of a tree for the kernel.
pub(crate) fn tree(hierarchy: &Hierarchy) -> Tree {
    let mut offsets = vec![0];
    let mut children = Vec::with_capacity(hierarchy.node_count());
    for node in hierarchy.nodes() {
        children.extend(hierarchy.children(node).iter().map(|child| child.0));
        offsets.push(children.len() as u32);
    }
    Tree { parent: parents(hierarchy), offsets, children }
}

/// The parent of each node of a tree; the root's is itself.
pub(crate) fn parents(hierarchy: &Hierarchy) -> Vec<u32> {
    hierarchy.nodes().map(|node| hierarchy.parents(node).first().map_or(0, |parent| parent.0)).collect()
}

impl RowLoss for DescendantRows {
    fn check_label(&self, _: &Hierarchy, label: &Label) -> Result<(), InputError> {
        match label {
            Label::Ignored | Label::Class(_) | Label::Node(_) | Label::Soft(_) => Ok(()),
            _ => Err(no_meaning("descendant_softmax", "one class, node or distribution a sample", label)),
        }
    }

    fn row(&self, sample: &Sample<'_>, scores: &[f64], grad: Option<&mut [f64]>, pool: &mut Pool) -> f64 {
        let mut weights = weight_by_node(sample, pool);
        let mut masses = Descendants::default();
        masses.measure(&self.tree, Against::Branches, Mass::NONE, scores);
        let mut loss = 0.0;
        for (node, weight) in weights.iter_mut().enumerate().skip(1).filter(|(_, weight)| **weight != 0.0) {
            let log_odds = masses.log_odds_against(Against::Branches, node);
            loss += *weight * scalar::softplus(log_odds);
            *weight *= scalar::exp(-scalar::softplus(-log_odds));
        }
        if let Some(grad) = grad
            && loss.is_finite()
        {
            weights[0] = 0.0;
            masses.backward(&self.tree, Against::Branches, &weights, grad);
        }
        pool.keep(weights);
        loss
    }

    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        Some(OrdinaryRows::Descendants(self))
    }

    fn form(&self) -> Form<'_> {
        Form::DescendantSoftmax
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let hierarchy = sample.hierarchy;
        let weights = weight_by_node(sample, &mut Pool::default());
        let score = |node: NodeId| Score { column: Some(self.column[node.index()]), plus: 0.0 };
        let term = |node: NodeId| {
            let mut given = vec![score(node)];
            for above in hierarchy.lineage(node) {
                let siblings = hierarchy.children(hierarchy.parents(above)[0]).iter();
                let mut stack: Vec<NodeId> = siblings.copied().filter(|sibling| *sibling != above).collect();
                while let Some(next) = stack.pop() {
                    given.push(score(next));
                    stack.extend_from_slice(hierarchy.children(next));
                }
            }
            let log_p = LogProb::Ratio { set: vec![score(node)], given, hard: false };
            Term { of: TermSet::Node(node), weight: weights[node.index()], log_p }
        };
        hierarchy.nodes().skip(1).filter(|node| weights[node.index()] != 0.0).map(term).collect()
    }
}
