//! Rows of `f32` in vector code: one source for AVX-512, AVX2, SSE, NEON and WebAssembly, chosen at run time.
//!
//! Lanes are 16 wherever they are held, and additions have one order. So all instruction sets that fuse a multiplication
//! with an addition (AVX-512, AVX2, NEON) have the same bits, and so have those that do not (SSE, WebAssembly).

use fearless_simd::{Level, Select, Simd, SimdBase, SimdFloat, SimdMask, SimdWiden, dispatch};
use fearless_simd::{f32x16, f64x8, mask32x16};

use super::level::level;
use super::runs::Run;

pub(super) const LANES: usize = 16;
/// The vectors that are added up in `f32`, in four sums, before they go over to `f64`.
const BLOCK: usize = 64;
/// The largest of the terms that are relative to nothing is `e^LIMIT`.
const LIMIT: f32 = 32.0;
/// Where terms relative to nothing add up to this, the largest is not far below 0, and those that are 0 are nothing beside it.
pub(super) const LEAST_PLAIN_SUM: f64 = 1e-7;
/// What factors are in units of, 2^-36. With terms up to `e^LIMIT` and sums down to 1e-20 they are then normal numbers where
/// gradients are, from 1e-35 up.
pub(super) const UNIT: f64 = 1.0 / (1u64 << 36) as f64;
/// Adding and taking away 1.5 * 2^23 rounds to the nearest integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;

/// See [`Float::max_of`](super::Float::max_of).
pub(super) fn max_of(values: &[f32]) -> f32 {
    dispatch!(level(), simd => largest(simd, values))
}

/// See [`Float::sum_of`](super::Float::sum_of).
pub(super) fn sum_of(values: &[f32]) -> f64 {
    dispatch!(level(), simd => add_up(simd, values))
}

/// See [`Float::exp_sum`](super::Float::exp_sum).
pub(super) fn exp_sum(z: &[f32], max: f32, out: Option<&mut [f32]>) -> f64 {
    exp_sum_at(level(), z, max, out)
}

/// See [`Float::exp_runs`](super::Float::exp_runs).
pub(super) fn exp_runs(z: &[f32], runs: &[Run], sums: &mut [f64], out: Option<&mut [f32]>) -> f64 {
    exp_runs_at(level(), z, runs, sums, out)
}

/// See [`Float::scale_runs`](super::Float::scale_runs).
pub(super) fn scale_runs(values: &mut [f32], runs: &[Run], factors: &[f64]) {
    dispatch!(level(), simd => multiply_runs(simd, values, runs, factors));
}

/// See [`Float::softplus_sum`](super::Float::softplus_sum).
pub(super) fn softplus_sum(z: &[f32], weights: &[f32], scale: f64, out: Option<&mut [f32]>) -> f64 {
    match out {
        Some(out) => dispatch!(level(), simd => add_softplus::<_, true>(simd, z, weights, scale, out)),
        None => dispatch!(level(), simd => add_softplus::<_, false>(simd, z, weights, scale, &mut [])),
    }
}

/// See [`Float::sigmoids`](super::Float::sigmoids).
pub(super) fn sigmoids(z: &[f32], yes: &mut [f32], no: &mut [f32]) {
    dispatch!(level(), simd => both_sigmoids(simd, z, yes, no));
}

fn exp_sum_at(level: Level, z: &[f32], max: f32, out: Option<&mut [f32]>) -> f64 {
    let (run, mut sum) = ([Run::new(z.len(), 0)], [0.0]);
    match out {
        Some(out) => dispatch!(level, simd => exp_below::<_, true>(simd, z, max, &run, &mut sum, out)),
        None => dispatch!(level, simd => exp_below::<_, false>(simd, z, max, &run, &mut sum, &mut [])),
    }
    sum[0]
}

fn exp_runs_at(level: Level, z: &[f32], runs: &[Run], sums: &mut [f64], out: Option<&mut [f32]>) -> f64 {
    match out {
        Some(out) => dispatch!(level, simd => exp_row::<_, true>(simd, z, runs, sums, out)),
        None => dispatch!(level, simd => exp_row::<_, false>(simd, z, runs, sums, &mut [])),
    }
}

/// Exponentials relative to a number; 0 of what is some 86 below it, also of `-inf`.
pub(super) trait Exp<S: Simd> {
    fn exp(&mut self, simd: S, z: f32x16<S>) -> f32x16<S>;
}

/// `e^z`. No difference is formed, so that none is rounded.
///
/// Relative error below 1.7e-7 (1.4 ULP) for `-86 <= z <= LIMIT`; 0 below that.
pub(super) struct Plain<S: Simd> {
    /// The lanes in which a `z` was above `LIMIT`, or NaN.
    pub(super) beyond: mask32x16<S>,
}

impl<S: Simd> Exp<S> for Plain<S> {
    #[inline(always)]
    fn exp(&mut self, simd: S, z: f32x16<S>) -> f32x16<S> {
        self.beyond |= !z.simd_le(f32x16::splat(simd, LIMIT));
        let shifted = z.mul_add(std::f32::consts::LOG2_E, ROUND);
        let value = power(reduced(z, shifted - ROUND), shifted);
        z.simd_ge(f32x16::splat(simd, -86.0)).select(value, f32x16::splat(simd, 0.0))
    }
}

/// `e^(z - max)` with the rounding error of the difference (TwoSum; Knuth 1969) carried into it: the difference of -70 of
/// a large and a small logit is rounded by up to 4e-6, which would be the relative error of the exponential.
///
/// Relative error below 1.7e-7 for `-87 <= z - max <= 0`; 0 below that.
struct Below<S: Simd> {
    max: f32x16<S>,
}

impl<S: Simd> Exp<S> for Below<S> {
    #[inline(always)]
    fn exp(&mut self, simd: S, z: f32x16<S>) -> f32x16<S> {
        let d = z - self.max;
        let back = d - z;
        let error = (z - (d - back)) - (self.max + back);
        let shifted = d.mul_add(std::f32::consts::LOG2_E, ROUND);
        let value = power(reduced(d, shifted - ROUND) + error, shifted);
        d.simd_ge(f32x16::splat(simd, -87.0)).select(value, f32x16::splat(simd, 0.0))
    }
}

/// `e^-|z|`; 0 below `e^-86`.
#[inline(always)]
fn exp_of_minus<S: Simd>(simd: S, size: f32x16<S>) -> f32x16<S> {
    let x = -size;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let value = power(reduced(x, shifted - ROUND), shifted);
    x.simd_ge(f32x16::splat(simd, -86.0)).select(value, f32x16::splat(simd, 0.0))
}

/// `ln(1 + e)` and `1 / (1 + e)` for `e` from 0 to 1. With `s = e / (2 + e)`, the logarithm is `2 atanh s`; what is left out
/// after `s^13` is below 2e-8 of it. Relative error of the logarithm below 3e-7, of the inverse below 2e-7.
#[inline(always)]
fn ln_1p_and_inverse<S: Simd>(simd: S, e: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
    let (one_more, two_more) = (e + 1.0, e + 2.0);
    let inverse = f32x16::splat(simd, 1.0) / (one_more * two_more);
    let s = e * (one_more * inverse);
    let w = s * s;
    let mut p = w.mul_add(2.0 / 13.0, 2.0 / 11.0);
    p = p.mul_add(w, 2.0 / 9.0);
    p = p.mul_add(w, 2.0 / 7.0);
    p = p.mul_add(w, 2.0 / 5.0);
    p = p.mul_add(w, 2.0 / 3.0);
    (s * p.mul_add(w, 2.0), two_more * inverse)
}

/// Weights times `ln(1 + e^z)`, and times `sigma(z)`.
#[inline(always)]
fn softplus_terms<S: Simd>(simd: S, z: f32x16<S>, weight: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
    let zero = f32x16::splat(simd, 0.0);
    let small = exp_of_minus(simd, z.abs());
    let (log, inverse) = ln_1p_and_inverse(simd, small);
    let above = z.simd_gt(zero).select(f32x16::splat(simd, 1.0), small);
    (weight * (z.max(zero) + log), weight * (above * inverse))
}

#[inline(always)]
fn both_sigmoids<S: Simd>(simd: S, z: &[f32], yes: &mut [f32], no: &mut [f32]) {
    for ((z, yes), no) in z.chunks(LANES).zip(yes.chunks_mut(LANES)).zip(no.chunks_mut(LANES)) {
        let x = if z.len() == LANES { f32x16::from_slice(simd, z) } else { padded(simd, z) };
        let small = exp_of_minus(simd, x.abs());
        let likely = f32x16::splat(simd, 1.0) / (small + 1.0);
        let unlikely = small * likely;
        let is_above = x.simd_gt(f32x16::splat(simd, 0.0));
        yes.copy_from_slice(&is_above.select(likely, unlikely).as_slice()[..z.len()]);
        no.copy_from_slice(&is_above.select(unlikely, likely).as_slice()[..z.len()]);
    }
}

#[inline(always)]
fn add_softplus<S: Simd, const STORE: bool>(simd: S, z: &[f32], weights: &[f32], scale: f64, out: &mut [f32]) -> f64 {
    let zero = f32x16::splat(simd, 0.0);
    let mut wide = f64x8::splat(simd, 0.0);
    let scale = scale as f32;
    let mut blocks = out.chunks_mut(BLOCK / 4 * LANES);
    for (z, weights) in z.chunks(BLOCK / 4 * LANES).zip(weights.chunks(BLOCK / 4 * LANES)) {
        let mut sum = zero;
        let (zs, rest) = z.as_chunks::<LANES>();
        let (ws, rest_weights) = weights.as_chunks::<LANES>();
        let out = if STORE { blocks.next().unwrap_or_default() } else { &mut [] };
        let (outs, rest_out) = out.as_chunks_mut::<LANES>();
        let mut outs = outs.iter_mut();
        for (z, weight) in zs.iter().zip(ws) {
            let (term, slope) = softplus_terms(simd, f32x16::from_slice(simd, z), f32x16::from_slice(simd, weight));
            sum += term;
            if STORE && let Some(out) = outs.next() {
                (slope * scale).store_slice(out);
            }
        }
        if !rest.is_empty() {
            let mut weight = [0.0; LANES];
            weight[..rest.len()].copy_from_slice(rest_weights);
            let (term, slope) = softplus_terms(simd, padded(simd, rest), f32x16::from_slice(simd, &weight));
            sum += term;
            if STORE {
                rest_out.copy_from_slice(&(slope * scale).as_slice()[..rest.len()]);
            }
        }
        let (low, high) = sum.widen();
        wide += low + high;
    }
    wide.reduce_sum()
}

/// `x - n ln 2`, with `ln 2` in two parts of which the first times `n` is exact (Cody & Waite 1980).
#[inline(always)]
fn reduced<S: Simd>(x: f32x16<S>, n: f32x16<S>) -> f32x16<S> {
    n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, x))
}

/// `2^n e^r` for `|r| <= ln 2 / 2` where the result is a normal number, with `n` in the low bits of `shifted`.
///
/// The polynomial has the least relative error on the interval, 3.2e-9, of those of degree 6 that begin `1 + r`.
#[inline(always)]
fn power<S: Simd>(r: f32x16<S>, shifted: f32x16<S>) -> f32x16<S> {
    let mut p = r.mul_add(1.381_869_9e-3, 8.368_716e-3);
    p = p.mul_add(r, 4.166_829_2e-2);
    p = p.mul_add(r, 1.666_652_1e-1);
    p = p.mul_add(r, 4.999_999_4e-1);
    let exp_r = p.mul_add(r, 1.0).mul_add(r, 1.0);
    // In the bits, adding n to the exponent multiplies by 2^n; what stands above n is shifted out.
    f32x16::from_bits(exp_r.to_bits() + (shifted.to_bits() << 23u32))
}

#[inline(always)]
fn largest<S: Simd>(simd: S, values: &[f32]) -> f32 {
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
    if (seen.nan | more.nan).any_true() { f32::NAN } else { seen.max.max(more.max).reduce_max() }
}

#[inline(always)]
fn add_up<S: Simd>(simd: S, values: &[f32]) -> f64 {
    let mut wide = [f64x8::splat(simd, 0.0); 2];
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&last]) {
        let (low, high) = f32x16::from_slice(simd, chunk).widen();
        wide[0] += low;
        wide[1] += high;
    }
    (wide[0] + wide[1]).reduce_sum()
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
        Self { max: self.max.max(value), nan: self.nan | value.simd_ne(value) }
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
fn exp_row<S: Simd, const STORE: bool>(simd: S, z: &[f32], runs: &[Run], sums: &mut [f64], out: &mut [f32]) -> f64 {
    // Most rows need no reference: what they sum to says that the largest is not far below 0.
    let mut plain = Plain { beyond: mask32x16::splat(simd, false) };
    sums.fill(0.0);
    add_runs::<_, _, STORE>(simd, &mut plain, z, runs, sums, out);
    if !plain.beyond.any_true() && sums.iter().sum::<f64>() >= LEAST_PLAIN_SUM {
        return 0.0;
    }
    let max = largest(simd, z);
    if max.is_finite() {
        sums.fill(0.0);
        exp_below::<_, STORE>(simd, z, max, runs, sums, out);
    }
    max.into()
}

#[inline(always)]
fn exp_below<S: Simd, const STORE: bool>(
    simd: S,
    z: &[f32],
    max: f32,
    runs: &[Run],
    sums: &mut [f64],
    out: &mut [f32],
) {
    add_runs::<_, _, STORE>(simd, &mut Below { max: f32x16::splat(simd, max) }, z, runs, sums, out);
}

/// Adds the exponentials of each run to the sum of its group, and stores them where that is asked for.
#[inline(always)]
fn add_runs<S: Simd, E: Exp<S>, const STORE: bool>(
    simd: S,
    of: &mut E,
    z: &[f32],
    runs: &[Run],
    sums: &mut [f64],
    out: &mut [f32],
) {
    let length = z.len();
    let mut totals = Totals::new(simd, runs, sums);
    if length < LANES {
        let terms = of.exp(simd, padded(simd, z));
        if STORE {
            out.copy_from_slice(&terms.as_slice()[..length]);
        }
        totals.add(simd, terms, 0, 0);
        return;
    }
    let mut base = 0;
    while base + LANES <= length {
        let quads = (totals.run.end().min(length) - base) / (4 * LANES);
        if quads > 0 {
            let stop = base + quads.min(BLOCK / 4) * 4 * LANES;
            totals.sum +=
                block_sum::<_, _, STORE>(simd, of, &z[base..stop], if STORE { &mut out[base..stop] } else { &mut [] });
            if stop - base == BLOCK * LANES {
                totals.widen(simd);
            }
            base = stop;
            if totals.run.end() == base {
                totals.finish(simd);
            }
        } else {
            let terms = of.exp(simd, f32x16::from_slice(simd, &z[base..base + LANES]));
            if STORE {
                terms.store_slice(&mut out[base..base + LANES]);
            }
            totals.add(simd, terms, base, 0);
            base += LANES;
        }
    }
    if base < length {
        // The last vector overlaps the one before it.
        let last = length - LANES;
        let terms = of.exp(simd, f32x16::from_slice(simd, &z[last..]));
        if STORE {
            terms.store_slice(&mut out[last..]);
        }
        totals.add(simd, terms, last, base - last);
    }
}

/// The sums of runs, as the terms come.
struct Totals<'a, S: Simd> {
    /// The run that the next term is of.
    run: Run,
    rest: std::slice::Iter<'a, Run>,
    /// Of the terms of the run so far.
    sum: f32x16<S>,
    wide: f64x8<S>,
    by_group: &'a mut [f64],
}

impl<'a, S: Simd> Totals<'a, S> {
    #[inline(always)]
    fn new(simd: S, runs: &'a [Run], by_group: &'a mut [f64]) -> Self {
        let mut rest = runs.iter();
        let run = next(&mut rest);
        Self { run, rest, sum: f32x16::splat(simd, 0.0), wide: f64x8::splat(simd, 0.0), by_group }
    }

    /// Adds the terms of the positions from `base` on, without the lanes before `from`.
    #[inline(always)]
    fn add(&mut self, simd: S, terms: f32x16<S>, base: usize, mut from: usize) {
        let zero = f32x16::splat(simd, 0.0);
        while self.run.end() <= base + LANES {
            let to = self.run.end() - base;
            self.sum += lanes(simd, from, to).select(terms, zero);
            self.finish(simd);
            from = to;
        }
        self.sum += lanes(simd, from, LANES).select(terms, zero);
    }

    /// The run has all its terms.
    #[inline(always)]
    fn finish(&mut self, simd: S) {
        self.widen(simd);
        self.by_group[self.run.group()] += self.wide.reduce_sum();
        self.wide = f64x8::splat(simd, 0.0);
        self.run = next(&mut self.rest);
    }

    #[inline(always)]
    fn widen(&mut self, simd: S) {
        let (low, high) = self.sum.widen();
        self.wide += low + high;
        self.sum = f32x16::splat(simd, 0.0);
    }
}

/// The next run; after the last one that has no end.
#[inline(always)]
fn next(runs: &mut std::slice::Iter<'_, Run>) -> Run {
    runs.next().copied().unwrap_or(Run::new(u32::MAX as usize, 0))
}

/// The sum of the terms of at most `BLOCK` vectors, a multiple of four.
#[inline(always)]
fn block_sum<S: Simd, E: Exp<S>, const STORE: bool>(simd: S, of: &mut E, z: &[f32], out: &mut [f32]) -> f32x16<S> {
    let zero = f32x16::splat(simd, 0.0);
    let mut sums = [zero; 4];
    let mut outs = out.chunks_exact_mut(4 * LANES);
    for z in z.chunks_exact(4 * LANES) {
        let mut terms = [zero; 4];
        for i in 0..4 {
            terms[i] = of.exp(simd, f32x16::from_slice(simd, &z[i * LANES..(i + 1) * LANES]));
            sums[i] += terms[i];
        }
        if STORE && let Some(out) = outs.next() {
            for i in 0..4 {
                terms[i].store_slice(&mut out[i * LANES..(i + 1) * LANES]);
            }
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Multiplies each value by the factor of its group.
#[inline(always)]
fn multiply_runs<S: Simd>(simd: S, values: &mut [f32], runs: &[Run], factors: &[f64]) {
    let in_units = |run: Run| (factors[run.group()] / UNIT) as f32;
    let body = values.len() / LANES * LANES;
    let mut rest = runs.iter();
    let mut run = next(&mut rest);
    let mut base = 0;
    while base < body {
        let own = f32x16::splat(simd, in_units(run));
        let whole = (run.end().min(body) - base) / LANES * LANES;
        for values in values[base..base + whole].chunks_exact_mut(LANES) {
            multiply(simd, values, own);
        }
        base += whole;
        if base < body {
            let mut factor = own;
            while run.end() < base + LANES {
                let to = run.end() - base;
                run = next(&mut rest);
                factor = lanes(simd, to, LANES).select(f32x16::splat(simd, in_units(run)), factor);
            }
            multiply(simd, &mut values[base..base + LANES], factor);
            base += LANES;
        }
    }
    // One by one: a vector of these and some before would be read from what was just written in two parts.
    while base < values.len() {
        let end = run.end().min(values.len());
        let factor = in_units(run);
        values[base..end].iter_mut().for_each(|value| *value = *value * factor * UNIT as f32);
        base = end;
        run = next(&mut rest);
    }
}

#[inline(always)]
fn multiply<S: Simd>(simd: S, values: &mut [f32], factor: f32x16<S>) {
    (f32x16::from_slice(simd, values) * factor * UNIT as f32).store_slice(values);
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
pub(super) mod tests {
    use super::super::level::levels;
    use super::*;

    /// Whether a product is not rounded before something is added to it.
    pub(in crate::numeric) fn fuses(level: Level) -> bool {
        let (a, b) = (1.0 + 1e-4f32, 1.0 - 1e-4);
        dispatch!(level, simd => f32x16::splat(simd, a).mul_add(b, -1.0).reduce_max()) != a * b - 1.0
    }

    /// The terms, and their sum.
    fn exp_at(level: Level, z: &[f32], max: f32) -> (Vec<f32>, f64) {
        let mut out = vec![0.0; z.len()];
        let sum = exp_sum_at(level, z, max, Some(&mut out));
        (out, sum)
    }

    /// The worst relative error of the terms of `exp_sum`, and of those of `exp_runs` where they are not 0.
    fn worst(level: Level, z: &[f32], max: f32) -> f64 {
        let error = |terms: &[f32], top: f64| {
            let exact = z.iter().map(|&z| (f64::from(z) - top).exp());
            let errors = terms.iter().zip(exact).filter(|(term, exact)| **term != 0.0 || *exact > (-86.0f64).exp());
            errors.fold(0.0, |worst: f64, (&term, exact)| worst.max((f64::from(term) / exact - 1.0).abs()))
        };
        let (terms, _) = exp_at(level, z, max);
        let mut row = vec![0.0; z.len() + 1];
        let with_max: Vec<f32> = z.iter().copied().chain([max]).collect();
        let top = exp_runs_at(level, &with_max, &[Run::new(row.len(), 0)], &mut [0.0], Some(&mut row));
        assert!(top == if max > LIMIT { f64::from(max) } else { 0.0 });
        error(&terms, f64::from(max)).max(error(&row[..z.len()], top))
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

    #[inline(always)]
    fn softplus_of_each<S: Simd>(simd: S, z: &[f32], out: &mut [f32]) {
        for (z, out) in z.chunks_exact(LANES).zip(out.chunks_exact_mut(LANES)) {
            softplus_terms(simd, f32x16::from_slice(simd, z), f32x16::splat(simd, 1.0)).0.store_slice(out);
        }
    }

    #[test]
    fn softplus_and_sigmoids_are_within_their_bounds() {
        // Below -86 they are 0.
        let z: Vec<f32> = (-85_984..85_984).map(|step| step as f32 * 1e-3).collect();
        let softplus = |z: f64| z.max(0.0) + (-z.abs()).exp().ln_1p();
        let sigmoid = |z: f64| if z > 0.0 { 1.0 / (1.0 + (-z).exp()) } else { z.exp() / (1.0 + z.exp()) };
        let worst = |found: &[f32], exact: &dyn Fn(f64) -> f64| {
            let error = |(&z, &found): (&f32, &f32)| (f64::from(found) / exact(f64::from(z)) - 1.0).abs();
            z.iter().zip(found).map(error).fold(0.0, f64::max)
        };
        for level in levels() {
            let (mut yes, mut no) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            dispatch!(level, simd => softplus_of_each(simd, &z, &mut yes));
            let error = worst(&yes, &softplus);
            assert!(error < 5e-7, "{level:?}: {error:e}");
            dispatch!(level, simd => both_sigmoids(simd, &z, &mut yes, &mut no));
            let error = worst(&yes, &sigmoid).max(worst(&no, &|z| sigmoid(-z)));
            assert!(error < 4e-7, "{level:?}: {error:e}");
        }
    }

    #[test]
    fn exp_carries_the_rounding_error_of_its_argument() {
        // Logits on both sides of 0: their differences have more digits than an f32.
        for max in [3.3f32, 12.7, 31.9, 41.1, 86.9, 513.1] {
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
            let z = [f32::NEG_INFINITY, f32::MIN, -1e4, 1.0, 1.0];
            let (terms, sum) = exp_at(level, &z, 1.0);
            assert_eq!((terms, sum), (vec![0.0, 0.0, 0.0, 1.0, 1.0], 2.0), "{level:?}");
            let row = |z: &[f32]| {
                let mut terms = [7.0; 5];
                (exp_runs_at(level, z, &[Run::new(5, 0)], &mut [0.0], Some(&mut terms)), terms)
            };
            assert_eq!(row(&z).1[..3], [0.0; 3]);
            assert_eq!(row(&[-1e30, f32::MIN, -3e38, 1e30, 1e30]), (f64::from(1e30f32), [0.0, 0.0, 0.0, 1.0, 1.0]));
            assert_eq!(row(&[f32::NEG_INFINITY; 5]).0, f64::NEG_INFINITY);
            assert_eq!(row(&[0.0, 0.0, f32::INFINITY, 0.0, 0.0]).0, f64::INFINITY);
            assert!(row(&[0.0, 0.0, f32::NAN, 0.0, f32::INFINITY]).0.is_nan());
        }
    }

    #[test]
    fn runs_are_summed_and_scaled_one_by_one_with_the_bits_of_every_instruction_set_that_fuses_alike() {
        let mut seed = 1u32;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % below
        };
        for length in (1..70).chain([127, 1024, 1025, 5003]) {
            let offset = [7.3, 3000.7][random(2)];
            let z: Vec<f32> = (0..length).map(|_| random(4000) as f32 * -0.01 + offset).collect();
            let mut runs = Vec::new();
            let mut end = 0;
            while end < length {
                let longest = [3, 40, 3000][random(3)];
                end = (end + random(2) + random(longest)).min(length);
                runs.push(Run::new(end, random(4)));
            }
            let factors = [0.5, 2.0, -3.0, 1e-3];
            let mut firsts = [None, None];
            for level in levels() {
                let (mut sums, mut only, mut out) = ([0.0; 4], [0.0; 4], vec![0.0; length]);
                exp_runs_at(level, &z, &runs, &mut only, None);
                let top = exp_runs_at(level, &z, &runs, &mut sums, Some(&mut out));
                assert_eq!(sums, only);
                let mut exact = [0.0; 4];
                let mut scaled = out.clone();
                dispatch!(level, simd => multiply_runs(simd, &mut scaled, &runs, &factors));
                let mut start = 0;
                for run in &runs {
                    for at in start..run.end() {
                        exact[run.group()] += (f64::from(z[at]) - top).exp();
                        assert_eq!(scaled[at], out[at] * factors[run.group()] as f32, "{level:?} {length} {at}");
                    }
                    start = run.end();
                }
                for (sum, exact) in sums.iter().zip(exact) {
                    assert!((sum - exact).abs() <= 4e-7 * exact, "{level:?} {length}: {sum} {exact}");
                }
                let first = &mut firsts[usize::from(fuses(level))];
                assert_eq!(first.get_or_insert((sums, out.clone())), &(sums, out), "{level:?} {length}");
            }
        }
    }

    #[test]
    fn maximum_finds_nan_and_every_position() {
        for level in levels() {
            for length in (1..=67).chain([1024, 1025]) {
                for at in (0..length).step_by(if length < 68 { 1 } else { 13 }) {
                    let max = |z: &[f32]| dispatch!(level, simd => largest(simd, z));
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
