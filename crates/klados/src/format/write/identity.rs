//! What tells nodes apart in a text: names, paths, or an id for every node.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId};

/// Whether no two nodes of the input share a name.
pub(super) fn names_are_unique(hierarchy: &Hierarchy) -> bool {
    let mut seen = HashSet::new();
    let mut nodes = hierarchy.nodes().filter(|node| !hierarchy.is_added(*node));
    nodes.all(|node| seen.insert(hierarchy.name(node).trim()))
}

/// The first node with a sibling of its name before it, which has the same path.
pub(super) fn repeated_sibling(hierarchy: &Hierarchy) -> Option<NodeId> {
    let mut seen = HashSet::new();
    let edges = hierarchy.nodes().flat_map(|node| hierarchy.children(node).iter().map(move |child| (node, *child)));
    let mut edges = edges.filter(|(parent, child)| !seen.insert((*parent, hierarchy.name(*child).trim())));
    edges.next().map(|(_, child)| child)
}

/// # Errors
///
/// Siblings of one name, in a format that knows nodes by their paths.
pub(super) fn check_siblings(hierarchy: &Hierarchy, format: &str) -> Result<(), HierarchyError> {
    let Some(node) = repeated_sibling(hierarchy) else { return Ok(()) };
    let path = hierarchy.path(node);
    let message = format!("two nodes are \"{path}\", which {format} has no way to tell apart; edges do by id");
    Err(HierarchyError::new(Kind::AmbiguousName, message))
}

/// The id of each node by index: its own, else its name where that is neither another's name nor an id, else a number that is
/// neither.
pub(super) fn ids(hierarchy: &Hierarchy) -> Vec<Cow<'_, str>> {
    let nodes = || hierarchy.nodes().filter(|node| !hierarchy.is_added(*node));
    let mut taken: HashMap<&str, usize> = HashMap::new();
    for node in nodes() {
        *taken.entry(hierarchy.id(node).unwrap_or(hierarchy.name(node).trim())).or_default() += 1;
    }
    let mut numbers = (1u64..).map(|number| number.to_string()).filter(|number| !taken.contains_key(&**number));
    let mut id = |node: NodeId| {
        let name = hierarchy.name(node).trim();
        match hierarchy.id(node) {
            Some(id) => Cow::Borrowed(id),
            None if taken.get(name) == Some(&1) => Cow::Borrowed(name),
            None => Cow::Owned(numbers.next().unwrap_or_default()),
        }
    };
    hierarchy.nodes().map(|node| if hierarchy.is_added(node) { Cow::Borrowed("") } else { id(node) }).collect()
}
