//! How good predictions are: per level, and how far off the mistakes.

use anyhow::Result;
use klados::metrics::{Accuracy, Auprc, LcaHeight, Metric};
use klados::{Label, NodeId};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use super::reading::{Read, Reading};

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
    /// The same over all rows with a label, 0 where the class is at or below it.
    pub(crate) lca_height: Option<f64>,
    /// Of multi-label rows, which have no other score: the average precision over all pairs of a row and a node.
    pub(crate) average_precision: Option<f64>,
    /// Whether the rows are multi-label.
    pub(crate) is_multi_label: bool,
}

/// Compares predictions with labels, some rows at a time.
pub(crate) struct Scorer<'a> {
    reading: &'a Reading,
    /// Of the most probable node of each level.
    by_level: Accuracy,
    /// Of the ancestors of the most probable class.
    of_class: Accuracy,
    /// Of label and class.
    lca_height: LcaHeight,
    /// Multi-label rows, and how well their nodes are ranked; none once a row has NaN.
    sets: usize,
    auprc: Option<Auprc>,
}

impl<'a> Scorer<'a> {
    /// Nothing compared yet.
    pub(crate) fn new(reading: &'a Reading) -> Self {
        let levels = reading.levels();
        Self {
            reading,
            by_level: Accuracy::new(levels),
            of_class: Accuracy::new(levels),
            lca_height: LcaHeight::new(levels),
            sets: 0,
            auprc: reading.is_multi_label().then(|| Auprc::new(levels)),
        }
    }

    /// Adds rows. A label that does not reach down to a level says nothing about it.
    ///
    /// # Errors
    ///
    /// Labels that are distributions.
    pub(crate) fn add(&mut self, read: &Read, labels: &[Label]) -> Result<()> {
        let (levels, hierarchy) = (self.reading.levels(), self.reading.hierarchy());
        let labels = self.reading.judged(labels);
        let truths = levels.truths(&labels)?;
        if self.reading.is_multi_label() {
            self.sets += (0..read.rows()).filter(|row| truths.takes_part(*row)).count();
            if read.has_nan() {
                self.auprc = None;
            }
            if let Some(auprc) = &mut self.auprc {
                auprc.update(&truths, read.log_probs(), None)?;
            }
            return Ok(());
        }
        let mut best = vec![NodeId::ROOT; read.rows() * levels.all().len()];
        levels.most_probable(read.rank(), &mut best)?;
        self.by_level.update_by_level(&truths, &best, None)?;
        let classes: Vec<NodeId> = (0..read.rows()).map(|row| hierarchy.class_node(read.class(row))).collect();
        self.of_class.update(&truths, &classes, None)?;
        self.lca_height.update(&truths, &classes, None)?;
        Ok(())
    }

    /// The scores of all rows.
    pub(crate) fn finish(self) -> Scores {
        let is_multi_label = self.reading.is_multi_label();
        let heights = self.lca_height.compute();
        let auprc = self.auprc.map(|auprc| auprc.compute());
        let mut scored = Vec::new();
        let of_class = self.of_class.compute();
        for (place, (by_level, of_class)) in self.by_level.compute().into_iter().zip(of_class).enumerate() {
            scored.push(LevelScore {
                level: by_level.level,
                rows: if is_multi_label { self.sets } else { by_level.rows as usize },
                accuracy: by_level.value,
                accuracy_of_class: of_class.value,
                average_precision: auprc.as_ref().and_then(|auprc| auprc.levels[place].micro),
            });
        }
        Scores {
            levels: scored,
            average_precision: auprc.and_then(|auprc| auprc.micro),
            is_multi_label,
            mistake_severity: heights.mistake_severity,
            lca_height: heights.lca_height,
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

    fn reading(edges: &[(&str, &str)], loss: &str) -> Reading {
        let hierarchy = Hierarchy::from_edges(edges.iter().copied()).expect("a tree");
        Reading::new(&hierarchy, &loss.parse().expect("a loss")).expect("a reading")
    }

    fn labels(reading: &Reading, texts: &[&str]) -> Vec<Label> {
        texts.iter().map(|text| reading.hierarchy().parse_label(text).expect("a label")).collect()
    }

    /// Scores of logits for bat, dog, crow, pigeon, robin.
    fn scores(rows: &[([f32; 5], &str)]) -> Scores {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "pigeon"), ("bird", "robin")];
        let reading = reading(&edges, "marginal_cross_entropy");
        let mut scorer = Scorer::new(&reading);
        for (logits, label) in rows {
            let read = reading.read(logits).expect("whole rows");
            let sum: f64 = (0..5).map(|class| read.probability(0, reading.hierarchy().class_node(class))).sum();
            assert!((sum - 1.0).abs() < 1e-12);
            scorer.add(&read, &labels(&reading, &[label])).expect("labels of nodes");
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
        // The dog is a mammal, and not further from "one of bat and dog" than these are known apart; the bat is wrong.
        assert_eq!((scores.mistake_severity, scores.lca_height), (Some(1.0), Some(1.0 / 3.0)));
    }

    #[test]
    fn multi_label_rows_are_ranked() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")];
        let reading = reading(&edges, "binary_cross_entropy").for_multi_label(true);
        let mut scorer = Scorer::new(&reading);
        // Logits of bat, mammal, dog, crow, bird.
        let read = reading.read(&[2.0, 4.0, 3.0, -1.0, 0.5, -2.0, 1.0, -3.0, -4.0, -5.0]).expect("two rows");
        scorer.add(&read, &labels(&reading, &["bat;crow", "mammal"])).expect("labels of nodes");
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
