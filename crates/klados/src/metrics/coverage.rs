//! How often a model answers, and how often it is wrong then.

use serde::{Deserialize, Serialize};

use super::state::{Origin, State, check_names, check_part, check_sums, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Ratio, Says, Truths, check_weights, other_shape, share, weight};
use crate::criterion::InputError;
use crate::{Label, NodeId};

/// What a model that may back off answers: at each level its coverage, the share of rows that are answered at the level or
/// below, and its risk, the share of these that are wrong (El-Yaniv & Wiener 2010); over all levels the share of answers that
/// are right, and how specific they are.
///
/// The rows of a level are those whose label reaches down to it. Each is in `[0, 1]`. Of two models the better one has, at the
/// same coverage, the lower risk. Without backing off, coverage is 1 and risk is one minus accuracy; in general accuracy is
/// `coverage * (1 - risk)`.
///
/// Overall an answer is right if all that the label stands for is below it: the root always is. So `right` is read beside the
/// mean depth or information of the answers, which is that of the answers as far as the labels say: "crow" for a bird is as
/// deep as the bird.
///
/// # Example
///
/// ```
/// use klados::metrics::{Coverage, Levels, Metric};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let labels = ["bat", "dog", "crow", "bird"].map(|label| hierarchy.parse_label(label).unwrap());
/// let predictions = ["bat", "bat", "bird", "bat"].map(|name| hierarchy.node(name).unwrap());
///
/// let mut metric = Coverage::new(&levels);
/// metric.update(&levels.truths(&labels)?, &predictions, None)?;
/// let value = metric.compute();
/// let [top, class] = &value.levels[..] else { panic!("two levels") };
/// assert_eq!((top.coverage, top.risk), (Some(1.0), Some(0.25)));
/// assert_eq!((class.coverage, class.risk), (Some(2.0 / 3.0), Some(0.5))); // "bird" is no answer; of bat and dog one is right
/// assert_eq!((value.right, value.depth), (Some(0.5), Some(1.75)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Coverage {
    of: Origin,
    rows: ExactSum,
    right: ExactSum,
    depth: ExactSum,
    information: ExactSum,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Level {
    name: String,
    rows: ExactSum,
    answered: ExactSum,
    wrong: ExactSum,
}

/// What [`Coverage`] computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// The rows that take part, or the sum of their weights.
    pub rows: f64,
    /// The share of answers that are right.
    pub right: Option<f64>,
    /// Their mean depth, as far as the labels say.
    pub depth: Option<f64>,
    /// Their mean information `-log2(|D(v)| / |D(root)|)`, as far as the labels say.
    pub information: Option<f64>,
    /// From the top.
    pub levels: Vec<LevelAnswers>,
}

/// What [`Coverage`] computes of a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelAnswers {
    /// The level's name.
    pub level: String,
    /// The rows whose label reaches it, or the sum of their weights.
    pub rows: f64,
    /// The share that is answered at the level or below; none where there are no rows.
    pub coverage: Option<f64>,
    /// The share of these that is wrong at the level; none where there are none.
    pub risk: Option<f64>,
}

/// [`Coverage`] of one batch.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`Coverage::update`].
pub fn coverage(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<Answers, InputError> {
    let mut metric = Coverage::new(levels);
    metric.update(&levels.truths(labels)?, predictions, weights)?;
    Ok(metric.compute())
}

impl Coverage {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let of = |level: &super::JudgedLevel| {
            let [rows, answered, wrong] = [(); 3].map(|()| ExactSum::new());
            Level { name: level.name().to_owned(), rows, answered, wrong }
        };
        let [rows, right, depth, information] = [(); 4].map(|()| ExactSum::new());
        let by_level = levels.all().iter().map(of).collect();
        Self { of: Origin::new(levels), rows, right, depth, information, levels: by_level }
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
        let width = 3 + 2 * self.levels.len();
        for ratios in Self::ratios(truths, predictions, weights)?.chunks_exact(width) {
            self.rows.add(ratios[0].denominator);
            let sums = [&mut self.right, &mut self.depth, &mut self.information];
            sums.into_iter().zip(ratios).for_each(|(sum, ratio)| sum.add(ratio.numerator));
            for (level, ratios) in self.levels.iter_mut().zip(ratios[3..].chunks_exact(2)) {
                level.rows.add(ratios[0].denominator);
                level.answered.add(ratios[0].numerator);
                level.wrong.add(ratios[1].numerator);
            }
        }
        Ok(())
    }

    /// What each row adds, `[batch, 3 + 2 levels]`: to the share right, the depth and the information of the answers,
    /// and of each level to its coverage and its risk: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn ratios(
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        let judged = truths.levels();
        truths.check_predictions(predictions)?;
        check_weights(truths.len(), weights)?;
        let width = 3 + 2 * judged.all().len();
        let mut ratios = vec![Ratio::default(); width * truths.len()];
        for (row, ratios) in ratios.chunks_exact_mut(width).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            let weight = weight(weights, row);
            let answer = judged.lowest(truths.as_far_as_known(row, predictions[row]));
            ratios[0] = Ratio::share(truths.says(row, answer) == Says::Holds, weight);
            ratios[1] = Ratio::weighted(judged.hierarchy().depth(answer) as f64, weight);
            ratios[2] = Ratio::weighted(judged.information(answer), weight);
            let prediction = judged.lowest(predictions[row]);
            for (at, (level, ratios)) in judged.all().iter().zip(ratios[3..].chunks_exact_mut(2)).enumerate() {
                if !truths.reaches(row, at) {
                    continue;
                }
                let answers = level.at(prediction).iter().map(|node| truths.says(row, *node));
                // One that holds is enough: in a DAG an answer may be at several nodes of a level.
                let says = answers.filter(|says| *says != Says::Unknown).min_by_key(|says| *says != Says::Holds);
                ratios[0] = Ratio::share(says.is_some(), weight);
                if let Some(says) = says {
                    ratios[1] = Ratio::share(says != Says::Holds, weight);
                }
            }
        }
        Ok(ratios)
    }
}

impl State for Coverage {
    const NAME: &'static str = "coverage";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|level| &level.name), levels)?;
        check_part(&self.right, &self.rows)?;
        check_sums([&self.depth, &self.information])?;
        for level in &self.levels {
            check_part(&level.answered, &level.rows)?;
            check_part(&level.wrong, &level.answered)?;
        }
        Ok(())
    }
}

impl Metric for Coverage {
    type Value = Answers;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.levels.len() != other.levels.len() {
            return Err(other_shape("coverage"));
        }
        self.rows.merge(&other.rows);
        self.right.merge(&other.right);
        self.depth.merge(&other.depth);
        self.information.merge(&other.information);
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            level.rows.merge(&more.rows);
            level.answered.merge(&more.answered);
            level.wrong.merge(&more.wrong);
        }
        Ok(())
    }

    fn compute(&self) -> Answers {
        let of = |level: &Level| LevelAnswers {
            level: level.name.clone(),
            rows: level.rows.value(),
            coverage: share(&level.answered, &level.rows),
            risk: share(&level.wrong, &level.answered),
        };
        Answers {
            rows: self.rows.value(),
            right: share(&self.right, &self.rows),
            depth: share(&self.depth, &self.rows),
            information: share(&self.information, &self.rows),
            levels: self.levels.iter().map(of).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{accuracy, testing};
    use super::*;
    use crate::Hierarchy;

    #[test]
    fn by_hand() {
        let edges = [("animal", "bird"), ("animal", "bat"), ("bird", "crow"), ("bird", "robin"), ("plant", "oak")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        // Answers at depth 1, 2 and the classes; the bat competes with the crow, and "plant" is the oak.
        let rows = [
            ("crow", "crow", 1.0),     // right, right, right
            ("crow", "bird", 1.0),     // right, right, none
            ("crow", "bat", 2.0),      // right, wrong, wrong
            ("bat", "animal", 1.0),    // right, none, none
            ("bird", "crow", 1.0),     // right, right, not judged
            ("oak", "plant", 1.0),     // right, right, right
            ("crow|bat", "bird", 1.0), // right; below it nothing is known
            ("oak", "crow", 2.0),      // wrong, wrong, wrong
        ];
        let labels = rows.map(|row| hierarchy.parse_label(row.0).unwrap());
        let predictions = rows.map(|row| hierarchy.node(row.1).unwrap());
        let found = coverage(&levels, &labels, &predictions, Some(&rows.map(|row| row.2))).unwrap();
        let level = |at: usize| (found.levels[at].rows, found.levels[at].coverage, found.levels[at].risk);
        assert_eq!(level(0), (10.0, Some(1.0), Some(2.0 / 10.0)));
        assert_eq!(level(1), (9.0, Some(8.0 / 9.0), Some(4.0 / 8.0)));
        assert_eq!(level(2), (8.0, Some(6.0 / 8.0), Some(4.0 / 6.0)));
        assert_eq!((found.rows, found.right), (10.0, Some(6.0 / 10.0)));
        // crow 3, bird 2, bat 2 twice, animal 1, bird 2, oak 2, animal 1, crow 3 twice.
        assert_eq!(found.depth, Some((3.0 + 2.0 + 4.0 + 1.0 + 2.0 + 2.0 + 1.0 + 6.0) / 10.0));
        // Of 4 classes: animal -log2(3/4), bird 1, the classes 2.
        let animal = -(0.75f64.log2());
        testing::assert_close(found.information, Some((2.0 + 1.0 + 4.0 + animal + 1.0 + 2.0 + animal + 4.0) / 10.0));
    }

    #[test]
    fn accuracy_is_coverage_times_what_is_right() {
        testing::many(|batch| {
            let weights = Some(&batch.weights[..]);
            let found = coverage(&batch.levels, &batch.labels, &batch.predictions, weights).unwrap();
            let accuracy = accuracy(&batch.levels, &batch.labels, &batch.predictions, weights).unwrap();
            for (found, accuracy) in found.levels.iter().zip(accuracy) {
                assert_eq!(found.rows, accuracy.rows);
                let right = found.coverage.map(|coverage| coverage * (1.0 - found.risk.unwrap_or(0.0)));
                testing::assert_close(right, accuracy.value);
            }
        });
    }

    #[test]
    fn by_definition() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            let found = coverage(&batch.levels, &batch.labels, &batch.predictions, Some(&batch.weights)).unwrap();
            let row = |row: usize| batch.classes_of(&batch.labels[row]).map(|classes| (row, classes));
            let rows: Vec<_> = (0..batch.labels.len()).filter_map(row).collect();
            let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
            let sum = |rows: &[usize]| rows.iter().map(|row| batch.weights[*row]).sum::<f64>();
            let all = sum(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
            // Right, unless no class that it leaves open can be.
            let can_be =
                rows.iter().filter(|(row, classes)| !batch.below(batch.predictions[*row]).is_disjoint(classes));
            testing::assert_close(found.right, share(sum(&can_be.map(|row| row.0).collect::<Vec<_>>()), all));
            for (level, found) in batch.levels.all().iter().zip(&found.levels) {
                let (mut reached, mut answered, mut wrong) = (vec![], vec![], vec![]);
                for (row, classes) in &rows {
                    let holds = |node: &&NodeId| batch.below(**node).is_superset(classes);
                    if !level.candidates().iter().any(|node| holds(&node)) {
                        continue;
                    }
                    reached.push(*row);
                    let said =
                        level.candidates().iter().filter(|node| batch.is_said_by(**node, batch.predictions[*row]));
                    let said: Vec<_> =
                        said.filter(|node| holds(node) || batch.below(**node).is_disjoint(classes)).collect();
                    if !said.is_empty() {
                        answered.push(*row);
                        if !said.iter().any(holds) {
                            wrong.push(*row);
                        }
                    }
                }
                testing::assert_close(found.coverage, share(sum(&answered), sum(&reached)));
                testing::assert_close(found.risk, share(sum(&wrong), sum(&answered)));
            }
            assert!(found.depth.is_none_or(|depth| (0.0..=hierarchy.height(NodeId::ROOT) as f64).contains(&depth)));
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Coverage::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.predictions, part.weights),
        );
    }
}
