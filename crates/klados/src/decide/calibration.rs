//! Rules that take numbers from validation data.

use std::fmt::Debug;

use super::Decision;
use super::decider::{check_log_probs, read_row};
use super::right::Right;
use crate::criterion::{CriterionError, InputError, check_length};
use crate::numeric::Float;
use crate::{Hierarchy, Label};

/// What takes in the rows of validation data for a rule.
pub(super) trait Calibration: Debug + Send {
    /// Takes in a row: `log P` of all nodes, without NaN, and which answers are right.
    fn add(&mut self, log_p: &[f64], right: &Right);

    /// The rule with its numbers.
    fn finish(&self) -> Result<Decision, CalibrationError>;
}

/// Why a rule was not calibrated.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// A parameter is out of range, or does not fit the hierarchy.
    #[error(transparent)]
    Rule(#[from] CriterionError),
    /// The validation data do not fit the hierarchy.
    #[error(transparent)]
    Input(#[from] InputError),
    /// There are too few rows, or what is asked for cannot be reached on them; the message says which.
    #[error("{0}")]
    Rows(String),
}

/// Calibrates a rule on validation data that come in parts. It keeps a few numbers a row.
///
/// Validation data have to be new to the model: on its training data it is too sure of itself, and what is promised does not
/// hold. Rows that are ignored, or whose label stands for all classes as the root does, take no part. The order of the rows
/// does not matter.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::{Calibrator, Conformal}};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let mut calibrator = Calibrator::new(&Conformal::new().alpha(0.5).into(), &hierarchy)?;
/// // P of root, mammal, bat, dog, bird, crow
/// calibrator.update(&[1.0f64, 0.9, 0.6, 0.3, 0.1, 0.1].map(f64::ln), &[hierarchy.parse_label("bat")?])?;
/// calibrator.update(&[1.0f64, 0.8, 0.5, 0.3, 0.2, 0.2].map(f64::ln), &[hierarchy.parse_label("dog")?])?;
/// assert_eq!(calibrator.rows(), 2);
/// let decision = calibrator.finish()?;
/// assert!(decision.is_calibrated());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Calibrator {
    hierarchy: Hierarchy,
    decision: Decision,
    calibration: Option<Box<dyn Calibration>>,
    right: Right,
    rows: u64,
    log_p: Vec<f64>,
}

impl Calibrator {
    /// For a rule and a hierarchy. A rule that is calibrated already is calibrated anew; of one that needs no calibration only
    /// the log-probabilities are checked.
    ///
    /// # Errors
    ///
    /// A parameter out of range or that does not fit the hierarchy.
    pub fn new(decision: &Decision, hierarchy: &Hierarchy) -> Result<Self, CriterionError> {
        Ok(Self {
            hierarchy: hierarchy.clone(),
            decision: decision.clone(),
            calibration: decision.calibration(hierarchy)?,
            right: Right::new(hierarchy),
            rows: 0,
            log_p: Vec::new(),
        })
    }

    /// The rows so far that took part.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes in rows: the log-probabilities of all nodes, `[batch, nodes]`, and a label each, at any level.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit; a row that takes part and has NaN; a label that is multi-label, a distribution or a
    /// superclass, or that names what the hierarchy does not have. Nothing is taken in then.
    pub fn update<F: Float>(&mut self, log_probs: &[F], labels: &[Label]) -> Result<(), InputError> {
        let nodes = self.hierarchy.node_count();
        check_length("the log-probabilities", log_probs.len(), labels.len() * nodes, "rows times nodes")?;
        for (row, label) in labels.iter().enumerate().filter(|_| self.calibration.is_some()) {
            Right::check(&self.hierarchy, label).map_err(|error| error.in_row(row))?;
        }
        let takes_part = |label: &Label| Right::says_anything(&self.hierarchy, label);
        check_log_probs(&self.hierarchy, log_probs, |row| takes_part(&labels[row]))?;
        for (log_p, label) in log_probs.chunks_exact(nodes).zip(labels) {
            if !Right::says_anything(&self.hierarchy, label) {
                continue;
            }
            self.rows += 1;
            let Some(calibration) = &mut self.calibration else { continue };
            read_row(log_p, &mut self.log_p);
            self.right.read(label);
            calibration.add(&self.log_p, &self.right);
        }
        Ok(())
    }

    /// The calibrated rule.
    ///
    /// # Errors
    ///
    /// Too few rows, or rows on which what the rule promises cannot be reached.
    pub fn finish(&self) -> Result<Decision, CalibrationError> {
        match &self.calibration {
            None => Ok(self.decision.clone()),
            Some(calibration) => calibration.finish(),
        }
    }
}

impl Decision {
    /// The rule with the numbers that it takes from validation data: the log-probabilities of all nodes, `[batch, nodes]`, and
    /// a label each, at any level. A rule that needs no calibration is returned as it is. For data in parts:
    /// [`Calibrator`].
    ///
    /// # Errors
    ///
    /// As [`Calibrator::new`], [`update`](Calibrator::update) and [`finish`](Calibrator::finish).
    ///
    /// # Example
    ///
    /// See [`Hedge`](super::Hedge) and [`Conformal`](super::Conformal).
    pub fn calibrate<F: Float>(
        &self,
        hierarchy: &Hierarchy,
        log_probs: &[F],
        labels: &[Label],
    ) -> Result<Self, CalibrationError> {
        let mut calibrator = Calibrator::new(self, hierarchy)?;
        calibrator.update(log_probs, labels)?;
        calibrator.finish()
    }
}
