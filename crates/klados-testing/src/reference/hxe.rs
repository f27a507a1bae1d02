//! Hierarchical cross-entropy.

use super::Term;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::{HierarchicalCrossEntropy, Weighting};
use crate::real::Real;

/// `-sum_{u in A(y)} lambda_u log P(u | pi(u))`. A union: the path to the lowest common ancestor, then
/// `-lambda log P(S | lca)`.
pub(super) fn terms<R: Real>(
    loss: &HierarchicalCrossEntropy,
    hierarchy: &Hierarchy,
    nodes: &[Node],
) -> Result<Vec<Term<R>>, String> {
    if !hierarchy.is_tree() {
        return Err("hierarchical cross-entropy is for trees".into());
    }
    let lambda = lambda::<R>(loss.alpha, loss.weighting, hierarchy);
    let end = if let [node] = nodes { *node } else { hierarchy.lca(nodes) };
    let mut terms = Vec::new();
    for u in hierarchy.path(end) {
        terms.push(Term {
            weight: lambda(hierarchy.depth(u), hierarchy.height(u)),
            set: hierarchy.classes_below(u),
            given: hierarchy.classes_below(hierarchy.parents(u)[0]),
        });
    }
    if nodes.len() > 1 {
        let tallest = nodes.iter().map(|&node| hierarchy.height(node)).max().unwrap_or(0);
        terms.push(Term {
            weight: lambda(hierarchy.depth(end) + 1, tallest),
            set: Label::Nodes(nodes.to_vec()).classes(hierarchy),
            given: hierarchy.classes_below(end),
        });
    }
    Ok(terms)
}

/// `lambda` of a node, or of what stands for one: `depth` edges below the root and `height` above the classes.
pub(super) fn lambda<R: Real>(
    alpha: f64,
    weighting: Weighting,
    hierarchy: &Hierarchy,
) -> impl Fn(usize, usize) -> R + '_ {
    let decay = move |steps: usize| (-R::of(alpha) * R::of(steps as f64)).exp();
    move |depth, height| match weighting {
        Weighting::Depth => decay(depth - 1),
        Weighting::DepthNormalized => decay(depth) / R::sum((0..hierarchy.nodes()).map(|v| decay(hierarchy.depth(v)))),
        Weighting::Height => decay(height),
    }
}
