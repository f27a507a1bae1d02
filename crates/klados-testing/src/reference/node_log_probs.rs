//! Log-probabilities of nodes, form by form.

use super::extremum::{largest, least};
use super::parameter_sharing_softmax::class_logits;
use super::part::sigma;
use super::superclasses::{Sums, superclasses};
use super::term::probabilities;
use crate::hierarchy::{Hierarchy, Node};
use crate::real::Real;

/// From logits to probabilities of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeForm {
    /// One softmax over the classes.
    ClassSoftmax,
    /// The same, superclasses by a matrix: class, superclass and weight.
    WeightedClassSoftmax {
        /// The rows.
        map: Vec<(String, String, f64)>,
        /// Whether a class's weights are divided by their sum.
        normalize: bool,
    },
    /// A softmax over the children of each node.
    SiblingSoftmax,
    /// A sigmoid a node.
    IndependentSigmoid,
    /// A product of sigmoids down the path.
    ConditionalSigmoid,
    /// One of independent classes.
    NoisyOr,
    /// A sigmoid of the largest score at or below.
    Max,
    /// A sigmoid of the least score at or above.
    Min,
    /// A mean of sigmoids, by a matrix: class, superclass and weight.
    WeightedSigmoid {
        /// The rows.
        map: Vec<(String, String, f64)>,
        /// Whether a superclass's weights are divided by their sum.
        normalize: bool,
    },
    /// One softmax over the classes of the sums down their paths.
    ParameterSharingSoftmax,
    /// One softmax over all nodes but the root, added up from below.
    DescendantSoftmax,
    /// One softmax over all nodes and the root with score 0, added up from below.
    NodeSoftmax,
}

impl NodeForm {
    /// Whether the logits have a column a node, not a column a class.
    pub fn has_node_columns(&self) -> bool {
        !matches!(
            self,
            Self::ClassSoftmax | Self::WeightedClassSoftmax { .. } | Self::NoisyOr | Self::WeightedSigmoid { .. }
        )
    }
}

/// `log P` and `log(1 - P)` of every node in the order of its index, the root included; for the weighted forms, of every
/// superclass in the order of the map. A row that holds NaN or +inf gives NaN.
///
/// # Errors
///
/// A form that is not defined on this hierarchy, or a wrong number of logits.
pub fn node_log_probs<R: Real>(
    form: &NodeForm,
    hierarchy: &Hierarchy,
    logits: &[f64],
) -> Result<Vec<(f64, f64)>, String> {
    let columns = if form.has_node_columns() { hierarchy.columns().len() } else { hierarchy.classes().len() };
    if logits.len() != columns {
        return Err(format!("{} logits for {columns} columns", logits.len()));
    }
    let z: Vec<Option<R>> = logits.iter().map(|&z| z.is_finite().then(|| R::of(z))).collect();
    let pairs = match form {
        NodeForm::ClassSoftmax => class_softmax(hierarchy, &z),
        NodeForm::ParameterSharingSoftmax => class_softmax(hierarchy, &class_logits(hierarchy, &z)),
        NodeForm::WeightedClassSoftmax { map, normalize } => {
            let p = probabilities(&z);
            let superclasses = superclasses::<R>(map, *normalize, Sums::Rows, hierarchy)?;
            let pair = |weights: &[R]| {
                let sum = |part: &dyn Fn(&R) -> R| R::sum(weights.iter().zip(&p).map(|(w, p)| part(w) * p.clone()));
                (sum(&R::clone), sum(&|w| R::one() - w.clone()))
            };
            superclasses.iter().map(|superclass| pair(&superclass.weights)).collect()
        }
        NodeForm::WeightedSigmoid { map, normalize } => {
            let superclasses = superclasses::<R>(map, *normalize, Sums::Columns, hierarchy)?;
            let pair = |weights: &[R]| {
                let sum = |side: bool| R::sum(weights.iter().zip(&z).map(|(w, z)| w.clone() * bernoulli(z, side)));
                (sum(true), sum(false))
            };
            superclasses.iter().map(|superclass| pair(&superclass.weights)).collect()
        }
        NodeForm::NoisyOr => {
            let pair = |v: Node| {
                hierarchy.classes_below(v).into_iter().fold((R::zero(), R::one()), |(some, none), k| {
                    (some + none.clone() * bernoulli(&z[k], true), none * bernoulli(&z[k], false))
                })
            };
            by_node(hierarchy, pair)
        }
        NodeForm::IndependentSigmoid => {
            let score = |v: Node| &z[hierarchy.column(v)];
            by_node(hierarchy, |v| (bernoulli(score(v), true), bernoulli(score(v), false)))
        }
        NodeForm::Max => {
            let score = |v: Node| &z[hierarchy.column(largest(hierarchy, &z, &hierarchy.descendants(v)))];
            by_node(hierarchy, |v| (bernoulli(score(v), true), bernoulli(score(v), false)))
        }
        NodeForm::Min => {
            let score = |v: Node| &z[hierarchy.column(least(hierarchy, &z, &hierarchy.path(v)))];
            by_node(hierarchy, |v| (bernoulli(score(v), true), bernoulli(score(v), false)))
        }
        NodeForm::ConditionalSigmoid => {
            let step = |v: Node| {
                let score = &z[hierarchy.column(v)];
                (bernoulli(score, true), bernoulli(score, false))
            };
            tree(hierarchy)?;
            by_node(hierarchy, |v| product(hierarchy, v, &step))
        }
        NodeForm::SiblingSoftmax => {
            let step = |v: Node| {
                let siblings = hierarchy.children(hierarchy.parents(v)[0]);
                let group: Vec<Option<R>> = siblings.iter().map(|&u| z[hierarchy.column(u)].clone()).collect();
                let p = probabilities(&group);
                let sum = |own: bool| R::sum((0..p.len()).filter(|&i| (siblings[i] == v) == own).map(|i| p[i].clone()));
                (sum(true), sum(false))
            };
            tree(hierarchy)?;
            by_node(hierarchy, |v| product(hierarchy, v, &step))
        }
        NodeForm::DescendantSoftmax | NodeForm::NodeSoftmax => {
            tree(hierarchy)?;
            let root = matches!(form, NodeForm::NodeSoftmax).then(|| Some(R::zero()));
            let all: Vec<Option<R>> = z.iter().cloned().chain(root).collect();
            let p = probabilities(&all);
            by_node(hierarchy, |v| {
                let below = hierarchy.descendants(v);
                let sum = |own: bool| {
                    let nodes = hierarchy.columns().into_iter().filter(|u| below.contains(u) == own);
                    let root = p[z.len()..].iter().filter(|_| !own).cloned();
                    R::sum(nodes.map(|u| p[hierarchy.column(u)].clone()).chain(root))
                };
                (sum(true), sum(false))
            })
        }
    };
    let is_bad = logits.iter().any(|z| z.is_nan() || *z == f64::INFINITY);
    let log = |p: &R| match p {
        _ if is_bad => f64::NAN,
        p if p.is_zero() => f64::NEG_INFINITY,
        p => p.ln().to_f64(),
    };
    Ok(pairs.iter().map(|(some, none)| (log(some), log(none))).collect())
}

fn tree(hierarchy: &Hierarchy) -> Result<(), String> {
    if hierarchy.is_tree() { Ok(()) } else { Err("the form is for trees".into()) }
}

/// `sigma(z)`, or `sigma(-z)`.
fn bernoulli<R: Real>(z: &Option<R>, side: bool) -> R {
    match z {
        Some(z) if side => sigma(z),
        Some(z) => sigma(&-z.clone()),
        None => R::of(f64::from(!side)),
    }
}

/// `P` and `1 - P` of every node; the root is certain.
fn by_node<R: Real>(hierarchy: &Hierarchy, pair: impl Fn(Node) -> (R, R)) -> Vec<(R, R)> {
    let certain = || (R::one(), R::zero());
    (0..hierarchy.nodes()).map(|v| if v == hierarchy.root() { certain() } else { pair(v) }).collect()
}

fn class_softmax<R: Real>(hierarchy: &Hierarchy, z: &[Option<R>]) -> Vec<(R, R)> {
    let p = probabilities(z);
    by_node(hierarchy, |v| {
        let below = hierarchy.classes_below(v);
        let sum = |own: bool| R::sum((0..p.len()).filter(|k| below.contains(k) == own).map(|k| p[k].clone()));
        (sum(true), sum(false))
    })
}

/// The product of the steps down to `v`, and what goes astray on the way.
fn product<R: Real>(hierarchy: &Hierarchy, v: Node, step: &dyn Fn(Node) -> (R, R)) -> (R, R) {
    let parent = hierarchy.parents(v)[0];
    let (own, other) = step(v);
    if parent == hierarchy.root() {
        return (own, other);
    }
    let (above, astray) = product(hierarchy, parent, step);
    (above.clone() * own, astray + above * other)
}
