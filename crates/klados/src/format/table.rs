//! A CSV file with a header, read line by line, with its first lines held back to look at.

use std::io::{BufRead, BufReader, Read};

use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// So many lines are enough to tell edges from ranks, and the top rank from the bottom.
const AHEAD: usize = 4096;

pub(super) struct Table<R> {
    header: Vec<String>,
    reader: csv::Reader<BufReader<R>>,
    ahead: std::vec::IntoIter<csv::StringRecord>,
    record: csv::StringRecord,
}

impl<R: Read> Table<R> {
    pub(super) fn open(reader: R) -> Result<Self, HierarchyError> {
        let mut input = BufReader::with_capacity(1 << 16, reader);
        let delimiter = delimiter(input.fill_buf().map_err(|error| HierarchyError::new(Kind::Io, error.to_string()))?);
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(input);
        let header: Vec<String> =
            reader.headers().map_err(|error| convert(&error))?.iter().map(str::to_owned).collect();
        if header.iter().all(String::is_empty) {
            let message = "the file is empty; expected a header such as child,parent and a line an edge";
            return Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)));
        }
        if header.len() == 1 {
            let message =
                format!("the header has one column, {}; expected child,parent or one column a rank", list(&header, 1));
            return Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)));
        }
        let mut ahead = Vec::new();
        let mut record = csv::StringRecord::new();
        while ahead.len() < AHEAD && reader.read_record(&mut record).map_err(|error| convert(&error))? {
            ahead.push(record.clone());
        }
        Ok(Self { header, reader, ahead: ahead.into_iter(), record })
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

    /// The first lines, without taking them.
    pub(super) fn peek(&self) -> &[csv::StringRecord] {
        self.ahead.as_slice()
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Option<&csv::StringRecord>, HierarchyError> {
        if let Some(record) = self.ahead.next() {
            self.record = record;
            return Ok(Some(&self.record));
        }
        Ok(self.reader.read_record(&mut self.record).map_err(|error| convert(&error))?.then_some(&self.record))
    }
}

/// The number of the line that a record starts on.
pub(super) fn line(record: &csv::StringRecord) -> Option<u64> {
    record.position().map(csv::Position::line)
}

/// A comma, unless the first line has none and has tabs or semicolons.
fn delimiter(start: &[u8]) -> u8 {
    let first_line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    [b',', b'\t', b';'].into_iter().find(|delimiter| first_line.contains(delimiter)).unwrap_or(b',')
}

fn convert(error: &csv::Error) -> HierarchyError {
    let line = error.position().map(csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Io(error) => HierarchyError::new(Kind::Io, error.to_string()),
        csv::ErrorKind::Utf8 { err, .. } => {
            HierarchyError::new(Kind::Format, format!("field {} is not valid UTF-8", err.field() + 1)).at_line(line)
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let message =
                format!("{len} fields, expected {expected_len} as in the header; a name with a comma needs quotes");
            HierarchyError::new(Kind::Format, message).at_line(line)
        }
        _ => HierarchyError::new(Kind::Format, error.to_string()).at_line(line),
    }
}
