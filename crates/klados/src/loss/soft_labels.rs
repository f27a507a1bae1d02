//! Soft labels.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, options, setters};
use crate::criterion::{Criterion, CriterionError, Layout, Objective, Tables};
use crate::numeric::scalar;
use crate::{Hierarchy, NodeId};

/// Soft labels (Bertinetto et al. 2020): cross-entropy with the target `q_k` proportional to `exp(-beta d(y, k))`, where
/// `d` is the height of the lowest common ancestor of the label and class `k` over the height of the root.
///
/// Classes near the label share its probability; the larger `beta`, the less. An internal label `y` is allowed: the
/// classes below it have the distance `height(y) / H`. A union or a distribution is an error. No classes x classes matrix
/// is made: the target is constant on the classes between one ancestor of the label and the next.
///
/// # Identities
///
/// For `beta` to infinity it is plain cross-entropy; at `beta = 0` the target is uniform.
///
/// # What published code does differently
///
/// The authors' code holds a classes x classes matrix and has no internal labels.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::SoftLabels};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let criterion = SoftLabels::new().beta(4.0).compile(&hierarchy)?;
/// let (mut loss, mut grad) = ([0.0], [0.0; 4]);
/// criterion.forward_backward(&[0.0f64; 4], &[Label::Class(0)], &mut loss, &mut grad)?;
/// assert!(grad[0] < grad[1] && grad[1] < grad[2]); // pulled up: the label most, then its sibling
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftLabels {
    beta: f64,
    gamma: f64,
    pub(super) class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl Default for SoftLabels {
    fn default() -> Self {
        Self { beta: 10.0, gamma: 0.0, class_weight: None, reduction: Reduction::default() }
    }
}

impl SoftLabels {
    setters! {
        /// How sharply the target falls with the distance, from 0; 10 by default.
        beta: f64,
        /// The exponent of the focal factor `(1 - p_k)^gamma` on each class's term; 0 by default.
        gamma: f64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        let beta = options::not_negative("beta", self.beta)?;
        let top = hierarchy.height(NodeId::ROOT);
        let by_height = (0..=top).map(|height| scalar::exp(-beta * height as f64 / top as f64)).collect();
        let tables = Tables {
            layout: Layout::Classes,
            objective: Objective::SoftLabels { by_height },
            gamma: options::not_negative("gamma", self.gamma)?,
            label_smoothing: 0.0,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings: Vec::new(),
        };
        Ok(Criterion::new(hierarchy, Loss::SoftLabels(self.clone()), tables))
    }
}
