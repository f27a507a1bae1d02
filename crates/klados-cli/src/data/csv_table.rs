//! CSV tables with a header.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::columns::{BadRow, Column, Columns, Request, Values, finite};
use super::lines::Lines;

/// Spellings of "no value".
const MISSING: [&str; 5] = ["", "NA", "N/A", "null", "NULL"];

/// A column while it is being read: it is one of numbers from its first number on.
enum Growing {
    /// No number so far. The texts are kept: they are the column, or bad rows of one of numbers.
    Undecided(Vec<String>),
    Numbers(Vec<f32>, Vec<BadRow>),
    Text(Vec<String>),
}

/// Reads a CSV file with a header. A column is one of numbers when any of its values is a number, unless `request` says
/// otherwise: one odd cell does not make a column text and lose it as a feature.
///
/// # Errors
///
/// When the file cannot be read, is not UTF-8, or has no header.
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
    let mut growing: Vec<Growing> = names.iter().map(|name| start(name, request)).collect();
    let mut table = Columns { unit: "line", ..Columns::default() };
    let mut record = csv::StringRecord::new();
    let mut lines = Lines::new(&bytes[..]);
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
        Growing::Undecided(Vec::new())
    }
}

impl Growing {
    fn push(&mut self, row: usize, name: &str, text: &str) {
        match self {
            // Words like `nan` and `inf`, which parse too, do not make a column of text one of numbers.
            Self::Undecided(texts) if text.parse().is_ok_and(f64::is_finite) => {
                *self = numbers(name, texts);
                self.push(row, name, text);
            }
            Self::Undecided(texts) | Self::Text(texts) => texts.push(text.to_owned()),
            Self::Numbers(numbers, bad) => {
                let number = match text.parse::<f64>() {
                    _ if is_missing(text) => Err(format!("column \"{name}\" has no value")),
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
            Self::Undecided(texts) if texts.iter().all(|text| is_missing(text)) => {
                Values::Other("no values".to_owned())
            }
            // Nothing but `nan`, `inf` and missing values: numbers, none of which can be used.
            Self::Undecided(texts) if texts.iter().all(|text| is_missing(text) || text.parse::<f64>().is_ok()) => {
                return numbers(&name, &texts).finish(name);
            }
            Self::Undecided(texts) | Self::Text(texts) => Values::Text(texts),
            Self::Numbers(numbers, bad) => Values::Numbers { width: 1, numbers, bad },
        };
        Column { name, values }
    }
}

fn is_missing(text: &str) -> bool {
    MISSING.contains(&text)
}

/// A column of numbers that begins with these texts.
fn numbers(name: &str, texts: &[String]) -> Growing {
    let mut column = Growing::Numbers(Vec::new(), Vec::new());
    for (row, text) in texts.iter().enumerate() {
        column.push(row, name, text);
    }
    column
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
    fn a_column_with_a_number_is_one_of_numbers() {
        let columns = table("\u{feff}a,b,c,d\r\n,x,,?\r\n1,\"y,\nz\",,2\r\noops,nan,,nan\r\n", &Request::default());
        assert_eq!(columns.positions, [2, 3, 5]);
        let Values::Numbers { numbers, bad, .. } = &columns.columns[0].values else { panic!("numbers") };
        assert!(numbers[0].is_nan() && numbers[1] == 1.0 && numbers[2].is_nan());
        assert_eq!(bad[0].reason, "column \"a\" has no value");
        assert_eq!(bad[1].reason, "column \"a\" has \"oops\", expected a number");
        let Values::Text(texts) = &columns.columns[1].values else { panic!("text") };
        assert_eq!(texts, &["x", "y,\nz", "nan"]);
        assert!(matches!(&columns.columns[2].values, Values::Other(_)));
        let Values::Numbers { numbers, bad, .. } = &columns.columns[3].values else { panic!("numbers") };
        assert!(numbers[0].is_nan() && numbers[1] == 2.0);
        let reasons: Vec<(usize, &str)> = bad.iter().map(|bad| (bad.row, bad.reason.as_str())).collect();
        assert_eq!(reasons[0], (0, "column \"d\" has \"?\", expected a number"));
        assert_eq!(reasons[1], (2, "column \"d\" has NaN, expected a finite number (float32)"));
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
