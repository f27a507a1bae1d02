//! The node with the largest or the least score; of several the first in hierarchy order.

use std::collections::BTreeSet;

use crate::hierarchy::{Hierarchy, Node};
use crate::real::Real;

/// The node of the largest score; a masked one is below all others.
pub(super) fn largest<R: Real>(hierarchy: &Hierarchy, scores: &[Option<R>], nodes: &BTreeSet<Node>) -> Node {
    first_that(hierarchy, nodes, |v, best| is_less(&scores[hierarchy.column(best)], &scores[hierarchy.column(v)]))
}

/// The node of the least score.
pub(super) fn least<R: Real>(hierarchy: &Hierarchy, scores: &[Option<R>], nodes: &BTreeSet<Node>) -> Node {
    first_that(hierarchy, nodes, |v, best| is_less(&scores[hierarchy.column(v)], &scores[hierarchy.column(best)]))
}

/// `None` is minus infinity.
fn is_less<R: Real>(a: &Option<R>, b: &Option<R>) -> bool {
    match (a, b) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(a), Some(b)) => a < b,
    }
}

/// The first node that no later one `beats`.
pub(super) fn first_that(hierarchy: &Hierarchy, nodes: &BTreeSet<Node>, beats: impl Fn(Node, Node) -> bool) -> Node {
    let in_order = hierarchy.order().into_iter().filter(|v| nodes.contains(v));
    let best = in_order.reduce(|best, v| if beats(v, best) { v } else { best });
    best.unwrap_or_else(|| panic!("an extremum over no nodes"))
}
