//! Confidence intervals of metrics that are no ratio of two sums.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibration::check_bins;
use super::contributions::{Part, check_row};
use super::distinct_rows::DistinctRows;
use super::draws::Draws;
use super::resampled::Resampled;
use super::{Contributions, Interval, Metric, Replicates, Resampling, other_shape};
use crate::criterion::{InputError, InputErrorKind, check_length};

/// Confidence intervals of metrics that are no ratio of two sums over rows, and of differences of such: of the areas under the
/// risk-coverage and the operating curve, of the calibration error, and of balanced accuracy. As [`Bootstrap`](super::Bootstrap)
/// (groups, paired differences of models that stand side by side, weights of the Poisson distribution), but that a few numbers
/// of every row are kept, and the metrics are computed again from all rows in every replicate.
///
/// Rows come with their [`Contributions`], which the metrics' `contributions` give:
///
/// | metric | its numbers |
/// |---|---|
/// | [`RiskCoverage`](super::RiskCoverage) | of each level three: `aurc`, `excess_aurc`, and the `ece` of [`Calibration`](super::Calibration) |
/// | [`OperatingCurve`](super::OperatingCurve) | `average_correct`, `average_precision`, `average_correct_exact` |
/// | [`BalancedAccuracy`](super::BalancedAccuracy) | of each level `balanced_accuracy` |
///
/// The values are those that the metrics compute, but for rounding.
///
/// # Reading the intervals
///
/// A calibration error is above 0 by chance, and a replicate has the noise of the rows once more: its interval lies too high,
/// and may not hold the value itself where the error is small (the value is then mostly noise). Balanced accuracy leaves a node
/// out of a replicate that draws no row of it.
///
/// # Cost
///
/// Memory: 16 bytes a row and level for curves of confidence, 40 for each change of an operating curve (a few a row), 24 a
/// level for balanced accuracy; equal rows are kept once. Time: each replicate goes over all that is kept; the operating curve
/// sorts its points three times in each.
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, Metric, Resampling, RiskCoverage, RowBootstrap};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "crow")])?;
/// let levels = Levels::new(&hierarchy);
/// let bat = hierarchy.parse_label("bat")?;
/// // Of 300 bats those are right that have a probability above 0.4; the crow is the answer where it is below 0.5.
/// let rows: Vec<f64> = (0..300).map(|row| 0.35 + f64::from(row) / 500.0).collect();
/// let log_p: Vec<f64> = rows.iter().flat_map(|bat| [1.0, *bat, 1.0 - bat]).map(f64::ln).collect();
///
/// let truths = levels.truths(&vec![bat; rows.len()])?;
/// let mut bootstrap = RowBootstrap::new(Resampling::default())?;
/// bootstrap.update(&RiskCoverage::contributions(&truths, &log_p, None, 15)?, None)?;
/// let [aurc, _excess, _ece] = bootstrap.compute()[..] else { panic!("three numbers") };
///
/// let mut metric = RiskCoverage::new(&levels);
/// metric.update(&truths, &log_p, None)?;
/// assert!((aurc.value.unwrap() - metric.compute()[0].aurc.unwrap()).abs() < 1e-12);
/// assert!(aurc.low < aurc.value && aurc.value < aurc.high);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct RowBootstrap {
    resampling: Resampling,
    /// Of the rows; none before the first batch.
    parts: Vec<Part>,
    #[serde(flatten)]
    rows: DistinctRows,
}

#[derive(Deserialize)]
struct Stored {
    resampling: Resampling,
    parts: Vec<Part>,
    #[serde(flatten)]
    rows: DistinctRows,
}

/// Refuses what no bootstrap can be: it may come from anywhere.
impl TryFrom<Stored> for RowBootstrap {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { resampling, parts, rows } = stored;
        let numbers = parts.iter().map(|part| part.numbers()).sum();
        resampling.check(numbers).map_err(|error| error.to_string())?;
        for part in &parts {
            if let Part::Confidence { bins } = part {
                check_bins(*bins).map_err(|error| error.to_string())?;
            }
        }
        rows.check(|row| check_row(&parts, row))?;
        Ok(Self { resampling, parts, rows })
    }
}

impl RowBootstrap {
    /// Of no rows yet.
    ///
    /// # Errors
    ///
    /// No replicates, more than 10,000,000, a confidence that is not above 0 and below 1.
    pub fn new(resampling: Resampling) -> Result<Self, InputError> {
        resampling.check(1)?;
        Ok(Self { resampling, parts: Vec::new(), rows: DistinctRows::default() })
    }

    /// Adds rows, with the group of each where they have groups, `[batch]`.
    ///
    /// # Errors
    ///
    /// Contributions to other metrics than those so far; another number of groups than of rows; rows with groups after some
    /// without, or the other way round; more than 2^28 replicates times numbers. Nothing is added then.
    pub fn update(&mut self, contributions: &Contributions, groups: Option<&[u64]>) -> Result<(), InputError> {
        if let Some(groups) = groups {
            check_length("the groups", groups.len(), contributions.rows(), "rows")?;
        }
        self.resampling.check(contributions.numbers())?;
        if !self.parts.is_empty() && self.parts != contributions.parts() {
            let message = "the contributions are to other metrics than those of the rows before";
            return Err(InputError::new(InputErrorKind::Shape, message));
        }
        self.rows.group((contributions.rows() > 0).then_some(groups.is_some()))?;
        self.parts = contributions.parts().to_vec();
        let mut key = Vec::new();
        for row in 0..contributions.rows() {
            key.clear();
            key.push(groups.map_or(0, |groups| groups[row]));
            key.extend_from_slice(contributions.row(row));
            self.rows.add(&key);
        }
        Ok(())
    }

    /// Draws the replicates, from which come all intervals; of the numbers in the order of the contributions.
    pub fn replicates(&self) -> Replicates {
        let rows = self.rows.sorted();
        let units = units(&rows, self.rows.is_grouped());
        let counts: Vec<u64> = units.iter().map(|(_, count)| *count).collect();
        let resampled = Resampled::new(&self.parts, units.iter().map(|(rows, _)| &rows[..]));
        drop(units);
        let numbers: usize = self.parts.iter().map(|part| part.numbers()).sum();
        let mut point = vec![f64::NAN; numbers];
        let as_they_are: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
        resampled.compute(&as_they_are, &mut point);
        let draws = Draws::new(counts, self.resampling);
        let mut values = vec![f64::NAN; self.resampling.replicates * numbers];
        let some = |first: usize, out: &mut [f64]| {
            let mut weights = vec![0.0; as_they_are.len()];
            for (replicate, out) in (first..).zip(out.chunks_exact_mut(numbers)) {
                draws.weights(replicate, 0, &mut weights);
                resampled.compute(&weights, out);
            }
        };
        if numbers > 0 {
            each_part(&mut values, TOGETHER * numbers, |part, out| some(part * TOGETHER, out));
        }
        Replicates { metrics: numbers, confidence: self.resampling.confidence, point, values }
    }
}

/// What is drawn: its rows with how often they occur in it, and how often it occurs itself.
type Unit<'a> = (Vec<(&'a [u64], f64)>, u64);

/// Of distinct rows, sorted: each, or each group.
fn units<'a>(rows: &[(&'a [u64], u64)], is_grouped: bool) -> Vec<Unit<'a>> {
    if !is_grouped {
        return rows.iter().map(|(row, count)| (vec![(&row[1..], 1.0)], *count)).collect();
    }
    // Groups that have the same rows are interchangeable, whatever their numbers.
    let mut groups: BTreeMap<Vec<(&'a [u64], u64)>, u64> = BTreeMap::new();
    for group in rows.chunk_by(|(row, _), (next, _)| row[0] == next[0]) {
        let rows = group.iter().map(|(row, count)| (&row[1..], *count)).collect();
        *groups.entry(rows).or_default() += 1;
    }
    let times = |rows: Vec<(&'a [u64], u64)>| rows.into_iter().map(|(row, count)| (row, count as f64)).collect();
    groups.into_iter().map(|(rows, count)| (times(rows), count)).collect()
}

/// So many replicates share a thread's scratch.
const TOGETHER: usize = 8;

/// Calls with parts of the output, over threads.
fn each_part(out: &mut [f64], size: usize, some: impl Fn(usize, &mut [f64]) + Sync) {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        out.par_chunks_mut(size).enumerate().for_each(|(part, out)| some(part, out));
    }
    #[cfg(not(feature = "rayon"))]
    out.chunks_mut(size).enumerate().for_each(|(part, out)| some(part, out));
}

impl Metric for RowBootstrap {
    /// One a number. More is in [`replicates`](RowBootstrap::replicates).
    type Value = Vec<Interval>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        let is_other = !self.parts.is_empty() && !other.parts.is_empty() && self.parts != other.parts;
        if self.resampling != other.resampling || is_other {
            return Err(other_shape("the bootstrap"));
        }
        self.rows.merge(&other.rows)?;
        if self.parts.is_empty() {
            self.parts.clone_from(&other.parts);
        }
        Ok(())
    }

    fn compute(&self) -> Vec<Interval> {
        let replicates = self.replicates();
        (0..replicates.metrics()).map(|number| replicates.interval(number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::draws::next;
    use super::super::testing::{self, Batch};
    use super::super::{BalancedAccuracy, Calibration, OperatingCurve, RiskCoverage, ValuedBy};
    use super::*;
    use crate::metrics::Truths;

    const BINS: usize = 7;

    /// Of the batch's labels: the curves of each level, the operating curve, and the balanced accuracy of the predictions.
    fn contributions(batch: &Batch, truths: &Truths<'_>, weights: Option<&[f64]>) -> Contributions {
        let by_depth = OperatingCurve::new(&batch.levels, ValuedBy::Depth);
        let parts = [
            RiskCoverage::contributions(truths, &batch.log_probs, weights, BINS).unwrap(),
            by_depth.contributions(truths, &batch.log_probs, weights).unwrap(),
            BalancedAccuracy::contributions(truths, &batch.predictions, weights).unwrap(),
        ];
        Contributions::side_by_side(&parts.each_ref()).unwrap()
    }

    /// The same numbers by the metrics themselves.
    fn values(batch: &Batch, truths: &Truths<'_>, weights: &[f64]) -> Vec<Option<f64>> {
        let (mut curves, mut bins) = (RiskCoverage::new(&batch.levels), Calibration::new(&batch.levels, BINS).unwrap());
        let (mut operating, mut balanced) =
            (OperatingCurve::new(&batch.levels, ValuedBy::Depth), BalancedAccuracy::new(&batch.levels));
        curves.update(truths, &batch.log_probs, Some(weights)).unwrap();
        bins.update(truths, &batch.log_probs, Some(weights)).unwrap();
        operating.update(truths, &batch.log_probs, Some(weights)).unwrap();
        balanced.update(truths, &batch.predictions, Some(weights)).unwrap();
        let levels = curves.compute().into_iter().zip(bins.compute());
        let mut all: Vec<Option<f64>> =
            levels.flat_map(|(curve, bins)| [curve.aurc, curve.excess_aurc, bins.ece]).collect();
        let operating = operating.compute();
        all.extend([operating.average_correct, operating.average_precision, operating.average_correct_exact]);
        all.extend(balanced.compute().into_iter().map(|level| level.balanced_accuracy));
        all
    }

    /// A weight of each row is as good as the row so often: replicates are the metrics of weighted rows.
    #[test]
    fn replicates_are_the_metrics_of_rows_with_the_weights_that_are_drawn() {
        let resampling = Resampling { replicates: 3, ..Resampling::default() };
        testing::many(|batch| {
            let truths = batch.levels.truths(&batch.labels).unwrap();
            for is_grouped in [false, true] {
                let groups: Vec<u64> = (0..truths.len() as u64).map(|row| row / 3).collect();
                let all = contributions(batch, &truths, Some(&batch.weights));
                let mut bootstrap = RowBootstrap::new(resampling).unwrap();
                bootstrap.update(&all, is_grouped.then_some(&groups[..])).unwrap();
                let found = bootstrap.replicates();
                let expected = values(batch, &truths, &batch.weights);
                for (number, expected) in expected.iter().enumerate().take(found.metrics()) {
                    testing::assert_close(found.interval(number).value, *expected);
                }
                if is_grouped {
                    continue;
                }
                // The place of each row among those that differ, sorted, has its weight.
                let mut sorted: Vec<&[u64]> = (0..truths.len()).map(|row| all.row(row)).collect();
                sorted.sort_unstable();
                let counts = sorted.chunk_by(|a, b| a == b).map(|same| same.len() as u64);
                let (counts, draws) = (counts.clone().collect::<Vec<_>>(), Draws::new(counts, resampling));
                sorted.dedup();
                for replicate in 0..3 {
                    let mut drawn = vec![0.0; counts.len()];
                    draws.weights(replicate, 0, &mut drawn);
                    let weight = |row: usize| {
                        let unit = sorted.binary_search(&all.row(row)).unwrap();
                        batch.weights[row] * drawn[unit] / counts[unit] as f64
                    };
                    let weights: Vec<f64> = (0..truths.len()).map(weight).collect();
                    let expected = values(batch, &truths, &weights);
                    let found = found.get(replicate).unwrap();
                    for (found, expected) in found.iter().zip(expected) {
                        testing::assert_close((!found.is_nan()).then_some(*found), expected);
                    }
                }
            }
        });
    }

    #[test]
    fn groups_of_one_row_are_rows_and_any_order_gives_the_same_bits() {
        let batch = (0..).map(Batch::random).find(|batch| batch.labels.len() > 15).unwrap();
        let truths = batch.levels.truths(&batch.labels).unwrap();
        let all = contributions(&batch, &truths, None);
        let of = |rows: &[usize], groups: Option<&dyn Fn(usize) -> u64>| {
            let mut some = Contributions::new(all.parts().to_vec());
            for row in rows {
                some.words_of(all.row(*row));
            }
            let groups: Option<Vec<u64>> = groups.map(|of| rows.iter().map(|row| of(*row)).collect());
            let mut bootstrap = RowBootstrap::new(Resampling { replicates: 50, ..Resampling::default() }).unwrap();
            bootstrap.update(&some, groups.as_deref()).unwrap();
            bootstrap
        };
        let forth: Vec<usize> = (0..truths.len()).collect();
        let back: Vec<usize> = forth.iter().rev().copied().collect();
        let alone = of(&forth, None).compute();
        assert_eq!(of(&back, None).compute(), alone);
        assert_eq!(of(&forth, Some(&|row| 1000 - row as u64)).compute(), alone);
        // In parts, stored between.
        let mut parts = of(&back[..5], None);
        parts.merge(&serde_json::from_str(&serde_json::to_string(&of(&back[5..], None)).unwrap()).unwrap()).unwrap();
        assert_eq!(parts.compute(), alone);
        // Other numbers of the same groups, in parts.
        let whole = of(&forth, Some(&|row| row as u64 / 4));
        let mut parts = of(&back[..6], Some(&|row| 99 - row as u64 / 4));
        parts.merge(&of(&back[6..], Some(&|row| 99 - row as u64 / 4))).unwrap();
        assert_eq!(parts.compute(), whole.compute());
        assert_ne!(whole.compute(), alone);
        assert!(parts.merge(&of(&forth, None)).is_err());
    }

    /// Of 40 samples of 300 rows, most have the true balanced accuracy in their interval: nodes are right in 9 of 10, 7 of 10
    /// and 2 of 10 rows, and twice as common each.
    #[test]
    fn intervals_of_balanced_accuracy_cover() {
        let hierarchy = crate::Hierarchy::from_edges([("a", "b"), ("a", "c"), ("a", "d")]).unwrap();
        let levels = crate::metrics::Levels::new(&hierarchy);
        let nodes = [0, 1, 2].map(|class| hierarchy.class_node(class));
        let covered = (0..40).filter(|sample| {
            let hash = |row: u64, what: u64| (next(next(*sample, row), what) >> 11) as f64 * 2f64.powi(-53);
            let truth = |row: u64| if hash(row, 0) < 1.0 / 7.0 { 0 } else { 1 + usize::from(hash(row, 0) > 3.0 / 7.0) };
            let labels: Vec<crate::Label> = (0..300).map(|row| crate::Label::Class(truth(row))).collect();
            let predictions: Vec<crate::NodeId> = (0..300)
                .map(|row| nodes[(truth(row) + usize::from(hash(row, 1) > [0.9, 0.7, 0.2][truth(row)])) % 3])
                .collect();
            let mut bootstrap = RowBootstrap::new(Resampling { replicates: 400, ..Resampling::default() }).unwrap();
            let truths = levels.truths(&labels).unwrap();
            let all = BalancedAccuracy::contributions(&truths, &predictions, None).unwrap();
            bootstrap.update(&all, None).unwrap();
            let interval = bootstrap.compute()[0];
            interval.low.unwrap() <= 0.6 && 0.6 <= interval.high.unwrap()
        });
        // 0.95 of 40 is 38, with a deviation of 1.4.
        assert!((35..=40).contains(&covered.count()));
    }

    #[test]
    fn of_nothing_and_what_does_not_fit() {
        let mut bootstrap = RowBootstrap::new(Resampling::default()).unwrap();
        assert!(bootstrap.compute().is_empty());
        assert!(RowBootstrap::new(Resampling { replicates: 0, ..Resampling::default() }).is_err());
        let mut one = Contributions::new(vec![Part::Confidence { bins: 3 }]);
        one.push_confidence(None, 1.0);
        one.end_row();
        let mut other = Contributions::new(vec![Part::Shares]);
        other.push_shares(std::iter::empty(), 1.0);
        other.end_row();
        bootstrap.update(&one, None).unwrap();
        // A row that takes no part is no value.
        assert_eq!(bootstrap.compute().iter().filter_map(|interval| interval.value).count(), 0);
        let error = bootstrap.update(&other, None).unwrap_err();
        assert_eq!(error.to_string(), "the contributions are to other metrics than those of the rows before");
        assert!(bootstrap.update(&one, Some(&[1])).is_err() && bootstrap.update(&one, Some(&[])).is_err());
        other.push_shares(std::iter::empty(), 1.0);
        other.end_row();
        assert!(Contributions::side_by_side(&[&one, &other]).is_err());
        assert_eq!(Contributions::side_by_side(&[&one, &one]).unwrap().numbers(), 6);
    }

    #[test]
    fn altered_states_are_refused_or_drawn() {
        let batch = (0..).map(Batch::random).find(|batch| batch.labels.len() > 10).unwrap();
        let truths = batch.levels.truths(&batch.labels).unwrap();
        let all = contributions(&batch, &truths, None);
        let groups: Vec<u64> = (0..truths.len() as u64).map(|row| row / 3).collect();
        for groups in [None, Some(&groups[..])] {
            let mut bootstrap = RowBootstrap::new(Resampling { replicates: 5, ..Resampling::default() }).unwrap();
            bootstrap.update(&all, groups).unwrap();
            let stored = serde_json::to_value(&bootstrap).unwrap();
            let mut refused = 0;
            for changed in testing::changes(&stored, &mut testing::Random::new(3), 600) {
                let Ok(mut read) = serde_json::from_value::<RowBootstrap>(changed) else {
                    refused += 1;
                    continue;
                };
                read.compute();
                _ = read.merge(&bootstrap);
                _ = read.update(&all, groups);
                read.compute();
            }
            assert!(refused > 100);
        }
    }
}
