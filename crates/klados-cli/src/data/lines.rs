//! Line numbers of the records of a CSV file.

use std::io::BufRead;

/// Counts lines up to where a record begins. The line in a record's own position is that of the end of the record before:
/// too low after CRLF and after blank lines.
pub(crate) struct Lines<R> {
    text: R,
    counted: u64,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// For the records of a file with this content, which is read as far as it is asked about.
    pub(crate) fn new(text: R) -> Self {
        Self { text, counted: 0, line: 1 }
    }

    /// The line on which a record begins; records come in order.
    pub(crate) fn of(&mut self, record: &csv::StringRecord) -> u64 {
        let from = record.position().map_or(self.counted, csv::Position::byte);
        // A number of a line for a message: where the content cannot be read, its reader says so.
        while let Ok(piece) = self.text.fill_buf() {
            let left = from.saturating_sub(self.counted);
            let before = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let blank = match before < piece.len() {
                true => piece[before..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count(),
                false => 0,
            };
            let (taken, length) = (before + blank, piece.len());
            self.line += piece[..taken].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.text.consume(taken);
            self.counted += taken as u64;
            if length == 0 || taken < length {
                break;
            }
        }
        self.line
    }
}

/// An error of the CSV reader as `FILE:LINE: what is wrong`; `text` is the file's content.
pub(crate) fn csv_error(shown: impl std::fmt::Display, text: impl BufRead, error: &csv::Error) -> anyhow::Error {
    let line = error.position().map_or(1, |position| {
        let mut record = csv::StringRecord::new();
        record.set_position(Some(position.clone()));
        Lines::new(text).of(&record)
    });
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            anyhow::anyhow!("{shown}:{line}: field {} is not UTF-8 text", err.field() + 1)
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            anyhow::anyhow!("{shown}:{line}: the number of fields is {len}, expected {expected_len} as in the header")
        }
        _ => anyhow::anyhow!("{shown}:{line}: {error}"),
    }
}
