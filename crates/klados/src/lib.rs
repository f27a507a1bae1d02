//! Losses for class hierarchies.
pub mod criterion;
pub mod format;
pub mod hierarchy;
mod kernels;
pub mod loss;
mod node_log_probs;
mod numeric;

pub use criterion::{Criterion, CriterionError, CriterionErrorKind, InputError, InputErrorKind, Term, TermSet};
pub use hierarchy::{
    Hierarchy, HierarchyBuilder, HierarchyError, HierarchyErrorKind, Label, Level, Location, NodeId, Warning,
};
pub use loss::Loss;
pub use node_log_probs::NodeLogProbs;
pub use numeric::Element;
