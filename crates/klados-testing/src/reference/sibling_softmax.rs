//! Sibling-softmax cross-entropy.

use super::hxe::lambda;
use super::options::Share;
use super::part::{Part, focal};
use super::term::{self, Term};
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::SiblingSoftmax;
use crate::real::Real;

/// `-sum_{u in A(y)} lambda_u log P(u | pi(u))`. A union: the path to the lowest common ancestor, then
/// `-lambda log P(S | lca)`.
pub(super) fn parts<R: Real>(
    loss: &SiblingSoftmax,
    hierarchy: &Hierarchy,
    scores: &[Option<R>],
    shares: &[Share<R>],
    split: bool,
) -> Result<Option<Vec<Part<R>>>, String> {
    if !hierarchy.is_tree() {
        return Err("sibling softmax is for trees".into());
    }
    let lambda = lambda::<R>(loss.alpha, loss.weighting, hierarchy);
    let scores = adjusted(loss, hierarchy, scores)?;
    let mut terms = Vec::new();
    let mut unions = Vec::new();
    for (share, label) in shares {
        let Label::Nodes(nodes) = label else { return Err("a multi-label label".into()) };
        let end = if let [node] = nodes.as_slice() { *node } else { hierarchy.lca(nodes) };
        for u in hierarchy.path(end) {
            let siblings = hierarchy.children(hierarchy.parents(u)[0]);
            let mut given: Vec<usize> = siblings.iter().map(|&v| hierarchy.column(v)).collect();
            given.sort_unstable();
            let weight = share.clone() * lambda(hierarchy.depth(u), hierarchy.height(u));
            terms.push(Term { weight, set: vec![hierarchy.column(u)], given });
        }
        if nodes.len() > 1 {
            let tallest = nodes.iter().map(|&node| hierarchy.height(node)).max().unwrap_or(0);
            unions.push((share.clone() * lambda(hierarchy.depth(end) + 1, tallest), end, nodes));
        }
    }
    terms.retain(|term| !term.weight.is_zero());
    unions.retain(|(weight, ..)| !weight.is_zero());
    let Some(mut parts) = term::parts(terms, &scores, loss.gamma, split) else { return Ok(None) };
    for (weight, lca, nodes) in unions {
        let Some(part) = union(&weight, hierarchy, &scores, lca, nodes, loss.gamma) else { return Ok(None) };
        parts.push(part);
    }
    Ok(Some(parts))
}

/// `s_u + tau log nu(u | pi(u))`.
fn adjusted<R: Real>(
    loss: &SiblingSoftmax,
    hierarchy: &Hierarchy,
    scores: &[Option<R>],
) -> Result<Vec<Option<R>>, String> {
    if loss.tau == 0.0 {
        return Ok(scores.to_vec());
    }
    let names = hierarchy.column_names();
    let mut counts = vec![0.0; scores.len()];
    for (name, count) in &loss.frequencies {
        let column = names.iter().position(|known| known == name);
        counts[column.ok_or_else(|| format!("no node {name:?}"))?] = *count;
    }
    let mut result = scores.to_vec();
    for v in hierarchy.columns() {
        let siblings = hierarchy.children(hierarchy.parents(v)[0]);
        let column = hierarchy.column(v);
        if siblings.len() < 2 {
            continue;
        }
        if counts[column].is_nan() || counts[column] <= 0.0 {
            return Err(format!("{:?} has no count", names[column]));
        }
        let total = R::sum(siblings.iter().map(|&u| R::of(counts[hierarchy.column(u)])));
        let shift = R::of(loss.tau) * (R::of(counts[column]) / total).ln();
        result[column] = result[column].clone().map(|s| s + shift);
    }
    Ok(result)
}

/// What of the probability of a node (given the lca) is in the union, and what is not.
#[derive(Clone)]
struct Mass<R> {
    inside: R,
    outside: R,
}

/// `-weight (1 - P)^gamma log P` with `P = P(S | lca)`, the sum over the named nodes of the products of the conditional
/// probabilities below the lca.
///
/// Of a group of siblings let `M_w` and `N_w` be what of the probability of each is in the union and what is not, and `M`
/// and `N` their sums. `dP/ds_w = (M_w N - N_w M) / (M + N)`.
fn union<R: Real>(
    weight: &R,
    hierarchy: &Hierarchy,
    scores: &[Option<R>],
    lca: Node,
    nodes: &[Node],
    gamma: f64,
) -> Option<Part<R>> {
    let mut masses = vec![None; hierarchy.nodes()];
    let p = term::probabilities(scores);
    let total = mass(hierarchy, &p, lca, &R::one(), nodes, &mut masses);
    if total.inside.is_zero() {
        return None;
    }
    if total.outside.is_zero() {
        return Some(Part::nothing());
    }
    let (value, slope) = focal(weight, total.inside.clone(), total.outside, gamma);
    let slope = slope / total.inside;
    let mut slopes = Vec::new();
    for v in 0..hierarchy.nodes() {
        let Some(Mass { inside, outside }) = &masses[v] else { continue };
        let all = inside.clone() + outside.clone();
        for &w in hierarchy.children(v) {
            let Some(own) = &masses[w] else { continue };
            let numerator = own.inside.clone() * outside.clone() - own.outside.clone() * inside.clone();
            slopes.push((hierarchy.column(w), slope.clone() * numerator / all.clone()));
        }
    }
    Some(Part::whole(value, slopes))
}

/// Fills in the masses of the nodes below `v` down to the named ones, where they are not 0.
fn mass<R: Real>(
    hierarchy: &Hierarchy,
    p: &[R],
    v: Node,
    probability: &R,
    nodes: &[Node],
    masses: &mut [Option<Mass<R>>],
) -> Mass<R> {
    let children = hierarchy.children(v);
    let total = R::sum(children.iter().map(|&w| p[hierarchy.column(w)].clone()));
    let result = if nodes.contains(&v) {
        Mass { inside: probability.clone(), outside: R::zero() }
    } else if total.is_zero() {
        Mass { inside: R::zero(), outside: probability.clone() }
    } else {
        let mut sum = Mass { inside: R::zero(), outside: R::zero() };
        for &w in children.iter().filter(|&&w| !p[hierarchy.column(w)].is_zero()) {
            let below = probability.clone() * p[hierarchy.column(w)].clone() / total.clone();
            let own = mass(hierarchy, p, w, &below, nodes, masses);
            sum = Mass { inside: sum.inside + own.inside, outside: sum.outside + own.outside };
        }
        sum
    };
    masses[v] = Some(result.clone());
    result
}
