//! A CSV file with a header, read line by line, with its first lines held back to look at.

use super::Draft;
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// So many lines are enough to tell edges from ranks, and the top rank from the bottom.
const AHEAD: usize = 4096;

pub(super) struct Table<'a> {
    header: Vec<String>,
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    ahead: std::vec::IntoIter<Result<csv::StringRecord, csv::Error>>,
    record: csv::StringRecord,
    lines: Lines,
}

impl<'a> Table<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, HierarchyError> {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(bytes)).trim(csv::Trim::All).from_reader(bytes);
        let header = reader.headers().cloned().map_err(|error| convert(&error, bytes))?;
        let header: Vec<String> = header.iter().map(str::to_owned).collect();
        if header.iter().all(String::is_empty) {
            let message = "the file is empty; expected a header such as child,parent and a line an edge";
            return Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)));
        }
        if header.len() == 1 {
            let message =
                format!("the header has one column, {}; expected child,parent or one column a rank", list(&header, 1));
            return Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)));
        }
        let twice = header.iter().enumerate().find(|(place, name)| header[..*place].contains(name));
        if let Some((_, name)) = twice {
            let message = format!("the header names the column \"{name}\" twice");
            return Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)));
        }
        let ahead: Vec<_> = reader.records().take(AHEAD).collect();
        Ok(Self {
            header,
            bytes,
            reader,
            ahead: ahead.into_iter(),
            record: csv::StringRecord::new(),
            lines: Lines::default(),
        })
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The column of this name, whatever its case.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let same = |exact: bool| {
            self.header.iter().position(|column| if exact { column == name } else { column.eq_ignore_ascii_case(name) })
        };
        same(true).or_else(|| same(false))
    }

    pub(super) fn column(&self, name: &str) -> Result<usize, HierarchyError> {
        self.find(name).ok_or_else(|| {
            let message = format!("there is no column \"{name}\"; the columns are {}", list(&self.header, 20));
            HierarchyError::new(Kind::Format, message).at_line(Some(1))
        })
    }

    /// The first lines, without taking them, but for those that are no records.
    pub(super) fn peek(&self) -> impl Iterator<Item = &csv::StringRecord> {
        self.ahead.as_slice().iter().filter_map(|record| record.as_ref().ok())
    }

    /// Whether the first lines are all records of as many fields as the header.
    pub(super) fn is_even(&self) -> bool {
        self.ahead.as_slice().iter().all(Result::is_ok)
    }

    /// The next record. The draft is then at the line that it starts on. A line that is no record is a problem of the draft,
    /// and is passed over.
    pub(super) fn next(&mut self, draft: &mut Draft) -> Result<Option<&csv::StringRecord>, HierarchyError> {
        loop {
            let read = match self.ahead.next() {
                Some(Ok(record)) => {
                    self.record = record;
                    Ok(true)
                }
                Some(Err(error)) => Err(error),
                None => self.reader.read_record(&mut self.record),
            };
            match read {
                Ok(true) => {
                    let line = self.lines.of(self.record.position(), self.bytes);
                    draft.at_line(Some(line));
                    return Ok(Some(&self.record));
                }
                Ok(false) => return Ok(None),
                Err(error) => {
                    draft.at_line(None).record(convert(&error, self.bytes));
                }
            }
        }
    }
}

/// Counts lines up to where a record begins. The line in a record's own position is that of the end of the record before:
/// too low after CRLF and after blank lines.
#[derive(Default)]
struct Lines {
    counted: usize,
    newlines: u64,
}

impl Lines {
    /// The line on which a record begins; records come in order.
    fn of(&mut self, position: Option<&csv::Position>, bytes: &[u8]) -> u64 {
        let from = position.map_or(self.counted, |position| (position.byte() as usize).min(bytes.len()));
        let blank = bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let new = bytes[self.counted..from + blank].iter().filter(|byte| **byte == b'\n').count();
        self.counted = from + blank;
        self.newlines += new as u64;
        self.newlines + 1
    }
}

/// A comma, unless the first line has none and has tabs or semicolons.
fn delimiter(start: &[u8]) -> u8 {
    let first_line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    [b',', b'\t', b';'].into_iter().find(|delimiter| first_line.contains(delimiter)).unwrap_or(b',')
}

fn convert(error: &csv::Error, bytes: &[u8]) -> HierarchyError {
    let line = error.position().map(|position| Lines::default().of(Some(position), bytes));
    match error.kind() {
        csv::ErrorKind::Io(error) => HierarchyError::new(Kind::Io, error.to_string()),
        csv::ErrorKind::Utf8 { err, .. } => {
            HierarchyError::new(Kind::Encoding, format!("field {} is not valid UTF-8", err.field() + 1)).at_line(line)
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let message =
                format!("{len} fields, expected {expected_len} as in the header; a name with a comma needs quotes");
            HierarchyError::new(Kind::Format, message).at_line(line)
        }
        _ => HierarchyError::new(Kind::Format, error.to_string()).at_line(line),
    }
}
