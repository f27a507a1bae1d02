//! Random cut.

use burn::config::Config;
use burn::module::Module;
use burn::nn::loss::Reduction;
use burn::tensor::Tensor;
use klados::loss::RandomCut;
use klados::{CriterionError, Hierarchy};

use crate::loss::forward_to_loss;
use crate::{HierarchicalLoss, Implementation, Targets};

/// Configuration to create a [random-cut loss](RandomCutLoss), where there is an example.
#[derive(Config, Debug)]
pub struct RandomCutLossConfig {
    /// The probability that an internal node is closed, in `[0, 1]`.
    #[config(default = "0.1")]
    pub p: f64,
    /// The seed of the draws.
    #[config(default = "0")]
    pub seed: u64,
    /// A weight for each class, in the order of the classes.
    pub class_weight: Option<Vec<f64>>,
    /// The class or node index that leaves a sample out.
    #[config(default = "HierarchicalLoss::IGNORE_INDEX")]
    pub ignore_index: i64,
    /// How the loss is computed.
    #[config(default = "Implementation::Auto")]
    pub implementation: Implementation,
}

impl RandomCutLossConfig {
    /// Compiles the loss for a hierarchy. It is on no device: it works with logits on any.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn init(&self, hierarchy: &Hierarchy) -> Result<RandomCutLoss, CriterionError> {
        let loss = RandomCut::new().p(self.p).seed(self.seed);
        let loss = HierarchicalLoss::compile(loss, self.class_weight.as_deref(), hierarchy)?
            .with_ignore_index(self.ignore_index)
            .with_implementation(self.implementation);
        Ok(RandomCutLoss { loss })
    }
}

/// Random cut (Wu et al. 2020) over a tree: each sample sees a softmax over a cut of the tree that is drawn for it.
///
/// A logit a node but the root, in the order of [`Hierarchy::node_columns`]. What is drawn depends on the seed, the step of
/// training, the row and the node, and on nothing else: give the step to
/// [`forward_at_step`](Self::forward_at_step), or every batch sees the cuts of step 0. See [`klados::loss::RandomCut`].
///
/// Should be created using [`RandomCutLossConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::Hierarchy;
/// use klados_burn::{RandomCutLossConfig, Reduction};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = RandomCutLossConfig::new().with_p(0.3).init(&hierarchy)?;
///
/// let device = Device::flex().autodiff();
/// // bat, mammal, dog, crow, bird: the node columns
/// let rows = [[0.1, 0.7, -0.3, 0.0, 0.4], [0.0, 0.2, 1.5, -0.6, 0.3]];
/// let logits = Tensor::<2>::from_floats(rows, &device).require_grad();
/// let targets = Tensor::<1, Int>::from_ints([1, 2], &device);
/// let gradients = loss.forward_at_step(logits.clone(), targets, Reduction::Mean, 7).backward();
/// assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct RandomCutLoss {
    loss: HierarchicalLoss,
}

forward_to_loss!(RandomCutLoss);

impl RandomCutLoss {
    /// The loss of a batch with the cuts of a step of training.
    ///
    /// # Shapes
    ///
    /// As [`forward`](Self::forward), which is step 0.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_at_step<'a>(
        &self,
        logits: Tensor<2>,
        targets: impl Into<Targets<'a>>,
        reduction: Reduction,
        step: u64,
    ) -> Tensor<1> {
        self.loss.at_step(step).forward(logits, targets, reduction)
    }
}
