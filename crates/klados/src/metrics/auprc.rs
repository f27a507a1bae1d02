//! Area under the precision-recall curve, over nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::log_probs::{LogProbs, Probabilities};
use super::ranking::{Ranking, Step, average_precision, average_precision_bounds};
use super::state::{Origin, State, check_count, check_names, check_sums, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Says, Truths, other_shape, weight};
use crate::criterion::{InputError, InputErrorKind};
use crate::numeric::{Float, scalar};
use crate::{Label, NodeId};

/// The area under the precision-recall curve of "this node holds of this row", for multi-label rows and others: over all pairs
/// of a row and a node at once (micro), as the mean over the nodes (macro), and both per level. In `[0, 1]`; 1 is best, and
/// scores that say nothing have the share of positives.
///
/// Micro is the AU(PRC) of Giunchiglia & Lukasiewicz (2020) and of most work on hierarchical multi-label classification (Vens
/// et al. 2008): frequent nodes, those near the root, weigh most. Macro weighs nodes alike; nodes without a positive row have
/// no curve and are left out. The root, which always holds, takes no part, nor do nodes of which a label says nothing, be they
/// masked or below a coarse label.
///
/// The area is the average precision, `sum_i (R_i - R_(i-1)) P_i` over falling probability, equal probabilities taken together:
/// that of `average_precision_score` of scikit-learn, not the trapezoid rule, which is too high (Davis & Goadrich 2006).
///
/// # Memory
///
/// Exactly, each pair keeps 16 bytes: 1,000 nodes and 10,000 rows are 160 MB. With [`thresholds`](Self::with_thresholds)
/// only counts are kept, 16 bytes a node and threshold: probabilities are rounded down to a multiple of `1 / (thresholds -
/// 1)`, as torchmetrics does. Sample weights that are not whole numbers are summed exactly, in about 300 bytes for each node
/// and threshold that rows reach. Many nodes of a deep hierarchy have small probabilities, which all fall below the lowest
/// threshold: take the exact area where it fits.
///
/// How far the area by thresholds may be from the exact one is known, and comes with it as bounds: within a threshold the
/// right pairs come first at best and last at worst. With `R` and `W` what is right and wrong above a threshold, `r` and `w`
/// at it, and `N` all that is right, the exact area is from
/// `1/N sum (r - (W + w) ln(1 + r / (R + W + w)))` to `1/N sum r (R + r) / (R + r + W)` over the thresholds, but for the
/// rounding of a probability at its threshold. Of an exact area both bounds are the area.
///
/// # What published code does differently
///
/// Work on hierarchical multi-label data counts all nodes, and those whose label is unknown as negative; what counts as a node
/// differs (some leave out the root, some do not). `average_precision_score(average="macro")` of scikit-learn counts a node
/// without positives as 0.
///
/// # Example
///
/// ```
/// use klados::metrics::{Auprc, Levels, Metric};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// // By row: root, mammal, bat, bird, crow, robin.
/// let log_p = [[1.0f64, 0.9, 0.8, 0.4, 0.3, 0.1], [1.0, 0.2, 0.1, 0.7, 0.6, 0.5]].concat();
/// let log_p: Vec<f64> = log_p.into_iter().map(f64::ln).collect();
/// let labels = [hierarchy.parse_label("bat;crow")?, hierarchy.parse_label("robin;")?];
///
/// let mut metric = Auprc::new(&levels);
/// metric.update(&levels.truths(&labels)?, &log_p, None)?;
/// let value = metric.compute();
/// // From 0.9 down: mammal, bat, bird, then crow (wrong), robin, bird, crow, and nothing more that holds.
/// let expected = (1.0 + 1.0 + 1.0 + 4.0 / 5.0 + 5.0 / 6.0 + 6.0 / 7.0) / 6.0;
/// assert!((value.micro.unwrap() - expected).abs() < 1e-15);
/// // Of the crow, the wrong row is before the right one.
/// assert_eq!(value.macro_average, Some((1.0 + 1.0 + 1.0 + 0.5 + 1.0) / 5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Auprc {
    of: Origin,
    levels: Vec<(String, Vec<NodeId>)>,
    nodes: Nodes,
}

/// By node, the root too.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "StoredNodes")]
enum Nodes {
    Exact(Vec<Ranking>),
    /// `[nodes, thresholds]`: the positives and the negatives from one threshold up to the next.
    Binned {
        thresholds: usize,
        counts: Vec<[u64; 2]>,
        /// By place in `counts`: the weights that are no counts.
        #[serde(default)]
        weights: BTreeMap<usize, [ExactSum; 2]>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredNodes {
    Exact(Vec<Ranking>),
    Binned {
        thresholds: usize,
        counts: Vec<[u64; 2]>,
        #[serde(default)]
        weights: BTreeMap<usize, [ExactSum; 2]>,
    },
}

/// Refuses what no counts can be: they may come from anywhere.
impl TryFrom<StoredNodes> for Nodes {
    type Error = String;

    fn try_from(stored: StoredNodes) -> Result<Self, String> {
        let (thresholds, counts, weights) = match stored {
            StoredNodes::Exact(rankings) => return Ok(Self::Exact(rankings)),
            StoredNodes::Binned { thresholds, counts, weights } => (thresholds, counts, weights),
        };
        check_thresholds(thresholds).map_err(|error| error.to_string())?;
        if !counts.len().is_multiple_of(thresholds) {
            return Err(format!("auprc has {} counts, expected {thresholds} for each node", counts.len()));
        }
        if let Some(place) = weights.keys().find(|place| **place >= counts.len()) {
            return Err(format!("auprc has weights at {place}, expected below {}", counts.len()));
        }
        Ok(Self::Binned { thresholds, counts, weights })
    }
}

/// What [`Auprc`] computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuprcValue {
    /// Over all pairs of a row and a node; none where no pair is positive.
    pub micro: Option<f64>,
    /// What `micro` is at least and at most without thresholds.
    pub micro_bounds: Option<[f64; 2]>,
    /// The mean over the nodes that hold of a row.
    pub macro_average: Option<f64>,
    /// What `macro_average` is at least and at most without thresholds.
    pub macro_bounds: Option<[f64; 2]>,
    /// From the top.
    pub levels: Vec<LevelAuprc>,
    /// Of the nodes that hold of a row, in hierarchy order.
    pub nodes: Vec<NodeAuprc>,
}

/// The area of a level's nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelAuprc {
    /// The level's name.
    pub level: String,
    /// Over all pairs of a row and a node of the level.
    pub micro: Option<f64>,
    /// What `micro` is at least and at most without thresholds.
    pub micro_bounds: Option<[f64; 2]>,
    /// The mean over the nodes of the level that hold of a row.
    pub macro_average: Option<f64>,
    /// What `macro_average` is at least and at most without thresholds.
    pub macro_bounds: Option<[f64; 2]>,
}

/// The area of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeAuprc {
    /// The node.
    pub node: NodeId,
    /// The rows that it holds of, or the sum of their weights.
    pub rows: f64,
    /// The area under its curve.
    pub auprc: f64,
    /// What that is at least and at most without thresholds.
    pub bounds: [f64; 2],
}

/// [`Auprc`] of one batch, exactly.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`Auprc::update`].
pub fn auprc<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
) -> Result<AuprcValue, InputError> {
    let mut metric = Auprc::new(levels);
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl Auprc {
    /// Of no rows yet, exactly: keeps all probabilities.
    pub fn new(levels: &Levels) -> Self {
        Self::of(levels, Nodes::Exact(vec![Ranking::default(); levels.hierarchy().node_count()]))
    }

    /// Of no rows yet, by the thresholds `0, 1 / (thresholds - 1), ..., 1`: keeps counts.
    ///
    /// # Errors
    ///
    /// Fewer than 2 thresholds, or more than a million.
    pub fn with_thresholds(levels: &Levels, thresholds: usize) -> Result<Self, InputError> {
        check_thresholds(thresholds)?;
        let counts = vec![[0; 2]; thresholds * levels.hierarchy().node_count()];
        Ok(Self::of(levels, Nodes::Binned { thresholds, counts, weights: BTreeMap::new() }))
    }

    fn of(levels: &Levels, nodes: Nodes) -> Self {
        let of = |level: &super::JudgedLevel| (level.name().to_owned(), level.candidates().to_vec());
        Self { of: Origin::new(levels), levels: levels.all().iter().map(of).collect(), nodes }
    }

    /// Adds rows of the log-probabilities of all nodes, `[batch, nodes]`.
    ///
    /// # Errors
    ///
    /// Labels of another hierarchy, lengths that do not fit, a log-probability that is NaN or above 0, a weight that is
    /// negative or not finite; nothing is added then.
    pub fn update<F: Float>(
        &mut self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        let log_probs = LogProbs::new(truths, log_probs, weights)?;
        let (mut probabilities, mut says) = (Probabilities::default(), Vec::new());
        for row in (0..truths.len()).filter(|row| truths.takes_part(*row)) {
            truths.of_all(row, &mut says);
            let weight = weight(weights, row);
            match &mut self.nodes {
                Nodes::Exact(nodes) => {
                    for (node, (ranking, says)) in nodes.iter_mut().zip(&says).enumerate().skip(1) {
                        if *says != Says::Unknown {
                            let log_p = log_probs.log_p(row, NodeId(node as u32));
                            ranking.add(log_p, *says == Says::Holds, weight);
                        }
                    }
                }
                Nodes::Binned { thresholds, counts, weights } => {
                    log_probs.probabilities(row, &mut probabilities);
                    let is_count = weight <= LARGEST_COUNT && weight.fract() == 0.0;
                    for (node, (p, says)) in probabilities.p.iter().zip(&says).enumerate().skip(1) {
                        if *says == Says::Unknown {
                            continue;
                        }
                        let (at, fails) =
                            (node * *thresholds + threshold_of(*p, *thresholds), usize::from(*says == Says::Fails));
                        match is_count {
                            true => counts[at][fails] = counts[at][fails].saturating_add(weight as u64),
                            false => weights.entry(at).or_default()[fails].add(weight),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The curve of some nodes together.
    fn steps(&self, some: &mut dyn Iterator<Item = usize>) -> Vec<Step> {
        match &self.nodes {
            Nodes::Exact(rankings) => Ranking::steps_of_all(some.filter_map(|node| rankings.get(node))),
            Nodes::Binned { thresholds, counts, weights } => {
                // Wide enough for the sum of any counts.
                let mut sums = vec![[0u128; 2]; *thresholds];
                let mut of_weights: BTreeMap<usize, [ExactSum; 2]> = BTreeMap::new();
                for node in some {
                    // Of a state that has not met its hierarchy a node may not be there.
                    let Some(node) = Some(node).filter(|node| *node < counts.len() / thresholds) else { continue };
                    let places = node * thresholds..(node + 1) * thresholds;
                    for (sum, count) in sums.iter_mut().zip(counts.get(places.clone()).unwrap_or_default()) {
                        *sum = [sum[0] + u128::from(count[0]), sum[1] + u128::from(count[1])];
                    }
                    for (place, more) in weights.range(places) {
                        merge_sums(of_weights.entry(place % thresholds).or_default(), more);
                    }
                }
                let mut reached = [0u128; 2];
                let mut weight_reached: [ExactSum; 2] = Default::default();
                let step = |(at, count): (usize, &[u128; 2])| {
                    let weights = of_weights.get(&at);
                    if *count == [0, 0] && weights.is_none() {
                        return None;
                    }
                    reached = [reached[0] + count[0], reached[1] + count[1]];
                    let mut values = reached.map(|count| count as f64);
                    if let Some(weights) = weights {
                        merge_sums(&mut weight_reached, weights);
                    }
                    if !of_weights.is_empty() {
                        for ((value, count), weight) in values.iter_mut().zip(reached).zip(&weight_reached) {
                            let mut sum = weight.clone();
                            sum.add(count as f64);
                            *value = sum.value();
                        }
                    }
                    let [right, wrong] = values;
                    Some(Step { log_p: scalar::ln(at as f64 / (thresholds - 1) as f64), right, wrong })
                };
                sums.iter().enumerate().rev().filter_map(step).collect()
            }
        }
    }

    /// The area of a curve, and what it is at least and at most without thresholds.
    fn area(&self, steps: &[Step]) -> Option<(f64, [f64; 2])> {
        let area = average_precision(steps)?;
        match &self.nodes {
            Nodes::Exact(_) => Some((area, [area; 2])),
            Nodes::Binned { .. } => {
                let [least, most] = average_precision_bounds(steps)?;
                Some((area, [least.min(area), most.max(area)]))
            }
        }
    }

    fn node_count(&self) -> usize {
        match &self.nodes {
            Nodes::Exact(rankings) => rankings.len(),
            Nodes::Binned { thresholds, counts, .. } => counts.len() / thresholds,
        }
    }
}

fn check_thresholds(thresholds: usize) -> Result<(), InputError> {
    if (2..=1_000_000).contains(&thresholds) {
        return Ok(());
    }
    let message = format!("the number of thresholds is {thresholds}, expected 2 to 1000000");
    Err(InputError::new(InputErrorKind::OutOfRange, message))
}

/// Weights up to here are counted where they are whole.
const LARGEST_COUNT: f64 = 1_048_576.0;

fn merge_sums(sums: &mut [ExactSum; 2], more: &[ExactSum; 2]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| sum.merge(more));
}

/// The highest threshold that a probability reaches.
fn threshold_of(p: f64, thresholds: usize) -> usize {
    let last = thresholds - 1;
    let at = |threshold: usize| threshold as f64 / last as f64;
    let guess = ((p * last as f64) as usize).min(last);
    // The product is rounded; the thresholds decide.
    if p < at(guess) {
        guess - 1
    } else if guess < last && p >= at(guess + 1) {
        guess + 1
    } else {
        guess
    }
}

impl State for Auprc {
    const NAME: &'static str = "auprc";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|(name, _)| name), levels)?;
        for ((name, candidates), judged) in self.levels.iter().zip(levels.all()) {
            if candidates != judged.candidates() {
                return Err(format!("has other nodes at {name} than its hierarchy"));
            }
        }
        check_count("nodes", self.node_count(), levels.hierarchy().node_count())?;
        match &self.nodes {
            Nodes::Exact(rankings) => rankings.iter().try_for_each(Ranking::check),
            Nodes::Binned { weights, .. } => check_sums(weights.values().flatten()),
        }
    }
}

impl Metric for Auprc {
    type Value = AuprcValue;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        match (&mut self.nodes, &other.nodes) {
            (Nodes::Exact(nodes), Nodes::Exact(more)) if nodes.len() == more.len() => {
                nodes.iter_mut().zip(more).for_each(|(node, more)| node.merge(more));
            }
            (
                Nodes::Binned { thresholds, counts, weights },
                Nodes::Binned { thresholds: others, counts: more, weights: more_weights },
            ) if thresholds == others && counts.len() == more.len() => {
                for (count, more) in counts.iter_mut().zip(more) {
                    *count = [count[0].saturating_add(more[0]), count[1].saturating_add(more[1])];
                }
                for (place, more) in more_weights {
                    merge_sums(weights.entry(*place).or_default(), more);
                }
            }
            _ => return Err(other_shape("auprc")),
        }
        Ok(())
    }

    fn compute(&self) -> AuprcValue {
        let nodes: Vec<NodeAuprc> = (1..self.node_count())
            .filter_map(|node| {
                let steps = self.steps(&mut std::iter::once(node));
                let (auprc, bounds) = self.area(&steps)?;
                Some(NodeAuprc { node: NodeId(node as u32), rows: steps.last()?.right, auprc, bounds })
            })
            .collect();
        let level = |(level, candidates): &(String, Vec<NodeId>)| {
            let micro = self.area(&self.steps(&mut candidates.iter().map(|node| node.index())));
            let mut sorted = candidates.clone();
            sorted.sort_unstable();
            let of_level = |of: &&NodeAuprc| sorted.binary_search(&of.node).is_ok();
            let macro_average = mean(&nodes.iter().filter(of_level));
            LevelAuprc {
                level: level.clone(),
                micro: micro.map(|(area, _)| area),
                micro_bounds: micro.map(|(_, bounds)| bounds),
                macro_average: macro_average.map(|(area, _)| area),
                macro_bounds: macro_average.map(|(_, bounds)| bounds),
            }
        };
        let micro = self.area(&self.steps(&mut (1..self.node_count())));
        let macro_average = mean(&nodes.iter());
        AuprcValue {
            micro: micro.map(|(area, _)| area),
            micro_bounds: micro.map(|(_, bounds)| bounds),
            macro_average: macro_average.map(|(area, _)| area),
            macro_bounds: macro_average.map(|(_, bounds)| bounds),
            levels: self.levels.iter().map(level).collect(),
            nodes,
        }
    }
}

/// The mean area of some nodes, and its bounds.
fn mean<'a>(nodes: &(impl Iterator<Item = &'a NodeAuprc> + Clone)) -> Option<(f64, [f64; 2])> {
    let count = nodes.clone().count() as f64;
    let of = |number: fn(&NodeAuprc) -> f64| nodes.clone().map(number).sum::<f64>() / count;
    (count > 0.0).then(|| (of(|node| node.auprc), [of(|node| node.bounds[0]), of(|node| node.bounds[1])]))
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Auprc::new(&batch.levels),
            |metric, part| metric.update(part.set_truths, part.log_probs, part.weights),
        );
        testing::merging(
            |batch| Auprc::with_thresholds(&batch.levels, 9).unwrap(),
            |metric, part| metric.update(part.set_truths, part.log_probs, part.weights),
        );
    }

    /// Of pairs (score, whether it is positive, weight), counted anew for each positive.
    fn by_definition(pairs: &[(f64, bool, f64)]) -> Option<f64> {
        let sum = |fits: &dyn Fn(&(f64, bool, f64)) -> bool| {
            pairs.iter().filter(|pair| fits(pair)).map(|(_, _, weight)| weight).sum::<f64>()
        };
        let all = sum(&|pair| pair.1);
        let terms = pairs
            .iter()
            .filter(|pair| pair.1 && pair.2 > 0.0)
            .map(|(score, _, weight)| weight * sum(&|pair| pair.0 >= *score && pair.1) / sum(&|pair| pair.0 >= *score));
        (all > 0.0).then(|| terms.sum::<f64>() / all)
    }

    #[test]
    fn areas_of_random_batches() {
        testing::many(|batch| {
            for labels in [&batch.sets, &batch.labels] {
                let truths = batch.levels.truths(labels).unwrap();
                let width = batch.hierarchy().node_count();
                let pairs = |nodes: &[NodeId], score: &dyn Fn(f64) -> f64, weights: &[f64]| {
                    let mut pairs = Vec::new();
                    for row in (0..truths.len()).filter(|row| truths.takes_part(*row)) {
                        for node in nodes {
                            let says = truths.says(row, *node);
                            if says != Says::Unknown {
                                let score = score(batch.log_probs[row * width + node.index()]);
                                pairs.push((score, says == Says::Holds, weights[row]));
                            }
                        }
                    }
                    by_definition(&pairs)
                };
                let all: Vec<NodeId> = batch.nodes().collect();
                let mut binned = Auprc::with_thresholds(&batch.levels, 4).unwrap();
                binned.update(&truths, &batch.log_probs, Some(&batch.weights)).unwrap();
                let exact = auprc(&batch.levels, labels, &batch.log_probs, Some(&batch.weights)).unwrap();
                let thirds = |log_p: f64| {
                    [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0].into_iter().find(|t| scalar::exp(log_p) >= *t).unwrap()
                };
                let weights = &batch.weights;
                let within = |area: Option<f64>, bounds: Option<[f64; 2]>| match (area, bounds) {
                    (Some(area), Some([least, most])) => assert!(least - 1e-13 <= area && area <= most + 1e-13),
                    _ => assert!(area.is_none() && bounds.is_none()),
                };
                let bounds = binned.compute();
                within(exact.micro, bounds.micro_bounds);
                within(exact.macro_average, bounds.macro_bounds);
                for (exact, bounds) in exact.levels.iter().zip(&bounds.levels) {
                    within(exact.micro, bounds.micro_bounds);
                    within(exact.macro_average, bounds.macro_bounds);
                }
                for (exact, bounds) in exact.nodes.iter().zip(&bounds.nodes) {
                    within(Some(exact.auprc), Some(bounds.bounds));
                    assert_eq!(exact.bounds, [exact.auprc; 2]);
                }
                for (found, score) in [(exact, &(|x| x) as &dyn Fn(f64) -> f64), (binned.compute(), &thirds)] {
                    testing::assert_close(found.micro, pairs(&all, score, weights));
                    let of_nodes = |nodes: &[NodeId]| {
                        let areas: Vec<f64> = nodes.iter().filter_map(|node| pairs(&[*node], score, weights)).collect();
                        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
                    };
                    testing::assert_close(found.macro_average, of_nodes(&all));
                    for (level, found) in batch.levels.all().iter().zip(found.levels) {
                        testing::assert_close(found.micro, pairs(level.candidates(), score, weights));
                        testing::assert_close(found.macro_average, of_nodes(level.candidates()));
                    }
                    for of in found.nodes {
                        testing::assert_close(Some(of.auprc), pairs(&[of.node], score, weights));
                    }
                }
            }
        });
    }

    /// Below 1/2 two right pairs and a wrong one; above it a right one and a wrong one, in some order.
    #[test]
    fn bounds_of_the_area_by_hand() {
        let step = |log_p, right, wrong| Step { log_p, right, wrong };
        let [least, most] = average_precision_bounds(&[step(-0.5, 1.0, 1.0), step(-1.0, 3.0, 2.0)]).unwrap();
        // At best 1 of 1, and 3 of 4 twice.
        assert!((most - (1.0 + 3.0 / 4.0 + 3.0 / 4.0) / 3.0).abs() < 1e-15);
        // At worst 1 of 2, 2 of 4, 3 of 5: the bound is the integral of x / (x + W) from 0 to 1 with W = 1, to 3 with W = 2.
        let expected = (1.0 - scalar::ln(2.0) + 2.0 - 2.0 * scalar::ln(5.0 / 3.0)) / 3.0;
        assert!((least - expected).abs() < 1e-15 && least < (1.0 / 2.0 + 2.0 / 4.0 + 3.0 / 5.0) / 3.0);
        assert_eq!(average_precision_bounds(&[step(0.0, 2.0, 0.0)]), Some([1.0; 2]));
        assert_eq!(average_precision_bounds(&[step(0.0, 0.0, 2.0)]), None);
        assert_eq!(average_precision_bounds(&[]), None);
    }

    #[test]
    fn thresholds_decide() {
        for thresholds in [2, 3, 8, 11, 50] {
            for threshold in 0..thresholds {
                let p = threshold as f64 / (thresholds - 1) as f64;
                assert_eq!(threshold_of(p, thresholds), threshold);
                if threshold > 0 {
                    assert_eq!(threshold_of(f64::from_bits(p.to_bits() - 1), thresholds), threshold - 1);
                }
            }
        }
    }

    #[test]
    fn bad_input_is_named() {
        let hierarchy = crate::Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        assert!(Auprc::with_thresholds(&levels, 1).is_err());
        let mut binned = Auprc::with_thresholds(&levels, 5).unwrap();
        let labels = [hierarchy.parse_label("bat;").unwrap()];
        let truths = levels.truths(&labels).unwrap();
        assert!(binned.update(&truths, &[0.0; 5], Some(&[-0.5])).is_err());
        assert!(binned.update(&truths, &[f64::NAN; 5], None).is_err());
        assert!(binned.merge(&Auprc::with_thresholds(&levels, 6).unwrap()).is_err());
        assert!(binned.merge(&Auprc::new(&levels)).is_err());
        let found = auprc(&levels, &labels, &[f64::NEG_INFINITY; 5], None).unwrap();
        assert_eq!(found.micro, Some(0.5)); // all tie at 0: the share of positives
    }
}
