//! What a loss is given to compare the logits with.

use burn::tensor::{Bool, Int, Tensor};
use klados::{Hierarchy, Label};

/// The targets of a batch. The losses take anything that converts into this.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use klados::{Hierarchy, loss::MarginalCrossEntropy};
/// use klados_burn::{HierarchicalLoss, Reduction, Targets};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let loss = HierarchicalLoss::from_criterion(MarginalCrossEntropy::new().compile(&hierarchy)?);
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_floats([[0.1, 0.7, -0.3], [0.0, 0.2, 1.5]], &device);
///
/// // Classes by their columns, as Burn's own cross-entropy takes them; -100 leaves a sample out.
/// let classes = Tensor::<1, Int>::from_ints([1, -100], &device);
/// loss.forward(logits.clone(), classes, Reduction::Mean);
///
/// // Nodes, for samples that are known only coarsely.
/// let nodes = [hierarchy.node("dog")?, hierarchy.node("bird")?].map(|node| node.index() as i64);
/// loss.forward(logits.clone(), Targets::Nodes(Tensor::from_ints(nodes, &device)), Reduction::Mean);
///
/// // Distributions over the classes.
/// let soft = Tensor::<2>::from_floats([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], &device);
/// loss.forward(logits.clone(), soft, Reduction::Mean);
///
/// // Several nodes that all hold, for the losses of sigmoids: bat, mammal, dog, crow, bird. -100 leaves a node out.
/// let sigmoids = klados::loss::BinaryCrossEntropy::new().compile(&hierarchy)?;
/// let node_logits = Tensor::<2>::zeros([2, 5], &device);
/// let several = Tensor::<2, Int>::from_ints([[1, 0, 0, 1, 0], [0, 0, 1, -100, -100]], &device);
/// HierarchicalLoss::from_criterion(sigmoids).forward(node_logits, several, Reduction::Mean);
///
/// // Anything, mixed.
/// let labels = [hierarchy.parse_label("mammal")?, hierarchy.parse_label("crow|bat")?];
/// loss.forward(logits, &labels, Reduction::Mean);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Targets are read on the host and no gradient flows into them. On a device that is not the CPU, reading a tensor waits
/// for what has been queued there; labels in host memory do not.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one a batch")]
pub enum Targets<'a> {
    /// `[batch]`: the column of each sample's class, or the loss's `ignore_index`.
    Classes(Tensor<1, Int>),
    /// `[batch]`: the [index](klados::NodeId::index) of each sample's node in hierarchy order, from 0 (the root, which
    /// says nothing of the sample) to [`node_count`](Hierarchy::node_count)` - 1`, or the loss's `ignore_index`.
    Nodes(Tensor<1, Int>),
    /// `[batch, classes]`: a distribution over the classes, each row of sum 1 within `1e-6`.
    Soft(Tensor<2>),
    /// Multi-label: `[batch, nodes]` with a column a node but the root, in the order of [`Hierarchy::node_columns`],
    /// whatever the columns of the logits are.
    MultiHot {
        /// 1 where the node holds, else 0; the loss's `ignore_index` is as good as a mask. What is above a node that holds
        /// holds too, whether it says so or not.
        positive: Tensor<2, Int>,
        /// The nodes to leave out of the loss.
        masked: Option<Tensor<2, Bool>>,
    },
    /// `[batch]`: labels of any kind.
    Labels(&'a [Label]),
}

impl From<Tensor<1, Int>> for Targets<'_> {
    fn from(classes: Tensor<1, Int>) -> Self {
        Self::Classes(classes)
    }
}

impl From<Tensor<2>> for Targets<'_> {
    fn from(soft: Tensor<2>) -> Self {
        Self::Soft(soft)
    }
}

impl From<Tensor<2, Int>> for Targets<'_> {
    fn from(positive: Tensor<2, Int>) -> Self {
        Self::MultiHot { positive, masked: None }
    }
}

impl From<Tensor<2, Bool>> for Targets<'_> {
    fn from(positive: Tensor<2, Bool>) -> Self {
        positive.int().into()
    }
}

/// Multi-label targets, and the nodes to leave out.
impl From<(Tensor<2, Int>, Tensor<2, Bool>)> for Targets<'_> {
    fn from((positive, masked): (Tensor<2, Int>, Tensor<2, Bool>)) -> Self {
        Self::MultiHot { positive, masked: Some(masked) }
    }
}

impl<'a> From<&'a [Label]> for Targets<'a> {
    fn from(labels: &'a [Label]) -> Self {
        Self::Labels(labels)
    }
}

impl<'a, const N: usize> From<&'a [Label; N]> for Targets<'a> {
    fn from(labels: &'a [Label; N]) -> Self {
        Self::Labels(labels)
    }
}

impl<'a> From<&'a Vec<Label>> for Targets<'a> {
    fn from(labels: &'a Vec<Label>) -> Self {
        Self::Labels(labels)
    }
}

impl Targets<'_> {
    /// The targets as labels. Whether a class is one of the hierarchy's is left to the criterion.
    ///
    /// # Panics
    ///
    /// An index that is negative and not `ignore_index`, a node that the hierarchy does not have, or a multi-hot tensor of
    /// another shape or with other entries than 0, 1 and `ignore_index`.
    pub(crate) fn into_labels(self, hierarchy: &Hierarchy, ignore_index: i64) -> Vec<Label> {
        match self {
            Self::Classes(classes) => indices(classes, |row, index| match usize::try_from(index) {
                _ if index == ignore_index => Label::Ignored,
                Ok(class) => Label::Class(class),
                Err(_) => {
                    panic!("row {row}: the class index is {index}, expected 0 or more, or {ignore_index} (ignored)")
                }
            }),
            Self::Nodes(nodes) => indices(nodes, |row, index| {
                let node = usize::try_from(index).ok().and_then(|index| hierarchy.node_at(index));
                match node {
                    _ if index == ignore_index => Label::Ignored,
                    Some(node) => Label::Node(node),
                    None => panic!(
                        "row {row}: the node index is {index}, expected 0 to {}, or {ignore_index} (ignored)",
                        hierarchy.node_count() - 1
                    ),
                }
            }),
            Self::Soft(soft) => {
                let [rows, columns] = soft.dims();
                let values: Vec<f64> = soft.into_data().iter().collect();
                (0..rows).map(|row| Label::Soft(values[row * columns..][..columns].to_vec())).collect()
            }
            Self::MultiHot { positive, masked } => multi_hot(positive, masked, hierarchy, ignore_index),
            Self::Labels(labels) => labels.to_vec(),
        }
    }
}

fn indices(tensor: Tensor<1, Int>, label: impl Fn(usize, i64) -> Label) -> Vec<Label> {
    tensor.into_data().iter::<i64>().enumerate().map(|(row, index)| label(row, index)).collect()
}

fn multi_hot(
    positive: Tensor<2, Int>,
    masked: Option<Tensor<2, Bool>>,
    hierarchy: &Hierarchy,
    ignore_index: i64,
) -> Vec<Label> {
    let nodes = hierarchy.node_columns();
    let [rows, columns] = positive.dims();
    let expected = nodes.len();
    assert!(columns == expected, "the targets have {columns} columns, expected {expected} (nodes but the root)");
    let mask = masked.map(|masked| {
        let shape = masked.dims();
        assert!(shape == [rows, columns], "the mask is {shape:?}, the targets are [{rows}, {columns}]");
        masked.into_data().iter::<bool>().collect::<Vec<_>>()
    });
    let positive: Vec<i64> = positive.into_data().iter().collect();
    (0..rows)
        .map(|row| {
            let (mut holds, mut left_out) = (Vec::new(), Vec::new());
            for (column, &node) in nodes.iter().enumerate() {
                let at = row * columns + column;
                match positive[at] {
                    value if value == ignore_index => left_out.push(node),
                    0 => {}
                    1 => holds.push(node),
                    value => panic!(
                        "row {row}, column {column}: the target is {value}, expected 0, 1, or {ignore_index} (ignored)"
                    ),
                }
                if mask.as_ref().is_some_and(|mask| mask[at]) {
                    left_out.push(node);
                }
            }
            Label::set(hierarchy, holds, left_out)
        })
        .collect()
}
