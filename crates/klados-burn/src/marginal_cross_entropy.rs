//! Marginal cross-entropy: the superclass loss.

use burn::config::Config;
use burn::module::Module;
use klados::loss::{MarginalCrossEntropy, Unresolved, Weights};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [marginal cross-entropy](MarginalCrossEntropyLoss), where there is an example.
#[derive(Config, Debug)]
pub struct MarginalCrossEntropyLossConfig {
    /// The weight of each node's term.
    #[config(default = "Weights::Uniform")]
    pub weights: Weights,
    /// What becomes of the weight of the levels that a coarse label does not resolve.
    #[config(default = "Unresolved::Label")]
    pub unresolved: Unresolved,
    /// The share of the target that is spread over all classes, in `[0, 1]`.
    #[config(default = 0.0)]
    pub label_smoothing: f64,
    /// The exponent of the focal factor `(1 - P(u))^gamma` on each term.
    #[config(default = 0.0)]
    pub gamma: f64,
    /// A weight for each class, in the order of the columns.
    pub class_weight: Option<Vec<f64>>,
    /// The class or node index that leaves a sample out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl MarginalCrossEntropyLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a path-sum weighting on a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<MarginalCrossEntropyLoss, CriterionError> {
        let loss = MarginalCrossEntropy::new()
            .weights(self.weights.clone())
            .unresolved(self.unresolved)
            .label_smoothing(self.label_smoothing)
            .gamma(self.gamma);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(MarginalCrossEntropyLoss { loss })
    }
}

/// Marginal cross-entropy: cross-entropy at every node above the label, from one set of class logits.
///
/// With a class label `y` the loss of a sample is `-sum_u w_u log P(u)` over the nodes `u` at or above `y`, the root left
/// out: the term of the class is plain cross-entropy, the others are the superclass terms (Urbani et al. 2024). A coarse
/// label ("some bird") has the terms that it resolves and falls back to `-log P(S)` of its own classes for the rest. See
/// [`klados::loss::MarginalCrossEntropy`] for the formula, when to use it, and its identities.
///
/// Should be created using [`MarginalCrossEntropyLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::{Hierarchy, loss::Weights};
/// use klados_burn::{MarginalCrossEntropyLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = MarginalCrossEntropyLossConfig::new().with_weights(Weights::Balanced).init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<2>::from_floats([[0.1, 0.7, -0.3], [0.0, 0.2, 1.5]], &device).require_grad();
/// let targets = Tensor::<1, Int>::from_ints([1, 2], &device);
/// let gradients = loss.forward(logits.clone(), targets, Reduction::Mean).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct MarginalCrossEntropyLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(MarginalCrossEntropyLoss);
