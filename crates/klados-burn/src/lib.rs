//! The losses of [Klados](klados) as [Burn](burn) modules: superclass losses and coarse labels for class hierarchies.
//!
//! A classifier keeps its one logit a class, or has one a node where the loss says so. The loss knows the hierarchy above
//! the classes, so it can score every level of it, and it takes labels from any level: a picture that is known to be "some
//! bird" trains the same network as one that is known to be a crow.
//!
//! ```
//! use burn::tensor::{Device, Int, Tensor};
//! use klados::Hierarchy;
//! use klados_burn::{MarginalCrossEntropyLossConfig, Reduction};
//!
//! let hierarchy = Hierarchy::from_edges([
//!     ("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin"),
//! ])?; // (parent, child); the columns are the animals in this order
//! let loss = MarginalCrossEntropyLossConfig::new().init(&hierarchy)?;
//!
//! let device = Device::flex().autodiff();
//! let row = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];
//! let logits = Tensor::<2>::from_floats([row, row], &device).require_grad();
//! let targets = Tensor::<1, Int>::from_ints([2, 3], &device); // crow, dog
//!
//! let value = loss.forward(logits.clone(), targets, Reduction::Mean);
//! let gradient = logits.grad(&value.backward()).unwrap(); // [2, 6]
//! # assert_eq!(gradient.dims(), [2, 6]);
//!
//! // The same pictures, labelled only as "some bird" and "bear or dog":
//! let labels = [hierarchy.parse_label("bird")?, hierarchy.parse_label("bear|dog")?];
//! let value = loss.forward(logits.clone(), &labels, Reduction::Mean);
//! # assert_eq!(value.dims(), [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | use | a logit a |
//! |---|---|---|
//! | score all levels, mix fine and coarse labels | [`MarginalCrossEntropyLossConfig`] | class |
//! | make mistakes cost less the deeper the level that decides them (HXE) | [`HierarchicalCrossEntropyLossConfig`] | class |
//! | share the target's probability with near classes | [`SoftLabelsLossConfig`] | class |
//! | score superclasses to which classes belong in part | [`WeightedCrossEntropyLossConfig`] | class |
//! | decide child by child on the way down (WordTree) | [`SiblingSoftmaxLossConfig`] | node |
//! | decide each level for itself | [`LevelwiseSoftmaxLossConfig`] | node |
//! | let classes borrow from their relatives | [`ParameterSharingSoftmaxLossConfig`] | node |
//! | set each node against what branches off | [`DescendantSoftmaxLossConfig`] | node |
//! | win by more against what is farther | [`SoftmaxMarginLossConfig`] | node |
//! | train on cuts of the tree drawn at random | [`RandomCutLossConfig`] | node |
//! | say of every node whether it holds (multi-label) | [`BinaryCrossEntropyLossConfig`] | node or class |
//! | the same, asking only below what holds | [`ConditionalSigmoidLossConfig`] | node |
//! | the same, with scores that respect the hierarchy | [`TreeMinLossConfig`] | node |
//! | take whichever loss a configuration names | [`HierarchicalLoss`] | |
//! | write a loss of your own on the nodes' probabilities | [`node_log_probs`] | class |
//!
//! Nodes are in the order of [`Hierarchy::node_columns`](klados::Hierarchy::node_columns). Targets are classes, nodes,
//! distributions, multi-hot rows over the nodes, or any mixture: [`Targets`]. Reductions are Burn's.
//!
//! # On the CPU, and elsewhere
//!
//! On Burn's CPU backend (Flex) a loss is the core's kernel with a backward pass of its own: loss and gradient come from
//! one pass over the logits (of a class softmax at about the cost of flat cross-entropy, whatever the depth), and keep
//! their relative precision for probabilities of `1e-30` and of `1 - 1e-30`. Nothing is computed for a gradient that nobody asks for. On
//! other devices the same loss is composed of tensor operations, in plain floating point. [`Implementation`] chooses by
//! the device, or as it is told.
//!
//! The loss of a padded sample (`-100`) is 0, and a batch of nothing but padding has loss 0, not NaN.

mod binary_cross_entropy;
mod composed;
mod conditional_sigmoid;
mod descendant_softmax;
mod fused;
mod hierarchical_cross_entropy;
mod implementation;
mod levelwise_softmax;
mod loss;
mod marginal_cross_entropy;
mod node_log_probs;
mod parameter_sharing_softmax;
mod random_cut;
mod sibling_softmax;
mod soft_labels;
mod softmax_margin;
mod targets;
mod tree_min;
mod weighted_cross_entropy;

pub use binary_cross_entropy::{BinaryCrossEntropyLoss, BinaryCrossEntropyLossConfig};
#[doc(no_inline)]
pub use burn::nn::loss::Reduction;
pub use conditional_sigmoid::{ConditionalSigmoidLoss, ConditionalSigmoidLossConfig};
pub use descendant_softmax::{DescendantSoftmaxLoss, DescendantSoftmaxLossConfig};
pub use hierarchical_cross_entropy::{HierarchicalCrossEntropyLoss, HierarchicalCrossEntropyLossConfig};
pub use implementation::Implementation;
pub use levelwise_softmax::{LevelwiseSoftmaxLoss, LevelwiseSoftmaxLossConfig};
pub use loss::HierarchicalLoss;
pub use marginal_cross_entropy::{MarginalCrossEntropyLoss, MarginalCrossEntropyLossConfig};
pub use node_log_probs::node_log_probs;
pub use parameter_sharing_softmax::{ParameterSharingSoftmaxLoss, ParameterSharingSoftmaxLossConfig};
pub use random_cut::{RandomCutLoss, RandomCutLossConfig};
pub use sibling_softmax::{SiblingSoftmaxLoss, SiblingSoftmaxLossConfig};
pub use soft_labels::{SoftLabelsLoss, SoftLabelsLossConfig};
pub use softmax_margin::{SoftmaxMarginLoss, SoftmaxMarginLossConfig};
pub use targets::Targets;
pub use tree_min::{TreeMinLoss, TreeMinLossConfig};
pub use weighted_cross_entropy::{WeightedCrossEntropyLoss, WeightedCrossEntropyLossConfig};
