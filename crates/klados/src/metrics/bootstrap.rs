//! Confidence intervals by the bootstrap.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::distinct_rows::DistinctRows;
use super::draws::Draws;
use super::{ExactSum, Interval, Metric, Ratio, Replicates, other_shape};
use crate::criterion::{InputError, InputErrorKind, check_length};

/// How often and from which seed is drawn, and how sure intervals are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resampling {
    /// The number of replicates, at least 1; 1,000 by default.
    pub replicates: usize,
    /// Which replicates; 0 by default.
    pub seed: u64,
    /// The share of samples whose interval holds the true value, above 0 and below 1; 0.95 by default.
    pub confidence: f64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self { replicates: 1000, seed: 0, confidence: 0.95 }
    }
}

impl Resampling {
    /// An error where it cannot be drawn, or not of so many numbers.
    pub(super) fn check(&self, numbers: usize) -> Result<(), InputError> {
        let error = |message: String| Err(InputError::new(InputErrorKind::OutOfRange, message));
        if !(1..=10_000_000).contains(&self.replicates) {
            return error(format!("the number of replicates is {}, expected 1 to 10000000", self.replicates));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return error(format!("the confidence is {}, expected a number above 0 and below 1", self.confidence));
        }
        if self.replicates.checked_mul(numbers).is_none_or(|all| all > MOST_NUMBERS) {
            let message = format!(
                "{} replicates of {numbers} metrics are more than {MOST_NUMBERS} numbers; take fewer replicates",
                self.replicates
            );
            return error(message);
        }
        Ok(())
    }
}

/// So many numbers the replicates are at most: 4 GB of sums.
const MOST_NUMBERS: usize = 1 << 28;

/// Confidence intervals of metrics that are a ratio of two sums over rows, and of differences of such: how far a number would
/// move had other samples been drawn (Efron & Tibshirani 1993).
///
/// Other metrics, areas of curves and means over nodes, have theirs by [`RowBootstrap`](super::RowBootstrap).
///
/// Rows come with what they add to each metric, [`Ratio`]s `[batch, metrics]`, which the metrics' `ratios` give. Several models
/// stand side by side ([`Ratio::side_by_side`]): every replicate draws the same rows for all, so that a difference has the
/// interval of the **paired** bootstrap, which is narrower than the two intervals suggest.
///
/// # Groups
///
/// Where rows are not independent, as frames of one video or pictures of one site, give each its group: groups are drawn, with
/// all their rows (the cluster bootstrap). Groups are numbers; rows of the same number are of the same group, whatever the
/// batch or the part that they come in.
///
/// # How it is drawn
///
/// Every replicate gives each row, or group, a weight of the Poisson distribution of mean 1 (Oza & Russell 2001; Chamandy et
/// al. 2012). Given their sum, such weights are those of drawing with replacement; that the sum varies makes no difference to
/// a ratio but of the order of one over the number of rows. A replicate in which nothing of a denominator is drawn has no
/// value.
///
/// Rows that add the same are interchangeable, and the sum of `n` Poisson weights of mean 1 is one of mean `n`: so equal rows
/// are counted, and one weight is drawn for all of them from exactly the distribution of their sum. A million rows that are
/// right or wrong at eight levels are a few dozen draws a replicate.
///
/// The weights are hashes of the seed, the replicate, and the place of what is drawn among all that is, sorted. So the
/// intervals depend on the rows, the groups and the seed, and not on the order of the rows, on splits of them, or on threads.
///
/// # What is kept
///
/// The distinct rows, two numbers a metric each, and with groups those of each group. For metrics of probabilities, such as the
/// log loss, nearly all rows differ.
///
/// # Example
///
/// ```
/// use klados::metrics::{Bootstrap, Metric, Ratio, Resampling};
///
/// // Of 200 rows one model is right in 160; the other in these and in 10 more.
/// let rows: Vec<Ratio> = (0..200)
///     .flat_map(|row| [row < 160, row < 170].map(|right| Ratio { numerator: f64::from(right), denominator: 1.0 }))
///     .collect();
/// let mut bootstrap = Bootstrap::new(2, Resampling::default())?;
/// bootstrap.update(&rows, None)?;
///
/// let replicates = bootstrap.replicates();
/// let one = replicates.interval(0);
/// assert_eq!(one.value, Some(0.8));
/// assert!(one.low.unwrap() > 0.73 && one.high.unwrap() < 0.87); // 0.8 -+ 1.96 sqrt(0.8 * 0.2 / 200)
/// let difference = replicates.difference(1, 0);
/// assert!((difference.value.unwrap() - 0.05).abs() < 1e-15);
/// assert!(difference.low.unwrap() > 0.02); // above 0, though the two intervals overlap
/// # Ok::<(), klados::InputError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Bootstrap {
    metrics: usize,
    resampling: Resampling,
    #[serde(flatten)]
    rows: DistinctRows,
}

#[derive(Deserialize)]
struct Stored {
    metrics: usize,
    resampling: Resampling,
    #[serde(flatten)]
    rows: DistinctRows,
}

/// Refuses what no bootstrap can be: it may come from anywhere.
impl TryFrom<Stored> for Bootstrap {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { metrics, resampling, rows } = stored;
        let fresh = Self::new(metrics, resampling).map_err(|error| error.to_string())?;
        rows.check(|row| {
            if row.len() != 2 * metrics {
                return Err(format!(
                    "a row of a bootstrap has {} numbers, expected two for each of {metrics} metrics",
                    row.len()
                ));
            }
            let numbers: Vec<f64> = row.iter().map(|bits| f64::from_bits(*bits)).collect();
            let is_bad = |pair: &[f64]| has_no_mean(&Ratio { numerator: pair[0], denominator: pair[1] });
            match numbers.chunks_exact(2).any(is_bad) {
                true => Err("a row of a bootstrap has numbers without a mean".to_owned()),
                false => Ok(()),
            }
        })?;
        Ok(Self { rows, ..fresh })
    }
}

impl Bootstrap {
    /// Of some metrics, and no rows yet.
    ///
    /// # Errors
    ///
    /// No metric, no replicates, more than 10,000,000 or than 2^28 numbers in all, a confidence that is not above 0 and below 1.
    pub fn new(metrics: usize, resampling: Resampling) -> Result<Self, InputError> {
        if metrics == 0 {
            let message = "a bootstrap of no metrics has nothing to draw";
            return Err(InputError::new(InputErrorKind::OutOfRange, message));
        }
        resampling.check(metrics)?;
        Ok(Self { metrics, resampling, rows: DistinctRows::default() })
    }

    /// Adds rows, `[batch, metrics]`, with the group of each where they have groups, `[batch]`.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit; a number that is NaN or `-inf`, or a denominator that is negative or infinite; rows with groups
    /// after some without, or the other way round. Nothing is added then.
    pub fn update(&mut self, ratios: &[Ratio], groups: Option<&[u64]>) -> Result<(), InputError> {
        let rows = ratios.len() / self.metrics;
        check_length("the ratios", ratios.len(), rows * self.metrics, "a multiple of the number of metrics")?;
        if let Some(groups) = groups {
            check_length("the groups", groups.len(), rows, "rows")?;
        }
        if let Some(at) = ratios.iter().position(has_no_mean) {
            let Ratio { numerator, denominator } = ratios[at];
            let message =
                format!("metric {} adds {numerator} over {denominator}, which has no mean", at % self.metrics);
            return Err(InputError::new(InputErrorKind::OutOfRange, message).in_row(at / self.metrics));
        }
        if rows == 0 {
            return Ok(());
        }
        self.rows.group(Some(groups.is_some()))?;
        let mut key: Vec<u64> = Vec::with_capacity(1 + 2 * self.metrics);
        for (row, ratios) in ratios.chunks_exact(self.metrics).enumerate() {
            key.clear();
            key.push(groups.map_or(0, |groups| groups[row]));
            // -0 becomes 0.
            key.extend(
                ratios.iter().flat_map(|ratio| [ratio.numerator, ratio.denominator]).map(|x| (x + 0.0).to_bits()),
            );
            self.rows.add(&key);
        }
        Ok(())
    }

    /// Draws the replicates, from which come all intervals.
    pub fn replicates(&self) -> Replicates {
        let columns = 2 * self.metrics;
        let rows = self.rows.sorted();
        let mut sums = vec![ExactSum::new(); columns];
        for (row, count) in &rows {
            for (sum, number) in sums.iter_mut().zip(numbers(row)) {
                add_times(sum, number, *count as f64);
            }
        }
        let units = if self.rows.is_grouped() { Units::of_groups(&rows, columns) } else { Units::of(&rows, columns) };
        let point = sums.chunks_exact(2).map(|sums| ratio(sums[0].value(), sums[1].value())).collect();
        let drawn = draw(&units, self.resampling);
        let values = drawn.chunks_exact(2).map(|sums| ratio(sums[0], sums[1])).collect();
        Replicates { metrics: self.metrics, confidence: self.resampling.confidence, point, values }
    }
}

/// Whether a row cannot be part of a ratio.
fn has_no_mean(ratio: &Ratio) -> bool {
    let Ratio { numerator, denominator } = *ratio;
    numerator.is_nan() || numerator == f64::NEG_INFINITY || !(0.0..f64::INFINITY).contains(&denominator)
}

/// The numbers of a row.
fn numbers(row: &[u64]) -> impl Iterator<Item = f64> {
    row[1..].iter().map(|bits| f64::from_bits(*bits))
}

/// Adds `number * count` exactly.
fn add_times(sum: &mut ExactSum, number: f64, count: f64) {
    let product = number * count;
    sum.add(product);
    if product.is_finite() {
        sum.add(number.mul_add(count, -product));
    }
}

/// NaN where there is no value.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 { numerator / denominator } else { f64::NAN }
}

/// So many units are drawn for some replicates before the next: they stay in the cache.
const TILE: usize = 256;
/// So many columns are added up together.
const BLOCK: usize = 8;
/// So many replicates go over the units together.
const TOGETHER: usize = 32;

/// Adds rows times their weights, as long as there are rows. Some columns at a time, whose sums stay in registers.
fn add_weighted(rows: &[f64], weights: &[f64], sums: &mut [f64]) {
    let width = sums.len();
    for (block, sums) in sums.chunks_exact_mut(BLOCK).enumerate() {
        let mut here = [0.0; BLOCK];
        here.copy_from_slice(sums);
        for (row, weight) in rows.chunks_exact(width).zip(weights) {
            let row = &row[block * BLOCK..(block + 1) * BLOCK];
            here.iter_mut().zip(row).for_each(|(sum, number)| *sum += weight * number);
        }
        sums.copy_from_slice(&here);
    }
}

/// What is drawn, sorted: distinct rows, or the sums of groups.
struct Units {
    /// `[units, columns]`.
    numbers: Vec<f64>,
    columns: usize,
    /// How many there are of each.
    counts: Vec<u64>,
}

impl Units {
    fn of(rows: &[(&[u64], u64)], columns: usize) -> Self {
        let numbers = rows.iter().flat_map(|(row, _)| numbers(row)).collect();
        Self { numbers, columns, counts: rows.iter().map(|(_, count)| *count).collect() }
    }

    fn of_groups(rows: &[(&[u64], u64)], columns: usize) -> Self {
        // Groups that add the same are interchangeable, too.
        let mut sums: BTreeMap<Vec<u64>, u64> = BTreeMap::new();
        for group in rows.chunk_by(|(row, _), (next, _)| row[0] == next[0]) {
            // Rows are sorted: the roundings are the same for any order in which they came.
            let mut sum = vec![0.0; columns];
            for (row, count) in group {
                sum.iter_mut().zip(numbers(row)).for_each(|(sum, number)| *sum += number * *count as f64);
            }
            *sums.entry(sum.into_iter().map(f64::to_bits).collect()).or_default() += 1;
        }
        let numbers = sums.keys().flatten().map(|bits| f64::from_bits(*bits)).collect();
        Self { numbers, columns, counts: sums.into_values().collect() }
    }

    fn column(&self, column: usize) -> impl Iterator<Item = f64> + Clone {
        self.numbers.iter().skip(column).step_by(self.columns).copied()
    }
}

/// The columns of units that differ, with infinite entries apart: a weight of 0 takes infinity away, and times it is NaN.
struct Columns {
    /// By column of the units: the one that has its finite entries, and the one that says where it is infinite.
    of: Vec<(usize, Option<usize>)>,
    /// A multiple of [`BLOCK`].
    width: usize,
    /// `[units, width]`; 0 beyond the columns.
    numbers: Vec<f64>,
}

impl Columns {
    fn new(units: &Units) -> Self {
        // By column that is kept: a column of the units, and whether it says where that one is infinite.
        let mut kept: Vec<(usize, bool)> = Vec::new();
        let entry = |is_where: bool, number: f64| match number == f64::INFINITY {
            true => f64::from(is_where),
            false if is_where => 0.0,
            false => number,
        };
        let mut keep = |column: usize, is_where: bool| {
            let entries = |(column, is_where): (usize, bool)| units.column(column).map(move |x| entry(is_where, x));
            // Most denominators are the same column.
            let same = kept.iter().position(|other| entries(*other).eq(entries((column, is_where))));
            same.unwrap_or_else(|| {
                kept.push((column, is_where));
                kept.len() - 1
            })
        };
        let of = (0..units.columns).map(|column| {
            let is_infinite = units.column(column).any(|x| x == f64::INFINITY);
            (keep(column, false), is_infinite.then(|| keep(column, true)))
        });
        let of = of.collect();
        let width = kept.len().next_multiple_of(BLOCK);
        let mut numbers = vec![0.0; units.counts.len() * width];
        for (row, out) in units.numbers.chunks_exact(units.columns).zip(numbers.chunks_exact_mut(width)) {
            out.iter_mut().zip(&kept).for_each(|(out, (column, is_where))| *out = entry(*is_where, row[*column]));
        }
        Self { of, width, numbers }
    }
}

/// The sums of each replicate, `[replicates, columns]`.
fn draw(units: &Units, resampling: Resampling) -> Vec<f64> {
    let (table, columns) = (Columns::new(units), units.columns);
    let width = table.width;
    let draws = Draws::new(units.counts.iter().copied(), resampling);
    let some = |first: usize, out: &mut [f64]| {
        let mut sums = vec![0.0; out.len() / columns * width];
        let mut weights = [0.0; TILE];
        for (tile, numbers) in table.numbers.chunks(TILE * width).enumerate() {
            for (replicate, sums) in sums.chunks_exact_mut(width).enumerate() {
                draws.weights(first + replicate, tile * TILE, &mut weights);
                add_weighted(numbers, &weights, sums);
            }
        }
        for (out, sums) in out.chunks_exact_mut(columns).zip(sums.chunks_exact(width)) {
            for (out, (finite, infinite)) in out.iter_mut().zip(&table.of) {
                let is_infinite = infinite.is_some_and(|column| sums[column] > 0.0);
                *out = if is_infinite { f64::INFINITY } else { sums[*finite] };
            }
        }
    };
    let mut out = vec![0.0; resampling.replicates * columns];
    #[cfg(feature = "rayon")]
    if units.counts.len() * resampling.replicates > 100_000 {
        use rayon::prelude::*;
        out.par_chunks_mut(TOGETHER * columns).enumerate().for_each(|(part, out)| some(part * TOGETHER, out));
        return out;
    }
    out.chunks_mut(TOGETHER * columns).enumerate().for_each(|(part, out)| some(part * TOGETHER, out));
    out
}

impl Metric for Bootstrap {
    /// One a metric. More is in [`replicates`](Bootstrap::replicates).
    type Value = Vec<Interval>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        if (self.metrics, self.resampling) != (other.metrics, other.resampling) {
            return Err(other_shape("the bootstrap"));
        }
        self.rows.merge(&other.rows)
    }

    fn compute(&self) -> Vec<Interval> {
        let replicates = self.replicates();
        (0..self.metrics).map(|metric| replicates.interval(metric)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::draws::next;
    use super::super::testing;
    use super::*;

    fn over_one(numerator: f64) -> Ratio {
        Ratio { numerator, denominator: 1.0 }
    }

    fn of(rows: &[Ratio], metrics: usize, groups: Option<&[u64]>) -> Bootstrap {
        let mut bootstrap = Bootstrap::new(metrics, Resampling::default()).unwrap();
        bootstrap.update(rows, groups).unwrap();
        bootstrap
    }

    fn hashes(seed: u64) -> impl Iterator<Item = u64> {
        (0..).map(move |at| next(seed, at))
    }

    fn unit(hash: u64) -> f64 {
        (hash >> 11) as f64 * 2f64.powi(-53)
    }

    /// Of 100 samples of 400 rows with a known share, about 95 have it in their interval. Seeds are fixed: 90 to 99 is two
    /// standard deviations around 95.
    #[test]
    fn intervals_cover() {
        for (share, seed) in [(0.5, 1), (0.9, 2)] {
            let covered = (0..100).filter(|sample| {
                let rows = hashes(next(seed, *sample)).take(400).map(|hash| over_one(f64::from(unit(hash) < share)));
                let interval = of(&rows.collect::<Vec<_>>(), 1, None).compute()[0];
                interval.low.unwrap() <= share && share <= interval.high.unwrap()
            });
            let covered = covered.count();
            assert!((90..=99).contains(&covered), "{share}: {covered}");
        }
    }

    /// Also with groups: ten rows each, all of them the same. Without groups, intervals are far too narrow.
    #[test]
    fn intervals_of_groups_cover() {
        let covered = |is_grouped: bool| {
            let covers = |sample: &u64| {
                let groups: Vec<u64> = (0..1000).map(|row| row / 10).collect();
                let right: Vec<u64> = hashes(next(7, *sample)).take(100).collect();
                let rows = groups.iter().map(|group| over_one(f64::from(unit(right[*group as usize]) < 0.7)));
                let interval = of(&rows.collect::<Vec<_>>(), 1, is_grouped.then_some(&groups[..])).compute()[0];
                interval.low.unwrap() <= 0.7 && 0.7 <= interval.high.unwrap()
            };
            (0..100).filter(covers).count()
        };
        assert!((90..=99).contains(&covered(true)));
        assert!(covered(false) < 60);
    }

    /// The standard error of a mean is its deviation over the root of the number of rows, and that of a ratio the delta
    /// method's.
    #[test]
    fn standard_errors() {
        let rows: Vec<Ratio> = hashes(3)
            .zip(hashes(4))
            .take(2000)
            .map(|(a, b)| Ratio { numerator: unit(a) + unit(b), denominator: 0.5 + unit(b) })
            .collect();
        let mut bootstrap = Bootstrap::new(1, Resampling { replicates: 5_000, ..Resampling::default() }).unwrap();
        bootstrap.update(&rows, None).unwrap();
        let interval = bootstrap.compute()[0];
        let value = interval.value.unwrap();
        let below: f64 = rows.iter().map(|row| row.denominator).sum();
        let squares: f64 = rows.iter().map(|row| (row.numerator - value * row.denominator).powi(2)).sum();
        let expected = squares.sqrt() / below;
        let found = interval.standard_error.unwrap();
        // 5,000 replicates know a deviation to 1 %.
        assert!((found / expected - 1.0).abs() < 0.03, "{found} {expected}");
        for (end, quantile) in [(interval.low, -1.959964), (interval.high, 1.959964)] {
            assert!((end.unwrap() - value - quantile * expected).abs() < 0.1 * expected);
        }
    }

    /// scipy 1.17.1 on the same rows, `scipy.stats.bootstrap(..., paired=True, n_resamples=100000, method="percentile",
    /// random_state=0)`, which draws with replacement. A thousand replicates know an end to about a tenth of a standard error.
    #[test]
    fn intervals_are_those_of_drawing_with_replacement() {
        let right = |row: u32| {
            let one = !row.is_multiple_of(5);
            [one, one || row.is_multiple_of(3)].map(|x| over_one(f64::from(x)))
        };
        let rows: Vec<Ratio> = (0..500).flat_map(right).collect();
        let replicates = of(&rows, 2, None).replicates();
        let assert = |found: Interval, value: f64, error: f64, low: f64, high: f64| {
            let close = |found: Option<f64>, expected: f64| {
                assert!((found.unwrap() - expected).abs() < 0.15 * error, "{found:?} is not {expected}");
            };
            assert!((found.value.unwrap() - value).abs() < 1e-15);
            close(found.standard_error, error);
            close(found.low, low);
            close(found.high, high);
        };
        // 34 of 500 rows differ. Not paired, the deviation would be sqrt(0.0179^2 + 0.0152^2) = 0.023.
        assert(replicates.difference(1, 0), 0.068, 0.011239468061880106, 0.0479500000000043, 0.08999999999999997);
        assert!(replicates.interval(0).standard_error.unwrap() > 0.016);

        let ratio = |row: u32| Ratio { numerator: f64::from(row * 37 % 11), denominator: f64::from(1 + row * 17 % 5) };
        let rows: Vec<Ratio> = (0..500).map(ratio).collect();
        let interval = of(&rows, 1, None).compute()[0];
        assert(interval, 1.662, 0.05837249670570342, 1.550790352166846, 1.7801670236009461);
    }

    #[test]
    fn groups_of_one_row_are_rows() {
        let rows: Vec<Ratio> = (0..60).map(|row| over_one(f64::from(row % 7))).collect();
        let groups: Vec<u64> = (0..60).map(|row| 1000 - row).collect();
        assert_eq!(of(&rows, 1, Some(&groups)).compute(), of(&rows, 1, None).compute());
    }

    #[test]
    fn infinite_rows_count_where_they_are_drawn() {
        let mut rows = vec![over_one(1.0); 20];
        rows[4].numerator = f64::INFINITY;
        let interval = of(&rows, 1, None).compute()[0];
        assert_eq!((interval.value, interval.high), (Some(f64::INFINITY), Some(f64::INFINITY)));
        assert_eq!((interval.low, interval.replicates), (Some(1.0), 1000)); // not drawn in e^-1 of the replicates
        assert_eq!(interval.standard_error, None);
    }

    #[test]
    fn nothing_and_what_has_no_denominator() {
        let none = Interval { value: None, low: None, high: None, standard_error: None, replicates: 0 };
        assert_eq!(of(&[], 1, None).compute(), [none]);
        assert_eq!(of(&[Ratio::default(); 3], 1, None).compute(), [none]);
        // One row is drawn, or nothing is.
        let one = of(&[over_one(0.25)], 1, None).compute()[0];
        assert_eq!((one.value, one.low, one.high, one.standard_error), (Some(0.25), Some(0.25), Some(0.25), Some(0.0)));
        assert!((560..700).contains(&one.replicates)); // 1 - e^-1 of 1000
    }

    #[test]
    fn any_split_and_order_give_the_same_bits() {
        for is_grouped in [false, true] {
            let rows: Vec<Ratio> = hashes(5).take(900).map(|hash| over_one((hash % 900) as f64 / 7.0)).collect();
            let groups: Vec<u64> = hashes(6).take(300).map(|hash| hash % 40).collect();
            let part = |range: std::ops::Range<usize>| {
                of(&rows[3 * range.start..3 * range.end], 3, is_grouped.then_some(&groups[range]))
            };
            let whole = part(0..300);
            let mut parts = part(200..300);
            for (start, end) in [(0, 0), (50, 200), (0, 50)] {
                let text = serde_json::to_string(&part(start..end)).unwrap();
                parts.merge(&serde_json::from_str(&text).unwrap()).unwrap();
            }
            assert_eq!(parts.compute(), whole.compute());
            assert_eq!(serde_json::to_string(&parts).unwrap(), serde_json::to_string(&whole).unwrap());
            #[cfg(feature = "rayon")]
            {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
                assert_eq!(pool.install(|| whole.compute()), whole.compute());
            }
        }
    }

    #[test]
    fn bad_input_is_named() {
        let options = |replicates, confidence| Resampling { replicates, confidence, seed: 0 };
        assert!(Bootstrap::new(0, Resampling::default()).is_err());
        assert!(Bootstrap::new(1, options(0, 0.9)).is_err() && Bootstrap::new(1, options(10, 1.0)).is_err());
        let mut bootstrap = Bootstrap::new(2, Resampling::default()).unwrap();
        assert!(bootstrap.update(&[over_one(1.0); 3], None).is_err());
        assert!(bootstrap.update(&[over_one(1.0); 4], Some(&[1])).is_err());
        let error = bootstrap.update(&[over_one(1.0), over_one(2.0), over_one(3.0), over_one(f64::NAN)], None);
        assert_eq!(error.unwrap_err().to_string(), "row 1: metric 1 adds NaN over 1, which has no mean");
        bootstrap.update(&[over_one(1.0); 2], None).unwrap();
        assert!(bootstrap.update(&[over_one(1.0); 2], Some(&[1])).is_err());
        assert!(bootstrap.merge(&of(&[over_one(1.0)], 1, None)).is_err());
    }

    #[test]
    fn altered_states_are_refused_or_drawn() {
        let options = Resampling { replicates: 20, ..Resampling::default() };
        for groups in [None, Some(&[7, 7, 8, 9][..])] {
            let mut bootstrap = Bootstrap::new(2, options).unwrap();
            let rows: Vec<Ratio> = (0..8).map(|row| over_one(f64::from(row % 3))).collect();
            bootstrap.update(&rows, groups).unwrap();
            let stored = serde_json::to_value(&bootstrap).unwrap();
            let mut refused = 0;
            for changed in testing::changes(&stored, &mut testing::Random::new(2), 600) {
                let Ok(mut read) = serde_json::from_value::<Bootstrap>(changed) else {
                    refused += 1;
                    continue;
                };
                read.compute();
                _ = read.merge(&bootstrap);
                _ = read.update(&rows, groups);
                read.compute();
            }
            assert!(refused > 100);
        }
    }

    #[test]
    fn a_row_that_occurs_too_often_is_refused() {
        let stored =
            |count: u64| format!(r#"{{"metrics":1,"resampling":{{}},"is_grouped":false,"rows":[[[0,0,0],{count}]]}}"#);
        assert!(serde_json::from_str::<Bootstrap>(&stored(1 << 35)).unwrap().compute()[0].value.is_none());
        let error = serde_json::from_str::<Bootstrap>(&stored(1 << 36)).unwrap_err().to_string();
        assert!(error.contains("occurs 68719476736 times, expected 1 to 68719476735"), "{error}");
    }
}
