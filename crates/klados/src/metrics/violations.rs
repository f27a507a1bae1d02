//! Edges along which probabilities contradict the hierarchy.

use serde::{Deserialize, Serialize};

use super::log_probs::LogProbs;
use super::state::{Origin, State, check_part, meet, meet_rows};
use super::{ExactSum, Levels, Metric, Ratio, Truths, share, weight};
use crate::Label;
use crate::criterion::InputError;
use crate::numeric::Float;

/// The share of edges, over all rows, along which the child is more probable than the parent, which cannot be: whatever is a
/// crow is a bird. The root has the probability 1, so the edges below it are never violated. In `[0, 1]`; 0 is best, and what
/// probabilities of a softmax over the classes have, but for rounding.
///
/// Labels are not looked at, but that rows without one take no part; so it is of multi-label and other rows alike. In a DAG
/// every edge counts.
///
/// # What published code does differently
///
/// Giunchiglia & Lukasiewicz (2020) and others count rows, or pairs of a node and any ancestor, after a threshold; this is of
/// the probabilities themselves.
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, Metric, Violations};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let row = [1.0f64, 0.2, 0.3, 0.9, 0.9, 0.1].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut metric = Violations::new(&levels);
/// metric.update(&levels.truths(&[hierarchy.parse_label("crow;")?])?, &row, None)?;
/// assert_eq!(metric.compute(), Some(1.0 / 5.0)); // bat of mammal
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Violations {
    of: Origin,
    violated: ExactSum,
    edges: ExactSum,
}

/// [`Violations`] of one batch; none where no row takes part.
///
/// # Errors
///
/// As those of [`Levels::truths`] and [`Violations::update`].
pub fn violations<F: Float>(
    levels: &Levels,
    labels: &[Label],
    log_probs: &[F],
    weights: Option<&[f64]>,
) -> Result<Option<f64>, InputError> {
    let mut metric = Violations::new(levels);
    metric.update(&levels.truths(labels)?, log_probs, weights)?;
    Ok(metric.compute())
}

impl Violations {
    /// Of no rows yet.
    pub fn new(levels: &Levels) -> Self {
        Self { of: Origin::new(levels), violated: ExactSum::new(), edges: ExactSum::new() }
    }

    /// Adds rows of the log-probabilities of all nodes, `[batch, nodes]`.
    ///
    /// # Errors
    ///
    /// Labels of another hierarchy, lengths that do not fit, a log-probability that is NaN or above 0, a weight that is
    /// negative or not finite; nothing is added then.
    pub fn update<F: Float>(
        &mut self,
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<(), InputError> {
        meet_rows(self, truths)?;
        for ratio in Self::ratios(truths, log_probs, weights)? {
            self.violated.add(ratio.numerator);
            self.edges.add(ratio.denominator);
        }
        Ok(())
    }

    /// What each row adds, `[batch]`: for the [bootstrap](super::Bootstrap).
    ///
    /// # Errors
    ///
    /// As those of [`update`](Self::update).
    pub fn ratios<F: Float>(
        truths: &Truths<'_>,
        log_probs: &[F],
        weights: Option<&[f64]>,
    ) -> Result<Vec<Ratio>, InputError> {
        let log_probs = LogProbs::new(truths, log_probs, weights)?;
        let hierarchy = truths.levels().hierarchy();
        // Parent and child; nothing is more probable than the root.
        let edges: usize = hierarchy.nodes().map(|node| hierarchy.parents(node).len()).sum();
        let below_root = |node| hierarchy.parents(node).iter().filter(|parent| **parent != crate::NodeId::ROOT);
        let pairs =
            hierarchy.nodes().flat_map(|node| below_root(node).map(move |parent| (parent.index(), node.index())));
        let pairs: Vec<(usize, usize)> = pairs.collect();
        let of = |row: usize| {
            if !truths.takes_part(row) {
                return Ratio::default();
            }
            let log_p = log_probs.row(row);
            let violated = pairs.iter().filter(|(parent, child)| log_p[*child] > log_p[*parent]).count();
            let weight = weight(weights, row);
            Ratio { numerator: weight * violated as f64, denominator: weight * edges as f64 }
        };
        Ok((0..truths.len()).map(of).collect())
    }
}

impl State for Violations {
    const NAME: &'static str = "violations";

    fn origin(&self) -> &Origin {
        &self.of
    }

    fn origin_mut(&mut self) -> &mut Origin {
        &mut self.of
    }

    fn check(&self, _: &Levels) -> Result<(), String> {
        check_part(&self.violated, &self.edges)
    }
}

impl Metric for Violations {
    /// None where no row takes part.
    type Value = Option<f64>;

    fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        meet(self, other)?;
        self.violated.merge(&other.violated);
        self.edges.merge(&other.edges);
        Ok(())
    }

    fn compute(&self) -> Option<f64> {
        share(&self.violated, &self.edges)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::{Hierarchy, NodeId};

    #[test]
    fn any_split_gives_the_same_bits() {
        testing::merging(
            |batch| Violations::new(&batch.levels),
            |metric, part| metric.update(part.set_truths, part.log_probs, part.weights),
        );
    }

    #[test]
    fn edges_of_random_batches() {
        testing::many(|batch| {
            let hierarchy = batch.hierarchy();
            let width = hierarchy.node_count();
            // Other rows than those of a softmax.
            let log_probs: Vec<f64> = batch.log_probs.iter().rev().copied().collect();
            let (mut above, mut below) = (0.0, 0.0);
            for row in (0..batch.sets.len()).filter(|row| batch.sets[*row] != Label::Ignored) {
                for child in hierarchy.nodes() {
                    for parent in hierarchy.parents(child) {
                        let [p, of_parent] = [child, *parent].map(|node| log_probs[row * width + node.index()]);
                        above += f64::from(*parent != NodeId::ROOT && p > of_parent);
                        below += 1.0;
                    }
                }
            }
            let found = violations(&batch.levels, &batch.sets, &log_probs, None).unwrap();
            testing::assert_close(found, (below > 0.0).then_some(above / below));
        });
    }

    #[test]
    fn of_one_node_below_the_root() {
        let hierarchy = Hierarchy::from_edges([("animal", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let labels = [Label::Set { positive: vec![], masked: vec![] }];
        assert_eq!(violations(&levels, &labels, &[-1.0, -0.5], None).unwrap(), Some(0.0));
        assert_eq!(violations::<f64>(&levels, &[], &[], None).unwrap(), None);
    }
}
