//! The nodes and edges of a draft as a graph, whatever is wrong with it.

use crate::hierarchy::{Csr, Draft};

/// An edge with its line, 0 where there is none.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) parent: usize,
    pub(super) child: usize,
    pub(super) line: u64,
}

impl Edge {
    pub(super) fn line(self) -> Option<u64> {
        Some(self.line).filter(|&line| line > 0)
    }
}

/// Each edge once, between the nodes that a hierarchy would keep.
pub(super) struct Shape {
    /// In the order of the input.
    pub(super) edges: Vec<Edge>,
    /// Edges that are there already, with the line of the first.
    pub(super) repeated: Vec<(Edge, Option<u64>)>,
    pub(super) parents: Csr,
    pub(super) children: Csr,
    /// By node: whether a hierarchy would keep it, which is not so where it is out of use and nothing is below it.
    pub(super) is_kept: Vec<bool>,
    /// The nodes that are neither in a cycle nor below one, parents first.
    pub(super) order: Vec<usize>,
}

impl Shape {
    pub(super) fn new(draft: &Draft) -> Self {
        let nodes = draft.node_count();
        let mut is_kept: Vec<bool> = (0..nodes).map(|node| !draft.is_obsolete(node)).collect();
        draft.edges().for_each(|(parent, _, _)| is_kept[parent] = true);
        let all = draft.edges().map(|(parent, child, line)| Edge { parent, child, line: line.unwrap_or(0) });
        let (edges, repeated) = once(&all.filter(|edge| is_kept[edge.child]).collect::<Vec<_>>());
        let pairs = |edge: &Edge| (edge.parent as u32, edge.child as u32);
        let parents = Csr::from_pairs(nodes, edges.iter().map(pairs).map(|(parent, child)| (child, parent)));
        let children = Csr::from_pairs(nodes, edges.iter().map(pairs));
        let order = parents_first(&is_kept, &parents, &children);
        Self { edges, repeated, parents, children, is_kept, order }
    }

    pub(super) fn parents(&self, node: usize) -> impl ExactSizeIterator<Item = usize> + Clone + '_ {
        self.parents.row(node).iter().map(|parent| parent.index())
    }

    pub(super) fn children(&self, node: usize) -> impl ExactSizeIterator<Item = usize> + Clone + '_ {
        self.children.row(node).iter().map(|child| child.index())
    }

    pub(super) fn only_child(&self, node: usize) -> Option<usize> {
        if let [child] = self.children.row(node) { Some(child.index()) } else { None }
    }

    pub(super) fn only_parent(&self, node: usize) -> Option<usize> {
        if let [parent] = self.parents.row(node) { Some(parent.index()) } else { None }
    }

    pub(super) fn is_root(&self, node: usize) -> bool {
        self.parents.row(node).is_empty()
    }

    pub(super) fn is_leaf(&self, node: usize) -> bool {
        self.children.row(node).is_empty()
    }

    /// The nodes that a hierarchy would keep, in the order of the input.
    pub(super) fn kept(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.is_kept.len()).filter(|&node| self.is_kept[node])
    }

    /// By node: whether it is one of these, or above one.
    pub(super) fn at_or_above(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut is_above = vec![false; self.is_kept.len()];
        let mut open: Vec<usize> = nodes.into_iter().collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut is_above[node], true) {
                open.extend(self.parents(node));
            }
        }
        is_above
    }

    /// Depths by node, along the longest path from above; 0 where a cycle is above.
    pub(super) fn depths(&self) -> Vec<u32> {
        let mut depth = vec![0; self.is_kept.len()];
        for &node in &self.order {
            depth[node] = self.parents(node).map(|parent| depth[parent] + 1).max().unwrap_or(0);
        }
        depth
    }
}

/// The edges that are new, and those that are there already.
fn once(edges: &[Edge]) -> (Vec<Edge>, Vec<(Edge, Option<u64>)>) {
    let mut order: Vec<usize> = (0..edges.len()).collect();
    order.sort_unstable_by_key(|&place| (edges[place].parent, edges[place].child, place));
    let mut first: Vec<usize> = (0..edges.len()).collect();
    for same in order.chunk_by(|&a, &b| (edges[a].parent, edges[a].child) == (edges[b].parent, edges[b].child)) {
        same.iter().for_each(|&place| first[place] = same[0]);
    }
    let again = (0..edges.len()).filter(|&place| first[place] != place);
    let repeated = again.map(|place| (edges[place], edges[first[place]].line())).collect();
    let new = (0..edges.len()).filter(|&place| first[place] == place).map(|place| edges[place]).collect();
    (new, repeated)
}

/// Takes nodes whose parents are all taken (Kahn).
fn parents_first(is_kept: &[bool], parents: &Csr, children: &Csr) -> Vec<usize> {
    let mut open: Vec<usize> = (0..is_kept.len()).map(|node| parents.row(node).len()).collect();
    let mut order: Vec<usize> = (0..is_kept.len()).filter(|&node| is_kept[node] && open[node] == 0).collect();
    let mut next = 0;
    while next < order.len() {
        for child in children.row(order[next]) {
            open[child.index()] -= 1;
            if open[child.index()] == 0 {
                order.push(child.index());
            }
        }
        next += 1;
    }
    order
}
