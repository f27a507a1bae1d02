//! Parameter-sharing softmax.

use burn::config::Config;
use burn::module::Module;
use klados::loss::{ParameterSharingSoftmax, Weights};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [parameter-sharing softmax](ParameterSharingSoftmaxLoss), where there is an example.
#[derive(Config, Debug)]
pub struct ParameterSharingSoftmaxLossConfig {
    /// The weight of each node's term.
    #[config(default = "Weights::Leaves")]
    pub weights: Weights,
    /// The share of the target that is spread over all classes, in `[0, 1]`.
    #[config(default = "0.0")]
    pub label_smoothing: f64,
    /// The exponent of the focal factor `(1 - P(u))^gamma` on each term.
    #[config(default = "0.0")]
    pub gamma: f64,
    /// A weight for each class, in the order of the classes.
    pub class_weight: Option<Vec<f64>>,
    /// The class or node index that leaves a sample out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl ParameterSharingSoftmaxLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a path-sum weighting on a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<ParameterSharingSoftmaxLoss, CriterionError> {
        let loss = ParameterSharingSoftmax::new()
            .weights(self.weights.clone())
            .label_smoothing(self.label_smoothing)
            .gamma(self.gamma);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(ParameterSharingSoftmaxLoss { loss })
    }
}

/// Parameter-sharing softmax (Salakhutdinov et al. 2011): a class softmax in which the logit of a class is the sum of those
/// of its node and of all above, so that classes with little data borrow from their relatives.
///
/// A logit a node but the root, in the order of [`Hierarchy::node_columns`]. See
/// [`klados::loss::ParameterSharingSoftmax`].
///
/// Should be created using [`ParameterSharingSoftmaxLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{ParameterSharingSoftmaxLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = ParameterSharingSoftmaxLossConfig::new().init(&hierarchy)?;
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
pub struct ParameterSharingSoftmaxLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(ParameterSharingSoftmaxLoss);
