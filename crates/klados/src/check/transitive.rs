//! Edges that a longer path says already.

use std::collections::HashSet;

use super::shape::Shape;
use super::{Report, Rule};

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    let mut search = Search::new(shape);
    let mut said = HashSet::new();
    let mut left = None;
    for (looked_at, &node) in shape.order.iter().enumerate().filter(|(_, node)| shape.parents(**node).len() > 1) {
        if search.steps_left == 0 {
            left = Some(shape.order.len() - looked_at);
            break;
        }
        said.extend(search.repeated_parents(node).into_iter().map(|parent| (parent, node)));
    }
    for edge in shape.edges.iter().filter(|edge| said.contains(&(edge.parent, edge.child))) {
        let (parent, child) = (report.draft.label(edge.parent), report.draft.label(edge.child));
        let message = format!("\"{child}\" is below \"{parent}\" by a longer path too");
        report.add(Rule::TransitiveEdge, edge.line(), [edge.parent, edge.child], message);
    }
    if let Some(left) = left {
        let message = format!("the search took too long: of {left} nodes not all parents were looked at");
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
}

impl<'a> Search<'a> {
    fn new(shape: &'a Shape) -> Self {
        let nodes = shape.is_kept.len();
        let none = || vec![usize::MAX; nodes];
        let steps_left = 1_000_000 + 20 * (nodes + shape.edges.len());
        Self { shape, depth: shape.depths(), seen_for: none(), parent_for: none(), steps_left }
    }

    fn repeated_parents(&mut self, node: usize) -> Vec<usize> {
        let mut open: Vec<usize> = self.shape.parents(node).collect();
        let lowest = open.iter().map(|&parent| self.depth[parent]).min().unwrap_or(0);
        open.iter().for_each(|&parent| self.parent_for[parent] = node);
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            for above in self.shape.parents(at) {
                let Some(left) = self.steps_left.checked_sub(1) else { return found };
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
