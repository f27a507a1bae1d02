//! Hierarchical cross-entropy (HXE).

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, options, setters};
use crate::criterion::{Criterion, CriterionError, Layout, Objective, Tables, UnionLambda, needs_tree};
use crate::numeric::scalar;
use crate::{Hierarchy, NodeId};

/// Hierarchical cross-entropy, HXE (Bertinetto et al. 2020), on a class softmax over a tree:
/// `-sum_u lambda_u log P(u | parent(u))` over the nodes `u` at or above the label.
///
/// The weights `lambda` fall with the depth, so mistakes that a level decides early cost more. An internal label ends
/// the sum there; of a union the sum goes to the lowest common ancestor and ends with `-lambda log P(S | lca)`.
///
/// # Identities
///
/// `alpha = 0` with [`HxeWeighting::Depth`] is plain cross-entropy. It is
/// [`MarginalCrossEntropy`](super::MarginalCrossEntropy) with `w_u = lambda_u - lambda_child(u on the path)`.
///
/// # Which published number goes with which convention
///
/// Published code has several conventions for the weights by this name, and a number belongs to one of them:
/// [`HxeWeighting::Height`] is the words of the paper, [`HxeWeighting::DepthNormalized`] its authors' code.
/// [`HxeWeighting::Depth`] has weight 1 at the top, so that `alpha = 0` is plain cross-entropy.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::HierarchicalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let criterion = HierarchicalCrossEntropy::new().alpha(0.0).compile(&hierarchy)?;
/// let mut loss = [0.0];
/// criterion.forward(&[0.0, 0.0, 0.0, 0.0], &[Label::Class(2)], &mut loss)?;
/// assert!((loss[0] - 4f64.ln()).abs() < 1e-15); // cross-entropy over four equal classes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HierarchicalCrossEntropy {
    alpha: f64,
    weighting: HxeWeighting,
    label_smoothing: f64,
    gamma: f64,
    pub(super) class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

/// The convention for the weights `lambda` of [`HierarchicalCrossEntropy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HxeWeighting {
    /// `exp(-alpha (depth(u) - 1))`: 1 at the top.
    #[default]
    Depth,
    /// `exp(-alpha depth(u))` over its sum over all nodes, the root included.
    DepthNormalized,
    /// `exp(-alpha height(u))`. It grows towards the classes, so as a marginal loss the inner nodes have negative weights
    /// and a mistake high up costs less than one low down; `compile` warns of it.
    Height,
}

impl HxeWeighting {
    /// The weight of each node and of the last term of a union, and what is surprising about them.
    pub(super) fn by_node(self, alpha: f64, hierarchy: &Hierarchy) -> (Vec<f64>, UnionLambda, Vec<String>) {
        let deepest = hierarchy.height(NodeId::ROOT);
        let mut warnings = Vec::new();
        let (lambda, union) = match self {
            Self::Depth | Self::DepthNormalized => {
                let (origin, total) = match self {
                    Self::Depth => (1.0, 1.0),
                    _ => (0.0, hierarchy.nodes().map(|v| scalar::exp(-alpha * hierarchy.depth(v) as f64)).sum()),
                };
                let by_depth: Vec<f64> =
                    (0..=deepest + 1).map(|depth| scalar::exp(-alpha * (depth as f64 - origin)) / total).collect();
                let lambda = hierarchy.nodes().map(|node| by_depth[hierarchy.depth(node)]).collect();
                (lambda, UnionLambda::Depth(by_depth))
            }
            Self::Height => {
                if alpha > 0.0 && deepest > 1 {
                    warnings.push(
                        "weighting \"height\" gives inner nodes negative weights in the marginal form: a mistake high \
                         up costs less than one low down; \"depth\" is the convention that does what its name says"
                            .to_owned(),
                    );
                }
                let by_height: Vec<f64> = (0..=deepest).map(|height| scalar::exp(-alpha * height as f64)).collect();
                let lambda = hierarchy.nodes().map(|node| by_height[hierarchy.height(node)]).collect();
                (lambda, UnionLambda::Height(by_height))
            }
        };
        (lambda, union, warnings)
    }
}

impl Default for HierarchicalCrossEntropy {
    fn default() -> Self {
        Self {
            alpha: 0.1,
            weighting: HxeWeighting::default(),
            label_smoothing: 0.0,
            gamma: 0.0,
            class_weight: None,
            reduction: Reduction::default(),
        }
    }
}

impl HierarchicalCrossEntropy {
    setters! {
        /// How fast the weights fall, from 0; 0.1 by default.
        alpha: f64,
        /// The convention for the weights; [`HxeWeighting::Depth`] by default.
        weighting: HxeWeighting,
        /// The share of the target that is spread over all classes, in `[0, 1]`; 0 by default.
        label_smoothing: f64,
        /// The exponent of the focal factor `(1 - P(u | parent))^gamma` on each term; 0 by default.
        gamma: f64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("hierarchical_cross_entropy", hierarchy)?;
        let (lambda, union, warnings) = self.weighting.by_node(options::not_negative("alpha", self.alpha)?, hierarchy);
        let tables = Tables {
            layout: Layout::Classes,
            objective: Objective::Conditional { lambda, union },
            gamma: options::not_negative("gamma", self.gamma)?,
            label_smoothing: options::label_smoothing(self.label_smoothing)?,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::HierarchicalCrossEntropy(self.clone()), tables))
    }
}
