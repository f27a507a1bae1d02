//! Sibling-softmax cross-entropy.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, HxeWeighting, Loss, Reduction, Rows, options, setters};
use crate::Hierarchy;
use crate::criterion::{
    Criterion, CriterionError, CriterionErrorKind, Grouping, Layout, Objective, PathSum, Tables, needs_tree, parents,
};
use crate::hierarchy::error::list;
use crate::numeric::scalar;

/// Sibling-softmax cross-entropy (WordTree; Redmon & Farhadi 2017), trees, from one logit a node:
/// `-sum_u lambda_u log P(u | parent(u))` over the nodes `u` at or above the label, where
/// `P(u | parent) = e^{s_u} / sum_{w sibling of u, or u} e^{s_w}`. Logits and gradients are `[batch, nodes but the root]`,
/// in the order of [`Hierarchy::node_columns`].
///
/// An internal label ends the sum there: the groups below it get no gradient. Of a union the sum goes to the lowest
/// common ancestor and ends with `-lambda log P(S | lca)`. The weights `lambda` are those of
/// [`HierarchicalCrossEntropy`](super::HierarchicalCrossEntropy); with the default `alpha = 0` the loss is `-log P(y)`.
/// An only child has conditional probability 1.
///
/// With `tau` the logits are adjusted to the frequencies of the nodes (Plaud et al. 2024, after Menon et al. 2021):
/// `s_u + tau log nu(u | parent)`, `nu` a node's share of its siblings' counts. Subtract nothing at test time: that is
/// what makes rare nodes count.
///
/// # When to use it
///
/// When labels stop at any depth, and when each step down is a decision of its own. Only the sibling groups on the path
/// are read, so a row costs less than a softmax over the classes.
///
/// # Identities
///
/// On a hierarchy of one level it is cross-entropy.
///
/// # What published code does differently
///
/// Reimplementations multiply the probabilities and take `log(p + eps)`, which loses the gradient of confident mistakes
/// (Darknet's own takes the gradient exactly). Published implementations of HXE differ in the weights: see
/// [`HxeWeighting`].
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::SiblingSoftmax};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = SiblingSoftmax::new().compile(&hierarchy)?;
/// let (mut loss, mut grad) = ([0.0], [0.0; 5]); // bat, mammal, dog, crow, bird
/// criterion.forward_backward(&[0.0f64; 5], &[hierarchy.parse_label("mammal")?], &mut loss, &mut grad)?;
/// assert!((loss[0] - 2f64.ln()).abs() < 1e-15); // mammal or bird; what kind of mammal is not asked
/// assert_eq!(grad, [0.0, -0.5, 0.0, 0.0, 0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiblingSoftmax {
    alpha: f64,
    weighting: HxeWeighting,
    tau: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequencies: Option<Rows<(String, f64)>>,
    label_smoothing: f64,
    gamma: f64,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl SiblingSoftmax {
    setters! {
        /// How fast the weights fall with the depth, from 0; 0 by default: all steps count 1.
        alpha: f64,
        /// The convention for the weights; [`HxeWeighting::Depth`] by default.
        weighting: HxeWeighting,
        /// The strength of the logit adjustment; 0 by default: none.
        tau: f64,
        /// The share of the target that is spread over all classes, in `[0, 1]`; 0 by default.
        label_smoothing: f64,
        /// The exponent of the focal factor `(1 - P(u | parent))^gamma` on each term; 0 by default.
        gamma: f64,
    }

    /// The counts of the nodes, for the logit adjustment: of every node that has a sibling, above 0.
    #[must_use]
    pub fn frequencies(mut self, counts: impl Into<Rows<(String, f64)>>) -> Self {
        self.frequencies = Some(counts.into());
        self
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a DAG, counts that are missing, 0 or of unknown nodes.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("sibling_softmax", hierarchy)?;
        let gamma = options::not_negative("gamma", self.gamma)?;
        let (lambda, union, warnings) = self.weighting.by_node(options::not_negative("alpha", self.alpha)?, hierarchy);
        let grouping = Grouping {
            of_node: parents(hierarchy),
            count: hierarchy.node_count(),
            log_prior: self.log_prior(hierarchy)?,
            union: Some(union),
        };
        let rows = PathSum::new("sibling_softmax", hierarchy, lambda, gamma, grouping);
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(rows)),
            gamma,
            label_smoothing: options::label_smoothing(self.label_smoothing)?,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::SiblingSoftmax(self.clone()), tables))
    }

    /// `tau log nu(u | parent)` by node; `None` where `tau` is 0.
    fn log_prior(&self, hierarchy: &Hierarchy) -> Result<Option<Vec<f64>>, CriterionError> {
        if !self.tau.is_finite() {
            return Err(CriterionError::parameter(format!("tau is {}, expected a finite number", self.tau)));
        }
        let Some(rows) = &self.frequencies else {
            return match self.tau == 0.0 {
                true => Ok(None),
                false => Err(CriterionError::parameter("tau adjusts the logits to frequencies, which are not given")),
            };
        };
        let mut counts = vec![None; hierarchy.node_count()];
        for (name, count) in rows.read("frequencies")? {
            let node = hierarchy.node(name).map_err(|error| {
                CriterionError::new(CriterionErrorKind::Mismatch, format!("frequencies: {}", error.message()))
            })?;
            if !(*count >= 0.0 && count.is_finite()) {
                let message = format!("frequencies: the count of \"{name}\" is {count}, expected a number from 0 up");
                return Err(CriterionError::parameter(message));
            }
            if counts[node.index()].replace(*count).is_some() {
                return Err(CriterionError::parameter(format!("frequencies: \"{name}\" has a count already")));
            }
        }
        if self.tau == 0.0 {
            return Ok(None);
        }
        let mut logs = vec![0.0; hierarchy.node_count()];
        let mut missing = Vec::new();
        for parent in hierarchy.nodes() {
            let children = hierarchy.children(parent);
            if children.len() < 2 {
                continue; // certain, whatever its count
            }
            let total: f64 = children.iter().map(|child| counts[child.index()].unwrap_or(0.0)).sum();
            for child in children {
                match counts[child.index()] {
                    Some(count) if count > 0.0 => logs[child.index()] = self.tau * scalar::ln(count / total),
                    _ => missing.push(hierarchy.name(*child)),
                }
            }
        }
        match missing.is_empty() {
            true => Ok(Some(logs)),
            false => {
                let nodes = list(&missing, 20);
                let message = format!("frequencies: the logarithm of a count of 0; without count are {nodes}");
                Err(CriterionError::parameter(message))
            }
        }
    }
}
