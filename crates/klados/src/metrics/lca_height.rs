//! How far off answers are: the height of the lowest common ancestor of answer and truth.

use serde::{Deserialize, Serialize};

use super::state::{Origin, State, check_count, check_sums, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Ratio, Truths, check_weights, other_shape, share, weight};
use crate::criterion::InputError;
use crate::{Label, NodeId};

/// The height of the lowest common ancestor of answer and truth (Deng et al. 2010; Bertinetto et al. 2020): its mean over all
/// rows, `lca_height`, and over the wrong ones, `mistake_severity`. Each in `[0, H]`, `H` the height of the root; 0 is best.
///
/// An answer at or below the label's node has height 0. One that is above it, backed off, has its own height: that is what it
/// leaves open. The node of a union is the most specific one above all of it: an answer that has some of its classes counts as
/// that node, one that has none is as far off as from the nearest of them. Labels that stand for the same classes give the same
/// height: see [`Truths::lca_height`]. Wrong is a row of height above 0, so that
///
/// `lca_height = error * mistake_severity`
///
/// holds. The two say different things: a model that makes a few more mistakes, all of them small, has the lower severity, and
/// perhaps the larger height. Read severity beside the error, never alone.
///
/// # What published code does differently
///
/// Bertinetto et al.'s reports the mean over the mistakes as "avg. mistake severity" and the mean over all rows as the
/// hierarchical distance at 1, of labels and answers that are classes. Others count the edges between answer and truth. Where
/// all classes are equally deep that is twice the height.
///
/// # Example
///
/// ```
/// use klados::metrics::{LcaHeight, Levels, Metric};
/// use klados::Hierarchy;
///
/// let edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat")];
/// let hierarchy = Hierarchy::from_edges(edges)?;
/// let levels = Levels::new(&hierarchy);
/// let labels = ["crow", "crow", "crow", "bird"].map(|label| hierarchy.parse_label(label).unwrap());
/// let predictions = ["crow", "robin", "bat", "robin"].map(|name| hierarchy.node(name).unwrap());
///
/// let mut metric = LcaHeight::new(&levels);
/// metric.update(&levels.truths(&labels)?, &predictions, None)?;
/// let value = metric.compute();
/// assert_eq!(value.heights, [2.0, 1.0, 1.0]); // two right, a robin for a crow, a bat for a crow
/// assert_eq!((value.lca_height, value.error, value.mistake_severity), (Some(0.75), Some(0.5), Some(1.5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LcaHeight {
    of: Origin,
    /// By height: the rows, or their weights.
    heights: Vec<ExactSum>,
}

/// What [`LcaHeight`] computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LcaHeights {
    /// The rows that take part, or the sum of their weights.
    pub rows: f64,
    /// The mean height over all rows; none where there are none.
    pub lca_height: Option<f64>,
    /// The share of rows of height above 0.
    pub error: Option<f64>,
    /// The mean height over these; none where there are none.
    pub mistake_severity: Option<f64>,
    /// The rows of each height from 0 to that of the root, or the sums of their weights.
    pub heights: Vec<f64>,
}

/// The mean height of the lowest common ancestor of answer and truth: [`LcaHeight`] of one batch.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`LcaHeight::update`].
pub fn lca_height(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<Option<f64>, InputError> {
    Ok(heights(levels, labels, predictions, weights)?.lca_height)
}

/// The mean height of the lowest common ancestor over the wrong rows: [`LcaHeight`] of one batch.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`LcaHeight::update`].
pub fn mistake_severity(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<Option<f64>, InputError> {
    Ok(heights(levels, labels, predictions, weights)?.mistake_severity)
}

fn heights(
    levels: &Levels,
    labels: &[Label],
    predictions: &[NodeId],
    weights: Option<&[f64]>,
) -> Result<LcaHeights, InputError> {
    let mut metric = LcaHeight::new(levels);
    metric.update(&levels.truths(labels)?, predictions, weights)?;
    Ok(metric.compute())
}

impl LcaHeight {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let tallest = levels.hierarchy().height(NodeId::ROOT);
        Self { of: Origin::new(levels), heights: vec![ExactSum::new(); tallest + 1] }
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
        for (row, prediction) in predictions.iter().enumerate() {
            if truths.takes_part(row) {
                self.heights[truths.lca_height(row, *prediction)].add(weight(weights, row));
            }
        }
        Ok(())
    }

    /// What each row adds, `[batch, 3]`: to `lca_height`, to the error, to `mistake_severity`: for the [bootstrap](super::Bootstrap).
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
        let mut ratios = vec![Ratio::default(); 3 * truths.len()];
        for (row, ratios) in ratios.chunks_exact_mut(3).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            let (height, weight) = (truths.lca_height(row, predictions[row]), weight(weights, row));
            ratios[0] = Ratio::weighted(height as f64, weight);
            ratios[1] = Ratio::share(height > 0, weight);
            if height > 0 {
                ratios[2] = ratios[0];
            }
        }
        Ok(ratios)
    }
}

/// The sum of the rows, and of the rows times their heights.
pub(super) fn sums(heights: &[ExactSum]) -> (ExactSum, ExactSum) {
    let (mut rows, mut total) = (ExactSum::new(), ExactSum::new());
    // A sum times `h` is exact as the rows at or above each height, added up.
    for at_height in heights.iter().rev() {
        total.merge(&rows);
        rows.merge(at_height);
    }
    (rows, total)
}

impl State for LcaHeight {
    const NAME: &'static str = "lca_height";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_count("heights", self.heights.len(), levels.hierarchy().height(NodeId::ROOT) + 1)?;
        check_sums(&self.heights)
    }
}

impl Metric for LcaHeight {
    type Value = LcaHeights;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.heights.len() != other.heights.len() {
            return Err(other_shape("lca_height"));
        }
        self.heights.iter_mut().zip(&other.heights).for_each(|(sum, more)| sum.merge(more));
        Ok(())
    }

    fn compute(&self) -> LcaHeights {
        let (rows, total) = sums(&self.heights);
        let (wrong, _) = sums(self.heights.get(1..).unwrap_or_default());
        LcaHeights {
            rows: rows.value(),
            lca_height: share(&total, &rows),
            error: share(&wrong, &rows),
            mistake_severity: share(&total, &wrong),
            heights: self.heights.iter().map(ExactSum::value).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::Hierarchy;

    #[test]
    fn by_hand() {
        let edges = [
            ("animal", "bird"),
            ("animal", "mammal"),
            ("animal", "sponge"),
            ("bird", "crow"),
            ("bird", "robin"),
            ("mammal", "bat"),
        ];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let rows = [
            ("crow", "crow", 0),
            ("crow", "robin", 1),
            ("crow", "bird", 1), // backed off: the crow is not told from the robin
            ("crow", "bat", 2),
            ("crow", "animal", 2),
            ("bird", "robin", 0), // as far as is known
            ("bird", "animal", 2),
            ("bird", "sponge", 2),
            ("bat", "mammal", 0), // the only mammal
            ("mammal", "bat", 0),
            ("crow|bat", "bat", 0),
            ("crow|bat", "robin", 1), // the crow is near
            ("crow|bat", "sponge", 2),
        ];
        let [labels, predictions] = [0, 1].map(|at| rows.map(|row| if at == 0 { row.0 } else { row.1 }));
        let labels = labels.map(|label| hierarchy.parse_label(label).unwrap());
        let predictions = predictions.map(|name| hierarchy.node(name).unwrap());
        let truths = levels.truths(&labels).unwrap();
        for (row, (label, prediction, height)) in rows.iter().enumerate() {
            assert_eq!(truths.lca_height(row, predictions[row]), *height, "{prediction} for {label}");
        }
        // 5 of height 0, 3 of height 1, 5 of height 2.
        let mut metric = LcaHeight::new(&levels);
        metric.update(&truths, &predictions, None).unwrap();
        let value = metric.compute();
        assert_eq!(value.heights, [5.0, 3.0, 5.0]);
        assert_eq!(value.lca_height, Some(13.0 / 13.0));
        assert_eq!((value.error, value.mistake_severity), (Some(8.0 / 13.0), Some(13.0 / 8.0)));
        // With weights 3 and 1: (3 * 1 + 1 * 2) / 4, all of it wrong.
        let heights = heights(&levels, &labels[2..4], &predictions[2..4], Some(&[3.0, 1.0])).unwrap();
        assert_eq!((heights.lca_height, heights.mistake_severity), (Some(1.25), Some(1.25)));
    }

    #[test]
    fn of_a_dag() {
        let edges = [("pet", "dog"), ("mammal", "dog"), ("pet", "parrot"), ("bird", "parrot"), ("mammal", "bat")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let height = |label: &str, name: &str| {
            let label = hierarchy.parse_label(label).unwrap();
            lca_height(&levels, &[label], &[hierarchy.node(name).unwrap()], None).unwrap().unwrap()
        };
        assert_eq!((height("dog", "parrot"), height("dog", "bat"), height("parrot", "bat")), (1.0, 1.0, 2.0));
        assert_eq!((height("pet", "dog"), height("pet", "mammal"), height("parrot", "bird")), (0.0, 2.0, 0.0));
    }

    #[test]
    fn of_nothing() {
        let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let bat = hierarchy.node("bat").unwrap();
        assert_eq!(lca_height(&levels, &[], &[], None).unwrap(), None);
        assert_eq!(lca_height(&levels, &[Label::Ignored, Label::Node(NodeId::ROOT)], &[bat; 2], None).unwrap(), None);
        assert_eq!(mistake_severity(&levels, &[Label::Node(bat)], &[bat], None).unwrap(), None);
        let error = lca_height(&levels, &[Label::Node(bat)], &[bat; 2], None).unwrap_err();
        assert_eq!(error.to_string(), "the predictions have 2 elements, expected 1 (rows)");
    }

    #[test]
    fn by_definition() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            let (mut sum, mut wrong, mut all) = (0.0, 0.0, 0.0);
            for (row, label) in batch.labels.iter().enumerate() {
                let Some(classes) = batch.classes_of(label) else { continue };
                let prediction = batch.levels.lowest(batch.predictions[row]);
                // The fewest classes, the deepest of these.
                let size = |node: &NodeId| (batch.below(*node).len(), usize::MAX - hierarchy.depth(*node));
                let holds = |node: &NodeId| batch.below(*node).is_superset(&classes);
                let above = batch.steps_up(prediction);
                let height = if batch.below(prediction).is_subset(&classes) {
                    0
                } else if batch.below(prediction).is_disjoint(&classes) {
                    let near = above.into_iter().filter(|node| !batch.below(*node).is_disjoint(&classes));
                    hierarchy.height(near.min_by_key(size).unwrap())
                } else {
                    let known = above.into_iter().filter(holds).min_by_key(size).unwrap();
                    let least = hierarchy.nodes().filter(holds).map(|node| size(&node).0).min().unwrap();
                    if size(&known).0 == least { 0 } else { hierarchy.height(known) }
                };
                let height = height as f64;
                all += batch.weights[row];
                sum += batch.weights[row] * height;
                wrong += if height > 0.0 { batch.weights[row] } else { 0.0 };
            }
            let found = heights(&batch.levels, &batch.labels, &batch.predictions, Some(&batch.weights)).unwrap();
            testing::assert_close(found.lca_height, (all > 0.0).then(|| sum / all));
            testing::assert_close(found.mistake_severity, (wrong > 0.0).then(|| sum / wrong));
            if let (Some(height), Some(error), Some(severity)) = (found.lca_height, found.error, found.mistake_severity)
            {
                assert!((height - error * severity).abs() <= 1e-15 * height);
            }
        });
    }

    #[test]
    fn how_a_label_is_written_does_not_matter() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            // The same classes one by one.
            let alone = |label: &Label| match batch.classes_of(label) {
                None => Label::Ignored,
                Some(classes) => Label::Union(classes.into_iter().map(|class| hierarchy.class_node(class)).collect()),
            };
            let labels: Vec<Label> = batch.labels.iter().map(alone).collect();
            let (truths, others) = (batch.levels.truths(&batch.labels).unwrap(), batch.levels.truths(&labels).unwrap());
            for row in 0..labels.len() {
                for node in hierarchy.nodes() {
                    assert_eq!(truths.lca_height(row, node), others.lca_height(row, node), "{:?}", batch.labels[row]);
                }
            }
        });
    }

    #[test]
    fn what_rows_add_makes_the_value() {
        testing::many(|batch| {
            let truths = batch.levels.truths(&batch.labels).unwrap();
            // Weights times heights are exact.
            let weights: Vec<f64> = batch.weights.iter().map(|weight| (weight * 64.0).floor() / 64.0).collect();
            let ratios = LcaHeight::ratios(&truths, &batch.predictions, Some(&weights)).unwrap();
            let value = heights(&batch.levels, &batch.labels, &batch.predictions, Some(&weights)).unwrap();
            testing::assert_ratios(&ratios, &[value.lca_height, value.error, value.mistake_severity]);
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| LcaHeight::new(&batch.levels),
            |metric, part| metric.update(part.truths, part.predictions, part.weights),
        );
    }
}
