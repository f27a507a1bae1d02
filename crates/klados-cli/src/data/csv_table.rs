//! CSV tables with a header.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::columns::{BadRow, Column, Columns, Request, Values, finite};
use super::lines::Lines;

/// Spellings of "no value".
const MISSING: [&str; 5] = ["", "NA", "N/A", "null", "NULL"];

/// A column while it is being read: what it is shows at its first value.
enum Growing {
    /// Only missing values so far.
    Unknown(usize),
    Numbers(Vec<f32>, Vec<BadRow>),
    Text(Vec<String>),
}

/// Reads a CSV file with a header. A column is one of numbers when its first value is a number, unless `request` says
/// otherwise.
///
/// # Errors
///
/// When the file cannot be read, is not UTF-8, has no header, or names a column twice.
pub(crate) fn read(path: &Path, request: &Request) -> Result<Columns> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let mut reader = csv::ReaderBuilder::new()
        // A short line is a bad row to be counted with the others, not the end of reading.
        .flexible(true)
        .from_reader(&*bytes);
    let names: Vec<String> =
        reader.headers().with_context(|| format!("{shown}: the header"))?.iter().map(clean).collect();
    if names.is_empty() {
        bail!("{shown} is empty; expected a header line with the names of the columns");
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            bail!("{shown}:1: the header names the column \"{name}\" twice");
        }
    }
    let mut growing: Vec<Growing> = names.iter().map(|name| start(name, request)).collect();
    let mut table = Columns { unit: "line", ..Columns::default() };
    let mut record = csv::StringRecord::new();
    let mut lines = Lines::new(&bytes);
    while reader.read_record(&mut record).with_context(|| format!("cannot read {shown}"))? {
        let row = table.positions.len();
        table.positions.push(lines.of(&record));
        if record.len() != names.len() {
            let reason = format!("{} fields, expected {} as in the header", record.len(), names.len());
            table.bad.push(BadRow { row, reason });
        }
        for (column, (name, growing)) in names.iter().zip(&mut growing).enumerate() {
            growing.push(row, name, record.get(column).unwrap_or_default().trim());
        }
    }
    table.columns = names.into_iter().zip(growing).map(|(name, growing)| growing.finish(name)).collect();
    Ok(table)
}

/// A header field without the byte order mark and the spaces around it.
fn clean(field: &str) -> String {
    field.trim_start_matches('\u{feff}').trim().to_owned()
}

fn start(name: &str, request: &Request) -> Growing {
    if request.text.contains(name) {
        Growing::Text(Vec::new())
    } else if request.numbers.contains(name) {
        Growing::Numbers(Vec::new(), Vec::new())
    } else {
        Growing::Unknown(0)
    }
}

impl Growing {
    fn push(&mut self, row: usize, name: &str, text: &str) {
        let missing = MISSING.contains(&text);
        if let Self::Unknown(rows) = self {
            if missing {
                *rows += 1;
                return;
            }
            *self = if text.parse::<f64>().is_ok() {
                let bad = (0..*rows).map(|row| no_value(row, name)).collect();
                Self::Numbers(vec![f32::NAN; *rows], bad)
            } else {
                Self::Text(vec![String::new(); *rows])
            };
        }
        match self {
            Self::Unknown(_) => {}
            Self::Text(texts) => texts.push(text.to_owned()),
            Self::Numbers(numbers, bad) => {
                let number = match text.parse::<f64>() {
                    _ if missing => Err(no_value(row, name).reason),
                    Ok(value) => finite(name, value),
                    Err(_) => Err(format!("column \"{name}\" has \"{text}\", expected a number")),
                };
                numbers.push(*number.as_ref().unwrap_or(&f32::NAN));
                bad.extend(number.err().map(|reason| BadRow { row, reason }));
            }
        }
    }

    fn finish(self, name: String) -> Column {
        let values = match self {
            Self::Unknown(_) => Values::Other("no values".to_owned()),
            Self::Text(texts) => Values::Text(texts),
            Self::Numbers(numbers, bad) => Values::Numbers { width: 1, numbers, bad },
        };
        Column { name, values }
    }
}

fn no_value(row: usize, name: &str) -> BadRow {
    BadRow { row, reason: format!("column \"{name}\" has no value") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, request: &Request) -> Columns {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("t.csv");
        std::fs::write(&path, text).expect("written");
        read(&path, request).expect("read")
    }

    #[test]
    fn a_column_is_what_its_first_value_is() {
        let columns = table("\u{feff}a,b,c\r\n,x,\r\n1,\"y,\nz\",\r\noops,2,\r\n", &Request::default());
        assert_eq!(columns.positions, [2, 3, 5]);
        let Values::Numbers { numbers, bad, .. } = &columns.columns[0].values else { panic!("numbers") };
        assert!(numbers[0].is_nan() && numbers[1] == 1.0 && numbers[2].is_nan());
        assert_eq!(bad[0].reason, "column \"a\" has no value");
        assert_eq!(bad[1].reason, "column \"a\" has \"oops\", expected a number");
        let Values::Text(texts) = &columns.columns[1].values else { panic!("text") };
        assert_eq!(texts, &["x", "y,\nz", "2"]);
        assert!(matches!(&columns.columns[2].values, Values::Other(_)));
    }

    #[test]
    fn a_label_column_of_numbers_stays_text() {
        let request = Request { text: ["y".to_owned()].into(), ..Request::default() };
        let columns = table("y\n007\n", &request);
        assert!(matches!(&columns.columns[0].values, Values::Text(texts) if texts == &["007"]));
    }

    #[test]
    fn blank_lines_are_no_rows() {
        assert_eq!(table("a,b\r\n1,2\r\n\r\n3,4\r\n\r\n", &Request::default()).positions, [2, 4]);
        assert_eq!(table("a,b\n1,2\n\n3,4", &Request::default()).positions, [2, 4]);
    }

    #[test]
    fn a_short_line_is_a_bad_row() {
        let columns = table("a,b\n1,2\n3\n", &Request::default());
        assert_eq!(columns.bad, [BadRow { row: 1, reason: "1 fields, expected 2 as in the header".to_owned() }]);
    }
}
