//! Soft-max-margin.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, Layout, MarginRows, Objective, Tables, needs_tree};

/// Soft-max-margin (Valmadre 2022), trees, from one logit a node: `-s_y + logsumexp_v (s_v + tau m(y, v))` over all nodes
/// `v`, and the root with score 0, where `m` is the number of edges between `y` and `v`. Logits and gradients are
/// `[batch, nodes but the root]`, in the order of [`Hierarchy::node_columns`].
///
/// The structured hinge loss made soft: a node has to be beaten by the more, the farther it is from the label. With
/// `hard` it is the hinge loss itself, `max_v (s_v + tau m(y, v)) - s_y`, which is 0 once every margin is kept.
///
/// # When to use it
///
/// When answers at several depths are wanted from one model: in Valmadre's comparison over all operating points it was
/// the loss that beat the flat softmax. Any node may be the label, the root too.
///
/// # Identities
///
/// With `tau = 0` it is cross-entropy over the softmax of all nodes and the root.
///
/// # What published code does differently
///
/// It holds the nodes x nodes matrix of distances; here they are found in one walk for each label.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::SoftmaxMargin};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = SoftmaxMargin::new().tau(0.0).compile(&hierarchy)?;
/// let mut loss = [0.0];
/// criterion.forward(&[0.0; 5], &[Label::Class(0)], &mut loss)?;
/// assert!((loss[0] - 6f64.ln()).abs() < 1e-15); // five nodes and the root, all equal
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftmaxMargin {
    tau: f64,
    margin: Margin,
    hard: bool,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

/// What the margin of a [`SoftmaxMargin`] grows with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Margin {
    /// The number of edges between the label and the node.
    #[default]
    PathLength,
}

impl Default for SoftmaxMargin {
    fn default() -> Self {
        Self { tau: 1.0, margin: Margin::default(), hard: false, class_weight: None, reduction: Reduction::default() }
    }
}

impl SoftmaxMargin {
    setters! {
        /// The margin an edge, from 0; 1 by default.
        tau: f64,
        /// What the margin grows with; [`Margin::PathLength`] by default.
        margin: Margin,
        /// Whether the maximum is taken in place of the log-sum-exp; not by default.
        hard: bool,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("softmax_margin", hierarchy)?;
        let tau = options::not_negative("tau", self.tau)?;
        let Margin::PathLength = self.margin;
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(MarginRows::new(hierarchy, tau, self.hard))),
            gamma: 0.0,
            label_smoothing: 0.0,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings: Vec::new(),
        };
        Ok(Criterion::new(hierarchy, Loss::SoftmaxMargin(self.clone()), tables))
    }
}
