//! Precision and recall, of a node and averaged over nodes.

use serde::{Deserialize, Serialize};

use super::state::check_part;
use super::{ExactSum, share};
use crate::NodeId;

/// Precision, recall and F1, each in `[0, 1]`; 1 is best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// Of what is predicted, the share that holds; none where nothing is predicted.
    pub precision: Option<f64>,
    /// Of what holds, the share that is predicted; none where nothing holds.
    pub recall: Option<f64>,
    /// `2 right / (predicted + holding)`, the harmonic mean of the two; none where both are.
    pub f1: Option<f64>,
}

/// Precision and recall of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeScore {
    /// The node.
    pub node: NodeId,
    /// The rows of which it holds, or the sum of their weights.
    pub support: f64,
    /// The rows of which it is predicted.
    pub predicted: f64,
    /// The rows of which it is predicted and holds.
    pub right: f64,
    /// Precision, recall and F1.
    pub scores: PrecisionRecall,
}

/// What precision and recall are made of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) support: ExactSum,
    pub(super) predicted: ExactSum,
    pub(super) right: ExactSum,
}

impl Counts {
    /// What is wrong with them.
    pub(super) fn check(&self) -> Result<(), String> {
        check_part(&self.right, &self.support)?;
        check_part(&self.right, &self.predicted)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.support.merge(&other.support);
        self.predicted.merge(&other.predicted);
        self.right.merge(&other.right);
    }

    pub(super) fn scores(&self) -> PrecisionRecall {
        let mut both = self.support.clone();
        both.merge(&self.predicted);
        let mut twice = self.right.clone();
        twice.merge(&self.right);
        PrecisionRecall {
            precision: share(&self.right, &self.predicted),
            recall: share(&self.right, &self.support),
            f1: share(&twice, &both),
        }
    }

    /// The counts of a node; none where it neither holds nor is predicted.
    pub(super) fn of_node(&self, node: NodeId) -> Option<NodeScore> {
        let [support, predicted, right] = [&self.support, &self.predicted, &self.right].map(ExactSum::value);
        let is_there = support > 0.0 || predicted > 0.0;
        is_there.then(|| NodeScore { node, support, predicted, right, scores: self.scores() })
    }
}

/// Of the sums over all nodes: each row counts as often as nodes hold of it.
pub(super) fn micro<'a>(counts: impl IntoIterator<Item = &'a Counts>) -> PrecisionRecall {
    let mut all = Counts::default();
    counts.into_iter().for_each(|counts| all.merge(counts));
    all.scores()
}

/// The unweighted mean over the nodes that hold of a row or are predicted; what is undefined of one of these is 0.
pub(super) fn macro_average(nodes: &[NodeScore]) -> PrecisionRecall {
    let mean = |score: fn(&PrecisionRecall) -> Option<f64>| {
        let sum: f64 = nodes.iter().map(|node| score(&node.scores).unwrap_or(0.0)).sum();
        (!nodes.is_empty()).then(|| sum / nodes.len() as f64)
    };
    PrecisionRecall {
        precision: mean(|scores| scores.precision),
        recall: mean(|scores| scores.recall),
        f1: mean(|scores| scores.f1),
    }
}
