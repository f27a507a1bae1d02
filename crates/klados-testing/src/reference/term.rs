//! One logarithm of one conditional probability.

use super::part::{Part, focal};
use crate::real::Real;

/// `-weight (1 - c)^gamma log c` with `c = P(set | given) = P(set) / P(given)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term<R> {
    /// The factor before the logarithm.
    pub(super) weight: R,
    /// Entries (classes, or the columns of nodes), ascending; a part of `given`.
    pub(super) set: Vec<usize>,
    /// Entries, ascending; all of them where the probability is not conditional.
    pub(super) given: Vec<usize>,
}

/// A term's two contributions to an entry of the gradient.
struct Slope<R> {
    /// By `log P(set)`.
    inside: R,
    /// By `-log P(given)`.
    outside: R,
}

impl<R: Real> Slope<R> {
    fn total(&self) -> R {
        self.inside.clone() + self.outside.clone()
    }
}

/// The softmax; a masked class has probability 0.
pub(super) fn probabilities<R: Real>(logits: &[Option<R>]) -> Vec<R> {
    let largest = logits.iter().flatten().fold(None, |largest: Option<&R>, z| match largest {
        Some(largest) if *largest >= *z => Some(largest),
        _ => Some(z),
    });
    let exponentials: Vec<R> = logits
        .iter()
        .map(|z| match (z, largest) {
            (Some(z), Some(largest)) => (z.clone() - largest.clone()).exp(),
            _ => R::zero(),
        })
        .collect();
    let total = R::sum(exponentials.iter().cloned());
    if total.is_zero() {
        return exponentials;
    }
    exponentials.into_iter().map(|e| e / total.clone()).collect()
}

impl<R: Real> Term<R> {
    /// The term, and its part in each entry of the gradient.
    ///
    /// With `f(c) = -w (1 - c)^gamma log c`, an entry is `df/dlog c` times `dlog c/dz_k`, where
    /// `df/dlog c = -w ((1 - c)^gamma - gamma (1 - c)^(gamma - 1) c log c)` and
    /// `dlog c/dz_k = [k in set] p_k / P(set) - [k in given] p_k / P(given)`.
    fn evaluate(&self, p: &[R], gamma: f64) -> (R, Vec<Slope<R>>) {
        let sum = |classes: &[usize]| R::sum(classes.iter().map(|&k| p[k].clone()));
        let (set, given) = (sum(&self.set), sum(&self.given));
        let c = set.clone() / given.clone();
        let rest = R::one() - c.clone();
        let (value, slope) = focal(&self.weight, c, rest, gamma);
        let part = |k: usize, classes: &[usize], total: &R| {
            if classes.contains(&k) { slope.clone() * p[k].clone() / total.clone() } else { R::zero() }
        };
        let slopes = (0..p.len())
            .map(|k| Slope { inside: part(k, &self.set, &set), outside: -part(k, &self.given, &given) })
            .collect();
        (value, slopes)
    }
}

/// The parts of terms on the softmax of all entries, of which the masked ones are left out. Sets that are equal then are
/// one term, the logarithm of 1 is none, and that of zero makes the loss infinite: `None`.
///
/// `split` says that a term's two halves, by `log P(set)` and by `log P(given)`, are summands each for themselves.
pub(super) fn parts<R: Real>(
    terms: Vec<Term<R>>,
    entries: &[Option<R>],
    gamma: f64,
    split: bool,
) -> Option<Vec<Part<R>>> {
    let mut possible: Vec<Term<R>> = Vec::new();
    for Term { weight, mut set, mut given } in terms {
        set.retain(|&k| entries[k].is_some());
        given.retain(|&k| entries[k].is_some());
        if set.is_empty() {
            return None;
        }
        if set == given {
            continue;
        }
        match possible.iter_mut().find(|known| known.set == set && known.given == given) {
            Some(known) => known.weight = known.weight.clone() + weight,
            None => possible.push(Term { weight, set, given }),
        }
    }
    let p = probabilities(entries);
    let part = |term: Term<R>| {
        let (value, slopes) = term.evaluate(&p, gamma);
        let slopes = slopes.into_iter().enumerate();
        let halves = if split {
            let (inside, outside) = slopes.map(|(k, slope)| ((k, slope.inside), (k, slope.outside))).unzip();
            vec![inside, outside]
        } else {
            vec![slopes.map(|(k, slope)| (k, slope.total())).collect()]
        };
        Part { key: None, value, halves }
    };
    Some(possible.into_iter().map(part).collect())
}
