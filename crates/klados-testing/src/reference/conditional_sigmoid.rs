//! Conditional-sigmoid BCE.

use std::collections::BTreeSet;

use super::options::Share;
use super::part::{Part, sigmoid};
use super::weights::node_weights;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::ConditionalSigmoid;
use crate::real::Real;

/// `sum_v w_v BCE(sigma(s_v), 1[v in A(y)])` over the children of every node strictly above the label; of a multi-label
/// label, over the children of the root and of every positive node that has a positive child.
pub(super) fn parts<R: Real>(
    loss: &ConditionalSigmoid,
    hierarchy: &Hierarchy,
    scores: &[Option<R>],
    shares: &[Share<R>],
) -> Result<Option<Vec<Part<R>>>, String> {
    if !hierarchy.is_tree() {
        return Err("conditional sigmoid is for trees".into());
    }
    let weights = node_weights::<R>(&loss.weights, hierarchy)?;
    let mut parts = Vec::new();
    for (share, label) in shares {
        let (positive, masked, opened): (BTreeSet<Node>, &[Node], Vec<Node>) = match label {
            Label::Nodes(nodes) => {
                let &[y] = nodes.as_slice() else { return Err("conditional sigmoid takes no union".into()) };
                (hierarchy.path(y), &[], hierarchy.ancestors(y).into_iter().filter(|&u| u != y).collect())
            }
            Label::Multi { nodes, masked } => {
                let positive: BTreeSet<Node> = nodes.iter().flat_map(|&node| hierarchy.path(node)).collect();
                let has_positive_child = |u: &Node| hierarchy.children(*u).iter().any(|v| positive.contains(v));
                let mut opened: Vec<Node> = positive.iter().copied().filter(has_positive_child).collect();
                opened.push(hierarchy.root());
                (positive, masked, opened)
            }
            Label::Ignored | Label::Soft(_) => continue,
        };
        for &v in opened.iter().flat_map(|&u| hierarchy.children(u)) {
            let weight = share.clone() * weights[v].clone();
            if weight.is_zero() || masked.contains(&v) {
                continue;
            }
            let column = hierarchy.column(v);
            let Some(part) = sigmoid(&weight, column, &scores[column], positive.contains(&v), 0.0) else {
                return Ok(None);
            };
            parts.push(part.with_key(v, positive.get(&v).copied()));
        }
    }
    Ok(Some(parts))
}
