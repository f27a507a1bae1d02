//! Rows of `f32` in vector code: one source for AVX-512, AVX2, SSE, NEON and WebAssembly, chosen at run time.
//!
//! Every instruction set has the same bits: lanes are 16 wherever they are held, additions have one order, and no
//! multiplication is fused with an addition.

use fearless_simd::{Level, Select, Simd, SimdBase, SimdFloat, SimdMask, SimdSplit, SimdWiden, dispatch};
use fearless_simd::{f32x16, f64x8, mask32x16};

use super::runs::Run;

const LANES: usize = 16;
/// The vectors that are added up in `f32`, in four sums, before they go over to `f64`.
const BLOCK: usize = 64;

/// The largest element; `-inf` for an empty slice, NaN if there is one in it.
pub(super) fn max_of(values: &[f32]) -> f32 {
    dispatch!(Level::new(), simd => max_of_in(simd, values))
}

/// Adds `e^(z - max)` of each run to the sum of its group, for a finite `max` of which no `z` is above, and stores the
/// terms where `out` is not empty.
pub(super) fn exp_runs(z: &[f32], max: f32, runs: &[Run], sums: &mut [f64], out: Option<&mut [f32]>) {
    exp_runs_at(Level::new(), z, max, runs, sums, out);
}

/// Multiplies each value by the factor of its group.
pub(super) fn scale_runs(values: &mut [f32], runs: &[Run], factors: &[f64]) {
    dispatch!(Level::new(), simd => scale_runs_in(simd, values, runs, factors));
}

fn exp_runs_at(level: Level, z: &[f32], max: f32, runs: &[Run], sums: &mut [f64], out: Option<&mut [f32]>) {
    match out {
        Some(out) => dispatch!(level, simd => exp_runs_in::<_, true>(simd, z, max, runs, sums, out)),
        None => dispatch!(level, simd => exp_runs_in::<_, false>(simd, z, max, runs, sums, &mut [])),
    }
}

/// `e^(z - max)`, with the rounding error of the difference (TwoSum; Knuth 1969) carried into it: the difference of -70
/// of a large and a small logit is rounded by up to 4e-6, which would be the relative error of the exponential.
///
/// Relative error below 1.7e-7 (1.4 ULP) for `z - max >= -87`; 0 below that, also for `-inf`.
/// Range reduction to `|r| <= ln 2 / 2` in two parts, and a polynomial.
#[inline(always)]
fn exp<S: Simd>(simd: S, z: f32x16<S>, max: f32x16<S>) -> f32x16<S> {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let d = z - max;
    let back = d - z;
    let error = (z - (d - back)) - (max + back);
    let shifted = d * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (d - n * 0.693_359_4) - n * -2.121_944_4e-4 + error;
    let mut p = r * 1.987_569_2e-4 + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let exp_r = p * (r * r) + r + 1.0;
    // In the bits, adding n to the exponent multiplies by 2^n; what ROUND has in its low bits is shifted out.
    let value: f32x16<S> = f32x16::from_bits(exp_r.to_bits() + (shifted.to_bits() << 23u32));
    d.simd_lt(f32x16::splat(simd, -87.0)).select(f32x16::splat(simd, 0.0), value)
}

#[inline(always)]
fn max_of_in<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let mut seen = Seen { max: f32x16::splat(simd, f32::NEG_INFINITY), nan: mask32x16::splat(simd, false) };
    let mut more = seen;
    let mut pairs = values.chunks_exact(2 * LANES);
    for pair in &mut pairs {
        seen = seen.and(f32x16::from_slice(simd, &pair[..LANES]));
        more = more.and(f32x16::from_slice(simd, &pair[LANES..]));
    }
    let rest = pairs.remainder();
    if let Some((first, _)) = rest.split_first_chunk::<LANES>() {
        seen = seen.and(f32x16::from_slice(simd, first));
    }
    // Of the last vector of a long row, some lanes were seen.
    more = more.and(match values.split_last_chunk::<LANES>() {
        Some((_, last)) => f32x16::from_slice(simd, last),
        None => padded(simd, rest),
    });
    seen = seen.and(more.max);
    if (seen.nan | more.nan).any_true() {
        return f32::NAN;
    }
    let mut max = f32::NEG_INFINITY;
    for &lane in seen.max.as_slice() {
        max = if lane > max { lane } else { max };
    }
    max
}

/// The largest of each lane, and whether a NaN was there.
#[derive(Clone, Copy)]
struct Seen<S: Simd> {
    max: f32x16<S>,
    nan: mask32x16<S>,
}

impl<S: Simd> Seen<S> {
    #[inline(always)]
    fn and(self, value: f32x16<S>) -> Self {
        Self { max: value.simd_gt(self.max).select(value, self.max), nan: self.nan | value.simd_ne(value) }
    }
}

/// Up to 16 elements, and `-inf` after them.
#[inline(always)]
fn padded<S: Simd>(simd: S, values: &[f32]) -> f32x16<S> {
    let mut array = [f32::NEG_INFINITY; LANES];
    array[..values.len()].copy_from_slice(values);
    f32x16::from_slice(simd, &array)
}

/// The lanes `from..to`.
#[inline(always)]
fn lanes<S: Simd>(simd: S, from: usize, to: usize) -> mask32x16<S> {
    mask32x16::from_bitmask(simd, (1u64 << to) - (1 << from))
}

#[inline(always)]
fn exp_runs_in<S: Simd, const STORE: bool>(
    simd: S,
    z: &[f32],
    max: f32,
    runs: &[Run],
    sums: &mut [f64],
    out: &mut [f32],
) {
    let max = f32x16::splat(simd, max);
    let zero = f32x16::splat(simd, 0.0);
    let length = z.len();
    // The terms from `base` on are in hand; those before `done` are added up.
    let (mut held, mut base, mut done) = (zero, 0, 0);
    let mut ready = 0;
    for run in runs {
        let end = run.end();
        let mut wide = f64x8::splat(simd, 0.0);
        let mut sum = zero;
        if done < ready {
            let stop = end.min(ready);
            sum = lanes(simd, done - base, stop - base).select(held, zero);
            done = stop;
        }
        if done < end {
            let whole = (end - done) / LANES * LANES;
            let mut inner = z[done..done + whole].chunks(BLOCK * LANES);
            let mut out_inner =
                if STORE { out[done..done + whole].chunks_mut(BLOCK * LANES) } else { [].chunks_mut(1) };
            for block in &mut inner {
                let out = if STORE { out_inner.next().unwrap_or(&mut []) } else { &mut [] };
                sum += block_sum::<S, STORE>(simd, block, max, out);
                if block.len() == BLOCK * LANES {
                    wide += widened(sum);
                    sum = zero;
                }
            }
            done += whole;
            ready = done;
        }
        if done < end {
            if length < LANES {
                held = exp(simd, padded(simd, z), max);
                if STORE {
                    out.copy_from_slice(&held.as_slice()[..length]);
                }
                ready = length;
            } else {
                // The last vector of a row overlaps the one before it.
                base = done.min(length - LANES);
                held = exp(simd, f32x16::from_slice(simd, &z[base..base + LANES]), max);
                if STORE {
                    held.store_slice(&mut out[base..base + LANES]);
                }
                ready = base + LANES;
            }
            sum += lanes(simd, done - base, end - base).select(held, zero);
            done = end;
        }
        sums[run.group()] += total(wide + widened(sum));
    }
}

/// The sum of the terms of at most `BLOCK` vectors.
#[inline(always)]
fn block_sum<S: Simd, const STORE: bool>(simd: S, z: &[f32], max: f32x16<S>, out: &mut [f32]) -> f32x16<S> {
    let zero = f32x16::splat(simd, 0.0);
    let mut sums = [zero; 4];
    let mut quads = z.chunks_exact(4 * LANES);
    let mut out_quads = out.chunks_exact_mut(4 * LANES);
    for quad in &mut quads {
        let mut terms = [zero; 4];
        for i in 0..4 {
            terms[i] = exp(simd, f32x16::from_slice(simd, &quad[i * LANES..(i + 1) * LANES]), max);
            sums[i] += terms[i];
        }
        if STORE && let Some(out) = out_quads.next() {
            for i in 0..4 {
                terms[i].store_slice(&mut out[i * LANES..(i + 1) * LANES]);
            }
        }
    }
    let mut outs = out_quads.into_remainder().chunks_exact_mut(LANES);
    for z in quads.remainder().chunks_exact(LANES) {
        let term = exp(simd, f32x16::from_slice(simd, z), max);
        sums[0] += term;
        if STORE && let Some(out) = outs.next() {
            term.store_slice(out);
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

#[inline(always)]
fn widened<S: Simd>(sum: f32x16<S>) -> f64x8<S> {
    let (low, high) = sum.widen();
    low + high
}

#[inline(always)]
fn total<S: Simd>(sum: f64x8<S>) -> f64 {
    let (low, high) = sum.split();
    let (low, high) = (low + high).split();
    let sum = low + high;
    sum[0] + sum[1]
}

#[inline(always)]
fn scale_runs_in<S: Simd>(simd: S, values: &mut [f32], runs: &[Run], factors: &[f64]) {
    let length = values.len();
    if length < LANES {
        let mut start = 0;
        for run in runs {
            let factor = factors[run.group()] as f32;
            values[start..run.end()].iter_mut().for_each(|value| *value *= factor);
            start = run.end();
        }
        return;
    }
    // The vector from `base` on is in hand, with the factors of its lanes; those before `done` have theirs.
    let one = f32x16::splat(simd, 1.0);
    let (mut factor, mut base, mut done, mut ready) = (one, 0, 0, 0);
    for run in runs {
        let end = run.end();
        let own = f32x16::splat(simd, factors[run.group()] as f32);
        if done < ready {
            let stop = end.min(ready);
            factor = lanes(simd, done - base, stop - base).select(own, factor);
            done = stop;
            if done == ready {
                multiply(simd, &mut values[base..ready], factor);
            }
        }
        if done < end {
            let whole = (end - done) / LANES * LANES;
            for values in values[done..done + whole].chunks_exact_mut(LANES) {
                multiply(simd, values, own);
            }
            done += whole;
            ready = done;
        }
        if done < end {
            base = done.min(length - LANES);
            ready = base + LANES;
            factor = lanes(simd, done - base, end - base).select(own, one);
            done = end;
            if done == ready {
                multiply(simd, &mut values[base..ready], factor);
            }
        }
    }
}

#[inline(always)]
fn multiply<S: Simd>(simd: S, values: &mut [f32], factor: f32x16<S>) {
    (f32x16::from_slice(simd, values) * factor).store_slice(values);
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
mod tests {
    use super::*;

    /// Every instruction set that this machine has.
    fn levels() -> Vec<Level> {
        let level = Level::new();
        let mut levels = vec![level, Level::baseline()];
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            levels.extend(level.as_avx2().map(Level::Avx2));
            levels.extend(level.as_sse4_2().map(Level::Sse4_2));
            levels.extend(level.as_sse2().map(Level::Sse2));
        }
        levels
    }

    /// The terms, and their sum.
    fn exp_at(level: Level, z: &[f32], max: f32) -> (Vec<f32>, f64) {
        let (mut out, mut sum) = (vec![0.0; z.len()], [0.0]);
        exp_runs_at(level, z, max, &[Run::new(z.len(), 0)], &mut sum, Some(&mut out));
        (out, sum[0])
    }

    fn worst(level: Level, z: &[f32], max: f32) -> f64 {
        let (terms, _) = exp_at(level, z, max);
        let error = |(&z, term): (&f32, f32)| f64::from(term) / (f64::from(z) - f64::from(max)).exp() - 1.0;
        z.iter().zip(terms).map(error).fold(0.0, |worst: f64, error| worst.max(error.abs()))
    }

    #[test]
    fn exp_is_within_its_bound() {
        let z: Vec<f32> = (0..=870_000u32).step_by(7).map(|step| -(step as f32) * 1e-4).collect();
        for level in levels() {
            let worst = worst(level, &z, 0.0);
            assert!(worst < 1.7e-7, "{level:?}: {worst:e}");
        }
    }

    #[test]
    #[ignore = "every f32 in [-87, 0]: a minute in release"]
    fn exp_is_within_its_bound_everywhere() {
        for level in levels() {
            let all: Vec<u32> = (0..=87f32.to_bits()).collect();
            for bits in all.chunks(1 << 20) {
                let z: Vec<f32> = bits.iter().map(|&bits| -f32::from_bits(bits)).collect();
                let worst = worst(level, &z, 0.0);
                assert!(worst < 1.7e-7, "{level:?}: {worst:e}");
            }
        }
    }

    #[test]
    fn exp_carries_the_rounding_error_of_its_argument() {
        // Logits on both sides of 0: their differences have more digits than an f32.
        for max in [3.3f32, 12.7, 41.1, 86.9] {
            let z: Vec<f32> = (0..3000).map(|i| max - 86.99 * (i as f32 / 3000.0).sqrt()).collect();
            for level in levels() {
                let worst = worst(level, &z, max);
                assert!(worst < 1.8e-7, "{level:?}, {max}: {worst:e}");
            }
        }
    }

    #[test]
    fn limits() {
        for level in levels() {
            let (terms, sum) = exp_at(level, &[f32::NEG_INFINITY, f32::MIN, -1e4, 1.0, 1.0], 1.0);
            assert_eq!((terms, sum), (vec![0.0, 0.0, 0.0, 1.0, 1.0], 2.0), "{level:?}");
        }
    }

    #[test]
    fn runs_are_summed_and_scaled_one_by_one_with_the_same_bits_on_every_instruction_set() {
        let mut seed = 1u32;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % below
        };
        for length in (1..70).chain([127, 1024, 1025, 5003]) {
            let z: Vec<f32> = (0..length).map(|_| random(4000) as f32 * -0.01 + 7.3).collect();
            let mut runs = Vec::new();
            let mut end = 0;
            while end < length {
                let longest = [3, 40, 3000][random(3)];
                end = (end + 1 + random(longest)).min(length);
                runs.push(Run::new(end, random(4)));
            }
            let factors = [0.5, 2.0, -3.0, 1e-3];
            let mut first = None;
            for level in levels() {
                let (mut sums, mut only, mut out) = ([0.0; 4], [0.0; 4], vec![0.0; length]);
                exp_runs_at(level, &z, 7.3, &runs, &mut only, None);
                exp_runs_at(level, &z, 7.3, &runs, &mut sums, Some(&mut out));
                assert_eq!(sums, only);
                let mut exact = [0.0; 4];
                let mut scaled = out.clone();
                dispatch!(level, simd => scale_runs_in(simd, &mut scaled, &runs, &factors));
                let mut start = 0;
                for run in &runs {
                    for at in start..run.end() {
                        exact[run.group()] += (f64::from(z[at]) - f64::from(7.3f32)).exp();
                        assert_eq!(scaled[at], out[at] * factors[run.group()] as f32, "{level:?} {length} {at}");
                    }
                    start = run.end();
                }
                for (sum, exact) in sums.iter().zip(exact) {
                    assert!((sum - exact).abs() <= 4e-7 * exact, "{level:?} {length}: {sum} {exact}");
                }
                assert_eq!(first.get_or_insert((sums, out.clone())), &(sums, out), "{level:?} {length}");
            }
        }
    }

    #[test]
    fn maximum_finds_nan_and_every_position() {
        for level in levels() {
            for length in (1..=67).chain([1024, 1025]) {
                for at in (0..length).step_by(if length < 68 { 1 } else { 13 }) {
                    let max = |z: &[f32]| dispatch!(level, simd => max_of_in(simd, z));
                    let mut z = vec![-5f32; length];
                    z[at] = 3.0;
                    assert_eq!(max(&z), 3.0);
                    z[at] = f32::NAN;
                    assert!(max(&z).is_nan());
                }
            }
        }
        assert_eq!(max_of(&[]), f32::NEG_INFINITY);
    }
}
