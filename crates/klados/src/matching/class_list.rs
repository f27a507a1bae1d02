//! The names of a model's classes.

use std::path::{Path, PathBuf};

use crate::hierarchy::Location;

/// The names of a model's classes, in the order of the columns, with the lines that they stand in.
///
/// ```
/// use klados::matching::ClassList;
///
/// let classes = ClassList::new(["crow", " bat "]).in_file("classes.txt");
/// assert_eq!(classes.names().collect::<Vec<_>>(), ["crow", "bat"]);
/// assert_eq!(classes.location(1).to_string(), "classes.txt:2: ");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassList {
    file: Option<PathBuf>,
    names: Vec<String>,
    lines: Vec<u64>,
}

impl ClassList {
    /// A class a line, from the first.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::of_lines((1..).zip(names))
    }

    /// Names with the lines that they stand in.
    pub fn of_lines<S: AsRef<str>>(rows: impl IntoIterator<Item = (u64, S)>) -> Self {
        let (lines, names) = rows.into_iter().map(|(line, name)| (line, name.as_ref().trim().to_owned())).unzip();
        Self { file: None, names, lines }
    }

    /// Says which file they are from.
    #[must_use]
    pub fn in_file(mut self, file: impl AsRef<Path>) -> Self {
        self.file = Some(file.as_ref().to_owned());
        self
    }

    /// The names, without white space around them.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The line that a class stands in.
    ///
    /// # Panics
    ///
    /// If `class` is not below [`len`](Self::len).
    pub fn line(&self, class: usize) -> u64 {
        self.lines[class]
    }

    /// The file and the line that a class stands in.
    ///
    /// # Panics
    ///
    /// If `class` is not below [`len`](Self::len).
    pub fn location(&self, class: usize) -> Location {
        Location { file: self.file.clone(), line: Some(self.lines[class]) }
    }
}
