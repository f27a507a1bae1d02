//! How a model's logits become probabilities of nodes.

use serde::{Deserialize, Serialize};

use crate::Loss;

/// The form of a model: what its logits are, and how the probability of a node follows from them. The formulas are in
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
}

impl NodeForm {
    /// The form of the models that a loss trains: how their logits are read. `None` where a softmax is over the nodes of a
    /// level or of a cut, and no probability of a node follows that goes with the others: `levelwise_softmax` and
    /// `random_cut`.
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
            Loss::DescendantSoftmax(_) | Loss::SoftmaxMargin(_) => Some(Self::DescendantSoftmax),
            _ => None,
        }
    }

    /// Whether the logits have a column a node but the root, and not one a class.
    pub fn has_node_columns(&self) -> bool {
        match self {
            Self::ClassSoftmax => false,
            Self::ParameterSharingSoftmax
            | Self::SiblingSoftmax
            | Self::IndependentSigmoid
            | Self::ConditionalSigmoid
            | Self::DescendantSoftmax => true,
        }
    }
}
