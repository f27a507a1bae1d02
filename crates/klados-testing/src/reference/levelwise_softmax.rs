//! Level-wise softmax.

use super::Term;
use super::weights::node_weights;
use crate::hierarchy::{Hierarchy, Node};
use crate::loss::LevelwiseSoftmax;
use crate::real::Real;

/// `-sum_{u in A(y)} w_u log softmax_{level(u)}(s)_u`; the level is the rank, or the depth among the nodes without one.
pub(super) fn terms<R: Real>(
    loss: &LevelwiseSoftmax,
    hierarchy: &Hierarchy,
    nodes: &[Node],
) -> Result<Vec<Term<R>>, String> {
    if !hierarchy.is_tree() {
        return Err("level-wise softmax is for trees".into());
    }
    let &[y] = nodes else { return Err("level-wise softmax takes one node, not a union".into()) };
    let weights = node_weights::<R>(&loss.weights, hierarchy)?;
    let level = |v: Node| match hierarchy.rank(v) {
        Some(rank) => (Some(rank), 0),
        None => (None, hierarchy.depth(v)),
    };
    let term = |u: Node| {
        let peers = hierarchy.columns().into_iter().filter(|&v| level(v) == level(u));
        let given = peers.map(|v| hierarchy.column(v)).collect();
        Term { weight: weights[u].clone(), set: vec![hierarchy.column(u)], given }
    };
    Ok(hierarchy.path(y).into_iter().map(term).collect())
}
