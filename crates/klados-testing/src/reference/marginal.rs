//! Marginal cross-entropy.

use std::collections::BTreeSet;

use super::Term;
use super::weights::node_weights;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::{MarginalCrossEntropy, Unresolved};
use crate::real::Real;

/// With `U` the common ancestors of the named nodes (a single one counts itself) and `S` the label's classes:
/// `-sum_{u in U} w_u log P(u) - r log P(S)`, `r = max_{k in S} sum_{u in A(k) \ U} w_u`.
pub(super) fn terms<R: Real>(
    loss: &MarginalCrossEntropy,
    hierarchy: &Hierarchy,
    nodes: &[Node],
) -> Result<Vec<Term<R>>, String> {
    let weights = node_weights::<R>(&loss.weights, hierarchy)?;
    let all: Vec<usize> = (0..hierarchy.classes().len()).collect();
    let set = Label::Nodes(nodes.to_vec()).classes(hierarchy);
    let is_common = |u: &Node| nodes.iter().all(|&a| hierarchy.path(a).contains(u));
    let common: BTreeSet<Node> = (0..hierarchy.nodes()).filter(is_common).collect();

    let mut terms: Vec<Term<R>> = common
        .iter()
        .map(|&u| Term { weight: weights[u].clone(), set: hierarchy.classes_below(u), given: all.clone() })
        .collect();
    if loss.unresolved == Unresolved::Label {
        let mut unresolved = R::zero();
        for &k in &set {
            let path = hierarchy.path(hierarchy.class_node(k));
            let rest = R::sum(path.difference(&common).map(|&u| weights[u].clone()));
            if rest > unresolved {
                unresolved = rest;
            }
        }
        terms.push(Term { weight: unresolved, set, given: all });
    }
    Ok(terms)
}
