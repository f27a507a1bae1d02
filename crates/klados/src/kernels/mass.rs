//! The mass `sum e^z` of a set of classes, as a sum relative to a number: its own largest logit, or one for the row.
//!
//! Two numbers instead of one logarithm: where a label is 9000 below the row's maximum, the log-sum-exps of its sets
//! differ in digits that a single `f64` of that size no longer has.

use crate::numeric::scalar;

/// `sum * e^top`; `sum` is 0 where there is nothing. Of a set of classes it is at least `Float::LEAST_SUM`; weights and
/// priors may make it smaller, and where derivatives are added up like masses it has a sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mass {
    pub(crate) top: f64,
    pub(crate) sum: f64,
}

impl Mass {
    pub(crate) const NONE: Self = Self { top: f64::NEG_INFINITY, sum: 0.0 };

    /// The mass of one class.
    pub(crate) fn of(z: f64) -> Self {
        if z == f64::NEG_INFINITY { Self::NONE } else { Self { top: z, sum: 1.0 } }
    }

    /// The mass `e^(z + shift)`: what the sum is rounded by becomes a factor.
    pub(crate) fn shifted(z: f64, shift: f64) -> Self {
        let (top, rest) = two_sum(z, shift);
        if top == f64::NEG_INFINITY { Self::NONE } else { Self { top, sum: scalar::exp(rest) } }
    }

    pub(crate) fn is_none(self) -> bool {
        self.sum == 0.0
    }

    /// Up to rounding.
    pub(crate) fn is_less_than(self, other: Self) -> bool {
        other.log_over(self) > 0.0 || (self.is_none() && !other.is_none())
    }

    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        if self.top == other.top {
            return Self { top: self.top, sum: self.sum + other.sum };
        }
        let (low, high) = if self.top < other.top { (self, other) } else { (other, self) };
        if low.is_none() {
            high
        } else {
            Self { top: high.top, sum: high.sum + low.sum * exp_difference(low.top, high.top) }
        }
    }

    /// The product of two masses.
    pub(crate) fn times(self, other: Self) -> Self {
        if self.is_none() || other.is_none() {
            Self::NONE
        } else {
            Self { top: self.top + other.top, sum: self.sum * other.sum }
        }
    }

    /// `self / whole` as a mass.
    pub(crate) fn part_of(self, whole: Self) -> Self {
        if self.is_none() { Self::NONE } else { Self { top: self.top - whole.top, sum: self.sum / whole.sum } }
    }

    /// `self / whole`; 0 for no mass.
    pub(crate) fn over(self, whole: Self) -> f64 {
        if self.is_none() { 0.0 } else { self.sum / whole.sum * exp_difference(self.top, whole.top) }
    }

    /// `log(self / whole)`; `-inf` for no mass.
    pub(crate) fn log_over(self, whole: Self) -> f64 {
        if self.is_none() { f64::NEG_INFINITY } else { (self.top - whole.top) + scalar::ln(self.sum / whole.sum) }
    }
}

/// What a set of classes weighs: a number, where all sets of a row are relative to one logit, or a [`Mass`].
pub(crate) trait Amount: Copy {
    /// Of no class.
    const NONE: Self;
    /// The number in its own unit.
    fn sum(self) -> f64;
    /// The unit of this over that of another.
    fn unit_over(self, other: Self) -> f64;
    fn plus(self, other: Self) -> Self;
    /// `log(self / whole)`; `-inf` for nothing.
    fn log_over(self, whole: Self) -> f64;
}

impl Amount for f64 {
    const NONE: Self = 0.0;

    #[inline]
    fn sum(self) -> f64 {
        self
    }

    #[inline]
    fn unit_over(self, _: Self) -> f64 {
        1.0
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline]
    fn log_over(self, whole: Self) -> f64 {
        scalar::ln(self / whole)
    }
}

impl Amount for Mass {
    const NONE: Self = Self::NONE;

    fn sum(self) -> f64 {
        self.sum
    }

    fn unit_over(self, other: Self) -> f64 {
        exp_difference(self.top, other.top)
    }

    fn plus(self, other: Self) -> Self {
        Self::plus(self, other)
    }

    fn log_over(self, whole: Self) -> f64 {
        Self::log_over(self, whole)
    }
}

/// An amount that others are parts of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<A> {
    pub(crate) amount: A,
    inverse: f64,
}

impl<A: Amount> Whole<A> {
    #[inline]
    pub(crate) fn new(amount: A) -> Self {
        Self { amount, inverse: if amount.sum() == 0.0 { 0.0 } else { 1.0 / amount.sum() } }
    }

    /// `part / whole`; 0 for nothing.
    #[inline]
    pub(crate) fn share(self, part: A) -> f64 {
        part.sum() * self.term_share(part)
    }

    /// What a term of 1 in the sum of `part` is of the whole.
    #[inline]
    pub(crate) fn term_share(self, part: A) -> f64 {
        self.inverse * part.unit_over(self.amount)
    }
}

/// `e^(a - b)`. The masses of a row mostly have one top.
#[inline]
fn exp_difference(a: f64, b: f64) -> f64 {
    if a == b { 1.0 } else { scalar::exp(a - b) }
}

/// A sum and what rounding took from it (`TwoSum`; Knuth 1969).
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    if sum == f64::NEG_INFINITY {
        return (sum, 0.0);
    }
    let back = sum - a;
    (sum, (a - (sum - back)) + (b - back))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_far_below_the_maximum_keep_their_digits() {
        let one = Mass { top: -9000.0, sum: 1.0 };
        let three = one.plus(Mass { top: -9000.0, sum: 2.0 });
        assert_eq!(one.over(three), 1.0 / 3.0);
        assert_eq!(one.plus(Mass::NONE).sum, 1.0);
        assert_eq!(Mass::NONE.plus(Mass::NONE).over(one), 0.0);
        assert_eq!(Mass::NONE.log_over(one), f64::NEG_INFINITY);
        assert_eq!(one.log_over(Mass { top: 0.0, sum: 1.0 }), -9000.0);
    }
}
