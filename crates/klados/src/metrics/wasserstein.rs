//! Tree distance between the predicted distribution and the label.

use serde::{Deserialize, Serialize};

use super::log_probs::{LogProbs, Probabilities};
use super::state::{Origin, State, check_sums, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Ratio, Says, Truths, share, weight};
use crate::Label;
use crate::criterion::{InputError, InputErrorKind};
use crate::numeric::{Float, scalar};

/// The mean Wasserstein-1 distance, in edges of the tree, between the predicted distribution over the classes and the label:
/// how far the probability would have to be carried. In `[0, 2H]` with `H` the height of the tree; 0 is best.
///
/// A row's distance is `sum_v |P(v) - [v holds]|` over the nodes of which its label says something: across the edge above a
/// node has to go what is below it too much or too little (Evans & Matsen 2012). For a class label that is the exact distance
/// to the class: the expected number of edges between it and a class that is drawn from the prediction. For the label of an
/// internal node it is the distance to the nearest distribution over what is at or below the node, where what arrives at the
/// node is there: what is predicted below it is free. Of a union, the nodes between its alternatives and their common ancestor
/// are unknown, and what is carried across the edges above them is free. The extra leaf of a class that is an internal node
/// has an edge of its own.
///
/// It takes the whole distribution, as [`Brier`](super::Brier) does, and knows how far off mistakes are, as
/// [`LcaHeight`](super::LcaHeight) does; it is no proper scoring rule: it is the least at a distribution that is certain of
/// one node. `1 - P` is taken from `log P` without cancellation.
///
/// # What published code does differently
///
/// General solvers of optimal transport take classes x classes costs; on a tree the sum above needs one pass over the nodes.
/// The squared distance of Hou et al. (2017) is of classes in an order, not of a tree.
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, Metric, Wasserstein};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let row = [1.0f64, 0.25, 0.25, 0.75, 0.5, 0.25].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let of = |label: &str| {
///     let mut metric = Wasserstein::new(&levels)?;
///     metric.update(&levels.truths(&[hierarchy.parse_label(label)?])?, &row, None)?;
///     Ok::<_, Box<dyn std::error::Error>>(metric.compute().unwrap())
/// };
/// assert!((of("crow")? - (0.25 * 2.0 + 0.25 * 4.0)).abs() < 1e-15); // robin is two edges off, bat four
/// assert!((of("bird")? - 0.25 * 3.0).abs() < 1e-15); // bat is three edges off
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wasserstein {
    of: Origin,
    distance: ExactSum,
    rows: ExactSum,
}

/// [`Wasserstein`] of one batch; none where no row takes part.
///
/// # Errors
///
/// As those of [`Levels::truths`], [`Wasserstein::new`] and [`Wasserstein::update`].
pub fn wasserstein<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
) -> Result<Option<f64>, InputError> {
    let mut metric = Wasserstein::new(levels)?;
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl Wasserstein {
    /// Of no rows yet.
    ///
    /// # Errors
    ///
    /// A DAG: the distance is that of a tree.
    pub fn new(levels: &Levels) -> Result<Self, InputError> {
        check_tree(levels)?;
        Ok(Self { of: Origin::new(levels), distance: ExactSum::new(), rows: ExactSum::new() })
    }

    /// Adds rows of the log-probabilities of all nodes, `[batch, nodes]`.
    ///
    /// # Errors
    ///
    /// Labels of another hierarchy, lengths that do not fit, a multi-label row, a log-probability that is NaN or above 0, a
    /// weight that is negative or not finite; nothing is added then.
    pub fn update<F: Float>(
        &mut self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        for ratio in Self::ratios(truths, log_probs, weights)? {
            self.distance.add(ratio.numerator);
            self.rows.add(ratio.denominator);
        }
        Ok(())
    }

    /// What each row adds, `[batch]`: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`new`](Self::new) and [`update`](Self::update).
    pub fn ratios<F: Float>(
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        check_tree(truths.levels())?;
        truths.check_single()?;
        let log_probs = LogProbs::new(truths, log_probs, weights)?;
        let (mut probabilities, mut says) = (Probabilities::default(), Vec::new());
        let mut of = |row: usize| {
            if !truths.takes_part(row) {
                return Ratio::default();
            }
            log_probs.probabilities(row, &mut probabilities);
            truths.of_all(row, &mut says);
            let all = probabilities.p.iter().zip(&says);
            let too_much = all.map(|(p, says)| if *says == Says::Fails { *p } else { 0.0 });
            let missing = truths.known(row).iter().map(|node| scalar::one_minus_exp(log_probs.log_p(row, *node)));
            Ratio::weighted(too_much.sum::<f64>() + missing.sum::<f64>(), weight(weights, row))
        };
        Ok((0..truths.len()).map(&mut of).collect())
    }
}

fn check_tree(levels: &Levels) -> Result<(), InputError> {
    if levels.hierarchy().is_tree() {
        return Ok(());
    }
    let message = "wasserstein is defined on trees; this hierarchy has nodes with several parents";
    Err(InputError::new(InputErrorKind::NotATree, message))
}

impl State for Wasserstein {
    const NAME: &'static str = "wasserstein";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, _: &Levels) -> Result<(), String> {
        check_sums([&self.distance, &self.rows])
    }
}

impl Metric for Wasserstein {
    /// None where no row takes part.
    type Value = Option<f64>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        self.distance.merge(&other.distance);
        self.rows.merge(&other.rows);
        Ok(())
    }

    fn compute(&self) -> Option<f64> {
        share(&self.distance, &self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::{Hierarchy, NodeId};

    #[test]
    fn any_split_gives_the_same_bits() {
        // Where it is a DAG there is nothing to split.
        testing::merging_where(
            |batch| batch.hierarchy().is_tree(),
            |batch| Wasserstein::new(&batch.levels).unwrap(),
            |metric, part| metric.update(part.truths, part.log_probs, part.weights),
        );
    }

    /// Of a class label: the expected distance to a class that is drawn. Of a node: to the node, for classes that are not at or
    /// below it.
    #[test]
    fn it_is_the_expected_distance() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            if !hierarchy.is_tree() {
                assert_eq!(Wasserstein::new(&batch.levels).unwrap_err().kind(), InputErrorKind::NotATree);
                return;
            }
            if !batch.agrees {
                return;
            }
            let (mut above, mut below) = (0.0, 0.0);
            let truths = batch.levels.truths(&batch.labels).unwrap();
            let single = |label: &Label| matches!(label, Label::Class(_) | Label::Node(_));
            let weights: Vec<f64> = batch.labels.iter().map(|label| f64::from(single(label))).collect();
            for (row, label) in batch.labels.iter().enumerate().filter(|(_, label)| single(label)) {
                if !truths.takes_part(row) {
                    continue;
                }
                let node: NodeId = match label {
                    Label::Node(node) => batch.levels.lowest(*node),
                    Label::Class(class) => batch.levels.lowest(hierarchy.class_node(*class)),
                    _ => unreachable!(),
                };
                for class in 0..hierarchy.class_count() {
                    let class = hierarchy.class_node(class);
                    let p = scalar::exp(batch.log_probs[row * hierarchy.node_count() + class.index()]);
                    // Of chains of only children both ends are one answer, but the way along them is a way.
                    above += if hierarchy.is_at_or_above(node, class) {
                        0.0
                    } else {
                        p * hierarchy.distance(node, class) as f64
                    };
                }
                below += 1.0;
            }
            let found = wasserstein(&batch.levels, &batch.labels, &batch.log_probs, Some(&weights)).unwrap();
            testing::assert_close(found, (below > 0.0).then_some(above / below));
        });
    }

    #[test]
    fn distances_near_0_keep_their_digits() {
        let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "dog")]).unwrap();
        let row = [0.0, -1e-20, scalar::ln(1e-20)];
        let found = wasserstein(&Levels::new(&hierarchy), &[Label::Class(0)], &row, None).unwrap();
        assert!((found.unwrap() / 2e-20 - 1.0).abs() < 1e-13);
    }
}
