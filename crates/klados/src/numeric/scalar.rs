//! Scalar functions of a row's sums, in `f64`. Errors are those of the platform's `exp`, `ln`, `ln_1p` and `exp_m1`
//! (below 1 ULP on every platform in use), plus the roundings that the bodies show.
#![allow(clippy::disallowed_methods, reason = "this is the module that the ban points to")]

/// Rounding may leave a log-probability this much above 0, which counts as 0; what is above is not one.
pub(crate) const ABOVE_ZERO: f64 = 1e-4;

/// `e^x`.
pub(crate) fn exp(x: f64) -> f64 {
    x.exp()
}

/// The natural logarithm of `x`.
pub(crate) fn ln(x: f64) -> f64 {
    x.ln()
}

/// The logarithm of `x` to base 2; of powers of 2 exact.
pub(crate) fn log2(x: f64) -> f64 {
    x.log2()
}

/// What it tells, in bits, to be one of `part` among `all`: `-log2(part / all)`.
pub(crate) fn information(part: usize, all: usize) -> f64 {
    log2(all as f64 / part as f64)
}

/// `x^y`.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// `ln(1 + x)`.
pub(crate) fn ln_1p(x: f64) -> f64 {
    x.ln_1p()
}

/// `1 - e^x` for `x <= 0`, without cancellation near 0.
pub(crate) fn one_minus_exp(x: f64) -> f64 {
    -x.exp_m1()
}

/// Whether the largest logit of a set says that it holds a NaN or `+inf`.
pub(crate) fn is_poison(max: f64) -> bool {
    max.is_nan() || max == f64::INFINITY
}

/// `ln(1 + e^x)`, never below 0.
pub(crate) fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// `ln(sum e^x)`; `-inf` of nothing.
pub(crate) fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return if values.iter().any(|value| value.is_nan()) { f64::NAN } else { max };
    }
    max + values.iter().map(|value| (value - max).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softplus_keeps_both_tails() {
        assert_eq!(softplus(-1e4), 0.0);
        assert_eq!(softplus(1e4), 1e4);
        assert_eq!(softplus(-100.0), (-100f64).exp());
        assert_eq!(softplus(f64::NEG_INFINITY), 0.0);
        assert_eq!(softplus(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn one_minus_exp_does_not_cancel() {
        assert_eq!(one_minus_exp(-1e-30), 1e-30);
        assert_eq!(one_minus_exp(f64::NEG_INFINITY), 1.0);
    }
}
