//! From the losses of a batch to one number.

use super::binary_cross_entropy;
use super::options::weighing_classes;
use crate::big::Big;
use crate::hierarchy::Hierarchy;
use crate::label::Label;
use crate::loss::Loss;
use crate::real::Real;

/// A sample's part in the denominator of `mean`: the class weight of its class, the mean over the set of a coarse label,
/// 1 for a distribution, 0 where it is ignored; for `binary_cross_entropy` the number of its terms.
///
/// # Panics
///
/// The loss is not defined for the label.
pub fn sample_weight(loss: &Loss, hierarchy: &Hierarchy, label: &Label) -> f64 {
    if let Loss::BinaryCrossEntropy(loss) = loss {
        return match binary_cross_entropy::count(loss, hierarchy, label) {
            Ok(count) => count as f64,
            Err(error) => panic!("{error}"),
        };
    }
    match (label, loss.class_weight()) {
        (Label::Ignored, _) => 0.0,
        (Label::Nodes(_) | Label::Multi { .. }, Some(weights)) => {
            let set = weighing_classes(loss, hierarchy, label);
            set.iter().map(|&k| weights[k]).sum::<f64>() / set.len() as f64
        }
        (_, _) => 1.0,
    }
}

/// The mean over the samples that take part, weighted as `torch.nn.CrossEntropyLoss` does; over nothing it is 0.
pub fn mean(loss: &Loss, hierarchy: &Hierarchy, labels: &[Label], losses: &[f64]) -> f64 {
    let mut weights = Big::zero();
    let mut total = Big::zero();
    let mut not_finite = 0.0;
    for (label, &value) in labels.iter().zip(losses) {
        weights = weights + Big::of(sample_weight(loss, hierarchy, label));
        if value.is_finite() {
            total = total + Big::of(value);
        } else {
            not_finite += value;
        }
    }
    if not_finite != 0.0 {
        not_finite
    } else if weights.is_zero() {
        0.0
    } else {
        (total / weights).to_f64()
    }
}

/// `class_weight = "balanced"`: `n / (K n_k)`. A coarse label counts as `1 / |S|` on each class of `S`, a distribution
/// as itself, an ignored sample not at all. A class without count gets 1.
pub fn balanced_class_weight(hierarchy: &Hierarchy, labels: &[Label]) -> Vec<f64> {
    let classes = hierarchy.classes().len();
    let mut counts = vec![0.0; classes];
    for label in labels {
        if let Label::Soft(q) = label {
            for k in 0..classes {
                counts[k] += q[k];
            }
        }
        let set = label.classes(hierarchy);
        for &k in &set {
            counts[k] += 1.0 / set.len() as f64;
        }
    }
    let samples = labels.iter().filter(|label| **label != Label::Ignored).count() as f64;
    counts.iter().map(|&count| if count == 0.0 { 1.0 } else { samples / (classes as f64 * count) }).collect()
}
