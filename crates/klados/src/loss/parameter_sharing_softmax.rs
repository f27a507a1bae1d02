//! Parameter-sharing softmax.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Unresolved, Weights, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, Layout, Objective, Tables};

/// Parameter-sharing softmax (Salakhutdinov, Torralba & Tenenbaum 2011): a class softmax of `z_k = sum_u s_u` over the
/// nodes `u` at or above class `k`, from one logit a node. Logits and gradients are `[batch, nodes but the root]`, in the
/// order of [`Hierarchy::node_columns`].
///
/// What classes have in common is learned once, by the node above them: a rare class inherits the score of its genus. The
/// loss is [`MarginalCrossEntropy`](super::MarginalCrossEntropy) of these class logits, with weight on the classes alone
/// by default: cross-entropy, and marginal likelihood for coarse labels. On a DAG each ancestor counts once.
///
/// # When to use it
///
/// When some classes have few samples and their superclasses many. It takes every single-label kind.
///
/// # Identities
///
/// On a hierarchy of one level it is cross-entropy. With all inner logits 0 it is the marginal loss of the leaf logits.
///
/// # What published code does differently
///
/// It multiplies with a dense nodes x classes matrix of ancestors, which also counts an ancestor twice that is reached by
/// two paths of a DAG when it is built by following edges.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::ParameterSharingSoftmax};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = ParameterSharingSoftmax::new().compile(&hierarchy)?;
/// // bat, mammal, dog, crow, bird: the score of mammal lifts both of its classes
/// let (mut loss, mut grad) = ([0.0], [0.0; 5]);
/// criterion.forward_backward(&[0.0, 2f64.ln(), 0.0, 0.0, 0.0], &[Label::Class(0)], &mut loss, &mut grad)?;
/// assert!((loss[0] - 2.5f64.ln()).abs() < 1e-15); // 2 / (2 + 2 + 1)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParameterSharingSoftmax {
    weights: Weights,
    label_smoothing: f64,
    gamma: f64,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl Default for ParameterSharingSoftmax {
    fn default() -> Self {
        let (label_smoothing, gamma, class_weight, reduction) = (0.0, 0.0, None, Reduction::default());
        Self { weights: Weights::Leaves, label_smoothing, gamma, class_weight, reduction }
    }
}

impl ParameterSharingSoftmax {
    setters! {
        /// The weight of each node; [`Weights::Leaves`] by default.
        weights: Weights,
        /// The share of the target that is spread over all classes, in `[0, 1]`; 0 by default.
        label_smoothing: f64,
        /// The exponent of the focal factor `(1 - P(u))^gamma` on each term; 0 by default.
        gamma: f64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a path-sum weighting on a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        let weights = self.weights.by_node(hierarchy)?;
        let warnings = self.weights.surprise(hierarchy, &weights).into_iter().collect();
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Marginal { weights, unresolved: Unresolved::Label },
            gamma: options::not_negative("gamma", self.gamma)?,
            label_smoothing: options::label_smoothing(self.label_smoothing)?,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::ParameterSharingSoftmax(self.clone()), tables))
    }
}
