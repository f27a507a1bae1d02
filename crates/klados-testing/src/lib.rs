//! The independent reference, the golden suite and the test strategies of Klados.
//!
//! Nothing here depends on `klados`: this crate says a second time, as plainly as it can, what the definitions say, so
//! that an engine can be compared with something that does not share its mistakes.
//!
//! - [`hierarchy`], [`label`], [`loss`]: the input, as plain data and as this crate's own small structures;
//! - [`mod@reference`]: the losses as explicit sums over explicit class sets, generic over [`Real`], which is `f64` or
//!   the multi-precision [`Big`];
//! - [`golden`]: the format, loader, tolerances and runner of `testdata/golden/*.json`;
//! - [`generate`]: the cases of those files, written by `cargo run -p klados-testing --bin golden`;
//! - [`gradcheck`]: gradients by central differences;
//! - [`strategies`]: random hierarchies, logits and labels for property tests.

pub mod big;
pub mod generate;
pub mod golden;
pub mod gradcheck;
pub mod hierarchy;
pub mod label;
pub mod loss;
pub mod real;
pub mod reference;
pub mod strategies;

pub use big::Big;
pub use golden::{Case, Precision};
pub use hierarchy::{Hierarchy, HierarchySpec};
pub use label::{Label, LabelSpec};
pub use loss::Loss;
pub use real::Real;
