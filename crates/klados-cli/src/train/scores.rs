//! How good predictions are: per level, and how far off the mistakes.

use anyhow::Result;
use klados::{Label, NodeId};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use super::average_precision::Ranking;
use super::levels::Levels;
use super::reading::Read;

/// What is right at one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LevelScore {
    /// The level.
    pub(crate) level: String,
    /// Rows whose label reaches down to this level.
    pub(crate) rows: usize,
    /// The share of them where the level's most probable node is the label's; none without rows.
    pub(crate) accuracy: Option<f64>,
    /// The same where the prediction is the ancestor of the most probable class.
    pub(crate) accuracy_of_class: Option<f64>,
    /// Of multi-label rows: the average precision over all pairs of a row and a node of the level.
    pub(crate) average_precision: Option<f64>,
}

impl LevelScore {
    /// The number for a table: the accuracy, or of multi-label rows the average precision.
    pub(crate) fn shown(&self) -> Option<f64> {
        self.accuracy.or(self.average_precision)
    }
}

/// The scores of a model on some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scores {
    /// From the top.
    pub(crate) levels: Vec<LevelScore>,
    /// Mean height of the lowest common ancestor of label and predicted class, over the rows where the class is wrong.
    pub(crate) mistake_severity: Option<f64>,
    /// The same over all rows whose label is a class, 0 where the class is right.
    pub(crate) lca_height: Option<f64>,
    /// Of multi-label rows, which have no other score: the average precision over all pairs of a row and a node.
    pub(crate) average_precision: Option<f64>,
    /// Whether the rows are multi-label.
    pub(crate) is_multi_label: bool,
}

/// A prediction for one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    /// The most probable class.
    pub(crate) class: usize,
    /// By the node's index: what nodes of a level are compared by.
    rank: Vec<f32>,
    /// The logarithm of every node's probability, where that is something else.
    log_probabilities: Option<Vec<f32>>,
}

/// The predictions for logits `rows x columns`.
///
/// # Errors
///
/// Logits that are not whole rows.
pub(crate) fn predict(levels: &Levels, logits: &[f32]) -> Result<Vec<Prediction>> {
    let hierarchy = levels.hierarchy();
    let (columns, nodes) = (levels.columns(), hierarchy.node_count());
    let Read { rank, log_probabilities } = levels.reading().read(levels, logits)?;
    let row = |row: usize| {
        let of_row = |values: &Vec<f32>| values[row * nodes..][..nodes].to_vec();
        let rank = of_row(&rank);
        let class = match levels.reading().is_class_softmax() {
            // As exact as the model is: log-probabilities may be equal where logits are not.
            true => first_largest(logits[row * columns..][..columns].iter().copied()),
            false => first_largest((0..hierarchy.class_count()).map(|class| rank[hierarchy.class_node(class).index()])),
        };
        Prediction { class, rank, log_probabilities: log_probabilities.as_ref().map(of_row) }
    };
    Ok((0..logits.len() / columns).map(row).collect())
}

/// The index of the first of the largest values.
fn first_largest(values: impl Iterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, value) in values.enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

impl Prediction {
    /// The most probable of these nodes.
    pub(crate) fn most_probable(&self, candidates: &[NodeId]) -> Option<NodeId> {
        let best = first_largest(candidates.iter().map(|node| self.rank[node.index()]));
        candidates.get(best).copied()
    }

    /// The probability of a node.
    #[expect(clippy::disallowed_methods, reason = "a number to be read, not to be computed with")]
    pub(crate) fn probability(&self, node: NodeId) -> f64 {
        f64::from(self.log_probabilities.as_ref().unwrap_or(&self.rank)[node.index()]).exp()
    }
}

/// Compares predictions with labels, one after the other.
pub(crate) struct Scorer<'a> {
    levels: &'a Levels,
    /// By level: rows, right by the level's nodes, right by the class's ancestors.
    counts: Vec<[usize; 3]>,
    /// Rows whose label is a class, those where the prediction is another one, and the heights of the lowest common
    /// ancestors of the two.
    classified: usize,
    wrong: usize,
    heights: usize,
    /// Of multi-label rows: a ranking a level, and the last of all nodes.
    rankings: Vec<Ranking>,
}

impl<'a> Scorer<'a> {
    /// Nothing compared yet.
    pub(crate) fn new(levels: &'a Levels) -> Self {
        let rankings = (0..=levels.all().len()).map(|_| Ranking::default()).collect();
        Self { levels, counts: vec![[0; 3]; levels.all().len()], classified: 0, wrong: 0, heights: 0, rankings }
    }

    /// Adds one row. A label that does not reach down to a level says nothing about it.
    pub(crate) fn add(&mut self, prediction: &Prediction, label: &Label) {
        if self.levels.is_multi_label() {
            return self.rank(prediction, label);
        }
        let hierarchy = self.levels.hierarchy();
        let known = self.levels.known(label);
        let of_class = hierarchy.lineage(hierarchy.class_node(prediction.class));
        for (level, counts) in self.levels.all().iter().zip(&mut self.counts) {
            let truth: Vec<NodeId> = known.iter().filter(|node| level.candidates.contains(node)).copied().collect();
            if truth.is_empty() {
                continue;
            }
            let best = prediction.most_probable(&level.candidates);
            counts[0] += 1;
            counts[1] += usize::from(best.is_some_and(|best| truth.contains(&best)));
            counts[2] += usize::from(truth.iter().any(|node| of_class.contains(node)));
        }
        if let Some(class) = self.levels.class(label) {
            self.classified += 1;
            if class != prediction.class {
                self.wrong += 1;
                let lca = hierarchy.lca(hierarchy.class_node(class), hierarchy.class_node(prediction.class));
                self.heights += hierarchy.height(lca);
            }
        }
    }

    /// Adds one multi-label row: every node of it holds or does not.
    fn rank(&mut self, prediction: &Prediction, label: &Label) {
        if *label == Label::Ignored {
            return;
        }
        let holds = self.levels.positive(label);
        for ((level, ranking), counts) in self.levels.all().iter().zip(&mut self.rankings).zip(&mut self.counts) {
            counts[0] += 1;
            for node in &level.candidates {
                ranking.add(prediction.rank[node.index()], holds[node.index()]);
            }
        }
        let all = self.rankings.last_mut().into_iter();
        all.for_each(|all| {
            // The root holds of every row.
            for node in self.levels.hierarchy().nodes().skip(1) {
                all.add(prediction.rank[node.index()], holds[node.index()]);
            }
        });
    }

    /// The scores of all rows.
    pub(crate) fn finish(self) -> Scores {
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let is_multi_label = self.levels.is_multi_label();
        let mut rankings = self.rankings.into_iter().map(Ranking::average_precision);
        let mut scored = Vec::new();
        for (level, [rows, right, of_class]) in self.levels.all().iter().zip(self.counts) {
            scored.push(LevelScore {
                level: level.name.clone(),
                rows,
                accuracy: if is_multi_label { None } else { share(right, rows) },
                accuracy_of_class: if is_multi_label { None } else { share(of_class, rows) },
                average_precision: rankings.next().flatten(),
            });
        }
        Scores {
            levels: scored,
            average_precision: rankings.next().flatten(),
            is_multi_label,
            mistake_severity: share(self.heights, self.wrong),
            lca_height: share(self.heights, self.classified),
        }
    }
}

/// Levels as a JSON object, the finest first: `{"species": 0.9, "genus": 0.95}`.
pub(crate) struct ByLevel<'a>(pub(crate) &'a Scores, pub(crate) fn(&LevelScore) -> Option<f64>);

impl Serialize for ByLevel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.levels.len()))?;
        for level in self.0.levels.iter().rev() {
            map.serialize_entry(&level.level, &(self.1)(level))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use klados::Hierarchy;

    use super::*;

    /// Scores of logits for bat, dog, crow, pigeon, robin.
    fn scores(rows: &[([f32; 5], &str)]) -> Scores {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "pigeon"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        let loss = "marginal_cross_entropy".parse().expect("a loss");
        let levels = Levels::new(&hierarchy, &loss).expect("levels");
        let mut scorer = Scorer::new(&levels);
        for (logits, label) in rows {
            let prediction = predict(&levels, logits).expect("whole rows").remove(0);
            let sum: f64 = (0..5).map(|class| prediction.probability(hierarchy.class_node(class))).sum();
            assert!((sum - 1.0).abs() < 1e-6);
            scorer.add(&prediction, &hierarchy.parse_label(label).expect("a label"));
        }
        scorer.finish()
    }

    #[test]
    fn the_level_is_judged_by_its_own_nodes_and_by_the_class() {
        // The most probable class is the bat, the most probable of mammal and bird is the bird.
        let split = [1.2, -9.0, 1.0, 1.0, 1.0];
        let scores = scores(&[(split, "crow"), (split, "bat")]);
        let [top, class] = &scores.levels[..] else { panic!("two levels") };
        assert_eq!((top.accuracy, top.accuracy_of_class), (Some(0.5), Some(0.5)));
        assert_eq!((class.accuracy, class.rows), (Some(0.5), 2));
        // Of the two rows one is wrong, by the height of the root.
        assert_eq!((scores.mistake_severity, scores.lca_height), (Some(2.0), Some(1.0)));
    }

    #[test]
    fn a_coarse_label_counts_only_where_it_reaches() {
        let dog = [0.0, 5.0, 0.0, 0.0, 0.0];
        let scores = scores(&[(dog, "mammal"), (dog, "bat"), (dog, "bat|dog"), (dog, "")]);
        assert_eq!(scores.levels.iter().map(|level| level.rows).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(scores.levels[0].accuracy, Some(1.0));
        assert_eq!(scores.mistake_severity, Some(1.0));
    }

    #[test]
    fn multi_label_rows_are_ranked() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        let loss = r#""binary_cross_entropy""#.parse().expect("a loss");
        let levels = Levels::new(&hierarchy, &loss).expect("levels").for_multi_label(true);
        let mut scorer = Scorer::new(&levels);
        // Logits of bat, mammal, dog, crow, bird.
        for (logits, label) in [([2.0, 4.0, 3.0, -1.0, 0.5], "bat;crow"), ([-2.0, 1.0, -3.0, -4.0, -5.0], "mammal")] {
            let prediction = predict(&levels, &logits).expect("a row").remove(0);
            scorer.add(&prediction, &hierarchy.parse_label(label).expect("a label"));
        }
        let scores = scorer.finish();
        let [top, class] = &scores.levels[..] else { panic!("two levels") };
        // mammal 4, mammal 1 and bird 0.5 hold, bird -5 does not.
        assert_eq!((top.average_precision, top.accuracy), (Some(1.0), None));
        // Of dog 3, bat 2, crow -1, bat -2, dog -3, crow -4 the first bat and crow hold: precisions 1/2 and 2/3.
        assert!(class.average_precision.is_some_and(|found| (found - 7.0 / 12.0).abs() < 1e-15));
        // 4 mammal, 3 dog (not), 2 bat, 1 mammal, 0.5 bird, -1 crow.
        let all = [1.0, 2.0 / 3.0, 3.0 / 4.0, 4.0 / 5.0, 5.0 / 6.0].iter().sum::<f64>() / 5.0;
        assert!(scores.average_precision.is_some_and(|found| (found - all).abs() < 1e-15));
    }

    #[test]
    fn nothing_to_score_is_no_score() {
        let scores = scores(&[]);
        assert_eq!((scores.levels[0].accuracy, scores.mistake_severity), (None, None));
    }
}
