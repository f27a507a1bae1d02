//! Columns as the file readers hand them over, before anybody has said which of them are features.

use std::collections::HashSet;

/// What a file holds: columns of equal length, and where each row stands in the file.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// The columns in the order of the file.
    pub(crate) columns: Vec<Column>,
    /// By row: its line (CSV, labels) or its number from 1 (Parquet, npy).
    pub(crate) positions: Vec<u64>,
    /// What `positions` counts: `"line"` or `"row"`.
    pub(crate) unit: &'static str,
    /// Rows that cannot be used whatever the columns mean.
    pub(crate) bad: Vec<BadRow>,
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    /// Its name; an `.npy` is one column of lists, named "".
    pub(crate) name: String,
    /// Its values.
    pub(crate) values: Values,
}

/// The values of a column.
#[derive(Debug)]
pub(crate) enum Values {
    /// `width` numbers a row; more than one where the column is a list.
    Numbers {
        /// How many a row.
        width: usize,
        /// Row after row; NaN where `bad` says why.
        numbers: Vec<f32>,
        /// Rows without usable numbers.
        bad: Vec<BadRow>,
    },
    /// Text; empty where there is none.
    Text(Vec<String>),
    /// A type that is neither, by its name.
    Other(String),
}

/// A row that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// The row, from 0.
    pub(crate) row: usize,
    /// What is wrong, with the value and what was expected.
    pub(crate) reason: String,
}

/// How a file is to be read.
#[derive(Debug, Default, Clone)]
pub(crate) struct Request {
    /// Columns to read as text even where they look like numbers: labels, groups, ids.
    pub(crate) text: HashSet<String>,
    /// Columns to read as numbers even where they begin with something else.
    pub(crate) numbers: HashSet<String>,
}

/// Turns a number into `f32`, or says why it cannot be a feature.
pub(crate) fn finite(name: &str, value: f64) -> Result<f32, String> {
    let narrow = value as f32;
    if narrow.is_finite() {
        Ok(narrow)
    } else {
        Err(format!("column \"{name}\" has {value}, expected a finite number (float32)"))
    }
}
