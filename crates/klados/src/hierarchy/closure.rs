//! Which nodes are above each class, once a hierarchy, in compressed sparse rows.

use super::{Hierarchy, NodeId};

/// The nodes at or above each class without the root, in hierarchy order. Its size is the sum over the classes of the
/// number of their ancestors: what a tree stores implicitly, and what a DAG needs where all its nodes take part.
#[derive(Debug)]
pub(crate) struct Closure {
    offsets: Vec<usize>,
    nodes: Vec<NodeId>,
}

impl Closure {
    pub(crate) fn above(&self, class: usize) -> &[NodeId] {
        &self.nodes[self.offsets[class]..self.offsets[class + 1]]
    }
}

impl Hierarchy {
    /// Built when first asked for.
    pub(crate) fn closure(&self) -> &Closure {
        self.inner.closure.get_or_init(|| {
            let mut offsets = Vec::with_capacity(self.class_count() + 1);
            let mut nodes = Vec::new();
            offsets.push(0);
            let mut seen = vec![u32::MAX; self.node_count()];
            for class in 0..self.class_count() {
                let start = nodes.len();
                self.walk_up(&[self.class_node(class)], &mut seen, class as u32, |node| nodes.push(node));
                nodes[start..].sort_unstable();
                offsets.push(nodes.len());
            }
            Closure { offsets, nodes }
        })
    }

    /// The number of classes at or below each node, each counted once.
    pub(crate) fn class_counts(&self) -> &[u32] {
        self.inner.class_counts.get_or_init(|| {
            if self.is_tree() {
                return self.inner.spans.iter().map(|&(start, end)| end - start).collect();
            }
            let mut counts = vec![0; self.node_count()];
            let mut seen = vec![u32::MAX; self.node_count()];
            for class in 0..self.class_count() {
                self.walk_up(&[self.class_node(class)], &mut seen, class as u32, |node| counts[node.index()] += 1);
            }
            counts[0] = self.class_count() as u32;
            counts
        })
    }

    /// Visits the starting nodes and their ancestors without the root, each once. `seen` holds a mark a node; `mark` is
    /// new at each call, so that the array needs no clearing.
    fn walk_up(&self, start: &[NodeId], seen: &mut [u32], mark: u32, mut visit: impl FnMut(NodeId)) {
        let mut stack = start.to_vec();
        while let Some(node) = stack.pop() {
            if node == NodeId::ROOT || std::mem::replace(&mut seen[node.index()], mark) == mark {
                continue;
            }
            visit(node);
            stack.extend_from_slice(self.parents(node));
        }
    }
}
