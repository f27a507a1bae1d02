//! Which node wins a tie.

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

    /// Of some nodes.
    pub(super) fn of(hierarchy: &Hierarchy, mut nodes: Vec<NodeId>) -> Self {
        nodes.sort_by_key(|node| hierarchy.specificity(*node));
        Self { nodes }
    }

    /// The nodes, the most specific first.
    pub(super) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The node with the largest value, the first of equal ones; the last node where all values are `-inf`.
    pub(super) fn best(&self, value: impl Fn(NodeId) -> f64) -> Option<NodeId> {
        let mut best = (self.nodes.last().copied(), f64::NEG_INFINITY);
        for &node in &self.nodes {
            let value = value(node);
            if value > best.1 {
                best = (Some(node), value);
            }
        }
        best.0
    }
}
