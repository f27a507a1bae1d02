//! What is wrong with a hierarchy, or surprising: as a linter sees it.
//!
//! [`check`] looks at a [`Draft`], so also at files of which no hierarchy can be made, and finds all there is and not just
//! the first. Each [`Finding`] is a case of a [`Rule`], which says why that matters in training and what to do. [`fix`]
//! makes the changes that need no guess.
//!
//! ```
//! use klados::check::{Severity, check};
//! use klados::format::{Draft, ReadOptions};
//!
//! let text = "child,parent\ncrow,bird\nbird,animal\nanimal,crow\nbat,bat\nBat,mammal\nbat,mammal\n";
//! let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new())?;
//! let found = check(&draft, None);
//! let text: Vec<String> = found.iter().filter(|found| found.severity() != Severity::Note).map(ToString::to_string).collect();
//! assert_eq!(
//!     text,
//!     [
//!         "line 4: error[cycle]: 3 nodes are each the child of the next, and the last of the first: \
//!          \"crow\", \"bird\", \"animal\"",
//!         "line 5: error[self-loop]: \"bat\" is given as its own parent",
//!         "line 6: warning[near-duplicate-name]: these names differ in case, spaces or the like alone: \"bat\", \"Bat\"",
//!     ]
//! );
//! # Ok::<(), klados::HierarchyError>(())
//! ```

mod balance;
mod classes;
mod cycles;
mod fix;
mod graph;
mod names;
mod nodes;
mod placeholders;
mod ranks;
mod reading;
mod rule;
mod shape;
mod text;
mod transitive;

use std::fmt;

use std::path::Path;

pub use self::fix::{Change, Fixed, fix};
pub use self::rule::{Rule, Severity};
use self::shape::Shape;
use crate::hierarchy::{Draft, Location};
use crate::matching::ClassList;

/// A case of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is a case of.
    pub rule: Rule,
    /// Where it is; the file is known where the draft or the list of classes knows it.
    pub location: Location,
    /// The nodes, as the draft numbers them; of those that an ambiguous name may mean, the first five.
    pub nodes: Vec<usize>,
    /// What was found. Of many nodes it names the first.
    pub message: String,
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// As a compiler would say it: `line 3: error[self-loop]: ...`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}[{}]: {}", self.location, self.severity().name(), self.rule.code(), self.message)
    }
}

/// Looks for everything in [`Rule`], in the order of the lines; what is found of the classes comes last. With `classes`, the
/// columns of a model, also at what these have to do with the hierarchy; else the leaves are taken to be the classes.
///
/// Nodes that are out of use and have none below them are passed over, as they are in
/// [`Draft::build`]. Time and memory grow with the size of the draft, but for sorting; where edges
/// that a longer path repeats would take longer to find, a finding says that not all were looked at.
pub fn check(draft: &Draft, classes: Option<&ClassList>) -> Vec<Finding> {
    let shape = Shape::new(draft);
    let mut report = Report { draft, found: Vec::new() };
    reading::check(&mut report);
    nodes::check(&mut report, &shape);
    cycles::check(&mut report, &shape);
    graph::check(&mut report, &shape);
    transitive::check(&mut report, &shape);
    names::check(&mut report, &shape);
    placeholders::check(&mut report, &shape);
    ranks::check(&mut report, &shape);
    balance::check(&mut report, &shape);
    report.found.sort_by_key(|finding| finding.location.line);
    if let Some(classes) = classes {
        classes::check(&mut report, &shape, classes);
    }
    report.found
}

/// What was found so far.
struct Report<'a> {
    draft: &'a Draft,
    found: Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, rule: Rule, line: Option<u64>, nodes: impl Into<Vec<usize>>, message: impl Into<String>) {
        let file = self.draft.file().filter(|_| line.is_some()).map(Path::to_owned);
        self.add_at(rule, Location { file, line }, nodes, message);
    }

    fn add_at(&mut self, rule: Rule, location: Location, nodes: impl Into<Vec<usize>>, message: impl Into<String>) {
        self.found.push(Finding { rule, location, nodes: nodes.into(), message: message.into() });
    }

    /// Adds what is said of one node, at its line.
    fn add_node(&mut self, rule: Rule, node: usize, message: impl Into<String>) {
        self.add(rule, self.draft.line(node), [node], message);
    }

    /// `"a", "b" and 7 more`.
    fn list(&self, nodes: &[usize]) -> String {
        const NAMED: usize = 5;
        let named: Vec<String> =
            nodes.iter().take(NAMED).map(|&node| format!("\"{}\"", self.draft.label(node))).collect();
        match nodes.len().saturating_sub(NAMED) {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}
