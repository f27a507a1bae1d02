//! Which of the values in JSON and the like are nodes, and what is below what.

use std::borrow::Cow;

use super::places::{Place, Record, Value, holds_children};
use crate::HierarchyErrorKind as Kind;
use crate::format::Draft;
use crate::hierarchy::NONE;

/// The nodes of a text, in its order.
pub(crate) struct Nodes<'a> {
    pub(crate) found: Vec<Node<'a>>,
    /// `(node, synonym)`
    pub(crate) synonyms: Vec<(usize, Cow<'a, str>)>,
    /// How many entries of Open Images' `Part` were passed over.
    pub(crate) parts: usize,
}

pub(crate) struct Node<'a> {
    pub(crate) parent: Option<usize>,
    pub(crate) line: u64,
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) rank: Option<Cow<'a, str>>,
}

/// What the values in a list or an object are.
#[derive(Clone, Copy)]
enum Inside {
    /// Keys are the names of nodes below this one.
    Names(Option<usize>),
    /// The elements are nodes below this one; where that is an object with a name, they are as well.
    Elements {
        below: Option<usize>,
        named: bool,
    },
    /// What an object says of this node; at the top, of none.
    Fields(Option<usize>),
    Synonyms(usize),
    Parts,
    /// Nothing that is read.
    Nothing,
}

impl<'a> Nodes<'a> {
    pub(crate) fn of(places: Vec<Place<'a>>, draft: &mut Draft) -> Self {
        let mut nodes = Self { found: Vec::new(), synonyms: Vec::new(), parts: 0 };
        let mut inside: Vec<Inside> = Vec::with_capacity(places.len());
        for place in places {
            draft.at_line(Some(place.line));
            let is_in = match (place.above, &place.value) {
                (NONE, Value::Map { only_children: true }) => None,
                (NONE, _) => Some(Inside::Elements { below: None, named: false }),
                (above, _) => Some(inside[above as usize]),
            };
            inside.push(match is_in {
                None => Inside::Fields(None), // a root without a name
                Some(is_in) => nodes.take(place, is_in, draft),
            });
        }
        nodes
    }

    /// What the value is, and what the values in it are.
    fn take(&mut self, place: Place<'a>, inside: Inside, draft: &mut Draft) -> Inside {
        let Place { line, key, value, .. } = place;
        match (inside, value) {
            (Inside::Nothing, _) => Inside::Nothing,
            (Inside::Parts, _) => {
                self.parts += 1;
                Inside::Nothing
            }
            (Inside::Synonyms(node), Value::Text(synonym)) => {
                self.synonyms.push((node, synonym));
                Inside::Nothing
            }
            (Inside::Fields(node), value) => self.field(node, &key.unwrap_or_default(), value, line, draft),
            (Inside::Names(below), value) => self.named(below, key.unwrap_or_default(), value, line, draft),
            (Inside::Elements { below, .. }, Value::Record(record)) => self.record(below, *record, line),
            (Inside::Elements { below, named: false }, Value::Map { .. }) => Inside::Names(below),
            (Inside::Elements { below: None, .. }, Value::List) if place.above == NONE => {
                Inside::Elements { below: None, named: false }
            }
            (Inside::Elements { below, .. }, Value::Text(name) | Value::Number(name)) => {
                self.add(below, None, Some(name), line);
                Inside::Nothing
            }
            (Inside::Elements { below, named }, value) => {
                let expected = if named { "an object with \"name\" or \"id\"" } else { "a name or an object" };
                self.problem(below, &format!("{} in a list; expected {expected}", value.describe()), draft);
                Inside::Nothing
            }
            (Inside::Synonyms(node), value) => {
                self.problem(Some(node), &format!("{} among the synonyms; expected texts", value.describe()), draft);
                Inside::Nothing
            }
        }
    }

    /// A key of an object with a name.
    fn field(&mut self, node: Option<usize>, key: &str, value: Value<'a>, line: u64, draft: &mut Draft) -> Inside {
        match (key, value, node) {
            (key, value, _) if holds_children(key) => match value {
                Value::List => Inside::Elements { below: node, named: true },
                Value::Map { .. } => Inside::Names(node),
                Value::Record(record) => self.record(node, *record, line),
                Value::Null => Inside::Nothing,
                value => {
                    self.problem(node, &format!("{} under \"{key}\"; expected a list", value.describe()), draft);
                    Inside::Nothing
                }
            },
            ("Part", Value::List, _) => Inside::Parts,
            ("synonyms", Value::List, Some(node)) => Inside::Synonyms(node),
            ("rank", Value::Text(rank), Some(node)) => {
                self.found[node].rank = Some(rank);
                Inside::Nothing
            }
            _ => Inside::Nothing,
        }
    }

    /// A key that is a name.
    fn named(
        &mut self,
        below: Option<usize>,
        key: Cow<'a, str>,
        value: Value<'a>,
        line: u64,
        draft: &mut Draft,
    ) -> Inside {
        match value {
            Value::List => Inside::Elements { below: Some(self.add(below, None, Some(key), line)), named: false },
            Value::Map { .. } => Inside::Names(Some(self.add(below, None, Some(key), line))),
            Value::Record(record) => {
                let Record { id, name } = *record;
                Inside::Fields(Some(self.add(below, id.or(Some(key)), name, line)))
            }
            Value::Null | Value::Number(_) => {
                self.add(below, None, Some(key), line);
                Inside::Nothing
            }
            Value::Text(text) if text.trim().is_empty() => {
                self.add(below, None, Some(key), line);
                Inside::Nothing
            }
            value @ (Value::Text(_) | Value::Boolean) => {
                let message = format!("{} under \"{key}\"; expected what is below it", value.describe());
                self.problem(below, &message, draft);
                Inside::Nothing
            }
        }
    }

    fn record(&mut self, below: Option<usize>, record: Record<'a>, line: u64) -> Inside {
        Inside::Fields(Some(self.add(below, record.id, record.name, line)))
    }

    fn add(&mut self, parent: Option<usize>, id: Option<Cow<'a, str>>, name: Option<Cow<'a, str>>, line: u64) -> usize {
        self.found.push(Node { parent, line, id, name, rank: None });
        self.found.len() - 1
    }

    /// A problem of what stands below a node.
    fn problem(&self, below: Option<usize>, message: &str, draft: &mut Draft) {
        let message = match below {
            Some(node) => format!("\"{}\" has {message}", self.found[node].label()),
            None => format!("there is {message}"),
        };
        draft.problem(Kind::Format, message);
    }
}

impl Node<'_> {
    /// What it is called: its name, or else its id.
    pub(super) fn label(&self) -> &str {
        self.name.as_deref().or(self.id.as_deref()).unwrap_or_default()
    }
}
