//! TOML with tables inside tables, as the categories of crates.io.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::guess::{Confidence, Head};
use super::input::Input;
use super::nested;
use super::nested::nodes::Nodes;
use super::nested::places::{Place, Record, Value, holds_children};
use super::{Draft, Limits, ReadOptions};
use crate::hierarchy::NONE;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Between the keys of a path in an id.
const SEPARATOR: &str = "::";

/// Tables of which all can be names, and of which some are inside others.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let first = head.lines().next()?.trim_start();
    if !first.starts_with('[') && !first.contains('=') {
        return None;
    }
    let text = match head.is_whole() {
        true => head.text(),
        // Up to the last table, which may be cut.
        false => &head.text()[..head.text().rfind("\n[")?],
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return None;
    }
    let mut draft = Draft::new();
    let nodes = Nodes::of(places(&table, text, &Limits::default()).ok()?, &mut draft);
    let fits = draft.problems().is_empty() && nodes.found.iter().any(|node| node.parent.is_some());
    fits.then_some(Confidence::Certain)
}

/// What keeps a text that begins as TOML from being read.
pub(super) fn misfit(head: &Head<'_>) -> Option<HierarchyError> {
    let first = head.lines().next()?.trim();
    let has_table = || first.starts_with('[') && first.ends_with(']') && head.lines().any(|line| line.contains('='));
    if !head.is_whole() || !(head.extension() == "toml" || has_table()) {
        return None;
    }
    let (_, errors) = DeTable::parse_recoverable(head.text());
    Some(match errors.first() {
        Some(error) => no_toml(error, &LineStarts::of(head.text())),
        None => {
            let message = "this is TOML, and not names below names; expected tables in tables, or lists of names";
            HierarchyError::new(Kind::Format, message)
        }
    })
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let text = input.text()?;
    let (table, errors) = DeTable::parse_recoverable(text);
    let lines = LineStarts::of(text);
    for error in errors {
        draft.record(no_toml(&error, &lines));
    }
    let places = places(&table, text, input.limits())?;
    let nodes = Nodes::of(places, draft);
    nested::add_all(&nodes, draft);
    Ok(())
}

fn no_toml(error: &::toml::de::Error, lines: &LineStarts) -> HierarchyError {
    let line = error.span().map(|span| lines.line_at(span.start));
    HierarchyError::new(Kind::Format, format!("this is no valid TOML: {}", error.message())).at_line(line)
}

/// A value that is not among the places yet, with what it is in.
struct Ahead<'t, 'a> {
    above: u32,
    depth: usize,
    key: Option<&'t Spanned<Cow<'a, str>>>,
    value: &'t DeValue<'a>,
    start: usize,
}

/// The places of a document, in the order in which its values are first mentioned.
fn places<'a>(document: &Spanned<DeTable<'a>>, text: &str, limits: &Limits) -> Result<Vec<Place<'a>>, HierarchyError> {
    let lines = LineStarts::of(text);
    let mut places = vec![Place { above: NONE, line: 1, key: None, value: top(document.get_ref()) }];
    let mut ahead = Vec::new();
    push_entries(document.get_ref(), 0, 1, &mut ahead);
    // A long key may be above many short ones, and would be in all of their ids.
    let (mut ids, most) = (0, text.len().saturating_mul(64));
    while let Some(Ahead { above, depth, key, value, start }) = ahead.pop() {
        let line = lines.line_at(start);
        let exceeded = |limit, what| Err(Limits::exceeded(limit, what).at_line(Some(line)));
        if depth > limits.nesting {
            return exceeded(limits.nesting, "tables inside each other");
        }
        let number = places.len() as u32;
        let key = key.map(|key| key.get_ref().clone());
        let mut place = Place { above, line, key, value: self::value(value) };
        if let Value::Record(record) = &mut place.value
            && record.id.is_none()
            && is_name(above, &places)
            && let Some(key) = &place.key
        {
            let id = path(key, above, &places);
            ids += id.len();
            record.id = Some(Cow::Owned(id));
        }
        if ids > most {
            return exceeded(most, "bytes in all ids");
        }
        places.push(place);
        match value {
            DeValue::Table(table) => push_entries(table, number, depth + 1, &mut ahead),
            DeValue::Array(elements) => ahead.extend(elements.iter().rev().map(|element| Ahead {
                above: number,
                depth: depth + 1,
                key: None,
                value: element.get_ref(),
                start: element.span().start,
            })),
            _ => {}
        }
    }
    Ok(places)
}

/// Whether the keys of a table are names, and not what it says of itself.
fn is_name(table: u32, places: &[Place<'_>]) -> bool {
    places.get(table as usize).is_some_and(|place| !matches!(place.value, Value::Record(_)))
}

/// The keys down to this one, without those that only say that children follow.
fn path(key: &str, mut above: u32, places: &[Place<'_>]) -> String {
    let mut keys = vec![key];
    while let Some(place) = places.get(above as usize) {
        keys.extend(place.key.as_deref().filter(|_| is_name(place.above, places)));
        above = place.above;
    }
    keys.reverse();
    keys.join(SEPARATOR)
}

/// Puts the entries of a table on the stack, so that the first in the text is taken first.
fn push_entries<'t, 'a>(table: &'t DeTable<'a>, above: u32, depth: usize, ahead: &mut Vec<Ahead<'t, 'a>>) {
    let from = ahead.len();
    for (key, value) in table {
        ahead.push(Ahead { above, depth, key: Some(key), value: value.get_ref(), start: key.span().start });
    }
    ahead[from..].sort_unstable_by_key(|entry| std::cmp::Reverse(entry.start));
}

/// The document: a node of its own where it has a name, and a key for its children.
fn top<'a>(table: &DeTable<'a>) -> Value<'a> {
    let holds = |key: &Spanned<Cow<'a, str>>| holds_children(key.get_ref());
    let record = Record::of(|key| text(table, key)).filter(|_| table.keys().any(holds));
    match record {
        Some(record) => Value::Record(Box::new(record)),
        None => Value::Map { only_children: !table.is_empty() && table.keys().all(holds) },
    }
}

fn value<'a>(value: &DeValue<'a>) -> Value<'a> {
    match value {
        DeValue::String(text) => Value::Text(text.clone()),
        DeValue::Integer(number) => Value::Number(Cow::Owned(number.to_string())),
        DeValue::Float(number) => Value::Number(Cow::Owned(number.to_string())),
        DeValue::Boolean(_) => Value::Boolean,
        DeValue::Datetime(time) => Value::Text(Cow::Owned(time.to_string())),
        DeValue::Array(_) => Value::List,
        DeValue::Table(table) => match Record::of(|key| text(table, key)) {
            Some(record) => Value::Record(Box::new(record)),
            None => Value::Map { only_children: false },
        },
    }
}

/// The text or whole number under a key.
fn text<'a>(table: &DeTable<'a>, key: &str) -> Option<Cow<'a, str>> {
    match table.get(key)?.get_ref() {
        DeValue::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        DeValue::Integer(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Where the lines of a text begin.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect())
    }

    /// The line, from 1, on which a byte stands.
    fn line_at(&self, byte: usize) -> u64 {
        self.0.partition_point(|&start| start <= byte) as u64
    }
}
