//! Rows of `f32` whose columns are in another order than the shells: no column moves. The position of each in the order of
//! the shells is read beside it, and compared with where each shell begins and ends.
//!
//! Lanes, blocks and bits are as in [`simd`](super::simd).

use fearless_simd::{Level, Select, Simd, SimdBase, SimdMask, SimdWiden, dispatch};
use fearless_simd::{f32x16, mask32x16, u32x16};

use super::level::level;
use super::runs::Span;
use super::simd::{Exp, LANES, Plain, UNIT};

/// Vectors that are compared together. Most of the inner shells are small: four vectors at once have a column of one, or
/// not, and so a branch of the processor that is guessed wrong, a quarter as often as one by one.
const TOGETHER: usize = 4;
const STEP: usize = TOGETHER * LANES;
/// The steps that are added up in `f32` before they go over to `f64`.
const STEPS: usize = 16;

/// See [`Float::exp_spans`](super::Float::exp_spans).
pub(super) fn exp_spans(
    z: &[f32],
    positions: &[u32],
    spans: &[Span],
    sums: &mut [f64],
    out: Option<&mut [f32]>,
) -> bool {
    exp_spans_at(level(), z, positions, spans, sums, out)
}

/// See [`Float::scale_spans`](super::Float::scale_spans).
pub(super) fn scale_spans(values: &mut [f32], positions: &[u32], spans: &[Span], factors: &[f64]) {
    scale_spans_at(level(), values, positions, spans, factors);
}

fn exp_spans_at(
    level: Level,
    z: &[f32],
    positions: &[u32],
    spans: &[Span],
    sums: &mut [f64],
    out: Option<&mut [f32]>,
) -> bool {
    match out {
        Some(out) => dispatch!(level, simd => add_spans::<_, true>(simd, z, positions, spans, sums, out)),
        None => dispatch!(level, simd => add_spans::<_, false>(simd, z, positions, spans, sums, &mut [])),
    }
}

fn scale_spans_at(level: Level, values: &mut [f32], positions: &[u32], spans: &[Span], factors: &[f64]) {
    dispatch!(level, simd => multiply_spans(simd, values, positions, spans, factors));
}

#[inline(always)]
fn add_spans<S: Simd, const STORE: bool>(
    simd: S,
    z: &[f32],
    positions: &[u32],
    spans: &[Span],
    sums: &mut [f64],
    out: &mut [f32],
) -> bool {
    sums.fill(0.0);
    let mut adder = Adder {
        of: Plain { beyond: mask32x16::splat(simd, false) },
        spans,
        lanes: [f32x16::splat(simd, 0.0); Span::MOST + 1],
        innermost: spans.len(),
    };
    let (steps, rest) = z.as_chunks::<STEP>();
    let (places, rest_places) = positions.as_chunks::<STEP>();
    let (outs, rest_out) = out.as_chunks_mut::<STEP>();
    let mut outs = outs.chunks_mut(STEPS);
    for (steps, places) in steps.chunks(STEPS).zip(places.chunks(STEPS)) {
        let mut outs = if STORE { outs.next().unwrap_or_default() } else { &mut [] }.iter_mut();
        for (z, places) in steps.iter().zip(places) {
            let terms = adder.add::<TOGETHER>(simd, z, places);
            if STORE && let Some(out) = outs.next() {
                store(terms, out);
            }
        }
        adder.widen(simd, sums);
    }
    let mut rest_outs = rest_out.chunks_mut(LANES);
    for (z, places) in rest.chunks(LANES).zip(rest_places.chunks(LANES)) {
        let (mut padded, mut padded_places) = ([f32::NEG_INFINITY; LANES], [0; LANES]);
        padded[..z.len()].copy_from_slice(z);
        padded_places[..z.len()].copy_from_slice(places);
        let [terms] = adder.add::<1>(simd, &padded, &padded_places);
        if STORE && let Some(out) = rest_outs.next() {
            out.copy_from_slice(&terms.as_slice()[..out.len()]);
        }
    }
    adder.widen(simd, sums);
    !adder.of.beyond.any_true()
}

/// The sums of a row's shells, as the terms come.
struct Adder<'a, S: Simd> {
    of: Plain<S>,
    spans: &'a [Span],
    /// By shell.
    lanes: [f32x16<S>; Span::MOST + 1],
    /// The innermost shell of which there is a sum in `lanes`.
    innermost: usize,
}

impl<S: Simd> Adder<'_, S> {
    /// Adds the terms of some vectors, and returns them.
    #[inline(always)]
    fn add<const N: usize>(&mut self, simd: S, z: &[f32], positions: &[u32]) -> [f32x16<S>; N] {
        let zero = f32x16::splat(simd, 0.0);
        let (mut all, mut places) = ([zero; N], [u32x16::splat(simd, 0); N]);
        for i in 0..N {
            all[i] = self.of.exp(simd, f32x16::from_slice(simd, &z[i * LANES..(i + 1) * LANES]));
            places[i] = u32x16::from_slice(simd, &positions[i * LANES..(i + 1) * LANES]);
        }
        let (mut terms, mut shell) = (all, self.spans.len());
        // From the outside in, until no column is in the next shell.
        while shell > 0 {
            let is_inside = inside(simd, places, self.spans[shell - 1]);
            if !any(is_inside) {
                break;
            }
            let mut outside = [zero; N];
            for i in 0..N {
                outside[i] = is_inside[i].select(zero, terms[i]);
                terms[i] = is_inside[i].select(terms[i], zero);
            }
            self.lanes[shell] += total(outside);
            shell -= 1;
        }
        self.lanes[shell] += total(terms);
        self.innermost = self.innermost.min(shell);
        all
    }

    #[inline(always)]
    fn widen(&mut self, simd: S, sums: &mut [f64]) {
        for (lanes, sum) in self.lanes.iter_mut().zip(sums).skip(self.innermost) {
            let (low, high) = lanes.widen();
            *sum += (low + high).reduce_sum();
            *lanes = f32x16::splat(simd, 0.0);
        }
        self.innermost = self.spans.len();
    }
}

#[inline(always)]
fn inside<S: Simd, const N: usize>(simd: S, places: [u32x16<S>; N], span: Span) -> [mask32x16<S>; N] {
    let mut is_inside = [mask32x16::splat(simd, false); N];
    for i in 0..N {
        // What is before the start wraps around, and is behind the end.
        is_inside[i] = (places[i] - span.start).simd_lt(span.length);
    }
    is_inside
}

#[inline(always)]
fn any<S: Simd, const N: usize>(masks: [mask32x16<S>; N]) -> bool {
    let mut any = masks[0];
    for mask in &masks[1..] {
        any |= *mask;
    }
    any.any_true()
}

#[inline(always)]
fn total<S: Simd, const N: usize>(terms: [f32x16<S>; N]) -> f32x16<S> {
    match N {
        TOGETHER => (terms[0] + terms[1]) + (terms[2] + terms[3]),
        _ => terms[0],
    }
}

#[inline(always)]
fn store<S: Simd, const N: usize>(vectors: [f32x16<S>; N], out: &mut [f32]) {
    for i in 0..N {
        vectors[i].store_slice(&mut out[i * LANES..(i + 1) * LANES]);
    }
}

#[inline(always)]
fn multiply_spans<S: Simd>(simd: S, values: &mut [f32], positions: &[u32], spans: &[Span], factors: &[f64]) {
    let mut in_units = [0.0; Span::MOST + 1];
    in_units.iter_mut().zip(factors).for_each(|(in_units, factor)| *in_units = (factor / UNIT) as f32);
    let (steps, rest) = values.as_chunks_mut::<STEP>();
    let (places, rest_places) = positions.as_chunks::<STEP>();
    for (values, places) in steps.iter_mut().zip(places) {
        store(products::<_, TOGETHER>(simd, values, places, spans, &in_units), values);
    }
    for (values, places) in rest.chunks_mut(LANES).zip(rest_places.chunks(LANES)) {
        let (mut padded, mut padded_places) = ([0.0; LANES], [0; LANES]);
        padded[..values.len()].copy_from_slice(values);
        padded_places[..values.len()].copy_from_slice(places);
        let [product] = products::<_, 1>(simd, &padded, &padded_places, spans, &in_units);
        values.copy_from_slice(&product.as_slice()[..values.len()]);
    }
}

/// Some vectors times the factors of their shells.
#[inline(always)]
fn products<S: Simd, const N: usize>(
    simd: S,
    values: &[f32],
    positions: &[u32],
    spans: &[Span],
    in_units: &[f32; Span::MOST + 1],
) -> [f32x16<S>; N] {
    let mut places = [u32x16::splat(simd, 0); N];
    for i in 0..N {
        places[i] = u32x16::from_slice(simd, &positions[i * LANES..(i + 1) * LANES]);
    }
    let mut shell = spans.len();
    let mut factor = [f32x16::splat(simd, in_units[shell]); N];
    while shell > 0 {
        let is_inside = inside(simd, places, spans[shell - 1]);
        if !any(is_inside) {
            break;
        }
        shell -= 1;
        let own = f32x16::splat(simd, in_units[shell]);
        for i in 0..N {
            factor[i] = is_inside[i].select(own, factor[i]);
        }
    }
    let mut product = factor;
    for i in 0..N {
        product[i] = f32x16::from_slice(simd, &values[i * LANES..(i + 1) * LANES]) * factor[i] * UNIT as f32;
    }
    product
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
mod tests {
    use super::super::level::levels;
    use super::super::simd::tests::fuses;
    use super::*;

    /// A row in an order that has nothing to do with its spans.
    fn row(length: usize) -> (Vec<f32>, Vec<u32>, Vec<Span>) {
        let step = [7919, 7907, 7901].into_iter().find(|step| !length.is_multiple_of(*step)).unwrap();
        let positions = (0..length).map(|column| ((column * step) % length) as u32).collect();
        let z = (0..length).map(|column| ((column * 37) % 101) as f32 * 0.1 - 6.0).collect();
        let ends = [(0.4, 0.41), (0.4, 0.45), (0.4, 0.45), (0.3, 0.5), (0.25, 0.95)];
        let place = |share: f64| (share * length as f64) as usize;
        (z, positions, ends.into_iter().map(|(start, end)| Span::new(place(start), place(end))).collect())
    }

    #[test]
    fn a_column_is_of_the_first_span_that_it_is_in() {
        for length in (1..150).chain([1000, 1024, 4100, 9999]) {
            let (z, positions, spans) = row(length);
            let group =
                |column: usize| spans.iter().position(|span| span.holds(positions[column])).unwrap_or(spans.len());
            let factors = [0.5, 2.0, -3.0, 1e-3, 7.0, 0.25];
            let mut exact = [0.0; 6];
            z.iter().enumerate().for_each(|(column, z)| exact[group(column)] += f64::from(*z).exp());
            let mut firsts = [None, None];
            for level in levels() {
                let (mut sums, mut only, mut out) = ([7.0; 6], [7.0; 6], vec![7.0; length]);
                assert!(exp_spans_at(level, &z, &positions, &spans, &mut only, None));
                assert!(exp_spans_at(level, &z, &positions, &spans, &mut sums, Some(&mut out)));
                assert_eq!(sums, only);
                let mut scaled = out.clone();
                scale_spans_at(level, &mut scaled, &positions, &spans, &factors);
                for column in 0..length {
                    let term = f64::from(z[column]).exp();
                    assert!((f64::from(out[column]) - term).abs() < 1.7e-7 * term, "{level:?} {length} {column}");
                    assert_eq!(scaled[column], out[column] * factors[group(column)] as f32);
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
    fn what_wants_a_reference_is_told() {
        for level in levels() {
            for length in [5, 64, 200] {
                for wrong in [33.0, f32::NAN, f32::INFINITY] {
                    for at in [0, length / 2, length - 1] {
                        let (mut z, positions, spans) = row(length);
                        z[at] = wrong;
                        let mut sums = [0.0; 6];
                        assert!(!exp_spans_at(level, &z, &positions, &spans, &mut sums, None), "{level:?} {wrong}");
                    }
                }
                let (mut z, positions, spans) = row(length);
                z.fill(f32::NEG_INFINITY);
                let mut sums = [7.0; 6];
                assert!(exp_spans_at(level, &z, &positions, &spans, &mut sums, None));
                assert_eq!(sums, [0.0; 6]);
            }
        }
    }
}
