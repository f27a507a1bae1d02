//! The numbers that the reference computes with.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A finite real number: `f64`, or [`Big`](crate::Big) where `f64` cancels or underflows.
///
/// Infinities and NaN never reach it; the reference deals with them before it computes.
pub trait Real:
    Clone
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The exact value of a finite `f64`.
    fn of(value: f64) -> Self;

    /// The nearest `f64`.
    fn to_f64(&self) -> f64;

    /// `e` to the power of this number.
    fn exp(&self) -> Self;

    /// The natural logarithm of this positive number.
    fn ln(&self) -> Self;

    /// Zero.
    fn zero() -> Self {
        Self::of(0.0)
    }

    /// One.
    fn one() -> Self {
        Self::of(1.0)
    }

    /// Whether this is zero.
    fn is_zero(&self) -> bool {
        *self == Self::zero()
    }

    /// The absolute value.
    fn abs(&self) -> Self {
        if *self < Self::zero() { -self.clone() } else { self.clone() }
    }

    /// This number to a power; the number is at least 0, and 0 to the power 0 is 1.
    fn power(&self, exponent: f64) -> Self {
        if exponent == 0.0 {
            Self::one()
        } else if self.is_zero() {
            Self::zero()
        } else {
            (Self::of(exponent) * self.ln()).exp()
        }
    }

    /// The sum of all items.
    fn sum(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().fold(Self::zero(), |total, item| total + item)
    }
}

#[expect(clippy::disallowed_methods, reason = "the reference takes the standard library's and owes klados nothing")]
impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn to_f64(&self) -> f64 {
        *self
    }

    fn exp(&self) -> Self {
        f64::exp(*self)
    }

    fn ln(&self) -> Self {
        f64::ln(*self)
    }
}
