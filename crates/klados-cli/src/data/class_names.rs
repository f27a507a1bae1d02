//! Files that name a model's classes: one a line, or a column of a table.

use std::path::Path;

use anyhow::Result;
use klados::matching::ClassList;

use super::labels::{self, LabelRow};

/// The rows of a file: of a table named `.csv` the first of these columns that it has, of any other file the lines.
///
/// # Errors
///
/// When the file cannot be read or is not UTF-8 (the line is named).
pub(crate) fn read(path: &Path, columns: &[&str]) -> Result<Vec<LabelRow>> {
    match column(path, columns) {
        Some(column) => labels::read(path, Some(column)),
        None => labels::read_lines(path),
    }
}

/// The classes with their lines.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn list(path: &Path, columns: &[&str]) -> Result<ClassList> {
    let rows = read(path, columns)?;
    Ok(ClassList::of_lines(rows.iter().map(|row| (row.line, &row.text))).in_file(path))
}

/// A file that cannot be read has no column: whoever reads its lines says why.
fn column<'c>(path: &Path, columns: &[&'c str]) -> Option<&'c str> {
    path.extension().filter(|extension| extension.eq_ignore_ascii_case("csv"))?;
    let header = csv::Reader::from_path(path).ok()?.headers().ok()?.clone();
    let is_there = |column: &str| header.iter().any(|name| name.trim_start_matches('\u{feff}').trim() == column);
    columns.iter().copied().find(|column| is_there(column))
}
