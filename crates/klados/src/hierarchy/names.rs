//! Node names in one string, with an index sorted by name: a few bytes a node, whatever the number of nodes.

use super::error::cut;
use super::{HierarchyError, HierarchyErrorKind, NodeId};

#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    text: String,
    ends: Vec<usize>,
    /// Node indices in the order of their names; nodes of one name stand next to each other.
    sorted: Vec<u32>,
}

/// Bytes of a name that is looked for among those that are alike.
const COMPARED: usize = 1000;

impl Names {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        let mut ends = Vec::new();
        for name in names {
            text.push_str(name);
            ends.push(text.len());
        }
        text.shrink_to_fit();
        let mut names = Self { text, ends, sorted: Vec::new() };
        let mut sorted: Vec<u32> = (0..names.ends.len() as u32).collect();
        sorted.sort_by_key(|&node| (names.get(node as usize), node));
        names.sorted = sorted;
        names
    }

    pub(crate) fn get(&self, node: usize) -> &str {
        let start = if node == 0 { 0 } else { self.ends[node - 1] };
        &self.text[start..self.ends[node]]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|node| self.get(node))
    }

    /// The nodes of this name, by index.
    pub(crate) fn find(&self, name: &str) -> impl Iterator<Item = NodeId> + '_ {
        let start = self.sorted.partition_point(|&node| self.get(node as usize) < name);
        let end = self.sorted.partition_point(|&node| self.get(node as usize) <= name);
        self.sorted[start..end].iter().map(|&node| NodeId(node))
    }

    /// The error for a name that is not there, with the names nearest to it.
    pub(crate) fn unknown(&self, what: &str, name: &str) -> HierarchyError {
        // Comparing two texts takes the product of their lengths.
        let is_short = |text: &str| text.len() <= COMPARED;
        let lower = if is_short(name) { name.to_lowercase() } else { String::new() };
        // Jaro-Winkler likes long words with a common start; a slip or two in a short word is an edit distance.
        let edits = (lower.chars().count() / 3).max(1);
        let similarity = |other: &str| match strsim::osa_distance(&lower, other) <= edits {
            true => 1.0,
            false => strsim::jaro_winkler(&lower, other),
        };
        let mut near: Vec<(f64, &str)> = self
            .iter()
            .filter(|other| !lower.is_empty() && !other.is_empty() && is_short(other))
            .map(|other| (similarity(&other.to_lowercase()), other))
            .filter(|&(similarity, _)| similarity >= 0.75)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        near.dedup_by(|a, b| a.1 == b.1);
        let mut message = format!("unknown {what} \"{}\"", cut(name, COMPARED));
        if !near.is_empty() {
            message += "; the nearest names are ";
            message += &super::error::list(near.iter().take(3).map(|&(_, other)| other), 3);
        }
        HierarchyError::new(HierarchyErrorKind::UnknownName, message)
    }
}
