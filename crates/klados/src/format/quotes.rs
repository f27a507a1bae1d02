//! Quotes in a table, and whether they are around fields or part of names.

use super::Draft;
use crate::HierarchyErrorKind as Kind;

/// So many fields that run over lines are named each.
const NAMED: usize = 20;

/// What is seen of the quotes of a table where they are read as those of CSV.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Quotes {
    /// Whether a field begins with one.
    open_fields: bool,
    /// Fields that end in a later line than they begin: these two, of the first.
    over_lines: Vec<(u64, u64)>,
    more_over_lines: usize,
    /// The line of the first that is not around a whole field in its line.
    stray: Option<u64>,
    /// Where one opens that is closed nowhere, and its line.
    unclosed: Option<(usize, u64)>,
    /// Whether they are part of the names.
    are_text: bool,
}

/// Where in a record a byte stands, as CSV is read.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Record,
    Comment,
    Field,
    Unquoted,
    Quoted,
    /// After a quote in a quoted field, which ends it unless another follows.
    AfterQuote,
}

impl Quotes {
    /// Lines count from the one after `lines_before`.
    pub(super) fn of(text: &[u8], delimiter: u8, has_comments: bool, lines_before: u64) -> Self {
        let mut quotes = Self::default();
        if !text.contains(&b'"') {
            return quotes;
        }
        let (mut place, mut line, mut opened) = (Place::Record, lines_before + 1, (0, 0));
        for (at, &byte) in text.iter().enumerate() {
            let before = place;
            place = place.next(byte, delimiter, has_comments);
            if place == Place::Quoted && matches!(before, Place::Record | Place::Field) {
                quotes.open_fields = true;
                opened = (at, line);
            }
            if before == Place::AfterQuote && place != Place::Quoted {
                quotes.close(opened.1, line);
            }
            if place == Place::Unquoted && (byte == b'"' || before == Place::AfterQuote) {
                quotes.stray.get_or_insert(line);
            }
            line += u64::from(ends_line(text, at));
        }
        match place {
            Place::Quoted => quotes.unclosed = Some(opened),
            Place::AfterQuote => quotes.close(opened.1, line),
            _ => {}
        }
        // Files with tabs are mostly written without quotes.
        quotes.are_text = matches!(delimiter, b'\t' | b'|') && quotes.first_odd().is_some();
        quotes
    }

    fn close(&mut self, from: u64, to: u64) {
        match from < to {
            true if self.over_lines.len() < NAMED => self.over_lines.push((from, to)),
            true => self.more_over_lines += 1,
            false => {}
        }
    }

    /// The first line with a quote that is not around a whole field in its line.
    fn first_odd(&self) -> Option<u64> {
        let over_lines = self.over_lines.first().map(|(from, _)| *from);
        [self.stray, over_lines, self.unclosed.map(|(_, line)| line)].into_iter().flatten().min()
    }

    pub(super) fn are_text(&self) -> bool {
        self.are_text
    }

    /// Where a quote opens that is closed nowhere, so that the rest of the file would be one field.
    pub(super) fn unclosed(&self) -> Option<usize> {
        self.unclosed.filter(|_| !self.are_text).map(|(at, _)| at)
    }

    /// Tells a draft of what is hardly meant.
    pub(super) fn tell(&self, draft: &mut Draft) {
        if self.are_text {
            if self.open_fields {
                draft.at_line(self.first_odd()).warn(
                    "a quote here is not around a whole field: quotes are taken to be part of the names, in all lines",
                );
            }
            return;
        }
        for &(from, to) in &self.over_lines {
            let message = format!(
                "a quote opens a field here that ends in line {to}: the lines between are part of it; where the quote is \
                 part of a name, write it twice, and the name in quotes"
            );
            draft.at_line(Some(from)).warn(message);
        }
        if self.more_over_lines > 0 {
            draft.at_line(None).warn(format!("{} more fields in quotes run over several lines", self.more_over_lines));
        }
        if let Some((_, line)) = self.unclosed {
            draft.at_line(Some(line)).problem(
                Kind::Format,
                "a quote opens here and is closed nowhere; where it is part of a name, write it twice, and the name in quotes",
            );
        }
    }
}

impl Place {
    /// The place after a byte.
    fn next(self, byte: u8, delimiter: u8, has_comments: bool) -> Self {
        match (self, byte) {
            (Self::Comment, b'\n') => Self::Record,
            (Self::Comment, _) => Self::Comment,
            (Self::Record, b'#') if has_comments => Self::Comment,
            (Self::Record | Self::Field | Self::AfterQuote, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::AfterQuote,
            (Self::Quoted, _) => Self::Quoted,
            (_, b'\n' | b'\r') => Self::Record,
            (_, byte) if byte == delimiter => Self::Field,
            _ => Self::Unquoted,
        }
    }
}

/// Whether a line ends with this byte: LF, CRLF, or a lone CR.
pub(super) fn ends_line(text: &[u8], at: usize) -> bool {
    text[at] == b'\n' || (text[at] == b'\r' && text.get(at + 1) != Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_seen_as_the_reader_of_csv_sees_them() {
        let of = |text: &str| Quotes::of(text.as_bytes(), b',', false, 0);
        let opened = || Quotes { open_fields: true, ..Quotes::default() };
        assert_eq!(of("a,b\nc,d\n"), Quotes::default());
        assert_eq!(of("a,\"b, \"\"c\"\"\"\r\n\"d\",e"), opened());
        assert_eq!(of("a,\"b\r\n\r\nc\"\nd,\"e\rf\""), Quotes { over_lines: vec![(1, 3), (4, 5)], ..opened() });
        assert_eq!(of("a,b\n\"c\" d,e\n"), Quotes { stray: Some(2), ..opened() });
        assert_eq!(of("a,b\nc \"d\",e\n"), Quotes { stray: Some(2), ..Quotes::default() });
        assert_eq!(of("a,b\nc,\"d\ne,\"\"f"), Quotes { unclosed: Some((6, 2)), ..opened() });
        assert_eq!(Quotes::of(b"#\"\na,b\n", b',', true, 0), Quotes::default());
    }
}
