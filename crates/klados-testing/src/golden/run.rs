//! Runs an engine over cases.

use super::{Case, Precision};

/// What an engine computed for a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// `[batch]`, unreduced.
    pub losses: Vec<f64>,
    /// `[batch * columns]`, row after row.
    pub grads: Vec<f64>,
}

/// What a run covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of cases that were compared.
    pub checked: usize,
    /// The cases that the precision cannot be held to, with the reason.
    pub skipped: Vec<(String, &'static str)>,
}

/// Runs an engine over all cases and compares.
///
/// # Errors
///
/// Every case that failed, one a line, and how many there were.
pub fn run<'a>(
    cases: impl IntoIterator<Item = &'a Case>,
    precision: Precision,
    engine: impl Fn(&Case) -> Result<Output, String>,
) -> Result<Summary, String> {
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for case in cases {
        if let Some(reason) = precision.skips(case) {
            summary.skipped.push((case.name.clone(), reason));
            continue;
        }
        summary.checked += 1;
        let result = engine(case).map_err(|error| format!("{}: {error}", case.name));
        if let Err(error) = result.and_then(|output| case.check(&output.losses, &output.grads, precision)) {
            failures.push(error);
        }
    }
    if failures.is_empty() {
        return Ok(summary);
    }
    Err(format!("{} of {} cases:\n{}", failures.len(), summary.checked, failures.join("\n")))
}
