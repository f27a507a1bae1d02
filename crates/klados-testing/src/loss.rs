//! The losses and their parameters, under the names that `klados` gives them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A loss with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The superclass loss.
    MarginalCrossEntropy(MarginalCrossEntropy),
    /// HXE.
    HierarchicalCrossEntropy(HierarchicalCrossEntropy),
    /// Soft labels.
    SoftLabels(SoftLabels),
}

impl Loss {
    /// `label_smoothing`; 0 where the loss does not take it.
    pub fn label_smoothing(&self) -> f64 {
        match self {
            Self::MarginalCrossEntropy(loss) => loss.label_smoothing,
            Self::HierarchicalCrossEntropy(loss) => loss.label_smoothing,
            Self::SoftLabels(_) => 0.0,
        }
    }

    /// `gamma`.
    pub fn gamma(&self) -> f64 {
        match self {
            Self::MarginalCrossEntropy(loss) => loss.gamma,
            Self::HierarchicalCrossEntropy(loss) => loss.gamma,
            Self::SoftLabels(loss) => loss.gamma,
        }
    }

    /// `class_weight`.
    pub fn class_weight(&self) -> Option<&[f64]> {
        match self {
            Self::MarginalCrossEntropy(loss) => loss.class_weight.as_deref(),
            Self::HierarchicalCrossEntropy(loss) => loss.class_weight.as_deref(),
            Self::SoftLabels(loss) => loss.class_weight.as_deref(),
        }
    }
}

/// `L = -sum_{u in U} w_u log P(u) - r log P(S)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarginalCrossEntropy {
    /// The weights of the nodes.
    pub weights: Weights,
    /// What the levels that a label does not resolve cost.
    pub unresolved: Unresolved,
    /// The share of the loss that is spread over all classes.
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
    /// The focal exponent.
    #[serde(skip_serializing_if = "is_zero")]
    pub gamma: f64,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

/// The weights of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Weights {
    /// 1 each.
    #[default]
    Uniform,
    /// 1 on the classes.
    Leaves,
    /// `power(1)` of total 1.
    Balanced,
    /// An internal node takes `T / H`, the class what is left.
    Lazy,
    /// A node takes what is left but `height(u) T / H`.
    Greedy,
    /// A node takes `R / (1 + q + ... + q^height(u))` of what is left.
    Power {
        /// The ratio of a node's weight to its parent's.
        q: f64,
        /// What the weights on a path add up to.
        #[serde(default = "one")]
        total: f64,
    },
    /// A number a level.
    Levels(Levels),
}

/// A number a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Levels {
    /// By depth from the top: the first is for the children of the root.
    Depths(Vec<f64>),
    /// By the name of the rank.
    Ranks(BTreeMap<String, f64>),
}

/// What the levels that a label does not resolve cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unresolved {
    /// They fall back to the label's own class set.
    #[default]
    Label,
    /// Nothing.
    Skip,
}

/// `L = -sum_{u in A(y)} lambda_u log P(u | pi(u))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HierarchicalCrossEntropy {
    /// How fast the weight falls from a node to the next.
    pub alpha: f64,
    /// The convention for `lambda`.
    pub weighting: Weighting,
    /// The share of the loss that is spread over all classes.
    #[serde(skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
    /// The focal exponent.
    #[serde(skip_serializing_if = "is_zero")]
    pub gamma: f64,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

impl Default for HierarchicalCrossEntropy {
    fn default() -> Self {
        Self { alpha: 0.1, weighting: Weighting::Depth, label_smoothing: 0.0, gamma: 0.0, class_weight: None }
    }
}

/// The convention for HXE's `lambda`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// `exp(-alpha (depth(u) - 1))`.
    #[default]
    Depth,
    /// `exp(-alpha depth(u))` over its sum over all nodes.
    DepthNormalized,
    /// `exp(-alpha height(u))`.
    Height,
}

/// Cross-entropy with `q_k` proportional to `exp(-beta d(y, k))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftLabels {
    /// How fast the target falls with the distance.
    pub beta: f64,
    /// The focal exponent.
    #[serde(skip_serializing_if = "is_zero")]
    pub gamma: f64,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

impl Default for SoftLabels {
    fn default() -> Self {
        Self { beta: 10.0, gamma: 0.0, class_weight: None }
    }
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
