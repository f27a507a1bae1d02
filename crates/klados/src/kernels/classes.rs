//! Cross-entropy of the classes with a soft target: `sum_k q_k f(log p_k)`.

use super::focal;
use crate::numeric::{Float, scalar};

/// The loss of a row and its gradient. `target` is relative: it is divided by its sum over the classes that are not
/// masked. Where that sum is 0 the loss is `+inf` and the gradient 0. `factor` multiplies both, `scale` the gradient.
pub(crate) fn row<T: Float>(
    z: &[T],
    mut grad: Option<&mut [T]>,
    target: &mut [f64],
    gamma: f64,
    factor: f64,
    scale: f64,
) -> f64 {
    let max = T::max_of(z);
    if scalar::is_poison(max.to_f64()) {
        if let Some(grad) = grad {
            grad.fill(T::from_f64(f64::NAN));
        }
        return f64::NAN;
    }
    let mut total = 0.0;
    for (target, z) in target.iter_mut().zip(z) {
        if z.to_f64() == f64::NEG_INFINITY {
            *target = 0.0;
        }
        total += *target;
    }
    if total == 0.0 {
        if let Some(grad) = grad {
            grad.fill(T::default());
        }
        return f64::INFINITY;
    }
    // The largest class is left out of the sum: `log_all = ln(1 + others)` then keeps all digits where it is alone.
    let top = z.iter().position(|&z| z == max).unwrap_or(0);
    let others = match grad.as_deref_mut() {
        Some(grad) => {
            let (left, right) = grad.split_at_mut(top);
            let sum = T::exp_sum(&z[..top], max, Some(left)) + T::exp_sum(&z[top + 1..], max, Some(&mut right[1..]));
            right[0] = T::from_f64(1.0);
            sum
        }
        None => T::exp_sum(&z[..top], max, None) + T::exp_sum(&z[top + 1..], max, None),
    };
    let log_all = scalar::ln_1p(others);
    let inverse = 1.0 / (1.0 + others);
    let mut loss = 0.0;
    let mut slopes = 0.0;
    for (k, target) in target.iter_mut().enumerate().filter(|(_, target)| **target != 0.0) {
        let share = factor * *target / total;
        let log_p = (z[k].to_f64() - max.to_f64()) - log_all;
        let q = if gamma == 0.0 {
            0.0 // not used
        } else if k == top {
            others * inverse
        } else {
            scalar::one_minus_exp(log_p)
        };
        let term = focal::term(log_p, q, gamma);
        loss += share * term.value;
        *target = share * term.slope;
        slopes += *target;
    }
    if let Some(grad) = grad {
        for (grad, target) in grad.iter_mut().zip(target) {
            *grad = T::from_f64(scale * (grad.to_f64() * (inverse * slopes) - *target));
        }
    }
    loss
}
