//! The edges of a hierarchy in one list, from which the order of children and that of parents come back.

use std::collections::{HashMap, VecDeque};

use super::{Hierarchy, NONE, NodeId};

impl Hierarchy {
    /// All edges `(parent, child)`: those of a parent in the order of its children, and those of a child in the order of its
    /// parents. The list that the hierarchy was built from was such a one.
    pub(super) fn edges_in_order(&self) -> Vec<(NodeId, NodeId)> {
        let all = || self.nodes().flat_map(|parent| self.children(parent).iter().map(move |child| (parent, *child)));
        let edges: Vec<(NodeId, NodeId)> = all().collect();
        if self.is_tree() {
            return edges; // a parent each
        }
        let place: HashMap<(NodeId, NodeId), u32> = edges.iter().copied().zip(0..).collect();
        let mut next_parent = vec![NONE; edges.len()];
        let mut waits_for = vec![0u8; edges.len()];
        for child in self.nodes() {
            for pair in self.parents(child).windows(2) {
                let [before, after] = [pair[0], pair[1]].map(|parent| place[&(parent, child)]);
                next_parent[before as usize] = after;
                waits_for[after as usize] += 1;
            }
        }
        let is_next_child = |edge: usize| edge > 0 && edge < edges.len() && edges[edge - 1].0 == edges[edge].0;
        (0..edges.len()).filter(|&edge| is_next_child(edge)).for_each(|edge| waits_for[edge] += 1);
        let mut ready: VecDeque<usize> = (0..edges.len()).filter(|&edge| waits_for[edge] == 0).collect();
        let mut order = Vec::with_capacity(edges.len());
        while let Some(edge) = ready.pop_front() {
            order.push(edges[edge]);
            let next_child = Some(edge + 1).filter(|&edge| is_next_child(edge));
            let next_parent = Some(next_parent[edge] as usize).filter(|&edge| edge < edges.len());
            for after in next_child.into_iter().chain(next_parent) {
                waits_for[after] -= 1;
                if waits_for[after] == 0 {
                    ready.push_back(after);
                }
            }
        }
        order
    }
}
