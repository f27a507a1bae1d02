//! Cross-entropy of the classes with a soft target: `sum_k q_k f(log p_k)`.

use super::focal;
use super::ordinary::{self, Scaled};
use crate::numeric::{Float, scalar};

/// The loss of a row times `factor`, and its gradient. `target` is relative: it is divided by its sum over the classes that
/// are not masked. Where that sum is 0 the loss is `+inf` and the gradient 0.
pub(crate) fn row<T: Float>(
    z: &[T],
    grad: Scaled<'_, T>,
    target: &mut [T],
    gamma: f64,
    factor: f64,
    terms: &mut Vec<T>,
) -> f64 {
    let max = T::max_of(z);
    let (grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
    if scalar::is_poison(max.to_f64()) {
        if let Some(grad) = grad {
            grad.fill(T::from_f64(f64::NAN));
        }
        return f64::NAN;
    }
    let total = T::open_weights(z, target);
    if total == 0.0 {
        if let Some(grad) = grad {
            grad.fill(T::default());
        }
        return f64::INFINITY;
    }
    let wants_gradient = grad.is_some();
    let terms = match grad {
        Some(grad) => grad,
        None if gamma == 0.0 => &mut [],
        None => ordinary::first(terms, z.len()),
    };
    // The largest class is left out of the sum: `log_all = ln(1 + others)` then keeps all digits where it is alone.
    let top = z.iter().position(|&z| z == max).unwrap_or(0);
    let others = match terms.split_at_mut_checked(top) {
        Some((left, [own, right @ ..])) => {
            *own = T::from_f64(1.0);
            T::exp_sum(&z[..top], max, Some(left)) + T::exp_sum(&z[top + 1..], max, Some(right))
        }
        _ => T::exp_sum(&z[..top], max, None) + T::exp_sum(&z[top + 1..], max, None),
    };
    let log_all = scalar::ln_1p(others);
    let inverse = 1.0 / (1.0 + others);
    if gamma == 0.0 {
        if wants_gradient {
            T::blend(terms, scale * inverse * factor, target, scale * factor / total);
        }
        return factor * (T::sum_below(z, max, target) / total + log_all);
    }
    let (mut loss, mut slopes) = (0.0, 0.0);
    for (k, target) in target.iter_mut().enumerate().filter(|(_, target)| **target != T::default()) {
        let share = factor * target.to_f64() / total;
        let log_p = (z[k].to_f64() - max.to_f64()) - log_all;
        let q = if k == top { others * inverse } else { scalar::one_minus_exp(log_p) };
        let term = focal::term(log_p, q, gamma);
        loss += share * term.value;
        *target = T::from_f64(share * term.slope);
        slopes += target.to_f64();
    }
    if wants_gradient {
        T::blend(terms, scale * inverse * slopes, target, scale);
    }
    loss
}
