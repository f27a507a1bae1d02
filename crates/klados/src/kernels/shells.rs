//! A partition of a row into shells, and the mass of each.

use super::mass::Mass;
use super::stripes::{self, Stripes};
use crate::numeric::{Element, Float, Run, Span, scalar};

/// Disjoint sets of positions that together are the row, each a few runs. Reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Shells {
    /// In the order of the positions. Some may be empty.
    runs: Vec<Run>,
    /// Where the next run begins; in a chain where the one on the left ends.
    end: usize,
    count: usize,
    /// Whether the shells are around each other, a run of each on both sides of the innermost.
    are_chain: bool,
    /// What the shells of a chain, but for the last, are the ends of; made when they are asked for.
    spans: Vec<Span>,
}

impl Shells {
    /// As many shells as `count`, all empty.
    pub(crate) fn reset(&mut self, count: usize) {
        self.runs.clear();
        self.end = 0;
        self.count = count;
        self.are_chain = false;
    }

    /// Gives a shell the positions up to `end` that no shell has yet.
    pub(crate) fn extend_to(&mut self, end: usize, shell: usize) {
        if self.end < end {
            self.runs.push(Run::new(end, shell));
            self.end = end;
        }
    }

    /// Starts a chain of `depth` ranges around one, which is shell 0.
    #[inline]
    pub(crate) fn nest(&mut self, depth: usize, (start, end): (u32, u32)) {
        self.count = depth + 1;
        self.are_chain = true;
        self.runs.resize(2 * depth + 1, Run::new(0, 0));
        self.runs[depth] = Run::new(end as usize, 0);
        self.end = start as usize;
    }

    /// Gives a shell of a chain of `depth` ranges what its range has more than that of the shell before it.
    #[inline]
    pub(crate) fn surround(&mut self, depth: usize, shell: usize, (start, end): (u32, u32)) {
        self.runs[depth - shell] = Run::new(self.end, shell);
        self.runs[depth + shell] = Run::new(end as usize, shell);
        self.end = start as usize;
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Multiplies the terms of each shell.
    pub(crate) fn multiply<T: Float>(&self, terms: &mut [T], factors: &[f64]) {
        stripes::scale_runs(terms, &self.runs, factors);
    }

    /// Whether a row whose columns are in another order can be computed without putting them into that of the shells.
    fn are_for_any_order(&self) -> bool {
        self.are_chain && self.count <= Span::MOST + 1
    }

    fn find_spans(&mut self) {
        let last = self.count - 1; // the row, and the run in the middle
        self.spans.clear();
        self.spans
            .extend((0..last).map(|shell| Span::new(self.runs[last - shell - 1].end(), self.runs[last + shell].end())));
    }

    /// Multiplies the terms of each shell of a row that was [measured by column](Masses::measure_by_column).
    pub(crate) fn multiply_by_column<T: Float>(&self, terms: &mut [T], positions: &[u32], factors: &[f64]) {
        stripes::scale_spans(terms, positions, &self.spans, factors);
    }

    /// Whether a shell has no position: that of a node with one child.
    fn is_empty(&self, shell: usize) -> bool {
        self.ranges(shell).all(|range| range.is_empty())
    }

    fn ranges(&self, shell: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.runs.iter().map(|run| run.end()));
        self.runs.iter().zip(starts).filter(move |(run, _)| run.group() == shell).map(|(run, start)| start..run.end())
    }
}

/// The masses of a row's shells.
#[derive(Debug, Default)]
pub(crate) struct Masses {
    /// By shell, relative to one logit, where `have_one_top`.
    pub(crate) sums: Vec<f64>,
    pub(crate) have_one_top: bool,
    top: f64,
    pub(crate) of_shell: Vec<Mass>,
    stripes: Stripes,
}

/// What a row turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Row {
    /// Some class is not masked, and nothing is NaN or `+inf`.
    Regular,
    /// All logits are `-inf`.
    #[default]
    Masked,
    /// There is a NaN or `+inf`.
    Poisoned,
}

impl Row {
    /// The loss of a row that has none of the ordinary kind. `takes_part`: whether the sample has a weight.
    pub(crate) fn special_loss(self, takes_part: bool) -> f64 {
        match self {
            Self::Poisoned => f64::NAN,
            Self::Masked if takes_part => f64::INFINITY,
            Self::Masked | Self::Regular => 0.0,
        }
    }
}

/// The gradient of a row whose loss is not of the ordinary kind: NaN where the loss is, else 0.
pub(crate) fn special_gradient<T: Element>(loss: f64, grad: &mut [T]) {
    grad.fill(T::from_f64(if loss.is_nan() { f64::NAN } else { 0.0 }));
}

impl Masses {
    /// Takes the exponentials of a row into `terms` where it is given: relative to one number, or in a shell whose sum is too
    /// small for that, relative to the maximum of the shell.
    pub(crate) fn measure<T: Float>(&mut self, z: &[T], shells: &Shells, mut terms: Option<&mut [T]>) -> Row {
        self.sums.resize(shells.len(), 0.0);
        let top = self.stripes.exp_runs(z, &shells.runs, &mut self.sums, terms.as_deref_mut());
        if !top.is_finite() {
            return if scalar::is_poison(top) { Row::Poisoned } else { Row::Masked };
        }
        self.have_one_top = self.are_enough::<T>(shells);
        if !self.have_one_top {
            self.of_shell.clear();
            self.of_shell.extend(self.sums.iter().enumerate().map(|(shell, &sum)| match sum >= T::LEAST_SUM {
                true => Mass { top, sum },
                false => measure_shell(z, shells, shell, terms.as_deref_mut()),
            }));
        }
        self.top = top;
        Row::Regular
    }

    /// As [`measure`](Self::measure), of a row whose columns have these `positions` in the order of the shells. False where
    /// that cannot be, or a sum is too small: what is in `terms` means nothing then.
    pub(crate) fn measure_by_column<T: Float>(
        &mut self,
        z: &[T],
        positions: &[u32],
        shells: &mut Shells,
        terms: Option<&mut [T]>,
    ) -> bool {
        if !T::IS_PLAIN || !shells.are_for_any_order() {
            return false;
        }
        shells.find_spans();
        self.sums.resize(shells.len(), 0.0);
        self.top = 0.0;
        self.have_one_top =
            self.stripes.exp_spans(z, positions, &shells.spans, &mut self.sums, terms) && self.are_enough::<T>(shells);
        self.have_one_top
    }

    /// Whether no sum is too small for one top.
    fn are_enough<T: Float>(&self, shells: &Shells) -> bool {
        self.sums.iter().enumerate().all(|(shell, &sum)| sum >= T::LEAST_SUM || (sum == 0.0 && shells.is_empty(shell)))
    }
}

impl Masses {
    /// By shell, whether they have one top or not.
    pub(crate) fn of_shells(&mut self) -> &[Mass] {
        if self.have_one_top {
            self.of_shell.clear();
            self.of_shell.extend(self.sums.iter().map(|&sum| Mass { top: self.top, sum }));
        }
        &self.of_shell
    }
}

/// The mass of a shell and its terms, relative to the shell's own maximum.
fn measure_shell<T: Float>(z: &[T], shells: &Shells, shell: usize, mut terms: Option<&mut [T]>) -> Mass {
    let largest = |max: T, range| {
        let next = T::max_of(&z[range]);
        if next > max { next } else { max }
    };
    let max = shells.ranges(shell).fold(T::NEG_INFINITY, largest);
    if max == T::NEG_INFINITY {
        return Mass::NONE; // the terms are 0
    }
    let mut sum = 0.0;
    for range in shells.ranges(shell) {
        let terms = terms.as_deref_mut().map(|terms| &mut terms[range.clone()]);
        sum += T::exp_sum(&z[range], max, terms);
    }
    Mass { top: max.to_f64(), sum }
}

#[cfg(test)]
mod tests {
    use super::super::mass::Whole;
    use super::*;

    /// The mass of each shell, its logarithm from the row's maximum, and the terms over the shell's sum, of a row of three
    /// shells of which two lie `depth` below the first.
    fn measured<T: Float>(depth: f64) -> (Vec<f64>, Vec<f64>) {
        let mut shells = Shells::default();
        shells.reset(3);
        for (end, shell) in [(20, 1), (30, 0), (31, 2), (70, 1)] {
            shells.extend_to(end, shell);
        }
        let below = |k: usize| if (20..30).contains(&k) { 0.0 } else { depth };
        let z: Vec<T> = (0..70).map(|k| T::from_f64(3.0 + ((k * 37) % 64) as f64 / 16.0 - below(k))).collect();
        let (mut masses, mut terms) = (Masses::default(), vec![T::default(); 70]);
        assert_eq!(masses.measure(&z, &shells, Some(&mut terms)), Row::Regular);
        let whole = Mass { top: T::max_of(&z).to_f64(), sum: 1.0 };
        let logs = masses.of_shells().iter().map(|mass| mass.log_over(whole)).collect();
        let shares: Vec<f64> = masses.of_shell.iter().map(|mass| Whole::new(*mass).term_share(*mass)).collect();
        shells.multiply(&mut terms, &shares);
        (logs, terms.iter().map(|term| term.to_f64()).collect())
    }

    #[test]
    fn shells_keep_their_digits_however_far_they_are_below_the_maximum() {
        // Depths that f32 holds exactly; 46 is about where a shell is measured on its own.
        for depth in [0.0, 30.0, 44.0, 45.0, 46.0, 47.0, 48.0, 80.0, 87.0, 88.0, 200.0, 9000.0, f64::INFINITY] {
            let (logs, shares) = measured::<f32>(depth);
            let (wide_logs, wide_shares) = measured::<f64>(depth);
            for (log, wide) in logs.iter().zip(wide_logs) {
                assert!(log == &wide || (log - wide).abs() < 5e-7, "{depth}: {log} {wide}");
            }
            for (share, wide) in shares.iter().zip(wide_shares) {
                assert!((share - wide).abs() <= 6e-7 * wide, "{depth}: {share} {wide}");
            }
        }
    }
}
