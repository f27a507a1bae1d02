//! WordNet's files of synsets, `data.noun` and `data.verb`, and lists of synsets over them.

use std::collections::HashMap;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions, synsets};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) const NOUNS: &str = "data.noun";
/// Pointers to what a synset is a kind of, and to what it is an instance of.
const HYPERNYM: &str = "@";
pub(super) const INSTANCE: &str = "@i";

/// A folder with the nouns, a line of a synset, or a list of their ids.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let is_so = match head.folder() {
        Some(folder) => folder.join(NOUNS).is_file(),
        None => {
            let first = head.text().lines().find(|line| !is_licence(line));
            first.is_some_and(|line| Synset::parse(line).is_some()) || synsets::is_list(head.text())
        }
    };
    is_so.then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    if input.is_folder() {
        let nouns = nouns_in(input)?;
        read_synsets(&nouns, options, draft)?;
        draft.of_file(nouns.path());
        return Ok(());
    }
    let mut lines = input.bytes()?.split(|byte| matches!(byte, b'\n' | b'\r'));
    let first = lines.find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    if synsets::is_list(&String::from_utf8_lossy(first)) {
        return synsets::read(input, options, draft);
    }
    read_synsets(input, options, draft)
}

/// The nouns in a folder.
pub(super) fn nouns_in(folder: &Input) -> Result<Input, HierarchyError> {
    folder.beside(NOUNS)?.ok_or_else(|| HierarchyError::new(Kind::Io, format!("there is no {NOUNS} in this folder")))
}

/// Every synset of a file, but for instances that are not asked for and that nothing is below.
fn read_synsets(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut lines = Lines::new(input)?;
    let mut instances = HashMap::new();
    draft.expect_declarations();
    while let Some((number, line)) = lines.next(draft) {
        if is_licence(line) {
            continue;
        }
        let Some(synset) = Synset::parse(line) else {
            draft.problem(Kind::Format, NO_SYNSET);
            continue;
        };
        let parents = synset.parents(&options.relationships);
        if parents.is_empty() && synset.pointers.iter().any(|pointer| pointer.symbol == INSTANCE) {
            instances.insert(synset.id(), (number, synset));
        } else {
            add(&synset, &parents, draft);
        }
    }
    // What is added is behind those that have been looked at.
    let mut node = 0;
    while node < draft.node_count() {
        let instance = draft.id(node).filter(|_| !draft.is_declared(node)).and_then(|id| instances.remove(id));
        if let Some((line, synset)) = instance {
            draft.at_line(Some(line));
            add(&synset, &synset.parents(&[INSTANCE.to_owned()]), draft);
        }
        node += 1;
    }
    draft.at_line(None);
    if !instances.is_empty() {
        let count = instances.len();
        draft.warn(format!("{count} synsets are instances, as cities and persons are, and are left out"));
    }
    Ok(())
}

fn add(synset: &Synset<'_>, parents: &[String], draft: &mut Draft) {
    let Some(node) = synset.declare(draft) else { return };
    for parent in parents {
        if let Some(parent) = draft.by_id(parent) {
            draft.add_edge(parent, node);
        }
    }
}

pub(super) const NO_SYNSET: &str = "the line is no synset; expected its offset, file, type, words and pointers";

/// The licence at the top of the file, whose lines begin with two blanks.
pub(super) fn is_licence(line: &str) -> bool {
    line.starts_with("  ") || line.trim().is_empty()
}

/// A line of a file of synsets.
pub(super) struct Synset<'a> {
    offset: &'a str,
    kind: &'a str,
    words: Vec<&'a str>,
    pub(super) pointers: Vec<Pointer<'a>>,
}

pub(super) struct Pointer<'a> {
    symbol: &'a str,
    offset: &'a str,
    kind: &'a str,
}

impl<'a> Synset<'a> {
    /// `offset file type words (word number)... pointers (symbol offset type places)... | gloss`
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(" | ").next()?.split_ascii_whitespace();
        let offset = fields.next().filter(|offset| is_offset(offset))?;
        let kind = fields.nth(1).filter(|kind| is_kind(kind))?;
        let mut synset = Self { offset, kind, words: Vec::new(), pointers: Vec::new() };
        for _ in 0..usize::from_str_radix(fields.next()?, 16).ok().filter(|&words| words > 0)? {
            synset.words.push(fields.next()?);
            fields.next()?;
        }
        for _ in 0..fields.next()?.parse::<usize>().ok()? {
            let (symbol, offset, kind) = (fields.next()?, fields.next()?, fields.next()?);
            synset.pointers.push(Pointer { symbol, offset, kind });
            fields.next()?;
        }
        Some(synset)
    }

    /// The ids of what it is a kind of, and what is asked for by the symbols of its pointers.
    pub(super) fn parents(&self, relationships: &[String]) -> Vec<String> {
        let leads_up = |symbol: &str| symbol == HYPERNYM || relationships.iter().any(|asked| asked == symbol);
        let pointers = self.pointers.iter().filter(|pointer| leads_up(pointer.symbol) && pointer.kind == self.kind);
        pointers.map(|pointer| format!("{}{}", pointer.kind, pointer.offset)).collect()
    }

    /// The node with its name, the first word, and its synonyms, the others.
    pub(super) fn declare(&self, draft: &mut Draft) -> Option<usize> {
        let id = self.id();
        let is_new = draft.node_of_id(&id).is_none_or(|node| !draft.is_declared(node));
        let mut words = self.words.iter().map(|word| word.replace('_', " "));
        let node = draft.declare(&id, &words.next().unwrap_or_default())?;
        if is_new {
            words.for_each(|word| draft.add_synonym(node, &word));
        }
        Some(node)
    }

    fn id(&self) -> String {
        format!("{}{}", self.kind, self.offset)
    }

    pub(super) fn offset(&self) -> &'a str {
        self.offset
    }
}

/// Eight digits.
pub(super) fn is_offset(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Nouns and verbs; adjectives and adverbs are in no hierarchy.
fn is_kind(text: &str) -> bool {
    matches!(text, "n" | "v")
}
