//! The first node above the most probable class that covers the truth often enough.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::calibration::{Calibration, CalibrationError};
use super::right::Right;
use super::rule::{NodeRule, Parameters, Rule, Scratch};
use super::{Decision, Order};
use crate::criterion::CriterionError;
use crate::{Hierarchy, NodeId};

/// Split conformal prediction with the nodes above the most probable class as sets: the first of them, from the class up, with
/// `P > q`, and `q` from validation data so that the answer covers the class in at least `1 - alpha` of all cases.
///
/// In a DAG the way up is by the most specific parent.
///
/// # Calibration
///
/// The score of a validation row is the largest `P` of a node on its way up that does not cover the label (0 where the class
/// itself does): the row is right for every `q` from there on. `q` is the `ceil((n + 1) (1 - alpha))`-th smallest score of `n`
/// rows. With fewer than `(1 - alpha) / alpha` rows (9 for `alpha` = 0.1) there is no such score, and the answer is always the
/// root ([`Decision::warnings`] says so).
///
/// # What is promised
///
/// For a new row that is exchangeable with the validation rows, the answer covers the label with probability at least
/// `1 - alpha`: in finite samples, whatever the model, on average over validation sets and new rows (Vovk et al. 2005; nested
/// sets: Gupta et al. 2022). Not for every class by itself, and not if the new data are of another kind. A label at an inner
/// node is covered by an answer at, above or below it.
///
/// The rule is stored as `log_q`, the natural logarithm of `q`, which tells apart what is near 1; the lowest number there is
/// stands for `q = 0`.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, Label, decide::Conformal};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// // P of root, mammal, bat, dog, bird, crow, robin; of four birds that look the same, three are crows.
/// let row = [1.0f64, 0.1, 0.05, 0.05, 0.9, 0.6, 0.3].map(f64::ln);
/// let labels = ["crow", "robin", "crow", "crow"].map(|name| hierarchy.parse_label(name)).into_iter();
/// let labels: Vec<Label> = labels.collect::<Result<_, _>>()?;
/// let mut answer = [klados::NodeId::ROOT];
/// let mut with = |alpha: f64| {
///     let decision = Decision::from(Conformal::new().alpha(alpha)).calibrate(&hierarchy, &row.repeat(4), &labels)?;
///     decision.compile(&hierarchy)?.decide(&row, &mut answer)?;
///     Ok::<_, Box<dyn std::error::Error>>((hierarchy.name(answer[0]).to_owned(), decision.warnings().len()))
/// };
/// assert_eq!(with(0.4)?, ("crow".to_owned(), 0)); // the 3rd smallest of the scores 0, 0, 0, 0.6
/// assert_eq!(with(0.2)?, ("bird".to_owned(), 0)); // the 4th
/// assert!(hierarchy.root_is_added() && with(0.1)?.1 == 1); // there is no 5th, and the answer is the root
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conformal {
    alpha: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_q: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

impl Default for Conformal {
    fn default() -> Self {
        Self { alpha: 0.1, log_q: None, rows: None }
    }
}

impl Conformal {
    /// For 9 of 10 cases, not calibrated.
    pub fn new() -> Self {
        Self::default()
    }

    /// The share of cases in which the answer may miss, in `(0, 1)`; 0.1 by default.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// The logarithm of the probability that a node has to exceed, at most 0. [`Decision::calibrate`] finds it.
    #[must_use]
    pub fn log_q(mut self, log_q: f64) -> Self {
        self.log_q = Some(log_q);
        self
    }

    fn check(&self) -> Result<(), CriterionError> {
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(CriterionError::parameter(format!("alpha is {}, expected a number in (0, 1)", self.alpha)));
        }
        match self.log_q.filter(|log_q| !(*log_q <= 0.0 && log_q.is_finite())) {
            None => Ok(()),
            Some(log_q) => {
                Err(CriterionError::parameter(format!("log_q is {log_q}, expected a finite number of at most 0")))
            }
        }
    }
}

impl Parameters for Conformal {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        self.check()?;
        let log_q = self.log_q.ok_or_else(|| super::not_calibrated("conformal", "log_q"))?;
        Ok(Rule::Node(Arc::new(Compiled { way: WayUp::new(hierarchy), log_q })))
    }

    fn needs_calibration(&self) -> bool {
        true
    }

    fn is_calibrated(&self) -> bool {
        self.log_q.is_some()
    }

    fn calibration(&self, hierarchy: &Hierarchy) -> Result<Option<Box<dyn Calibration>>, CriterionError> {
        self.check()?;
        Ok(Some(Box::new(Scores { alpha: self.alpha, way: WayUp::new(hierarchy), scores: Vec::new() })))
    }

    fn warnings(&self) -> Vec<String> {
        match self.rows {
            Some(rows) if rank(rows, self.alpha) > rows => vec![format!(
                "{rows} rows are too few for alpha = {}: the answer is always the root; {} rows are needed",
                self.alpha,
                needed(self.alpha)
            )],
            _ => Vec::new(),
        }
    }
}

/// Which of the scores, from the smallest, is the quantile: `ceil((n + 1) (1 - alpha))`.
fn rank(rows: u64, alpha: f64) -> u64 {
    let places = rows.saturating_add(1);
    let spare = (places as f64 * alpha).floor() as u64;
    places - spare
}

/// The fewest rows that have a quantile: `(n + 1) alpha >= 1`.
fn needed(alpha: f64) -> u64 {
    let rows = ((1.0 / alpha).ceil() as u64).saturating_sub(1);
    // The division may have been rounded down.
    if rank(rows, alpha) <= rows { rows } else { rows.saturating_add(1) }
}

/// From the most probable class to the root.
#[derive(Debug)]
struct WayUp {
    classes: Order,
    /// By node: the most specific parent; of the root itself.
    above: Vec<NodeId>,
}

impl WayUp {
    fn new(hierarchy: &Hierarchy) -> Self {
        let above = |node| {
            let parents = hierarchy.parents(node).iter();
            parents.min_by_key(|parent| hierarchy.specificity(**parent)).copied().unwrap_or(NodeId::ROOT)
        };
        Self { classes: Order::of_classes(hierarchy), above: hierarchy.nodes().map(above).collect() }
    }

    /// The first node of the way that `stops`; the root if none does.
    fn first(&self, log_p: &[f64], mut stops: impl FnMut(NodeId) -> bool) -> NodeId {
        let mut node = self.classes.best(log_p).unwrap_or(NodeId::ROOT);
        while node != NodeId::ROOT && !stops(node) {
            node = self.above[node.index()];
        }
        node
    }
}

#[derive(Debug)]
struct Compiled {
    way: WayUp,
    log_q: f64,
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        self.way.first(log_p, |node| log_p[node.index()] > self.log_q)
    }
}

/// The score of every row.
#[derive(Debug)]
struct Scores {
    alpha: f64,
    way: WayUp,
    scores: Vec<f64>,
}

impl Calibration for Scores {
    fn add(&mut self, log_p: &[f64], right: &Right) {
        let mut score = f64::MIN;
        self.way.first(log_p, |node| {
            let covers = right.is_right(node);
            if !covers {
                score = f64::max(score, log_p[node.index()]);
            }
            covers
        });
        self.scores.push(score);
    }

    fn finish(&self) -> Result<Decision, CalibrationError> {
        let rows = self.scores.len() as u64;
        let mut scores = self.scores.clone();
        let rank = rank(rows, self.alpha);
        let log_q = match rank <= rows {
            false => 0.0,
            // A rank of 0 asks for nothing.
            true if rank == 0 => f64::MIN,
            true => scores.select_nth_unstable_by(rank as usize - 1, f64::total_cmp).1.min(0.0),
        };
        Ok(Conformal { alpha: self.alpha, log_q: Some(log_q), rows: Some(rows) }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_that_are_needed() {
        for (alpha, rows) in [(0.5, 1), (0.1, 9), (0.05, 19), (0.3, 3), (1e-3, 999), (0.999, 1)] {
            assert_eq!(needed(alpha), rows, "{alpha}");
            assert!(rank(rows, alpha) <= rows && rank(rows - 1, alpha) > rows - 1);
        }
        // As many as 2^64 are not counted one by one.
        let decision: Decision = r#"{"conformal": {"alpha": 1e-20, "log_q": 0, "rows": 5}}"#.parse().unwrap();
        assert!(decision.warnings()[0].starts_with("5 rows are too few for alpha = 0.00000000000000000001"));
        let all: Decision =
            r#"{"conformal": {"alpha": 0.1, "log_q": 0, "rows": 18446744073709551615}}"#.parse().unwrap();
        assert!(all.warnings().is_empty());
    }
}
