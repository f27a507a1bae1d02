//! Descendant softmax.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, DescendantRows, Layout, Objective, Tables, needs_tree};

/// Descendant softmax (Valmadre 2022), trees, from one logit a node:
/// `sum_a (-s_a + log(e^{s_a} + sum_b sum_{c sibling of b} e^{E_c}))` over the nodes `a` at or above the label and, for each,
/// the nodes `b` at or above `a`, with `E_c = logsumexp` of the scores at and below `c`. Logits and gradients are
/// `[batch, nodes but the root]`, in the order of [`Hierarchy::node_columns`].
///
/// Each node on the path stands against everything that branches off the path above it, and not against its own
/// ancestors and descendants: so a node's score is that of its subtree being right, at whatever depth one stops.
///
/// # When to use it
///
/// When answers at several depths are wanted from one model, and labels stop at any depth: an internal label has the
/// terms down to itself. It takes classes, nodes and distributions.
///
/// # Identities
///
/// On a hierarchy of one level it is cross-entropy.
///
/// # What published code does differently
///
/// The plain `sum_a (E_root - s_a)` that also circulates is another loss: it sets a node against its own ancestors.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::DescendantSoftmax};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = DescendantSoftmax::new().compile(&hierarchy)?;
/// let mut loss = [0.0];
/// criterion.forward(&[0.0; 5], &[Label::Class(0)], &mut loss)?; // bat, mammal, dog, crow, bird
/// // mammal against bird and crow; bat against dog, bird and crow
/// assert!((loss[0] - (3f64.ln() + 4f64.ln())).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DescendantSoftmax {
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl DescendantSoftmax {
    setters! {}

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("descendant_softmax", hierarchy)?;
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(DescendantRows::new(hierarchy))),
            gamma: 0.0,
            label_smoothing: 0.0,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings: Vec::new(),
        };
        Ok(Criterion::new(hierarchy, Loss::DescendantSoftmax(self.clone()), tables))
    }
}
