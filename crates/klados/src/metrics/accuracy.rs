//! Accuracy per level.

use serde::{Deserialize, Serialize};

use super::state::{Origin, State, check_names, check_part, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Ratio, Truths, check_weights, other_shape, share, weight};
use crate::criterion::{InputError, check_length};
use crate::{Label, NodeId};

/// Accuracy per level: of the rows whose label reaches down to a level, the share where the prediction is right at it.
/// In `[0, 1]`; 1 is best.
///
/// A prediction is right at a level where its ancestor there, or itself, is that of the label. One that backs off above the
/// level gives no answer there, and is counted as wrong. A row whose label ends above a
/// level takes no part in it.
///
/// # What published code does differently
///
/// It compares short names, so that two genera of the same name in two kingdoms are one, and it counts an internal label at
/// the levels below it as an error.
///
/// # Example
///
/// See [the module](super).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accuracy {
    of: Origin,
    levels: Vec<Counts>,
}

/// What is right at a level.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counts {
    level: String,
    rows: ExactSum,
    right: ExactSum,
}

/// A number for a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelValue {
    /// The level's name.
    pub level: String,
    /// The rows that take part in it, or the sum of their weights.
    pub rows: f64,
    /// The number; none where no row takes part.
    pub value: Option<f64>,
}

/// [`Accuracy`] of one batch.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`Accuracy::update`].
pub fn accuracy(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<Vec<LevelValue>, InputError> {
    let mut metric = Accuracy::new(levels);
    metric.update(&levels.truths(labels)?, predictions, weights)?;
    Ok(metric.compute())
}

impl Accuracy {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let of = |name: &str| Counts { level: name.to_owned(), rows: ExactSum::new(), right: ExactSum::new() };
        Self { of: Origin::new(levels), levels: levels.all().iter().map(|level| of(level.name())).collect() }
    }

    /// Adds rows with one prediction each, `[batch]`: a class, or an internal node.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, a multi-label row, or a weight that is negative or not finite; nothing is added then.
    pub fn update(
        &mut self,
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        truths.check_predictions(predictions)?;
        check_weights(truths.len(), weights)?;
        for (row, prediction) in predictions.iter().enumerate() {
            for (level, counts) in self.levels.iter_mut().enumerate() {
                if truths.reaches(row, level) {
                    let is_right = truths.is_right_at(row, level, *prediction);
                    counts.add(weight(weights, row), is_right);
                }
            }
        }
        Ok(())
    }

    /// What each row adds, `[batch, levels]`: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn ratios(
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        truths.check_predictions(predictions)?;
        check_weights(truths.len(), weights)?;
        let levels = truths.levels().all().len();
        let of = |at: usize| {
            let (row, level) = (at / levels, at % levels);
            if !truths.reaches(row, level) {
                return Ratio::default();
            }
            Ratio::share(truths.is_right_at(row, level, predictions[row]), weight(weights, row))
        };
        Ok((0..truths.len() * levels).map(of).collect())
    }

    /// Adds rows with a prediction for each level, `[batch, levels]`: see [`Levels::most_probable`].
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn update_by_level(
        &mut self,
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        let width = self.levels.len();
        check_length("the predictions", predictions.len(), truths.len() * width, "rows times levels")?;
        truths.check_nodes(predictions)?;
        truths.check_single()?;
        check_weights(truths.len(), weights)?;
        for (row, predictions) in predictions.chunks_exact(width).enumerate() {
            for (level, (counts, prediction)) in self.levels.iter_mut().zip(predictions).enumerate() {
                if truths.reaches(row, level) {
                    counts.add(weight(weights, row), truths.is_right_at(row, level, *prediction));
                }
            }
        }
        Ok(())
    }
}

impl Counts {
    fn add(&mut self, weight: f64, is_right: bool) {
        self.rows.add(weight);
        if is_right {
            self.right.add(weight);
        }
    }
}

impl State for Accuracy {
    const NAME: &'static str = "accuracy";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter().map(|counts| &counts.level), levels)?;
        self.levels.iter().try_for_each(|counts| check_part(&counts.right, &counts.rows))
    }
}

impl Metric for Accuracy {
    /// From the top.
    type Value = Vec<LevelValue>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.levels.len() != other.levels.len() {
            return Err(other_shape("accuracy"));
        }
        for (counts, more) in self.levels.iter_mut().zip(&other.levels) {
            counts.rows.merge(&more.rows);
            counts.right.merge(&more.right);
        }
        Ok(())
    }

    fn compute(&self) -> Vec<LevelValue> {
        let of = |counts: &Counts| LevelValue {
            level: counts.level.clone(),
            rows: counts.rows.value(),
            value: share(&counts.right, &counts.rows),
        };
        self.levels.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::Hierarchy;

    #[test]
    fn weights_and_merging() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let label = |text: &str| hierarchy.parse_label(text).unwrap();
        let labels = [label("bat"), label(""), label("mammal"), label("bat|dog"), label("crow")];
        let node = |name: &str| hierarchy.node(name).unwrap();
        let predictions = [node("dog"), node("bat"), node("bat"), node("crow"), node("bird")];
        let weights = [0.1, 7.0, 0.2, 0.3, 0.4];
        let of = |rows: std::ops::Range<usize>| {
            let mut accuracy = Accuracy::new(&levels);
            let truths = levels.truths(&labels[rows.clone()]).unwrap();
            accuracy.update(&truths, &predictions[rows.clone()], Some(&weights[rows])).unwrap();
            accuracy
        };
        let whole = of(0..5).compute();
        // At the top bat, mammal and crow are right, bat|dog is not. At the classes bat and crow take part: dog is wrong, and
        // bird, with a single class below it, is the crow.
        assert_eq!(whole[0].value, Some((0.1 + 0.2 + 0.4) / 1.0));
        assert_eq!((whole[1].rows, whole[1].value), (0.5, Some(0.8)));
        let mut parts = of(3..5);
        parts.merge(&of(0..3)).unwrap();
        assert_eq!(parts.compute(), whole);
        let error = of(0..1).update(&levels.truths(&labels[..1]).unwrap(), &predictions[..1], Some(&[-1.0]));
        assert_eq!(error.unwrap_err().to_string(), "row 0: the sample weight -1 is not a finite number of at least 0");
    }

    #[test]
    fn what_rows_add_makes_the_value() {
        testing::many(|batch| {
            let (truths, weights) = (batch.levels.truths(&batch.labels).unwrap(), Some(&batch.weights[..]));
            let ratios = Accuracy::ratios(&truths, &batch.predictions, weights).unwrap();
            let value = accuracy(&batch.levels, &batch.labels, &batch.predictions, weights).unwrap();
            let values: Vec<Option<f64>> = value.iter().map(|level| level.value).collect();
            testing::assert_ratios(&ratios, &values);
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Accuracy::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.predictions, part.weights),
        );
    }

    #[test]
    fn labels_of_another_hierarchy_are_refused() {
        let [one, other] = [[("a", "b"), ("a", "c")], [("a", "b"), ("b", "c")]].map(|edges| {
            let hierarchy = Hierarchy::from_edges(edges).unwrap();
            Levels::new(&hierarchy)
        });
        let truths = one.truths(&[Label::Class(0)]).unwrap();
        let error = Accuracy::new(&other).update(&truths, &[NodeId::ROOT], None).unwrap_err();
        assert_eq!(error.to_string(), "the labels were read for another hierarchy than the metric is of");
    }
}
