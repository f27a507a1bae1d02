//! How far off the most probable classes are.

use serde::{Deserialize, Serialize};

use super::lca_height::sums;
use super::log_probs::LogProbs;
use super::state::{Origin, State, check_count, check_rows, check_sums, meet};
use super::{ExactSum, Levels, Metric, Ratio, Truths, other_shape, share, weight};
use crate::criterion::{InputError, InputErrorKind};
use crate::numeric::Float;
use crate::{Hierarchy, Label, NodeId};

/// Hierarchical distance at `k` (Bertinetto et al. 2020): the mean height of the lowest common ancestor of the label's node and
/// each of the `k` most probable classes. In `[0, H]`, `H` the height of the root; low is good, and for `k` above 1 it is not
/// 0: the least that it can be is that of the `k` classes nearest to the truth.
///
/// At 1 it is [`lca_height`](super::LcaHeight) of the decision `argmax_leaf`. Of equally probable classes the deeper one is
/// first, then the one with the lower node index, as there. A class at or below the label's node has height 0, and of a union
/// the least over its nodes counts.
///
/// # What published code does differently
///
/// Bertinetto et al. (making-better-mistakes) averages over batches, so that a smaller last batch counts more a row; its
/// "avg. mistake" distances at `k` are those of the rows whose first class is wrong.
///
/// # Example
///
/// ```
/// use klados::metrics::{DistanceAtK, Levels, Metric};
/// use klados::{Hierarchy, NodeLogProbs};
///
/// let edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat")];
/// let hierarchy = Hierarchy::from_edges(edges)?;
/// let levels = Levels::new(&hierarchy);
/// let mut log_p = vec![0.0; hierarchy.node_count()];
/// NodeLogProbs::new(&hierarchy).forward(&[2.0, 1.0, 3.0], &mut log_p)?; // crow, robin, bat
///
/// let mut metric = DistanceAtK::new(&levels, &[1, 2])?;
/// metric.update(&levels.truths(&[hierarchy.parse_label("crow")?])?, &log_p, None)?;
/// let [at_1, at_2] = &metric.compute()[..] else { panic!("two") };
/// assert_eq!((at_1.value, at_2.value), (Some(2.0), Some(1.0))); // bat: 2, crow: 0
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DistanceAtK {
    of: Origin,
    distances: Vec<Distance>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Distance {
    k: usize,
    /// By the sum of a row's heights: the rows, or their weights.
    heights: Vec<ExactSum>,
}

/// What [`DistanceAtK`] computes of a `k`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistanceValue {
    /// So many classes.
    pub k: usize,
    /// The rows that take part, or the sum of their weights.
    pub rows: f64,
    /// The mean height; none where no row takes part.
    pub value: Option<f64>,
}

/// [`DistanceAtK`] of one batch and one `k`; none where no row takes part.
///
/// # Errors
///
/// As those of [`Levels::truths`], [`DistanceAtK::new`] and [`DistanceAtK::update`].
pub fn distance_at_k<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    k: usize,
    weights: Option<&[f64]>,
) -> Result<Option<f64>, InputError> {
    let mut metric = DistanceAtK::new(levels, &[k])?;
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute()[0].value)
}

impl DistanceAtK {
    /// Of no rows yet, for each of some `k`, by which the time of a row does not grow much.
    ///
    /// # Errors
    ///
    /// A `k` that is 0 or above the number of classes.
    pub fn new(levels: &Levels, ks: &[usize]) -> Result<Self, InputError> {
        let hierarchy = levels.hierarchy();
        ks.iter().try_for_each(|k| check_k(*k, hierarchy))?;
        let tallest = hierarchy.height(NodeId::ROOT);
        let of = |k: &usize| Distance { k: *k, heights: vec![ExactSum::new(); k * tallest + 1] };
        Ok(Self { of: Origin::new(levels), distances: ks.iter().map(of).collect() })
    }

    /// Adds rows by the log-probabilities of all nodes, `[batch, nodes]`: see [`NodeLogProbs`](crate::NodeLogProbs). Those of
    /// the classes are looked at.
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
        let sums = self.sums(truths, log_probs, weights)?;
        let width = self.distances.len();
        for (row, sums) in sums.chunks_exact(width.max(1)).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            for (distance, sum) in self.distances.iter_mut().zip(sums) {
                distance.heights[*sum].add(weight(weights, row));
            }
        }
        Ok(())
    }

    /// What each row adds, `[batch, number of k]`: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn ratios<F: Float>(
        &self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        let sums = self.sums(truths, log_probs, weights)?;
        let width = self.distances.len();
        let of = |(at, sum): (usize, &usize)| {
            let (row, distance) = (at / width, at % width);
            match truths.takes_part(row) {
                true => Ratio::weighted(*sum as f64 / self.distances[distance].k as f64, weight(weights, row)),
                false => Ratio::default(),
            }
        };
        Ok(sums.iter().enumerate().map(of).collect())
    }

    /// The sums of the heights of the first `k`, `[batch, number of k]`; 0 where a row takes no part.
    fn sums<F: Float>(
        &self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<Vec<usize>, InputError> {
        check_rows(self, truths)?;
        truths.check_single()?;
        let log_probs = LogProbs::new(truths, log_probs, weights)?;
        let (width, most) = (self.distances.len(), self.distances.iter().map(|distance| distance.k).max().unwrap_or(0));
        let mut best: Vec<(F, NodeId)> = Vec::with_capacity(most + 1);
        // By the number of classes: the sum of their heights.
        let mut of_first = vec![0; most + 1];
        let mut sums = vec![0; truths.len() * width];
        for (row, sums) in sums.chunks_exact_mut(width.max(1)).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            most_probable(log_probs.row(row), truths.levels().classes(), most, &mut best);
            for (at, (_, class)) in best.iter().enumerate() {
                of_first[at + 1] = of_first[at] + truths.lca_height(row, *class);
            }
            sums.iter_mut().zip(&self.distances).for_each(|(sum, distance)| *sum = of_first[distance.k]);
        }
        Ok(sums)
    }
}

/// The most probable nodes, the first of equally probable ones first.
fn most_probable<F: Float>(log_p: &[F], nodes: &[NodeId], most: usize, best: &mut Vec<(F, NodeId)>) {
    best.clear();
    for some in nodes.chunks(8) {
        // Few of them are among the first, and looking at eight at once is as quick as at one.
        if let Some(last) = best.last().filter(|_| best.len() == most)
            && some.iter().fold(true, |none, node| none & (log_p[node.index()] <= last.0))
        {
            continue;
        }
        for node in some {
            let value = log_p[node.index()];
            if best.len() == most && best.last().is_none_or(|last| value <= last.0) {
                continue;
            }
            best.truncate(most.saturating_sub(1));
            best.insert(best.partition_point(|better| better.0 >= value), (value, *node));
        }
    }
}

fn check_k(k: usize, hierarchy: &Hierarchy) -> Result<(), InputError> {
    let classes = hierarchy.class_count();
    if (1..=classes).contains(&k) {
        return Ok(());
    }
    let message = format!("the distance at {k} is of {k} classes, expected from 1 to {classes}");
    Err(InputError::new(InputErrorKind::OutOfRange, message))
}

impl State for DistanceAtK {
    const NAME: &'static str = "distance_at_k";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        let hierarchy = levels.hierarchy();
        for distance in &self.distances {
            check_k(distance.k, hierarchy).map_err(|error| format!("is wrong: {error}"))?;
            check_count("sums of heights", distance.heights.len(), distance.k * hierarchy.height(NodeId::ROOT) + 1)?;
            check_sums(&distance.heights)?;
        }
        Ok(())
    }
}

impl Metric for DistanceAtK {
    /// In the order of the `k` that were asked for.
    type Value = Vec<DistanceValue>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        let shape = |metric: &Self| {
            metric.distances.iter().map(|distance| (distance.k, distance.heights.len())).collect::<Vec<_>>()
        };
        meet(self, other)?;
        if shape(self) != shape(other) {
            return Err(other_shape("distance_at_k"));
        }
        for (distance, more) in self.distances.iter_mut().zip(&other.distances) {
            distance.heights.iter_mut().zip(&more.heights).for_each(|(sum, more)| sum.merge(more));
        }
        Ok(())
    }

    fn compute(&self) -> Vec<DistanceValue> {
        let of = |distance: &Distance| {
            let (rows, total) = sums(&distance.heights);
            let value = share(&total, &rows).map(|sum| sum / distance.k as f64);
            DistanceValue { k: distance.k, rows: rows.value(), value }
        };
        self.distances.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{lca_height, testing};
    use super::*;

    /// root; bird: crow, robin; mammal: bat, dog.
    fn hierarchy() -> Hierarchy {
        Hierarchy::from_edges([("bird", "crow"), ("bird", "robin"), ("mammal", "bat"), ("mammal", "dog")]).unwrap()
    }

    #[test]
    fn by_hand() {
        let hierarchy = hierarchy();
        let levels = Levels::new(&hierarchy);
        let label = |text: &str| hierarchy.parse_label(text).unwrap();
        // root, bird, crow, robin, mammal, bat, dog: only the classes count.
        let first = [0.0, -0.1, -3.0, -1.0, -0.2, -2.0, -9.0]; // robin, bat, crow, dog
        let second = [0.0, -0.1, -2.0, -2.0, -0.2, f64::NEG_INFINITY, -2.0]; // crow, robin, dog, bat
        let rows = [first, second, second, [f64::NAN; 7]].concat();
        let labels = [label("crow"), label("mammal"), label("crow|dog"), Label::Ignored];
        let at =
            |k: usize, weights: Option<&[f64]>| distance_at_k(&levels, &labels, &rows, k, weights).unwrap().unwrap();
        // crow: 1, 2, 0, 2. mammal: 2, 2, 0, 0. crow or dog: 0, 1, 0, 1.
        assert_eq!(at(1, None), 3.0 / 3.0);
        assert_eq!(at(2, None), (3.0 + 4.0 + 1.0) / 6.0);
        assert_eq!(at(3, None), (3.0 + 4.0 + 1.0) / 9.0);
        assert_eq!(at(4, None), (5.0 + 4.0 + 2.0) / 12.0);
        assert_eq!(at(2, Some(&[1.0, 0.0, 3.0, 5.0])), (3.0 + 3.0) / 8.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let hierarchy = hierarchy();
        let levels = Levels::new(&hierarchy);
        let error = DistanceAtK::new(&levels, &[1, 5]).unwrap_err();
        assert_eq!(error.to_string(), "the distance at 5 is of 5 classes, expected from 1 to 4");
        let error = distance_at_k(&levels, &[Label::Class(0)], &[f32::NAN; 7], 1, None).unwrap_err();
        assert_eq!(error.row(), Some(0));
        assert_eq!(distance_at_k(&levels, &[], &[0f32; 0], 1, None).unwrap(), None);
    }

    #[test]
    fn by_definition() {
        testing::many(|batch| {
            let (hierarchy, classes) = (batch.hierarchy(), batch.hierarchy().class_count());
            let nodes = hierarchy.node_count();
            let sorted = |row: usize| {
                let mut sorted: Vec<NodeId> = (0..classes).map(|class| hierarchy.class_node(class)).collect();
                sorted.sort_by(|a, b| {
                    let key = |node: &NodeId| batch.log_probs[row * nodes + node.index()];
                    key(b).total_cmp(&key(a)).then(hierarchy.depth(*b).cmp(&hierarchy.depth(*a))).then(a.cmp(b))
                });
                sorted
            };
            let rows: Vec<Vec<NodeId>> = (0..batch.labels.len()).map(sorted).collect();
            let weights = Some(&batch.weights[..]);
            // The mean over the first k is the mean of what each place has.
            let height = |place: usize| {
                let answers: Vec<NodeId> = rows.iter().map(|row| row[place]).collect();
                lca_height(&batch.levels, &batch.labels, &answers, weights).unwrap()
            };
            for k in 1..=classes {
                let found = distance_at_k(&batch.levels, &batch.labels, &batch.log_probs, k, weights).unwrap();
                let heights: Option<Vec<f64>> = (0..k).map(height).collect();
                testing::assert_close(found, heights.map(|heights| heights.iter().sum::<f64>() / k as f64));
                assert!(k > 1 || found == height(0));
            }
        });
    }

    #[test]
    fn what_rows_add_makes_the_value() {
        testing::many(|batch| {
            let classes = batch.hierarchy().class_count();
            let mut metric = DistanceAtK::new(&batch.levels, &[1, classes]).unwrap();
            let truths = batch.levels.truths(&batch.labels).unwrap();
            metric.update(&truths, &batch.log_probs, None).unwrap();
            let ratios = metric.ratios(&truths, &batch.log_probs, None).unwrap();
            let sum = |at: usize| ratios.iter().skip(at).step_by(2).map(|ratio| ratio.numerator).sum::<f64>();
            let rows: f64 = ratios.iter().step_by(2).map(|ratio| ratio.denominator).sum();
            for (at, value) in metric.compute().iter().enumerate() {
                assert_eq!(value.rows, rows);
                testing::assert_close(value.value, (rows > 0.0).then(|| sum(at) / rows));
            }
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| {
                let classes = batch.hierarchy().class_count();
                DistanceAtK::new(&batch.levels, &[1, classes.div_ceil(2), classes]).unwrap()
            },
            |metric, part| metric.update(part.truths, part.log_probs, part.weights),
        );
    }
}
