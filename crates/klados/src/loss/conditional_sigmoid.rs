//! Conditional-sigmoid binary cross-entropy.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Weights, options, setters};
use crate::Hierarchy;
use crate::criterion::{
    Asked, BernoulliEvents, BernoulliRows, Criterion, CriterionError, Layout, Objective, Tables, needs_tree,
};

/// Conditional-sigmoid binary cross-entropy (Brust & Denzler 2019), trees, from one logit a node:
/// `sum_v w_v BCE(sigma(s_v), 1[v at or above the label])` over the children `v` of every node strictly above the label, the
/// root's included. Logits and gradients are `[batch, nodes but the root]`, in the order of [`Hierarchy::node_columns`].
///
/// `sigma(s_v)` is the probability of `v` given its parent, so `log P(v)` is the sum of `log sigma` down the path. The
/// children of an internal label are unknown, not negative. A multi-label label `a;b` has the terms below every positive
/// node that has a positive child.
///
/// # When to use it
///
/// When labels stop at any depth and siblings may hold together, or when nothing may hold: the conditional probabilities
/// of siblings need not add up to 1. Only the sibling groups on the path have a gradient.
///
/// # Identities
///
/// On a hierarchy of one level it is binary cross-entropy over the classes.
///
/// # What published code does differently
///
/// It multiplies probabilities and clamps the logarithm; where it masks the loss by a dense classes x nodes matrix it
/// often counts the children of a coarse label as negatives.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, loss::ConditionalSigmoid};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = ConditionalSigmoid::new().compile(&hierarchy)?;
/// let (mut loss, mut grad) = ([0.0], [0.0; 5]); // bat, mammal, dog, crow, bird
/// criterion.forward_backward(&[0.0f64; 5], &[hierarchy.parse_label("mammal")?], &mut loss, &mut grad)?;
/// assert!((loss[0] - 2.0 * 2f64.ln()).abs() < 1e-15); // mammal yes, bird no
/// assert_eq!(grad, [0.0, -0.5, 0.0, 0.0, 0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConditionalSigmoid {
    weights: Weights,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl ConditionalSigmoid {
    setters! {
        /// The weight of each node; [`Weights::Uniform`] by default.
        weights: Weights,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("conditional_sigmoid", hierarchy)?;
        let weights = self.weights.by_node(hierarchy)?;
        let warnings = self.weights.surprise(hierarchy, &weights).into_iter().collect();
        let mut rows = BernoulliRows::new("conditional_sigmoid", hierarchy, BernoulliEvents::Independent, weights);
        rows.asked = Asked::Path;
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(rows)),
            gamma: 0.0,
            label_smoothing: 0.0,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::ConditionalSigmoid(self.clone()), tables))
    }
}
