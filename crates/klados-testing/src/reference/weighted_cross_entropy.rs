//! Weighted cross-entropy.

use super::options::Share;
use super::part::{Part, focal};
use super::superclasses::{Sums, Superclass, superclasses};
use super::term::probabilities;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::WeightedCrossEntropy;
use crate::real::Real;

/// `-weight (1 - P)^gamma log P` with `P = sum_k W_k p_k`.
struct Mixture<R> {
    of: Target,
    weight: R,
    shares: Vec<R>,
}

/// For a class `leaf_weight` times `-log p_y` and `superclass_weight` times `-sum_v W_yv log P(v)`; for a superclass
/// `superclass_weight` times `-log P(v)`.
pub(super) fn parts<R: Real>(
    loss: &WeightedCrossEntropy,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    shares: &[Share<R>],
    split: bool,
) -> Result<Option<Vec<Part<R>>>, String> {
    for weight in [loss.leaf_weight, loss.superclass_weight] {
        if !weight.is_finite() || weight < 0.0 {
            return Err(format!("a weight of {weight}"));
        }
    }
    let superclasses = superclasses::<R>(&loss.map, loss.normalize, Sums::Rows, hierarchy)?;
    let (leaf_weight, superclass_weight) = (R::of(loss.leaf_weight), R::of(loss.superclass_weight));
    let mut mixtures: Vec<Mixture<R>> = Vec::new();
    for (share, label) in shares {
        let target = target(&superclasses, hierarchy, label)?;
        match target {
            Target::Class(y) => {
                let alone = (0..logits.len()).map(|k| R::of(f64::from(k == y))).collect();
                mixtures.push(Mixture { of: target, weight: share.clone() * leaf_weight.clone(), shares: alone });
                for (v, superclass) in superclasses.iter().enumerate() {
                    let weight = share.clone() * superclass_weight.clone() * superclass.weights[y].clone();
                    mixtures.push(Mixture { of: Target::Superclass(v), weight, shares: superclass.weights.clone() });
                }
            }
            Target::Superclass(v) => {
                let weight = share.clone() * superclass_weight.clone();
                mixtures.push(Mixture { of: target, weight, shares: superclasses[v].weights.clone() });
            }
        }
    }
    Ok(evaluate(mixtures, logits, loss.gamma, split))
}

/// As for sets of classes: masked ones are left out, the terms of a class or a superclass are one, that of everything is
/// none, and an empty one makes the loss infinite.
///
/// With a hard label the summands are `p_k W_k (1 - P) / P` inside and `p_k (1 - W_k)` outside, times the slope.
fn evaluate<R: Real>(mixtures: Vec<Mixture<R>>, logits: &[Option<R>], gamma: f64, split: bool) -> Option<Vec<Part<R>>> {
    let mut possible: Vec<Mixture<R>> = Vec::new();
    for Mixture { of, weight, mut shares } in mixtures.into_iter().filter(|mixture| !mixture.weight.is_zero()) {
        for (share, logit) in shares.iter_mut().zip(logits) {
            if logit.is_none() {
                *share = R::zero();
            }
        }
        if shares.iter().all(Real::is_zero) {
            return None;
        }
        if shares.iter().zip(logits).all(|(share, logit)| logit.is_none() || *share == R::one()) {
            continue;
        }
        match possible.iter_mut().find(|known| known.of == of) {
            Some(known) => known.weight = known.weight.clone() + weight,
            None => possible.push(Mixture { of, weight, shares }),
        }
    }
    let p = probabilities(logits);
    let part = |mixture: Mixture<R>| {
        let inside = |k: usize| mixture.shares[k].clone() * p[k].clone();
        let outside = |k: usize| (R::one() - mixture.shares[k].clone()) * p[k].clone();
        let total = R::sum((0..p.len()).map(inside));
        let rest = R::sum((0..p.len()).map(outside));
        let (value, slope) = focal(&mixture.weight, total.clone(), rest.clone(), gamma);
        let half = |part: &dyn Fn(usize) -> R| (0..p.len()).map(|k| (k, slope.clone() * part(k))).collect();
        let halves = if split {
            vec![half(&|k| inside(k) / total.clone()), half(&|k| -p[k].clone())]
        } else {
            vec![half(&|k| inside(k) * rest.clone() / total.clone()), half(&|k| -outside(k))]
        };
        Part { key: None, value, halves }
    };
    Some(possible.into_iter().map(part).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Class(usize),
    Superclass(usize),
}

/// A leaf is its class, any other node the superclass of its name.
fn target<R: Real>(superclasses: &[Superclass<R>], hierarchy: &Hierarchy, label: &Label) -> Result<Target, String> {
    let Label::Nodes(nodes) = label else { return Err("a multi-label label".into()) };
    let &[node] = nodes.as_slice() else { return Err("a union".into()) };
    if let Some(class) = class_of(hierarchy, node) {
        return Ok(Target::Class(class));
    }
    let name = hierarchy.name(node);
    let superclass = superclasses.iter().position(|superclass| Some(superclass.name.as_str()) == name);
    superclass.map(Target::Superclass).ok_or_else(|| format!("{name:?} is neither a class nor a superclass"))
}

fn class_of(hierarchy: &Hierarchy, node: Node) -> Option<usize> {
    (0..hierarchy.classes().len()).find(|&k| hierarchy.class_node(k) == node)
}

/// The classes with a weight for the superclass that a label names; `None` where it names a class.
pub(super) fn members(loss: &WeightedCrossEntropy, hierarchy: &Hierarchy, nodes: &[Node]) -> Option<Vec<usize>> {
    let &[node] = nodes else { return None };
    if class_of(hierarchy, node).is_some() {
        return None;
    }
    let name = hierarchy.name(node)?;
    let has_weight = |class: &String| {
        loss.map.iter().any(|(known, superclass, weight)| known == class && superclass == name && *weight > 0.0)
    };
    Some((0..hierarchy.classes().len()).filter(|&k| has_weight(&hierarchy.classes()[k])).collect())
}
