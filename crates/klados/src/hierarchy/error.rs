//! What can be wrong with a hierarchy, or with a name that is looked up in one.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where in the input something was found: an optional file and an optional line, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file, where the input came from one.
    pub file: Option<PathBuf>,
    /// The line in it, counted from 1.
    pub line: Option<u64>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display()),
            (Some(file), None) => write!(f, "{}: ", file.display()),
            (None, Some(line)) => write!(f, "line {line}: "),
            (None, None) => Ok(()),
        }
    }
}

/// The kinds of [`HierarchyError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HierarchyErrorKind {
    /// Some nodes are their own ancestors.
    Cycle,
    /// A node is given as its own parent.
    SelfLoop,
    /// A line names a child without a parent.
    MissingParent,
    /// A name is empty.
    EmptyName,
    /// There is no node, or no class.
    Empty,
    /// A name is not in the hierarchy.
    UnknownName,
    /// A short name stands for several nodes.
    AmbiguousName,
    /// A class is named twice.
    DuplicateClass,
    /// An id stands for two nodes, or a node is declared twice.
    DuplicateNode,
    /// A node is mentioned and nowhere declared, in a format that declares nodes.
    MissingNode,
    /// A rank is named twice.
    DuplicateRank,
    /// A level or rank is not in the hierarchy.
    UnknownLevel,
    /// A label is not of the form that is documented at [`Label`](crate::Label).
    MalformedLabel,
    /// The operation needs a tree and the hierarchy is a DAG.
    NotATree,
    /// The text is not of the expected format.
    Format,
    /// The text may be of several formats, or of none that is known.
    UnknownFormat,
    /// The text is not UTF-8.
    Encoding,
    /// The file could not be read.
    Io,
    /// There is more than the [limits](crate::format::Limits) allow, or more nodes than a 32-bit index can name.
    TooLarge,
}

/// An error in a hierarchy or in a name that was looked up in one.
///
/// The message names the file, the line and the nodes where they are known; [`kind`](Self::kind) is for programs.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{location}{message}")]
pub struct HierarchyError {
    kind: HierarchyErrorKind,
    location: Box<Location>,
    message: String,
}

impl HierarchyError {
    pub(crate) fn new(kind: HierarchyErrorKind, message: impl Into<String>) -> Self {
        Self { kind, location: Box::default(), message: message.into() }
    }

    pub(crate) fn at_line(mut self, line: Option<u64>) -> Self {
        self.location.line = self.location.line.or(line);
        self
    }

    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        self.location.file.get_or_insert_with(|| file.to_owned());
        self
    }

    /// With the start of the message, where that quotes more than anyone reads.
    pub(crate) fn shortened(mut self) -> Self {
        self.message = cut(&self.message, MESSAGE).into_owned();
        self
    }

    /// What is wrong, for programs.
    pub fn kind(&self) -> HierarchyErrorKind {
        self.kind
    }

    /// The file and line, where they are known.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The message without the location.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Something legal but surprising that was found while a hierarchy was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it was found.
    pub location: Location,
    /// What was found and what was done about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.location, self.message)
    }
}

/// `"a", "b" and 7 more`: a list for people, cut after `limit` names.
pub(crate) fn list<S, Names>(names: Names, limit: usize) -> String
where
    S: fmt::Display,
    Names: IntoIterator<Item = S, IntoIter: ExactSizeIterator>,
{
    // Names beyond the limit are not made: each may be long.
    let names = names.into_iter();
    let more = names.len().saturating_sub(limit);
    let shown: Vec<String> = names.take(limit).map(|name| format!("\"{name}\"")).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Bytes of a message about an input.
pub(crate) const MESSAGE: usize = 4096;

/// The start of a text, where it has more bytes than a message has room for.
pub(crate) fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    match text.len() > bytes {
        true => format!("{}...", &text[..text.floor_char_boundary(bytes)]).into(),
        false => text.into(),
    }
}
