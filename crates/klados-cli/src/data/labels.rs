//! Label files: one label a line as text, or a column of a table.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use klados::{Criterion, Label};

use super::lines::{Lines, csv_error};

/// How many labels that cannot be used a message lists.
const LISTED: usize = 5;

/// A label as it was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelRow {
    /// The line, counted from 1; of a Parquet file the row.
    pub(crate) line: u64,
    /// The text; empty means ignored.
    pub(crate) text: String,
}

/// Reads a text file with one label a line. A final newline does not add a label; an empty line is an ignored sample.
///
/// # Errors
///
/// When the file cannot be read or is not UTF-8 (the line is named).
pub(crate) fn read_lines(path: &Path) -> Result<Vec<LabelRow>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut rows = Vec::new();
    for (index, line) in body.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = index as u64 + 1;
        let text = std::str::from_utf8(line)
            .with_context(|| format!("{}:{number}: the line is not UTF-8 text", path.display()))?;
        rows.push(LabelRow { line: number, text: text.to_owned() });
    }
    Ok(rows)
}

/// Reads the labels of a file: a column of a table named `.csv` or `.parquet`, else one label a line.
///
/// # Errors
///
/// When the file cannot be read, or it is not clear which column holds the labels.
pub(crate) fn read(path: &Path, column: Option<&str>) -> Result<Vec<LabelRow>> {
    let is = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
    if is("csv") {
        return read_csv(path, column);
    }
    if is("parquet") || is("pq") {
        return read_parquet(path, column);
    }
    if let Some(column) = column {
        bail!("{} is no table: it has no column \"{column}\"; tables are named .csv or .parquet", path.display());
    }
    read_lines(path)
}

/// Which of the columns of a table holds the labels: the one that is named, `label`, or the only one there is.
fn column_of_labels(shown: &str, names: &[&str], column: Option<&str>) -> Result<usize> {
    let wanted = column.unwrap_or("label");
    match names.iter().position(|name| *name == wanted) {
        None if column.is_none() && names.len() == 1 => Ok(0),
        Some(place) => Ok(place),
        None => bail!("{shown}: there is no column \"{wanted}\"; the columns are {}", names.join(", ")),
    }
}

/// Reads a column of a Parquet file; a null is an empty label.
#[cfg(all(feature = "train", feature = "parquet"))]
fn read_parquet(path: &Path, column: Option<&str>) -> Result<Vec<LabelRow>> {
    use super::columns::{Request, Values};

    let text = [column.unwrap_or("label").to_owned()].into();
    let table = super::parquet_table::read(path, &Request { text, ..Request::default() })?;
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let place = column_of_labels(&path.display().to_string(), &names, column)?;
    match &table.columns[place].values {
        Values::Text(texts) => {
            let rows = table.positions.iter().zip(texts);
            Ok(rows.map(|(&line, text)| LabelRow { line, text: text.clone() }).collect())
        }
        _ => bail!("{}: column \"{}\" holds no text, expected labels", path.display(), names[place]),
    }
}

/// A build without Parquet.
#[cfg(not(all(feature = "train", feature = "parquet")))]
fn read_parquet(path: &Path, _: Option<&str>) -> Result<Vec<LabelRow>> {
    bail!("{}: this build of klados reads no Parquet; give the labels as text or CSV", path.display())
}

/// Reads a column of a CSV file with a header.
fn read_csv(path: &Path, column: Option<&str>) -> Result<Vec<LabelRow>> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let mut lines = Lines::new(&bytes);
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let header = reader.headers().with_context(|| format!("{shown}:1: the header"))?;
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    if let Some((_, name)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        bail!("{shown}:1: the header names the column \"{name}\" twice");
    }
    let place = column_of_labels(&format!("{shown}:1"), &names, column)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(&shown, &bytes, &error))?;
        let line = lines.of(&record);
        rows.push(LabelRow { line, text: record.get(place).unwrap_or_default().to_owned() });
    }
    Ok(rows)
}

/// What each label stands for.
///
/// # Errors
///
/// Labels that name what there is not or that the loss refuses: the first of them with their lines, and how many there
/// are.
pub(crate) fn parse(path: &Path, rows: &[LabelRow], criterion: &Criterion) -> Result<Vec<Label>> {
    let mut labels = Vec::with_capacity(rows.len());
    let mut wrong = Vec::new();
    // Looking for near names takes a pass over the hierarchy: once a spelling is enough.
    let mut known: HashMap<&str, Result<Label, String>> = HashMap::new();
    for row in rows {
        let parse = || {
            let label = criterion.parse_label(&row.text).map_err(|error| error.to_string())?;
            criterion.check_label(&label).map(|()| label).map_err(|error| error.to_string())
        };
        match known.entry(&row.text).or_insert_with(parse).clone() {
            Ok(label) => labels.push(label),
            Err(message) => wrong.push(format!("{}:{}: {message}", path.display(), row.line)),
        }
    }
    if wrong.is_empty() {
        return Ok(labels);
    }
    if wrong.len() > LISTED {
        let more = format!("and {} more labels that cannot be used", wrong.len() - LISTED);
        wrong.truncate(LISTED);
        wrong.push(more);
    }
    bail!("{}", wrong.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("labels.txt");
        std::fs::write(&path, bytes).expect("written");
        read_lines(&path).expect("read").into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn a_final_newline_adds_no_label_and_an_empty_line_is_one() {
        assert_eq!(read(b"crow\n\ndog\n"), ["crow", "", "dog"]);
        assert_eq!(read(b"\xef\xbb\xbfcrow\r\ndog"), ["crow", "dog"]);
        assert_eq!(read(b"\n"), [""]);
        assert!(read(b"").is_empty());
    }
}
