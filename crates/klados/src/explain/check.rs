//! A gradient against central differences, and against another one.

use super::probability::Formula;
use super::terms::{Cost, Outcome, Reading};
use super::{Criterion, InputError, column_names, for_each_term};
use crate::Label;
use crate::criterion::check_length;

/// The step of [`central_differences`]: a power of 2, so that logits up to 1e4 and more take it exactly. With differences
/// at it and at its half, whose errors of second order cancel, the error left is about `STEP^4 / 480` of the fifth
/// derivative, 1e-15 here, and that of rounding, which is `2^-52 / STEP`, 2e-13, of the loss.
pub const STEP: f64 = 1.0 / 1024.0;

/// A tolerance for gradients in `f32`, relative to the largest share.
pub const TOLERANCE: f64 = 1e-5;

/// The derivative of the loss by every logit, from nothing but values of the loss.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CentralDifferences {
    /// The step, [`STEP`].
    pub step: f64,
    /// By column. 0 for a masked one.
    pub gradient: Vec<f64>,
    /// By how much it may be wrong by rounding: `2^-48 / STEP` of what the terms cost together, weights included.
    pub rounding: f64,
}

/// The gradient of a row by central differences in `f64`, `(4 D(h/2) - D(h)) / 3` with `D(h) = (L(z + h) - L(z - h)) / 2h`
/// and `h` [`STEP`]. The loss is the sum of its terms, each from its formula.
///
/// Where a loss has a kink within a step, as the largest of some logits has where two are equal, the difference is between
/// the derivatives of the two sides. A row that is not [`Outcome::Finite`] has gradient 0, or NaN where it has NaN.
///
/// # Errors
///
/// A label that does not fit, or logits of another number than the criterion's columns.
///
/// ```
/// use klados::{Hierarchy, Label, explain, loss::MarginalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let (logits, labels) = ([0.5, -1.0, 2.0], [Label::Class(0)]);
/// let differences = explain::central_differences(&criterion, &logits, &labels[0], 0)?;
/// let (mut loss, mut grad) = ([0.0], [0.0; 3]);
/// criterion.forward_backward(&logits, &labels, &mut loss, &mut grad)?;
/// assert!(differences.gradient.iter().zip(grad).all(|(a, b)| (a - b).abs() < 1e-11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn central_differences(
    criterion: &Criterion,
    logits: &[f64],
    label: &Label,
    row: usize,
) -> Result<CentralDifferences, InputError> {
    let mut terms = Vec::new();
    let mut cost = 0.0;
    let outcome = for_each_term(criterion, logits, label, row, |at| {
        cost += at.value.abs();
        terms.push(at.term);
    })?;
    let poison = if outcome == Outcome::NotANumber { f64::NAN } else { 0.0 };
    let mut gradient = vec![poison; logits.len()];
    if outcome != Outcome::Finite {
        return Ok(CentralDifferences { step: STEP, gradient, rounding: 0.0 });
    }
    let reading = Reading::new(criterion);
    let mut moved = logits.to_vec();
    for term in &terms {
        let formula = Formula::new(term, criterion);
        let mut value = |column: usize, step: f64| {
            moved[column] = logits[column] + step;
            let value = Cost::new(&formula.at(&reading.scores(&moved)), criterion.gamma()).value;
            moved[column] = logits[column];
            term.weight * value
        };
        for column in reading.columns(formula.columns()) {
            let column = column as usize;
            if logits[column] > f64::NEG_INFINITY {
                let mut difference = |step: f64| (value(column, step) - value(column, -step)) / (2.0 * step);
                gradient[column] += (4.0 * difference(STEP / 2.0) - difference(STEP)) / 3.0;
            }
        }
    }
    Ok(CentralDifferences { step: STEP, gradient, rounding: cost * 16.0 * f64::EPSILON / STEP })
}

/// Where two gradients differ.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The difference that is none.
    pub allowed: f64,
    /// The largest difference; NaN where one of the two is.
    pub largest: f64,
    /// The columns that differ by more than that, the most different first.
    pub columns: Vec<ColumnDifference>,
}

/// A column in which two gradients differ.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ColumnDifference {
    /// The row in the batch.
    pub row: usize,
    /// The column of the logits.
    pub column: usize,
    /// Its class, or its node.
    pub name: String,
    /// What is right.
    pub expected: f64,
    /// What came.
    pub given: f64,
    /// How far that is off: `given - expected`.
    pub error: f64,
}

/// Compares a gradient `[batch, columns]` with the one that is expected: a difference of up to `allowed` is none, such as
/// [`TOLERANCE`] times the [largest share](super::Explanation::largest_share). NaN equals NaN.
///
/// # Errors
///
/// Lengths that differ, or that are no rows of the criterion's columns.
///
/// ```
/// use klados::{Hierarchy, explain, loss::MarginalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let compared = explain::compare(&criterion, &[-0.5, 0.25, 0.25], &[-0.5, 0.375, 0.25], 1e-6)?;
/// assert_eq!((compared.columns.len(), compared.columns[0].name.as_str()), (1, "dog"));
/// assert_eq!(compared.largest, 0.125);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compare(criterion: &Criterion, expected: &[f64], given: &[f64], allowed: f64) -> Result<Comparison, InputError> {
    let columns = criterion.columns();
    check_length("the given gradient", given.len(), expected.len(), "as the one that is expected")?;
    check_length(
        "the gradient",
        expected.len(),
        expected.len() / columns * columns,
        "rows of the criterion's columns",
    )?;
    let names: Vec<String> = column_names(criterion).collect();
    let mut differences = Vec::new();
    let mut largest: f64 = 0.0;
    for (at, (&expected, &given)) in expected.iter().zip(given).enumerate() {
        let error = given - expected;
        if expected == given || (expected.is_nan() && given.is_nan()) {
            continue;
        }
        largest = if error.is_nan() || largest.is_nan() { f64::NAN } else { error.abs().max(largest) };
        if !is_within(error, allowed) {
            let (row, column) = (at / columns, at % columns);
            differences.push(ColumnDifference { row, column, name: names[column].clone(), expected, given, error });
        }
    }
    differences.sort_by(|a, b| b.error.abs().total_cmp(&a.error.abs()));
    Ok(Comparison { allowed, largest, columns: differences })
}

/// False of NaN.
fn is_within(error: f64, allowed: f64) -> bool {
    error.abs() <= allowed
}

/// The largest size of an entry that is a number.
pub(super) fn size(gradient: &[f64]) -> f64 {
    gradient.iter().filter(|entry| entry.is_finite()).fold(0.0, |size, entry| entry.abs().max(size))
}

/// Whether no entry of a gradient differs by more than is allowed from that of another. NaN equals NaN.
pub(super) fn is_near(expected: &[f64], given: &[f64], allowed: f64) -> bool {
    let mut pairs = expected.iter().zip(given);
    pairs.all(|(a, b)| a == b || (a.is_nan() && b.is_nan()) || is_within(a - b, allowed))
}
