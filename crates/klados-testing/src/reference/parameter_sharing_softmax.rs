//! Parameter-sharing softmax.

use super::part::Part;
use crate::hierarchy::Hierarchy;
use crate::real::Real;

/// `z_k = sum_{u in A(k)} s_u`.
pub(super) fn class_logits<R: Real>(hierarchy: &Hierarchy, scores: &[Option<R>]) -> Vec<Option<R>> {
    let logit = |k: usize| {
        let mut path = hierarchy.path(hierarchy.class_node(k)).into_iter();
        path.try_fold(R::zero(), |sum, u| scores[hierarchy.column(u)].clone().map(|s| sum + s))
    };
    (0..hierarchy.classes().len()).map(logit).collect()
}

/// From slopes by class logits to slopes by scores: each goes to every node on the class's path.
pub(super) fn pull_back<R: Real>(hierarchy: &Hierarchy, part: Part<R>) -> Part<R> {
    let to_scores = |(k, slope): (usize, R)| {
        let path = hierarchy.path(hierarchy.class_node(k)).into_iter();
        path.map(|u| (hierarchy.column(u), slope.clone())).collect::<Vec<_>>()
    };
    let halves = part.halves.into_iter().map(|half| half.into_iter().flat_map(to_scores).collect()).collect();
    Part { halves, ..part }
}
