//! Superclasses that classes belong to by weights, in a class softmax.

use super::focal;
use super::mass::Mass;
use super::ordinary::{self, Buffers, Member, Scaled};
use super::pool::Pool;
use super::sparse::Sparse;
use crate::numeric::{Float, Run, doubles, scalar};

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

    /// As [`row`](Self::row), with the term of a class where it has a weight, of an ordinary row; `None` for another. The
    /// gradient is written.
    pub(crate) fn ordinary_row<T: Float>(
        &self,
        (class, class_weight): (usize, f64),
        superclasses: impl Iterator<Item = (u32, f64)>,
        gamma: f64,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { terms, weights: kept, marks, members, .. } = buffers;
        let (grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let wants_gradient = grad.is_some();
        let terms = grad.unwrap_or_else(|| ordinary::first(terms, z.len()));
        let runs = [Run::new(class, 0), Run::new(class + 1, 1), Run::new(z.len(), 0)];
        let mut sums = [0.0; 2];
        let top = T::exp_runs(z, &runs, &mut sums, Some(terms));
        let [others, own] = sums;
        if !top.is_finite() {
            return None;
        }
        let all = others + own;
        let (mut loss, mut total, mut sets) = (0.0, 0.0, 0);
        members.clear();
        marks.resize(z.len().max(marks.len()), 0);
        if class_weight != 0.0 {
            if own < T::LEAST_SUM || others < T::LEAST_SUM {
                return None;
            }
            let term = ordinary::term(own, others, gamma);
            loss = class_weight * term.value;
            total = class_weight * term.slope;
            sets = 1;
            marks[class] = 1;
            members.push(Member {
                class: class as u32,
                term: own,
                pull: total * term.inside * own,
                inside: total,
                count: 1,
            });
        }
        let mut is_ordinary = true;
        for (superclass, weight) in superclasses {
            let classes = self.of_superclass.row(superclass as usize);
            let mass: f64 = classes.iter().map(|&(class, weight)| weight * terms[class as usize].to_f64()).sum();
            if mass < T::LEAST_SUM {
                is_ordinary = false;
                break;
            }
            let p = mass / all;
            let rest = if p > 0.5 { self.outside_terms(superclass as usize, terms, kept) / all } else { 1.0 - p };
            let log_p = if p > 0.5 { scalar::ln_1p(-rest) } else { scalar::ln(p) };
            let term = focal::term(log_p, rest, gamma);
            loss += weight * term.value;
            if !wants_gradient {
                continue;
            }
            let slope = weight * term.slope;
            total += slope;
            sets += 1;
            for &(class, of_class) in classes {
                if marks[class as usize] == 0 {
                    let term = terms[class as usize].to_f64();
                    members.push(Member { class, term, pull: 0.0, inside: 0.0, count: 0 });
                    marks[class as usize] = members.len() as u32;
                }
                let member = &mut members[marks[class as usize] as usize - 1];
                // `P - W`, which is `(1 - W) - (1 - P)`.
                let less = if p > 0.5 { (1.0 - of_class) - rest } else { p - of_class };
                member.pull += slope * less * (member.term / mass);
                member.inside += slope;
                member.count += 1;
            }
        }
        members.iter().for_each(|member| marks[member.class as usize] = 0);
        if !is_ordinary {
            return None;
        }
        if wants_gradient {
            T::scale_runs(terms, &[Run::new(z.len(), 0)], &[scale * total / all]);
            for member in members {
                // Where a class is in all of them the difference is 0, which rounding must not hide.
                let outside = if member.count == sets { 0.0 } else { total - member.inside };
                terms[member.class as usize] = T::from_f64(scale * (member.pull + outside * (member.term / all)));
            }
        }
        Some(loss)
    }

    /// `sum_k -classes[k] log p_k` and the terms of all superclasses, `superclasses[v]` each, of a row without `-inf`; `None`
    /// where a mass is too small. The gradient is written.
    pub(crate) fn flow_row<T: Float>(
        &self,
        classes: &[f64],
        superclasses: &[f64],
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { terms, weights: kept, factors: slopes, .. } = buffers;
        let (grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let wants_gradient = grad.is_some();
        let terms = grad.unwrap_or_else(|| ordinary::first(terms, z.len()));
        let max = T::max_of(z);
        let top = z.iter().position(|&z| z == max)?;
        let others = {
            let (left, right) = terms.split_at_mut(top);
            let (own, right) = right.split_first_mut()?;
            *own = T::from_f64(1.0);
            T::exp_sum(&z[..top], max, Some(left)) + T::exp_sum(&z[top + 1..], max, Some(right))
        };
        let all = 1.0 + others;
        let of_classes: f64 = classes.iter().sum();
        // Against the largest class, of which the log-probability is that of the others' share.
        let below = classes.iter().zip(z).map(|(flow, z)| flow * (max.to_f64() - z.to_f64())).sum::<f64>();
        let mut loss = below + of_classes * scalar::ln_1p(others);
        let mut total = 0.0;
        // By superclass: what the exponential of a class is multiplied with, times its weight. The one above one half is apart.
        slopes.clear();
        let mut near = None;
        for (superclass, &flow) in superclasses.iter().enumerate() {
            slopes.push(0.0);
            if flow == 0.0 {
                continue;
            }
            let members = self.of_superclass.row(superclass);
            let mass: f64 = members.iter().map(|&(class, weight)| weight * terms[class as usize].to_f64()).sum();
            if mass < T::LEAST_SUM {
                return None;
            }
            let p = mass / all;
            if p > 0.5 {
                if near.is_some() {
                    return None;
                }
                let rest = self.outside_terms(superclass, terms, kept) / all;
                near = Some((superclass, rest, flow / mass));
                loss -= flow * scalar::ln_1p(-rest);
            } else {
                loss -= flow * scalar::ln(p);
                slopes[superclass] = flow / mass;
                total += flow;
            }
        }
        if !wants_gradient {
            return Some(loss);
        }
        let inverse = 1.0 / all;
        let flow_of_near = near.map_or(0.0, |(superclass, ..)| superclasses[superclass]);
        for (class, term) in terms.iter_mut().enumerate() {
            let (mass, own) = (term.to_f64(), classes[class]);
            let p = mass * inverse;
            let rest = if class == top { others * inverse } else { 1.0 - p };
            let of_class = if class == top && own * 2.0 > of_classes {
                classes[..class].iter().sum::<f64>() + classes[class + 1..].iter().sum::<f64>()
            } else {
                of_classes - own
            };
            let mut value = p * of_class - rest * own + p * total;
            let mut of_near = 0.0;
            for &(superclass, weight) in self.of_class.row(class) {
                value -= mass * weight * slopes[superclass as usize];
                if near.is_some_and(|(near, ..)| near == superclass as usize) {
                    of_near = weight;
                }
            }
            if let Some((_, rest, per_mass)) = near {
                value += match of_near == 0.0 {
                    true => p * flow_of_near,
                    // `P - W`, which is `(1 - W) - (1 - P)`.
                    false => mass * per_mass * ((1.0 - of_near) - rest),
                };
            }
            *term = T::from_f64(scale * value);
        }
        Some(loss)
    }

    /// The exponentials of the classes, each times what a superclass has not of it. They are as before, after it.
    fn outside_terms<T: Float>(&self, superclass: usize, terms: &mut [T], kept: &mut Vec<T>) -> f64 {
        let members = self.of_superclass.row(superclass);
        kept.clear();
        kept.extend(members.iter().map(|&(class, _)| std::mem::take(&mut terms[class as usize])));
        let others = T::sum_of(terms);
        let mut rest = 0.0;
        for (&(class, weight), &term) in members.iter().zip(&*kept) {
            terms[class as usize] = term;
            rest += (1.0 - weight) * term.to_f64();
        }
        others + rest
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
