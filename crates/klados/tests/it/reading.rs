//! How tests read texts in a format that they name, and look at what is wrong.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyError};

use crate::data;

pub(crate) fn read_as(format: Format, text: &str) -> Result<Hierarchy, HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new().format(format))
}

/// A fixture, in the format that it is guessed to be.
pub(crate) fn fixture(name: &str) -> Hierarchy {
    Hierarchy::from_path(data::fixture(name), &ReadOptions::new()).unwrap()
}

/// All problems of a text.
pub(crate) fn problems(format: Format, text: &str) -> Vec<String> {
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new().format(format)).unwrap();
    draft.problems().iter().map(ToString::to_string).collect()
}

pub(crate) fn guess(text: &str) -> Option<Format> {
    Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).ok().map(|(_, format)| format)
}
