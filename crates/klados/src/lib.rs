//! Losses for class hierarchies: cross-entropy at every level of a hierarchy, from one set of logits, with labels at any
//! level, and the gradient of all of it at the cost of a flat cross-entropy; and the other losses of the field, for single
//! and multi-label data, each by its formula.
//!
//! A model puts out logits for classes; the classes roll up into superclasses: species into genera, products into
//! categories, cell types into lineages. Klados takes the hierarchy as a tree or a DAG of any depth, takes labels as they
//! are (a class, a superclass, "a or b", a distribution, unknown), and computes in log space without clamps or epsilons.
//!
//! # Example
//!
//! ```
//! use klados::{Hierarchy, loss::{MarginalCrossEntropy, Reduction}};
//!
//! // (parent, child); the classes are the leaves in this order: the columns of the logits
//! let hierarchy = Hierarchy::from_edges([
//!     ("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin"),
//! ])?;
//! let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
//!
//! let logits = [
//!     -1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437, // somebody saw a crow
//!     -1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437, // somebody saw a mammal
//! ];
//! let labels = [hierarchy.parse_label("crow")?, hierarchy.parse_label("mammal")?];
//! let mut losses = [0f64; 2];
//! let mut grad = [0f64; 12];
//! criterion.forward_backward(&logits, &labels, &mut losses, &mut grad)?;
//!
//! let mean = criterion.reduce(Reduction::Mean, &losses, &labels)?;
//! assert!((losses[0] - (2.2345 + 1.0047)).abs() < 1e-4); // -log P(crow) - log P(bird)
//! assert!(mean < losses[0]);
//! assert!(grad[2] < 0.0 && grad[4] < grad[3]); // crow is pulled up, and pigeon more than dog
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! | to | use |
//! |---|---|
//! | build a hierarchy | [`Hierarchy::from_edges`], [`Hierarchy::from_csv_path`], [`HierarchyBuilder`] |
//! | look for what is wrong with a hierarchy, and put right what can be | [`check`](mod@check) |
//! | find the nodes that a model's class names mean | [`matching`] |
//! | read one from a file of any format, write one | [`Hierarchy::from_path`], [`Hierarchy::write`] |
//! | cut one, take out its chains, count | [`Hierarchy::cut_at`], [`Hierarchy::contract_chains`], [`Hierarchy::statistics`] |
//! | say which classes the logits have, in which order | [`Hierarchy::with_classes`] |
//! | write labels | [`Label`], [`Hierarchy::parse_label`] |
//! | choose a loss | one of [`mod@loss`], or any by name: [`Loss`] |
//! | run it | [`Criterion::forward`], [`Criterion::forward_backward`], [`Criterion::reduce`] |
//! | put a loss of your own on node probabilities | [`NodeLogProbs`], for any [`NodeForm`] |
//! | turn probabilities into an answer: how far up to back off | [`Decision`], the rules of [`decide`] |
//! | measure a model | [`metrics`] |
//! | see where a loss and its gradient come from, check a gradient of your own | [`explain`] |
//! | train with Burn | the crate `klados-burn` |
//!
//! # Features
//!
//! - `half` (default): logits in `half::f16` and `half::bf16`.
//! - `rayon` (default): large batches are spread over threads. The results have the same bits without it.
#![forbid(unsafe_code)]

pub mod check;
pub mod criterion;
pub mod decide;
pub mod explain;
pub mod format;
pub mod hierarchy;
mod kernels;
pub mod loss;
pub mod matching;
pub mod metrics;
mod node_log_probs;
mod numeric;

pub use criterion::{
    Criterion, CriterionError, CriterionErrorKind, InputError, InputErrorKind, LogProb, Pick, Score, Term, TermSet,
};
pub use decide::{Decider, Decision};
pub use hierarchy::{
    Hierarchy, HierarchyBuilder, HierarchyError, HierarchyErrorKind, Label, Level, Location, NodeId, Warning,
};
#[cfg(feature = "rayon")]
pub use kernels::batch::{PARALLEL_ELEMENTS, on_one_thread};
pub use loss::Loss;
pub use node_log_probs::{NodeForm, NodeLogProbs};
#[doc(hidden)]
pub use numeric::on_each_instruction_set;
pub use numeric::{Element, Float};
