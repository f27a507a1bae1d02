//! The losses of [Klados](klados) as [Burn](burn) modules: superclass losses and coarse labels for class hierarchies.
//!
//! A classifier keeps its one logit a class. The loss knows the hierarchy above the classes, so it can score every level
//! of it, and it takes labels from any level: a picture that is known to be "some bird" trains the same network as one
//! that is known to be a crow.
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
//! | to | use |
//! |---|---|
//! | score all levels, mix fine and coarse labels | [`MarginalCrossEntropyLossConfig`] |
//! | make mistakes cost less the deeper the level that decides them (HXE) | [`HierarchicalCrossEntropyLossConfig`] |
//! | share the target's probability with near classes | [`SoftLabelsLossConfig`] |
//! | take whichever loss a configuration names | [`HierarchicalLoss`] |
//! | write a loss of your own on the nodes' probabilities | [`node_log_probs`] |
//!
//! Targets are classes, nodes, distributions or any mixture: [`Targets`]. Reductions are Burn's.
//!
//! # On the CPU, and elsewhere
//!
//! On Burn's CPU backend (Flex) a loss is the core's kernel with a backward pass of its own: loss and gradient come from
//! one pass over the logits at about the cost of flat cross-entropy, whatever the depth, and keep their relative
//! precision for probabilities of `1e-30` and of `1 - 1e-30`. Nothing is computed for a gradient that nobody asks for. On
//! other devices the same loss is composed of tensor operations, in plain floating point. [`Implementation`] chooses by
//! the device, or as it is told.
//!
//! The loss of a padded sample (`-100`) is 0, and a batch of nothing but padding has loss 0, not NaN.

mod composed;
mod fused;
mod hierarchical_cross_entropy;
mod implementation;
mod loss;
mod marginal_cross_entropy;
mod node_log_probs;
mod soft_labels;
mod targets;

#[doc(no_inline)]
pub use burn::nn::loss::Reduction;
pub use hierarchical_cross_entropy::{HierarchicalCrossEntropyLoss, HierarchicalCrossEntropyLossConfig};
pub use implementation::Implementation;
pub use loss::HierarchicalLoss;
pub use marginal_cross_entropy::{MarginalCrossEntropyLoss, MarginalCrossEntropyLossConfig};
pub use node_log_probs::node_log_probs;
pub use soft_labels::{SoftLabelsLoss, SoftLabelsLossConfig};
pub use targets::Targets;
