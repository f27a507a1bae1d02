//! Edges that a longer path says already.

use std::collections::HashSet;

use super::shape::Shape;
use super::{Report, Rule};

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    let mut search = Search::new(shape);
    let mut said = HashSet::new();
    let several: Vec<usize> = shape.order.iter().copied().filter(|&node| shape.parents(node).len() > 1).collect();
    let mut looked_at = 0;
    while let Some(&node) = several.get(looked_at).filter(|_| !search.gave_up) {
        said.extend(search.repeated_parents(node).into_iter().map(|parent| (parent, node)));
        looked_at += 1;
    }
    for edge in shape.edges.iter().filter(|edge| said.contains(&(edge.parent, edge.child))) {
        let (parent, child) = (report.draft.label(edge.parent), report.draft.label(edge.child));
        let message = format!("\"{child}\" is below \"{parent}\" by a longer path too");
        report.add(Rule::TransitiveEdge, edge.line(), [edge.parent, edge.child], message);
    }
    if search.gave_up {
        let (looked_at, several) = (looked_at - 1, several.len());
        let message =
            format!("the search took too long: {looked_at} of {several} nodes with several parents were looked at");
        report.add(Rule::TransitiveEdge, None, [], message);
    }
}

/// Looks for parents of a node that are above other parents of it.
struct Search<'a> {
    shape: &'a Shape,
    depth: Vec<u32>,
    /// By node: the last node for which it was looked at, and for which it was a parent.
    seen_for: Vec<usize>,
    parent_for: Vec<usize>,
    /// Edges that may still be walked up.
    steps_left: usize,
    gave_up: bool,
}

impl<'a> Search<'a> {
    fn new(shape: &'a Shape) -> Self {
        let nodes = shape.is_kept.len();
        let none = || vec![usize::MAX; nodes];
        let steps_left = 1_000_000 + 20 * (nodes + shape.edges.len());
        Self { shape, depth: shape.depths(), seen_for: none(), parent_for: none(), steps_left, gave_up: false }
    }

    fn repeated_parents(&mut self, node: usize) -> Vec<usize> {
        let mut open: Vec<usize> = self.shape.parents(node).collect();
        let lowest = open.iter().map(|&parent| self.depth[parent]).min().unwrap_or(0);
        open.iter().for_each(|&parent| self.parent_for[parent] = node);
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            for above in self.shape.parents(at) {
                let Some(left) = self.steps_left.checked_sub(1) else {
                    self.gave_up = true;
                    return found;
                };
                self.steps_left = left;
                // What is less deep than all of the parents has none of them above it.
                if self.depth[above] < lowest || self.seen_for[above] == node {
                    continue;
                }
                self.seen_for[above] = node;
                if self.parent_for[above] == node {
                    found.push(above); // it is open already
                } else {
                    open.push(above);
                }
            }
        }
        found
    }
}
