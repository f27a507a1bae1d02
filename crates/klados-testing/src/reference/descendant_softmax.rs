//! Descendant softmax.

use std::collections::BTreeSet;

use super::Term;
use crate::hierarchy::{Hierarchy, Node};
use crate::real::Real;

/// `sum_{a in A(y)} (-s_a + log(e^{s_a} + sum_{b in A(a)} sum_{c sibling of b} e^{E_c}))`, where `e^{E_c}` is the sum of
/// `e^s` over the nodes at or below `c`: `a` against itself and all that is at or below a sibling of a node on its path.
pub(super) fn terms<R: Real>(hierarchy: &Hierarchy, nodes: &[Node]) -> Result<Vec<Term<R>>, String> {
    if !hierarchy.is_tree() {
        return Err("descendant softmax is for trees".into());
    }
    let &[y] = nodes else { return Err("descendant softmax takes one node, not a union".into()) };
    let term = |a: Node| {
        let mut given = BTreeSet::from([a]);
        for b in hierarchy.path(a) {
            for &c in hierarchy.children(hierarchy.parents(b)[0]).iter().filter(|&&c| c != b) {
                given.extend(hierarchy.descendants(c));
            }
        }
        let given = given.into_iter().map(|v| hierarchy.column(v)).collect();
        Term { weight: R::one(), set: vec![hierarchy.column(a)], given }
    };
    Ok(hierarchy.path(y).into_iter().map(term).collect())
}
