//! What a criterion compiled to, to be read by adapters that compute it with operations of their own.

use super::{Asked, Criterion, Objective, Superclasses, UnionLambda};
use crate::loss::Unresolved;

/// The tables of a compiled loss: what its terms are and what weighs on them, by node.
///
/// Of [`Criterion::form`]. Arrays by node are in [hierarchy order](crate::NodeId::index) with the root first, whose entry
/// is not used. Beside them a criterion has options that act on every form: [`Criterion::gamma`],
/// [`Criterion::label_smoothing`], [`Criterion::class_weight`], [`Criterion::has_node_columns`],
/// [`Criterion::sums_over_ancestors`]. The formulas are those of the losses' own pages.
///
/// Where [`Criterion::terms`] says what one label's loss is made of, this says it of all labels at once, in memory linear
/// in nodes and classes.
///
/// ```
/// use klados::{Hierarchy, criterion::Form, loss::MarginalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let Form::Marginal { weights, falls_back } = criterion.form() else { panic!() };
/// assert_eq!(weights[1..], [1.0; 5]);
/// assert!(falls_back);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Form<'a> {
    /// `-sum_u w_u log P(u) - r log P(S)` in a class softmax, over the nodes `u` above all that the label names.
    Marginal {
        /// `w`, by node.
        weights: &'a [f64],
        /// Whether the levels that a label does not resolve fall back to its own set: else `r` is 0.
        falls_back: bool,
    },
    /// `-sum_u lambda_u log P(u | parent)` in a class softmax, and for a union `-lambda log P(S | lca)`. Trees.
    Conditional {
        /// `lambda`, by node.
        lambda: &'a [f64],
        /// The weight of the term of a union.
        union: &'a UnionLambda,
    },
    /// `-sum_k q_k log p_k` in a class softmax, `q_k` proportional to an entry of `by_height`.
    SoftLabels {
        /// By the height of the lowest common ancestor of class and label less the height of the label.
        by_height: &'a [f64],
    },
    /// `leaf_weight` times `-log p_k` and `superclass_weight` times `-sum_v W_kv log P(v)`, `P(v) = sum_k W_kv p_k`.
    WeightedSoftmax {
        /// `W`.
        map: &'a Superclasses,
        /// What multiplies the term of the class.
        leaf_weight: f64,
        /// What multiplies the terms of the superclasses.
        superclass_weight: f64,
    },
    /// `-sum_u w_u log P(u)` over the nodes at and above the label, `P(u)` in a softmax over the nodes of `u`'s group.
    GroupSoftmax {
        /// `w`, by node.
        weights: &'a [f64],
        /// By node, the group it is in: its siblings, or the nodes of its level.
        group: &'a [u32],
        /// By node, what is added to its score, where there is such a thing.
        log_prior: Option<&'a [f64]>,
        /// Where the groups are of siblings: the weight of the term of a union.
        union: Option<&'a UnionLambda>,
    },
    /// `-sum_v w_v (t_v p_v log P(v) + (1 - t_v) log(1 - P(v)))` over the events of `events`.
    Bernoulli {
        /// How probabilities follow from scores.
        events: Events<'a>,
        /// Which events have a term.
        asked: Asked,
        /// `w`: by node, or by superclass and then by class.
        weights: &'a [f64],
        /// `p`, in the same order: what multiplies the positive term.
        pos_weight: &'a [f64],
        /// Whether the mean divides by the number of terms, and not by the weights of the samples.
        counts_terms: bool,
    },
    /// `sum_a log(1 + against_a / e^{s_a})` over the nodes at and above the label, `against_a` all that is below the
    /// siblings of `a` and of its ancestors.
    DescendantSoftmax,
    /// `-s_y + LSE_v (s_v + margin)` over all nodes and the root with score 0.
    Margin {
        /// By the number of edges between `y` and `v`.
        by_edges: Vec<f64>,
        /// Whether the maximum is taken in place of the log-sum-exp.
        hard: bool,
    },
    /// Cross-entropy of a softmax over a random cut.
    RandomCut {
        /// By node, the number that the draw takes for it; the root's is not used.
        place: &'a [u32],
        /// The probability that an internal node is closed.
        p: f64,
        /// Of the draw.
        seed: u64,
    },
}

/// How the probabilities of a [`Form::Bernoulli`] follow from the scores.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Events<'a> {
    /// `sigma(s_v)`.
    Independent,
    /// `1 - prod (1 - sigma(z_k))` over the classes below.
    NoisyOr,
    /// No by the largest score at or below a node; yes by the largest of those of positive nodes.
    LargestBelow,
    /// No by the largest score at or below a node; yes by the smallest at or above it.
    SmallestAbove,
    /// `sum_k W_kv sigma(z_k)` of the superclasses of a map, then `sigma(z_k)` of the classes.
    Weighted {
        /// `W`.
        map: &'a Superclasses,
    },
}

impl Criterion {
    /// What the criterion compiled to.
    pub fn form(&self) -> Form<'_> {
        match &self.inner.tables.objective {
            Objective::Marginal { weights, unresolved } => {
                Form::Marginal { weights, falls_back: *unresolved == Unresolved::Label }
            }
            Objective::Conditional { lambda, union } => Form::Conditional { lambda, union },
            Objective::SoftLabels { by_height } => Form::SoftLabels { by_height },
            Objective::Rows(rows) => rows.form(),
        }
    }

    /// The share of label smoothing; 0 where there is none.
    pub fn label_smoothing(&self) -> f64 {
        self.inner.tables.label_smoothing
    }

    /// The weight of each class by column, where there are class weights.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let loss = klados::loss::MarginalCrossEntropy::new().class_weight(vec![1.0, 2.0, 0.5]);
    /// assert_eq!(loss.compile(&hierarchy)?.class_weight(), Some(&[1.0, 2.0, 0.5][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn class_weight(&self) -> Option<&[f64]> {
        self.inner.tables.class_weight.as_deref()
    }
}
