//! As informative as an accuracy allows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Decision;
use super::calibration::{Calibration, CalibrationError};
use super::information::{LargestGain, information};
use super::right::Right;
use super::rule::{Parameters, Rule};
use crate::criterion::CriterionError;
use crate::numeric::scalar;
use crate::{Hierarchy, NodeId};

/// `argmax_v (I(v) + lambda) P(v)`, with `lambda >= 0` from validation data: as informative as an accuracy allows (Deng et
/// al. 2012, "Hedging your bets", DARTS). `I(v) = -log2(|D(v)| / |D(root)|)`.
///
/// An answer is right if it is the label's node, above it or below it, so the root always is. `lambda` is the price of being
/// wrong, in bits: at 0 this is [`ExpectedInformation`](super::ExpectedInformation), and the larger it is, the further the
/// answers back off.
///
/// # Calibration
///
/// On validation rows, each row's answer changes at finitely many `lambda`, where two lines of the upper envelope of
/// `lambda -> (I(v) + lambda) P(v)` cross. All are found, and no search is needed. The accuracy need not grow with `lambda`:
/// `lambda` is the smallest one from which on the accuracy is never below `accuracy` again (with a millionth added, so that the
/// answers are those beyond the crossing). The paper's bisection ends at any `lambda` at which the accuracy passes the target.
///
/// # What is promised
///
/// On the validation rows the accuracy is at least `accuracy`. On new rows that are exchangeable with them, the same up to
/// sampling error: over `n` validation and `m` new rows, about `sqrt(a (1 - a) (1 / n + 1 / m))`; who wants to be sure asks for
/// that much more. If the probabilities are the true ones, no rule of that accuracy tells more (their
/// theorem, for `lambda` on the line; on data, approximately). For a promise that holds in finite samples:
/// [`Conformal`](super::Conformal).
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, Label, decide::Hedge};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// // P of root, mammal, bat, dog, bird, crow, robin; of four birds that look the same, three are crows.
/// let row = [1.0f64, 0.1, 0.05, 0.05, 0.9, 0.6, 0.3].map(f64::ln);
/// let labels = ["crow", "robin", "crow", "crow"].map(|name| hierarchy.parse_label(name)).into_iter();
/// let labels: Vec<Label> = labels.collect::<Result<_, _>>()?;
///
/// let mut answer = [klados::NodeId::ROOT];
/// let mut with = |accuracy: f64| {
///     let decision = Decision::from(Hedge::new().accuracy(accuracy)).calibrate(&hierarchy, &row.repeat(4), &labels)?;
///     decision.compile(&hierarchy)?.decide(&row, &mut answer)?;
///     Ok::<_, Box<dyn std::error::Error>>((hierarchy.name(answer[0]).to_owned(), decision))
/// };
/// assert_eq!(with(0.75)?.0, "crow");
/// let (answer, decision) = with(0.9)?;
/// assert_eq!(answer, "bird");
/// // (2 + lambda) 0.6 = (1 + lambda) 0.9 at lambda = 1. Any program takes the rule up again from its JSON.
/// let json = serde_json::to_string(&decision)?;
/// assert!(json.starts_with(r#"{"hedge":{"accuracy":0.9,"lambda":1.00000"#));
/// assert_eq!(json.parse::<Decision>()?, decision);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hedge {
    accuracy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lambda: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

impl Default for Hedge {
    fn default() -> Self {
        Self { accuracy: 0.9, lambda: None, rows: None }
    }
}

impl Hedge {
    /// For an accuracy of 0.9, not calibrated.
    pub fn new() -> Self {
        Self::default()
    }

    /// The share of right answers to reach, in `(0, 1]`; 0.9 by default.
    #[must_use]
    pub fn accuracy(mut self, accuracy: f64) -> Self {
        self.accuracy = accuracy;
        self
    }

    /// The price of being wrong, at least 0. [`Decision::calibrate`] finds it.
    #[must_use]
    pub fn lambda(mut self, lambda: f64) -> Self {
        self.lambda = Some(lambda);
        self
    }

    fn check(&self) -> Result<(), CriterionError> {
        if !(self.accuracy > 0.0 && self.accuracy <= 1.0) {
            let message = format!("accuracy is {}, expected a number in (0, 1]", self.accuracy);
            return Err(CriterionError::parameter(message));
        }
        match self.lambda.filter(|lambda| !(*lambda >= 0.0 && lambda.is_finite())) {
            None => Ok(()),
            Some(lambda) => {
                Err(CriterionError::parameter(format!("lambda is {lambda}, expected a finite number of at least 0")))
            }
        }
    }
}

impl Parameters for Hedge {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        self.check()?;
        let lambda = self.lambda.ok_or_else(|| super::not_calibrated("hedge", "lambda"))?;
        Ok(Rule::Node(Arc::new(LargestGain::new(hierarchy, lambda))))
    }

    fn needs_calibration(&self) -> bool {
        true
    }

    fn is_calibrated(&self) -> bool {
        self.lambda.is_some()
    }

    fn calibration(&self, hierarchy: &Hierarchy) -> Result<Option<Box<dyn Calibration>>, CriterionError> {
        self.check()?;
        Ok(Some(Box::new(Crossings {
            accuracy: self.accuracy,
            at_zero: LargestGain::new(hierarchy, 0.0),
            information: information(hierarchy),
            rows: 0,
            right_at_zero: 0,
            changes: Vec::new(),
            worth: Vec::new(),
            rest: Vec::new(),
        })))
    }
}

/// Where rows' answers become right or wrong.
#[derive(Debug)]
struct Crossings {
    accuracy: f64,
    at_zero: LargestGain,
    information: Vec<f64>,
    rows: u64,
    /// The rows that are right at `lambda = 0`.
    right_at_zero: u64,
    /// `lambda`, and whether a row is right beyond it and was wrong up to it, or the other way round.
    changes: Vec<(f64, bool)>,
    /// `P(v) I(v)` by node, in the row at hand.
    worth: Vec<f64>,
    /// `1 - P(v)`.
    rest: Vec<f64>,
}

impl Calibration for Crossings {
    fn add(&mut self, log_p: &[f64], right: &Right) {
        // The line of a node less that of P = 1, I = 0: `P I - lambda (1 - P)`. It keeps what is left of 1.
        self.worth.clear();
        self.rest.clear();
        for (log_p, information) in log_p.iter().zip(&self.information) {
            self.worth.push(scalar::exp(*log_p) * information);
            self.rest.push(scalar::one_minus_exp(*log_p));
        }
        self.rows += 1;
        let mut node = self.at_zero.best(log_p);
        let mut is_right = right.is_right(node);
        self.right_at_zero += u64::from(is_right);
        let mut lambda = 0.0;
        while let Some((next, crossing)) = self.next(node, lambda) {
            (node, lambda) = (next, crossing);
            if right.is_right(node) != is_right {
                is_right = !is_right;
                self.changes.push((lambda, is_right));
            }
        }
    }

    fn finish(&self) -> Result<Decision, CalibrationError> {
        if self.rows == 0 {
            return Err(CalibrationError::Rows("hedge is calibrated on rows with labels, and there are none".into()));
        }
        let mut changes = self.changes.clone();
        changes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let gained = changes.iter().filter(|(_, is_right)| *is_right).count() as u64;
        let mut right = self.right_at_zero + gained - (changes.len() as u64 - gained);
        let is_enough = |right: u64| right as f64 / self.rows as f64 >= self.accuracy;
        if !is_enough(right) {
            let wrong = self.rows - right;
            let message = format!(
                "no lambda has an accuracy of {}: in {wrong} of {} rows a wrong node has a probability of 1",
                self.accuracy, self.rows
            );
            return Err(CalibrationError::Rows(message));
        }
        // From above, down to the last change after which the rows are not right often enough.
        let mut lambda = 0.0;
        for same in changes.chunk_by(|a, b| a.0 == b.0).rev() {
            let gained = same.iter().filter(|(_, is_right)| *is_right).count() as u64;
            right = right + (same.len() as u64 - gained) - gained;
            if !is_enough(right) {
                lambda = f64::min(same[0].0 * (1.0 + 1e-6) + 1e-9, f64::MAX);
                break;
            }
        }
        Ok(Hedge { accuracy: self.accuracy, lambda: Some(lambda), rows: Some(self.rows) }.into())
    }
}

impl Crossings {
    /// The line that first crosses that of a node beyond `lambda`, and where; of several the steepest.
    fn next(&self, node: NodeId, lambda: f64) -> Option<(NodeId, f64)> {
        let (worth, rest) = (self.worth[node.index()], self.rest[node.index()]);
        let mut best: Option<(usize, f64)> = None;
        for other in 0..self.rest.len() {
            if self.rest[other] >= rest {
                continue;
            }
            let crossing = f64::max((worth - self.worth[other]) / (rest - self.rest[other]), lambda);
            let is_first =
                best.is_none_or(|(best, at)| crossing < at || (crossing == at && self.rest[other] < self.rest[best]));
            if is_first {
                best = Some((other, crossing));
            }
        }
        best.map(|(other, crossing)| (NodeId(other as u32), crossing))
    }
}
