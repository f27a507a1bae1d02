//! Marks, names and comments, as Newick and NEXUS have them.

use std::borrow::Cow;

use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Reads a text from the start to the end. White space and comments in `[...]`, which may nest, are passed over.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The line on which the byte at `counted` stands.
    line: u64,
    counted: usize,
}

/// What ends a name beside its line.
const MARKS: &[u8] = b"()[],;:";

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, counted: 0 }
    }

    /// The line that has been come to.
    pub(super) fn line(&mut self) -> u64 {
        self.line += self.text.as_bytes()[self.counted..self.at].iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = self.at;
        self.line
    }

    pub(super) fn error(&mut self, message: impl Into<String>) -> HierarchyError {
        HierarchyError::new(Kind::Format, message).at_line(Some(self.line()))
    }

    /// What is left of the text.
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte that is neither white space nor in a comment. It is not taken.
    ///
    /// # Errors
    ///
    /// A comment without an end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, HierarchyError> {
        loop {
            self.at += self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            match self.rest().first() {
                Some(b'[') => self.comment()?,
                next => return Ok(next.copied()),
            }
        }
    }

    /// The next character, for a message.
    pub(super) fn next_char(&self) -> char {
        self.text[self.at..].chars().next().unwrap_or_default()
    }

    /// Takes a mark where it comes next.
    pub(super) fn take(&mut self, mark: u8) -> Result<bool, HierarchyError> {
        let is_next = self.peek()? == Some(mark);
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    fn comment(&mut self) -> Result<(), HierarchyError> {
        let mut depth = 0usize;
        for (place, byte) in self.rest().iter().enumerate() {
            match byte {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += place + 1;
                return Ok(());
            }
        }
        Err(self.error("the comment that begins here with \"[\" has no end"))
    }

    /// A name, in quotes or up to a mark or the end of its line; empty where a mark comes next.
    ///
    /// # Errors
    ///
    /// A quote or a comment without an end.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, HierarchyError> {
        self.until(|byte| MARKS.contains(&byte) || matches!(byte, b'\n' | b'\r'))
    }

    /// A word, in quotes or up to white space or a mark; empty where a mark comes next.
    ///
    /// # Errors
    ///
    /// A quote or a comment without an end.
    pub(super) fn word(&mut self) -> Result<Cow<'a, str>, HierarchyError> {
        self.until(ends_word)
    }

    fn until(&mut self, ends: impl Fn(u8) -> bool) -> Result<Cow<'a, str>, HierarchyError> {
        if self.peek()? == Some(b'\'') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(ends).unwrap_or(rest.len());
        self.at += end;
        Ok(Cow::Borrowed(rest[..end].trim_end()))
    }

    /// Between quotes, in which two quotes are one.
    fn quoted(&mut self) -> Result<Cow<'a, str>, HierarchyError> {
        let inner = &self.text[self.at + 1..];
        let mut quotes =
            inner.bytes().enumerate().filter(|&(_, byte)| byte == b'\'').map(|(place, _)| place).peekable();
        while let Some(end) = quotes.next() {
            if quotes.next_if_eq(&(end + 1)).is_none() {
                self.at += end + 2;
                let text = &inner[..end];
                return Ok(if text.contains("''") { text.replace("''", "'").into() } else { text.into() });
            }
        }
        Err(self.error("the quote that begins here has no end"))
    }

    /// Goes to what comes after the next `;` that is in no quotes and no comment, or to the end.
    ///
    /// # Errors
    ///
    /// A quote or a comment without an end.
    pub(super) fn skip_command(&mut self) -> Result<(), HierarchyError> {
        while let Some(next) = self.peek()? {
            match next {
                b';' => {
                    self.at += 1;
                    break;
                }
                b'\'' => drop(self.quoted()?),
                _ => self.at += self.rest().iter().take_while(|byte| !ends_word(**byte)).count().max(1),
            }
        }
        Ok(())
    }
}

/// What ends a word of NEXUS.
fn ends_word(byte: u8) -> bool {
    MARKS.contains(&byte) || byte == b'=' || byte.is_ascii_whitespace()
}
