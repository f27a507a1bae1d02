//! Changes to a draft that was read.

use std::collections::HashSet;

use super::{Draft, KEY_SEPARATOR, Kind, NONE, OWN_PARENT, place_below};

/// What tells a node of a draft apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// An id, or nothing but that it was added.
    Id,
    Name,
    Path,
}

impl Draft {
    /// By node: what tells it apart.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        let mut identities = vec![Identity::Id; self.node_count()];
        for (key, &node) in &self.index {
            let is_path = key.starts_with(KEY_SEPARATOR);
            if self.id(node as usize).is_none() {
                identities[node as usize] = if is_path { Identity::Path } else { Identity::Name };
            }
        }
        identities
    }

    /// The nodes that are mentioned and nowhere declared, where the format declares nodes.
    pub(crate) fn undeclared(&self) -> impl Iterator<Item = usize> + '_ {
        let nodes = if self.expects_declarations { 0..self.node_count() } else { 0..0 };
        nodes.filter(|&node| !self.is_declared(node))
    }

    /// Gives a node another name. It is found by the one that it was read with.
    pub(crate) fn rename(&mut self, node: usize, name: &str) {
        self.graph.names[node] = name.into();
    }

    /// Takes out the problems that nodes are their own parents, which are no edges, and gives their lines and the nodes as
    /// messages have them, in quotes.
    pub(crate) fn forget_self_loops(&mut self) -> Vec<(Option<u64>, String)> {
        let mut loops = Vec::new();
        self.problems.retain(|problem| {
            let node = problem.message().strip_suffix(OWN_PARENT).filter(|_| problem.kind() == Kind::SelfLoop);
            loops.extend(node.map(|node| (problem.location().line, node.to_owned())));
            node.is_none()
        });
        loops
    }

    /// Takes out the edges for which this is false.
    pub(crate) fn keep_edges(&mut self, is_kept: &[bool]) {
        let mut is_kept = is_kept.iter();
        self.graph.edges.retain(|_| is_kept.next() != Some(&false));
    }

    /// Makes each node the one that `into` has for it, which stands for itself. Edges between nodes that are then one stay.
    pub(crate) fn join(&mut self, into: &[usize]) {
        let joined = |node: u32| into[node as usize] as u32;
        for (parent, child, _) in &mut self.graph.edges {
            (*parent, *child) = (joined(*parent), joined(*child));
        }
        self.graph.synonyms.iter_mut().for_each(|(node, _)| *node = joined(*node));
        self.graph.alternative_ids.iter_mut().for_each(|(_, node)| *node = joined(*node));
        for node in 0..into.len() {
            let (rank, kept) = (self.graph.ranks[node], into[node]);
            if self.graph.ranks[kept] == NONE {
                self.graph.ranks[kept] = rank;
            }
        }
        let place = self.graph.remove(|node| joined(node) != node);
        let placed = |node: u32| place[joined(node) as usize];
        self.lines = (0..into.len()).filter(|&node| into[node] == node).map(|node| self.lines[node]).collect();
        let index = std::mem::take(&mut self.index).into_iter();
        self.index = index.map(|(key, node)| (moved_key(key, placed), placed(node))).collect();
        self.by_id.values_mut().for_each(|node| *node = placed(*node));
        self.roots.iter_mut().for_each(|(node, _)| *node = placed(*node));
        self.classes.iter_mut().for_each(|class| *class = placed(*class));
        let declared: HashSet<u32> = self.declared.iter().map(|&node| placed(node)).collect();
        self.declared = declared;
        // One that is in use as well is in use.
        let in_use: HashSet<u32> =
            (0..into.len() as u32).filter(|node| !self.obsolete.contains(node)).map(placed).collect();
        self.obsolete = self.obsolete.iter().map(|&node| placed(node)).filter(|node| !in_use.contains(node)).collect();
    }
}

/// The key of a place below a parent, which has another number now; keys of other kinds stay.
fn moved_key(key: Box<str>, placed: impl Fn(u32) -> u32) -> Box<str> {
    let parts = key.strip_prefix(KEY_SEPARATOR).and_then(|key| key.split_once(KEY_SEPARATOR));
    match parts.and_then(|(parent, name)| Some((parent.parse().ok()?, name))) {
        Some((parent, name)) => place_below(Some(placed(parent) as usize), name, &mut String::new()).into(),
        None => key,
    }
}
