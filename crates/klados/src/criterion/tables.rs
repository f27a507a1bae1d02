//! What a loss compiles to: weights by node, and the options that act on rows.

use super::row_loss::RowLoss;
use crate::loss::Unresolved;

/// The tables of a loss. Kernels and adapters read these and know no loss.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) layout: Layout,
    pub(crate) objective: Objective,
    pub(crate) gamma: f64,
    pub(crate) label_smoothing: f64,
    /// By column.
    pub(crate) class_weight: Option<Vec<f64>>,
    pub(crate) warnings: Vec<String>,
}

/// What the columns of the logits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One a class, in the order of the hierarchy's columns.
    Classes,
    /// One a node but the root, in the order of the hierarchy's node columns. In an objective on a class softmax the logit
    /// of a class is the sum of those at and above it.
    Nodes,
}

/// The terms of a row, before the focal factor.
#[derive(Debug)]
pub(crate) enum Objective {
    /// `-sum_u w_u log P(u) - r log P(S)` over the nodes common to the label; `weights` by node, 0 for the root.
    Marginal { weights: Vec<f64>, unresolved: Unresolved },
    /// `-sum_u lambda_u log P(u | parent)`, and for a union `-lambda log P(S | lca)`.
    Conditional { lambda: Vec<f64>, union: UnionLambda },
    /// `-sum_k q_k log p_k` with `q_k` proportional to `by_height[height of lca(label, k) - height of the label]`.
    SoftLabels { by_height: Vec<f64> },
    /// Whatever its own tables say, in `f64`.
    Rows(Box<dyn RowLoss>),
}

/// The weight of the term `log P(S | lca)` of a union.
#[derive(Clone, Debug, PartialEq)]
pub enum UnionLambda {
    /// By 1 plus the depth of the lowest common ancestor.
    Depth(Vec<f64>),
    /// By the height of the tallest named node.
    Height(Vec<f64>),
}

impl UnionLambda {
    /// For a lowest common ancestor of this depth and a tallest named node of this height.
    pub(crate) fn weight(&self, lca_depth: usize, tallest: usize) -> f64 {
        match self {
            Self::Depth(by_depth) => by_depth[lca_depth + 1],
            Self::Height(by_height) => by_height[tallest],
        }
    }
}
