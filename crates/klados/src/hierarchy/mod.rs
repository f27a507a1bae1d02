//! The class hierarchy: flat arrays, parents first, each subtree's classes next to each other in tree order.
//!
//! A [`Hierarchy`] is a rooted tree or DAG whose *classes* are the columns of the logits. It is immutable, cheap to
//! clone, and holds memory proportional to nodes + edges.

mod assemble;
mod builder;
mod classes;
mod closure;
mod csr;
mod display;
mod distance;
mod draft;
mod edge_order;
pub(crate) mod error;
mod ids;
mod label;
mod limits;
mod names;
mod prune;
mod query;
mod serial;
mod statistics;

use std::sync::{Arc, OnceLock};

pub use builder::HierarchyBuilder;
pub(crate) use closure::Closure;
pub(crate) use csr::Csr;
pub use draft::Draft;
pub(crate) use draft::Identity;
pub use error::{HierarchyError, HierarchyErrorKind, Location, Warning};
use ids::Ids;
pub use label::Label;
pub use limits::Limits;
use names::Names;
pub use statistics::{Chains, Largest, LevelSize, Sharing, Spread, Statistics};

/// A node of a [`Hierarchy`], by its place in hierarchy order: parents before children, the root is 0.
///
/// In a tree this is depth-first order, so a node's descendants follow it directly. A node's index is not the index of
/// a class: a class is a column of the logits, see [`Hierarchy::class_node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The root of every hierarchy.
    pub const ROOT: Self = Self(0);

    /// The place of the node in hierarchy order, from 0 (the root) to [`Hierarchy::node_count`] - 1.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A level of a hierarchy: a named rank, or the nodes of one depth.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// A rank by name, such as `"genus"`.
    Rank(String),
    /// A depth; the root has depth 0, so depth 1 is the top level.
    Depth(usize),
}

impl From<&str> for Level {
    fn from(rank: &str) -> Self {
        Self::Rank(rank.to_owned())
    }
}

impl From<usize> for Level {
    fn from(depth: usize) -> Self {
        Self::Depth(depth)
    }
}

/// A rooted tree or DAG of named nodes, some of which carry the classes of a classifier.
///
/// Built [from edges](Self::from_edges), [from a CSV file](Self::from_csv_path), or with a [`HierarchyBuilder`]. It is
/// immutable and `Send + Sync`; a clone shares the arrays.
///
/// # Classes
///
/// The classes are the columns `0..class_count()` of the logits. At first they are the leaves, in the order in which
/// the input first names them; [`with_classes`](Self::with_classes) states another set or order. A class that is an
/// internal node ("dog" beside "poodle") is carried by an extra leaf below that node, named `=dog`. Nodes without a class
/// below them are pruned, with a warning.
///
/// # Example
///
/// ```
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([
///     ("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin"),
/// ])?;
/// assert_eq!(hierarchy.class_count(), 6);
/// assert_eq!(hierarchy.class_name(2), "crow");
/// let bird = hierarchy.node("bird")?;
/// assert_eq!(hierarchy.classes_below(bird), [2, 4, 5]);
/// assert_eq!(hierarchy.parents(bird), [klados::NodeId::ROOT]); // several roots are joined under an added one
/// # Ok::<(), klados::HierarchyError>(())
/// ```
#[derive(Clone)]
pub struct Hierarchy {
    inner: Arc<Inner>,
    /// The columns of forms with a logit a node, where they are not by first appearance.
    columns: Option<Arc<[NodeId]>>,
}

/// What the builder fills in. Indexed by node unless a comment says otherwise.
pub(crate) struct Inner {
    names: Names,
    /// None where the input has no ids and no synonyms.
    ids: Option<Ids>,
    parents: Csr,
    children: Csr,
    /// Longest path from the root.
    depth: Vec<u32>,
    /// Longest path down to a class.
    height: Vec<u32>,
    /// Index into `rank_names`, or `NONE`.
    rank: Vec<u32>,
    rank_names: Vec<String>,
    /// By column: the node that carries the class.
    classes: Vec<NodeId>,
    /// The column of the class that a node carries, or `NONE`.
    class_of: Vec<u32>,
    /// The columns in tree order.
    tree_order: Vec<u32>,
    /// In a tree: the range of `tree_order` that is at or below a node. Empty in a DAG.
    spans: Vec<(u32, u32)>,
    /// The order in which the input first named the nodes; an added root and added leaves come last.
    appearance: Vec<u32>,
    /// The added leaf that carries the class of an internal node, or `NONE`.
    carrier: Vec<u32>,
    root_is_added: bool,
    warnings: Vec<Warning>,
    /// The number of classes at or below a node; built when first asked for, as in a DAG it takes a walk a class.
    class_counts: OnceLock<Vec<u32>>,
}

/// The absent index.
pub(crate) const NONE: u32 = u32::MAX;

/// The separator of names in a written path.
pub(crate) const PATH_SEPARATOR: &str = " > ";
