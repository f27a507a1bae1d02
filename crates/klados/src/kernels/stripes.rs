//! Long rows in stripes of columns, which threads share: a batch of few rows with many classes has too few rows for them.
//!
//! The stripes are as wide on one thread as on many, and their sums are added in their order, so that the bits do not
//! depend on the number of threads. What this needs of a kernel is that its passes over the columns are sums by group and
//! products by group: those of the shells, which are the path kernel's and the overlapping sets'. Between the passes a row
//! is a few numbers, which no thread need share.

#[cfg(feature = "rayon")]
use super::batch;
use crate::numeric::{Float, Run, Span};

/// The columns of a stripe: 256 KiB of `f32`, so that a stripe and its terms stay in a core's cache, and 64 times what it
/// costs to hand one over. Rows that are not longer are one stripe.
const STRIPE: usize = 1 << 16;

/// What a stripe adds. Reused from row to row.
#[derive(Debug, Default)]
struct Part {
    /// The runs of the row that reach into the stripe, cut to it.
    runs: Vec<Run>,
    sums: Vec<f64>,
    top: f64,
}

/// The memory of the stripes of a row.
#[derive(Debug, Default)]
pub(crate) struct Stripes {
    parts: Vec<Part>,
}

impl Stripes {
    /// As [`Float::exp_runs`].
    pub(crate) fn exp_runs<T: Float>(
        &mut self,
        z: &[T],
        runs: &[Run],
        sums: &mut [f64],
        mut out: Option<&mut [T]>,
    ) -> f64 {
        if z.len() <= STRIPE {
            return T::exp_runs(z, runs, sums, out);
        }
        self.cut(z.len(), runs, sums.len());
        if T::IS_PLAIN {
            self.for_each(z, out.as_deref_mut(), |_, part, z, out| {
                part.top = T::exp_runs(z, &part.runs, &mut part.sums, out);
            });
            // Terms relative to nothing in all stripes: they are those of the row. A stripe that is masked has none.
            if self.parts.iter().all(|part| part.top == 0.0 || part.top == f64::NEG_INFINITY)
                && self.parts.iter().any(|part| part.top == 0.0)
            {
                self.mask(out);
                self.add_up(sums);
                return 0.0;
            }
        }
        self.for_each(z, None, |_, part, z, _| part.top = T::max_of(z).to_f64());
        let larger = |max: f64, part: &Part| if part.top > max || part.top.is_nan() { part.top } else { max };
        let max =
            self.parts.iter().fold(f64::NEG_INFINITY, |max, part| if max.is_nan() { max } else { larger(max, part) });
        if max.is_finite() {
            self.for_each(z, out, |_, part, z, out| part.exp_below(z, T::from_f64(max), out));
            self.add_up(sums);
        }
        max
    }

    /// As [`Float::exp_spans`], where the terms are also enough to be those of a row.
    pub(crate) fn exp_spans<T: Float>(
        &mut self,
        z: &[T],
        positions: &[u32],
        spans: &[Span],
        sums: &mut [f64],
        out: Option<&mut [T]>,
    ) -> bool {
        let are_plain = if z.len() <= STRIPE {
            T::exp_spans(z, positions, spans, sums, out)
        } else {
            self.cut(z.len(), &[], sums.len());
            self.for_each(z, out, |stripe, part, z, out| {
                let positions = &positions[stripe * STRIPE..stripe * STRIPE + z.len()];
                part.top = if T::exp_spans(z, positions, spans, &mut part.sums, out) { 0.0 } else { f64::NAN };
            });
            self.add_up(sums);
            self.parts.iter().all(|part| part.top == 0.0)
        };
        are_plain && sums.iter().sum::<f64>() >= T::LEAST_PLAIN_SUM
    }

    /// Cuts the runs of a row into those of its stripes.
    fn cut(&mut self, length: usize, runs: &[Run], groups: usize) {
        self.parts.resize_with(length.div_ceil(STRIPE), Part::default);
        let mut at = 0;
        for (stripe, part) in self.parts.iter_mut().enumerate() {
            let (start, end) = (stripe * STRIPE, length.min((stripe + 1) * STRIPE));
            part.runs.clear();
            part.sums.clear();
            part.sums.resize(groups, 0.0);
            while let Some(run) = runs.get(at) {
                part.runs.push(Run::new(run.end().min(end) - start, run.group()));
                if run.end() > end {
                    break; // the rest is of the next stripe
                }
                at += 1;
            }
        }
    }

    /// Stripes in which all is masked have no terms.
    fn mask<T: Float>(&self, out: Option<&mut [T]>) {
        let Some(out) = out else { return };
        for (part, out) in self.parts.iter().zip(out.chunks_mut(STRIPE)) {
            if part.top == f64::NEG_INFINITY {
                out.fill(T::default());
            }
        }
    }

    fn add_up(&self, sums: &mut [f64]) {
        sums.fill(0.0);
        for part in self.parts.iter().filter(|part| part.top != f64::NEG_INFINITY) {
            sums.iter_mut().zip(&part.sums).for_each(|(sum, more)| *sum += more);
        }
    }

    fn for_each<T: Float>(
        &mut self,
        z: &[T],
        out: Option<&mut [T]>,
        work: impl Fn(usize, &mut Part, &[T], Option<&mut [T]>) + Send + Sync,
    ) {
        #[cfg(feature = "rayon")]
        if batch::may_spread(z.len()) {
            use rayon::prelude::*;
            let parts = self.parts.par_iter_mut().zip(z.par_chunks(STRIPE)).enumerate();
            match out {
                Some(out) => parts
                    .zip(out.par_chunks_mut(STRIPE))
                    .for_each(|((stripe, (part, z)), out)| work(stripe, part, z, Some(out))),
                None => parts.for_each(|(stripe, (part, z))| work(stripe, part, z, None)),
            }
            return;
        }
        let mut outs = out.map(|out| out.chunks_mut(STRIPE));
        for (stripe, (part, z)) in self.parts.iter_mut().zip(z.chunks(STRIPE)).enumerate() {
            work(stripe, part, z, outs.as_mut().and_then(Iterator::next));
        }
    }
}

impl Part {
    /// The terms relative to the largest logit of the row.
    fn exp_below<T: Float>(&mut self, z: &[T], max: T, mut out: Option<&mut [T]>) {
        self.sums.fill(0.0);
        let mut start = 0;
        for run in &self.runs {
            let out = out.as_deref_mut().map(|out| &mut out[start..run.end()]);
            self.sums[run.group()] += T::exp_sum(&z[start..run.end()], max, out);
            start = run.end();
        }
    }
}

/// As [`Float::scale_runs`]: products of which each is alone.
pub(crate) fn scale_runs<T: Float>(values: &mut [T], runs: &[Run], factors: &[f64]) {
    #[cfg(feature = "rayon")]
    if values.len() > STRIPE && batch::may_spread(values.len()) {
        use rayon::prelude::*;
        return values.par_chunks_mut(STRIPE).enumerate().for_each(|(stripe, values)| {
            let first = stripe * STRIPE;
            let from = runs.partition_point(|run| run.end() <= first);
            let mut start = 0;
            for run in &runs[from..] {
                let end = (run.end() - first).min(values.len());
                T::scale_runs(&mut values[start..end], &[Run::new(end - start, run.group())], factors);
                start = end;
                if start == values.len() {
                    break;
                }
            }
        });
    }
    T::scale_runs(values, runs, factors);
}

/// As [`Float::scale_spans`].
pub(crate) fn scale_spans<T: Float>(values: &mut [T], positions: &[u32], spans: &[Span], factors: &[f64]) {
    #[cfg(feature = "rayon")]
    if values.len() > STRIPE && batch::may_spread(values.len()) {
        use rayon::prelude::*;
        let parts = values.par_chunks_mut(STRIPE).zip(positions.par_chunks(STRIPE));
        return parts.for_each(|(values, positions)| T::scale_spans(values, positions, spans, factors));
    }
    T::scale_spans(values, positions, spans, factors);
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "what is compared is of ordinary size")]
mod tests {
    use super::*;

    /// A row of some stripes, in six runs of three groups of which one ends with a stripe, and two within one.
    fn row<T: Float>(z: impl Fn(usize) -> f64) -> (Vec<T>, Vec<Run>) {
        let length = 5 * STRIPE + 1_003;
        let ends = [100, STRIPE, STRIPE + 17, STRIPE + 70, 4 * STRIPE + 5, length];
        let runs = ends.into_iter().enumerate().map(|(at, end)| Run::new(end, at % 3)).collect();
        ((0..length).map(|at| T::from_f64(z(at))).collect(), runs)
    }

    fn ordinary(at: usize) -> f64 {
        ((at * 7919) % 1009) as f64 / 200.0 - 2.5
    }

    /// The terms after a product by group, the sums, and the top.
    fn run<T: Float>(z: &[T], runs: &[Run]) -> (Vec<T>, [f64; 3], f64) {
        let (mut out, mut sums) = (vec![T::from_f64(7.0); z.len()], [7.0; 3]);
        let top = Stripes::default().exp_runs(z, runs, &mut sums, Some(&mut out));
        let mut only = [7.0; 3];
        assert!(Stripes::default().exp_runs(z, runs, &mut only, None).to_bits() == top.to_bits() && only == sums);
        if top.is_finite() {
            scale_runs(&mut out, runs, &[0.5, 3.0, -0.25]);
        }
        (out, sums, top)
    }

    /// Stripes and the row in one piece.
    fn agrees<T: Float>(z: impl Fn(usize) -> f64, tolerance: f64) {
        let (z, runs) = row::<T>(z);
        let (out, sums, top) = run(&z, &runs);
        let (mut whole_out, mut whole_sums) = (vec![T::default(); z.len()], [0.0; 3]);
        let whole_top = T::exp_runs(&z, &runs, &mut whole_sums, Some(&mut whole_out));
        T::scale_runs(&mut whole_out, &runs, &[0.5, 3.0, -0.25]);
        // Relative to other numbers, perhaps; the shares are the same.
        let total: f64 = sums.iter().sum();
        let whole_total: f64 = whole_sums.iter().sum();
        assert!(((total.ln() + top) - (whole_total.ln() + whole_top)).abs() < tolerance);
        for (sum, whole) in sums.iter().zip(whole_sums) {
            assert!((sum / total - whole / whole_total).abs() <= tolerance * (whole / whole_total));
        }
        for (one, whole) in out.iter().zip(&whole_out) {
            let (one, whole) = (one.to_f64() / total, whole.to_f64() / whole_total);
            assert!((one - whole).abs() <= 2.0 * tolerance * whole.abs(), "{one:e} {whole:e}");
        }
    }

    #[test]
    fn stripes_are_the_row() {
        agrees::<f32>(ordinary, 4e-7);
        agrees::<f64>(ordinary, 1e-14);
        // One logit that wants the maximum taken away; a whole stripe masked; both.
        let with_large = |at| if at == 2 * STRIPE + 5 { 50.0 } else { ordinary(at) };
        let with_masked = |at| if at / STRIPE == 3 { f64::NEG_INFINITY } else { ordinary(at) };
        agrees::<f32>(with_large, 4e-7);
        agrees::<f64>(with_large, 1e-14);
        agrees::<f32>(with_masked, 4e-7);
        agrees::<f64>(with_masked, 1e-14);
        agrees::<f32>(|at| if at / STRIPE == 3 { f64::NEG_INFINITY } else { with_large(at) }, 4e-7);
        // A stripe that is far below the rest.
        agrees::<f32>(|at| ordinary(at) - if at / STRIPE == 1 { 40.0 } else { 0.0 }, 4e-7);
    }

    #[test]
    fn what_is_not_finite_is_told() {
        let (mut z, runs) = row::<f32>(ordinary);
        z[2 * STRIPE] = f32::INFINITY;
        assert_eq!(run(&z, &runs).2, f64::INFINITY);
        z[3 * STRIPE] = f32::NAN;
        assert!(run(&z, &runs).2.is_nan());
        z[2 * STRIPE] = 0.0;
        assert!(run(&z, &runs).2.is_nan());
        let masked = vec![f32::NEG_INFINITY; z.len()];
        assert_eq!(run(&masked, &runs).2, f64::NEG_INFINITY);
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn any_number_of_threads_has_the_same_bits() {
        let cases: [fn(usize) -> f64; 2] = [ordinary, |at| ordinary(at) + 40.0];
        for of in cases {
            let (z, runs) = row::<f32>(of);
            assert!(z.len() >= batch::PARALLEL_ELEMENTS);
            let alone = batch::on_one_thread(|| run(&z, &runs));
            for threads in [1, 2, 3, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert!(pool.install(|| run(&z, &runs)) == alone, "{threads} threads");
            }
        }
    }
}
