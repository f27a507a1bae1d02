//! Binary cross-entropy over nodes.

use std::collections::BTreeSet;

use super::extremum::largest;
use super::options::Share;
use super::part::{Part, focal, sigma, sigmoid};
use super::superclasses::{Sums, superclasses};
use super::weights::node_weights;
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::{BinaryCrossEntropy, Form, PosWeight, Weights};
use crate::real::Real;

/// `sum_v w_v BCE(P(v), t_v)`.
pub(super) fn parts<R: Real>(
    loss: &BinaryCrossEntropy,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    shares: &[Share<R>],
) -> Result<Option<Vec<Part<R>>>, String> {
    let mut parts = Vec::new();
    for (share, label) in shares {
        let truth = Truth::of(label, hierarchy, loss.incomplete)?;
        let own = match loss.form {
            Form::Weighted => superclass_terms(loss, hierarchy, logits, share, &truth)?,
            _ => node_terms(loss, hierarchy, logits, share, &truth)?,
        };
        let Some(own) = own else { return Ok(None) };
        parts.extend(own);
    }
    Ok(Some(parts))
}

/// How many terms of a label take part.
///
/// # Errors
///
/// As for the loss.
pub(super) fn count(loss: &BinaryCrossEntropy, hierarchy: &Hierarchy, label: &Label) -> Result<usize, String> {
    let label = match label {
        Label::Ignored => return Ok(0),
        // The sum over the classes has the terms of each of them.
        Label::Soft(_) => &Label::Nodes(vec![hierarchy.class_node(0)]),
        label => label,
    };
    let truth = Truth::of(label, hierarchy, loss.incomplete)?;
    if loss.form == Form::Weighted {
        let superclasses = superclasses::<f64>(&loss.map, loss.normalize, Sums::Columns, hierarchy)?;
        let known = superclasses.iter().filter(|known| truth.knows(&known.name, &known.weights, hierarchy)).count();
        let classes = 0..hierarchy.classes().len();
        return Ok(known + classes.filter(|&k| truth.has_term(hierarchy.class_node(k))).count());
    }
    let weights = weights::<f64>(loss, hierarchy)?;
    Ok(hierarchy.columns().into_iter().filter(|v| weights[*v] > 0.0 && truth.has_term(*v)).count())
}

/// What a label says of the nodes.
struct Truth {
    positive: BTreeSet<Node>,
    /// Masked by the label.
    masked: BTreeSet<Node>,
    /// Below the most specific positive nodes of an incomplete label.
    unknown: BTreeSet<Node>,
}

impl Truth {
    /// A single node is the label of that node alone. With `incomplete`, what is strictly below a positive node that has
    /// no positive child is unknown.
    fn of(label: &Label, hierarchy: &Hierarchy, incomplete: bool) -> Result<Self, String> {
        let (nodes, masked) = match label {
            Label::Nodes(nodes) if nodes.len() == 1 => (nodes, BTreeSet::new()),
            Label::Multi { nodes, masked } => (nodes, masked.iter().copied().collect()),
            _ => return Err("binary cross-entropy takes no union".into()),
        };
        let positive: BTreeSet<Node> = nodes.iter().flat_map(|&node| hierarchy.path(node)).collect();
        let mut unknown = BTreeSet::new();
        if incomplete {
            for &u in &positive {
                if !hierarchy.children(u).iter().any(|child| positive.contains(child)) {
                    unknown.extend(hierarchy.descendants(u).into_iter().filter(|&v| v != u));
                }
            }
        }
        Ok(Self { positive, masked, unknown })
    }

    fn has_term(&self, v: Node) -> bool {
        !self.masked.contains(&v) && !self.unknown.contains(&v)
    }

    /// Whether a superclass has a term: the node of its name is not masked, and no class that it has a weight on is
    /// unknown.
    fn knows<R: Real>(&self, name: &str, weights: &[R], hierarchy: &Hierarchy) -> bool {
        let is_unknown = |k: usize| self.unknown.contains(&hierarchy.class_node(k));
        let is_masked = hierarchy.node(name).is_some_and(|node| self.masked.contains(&node));
        !is_masked && !(0..weights.len()).any(|k| !weights[k].is_zero() && is_unknown(k))
    }
}

fn weights<R: Real>(loss: &BinaryCrossEntropy, hierarchy: &Hierarchy) -> Result<Vec<R>, String> {
    match loss.weights {
        Weights::Uniform | Weights::Leaves | Weights::Levels(_) => node_weights(&loss.weights, hierarchy),
        _ => Err("binary cross-entropy takes uniform weights, leaves or levels".into()),
    }
}

/// The factor of each positive term.
fn pos_weights<R: Real>(loss: &BinaryCrossEntropy, terms: usize) -> Result<Vec<R>, String> {
    let factors = match &loss.pos_weight {
        None => vec![1.0; terms],
        Some(PosWeight::Number(factor)) => vec![*factor; terms],
        Some(PosWeight::Terms(factors)) => factors.clone(),
    };
    if factors.len() != terms || factors.iter().any(|factor| !factor.is_finite() || *factor < 0.0) {
        return Err(format!("{factors:?} are no factors of {terms} positive terms"));
    }
    Ok(factors.into_iter().map(R::of).collect())
}

/// The forms with a term a node.
fn node_terms<R: Real>(
    loss: &BinaryCrossEntropy,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    share: &R,
    truth: &Truth,
) -> Result<Option<Vec<Part<R>>>, String> {
    let weights = weights::<R>(loss, hierarchy)?;
    let columns = hierarchy.columns();
    let pos_weights = pos_weights::<R>(loss, columns.len())?;
    let mut parts = Vec::new();
    for (v, pos_weight) in columns.into_iter().zip(pos_weights) {
        let is_positive = truth.positive.contains(&v);
        let mut weight = share.clone() * weights[v].clone();
        if is_positive {
            weight = weight * pos_weight;
        }
        if weight.is_zero() || !truth.has_term(v) {
            continue;
        }
        let part = match loss.form {
            Form::NoisyOr => noisy_or(&weight, &hierarchy.classes_below(v), logits, is_positive, loss.gamma),
            Form::Max => {
                let mut below = hierarchy.descendants(v);
                below.retain(|u| !is_positive || truth.positive.contains(u));
                let column = hierarchy.column(largest(hierarchy, logits, &below));
                sigmoid(&weight, column, &logits[column], is_positive, loss.gamma)
            }
            Form::Independent | Form::Weighted => {
                let column = hierarchy.column(v);
                sigmoid(&weight, column, &logits[column], is_positive, loss.gamma)
            }
        };
        let Some(part) = part else { return Ok(None) };
        // The largest positive score depends on which are.
        let holds = hierarchy.descendants(v).into_iter().filter(|u| is_positive && (*u == v || loss.form == Form::Max));
        parts.push(part.with_key(v, holds.filter(|u| truth.positive.contains(u))));
    }
    Ok(Some(parts))
}

/// The focal term of `P = 1 - prod_k (1 - sigma(z_k))` where the node is positive, else of `1 - P`.
///
/// `dlog(1 - P)/dz_k = -sigma(z_k)`, and `dlog P/dz_k = sigma(z_k) (1 - P) / P`.
fn noisy_or<R: Real>(
    weight: &R,
    classes: &[usize],
    logits: &[Option<R>],
    is_positive: bool,
    gamma: f64,
) -> Option<Part<R>> {
    let open = || classes.iter().filter_map(|&k| logits[k].as_ref().map(|z| (k, z)));
    // P as the probability that the first, or not the first but the second, ... is there: no difference is taken.
    let (mut some, mut none) = (R::zero(), R::one());
    for (_, z) in open() {
        some = some + none.clone() * sigma(z);
        none = none * sigma(&-z.clone());
    }
    if some.is_zero() {
        return (!is_positive).then(Part::nothing);
    }
    let (value, slope) = if is_positive {
        let (value, slope) = focal(weight, some.clone(), none.clone(), gamma);
        (value, slope * none / some)
    } else {
        let (value, slope) = focal(weight, none, some, gamma);
        (value, -slope)
    };
    Some(Part::whole(value, open().map(|(k, z)| (k, slope.clone() * sigma(z))).collect()))
}

/// The form with a term a superclass and then one a class.
fn superclass_terms<R: Real>(
    loss: &BinaryCrossEntropy,
    hierarchy: &Hierarchy,
    logits: &[Option<R>],
    share: &R,
    truth: &Truth,
) -> Result<Option<Vec<Part<R>>>, String> {
    if loss.weights != Weights::Uniform {
        return Err("the weighted form takes uniform weights".into());
    }
    let superclasses = superclasses::<R>(&loss.map, loss.normalize, Sums::Columns, hierarchy)?;
    let classes = hierarchy.classes().len();
    let pos_weights = pos_weights::<R>(loss, superclasses.len() + classes)?;
    let is_positive = |k: usize| truth.positive.contains(&hierarchy.class_node(k));
    let mut parts = Vec::new();
    for (v, (superclass, pos_weight)) in superclasses.iter().zip(&pos_weights).enumerate() {
        if !truth.knows(&superclass.name, &superclass.weights, hierarchy) {
            continue;
        }
        // t and 1 - t.
        let target = |side: bool| {
            R::sum((0..classes).filter(|&k| is_positive(k) == side).map(|k| superclass.weights[k].clone()))
        };
        let sides = [(target(true) * pos_weight.clone(), true), (target(false), false)];
        for (factor, side) in sides {
            let weight = share.clone() * factor;
            if weight.is_zero() {
                continue;
            }
            let Some(part) = mixture(&weight, &superclass.weights, logits, side, loss.gamma) else { return Ok(None) };
            parts.push(part.with_key(v, side.then_some(v)));
        }
    }
    for (k, pos_weight) in pos_weights[superclasses.len()..].iter().enumerate() {
        let weight = if is_positive(k) { share.clone() * pos_weight.clone() } else { share.clone() };
        if weight.is_zero() || !truth.has_term(hierarchy.class_node(k)) {
            continue;
        }
        let Some(part) = sigmoid(&weight, k, &logits[k], is_positive(k), loss.gamma) else { return Ok(None) };
        parts.push(part.with_key(superclasses.len() + k, is_positive(k).then_some(k)));
    }
    Ok(Some(parts))
}

/// The focal term of `P = sum_k W_k sigma(z_k)`, or of `1 - P = sum_k W_k sigma(-z_k)`.
fn mixture<R: Real>(weight: &R, shares: &[R], logits: &[Option<R>], side: bool, gamma: f64) -> Option<Part<R>> {
    let (mut some, mut none) = (R::zero(), R::zero());
    for (share, logit) in shares.iter().zip(logits) {
        match logit {
            Some(z) => {
                some = some + share.clone() * sigma(z);
                none = none + share.clone() * sigma(&-z.clone());
            }
            None => none = none + share.clone(),
        }
    }
    if some.is_zero() {
        return (!side).then(Part::nothing);
    }
    let (p, rest) = if side { (some, none) } else { (none, some) };
    let (value, slope) = focal(weight, p.clone(), rest, gamma);
    let slope = slope / p;
    let summand = |k: usize| {
        let z = logits[k].as_ref()?;
        let step = slope.clone() * shares[k].clone() * sigma(z) * sigma(&-z.clone());
        Some((k, if side { step } else { -step }))
    };
    Some(Part::whole(value, (0..shares.len()).filter_map(summand).collect()))
}
