//! The lines of a list of edges, in an order that gives back the order of the classes, of children, and of parents.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::lost::{is_leaf, leaf_classes};
use crate::hierarchy::NONE;
use crate::{Hierarchy, NodeId};

/// A line: an edge, or a node without a parent.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) child: NodeId,
    pub(super) parent: Option<NodeId>,
}

/// All edges without those from an added root and to added leaves; and the nodes without a parent, where they are leaves or
/// need a line.
///
/// Lines come as early as the order of appearance asks for, after those that must be before them: the line of the child
/// before of the same parent, of the parent before of the same child, and of the class before. Where the classes were
/// given another order than children have, children give way.
///
/// With `all_classes` the order is that of internal classes as well, each of which needs a line.
pub(super) fn rows(hierarchy: &Hierarchy, all_classes: bool, needs_line: impl Fn(NodeId) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut of_edge = HashMap::new();
    let mut first = vec![NONE; hierarchy.node_count()];
    for child in hierarchy.nodes().filter(|node| !hierarchy.is_added(*node)) {
        first[child.index()] = rows.len() as u32;
        let parents = hierarchy.parents(child).iter().filter(|parent| !hierarchy.is_added(**parent));
        for &parent in parents {
            of_edge.insert((parent, child), rows.len() as u32);
            rows.push(Row { child, parent: Some(parent) });
        }
        if first[child.index()] == rows.len() as u32 && (is_leaf(hierarchy, child) || needs_line(child)) {
            rows.push(Row { child, parent: None });
        }
    }
    let mut next = Next::new(rows.len());
    for (row, _) in rows.windows(2).enumerate().filter(|(_, pair)| pair[0].child == pair[1].child) {
        next.of_child[row] = row as u32 + 1;
    }
    for parent in hierarchy.nodes().filter(|node| !hierarchy.is_added(*node)) {
        let edges = hierarchy.children(parent).iter().filter_map(|child| of_edge.get(&(parent, *child)));
        chain(edges.copied(), &mut next.of_parent);
    }
    if all_classes {
        let classes = (0..hierarchy.class_count()).map(|class| hierarchy.class_owner(class));
        chain(classes.map(|class| first[class.index()]), &mut next.of_class);
    } else {
        chain(leaf_classes(hierarchy).map(|leaf| first[leaf.index()]), &mut next.of_class);
    }
    let order = next.order(hierarchy, &rows).or_else(|| {
        next.of_parent.fill(NONE);
        next.order(hierarchy, &rows)
    });
    order.map(|order| order.into_iter().map(|row| rows[row as usize]).collect()).unwrap_or(rows)
}

/// Writes each after the one before it.
fn chain(rows: impl Iterator<Item = u32>, next: &mut [u32]) {
    let mut last = None;
    for row in rows {
        if let Some(last) = last.replace(row) {
            next[last as usize] = row;
        }
    }
}

/// By row: those that come after it, or `NONE`.
struct Next {
    of_child: Vec<u32>,
    of_parent: Vec<u32>,
    of_class: Vec<u32>,
}

impl Next {
    fn new(rows: usize) -> Self {
        Self { of_child: vec![NONE; rows], of_parent: vec![NONE; rows], of_class: vec![NONE; rows] }
    }

    fn after(&self, row: u32) -> impl Iterator<Item = usize> {
        let row = row as usize;
        let after = [self.of_child[row], self.of_parent[row], self.of_class[row]];
        after.into_iter().filter(|&row| row != NONE).map(|row| row as usize)
    }

    /// The rows sorted, unless what must be before what goes round.
    fn order(&self, hierarchy: &Hierarchy, rows: &[Row]) -> Option<Vec<u32>> {
        // A line can be where both of its nodes have appeared; of several such the one that makes both appear.
        let due = |row: usize| {
            let Row { child, parent } = rows[row];
            let child = hierarchy.appearance(child);
            let parent_or_child = parent.map_or(child, |parent| hierarchy.appearance(parent));
            let (first, last) = (child.min(parent_or_child), child.max(parent_or_child));
            Reverse((last, parent.is_none(), Reverse(first), row as u32))
        };
        let mut waits_for = vec![0u8; rows.len()];
        (0..rows.len()).flat_map(|row| self.after(row as u32)).for_each(|row| waits_for[row] += 1);
        let mut ready: BinaryHeap<_> = (0..rows.len()).filter(|&row| waits_for[row] == 0).map(due).collect();
        let mut order = Vec::with_capacity(rows.len());
        while let Some(Reverse((_, _, _, row))) = ready.pop() {
            order.push(row);
            for after in self.after(row) {
                waits_for[after] -= 1;
                if waits_for[after] == 0 {
                    ready.push(due(after));
                }
            }
        }
        (order.len() == rows.len()).then_some(order)
    }
}
