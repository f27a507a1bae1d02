//! What is counted of a model without a rule: its probabilities.

use anyhow::Result;
use klados::NodeId;
use klados::metrics::{
    Accuracy, Auprc, Brier, Calibration, DistanceAtK, Levels, LogLoss, Metric, OperatingCurve, RiskCoverage, Truths,
    ValuedBy, Violations, Wasserstein,
};

use super::{Options, Rows};

/// The accumulators of one model's probabilities. Of multi-label rows those that have a meaning there.
#[derive(Debug, Clone)]
pub(crate) struct Scores {
    pub(crate) single: Option<Box<Single>>,
    pub(crate) multi: Option<Box<Multi>>,
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
    /// Of a tree.
    pub(crate) wasserstein: Option<Wasserstein>,
    pub(crate) curves: Option<Curves>,
}

/// What keeps some numbers a row.
#[derive(Debug, Clone)]
pub(crate) struct Curves {
    pub(crate) operating: OperatingCurve,
    pub(crate) risk: RiskCoverage,
}

/// Of multi-label rows.
#[derive(Debug, Clone)]
pub(crate) struct Multi {
    pub(crate) auprc: Auprc,
    pub(crate) violations: Violations,
}

impl Scores {
    /// Of no rows yet.
    pub(crate) fn new(levels: &Levels, is_multi_label: bool, options: Options) -> Result<Self> {
        if is_multi_label {
            let auprc = match options.thresholds {
                Some(thresholds) => Auprc::with_thresholds(levels, thresholds)?,
                None => Auprc::new(levels),
            };
            let multi = Multi { auprc, violations: Violations::new(levels) };
            return Ok(Self { single: None, multi: Some(Box::new(multi)) });
        }
        let classes = levels.hierarchy().class_count();
        let ks: Vec<usize> = [1, 5, 10].into_iter().filter(|k| *k == 1 || *k < classes).collect();
        let single = Single {
            accuracy: Accuracy::new(levels),
            log_loss: LogLoss::new(levels),
            brier: Brier::new(levels),
            calibration: Calibration::new(levels, options.bins)?,
            distances: DistanceAtK::new(levels, &ks)?,
            wasserstein: levels.hierarchy().is_tree().then(|| Wasserstein::new(levels)).transpose()?,
            curves: options.curves.then(|| Curves {
                operating: OperatingCurve::new(levels, ValuedBy::Information),
                risk: RiskCoverage::new(levels),
            }),
        };
        Ok(Self { single: Some(Box::new(single)), multi: None })
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
            single.calibration.update_by_level(truths, log_probs, best, rows.weights)?;
            single.distances.update(truths, log_probs, rows.weights)?;
            if let Some(wasserstein) = &mut single.wasserstein {
                wasserstein.update(truths, log_probs, rows.weights)?;
            }
            if let Some(curves) = &mut single.curves {
                curves.operating.update(truths, log_probs, rows.weights)?;
                curves.risk.update_by_level(truths, log_probs, best, rows.weights)?;
            }
        }
        if let Some(multi) = &mut self.multi {
            multi.auprc.update(truths, log_probs, rows.weights)?;
            multi.violations.update(truths, log_probs, rows.weights)?;
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
            if let (Some(wasserstein), Some(other)) = (&mut single.wasserstein, &other.wasserstein) {
                wasserstein.merge(other)?;
            }
            if let (Some(curves), Some(other)) = (&mut single.curves, &other.curves) {
                curves.operating.merge(&other.operating)?;
                curves.risk.merge(&other.risk)?;
            }
        }
        if let (Some(multi), Some(other)) = (&mut self.multi, &other.multi) {
            multi.auprc.merge(&other.auprc)?;
            multi.violations.merge(&other.violations)?;
        }
        Ok(())
    }
}
