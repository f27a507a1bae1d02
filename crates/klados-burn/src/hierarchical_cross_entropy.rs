//! Hierarchical cross-entropy (HXE).

use burn::config::Config;
use burn::module::Module;
use klados::loss::{HierarchicalCrossEntropy, HxeWeighting};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [hierarchical cross-entropy](HierarchicalCrossEntropyLoss), where there is an example.
#[derive(Config, Debug)]
pub struct HierarchicalCrossEntropyLossConfig {
    /// How fast the weights fall from the top, from 0.
    #[config(default = 0.1)]
    pub alpha: f64,
    /// The convention for the weights.
    #[config(default = "HxeWeighting::Depth")]
    pub weighting: HxeWeighting,
    /// The share of the target that is spread over all classes, in `[0, 1]`.
    #[config(default = 0.0)]
    pub label_smoothing: f64,
    /// The exponent of the focal factor `(1 - P(u | parent))^gamma` on each term.
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

impl HierarchicalCrossEntropyLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<HierarchicalCrossEntropyLoss, CriterionError> {
        let loss = HierarchicalCrossEntropy::new()
            .alpha(self.alpha)
            .weighting(self.weighting)
            .label_smoothing(self.label_smoothing)
            .gamma(self.gamma);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(HierarchicalCrossEntropyLoss { loss })
    }
}

/// Hierarchical cross-entropy, HXE (Bertinetto et al. 2020), on a class softmax over a tree:
/// `-sum_u lambda_u log P(u | parent(u))` over the nodes `u` at or above the label.
///
/// The weights fall with the depth, so mistakes that a level decides early cost more; `alpha = 0` is plain cross-entropy.
/// An internal label ends the sum there. See [`klados::loss::HierarchicalCrossEntropy`] for the conventions that go by
/// this name.
///
/// Should be created using [`HierarchicalCrossEntropyLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{HierarchicalCrossEntropyLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = HierarchicalCrossEntropyLossConfig::new().with_alpha(0.5).init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<2>::from_floats([[0.1, 0.7, -0.3], [0.0, 0.2, 1.5]], &device).require_grad();
/// let targets = Tensor::<1, Int>::from_ints([1, 2], &device);
/// let gradients = loss.forward(logits.clone(), targets, Reduction::Mean).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct HierarchicalCrossEntropyLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(HierarchicalCrossEntropyLoss);
