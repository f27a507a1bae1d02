//! The golden suite: one file a loss, the same cases for every engine.
//!
//! A file is `{"generator", "seed", "cases": [...]}`. A case is
//!
//! | key | value |
//! |---|---|
//! | `name` | unique in the file |
//! | `scale` | `"ordinary"` or `"extreme"`, see [`Scale`] |
//! | `hierarchy` | `edges` as `[child, parent]`, `classes` in column order, `ranks` of nodes where there are any |
//! | `loss` | the loss under its name, as `config.md` spells it |
//! | `logits` | `[batch][columns]`, each exactly representable in `f32` |
//! | `labels` | see below |
//! | `losses` | the unreduced loss of each row |
//! | `grads` | the gradient of each row's loss |
//! | `magnitude` | for each row the largest summand that enters any entry of its gradient; errors are measured against it |
//! | `mean` | the losses reduced by `mean` |
//!
//! The columns are the classes, or for a loss with a logit a node the nodes but the root in the order of first appearance
//! in `edges`, the leaves of internal classes last, in the order of the classes.
//!
//! A label is a string (node, `=class`, `a|b`, `a;b`, path, empty for ignored), `{"class": k}`, `{"soft": [...]}`, or
//! `{"set": [...], "masked": [...]}` with names as in strings.
//!
//! The loss's parameters are as `config.md` spells them; where that takes a file, its rows: `map` is
//! `[[class, superclass, weight], ...]`, `frequencies` is `[[node, count], ...]`. A random cut is drawn for step 0 and the
//! row's number in its batch.
//!
//! # Magnitudes
//!
//! The summands of a gradient entry are what each printed term contributes to it, all of it taken together: for
//! `-w log P(set | given)` that is `w p_k` outside of the set and `w (1 - P) p_k / P` inside. Terms that are the same but
//! for the weight, as those of several classes of a distribution, are one term; the logarithm of 1 is none. Two cases have
//! two summands a term and entry, since what they are the difference of is computed apart:
//!
//! - where a softmax loss has a distribution for a target (a soft label, smoothing, `soft_labels`): by `log P(set)` and by
//!   `log P(given)`, for `softmax_margin` by `-s_y` and by the log-sum-exp or the maximum; the union in `sibling_softmax`
//!   keeps one;
//! - a superclass with weights in `weighted_cross_entropy`: `w p_k W_kv (1 - P) / P` and `w p_k (1 - W_kv)`.
//!
//! # Numbers
//!
//! Numbers that are not finite are the strings `"nan"`, `"inf"` and `"-inf"`. Losses, gradients and magnitudes are
//! correctly rounded from 1280 bits, and 0 where they are below what `f64` holds.

mod check;
mod number;
mod run;

pub use check::Precision;
pub use run::{Output, Summary, run};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::hierarchy::{Hierarchy, HierarchySpec};
use crate::label::LabelSpec;
use crate::loss::Loss;

/// The losses that have a golden file, by the stem of its name.
pub const FILES: [&str; 13] = [
    "marginal_cross_entropy",
    "hierarchical_cross_entropy",
    "soft_labels",
    "weighted_cross_entropy",
    "levelwise_softmax",
    "sibling_softmax",
    "parameter_sharing_softmax",
    "conditional_sigmoid",
    "binary_cross_entropy",
    "tree_min",
    "descendant_softmax",
    "softmax_margin",
    "random_cut",
];

/// One golden file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// What wrote it.
    pub generator: String,
    /// The seed of its random numbers.
    pub seed: u64,
    /// The cases.
    pub cases: Vec<Case>,
}

/// A batch with its expected losses and gradients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A name that is unique in its file.
    pub name: String,
    /// What the case asks of an engine's arithmetic.
    pub scale: Scale,
    /// The hierarchy.
    pub hierarchy: HierarchySpec,
    /// The loss with its parameters.
    pub loss: Loss,
    /// `[batch][columns]`.
    #[serde(with = "number::rows")]
    pub logits: Vec<Vec<f64>>,
    /// `[batch]`.
    pub labels: Vec<LabelSpec>,
    /// `[batch]`, unreduced.
    #[serde(with = "number::row")]
    pub losses: Vec<f64>,
    /// `[batch][columns]`, row by row the gradient of that row's loss.
    #[serde(with = "number::rows")]
    pub grads: Vec<Vec<f64>>,
    /// `[batch]`.
    #[serde(with = "number::row")]
    pub magnitude: Vec<f64>,
    /// The losses reduced by `mean`.
    #[serde(with = "number::one")]
    pub mean: f64,
}

/// What a case asks of an engine's arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Finite logits of ordinary size: a plain log-softmax in `f32` is good to about `1e-5`.
    Ordinary,
    /// Probabilities that underflow or round to 1, masked classes, rows that are not finite.
    Extreme,
}

impl Case {
    /// The number of rows.
    pub fn batch(&self) -> usize {
        self.logits.len()
    }

    /// The number of columns of the logits.
    ///
    /// # Panics
    ///
    /// The hierarchy is not valid.
    pub fn columns(&self) -> usize {
        self.column_names().len()
    }

    /// The names of the columns: the classes, or for a loss with a logit a node the nodes but the root.
    ///
    /// # Panics
    ///
    /// The hierarchy is not valid.
    pub fn column_names(&self) -> Vec<String> {
        if !self.loss.has_node_columns() {
            return self.hierarchy.classes.clone();
        }
        match Hierarchy::build(&self.hierarchy) {
            Ok(hierarchy) => hierarchy.column_names(),
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// The logits row after row.
    pub fn flat_logits(&self) -> Vec<f64> {
        self.logits.concat()
    }
}

/// Where the golden files are.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/golden")
}

/// Reads the golden file of a loss.
///
/// # Errors
///
/// The file is not there or is not in the format; the message names it.
pub fn load(stem: &str) -> Result<Golden, String> {
    let path = directory().join(format!("{stem}.json"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads all golden files, in the order of [`FILES`].
///
/// # Errors
///
/// As [`load`].
pub fn load_all() -> Result<Vec<Golden>, String> {
    FILES.iter().map(|stem| load(stem)).collect()
}
