//! Marginal cross-entropy: the superclass loss.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Weights, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, Layout, Objective, Tables};

/// Marginal cross-entropy: cross-entropy at every node above the label, from one set of class logits.
///
/// With a class label `y` the loss of a sample is `-sum_u w_u log P(u)` over the nodes `u` at or above `y` (the root left
/// out), where `P(u)` is the sum of the softmax over the classes below `u`, taken in log space:
/// `log P(u) = logsumexp_{k below u} z_k - logsumexp_k z_k`. The term of the class is plain cross-entropy, the others
/// are the superclass terms. It is a proper scoring rule for weights `w >= 0` (Urbani et al. 2024).
///
/// A coarse label ("some bird", "crow or bat") has the terms that it resolves, the common ancestors `U` of its nodes, and
/// one term for the classes `S` that it stands for: `-sum_{u in U} w_u log P(u) - r log P(S)`, where `r` is the largest
/// weight that a class of `S` carries below `U`. So a coarse sample weighs as much as a fine one. With
/// [`Weights::Leaves`] that is `-log P(S)`, marginal likelihood.
///
/// # When to use it
///
/// When labels are coarse or mixed, or when errors at the upper levels matter in themselves. On fully labelled data
/// expect little at the leaves: plain cross-entropy is a strong baseline there.
///
/// # Identities
///
/// With [`Weights::Leaves`], or on a hierarchy of one level, it is plain cross-entropy.
///
/// # What published code does differently
///
/// It sums logits, or probabilities and then takes `log(p + eps)`: the first is another loss, the second loses the
/// gradient of confident mistakes. Passing these log-probabilities to a second softmax is wrong too.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::{MarginalCrossEntropy, Weights}};
///
/// let hierarchy = Hierarchy::from_edges([
///     ("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin"),
/// ])?;
/// let criterion = MarginalCrossEntropy::new().weights(Weights::depths([1.0, 0.0])).compile(&hierarchy)?;
/// let logits = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];
/// let (mut loss, mut grad) = ([0.0], [0.0; 6]);
/// criterion.forward_backward(&logits, &[hierarchy.parse_label("crow")?], &mut loss, &mut grad)?;
/// assert!((loss[0] - 1.0047f64).abs() < 5e-5); // -log P(bird)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarginalCrossEntropy {
    weights: Weights,
    unresolved: Unresolved,
    label_smoothing: f64,
    gamma: f64,
    pub(super) class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

/// What becomes of the weight of the levels that a coarse label does not resolve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unresolved {
    /// It falls back to the label's own set of classes.
    #[default]
    Label,
    /// Those levels have no term.
    Skip,
}

impl MarginalCrossEntropy {
    setters! {
        /// The weight of each node; [`Weights::Uniform`] by default.
        weights: Weights,
        /// What becomes of the levels that a coarse label does not resolve; [`Unresolved::Label`] by default.
        unresolved: Unresolved,
        /// The share of the target that is spread over all classes, in `[0, 1]`; 0 by default.
        label_smoothing: f64,
        /// The exponent of the focal factor `(1 - P(u))^gamma` on each term; 0 by default.
        gamma: f64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a path-sum weighting on a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        let weights = self.weights.by_node(hierarchy)?;
        let warnings = self.weights.surprise(hierarchy, &weights).into_iter().collect();
        let objective = Objective::Marginal { weights, unresolved: self.unresolved };
        let tables = Tables {
            layout: Layout::Classes,
            objective,
            gamma: options::not_negative("gamma", self.gamma)?,
            label_smoothing: options::label_smoothing(self.label_smoothing)?,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::MarginalCrossEntropy(self.clone()), tables))
    }
}
