//! Where a loss and its gradient come from, and what is wrong with a gradient.

use klados::Label;
use klados::explain::{self, Diagnosis, Explanation, MeanExplanation};
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::criterion::{Criterion, Target, reduction_named};
use crate::error;
use crate::to_python::to_python;

/// Contiguous logits in `float64`, as explanations take them.
type Logits<'py> = PyReadonlyArray2<'py, f64>;

/// A batch with its criterion at a step of training.
struct Rows<'a> {
    criterion: klados::Criterion,
    logits: &'a [f64],
    labels: Vec<Label>,
}

impl<'a> Rows<'a> {
    /// # Safety
    ///
    /// As [`Criterion::labels`].
    unsafe fn new(
        criterion: &Criterion,
        logits: &'a Logits<'_>,
        target: Target<'_>,
        ignore_index: i64,
        step: u64,
    ) -> PyResult<Self> {
        // SAFETY: by the function's contract.
        let labels = unsafe { criterion.labels(target, ignore_index) }?;
        let expected = [labels.len(), criterion.inner.columns()];
        if logits.shape() != expected {
            return Err(error::value(format!("the logits have shape {:?}, expected {expected:?}", logits.shape())));
        }
        Ok(Self { criterion: criterion.inner.at_step(step), logits: contiguous(logits)?, labels })
    }

    fn row(&self, row: usize) -> &[f64] {
        let columns = self.criterion.columns();
        &self.logits[row * columns..(row + 1) * columns]
    }
}

fn contiguous<'a>(array: &'a Logits<'_>) -> PyResult<&'a [f64]> {
    array.as_slice().map_err(|reason| error::value(reason.to_string()))
}

/// The explanation of a row, as a dict. The caller answers for the address of the target.
#[pyfunction]
pub(crate) fn _explain_row<'py>(
    py: Python<'py>,
    criterion: &Criterion,
    logits: Logits<'py>,
    target: Target<'_>,
    ignore_index: i64,
    step: u64,
    row: usize,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller answers for the address.
    let rows = unsafe { Rows::new(criterion, &logits, target, ignore_index, step) }?;
    let explained = py.detach(|| {
        let label = rows.labels.get(row).ok_or_else(|| error::value(no_row(row, rows.labels.len())))?;
        Explanation::of_row(&rows.criterion, rows.row(row), label, row)
            .map_err(|reason| error::value(format!("row {row}: {}", reason.message())))
    })?;
    to_python(py, &explained)
}

fn no_row(row: usize, rows: usize) -> String {
    format!("row is {row}, and the logits have {rows} rows, expected a number below that, as rows count from 0")
}

/// The mean explanation of a batch, as a dict. The caller answers for the address of the target.
#[pyfunction]
pub(crate) fn _explain_mean<'py>(
    py: Python<'py>,
    criterion: &Criterion,
    logits: Logits<'py>,
    target: Target<'_>,
    ignore_index: i64,
    step: u64,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller answers for the address.
    let rows = unsafe { Rows::new(criterion, &logits, target, ignore_index, step) }?;
    let mean = py.detach(|| {
        let mut mean = MeanExplanation::new(&rows.criterion);
        for (row, label) in rows.labels.iter().enumerate() {
            let added = mean.add(rows.row(row), label);
            added.map_err(|reason| error::value(format!("row {row}: {}", reason.message())))?;
        }
        Ok::<_, PyErr>(mean)
    })?;
    to_python(py, &mean)
}

/// What is wrong with a gradient, as a dict, and what each mistake says. The caller answers for the address of the target.
#[expect(clippy::too_many_arguments, reason = "those of a loss, with a gradient")]
#[pyfunction]
pub(crate) fn _diagnose<'py>(
    py: Python<'py>,
    criterion: &Criterion,
    logits: Logits<'py>,
    target: Target<'_>,
    ignore_index: i64,
    step: u64,
    gradient: Logits<'py>,
    reduction: &str,
    tolerance: f64,
) -> PyResult<(Bound<'py, PyAny>, Vec<String>)> {
    // SAFETY: the caller answers for the address.
    let rows = unsafe { Rows::new(criterion, &logits, target, ignore_index, step) }?;
    let reduction = reduction_named(reduction)?;
    let given = contiguous(&gradient)?;
    let found = py.detach(|| {
        let Rows { criterion, logits, labels } = &rows;
        explain::diagnose(criterion, logits, labels, given, reduction, tolerance).map_err(error::input)
    })?;
    let Diagnosis { mistakes, .. } = &found;
    Ok((to_python(py, &found)?, mistakes.iter().map(ToString::to_string).collect()))
}

/// The gradient of each row's loss by central differences, `[rows, columns]`. The caller answers for the address of the
/// target.
#[pyfunction]
pub(crate) fn _central_differences<'py>(
    py: Python<'py>,
    criterion: &Criterion,
    logits: Logits<'py>,
    target: Target<'_>,
    ignore_index: i64,
    step: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    // SAFETY: the caller answers for the address.
    let rows = unsafe { Rows::new(criterion, &logits, target, ignore_index, step) }?;
    let gradient = py.detach(|| {
        let mut gradient = Vec::with_capacity(rows.logits.len());
        for (row, label) in rows.labels.iter().enumerate() {
            let differences = explain::central_differences(&rows.criterion, rows.row(row), label, row)
                .map_err(|reason| error::value(format!("row {row}: {}", reason.message())))?;
            gradient.extend(differences.gradient);
        }
        Ok::<_, PyErr>(gradient)
    })?;
    gradient.into_pyarray(py).reshape([rows.labels.len(), logits.shape()[1]])
}
