//! The node weights of marginal cross-entropy.

use crate::hierarchy::{Hierarchy, Node};
use crate::loss::{Levels, Weights};
use crate::real::Real;

/// `w_u` for every node; the root has none, which is to say 0.
///
/// # Errors
///
/// A weighting that shares out a path's total on a DAG, a rank that no node has, or a weight below 0.
pub fn node_weights<R: Real>(weights: &Weights, hierarchy: &Hierarchy) -> Result<Vec<R>, String> {
    let nodes = 0..hierarchy.nodes();
    let not_root = |v: Node| v != hierarchy.root();
    let shared = |take: &dyn Fn(Node, R) -> R, total: f64| -> Result<Vec<R>, String> {
        if !hierarchy.is_tree() {
            return Err("weights that share out a path's total are for trees".into());
        }
        check(total)?;
        let mut result = vec![R::zero(); hierarchy.nodes()];
        share(hierarchy, hierarchy.root(), &R::of(total), take, &mut result);
        Ok(result)
    };
    let levels_above = R::of(hierarchy.height(hierarchy.root()) as f64);
    let is_class = |v: Node| hierarchy.children(v).is_empty();
    match weights {
        Weights::Uniform => Ok(nodes.map(|v| R::of(f64::from(not_root(v)))).collect()),
        Weights::Leaves => Ok(nodes.map(|v| R::of(f64::from(is_class(v)))).collect()),
        Weights::Balanced => node_weights(&Weights::Power { q: 1.0, total: 1.0 }, hierarchy),
        Weights::Lazy => shared(&|v, left| if is_class(v) { left } else { R::one() / levels_above.clone() }, 1.0),
        Weights::Greedy => shared(&|v, left| left - R::of(hierarchy.height(v) as f64) / levels_above.clone(), 1.0),
        &Weights::Power { q, total } => {
            check(q)?;
            let take = |v: Node, left: R| {
                let mut power = R::one();
                let mut sum = R::one();
                for _ in 0..hierarchy.height(v) {
                    power = power * R::of(q);
                    sum = sum + power.clone();
                }
                left / sum
            };
            shared(&take, total)
        }
        Weights::Levels(Levels::Depths(levels)) => {
            levels.iter().try_for_each(|&weight| check(weight))?;
            let level = |v: Node| levels.get(hierarchy.depth(v) - 1).copied().unwrap_or(0.0);
            Ok(nodes.map(|v| if not_root(v) { R::of(level(v)) } else { R::zero() }).collect())
        }
        Weights::Levels(Levels::Ranks(levels)) => {
            for (rank, &weight) in levels {
                check(weight)?;
                if !(0..hierarchy.nodes()).any(|v| hierarchy.rank(v) == Some(rank)) {
                    return Err(format!("no node has the rank {rank:?}"));
                }
            }
            let level = |v: Node| hierarchy.rank(v).and_then(|rank| levels.get(rank)).copied().unwrap_or(0.0);
            Ok(nodes.map(|v| if not_root(v) { R::of(level(v)) } else { R::zero() }).collect())
        }
    }
}

fn check(weight: f64) -> Result<(), String> {
    if weight.is_finite() && weight >= 0.0 { Ok(()) } else { Err(format!("a weight of {weight}")) }
}

/// Goes down with `left` to give: each child takes its part and leaves the rest to those below it.
fn share<R: Real>(hierarchy: &Hierarchy, above: Node, left: &R, take: &dyn Fn(Node, R) -> R, result: &mut [R]) {
    for &child in hierarchy.children(above) {
        result[child] = take(child, left.clone());
        let rest = left.clone() - result[child].clone();
        share(hierarchy, child, &rest, take, result);
    }
}
