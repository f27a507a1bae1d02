//! Tree-min.

use std::collections::BTreeSet;

use super::extremum::{largest, least};
use super::options::Share;
use super::part::{Part, sigmoid};
use super::weights::node_weights;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::TreeMin;
use crate::real::Real;

/// `-w_v (1 - p)^gamma log p` with `p = sigma(min over A(v) of s)` for a positive node and `sigma(-max over v and all
/// below of s)` for a negative one. What is strictly below a single node has no term.
pub(super) fn parts<R: Real>(
    loss: &TreeMin,
    hierarchy: &Hierarchy,
    scores: &[Option<R>],
    shares: &[Share<R>],
) -> Result<Option<Vec<Part<R>>>, String> {
    let weights = node_weights::<R>(&loss.weights, hierarchy)?;
    let mut parts = Vec::new();
    for (share, label) in shares {
        let (positive, unknown): (BTreeSet<Node>, BTreeSet<Node>) = match label {
            Label::Nodes(nodes) => {
                let &[y] = nodes.as_slice() else { return Err("tree-min takes no union".into()) };
                (hierarchy.path(y), hierarchy.descendants(y).into_iter().filter(|&v| v != y).collect())
            }
            Label::Multi { nodes, masked } => {
                let positive = nodes.iter().flat_map(|&node| hierarchy.path(node)).collect();
                (positive, masked.iter().copied().collect())
            }
            Label::Ignored | Label::Soft(_) => continue,
        };
        for v in hierarchy.columns() {
            let weight = share.clone() * weights[v].clone();
            if weight.is_zero() || unknown.contains(&v) {
                continue;
            }
            let is_positive = positive.contains(&v);
            let at = if is_positive {
                least(hierarchy, scores, &hierarchy.path(v))
            } else {
                largest(hierarchy, scores, &hierarchy.descendants(v))
            };
            let column = hierarchy.column(at);
            let Some(part) = sigmoid(&weight, column, &scores[column], is_positive, loss.gamma) else {
                return Ok(None);
            };
            parts.push(part.with_key(v, is_positive.then_some(v)));
        }
    }
    Ok(Some(parts))
}
