//! Random cut.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, CutRows, Layout, Objective, Tables, needs_tree};

/// Random cut (Wu et al. 2020), trees, from one logit a node: cross-entropy of a softmax over a cut of the tree that is drawn
/// anew for each sample. Logits and gradients are `[batch, nodes but the root]`, in the order of
/// [`Hierarchy::node_columns`].
///
/// Each internal node is closed with probability `p`; the cut is the topmost closed nodes and the leaves not below one, and
/// the target is the one at or above the label. So a model learns to answer at every depth. The draw is a hash of the
/// seed, the step of training, the row in the batch and the node, so it does not depend on threads: give the step with
/// [`Criterion::at_step`], or every step draws the same cuts, and each of several workers a seed of its own.
///
/// # When to use it
///
/// When a model has to be right at the depth at which it stops, and labels are classes. Takes classes and distributions.
///
/// # Identities
///
/// With `p = 0` it is cross-entropy over the leaves.
///
/// # What published code does differently
///
/// The authors sum a node's score over its ancestors first; that is a choice of the model, not of the loss, and is left to
/// it here.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::RandomCut};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = RandomCut::new().p(1.0).compile(&hierarchy)?;
/// let mut loss = [0.0];
/// criterion.forward(&[0.0; 5], &[Label::Class(0)], &mut loss)?;
/// assert!((loss[0] - 2f64.ln()).abs() < 1e-15); // all closed: mammal or bird
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCut {
    p: f64,
    seed: u64,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl Default for RandomCut {
    fn default() -> Self {
        Self { p: 0.1, seed: 0, class_weight: None, reduction: Reduction::default() }
    }
}

impl RandomCut {
    setters! {
        /// The probability that an internal node is closed, in `[0, 1]`; 0.1 by default.
        p: f64,
        /// The seed of the draws; 0 by default.
        seed: u64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, or a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("random_cut", hierarchy)?;
        if !(0.0..=1.0).contains(&self.p) {
            return Err(CriterionError::parameter(format!("p is {}, expected a probability", self.p)));
        }
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(CutRows::new(hierarchy, self.p, self.seed))),
            gamma: 0.0,
            label_smoothing: 0.0,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings: Vec::new(),
        };
        Ok(Criterion::new(hierarchy, Loss::RandomCut(self.clone()), tables))
    }
}
