//! `log P` of a term at a row, with its complement and its derivative by every score: from the mathematics of the term, in
//! `f64`, by none of the kernels.

use std::collections::HashMap;

use super::paths::Paths;
use super::split::{Split, log_sum_exp};
use crate::criterion::Criterion;
use crate::loss::Loss;
use crate::numeric::{Sum, scalar};
use crate::{Hierarchy, LogProb, NodeId, Pick, Score, Term, TermSet};

/// The formula of a term's `P`, with the sets that it needs.
#[derive(Debug)]
pub(super) enum Formula {
    /// `sum e^set / (sum e^set + sum e^rest)`.
    Share { set: Vec<Score>, rest: Vec<Score> },
    /// `sum e^set / sum e^given`, or `sum e^set / max e^given` where it is `hard`.
    Ratio { set: Vec<Score>, given: Vec<Score>, hard: bool },
    /// The sum of the products of shares on several paths.
    Paths(Paths),
    /// `sigma(x)` of a picked score, or `sigma(-x)`.
    Sigmoid { columns: Vec<u32>, pick: Pick, negative: bool },
    /// `1 - prod (1 - sigma(z))`, or the product.
    NoisyOr { columns: Vec<u32>, negative: bool },
    /// `sum w sigma(z)`, or `sum w sigma(-z)`, with `ln w`, and what the `w` sum to beyond 1.
    WeightedSigmoid { columns: Vec<(u32, f64)>, negative: bool, excess: f64 },
}

/// What a formula gives at a row.
#[derive(Debug)]
pub(super) struct Probability {
    pub(super) log_p: f64,
    /// `ln(1 - P)`, which is accurate where `P` is nearly 1.
    pub(super) log_q: f64,
    /// The derivative of `log P` by the scores that it depends on.
    pub(super) slopes: Vec<(u32, f64)>,
}

impl Probability {
    const IMPOSSIBLE: Self = Self { log_p: f64::NEG_INFINITY, log_q: 0.0, slopes: Vec::new() };
}

impl Formula {
    pub(super) fn new(term: &Term, criterion: &Criterion) -> Self {
        let hierarchy = criterion.hierarchy();
        match &term.log_p {
            LogProb::Classes { given } => {
                let score = |class: usize| Score { column: Some(class as u32), plus: 0.0 };
                let set = classes(hierarchy, &term.of);
                let mut rest = hierarchy.classes_below(*given);
                rest.retain(|class| set.binary_search(class).is_err());
                Self::Share { set: set.into_iter().map(score).collect(), rest: rest.into_iter().map(score).collect() }
            }
            LogProb::Ratio { set, given, hard } => match rest(set, given) {
                Some(rest) if !hard => Self::Share { set: set.clone(), rest },
                _ => Self::Ratio { set: set.clone(), given: given.clone(), hard: *hard },
            },
            LogProb::AnyOf(alternatives) => Self::Paths(Paths::new(alternatives)),
            LogProb::Sigmoid { columns, pick, negative } => {
                Self::Sigmoid { columns: columns.clone(), pick: *pick, negative: *negative }
            }
            LogProb::NoisyOr { columns, negative } => Self::NoisyOr { columns: columns.clone(), negative: *negative },
            LogProb::WeightedSigmoid { columns, negative } => {
                let is_normalized =
                    matches!(criterion.loss(), Loss::BinaryCrossEntropy(loss) if loss.divides_map_by_sums());
                let weights = std::iter::once(-1.0).chain(columns.iter().map(|(_, weight)| *weight));
                let excess = if is_normalized { 0.0 } else { weights.collect::<Sum>().value() };
                let columns = columns.iter().map(|&(column, weight)| (column, scalar::ln(weight))).collect();
                Self::WeightedSigmoid { columns, negative: *negative, excess }
            }
        }
    }

    /// The columns of the scores that it depends on, in ascending order.
    pub(super) fn columns(&self) -> Vec<u32> {
        let of = |scores: &[Score]| scores.iter().filter_map(|score| score.column).collect::<Vec<_>>();
        let mut columns = match self {
            Self::Share { set, rest: other } | Self::Ratio { set, given: other, .. } => [of(set), of(other)].concat(),
            Self::Paths(paths) => paths.columns(),
            Self::Sigmoid { columns, .. } | Self::NoisyOr { columns, .. } => columns.clone(),
            Self::WeightedSigmoid { columns, .. } => columns.iter().map(|(column, _)| *column).collect(),
        };
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    pub(super) fn at(&self, scores: &[f64]) -> Probability {
        match self {
            Self::Share { set, rest } => share(set, rest, scores),
            Self::Ratio { set, given, hard } => ratio(set, given, *hard, scores),
            Self::Paths(paths) => paths.at(scores),
            Self::Sigmoid { columns, pick, negative } => sigmoid(columns, *pick, *negative, scores),
            Self::NoisyOr { columns, negative } => noisy_or(columns, *negative, scores),
            Self::WeightedSigmoid { columns, negative, excess } => {
                weighted_sigmoid(columns, *negative, *excess, scores)
            }
        }
    }
}

/// The classes of a node or union, ascending. A superclass of a map has no place in a hierarchy: it is written as a ratio.
pub(super) fn classes(hierarchy: &Hierarchy, of: &TermSet) -> Vec<usize> {
    let nodes: &[NodeId] = match of {
        TermSet::Node(node) => std::slice::from_ref(node),
        TermSet::Union(nodes) => nodes,
        TermSet::Superclass(_) => &[],
    };
    let mut classes: Vec<usize> = nodes.iter().flat_map(|&node| hierarchy.classes_below(node)).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// What `given` has beyond `set`: of a class that is in a set by a weight, the weight that it is out of it by. None where
/// the set has more of something than is given, as weights may have that sum to 1 by rounding alone.
fn rest(set: &[Score], given: &[Score]) -> Option<Vec<Score>> {
    let within: HashMap<Option<u32>, f64> = set.iter().map(|score| (score.column, score.plus)).collect();
    let mut rest = Vec::new();
    for score in given {
        match within.get(&score.column) {
            None => rest.push(*score),
            Some(plus) if *plus > score.plus => return None,
            Some(plus) if *plus == score.plus => {}
            Some(plus) => {
                let beyond = scalar::ln(scalar::one_minus_exp(plus - score.plus));
                rest.push(Score { plus: score.plus + beyond, ..*score });
            }
        }
    }
    Some(rest)
}

pub(super) fn split(score: &Score, scores: &[f64]) -> Split {
    Split { at: score.column.map_or(0.0, |column| scores[column as usize]), beyond: score.plus }
}

fn share(set: &[Score], rest: &[Score], scores: &[f64]) -> Probability {
    let [inside, outside] = [set, rest].map(|part| log_sum_exp(part.iter().map(|score| split(score, scores))));
    if inside.is_nothing() {
        return Probability::IMPOSSIBLE;
    }
    let odds = if outside.is_nothing() { f64::NEG_INFINITY } else { outside.minus(inside) };
    let (log_p, log_q) = (-scalar::softplus(odds), -scalar::softplus(-odds));
    // P e_k / S - (1 - P) e_k / R is (1 - P) times what k is of the set, less what it is of the rest.
    let mut slopes = Vec::with_capacity(set.len() + rest.len());
    for (part, total, sign) in [(set, inside, 1.0), (rest, outside, -1.0)] {
        for score in part {
            let own = split(score, scores);
            if let (Some(column), false) = (score.column, own.is_nothing()) {
                slopes.push((column, sign * scalar::exp(own.minus(total) + log_q)));
            }
        }
    }
    Probability { log_p, log_q, slopes }
}

fn ratio(set: &[Score], given: &[Score], hard: bool, scores: &[f64]) -> Probability {
    let largest = given.iter().reduce(|a, b| match split(b, scores).value() > split(a, scores).value() {
        true => b,
        false => a,
    });
    let given = if hard { largest.map(std::slice::from_ref).unwrap_or_default() } else { given };
    let [above, below] = [set, given].map(|part| log_sum_exp(part.iter().map(|score| split(score, scores))));
    if above.is_nothing() || below.is_nothing() {
        return Probability::IMPOSSIBLE;
    }
    let mut slopes = Vec::with_capacity(set.len() + given.len());
    for (part, total, sign) in [(set, above, 1.0), (given, below, -1.0)] {
        for score in part {
            let own = split(score, scores);
            if let (Some(column), false) = (score.column, own.is_nothing()) {
                slopes.push((column, sign * scalar::exp(own.minus(total))));
            }
        }
    }
    let log_p = above.minus(below);
    Probability { log_p, log_q: complement(log_p.min(0.0)), slopes }
}

/// `ln(1 - e^x)` for `x <= 0`, with all digits on both sides.
pub(super) fn complement(x: f64) -> f64 {
    if x < -0.7 { scalar::ln_1p(-scalar::exp(x)) } else { scalar::ln(scalar::one_minus_exp(x)) }
}

fn sigmoid(columns: &[u32], pick: Pick, negative: bool, scores: &[f64]) -> Probability {
    // The first of those that tie.
    let picked = columns.iter().copied().reduce(|a, b| {
        let (x, y) = (scores[a as usize], scores[b as usize]);
        let is_next = match pick {
            Pick::Max => y > x,
            Pick::Min => y < x,
        };
        if is_next { b } else { a }
    });
    let Some(column) = picked else { return Probability::IMPOSSIBLE };
    let sign = if negative { -1.0 } else { 1.0 };
    let x = sign * scores[column as usize];
    let (log_p, log_q) = (-scalar::softplus(-x), -scalar::softplus(x));
    Probability { log_p, log_q, slopes: vec![(column, sign * scalar::exp(log_q))] }
}

/// Below this sum of sigmoids, `1 - prod (1 - sigma(z))` is the sum, and sigmoids are exponentials, to all digits.
const SMALL: f64 = 1e-200;

fn noisy_or(columns: &[u32], negative: bool, scores: &[f64]) -> Probability {
    let score = |column: &u32| scores[*column as usize];
    let sum: f64 = columns.iter().map(|column| scalar::softplus(score(column))).sum();
    let sigma = |column: &u32| scalar::exp(-scalar::softplus(-score(column)));
    let is_small = sum < SMALL;
    let all = log_sum_exp(columns.iter().map(|column| Split { at: score(column), beyond: 0.0 }));
    let log_any = if is_small { all.value() } else { complement(-sum) };
    let slope = |column: &u32| match (negative, is_small) {
        (true, _) => -sigma(column),
        (false, true) if all.is_nothing() => 0.0,
        (false, true) => scalar::exp(Split { at: score(column), beyond: 0.0 }.minus(all)),
        (false, false) => scalar::exp(-sum) / scalar::one_minus_exp(-sum) * sigma(column),
    };
    let slopes = columns.iter().map(|column| (*column, slope(column))).collect();
    match negative {
        true => Probability { log_p: -sum, log_q: log_any, slopes },
        false => Probability { log_p: log_any, log_q: -sum, slopes },
    }
}

fn weighted_sigmoid(columns: &[(u32, f64)], negative: bool, excess: f64, scores: &[f64]) -> Probability {
    let sign = if negative { -1.0 } else { 1.0 };
    // ln sigma(x), its large part apart
    let log_sigma = |x: f64| (x.min(0.0), -scalar::ln_1p(scalar::exp(-x.abs())));
    let part = |&(column, log_weight): &(u32, f64), sign: f64| {
        let (at, beyond) = log_sigma(sign * scores[column as usize]);
        Split { at, beyond: beyond + log_weight }
    };
    let [all, others] = [sign, -sign].map(|sign| log_sum_exp(columns.iter().map(|column| part(column, sign))));
    if all.is_nothing() {
        return Probability::IMPOSSIBLE;
    }
    let slope = |column: &(u32, f64)| match part(column, sign) {
        own if own.is_nothing() => 0.0,
        own => sign * scalar::exp(own.minus(all) - scalar::softplus(sign * scores[column.0 as usize])),
    };
    let slopes = columns.iter().map(|column| (column.0, slope(column))).collect();
    let q = scalar::exp(others.value());
    let log_p = if q < 0.5 { scalar::ln_1p(excess - q) } else { all.value() };
    // P of the complement is 1 less that of the event; that of the event is what is added up.
    let log_q = match negative || excess == 0.0 {
        true => others.value(),
        false => scalar::ln((q - excess).max(0.0)),
    };
    Probability { log_p, log_q, slopes }
}
