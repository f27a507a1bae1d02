//! An id for every node, where a format tells nodes apart by ids.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::{Hierarchy, NodeId};

/// Whether no two nodes of the input share a name.
pub(super) fn names_are_unique(hierarchy: &Hierarchy) -> bool {
    let mut seen = HashSet::new();
    let mut nodes = hierarchy.nodes().filter(|node| !hierarchy.is_added(*node));
    nodes.all(|node| seen.insert(hierarchy.name(node).trim()))
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
