//! The JSON that Klados itself writes: everything that a [`Hierarchy`] holds.

use super::guess::{Confidence, Head};
use super::input::{Input, json_error};
use super::{Draft, ReadOptions};
use crate::{Hierarchy, HierarchyError};

/// The order of keys is that of serde; other JSON has objects in `nodes`, not names.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let rest = head.text().trim_start().strip_prefix('{')?.trim_start().strip_prefix("\"nodes\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')?.trim_start();
    rest.starts_with('"').then_some(Confidence::Certain)
}

pub(super) fn hierarchy(input: &Input) -> Result<Hierarchy, HierarchyError> {
    serde_json::from_str(input.text()?).map_err(|error| {
        let error = json_error(&error);
        let message = format!("not a hierarchy as klados writes it: {}", error.message());
        HierarchyError::new(error.kind(), message).at_line(error.location().line)
    })
}

/// The nodes and edges, for those who want a draft; the order of the classes stays behind.
pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    *draft = Draft::of(&hierarchy(input)?, draft.limits().clone());
    Ok(())
}
