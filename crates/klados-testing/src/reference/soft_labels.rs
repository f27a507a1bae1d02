//! Soft labels.

use super::Term;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::SoftLabels;
use crate::real::Real;

/// `-sum_k q_k log p_k` with `q_k` proportional to `exp(-beta d(y, k))`, `d` the height of the lowest common ancestor of
/// `y` and `k` over the root's, and `q` normalised over the classes that are not masked. `None`: all of `D(y)` is masked.
pub(super) fn terms<R: Real>(
    loss: &SoftLabels,
    hierarchy: &Hierarchy,
    nodes: &[Node],
    open: &[bool],
) -> Result<Option<Vec<Term<R>>>, String> {
    let &[y] = nodes else {
        return Err("soft_labels takes one node, not a union".into());
    };
    if Label::Nodes(vec![y]).classes(hierarchy).iter().all(|&k| !open[k]) {
        return Ok(None);
    }
    let all: Vec<usize> = (0..open.len()).collect();
    let top = R::of(hierarchy.height(hierarchy.root()) as f64);
    let target = |k: usize| {
        let lca = hierarchy.lca(&[y, hierarchy.class_node(k)]);
        (-R::of(loss.beta) * R::of(hierarchy.height(lca) as f64) / top.clone()).exp()
    };
    let targets: Vec<(usize, R)> = all.iter().filter(|&&k| open[k]).map(|&k| (k, target(k))).collect();
    let total = R::sum(targets.iter().map(|(_, q)| q.clone()));
    let term = |(k, q): (usize, R)| Term { weight: q / total.clone(), set: vec![k], given: all.clone() };
    Ok(Some(targets.into_iter().map(term).collect()))
}
