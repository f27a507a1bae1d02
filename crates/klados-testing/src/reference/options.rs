//! From a label and the options to the labels whose losses are added.

use super::weighted_cross_entropy;
use crate::hierarchy::Hierarchy;
use crate::label::Label;
use crate::loss::Loss;
use crate::real::Real;

/// A label, and how much of its loss is taken.
pub(super) type Share<R> = (R, Label);

/// `(1 - eps) c_y L(label) + (eps / N) sum_k c_k L({k})`, and for a distribution `sum_k c_k q_k L({k})` as the first part.
/// What has no weight is left out. `open` says which classes are not masked. `None` where the classes of a distribution
/// are all masked.
pub(super) fn shares<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    label: &Label,
    open: &[bool],
) -> Result<Option<Vec<Share<R>>>, String> {
    let classes = hierarchy.classes().len();
    let class_weight = match loss.class_weight() {
        Some(weights) if weights.len() != classes => {
            return Err(format!("{} class weights for {classes} classes", weights.len()));
        }
        Some(weights) if weights.iter().any(|&c| !c.is_finite() || c < 0.0) => {
            return Err("a class weight is below 0".into());
        }
        Some(weights) => weights.to_vec(),
        None => vec![1.0; classes],
    };
    let smoothing = R::of(loss.label_smoothing());
    let kept = R::one() - smoothing.clone();
    let class = |k: usize| Label::Nodes(vec![hierarchy.class_node(k)]);

    let mut shares: Vec<Share<R>> = Vec::new();
    match label {
        Label::Ignored => {}
        Label::Nodes(_) | Label::Multi { .. } => {
            let set = weighing_classes(loss, hierarchy, label);
            let total = R::sum(set.iter().map(|&k| R::of(class_weight[k])));
            shares.push((kept * total / R::of(set.len() as f64), label.clone()));
        }
        Label::Soft(_) if matches!(loss, Loss::SoftLabels(_)) => {
            return Err("soft_labels makes its own distribution and takes none".into());
        }
        Label::Soft(q) => {
            let total = R::sum((0..classes).filter(|&k| open[k]).map(|k| R::of(q[k])));
            if total.is_zero() {
                return Ok(None);
            }
            for k in (0..classes).filter(|&k| open[k]) {
                let weight = kept.clone() * R::of(class_weight[k]) * R::of(q[k]) / total.clone();
                shares.push((weight, class(k)));
            }
        }
    }
    if !smoothing.is_zero() && *label != Label::Ignored {
        for k in (0..classes).filter(|&k| open[k]) {
            let weight = smoothing.clone() / R::of(classes as f64) * R::of(class_weight[k]);
            shares.push((weight, class(k)));
        }
    }
    shares.retain(|(weight, _)| !weight.is_zero());
    Ok(Some(shares))
}

/// The classes whose mean weight is the weight of a node, a union or a multi-label label: those at or below its nodes, all
/// where nothing is positive; for a superclass of weighted cross-entropy those with a weight for it.
pub(super) fn weighing_classes(loss: &Loss, hierarchy: &Hierarchy, label: &Label) -> Vec<usize> {
    if let (Loss::WeightedCrossEntropy(loss), Label::Nodes(nodes)) = (loss, label)
        && let Some(members) = weighted_cross_entropy::members(loss, hierarchy, nodes)
    {
        return members;
    }
    let set = label.classes(hierarchy);
    if set.is_empty() { (0..hierarchy.classes().len()).collect() } else { set }
}
