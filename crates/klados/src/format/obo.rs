//! OBO, the text of biomedical ontologies: a stanza a term, with a `tag: value` a line.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Its header, or a term with its id.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let mut lines = head.text().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('!'));
    let first = lines.next()?;
    let is_term = |line: &str, next: Option<&str>| line == "[Term]" && next.is_some_and(|next| next.starts_with("id:"));
    let mut line = first;
    let mut has_term = false;
    for next in lines {
        has_term |= is_term(line, Some(next));
        line = next;
    }
    (first.starts_with("format-version:") || has_term).then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut reader = Reader::new(&options.relationships);
    let mut lines = Lines::new(input)?;
    while let Some((number, line)) = lines.next(draft) {
        reader.line(number, line.trim(), draft);
    }
    reader.close(draft);
    reader.finish(draft);
    Ok(())
}

/// What the lines that follow are of.
enum Stanza {
    /// The header, a relationship, an individual.
    PassedOver,
    /// A term that began on this line and has no id yet.
    Opened(u64),
    Term {
        node: usize,
        is_named: bool,
    },
}

struct Reader<'o> {
    stanza: Stanza,
    /// Types of relationship that lead to parents too, and the types that there are.
    relationships: &'o [String],
    types: BTreeSet<String>,
    /// Terms with the ids of those that replace them.
    replaced: Vec<(usize, String)>,
}

impl<'o> Reader<'o> {
    fn new(relationships: &'o [String]) -> Self {
        Self { stanza: Stanza::PassedOver, relationships, types: BTreeSet::new(), replaced: Vec::new() }
    }

    fn line(&mut self, number: u64, line: &str, draft: &mut Draft) {
        if line.is_empty() || line.starts_with('!') {
            return;
        }
        if line.starts_with('[') {
            self.close(draft);
            self.stanza = if plain(line) == "[Term]" { Stanza::Opened(number) } else { Stanza::PassedOver };
            return;
        }
        if matches!(self.stanza, Stanza::PassedOver) {
            return;
        }
        let Some((tag, value)) = line.split_once(':').map(|(tag, value)| (tag.trim(), value.trim())) else {
            draft.problem(Kind::Format, format!("the line {} is no \"tag: value\"", quote(line)));
            return;
        };
        match self.stanza {
            Stanza::Term { node, is_named } => self.clause(node, is_named, tag, value, draft),
            _ => self.open(tag, value, draft),
        }
    }

    /// The first line of a term, which has its id.
    fn open(&mut self, tag: &str, value: &str, draft: &mut Draft) {
        self.stanza = Stanza::PassedOver;
        if tag != "id" {
            draft.problem(Kind::Format, format!("a term begins with \"{tag}\"; expected its \"id\""));
        } else if let Some(id) = id(value, draft)
            && let Some(node) = draft.declare(&id, "")
        {
            self.stanza = Stanza::Term { node, is_named: false };
        }
    }

    fn clause(&mut self, node: usize, is_named: bool, tag: &str, value: &str, draft: &mut Draft) {
        match tag {
            "name" if is_named => draft.warn(format!("\"{}\" has a second name, which is not kept", draft.label(node))),
            "name" => {
                draft.set_name(node, &unescape(plain(value)));
                self.stanza = Stanza::Term { node, is_named: true };
            }
            "is_a" => add_parent(node, value, draft),
            "relationship" => {
                let (kind, target) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
                if self.relationships.iter().any(|asked| asked == kind) {
                    add_parent(node, target, draft);
                }
                if !self.relationships.is_empty() && !self.types.contains(kind) {
                    self.types.insert(kind.to_owned());
                }
            }
            "synonym" => synonym(node, value, draft),
            "alt_id" => {
                if let Some(id) = id(value, draft) {
                    draft.add_alternative_id(node, &id);
                }
            }
            "is_obsolete" if plain(value) == "true" => draft.set_obsolete(node),
            "replaced_by" => {
                if let Some(id) = id(value, draft) {
                    self.replaced.push((node, id.into_owned()));
                }
            }
            _ => {}
        }
    }

    /// At the end of a stanza.
    fn close(&mut self, draft: &mut Draft) {
        if let Stanza::Opened(line) = self.stanza {
            draft.record(HierarchyError::new(Kind::Format, "a term without an id").at_line(Some(line)));
        }
        self.stanza = Stanza::PassedOver;
    }

    /// At the end of the file: what needs all terms.
    fn finish(&self, draft: &mut Draft) {
        for (node, by) in &self.replaced {
            // The old id leads to the term that took its place.
            if let Some(by) = draft.node_of_id(by).filter(|&by| draft.is_obsolete(*node) && !draft.is_obsolete(by))
                && let Some(id) = draft.id(*node).map(str::to_owned)
            {
                draft.add_alternative_id(by, &id);
            }
        }
        let elsewhere: Vec<&str> =
            (0..draft.node_count()).filter(|&node| !draft.is_declared(node)).map(|node| draft.name(node)).collect();
        if !elsewhere.is_empty() {
            let message = format!(
                "{} parents are not in the file and have their ids as names: {}",
                elsewhere.len(),
                list(&elsewhere, 5)
            );
            draft.warn(message);
        }
        for asked in self.relationships.iter().filter(|asked| !self.types.contains(*asked)) {
            let types = if self.types.is_empty() { "none".to_owned() } else { list(&self.types, 10) };
            draft.warn(format!("no term has the relationship \"{asked}\"; those that there are: {types}"));
        }
    }
}

fn add_parent(child: usize, value: &str, draft: &mut Draft) {
    if let Some(id) = id(value, draft)
        && let Some(parent) = draft.by_id(&id)
    {
        draft.add_edge(parent, child);
    }
}

/// The value that is one id.
fn id<'v>(value: &'v str, draft: &mut Draft) -> Option<Cow<'v, str>> {
    let id = plain(value);
    if id.is_empty() || id.contains(char::is_whitespace) {
        let message = format!("{} is no id; expected one word, and \" ! \" before a comment", quote(id));
        draft.problem(Kind::Format, message);
        return None;
    }
    Some(unescape(id))
}

/// `"text" SCOPE TYPE [sources]`. What is broader or narrower than the term is no name of it.
fn synonym(node: usize, value: &str, draft: &mut Draft) {
    let quoted =
        value.strip_prefix('"').and_then(|rest| rest.split_at_checked(position(rest, |_, byte| byte == b'"')?));
    let Some((text, after)) = quoted else {
        draft.problem(Kind::Format, format!("the synonym {} is not in quotes", quote(value)));
        return;
    };
    let scope = after[1..].split_whitespace().next();
    if !matches!(scope, Some("BROAD" | "NARROW")) {
        draft.add_synonym(node, &unescape(text));
    }
}

/// A value without the comment after ` !` and the modifiers in ` {name="value"}`.
fn plain(value: &str) -> &str {
    let after_space = |at: usize| at == 0 || value.as_bytes()[at - 1].is_ascii_whitespace();
    let comment = position(value, |at, byte| byte == b'!' && after_space(at));
    let value = value[..comment.unwrap_or(value.len())].trim();
    let modifiers = value.rfind(" {").filter(|&at| value.ends_with('}') && value[at..].contains('='));
    value[..modifiers.unwrap_or(value.len())].trim_end()
}

/// The first byte that is wanted and that no `\` stands before.
fn position(text: &str, is_wanted: impl Fn(usize, u8) -> bool) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().enumerate().position(|(at, byte)| {
        let is_found = !is_escaped && is_wanted(at, byte);
        is_escaped = !is_escaped && byte == b'\\';
        is_found
    })
}

/// `\n`, `\t` and `\W` are white space, and before anything else a `\` only protects it.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next().map(|char| if matches!(char, 'n' | 't' | 'W') { ' ' } else { char })),
            _ => out.push(char),
        }
    }
    Cow::Owned(out)
}

/// A part of the file in a message: not more than a line of it.
fn quote(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}...\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}
