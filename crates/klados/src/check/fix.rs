//! What can be put right without a guess.

use std::collections::HashMap;
use std::fmt;

use super::shape::Shape;
use super::text::cleaned;
use crate::hierarchy::{Draft, Identity, Location};

/// A change that [`fix`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Where the input says what was changed.
    pub location: Location,
    /// What it says.
    pub before: String,
    /// What is there instead; none where it was left out.
    pub after: Option<String>,
    /// Why.
    pub why: String,
}

/// `line 3: "a  b" is now "a b": ...`
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location, before, after, why } = self;
        match after {
            Some(after) => write!(f, "{location}{before} is now {after}: {why}"),
            None => write!(f, "{location}{before} is left out: {why}"),
        }
    }
}

/// A draft that was put right as far as that needs no guess.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fixed {
    /// The draft. It may have problems that are left.
    pub draft: Draft,
    /// What was changed, in the order of the lines.
    pub changes: Vec<Change>,
}

/// Puts right what needs no guess:
///
/// - edges that are there twice are there once, and a node is not its own parent;
/// - names have one space for any white space, no characters that nobody sees, and Unicode's normal form C;
/// - nodes whose names are then the same are one node, where names, or paths, are what tells nodes apart.
///
/// All else is left as it is, as it may be meant, or may be mended in several ways: names that differ in case or dashes,
/// the edge of a cycle that is wrong, edges that longer paths repeat, lines that are not of the format.
///
/// ```
/// use klados::check::fix;
/// use klados::format::{Draft, ReadOptions};
///
/// let text = "child,parent\ncrow,bird\ncrow,crow\nrobin,bird \nrock  dove,bird\nrock dove,bird\n";
/// let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new())?;
/// let fixed = fix(&draft);
/// let changes: Vec<String> = fixed.changes.iter().map(ToString::to_string).collect();
/// assert_eq!(
///     changes,
///     [
///         "line 3: \"crow\" as its own parent is left out: a node cannot be above itself",
///         "line 5: the name \"rock  dove\" is now \"rock dove\": white space, characters that nobody sees, or Unicode's form",
///         "line 6: the node \"rock dove\" is now that of line 5: they have the same name",
///         "line 6: the edge from \"bird\" to \"rock dove\" is left out: it is there already, in line 5",
///     ]
/// );
/// assert_eq!(fixed.draft.build()?.to_string(), "bird\n  crow\n  robin\n  rock dove\n");
/// # Ok::<(), klados::HierarchyError>(())
/// ```
pub fn fix(draft: &Draft) -> Fixed {
    let mut fixed = Fixed { draft: draft.clone(), changes: Vec::new() };
    fixed.leave_out_self_loops();
    fixed.clean_names();
    fixed.join_nodes();
    fixed.leave_out_edges();
    fixed.changes.sort_by_key(|change| change.location.line);
    fixed
}

impl Fixed {
    fn change(&mut self, line: Option<u64>, before: String, after: Option<String>, why: impl Into<String>) {
        let location = Location { file: None, line };
        self.changes.push(Change { location, before, after, why: why.into() });
    }

    fn leave_out_self_loops(&mut self) {
        for (line, node) in self.draft.forget_self_loops() {
            self.change(line, format!("{node} as its own parent"), None, "a node cannot be above itself");
        }
    }

    fn clean_names(&mut self) {
        for node in 0..self.draft.node_count() {
            let name = self.draft.name(node);
            let clean = cleaned(name);
            // An id that stands for a name is what others refer to.
            if clean == name || clean.is_empty() || self.draft.id(node) == Some(name) {
                continue;
            }
            let (before, after) = (format!("the name {name:?}"), format!("\"{clean}\""));
            let why = "white space, characters that nobody sees, or Unicode's form";
            self.change(self.draft.line(node), before, Some(after), why);
            self.draft.rename(node, &clean);
        }
    }

    /// Makes nodes of one name, or of one name below one parent where the path is what tells nodes apart, one.
    fn join_nodes(&mut self) {
        let identities = self.draft.identities();
        let mut into: Vec<usize> = (0..self.draft.node_count()).collect();
        let mut first = HashMap::new();
        let shape = Shape::new(&self.draft);
        let named = (0..into.len()).filter(|&node| identities[node] == Identity::Name);
        // From the top, as nodes below two that become one may become one.
        let is_at_path = |node: usize| identities[node] == Identity::Path && shape.parents(node).len() <= 1;
        let at_paths = shape.order.iter().copied().filter(|&node| is_at_path(node));
        for node in named.chain(at_paths) {
            let parent = match identities[node] {
                Identity::Path => shape.parents(node).next().map(|parent| into[parent]),
                _ => None,
            };
            into[node] = *first.entry((identities[node], parent, self.draft.name(node))).or_insert(node);
        }
        let joined: Vec<usize> = (0..into.len()).filter(|&node| into[node] != node).collect();
        for &node in &joined {
            let name = self.draft.name(node);
            let other = match self.draft.line(into[node]) {
                Some(line) => format!("that of line {line}"),
                None => "that which is there already".to_owned(),
            };
            let before = format!("the node \"{name}\"");
            self.change(self.draft.line(node), before, Some(other), "they have the same name");
        }
        if !joined.is_empty() {
            self.draft.join(&into);
        }
    }

    fn leave_out_edges(&mut self) {
        let mut first: HashMap<(usize, usize), Option<u64>> = HashMap::new();
        let mut is_kept = Vec::with_capacity(self.draft.edges().len());
        let mut left_out = Vec::new();
        for (parent, child, line) in self.draft.edges() {
            let known = first.get(&(parent, child)).copied();
            let why = match known {
                _ if parent == child => Some("a node cannot be above itself".to_owned()),
                Some(Some(line)) => Some(format!("it is there already, in line {line}")),
                Some(None) => Some("it is there already".to_owned()),
                None => None,
            };
            is_kept.push(why.is_none());
            first.entry((parent, child)).or_insert(line);
            left_out.extend(why.map(|why| (parent, child, line, why)));
        }
        for (parent, child, line, why) in left_out {
            let (parent, child) = (self.draft.label(parent), self.draft.label(child));
            let before = format!("the edge from \"{parent}\" to \"{child}\"");
            self.change(line, before, None, why);
        }
        self.draft.keep_edges(&is_kept);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, check};
    use super::*;

    #[test]
    fn what_can_be_fixed_is_gone_after_it() {
        let mut draft = Draft::new();
        let names = ["a\u{a0}b", "a b", "c\u{200b}", "\u{65}\u{301}", "d", "top"];
        let nodes: Vec<usize> = names.iter().filter_map(|name| draft.by_name(name)).collect();
        for &node in &nodes[..5] {
            draft.add_edge(nodes[5], node);
            draft.add_edge(nodes[5], node);
            draft.add_edge(node, node);
        }
        let before = check(&draft, None);
        let after = check(&fix(&draft).draft, None);
        for rule in Rule::ALL.iter().filter(|rule| rule.can_be_fixed()) {
            assert!(before.iter().any(|finding| finding.rule == *rule), "{rule:?}");
            assert!(!after.iter().any(|finding| finding.rule == *rule), "{rule:?}");
        }
        assert_eq!(fix(&fix(&draft).draft).changes, []);
    }
}
