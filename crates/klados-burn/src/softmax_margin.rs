//! Soft-max-margin.

use burn::config::Config;
use burn::module::Module;
use klados::loss::{Margin, SoftmaxMargin};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [soft-max-margin loss](SoftmaxMarginLoss), where there is an example.
#[derive(Config, Debug)]
pub struct SoftmaxMarginLossConfig {
    /// The margin an edge, from 0.
    #[config(default = "1.0")]
    pub tau: f64,
    /// What the margin grows with.
    #[config(default = "Margin::PathLength")]
    pub margin: Margin,
    /// Whether the maximum is taken in place of the log-sum-exp.
    #[config(default = "false")]
    pub hard: bool,
    /// A weight for each class, in the order of the classes.
    pub class_weight: Option<Vec<f64>>,
    /// The class or node index that leaves a sample out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl SoftmaxMarginLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<SoftmaxMarginLoss, CriterionError> {
        let loss = SoftmaxMargin::new().tau(self.tau).margin(self.margin).hard(self.hard);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(SoftmaxMarginLoss { loss })
    }
}

/// Soft-max-margin (Valmadre 2022) over a tree: a softmax over all nodes in which a node's logit is raised by its distance
/// from the label, so that the label has to win by more against what is farther.
///
/// A logit a node but the root, in the order of [`Hierarchy::node_columns`]. Any node may be the label. See
/// [`klados::loss::SoftmaxMargin`].
///
/// Should be created using [`SoftmaxMarginLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{SoftmaxMarginLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = SoftmaxMarginLossConfig::new().with_tau(0.5).init(&hierarchy)?;
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
pub struct SoftmaxMarginLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(SoftmaxMarginLoss);
