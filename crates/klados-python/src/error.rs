//! The core's errors as Python's: the same words.

use klados::decide::CalibrationError;
use klados::{CriterionError, HierarchyError, HierarchyErrorKind, InputError};
use pyo3::PyErr;
use pyo3::exceptions::{PyKeyError, PyOSError, PyValueError};

/// `OSError` where a file could not be read, else `ValueError`.
pub(crate) fn hierarchy(error: HierarchyError) -> PyErr {
    match error.kind() {
        HierarchyErrorKind::Io => PyOSError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

pub(crate) fn criterion(error: CriterionError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn input(error: InputError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn value(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

/// For what is looked up by a word of an interface, not by a user's name.
pub(crate) fn key(message: impl Into<String>) -> PyErr {
    PyKeyError::new_err(message.into())
}

/// Of a part of a batch that has rows before it.
pub(crate) fn input_after(rows: usize, error: &InputError) -> PyErr {
    match error.row() {
        Some(row) => PyValueError::new_err(format!("row {}: {}", rows + row, error.message())),
        None => PyValueError::new_err(error.to_string()),
    }
}

pub(crate) fn calibration(error: CalibrationError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
