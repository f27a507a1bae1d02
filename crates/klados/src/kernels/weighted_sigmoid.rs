//! Superclasses that are weighted means of the sigmoids of their classes. `P = sum W sigma(z)` and its complement
//! `sum W sigma(-z)` are added up on their own, so that both keep their digits.

use super::bernoulli::{Judged, Odds};
use super::mass::Mass;
use super::pool::Pool;
use super::sparse::Sparse;
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
