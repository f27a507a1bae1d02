//! Expected calibration error per level.

use serde::{Deserialize, Serialize};

use super::level_answers::{each_answer, most_probable};
use super::state::{Origin, State, check_count, check_names, check_part, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Truths, other_shape, share, weight};
use crate::criterion::{InputError, InputErrorKind};
use crate::numeric::{Float, scalar};
use crate::{Label, NodeId};

/// Expected calibration error per level (Naeini et al. 2015; Guo et al. 2017), with the bins of the reliability diagram. In
/// `[0, 1]`; 0 is best: of the answers that are given with 80 % confidence, 80 % are right.
///
/// A row's answer at a level is the most probable node of it, as of [`Levels::most_probable`], and its confidence the
/// probability of that node. Rows are sorted by confidence into bins of equal width, `(0, 1/15], (1/15, 2/15], ...`, and
/// `ECE = sum_b n_b / n |accuracy_b - confidence_b|`. The rows of a level are those whose label reaches down to it; whether an
/// answer is right is what [`Accuracy`](super::Accuracy) says, so that the bins add up to the level's accuracy.
///
/// ECE is biased: a perfectly calibrated model has one above 0, the more so the fewer the rows of a bin (about
/// `sqrt(a (1 - a) / n_b)` a bin). Compare models on the same rows and bins, and look at the diagram.
///
/// # What published code does differently
///
/// Bins are open at the left, as in the paper and its code; torchmetrics' are open at the right, which matters where a
/// confidence is a multiple of one over the number of bins. A confidence of 0 is in the first bin; Guo's code drops it.
///
/// # Example
///
/// ```
/// use klados::metrics::{Calibration, Levels, Metric};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let row = [1.0f64, 0.3, 0.3, 0.7, 0.35, 0.35].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let labels = [hierarchy.parse_label("crow")?, hierarchy.parse_label("bat")?];
///
/// let mut metric = Calibration::new(&levels, Calibration::BINS)?;
/// metric.update(&levels.truths(&labels)?, &[row, row].concat(), None)?;
/// let [top, class] = &metric.compute()[..] else { panic!("two levels") };
/// // At the top the birds are right once, at 0.7 twice.
/// assert!((top.ece.unwrap() - (0.7 - 0.5)).abs() < 1e-15);
/// let bin = &top.bins[10]; // (10/15, 11/15]
/// assert_eq!((bin.rows, bin.accuracy), (2.0, Some(0.5)));
/// // The crow is the first of the most probable classes; it is right once, at 0.35 twice.
/// assert!((class.ece.unwrap() - (0.5 - 0.35)).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    of: Origin,
    levels: Vec<Bins>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bins {
    level: String,
    bins: Vec<Bin>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Bin {
    rows: ExactSum,
    confidence: ExactSum,
    right: ExactSum,
}

/// How a level is calibrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelCalibration {
    /// The level's name.
    pub level: String,
    /// The rows that take part in it, or the sum of their weights.
    pub rows: f64,
    /// The expected calibration error; none where no row takes part.
    pub ece: Option<f64>,
    /// The bins, from the least confident.
    pub bins: Vec<ReliabilityBin>,
}

/// A bar of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Confidences above this are in it.
    pub above: f64,
    /// And up to this.
    pub up_to: f64,
    /// The rows in it, or the sum of their weights.
    pub rows: f64,
    /// The mean confidence of these; none where there are none.
    pub confidence: Option<f64>,
    /// The share of these that are right.
    pub accuracy: Option<f64>,
}

/// [`Calibration`] of one batch, from the top level: the expected calibration error with its bins.
///
/// # Errors
///
/// As those of [`Levels::truths`], [`Calibration::new`] and [`Calibration::update`].
pub fn ece<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
    bins: usize,
) -> Result<Vec<LevelCalibration>, InputError> {
    let mut metric = Calibration::new(levels, bins)?;
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl Calibration {
    /// The number of bins that most papers have.
    pub const BINS: usize = 15;

    /// Of no rows yet.
    ///
    /// # Errors
    ///
    /// No bins, or more than a million.
    pub fn new(levels: &Levels, bins: usize) -> Result<Self, InputError> {
        check_bins(bins)?;
        let of = |name: &str| Bins { level: name.to_owned(), bins: vec![Bin::default(); bins] };
        Ok(Self { of: Origin::new(levels), levels: levels.all().iter().map(|level| of(level.name())).collect() })
    }

    /// Adds rows of the log-probabilities of all nodes, `[batch, nodes]`.
    ///
    /// # Errors
    ///
    /// Labels of another hierarchy, lengths that do not fit, a multi-label row, a log-probability that is NaN or above 0, a
    /// weight that is negative or not finite; nothing is added then.
    pub fn update<F: Float>(
        &mut self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        let best = most_probable(truths, log_probs)?;
        self.update_by_level(truths, log_probs, &best, weights)
    }

    /// As [`update`](Self::update), where the most probable node of each level, `[batch, levels]`, is known: see
    /// [`Levels::most_probable`].
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update), and nodes that the hierarchy does not have.
    pub fn update_by_level<F: Float>(
        &mut self,
        truths: &Truths<'_>,
        log_probs: &[F],
        best: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        each_answer(truths, log_probs, best, weights, |row, level, answer| {
            if let Some((log_p, is_right)) = answer {
                let (confidence, bins) = (scalar::exp(log_p), &mut self.levels[level].bins);
                let bin = bin_of(confidence, bins.len());
                bins[bin].add(confidence, is_right, weight(weights, row));
            }
        })
    }
}

/// An error where there are no bins, or too many.
pub(super) fn check_bins(bins: usize) -> Result<(), InputError> {
    if (1..=1_000_000).contains(&bins) {
        return Ok(());
    }
    let message = format!("the number of bins is {bins}, expected 1 to 1000000");
    Err(InputError::new(InputErrorKind::OutOfRange, message))
}

/// The bin of a confidence: it is above `bin / bins`, and up to `(bin + 1) / bins`.
pub(super) fn bin_of(confidence: f64, bins: usize) -> usize {
    let guess = (confidence * bins as f64) as usize;
    // The product is rounded; the edges decide.
    let edge = |bin: usize| bin as f64 / bins as f64;
    let mut bin = guess.min(bins - 1);
    while bin > 0 && confidence <= edge(bin) {
        bin -= 1;
    }
    while bin + 1 < bins && confidence > edge(bin + 1) {
        bin += 1;
    }
    bin
}

impl Bin {
    fn add(&mut self, confidence: f64, is_right: bool, weight: f64) {
        self.rows.add(weight);
        self.confidence.add(weight * confidence);
        if is_right {
            self.right.add(weight);
        }
    }
}

impl State for Calibration {
    const NAME: &'static str = "ece";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|level| &level.level), levels)?;
        for level in &self.levels {
            check_bins(level.bins.len()).map_err(|error| format!("has a level without bins: {error}"))?;
            check_count("bins", level.bins.len(), self.levels[0].bins.len())?;
            for bin in &level.bins {
                check_part(&bin.right, &bin.rows)?;
                check_part(&bin.confidence, &bin.rows)?;
            }
        }
        Ok(())
    }
}

impl Metric for Calibration {
    /// From the top.
    type Value = Vec<LevelCalibration>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        let shape = |metric: &Self| metric.levels.iter().map(|level| level.bins.len()).collect::<Vec<_>>();
        meet(self, other)?;
        if shape(self) != shape(other) {
            return Err(other_shape("ece"));
        }
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            for (bin, more) in level.bins.iter_mut().zip(&more.bins) {
                bin.rows.merge(&more.rows);
                bin.confidence.merge(&more.confidence);
                bin.right.merge(&more.right);
            }
        }
        Ok(())
    }

    fn compute(&self) -> Vec<LevelCalibration> {
        self.levels.iter().map(Bins::compute).collect()
    }
}

impl Bins {
    fn compute(&self) -> LevelCalibration {
        let mut all = ExactSum::new();
        self.bins.iter().for_each(|bin| all.merge(&bin.rows));
        let rows = all.value();
        let count = self.bins.len() as f64;
        let gap = |bin: &Bin| (bin.right.value() - bin.confidence.value()).abs();
        let of = |(at, bin): (usize, &Bin)| ReliabilityBin {
            above: at as f64 / count,
            up_to: (at + 1) as f64 / count,
            rows: bin.rows.value(),
            confidence: share(&bin.confidence, &bin.rows),
            accuracy: share(&bin.right, &bin.rows),
        };
        LevelCalibration {
            level: self.level.clone(),
            rows,
            ece: (rows > 0.0).then(|| self.bins.iter().map(gap).sum::<f64>() / rows),
            bins: self.bins.iter().enumerate().map(of).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Accuracy, testing};
    use super::*;

    #[test]
    fn bins_are_closed_at_the_right() {
        for bins in [1, 3, 10, 15, 49] {
            for bin in 0..bins {
                let edge = (bin + 1) as f64 / bins as f64;
                assert_eq!(bin_of(edge, bins), bin);
                let above = f64::from_bits(edge.to_bits() + 1);
                assert_eq!(bin_of(above, bins), (bin + 1).min(bins - 1));
            }
            assert_eq!(bin_of(0.0, bins), 0);
        }
    }

    #[test]
    fn no_bins_are_refused() {
        let hierarchy = crate::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog")]).unwrap();
        let levels = Levels::new(&hierarchy);
        assert!(Calibration::new(&levels, 0).is_err());
        let found = ece::<f64>(&levels, &[], &[], None, 2).unwrap();
        assert_eq!((found[0].ece, found[0].rows, found[0].bins.len()), (None, 0.0, 2));
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Calibration::new(&batch.levels, 5).unwrap(),
            |metric, part| metric.update(part.truths, part.log_probs, part.weights),
        );
    }

    /// By the definition, and the bins add up to the accuracy of the most probable nodes.
    #[test]
    fn levels_of_random_hierarchies() {
        testing::many(|batch| {
            let (levels, weights) = (&batch.levels, Some(&batch.weights[..]));
            let truths = levels.truths(&batch.labels).unwrap();
            let mut best = vec![NodeId::ROOT; truths.len() * levels.all().len()];
            levels.most_probable(&batch.log_probs, &mut best).unwrap();
            let mut accuracy = Accuracy::new(levels);
            accuracy.update_by_level(&truths, &best, weights).unwrap();
            let found = ece(levels, &batch.labels, &batch.log_probs, weights, 7).unwrap();
            for (at, (found, accuracy)) in found.iter().zip(accuracy.compute()).enumerate() {
                let rows: Vec<(f64, f64, f64)> = (0..truths.len())
                    .filter(|row| truths.reaches(*row, at))
                    .map(|row| {
                        let best = best[row * levels.all().len() + at];
                        let log_p = batch.log_probs[row * batch.hierarchy().node_count() + best.index()];
                        // As an answer a node and its only child are one, in a DAG also below other nodes of the level.
                        let right = |node: &NodeId| truths.known(row).contains(node) && batch.is_said_by(*node, best);
                        let is_right = levels.all()[at].candidates().iter().any(right);
                        (scalar::exp(log_p), f64::from(is_right), batch.weights[row])
                    })
                    .collect();
                let total: f64 = rows.iter().map(|(_, _, weight)| weight).sum();
                let mut error = 0.0;
                for bin in &found.bins {
                    // A confidence of 0 is in the first bin.
                    let is_in = |p: f64| p <= bin.up_to && (p > bin.above || p == 0.0 && bin.above == 0.0);
                    let of = rows.iter().filter(|(p, _, _)| is_in(*p));
                    let gap: f64 = of.clone().map(|(p, right, weight)| weight * (right - p)).sum();
                    error += gap.abs();
                    testing::assert_close(Some(bin.rows), Some(of.map(|(_, _, weight)| weight).sum()));
                }
                testing::assert_close(found.ece, (total > 0.0).then_some(error / total));
                let right: f64 = found.bins.iter().filter_map(|bin| Some(bin.accuracy? * bin.rows)).sum();
                testing::assert_close(accuracy.value, (total > 0.0).then_some(right / total));
            }
        });
    }
}
