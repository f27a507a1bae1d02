//! Exponentials and logarithms of slices of `f64` in vector code, chosen at run time as that of [`simd`](super::simd).
//!
//! Every element is computed alone and the same wherever it stands. Lanes are 8, and additions have one order. Instruction
//! sets that fuse a multiplication with an addition have the same bits, and so have those that do not.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdMask, dispatch};
use fearless_simd::{f64x8, mask64x8, u64x8};

use super::level::level;
use super::runs::Run;

const LANES: usize = 8;
/// Adding and taking away 1.5 * 2^52 rounds to the nearest integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `ln 2` in two parts, of which the first times an exponent is exact (the constants of fdlibm).
const LN_2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);
/// `e^LEAST` is the smallest normal number.
const LEAST: f64 = -708.396_418_532_264_1;

/// The largest element; `-inf` for an empty slice, NaN if there is one in it.
pub(crate) fn max_of(values: &[f64]) -> f64 {
    dispatch!(level(), simd => largest(simd, values))
}

/// The sum, in eight stripes that are added in blocks.
pub(crate) fn sum_of(values: &[f64]) -> f64 {
    dispatch!(level(), simd => add_up(simd, values))
}

/// `e^(value - max)`, of values that are not above a finite `max`. Relative error below 4e-16, 0 below the normal numbers.
pub(crate) fn exp_below(values: &[f64], max: f64, out: &mut [f64]) {
    dispatch!(level(), simd => map(simd, values, out, &ExpBelow { max }));
}

/// See [`Float::exp_sum`](super::Float::exp_sum).
pub(super) fn exp_sum(z: &[f64], max: f64, out: Option<&mut [f64]>) -> f64 {
    match out {
        Some(out) => dispatch!(level(), simd => exp_total::<_, true>(simd, z, max, out)),
        None => dispatch!(level(), simd => exp_total::<_, false>(simd, z, max, &mut [])),
    }
}

/// See [`Float::exp_runs`](super::Float::exp_runs). `max` is the largest, and finite.
pub(super) fn exp_runs(z: &[f64], max: f64, runs: &[Run], sums: &mut [f64], out: Option<&mut [f64]>) {
    match out {
        Some(out) => dispatch!(level(), simd => exp_by_group::<_, true>(simd, z, max, runs, sums, out)),
        None => dispatch!(level(), simd => exp_by_group::<_, false>(simd, z, max, runs, sums, &mut [])),
    }
}

/// See [`Float::scale_runs`](super::Float::scale_runs).
pub(super) fn scale_runs(values: &mut [f64], runs: &[Run], factors: &[f64]) {
    dispatch!(level(), simd => multiply_by_group(simd, values, runs, factors));
}

/// See [`Float::softplus_sum`](super::Float::softplus_sum).
pub(super) fn softplus_sum(z: &[f64], weights: &[f64], scale: f64, out: Option<&mut [f64]>) -> f64 {
    match out {
        Some(out) => dispatch!(level(), simd => add_softplus::<_, true>(simd, z, weights, scale, out)),
        None => dispatch!(level(), simd => add_softplus::<_, false>(simd, z, weights, scale, &mut [])),
    }
}

/// See [`Float::sigmoids`](super::Float::sigmoids).
pub(super) fn sigmoids(z: &[f64], yes: &mut [f64], no: &mut [f64]) {
    dispatch!(level(), simd => both_sigmoids(simd, z, yes, no));
}

/// `ln(1 + e^z)` in place, and `sigma(z)`. Relative error below 8e-16.
pub(crate) fn softplus_and_sigmoid(z: &mut [f64], sigmoid: &mut [f64]) {
    dispatch!(level(), simd => softplus_with_slope(simd, z, sigmoid));
}

/// `ln value`, of values from 0 on. Relative error below 4e-16; that of 0 is `-inf`.
pub(crate) fn ln(values: &mut [f64]) {
    dispatch!(level(), simd => update(simd, values, &Ln));
}

/// `ln(1 + value)`, of values from 0 on. Relative error below 4e-16.
pub(crate) fn ln_1p(values: &mut [f64]) {
    dispatch!(level(), simd => update(simd, values, &Ln1p));
}

/// `log sigma(value)`, that is `-ln(1 + e^-value)`. Relative error below 8e-16, 0 below the normal numbers.
pub(crate) fn log_sigmoid(values: &mut [f64]) {
    dispatch!(level(), simd => update(simd, values, &LogSigmoid));
}

/// `ln(1 + e^value)`. Relative error below 8e-16, 0 below the normal numbers.
pub(crate) fn softplus(values: &mut [f64]) {
    dispatch!(level(), simd => update(simd, values, &Softplus));
}

/// `ln(1 - e^-value)`, of values from 0 on. Relative error below 8e-16; that of 0 is `-inf`.
pub(crate) fn ln_one_minus_exp(values: &mut [f64]) {
    dispatch!(level(), simd => update(simd, values, &LnOneMinusExp));
}

/// A function of one number. A trait and not a closure, as that is compiled without vectors where it is not inlined.
trait Of<S: Simd> {
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S>;
}

struct ExpBelow {
    max: f64,
}

impl<S: Simd> Of<S> for ExpBelow {
    #[inline(always)]
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S> {
        exp(simd, value - self.max)
    }
}

struct Ln;

impl<S: Simd> Of<S> for Ln {
    #[inline(always)]
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S> {
        ln_of(simd, value)
    }
}

struct Ln1p;

impl<S: Simd> Of<S> for Ln1p {
    #[inline(always)]
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S> {
        ln_1p_of(simd, value)
    }
}

struct LogSigmoid;

impl<S: Simd> Of<S> for LogSigmoid {
    #[inline(always)]
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S> {
        value.min(f64x8::splat(simd, 0.0)) - ln_1p_of(simd, exp(simd, -value.abs()))
    }
}

struct Softplus;

impl<S: Simd> Of<S> for Softplus {
    #[inline(always)]
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S> {
        value.max(f64x8::splat(simd, 0.0)) + ln_1p_of(simd, exp(simd, -value.abs()))
    }
}

struct LnOneMinusExp;

impl<S: Simd> Of<S> for LnOneMinusExp {
    #[inline(always)]
    fn of(&self, simd: S, value: f64x8<S>) -> f64x8<S> {
        let (below_1, shifted) = expm1_parts(simd, -value);
        let power = times_power(f64x8::splat(simd, 1.0), shifted); // 2^n
        let is_far = value.simd_gt(f64x8::splat(simd, -LEAST));
        let zero = f64x8::splat(simd, 0.0);
        // `e^-value = 2^n (1 + below_1)`. Where it is small, `1 - e^-value` would be rounded.
        let exp = is_far.select(zero, power.mul_add(below_1, power));
        let rest = is_far.select(f64x8::splat(simd, 1.0), (-power).mul_add(below_1, f64x8::splat(simd, 1.0) - power));
        let is_small = exp.simd_lt(f64x8::splat(simd, 1.0 - std::f64::consts::FRAC_1_SQRT_2));
        let (f, k) = parts(rest);
        let log = ln_of_parts(simd, is_small.select(-exp, f), is_small.select(zero, k));
        value.simd_eq(zero).select(f64x8::splat(simd, f64::NEG_INFINITY), log)
    }
}

/// `e^d` for `d <= 0`: range reduction and the Taylor series to degree 13, whose remainder on `|r| <= ln 2 / 2` is below
/// 5e-18.
#[inline(always)]
fn exp<S: Simd>(simd: S, d: f64x8<S>) -> f64x8<S> {
    let (below_1, shifted) = expm1_parts(simd, d);
    let value = times_power(below_1 + 1.0, shifted);
    d.simd_lt(f64x8::splat(simd, LEAST)).select(f64x8::splat(simd, 0.0), value)
}

/// `e^r - 1` for the remainder `r` of `d = n ln 2 + r`, and `n` in the low bits of a number.
#[inline(always)]
fn expm1_parts<S: Simd>(simd: S, d: f64x8<S>) -> (f64x8<S>, f64x8<S>) {
    /// From degree 13 to 2.
    const TAYLOR: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        1.0 / 2.0,
    ];
    let shifted = d.mul_add(std::f64::consts::LOG2_E, f64x8::splat(simd, ROUND));
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2.1, n.mul_add(-LN_2.0, d));
    let mut p = f64x8::splat(simd, TAYLOR[0]);
    let mut i = 1;
    while i < TAYLOR.len() {
        p = p.mul_add(r, TAYLOR[i]);
        i += 1;
    }
    (p.mul_add(r * r, r), shifted)
}

/// `2^n value`, where it is a normal number. In the bits, adding `n` to the exponent multiplies by `2^n`; what stands above
/// `n` is shifted out.
#[inline(always)]
fn times_power<S: Simd>(value: f64x8<S>, shifted: f64x8<S>) -> f64x8<S> {
    f64x8::from_bits(value.to_bits() + (shifted.to_bits() << 52u32))
}

/// `ln x` for `x >= 0`.
#[inline(always)]
fn ln_of<S: Simd>(simd: S, x: f64x8<S>) -> f64x8<S> {
    // Subnormal numbers are made normal.
    let is_small = x.simd_lt(f64x8::splat(simd, f64::MIN_POSITIVE));
    let scaled = is_small.select(x * (1u64 << 54) as f64, x);
    let (f, k) = parts(scaled);
    let value = ln_of_parts(simd, f, k - is_small.select(f64x8::splat(simd, 54.0), f64x8::splat(simd, 0.0)));
    x.simd_eq(f64x8::splat(simd, 0.0)).select(f64x8::splat(simd, f64::NEG_INFINITY), value)
}

/// `ln(1 + u)` for `u >= 0`. From the square root of 2 on, the rounding of the sum is below what is left of it.
#[inline(always)]
fn ln_1p_of<S: Simd>(simd: S, u: f64x8<S>) -> f64x8<S> {
    let (f, k) = parts(u + 1.0);
    let is_small = u.simd_lt(f64x8::splat(simd, std::f64::consts::SQRT_2 - 1.0));
    ln_of_parts(simd, is_small.select(u, f), is_small.select(f64x8::splat(simd, 0.0), k))
}

/// `x = 2^k (1 + f)` with `1 + f` from the root of 1/2 to that of 2, for a normal number `x`.
#[inline(always)]
fn parts<S: Simd>(x: f64x8<S>) -> (f64x8<S>, f64x8<S>) {
    const BIAS: u64 = 1024 << 52;
    let bits = x.to_bits();
    let from_root = bits - (std::f64::consts::FRAC_1_SQRT_2.to_bits().wrapping_sub(BIAS));
    let biased: u64x8<S> = from_root >> 52u32; // k + 1024
    let k = f64x8::from_bits(biased + ROUND.to_bits()) - (ROUND + 1024.0);
    let f = f64x8::from_bits(bits - (biased << 52u32) + BIAS) - 1.0;
    (f, k)
}

/// `ln(2^k (1 + f))`. With `s = f / (2 + f)`, `ln(1 + f)` is `2 atanh s = 2 s + 2 s^3/3 + ..`, and `2 s` is `f - s f`. What
/// is left out after `s^21` is below 2e-17 of it.
#[inline(always)]
fn ln_of_parts<S: Simd>(simd: S, f: f64x8<S>, k: f64x8<S>) -> f64x8<S> {
    const SERIES: [f64; 10] = [
        2.0 / 21.0,
        2.0 / 19.0,
        2.0 / 17.0,
        2.0 / 15.0,
        2.0 / 13.0,
        2.0 / 11.0,
        2.0 / 9.0,
        2.0 / 7.0,
        2.0 / 5.0,
        2.0 / 3.0,
    ];
    let s = f / (f + 2.0);
    let w = s * s;
    let mut p = f64x8::splat(simd, SERIES[0]);
    let mut i = 1;
    while i < SERIES.len() {
        p = p.mul_add(w, SERIES[i]);
        i += 1;
    }
    let below = s * (f - p * w);
    k.mul_add(LN_2.0, f - (below - k * LN_2.1))
}

#[inline(always)]
fn map<S: Simd>(simd: S, values: &[f64], out: &mut [f64], of: &impl Of<S>) {
    let mut chunks = values.chunks_exact(LANES);
    let mut outs = out.chunks_exact_mut(LANES);
    for (value, out) in (&mut chunks).zip(&mut outs) {
        of.of(simd, f64x8::from_slice(simd, value)).store_slice(out);
    }
    let (rest, out) = (chunks.remainder(), outs.into_remainder());
    if !rest.is_empty() {
        out.copy_from_slice(&of.of(simd, padded(simd, rest)).as_slice()[..rest.len()]);
    }
}

#[inline(always)]
fn update<S: Simd>(simd: S, values: &mut [f64], of: &impl Of<S>) {
    let mut chunks = values.chunks_exact_mut(LANES);
    for value in &mut chunks {
        of.of(simd, f64x8::from_slice(simd, value)).store_slice(value);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        let length = rest.len();
        rest.copy_from_slice(&of.of(simd, padded(simd, rest)).as_slice()[..length]);
    }
}

#[inline(always)]
fn exp_by_group<S: Simd, const STORE: bool>(
    simd: S,
    z: &[f64],
    max: f64,
    runs: &[Run],
    sums: &mut [f64],
    out: &mut [f64],
) {
    sums.fill(0.0);
    let mut start = 0;
    for run in runs {
        let range = start..run.end();
        start = run.end();
        let out = if STORE { &mut out[range.clone()] } else { &mut [] };
        sums[run.group()] += exp_total::<_, STORE>(simd, &z[range], max, out);
    }
}

/// The sum of `e^(z - max)`, in eight stripes.
#[inline(always)]
fn exp_total<S: Simd, const STORE: bool>(simd: S, z: &[f64], max: f64, out: &mut [f64]) -> f64 {
    let zero = f64x8::splat(simd, 0.0);
    let mut sums = [zero; 2];
    let mut pairs = z.chunks_exact(2 * LANES);
    let mut outs = out.chunks_exact_mut(2 * LANES);
    for z in &mut pairs {
        // Without closures, which are compiled without vectors where they are not inlined.
        let first = exp(simd, f64x8::from_slice(simd, &z[..LANES]) - max);
        let second = exp(simd, f64x8::from_slice(simd, &z[LANES..]) - max);
        sums[0] += first;
        sums[1] += second;
        if STORE && let Some(out) = outs.next() {
            first.store_slice(&mut out[..LANES]);
            second.store_slice(&mut out[LANES..]);
        }
    }
    let rest = outs.into_remainder();
    for (at, z) in pairs.remainder().chunks(LANES).enumerate() {
        let mut array = [f64::NEG_INFINITY; LANES];
        array[..z.len()].copy_from_slice(z);
        let terms = exp(simd, f64x8::from_slice(simd, &array) - max);
        sums[at] += terms;
        if STORE {
            rest[at * LANES..at * LANES + z.len()].copy_from_slice(&terms.as_slice()[..z.len()]);
        }
    }
    (sums[0] + sums[1]).reduce_sum()
}

#[inline(always)]
fn add_softplus<S: Simd, const STORE: bool>(simd: S, z: &[f64], weights: &[f64], scale: f64, out: &mut [f64]) -> f64 {
    let mut sum = f64x8::splat(simd, 0.0);
    let mut outs = out.chunks_mut(LANES);
    for (z, weight) in z.chunks(LANES).zip(weights.chunks(LANES)) {
        let (x, weight) = (padded(simd, z), padded(simd, weight));
        let zero = f64x8::splat(simd, 0.0);
        let small = exp(simd, -x.abs());
        sum += weight * (x.max(zero) + ln_1p_of(simd, small));
        if STORE && let Some(out) = outs.next() {
            let above = x.simd_gt(zero).select(f64x8::splat(simd, 1.0), small);
            let slope = weight * (above / (small + 1.0)) * scale;
            out.copy_from_slice(&slope.as_slice()[..z.len()]);
        }
    }
    sum.reduce_sum()
}

#[inline(always)]
fn both_sigmoids<S: Simd>(simd: S, z: &[f64], yes: &mut [f64], no: &mut [f64]) {
    for ((z, yes), no) in z.chunks(LANES).zip(yes.chunks_mut(LANES)).zip(no.chunks_mut(LANES)) {
        let x = padded(simd, z);
        let small = exp(simd, -x.abs());
        let likely = f64x8::splat(simd, 1.0) / (small + 1.0);
        let unlikely = small * likely;
        let is_above = x.simd_gt(f64x8::splat(simd, 0.0));
        yes.copy_from_slice(&is_above.select(likely, unlikely).as_slice()[..z.len()]);
        no.copy_from_slice(&is_above.select(unlikely, likely).as_slice()[..z.len()]);
    }
}

#[inline(always)]
fn softplus_with_slope<S: Simd>(simd: S, z: &mut [f64], sigmoid: &mut [f64]) {
    for (z, sigmoid) in z.chunks_mut(LANES).zip(sigmoid.chunks_mut(LANES)) {
        let x = padded(simd, z);
        let zero = f64x8::splat(simd, 0.0);
        let small = exp(simd, -x.abs());
        let above = x.simd_gt(zero).select(f64x8::splat(simd, 1.0), small);
        let length = z.len();
        sigmoid.copy_from_slice(&(above / (small + 1.0)).as_slice()[..length]);
        z.copy_from_slice(&(x.max(zero) + ln_1p_of(simd, small)).as_slice()[..length]);
    }
}

#[inline(always)]
fn multiply_by_group<S: Simd>(simd: S, values: &mut [f64], runs: &[Run], factors: &[f64]) {
    let mut start = 0;
    for run in runs {
        let factor = factors[run.group()];
        let mut chunks = values[start..run.end()].chunks_exact_mut(LANES);
        for chunk in &mut chunks {
            (f64x8::from_slice(simd, chunk) * factor).store_slice(chunk);
        }
        chunks.into_remainder().iter_mut().for_each(|value| *value *= factor);
        start = run.end();
    }
}

/// Up to 8 elements, and zeros after them.
#[inline(always)]
fn padded<S: Simd>(simd: S, values: &[f64]) -> f64x8<S> {
    let mut array = [0.0; LANES];
    array[..values.len()].copy_from_slice(values);
    f64x8::from_slice(simd, &array)
}

#[inline(always)]
fn largest<S: Simd>(simd: S, values: &[f64]) -> f64 {
    let mut max = f64x8::splat(simd, f64::NEG_INFINITY);
    let mut nan = mask64x8::splat(simd, false);
    let mut chunks = values.chunks_exact(LANES);
    let mut see = |value: f64x8<S>| {
        max = max.max(value);
        nan |= value.simd_ne(value);
    };
    (&mut chunks).for_each(|chunk| see(f64x8::from_slice(simd, chunk)));
    let mut rest = [f64::NEG_INFINITY; LANES];
    rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    see(f64x8::from_slice(simd, &rest));
    if nan.any_true() { f64::NAN } else { max.reduce_max() }
}

#[inline(always)]
fn add_up<S: Simd>(simd: S, values: &[f64]) -> f64 {
    /// The elements of a block: sums of few numbers that are added round less than one of many.
    const BLOCK: usize = 64 * LANES;
    let mut total = f64x8::splat(simd, 0.0);
    for block in values.chunks(BLOCK) {
        let mut sum = f64x8::splat(simd, 0.0);
        let mut chunks = block.chunks_exact(LANES);
        (&mut chunks).for_each(|chunk| sum += f64x8::from_slice(simd, chunk));
        total += sum + padded(simd, chunks.remainder());
    }
    total.reduce_sum()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
mod tests {
    use fearless_simd::Level;

    use super::super::level::levels;
    use super::super::simd::tests::fuses;
    use super::*;

    fn worst(values: &[f64], of: impl Fn(&mut [f64]), exact: impl Fn(f64) -> f64) -> f64 {
        let mut found = values.to_vec();
        of(&mut found);
        let error = |(&value, &found): (&f64, &f64)| {
            let exact = exact(value);
            if found == exact { 0.0 } else { ((found - exact) / exact).abs() }
        };
        values.iter().zip(&found).map(error).fold(0.0, f64::max)
    }

    /// Positive numbers of all sizes, many of them near 1.
    fn positive() -> Vec<f64> {
        let all = (0..200_000).map(|i| 10f64.powf(f64::from(i) / 325.0 - 307.0));
        let near_1 =
            (1..1000).flat_map(|i| [1.0 + f64::from(i) * 1e-13, 1.0 - f64::from(i) * 3e-5, f64::from(i) * 2e-3]);
        all.chain(near_1).chain([1.0, 5e-324, 1e-310, f64::MIN_POSITIVE, 0.5, 2.0, 0.707_106_781_186_547_5]).collect()
    }

    #[test]
    fn logarithms_are_within_their_bounds() {
        let worst_ln = worst(&positive(), ln, f64::ln);
        assert!(worst_ln < 4e-16, "{worst_ln:e}");
        let below: Vec<f64> =
            positive().into_iter().filter(|value| *value >= f64::MIN_POSITIVE && *value < 1e300).collect();
        let worst_1p = worst(&below, ln_1p, f64::ln_1p);
        assert!(worst_1p < 4e-16, "{worst_1p:e}");
        let mut ends = [0.0, 1.0];
        ln(&mut ends);
        assert_eq!(ends, [f64::NEG_INFINITY, 0.0]);
        ln_1p(&mut ends[1..]);
        assert_eq!(ends[1], 0.0);
    }

    #[test]
    fn exponentials_are_within_their_bounds() {
        let values: Vec<f64> = (0..=708_000u32).map(|step| 9000.0 - f64::from(step) * 0.001).collect();
        let exponentials = |out: &mut [f64]| exp_below(&values, 9000.0, out);
        let error = worst(&values, exponentials, |value| (value - 9000.0).exp());
        assert!(error < 4e-16, "{error:e}");
        let mut out = [7.0; 4];
        exp_below(&[f64::NEG_INFINITY, -709.0, 0.0, LEAST], 0.0, &mut out);
        assert_eq!(out[..3], [0.0, 0.0, 1.0]);
        assert!((out[3] / f64::MIN_POSITIVE - 1.0).abs() < 1e-12);
    }

    #[test]
    fn sigmoids_keep_both_tails() {
        let values: Vec<f64> = (-800_000..=700_000).map(|step| f64::from(step) * 0.001).chain([1e-17, -1e4]).collect();
        let exact = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
        let normal = |value: f64| if value < f64::MIN_POSITIVE { 0.0 } else { value };
        let error = worst(&values, softplus, |value| normal(exact(value)));
        assert!(error < 8e-16, "{error:e}");
        let error = worst(&values, log_sigmoid, |value| -exact(-value));
        assert!(error < 8e-16, "{error:e}");
        let (mut logs, mut sigmoids) = (values.clone(), vec![0.0; values.len()]);
        softplus_and_sigmoid(&mut logs, &mut sigmoids);
        let sigmoid = |x: f64| normal(if x > 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) });
        let error = worst(&values, |out| out.copy_from_slice(&sigmoids), sigmoid);
        assert!(error < 8e-16, "{error:e}");
        let error = worst(&values, |out| out.copy_from_slice(&logs), |value| normal(exact(value)));
        assert!(error < 8e-16, "{error:e}");
        let mut ends = [f64::NEG_INFINITY, 1e4, -1e4];
        log_sigmoid(&mut ends);
        assert_eq!(ends, [f64::NEG_INFINITY, 0.0, -1e4]);
        let mut ends = [f64::NEG_INFINITY, 1e4, -1e4];
        softplus(&mut ends);
        assert_eq!(ends, [0.0, 1e4, 0.0]);
    }

    #[test]
    fn what_is_left_of_1_is_within_its_bound() {
        let values: Vec<f64> = positive().into_iter().filter(|value| (1e-300..708.0).contains(value)).collect();
        let exact = |x: f64| if x > 0.7 { (-(-x).exp()).ln_1p() } else { (-(-x).exp_m1()).ln() };
        let error = worst(&values, ln_one_minus_exp, exact);
        assert!(error < 8e-16, "{error:e}");
        let mut ends = [0.0, 1e4, 709.0, f64::INFINITY];
        ln_one_minus_exp(&mut ends);
        assert_eq!(ends, [f64::NEG_INFINITY, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn sums_and_maxima_of_any_length() {
        for length in (0..40).chain([511, 512, 513, 1500]) {
            let values: Vec<f64> = (0..length).map(|i| f64::from((i * 37) % 101)).collect();
            assert_eq!(sum_of(&values), values.iter().sum::<f64>());
            assert_eq!(max_of(&values), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            for at in 0..values.len().min(40) {
                let mut values = values.clone();
                values[at] = f64::NAN;
                assert!(max_of(&values).is_nan());
            }
        }
    }

    /// Every instruction set is within the bounds, and those that fuse, or do not, have the same bits.
    #[test]
    fn instruction_sets_agree() {
        let values: Vec<f64> = positive().into_iter().filter(|value| (1e-300..700.0).contains(value)).collect();
        let mut firsts: [Option<Vec<u64>>; 2] = [None, None];
        for level in levels() {
            let at = |of: fn(Level, &mut [f64])| {
                let mut values = values.clone();
                of(level, &mut values);
                values
            };
            let all = [
                at(|level, values| dispatch!(level, simd => update(simd, values, &Ln))),
                at(|level, values| dispatch!(level, simd => update(simd, values, &Ln1p))),
                at(|level, values| dispatch!(level, simd => update(simd, values, &LogSigmoid))),
                at(|level, values| dispatch!(level, simd => update(simd, values, &LnOneMinusExp))),
                at(|level, values| {
                    let row = values.to_vec();
                    dispatch!(level, simd => map(simd, &row, values, &ExpBelow { max: 700.0 }));
                }),
            ];
            let exact: [fn(f64) -> f64; 5] = [
                f64::ln,
                f64::ln_1p,
                |x| -(-x).exp().ln_1p(),
                |x| if x > 0.7 { (-(-x).exp()).ln_1p() } else { (-(-x).exp_m1()).ln() },
                |x| (x - 700.0).exp(),
            ];
            for (found, exact) in all.iter().zip(exact) {
                for (found, value) in found.iter().zip(&values) {
                    let exact = exact(*value);
                    assert!((found - exact).abs() <= 8e-16 * exact.abs(), "{level:?} {value:e} {found:e}");
                }
            }
            let bits: Vec<u64> = all.iter().flatten().map(|value| value.to_bits()).collect();
            let first = &mut firsts[usize::from(fuses(level))];
            assert!(first.get_or_insert_with(|| bits.clone()) == &bits, "{level:?}");
        }
    }

    /// A value does not depend on its place, nor on what is beside it.
    #[test]
    fn places_do_not_matter() {
        let values: Vec<f64> = (0..21).map(|i| f64::from(i) * 1.7 - 20.0).collect();
        let mut all = values.clone();
        log_sigmoid(&mut all);
        for (at, value) in values.into_iter().enumerate() {
            let mut alone = [value];
            log_sigmoid(&mut alone);
            assert_eq!(alone[0].to_bits(), all[at].to_bits());
        }
    }
}
