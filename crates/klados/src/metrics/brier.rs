//! Brier score per level.

use serde::{Deserialize, Serialize};

use super::log_probs::{LogProbs, Probabilities};
use super::ratio::LevelRatios;
use super::state::{Origin, State, meet, meet_rows};
use super::{LevelValue, Levels, Metric, Ratio, Says, Truths, weight};
use crate::Label;
use crate::criterion::InputError;
use crate::numeric::{Float, scalar};

/// Brier score per level: the mean, over the rows whose label reaches down to a level, of
/// `sum_v (P(v) - [v is the true node])^2` over the nodes of the level (Brier 1950). In `[0, 2]`; 0 is best, and a uniform
/// guess among `n` nodes has `1 - 1/n`. A proper scoring rule.
///
/// `1 - P` of the true node is taken from `log P` without cancellation. In a DAG a level may have several nodes above a class,
/// all of which are true; what the label does not say of takes no part, and the range ends at the number of nodes.
///
/// # What published code does differently
///
/// Two conventions are in use. This is Brier's own, over all nodes. `brier_score_loss` of scikit-learn takes two classes and
/// the term of the positive one alone, which is half of it, in `[0, 1]`; from version 1.7 its `scale_by_half` chooses, and is
/// on for two classes. Others divide by the number of classes.
///
/// # Example
///
/// ```
/// use klados::metrics::{Brier, Levels, Metric};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let log_p = [1.0f64, 0.5, 0.5, 0.5, 0.25, 0.25].map(f64::ln); // root, mammal, bat, bird, crow, robin
///
/// let mut metric = Brier::new(&levels);
/// metric.update(&levels.truths(&[hierarchy.parse_label("crow")?])?, &log_p, None)?;
/// let [top, class] = &metric.compute()[..] else { panic!("two levels") };
/// assert!((top.value.unwrap() - (0.25 + 0.25)).abs() < 1e-15);
/// assert!((class.value.unwrap() - (0.25 + 0.5625 + 0.0625)).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Brier {
    sums: LevelRatios,
}

/// [`Brier`] of one batch, from the top level.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`Brier::update`].
pub fn brier<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
) -> Result<Vec<LevelValue>, InputError> {
    let mut metric = Brier::new(levels);
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl Brier {
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
        let is_tree = truths.levels().hierarchy().is_tree();
        let mut ratios = vec![Ratio::default(); truths.len() * levels.len()];
        let mut probabilities = Probabilities::default();
        for (row, ratios) in
            ratios.chunks_exact_mut(levels.len()).enumerate().filter(|(row, _)| truths.takes_part(*row))
        {
            log_probs.probabilities(row, &mut probabilities);
            let p = &mut probabilities.p;
            for (at, (level, ratio)) in levels.iter().zip(ratios).enumerate() {
                let true_nodes = truths.true_nodes(row, at);
                if true_nodes.clone().next().is_none() {
                    continue;
                }
                let mut score = 0.0;
                for node in true_nodes {
                    let missing = scalar::one_minus_exp(log_probs.log_p(row, node));
                    score += missing * missing;
                    p[node.index()] = 0.0; // of this level alone, where it is done with
                }
                // Where the label reaches a level of a tree, all its other nodes fail: none is above another.
                let others =
                    level.candidates().iter().filter(|node| is_tree || truths.says(row, **node) == Says::Fails);
                score += others.map(|node| p[node.index()] * p[node.index()]).sum::<f64>();
                *ratio = Ratio::weighted(score, weight(weights, row));
            }
        }
        Ok(ratios)
    }
}

impl State for Brier {
    const NAME: &'static str = "brier";

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

impl Metric for Brier {
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

    #[test]
    fn what_is_known_of_a_level_is_scored() {
        let edges = [("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin"), ("plant", "pine")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let mut log_p = vec![0.0; hierarchy.node_count()];
        let p = [("animal", 0.75), ("sponge", 0.25), ("bird", 0.5), ("crow", 0.375), ("robin", 0.125), ("plant", 0.25)];
        for (name, p) in p.into_iter().chain([("pine", 0.25)]) {
            log_p[hierarchy.node(name).unwrap().index()] = ln(p);
        }
        let of = |label: &str| {
            let labels = [hierarchy.parse_label(label).unwrap()];
            let found = brier(&levels, &labels, &log_p, None).unwrap();
            found.iter().map(|level| level.value.map(|value| (value * 64.0).round() / 64.0)).collect::<Vec<_>>()
        };
        // Levels: animal, plant / sponge, bird, pine / crow, robin, sponge, pine. In 64ths.
        let score = |squares: &[i32]| Some(f64::from(squares.iter().map(|x| x * x).sum::<i32>()) / 64.0);
        assert_eq!(of("crow"), [score(&[2, 2]), score(&[2, 4, 2]), score(&[5, 1, 2, 2])]);
        assert_eq!(of("sponge"), [score(&[2, 2]), score(&[6, 4, 2]), score(&[3, 1, 6, 2])]);
        assert_eq!(of("bird"), [score(&[2, 2]), score(&[2, 4, 2]), None]);
        assert_eq!(of("animal"), [score(&[2, 2]), None, None]);
        assert_eq!(of("crow|robin"), of("bird"));
        assert_eq!(of("crow|sponge"), of("animal"));
    }

    /// P of the true class is 1 - 1e-20, which no `f64` is.
    #[test]
    fn scores_near_0_keep_their_digits() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let score = brier(&levels, &[Label::Class(0)], &[0.0, -1e-20, ln(1e-20)], None).unwrap();
        assert!((score[0].value.unwrap() / 2e-40 - 1.0).abs() < 1e-13);
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Brier::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.log_probs, part.weights),
        );
    }

    /// By the definition: the nodes of a level are told apart by what the label's classes say of them.
    #[test]
    fn levels_of_random_hierarchies() {
        testing::many(|batch| {
            let found = brier(&batch.levels, &batch.labels, &batch.log_probs, Some(&batch.weights)).unwrap();
            for (level, found) in batch.levels.all().iter().zip(found) {
                let (mut above, mut below) = (0.0, 0.0);
                for (row, label) in batch.labels.iter().enumerate() {
                    let Some(classes) = batch.classes_of(label) else { continue };
                    let p = |node: &NodeId| exp(batch.log_probs[row * batch.hierarchy().node_count() + node.index()]);
                    let holds = |node: &&NodeId| batch.below(**node).is_superset(&classes);
                    let fails = |node: &&NodeId| batch.below(**node).is_disjoint(&classes);
                    let true_nodes: Vec<&NodeId> = level.candidates().iter().filter(holds).collect();
                    if true_nodes.is_empty() {
                        continue;
                    }
                    let right = true_nodes.iter().map(|node| (1.0 - p(node)) * (1.0 - p(node)));
                    let wrong = level.candidates().iter().filter(fails).map(|node| p(node) * p(node));
                    above += batch.weights[row] * (right.sum::<f64>() + wrong.sum::<f64>());
                    below += batch.weights[row];
                }
                assert_eq!(found.level, level.name());
                testing::assert_close(Some(found.rows), Some(below));
                testing::assert_close(found.value, (below > 0.0).then_some(above / below));
            }
        });
    }
}
