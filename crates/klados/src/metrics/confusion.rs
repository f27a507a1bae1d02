//! What is taken for what.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::state::{Origin, State, check_names, check_sums, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Says, Truths, check_weights, other_shape, weight};
use crate::criterion::InputError;
use crate::{Label, NodeId};

/// What is taken for what, per level: the rows of each pair of a true node of the level and the node of the level that is
/// answered, or none, where the answer is above the level: it backed off. Sparse: a pair without rows takes no space.
///
/// The rows of a level are those whose label reaches down to it. In a DAG a row counts for each node of the level that holds
/// of it; for each with itself, where that is among the answers, else with the first answer that is wrong, else with the first.
///
/// # Example
///
/// ```
/// use klados::metrics::{Confusion, Levels, Metric};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let labels = ["bat", "bat", "crow", "crow"].map(|label| hierarchy.parse_label(label).unwrap());
/// let predictions = ["bat", "robin", "robin", "bird"].map(|name| hierarchy.node(name).unwrap());
///
/// let mut metric = Confusion::new(&levels);
/// metric.update(&levels.truths(&labels)?, &predictions, None)?;
/// let value = metric.compute();
/// let [bat, crow, robin] = ["bat", "crow", "robin"].map(|name| hierarchy.node(name).unwrap());
/// assert_eq!(value[1].of(crow, None), 1.0); // "bird" for a crow
/// assert_eq!(value[1].top(1)[0].truth, bat); // for a robin, as often as the crow
/// // A row for each node; a column for each, one for all others, and one for backing off.
/// assert_eq!(value[1].matrix(&[crow, robin]), [[0.0, 1.0, 0.0, 1.0], [0.0; 4]].concat());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Confusion {
    of: Origin,
    levels: Vec<Level>,
}

type Pairs = HashMap<(NodeId, Option<NodeId>), ExactSum, BuildHasherDefault<PairHasher>>;

/// Hashes pairs of nodes, a few numbers, in a few steps: an update is mostly hashing.
#[derive(Debug, Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        // An odd number close to 2^64 over the golden ratio.
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// The table takes its places from low and high bits; the product is well mixed in the high ones.
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Level {
    name: String,
    /// By true node and answer.
    #[serde(serialize_with = "write_pairs", deserialize_with = "read_pairs")]
    pairs: Pairs,
}

/// What [`Confusion`] computes of a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelConfusion {
    /// The level's name.
    pub level: String,
    /// The pairs that have rows, by true node, then by answer, those that backed off first.
    pub pairs: Vec<Confused>,
}

/// How often a node of a level is answered with another, or with itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confused {
    /// The node that holds.
    pub truth: NodeId,
    /// The node that is answered; none where the answer is above the level.
    pub answer: Option<NodeId>,
    /// The rows, or the sum of their weights.
    pub rows: f64,
}

/// [`Confusion`] of one batch, from the top level.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`Confusion::update`].
pub fn confusion(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<Vec<LevelConfusion>, InputError> {
    let mut metric = Confusion::new(levels);
    metric.update(&levels.truths(labels)?, predictions, weights)?;
    Ok(metric.compute())
}

impl LevelConfusion {
    /// The rows of a pair, or the sum of their weights.
    pub fn of(&self, truth: NodeId, answer: Option<NodeId>) -> f64 {
        let at = self.pairs.binary_search_by_key(&(truth, answer), |pair| (pair.truth, pair.answer));
        at.map_or(0.0, |at| self.pairs[at].rows)
    }

    /// The most frequent mistakes, the first in hierarchy order where they are equally frequent. Backing off is none.
    pub fn top(&self, count: usize) -> Vec<Confused> {
        let is_mistake = |pair: &&Confused| pair.answer.is_some_and(|answer| answer != pair.truth);
        let mut mistakes: Vec<Confused> = self.pairs.iter().filter(is_mistake).copied().collect();
        mistakes.sort_by(|a, b| b.rows.total_cmp(&a.rows));
        mistakes.truncate(count);
        mistakes
    }

    /// The confusion matrix of a few nodes, row-major: a row for each as truth, and as answers a column for each, one for all
    /// other nodes, and one for backing off, `[nodes, nodes + 2]`. Rows of other true nodes are not in it.
    pub fn matrix(&self, nodes: &[NodeId]) -> Vec<f64> {
        let width = nodes.len() + 2;
        let places: HashMap<NodeId, usize> = nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut others = vec![ExactSum::new(); nodes.len()];
        let mut matrix = vec![0.0; nodes.len() * width];
        for pair in &self.pairs {
            let Some(row) = places.get(&pair.truth) else { continue };
            match pair.answer.map(|answer| places.get(&answer)) {
                None => matrix[row * width + width - 1] = pair.rows,
                Some(Some(column)) => matrix[row * width + column] = pair.rows,
                Some(None) => others[*row].add(pair.rows),
            }
        }
        others.iter().enumerate().for_each(|(row, sum)| matrix[row * width + width - 2] = sum.value());
        matrix
    }
}

impl Confusion {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let of = |level: &super::JudgedLevel| Level { name: level.name().to_owned(), pairs: Pairs::default() };
        Self { of: Origin::new(levels), levels: levels.all().iter().map(of).collect() }
    }

    /// Adds rows with one prediction each, `[batch]`: a class, or an internal node.
    ///
    /// # Errors
    ///
    /// Labels of another hierarchy, lengths that do not fit, a multi-label row, or a weight that is negative or not finite;
    /// nothing is added then.
    pub fn update(
        &mut self,
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        truths.check_predictions(predictions)?;
        check_weights(truths.len(), weights)?;
        let judged = truths.levels();
        for (row, prediction) in predictions.iter().enumerate() {
            let (prediction, weight) = (judged.lowest(*prediction), weight(weights, row));
            for (at, (level, sums)) in judged.all().iter().zip(&mut self.levels).enumerate() {
                for truth in truths.true_nodes(row, at) {
                    let answers = level.at(prediction);
                    let answer = match answers.contains(&truth) {
                        true => Some(truth),
                        false => {
                            let known = answers.iter().map(|answer| (truths.says(row, *answer), *answer));
                            let known = known.filter(|(says, _)| *says != Says::Unknown);
                            known.min_by_key(|(says, _)| *says == Says::Holds).map(|(_, answer)| answer)
                        }
                    };
                    sums.pairs.entry((truth, answer)).or_default().add(weight);
                }
            }
        }
        Ok(())
    }
}

impl State for Confusion {
    const NAME: &'static str = "confusion";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|level| &level.name), levels)?;
        for (level, judged) in self.levels.iter().zip(levels.all()) {
            check_sums(level.pairs.values())?;
            let is_there =
                |node: NodeId| node.index() < levels.hierarchy().node_count() && judged.place(node).is_some();
            let other = level.pairs.keys().find(|(truth, answer)| !is_there(*truth) || !answer.is_none_or(is_there));
            if let Some((truth, answer)) = other {
                let answer = answer.unwrap_or(*truth);
                return Err(format!("has the nodes {} and {} at {}", truth.index(), answer.index(), level.name));
            }
        }
        Ok(())
    }
}

impl Metric for Confusion {
    /// From the top.
    type Value = Vec<LevelConfusion>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.levels.len() != other.levels.len() {
            return Err(other_shape("confusion"));
        }
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            for (pair, rows) in &more.pairs {
                level.pairs.entry(*pair).or_default().merge(rows);
            }
        }
        Ok(())
    }

    fn compute(&self) -> Vec<LevelConfusion> {
        let of = |level: &Level| {
            let pairs = level.pairs.iter();
            let pairs =
                pairs.map(|((truth, answer), rows)| Confused { truth: *truth, answer: *answer, rows: rows.value() });
            let mut pairs: Vec<Confused> = pairs.filter(|pair| pair.rows > 0.0).collect();
            pairs.sort_unstable_by_key(|pair| (pair.truth, pair.answer));
            LevelConfusion { level: level.name.clone(), pairs }
        };
        self.levels.iter().map(of).collect()
    }
}

/// As a list, in order: keys of JSON are texts.
fn write_pairs<S: Serializer>(pairs: &Pairs, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list: Vec<_> = pairs.iter().collect();
    list.sort_unstable_by_key(|(pair, _)| **pair);
    serializer.collect_seq(list)
}

fn read_pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
    Ok(Vec::deserialize(deserializer)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::{balanced_accuracy, testing};
    use super::*;
    use crate::Hierarchy;

    #[test]
    fn by_hand() {
        let edges = [("bird", "crow"), ("bird", "robin"), ("bird", "wren"), ("mammal", "bat"), ("mammal", "dog")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let node = |name: &str| hierarchy.node(name).unwrap();
        let rows = [
            ("crow", "crow", 1.0),
            ("crow", "robin", 2.0),
            ("crow", "robin", 0.5),
            ("crow", "bird", 1.0),
            ("crow", "bat", 1.0),
            ("wren", "bat", 4.0),
            ("dog", "mammal", 1.0),
            ("bird", "bat", 1.0), // at the top alone
            ("bat", "dog", 0.0),  // of no weight
            ("", "dog", 1.0),
        ];
        let labels = rows.map(|row| hierarchy.parse_label(row.0).unwrap());
        let predictions = rows.map(|row| node(row.1));
        let found = confusion(&levels, &labels, &predictions, Some(&rows.map(|row| row.2))).unwrap();
        let names = |pairs: &[Confused]| {
            let name = |node: NodeId| hierarchy.name(node).to_owned();
            let pairs = pairs.iter();
            pairs.map(|pair| (name(pair.truth), pair.answer.map_or("-".into(), name), pair.rows)).collect::<Vec<_>>()
        };
        let expected = |pairs: &[(&str, &str, f64)]| {
            pairs.iter().map(|(truth, answer, rows)| (truth.to_string(), answer.to_string(), *rows)).collect::<Vec<_>>()
        };
        let top = [("bird", "bird", 4.5), ("bird", "mammal", 6.0), ("mammal", "mammal", 1.0)];
        assert_eq!(names(&found[0].pairs), expected(&top));
        let class = [
            ("crow", "-", 1.0),
            ("crow", "crow", 1.0),
            ("crow", "robin", 2.5),
            ("crow", "bat", 1.0),
            ("wren", "bat", 4.0),
            ("dog", "-", 1.0),
        ];
        assert_eq!(names(&found[1].pairs), expected(&class));
        assert_eq!(names(&found[1].top(2)), expected(&[("wren", "bat", 4.0), ("crow", "robin", 2.5)]));
        assert_eq!(found[1].of(node("crow"), Some(node("robin"))), 2.5);
        let matrix = [[1.0, 2.5, 1.0, 1.0], [0.0; 4]];
        assert_eq!(found[1].matrix(&[node("crow"), node("robin")]), matrix.concat());
        assert_eq!(found[1].matrix(&[]), [0.0; 0]);
    }

    #[test]
    fn in_a_dag_a_row_counts_for_each_true_node() {
        let edges = [("pet", "dog"), ("mammal", "dog"), ("pet", "parrot"), ("bird", "parrot"), ("mammal", "bat")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let node = |name: &str| hierarchy.node(name).unwrap();
        let found = confusion(&levels, &[Label::Node(node("dog"))], &[node("parrot")], None).unwrap();
        // A parrot is a pet as the dog is, and taken for a mammal it is a bird.
        assert_eq!(found[0].of(node("pet"), Some(node("pet"))), 1.0);
        assert_eq!(found[0].of(node("mammal"), Some(node("bird"))), 1.0);
        assert_eq!(found[0].pairs.len(), 2);
    }

    #[test]
    fn sums_are_the_support_and_what_is_right() {
        testing::many(|batch| {
            let weights = Some(&batch.weights[..]);
            let found = confusion(&batch.levels, &batch.labels, &batch.predictions, weights).unwrap();
            let nodes = balanced_accuracy(&batch.levels, &batch.labels, &batch.predictions, weights).unwrap();
            for (found, level) in found.iter().zip(nodes) {
                for node in level.nodes {
                    let support: f64 =
                        found.pairs.iter().filter(|pair| pair.truth == node.node).map(|pair| pair.rows).sum();
                    testing::assert_close(Some(support), Some(node.support));
                    assert_eq!(found.of(node.node, Some(node.node)), node.right);
                    let answers = found.pairs.iter().filter(|pair| pair.answer == Some(node.node));
                    let predicted: f64 = answers.map(|pair| pair.rows).sum();
                    if batch.hierarchy().is_tree() {
                        testing::assert_close(Some(predicted), Some(node.predicted));
                    }
                }
            }
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Confusion::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.predictions, part.weights),
        );
    }
}
