//! What stands where in JSON and the like: the values that may be nodes, each with what it is in.

use std::borrow::Cow;

use crate::format::json::{Event, Json, shortened};
use crate::format::{Draft, Limits};
use crate::hierarchy::NONE;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// The keys under which a node has its children.
const CHILDREN: [&str; 6] = ["children", "subcategories", "Subcategory", "categories", "nodes", "items"];
/// The keys that hold a node's id, and those that hold its name: the first that is there.
const IDS: [&str; 2] = ["id", "LabelName"];
const NAMES: [&str; 3] = ["name", "label", "title"];
/// The others that a reader looks at.
const FIELDS: [&str; 3] = ["rank", "synonyms", "Part"];

pub(crate) fn holds_children(key: &str) -> bool {
    CHILDREN.contains(&key)
}

/// A value. Those of the keys that name a node are in its [`Record`].
pub(crate) struct Place<'a> {
    /// The list or object that it is in; [`NONE`] at the top.
    pub(crate) above: u32,
    pub(crate) line: u64,
    /// The key that it stands under, in an object.
    pub(crate) key: Option<Cow<'a, str>>,
    pub(crate) value: Value<'a>,
}

pub(crate) enum Value<'a> {
    List,
    /// An object that says no id and no name of its own. Whether it has keys, and all of them hold children.
    Map {
        only_children: bool,
    },
    /// An object with an id or a name.
    Record(Box<Record<'a>>),
    Text(Cow<'a, str>),
    Number(Cow<'a, str>),
    Boolean,
    Null,
}

impl Value<'_> {
    /// What a message calls it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::List => "a list".to_owned(),
            Value::Map { .. } => "an object without \"name\" and \"id\"".to_owned(),
            Value::Record(_) => "an object".to_owned(),
            Value::Text(text) => format!("the text \"{}\"", shortened(text)),
            Value::Number(number) => format!("the number {}", shortened(number)),
            Value::Boolean => "true or false".to_owned(),
            Value::Null => "null".to_owned(),
        }
    }
}

pub(crate) struct Record<'a> {
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    /// What an object says of itself, of which this hands out the text under a key.
    pub(crate) fn of(text: impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Self> {
        let (id, name) = (IDS.iter().find_map(|key| text(key)), NAMES.iter().find_map(|key| text(key)));
        (id.is_some() || name.is_some()).then_some(Self { id, name })
    }
}

/// The places of a text in its order: what holds others stands before them. They go up to where the text is no JSON,
/// which is an error beside them.
pub(crate) fn places<'a>(json: &mut Json<'a>, draft: &mut Draft) -> (Vec<Place<'a>>, Result<(), HierarchyError>) {
    read(json, &[], draft)
}

/// As [`places`], without what a node says of itself that no reader keeps, however much that is.
pub(crate) fn places_of_nodes<'a>(
    text: &'a str,
    limits: &Limits,
    draft: &mut Draft,
) -> (Vec<Place<'a>>, Result<(), HierarchyError>) {
    // A name may come after all else in an object.
    let nodes = objects_with_names(Json::new(text, limits));
    read(&mut Json::new(text, limits), &nodes, draft)
}

/// By object in the order of the text, whether it has an id or a name.
fn objects_with_names(mut json: Json<'_>) -> Vec<bool> {
    let mut named = Vec::new();
    // The numbers of the objects that are not at their end; lists have none.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut is_name = false;
    while let Ok(event) = json.next() {
        match &event {
            Event::Eof => break,
            Event::StartObject => {
                open.push(Some(named.len()));
                named.push(false);
            }
            Event::StartArray => open.push(None),
            Event::EndArray | Event::EndObject => drop(open.pop()),
            Event::String(text) | Event::Number(text) if is_name && !text.trim().is_empty() => {
                if let Some(&Some(object)) = open.last() {
                    named[object] = true;
                }
            }
            _ => {}
        }
        is_name = matches!(&event, Event::ObjectKey(key) if IDS.contains(&&**key) || NAMES.contains(&&**key));
    }
    named
}

/// Of the objects that are `nodes`, only the keys that a reader looks at.
fn read<'a>(json: &mut Json<'a>, nodes: &[bool], draft: &mut Draft) -> (Vec<Place<'a>>, Result<(), HierarchyError>) {
    let mut reading = Reading { places: Vec::new(), open: Vec::new() };
    let most = draft.limits().edges.min(NONE as usize);
    let result = loop {
        if reading.places.len() > most {
            break Err(Limits::exceeded(most, "values").at_line(Some(json.line())));
        }
        match json.next() {
            Ok(Event::Eof) => break Ok(()),
            Ok(Event::ObjectKey(key)) if reading.passes_over(&key) => {
                if let Err(error) = json.skip_value() {
                    break Err(error);
                }
            }
            Ok(Event::StartObject) => {
                let is_node = nodes.get(json.objects() - 1).is_some_and(|is_node| *is_node);
                reading.open(true, is_node, json.line());
            }
            Ok(event) => reading.take(event, json.line(), draft),
            Err(error) => break Err(error),
        }
    };
    while !reading.open.is_empty() {
        reading.close();
    }
    (reading.places, result)
}

struct Reading<'a> {
    places: Vec<Place<'a>>,
    open: Vec<Open<'a>>,
}

/// A list or an object that is not at its end.
struct Open<'a> {
    place: u32,
    is_object: bool,
    /// Whether it is known to be a node.
    is_node: bool,
    key: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    names: [Option<Cow<'a, str>>; NAMES.len()],
    has_keys: bool,
    only_children: bool,
}

impl<'a> Reading<'a> {
    fn take(&mut self, event: Event<'a>, line: u64, draft: &mut Draft) {
        match event {
            Event::ObjectKey(key) => {
                if let Some(open) = self.open.last_mut() {
                    open.has_keys = true;
                    open.only_children &= holds_children(&key);
                    open.key = Some(key);
                }
            }
            Event::StartArray => self.open(false, false, line),
            Event::StartObject => self.open(true, false, line),
            Event::EndArray | Event::EndObject => self.close(),
            Event::String(text) if !text.trim().is_empty() => {
                if let Some(text) = self.field(text, line, draft) {
                    self.add(Value::Text(text), line);
                }
            }
            Event::Number(number) => {
                if let Some(number) = self.field(number, line, draft) {
                    self.add(Value::Number(number), line);
                }
            }
            Event::Boolean(_) => self.add(Value::Boolean, line),
            Event::String(text) => self.add(Value::Text(text), line),
            Event::Null => self.add(Value::Null, line),
            Event::Eof => {}
        }
    }

    /// Keeps the text as the id or a name of the object that is open; hands it back where it is neither.
    fn field(&mut self, text: Cow<'a, str>, line: u64, draft: &mut Draft) -> Option<Cow<'a, str>> {
        let Some(open) = self.open.last_mut().filter(|open| open.is_object) else { return Some(text) };
        let key = open.key.as_deref().unwrap_or_default();
        let field = if IDS.contains(&key) {
            &mut open.id
        } else if let Some(place) = NAMES.iter().position(|name| *name == key) {
            &mut open.names[place]
        } else {
            return Some(text);
        };
        if field.is_some() {
            let message = format!("the key \"{key}\" is there twice, the second time with \"{text}\"");
            draft.at_line(Some(line)).problem(Kind::Format, message);
        }
        field.get_or_insert(text);
        None
    }

    fn add(&mut self, value: Value<'a>, line: u64) {
        let (above, key) = match self.open.last_mut() {
            Some(open) => (open.place, open.key.take()),
            None => (NONE, None),
        };
        self.places.push(Place { above, line, key, value });
    }

    /// Whether nothing is read that stands under a key of the object that is open.
    fn passes_over(&self, key: &str) -> bool {
        let is_read = || holds_children(key) || IDS.contains(&key) || NAMES.contains(&key) || FIELDS.contains(&key);
        self.open.last().is_some_and(|open| open.is_node) && !is_read()
    }

    fn open(&mut self, is_object: bool, is_node: bool, line: u64) {
        let place = self.places.len() as u32;
        self.add(Value::List, line);
        self.open.push(Open {
            place,
            is_object,
            is_node,
            key: None,
            id: None,
            names: [const { None }; NAMES.len()],
            has_keys: false,
            only_children: true,
        });
    }

    /// What an object is shows at its end.
    fn close(&mut self) {
        let Some(open) = self.open.pop().filter(|open| open.is_object) else { return };
        let name = open.names.into_iter().flatten().next();
        self.places[open.place as usize].value = match (open.id, name) {
            (None, None) => Value::Map { only_children: open.has_keys && open.only_children },
            (id, name) => Value::Record(Box::new(Record { id, name })),
        };
    }
}
