//! Risk against coverage, per level.

use serde::{Deserialize, Serialize};

use super::calibration::check_bins;
use super::contributions::Part;
use super::level_answers::{each_answer, most_probable};
use super::ranking::{Ranking, Step};
use super::state::{Origin, State, check_names, meet, meet_rows};
use super::{Contributions, Levels, Metric, Truths, other_shape, thinned, weight};
use crate::criterion::InputError;
use crate::numeric::{Float, Sum, scalar};
use crate::{Label, NodeId};

/// The risk-coverage curve of each level (El-Yaniv & Wiener 2010), and the area under it, AURC (Geifman & El-Yaniv 2017): if
/// the least confident rows are not answered, how many of the others are wrong?
///
/// A row's answer at a level is the most probable node of it, as of [`Levels::most_probable`], and its confidence the
/// probability of that node. Down to a confidence, coverage is the share of rows that are answered, and risk the share of
/// these that are wrong. The rows of a level are those whose label reaches down to it; whether an answer is right is what
/// [`Accuracy`](super::Accuracy) says, so that the curve ends at one minus the level's accuracy.
///
/// AURC is `sum_i (c_i - c_(i-1)) r_i` over falling confidence: the mean, over the rows, of the risk of the rows that are at
/// least as confident. In `[0, 1]`; 0 is best, and confidences that say nothing have the risk of all rows. A model that is
/// wrong more often has a larger one, however good its confidences; the excess takes away what the best order of the same
/// answers has, about `r + (1 - r) ln(1 - r)` with `r` the risk of all rows (Geifman et al. 2019).
///
/// Rows of equal confidence are answered together. A confidence and a flag a row and level are kept.
///
/// # What published code does differently
///
/// Some joins the points by straight lines, which gives another area, and most takes equal confidences one after the other, in
/// the order of the rows.
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, Metric, RiskCoverage};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "crow")])?;
/// let levels = Levels::new(&hierarchy);
/// let row = |bat: f64| [1.0, bat, 1.0 - bat].map(f64::ln); // root, bat, crow
/// let labels = ["bat", "bat", "crow", "bat"].map(|label| hierarchy.parse_label(label).unwrap());
///
/// let mut metric = RiskCoverage::new(&levels);
/// metric.update(&levels.truths(&labels)?, &[row(0.9), row(0.8), row(0.7), row(0.4)].concat(), None)?;
/// let [class] = &metric.compute()[..] else { panic!("one level") };
/// let curve: Vec<(f64, f64)> = class.curve.iter().map(|point| (point.coverage, point.risk)).collect();
/// assert_eq!(curve, [(0.25, 0.0), (0.5, 0.0), (0.75, 1.0 / 3.0), (1.0, 0.5)]);
/// assert!((class.aurc.unwrap() - (0.0 + 0.0 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-15);
/// assert_eq!(class.coverage_at_risk(0.4), 0.75);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RiskCoverage {
    of: Origin,
    levels: Vec<(String, Ranking)>,
}

/// The curve of a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelRiskCoverage {
    /// The level's name.
    pub level: String,
    /// The rows that take part in it, or the sum of their weights.
    pub rows: f64,
    /// The area under the curve; none where no row takes part.
    pub aurc: Option<f64>,
    /// The area less that of the best order.
    pub excess_aurc: Option<f64>,
    /// By falling confidence.
    pub curve: Vec<RiskPoint>,
}

/// A point of a risk-coverage curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// Rows of at least this confidence are answered.
    pub confidence: f64,
    /// Their share.
    pub coverage: f64,
    /// The share of these that are wrong.
    pub risk: f64,
}

/// [`RiskCoverage`] of one batch, from the top level.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`RiskCoverage::update`].
pub fn risk_coverage<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
) -> Result<Vec<LevelRiskCoverage>, InputError> {
    let mut metric = RiskCoverage::new(levels);
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl RiskCoverage {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let of = |name: &str| (name.to_owned(), Ranking::default());
        Self { of: Origin::new(levels), levels: levels.all().iter().map(|level| of(level.name())).collect() }
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
                self.levels[level].1.add(log_p, is_right, weight(weights, row));
            }
        })
    }

    /// What each row adds to three numbers of each level, `aurc`, `excess_aurc` and the `ece` of
    /// [`Calibration`](super::Calibration) with so many bins, `[batch, levels, 3]`: for a [`RowBootstrap`](super::RowBootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update); no bins, or more than a million.
    pub fn contributions<F: Float>(
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
        bins: usize,
    ) -> Result<Contributions, InputError> {
        check_bins(bins)?;
        let levels = truths.levels().all().len();
        let mut all = Contributions::new(vec![Part::Confidence { bins }; levels]);
        let best = most_probable(truths, log_probs)?;
        each_answer(truths, log_probs, &best, weights, |row, level, answer| {
            all.push_confidence(answer, weight(weights, row));
            if level + 1 == levels {
                all.end_row();
            }
        })?;
        Ok(all)
    }
}

impl State for RiskCoverage {
    const NAME: &'static str = "risk_coverage";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|(name, _)| name), levels)?;
        self.levels.iter().try_for_each(|(_, ranking)| ranking.check())
    }
}

impl Metric for RiskCoverage {
    /// From the top.
    type Value = Vec<LevelRiskCoverage>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.levels.len() != other.levels.len() {
            return Err(other_shape("risk_coverage"));
        }
        self.levels.iter_mut().zip(&other.levels).for_each(|((_, ranking), (_, more))| ranking.merge(more));
        Ok(())
    }

    fn compute(&self) -> Vec<LevelRiskCoverage> {
        self.levels.iter().map(|(level, ranking)| LevelRiskCoverage::new(level, &ranking.steps())).collect()
    }
}

/// The area under the curve of the best order of answers of which such a share is wrong.
pub(super) fn least_risk(risk: f64) -> f64 {
    if risk < 1.0 { risk + (1.0 - risk) * scalar::ln_1p(-risk) } else { 1.0 }
}

impl LevelRiskCoverage {
    fn new(level: &str, steps: &[Step]) -> Self {
        let rows = steps.last().map_or(0.0, |last| last.right + last.wrong);
        let point = |step: &Step| RiskPoint {
            confidence: scalar::exp(step.log_p),
            coverage: (step.right + step.wrong) / rows,
            risk: step.wrong / (step.right + step.wrong),
        };
        let curve: Vec<RiskPoint> = steps.iter().map(point).collect();
        let mut before = 0.0;
        let mut area = Sum::default();
        for point in &curve {
            area.add((point.coverage - before) * point.risk);
            before = point.coverage;
        }
        let aurc = curve.last().map(|_| area.value());
        let excess_aurc = curve.last().zip(aurc).map(|(last, aurc)| aurc - least_risk(last.risk));
        Self { level: level.to_owned(), rows, aurc, excess_aurc, curve }
    }

    /// The largest coverage at which the risk is at most this; 0 where there is none.
    pub fn coverage_at_risk(&self, risk: f64) -> f64 {
        let fitting = self.curve.iter().filter(|point| point.risk <= risk);
        fitting.map(|point| point.coverage).fold(0.0, f64::max)
    }

    /// At most so many points of the curve, at least two, for a picture: where most changes, most are kept. The areas stay those
    /// of the whole curve.
    pub fn thinned(&self, points: usize) -> Vec<RiskPoint> {
        thinned(&self.curve, points, |point| [point.coverage, point.risk])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Accuracy, testing};
    use super::*;

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| RiskCoverage::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.log_probs, part.weights),
        );
    }

    /// By the definition, answered rows counted anew for each confidence.
    #[test]
    fn levels_of_random_hierarchies() {
        testing::many(|batch| {
            let (levels, weights) = (&batch.levels, Some(&batch.weights[..]));
            let truths = levels.truths(&batch.labels).unwrap();
            let mut best = vec![NodeId::ROOT; truths.len() * levels.all().len()];
            levels.most_probable(&batch.log_probs, &mut best).unwrap();
            let mut accuracy = Accuracy::new(levels);
            accuracy.update_by_level(&truths, &best, weights).unwrap();
            let found = risk_coverage(levels, &batch.labels, &batch.log_probs, weights).unwrap();
            for (at, (found, accuracy)) in found.iter().zip(accuracy.compute()).enumerate() {
                let rows: Vec<(f64, bool, f64)> = (0..truths.len())
                    .filter(|row| truths.reaches(*row, at))
                    .map(|row| {
                        let best = best[row * levels.all().len() + at];
                        let log_p = batch.log_probs[row * batch.hierarchy().node_count() + best.index()];
                        // As an answer a node and its only child are one, in a DAG also below other nodes of the level.
                        let right = |node: &NodeId| truths.known(row).contains(node) && batch.is_said_by(*node, best);
                        let is_right = levels.all()[at].candidates().iter().any(right);
                        (log_p, is_right, batch.weights[row])
                    })
                    .collect();
                let sum = |fits: &dyn Fn(&(f64, bool, f64)) -> bool| {
                    rows.iter().filter(|row| fits(row)).map(|(_, _, weight)| weight).sum::<f64>()
                };
                let total = sum(&|_| true);
                let mut area = 0.0;
                for (log_p, _, weight) in &rows {
                    let risk = sum(&|row| row.0 >= *log_p && !row.1) / sum(&|row| row.0 >= *log_p);
                    area += if *weight > 0.0 { weight / total * risk } else { 0.0 };
                }
                testing::assert_close(found.aurc, (total > 0.0).then_some(area));
                testing::assert_close(Some(found.rows), Some(total));
                testing::assert_close(found.curve.last().map(|last| 1.0 - last.risk), accuracy.value);
                assert!(found.curve.is_sorted_by(|a, b| a.confidence > b.confidence && a.coverage < b.coverage));
            }
        });
    }

    #[test]
    fn the_best_order_has_no_excess() {
        let steps: Vec<Step> = (1..=1000)
            .map(|row| Step {
                log_p: -f64::from(row),
                right: f64::from(row.min(700)),
                wrong: f64::from((row - 700).max(0)),
            })
            .collect();
        let found = LevelRiskCoverage::new("class", &steps);
        // sum over the last 300 of i / (700 + i) / 1000.
        let area: f64 = (1..=300).map(|row| f64::from(row) / f64::from(700 + row) / 1000.0).sum();
        assert!((found.aurc.unwrap() - area).abs() < 1e-13 && found.excess_aurc.unwrap().abs() < 2e-4);
        assert_eq!((found.coverage_at_risk(0.0), found.coverage_at_risk(0.3)), (0.7, 1.0));
        assert_eq!(found.coverage_at_risk(-1.0), 0.0);
        let few = found.thinned(20);
        assert!(few.len() <= 20 && few.first() == found.curve.first() && few.last() == found.curve.last());
        let wrong = LevelRiskCoverage::new("class", &[Step { log_p: -1.0, right: 0.0, wrong: 2.0 }]);
        assert_eq!((wrong.aurc, wrong.excess_aurc), (Some(1.0), Some(0.0)));
    }
}
