//! Soft labels.

use burn::config::Config;
use burn::module::Module;
use klados::loss::SoftLabels;
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [soft-label loss](SoftLabelsLoss), where there is an example.
#[derive(Config, Debug)]
pub struct SoftLabelsLossConfig {
    /// How sharply the target falls with the distance, from 0.
    #[config(default = 10.0)]
    pub beta: f64,
    /// The exponent of the focal factor `(1 - p_k)^gamma` on each class's term.
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

impl SoftLabelsLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<SoftLabelsLoss, CriterionError> {
        let loss = SoftLabels::new().beta(self.beta).gamma(self.gamma);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(SoftLabelsLoss { loss })
    }
}

/// Soft labels (Bertinetto et al. 2020): cross-entropy with the target `q_k` proportional to `exp(-beta d(y, k))`, where
/// `d` is the height of the lowest common ancestor of the label and class `k` over the height of the root.
///
/// Classes near the label share its probability; the larger `beta`, the less. An internal label is allowed; a union or a
/// distribution is not. See [`klados::loss::SoftLabels`].
///
/// Should be created using [`SoftLabelsLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{SoftLabelsLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = SoftLabelsLossConfig::new().with_beta(4.0).init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<2>::from_floats([[0.1, 0.7, -0.3], [0.0, 0.2, 1.5]], &device).require_grad();
/// let targets = Tensor::<1, Int>::from_ints([1, 2], &device);
/// let gradients = loss.forward(logits.clone(), targets, Reduction::Mean).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct SoftLabelsLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(SoftLabelsLoss);
