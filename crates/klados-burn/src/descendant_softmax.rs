//! Descendant softmax.

use burn::config::Config;
use burn::module::Module;
use klados::loss::DescendantSoftmax;
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [descendant softmax](DescendantSoftmaxLoss), where there is an example.
#[derive(Config, Debug)]
pub struct DescendantSoftmaxLossConfig {
    /// A weight for each class, in the order of the classes.
    pub class_weight: Option<Vec<f64>>,
    /// The class or node index that leaves a sample out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl DescendantSoftmaxLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// Class weights that do not fit, or a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<DescendantSoftmaxLoss, CriterionError> {
        let loss = DescendantSoftmax::new();
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(DescendantSoftmaxLoss { loss })
    }
}

/// Descendant softmax (Valmadre 2022) over a tree: each node of the path against what branches off above it.
///
/// A logit a node but the root, in the order of [`Hierarchy::node_columns`]. See [`klados::loss::DescendantSoftmax`].
///
/// Should be created using [`DescendantSoftmaxLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{DescendantSoftmaxLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = DescendantSoftmaxLossConfig::new().init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// // bat, mammal, dog, crow, bird: the node columns
/// let rows = [[0.1, 0.7, -0.3, 0.0, 0.4], [0.0, 0.2, 1.5, -0.6, 0.3]];
/// let logits = Tensor::<2>::from_floats(rows, &device).require_grad();
/// let targets = Tensor::<1, Int>::from_ints([1, 2], &device);
/// let gradients = loss.forward(logits.clone(), targets, Reduction::Mean).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct DescendantSoftmaxLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(DescendantSoftmaxLoss);
