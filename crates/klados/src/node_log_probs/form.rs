//! How a model's logits become probabilities of nodes.

use serde::{Deserialize, Serialize};

use crate::Loss;
use crate::loss::NodeSigmoid;

/// The form of a model: what its logits are, or that they are probabilities already, and how the probability of a node follows from them. The formulas are in
/// [`NodeLogProbs`](super::NodeLogProbs). Serialized by these names in `snake_case`.
///
/// ```
/// use klados::NodeForm;
///
/// assert_eq!(serde_json::to_string(&NodeForm::SiblingSoftmax)?, "\"sibling_softmax\"");
/// assert!(NodeForm::SiblingSoftmax.has_node_columns());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NodeForm {
    /// A softmax over the classes; a node has the sum of its classes.
    #[default]
    ClassSoftmax,
    /// A class softmax of logits that are summed over the nodes at and above a class (Salakhutdinov et al. 2011).
    ParameterSharingSoftmax,
    /// A softmax over the siblings at each step down, multiplied along the path (Redmon & Farhadi 2017). Trees.
    SiblingSoftmax,
    /// A sigmoid a node.
    IndependentSigmoid,
    /// A sigmoid at each step down, multiplied along the path (Brust & Denzler 2019). Trees.
    ConditionalSigmoid,
    /// A softmax over all nodes; a node has the sum of its own and of those below it (Valmadre 2022). Trees.
    DescendantSoftmax,
    /// Any of a node's classes: `1 - prod (1 - sigma(z_k))`.
    NoisyOr,
    /// The sigmoid of the largest score at or below a node (Giunchiglia & Lukasiewicz 2020).
    Max,
    /// The sigmoid of the smallest score at or above a node: what tree-min trains a positive node by (Li et al. 2022).
    Min,
    /// A softmax over all nodes and the root, whose score is 0; a node has the sum of its own and of those below it. What
    /// soft-max-margin trains, where the root is a label too: no node below it (Valmadre 2022). Trees.
    NodeSoftmax,
    /// Not logits but probabilities of the classes, which add up to 1; a node has the sum of its classes.
    ClassProbabilities,
    /// Not logits but probabilities of the nodes, as they are.
    NodeProbabilities,
    /// Superclasses of a map, in a softmax over the classes: `sum_k W_kv p_k`. The output has a column a superclass, in the
    /// order of first appearance.
    WeightedClassSoftmax {
        /// Rows of class, superclass, weight. A class's weights sum to 1.
        map: Vec<(String, String, f64)>,
        /// Whether the weights of a class are divided by their sum.
        #[serde(default)]
        normalize: bool,
    },
    /// Superclasses of a map, as means of sigmoids: `sum_k W_kv sigma(z_k)`. The output has a column a superclass, in the
    /// order of first appearance.
    WeightedSigmoid {
        /// Rows of class, superclass, weight. A superclass's weights sum to 1.
        map: Vec<(String, String, f64)>,
        /// Whether the weights of a superclass are divided by their sum.
        #[serde(default)]
        normalize: bool,
    },
}

impl NodeForm {
    /// The form of the models that a loss trains: how their logits are read. `None` where a softmax is over the nodes of a
    /// level or of a cut, and no probability of a node follows that goes with the others: `levelwise_softmax` and
    /// `random_cut`.
    ///
    /// `tree_min` is read as [`Min`](Self::Min): its loss of a positive node is `-log P` of this, and a node is never more
    /// probable than what is above it. Its loss of a negative node is minus the logarithm of another number, one minus the
    /// sigmoid of the largest score at or below; where the scores go down the hierarchy, both are the node's own sigmoid.
    /// Siblings whose scores are all above the smallest on the path to them are tied.
    ///
    /// ```
    /// use klados::{Loss, NodeForm};
    ///
    /// assert_eq!(NodeForm::of_loss(&"sibling_softmax".parse()?), Some(NodeForm::SiblingSoftmax));
    /// assert_eq!(NodeForm::of_loss(&"levelwise_softmax".parse()?), None);
    /// # Ok::<(), klados::CriterionError>(())
    /// ```
    pub fn of_loss(loss: &Loss) -> Option<Self> {
        match loss {
            Loss::MarginalCrossEntropy(_)
            | Loss::HierarchicalCrossEntropy(_)
            | Loss::SoftLabels(_)
            | Loss::WeightedCrossEntropy(_) => Some(Self::ClassSoftmax),
            Loss::ParameterSharingSoftmax(_) => Some(Self::ParameterSharingSoftmax),
            Loss::SiblingSoftmax(_) => Some(Self::SiblingSoftmax),
            Loss::DescendantSoftmax(_) => Some(Self::DescendantSoftmax),
            Loss::SoftmaxMargin(_) => Some(Self::NodeSoftmax),
            Loss::ConditionalSigmoid(_) => Some(Self::ConditionalSigmoid),
            Loss::TreeMin(_) => Some(Self::Min),
            Loss::BinaryCrossEntropy(loss) => Some(match loss.node_sigmoid() {
                NodeSigmoid::Independent => Self::IndependentSigmoid,
                NodeSigmoid::Max => Self::Max,
                // The classes of the weighted form are independent; a node has any of its classes.
                NodeSigmoid::NoisyOr | NodeSigmoid::Weighted => Self::NoisyOr,
            }),
            Loss::LevelwiseSoftmax(_) | Loss::RandomCut(_) => None,
        }
    }

    /// Whether the logits, or the probabilities, have a column a node but the root, and not one a class.
    pub fn has_node_columns(&self) -> bool {
        match self {
            Self::ClassSoftmax
            | Self::NoisyOr
            | Self::ClassProbabilities
            | Self::WeightedClassSoftmax { .. }
            | Self::WeightedSigmoid { .. } => false,
            Self::ParameterSharingSoftmax
            | Self::SiblingSoftmax
            | Self::IndependentSigmoid
            | Self::ConditionalSigmoid
            | Self::DescendantSoftmax
            | Self::Max
            | Self::Min
            | Self::NodeSoftmax
            | Self::NodeProbabilities => true,
        }
    }
}
