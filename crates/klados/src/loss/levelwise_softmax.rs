//! Level-wise softmax.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Weights, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, Grouping, Layout, Objective, PathSum, Tables, needs_tree};

/// Level-wise softmax, trees, from one logit a node: at each level where the label's path has a node, cross-entropy over
/// the nodes of that level, `-sum_u w_u log softmax_{level(u)}(s)_u` over the nodes `u` at or above the label. Logits and
/// gradients are `[batch, nodes but the root]`, in the order of [`Hierarchy::node_columns`].
///
/// This is the classifier with a head for each level that most hand-written code has. A level is a rank where the input
/// names ranks, else the depth; nodes without a rank are by depth. An internal label ends the sum.
///
/// # When to use it
///
/// As a baseline. Its levels know nothing of each other: the probability of a species can exceed that of its genus, and
/// a coarse prediction is not the sum of the fine ones. [`MarginalCrossEntropy`](super::MarginalCrossEntropy) and
/// [`SiblingSoftmax`](super::SiblingSoftmax) are consistent.
///
/// # Identities
///
/// On a hierarchy of one level it is cross-entropy.
///
/// # What published code does differently
///
/// One linear layer and one loss a level, in a loop; ragged hierarchies are padded with copies of the leaves, which then
/// are classes of their own.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::LevelwiseSoftmax};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = LevelwiseSoftmax::new().compile(&hierarchy)?;
/// let mut loss = [0.0];
/// criterion.forward(&[0.0; 5], &[Label::Class(0)], &mut loss)?;
/// assert!((loss[0] - (3f64.ln() + 2f64.ln())).abs() < 1e-15); // one of three, and one of two
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LevelwiseSoftmax {
    weights: Weights,
    label_smoothing: f64,
    gamma: f64,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl LevelwiseSoftmax {
    setters! {
        /// The weight of each node; [`Weights::Uniform`] by default.
        weights: Weights,
        /// The share of the target that is spread over all classes, in `[0, 1]`; 0 by default.
        label_smoothing: f64,
        /// The exponent of the focal factor `(1 - P)^gamma` on each term; 0 by default.
        gamma: f64,
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, a level that is not there, or a DAG.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        needs_tree("levelwise_softmax", hierarchy)?;
        let gamma = options::not_negative("gamma", self.gamma)?;
        let weights = self.weights.by_node(hierarchy)?;
        let warnings = self.weights.surprise(hierarchy, &weights).into_iter().collect();
        let mut levels = HashMap::new();
        let mut level = vec![0; hierarchy.node_count()];
        for node in hierarchy.nodes().skip(1) {
            let key = match hierarchy.rank(node) {
                Some(rank) => (Some(rank), 0),
                None => (None, hierarchy.depth(node)),
            };
            let next = levels.len() as u32;
            level[node.index()] = *levels.entry(key).or_insert(next);
        }
        let grouping = Grouping { of_node: level, count: levels.len(), log_prior: None, union: None };
        let rows = PathSum::new("levelwise_softmax", hierarchy, weights, gamma, grouping);
        let tables = Tables {
            layout: Layout::Nodes,
            objective: Objective::Rows(Box::new(rows)),
            gamma,
            label_smoothing: options::label_smoothing(self.label_smoothing)?,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::LevelwiseSoftmax(self.clone()), tables))
    }
}
