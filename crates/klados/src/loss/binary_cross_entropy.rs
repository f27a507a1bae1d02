//! Binary cross-entropy over nodes.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Rows, Weights, options, setters};
use crate::Hierarchy;
use crate::criterion::{
    Asked, BernoulliEvents, BernoulliRows, Criterion, CriterionError, CriterionErrorKind, Layout, Objective, Positive,
    SumsToOne, Superclasses, Tables, parent_rows, weighted_excess,
};

/// Binary cross-entropy at every node: `sum_v w_v BCE(P(v), t_v)`, for multi-label data: BCE at the classes plus BCE at
/// the superclasses.
///
/// | [form](NodeSigmoid) | logits | `P(v)` |
/// |---|---|---|
/// | `independent` | one a node | `sigma(s_v)` |
/// | `max` | one a node | `sigma` of the largest `s` at or below `v` (Giunchiglia & Lukasiewicz 2020) |
/// | `noisy_or` | one a class | `1 - prod_{k below v} (1 - sigma(z_k))`: any of its classes |
/// | `weighted` | one a class | `sum_k W_kv sigma(z_k)` for the superclasses `v` of [`map`](Self::map), and `sigma(z_k)` for each class |
///
/// A label is a set of nodes that all hold, `a;b`; those above them hold too, and all others do not. A class or node label is
/// the set of that one node; a distribution is the mean over its classes. With [`incomplete`](Self::incomplete) the nodes
/// strictly below a positive node that has no positive child are unknown and have no term. With
/// [`gamma`](Self::gamma) each term has the focal factor (Lin et al. 2017), differentiated too. In `max` a positive term
/// takes the largest `s` of the *positive* nodes at or below it, as Giunchiglia & Lukasiewicz do, so that a wrong child is
/// not rewarded for its parent. In `weighted` the target of a superclass is `sum_k W_kv y_k`.
///
/// Logits and gradients are `[batch, classes]` or `[batch, nodes but the root]`, in the order of
/// [`Hierarchy::node_columns`]. The mean divides by the number of terms that take part, as
/// `torch.nn.BCEWithLogitsLoss` does.
///
/// # When to use it
///
/// For multi-label data. `independent` is the baseline, whose children can exceed their parents; `max` cannot contradict
/// the hierarchy; `noisy_or` needs no logits for the superclasses.
///
/// # Identities
///
/// `noisy_or` of nodes with one class, and `max` on a hierarchy of one level, are plain binary cross-entropy.
///
/// # What published code does differently
///
/// It puts superclass probabilities or log-probabilities into a BCE-with-logits, clamps `log(1 - P)`, multiplies
/// `1 - sigma` in `f32` until it is 0 or 1, and counts what is below a coarse label as negative. The gradient of
/// `-log P` of a noisy-or at logits of -200 is the softmax over its classes; elsewhere it is 0 / 0.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, loss::{BinaryCrossEntropy, NodeSigmoid}};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = BinaryCrossEntropy::new().form(NodeSigmoid::NoisyOr).compile(&hierarchy)?;
/// let (mut loss, mut grad) = ([0.0], [0.0; 3]); // bat, dog, crow
/// criterion.forward_backward(&[0.0f64; 3], &[hierarchy.parse_label("bat;crow")?], &mut loss, &mut grad)?;
/// // bat, crow and bird yes at 1/2, dog no at 1/2, mammal yes at 3/4
/// assert!((loss[0] - (4.0 * 2f64.ln() + (4.0 / 3f64).ln())).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryCrossEntropy {
    form: NodeSigmoid,
    weights: Weights,
    gamma: f64,
    pos_weight: Option<PosWeight>,
    incomplete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<Rows<(String, String, f64)>>,
    normalize: bool,
    pub(super) reduction: Reduction,
}

/// The form of the probabilities in a [`BinaryCrossEntropy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeSigmoid {
    /// A sigmoid a node.
    #[default]
    Independent,
    /// Any of a node's classes.
    NoisyOr,
    /// The largest score at or below a node.
    Max,
    /// A weighted mean of classes.
    Weighted,
}

/// What the term of a positive node is multiplied with, as `pos_weight` of `torch.nn.BCEWithLogitsLoss`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PosWeight {
    /// The same for all.
    All(f64),
    /// One a term: the nodes but the root in the order of [`Hierarchy::node_columns`], or, in the form `weighted`, the
    /// superclasses of the map and then the classes.
    List(Vec<f64>),
}

impl From<f64> for PosWeight {
    fn from(weight: f64) -> Self {
        Self::All(weight)
    }
}

impl From<Vec<f64>> for PosWeight {
    fn from(weights: Vec<f64>) -> Self {
        Self::List(weights)
    }
}

impl BinaryCrossEntropy {
    setters! {
        without class_weight;
        /// How probabilities follow from logits; [`NodeSigmoid::Independent`] by default.
        form: NodeSigmoid,
        /// The weight of each node: [`Weights::Uniform`] (the default), [`Weights::Leaves`] or [`Weights::Levels`].
        weights: Weights,
        /// The exponent of the focal factor on each term; 0 by default.
        gamma: f64,
        /// Whether nodes below a positive node without positive child are unknown; not by default: they are negative.
        incomplete: bool,
        /// In the form `weighted`, whether the weights of a superclass are divided by their sum; not by default.
        normalize: bool,
    }

    /// How probabilities follow from logits, as [`form`](Self::form) set it.
    pub fn node_sigmoid(&self) -> NodeSigmoid {
        self.form
    }

    /// Whether the weights of a superclass are divided by their sum, as [`normalize`](Self::normalize) set it.
    pub(crate) fn divides_map_by_sums(&self) -> bool {
        self.normalize
    }

    /// What the term of a positive node is multiplied with; nothing by default.
    #[must_use]
    pub fn pos_weight(mut self, weight: impl Into<PosWeight>) -> Self {
        self.pos_weight = Some(weight.into());
        self
    }

    /// In the form `weighted`, the matrix `W` as rows of class, superclass, weight; a superclass's weights sum to 1.
    #[must_use]
    pub fn map<K: Into<String>, V: Into<String>>(mut self, rows: impl IntoIterator<Item = (K, V, f64)>) -> Self {
        let rows = rows.into_iter().map(|(class, above, weight)| (class.into(), above.into(), weight));
        self.map = Some(Rows::List(rows.collect()));
        self
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range or without meaning for the form, a level that is not there, an unknown class, or weights
    /// that do not sum to 1.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        let gamma = options::not_negative("gamma", self.gamma)?;
        if !matches!(self.weights, Weights::Uniform | Weights::Leaves | Weights::Levels(_)) {
            let message = "weights: binary_cross_entropy takes \"uniform\", \"leaves\" and levels; the others divide a \
                           total over a path, and several nodes of a path have terms of their own here";
            return Err(CriterionError::parameter(message));
        }
        if self.form != NodeSigmoid::Weighted && (self.map.is_some() || self.normalize) {
            let message = "map and normalize are for the form \"weighted\"";
            return Err(CriterionError::parameter(message));
        }
        let mut warnings = Vec::new();
        let (layout, events, weights) = match self.form {
            NodeSigmoid::Weighted => {
                if self.weights != Weights::Uniform {
                    let message = "weights: the terms of the form \"weighted\" have weight 1 each";
                    return Err(CriterionError::parameter(message));
                }
                let rows = self.map.as_ref().map_or(Ok(&[][..]), |rows| rows.read("map"))?;
                let superclasses = Superclasses::new(rows, hierarchy, SumsToOne::Superclasses, self.normalize)?;
                if superclasses.names.is_empty() {
                    warnings.push("map: there are no superclasses, so this is BCE over the classes".to_owned());
                }
                let weights = vec![1.0; superclasses.names.len() + hierarchy.class_count()];
                let excess = weighted_excess(&superclasses, self.normalize);
                (Layout::Classes, BernoulliEvents::Weighted { superclasses, excess }, weights)
            }
            form => {
                let weights = self.weights.by_node(hierarchy)?;
                warnings.extend(self.weights.surprise(hierarchy, &weights));
                match form {
                    NodeSigmoid::NoisyOr => (Layout::Classes, BernoulliEvents::noisy_or(hierarchy, &weights), weights),
                    NodeSigmoid::Max => {
                        let events = BernoulliEvents::Extremum(parent_rows(hierarchy), Positive::LargestPositiveBelow);
                        (Layout::Nodes, events, weights)
                    }
                    _ => (Layout::Nodes, BernoulliEvents::Independent, weights),
                }
            }
        };
        let mut rows = BernoulliRows::new("binary_cross_entropy", hierarchy, events, weights);
        rows.asked = Asked::All { incomplete: self.incomplete };
        (rows.gamma, rows.counts_terms) = (gamma, true);
        self.fill_pos_weight(hierarchy, &mut rows.pos_weight)?;
        let tables = Tables {
            layout,
            objective: Objective::Rows(Box::new(rows)),
            gamma,
            label_smoothing: 0.0,
            class_weight: None,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::BinaryCrossEntropy(self.clone()), tables))
    }

    fn fill_pos_weight(&self, hierarchy: &Hierarchy, by_event: &mut [f64]) -> Result<(), CriterionError> {
        match &self.pos_weight {
            None => {}
            Some(PosWeight::All(weight)) => by_event.fill(options::not_negative("pos_weight", *weight)?),
            Some(PosWeight::List(list)) => {
                for weight in list {
                    options::not_negative("pos_weight", *weight)?;
                }
                let (count, what) = match self.form {
                    NodeSigmoid::Weighted => (by_event.len(), "superclasses and classes"),
                    _ => (by_event.len() - 1, "nodes but the root"),
                };
                if list.len() != count {
                    let message = format!("pos_weight has {} entries, expected {count} ({what})", list.len());
                    return Err(CriterionError::new(CriterionErrorKind::Mismatch, message));
                }
                match self.form {
                    NodeSigmoid::Weighted => by_event.copy_from_slice(list),
                    _ => {
                        for (node, weight) in hierarchy.node_columns().iter().zip(list) {
                            by_event[node.index()] = *weight;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
