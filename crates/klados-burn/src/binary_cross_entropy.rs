//! Binary cross-entropy over nodes.

use burn::config::Config;
use burn::module::Module;
use klados::loss::{BinaryCrossEntropy, NodeSigmoid, PosWeight, Weights};
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [binary cross-entropy over nodes](BinaryCrossEntropyLoss), where there is an example.
#[derive(Config, Debug)]
pub struct BinaryCrossEntropyLossConfig {
    /// How the probabilities of nodes follow from the logits.
    #[config(default = "NodeSigmoid::Independent")]
    pub form: NodeSigmoid,
    /// The weight of each node's term: `Uniform`, `Leaves` or `Levels`.
    #[config(default = "Weights::Uniform")]
    pub weights: Weights,
    /// The exponent of the focal factor `(1 - p_t)^gamma` on each term.
    #[config(default = "0.0")]
    pub gamma: f64,
    /// What the term of a positive node is multiplied with.
    pub pos_weight: Option<PosWeight>,
    /// Whether nodes below a positive node without positive child are unknown rather than negative.
    #[config(default = "false")]
    pub incomplete: bool,
    /// For the form `Weighted`: rows of class, superclass and weight; the weights of a superclass sum to 1.
    pub map: Option<Vec<(String, String, f64)>>,
    /// Whether the weights of a superclass are divided by their sum.
    #[config(default = "false")]
    pub normalize: bool,
    /// The class or node index that leaves a sample out, and the entry of multi-label targets that leaves a node out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl BinaryCrossEntropyLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range or without meaning for the form, or weights that do not sum to 1.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<BinaryCrossEntropyLoss, CriterionError> {
        let mut loss = BinaryCrossEntropy::new()
            .form(self.form)
            .weights(self.weights.clone())
            .gamma(self.gamma)
            .incomplete(self.incomplete)
            .normalize(self.normalize);
        if let Some(weight) = &self.pos_weight {
            loss = loss.pos_weight(weight.clone());
        }
        if let Some(rows) = &self.map {
            loss = loss.map(rows.iter().cloned());
        }
        let loss = HierarchicalLoss::compile(loss, None, hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(BinaryCrossEntropyLoss { loss })
    }
}

/// Binary cross-entropy over the nodes, for multi-label data: every node holds or does not, and a node that holds implies
/// those above it.
///
/// The logits are one a node but the root, in the order of [`Hierarchy::node_columns`], or, in the forms `NoisyOr` and
/// `Weighted`, one a class. Multi-label targets are [`Targets`](crate::Targets) with a column a node, in every form. The
/// mean is over the terms that take part. See [`klados::loss::BinaryCrossEntropy`].
///
/// Should be created using [`BinaryCrossEntropyLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::{Hierarchy, loss::NodeSigmoid};
/// use klados_burn::{BinaryCrossEntropyLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = BinaryCrossEntropyLossConfig::new().with_form(NodeSigmoid::Max).init(&hierarchy)?;
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
pub struct BinaryCrossEntropyLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(BinaryCrossEntropyLoss);
