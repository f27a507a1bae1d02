//! One logarithm of one conditional probability.

use crate::real::Real;

/// `-weight (1 - c)^gamma log c` with `c = P(set | given) = P(set) / P(given)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term<R> {
    /// The factor before the logarithm.
    pub weight: R,
    /// Classes, ascending; a part of `given`.
    pub set: Vec<usize>,
    /// Classes, ascending; all of them where the probability is not conditional.
    pub given: Vec<usize>,
}

/// A term's two contributions to an entry of the gradient.
pub(super) struct Slope<R> {
    /// By `log P(set)`.
    pub(super) inside: R,
    /// By `-log P(given)`.
    pub(super) outside: R,
}

impl<R: Real> Slope<R> {
    pub(super) fn total(&self) -> R {
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
    pub(super) fn evaluate(&self, p: &[R], gamma: f64) -> (R, Vec<Slope<R>>) {
        let sum = |classes: &[usize]| R::sum(classes.iter().map(|&k| p[k].clone()));
        let (set, given) = (sum(&self.set), sum(&self.given));
        let c = set.clone() / given.clone();
        let log = c.ln();
        let rest = R::one() - c.clone();
        let focus = rest.power(gamma);
        let mut slope = focus.clone();
        if gamma != 0.0 && !rest.is_zero() {
            slope = slope - R::of(gamma) * focus.clone() / rest * c * log.clone();
        }
        let value = -self.weight.clone() * focus * log;
        let slope = -self.weight.clone() * slope;
        let part = |k: usize, classes: &[usize], total: &R| {
            if classes.contains(&k) { slope.clone() * p[k].clone() / total.clone() } else { R::zero() }
        };
        let slopes = (0..p.len())
            .map(|k| Slope { inside: part(k, &self.set, &set), outside: -part(k, &self.given, &given) })
            .collect();
        (value, slopes)
    }
}
