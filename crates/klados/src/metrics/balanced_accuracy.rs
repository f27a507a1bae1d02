//! Recall and precision of the nodes of each level.

use serde::{Deserialize, Serialize};

use super::contributions::Part;
use super::precision_recall::{Counts, macro_average, micro};
use super::state::{Origin, State, check_count, check_names, meet, meet_rows};
use super::{
    Contributions, Levels, Metric, NodeScore, PrecisionRecall, Says, Truths, check_weights, other_shape, weight,
};
use crate::criterion::InputError;
use crate::{Label, NodeId};

/// Balanced accuracy per level: the mean, over the nodes of a level that hold of a row, of the share of their rows that are
/// answered with them or below (Brodersen et al. 2010). In `[0, 1]`; 1 is best. Where answers do not back off, one over the
/// number of nodes is what a constant answer has, however common its node is.
///
/// With it the recall and precision of every node at its level, and their averages. The rows of a level are those whose label
/// reaches down to it. A prediction above the level answers with no node of it: it misses the true one, and takes nothing
/// from the precision of another. In a DAG a row counts for each node of the level that holds of it.
///
/// # What published code does differently
///
/// `balanced_accuracy_score` of scikit-learn is this on the columns of a level, and `precision_recall_fscore_support` its
/// averages (`zero_division = 0`); both compare short names, so that two genera of one name are one. Its macro recall counts
/// a node that is only ever predicted as 0; balanced accuracy leaves it out.
///
/// # Example
///
/// ```
/// use klados::metrics::{BalancedAccuracy, Levels, Metric};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let labels = ["bat", "bat", "dog", "crow"].map(|label| hierarchy.parse_label(label).unwrap());
/// let predictions = ["bat", "bat", "bat", "bird"].map(|name| hierarchy.node(name).unwrap());
///
/// let mut metric = BalancedAccuracy::new(&levels);
/// metric.update(&levels.truths(&labels)?, &predictions, None)?;
/// let [top, class] = &metric.compute()[..] else { panic!("two levels") };
/// assert_eq!(top.balanced_accuracy, Some(1.0));
/// // Of bats 1, of dogs 0, of crows 0: "bird" is no answer at this level.
/// assert_eq!(class.balanced_accuracy, Some(1.0 / 3.0));
/// assert_eq!(class.nodes[0].scores.precision, Some(2.0 / 3.0)); // of the bat
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BalancedAccuracy {
    of: Origin,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Level {
    name: String,
    candidates: Vec<NodeId>,
    /// Of each candidate.
    counts: Vec<Counts>,
}

/// What [`BalancedAccuracy`] computes of a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalancedLevel {
    /// The level's name.
    pub level: String,
    /// The mean recall of the nodes with rows; none where no row takes part.
    pub balanced_accuracy: Option<f64>,
    /// Over all rows: the recall is the level's accuracy, the precision the share right of the rows that are answered at the
    /// level.
    pub micro: PrecisionRecall,
    /// The unweighted mean over the nodes that hold of a row or are predicted; what is undefined of one of these is 0.
    pub macro_average: PrecisionRecall,
    /// The nodes that hold of a row or are predicted, in the order of [`candidates`](super::JudgedLevel::candidates).
    pub nodes: Vec<NodeScore>,
}

/// [`BalancedAccuracy`] of one batch, from the top level.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`BalancedAccuracy::update`].
pub fn balanced_accuracy(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<Vec<BalancedLevel>, InputError> {
    let mut metric = BalancedAccuracy::new(levels);
    metric.update(&levels.truths(labels)?, predictions, weights)?;
    Ok(metric.compute())
}

impl BalancedAccuracy {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let of = |level: &super::JudgedLevel| Level {
            name: level.name().to_owned(),
            candidates: level.candidates().to_vec(),
            counts: vec![Counts::default(); level.candidates().len()],
        };
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
                let mut is_reached = false;
                for place in truths.true_nodes(row, at).filter_map(|node| level.place(node)) {
                    is_reached = true;
                    sums.counts[place].support.add(weight);
                }
                if !is_reached {
                    continue;
                }
                for node in level.at(prediction) {
                    let (says, Some(place)) = (truths.says(row, *node), level.place(*node)) else { continue };
                    if says != Says::Unknown {
                        sums.counts[place].predicted.add(weight);
                    }
                    if says == Says::Holds {
                        sums.counts[place].right.add(weight);
                    }
                }
            }
        }
        Ok(())
    }
}

impl BalancedAccuracy {
    /// What each row adds to the balanced accuracy of each level: for a [`RowBootstrap`](super::RowBootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn contributions(
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<Contributions, InputError> {
        let judged = truths.levels();
        truths.check_predictions(predictions)?;
        check_weights(truths.len(), weights)?;
        let mut all = Contributions::new(vec![Part::Shares; judged.all().len()]);
        for (row, prediction) in predictions.iter().enumerate() {
            for (at, level) in judged.all().iter().enumerate() {
                let answers = level.at(judged.lowest(*prediction));
                let nodes = truths.true_nodes(row, at).map(|node| (node, answers.contains(&node)));
                all.push_shares(nodes, weight(weights, row));
            }
            all.end_row();
        }
        Ok(all)
    }
}

impl State for BalancedAccuracy {
    const NAME: &'static str = "balanced_accuracy";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|level| &level.name), levels)?;
        for (level, judged) in self.levels.iter().zip(levels.all()) {
            if level.candidates != judged.candidates() {
                return Err(format!("has other nodes at {} than its hierarchy", level.name));
            }
            check_count("nodes with counts", level.counts.len(), level.candidates.len())?;
            level.counts.iter().try_for_each(Counts::check)?;
        }
        Ok(())
    }
}

impl Metric for BalancedAccuracy {
    /// From the top.
    type Value = Vec<BalancedLevel>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        let sizes = |metric: &Self| metric.levels.iter().map(|level| level.counts.len()).collect::<Vec<_>>();
        meet(self, other)?;
        if sizes(self) != sizes(other) {
            return Err(other_shape("balanced_accuracy"));
        }
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            level.counts.iter_mut().zip(&more.counts).for_each(|(counts, more)| counts.merge(more));
        }
        Ok(())
    }

    fn compute(&self) -> Vec<BalancedLevel> {
        let of = |level: &Level| {
            let counts = level.candidates.iter().zip(&level.counts);
            let nodes: Vec<NodeScore> = counts.filter_map(|(node, counts)| counts.of_node(*node)).collect();
            let recalls: Vec<f64> = nodes.iter().filter_map(|node| node.scores.recall).collect();
            BalancedLevel {
                level: level.name.clone(),
                balanced_accuracy: (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64),
                micro: micro(&level.counts),
                macro_average: macro_average(&nodes),
                nodes,
            }
        };
        self.levels.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::{Hierarchy, HierarchyBuilder};

    /// What a level says, one number after the other.
    fn summary(level: &BalancedLevel) -> (Option<f64>, [Option<f64>; 3], [Option<f64>; 3]) {
        let all = |scores: &PrecisionRecall| [scores.precision, scores.recall, scores.f1];
        (level.balanced_accuracy, all(&level.micro), all(&level.macro_average))
    }

    #[test]
    fn by_hand() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin"), ("fish", "eel")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let rows = [
            ("bat", "bat"),
            ("bat", "robin"),
            ("dog", "mammal"),
            ("mammal", "dog"), // at the top alone
            ("crow", "crow"),
            ("crow|bat", "eel"),   // no level
            ("crow|robin", "eel"), // at the top alone
            ("", "bat"),
        ];
        let labels = rows.map(|row| hierarchy.parse_label(row.0).unwrap());
        let predictions = rows.map(|row| hierarchy.node(row.1).unwrap());
        let weights = [1.0, 2.0, 1.0, 1.0, 1.0, 9.0, 1.0, 9.0];
        let value = balanced_accuracy(&levels, &labels, &predictions, Some(&weights)).unwrap();
        // At the top, by weight: mammal is right 1 + 1 + 1 of 5, bird 1 of 2; predicted are mammal 3, bird 2 + 1, fish 1.
        let (mammal, bird) = (3.0 / 5.0, 1.0 / 2.0);
        let (balanced, micro, macro_average) = summary(&value[0]);
        assert_eq!(balanced, Some((mammal + bird) / 2.0));
        assert_eq!(micro, [Some(4.0 / 7.0), Some(4.0 / 7.0), Some(8.0 / 14.0)]);
        // F1: mammal 6 / 8, bird 2 / 5, fish 0.
        let third = |sum: f64| Some(sum / 3.0);
        assert_eq!(macro_average, [third(1.0 + 1.0 / 3.0), third(mammal + bird + 0.0), third(0.75 + 0.4 + 0.0)]);
        // At the classes: bat 1 of 3, dog 0 of 1, crow 1 of 1; the robin is predicted 2. "mammal" answers nothing.
        let (balanced, micro, macro_average) = summary(&value[1]);
        assert_eq!(balanced, Some((1.0 / 3.0 + 0.0 + 1.0) / 3.0));
        assert_eq!(micro, [Some(2.0 / 4.0), Some(2.0 / 5.0), Some(4.0 / 9.0)]);
        let fourth = |sum: f64| Some(sum / 4.0);
        assert_eq!(macro_average, [fourth(1.0 + 0.0 + 1.0), fourth(1.0 / 3.0 + 0.0 + 1.0), fourth(0.5 + 1.0)]);
        let names: Vec<&str> = value[1].nodes.iter().map(|node| hierarchy.name(node.node)).collect();
        assert_eq!(names, ["bat", "dog", "crow", "robin"]);
        assert_eq!(value[1].nodes[1].scores.precision, None);
    }

    #[test]
    fn a_name_under_two_parents_is_two_nodes() {
        let mut builder = HierarchyBuilder::new();
        builder.add_path(["plant", "Morus"]).unwrap().add_path(["bird", "Morus"]).unwrap();
        let hierarchy = builder.build().unwrap();
        let levels = Levels::new(&hierarchy);
        let node = |path: &str| hierarchy.node(path).unwrap();
        let labels = [Label::Node(node("plant > Morus")), Label::Node(node("bird > Morus"))];
        let value = balanced_accuracy(&levels, &labels, &[node("plant > Morus"); 2], None).unwrap();
        assert_eq!(value[1].balanced_accuracy, Some(0.5));
        assert_eq!(value[1].nodes.len(), 2);
    }

    #[test]
    fn nodes_and_their_mean_recall_by_definition() {
        testing::many(|batch| {
            let value =
                balanced_accuracy(&batch.levels, &batch.labels, &batch.predictions, Some(&batch.weights)).unwrap();
            for (level, value) in batch.levels.all().iter().zip(&value) {
                let mut recalls = Vec::new();
                for node in level.candidates() {
                    let [mut support, mut predicted, mut right] = [0.0; 3];
                    for (row, label) in batch.labels.iter().enumerate() {
                        let (Some(classes), weight) = (batch.classes_of(label), batch.weights[row]) else { continue };
                        let holds = |node: &NodeId| batch.below(*node).is_superset(&classes);
                        if !level.candidates().iter().any(holds) {
                            continue;
                        }
                        let is_said = batch.is_said_by(*node, batch.predictions[row]);
                        let is_known = holds(node) || batch.below(*node).is_disjoint(&classes);
                        support += if holds(node) { weight } else { 0.0 };
                        predicted += if is_said && is_known { weight } else { 0.0 };
                        right += if is_said && holds(node) { weight } else { 0.0 };
                    }
                    if support > 0.0 {
                        recalls.push(right / support);
                    }
                    let found = value.nodes.iter().find(|score| score.node == *node);
                    let found = found.map_or([0.0; 3], |score| [score.support, score.predicted, score.right]);
                    for (found, expected) in found.into_iter().zip([support, predicted, right]) {
                        testing::assert_close(Some(found), Some(expected));
                    }
                }
                let expected = (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64);
                testing::assert_close(value.balanced_accuracy, expected);
            }
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| BalancedAccuracy::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.predictions, part.weights),
        );
    }
}
