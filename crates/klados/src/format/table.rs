//! Lines of fields: CSV, or with tabs, semicolons, bars or spaces between, with its first lines held back to look at.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::io::Cursor;

use super::delimiter::{delimiter, stated};
use super::input::SAVE_AS_UTF8;
use super::quotes::{Quotes, ends_line};
use super::{Draft, Limits};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// So many lines are enough to tell edges from ranks, and the top rank from the bottom.
const AHEAD: usize = 4096;

/// What the files of taxonomies have between the fields that NCBI's have: those of Open Tree.
const BAR: &[u8] = b"\t|\t";

pub(super) struct Table<'a> {
    header: Vec<String>,
    header_line: u64,
    /// The header as it was read, for when it turns out to be none.
    first: csv::StringRecord,
    reader: csv::Reader<Cursor<Cow<'a, [u8]>>>,
    ahead: VecDeque<Result<csv::StringRecord, csv::Error>>,
    record: csv::StringRecord,
    lines: Lines,
    /// What is to be said of the quotes before the first line is read.
    quotes: Option<Quotes>,
    /// None where there are spaces between the fields.
    delimiter: Option<u8>,
    is_stated: bool,
}

impl<'a> Table<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, HierarchyError> {
        let (stated, text, lines_before) = match stated(bytes) {
            Some((delimiter, rest)) => (Some(delimiter), rest, 1),
            None => (None, bytes, 0),
        };
        let mut text = with_line_feeds(text);
        let has_comments = text.starts_with(b"#");
        let is_passed_over = |line: &&[u8]| line.trim_ascii().is_empty() || (has_comments && line.starts_with(b"#"));
        let content = || text.split(|&byte| byte == b'\n').filter(|line| !is_passed_over(line));
        let delimiter = stated.or_else(|| delimiter(content()));
        let first_line = content().next().unwrap_or_default();
        let has_bars = stated.is_none() && first_line.windows(BAR.len()).any(|bytes| bytes == BAR);
        let (delimiter, quotes) = if has_bars {
            text = Cow::Owned(tabs_for_bars(&text));
            (Some(b'\t'), None)
        } else if delimiter.is_none() && is_a_pair(first_line) {
            text = Cow::Owned(tabs_for_spaces(&text));
            (None, None)
        } else {
            let delimiter = delimiter.unwrap_or(b',');
            (Some(delimiter), Some(Quotes::of(&text, delimiter, has_comments, lines_before)))
        };
        if let Some(at) = quotes.as_ref().and_then(Quotes::unclosed) {
            text.to_mut()[at] = b' '; // else no line after it would be read
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b'\t'))
            .quoting(quotes.as_ref().is_some_and(|quotes| !quotes.are_text()))
            .comment(has_comments.then_some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(Cursor::new(text));
        let lines = Lines { has_comments, counted: 0, ended: lines_before };
        let mut first_lines = lines.clone();
        let first = reader.headers().cloned();
        let first = first.map_err(|error| convert(&error, &mut first_lines, reader.get_ref().get_ref()))?;
        let header_line = first_lines.of(first.position(), reader.get_ref().get_ref());
        let header: Vec<String> = first.iter().map(str::to_owned).collect();
        check_columns(&header).map_err(|error| error.at_line(Some(header_line)))?;
        let ahead: VecDeque<_> = reader.records().take(AHEAD).collect();
        let record = csv::StringRecord::new();
        let is_stated = stated.is_some();
        Ok(Self { header, header_line, first, reader, ahead, record, lines, quotes, delimiter, is_stated })
    }

    /// Says that the first line is data like those after it, in columns without names.
    pub(super) fn without_header(&mut self) {
        self.header = (1..=self.header.len()).map(|column| format!("column {column}")).collect();
        self.ahead.push_front(Ok(self.first.clone()));
    }

    /// # Errors
    ///
    /// A column that is named twice.
    pub(super) fn check_header(&self) -> Result<(), HierarchyError> {
        let mut seen = HashSet::new();
        match self.header.iter().find(|name| !seen.insert(*name)) {
            Some(name) => {
                let message = format!("the header names the column \"{name}\" twice");
                Err(HierarchyError::new(Kind::Format, message).at_line(Some(self.header_line)))
            }
            None => Ok(()),
        }
    }

    /// Whether there are spaces between the fields, and two of these a line.
    pub(super) fn is_spaced(&self) -> bool {
        self.delimiter.is_none()
    }

    /// Whether there are bars between the fields, as there may be between the names of a path.
    pub(super) fn has_bars(&self) -> bool {
        self.delimiter == Some(b'|')
    }

    /// Whether the file says what is between the fields, as no other than a table does.
    pub(super) fn is_stated(&self) -> bool {
        self.is_stated
    }

    /// The line of the header.
    pub(super) fn header_line(&self) -> Option<u64> {
        Some(self.header_line)
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
            HierarchyError::new(Kind::Format, message).at_line(Some(self.header_line))
        })
    }

    /// The first lines, without taking them, but for those that are no records.
    pub(super) fn peek(&self) -> impl Iterator<Item = &csv::StringRecord> {
        self.ahead.iter().filter_map(|record| record.as_ref().ok())
    }

    /// Whether a name of the header stands in the first lines too, which is then none.
    pub(super) fn header_recurs(&self) -> bool {
        let header: HashSet<&str> = self.header.iter().map(String::as_str).collect();
        self.peek().any(|record| record.iter().any(|field| !field.is_empty() && header.contains(field)))
    }

    /// Whether a name of the header stands in the first lines too, in its own column: then it is one of the names there.
    pub(super) fn header_recurs_in_place(&self) -> bool {
        let is_header = |(field, name): (&str, &String)| !field.is_empty() && field == name;
        self.peek().any(|record| record.iter().zip(&self.header).any(is_header))
    }

    /// Whether the first lines all have as many fields as the header.
    pub(super) fn is_even(&self) -> bool {
        let is_uneven = |error: &csv::Error| matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. });
        !self.ahead.iter().any(|record| record.as_ref().is_err_and(is_uneven))
    }

    /// Whether there are commas or semicolons between the fields, which names may hold as well.
    pub(super) fn has_commas(&self) -> bool {
        matches!(self.delimiter, Some(b',' | b';'))
    }

    /// The next record. The draft is then at the line that it starts on. A line that is no record is a problem of the draft,
    /// and is passed over.
    pub(super) fn next(&mut self, draft: &mut Draft) -> Result<Option<&csv::StringRecord>, HierarchyError> {
        if let Some(quotes) = self.quotes.take() {
            quotes.tell(draft);
        }
        loop {
            let read = match self.ahead.pop_front() {
                Some(Ok(record)) => {
                    self.record = record;
                    Ok(true)
                }
                Some(Err(error)) => Err(error),
                None => self.reader.read_record(&mut self.record),
            };
            match read {
                Ok(true) => {
                    let line = self.lines.of(self.record.position(), self.reader.get_ref().get_ref());
                    draft.at_line(Some(line));
                    if self.record.as_slice().len() <= draft.limits().line {
                        return Ok(Some(&self.record));
                    }
                    draft.record(Limits::exceeded(draft.limits().line, "bytes in a line"));
                }
                Ok(false) => return Ok(None),
                Err(error) => {
                    let error = convert(&error, &mut self.lines, self.reader.get_ref().get_ref());
                    draft.at_line(None).record(error);
                }
            }
        }
    }
}

/// Counts lines up to where a record begins. The line in a record's own position is that of the end of the record before:
/// too low after CRLF, and after blank lines and comments.
#[derive(Clone)]
struct Lines {
    has_comments: bool,
    counted: usize,
    /// The lines that have ended there.
    ended: u64,
}

impl Lines {
    /// The line on which a record begins; records come in order.
    fn of(&mut self, position: Option<&csv::Position>, bytes: &[u8]) -> u64 {
        let mut from = position.map_or(self.counted, |position| (position.byte() as usize).min(bytes.len()));
        loop {
            from += bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            if !(self.has_comments && bytes[from..].starts_with(b"#")) {
                break;
            }
            from += bytes[from..].iter().take_while(|byte| **byte != b'\n').count();
        }
        self.ended += (self.counted..from).filter(|&at| ends_line(bytes, at)).count() as u64;
        self.counted = from.max(self.counted);
        self.ended + 1
    }
}

fn check_columns(header: &[String]) -> Result<(), HierarchyError> {
    let message = match header {
        all if all.iter().all(String::is_empty) => {
            "the file is empty; expected a header such as child,parent and a line an edge".to_owned()
        }
        [name] => format!("the header has one column, {}; expected child,parent or one column a rank", list([name], 1)),
        _ => return Ok(()),
    };
    Err(HierarchyError::new(Kind::Format, message))
}

/// The text with LF for CR where it has no other ends of lines, as old Macs wrote.
fn with_line_feeds(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'\n') || !text.contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect())
}

/// Whether a line is two words with spaces between, and perhaps a number or `{...}` as edges of NetworkX have after them.
fn is_a_pair(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_ascii_whitespace();
    let (a, b, after) = (words.next(), words.next(), words.next());
    a.zip(b).is_some() && after.is_none_or(|word| word.starts_with('{') || word.parse::<f64>().is_ok())
}

/// Tabs for the bars between the fields of each line, without the bar at its end.
fn tabs_for_bars(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        let after = rest.strip_prefix(b"\t|").filter(|after| after.first().is_none_or(|byte| b"\t\r\n".contains(byte)));
        match after {
            // The tab after the bar stays.
            Some(after) => rest = after,
            None => {
                out.push(byte);
                rest = &rest[1..];
            }
        }
    }
    out
}

/// Tabs for the spaces between the words of each line, without what edges have after the second.
fn tabs_for_spaces(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut words: Vec<&[u8]> = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        words.clear();
        words.extend(line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()));
        let is_number = |word: &[u8]| str::from_utf8(word).is_ok_and(|word| word.parse::<f64>().is_ok());
        if words.get(2).is_some_and(|word| word.starts_with(b"{") || (words.len() == 3 && is_number(word))) {
            words.truncate(2);
        }
        for (place, word) in words.iter().enumerate() {
            if place > 0 {
                out.push(b'\t');
            }
            out.extend_from_slice(word);
        }
        if line.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    out
}

fn convert(error: &csv::Error, lines: &mut Lines, bytes: &[u8]) -> HierarchyError {
    let line = error.position().map(|position| lines.of(Some(position), bytes));
    match error.kind() {
        csv::ErrorKind::Io(error) => HierarchyError::new(Kind::Io, error.to_string()),
        csv::ErrorKind::Utf8 { err, .. } => {
            let message = format!("field {} is not valid UTF-8; {SAVE_AS_UTF8}", err.field() + 1);
            HierarchyError::new(Kind::Encoding, message).at_line(line)
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let message =
                format!("{len} fields, expected {expected_len} as in the header; a name with a comma needs quotes");
            HierarchyError::new(Kind::Format, message).at_line(line)
        }
        _ => HierarchyError::new(Kind::Format, error.to_string()).at_line(line),
    }
}
