//! Weighted cross-entropy: superclasses by a sparse matrix of weights.

use serde::{Deserialize, Serialize};

use super::{ClassWeight, Loss, Reduction, Rows, options, setters};
use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, Layout, Objective, SumsToOne, Superclasses, Tables, WeightedRows};

/// Cross-entropy at the classes and at superclasses that classes belong to by weights: with a class label `y`,
/// `leaf_weight` times `-log p_y` plus `superclass_weight` times `-sum_v W_yv log P(v)`, where
/// `log P(v) = logsumexp_k (log W_kv + z_k) - logsumexp_k z_k`. Logits and gradients are `[batch, classes]`.
///
/// `W` is sparse, from 0 up, and each class's weights sum to 1 (or are divided, with
/// [`normalize`](Self::normalize)), so the superclasses are a distribution too. A label that is a superclass has the term
/// `superclass_weight` times `-log P(v)` and none at the classes. The superclasses need not be nodes of the hierarchy.
///
/// # When to use it
///
/// When membership is a matter of degree (a word in two topics, a product on two shelves), or when the superclasses are
/// not a hierarchy. Where every weight is 0 or 1 and the superclasses are nodes,
/// [`MarginalCrossEntropy`](super::MarginalCrossEntropy) says the same and is faster.
///
/// # Identities
///
/// With a `W` of zeros and ones over the top nodes of a two-level tree it is the marginal form; without a map it is
/// cross-entropy.
///
/// # What published code does differently
///
/// It multiplies a softmax with a dense matrix and takes `log(p + eps)`, or multiplies the logits, which is another loss.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::WeightedCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "crow"), ("animal", "dog")])?;
/// let map = [("bat", "flies", 0.5), ("bat", "furry", 0.5), ("crow", "flies", 1.0), ("dog", "furry", 1.0)];
/// let criterion = WeightedCrossEntropy::new().map(map).compile(&hierarchy)?;
/// let mut loss = [0.0; 2];
/// let labels = [Label::Class(1), criterion.parse_label("furry")?];
/// criterion.forward(&[0.0; 6], &labels, &mut loss)?;
/// assert!((loss[0] - (3f64.ln() + 2f64.ln())).abs() < 1e-15); // one of three classes, one of two superclasses
/// assert!((loss[1] - 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightedCrossEntropy {
    map: Rows<(String, String, f64)>,
    normalize: bool,
    leaf_weight: f64,
    superclass_weight: f64,
    label_smoothing: f64,
    gamma: f64,
    class_weight: Option<ClassWeight>,
    pub(super) reduction: Reduction,
}

impl Default for WeightedCrossEntropy {
    fn default() -> Self {
        Self {
            map: Rows::default(),
            normalize: false,
            leaf_weight: 1.0,
            superclass_weight: 1.0,
            label_smoothing: 0.0,
            gamma: 0.0,
            class_weight: None,
            reduction: Reduction::default(),
        }
    }
}

impl WeightedCrossEntropy {
    setters! {
        /// Whether the weights of a class are divided by their sum; not by default.
        normalize: bool,
        /// The weight of the term of the class; 1 by default.
        leaf_weight: f64,
        /// The weight of the terms of the superclasses; 1 by default.
        superclass_weight: f64,
        /// The share of the target that is spread over all classes, in `[0, 1]`; 0 by default.
        label_smoothing: f64,
        /// The exponent of the focal factor `(1 - P)^gamma` on each term; 0 by default.
        gamma: f64,
    }

    /// The matrix `W` as rows of class, superclass, weight; no superclasses by default.
    #[must_use]
    pub fn map<K: Into<String>, V: Into<String>>(mut self, rows: impl IntoIterator<Item = (K, V, f64)>) -> Self {
        self.map = Rows::List(rows.into_iter().map(|(class, above, w)| (class.into(), above.into(), w)).collect());
        self
    }

    /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
    ///
    /// # Errors
    ///
    /// A parameter out of range, an unknown class, or weights that do not sum to 1.
    pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
        let gamma = options::not_negative("gamma", self.gamma)?;
        let rows = self.map.read("map")?;
        let rows = WeightedRows {
            superclasses: Superclasses::new(rows, hierarchy, SumsToOne::Classes, self.normalize)?,
            leaf_weight: options::not_negative("leaf_weight", self.leaf_weight)?,
            superclass_weight: options::not_negative("superclass_weight", self.superclass_weight)?,
            gamma,
        };
        let mut warnings = Vec::new();
        if rows.superclasses.names.is_empty() {
            warnings.push("map: there are no superclasses, so this is plain cross-entropy".to_owned());
        }
        let tables = Tables {
            layout: Layout::Classes,
            objective: Objective::Rows(Box::new(rows)),
            gamma,
            label_smoothing: options::label_smoothing(self.label_smoothing)?,
            class_weight: options::class_weight(self.class_weight.as_ref(), hierarchy)?,
            warnings,
        };
        Ok(Criterion::new(hierarchy, Loss::WeightedCrossEntropy(self.clone()), tables))
    }
}
