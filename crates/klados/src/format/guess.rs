//! Which format an input is in.

use std::path::Path;

use super::input::Input;
use super::lines::{has_comments, is_content};
use super::{ENTRIES, Format, ReadOptions, foreign, json_kind};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// So much of a file tells its format.
const HEAD: usize = 64 << 10;

/// How sure a format is that an input is its own. The surest wins, and a tie is an error that lists those who tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Confidence {
    /// Nothing speaks against it.
    Possible,
    /// The content is as in this format, and might be in another.
    Likely,
    /// A word or a sign that no other format has.
    Certain,
}

/// What a format sees of an input to recognise it.
pub(crate) struct Head<'a> {
    input: &'a Input,
    bytes: &'a [u8],
    text: &'a str,
    whole: bool,
}

impl<'a> Head<'a> {
    pub(super) fn new(input: &'a Input) -> Self {
        let all = input.bytes().unwrap_or_default();
        let whole = all.len() <= HEAD;
        let mut bytes = &all[..all.len().min(HEAD)];
        if !whole && let Some(end) = bytes.iter().rposition(|&byte| byte == b'\n') {
            bytes = &bytes[..=end];
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self { input, bytes, text, whole }
    }

    /// The folder that is read, where it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.input.path().filter(|_| self.input.is_folder())
    }

    /// The ending of the file's name in lower case, without the dot; empty where there is none.
    pub(crate) fn extension(&self) -> String {
        let extension = self.input.path().and_then(Path::extension);
        extension.map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
    }

    /// The first 64 KiB, up to the end of a line, or to where they are no UTF-8; without a byte order mark.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The lines of the [text](Self::text), without blank ones and [comments](has_comments).
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a str> {
        let has_comments = has_comments(self.bytes);
        self.text.split(['\n', '\r']).filter(move |line| is_content(line, has_comments))
    }

    /// As [`text`](Self::text), whether or not it is UTF-8.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether that is all of the input.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }
}

/// The format that is asked for, or the one that is the surest.
pub(super) fn guess(input: &Input, options: &ReadOptions) -> Result<Format, HierarchyError> {
    if let Some(format) = options.format {
        return Ok(format);
    }
    if options.child_column.is_some() || options.parent_column.is_some() {
        return Ok(Format::Edges);
    }
    if options.rank_columns.is_some() {
        return Ok(Format::Ranks);
    }
    if !input.is_folder() {
        let bytes = input.bytes()?; // UTF-16 is no format
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(HierarchyError::new(Kind::Empty, "the file is empty").at_line(Some(1)));
        }
    }
    let head = Head::new(input);
    foreign::refuse(&head)?;
    let mut sure: Vec<(Confidence, Format)> =
        ENTRIES.iter().filter_map(|entry| Some(((entry.looks_like)(&head)?, entry.format))).collect();
    sure.retain(|(_, format)| !json_kind::rules_out(&head, *format));
    sure.sort_by_key(|(confidence, _)| std::cmp::Reverse(*confidence));
    match sure[..] {
        [(_, format)] => Ok(format),
        [(first, format), (second, _), ..] if first > second => Ok(format),
        [] => Err(foreign::none_fits(&head)),
        [(most, _), ..] => {
            let among = sure.iter().take_while(|(confidence, _)| *confidence == most);
            let among: Vec<&str> = among.map(|(_, format)| format.name()).collect();
            let message = format!("the format may be any of {}", list(among, usize::MAX));
            Err(HierarchyError::new(Kind::UnknownFormat, message))
        }
    }
}
