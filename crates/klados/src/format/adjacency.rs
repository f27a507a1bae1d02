//! A node with all of its children a line: `bird<TAB>crow<TAB>robin`.

use std::collections::HashSet;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let layout = Layout::of(head);
    let lines: Vec<Vec<&str>> = head.lines().map(|line| layout.names(line).collect()).collect();
    let parents: HashSet<&str> = lines.iter().filter_map(|names| names.first().copied()).collect();
    let children: Vec<&str> = lines.iter().flat_map(|names| names.iter().skip(1).copied()).collect();
    let different: HashSet<&str> = children.iter().copied().collect();
    let recur = !parents.is_disjoint(&different);
    let is_even = lines.iter().all(|names| names.len() == lines[0].len());
    // Lines of an outline begin with a tab too.
    if children.is_empty() || parents.len() < lines.len() || parents.contains("") {
        return None;
    }
    let have_one_parent = different.len() * 10 >= children.len() * 9; // most of them
    match layout.mark {
        Mark::Tab | Mark::Colon if !have_one_parent => None,
        // Even lines may be a table: two columns are edges, more are ranks.
        Mark::Tab if is_even => (recur && lines[0].len() > 2).then_some(Confidence::Likely),
        Mark::Tab => Some(if recur { Confidence::Likely } else { Confidence::Possible }),
        Mark::Colon => (children.len() >= 2 * lines.len()).then_some(Confidence::Possible),
        // As NetworkX writes: every node has its line.
        Mark::Space => (head.is_whole() && !is_even && different.is_subset(&parents)).then_some(Confidence::Likely),
    }
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let layout = Layout::of(&Head::new(input));
    let mut lines = Lines::new(input)?;
    while let Some((_, line)) = lines.next_content(draft) {
        if layout.mark == Mark::Colon && !line.contains(':') {
            draft.problem(Kind::Format, format!("\"{}\" has no colon; expected \"parent: child child\"", line.trim()));
            continue;
        }
        let mut names = layout.names(line);
        let parent = names.next().and_then(|name| draft.by_name(name));
        for child in names.filter(|name| !name.is_empty()) {
            if let (Some(parent), Some(child)) = (parent, draft.by_name(child)) {
                draft.add_edge(parent, child);
            }
        }
    }
    Ok(())
}

/// What is after the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// As between the children.
    Tab,
    /// With spaces or commas between the children.
    Colon,
    /// As between the children.
    Space,
}

/// What the first lines show.
struct Layout {
    mark: Mark,
    /// Between the children after a colon.
    has_commas: bool,
}

impl Layout {
    fn of(head: &Head<'_>) -> Self {
        let mut layout = Self { mark: Mark::Space, has_commas: false };
        let has_colon = |line: &str| line.split_once(':').is_some_and(|(_, rest)| rest.starts_with([' ', '\t']));
        if head.lines().any(|line| line.contains('\t')) {
            layout.mark = Mark::Tab;
        }
        if head.lines().next().is_some() && head.lines().all(has_colon) {
            layout.mark = Mark::Colon;
            layout.has_commas = head.lines().any(|line| line.contains(','));
        }
        layout
    }

    /// The parent and its children.
    fn names<'a>(&self, line: &'a str) -> impl Iterator<Item = &'a str> {
        let (parent, children) = match self.mark {
            Mark::Tab => (None, line),
            Mark::Colon => line.split_once(':').map_or((None, line), |(parent, children)| (Some(parent), children)),
            Mark::Space => (None, line),
        };
        let (mark, has_commas) = (self.mark, self.has_commas);
        let between = move |char: char| match mark {
            Mark::Tab => char == '\t',
            Mark::Colon if has_commas => char == ',',
            Mark::Colon | Mark::Space => char.is_whitespace(),
        };
        // Spaces come in any number; an empty field before a tab is a parent without a name.
        let keeps_empty = mark == Mark::Tab;
        let children =
            children.trim_end().split(between).map(str::trim).filter(move |name| keeps_empty || !name.is_empty());
        parent.map(str::trim).into_iter().chain(children)
    }
}
