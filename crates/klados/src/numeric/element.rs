//! The element types of logits and their slice operations: what a SIMD layer replaces.

use super::exp::{exp_f32, exp_f64};

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
    /// Widened, exactly.
    fn to_f64(self) -> f64;
    /// Rounded to the nearest.
    fn from_f64(value: f64) -> Self;
    /// Multiplies each value by a factor.
    #[doc(hidden)]
    fn scale(values: &mut [Self], factor: f64);
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
/// Sums run in fixed stripes (16 lanes in `f32`, 8 in `f64`), so that scalar and vector code, and any number of threads,
/// give the same bits. `f32` lanes add at most 64 terms before they go over to `f64`.
pub trait Float: Element<Wide = Self> {
    /// The largest element; `-inf` for an empty slice, NaN if there is one in it.
    #[doc(hidden)]
    fn max_of(values: &[Self]) -> Self;
    /// `sum e^(z - max)`, for a finite `max` of which no `z` is above.
    #[doc(hidden)]
    fn exp_sum(z: &[Self], max: Self) -> f64;
    /// As `exp_sum`; also stores the terms.
    #[doc(hidden)]
    fn exp_store(z: &[Self], max: Self, out: &mut [Self]) -> f64;
}

macro_rules! element {
    ($float:ty, $lanes:literal, $exp:expr) => {
        impl Element for $float {
            type Wide = Self;
            const NEG_INFINITY: Self = <$float>::NEG_INFINITY;

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

            fn scale(values: &mut [Self], factor: f64) {
                let factor = factor as $float;
                for value in values {
                    *value *= factor;
                }
            }
        }

        impl Float for $float {
            fn max_of(values: &[Self]) -> Self {
                let mut max = [<$float>::NEG_INFINITY; $lanes];
                let mut nan = [false; $lanes];
                let mut chunks = values.chunks_exact($lanes);
                for chunk in &mut chunks {
                    for lane in 0..$lanes {
                        max[lane] = if chunk[lane] > max[lane] { chunk[lane] } else { max[lane] };
                        nan[lane] |= chunk[lane].is_nan();
                    }
                }
                for (lane, &value) in chunks.remainder().iter().enumerate() {
                    max[lane] = if value > max[lane] { value } else { max[lane] };
                    nan[lane] |= value.is_nan();
                }
                if nan.contains(&true) {
                    return <$float>::NAN;
                }
                max.iter().fold(<$float>::NEG_INFINITY, |a, &b| if b > a { b } else { a })
            }

            fn exp_sum(z: &[Self], max: Self) -> f64 {
                let mut total = [0f64; $lanes];
                for block in z.chunks(64 * $lanes) {
                    let mut sum = [0 as $float; $lanes];
                    let mut chunks = block.chunks_exact($lanes);
                    for chunk in &mut chunks {
                        for lane in 0..$lanes {
                            sum[lane] += $exp(chunk[lane], max);
                        }
                    }
                    for (lane, &value) in chunks.remainder().iter().enumerate() {
                        sum[lane] += $exp(value, max);
                    }
                    for lane in 0..$lanes {
                        total[lane] += f64::from(sum[lane]);
                    }
                }
                total.iter().sum()
            }

            fn exp_store(z: &[Self], max: Self, out: &mut [Self]) -> f64 {
                let mut total = [0f64; $lanes];
                for (block, out) in z.chunks(64 * $lanes).zip(out.chunks_mut(64 * $lanes)) {
                    let mut sum = [0 as $float; $lanes];
                    let mut chunks = block.chunks_exact($lanes);
                    let mut outs = out.chunks_exact_mut($lanes);
                    for (chunk, out) in (&mut chunks).zip(&mut outs) {
                        for lane in 0..$lanes {
                            let term = $exp(chunk[lane], max);
                            out[lane] = term;
                            sum[lane] += term;
                        }
                    }
                    let rest = chunks.remainder().iter().zip(outs.into_remainder());
                    for (lane, (&value, out)) in rest.enumerate() {
                        let term = $exp(value, max);
                        *out = term;
                        sum[lane] += term;
                    }
                    for lane in 0..$lanes {
                        total[lane] += f64::from(sum[lane]);
                    }
                }
                total.iter().sum()
            }
        }
    };
}

/// `e^(z - max)` with the rounding error of the difference (TwoSum; Knuth 1969) carried into the exponential.
#[inline(always)]
fn term_f32(z: f32, max: f32) -> f32 {
    let d = z - max;
    let back = d - z;
    let error = (z - (d - back)) - (max + back);
    exp_f32(d, error)
}

/// In `f64` the rounding of the difference is below the bound that the kernels keep.
#[inline(always)]
fn term_f64(z: f64, max: f64) -> f64 {
    exp_f64(z - max)
}

element!(f32, 16, term_f32);
element!(f64, 8, term_f64);

#[cfg(feature = "half")]
macro_rules! half_element {
    ($half:ty) => {
        impl Element for $half {
            type Wide = f32;
            const NEG_INFINITY: Self = <$half>::NEG_INFINITY;

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

            fn scale(values: &mut [Self], factor: f64) {
                let factor = factor as f32;
                for value in values {
                    *value = <$half>::from_f32(value.to_f32() * factor);
                }
            }
        }
    };
}

#[cfg(feature = "half")]
half_element!(half::f16);
#[cfg(feature = "half")]
half_element!(half::bf16);

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
            let sum = f32::exp_store(&z, max, &mut out);
            assert!((sum / exact - 1.0).abs() < 4e-7, "{length}: {sum} {exact}");
            assert_eq!(sum.to_bits(), f32::exp_sum(&z, max).to_bits());
            for (&z, &out) in z.iter().zip(&out) {
                let exact = (f64::from(z) - f64::from(max)).exp();
                assert!((f64::from(out) / exact - 1.0).abs() < 3e-7, "{z} {out} {exact}");
            }
            let wide: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
            assert!((f64::exp_sum(&wide, f64::from(max)) / exact - 1.0).abs() < 1e-14);
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
