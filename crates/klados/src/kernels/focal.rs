//! The focal factor `(1 - P)^gamma` (Lin et al. 2017) on a term `-log P`.

use crate::numeric::scalar;

/// The value of `-(1 - P)^gamma log P` and minus its derivative by `log P`.
pub(crate) struct Term {
    pub(crate) value: f64,
    /// `(1 - P)^gamma - gamma (1 - P)^(gamma - 1) P log P`: what the term weighs in the gradient. 1 at `gamma = 0`.
    pub(crate) slope: f64,
}

/// `log_p` and the complement `q = 1 - P` come in separately, each accurate where the other is not.
#[inline]
pub(crate) fn term(log_p: f64, q: f64, gamma: f64) -> Term {
    if gamma == 0.0 {
        return Term { value: -log_p, slope: 1.0 };
    }
    if q <= 0.0 {
        return Term { value: 0.0, slope: 0.0 };
    }
    let factor = scalar::pow(q, gamma);
    // -log P / (1 - P) tends to 1 for P -> 1, so no power below gamma is taken.
    let slope = factor + gamma * factor * (-log_p / q) * scalar::exp(log_p);
    Term { value: -log_p * factor, slope }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_is_the_derivative() {
        for gamma in [0.0, 0.5, 1.0, 2.0, 5.0] {
            for log_p in [-1e-3, -0.1, -1.0, -10.0, -300.0] {
                let value = |x: f64| term(x, scalar::one_minus_exp(x), gamma).value;
                let h = 1e-6 * f64::abs(log_p);
                let difference = (value(log_p - h) - value(log_p + h)) / (2.0 * h);
                let slope = term(log_p, scalar::one_minus_exp(log_p), gamma).slope;
                assert!((slope - difference).abs() <= 1e-7 * slope.abs().max(1e-3), "{gamma} {log_p}");
            }
        }
    }

    #[test]
    fn a_certain_prediction_has_no_focal_loss() {
        let term = term(-1e-300, 1e-300, 0.5);
        assert!(term.value < 1e-100 && term.slope < 1e-100 && term.slope > 0.0);
    }
}
