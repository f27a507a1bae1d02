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
    /// Superclasses by a sparse matrix.
    WeightedCrossEntropy(WeightedCrossEntropy),
    /// A softmax a level.
    LevelwiseSoftmax(LevelwiseSoftmax),
    /// A softmax over the children of each node.
    SiblingSoftmax(SiblingSoftmax),
    /// A softmax over the classes of sums of node scores.
    ParameterSharingSoftmax(ParameterSharingSoftmax),
    /// A sigmoid for each child of the nodes on the path.
    ConditionalSigmoid(ConditionalSigmoid),
    /// A sigmoid a node.
    BinaryCrossEntropy(BinaryCrossEntropy),
    /// Sigmoids of the least score above and the largest below.
    TreeMin(TreeMin),
    /// Each node of the path against all that is beside it.
    DescendantSoftmax(DescendantSoftmax),
    /// A softmax over all nodes with a margin by distance.
    SoftmaxMargin(SoftmaxMargin),
    /// A softmax over a random cut of the tree.
    RandomCut(RandomCut),
}

impl Loss {
    /// `label_smoothing`; 0 where the loss does not take it.
    pub fn label_smoothing(&self) -> f64 {
        match self {
            Self::MarginalCrossEntropy(loss) => loss.label_smoothing,
            Self::HierarchicalCrossEntropy(loss) => loss.label_smoothing,
            Self::WeightedCrossEntropy(loss) => loss.label_smoothing,
            Self::LevelwiseSoftmax(loss) => loss.label_smoothing,
            Self::SiblingSoftmax(loss) => loss.label_smoothing,
            Self::ParameterSharingSoftmax(loss) => loss.label_smoothing,
            _ => 0.0,
        }
    }

    /// `gamma`; 0 where the loss does not take it.
    pub fn gamma(&self) -> f64 {
        match self {
            Self::MarginalCrossEntropy(loss) => loss.gamma,
            Self::HierarchicalCrossEntropy(loss) => loss.gamma,
            Self::SoftLabels(loss) => loss.gamma,
            Self::WeightedCrossEntropy(loss) => loss.gamma,
            Self::LevelwiseSoftmax(loss) => loss.gamma,
            Self::SiblingSoftmax(loss) => loss.gamma,
            Self::ParameterSharingSoftmax(loss) => loss.gamma,
            Self::BinaryCrossEntropy(loss) => loss.gamma,
            Self::TreeMin(loss) => loss.gamma,
            _ => 0.0,
        }
    }

    /// `class_weight`; none where the loss does not take it.
    pub fn class_weight(&self) -> Option<&[f64]> {
        match self {
            Self::MarginalCrossEntropy(loss) => loss.class_weight.as_deref(),
            Self::HierarchicalCrossEntropy(loss) => loss.class_weight.as_deref(),
            Self::SoftLabels(loss) => loss.class_weight.as_deref(),
            Self::WeightedCrossEntropy(loss) => loss.class_weight.as_deref(),
            Self::LevelwiseSoftmax(loss) => loss.class_weight.as_deref(),
            Self::SiblingSoftmax(loss) => loss.class_weight.as_deref(),
            Self::ParameterSharingSoftmax(loss) => loss.class_weight.as_deref(),
            Self::ConditionalSigmoid(loss) => loss.class_weight.as_deref(),
            Self::TreeMin(loss) => loss.class_weight.as_deref(),
            Self::DescendantSoftmax(loss) => loss.class_weight.as_deref(),
            Self::SoftmaxMargin(loss) => loss.class_weight.as_deref(),
            Self::RandomCut(loss) => loss.class_weight.as_deref(),
            Self::BinaryCrossEntropy(_) => None,
        }
    }

    /// Whether it is made of softmaxes, not of sigmoids.
    pub fn is_softmax(&self) -> bool {
        !matches!(self, Self::ConditionalSigmoid(_) | Self::BinaryCrossEntropy(_) | Self::TreeMin(_))
    }

    /// Whether there is one softmax over the classes, which does not exist where all of them are masked.
    pub fn is_class_softmax(&self) -> bool {
        let has_class_columns = !self.has_node_columns() && self.is_softmax();
        has_class_columns || matches!(self, Self::ParameterSharingSoftmax(_))
    }

    /// Whether the logits have a column a node, not a column a class.
    pub fn has_node_columns(&self) -> bool {
        match self {
            Self::MarginalCrossEntropy(_)
            | Self::HierarchicalCrossEntropy(_)
            | Self::SoftLabels(_)
            | Self::WeightedCrossEntropy(_) => false,
            Self::BinaryCrossEntropy(loss) => matches!(loss.form, Form::Independent | Form::Max),
            _ => true,
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

/// `leaf_weight` times `-log p_y` plus `superclass_weight` times `-sum_v W_yv log P(v)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightedCrossEntropy {
    /// Class, superclass and weight.
    pub map: Vec<(String, String, f64)>,
    /// Whether a class's weights are divided by their sum.
    pub normalize: bool,
    /// The weight of the class's own term.
    pub leaf_weight: f64,
    /// The weight of the superclasses' terms.
    pub superclass_weight: f64,
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

impl Default for WeightedCrossEntropy {
    fn default() -> Self {
        Self {
            map: Vec::new(),
            normalize: false,
            leaf_weight: 1.0,
            superclass_weight: 1.0,
            label_smoothing: 0.0,
            gamma: 0.0,
            class_weight: None,
        }
    }
}

/// `-sum_{u in A(y)} w_u log softmax_{level(u)}(s)_u`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LevelwiseSoftmax {
    /// The weights of the nodes.
    pub weights: Weights,
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

/// `-sum_{u in A(y)} lambda_u log P(u | pi(u))` with a softmax over the children of each node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiblingSoftmax {
    /// How fast the weight falls from a node to the next.
    pub alpha: f64,
    /// The convention for `lambda`.
    pub weighting: Weighting,
    /// The strength of the logit adjustment.
    #[serde(skip_serializing_if = "is_zero")]
    pub tau: f64,
    /// Node and count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frequencies: Vec<(String, f64)>,
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

/// Marginal cross-entropy of `z_k = sum_{u in A(k)} s_u`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParameterSharingSoftmax {
    /// The weights of the nodes.
    pub weights: Weights,
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

impl Default for ParameterSharingSoftmax {
    fn default() -> Self {
        Self { weights: Weights::Leaves, label_smoothing: 0.0, gamma: 0.0, class_weight: None }
    }
}

/// `sum_v w_v BCE(sigma(s_v), 1[v in A(y)])` over the children of the nodes strictly above the label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConditionalSigmoid {
    /// The weights of the nodes.
    pub weights: Weights,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

/// How nodes get their probabilities in [`BinaryCrossEntropy`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `sigma(s_v)`.
    #[default]
    Independent,
    /// `1 - prod_{k in D(v)} (1 - sigma(z_k))`.
    NoisyOr,
    /// `sigma` of the largest score at or below.
    Max,
    /// `sum_k W_kv sigma(z_k)`, and the classes themselves.
    Weighted,
}

/// The factor of positive terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PosWeight {
    /// One for all.
    Number(f64),
    /// One a term.
    Terms(Vec<f64>),
}

/// `sum_v w_v BCE(P(v), t_v)` over all nodes but the root.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryCrossEntropy {
    /// How nodes get their probabilities.
    pub form: Form,
    /// The weights of the nodes.
    pub weights: Weights,
    /// The focal exponent.
    #[serde(skip_serializing_if = "is_zero")]
    pub gamma: f64,
    /// The factor of positive terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pos_weight: Option<PosWeight>,
    /// Whether what is below the most specific positive nodes is unknown.
    pub incomplete: bool,
    /// Class, superclass and weight, for the form `weighted`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<(String, String, f64)>,
    /// Whether a superclass's weights are divided by their sum.
    #[serde(skip_serializing_if = "is_false")]
    pub normalize: bool,
}

/// Positive nodes by the least score above, negative ones by the largest below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeMin {
    /// The weights of the nodes.
    pub weights: Weights,
    /// The focal exponent.
    #[serde(skip_serializing_if = "is_zero")]
    pub gamma: f64,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

/// `sum_{a in A(y)} (-s_a + log(e^{s_a} + sum_{b in A(a)} sum_{c sibling of b} e^{E_c}))`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DescendantSoftmax {
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

/// How far apart two nodes are in [`SoftmaxMargin`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// The number of edges between them.
    #[default]
    PathLength,
}

/// `-s_y + LSE_v (s_v + tau m(y, v))`, or with `hard` the maximum in place of the log-sum-exp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftmaxMargin {
    /// The margin of one unit of distance.
    pub tau: f64,
    /// The distance.
    pub margin: Margin,
    /// Whether the maximum is taken.
    pub hard: bool,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

impl Default for SoftmaxMargin {
    fn default() -> Self {
        Self { tau: 1.0, margin: Margin::PathLength, hard: false, class_weight: None }
    }
}

/// Cross-entropy over the topmost closed nodes and the leaves that are not below one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCut {
    /// The probability that an internal node is closed.
    pub p: f64,
    /// The seed of the draw.
    pub seed: u64,
    /// A weight a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f64>>,
}

impl Default for RandomCut {
    fn default() -> Self {
        Self { p: 0.1, seed: 0, class_weight: None }
    }
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_false(value: &bool) -> bool {
    !value
}
