//! Metrics for class hierarchies: how often a model is right, at which level, and how far off it is where it is not.
//!
//! Every metric is an accumulator: `update` with a batch, [`merge`](Metric::merge) with what another thread, process or
//! machine has seen, [`compute`](Metric::compute). Counts are integers and sums are [exact](ExactSum), so any split of the
//! rows, merged in any order, gives the same bits; accumulators are serialized with serde to travel. One that was read is
//! checked, every length, index and range of it, where it meets its hierarchy: when rows are added, or when it is merged with an
//! accumulator that was made of [`Levels`]. So merge what comes from elsewhere into a new one before it is computed.
//!
//! # What a label says
//!
//! A label stands for a set of classes (see [`Label`](crate::Label)). Of a node it says that it holds, if all of these are
//! below the node; that it does not, if none is; and nothing, if some are: of a sample labelled "bird", crow is unknown.
//! **What a label does not say takes no part.** A prediction below the label's node counts as the label's node, and a
//! sample labelled "bird" is not judged at the level of species. A prediction above the label's node is right and less
//! informative: what that costs, each metric says. Ignored samples take no part, nor do samples whose label stands for all
//! classes, as the root does. A node and its only child have the same classes below them; as an answer, and as a label, they
//! are one. [`Levels::truths`] reads labels that way, once for all metrics.
//!
//! # Example
//!
//! ```
//! use klados::metrics::{Accuracy, Levels, Metric};
//! use klados::Hierarchy;
//!
//! let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
//! let levels = Levels::new(&hierarchy);
//! let labels = [hierarchy.parse_label("crow")?, hierarchy.parse_label("bird")?];
//! let predictions = [hierarchy.node("robin")?, hierarchy.node("crow")?];
//!
//! let mut accuracy = Accuracy::new(&levels);
//! accuracy.update(&levels.truths(&labels)?, &predictions, None)?;
//! let [top, class] = &accuracy.compute()[..] else { panic!("two levels") };
//! assert_eq!((top.level.as_str(), top.value), ("depth 1", Some(1.0))); // both birds
//! assert_eq!((class.rows, class.value), (1.0, Some(0.0))); // "bird" says nothing about the species
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accuracy;
mod auprc;
mod balanced_accuracy;
mod bootstrap;
mod brier;
mod calibration;
mod confusion;
mod contributions;
mod coverage;
mod distance_at_k;
mod distinct_rows;
mod draws;
mod fingerprint;
mod hierarchical;
mod lca_height;
mod lca_scores;
mod level_answers;
mod levels;
mod log_loss;
mod log_probs;
mod operating_curve;
mod poisson;
mod precision_recall;
mod ranking;
mod ratio;
mod replicates;
mod resampled;
mod risk_coverage;
mod row_bootstrap;
mod state;
#[cfg(test)]
mod testing;
mod thinned;
mod trajectory;
mod truth;
mod violations;
mod wasserstein;

pub use accuracy::{Accuracy, LevelValue, accuracy};
pub use auprc::{Auprc, AuprcValue, LevelAuprc, NodeAuprc, auprc};
pub use balanced_accuracy::{BalancedAccuracy, BalancedLevel, balanced_accuracy};
pub use bootstrap::{Bootstrap, Resampling};
pub use brier::{Brier, brier};
pub use calibration::{Calibration, LevelCalibration, ReliabilityBin, ece};
pub use confusion::{Confused, Confusion, LevelConfusion, confusion};
pub use contributions::Contributions;
pub use coverage::{Answers, Coverage, LevelAnswers, coverage};
pub use distance_at_k::{DistanceAtK, DistanceValue, distance_at_k};
use fingerprint::Fingerprint;
pub use hierarchical::{
    Average, Hierarchical, HierarchicalScores, hierarchical_f1, hierarchical_precision, hierarchical_recall,
};
pub use lca_height::{LcaHeight, LcaHeights, lca_height, mistake_severity};
pub use lca_scores::{LcaScores, LcaValue, ValuedBy, lca_f1, lca_precision, lca_recall};
pub use levels::{JudgedLevel, Levels};
pub use log_loss::{LogLoss, log_loss};
pub use operating_curve::{OperatingCurve, OperatingCurveValue, OperatingPoint, operating_curve};
pub use precision_recall::{NodeScore, PrecisionRecall};
pub use ratio::Ratio;
pub use replicates::{Interval, Replicates};
pub use risk_coverage::{LevelRiskCoverage, RiskCoverage, RiskPoint, risk_coverage};
pub use row_bootstrap::RowBootstrap;
use thinned::thinned;
pub use truth::{Says, Truths};
pub use violations::{Violations, violations};
pub use wasserstein::{Wasserstein, wasserstein};

use crate::criterion::{InputError, InputErrorKind, check_length};
pub use crate::numeric::ExactSum;

/// What all accumulators can do.
pub trait Metric: Clone {
    /// What comes out.
    type Value;

    /// Adds what another accumulator of the same metric, options and hierarchy has seen. Associative, and exact.
    ///
    /// # Errors
    ///
    /// An accumulator of another shape: of another hierarchy, or with other options.
    fn merge(&mut self, other: &Self) -> Result<(), InputError>;

    /// The metric of all rows so far.
    fn compute(&self) -> Self::Value;
}

/// `part / whole`; none of nothing.
fn share(part: &ExactSum, whole: &ExactSum) -> Option<f64> {
    let whole = whole.value();
    (whole > 0.0).then(|| part.value() / whole)
}

/// Checks sample weights: one a row, finite, not negative.
fn check_weights(rows: usize, weights: Option<&[f64]>) -> Result<(), InputError> {
    let Some(weights) = weights else { return Ok(()) };
    check_length("the sample weights", weights.len(), rows, "rows")?;
    match weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        None => Ok(()),
        Some(row) => {
            let message = format!("the sample weight {} is not a finite number of at least 0", weights[row]);
            Err(InputError::new(InputErrorKind::OutOfRange, message).in_row(row))
        }
    }
}

/// The weight of a row.
fn weight(weights: Option<&[f64]>, row: usize) -> f64 {
    weights.map_or(1.0, |weights| weights[row])
}

/// The error of merging accumulators that do not go together.
fn other_shape(name: &str) -> InputError {
    let message = format!("two accumulators of {name} have other hierarchies or options; they cannot be merged");
    InputError::new(InputErrorKind::Shape, message)
}
