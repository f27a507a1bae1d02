//! Line numbers of the records of a CSV file.

/// Counts lines up to where a record begins. The line in a record's own position is that of the end of the record before:
/// too low after CRLF and after blank lines.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// For the records of a file with this content.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, counted: 0, line: 1 }
    }

    /// The line on which a record begins; records come in order.
    pub(crate) fn of(&mut self, record: &csv::StringRecord) -> u64 {
        let from = record.position().map_or(self.counted, |position| position.byte() as usize);
        let blank = self.bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let new = self.bytes[self.counted..from + blank].iter().filter(|byte| **byte == b'\n').count();
        self.counted = from + blank;
        self.line += new as u64;
        self.line
    }
}

/// An error of the CSV reader as `FILE:LINE: what is wrong`.
pub(crate) fn csv_error(shown: impl std::fmt::Display, bytes: &[u8], error: &csv::Error) -> anyhow::Error {
    let line = error.position().map_or(1, |position| {
        let mut record = csv::StringRecord::new();
        record.set_position(Some(position.clone()));
        Lines::new(bytes).of(&record)
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
