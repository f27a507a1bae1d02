//! Losses for class hierarchies.
pub mod hierarchy;

pub use hierarchy::{
    Hierarchy, HierarchyBuilder, HierarchyError, HierarchyErrorKind, Label, Level, Location, NodeId, Warning,
};
