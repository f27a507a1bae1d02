//! Weighted cross-entropy: superclasses by a sparse matrix.

use burn::config::Config;
use burn::module::Module;
use klados::loss::WeightedCrossEntropy;
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation};

/// Configuration to create a [weighted cross-entropy](WeightedCrossEntropyLoss), where there is an example.
#[derive(Config, Debug)]
pub struct WeightedCrossEntropyLossConfig {
    /// The matrix as rows of class, superclass and weight; the weights of a class sum to 1.
    #[config(default = "Vec::new()")]
    pub map: Vec<(String, String, f64)>,
    /// Whether the weights of a class are divided by their sum.
    #[config(default = "false")]
    pub normalize: bool,
    /// The weight of the term of the class.
    #[config(default = "1.0")]
    pub leaf_weight: f64,
    /// The weight of the terms of the superclasses.
    #[config(default = "1.0")]
    pub superclass_weight: f64,
    /// The share of the target that is spread over all classes, in `[0, 1]`.
    #[config(default = "0.0")]
    pub label_smoothing: f64,
    /// The exponent of the focal factor `(1 - P)^gamma` on each term.
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

impl WeightedCrossEntropyLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, an unknown class, or weights that do not sum to 1.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<WeightedCrossEntropyLoss, CriterionError> {
        let loss = WeightedCrossEntropy::new()
            .map(self.map.iter().cloned())
            .normalize(self.normalize)
            .leaf_weight(self.leaf_weight)
            .superclass_weight(self.superclass_weight)
            .label_smoothing(self.label_smoothing)
            .gamma(self.gamma);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(WeightedCrossEntropyLoss { loss })
    }
}

/// Weighted cross-entropy: a class softmax scored at the class and at superclasses to which a class may belong in part.
///
/// The superclasses are those of `map` and need not be in the hierarchy. A label that is one is
/// [`Label::Superclass`](klados::Label::Superclass), which `criterion().parse_label` reads by its name. See
/// [`klados::loss::WeightedCrossEntropy`].
///
/// Should be created using [`WeightedCrossEntropyLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use klados::{Hierarchy, Label};
/// use klados_burn::{WeightedCrossEntropyLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let rows = [("bat", "flies", 1.0), ("dog", "walks", 1.0), ("crow", "flies", 0.9), ("crow", "walks", 0.1)];
/// let map = rows.map(|(class, superclass, weight)| (class.to_owned(), superclass.to_owned(), weight));
/// let loss = WeightedCrossEntropyLossConfig::new().with_map(map.to_vec()).init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<2>::from_floats([[0.1, 0.7, -0.3], [0.0, 0.2, 1.5]], &device).require_grad();
/// let targets = &[Label::Class(1), Label::Class(2)];
/// let gradients = loss.forward(logits.clone(), targets, Reduction::Mean).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct WeightedCrossEntropyLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(WeightedCrossEntropyLoss);
