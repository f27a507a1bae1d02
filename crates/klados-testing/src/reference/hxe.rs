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
    let decay = |steps: usize| (-R::of(loss.alpha) * R::of(steps as f64)).exp();
    // Of a node, or of what stands for one: `depth` edges below the root and `height` above the classes.
    let lambda = |depth: usize, height: usize| match loss.weighting {
        Weighting::Depth => decay(depth - 1),
        Weighting::DepthNormalized => decay(depth) / R::sum((0..hierarchy.nodes()).map(|v| decay(hierarchy.depth(v)))),
        Weighting::Height => decay(height),
    };

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
