//! Conditional-sigmoid cross-entropy.

use burn::config::Config;
use burn::module::Module;
use klados::loss::{ConditionalSigmoid, Weights};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [conditional-sigmoid cross-entropy](ConditionalSigmoidLoss), where there is an example.
#[derive(Config, Debug)]
pub struct ConditionalSigmoidLossConfig {
    /// The weight of each node's term.
    #[config(default = "Weights::Uniform")]
    pub weights: Weights,
    /// A weight for each class, in the order of the classes.
    pub class_weight: Option<Vec<f64>>,
    /// The class or node index that leaves a sample out, and the entry of multi-label targets that leaves a node out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl ConditionalSigmoidLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<ConditionalSigmoidLoss, CriterionError> {
        let loss = ConditionalSigmoid::new().weights(self.weights.clone());
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(ConditionalSigmoidLoss { loss })
    }
}

/// Conditional sigmoids (Brust & Denzler 2019) over a tree: a node's sigmoid is its probability given its parent, and only
/// the children of nodes that hold are asked.
///
/// A logit a node but the root, in the order of [`Hierarchy::node_columns`]. Multi-label targets are [`Targets`](crate::Targets)
/// with a column a node. See [`klados::loss::ConditionalSigmoid`].
///
/// Should be created using [`ConditionalSigmoidLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{ConditionalSigmoidLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = ConditionalSigmoidLossConfig::new().init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// // bat, mammal, dog, crow, bird: the node columns
/// let rows = [[0.1, 0.7, -0.3, 0.0, 0.4], [0.0, 0.2, 1.5, -0.6, 0.3]];
/// let logits = Tensor::<2>::from_floats(rows, &device).require_grad();
/// let targets = Tensor::<2, Int>::from_ints([[1, 0, 0, 0, 0], [0, 0, 1, 1, 0]], &device); // bat; dog and crow
/// let gradients = loss.forward(logits.clone(), targets, Reduction::Mean).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct ConditionalSigmoidLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(ConditionalSigmoidLoss);
