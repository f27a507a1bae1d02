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

/// From summands by class logits to summands by scores: each goes to every node on the class's path.
pub(super) fn pull_back<R: Real>(hierarchy: &Hierarchy, part: Part<R>) -> Part<R> {
    let mut summands = Vec::new();
    for (k, summand) in part.summands {
        let path = hierarchy.path(hierarchy.class_node(k));
        summands.extend(path.into_iter().map(|u| (hierarchy.column(u), summand.clone())));
    }
    Part { value: part.value, summands }
}
