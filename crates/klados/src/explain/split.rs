//! Logarithms in two parts, of which the first is a logit as it came.
//!
//! `logsumexp` of logits near 1e4 has an error near 1e-12, however it is computed, if it is one number. What is wanted of
//! it are differences from other logits, and those of two parts keep their digits.

use crate::numeric::scalar;

/// The number `at + beyond`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// A logit.
    pub(super) at: f64,
    /// What is added to it.
    pub(super) beyond: f64,
}

impl Split {
    pub(super) const NOTHING: Self = Self { at: f64::NEG_INFINITY, beyond: 0.0 };

    pub(super) fn value(self) -> f64 {
        self.at + self.beyond
    }

    pub(super) fn is_nothing(self) -> bool {
        self.value() == f64::NEG_INFINITY
    }

    /// `self - other`, of an `other` that is not `-inf`.
    pub(super) fn minus(self, other: Self) -> f64 {
        (self.at - other.at) + (self.beyond - other.beyond)
    }
}

/// `ln(sum e^x)`; nothing is left of `-inf` alone.
pub(super) fn log_sum_exp(values: impl Iterator<Item = Split> + Clone) -> Split {
    let max = values.clone().fold(Split::NOTHING, |max, next| if next.value() > max.value() { next } else { max });
    if max.is_nothing() {
        return Split::NOTHING;
    }
    let sum: f64 = values.map(|value| scalar::exp(value.minus(max))).sum();
    Split { at: max.at, beyond: max.beyond + scalar::ln(sum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logits_keep_the_digits_of_their_differences() {
        let logits = [1e4, 1e4 - 1.0].map(|at| Split { at, beyond: 0.0 });
        let sum = log_sum_exp(logits.into_iter());
        // ln(1 + 1/e), which 1e4 + ln(1 + 1/e) - 1e4 has only up to 1e-12
        assert!((sum.minus(logits[0]) - 0.313_261_687_518_222_8).abs() < 1e-16);
        assert!(log_sum_exp([Split::NOTHING; 2].into_iter()).is_nothing());
    }
}
