//! Random cut.

use super::Term;
use crate::hierarchy::{Hierarchy, Node};
use crate::loss::RandomCut;
use crate::real::Real;

/// The step of the golden files.
const STEP: u64 = 0;

/// Cross-entropy over the topmost closed nodes and the leaves not below one.
pub(super) fn terms<R: Real>(
    loss: &RandomCut,
    hierarchy: &Hierarchy,
    row: u64,
    nodes: &[Node],
) -> Result<Vec<Term<R>>, String> {
    if !hierarchy.is_tree() {
        return Err("a random cut is for trees".into());
    }
    let &[y] = nodes else { return Err("a random cut takes one class, not a union".into()) };
    if !hierarchy.children(y).is_empty() {
        return Err("a random cut takes a class, not an internal node".into());
    }
    let mut cut = Vec::new();
    walk(loss, hierarchy, row, hierarchy.root(), &mut cut);
    let target = hierarchy.path(y).into_iter().find(|v| cut.contains(v)).unwrap_or(y);
    let mut given: Vec<usize> = cut.into_iter().map(|v| hierarchy.column(v)).collect();
    given.sort_unstable();
    Ok(vec![Term { weight: R::one(), set: vec![hierarchy.column(target)], given }])
}

/// Goes down from `v` to what is closed or a leaf.
fn walk(loss: &RandomCut, hierarchy: &Hierarchy, row: u64, v: Node, cut: &mut Vec<Node>) {
    for &child in hierarchy.children(v) {
        if hierarchy.children(child).is_empty() || is_closed(loss, row, hierarchy.column(child)) {
            cut.push(child);
        } else {
            walk(loss, hierarchy, row, child, cut);
        }
    }
}

fn is_closed(loss: &RandomCut, row: u64, column: usize) -> bool {
    let h = [loss.seed, STEP, row, column as u64].into_iter().fold(0, next);
    (h >> 11) as f64 / 9_007_199_254_740_992.0 < loss.p
}

fn next(h: u64, value: u64) -> u64 {
    mix((h ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15))
}

/// The finalizer of SplitMix64.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
