//! Sums and products of a row with weights, in vector code: one source for `f32` and `f64`. What is added up is `f64`.

use fearless_simd::{Select, Simd, SimdBase, SimdWiden, dispatch};
use fearless_simd::{f32x16, f64x8};

use super::level::level;

/// Functions of slices of a type, in vectors of some lanes, and how such a vector is added to `f64` lanes.
macro_rules! of_type {
    ($module:ident, $float:ty, $vector:ident, $lanes:literal, $add:ident) => {
        pub(super) mod $module {
            use super::*;

            const LANES: usize = $lanes;

            /// See [`Float::weigh`](crate::Float::weigh).
            pub(crate) fn weigh(values: &mut [$float], weights: &[$float]) -> f64 {
                dispatch!(level(), simd => weigh_in(simd, values, weights))
            }

            /// See [`Float::open_weights`](crate::Float::open_weights).
            pub(crate) fn open_weights(z: &[$float], weights: &mut [$float]) -> f64 {
                dispatch!(level(), simd => open_weights_in(simd, z, weights))
            }

            /// See [`Float::sum_below`](crate::Float::sum_below).
            pub(crate) fn sum_below(z: &[$float], max: $float, weights: &[$float]) -> f64 {
                dispatch!(level(), simd => sum_below_in(simd, z, max, weights))
            }

            /// See [`Float::blend`](crate::Float::blend).
            pub(crate) fn blend(values: &mut [$float], factor: f64, weights: &[$float], other: f64) {
                dispatch!(level(), simd => blend_in(simd, values, factor as $float, weights, other as $float));
            }

            #[inline(always)]
            fn weigh_in<S: Simd>(simd: S, values: &mut [$float], weights: &[$float]) -> f64 {
                let mut sum = f64x8::splat(simd, 0.0);
                for (values, weights) in values.chunks_mut(LANES).zip(weights.chunks(LANES)) {
                    let product = load(simd, values) * load(simd, weights);
                    sum = $add(sum, product);
                    store(product, values);
                }
                sum.reduce_sum()
            }

            #[inline(always)]
            fn open_weights_in<S: Simd>(simd: S, z: &[$float], weights: &mut [$float]) -> f64 {
                let mut sum = f64x8::splat(simd, 0.0);
                let masked = $vector::splat(simd, <$float>::NEG_INFINITY);
                for (z, weights) in z.chunks(LANES).zip(weights.chunks_mut(LANES)) {
                    let open = load(simd, z).simd_gt(masked);
                    let weight = open.select(load(simd, weights), $vector::splat(simd, 0.0));
                    sum = $add(sum, weight);
                    store(weight, weights);
                }
                sum.reduce_sum()
            }

            #[inline(always)]
            fn sum_below_in<S: Simd>(simd: S, z: &[$float], max: $float, weights: &[$float]) -> f64 {
                let mut sum = f64x8::splat(simd, 0.0);
                let (zero, max) = ($vector::splat(simd, 0.0), $vector::splat(simd, max));
                for (z, weights) in z.chunks(LANES).zip(weights.chunks(LANES)) {
                    let weight = load(simd, weights);
                    let term = weight * (max - load(simd, z));
                    sum = $add(sum, weight.simd_eq(zero).select(zero, term));
                }
                sum.reduce_sum()
            }

            #[inline(always)]
            fn blend_in<S: Simd>(
                simd: S,
                values: &mut [$float],
                factor: $float,
                weights: &[$float],
                other: $float,
            ) {
                for (values, weights) in values.chunks_mut(LANES).zip(weights.chunks(LANES)) {
                    let blended = load(simd, values) * factor - load(simd, weights) * other;
                    store(blended, values);
                }
            }

            /// Up to so many values as there are lanes, and zeros after them.
            #[inline(always)]
            fn load<S: Simd>(simd: S, values: &[$float]) -> $vector<S> {
                if values.len() == LANES {
                    return $vector::from_slice(simd, values);
                }
                let mut array = [0.0; LANES];
                array[..values.len()].copy_from_slice(values);
                $vector::from_slice(simd, &array)
            }

            #[inline(always)]
            fn store<S: Simd>(vector: $vector<S>, out: &mut [$float]) {
                if out.len() == LANES {
                    vector.store_slice(out);
                } else {
                    out.copy_from_slice(&vector.as_slice()[..out.len()]);
                }
            }
        }
    };
}

of_type!(singles, f32, f32x16, 16, add_wide);
of_type!(doubles, f64, f64x8, 8, add);

#[inline(always)]
fn add<S: Simd>(sum: f64x8<S>, terms: f64x8<S>) -> f64x8<S> {
    sum + terms
}

#[inline(always)]
fn add_wide<S: Simd>(sum: f64x8<S>, terms: f32x16<S>) -> f64x8<S> {
    let (low, high) = terms.widen();
    sum + (low + high)
}

#[cfg(test)]
mod tests {
    use super::super::level::on_each_instruction_set;

    /// Against the same sums, one by one.
    #[test]
    fn weights_of_any_length() {
        macro_rules! check {
            ($module:ident, $float:ty, $tolerance:literal) => {
                for length in (0..40).chain([511, 512, 513]) {
                    let z: Vec<$float> = (0..length).map(|i| (i * 37 % 101) as $float / 8.0 - 6.0).collect();
                    let weights: Vec<$float> = (0..length).map(|i| (i * 13 % 7) as $float / 4.0).collect();
                    let near = |a: f64, b: f64| assert!((a - b).abs() <= $tolerance * b.abs(), "{length}: {a} {b}");
                    let pairs = || z.iter().zip(&weights).map(|(&z, &w)| (f64::from(z), f64::from(w)));
                    let mut values = z.clone();
                    let sum = super::$module::weigh(&mut values, &weights);
                    near(sum, pairs().map(|(z, w)| z * w).sum());
                    assert!(values.iter().zip(pairs()).all(|(&value, (z, w))| f64::from(value) == z * w));
                    near(super::$module::sum_below(&z, 7.0, &weights), pairs().map(|(z, w)| w * (7.0 - z)).sum());
                    let mut masked = z.clone();
                    masked.iter_mut().step_by(3).for_each(|z| *z = <$float>::NEG_INFINITY);
                    let mut open = weights.clone();
                    let sum = super::$module::open_weights(&masked, &mut open);
                    let is_open = |at: usize| at % 3 != 0;
                    near(sum, pairs().enumerate().filter(|(at, _)| is_open(*at)).map(|(_, (_, w))| w).sum());
                    for (at, (open, weight)) in open.iter().zip(&weights).enumerate() {
                        assert_eq!(*open, if is_open(at) { *weight } else { 0.0 });
                    }
                    assert!(super::$module::sum_below(&masked, 7.0, &open).is_finite());
                    super::$module::blend(&mut values, 2.0, &weights, 0.5);
                    assert!(values.iter().zip(pairs()).all(|(&v, (z, w))| f64::from(v) == 2.0 * z * w - 0.5 * w));
                }
            };
        }
        on_each_instruction_set(|_| {
            check!(singles, f32, 1e-6);
            check!(doubles, f64, 1e-14);
        });
    }
}
