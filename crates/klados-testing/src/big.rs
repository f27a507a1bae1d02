//! A multi-precision float.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;

use crate::real::Real;

/// The significant bits of a [`Big`].
///
/// The smallest positive `f64` is `2^-1074`. With 1280 bits a number of that size survives being taken from 1 and got
/// back with 200 bits to spare, so the reference may write `1 - P` as the definitions do.
pub const BITS: usize = 1280;

/// A float of [`BITS`] significant bits and an exponent that neither overflows nor underflows here.
#[derive(Clone, Debug, PartialEq)]
pub struct Big(FBig<HalfEven, 2>);

impl Real for Big {
    fn of(value: f64) -> Self {
        let exact = FBig::try_from(value).unwrap_or_else(|_| panic!("{value} is not finite"));
        Self(exact.with_precision(BITS).value())
    }

    fn to_f64(&self) -> f64 {
        self.0.to_f64().value()
    }

    fn exp(&self) -> Self {
        Self(self.0.exp())
    }

    /// Halley's iteration on `exp(y) = x`, from the `f64` logarithm: each step triples the digits that are right, so only
    /// the last two need all of them. It is five times as fast as [`FBig::ln`], which the tests compare it with.
    #[expect(clippy::disallowed_methods, reason = "only where the iteration starts")]
    fn ln(&self) -> Self {
        let exponent = self.0.repr().exponent() + self.0.repr().digits() as isize;
        let mantissa = (self.0.clone() >> exponent).to_f64().value();
        let start = mantissa.ln() + exponent as f64 * std::f64::consts::LN_2;
        let mut y = Self::of(start).0;
        for bits in [192, 320, BITS, BITS + 64] {
            let x = self.0.clone().with_precision(bits).value();
            let e = y.clone().with_precision(bits).value().exp();
            y = y.with_precision(bits).value() + (&x - &e) * FBig::from(2) / (&x + &e);
        }
        Self(y.with_precision(BITS).value())
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.0.cmp(&other.0))
    }
}

impl Add for Big {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Big {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Big {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Div for Big {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        Self(self.0 / other.0)
    }
}

impl Neg for Big {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &Big, b: &Big, bits: i32) -> bool {
        let scale = a.abs() + b.abs();
        (a.clone() - b.clone()).abs() <= scale * Big::of(2f64.powi(-bits / 2)) * Big::of(2f64.powi(-bits / 2))
    }

    #[test]
    fn exp_and_ln_undo_each_other_at_the_sizes_that_occur() {
        for x in [2e4, -2e4, 9000.0, -10000.5, 0.3, -1e-30, 1e-60, 69.07755278982137, 1.0] {
            let x = Big::of(x);
            // Near 1 the logarithm of the exponential loses what x is smaller than 1.
            assert!(close(&x.exp().ln(), &x, 1000), "{}", x.to_f64());
            assert!(close(&(x.exp() * (-x.clone()).exp()), &Big::one(), 1270), "{}", x.to_f64());
        }
    }

    #[test]
    fn the_logarithm_is_that_of_the_library() {
        let tiny = Big::of(1e-300);
        for x in [Big::of(3.0), Big::of(1e-5), Big::of(1e300), Big::of(-2e4).exp(), Big::one() - tiny, Big::one()] {
            let library = Big(x.0.ln());
            assert!(close(&x.ln(), &library, 270), "{:?}", x.0);
        }
        let far = Big::of(12345.678).exp();
        assert!(close(&far.ln(), &Big(far.0.ln()), 1270));
    }

    #[test]
    fn exp_of_one_and_ln_of_two_are_the_known_numbers() {
        // 40 digits each, in two pieces that f64 holds exactly: head + tail * 1e-20, both integers times 1e-20.
        let number = |head: &str, middle: &str, tail: &str| {
            let scale = Big::of(1e15);
            let part = |digits: &str| Big::of(digits.parse().unwrap());
            (part(head) + (part(middle) + part(tail) / scale.clone()) / scale.clone()) / Big::of(1e14)
        };
        let e = number("271828182845904", "523536028747135", "266249775724709");
        let ln_2 = number("69314718055994", "530941723212145", "817656807550013");
        assert!(close(&Big::one().exp(), &e, 140));
        assert!(close(&Big::of(2.0).ln(), &ln_2, 140));
    }

    #[test]
    fn one_minus_a_tiny_number_gives_it_back() {
        let tiny = Big::of(-700.0).exp();
        let complement = Big::one() - (Big::one() - tiny.clone());
        assert!(close(&tiny, &complement, 240));
    }

    #[test]
    fn rounds_to_f64_also_where_f64_is_subnormal_or_zero() {
        assert_eq!(Big::of(-20000.0).exp().to_f64(), 0.0);
        assert_eq!(Big::of(5e-324).to_f64(), 5e-324);
        assert_eq!((Big::of(5e-324) * Big::of(0.25)).to_f64(), 0.0);
        assert_eq!((Big::of(1.0) / Big::of(3.0)).to_f64(), 1.0 / 3.0);
        assert_eq!((Big::of(1e-310) * Big::of(1.0)).to_f64(), 1e-310);
        assert_eq!(Big::zero().to_f64(), 0.0);
        assert_eq!((Big::of(0.1) - Big::of(0.1)).to_f64(), 0.0);
    }
}
