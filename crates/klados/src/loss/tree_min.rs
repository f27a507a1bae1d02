//! Tree-min loss.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Weights, options, setters};
use crate::Hierarchy;
use crate::criterion::{
    Asked, BernoulliEvents, BernoulliRows, Criterion, CriterionError, Layout, Objective, Positive, Tables, parent_rows,
};

/// Tree-min loss (Li et al. 2022), from one logit a node: for a positive node `v`, `-log sigma(min s)` over the nodes at and
/// above `v`; for a negative one, `-log sigma(-max s)` over the nodes at and below it. With
/// [`gamma`](Self::gamma) each has the focal factor; the paper's focal tree-min has `gamma = 2`. Logits and gradients are
/// `[batch, nodes but the root]`, in the order of [`Hierarchy::node_columns`].
///
/// A node is no more certain than its ancestors, and no less likely than its descendants: so a violation of the hierarchy
/// costs, and the gradient goes to the logit that violates. Of equal logits the first in hierarchy order has it.
///
/// # When to use it
///
/// For multi-label data, or dense prediction, where a child must not exceed its parent. Nodes below a coarse single label
/// have no term; below a node of a multi-label label `a;b` they are negative. It is defined on trees and DAGs.
///
/// # Identities
///
/// On a hierarchy of one level it is binary cross-entropy over the classes.
///
/// # What published code does differently
///
/// It clamps the probabilities before the logarithm, and takes the minimum over a fixed number of levels.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::TreeMin};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = TreeMin::new().compile(&hierarchy)?;
/// let (mut loss, mut grad) = ([0.0], [0.0; 5]); // bat, mammal, dog, crow, bird
/// let logits = [5.0, -3.0, -9.0, -9.0, -9.0]; // "bat, but no mammal"
/// criterion.forward_backward(&logits, &[Label::Class(0)], &mut loss, &mut grad)?;
/// assert!(grad[1] < -1.9); // bat and mammal both pull mammal up
/// assert_eq!(grad[0], 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeMin {
    weights: Weights,
    gamma: f64,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl TreeMin {
    setters! {
        /// The weight of each node; [`Weights::Uniform`] by default.
        weights: Weights,
        /// The exponent of the focal factor on each term; 0 by default.
        gamma: f64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a path-sum weighting on a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        let gamma = options::not_negative("gamma", self.gamma)?;
        let weights = self.weights.by_node(hierarchy)?;
        let warnings = self.weights.surprise(hierarchy, &weights).into_iter().collect();
        let events = BernoulliEvents::Extremum(parent_rows(hierarchy), Positive::SmallestAbove);
        let mut rows = BernoulliRows::new("tree_min", hierarchy, events, weights);
        (rows.asked, rows.gamma) = (Asked::NotBelowLabel, gamma);
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(rows)),
            gamma,
            label_smoothing: 0.0,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::TreeMin(self.clone()), tables))
    }
}
