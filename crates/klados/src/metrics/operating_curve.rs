//! How much a model answers, and how much of that is right, over all thresholds.

use serde::{Deserialize, Serialize};

use super::contributions::Part;
use super::log_probs::LogProbs;
use super::state::{Origin, State, check_log_p, check_rows, check_sums, meet, meet_rows};
use super::{Contributions, ExactSum, Levels, Metric, Says, Truths, ValuedBy, other_shape, thinned, weight};
use crate::criterion::InputError;
use crate::numeric::{Float, Sum, scalar};
use crate::{Label, NodeId};

/// The operating curve of Valmadre (2022): what the rule `threshold` ([`decide::Threshold`](crate::decide)) answers as its
/// `tau` falls from 1 to 0, from the root in every row to ever more specific nodes. It compares models over all trade-offs
/// between answering much and answering right.
///
/// At each threshold, over the rows: the recall `value(a) / value(t)` and the precision `value(a) / value(p)` of
/// [`LcaScores`](super::LcaScores), with `p` the answer, `t` the truth and `a` their lowest common ancestor; the share of rows
/// that are answered right, where an answer above the truth is right; and the share that are answered with exactly the truth.
/// Answers are cut to what the label says: one below the truth is the truth. The value of a node is its depth or its
/// information: see [`ValuedBy`].
///
/// The paper has three pictures, and two areas for each value: right answers over recall (`average_correct`, AC), precision
/// over recall (`average_precision`, AP), and right answers over exact ones (`average_correct_exact`). Areas are of the best
/// that is possible with at least a recall, `sum_i (R_i - R_(i-1)) max_{j >= i} Y_j` with the points by rising recall. All are in
/// `[0, 1]`; 1 is best.
///
/// # When a curve is monotone
///
/// Answers become more informative as the threshold falls, always. In a tree, with probabilities that agree with it, the answers
/// of a row are one path for thresholds from 1/2 up; recall rises there, and precision and the right answers fall. Below 1/2
/// the most specific node may lie in another branch, and right answers become wrong or wrong ones right.
///
/// # What is kept
///
/// Five numbers for each time that what is measured of a row changes, which is a few times a row.
///
/// # What published code does differently
///
/// hiercls (Valmadre's) computes the same, of class labels; for labels of internal nodes answers have to be truncated first. It
/// starts at the least specific answer of probability 1 and not at the root, which changes no area.
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, Metric, OperatingCurve, ValuedBy};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let row = [1.0f64, 0.2, 0.1, 0.1, 0.8, 0.3, 0.5].map(f64::ln); // root, mammal, bat, dog, bird, crow, robin
///
/// let mut metric = OperatingCurve::new(&levels, ValuedBy::Depth);
/// metric.update(&levels.truths(&[hierarchy.parse_label("crow")?])?, &row, None)?;
/// let curve = metric.compute();
/// // The root; below 0.8 the bird, which is right; below 0.5 the robin, which is not.
/// let points: Vec<_> = curve.points.iter().map(|point| (point.recall, point.precision, point.correct)).collect();
/// assert_eq!(points, [(0.0, 1.0, 1.0), (0.5, 1.0, 1.0), (0.5, 0.5, 0.0)]);
/// assert_eq!(curve.average_precision, Some(0.5)); // it never gets beyond a recall of 0.5
/// assert_eq!(curve.recall_at_correct(0.9), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OperatingCurve {
    of: Origin,
    valued_by: ValuedBy,
    rows: ExactSum,
    /// Where every row is answered with the root: recall, precision, right, exact.
    start: [ExactSum; 4],
    /// The log-probability below which thresholds have to fall, and by how much each of the four changes then.
    changes: Vec<(f64, [f64; 4])>,
}

/// What [`OperatingCurve`] computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingCurveValue {
    /// The rows that take part, or the sum of their weights.
    pub rows: f64,
    /// The area of right answers over recall; none where no row takes part.
    pub average_correct: Option<f64>,
    /// The area of precision over recall.
    pub average_precision: Option<f64>,
    /// The area of right answers over exact ones.
    pub average_correct_exact: Option<f64>,
    /// By falling threshold; the first is the root's.
    pub points: Vec<OperatingPoint>,
}

/// A point of an operating curve: means over the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// These are the answers for thresholds below this, down to that of the next point and with it.
    pub below: f64,
    /// How much of the truth is told.
    pub recall: f64,
    /// How much of what is told is true.
    pub precision: f64,
    /// The share of answers that are right.
    pub correct: f64,
    /// The share of answers that are the truth.
    pub exact: f64,
}

/// [`OperatingCurve`] of one batch.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`OperatingCurve::update`].
pub fn operating_curve<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
    valued_by: ValuedBy,
) -> Result<OperatingCurveValue, InputError> {
    let mut metric = OperatingCurve::new(levels, valued_by);
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl OperatingCurve {
    /// Of no rows yet.
    pub fn new(levels: &Levels, valued_by: ValuedBy) -> Self {
        let (rows, start) = Default::default();
        Self { of: Origin::new(levels), valued_by, rows, start, changes: Vec::new() }
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
        meet_rows(self, truths)?;
        each_trajectory(self.valued_by, truths, log_probs, weights, |entries| {
            let Some(([weight, start @ ..], changes)) = entries.split_first() else { return };
            self.rows.add(*weight);
            self.start.iter_mut().zip(start).for_each(|(sum, value)| sum.add(*value));
            self.changes.extend(changes.iter().map(|[log_p, change @ ..]| (*log_p, *change)));
        })
    }

    /// What each row adds to the three areas, `average_correct`, `average_precision` and `average_correct_exact`: for a
    /// [`RowBootstrap`](super::RowBootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn contributions<F: Float>(
        &self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<Contributions, InputError> {
        check_rows(self, truths)?;
        let mut all = Contributions::new(vec![Part::Operating]);
        each_trajectory(self.valued_by, truths, log_probs, weights, |entries| {
            all.push_operating(entries);
            all.end_row();
        })?;
        Ok(all)
    }
}

/// Calls for each row with its weight and what is measured of the root, then with each log-probability at which that changes,
/// from the highest, and by how much, times the weight: with nothing for rows that take no part or have no weight.
fn each_trajectory<F: Float>(
    valued_by: ValuedBy,
    truths: &Truths<'_>,
    log_probs: &[F],
    weights: Option<&[f64]>,
    mut visit: impl FnMut(&[[f64; 5]]),
) -> Result<(), InputError> {
    truths.check_single()?;
    let log_probs = LogProbs::new(truths, log_probs, weights)?;
    let trajectories = truths.levels().trajectories();
    let (mut answers, mut entries) = (Vec::new(), Vec::new());
    for row in 0..truths.len() {
        let weight = weight(weights, row);
        entries.clear();
        if truths.takes_part(row) && weight > 0.0 {
            trajectories.of_row(log_probs.row(row), &mut answers);
            let of = |answer: NodeId| measured(valued_by, truths, row, answer).map(|value| weight * value);
            let mut before = of(NodeId::ROOT);
            entries.push([weight, before[0], before[1], before[2], before[3]]);
            for (log_p, answer) in &answers {
                let now = of(*answer);
                if now != before {
                    let by = |at: usize| now[at] - before[at];
                    entries.push([*log_p, by(0), by(1), by(2), by(3)]);
                    before = now;
                }
            }
        }
        visit(&entries);
    }
    Ok(())
}

/// Recall, precision, whether it is right, whether it is the truth.
fn measured(valued_by: ValuedBy, truths: &Truths<'_>, row: usize, answer: NodeId) -> [f64; 4] {
    let levels = truths.levels();
    let hierarchy = levels.hierarchy();
    let value = |node: NodeId| match valued_by {
        ValuedBy::Depth => hierarchy.depth(node) as f64,
        ValuedBy::Information => levels.information(node),
    };
    let of = |part: f64, whole: f64| if whole == 0.0 { 1.0 } else { part / whole };
    let truth = truths.node(row);
    let answer = levels.lowest(truths.as_far_as_known(row, answer));
    let common = value(hierarchy.lca(truth, answer));
    let is_right = truths.says(row, answer) == Says::Holds;
    let is_exact = answer == levels.lowest(truth);
    [of(common, value(truth)), of(common, value(answer)), f64::from(is_right), f64::from(is_exact)]
}

impl State for OperatingCurve {
    const NAME: &'static str = "operating_curve";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, _: &Levels) -> Result<(), String> {
        check_sums(std::iter::once(&self.rows).chain(&self.start))?;
        for (log_p, change) in &self.changes {
            check_log_p(*log_p)?;
            if let Some(by) = change.iter().find(|by| !by.is_finite()) {
                return Err(format!("has a change by {by}"));
            }
        }
        Ok(())
    }
}

impl Metric for OperatingCurve {
    type Value = OperatingCurveValue;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.valued_by != other.valued_by {
            return Err(other_shape("operating_curve"));
        }
        self.rows.merge(&other.rows);
        self.start.iter_mut().zip(&other.start).for_each(|(sum, more)| sum.merge(more));
        self.changes.extend_from_slice(&other.changes);
        Ok(())
    }

    fn compute(&self) -> OperatingCurveValue {
        let rows = self.rows.value();
        let mut changes = self.changes.clone();
        // Whatever the order in which they came, sums are the same.
        changes.sort_unstable_by(|(a, of_a), (b, of_b)| {
            let then = of_a.iter().zip(of_b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
            b.total_cmp(a).then(then.unwrap_or(std::cmp::Ordering::Equal))
        });
        let mut sums = [Sum::default(); 4];
        sums.iter_mut().zip(&self.start).for_each(|(sum, start)| sum.add(start.value()));
        let point = |below: f64, sums: &[Sum; 4]| {
            let [recall, precision, correct, exact] = sums.map(|sum| (sum.value() / rows).clamp(0.0, 1.0));
            OperatingPoint { below, recall, precision, correct, exact }
        };
        let mut points = Vec::new();
        if rows > 0.0 {
            points.push(point(1.0, &sums));
        }
        for same in changes.chunk_by(|a, b| a.0 == b.0) {
            for (_, change) in same {
                sums.iter_mut().zip(change).for_each(|(sum, change)| sum.add(*change));
            }
            points.push(point(scalar::exp(same[0].0), &sums));
        }
        let over = |of: fn(&OperatingPoint) -> (f64, f64)| area(points.iter().map(of).collect());
        OperatingCurveValue {
            rows,
            average_correct: over(|point| (point.recall, point.correct)),
            average_precision: over(|point| (point.recall, point.precision)),
            average_correct_exact: over(|point| (point.exact, point.correct)),
            points,
        }
    }
}

/// The area below the best of the second that is possible with at least the first, of points of both.
pub(super) fn area(mut points: Vec<(f64, f64)>) -> Option<f64> {
    points.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let mut area = Sum::default();
    let mut best = f64::NEG_INFINITY;
    for (at, (x, y)) in points.iter().enumerate() {
        best = best.max(*y);
        area.add((x - points.get(at + 1).map_or(0.0, |next| next.0)) * best);
    }
    (!points.is_empty()).then(|| area.value())
}

impl OperatingCurveValue {
    /// The largest recall with at least this share of right answers; 0 where there is none.
    pub fn recall_at_correct(&self, correct: f64) -> f64 {
        self.most(|point| (point.correct >= correct).then_some(point.recall))
    }

    /// The largest recall with at least this precision; 0 where there is none.
    pub fn recall_at_precision(&self, precision: f64) -> f64 {
        self.most(|point| (point.precision >= precision).then_some(point.recall))
    }

    /// The largest share of exact answers with at least this share of right ones; 0 where there is none.
    pub fn exact_at_correct(&self, correct: f64) -> f64 {
        self.most(|point| (point.correct >= correct).then_some(point.exact))
    }

    fn most(&self, of: impl Fn(&OperatingPoint) -> Option<f64>) -> f64 {
        self.points.iter().filter_map(of).fold(0.0, f64::max)
    }

    /// The point of a threshold in `[0, 1)`: the means over the answers with it. None where no row takes part.
    pub fn at(&self, tau: f64) -> Option<&OperatingPoint> {
        let passed = self.points.partition_point(|point| point.below > tau);
        passed.checked_sub(1).map(|at| &self.points[at])
    }

    /// At most so many points of the curve, at least two, for a picture: where most changes, most are kept. The areas stay those
    /// of the whole curve.
    pub fn thinned(&self, points: usize) -> Vec<OperatingPoint> {
        thinned(&self.points, points, |point| [point.recall, point.precision, point.correct, point.exact])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::Hierarchy;

    #[test]
    fn any_split_gives_the_same_bits() {
        for valued_by in [ValuedBy::Depth, ValuedBy::Information] {
            testing::merging(
                |batch| OperatingCurve::new(&batch.levels, valued_by),
                |metric, part| metric.update(part.truths, part.log_probs, part.weights),
            );
        }
    }

    /// The rule as it is defined, for thresholds just below a probability.
    fn answer(hierarchy: &Hierarchy, log_p: &[f64], below: f64) -> NodeId {
        let order = |node: &NodeId| {
            let classes = std::cmp::Reverse(hierarchy.count_classes_below(*node));
            (classes, log_p[node.index()], hierarchy.depth(*node), std::cmp::Reverse(*node))
        };
        let passing = hierarchy.nodes().skip(1).filter(|node| log_p[node.index()] >= below);
        passing.max_by(|a, b| order(a).partial_cmp(&order(b)).unwrap()).unwrap_or(NodeId::ROOT)
    }

    #[test]
    fn points_are_those_of_the_rule_at_each_threshold() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            let width = hierarchy.node_count();
            let truths = batch.levels.truths(&batch.labels).unwrap();
            for valued_by in [ValuedBy::Depth, ValuedBy::Information] {
                let mut metric = OperatingCurve::new(&batch.levels, valued_by);
                metric.update(&truths, &batch.log_probs, Some(&batch.weights)).unwrap();
                let found = metric.compute();
                let mut thresholds: Vec<f64> = metric.changes.iter().map(|(log_p, _)| *log_p).collect();
                thresholds.sort_by(|a, b| b.total_cmp(a));
                thresholds.dedup();
                assert!(found.rows == 0.0 || found.points.len() == thresholds.len() + 1);
                // The first point is the root's.
                for (point, below) in found.points.iter().zip([f64::INFINITY].into_iter().chain(thresholds)) {
                    let mut sums = [0.0; 4];
                    for row in (0..truths.len()).filter(|row| truths.takes_part(*row)) {
                        let log_p = &batch.log_probs[row * width..(row + 1) * width];
                        let values = measured(valued_by, &truths, row, answer(hierarchy, log_p, below));
                        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += batch.weights[row] * value);
                    }
                    let [recall, precision, correct, exact] = sums.map(|sum| Some(sum / found.rows));
                    testing::assert_close(Some(point.recall), recall);
                    testing::assert_close(Some(point.precision), precision);
                    testing::assert_close(Some(point.correct), correct);
                    testing::assert_close(Some(point.exact), exact);
                }
                // The areas by their definition: for each point the best of those with at least its recall.
                let mut by_recall: Vec<&OperatingPoint> = found.points.iter().collect();
                by_recall.sort_by(|a, b| a.recall.total_cmp(&b.recall));
                let mut area = 0.0;
                for (at, point) in by_recall.iter().enumerate() {
                    let best = by_recall[at..].iter().map(|other| other.correct).fold(0.0, f64::max);
                    area += (point.recall - if at == 0 { 0.0 } else { by_recall[at - 1].recall }) * best;
                }
                testing::assert_close(found.average_correct, (found.rows > 0.0).then_some(area));
            }
        });
    }

    /// In trees, from 1 to 1/2.
    #[test]
    fn curves_are_monotone_where_theory_says_so() {
        testing::many(|batch| {
            if !batch.hierarchy().is_tree() || !batch.agrees {
                return;
            }
            for valued_by in [ValuedBy::Depth, ValuedBy::Information] {
                let found = operating_curve(&batch.levels, &batch.labels, &batch.log_probs, None, valued_by).unwrap();
                let upper: Vec<&OperatingPoint> = found.points.iter().filter(|point| point.below > 0.5).collect();
                for pair in upper.windows(2) {
                    let rounding = 1e-15;
                    assert!(pair[1].below <= pair[0].below && pair[1].recall >= pair[0].recall - rounding);
                    assert!(pair[1].precision <= pair[0].precision + rounding);
                    assert!(pair[1].correct <= pair[0].correct + rounding);
                }
            }
        });
    }

    #[test]
    fn certain_rows_coarse_labels_and_nothing() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let never = f64::NEG_INFINITY;
        // root, mammal, bat, dog, bird, crow: a certain bat, by a masked bird.
        let row = [0.0, 0.0, 0.0, never, never, never];
        let of = |label: &str| {
            let labels = [hierarchy.parse_label(label).unwrap()];
            operating_curve(&levels, &labels, &row, None, ValuedBy::Depth).unwrap()
        };
        let bat = of("bat");
        assert_eq!(
            (bat.average_correct, bat.average_precision, bat.average_correct_exact),
            (Some(1.0), Some(1.0), Some(1.0))
        );
        assert_eq!((bat.points.len(), bat.at(0.99).unwrap().exact, bat.at(1.0)), (2, 1.0, None));
        let mammal = of("mammal"); // the bat is below it
        assert_eq!((mammal.average_precision, mammal.points[1].exact), (Some(1.0), 1.0));
        let crow = of("crow");
        assert_eq!((crow.average_correct, crow.recall_at_precision(0.5)), (Some(0.0), 0.0));
        let nothing = of("");
        assert_eq!((nothing.rows, nothing.average_precision, nothing.points.len()), (0.0, None, 0));
        assert!(nothing.at(0.5).is_none() && nothing.thinned(5).is_empty());
    }

    #[test]
    fn a_picture_has_few_points() {
        testing::many(|batch| {
            let found = operating_curve(&batch.levels, &batch.labels, &batch.log_probs, None, ValuedBy::Depth).unwrap();
            for points in [2, 5, 1000] {
                let few = found.thinned(points);
                assert!(
                    few.len() <= points && few.first() == found.points.first() && few.last() == found.points.last()
                );
            }
        });
    }
}
