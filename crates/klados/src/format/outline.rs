//! One node a line, below the last line that is indented less.

use std::collections::HashMap;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// What a text begins with that has another structure than indentation, and what many of its lines end with.
const OTHER_BEGINNINGS: [char; 7] = ['<', '{', '[', '(', '@', '%', '"'];
const OTHER_ENDS: [char; 6] = ['{', '[', '(', '}', ';', ','];

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let lines: Vec<&str> = head.lines().collect();
    let first = lines.first().filter(|first| !first.starts_with(OTHER_BEGINNINGS))?;
    let style = Style::of(lines.iter().copied())?;
    if style.level(first) != Ok(0) {
        return None;
    }
    let mut above = 0;
    let fits = |line: &&&str| match style.level(line) {
        Ok(level) if level <= above + 1 => {
            above = level;
            !line.trim_end().ends_with(OTHER_ENDS)
        }
        _ => false,
    };
    if lines.iter().filter(fits).count() * 10 < lines.len() * 9 {
        return None;
    }
    // YAML has a colon after what has something below it.
    let has_keys = lines.iter().any(|line| line.trim_end().ends_with(':'));
    Some(if has_keys { Confidence::Possible } else { Confidence::Likely })
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let style = Style::of_all(input)?;
    let mut lines = Lines::new(input)?;
    let mut outline = Outline::default();
    while let Some((_, line)) = lines.next_content(draft) {
        match style.level(line) {
            Ok(level) => outline.add(level, style.name(line), draft),
            Err(message) => draft.problem(Kind::Format, message),
        }
    }
    outline.warn_of_repeats(draft);
    Ok(())
}

/// What a level is indented by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    mark: char,
    /// Of these a level.
    width: usize,
}

impl Style {
    /// That of the first line that is indented.
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut lines = lines.filter(|line| !line.trim().is_empty());
        lines.find_map(|line| {
            let mark = line.chars().next().filter(|char| matches!(char, ' ' | '\t' | '-'))?;
            let width = if mark == '\t' { 1 } else { indentation(line, mark) };
            Some(Self { mark, width })
        })
    }

    /// Where no line is indented any style will do.
    fn of_all(input: &Input) -> Result<Self, HierarchyError> {
        let lines = input.bytes()?.split(|byte| matches!(byte, b'\n' | b'\r'));
        let style = Self::of(lines.filter_map(|line| std::str::from_utf8(line).ok()));
        Ok(style.unwrap_or(Self { mark: '\t', width: 1 }))
    }

    /// The level of a line from 0, or what is wrong with its indentation.
    fn level(self, line: &str) -> Result<usize, String> {
        let indented = indentation(line, self.mark);
        let other = line[indented..].chars().next().filter(|&char| matches!(char, ' ' | '\t'));
        match other {
            Some(other) if !(self.mark == '-' && indented > 0) => Err(format!(
                "indented by {}; the first line that is indented has {}",
                name_of(other),
                name_of(self.mark)
            )),
            _ if indented.is_multiple_of(self.width) => Ok(indented / self.width),
            _ => Err(format!(
                "indented by {indented} {}; expected a multiple of {}, as the first line that is indented has",
                name_of(self.mark),
                self.width
            )),
        }
    }

    fn name(self, line: &str) -> &str {
        line[indentation(line, self.mark)..].trim()
    }
}

fn indentation(line: &str, mark: char) -> usize {
    line.bytes().take_while(|&byte| byte == mark as u8).count()
}

fn name_of(mark: char) -> &'static str {
    match mark {
        '\t' => "tabs",
        '-' => "dashes",
        _ => "spaces",
    }
}

#[derive(Default)]
struct Outline {
    /// The nodes from the top to that of the last line.
    path: Vec<usize>,
    /// Nodes by name, and how many have it.
    by_name: HashMap<Box<str>, (usize, usize)>,
    /// Whether the last line was one that could not be placed; what is below it cannot be placed either.
    is_lost: bool,
}

impl Outline {
    fn add(&mut self, level: usize, name: &str, draft: &mut Draft) {
        if level > self.path.len() {
            if !self.is_lost {
                let message = format!(
                    "\"{name}\" is at level {} below a line at level {}; a line is one level deeper at the most",
                    level + 1,
                    self.path.len()
                );
                draft.problem(Kind::Format, message);
                self.is_lost = true;
            }
            return;
        }
        self.path.truncate(level);
        let parent = self.path.last().copied();
        let node = self.printed_above(name, parent, draft).or_else(|| self.node(name, parent, draft));
        self.is_lost = node.is_none();
        self.path.extend(node);
    }

    /// The node of a line `name (above)`, which has the branch that the outline of a DAG shows elsewhere.
    fn printed_above(&self, name: &str, parent: Option<usize>, draft: &mut Draft) -> Option<usize> {
        let (node, count) = self.by_name.get(name.strip_suffix(" (above)")?).copied()?;
        let parent = parent.filter(|_| count == 1)?;
        draft.add_edge(parent, node);
        Some(node)
    }

    fn node(&mut self, name: &str, parent: Option<usize>, draft: &mut Draft) -> Option<usize> {
        let known = draft.node_count();
        let node = draft.add_below(parent, name)?;
        if node >= known {
            self.by_name.entry(name.into()).or_insert((node, 0)).1 += 1;
        } else {
            let line = draft.line(node).unwrap_or(0);
            draft.warn(format!("\"{name}\" stands there in line {line} already and is taken to be the same node"));
        }
        Some(node)
    }

    fn warn_of_repeats(&self, draft: &mut Draft) {
        let mut repeated: Vec<_> = self.by_name.iter().filter(|(_, (_, count))| *count > 1).collect();
        if !repeated.is_empty() {
            repeated.sort_unstable_by_key(|(_, (node, _))| *node);
            let names = list(repeated.iter().map(|(name, _)| name), 5);
            draft.warn(format!("{} names stand at several places, and are a node at each: {names}", repeated.len()));
        }
    }
}
