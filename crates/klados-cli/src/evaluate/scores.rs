//! What is counted of a model without a rule: its probabilities.

use anyhow::Result;
use klados::NodeId;
use klados::metrics::{Accuracy, Brier, Calibration, DistanceAtK, Levels, LogLoss, Metric, Truths};

use super::Rows;

/// The accumulators of one model's probabilities. Of multi-label rows those that have a meaning there.
#[derive(Debug, Clone)]
pub(crate) struct Scores {
    pub(crate) single: Option<Box<Single>>,
}

/// Of rows with one label.
#[derive(Debug, Clone)]
pub(crate) struct Single {
    /// Of the most probable node of each level.
    pub(crate) accuracy: Accuracy,
    pub(crate) log_loss: LogLoss,
    pub(crate) brier: Brier,
    pub(crate) calibration: Calibration,
    pub(crate) distances: DistanceAtK,
}

impl Scores {
    /// Of no rows yet.
    pub(crate) fn new(levels: &Levels, is_multi_label: bool, bins: usize) -> Result<Self> {
        if is_multi_label {
            return Ok(Self { single: None });
        }
        let classes = levels.hierarchy().class_count();
        let ks: Vec<usize> = [1, 5, 10].into_iter().filter(|k| *k == 1 || *k < classes).collect();
        let single = Single {
            accuracy: Accuracy::new(levels),
            log_loss: LogLoss::new(levels),
            brier: Brier::new(levels),
            calibration: Calibration::new(levels, bins)?,
            distances: DistanceAtK::new(levels, &ks)?,
        };
        Ok(Self { single: Some(Box::new(single)) })
    }

    /// Adds rows; `best` is the most probable node of each level, `[rows, levels]`.
    pub(crate) fn update(
        &mut self,
        rows: &Rows<'_>,
        truths: &Truths<'_>,
        log_probs: &[f64],
        best: &[NodeId],
    ) -> Result<()> {
        if let Some(single) = &mut self.single {
            single.accuracy.update_by_level(truths, best, rows.weights)?;
            single.log_loss.update(truths, log_probs, rows.weights)?;
            single.brier.update(truths, log_probs, rows.weights)?;
            single.calibration.update(truths, log_probs, rows.weights)?;
            single.distances.update(truths, log_probs, rows.weights)?;
        }
        Ok(())
    }

    /// Adds what another has seen.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        if let (Some(single), Some(other)) = (&mut self.single, &other.single) {
            single.accuracy.merge(&other.accuracy)?;
            single.log_loss.merge(&other.log_loss)?;
            single.brier.merge(&other.brier)?;
            single.calibration.merge(&other.calibration)?;
            single.distances.merge(&other.distances)?;
        }
        Ok(())
    }
}
