//! One path a line, from the top down: `Animals > Birds > Crows`, with or without an id in front.

use std::collections::HashSet;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::repeated::Repeated;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// What stands between names. The first that half of the lines have is taken, or else that which the most have: names may
/// hold a bare one where there are spaces around those between names.
const SEPARATORS: [&str; 8] = [" > ", " :: ", " | ", ">", "::", "|", ";", "/"];

/// So many of [`SEPARATORS`] are seldom between other things than names.
const PLAIN: usize = 3;

/// What a text begins with that has another structure than lines.
const OTHER_BEGINNINGS: [char; 7] = ['<', '{', '[', '(', '@', '%', '"'];

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    head.lines().next().filter(|first| !first.starts_with(OTHER_BEGINNINGS))?;
    let layout = Layout::of(head);
    let separator = layout.separator?;
    let lines: Vec<(Option<&str>, &str)> = head.lines().map(|line| layout.id_and_path(line)).collect();
    let having = lines.iter().filter(|(_, path)| path.contains(separator)).count();
    let is_plain = SEPARATORS[..PLAIN].contains(&separator);
    // Sentences have a slash here and there; fields with tabs between them are of a table.
    let enough = if is_plain { lines.len().div_ceil(2) } else { (lines.len() * 3).div_ceil(4) };
    if having < enough || lines.iter().any(|(_, path)| path.contains('\t')) {
        return None;
    }
    if is_plain || layout.ids.is_some() {
        return Some(Confidence::Likely);
    }
    let lengths: HashSet<usize> = lines.iter().map(|(_, path)| path.split(separator).count()).collect();
    let is_table = (separator == ";" && lengths.len() == 1) || lines.iter().all(|(_, path)| path.contains(','));
    // As in an address of the web.
    let has_gaps = lines.iter().any(|(_, path)| names(path, Some(separator)).any(str::is_empty));
    (!is_table && !has_gaps).then_some(Confidence::Possible)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let layout = Layout::of(&Head::new(input));
    if layout.separator.is_none() {
        draft.warn("no line has \" > \", \" :: \", \"|\", \";\" or \"/\" between names: each is a node at the top");
    }
    let (mut lines, mut repeated) = (Lines::new(input)?, Repeated::default());
    while let Some((_, line)) = lines.next_content(draft) {
        let (id, path) = layout.id_and_path(line);
        if let (None, Some(mark)) = (id, layout.ids) {
            draft.problem(
                Kind::Format,
                format!("no id in front of \"{path}\"; the first lines have {}", mark.example()),
            );
        }
        let node = draft.add_path(names(path, layout.separator).map(|name| (name, None)));
        if let Some(node) = node {
            repeated.see(draft, node);
        }
        if let (Some(node), Some(id)) = (node, id) {
            draft.set_id(node, id);
        }
    }
    repeated.tell(draft);
    Ok(())
}

/// The names of a path. A separator may stand before the first and after the last.
fn names<'a>(path: &'a str, separator: Option<&'static str>) -> impl Iterator<Item = &'a str> {
    let separator = separator.unwrap_or("\n"); // which no line holds
    let mut inner = path.trim();
    if separator != "\n" {
        // With the space between it and a name: `C<T>` ends in no separator.
        while let Some(rest) = inner.strip_prefix(separator.trim_start()) {
            inner = rest.trim_start();
        }
        while let Some(rest) = inner.strip_suffix(separator.trim_end()) {
            inner = rest.trim_end();
        }
    }
    let is_empty = inner.is_empty() || inner == separator.trim();
    inner.split(separator).map(str::trim).filter(move |_| !is_empty)
}

/// What is between an id and its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdMark {
    /// `3237<TAB>Animals > Live Animals`
    Tab,
    /// `3237 - Animals > Live Animals`: Google's product taxonomy.
    Dash,
    /// `gid://shopify/TaxonomyCategory/ap-1 : Animals > Live Animals`: Shopify's.
    Colon,
    /// `3237 > Animals > Live Animals`
    Separator,
}

impl IdMark {
    /// Those that show without the separator.
    const BEFORE_PATHS: [Self; 3] = [Self::Tab, Self::Dash, Self::Colon];

    fn example(self) -> &'static str {
        match self {
            Self::Tab => "one with a tab after it",
            Self::Dash => "a number with \" - \" after it",
            Self::Colon => "one with \" : \" after it",
            Self::Separator => "a number as the first name",
        }
    }

    /// The id and the path, where the line has both.
    fn split<'a>(self, line: &'a str, separator: Option<&str>) -> Option<(&'a str, &'a str)> {
        let number = |(id, path): (&'a str, &'a str)| {
            Some((id.trim(), path)).filter(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
        };
        match self {
            Self::Tab => line.split_once('\t').filter(|(id, path)| !id.is_empty() && !path.contains('\t')),
            Self::Dash => number(line.split_once(" - ")?),
            Self::Colon => {
                let (id, path) = line.split_once(" : ")?;
                Some((id.trim_end(), path)).filter(|(id, _)| !id.is_empty() && !id.contains(char::is_whitespace))
            }
            Self::Separator => number(line.split_once(separator?)?),
        }
    }

    /// Whether that which stands before the mark may be a name as well, so that only ids that differ are taken for ids.
    fn may_be_a_name(self) -> bool {
        matches!(self, Self::Colon | Self::Separator)
    }
}

/// What the first lines show.
struct Layout {
    separator: Option<&'static str>,
    ids: Option<IdMark>,
}

impl Layout {
    fn of(head: &Head<'_>) -> Self {
        let mut layout = Self { separator: None, ids: None };
        layout.ids = IdMark::BEFORE_PATHS.into_iter().find(|&mark| layout.has_ids(mark, head));
        let paths: Vec<&str> = head.lines().map(|line| layout.id_and_path(line).1).collect();
        let having = SEPARATORS.map(|separator| paths.iter().filter(|path| path.contains(separator)).count());
        let most = having.into_iter().max().filter(|&most| most > 0);
        let enough = most.map(|most| most.min(paths.len().div_ceil(2)));
        let found =
            SEPARATORS.into_iter().zip(having).find(|(_, having)| enough.is_some_and(|enough| *having >= enough));
        layout.separator = found.map(|(separator, _)| separator);
        if layout.ids.is_none() && layout.has_ids(IdMark::Separator, head) {
            layout.ids = Some(IdMark::Separator);
        }
        layout
    }

    /// Whether nine in ten lines have an id before this mark.
    fn has_ids(&self, mark: IdMark, head: &Head<'_>) -> bool {
        let (mut lines, mut ids) = (0, Vec::new());
        for line in head.lines() {
            lines += 1;
            ids.extend(mark.split(line, self.separator).map(|(id, _)| id));
        }
        let differ = || ids.iter().collect::<HashSet<_>>().len() == ids.len();
        lines > 0 && ids.len() * 10 >= lines * 9 && (!mark.may_be_a_name() || (lines > 1 && differ()))
    }

    fn id_and_path<'a>(&self, line: &'a str) -> (Option<&'a str>, &'a str) {
        match self.ids.and_then(|mark| mark.split(line, self.separator)) {
            Some((id, path)) => (Some(id), path),
            None => (None, line),
        }
    }
}
