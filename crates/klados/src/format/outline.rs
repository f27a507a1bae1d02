//! One node a line, below the last line that is indented less.

use std::collections::HashMap;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::{Lines, has_comments, is_content};
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
    if !style.place(first).is_ok_and(|(level, _)| level == 0) {
        return None;
    }
    let (mut above, mut is_mixed) = (0, false);
    let fits = |line: &&&str| match style.place(line) {
        Ok((level, _)) if level <= above + 1 => {
            above = level;
            !line.trim_end().ends_with(OTHER_ENDS)
        }
        // To be told with its line.
        Err(_) if style.is_mixed(line) => {
            is_mixed = true;
            true
        }
        _ => false,
    };
    if lines.iter().filter(fits).count() * 10 < lines.len() * 9 {
        return None;
    }
    // YAML has a colon after what has something below it.
    let has_keys = lines.iter().any(|line| line.trim_end().ends_with(':'));
    Some(match style {
        Style::Tree => Confidence::Certain,
        _ if has_keys || is_mixed => Confidence::Possible,
        _ => Confidence::Likely,
    })
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let style = Style::of_all(input)?;
    let mut lines = Lines::new(input)?;
    let mut outline = Outline::default();
    while let Some((_, line)) = lines.next_content(draft) {
        if matches!(style, Style::Tree) && counts_folders(line) {
            continue;
        }
        match style.place(line) {
            Ok((level, name)) => outline.add(level, name, draft),
            Err(message) => draft.problem(Kind::Format, message),
        }
    }
    outline.warn_of_repeats(draft);
    Ok(())
}

/// How a level shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// So many tabs, spaces or dashes a level.
    Indented { mark: char, width: usize },
    /// So many tabs or spaces a level, and a bullet before each name, as in Markdown.
    Bulleted { mark: char, width: usize },
    /// Lines that are drawn, as the command `tree` does.
    Tree,
}

/// What stands before the names of a list in Markdown.
const BULLETS: [&str; 3] = ["- ", "* ", "+ "];

impl Style {
    /// That of the first line that is indented.
    fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut lines = lines.filter(|line| !line.trim().is_empty()).peekable();
        let is_bulleted = lines.peek().is_some_and(|first| without_bullet(first).is_some());
        lines.find_map(|line| {
            if !is_bulleted && branch(line).is_some() {
                return Some(Self::Tree);
            }
            let is_mark = |char: &char| matches!(char, ' ' | '\t') || (*char == '-' && !is_bulleted);
            let mark = line.chars().next().filter(is_mark)?;
            let width = if mark == '\t' { 1 } else { indentation(line, mark) };
            Some(if is_bulleted { Self::Bulleted { mark, width } } else { Self::Indented { mark, width } })
        })
    }

    /// Where no line is indented any style will do.
    fn of_all(input: &Input) -> Result<Self, HierarchyError> {
        let bytes = input.bytes()?;
        let has_comments = has_comments(bytes);
        let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
        let lines = lines.filter_map(|line| std::str::from_utf8(line).ok());
        let style = Self::of(lines.filter(|line| is_content(line, has_comments)));
        Ok(style.unwrap_or(Self::Indented { mark: '\t', width: 1 }))
    }

    /// The level of a line from 0 and its name, or what is wrong with its indentation.
    fn place(self, line: &str) -> Result<(usize, &str), String> {
        match self {
            Self::Tree => Ok(branch(line).unwrap_or((0, line.trim()))),
            Self::Indented { mark, width } => Ok((level(line, mark, width)?, line[indentation(line, mark)..].trim())),
            Self::Bulleted { mark, width } => {
                let level = level(line, mark, width)?;
                let name = without_bullet(line[indentation(line, mark)..].trim());
                let name = name.ok_or("there is no bullet before the name; the first line has one")?;
                Ok((level, name.trim()))
            }
        }
    }

    /// Whether a line is indented by the other of tabs and spaces.
    fn is_mixed(self, line: &str) -> bool {
        match self {
            Self::Indented { mark, .. } | Self::Bulleted { mark, .. } => {
                line[indentation(line, mark)..].starts_with([' ', '\t'])
            }
            Self::Tree => false,
        }
    }
}

/// The level of a line that is indented by these.
fn level(line: &str, mark: char, width: usize) -> Result<usize, String> {
    let indented = indentation(line, mark);
    let other = line[indented..].chars().next().filter(|&char| matches!(char, ' ' | '\t'));
    match other {
        Some(other) if !(mark == '-' && indented > 0) => {
            let (other, mark) = (name_of(other), name_of(mark));
            Err(format!("indented by {other}; the first line that is indented has {mark}"))
        }
        _ if indented.is_multiple_of(width) => Ok(indented / width),
        _ => Err(format!(
            "indented by {indented} {}; expected a multiple of {width}, as the first line that is indented has",
            name_of(mark),
        )),
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

fn without_bullet(line: &str) -> Option<&str> {
    BULLETS.iter().find_map(|bullet| line.strip_prefix(bullet))
}

/// The level and the name of a line that `tree` draws: four characters a level, of which the last are the branch.
fn branch(line: &str) -> Option<(usize, &str)> {
    let (mut level, mut rest) = (1, line);
    loop {
        let end = rest.char_indices().nth(4).map_or(rest.len(), |(end, _)| end);
        let (four, after) = rest.split_at(end);
        if four.starts_with(['├', '└', '╰']) || four.starts_with("|--") || four.starts_with("`--") {
            return Some((level, after.trim()));
        }
        // There are no-break spaces among them.
        if four.is_empty() || !four.chars().all(|char| matches!(char, '│' | '|' | ' ' | '\u{a0}')) {
            return None;
        }
        (level, rest) = (level + 1, after);
    }
}

/// `3 directories, 2 files`, with which `tree` ends.
fn counts_folders(line: &str) -> bool {
    let mut words = line.split([' ', ',']);
    words.next().is_some_and(|count| count.parse::<u64>().is_ok())
        && words.next().is_some_and(|word| matches!(word, "directory" | "directories"))
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
