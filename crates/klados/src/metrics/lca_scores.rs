//! Precision, recall and F1 by the lowest common ancestor of answer and truth.

use serde::{Deserialize, Serialize};

use super::state::{Origin, State, check_rows, check_sums, meet};
use super::{ExactSum, Levels, Metric, PrecisionRecall, Ratio, Truths, check_weights, other_shape, share, weight};
use crate::criterion::InputError;
use crate::{Label, NodeId};

/// How much of an answer is right, and how much of the truth it says: with `p` the answer, `t` the truth and `a` their lowest
/// common ancestor, each row's precision is `value(a) / value(p)`, its recall `value(a) / value(t)`, its F1
/// `2 value(a) / (value(p) + value(t))`, where 0/0 is 1; and the mean of each over the rows (Valmadre 2022). In `[0, 1]`; 1 is
/// best.
///
/// The value of a node is its depth, or its information: see [`ValuedBy`]. `t` is the most specific node that holds of a
/// label, and an answer below it is `t` (of a union, an answer of which the label says nothing is the most specific node above
/// it of which it does). So precision says how little is wrong, whatever is left open, and recall how much is told. Read both,
/// or the F1: the root has precision 1.
///
/// Valued by depth, on a tree, with labels that name one node, these are the samples averages of [`Hierarchical`]: the nodes
/// above both are those above `a`.
///
/// # What published code does differently
///
/// hiercls (Valmadre's) computes the same per row, and averages it in the same way; it leaves answers below the label as they
/// are unless they are truncated first. Kosmopoulos et al. (2015) take, in a DAG and for sets, the smallest graphs that connect
/// answers and truth through their lowest common ancestors, and count nodes, the ancestor among them, so that their precision
/// is never 0. Others divide the mean of `value(a)` by the mean of `value(p)`, or make the F1 of the mean precision and recall:
/// neither is the mean over rows.
///
/// # Example
///
/// ```
/// use klados::metrics::{LcaScores, Levels, Metric, ValuedBy};
/// use klados::Hierarchy;
///
/// let edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat"), ("mammal", "dog")];
/// let hierarchy = Hierarchy::from_edges(edges)?;
/// let levels = Levels::new(&hierarchy);
/// let labels = ["crow", "crow", "bird"].map(|label| hierarchy.parse_label(label).unwrap());
/// let predictions = ["robin", "bird", "robin"].map(|name| hierarchy.node(name).unwrap());
///
/// let mut metric = LcaScores::new(&levels, ValuedBy::Depth);
/// metric.update(&levels.truths(&labels)?, &predictions, None)?;
/// let value = metric.compute().scores;
/// assert_eq!(value.precision, Some((0.5 + 1.0 + 1.0) / 3.0));
/// assert_eq!(value.recall, Some((0.5 + 0.5 + 1.0) / 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Hierarchical`]: super::Hierarchical
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LcaScores {
    of: Origin,
    valued_by: ValuedBy,
    rows: ExactSum,
    precision: ExactSum,
    recall: ExactSum,
    f1: ExactSum,
}

/// What a node is worth as an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ValuedBy {
    /// Its depth: the number of steps from the root.
    #[default]
    Depth,
    /// Its information `I(v) = -log2(|D(v)| / |D(root)|)`, in bits: what it tells of the class, where all are equally common.
    /// Steps that rule out nothing are worth nothing, and a step that rules out much is worth much.
    Information,
}

/// What [`LcaScores`] computes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LcaValue {
    /// The rows that take part, or the sum of their weights.
    pub rows: f64,
    /// The means over the rows.
    pub scores: PrecisionRecall,
}

macro_rules! one_call {
    ($($name:ident, $field:ident;)*) => {
        $(
            #[doc = concat!("[`LcaScores`] ", stringify!($field), " of one batch; none where no row takes part.")]
            ///
            /// # Errors
            ///
            /// As those of [`Levels::truths`] and [`LcaScores::update`].
            pub fn $name(
                levels: &Levels,
                labels: &[Label],
                predictions: &[NodeId],
                weights: Option<&[f64]>,
                valued_by: ValuedBy,
            ) -> Result<Option<f64>, InputError> {
                let mut metric = LcaScores::new(levels, valued_by);
                metric.update(&levels.truths(labels)?, predictions, weights)?;
                Ok(metric.compute().scores.$field)
            }
        )*
    };
}

one_call! {
    lca_precision, precision;
    lca_recall, recall;
    lca_f1, f1;
}

impl LcaScores {
    /// Of no rows yet.
    pub fn new(levels: &Levels, valued_by: ValuedBy) -> Self {
        let [rows, precision, recall, f1] = [(); 4].map(|()| ExactSum::new());
        Self { of: Origin::new(levels), valued_by, rows, precision, recall, f1 }
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
        let ratios = self.ratios(truths, predictions, weights)?;
        let mut sums = [&mut self.precision, &mut self.recall, &mut self.f1];
        for ratios in ratios.chunks_exact(3) {
            self.rows.add(ratios[0].denominator);
            sums.iter_mut().zip(ratios).for_each(|(sum, ratio)| sum.add(ratio.numerator));
        }
        Ok(())
    }

    /// What each row adds, `[batch, 3]`: to precision, recall and F1: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn ratios(
        &self,
        truths: &Truths<'_>,
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        check_rows(self, truths)?;
        truths.check_predictions(predictions)?;
        check_weights(truths.len(), weights)?;
        let levels = truths.levels();
        let hierarchy = levels.hierarchy();
        let value = |node: NodeId| match self.valued_by {
            ValuedBy::Depth => hierarchy.depth(node) as f64,
            ValuedBy::Information => levels.information(node),
        };
        let of = |part: f64, whole: f64| if whole == 0.0 { 1.0 } else { part / whole };
        let mut ratios = vec![Ratio::default(); 3 * truths.len()];
        for (row, ratios) in ratios.chunks_exact_mut(3).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            let (truth, weight) = (truths.node(row), weight(weights, row));
            let answer = levels.lowest(truths.as_far_as_known(row, predictions[row]));
            let common = value(hierarchy.lca(truth, answer));
            let (truth, answer) = (value(truth), value(answer));
            let scores = [of(common, answer), of(common, truth), of(2.0 * common, answer + truth)];
            ratios.iter_mut().zip(scores).for_each(|(ratio, score)| *ratio = Ratio::weighted(score, weight));
        }
        Ok(ratios)
    }
}

impl State for LcaScores {
    const NAME: &'static str = "lca precision and recall";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, _: &Levels) -> Result<(), String> {
        check_sums([&self.rows, &self.precision, &self.recall, &self.f1])
    }
}

impl Metric for LcaScores {
    type Value = LcaValue;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.valued_by != other.valued_by {
            return Err(other_shape("lca precision and recall"));
        }
        self.rows.merge(&other.rows);
        self.precision.merge(&other.precision);
        self.recall.merge(&other.recall);
        self.f1.merge(&other.f1);
        Ok(())
    }

    fn compute(&self) -> LcaValue {
        let [precision, recall, f1] = [&self.precision, &self.recall, &self.f1].map(|sum| share(sum, &self.rows));
        LcaValue { rows: self.rows.value(), scores: PrecisionRecall { precision, recall, f1 } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Average, hierarchical_f1, hierarchical_precision, hierarchical_recall, testing};
    use super::*;
    use crate::Hierarchy;

    fn scores(
        levels: &Levels,
        labels: &[Label],
        predictions: &[NodeId],
        weights: Option<&[f64]>,
        valued_by: ValuedBy,
    ) -> [Option<f64>; 3] {
        let mut metric = LcaScores::new(levels, valued_by);
        metric.update(&levels.truths(labels).unwrap(), predictions, weights).unwrap();
        let PrecisionRecall { precision, recall, f1 } = metric.compute().scores;
        [precision, recall, f1]
    }

    #[test]
    fn by_hand() {
        // 8 classes: crow, robin, bat, dog; oak, pine, fir, elm. "conifer" is above pine and fir.
        let edges = [
            ("bird", "crow"),
            ("bird", "robin"),
            ("animal", "bird"),
            ("animal", "bat"),
            ("animal", "dog"),
            ("plant", "oak"),
            ("plant", "elm"),
            ("plant", "conifer"),
            ("conifer", "pine"),
            ("conifer", "fir"),
        ];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let of = |label: &str, prediction: &str, valued_by: ValuedBy| {
            let label = [hierarchy.parse_label(label).unwrap()];
            scores(&levels, &label, &[hierarchy.node(prediction).unwrap()], None, valued_by).map(Option::unwrap)
        };
        // Depths: animal 1, bat 2, bird 2, crow 3. Bits: animal 1, bird 2, bat and crow 3.
        let rows = [
            ("crow", "crow", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
            ("crow", "robin", [2.0 / 3.0, 2.0 / 3.0, 4.0 / 6.0], [2.0 / 3.0, 2.0 / 3.0, 4.0 / 6.0]),
            ("crow", "bat", [1.0 / 2.0, 1.0 / 3.0, 2.0 / 5.0], [1.0 / 3.0, 1.0 / 3.0, 2.0 / 6.0]),
            ("crow", "animal", [1.0, 1.0 / 3.0, 2.0 / 4.0], [1.0, 1.0 / 3.0, 2.0 / 4.0]),
            ("crow", "(root)", [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
            ("crow", "pine", [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            ("bird", "crow", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), // as far as is known
            ("bird", "bat", [1.0 / 2.0, 1.0 / 2.0, 2.0 / 4.0], [1.0 / 3.0, 1.0 / 2.0, 2.0 / 5.0]),
            ("crow|bat", "robin", [1.0 / 3.0, 1.0, 2.0 / 4.0], [1.0 / 3.0, 1.0, 2.0 / 4.0]), // the truth is "animal"
            ("crow|bat", "bird", [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), // of bird nothing is known: it is "animal"
            ("crow|oak", "dog", [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]),  // nothing is above both: 0/0 is 1
        ];
        for (label, prediction, depth, information) in rows {
            let name = if prediction == "(root)" { hierarchy.name(NodeId::ROOT) } else { prediction };
            assert_eq!(of(label, name, ValuedBy::Depth), depth, "{prediction} for {label}");
            assert_eq!(of(label, name, ValuedBy::Information), information, "{prediction} for {label}");
        }
        let labels = ["crow", "crow", ""].map(|label| hierarchy.parse_label(label).unwrap());
        let predictions = ["bat", "animal", "bat"].map(|name| hierarchy.node(name).unwrap());
        let found = scores(&levels, &labels, &predictions, Some(&[3.0, 1.0, 2.0]), ValuedBy::Depth);
        assert_eq!(found[0], Some((3.0 * 0.5 + 1.0) / 4.0));
    }

    #[test]
    fn an_only_child_and_its_parent_are_one() {
        let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "bird"), ("bird", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let node = |name: &str| hierarchy.node(name).unwrap();
        for (label, prediction) in [("bird", "crow"), ("crow", "bird"), ("bird", "bird")] {
            let label = [Label::Node(node(label))];
            assert_eq!(scores(&levels, &label, &[node(prediction)], None, ValuedBy::Depth), [Some(1.0); 3]);
        }
    }

    #[test]
    fn on_trees_by_depth_it_is_the_samples_average_of_ancestor_sets() {
        testing::many(|batch| {
            if !batch.hierarchy().is_tree() {
                return;
            }
            // Of unions, single nodes between are unknown.
            let one = |label: &Label| if matches!(label, Label::Union(_)) { Label::Ignored } else { label.clone() };
            let labels: Vec<Label> = batch.labels.iter().map(one).collect();
            let (levels, predictions, weights) = (&batch.levels, &batch.predictions, Some(&batch.weights[..]));
            let found = scores(levels, &labels, predictions, weights, ValuedBy::Depth);
            for (found, score) in found.into_iter().zip([hierarchical_precision, hierarchical_recall, hierarchical_f1])
            {
                assert_eq!(found, score(levels, &labels, predictions, weights, Average::Samples).unwrap());
            }
        });
    }

    #[test]
    fn by_definition() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            let all = hierarchy.class_count() as f64;
            for valued_by in [ValuedBy::Depth, ValuedBy::Information] {
                let value = |node: &NodeId| match valued_by {
                    ValuedBy::Depth => hierarchy.depth(*node) as f64,
                    ValuedBy::Information => -crate::numeric::scalar::ln(batch.below(*node).len() as f64 / all),
                };
                // The fewest classes, then the deepest, then the first.
                let key = |node: &NodeId| (batch.below(*node).len(), usize::MAX - hierarchy.depth(*node), *node);
                let (mut sums, mut total) = ([0.0; 3], 0.0);
                for (row, label) in batch.labels.iter().enumerate() {
                    let Some(classes) = batch.classes_of(label) else { continue };
                    let holds = |node: &NodeId| batch.below(*node).is_superset(&classes);
                    let truth = match label {
                        Label::Class(class) => hierarchy.class_node(*class),
                        Label::Node(node) => batch.levels.lowest(*node),
                        _ => hierarchy.nodes().filter(holds).min_by_key(key).unwrap(),
                    };
                    let known = batch.steps_up(batch.predictions[row]).into_iter();
                    let known = known.filter(|node| holds(node) || batch.below(*node).is_disjoint(&classes));
                    let answer = batch.levels.lowest(known.min_by_key(key).unwrap());
                    let both = &batch.steps_up(answer) & &batch.steps_up(truth);
                    let common = value(&both.into_iter().min_by_key(key).unwrap());
                    let (answer, truth) = (value(&answer), value(&truth));
                    let of = |part: f64, whole: f64| if whole == 0.0 { 1.0 } else { part / whole };
                    let row_scores = [of(common, answer), of(common, truth), of(2.0 * common, answer + truth)];
                    total += batch.weights[row];
                    sums.iter_mut().zip(row_scores).for_each(|(sum, score)| *sum += batch.weights[row] * score);
                }
                let found = scores(&batch.levels, &batch.labels, &batch.predictions, Some(&batch.weights), valued_by);
                for (found, sum) in found.into_iter().zip(sums) {
                    testing::assert_close(found, (total > 0.0).then(|| sum / total));
                }
            }
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        for valued_by in [ValuedBy::Depth, ValuedBy::Information] {
            testing::merging(
                |batch| LcaScores::new(&batch.levels, valued_by),
                |metric, part| metric.update(part.truths, part.predictions, part.weights),
            );
        }
    }
}
