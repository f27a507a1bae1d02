//! A text line by line: numbered, without line ends, within the limit, and UTF-8.

use super::input::{Input, invalid_line};
use super::{Draft, Limits};
use crate::HierarchyError;

/// Hands out the lines of an input. Lines end with LF, CRLF or a lone CR.
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    has_comments: bool,
    number: u64,
    limit: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(input: &'a Input) -> Result<Self, HierarchyError> {
        let rest = input.bytes()?;
        Ok(Self { rest, has_comments: has_comments(rest), number: 0, limit: input.limits().line })
    }

    /// As [`next`](Self::next), without blank lines and [comments](has_comments).
    pub(crate) fn next_content(&mut self, draft: &mut Draft) -> Option<(u64, &'a str)> {
        loop {
            let (number, line) = self.next(draft)?;
            if is_content(line, self.has_comments) {
                return Some((number, line));
            }
        }
    }

    /// The next line that is text, with its number, which is the draft's line from then on. A line that is too long or not
    /// UTF-8 is a problem of the draft, and is passed over.
    pub(crate) fn next(&mut self, draft: &mut Draft) -> Option<(u64, &'a str)> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at(end);
            let ends = if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) };
            self.rest = &rest[ends..];
            self.number += 1;
            draft.at_line(Some(self.number));
            if line.len() > self.limit {
                draft.record(Limits::exceeded(self.limit, "bytes in a line"));
                continue;
            }
            match std::str::from_utf8(line) {
                Ok(text) => return Some((self.number, text)),
                Err(_) => draft.record(invalid_line(self.number, line)),
            }
        }
        draft.at_line(None);
        None
    }
}

/// Whether `#` begins comments: where the first line is one. Names may begin with it elsewhere.
pub(crate) fn has_comments(text: &[u8]) -> bool {
    text.starts_with(b"#")
}

/// Whether a line is neither blank nor a comment.
pub(crate) fn is_content(line: &str, has_comments: bool) -> bool {
    let is_comment = has_comments && line.starts_with('#');
    !is_comment && !line.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_end_are_numbered_and_bad_ones_passed_over() {
        let text = b"\xef\xbb\xbfa\r\n\nb\rc\xe4\nlong line\nd";
        let limits = Limits { line: 4, ..Limits::default() };
        let input = Input::from_reader(&text[..], &limits).unwrap();
        let mut draft = Draft::with_limits(limits);
        let mut lines = Lines::new(&input).unwrap();
        let found: Vec<_> = std::iter::from_fn(|| lines.next(&mut draft)).collect();
        assert_eq!(found, [(1, "a"), (2, ""), (3, "b"), (6, "d")]);
        let problems: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "line 4: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
                "line 5: more than 4 bytes in a line, the limit"
            ]
        );
    }
}
