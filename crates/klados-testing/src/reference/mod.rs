//! The losses, straight from the definitions: class sets are lists of classes, probabilities are sums over them.
//!
//! Every loss on a class softmax is a sum of [`Term`]s `-w (1 - c)^gamma log c`, where `c = P(set | given)`. A loss's own
//! file writes down its terms for a label; this one adds the options and deals with masked classes and bad rows.
//!
//! Masked classes are left out of every sum. The loss is infinite where a term that takes part (its weight is not 0) is
//! the logarithm of zero, where all classes of a distribution or of a soft label's node are masked, and where a sample
//! that takes part has a row in which all classes are.
//!
//! In `f64` it is good for logits of ordinary size; [`Big`](crate::Big) has no such limit.

mod hxe;
mod marginal;
mod reduction;
mod soft_labels;
mod term;
mod weights;

pub use reduction::{balanced_class_weight, mean, sample_weight};
pub use term::Term;
pub use weights::node_weights;

use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::Loss;
use crate::real::Real;

/// What a loss says of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The unreduced loss.
    pub loss: f64,
    /// Its gradient.
    pub grad: Vec<f64>,
    /// The largest summand that enters any entry of the gradient: the measure for the gradient's error.
    ///
    /// With a hard label and no smoothing the summands are those of each term, in the form that does not cancel,
    /// `w p_k` outside the set and `w (1 - P) p_k / P` inside. Where the target is a distribution, a gradient is a
    /// difference of two distributions, and its summands are those of the two.
    pub magnitude: f64,
}

/// The loss of one row of logits and its gradient.
///
/// # Errors
///
/// A loss that is not defined on this hierarchy or for this label, or a parameter out of range.
pub fn evaluate<R: Real>(loss: &Loss, hierarchy: &Hierarchy, logits: &[f64], label: &Label) -> Result<Sample, String> {
    let constant = |value: f64, slope: f64| Sample { loss: value, grad: vec![slope; logits.len()], magnitude: 0.0 };
    if *label == Label::Ignored {
        return Ok(constant(0.0, 0.0));
    }
    if logits.iter().any(|z| z.is_nan() || *z == f64::INFINITY) {
        return Ok(constant(f64::NAN, f64::NAN));
    }
    let z: Vec<Option<R>> = logits.iter().map(|&z| z.is_finite().then(|| R::of(z))).collect();
    let Some(terms) = possible_terms(loss, hierarchy, &z, label)? else {
        return Ok(constant(f64::INFINITY, 0.0));
    };
    let is_distribution =
        matches!(label, Label::Soft(_)) || matches!(loss, Loss::SoftLabels(_)) || loss.label_smoothing() > 0.0;
    let p = term::probabilities(&z);
    let gamma = loss.gamma();
    let mut grad = vec![R::zero(); z.len()];
    let mut magnitude = R::zero();
    let mut total = R::zero();
    for term in &terms {
        let (value, slopes) = term.evaluate(&p, gamma);
        total = total + value;
        for (k, slope) in slopes.into_iter().enumerate() {
            let summands = if is_distribution { vec![slope.inside, slope.outside] } else { vec![slope.total()] };
            for summand in summands {
                grad[k] = grad[k].clone() + summand.clone();
                if magnitude < summand.abs() {
                    magnitude = summand.abs();
                }
            }
        }
    }
    Ok(Sample { loss: total.to_f64(), grad: grad.iter().map(Real::to_f64).collect(), magnitude: magnitude.to_f64() })
}

/// The loss alone, for logits of which `None` is masked. `None` is infinity. An ignored sample costs 0.
///
/// # Errors
///
/// As [`evaluate`].
pub fn value<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    label: &Label,
) -> Result<Option<R>, String> {
    let Some(terms) = possible_terms(loss, hierarchy, logits, label)? else {
        return Ok(None);
    };
    let p = term::probabilities(logits);
    Ok(Some(R::sum(terms.iter().map(|term| term.evaluate(&p, loss.gamma()).0))))
}

/// The terms on the classes that are not masked, or `None` where one of them is the logarithm of zero. Sets that are
/// equal then are one term, and the logarithm of 1 is none.
fn possible_terms<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    label: &Label,
) -> Result<Option<Vec<Term<R>>>, String> {
    if logits.len() != hierarchy.classes().len() {
        return Err(format!("{} logits for {} classes", logits.len(), hierarchy.classes().len()));
    }
    let open: Vec<bool> = logits.iter().map(Option::is_some).collect();
    let Some(terms) = terms::<R>(loss, hierarchy, label, &open)? else {
        return Ok(None);
    };
    let mut possible: Vec<Term<R>> = Vec::new();
    for Term { weight, mut set, mut given } in terms {
        set.retain(|&k| open[k]);
        given.retain(|&k| open[k]);
        if set.is_empty() {
            return Ok(None);
        }
        if set == given {
            continue;
        }
        match possible.iter_mut().find(|known| known.set == set && known.given == given) {
            Some(known) => known.weight = known.weight.clone() + weight,
            None => possible.push(Term { weight, set, given }),
        }
    }
    Ok(Some(possible))
}

/// The terms of a loss for a label, options included; a term of weight 0 is left out.
/// `open` says which classes are not masked. `None` where the label has no open class left.
///
/// `(1 - eps) c_y L(label) + (eps / N) sum_k c_k L({k})`, and for a distribution `sum_k c_k q_k L({k})` as the first part.
///
/// # Errors
///
/// As [`evaluate`].
pub fn terms<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    label: &Label,
    open: &[bool],
) -> Result<Option<Vec<Term<R>>>, String> {
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

    // The nodes of a label, and how much of that label's loss is taken.
    let mut parts: Vec<(R, Vec<Node>)> = Vec::new();
    match label {
        Label::Ignored => {}
        Label::Nodes(nodes) => {
            let set = label.classes(hierarchy);
            let total = R::sum(set.iter().map(|&k| R::of(class_weight[k])));
            parts.push((kept * total / R::of(set.len() as f64), nodes.clone()));
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
                parts.push((weight, vec![hierarchy.class_node(k)]));
            }
        }
    }
    if !smoothing.is_zero() && *label != Label::Ignored {
        for k in (0..classes).filter(|&k| open[k]) {
            let weight = smoothing.clone() / R::of(classes as f64) * R::of(class_weight[k]);
            parts.push((weight, vec![hierarchy.class_node(k)]));
        }
    }

    parts.retain(|(weight, _)| !weight.is_zero());
    if !parts.is_empty() && !open.contains(&true) {
        return Ok(None);
    }

    let mut terms: Vec<Term<R>> = Vec::new();
    for (weight, nodes) in parts {
        let own: Vec<Term<R>> = match loss {
            Loss::MarginalCrossEntropy(loss) => marginal::terms(loss, hierarchy, &nodes)?,
            Loss::HierarchicalCrossEntropy(loss) => hxe::terms(loss, hierarchy, &nodes)?,
            Loss::SoftLabels(loss) => match soft_labels::terms(loss, hierarchy, &nodes, open)? {
                Some(terms) => terms,
                None => return Ok(None),
            },
        };
        let own = own.into_iter().filter(|term| !term.weight.is_zero());
        terms.extend(own.map(|term| Term { weight: weight.clone() * term.weight.clone(), ..term }));
    }
    Ok(Some(terms))
}
