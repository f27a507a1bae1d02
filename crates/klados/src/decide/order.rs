//! Which node wins a tie.

use crate::numeric::first_largest;
use crate::{Hierarchy, NodeId};

/// The nodes by how specific they are: the more informative first (fewer classes below), then the deeper, then the lower
/// index. Of equally good nodes the first one wins.
#[derive(Debug)]
pub(super) struct Order {
    nodes: Vec<NodeId>,
}

impl Order {
    /// Of all nodes.
    pub(super) fn new(hierarchy: &Hierarchy) -> Self {
        Self::of(hierarchy, hierarchy.nodes().collect())
    }

    /// Of the nodes that carry the classes.
    pub(super) fn of_classes(hierarchy: &Hierarchy) -> Self {
        Self::of(hierarchy, (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect())
    }

    /// Of some nodes.
    pub(super) fn of(hierarchy: &Hierarchy, mut nodes: Vec<NodeId>) -> Self {
        nodes.sort_by_key(|node| hierarchy.specificity(*node));
        Self { nodes }
    }

    /// The nodes, the most specific first.
    pub(super) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The node with the largest number, of the numbers of all nodes by index; the first of equal ones, also where all are
    /// `-inf`. None of no nodes.
    pub(super) fn best(&self, numbers: &[f64]) -> Option<NodeId> {
        first_largest(&self.nodes, |node| numbers[node.index()])
    }

    /// The first node with a number of at least `least`.
    pub(super) fn first(&self, least: f64, number: impl Fn(usize) -> f64) -> Option<NodeId> {
        self.nodes.iter().copied().find(|node| number(node.index()) >= least)
    }
}
