//! The losses, straight from the definitions: class sets are lists of classes, probabilities are sums over them.
//!
//! Every loss is a sum of terms `-w (1 - c)^gamma log c` of a probability `c`. For the softmax losses `c = P(set | given)`
//! (`Term`), for the others `c` is made of sigmoids. A loss's own file writes down its terms for a label; `options.rs`
//! takes the options into account, this file bad rows.
//!
//! Masked classes and nodes are left out of every sum. The loss is infinite where a term that takes part (its weight is
//! not 0) is the logarithm of zero, where all classes of a distribution or of a soft label's node are masked, and, for the
//! losses on one softmax over the classes, where a sample that takes part has a row in which all classes are.
//!
//! In `f64` it is good for logits of ordinary size; [`Big`](crate::Big) has no such limit.

mod binary_cross_entropy;
mod conditional_sigmoid;
mod descendant_softmax;
mod extremum;
mod hxe;
mod levelwise_softmax;
mod marginal;
mod node_log_probs;
mod options;
mod parameter_sharing_softmax;
mod part;
mod random_cut;
mod reduction;
mod sibling_softmax;
mod soft_labels;
mod softmax_margin;
mod superclasses;
mod term;
mod tree_min;
mod weighted_cross_entropy;
mod weights;

pub use node_log_probs::{NodeForm, node_log_probs};
pub use reduction::{balanced_class_weight, mean, sample_weight};
pub use weights::node_weights;

use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::{Loss, MarginalCrossEntropy};
use crate::real::Real;
use options::Share;
use part::Part;
use term::Term;

/// What a loss says of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The unreduced loss.
    pub loss: f64,
    /// Its gradient.
    pub grad: Vec<f64>,
    /// The largest summand that enters any entry of the gradient: the measure for the gradient's error.
    ///
    /// What is a summand is said in [`golden`](crate::golden#magnitudes).
    pub magnitude: f64,
}

/// The loss of one row of logits and its gradient, the row being the first of its batch.
///
/// # Errors
///
/// As [`evaluate_row`].
pub fn evaluate<R: Real>(loss: &Loss, hierarchy: &Hierarchy, logits: &[f64], label: &Label) -> Result<Sample, String> {
    evaluate_row::<R>(loss, hierarchy, logits, label, 0)
}

/// The loss of one row of logits and its gradient. What a loss draws depends on the row's place in its batch.
///
/// # Errors
///
/// A loss that is not defined on this hierarchy or for this label, or a parameter out of range.
pub fn evaluate_row<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[f64],
    label: &Label,
    row: u64,
) -> Result<Sample, String> {
    let constant = |value: f64, slope: f64| Sample { loss: value, grad: vec![slope; logits.len()], magnitude: 0.0 };
    if *label == Label::Ignored {
        return Ok(constant(0.0, 0.0));
    }
    if logits.iter().any(|z| z.is_nan() || *z == f64::INFINITY) {
        return Ok(constant(f64::NAN, f64::NAN));
    }
    let z: Vec<Option<R>> = logits.iter().map(|&z| z.is_finite().then(|| R::of(z))).collect();
    let Some(parts) = parts(loss, hierarchy, &z, label, row)? else {
        return Ok(constant(f64::INFINITY, 0.0));
    };
    let mut grad = vec![R::zero(); z.len()];
    let mut magnitude = R::zero();
    let mut total = R::zero();
    for part in part::merge(parts) {
        total = total + part.value.clone();
        for (k, summand) in part.summands() {
            if magnitude < summand.abs() {
                magnitude = summand.abs();
            }
            grad[k] = grad[k].clone() + summand;
        }
    }
    Ok(Sample { loss: total.to_f64(), grad: grad.iter().map(Real::to_f64).collect(), magnitude: magnitude.to_f64() })
}

/// The loss alone, for logits of which `None` is masked, in the first row of a batch. `None` is infinity. An ignored
/// sample costs 0.
///
/// # Errors
///
/// As [`evaluate_row`].
pub fn value<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    label: &Label,
) -> Result<Option<R>, String> {
    let parts = parts(loss, hierarchy, logits, label, 0)?;
    Ok(parts.map(|parts| R::sum(parts.into_iter().map(|part| part.value))))
}

/// The terms of a row, or `None` where the loss is infinite.
fn parts<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    label: &Label,
    row: u64,
) -> Result<Option<Vec<Part<R>>>, String> {
    let columns = if loss.has_node_columns() { hierarchy.columns().len() } else { hierarchy.classes().len() };
    if logits.len() != columns {
        return Err(format!("{} logits for {columns} columns", logits.len()));
    }
    let open: Vec<bool> = if loss.has_node_columns() {
        // A class is masked where anything at or above it is.
        parameter_sharing_softmax::class_logits(hierarchy, logits).iter().map(Option::is_some).collect()
    } else {
        logits.iter().map(Option::is_some).collect()
    };
    let Some(shares) = options::shares::<R>(loss, hierarchy, label, &open)? else {
        return Ok(None);
    };
    if matches!(label, Label::Nodes(_) | Label::Multi { .. }) {
        // A label that the loss does not take is refused also where its class weight is 0.
        of_shares(loss, hierarchy, logits, &[(R::one(), label.clone())], &open, row, false)?;
    }
    if loss.is_class_softmax() && !shares.is_empty() && !open.contains(&true) {
        return Ok(None);
    }
    let split = matches!(label, Label::Soft(_)) || matches!(loss, Loss::SoftLabels(_)) || loss.label_smoothing() > 0.0;
    of_shares(loss, hierarchy, logits, &shares, &open, row, split)
}

/// The terms of labels that are no distributions, with their weights.
fn of_shares<R: Real>(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    shares: &[Share<R>],
    open: &[bool],
    row: u64,
    split: bool,
) -> Result<Option<Vec<Part<R>>>, String> {
    let softmax = |terms: Vec<Term<R>>| term::parts(terms, logits, loss.gamma(), split);
    match loss {
        Loss::MarginalCrossEntropy(loss) => {
            Ok(softmax(collect(shares, |nodes| marginal::terms(loss, hierarchy, nodes))?))
        }
        Loss::HierarchicalCrossEntropy(loss) => {
            Ok(softmax(collect(shares, |nodes| hxe::terms(loss, hierarchy, nodes))?))
        }
        Loss::SoftLabels(loss) => {
            let mut is_possible = true;
            let terms = collect(shares, |nodes| {
                let terms = soft_labels::terms(loss, hierarchy, nodes, open)?;
                is_possible &= terms.is_some();
                Ok(terms.unwrap_or_default())
            })?;
            Ok(if is_possible { softmax(terms) } else { None })
        }
        Loss::WeightedCrossEntropy(loss) => weighted_cross_entropy::parts(loss, hierarchy, logits, shares, split),
        Loss::LevelwiseSoftmax(loss) => {
            Ok(softmax(collect(shares, |nodes| levelwise_softmax::terms(loss, hierarchy, nodes))?))
        }
        Loss::SiblingSoftmax(loss) => sibling_softmax::parts(loss, hierarchy, logits, shares, split),
        Loss::ParameterSharingSoftmax(own) => {
            let marginal = MarginalCrossEntropy { weights: own.weights.clone(), ..MarginalCrossEntropy::default() };
            let terms = collect(shares, |nodes| marginal::terms(&marginal, hierarchy, nodes))?;
            let parts =
                term::parts(terms, &parameter_sharing_softmax::class_logits(hierarchy, logits), own.gamma, split);
            let pull_back = |part| parameter_sharing_softmax::pull_back(hierarchy, part);
            Ok(parts.map(|parts| parts.into_iter().map(pull_back).collect()))
        }
        Loss::ConditionalSigmoid(loss) => conditional_sigmoid::parts(loss, hierarchy, logits, shares),
        Loss::BinaryCrossEntropy(loss) => binary_cross_entropy::parts(loss, hierarchy, logits, shares),
        Loss::TreeMin(loss) => tree_min::parts(loss, hierarchy, logits, shares),
        Loss::DescendantSoftmax(_) => {
            Ok(softmax(collect(shares, |nodes| descendant_softmax::terms(hierarchy, nodes))?))
        }
        Loss::SoftmaxMargin(loss) => softmax_margin::parts(loss, hierarchy, logits, shares, split),
        Loss::RandomCut(loss) => Ok(softmax(collect(shares, |nodes| random_cut::terms(loss, hierarchy, row, nodes))?)),
    }
}

/// The terms of all shares, without those of weight 0.
fn collect<R: Real>(
    shares: &[Share<R>],
    mut terms: impl FnMut(&[Node]) -> Result<Vec<Term<R>>, String>,
) -> Result<Vec<Term<R>>, String> {
    let mut result = Vec::new();
    for (share, label) in shares {
        let Label::Nodes(nodes) = label else { return Err("a multi-label label for a softmax loss".into()) };
        let own = terms(nodes)?.into_iter().filter(|term| !term.weight.is_zero());
        result.extend(own.map(|term| Term { weight: share.clone() * term.weight.clone(), ..term }));
    }
    Ok(result)
}
