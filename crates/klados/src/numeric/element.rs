//! The element types of logits and their slice operations: what rows are computed with.

use super::runs::{Run, Span};
use super::{doubles, simd, spans, weights as weighted};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    #[cfg(feature = "half")]
    impl Sealed for half::f16 {}
    #[cfg(feature = "half")]
    impl Sealed for half::bf16 {}
}

/// The element type of logits and gradients: `f32`, `f64`, and with the feature `half` `half::f16` and `half::bf16`.
/// Sealed.
///
/// A half is widened on load and computed as `f32`; its gradient is rounded to it at the end, and the losses stay `f32`.
pub trait Element: sealed::Sealed + Copy + Default + PartialOrd + Send + Sync + std::fmt::Display + 'static {
    /// The type that a row is computed in, and of its loss: `f32` for the halves, else the type itself.
    type Wide: Float;
    /// `-inf`.
    #[doc(hidden)]
    const NEG_INFINITY: Self;
    /// What given probabilities may add up to more or less than 1, or one of them be above it.
    #[doc(hidden)]
    const PROBABILITY_TOLERANCE: f64;
    /// Widened, exactly.
    fn to_f64(self) -> f64;
    /// Rounded to the nearest.
    fn from_f64(value: f64) -> Self;
    /// Runs a row in the wide type. `buffers` are for what has to be widened.
    #[doc(hidden)]
    fn with_wide<R>(
        z: &[Self],
        grad: Option<&mut [Self]>,
        buffers: &mut (Vec<Self::Wide>, Vec<Self::Wide>),
        row: impl FnOnce(&[Self::Wide], Option<&mut [Self::Wide]>) -> R,
    ) -> R;
}

/// The element types that rows are computed in: `f32` and `f64`.
///
/// Sums run in fixed stripes (16 lanes in `f32`, 8 in `f64`), so that any number of threads gives the same bits.
pub trait Float: Element<Wide = Self> + std::ops::Add<Output = Self> {
    /// A sum of terms `e^(z - top)` from here up has lost nothing to the terms that are 0 since they are too small, nor have
    /// ratios of its terms to it: in `f32` terms end at `e^-86`.
    #[doc(hidden)]
    const LEAST_SUM: f64;
    /// Whether [`exp_runs`](Self::exp_runs) takes terms that are relative to nothing where these do.
    #[doc(hidden)]
    const IS_PLAIN: bool;
    /// What terms that are relative to nothing have to add up to in a row.
    #[doc(hidden)]
    const LEAST_PLAIN_SUM: f64;
    /// The largest element; `-inf` for an empty slice, NaN if there is one in it.
    #[doc(hidden)]
    fn max_of(values: &[Self]) -> Self;
    /// The sum, in `f64`.
    #[doc(hidden)]
    fn sum_of(values: &[Self]) -> f64;
    /// `sum e^(z - max)`, for a finite `max` of which no `z` is above. Stores the terms in `out` where it is given.
    #[doc(hidden)]
    fn exp_sum(z: &[Self], max: Self, out: Option<&mut [Self]>) -> f64;
    /// Adds `e^(z - top)` of each run of a row to the sum of its group, from 0, and stores these terms in `out` where it is
    /// given. Returns `top`: the largest `z`, or 0 where that does as well. Where the largest is not finite, or NaN is among
    /// them, it returns that; sums and terms mean nothing then.
    #[doc(hidden)]
    fn exp_runs(z: &[Self], runs: &[Run], sums: &mut [f64], out: Option<&mut [Self]>) -> f64;
    /// Multiplies each value by the factor of its group.
    #[doc(hidden)]
    fn scale_runs(values: &mut [Self], runs: &[Run], factors: &[f64]);
    /// As [`exp_runs`](Self::exp_runs) with terms that are relative to nothing, for shells around each other in another order
    /// than that of the columns: `positions` are those of the columns in it, `spans`, at most [`Span::MOST`] and each within
    /// the next, the sets. A column is of the group of the first span that it is in, or of one more group. False where terms
    /// have to be relative to something; sums and terms mean nothing then.
    #[doc(hidden)]
    fn exp_spans(z: &[Self], positions: &[u32], spans: &[Span], sums: &mut [f64], out: Option<&mut [Self]>) -> bool;
    /// Multiplies each value by the factor of its group, groups as in [`exp_spans`](Self::exp_spans).
    #[doc(hidden)]
    fn scale_spans(values: &mut [Self], positions: &[u32], spans: &[Span], factors: &[f64]);
    /// Multiplies values by weights; the sum of the products.
    #[doc(hidden)]
    fn weigh(values: &mut [Self], weights: &[Self]) -> f64;
    /// Sets the weights to 0 where `z` is `-inf`; the sum of the weights.
    #[doc(hidden)]
    fn open_weights(z: &[Self], weights: &mut [Self]) -> f64;
    /// `sum w (max - z)` over the weights that are not 0.
    #[doc(hidden)]
    fn sum_below(z: &[Self], max: Self, weights: &[Self]) -> f64;
    /// Each value times a factor, less its weight times another.
    #[doc(hidden)]
    fn blend(values: &mut [Self], factor: f64, weights: &[Self], other: f64);
    /// `sigma(z)` and `sigma(-z)`.
    #[doc(hidden)]
    fn sigmoids(z: &[Self], yes: &mut [Self], no: &mut [Self]);
    /// `sum w ln(1 + e^z)` of logits that are below `+inf` and weights from 0 up. Stores the derivatives times `scale`,
    /// `scale w sigma(z)`, in `out` where it is given.
    #[doc(hidden)]
    fn softplus_sum(z: &[Self], weights: &[Self], scale: f64, out: Option<&mut [Self]>) -> f64;
}

macro_rules! element {
    ($float:ty, $tolerance:literal) => {
        impl Element for $float {
            type Wide = Self;
            const NEG_INFINITY: Self = <$float>::NEG_INFINITY;
            const PROBABILITY_TOLERANCE: f64 = $tolerance;

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn with_wide<R>(
                z: &[Self],
                grad: Option<&mut [Self]>,
                _: &mut (Vec<Self>, Vec<Self>),
                row: impl FnOnce(&[Self], Option<&mut [Self]>) -> R,
            ) -> R {
                row(z, grad)
            }
        }
    };
}

element!(f32, 1e-5);
element!(f64, 1e-6);

impl Float for f32 {
    const LEAST_SUM: f64 = 1e-20;
    const IS_PLAIN: bool = true;
    const LEAST_PLAIN_SUM: f64 = simd::LEAST_PLAIN_SUM;

    fn max_of(values: &[Self]) -> Self {
        simd::max_of(values)
    }

    fn sum_of(values: &[Self]) -> f64 {
        simd::sum_of(values)
    }

    fn exp_sum(z: &[Self], max: Self, out: Option<&mut [Self]>) -> f64 {
        simd::exp_sum(z, max, out)
    }

    fn exp_runs(z: &[Self], runs: &[Run], sums: &mut [f64], out: Option<&mut [Self]>) -> f64 {
        simd::exp_runs(z, runs, sums, out)
    }

    fn scale_runs(values: &mut [Self], runs: &[Run], factors: &[f64]) {
        simd::scale_runs(values, runs, factors);
    }

    fn exp_spans(z: &[Self], positions: &[u32], spans: &[Span], sums: &mut [f64], out: Option<&mut [Self]>) -> bool {
        spans::exp_spans(z, positions, spans, sums, out)
    }

    fn scale_spans(values: &mut [Self], positions: &[u32], spans: &[Span], factors: &[f64]) {
        spans::scale_spans(values, positions, spans, factors);
    }

    fn sigmoids(z: &[Self], yes: &mut [Self], no: &mut [Self]) {
        simd::sigmoids(z, yes, no);
    }

    fn weigh(values: &mut [Self], weights: &[Self]) -> f64 {
        weighted::singles::weigh(values, weights)
    }

    fn open_weights(z: &[Self], weights: &mut [Self]) -> f64 {
        weighted::singles::open_weights(z, weights)
    }

    fn sum_below(z: &[Self], max: Self, weights: &[Self]) -> f64 {
        weighted::singles::sum_below(z, max, weights)
    }

    fn blend(values: &mut [Self], factor: f64, weights: &[Self], other: f64) {
        weighted::singles::blend(values, factor, weights, other);
    }

    fn softplus_sum(z: &[Self], weights: &[Self], scale: f64, out: Option<&mut [Self]>) -> f64 {
        simd::softplus_sum(z, weights, scale, out)
    }
}

impl Float for f64 {
    const LEAST_SUM: f64 = 1e-200;
    const IS_PLAIN: bool = false;
    const LEAST_PLAIN_SUM: f64 = f64::INFINITY;

    fn max_of(values: &[Self]) -> Self {
        doubles::max_of(values)
    }

    fn sum_of(values: &[Self]) -> f64 {
        doubles::sum_of(values)
    }

    fn exp_sum(z: &[Self], max: Self, out: Option<&mut [Self]>) -> f64 {
        doubles::exp_sum(z, max, out)
    }

    fn exp_runs(z: &[Self], runs: &[Run], sums: &mut [f64], out: Option<&mut [Self]>) -> f64 {
        let max = Self::max_of(z);
        if max.is_finite() {
            doubles::exp_runs(z, max, runs, sums, out);
        }
        max
    }

    fn scale_runs(values: &mut [Self], runs: &[Run], factors: &[f64]) {
        doubles::scale_runs(values, runs, factors);
    }

    fn exp_spans(_: &[Self], _: &[u32], _: &[Span], _: &mut [f64], _: Option<&mut [Self]>) -> bool {
        false // all terms are relative to the largest
    }

    fn scale_spans(values: &mut [Self], positions: &[u32], spans: &[Span], factors: &[f64]) {
        for (value, &position) in values.iter_mut().zip(positions) {
            *value *= factors[spans.iter().position(|span| span.holds(position)).unwrap_or(spans.len())];
        }
    }

    fn sigmoids(z: &[Self], yes: &mut [Self], no: &mut [Self]) {
        doubles::sigmoids(z, yes, no);
    }

    fn weigh(values: &mut [Self], weights: &[Self]) -> f64 {
        weighted::doubles::weigh(values, weights)
    }

    fn open_weights(z: &[Self], weights: &mut [Self]) -> f64 {
        weighted::doubles::open_weights(z, weights)
    }

    fn sum_below(z: &[Self], max: Self, weights: &[Self]) -> f64 {
        weighted::doubles::sum_below(z, max, weights)
    }

    fn blend(values: &mut [Self], factor: f64, weights: &[Self], other: f64) {
        weighted::doubles::blend(values, factor, weights, other);
    }

    fn softplus_sum(z: &[Self], weights: &[Self], scale: f64, out: Option<&mut [Self]>) -> f64 {
        doubles::softplus_sum(z, weights, scale, out)
    }
}

#[cfg(feature = "half")]
macro_rules! half_element {
    ($half:ty, $tolerance:literal) => {
        impl Element for $half {
            type Wide = f32;
            const NEG_INFINITY: Self = <$half>::NEG_INFINITY;
            const PROBABILITY_TOLERANCE: f64 = $tolerance;

            fn to_f64(self) -> f64 {
                self.into()
            }

            fn from_f64(value: f64) -> Self {
                <$half>::from_f64(value)
            }

            fn with_wide<R>(
                z: &[Self],
                grad: Option<&mut [Self]>,
                (wide, wide_grad): &mut (Vec<f32>, Vec<f32>),
                row: impl FnOnce(&[f32], Option<&mut [f32]>) -> R,
            ) -> R {
                wide.clear();
                wide.extend(z.iter().map(|z| z.to_f32()));
                let Some(grad) = grad else { return row(wide, None) };
                wide_grad.clear();
                wide_grad.resize(z.len(), 0.0);
                let result = row(wide, Some(wide_grad));
                for (grad, wide) in grad.iter_mut().zip(wide_grad) {
                    *grad = <$half>::from_f32(*wide);
                }
                result
            }
        }
    };
}

#[cfg(feature = "half")]
half_element!(half::f16, 2e-3);
#[cfg(feature = "half")]
half_element!(half::bf16, 1e-2);

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
mod tests {
    use super::*;

    fn lengths() -> impl Iterator<Item = usize> {
        (1..=67).chain([1024, 1025, 3000])
    }

    #[test]
    fn sums_of_any_length_are_accurate() {
        for length in lengths() {
            let z: Vec<f32> = (0..length).map(|i| 9000.0 - ((i * 37) % 101) as f32 * 0.37).collect();
            let max = f32::max_of(&z);
            let exact: f64 = z.iter().map(|&z| (f64::from(z) - f64::from(max)).exp()).sum();
            let mut out = vec![0.0; length];
            let sum = f32::exp_sum(&z, max, Some(&mut out));
            assert!((sum / exact - 1.0).abs() < 4e-7, "{length}: {sum} {exact}");
            assert_eq!(sum.to_bits(), f32::exp_sum(&z, max, None).to_bits());
            for (&z, &out) in z.iter().zip(&out) {
                let exact = (f64::from(z) - f64::from(max)).exp();
                assert!((f64::from(out) / exact - 1.0).abs() < 3e-7, "{z} {out} {exact}");
            }
            let wide: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
            assert!((f64::exp_sum(&wide, f64::from(max), None) / exact - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn maximum_finds_nan_and_every_position() {
        for length in lengths() {
            for at in 0..length {
                let mut z = vec![-5f32; length];
                z[at] = 3.0;
                assert_eq!(f32::max_of(&z), 3.0);
                z[at] = f32::NAN;
                assert!(f32::max_of(&z).is_nan());
            }
        }
        assert_eq!(f64::max_of(&[]), f64::NEG_INFINITY);
    }
}
