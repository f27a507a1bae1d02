//! Superclasses that classes belong to by weights, in a class softmax.

use super::focal;
use super::mass::Mass;
use super::pool::Pool;
use super::sparse::Sparse;
use crate::numeric::{Float, doubles, scalar};

/// Shares from here up have lost nothing to the terms that are 0 since they are too small.
const LEAST: f64 = f64::LEAST_SUM;

/// The superclasses of each class and the classes of each superclass, with the same weights.
#[derive(Clone, Debug)]
pub(crate) struct ClassMap {
    pub(crate) of_class: Sparse,
    pub(crate) of_superclass: Sparse,
}

/// The probability of a superclass, and how it was found.
struct Near {
    /// Whether it is above one half and `rest` is its complement.
    is_near: bool,
    rest: f64,
    log_p: f64,
    one_minus_p: f64,
}

/// The mass of all classes.
fn total(z: &[f64]) -> Mass {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match top == f64::NEG_INFINITY {
        true => Mass::NONE,
        false => Mass { top, sum: z.iter().map(|z| scalar::exp(z - top)).sum() },
    }
}

impl ClassMap {
    /// The mass `sum_k W_kv e^(z_k)` of a superclass.
    fn mass(&self, superclass: usize, z: &[f64]) -> Mass {
        let classes = self.of_superclass.row(superclass).iter();
        let weighted = classes.map(|&(class, weight)| Mass { sum: weight, ..Mass::of(z[class as usize]) });
        weighted.filter(|mass| mass.top > f64::NEG_INFINITY).fold(Mass::NONE, Mass::plus)
    }

    /// `log P` of every superclass; `-inf` in a masked row.
    pub(crate) fn log_probs(&self, z: &[f64], log_p: &mut [f64], pool: &mut Pool) {
        let max = doubles::max_of(z);
        if max == f64::NEG_INFINITY {
            log_p.fill(max);
            return;
        }
        let mut terms = pool.floats(z.len(), 0.0);
        doubles::exp_below(z, max, &mut terms);
        let all = Mass { top: max, sum: doubles::sum_of(&terms) };
        let mut shares = pool.floats(0, 0.0);
        for superclass in 0..log_p.len() {
            let classes = self.of_superclass.row(superclass).iter();
            shares.push(classes.map(|&(class, weight)| weight * terms[class as usize]).sum::<f64>() / all.sum);
        }
        log_p.copy_from_slice(&shares);
        doubles::ln(log_p);
        // What is near 1, or so small that terms may have been lost, is measured by itself.
        for (superclass, _) in shares.iter().enumerate().filter(|(_, share)| !(LEAST..0.5).contains(*share)) {
            log_p[superclass] = self.near(superclass, z, all, pool).1.log_p;
        }
        pool.keep(terms);
        pool.keep(shares);
    }

    /// The mass of a superclass and its probability. Near 1 that comes from what each class has outside; at most one
    /// superclass of a distribution is there, so the row stays linear.
    fn near(&self, superclass: usize, z: &[f64], all: Mass, pool: &mut Pool) -> (Mass, Near) {
        let mass = self.mass(superclass, z);
        let log_p = mass.log_over(all);
        if log_p <= -std::f64::consts::LN_2 {
            return (mass, Near { is_near: false, rest: 0.0, log_p, one_minus_p: scalar::one_minus_exp(log_p) });
        }
        let rest = self.outside(superclass, z, all, pool);
        (mass, Near { is_near: true, rest, log_p: scalar::ln_1p(-rest), one_minus_p: rest })
    }

    /// `sum_i -weight_i (1 - P_i)^gamma log P_i` of some superclasses in the softmax over the classes. The gradient is added.
    pub(crate) fn row(
        &self,
        superclasses: &[u32],
        weights: &[f64],
        gamma: f64,
        z: &[f64],
        grad: Option<&mut [f64]>,
        pool: &mut Pool,
    ) -> f64 {
        let all = total(z);
        if all.is_none() {
            return f64::INFINITY;
        }
        let mut loss = 0.0;
        // By class: the pulls of the superclasses that it is in, and how many those are.
        let mut pull = pool.floats(z.len(), 0.0);
        let mut inside = pool.floats(z.len(), 0.0);
        let mut counted = pool.indices(z.len(), 0);
        let mut total = 0.0;
        for (&superclass, &weight) in superclasses.iter().zip(weights) {
            let (mass, Near { is_near: near, rest, log_p, one_minus_p }) = self.near(superclass as usize, z, all, pool);
            let term = focal::term(log_p, one_minus_p, gamma);
            loss += weight * term.value;
            if grad.is_none() || mass.is_none() {
                continue;
            }
            let slope = weight * term.slope;
            total += slope;
            for &(class, of_class) in self.of_superclass.row(superclass as usize) {
                // `P - W`, which is `(1 - W) - (1 - P)`.
                let less = if near { (1.0 - of_class) - rest } else { scalar::exp(log_p) - of_class };
                pull[class as usize] += slope * less * Mass::of(z[class as usize]).over(mass);
                inside[class as usize] += slope;
                counted[class as usize] += 1;
            }
        }
        if let Some(grad) = grad
            && loss.is_finite()
        {
            for class in 0..z.len() {
                // Where a class is in all of them the difference is 0, which rounding must not hide.
                let outside = if counted[class] as usize == superclasses.len() { 0.0 } else { total - inside[class] };
                grad[class] += pull[class] + outside * Mass::of(z[class]).over(all);
            }
        }
        pool.keep(pull);
        pool.keep(inside);
        pool.keep_indices(counted);
        loss
    }

    /// `sum_k (1 - W_kv) p_k`.
    fn outside(&self, superclass: usize, z: &[f64], all: Mass, pool: &mut Pool) -> f64 {
        let mut rest = pool.floats(z.len(), 1.0);
        for &(class, weight) in self.of_superclass.row(superclass) {
            rest[class as usize] = 1.0 - weight;
        }
        let sum: f64 = rest.iter().zip(z).map(|(rest, z)| rest * scalar::exp(z - all.top)).sum();
        pool.keep(rest);
        sum / all.sum
    }
}
