//! Which nodes are above each class.

use super::{Hierarchy, NodeId};

/// The nodes at or above each class without the root, ascending, in compressed sparse rows: those of class `k` are
/// `above[offsets[k]..offsets[k + 1]]`. As large as the number of pairs; what a tree stores implicitly, and what a DAG
/// needs where all its nodes take part.
#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) offsets: Vec<u32>,
    pub(crate) above: Vec<u32>,
}

impl Closure {
    /// The nodes at or above a class.
    pub(crate) fn of(&self, class: usize) -> &[u32] {
        &self.above[self.offsets[class] as usize..self.offsets[class + 1] as usize]
    }
}

impl Hierarchy {
    pub(crate) fn closure(&self) -> Closure {
        let mut offsets = Vec::with_capacity(self.class_count() + 1);
        let mut above = Vec::new();
        offsets.push(0);
        let mut seen = vec![u32::MAX; self.node_count()];
        for class in 0..self.class_count() {
            let start = above.len();
            self.walk_up(self.class_node(class), &mut seen, class as u32, |node| above.push(node.0));
            above[start..].sort_unstable();
            offsets.push(above.len() as u32);
        }
        Closure { offsets, above }
    }

    /// The number of classes at or below each node, each counted once.
    pub(crate) fn class_counts(&self) -> &[u32] {
        self.inner.class_counts.get_or_init(|| {
            if self.is_tree() {
                return self.inner.spans.iter().map(|&(start, end)| end - start).collect();
            }
            let mut counts = vec![0; self.node_count()];
            let (mut below, mut seen) = (vec![0_u64; self.node_count()], vec![u32::MAX; self.node_count()]);
            let mut above = Vec::new();
            // Classes that are near each other have most of what is above them in common, which is then walked once.
            let mut classes = self.inner.classes.clone();
            classes.sort_unstable();
            for (mark, classes) in (0..).zip(classes.chunks(u64::BITS as usize)) {
                for (bit, &class) in classes.iter().enumerate() {
                    below[class.index()] = 1 << bit;
                    self.walk_up(class, &mut seen, mark, |node| above.push(node));
                }
                above.sort_unstable_by(|a, b| b.cmp(a)); // children first
                for node in above.drain(..) {
                    let classes = std::mem::take(&mut below[node.index()]);
                    counts[node.index()] += classes.count_ones();
                    self.parents(node).iter().for_each(|parent| below[parent.index()] |= classes);
                }
            }
            counts[0] = self.class_count() as u32;
            counts
        })
    }

    /// Visits a node and its ancestors without the root, each once. `seen` holds a mark a node; `mark` is new at each
    /// call, so that the array needs no clearing.
    pub(crate) fn walk_up(&self, start: NodeId, seen: &mut [u32], mark: u32, mut visit: impl FnMut(NodeId)) {
        let mut stack = vec![start];
        while let Some(node) = stack.pop() {
            if node == NodeId::ROOT || std::mem::replace(&mut seen[node.index()], mark) == mark {
                continue;
            }
            visit(node);
            stack.extend_from_slice(self.parents(node));
        }
    }
}
