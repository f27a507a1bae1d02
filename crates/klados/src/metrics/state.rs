//! Accumulators that were stored meet their hierarchy: what is checked then, once for all metrics.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ExactSum, Fingerprint, Levels, Truths, other_shape};
use crate::criterion::{InputError, InputErrorKind};

/// Which hierarchy an accumulator is of. Stored as the fingerprint.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Origin {
    fingerprint: Fingerprint,
    /// The levels that its state fits; none where it was read from somewhere and has not met them.
    #[serde(skip)]
    levels: Option<Levels>,
}

impl Origin {
    pub(super) fn new(levels: &Levels) -> Self {
        Self { fingerprint: levels.fingerprint(), levels: Some(levels.clone()) }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fingerprint.fmt(formatter)
    }
}

/// The state of an accumulator, which may have been read from anywhere. As long as it has not met its hierarchy, nothing is
/// known of its lengths and indices: `compute` takes what is there.
pub(super) trait State {
    /// Of the metric.
    const NAME: &'static str;

    fn origin(&self) -> &Origin;

    fn origin_mut(&mut self) -> &mut Origin;

    /// What is wrong with it as the state of a metric of these levels: lengths, indices, ranges.
    fn check(&self, levels: &Levels) -> Result<(), String>;
}

/// An error where an accumulator is of another hierarchy than labels, or does not fit it.
pub(super) fn check_rows<S: State>(state: &S, truths: &Truths<'_>) -> Result<(), InputError> {
    if state.origin().fingerprint != truths.levels().fingerprint() {
        let message = "the labels were read for another hierarchy than the metric is of";
        return Err(InputError::new(InputErrorKind::Shape, message));
    }
    match state.origin().levels {
        Some(_) => Ok(()),
        None => checked(state, truths.levels()),
    }
}

/// The same before rows are added, and remembers that it fits.
pub(super) fn meet_rows<S: State>(state: &mut S, truths: &Truths<'_>) -> Result<(), InputError> {
    check_rows(state, truths)?;
    state.origin_mut().levels.get_or_insert_with(|| truths.levels().clone());
    Ok(())
}

/// An error where two accumulators are of other hierarchies, or where one does not fit that of the other.
pub(super) fn meet<S: State>(state: &mut S, other: &S) -> Result<(), InputError> {
    if state.origin().fingerprint != other.origin().fingerprint {
        return Err(other_shape(S::NAME));
    }
    match (&state.origin().levels, &other.origin().levels) {
        (Some(levels), None) => checked(other, levels),
        (None, Some(levels)) => {
            checked(state, levels)?;
            state.origin_mut().levels = Some(levels.clone());
            Ok(())
        }
        _ => Ok(()),
    }
}

fn checked<S: State>(state: &S, levels: &Levels) -> Result<(), InputError> {
    state.check(levels).map_err(|what| {
        let message = format!("the state of {} {what}; it is damaged", S::NAME);
        InputError::new(InputErrorKind::Shape, message)
    })
}

/// That there are as many as there should be.
pub(super) fn check_count(what: &str, found: usize, expected: usize) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("has {found} {what}, expected {expected}")) }
}

/// That levels are those of the hierarchy.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a String>, levels: &Levels) -> Result<(), String> {
    match names.map(String::as_str).eq(levels.all().iter().map(super::JudgedLevel::name)) {
        true => Ok(()),
        false => Err("has other levels than its hierarchy".to_owned()),
    }
}

/// That sums of weights, or of what is not below 0 times a weight, are not below 0.
pub(super) fn check_sums<'a>(sums: impl IntoIterator<Item = &'a ExactSum>) -> Result<(), String> {
    match sums.into_iter().map(ExactSum::value).find(|value| !(0.0..=f64::INFINITY).contains(value)) {
        None => Ok(()),
        Some(value) => Err(format!("has a sum of {value}, expected at least 0")),
    }
}

/// That a sum of weights is part of another.
pub(super) fn check_part(part: &ExactSum, whole: &ExactSum) -> Result<(), String> {
    check_sums([part, whole])?;
    let [part, whole] = [part, whole].map(ExactSum::value);
    if part <= whole { Ok(()) } else { Err(format!("has rows of weight {part} among rows of weight {whole}")) }
}

/// That a stored log-probability is one.
pub(super) fn check_log_p(log_p: f64) -> Result<(), String> {
    match (f64::MIN..=0.0).contains(&log_p) {
        true => Ok(()),
        false => Err(format!("has a log-probability of {log_p}, expected a number of at most 0")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Accuracy, Auprc, BalancedAccuracy, Confusion, DistanceAtK, LcaHeight, LogLoss, Metric};
    use super::*;
    use crate::{Hierarchy, NodeId};

    /// What is said where a changed state meets its hierarchy: merged into a new one, and where a row is added.
    fn said<M>(new: &M, change: impl Fn(&mut Value), update: impl Fn(&mut M) -> Result<(), InputError>) -> String
    where
        M: Metric + Serialize + serde::de::DeserializeOwned,
    {
        let mut stored = serde_json::to_value(new).unwrap();
        change(&mut stored);
        let mut read: M = serde_json::from_value(stored).unwrap();
        read.compute();
        let (mut one, mut other) = (new.clone(), read.clone());
        let error = one.merge(&read).unwrap_err().to_string();
        assert_eq!(other.merge(new).unwrap_err().to_string(), error);
        assert_eq!(update(&mut read).unwrap_err().to_string(), error);
        error
    }

    #[test]
    fn what_is_wrong_with_a_state_is_said() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let labels = [hierarchy.parse_label("bat").unwrap()];
        let truths = levels.truths(&labels).unwrap();
        let (answer, log_p) = ([hierarchy.node("dog").unwrap()], [0.0; 6]);
        let mut confusion = Confusion::new(&levels);
        confusion.update(&truths, &answer, None).unwrap();

        let heights = |heights: Value| {
            let change = |state: &mut Value| state["heights"] = heights.clone();
            said(&LcaHeight::new(&levels), change, |metric| metric.update(&truths, &answer, None))
        };
        assert_eq!(heights(json!([])), "the state of lca_height has 0 heights, expected 3; it is damaged");
        assert_eq!(
            heights(json!([0, -2, 0])),
            "the state of lca_height has a sum of -2, expected at least 0; it is damaged"
        );
        let found = said(
            &Accuracy::new(&levels),
            |state| state["levels"] = json!([]),
            |metric| metric.update_by_level(&truths, &[], None),
        );
        assert_eq!(found, "the state of accuracy has other levels than its hierarchy; it is damaged");
        let found = said(
            &Accuracy::new(&levels),
            |state| state["levels"][1]["right"] = json!(2),
            |metric| metric.update(&truths, &answer, None),
        );
        assert_eq!(found, "the state of accuracy has rows of weight 2 among rows of weight 0; it is damaged");
        let found = said(
            &LogLoss::new(&levels),
            |state| state["sums"]["sums"] = json!([]),
            |metric| metric.update(&truths, &log_p, None),
        );
        assert_eq!(found, "the state of log_loss has 0 sums, expected 2; it is damaged");
        let found = said(
            &DistanceAtK::new(&levels, &[2]).unwrap(),
            |state| state["distances"][0]["k"] = json!(1u64 << 60),
            |metric| metric.update(&truths, &log_p, None),
        );
        assert!(found.ends_with("of 1152921504606846976 classes, expected from 1 to 3; it is damaged"), "{found}");
        let found = said(
            &confusion,
            |state| state["levels"][1]["pairs"][0][0][1] = json!(77),
            |metric| metric.update(&truths, &answer, None),
        );
        assert_eq!(found, "the state of confusion has the nodes 2 and 77 at class; it is damaged");
        let found = said(
            &BalancedAccuracy::new(&levels),
            |state| state["levels"][0]["candidates"][0] = json!(99),
            |metric| metric.update(&truths, &answer, None),
        );
        assert_eq!(
            found,
            "the state of balanced_accuracy has other nodes at depth 1 than its hierarchy; it is damaged"
        );
        let found = said(
            &Auprc::with_thresholds(&levels, 2).unwrap(),
            |state| _ = state["nodes"]["binned"]["counts"].as_array_mut().unwrap().drain(..2),
            |metric| metric.update(&truths, &log_p, None),
        );
        assert_eq!(found, "the state of auprc has 5 nodes, expected 6; it is damaged");
        let no_thresholds = json!({"binned": {"thresholds": 0, "counts": []}});
        let mut stored = serde_json::to_value(Auprc::new(&levels)).unwrap();
        stored["nodes"] = no_thresholds;
        let error = serde_json::from_value::<Auprc>(stored).unwrap_err();
        assert!(error.to_string().contains("the number of thresholds is 0, expected 2 to 1000000"), "{error}");
        assert_eq!(confusion.compute()[1].pairs[0].truth, NodeId(2));
    }
}
