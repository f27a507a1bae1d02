//! The JSON that Klados itself writes: everything that a [`Hierarchy`] holds.

use super::guess::{Confidence, Head};
use super::input::{Input, json_error};
use super::{Draft, Limits, ReadOptions};
use crate::{Hierarchy, HierarchyError};

/// The order of keys is that of serde; other JSON has objects in `nodes`, not names.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let rest = head.text().trim_start().strip_prefix('{')?.trim_start().strip_prefix("\"nodes\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')?.trim_start();
    rest.starts_with('"').then_some(Confidence::Certain)
}

pub(super) fn hierarchy(input: &Input) -> Result<Hierarchy, HierarchyError> {
    let read: Result<Hierarchy, _> = serde_json::from_str(input.text()?);
    let hierarchy = read.map_err(|error| {
        let error = json_error(&error);
        let message = format!("not a hierarchy as klados writes it: {}", error.message());
        HierarchyError::new(error.kind(), message).at_line(error.location().line)
    })?;
    check_limits(&hierarchy, input.limits())?;
    Ok(hierarchy)
}

/// What is read is no larger than the text, so that it is soon enough to look at the limits now.
fn check_limits(hierarchy: &Hierarchy, limits: &Limits) -> Result<(), HierarchyError> {
    let edges = || hierarchy.nodes().map(|node| hierarchy.children(node).len()).sum::<usize>();
    if hierarchy.node_count() > limits.nodes {
        return Err(Limits::exceeded(limits.nodes, "nodes"));
    }
    if edges() > limits.edges {
        return Err(Limits::exceeded(limits.edges, "edges"));
    }
    match hierarchy.nodes().any(|node| hierarchy.name(node).len() > limits.name) {
        true => Err(Limits::exceeded(limits.name, "bytes in a name")),
        false => Ok(()),
    }
}

/// The nodes and edges, for those who want a draft; the order of the classes stays behind.
pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    *draft = Draft::of(&hierarchy(input)?, input.limits().clone());
    Ok(())
}
