//! Precision, recall and F1 of ancestor sets.

use serde::{Deserialize, Serialize};

use super::precision_recall::{Counts, macro_average, micro};
use super::state::{Origin, State, check_count, check_sums, meet, meet_rows};
use super::{
    ExactSum, Levels, Metric, NodeScore, PrecisionRecall, Ratio, Says, Truths, check_weights, other_shape, share,
    weight,
};
use crate::criterion::{InputError, check_length};
use crate::{Label, NodeId};

/// Hierarchical precision, recall and F1 (Kiritchenko et al. 2006): an answer predicts itself and all nodes above it but the
/// root, and a label holds of its node and all above that. Each in `[0, 1]`; 1 is best.
///
/// They are the precision, recall and F1 of the multi-label indicator matrix `[rows, nodes]` that these sets make, averaged in
/// one of the ways of [`Average`]. A node that is above two right nodes is one column, and nodes are columns by their place
/// in the hierarchy, not by their name. Entries of which a label says nothing take no part: below "bird", crow is neither
/// right nor wrong.
///
/// Multi-label rows are [sets of predicted nodes](Self::update_sets).
///
/// # What published code does differently
///
/// hiclass (5.0) has `average="micro"`, which is this, and `average="macro"`, which is [`Average::Samples`] here. It compares
/// the names in the columns of levels, so that a name under two parents is one node, and a name at two levels of one path
/// counts once. scikit-learn on the indicator matrix has all three; its macro average takes the nodes that neither hold nor are
/// predicted in as 0 (or 1, `zero_division`), which are left out here, and an empty row of its samples average as 0, which is 1
/// here.
///
/// # Example
///
/// ```
/// use klados::metrics::{Hierarchical, Levels, Metric};
/// use klados::Hierarchy;
///
/// let edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat")];
/// let hierarchy = Hierarchy::from_edges(edges)?;
/// let levels = Levels::new(&hierarchy);
/// let labels = ["crow", "crow", "bird"].map(|label| hierarchy.parse_label(label).unwrap());
/// let predictions = ["robin", "bird", "robin"].map(|name| hierarchy.node(name).unwrap());
///
/// let mut metric = Hierarchical::new(&levels);
/// metric.update(&levels.truths(&labels)?, &predictions, None)?;
/// // Predicted: {bird, robin}, {bird}, {bird}: of the last label nothing is known of the robin. True: {bird, crow} twice, {bird}.
/// let micro = metric.compute().micro;
/// assert_eq!((micro.precision, micro.recall), (Some(3.0 / 4.0), Some(3.0 / 5.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hierarchical {
    of: Origin,
    /// By node.
    nodes: Vec<Counts>,
    rows: ExactSum,
    /// Over the rows.
    precision: ExactSum,
    recall: ExactSum,
    f1: ExactSum,
}

/// How precision and recall are averaged, in scikit-learn's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Average {
    /// Of the sums over all rows and nodes: `sum |P ∩ T| / sum |P|`. Kiritchenko et al.'s. Deep rows count more.
    #[default]
    Micro,
    /// The unweighted mean over the nodes that hold of a row or are predicted, of which what is undefined is 0: a rare node
    /// counts as much as a common one.
    Macro,
    /// The mean over the rows, of which what is undefined is 1: of no node that is predicted none is wrong. hiclass calls this
    /// "macro".
    Samples,
}

/// What [`Hierarchical`] computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HierarchicalScores {
    /// The rows that take part, or the sum of their weights.
    pub rows: f64,
    /// [`Average::Micro`].
    pub micro: PrecisionRecall,
    /// [`Average::Macro`].
    pub macro_average: PrecisionRecall,
    /// [`Average::Samples`].
    pub samples: PrecisionRecall,
    /// The nodes that hold of a row or are predicted, in hierarchy order.
    pub nodes: Vec<NodeScore>,
}

impl HierarchicalScores {
    /// Precision, recall and F1, averaged in one way.
    pub fn average(&self, average: Average) -> PrecisionRecall {
        match average {
            Average::Micro => self.micro,
            Average::Macro => self.macro_average,
            Average::Samples => self.samples,
        }
    }
}

macro_rules! one_call {
    ($($name:ident, $field:ident;)*) => {
        $(
            #[doc = concat!("[`Hierarchical`] ", stringify!($field), " of one batch; none where it is of nothing.")]
            ///
            /// # Errors
            ///
            /// As those of [`Levels::truths`] and [`Hierarchical::update`].
            pub fn $name(
                levels: &Levels,
                labels: &[Label],
                predictions: &[NodeId],
                weights: Option<&[f64]>,
                average: Average,
            ) -> Result<Option<f64>, InputError> {
                let mut metric = Hierarchical::new(levels);
                metric.update(&levels.truths(labels)?, predictions, weights)?;
                Ok(metric.compute().average(average).$field)
            }
        )*
    };
}

one_call! {
    hierarchical_precision, precision;
    hierarchical_recall, recall;
    hierarchical_f1, f1;
}

impl Hierarchical {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        let [rows, precision, recall, f1] = [(); 4].map(|()| ExactSum::new());
        let nodes = vec![Counts::default(); levels.hierarchy().node_count()];
        Self { of: Origin::new(levels), nodes, rows, precision, recall, f1 }
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
                self.add(truths, row, weight(weights, row), |visit| truths.each_answered(row, *prediction, visit));
            }
        }
        Ok(())
    }

    /// Adds rows with a set of predicted nodes each, `[batch, nodes]` in the order of [`NodeId::index`]. What is above a
    /// predicted node is predicted too, and the root's entry is not looked at. Labels may be multi-label, where masked nodes
    /// take no part, or of one class, node or union.
    ///
    /// # Errors
    ///
    /// Labels of another hierarchy, lengths that do not fit, or a weight that is negative or not finite; nothing is added then.
    pub fn update_sets(
        &mut self,
        truths: &Truths<'_>,
        predicted: &[bool],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        check_sets(truths, predicted, weights)?;
        let nodes = truths.levels().hierarchy().node_count();
        let mut set = Vec::with_capacity(nodes);
        for (row, predicted) in predicted.chunks_exact(nodes).enumerate() {
            if truths.takes_part(row) {
                close(truths, row, predicted, &mut set);
                self.add(truths, row, weight(weights, row), |visit| each_of_set(truths, row, &set, visit));
            }
        }
        Ok(())
    }

    /// What each row adds, `[batch, 6]`: to precision, recall and F1 of [`Average::Micro`], and to
    /// those of [`Average::Samples`]: for the [bootstrap](super::Bootstrap).
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
        let mut ratios = vec![Ratio::default(); 6 * truths.len()];
        for (row, ratios) in ratios.chunks_exact_mut(6).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            let mut counts = RowCounts::of_no_prediction(truths, row);
            truths.each_answered(row, predictions[row], &mut |_, holds| counts.add(holds));
            counts.ratios(weight(weights, row), ratios);
        }
        Ok(ratios)
    }

    /// As [`ratios`](Self::ratios), `[batch, 6]`, of rows with a set of predicted nodes each.
    ///
    /// # Errors
    ///
    /// As those of [`update_sets`](Self::update_sets).
    pub fn ratios_of_sets(
        truths: &Truths<'_>,
        predicted: &[bool],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        check_sets(truths, predicted, weights)?;
        let nodes = truths.levels().hierarchy().node_count();
        let mut set = Vec::with_capacity(nodes);
        let mut ratios = vec![Ratio::default(); 6 * truths.len()];
        let rows = predicted.chunks_exact(nodes).zip(ratios.chunks_exact_mut(6)).enumerate();
        for (row, (predicted, ratios)) in rows.filter(|(row, _)| truths.takes_part(*row)) {
            close(truths, row, predicted, &mut set);
            let mut counts = RowCounts::of_no_prediction(truths, row);
            each_of_set(truths, row, &set, &mut |_, holds| counts.add(holds));
            counts.ratios(weight(weights, row), ratios);
        }
        Ok(ratios)
    }

    /// Adds a row, of which `each_predicted` hands out the predicted nodes and whether they hold.
    fn add(
        &mut self,
        truths: &Truths<'_>,
        row: usize,
        weight: f64,
        each_predicted: impl FnOnce(&mut dyn FnMut(NodeId, bool)),
    ) {
        let known = truths.known(row);
        let mut row_counts = RowCounts::of_no_prediction(truths, row);
        each_predicted(&mut |node, holds| {
            row_counts.add(holds);
            let counts = &mut self.nodes[node.index()];
            counts.predicted.add(weight);
            if holds {
                counts.right.add(weight);
            }
        });
        known.iter().for_each(|node| self.nodes[node.index()].support.add(weight));
        self.rows.add(weight);
        let sums = [&mut self.precision, &mut self.recall, &mut self.f1];
        for (sum, (part, whole)) in sums.into_iter().zip(row_counts.scores()) {
            sum.add(weight * RowCounts::share((f64::from(part), f64::from(whole))));
        }
    }
}

/// An error where sets of predicted nodes do not fit the rows.
fn check_sets(truths: &Truths<'_>, predicted: &[bool], weights: Option<&[f64]>) -> Result<(), InputError> {
    let nodes = truths.levels().hierarchy().node_count();
    check_length("the predicted sets", predicted.len(), truths.len() * nodes, "rows times nodes")?;
    check_weights(truths.len(), weights)
}

/// The predicted nodes of a row and all that is above them, into `set`.
fn close(truths: &Truths<'_>, row: usize, predicted: &[bool], set: &mut Vec<bool>) {
    let hierarchy = truths.levels().hierarchy();
    set.clear();
    set.extend_from_slice(predicted);
    // An only child and its parent are one answer, but where nodes are asked for one by one.
    if !truths.is_set(row) {
        let lowest = hierarchy.nodes().filter(|node| predicted[node.index()]);
        lowest.for_each(|node| set[truths.levels().lowest(node).index()] = true);
    }
    // Children come after their parents.
    for node in hierarchy.nodes().skip(1).rev() {
        if set[node.index()] {
            hierarchy.parents(node).iter().for_each(|parent| set[parent.index()] = true);
        }
    }
}

/// Visits the nodes of a closed set of which the row's label says something, and whether they hold.
fn each_of_set(truths: &Truths<'_>, row: usize, set: &[bool], visit: &mut dyn FnMut(NodeId, bool)) {
    for node in truths.levels().hierarchy().nodes().skip(1).filter(|node| set[node.index()]) {
        match truths.says(row, node) {
            Says::Unknown => {}
            says => visit(node, says == Says::Holds),
        }
    }
}

/// The nodes of a row.
#[derive(Clone, Copy, Debug, Default)]
struct RowCounts {
    right: u32,
    predicted: u32,
    known: u32,
}

impl RowCounts {
    /// Of what the label says.
    fn of_no_prediction(truths: &Truths<'_>, row: usize) -> Self {
        Self { known: truths.known(row).len() as u32, ..Self::default() }
    }

    /// What the row adds: the micro scores, then those of the mean over rows.
    fn ratios(self, weight: f64, ratios: &mut [Ratio]) {
        for (at, (part, whole)) in self.scores().into_iter().enumerate() {
            let [part, whole] = [part, whole].map(f64::from);
            ratios[at] = Ratio { numerator: weight * part, denominator: weight * whole };
            ratios[at + 3] = Ratio::weighted(Self::share((part, whole)), weight);
        }
    }

    /// A predicted node.
    fn add(&mut self, holds: bool) {
        self.predicted += 1;
        self.right += u32::from(holds);
    }

    /// Precision, recall and F1 as part and whole.
    fn scores(self) -> [(u32, u32); 3] {
        [(self.right, self.predicted), (self.right, self.known), (2 * self.right, self.predicted + self.known)]
    }

    /// Part over whole; 1 of nothing.
    fn share((part, whole): (f64, f64)) -> f64 {
        if whole == 0.0 { 1.0 } else { part / whole }
    }
}

impl State for Hierarchical {
    const NAME: &'static str = "hierarchical precision and recall";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, levels: &Levels) -> Result<(), String> {
        check_count("nodes", self.nodes.len(), levels.hierarchy().node_count())?;
        self.nodes.iter().try_for_each(Counts::check)?;
        check_sums([&self.rows, &self.precision, &self.recall, &self.f1])
    }
}

impl Metric for Hierarchical {
    type Value = HierarchicalScores;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        if self.nodes.len() != other.nodes.len() {
            return Err(other_shape("hierarchical precision and recall"));
        }
        self.nodes.iter_mut().zip(&other.nodes).for_each(|(counts, more)| counts.merge(more));
        self.rows.merge(&other.rows);
        self.precision.merge(&other.precision);
        self.recall.merge(&other.recall);
        self.f1.merge(&other.f1);
        Ok(())
    }

    fn compute(&self) -> HierarchicalScores {
        let counts = self.nodes.iter().enumerate();
        let nodes: Vec<NodeScore> = counts.filter_map(|(index, counts)| counts.of_node(NodeId(index as u32))).collect();
        HierarchicalScores {
            rows: self.rows.value(),
            micro: micro(&self.nodes),
            macro_average: macro_average(&nodes),
            samples: PrecisionRecall {
                precision: share(&self.precision, &self.rows),
                recall: share(&self.recall, &self.rows),
                f1: share(&self.f1, &self.rows),
            },
            nodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::testing;
    use super::*;
    use crate::{Hierarchy, HierarchyBuilder};

    fn scores(
        levels: &Levels,
        labels: &[Label],
        predictions: &[NodeId],
        weights: Option<&[f64]>,
    ) -> HierarchicalScores {
        let mut metric = Hierarchical::new(levels);
        metric.update(&levels.truths(labels).unwrap(), predictions, weights).unwrap();
        metric.compute()
    }

    fn all(scores: PrecisionRecall) -> [Option<f64>; 3] {
        [scores.precision, scores.recall, scores.f1]
    }

    #[test]
    fn by_hand() {
        let edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat")];
        let hierarchy = Hierarchy::from_edges(edges.into_iter().chain([("life", "animal"), ("life", "fern")])).unwrap();
        let levels = Levels::new(&hierarchy);
        // The root is life. Predicted and true nodes; those of which nothing is known are left out.
        let rows = [
            ("crow", "robin", 1.0),     // {animal, bird, robin}, {animal, bird, crow}
            ("crow", "animal", 2.0),    // {animal}, {animal, bird, crow}
            ("bird", "crow", 1.0),      // {animal, bird}, {animal, bird}
            ("crow|bat", "robin", 1.0), // {animal, robin}, {animal}: of bird nothing is known
            ("mammal", "mammal", 1.0),  // {animal, mammal, bat} twice: it is the bat
            ("fern", "life", 1.0),      // {}, {fern}
            ("", "bat", 7.0),
        ];
        let labels = rows.map(|row| hierarchy.parse_label(row.0).unwrap());
        let predictions = rows.map(|row| hierarchy.node(row.1).unwrap());
        let weights = rows.map(|row| row.2);
        let found = scores(&levels, &labels, &predictions, Some(&weights));
        // Right: 2 + 1*2 + 2 + 1 + 3 + 0 of 3 + 1*2 + 2 + 2 + 3 + 0 predicted and 3 + 3*2 + 2 + 1 + 3 + 1 true.
        assert_eq!(all(found.micro), [Some(10.0 / 12.0), Some(10.0 / 16.0), Some(20.0 / 28.0)]);
        let sevenths = |sum: f64| Some(sum / 7.0);
        testing::assert_close(found.samples.precision, sevenths(2.0 / 3.0 + 2.0 + 1.0 + 0.5 + 1.0 + 1.0));
        testing::assert_close(found.samples.recall, sevenths(2.0 / 3.0 + 2.0 / 3.0 + 1.0 + 1.0 + 1.0 + 0.0));
        testing::assert_close(found.samples.f1, sevenths(4.0 / 6.0 + 2.0 * 0.5 + 1.0 + 2.0 / 3.0 + 1.0 + 0.0));
        // Right, predicted, true of each node: animal 6 6 6, bird 2 2 4, crow 0 0 3, robin 0 2 0, mammal and bat 1 1 1, fern 0 0 1.
        let sevenths = |sum: f64| Some(sum / 7.0);
        assert_eq!(found.nodes.len(), 7);
        assert_eq!(
            all(found.macro_average),
            [sevenths(1.0 + 1.0 + 1.0 + 1.0), sevenths(1.0 + 0.5 + 2.0), sevenths(1.0 + 4.0 / 6.0 + 2.0)]
        );
        assert_eq!(found.rows, 7.0);
    }

    #[test]
    fn a_name_under_two_parents_is_two_nodes() {
        let mut builder = HierarchyBuilder::new();
        builder.add_path(["plant", "Morus", "alba"]).unwrap().add_path(["bird", "Morus", "bassanus"]).unwrap();
        builder.add_path(["bird", "Morus", "capensis"]).unwrap().add_path(["plant", "Morus", "nigra"]).unwrap();
        let hierarchy = builder.build().unwrap();
        let levels = Levels::new(&hierarchy);
        let [alba, bassanus] = ["alba", "bassanus"].map(|name| hierarchy.node(name).unwrap());
        let found = scores(&levels, &[Label::Node(alba), Label::Node(bassanus)], &[bassanus; 2], None);
        // 3 of 6: of the first row nothing is right. By name (hiclass) the genus would be: 4 of 6.
        assert_eq!(all(found.micro), [Some(0.5); 3]);
    }

    #[test]
    fn sets_by_hand() {
        let edges = [("animal", "bird"), ("animal", "mammal"), ("bird", "crow"), ("bird", "robin"), ("mammal", "bat")];
        let hierarchy = Hierarchy::from_edges(edges.into_iter().chain([("life", "animal"), ("life", "fern")])).unwrap();
        let levels = Levels::new(&hierarchy);
        let node = |name: &str| hierarchy.node(name).unwrap();
        let set = |positive: &[&str], masked: &[&str]| {
            let [positive, masked] = [positive, masked].map(|names| names.iter().map(|name| node(name)).collect());
            Label::Set { positive, masked }
        };
        let labels = [
            set(&["crow", "fern"], &[]), // animal, bird, crow, fern
            set(&["bat"], &["crow"]),    // animal, mammal, bat
            set(&[], &[]),
            Label::Ignored,
        ];
        let predicted = [&["crow", "mammal"][..], &["crow"], &[], &["fern"]]; // bird, animal; animal, bird without crow
        let mut rows = vec![false; 4 * hierarchy.node_count()];
        for (row, names) in predicted.iter().enumerate() {
            names.iter().for_each(|name| rows[row * hierarchy.node_count() + node(name).index()] = true);
        }
        let mut metric = Hierarchical::new(&levels);
        let truths = levels.truths(&labels).unwrap();
        metric.update_sets(&truths, &rows, None).unwrap();
        let found = metric.compute();
        // The mammal's only child is not predicted with it: each node is asked for by itself.
        assert_eq!(all(found.micro), [Some((3.0 + 1.0) / (4.0 + 2.0)), Some(4.0 / 7.0), Some(8.0 / 13.0)]);
        assert_eq!(found.samples.precision, Some((0.75 + 0.5 + 1.0) / 3.0));
        let error = metric.update(&truths, &[NodeId::ROOT; 4], None).unwrap_err();
        assert_eq!(error.to_string(), "row 0: this metric is of one answer a row, and the label is multi-label");
        let error = metric.update_sets(&truths, &rows[1..], None).unwrap_err();
        assert_eq!(error.to_string(), "the predicted sets have 31 elements, expected 32 (rows times nodes)");
    }

    /// Rows of true and predicted nodes, and what is masked, as sets.
    fn by_definition(rows: &[(BTreeSet<NodeId>, BTreeSet<NodeId>, f64)]) -> [[Option<f64>; 3]; 3] {
        let scores = |right: f64, predicted: f64, truth: f64| {
            let of = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
            [of(right, predicted), of(right, truth), of(2.0 * right, predicted + truth)]
        };
        let sums = |of: &dyn Fn(&BTreeSet<NodeId>) -> f64| {
            let mut sums = [0.0; 3];
            for (truth, predicted, weight) in rows {
                let both = truth & predicted;
                [&both, predicted, truth].into_iter().zip(&mut sums).for_each(|(set, sum)| *sum += weight * of(set));
            }
            sums
        };
        let mean = |scores: &[([Option<f64>; 3], f64)], undefined: f64| {
            let total: f64 = scores.iter().map(|score| score.1).sum();
            [0, 1, 2].map(|at| {
                let sum: f64 = scores.iter().map(|(score, weight)| score[at].unwrap_or(undefined) * weight).sum();
                (total > 0.0).then(|| sum / total)
            })
        };
        let [right, predicted, truth] = sums(&|set| set.len() as f64);
        let nodes: BTreeSet<NodeId> = rows.iter().filter(|row| row.2 > 0.0).flat_map(|row| &row.0 | &row.1).collect();
        let nodes = nodes.iter().map(|node| {
            let [right, predicted, truth] = sums(&|set| f64::from(u8::from(set.contains(node))));
            (scores(right, predicted, truth), 1.0)
        });
        let samples = rows.iter().map(|(truth, predicted, weight)| {
            let right = (truth & predicted).len() as f64;
            (scores(right, predicted.len() as f64, truth.len() as f64), *weight)
        });
        [
            scores(right, predicted, truth),
            mean(&nodes.collect::<Vec<_>>(), 0.0),
            mean(&samples.collect::<Vec<_>>(), 1.0),
        ]
    }

    fn assert_same(found: &HierarchicalScores, rows: &[(BTreeSet<NodeId>, BTreeSet<NodeId>, f64)]) {
        let averages = [found.micro, found.macro_average, found.samples];
        for (found, expected) in averages.into_iter().zip(by_definition(rows)) {
            all(found).into_iter().zip(expected).for_each(|(found, expected)| testing::assert_close(found, expected));
        }
    }

    #[test]
    fn it_is_precision_and_recall_of_the_matrix_by_definition() {
        testing::many(|batch| {
            let row = |row: usize| {
                let classes = batch.classes_of(&batch.labels[row])?;
                let holds = |node: &NodeId| batch.below(*node).is_superset(&classes);
                let fails = |node: &NodeId| batch.below(*node).is_disjoint(&classes);
                let truth = batch.nodes().filter(holds).collect();
                let said = batch.nodes().filter(|node| batch.is_said_by(*node, batch.predictions[row]));
                let predicted = said.filter(|node| holds(node) || fails(node)).collect();
                Some((truth, predicted, batch.weights[row]))
            };
            let rows: Vec<_> = (0..batch.labels.len()).filter_map(row).collect();
            assert_same(&scores(&batch.levels, &batch.labels, &batch.predictions, Some(&batch.weights)), &rows);
        });
    }

    #[test]
    fn sets_by_definition() {
        testing::many(|batch| {
            let nodes = batch.hierarchy().node_count();
            let row = |row: usize| {
                let Label::Set { positive, masked } = &batch.sets[row] else { return None };
                let closed = |nodes: &mut dyn Iterator<Item = NodeId>| {
                    let closed: BTreeSet<NodeId> = nodes.flat_map(|node| batch.steps_up(node)).collect();
                    closed.into_iter().filter(|node| *node != NodeId::ROOT && !masked.contains(node)).collect()
                };
                let is_predicted = |node: &NodeId| batch.predicted_sets[row * nodes + node.index()];
                let predicted = closed(&mut batch.nodes().filter(is_predicted));
                Some((closed(&mut positive.iter().copied()), predicted, batch.weights[row]))
            };
            let rows: Vec<_> = (0..batch.sets.len()).filter_map(row).collect();
            let mut metric = Hierarchical::new(&batch.levels);
            let truths = batch.levels.truths(&batch.sets).unwrap();
            metric.update_sets(&truths, &batch.predicted_sets, Some(&batch.weights)).unwrap();
            assert_same(&metric.compute(), &rows);
        });
    }

    #[test]
    fn the_set_of_one_answer_is_the_answer() {
        testing::many(|batch| {
            let nodes = batch.hierarchy().node_count();
            let mut sets = vec![false; batch.labels.len() * nodes];
            let at = batch.predictions.iter().enumerate();
            at.for_each(|(row, prediction)| sets[row * nodes + prediction.index()] = true);
            let mut metric = Hierarchical::new(&batch.levels);
            metric.update_sets(&batch.levels.truths(&batch.labels).unwrap(), &sets, Some(&batch.weights)).unwrap();
            assert_eq!(
                metric.compute(),
                scores(&batch.levels, &batch.labels, &batch.predictions, Some(&batch.weights))
            );
        });
    }

    #[test]
    fn what_rows_add_makes_the_value() {
        testing::many(|batch| {
            let truths = batch.levels.truths(&batch.labels).unwrap();
            // Weights times counts are exact.
            let weights: Vec<f64> = batch.weights.iter().map(|weight| (weight * 64.0).floor() / 64.0).collect();
            let ratios = Hierarchical::ratios(&truths, &batch.predictions, Some(&weights)).unwrap();
            let value = scores(&batch.levels, &batch.labels, &batch.predictions, Some(&weights));
            testing::assert_ratios(&ratios, &[all(value.micro), all(value.samples)].concat());
        });
    }

    #[test]
    fn what_rows_of_sets_add_makes_the_value() {
        testing::many(|batch| {
            // Weights times counts are exact.
            let weights: Vec<f64> = batch.weights.iter().map(|weight| (weight * 64.0).floor() / 64.0).collect();
            // Beside sets, labels of one answer, whose only children are one with their parents.
            for labels in [&batch.sets, &batch.labels] {
                let truths = batch.levels.truths(labels).unwrap();
                let ratios = Hierarchical::ratios_of_sets(&truths, &batch.predicted_sets, Some(&weights)).unwrap();
                let mut metric = Hierarchical::new(&batch.levels);
                metric.update_sets(&truths, &batch.predicted_sets, Some(&weights)).unwrap();
                let value = metric.compute();
                testing::assert_ratios(&ratios, &[all(value.micro), all(value.samples)].concat());
            }
        });
    }

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Hierarchical::new(&batch.levels),
            |metric, part| {
                metric.update(part.truths, part.predictions, part.weights)?;
                metric.update_sets(part.set_truths, part.predicted_sets, part.weights)
            },
        );
    }
}
