//! Superclasses that are weighted means of the sigmoids of their classes. `P = sum W sigma(z)` and its complement
//! `sum W sigma(-z)` are added up on their own, so that both keep their digits.

use super::bernoulli::{Judged, Odds};
use super::mass::Mass;
use super::ordinary::{self, Buffers, Scaled};
use super::pool::Pool;
use super::sparse::Sparse;
use super::weighted::ClassMap;
use crate::numeric::{Float, Sum, doubles, scalar};

const ONE: Mass = Mass { top: 0.0, sum: 1.0 };

/// A superclass in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// `P` and its complement.
    yes: Mass,
    no: Mass,
    /// The complement's logarithm is that of `sum W sigma(-z)`; `p_no` is `1 - P`, which is that sum but for what the
    /// weights do not sum to 1.
    pub(crate) odds: Odds,
}

/// `weight * sigma(z)`.
fn sigmoid(z: f64, weight: f64) -> Mass {
    match z {
        f64::NEG_INFINITY => Mass::NONE,
        z if z < 0.0 => Mass { top: z, sum: weight / (1.0 + scalar::exp(z)) },
        z => Mass { top: 0.0, sum: weight / (1.0 + scalar::exp(-z)) },
    }
}

/// The logarithm of a mass, by its complement where that is small. `excess` is what the weights sum to beyond 1.
fn log(own: Mass, other: Mass, excess: f64) -> f64 {
    let complement = other.over(ONE);
    if complement < 0.5 { scalar::ln_1p(excess - complement) } else { own.log_over(ONE) }
}

/// Measures a superclass. `excess` is the sum of its weights minus 1.
pub(crate) fn measure(classes: &[(u32, f64)], excess: f64, z: &[f64]) -> Measured {
    let sum = |sign: f64| {
        let terms = classes.iter().map(|&(class, weight)| sigmoid(sign * z[class as usize], weight));
        terms.fold(Mass::NONE, Mass::plus)
    };
    let (yes, no) = (sum(1.0), sum(-1.0));
    let odds =
        Odds { yes: log(yes, no, excess), no: log(no, yes, excess), p_yes: yes.over(ONE), p_no: no.over(ONE) - excess };
    Measured { yes, no, odds }
}

/// `log P` of every superclass, given the excess of each.
pub(crate) fn log_probs(of_superclass: &Sparse, excess: &[f64], z: &[f64], log_p: &mut Vec<f64>, pool: &mut Pool) {
    let mut small = pool.floats(0, 0.0);
    small.extend(z.iter().map(|z| -z.abs()));
    let mut terms = pool.floats(z.len(), 0.0);
    doubles::exp_below(&small, 0.0, &mut terms);
    log_p.clear();
    for (superclass, excess) in excess.iter().enumerate() {
        let classes = of_superclass.row(superclass);
        let (mut yes, mut no) = (0.0, 0.0);
        for &(class, weight) in classes {
            let (z, term) = (z[class as usize], terms[class as usize]);
            let (large, small) = (weight / (1.0 + term), weight * term / (1.0 + term));
            yes += if z < 0.0 { small } else { large };
            no += if z < 0.0 { large } else { small };
        }
        log_p.push(match () {
            () if yes < f64::LEAST_SUM => measure(classes, *excess, z).odds.yes,
            () if no < 0.5 => scalar::ln_1p(excess - no),
            () => scalar::ln(yes),
        });
    }
    pool.keep(small);
    pool.keep(terms);
}

/// The loss of all superclasses and of the classes as events of their own, of an ordinary row; `None` for another. In `buffers`
/// come the positive classes as `nodes`, and by superclass what they weigh as `sums`. `pos_weight` is by superclass and then
/// class. The gradient is written.
pub(crate) fn ordinary_row<T: Float>(
    map: &ClassMap,
    excess: &[f64],
    (factor, pos_weight): (f64, impl Fn(usize) -> f64),
    z: &[T],
    mut grad: Scaled<'_, T>,
    buffers: &mut Buffers<T>,
) -> Option<f64> {
    let Buffers { terms: yes, best: no, z: slopes, weights, nodes: positive, sums: positive_weight, factors, .. } =
        buffers;
    let (yes, no) = (ordinary::first(yes, z.len()), ordinary::first(no, z.len()));
    T::sigmoids(z, yes, no);
    weights.clear();
    weights.resize(z.len(), T::from_f64(factor));
    positive.iter().for_each(|&class| weights[class as usize] = T::default());
    let mut slopes = grad.is_some().then(|| ordinary::first(slopes, z.len()));
    let mut loss = T::softplus_sum(z, weights, 1.0, slopes.as_deref_mut());
    // By superclass: what the derivatives of its classes' sigmoids are multiplied with.
    factors.clear();
    for (superclass, (&excess, &of_positive)) in excess.iter().zip(&*positive_weight).enumerate() {
        let (mut p, mut q, mut all) = (0.0, 0.0, 0.0);
        for &(class, weight) in map.of_superclass.row(superclass) {
            p += weight * yes[class as usize].to_f64();
            q += weight * no[class as usize].to_f64();
            all += weight;
        }
        let is_positive = of_positive != 0.0;
        if q < T::LEAST_SUM || (is_positive && p < T::LEAST_SUM) {
            return None;
        }
        let log = |own: f64, other: f64| if other < 0.5 { scalar::ln_1p(excess - other) } else { scalar::ln(own) };
        let of_negative = match is_positive {
            false => all,
            true => {
                let classes = map.of_superclass.row(superclass).iter();
                classes.filter(|(class, _)| !positive.contains(class)).map(|(_, weight)| weight).sum()
            }
        };
        let mut slope = 0.0;
        if of_negative != 0.0 {
            loss -= factor * of_negative * log(q, p);
            slope += factor * of_negative / q;
        }
        if is_positive {
            let weight = factor * of_positive * pos_weight(superclass);
            loss -= weight * log(p, q);
            slope -= weight / p;
        }
        factors.push(slope);
    }
    if let (Some((grad, scale)), Some(slopes)) = (&mut grad, slopes) {
        for (class, grad) in grad.iter_mut().enumerate() {
            let above = map.of_class.row(class).iter();
            let slope: f64 = above.map(|&(superclass, weight)| weight * factors[superclass as usize]).sum();
            let both = yes[class].to_f64() * no[class].to_f64();
            *grad = T::from_f64(*scale * (slope * both + slopes[class].to_f64()));
        }
    }
    for &class in &*positive {
        let odds = Odds::of(z[class as usize].to_f64());
        let judged = odds.judge(factor * pos_weight(excess.len() + class as usize), 0.0, 0.0);
        loss += judged.value;
        if let Some((grad, scale)) = &mut grad {
            let grad = &mut grad[class as usize];
            *grad = *grad + T::from_f64(*scale * judged.by_score(odds));
        }
    }
    Some(loss)
}

impl Measured {
    /// From minus the derivatives by `log P` and by `log(1 - P)` to the gradient, which is added.
    pub(crate) fn backward(&self, judged: Judged, classes: &[(u32, f64)], z: &[f64], grad: &mut [f64]) {
        for &(class, weight) in classes {
            let x = z[class as usize];
            if x == f64::NEG_INFINITY {
                continue;
            }
            // `W sigma(z) sigma(-z)`
            let small = scalar::exp(-x.abs());
            let slope = Mass { top: -x.abs(), sum: weight / ((1.0 + small) * (1.0 + small)) };
            if judged.by_yes != 0.0 {
                grad[class as usize] -= judged.by_yes * slope.over(self.yes);
            }
            if judged.by_no != 0.0 {
                grad[class as usize] += judged.by_no * slope.over(self.no);
            }
        }
    }
}

/// What weights sum to beyond 1, exactly rounded but for the last digits of a compensated sum.
pub(crate) fn excess(weights: impl Iterator<Item = f64>) -> f64 {
    std::iter::once(-1.0).chain(weights).collect::<Sum>().value()
}
