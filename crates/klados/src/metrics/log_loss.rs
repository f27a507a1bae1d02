//! Log loss per level.

use serde::{Deserialize, Serialize};

use super::log_probs::LogProbs;
use super::ratio::LevelRatios;
use super::state::{Origin, State, meet, meet_rows};
use super::{LevelValue, Levels, Metric, Ratio, Truths, weight};
use crate::Label;
use crate::criterion::InputError;
use crate::numeric::Float;

/// Log loss per level: the mean, over the rows whose label reaches down to a level, of `-log P` of its node there, in nats. In
/// `[0, inf]`; 0 is best, and a uniform guess among `n` nodes has `ln n`. A proper scoring rule (Good 1952).
///
/// It is taken straight from the log-probabilities: 1000 stays 1000, and it is infinite only where a row gives its true node
/// the probability 0. In a DAG a level may have several nodes above a class; the row's loss is then the mean over those.
///
/// # What published code does differently
///
/// `log_loss` of scikit-learn takes probabilities and moves them away from 0 by the resolution of their type (in `f64` to
/// `2e-16`), so that a row costs at most 36; `f32` probabilities at most 16. It knows one level.
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, LogLoss, Metric};
/// use klados::{Hierarchy, NodeLogProbs};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let labels = [hierarchy.parse_label("bat")?, hierarchy.parse_label("bird")?];
/// let mut log_p = vec![0f64; 2 * hierarchy.node_count()];
/// NodeLogProbs::new(&hierarchy).forward(&[0f64; 8], &mut log_p)?; // uniform
///
/// let mut metric = LogLoss::new(&levels);
/// metric.update(&levels.truths(&labels)?, &log_p, None)?;
/// let [top, class] = &metric.compute()[..] else { panic!("two levels") };
/// assert!((top.value.unwrap() - 2f64.ln()).abs() < 1e-15);
/// assert!((class.value.unwrap() - 4f64.ln()).abs() < 1e-15 && class.rows == 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogLoss {
    sums: LevelRatios,
}

/// [`LogLoss`] of one batch, from the top level.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`LogLoss::update`].
pub fn log_loss<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
) -> Result<Vec<LevelValue>, InputError> {
    let mut metric = LogLoss::new(levels);
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl LogLoss {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        Self { sums: LevelRatios::new(levels) }
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
        self.sums.add(&Self::ratios(truths, log_probs, weights)?);
        Ok(())
    }

    /// What each row adds, `[batch, levels]`: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn ratios<F: Float>(
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        truths.check_single()?;
        let log_probs = LogProbs::new(truths, log_probs, weights)?;
        let levels = truths.levels().all();
        let mut ratios = vec![Ratio::default(); truths.len() * levels.len()];
        for (row, ratios) in ratios.chunks_exact_mut(levels.len()).enumerate() {
            for (level, ratio) in ratios.iter_mut().enumerate() {
                let true_nodes = truths.true_nodes(row, level);
                let count = true_nodes.clone().count();
                if count > 0 {
                    let log_p: f64 = true_nodes.map(|node| log_probs.log_p(row, node)).sum();
                    // Not -0.
                    *ratio = Ratio::weighted(0.0 - log_p / count as f64, weight(weights, row));
                }
            }
        }
        Ok(ratios)
    }
}

impl State for LogLoss {
    const NAME: &'static str = "log_loss";

    fn origin(&self) -> &Origin {
        &self.sums.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.sums.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        self.sums.check(levels)
    }
}

impl Metric for LogLoss {
    /// From the top.
    type Value = Vec<LevelValue>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        self.sums.merge(&other.sums);
        Ok(())
    }

    fn compute(&self) -> Vec<LevelValue> {
        self.sums.compute()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::Hierarchy;
    use crate::NodeId;
    use crate::numeric::scalar::exp;
    use crate::numeric::scalar::ln;

    /// P by node: root 1, mammal 0.5, bat 0.2, dog 0.3, bird 0.5, crow 0.5.
    fn animals() -> (Levels, [f64; 6]) {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
        (Levels::new(&hierarchy), [1.0, 0.5, 0.2, 0.3, 0.5, 0.5].map(ln))
    }

    fn values(found: &[LevelValue]) -> Vec<(f64, Option<f64>)> {
        found.iter().map(|level| (level.rows, level.value)).collect()
    }

    #[test]
    fn what_the_label_does_not_say_takes_no_part() {
        let (levels, row) = animals();
        let labels = ["bat", "mammal", "bat|dog", "bird", "", "bat|crow"];
        let labels = labels.map(|label| levels.hierarchy().parse_label(label).unwrap());
        let rows = row.repeat(6);
        let (half, fifth) = (0.0 - ln(0.5), 0.0 - ln(0.2));
        // Of bat|crow nothing is known; the bird, with a single class below it, is the crow.
        let found = log_loss(&levels, &labels, &rows, None).unwrap();
        assert_eq!(values(&found), [(4.0, Some(half)), (2.0, Some((fifth + half) / 2.0))]);
        let weights = [0.5, 0.0, 0.0, 1.5, 1.0, 1.0];
        let found = log_loss(&levels, &labels, &rows, Some(&weights)).unwrap();
        assert_eq!(values(&found), [(2.0, Some(half)), (2.0, Some((0.5 * fifth + 1.5 * half) / 2.0))]);
        let none = log_loss::<f64>(&levels, &[], &[], None).unwrap();
        assert_eq!(values(&none), [(0.0, None), (0.0, None)]);
        assert_eq!(log_loss(&levels, &labels[4..5], &[f64::NAN; 6], None).unwrap(), none);
    }

    #[test]
    fn losses_come_straight_from_log_p() {
        let (levels, mut row) = animals();
        let labels = [Label::Class(0)];
        row[1..3].copy_from_slice(&[-1e-40, -1e4]);
        let found = log_loss(&levels, &labels, &row, None).unwrap();
        assert_eq!(values(&found), [(1.0, Some(1e-40)), (1.0, Some(1e4))]);
        row[2] = f64::NEG_INFINITY;
        assert_eq!(log_loss(&levels, &labels, &row, None).unwrap()[1].value, Some(f64::INFINITY));
        let weightless =
            log_loss(&levels, &[Label::Class(0), Label::Class(0)], &row.repeat(2), Some(&[0.0, 0.0])).unwrap();
        assert_eq!(values(&weightless), [(0.0, None); 2]);
    }

    #[test]
    fn several_nodes_of_a_level_share_a_row() {
        let edges = [("pet", "dog"), ("mammal", "dog"), ("pet", "parrot"), ("mammal", "bat")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let mut log_p = vec![0.0; hierarchy.node_count()];
        for (name, p) in [("pet", 0.75), ("mammal", 0.5), ("dog", 0.25), ("parrot", 0.5), ("bat", 0.25)] {
            log_p[hierarchy.node(name).unwrap().index()] = ln(p);
        }
        let found = log_loss(&levels, &[hierarchy.parse_label("dog").unwrap()], &log_p, None).unwrap();
        assert_eq!(found[0].value, Some(0.0 - (ln(0.75) + ln(0.5)) / 2.0));
        assert_eq!(found[1].value, Some(0.0 - ln(0.25)));
    }

    #[test]
    fn bad_rows_are_named_and_nothing_is_added() {
        let (levels, row) = animals();
        let labels = [Label::Class(0), Label::Class(1)];
        let truths = levels.truths(&labels).unwrap();
        let mut metric = LogLoss::new(&levels);
        let mut rows = row.repeat(2);
        rows[8] = f64::NAN;
        let error = metric.update(&truths, &rows, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1: the log-probability of mammal > bat is NaN, expected a number of at most 0"
        );
        rows[8] = 0.5; // a logit
        assert!(metric.update(&truths, &rows, None).is_err() && metric.update(&truths, &row, None).is_err());
        rows[8] = 1e-7; // rounding
        assert!(metric.update(&truths, &rows, Some(&[1.0, -1.0])).is_err());
        assert_eq!(values(&metric.compute()), [(0.0, None); 2]);
        metric.update(&truths, &rows, None).unwrap();
        let set = [Label::Set { positive: vec![], masked: vec![] }];
        assert!(metric.update(&levels.truths(&set).unwrap(), &row, None).is_err());
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| LogLoss::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.log_probs, part.weights),
        );
    }

    /// By the definition: the nodes of a level are told apart by what the label's classes say of them.
    #[test]
    fn levels_of_random_hierarchies() {
        testing::many(|batch| {
            let found = log_loss(&batch.levels, &batch.labels, &batch.log_probs, Some(&batch.weights)).unwrap();
            for (level, found) in batch.levels.all().iter().zip(found) {
                let (mut above, mut below) = (0.0, 0.0);
                for (row, label) in batch.labels.iter().enumerate() {
                    let Some(classes) = batch.classes_of(label) else { continue };
                    let p = |node: &NodeId| exp(batch.log_probs[row * batch.hierarchy().node_count() + node.index()]);
                    let holds = |node: &&NodeId| batch.below(**node).is_superset(&classes);
                    let true_nodes: Vec<&NodeId> = level.candidates().iter().filter(holds).collect();
                    // A weight of 0 takes an infinite loss away.
                    if true_nodes.is_empty() || batch.weights[row] == 0.0 {
                        continue;
                    }
                    let losses = true_nodes.iter().map(|node| 0.0 - ln(p(node)));
                    above += batch.weights[row] * losses.sum::<f64>() / true_nodes.len() as f64;
                    assert!(true_nodes.len() == 1 || !batch.hierarchy().is_tree());
                    below += batch.weights[row];
                }
                assert_eq!(found.level, level.name());
                testing::assert_close(Some(found.rows), Some(below));
                testing::assert_close(found.value, (below > 0.0).then_some(above / below));
            }
        });
    }
}
