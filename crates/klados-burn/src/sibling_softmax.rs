//! Sibling softmax (WordTree).

use burn::config::Config;
use burn::module::Module;
use klados::loss::{HxeWeighting, SiblingSoftmax};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [sibling softmax](SiblingSoftmaxLoss), where there is an example.
#[derive(Config, Debug)]
pub struct SiblingSoftmaxLossConfig {
    /// How fast the weights fall from the top, from 0.
    #[config(default = "0.0")]
    pub alpha: f64,
    /// The convention for the weights.
    #[config(default = "HxeWeighting::Depth")]
    pub weighting: HxeWeighting,
    /// The strength of the logit adjustment; it needs `frequencies`.
    #[config(default = "0.0")]
    pub tau: f64,
    /// The counts of the nodes, for the logit adjustment: of every node that has a sibling, above 0.
    pub frequencies: Option<Vec<(String, f64)>>,
    /// The share of the target that is spread over all classes, in `[0, 1]`.
    #[config(default = "0.0")]
    pub label_smoothing: f64,
    /// The exponent of the focal factor `(1 - P(u | parent))^gamma` on each term.
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

impl SiblingSoftmaxLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a count that is missing, or a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<SiblingSoftmaxLoss, CriterionError> {
        let mut loss = SiblingSoftmax::new()
            .alpha(self.alpha)
            .weighting(self.weighting)
            .tau(self.tau)
            .label_smoothing(self.label_smoothing)
            .gamma(self.gamma);
        if let Some(counts) = &self.frequencies {
            loss = loss.frequencies(counts.clone());
        }
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(SiblingSoftmaxLoss { loss })
    }
}

/// Sibling softmax (WordTree; Redmon & Farhadi 2017) over a tree: at each node on the way to the label, a softmax over its
/// children.
///
/// A logit a node but the root, in the order of [`Hierarchy::node_columns`]. An internal label ends the way there. With `tau` the
/// logits are adjusted by the frequencies of the nodes among their siblings (Plaud et al. 2024). See
/// [`klados::loss::SiblingSoftmax`].
///
/// Should be created using [`SiblingSoftmaxLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{SiblingSoftmaxLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = SiblingSoftmaxLossConfig::new().with_alpha(0.5).init(&hierarchy)?;
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
pub struct SiblingSoftmaxLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(SiblingSoftmaxLoss);
