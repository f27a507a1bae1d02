//! What one printed term adds to the loss and to its gradient.

use crate::real::Real;

/// A printed term of the loss of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part<R> {
    /// What it adds to the loss.
    pub(super) value: R,
    /// What it adds to the gradient: a column and a summand of its entry.
    pub(super) summands: Vec<(usize, R)>,
}

/// `f = -weight (1 - c)^gamma log c` and `df/dlog c`, of a probability above 0 and what it lacks to 1.
///
/// `df/dlog c = -weight ((1 - c)^gamma - gamma (1 - c)^(gamma - 1) c log c)`: both summands have the same sign.
pub(super) fn focal<R: Real>(weight: &R, c: R, rest: R, gamma: f64) -> (R, R) {
    let log = c.ln();
    let focus = rest.power(gamma);
    let mut slope = focus.clone();
    if gamma != 0.0 && !rest.is_zero() {
        slope = slope - R::of(gamma) * focus.clone() / rest * c * log.clone();
    }
    (-weight.clone() * focus * log, -weight.clone() * slope)
}

/// `sigma(x)`.
pub(super) fn sigma<R: Real>(x: &R) -> R {
    R::one() / (R::one() + (-x.clone()).exp())
}

/// `-weight (1 - p)^gamma log p` with `p = sigma(s)` where the node is positive, else `sigma(-s)`. A masked score makes
/// the first infinite, `None`, and the second 0.
pub(super) fn sigmoid<R: Real>(
    weight: &R,
    column: usize,
    score: &Option<R>,
    is_positive: bool,
    gamma: f64,
) -> Option<Part<R>> {
    let Some(s) = score else {
        return (!is_positive).then(|| Part { value: R::zero(), summands: Vec::new() });
    };
    let x = if is_positive { s.clone() } else { -s.clone() };
    let rest = sigma(&-x.clone());
    let (value, slope) = focal(weight, sigma(&x), rest.clone(), gamma);
    // dlog sigma(x)/dx = sigma(-x).
    let slope = slope * rest;
    Some(Part { value, summands: vec![(column, if is_positive { slope } else { -slope })] })
}
