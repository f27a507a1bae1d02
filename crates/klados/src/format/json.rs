//! JSON, event by event: with lines, without recursion, and without a copy of what is passed over.

use std::borrow::Cow;

pub(crate) use json_event_parser::JsonEvent as Event;
use json_event_parser::LowLevelJsonParser;

use super::{Draft, Limits};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Hands out the events of a JSON text. After an error it is at its end.
pub(crate) struct Json<'a> {
    rest: &'a [u8],
    length: u64,
    parser: LowLevelJsonParser,
    line: u64,
    /// Of the brackets that are open.
    depth: usize,
    nesting: usize,
    /// How many have begun.
    objects: usize,
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a str, limits: &Limits) -> Self {
        let parser = LowLevelJsonParser::new().with_max_stack_size(usize::MAX);
        Self {
            rest: text.as_bytes(),
            length: text.len() as u64,
            parser,
            line: 1,
            depth: 0,
            nesting: limits.nesting,
            objects: 0,
        }
    }

    /// The line of the last event, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// How many objects have begun, with those that were passed over.
    pub(crate) fn objects(&self) -> usize {
        self.objects
    }

    /// Whether all of the text was seen.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next event.
    ///
    /// # Errors
    ///
    /// With the line: what is no JSON, and brackets that nest too deep.
    pub(crate) fn next(&mut self) -> Result<Event<'a>, HierarchyError> {
        let event = loop {
            let step = self.parser.parse_next(self.rest, true);
            let (read, rest) = self.rest.split_at(step.consumed_bytes);
            self.line += read.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.rest = rest;
            if let Some(event) = step.event {
                break event.map_err(|error| {
                    let is_end = error.location().start.offset >= self.length;
                    self.no_json(if is_end { "it ends too early" } else { error.message() })
                })?;
            }
        };
        self.objects += usize::from(event == Event::StartObject);
        match event {
            Event::StartArray | Event::StartObject => self.depth += 1,
            Event::EndArray | Event::EndObject => self.depth -= 1,
            _ => {}
        }
        if self.depth > self.nesting {
            return Err(Limits::exceeded(self.nesting, "brackets inside each other").at_line(Some(self.line)));
        }
        Ok(event)
    }

    /// The next key of the object that is open; `None` at its end.
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'a, str>>, HierarchyError> {
        match self.next()? {
            Event::ObjectKey(key) => Ok(Some(key)),
            Event::EndObject => Ok(None),
            other => Err(self.no_json(&format!("{} is no key", describe(&other)))),
        }
    }

    /// The start of the next value of the list that is open; `None` at its end.
    pub(crate) fn element(&mut self) -> Result<Option<Event<'a>>, HierarchyError> {
        Ok(Some(self.next()?).filter(|event| *event != Event::EndArray))
    }

    /// Passes over the rest of the value that begins with this event.
    pub(crate) fn skip(&mut self, begin: &Event<'_>) -> Result<(), HierarchyError> {
        if matches!(begin, Event::StartArray | Event::StartObject) {
            let depth = self.depth;
            while self.depth >= depth {
                self.next()?;
            }
        }
        Ok(())
    }

    /// Passes over the value that comes next.
    pub(crate) fn skip_value(&mut self) -> Result<(), HierarchyError> {
        let begin = self.next()?;
        self.skip(&begin)
    }

    /// Opens the list that comes next; `false` where something else came, which is a problem.
    pub(crate) fn list(&mut self, what: &str, draft: &mut Draft) -> Result<bool, HierarchyError> {
        let event = self.next()?;
        if event == Event::StartArray {
            return Ok(true);
        }
        draft.record(expected(&format!("\"{what}\""), "a list", &event).at_line(Some(self.line)));
        self.skip(&event)?;
        Ok(false)
    }

    /// Opens the next object of the open list; `false` at the end of the list. What is no object is a problem.
    pub(crate) fn object(&mut self, what: &str, draft: &mut Draft) -> Result<bool, HierarchyError> {
        while let Some(event) = self.element()? {
            draft.at_line(Some(self.line));
            if event == Event::StartObject {
                return Ok(true);
            }
            draft.record(expected(what, "an object", &event));
            self.skip(&event)?;
        }
        Ok(false)
    }

    /// The text or number that comes next; `None` for null. Anything else is a problem.
    pub(crate) fn text(&mut self, what: &str, draft: &mut Draft) -> Result<Option<Cow<'a, str>>, HierarchyError> {
        let event = self.next()?;
        self.text_of(event, what, draft)
    }

    /// The texts and numbers of the list that comes next, or the only one, each with its line.
    pub(crate) fn texts(&mut self, what: &str, draft: &mut Draft) -> Result<Vec<(Cow<'a, str>, u64)>, HierarchyError> {
        let mut found = Vec::new();
        match self.next()? {
            Event::StartArray => {
                while let Some(event) = self.element()? {
                    let line = self.line;
                    found.extend(self.text_of(event, what, draft)?.map(|text| (text, line)));
                }
            }
            event => {
                let line = self.line;
                found.extend(self.text_of(event, what, draft)?.map(|text| (text, line)));
            }
        }
        Ok(found)
    }

    fn text_of(
        &mut self,
        event: Event<'a>,
        what: &str,
        draft: &mut Draft,
    ) -> Result<Option<Cow<'a, str>>, HierarchyError> {
        match event {
            Event::String(text) | Event::Number(text) => Ok(Some(text)),
            Event::Null => Ok(None),
            other => {
                draft.record(expected(what, "a text or a number", &other).at_line(Some(self.line)));
                self.skip(&other)?;
                Ok(None)
            }
        }
    }

    fn no_json(&self, message: &str) -> HierarchyError {
        let mut chars = message.chars();
        let first = chars.next().map(char::to_lowercase).into_iter().flatten();
        let message: String = first.chain(chars).collect();
        HierarchyError::new(Kind::Format, format!("this is no valid JSON: {message}")).at_line(Some(self.line))
    }
}

/// The error for a value that is of the wrong kind.
pub(crate) fn expected(what: &str, expected: &str, found: &Event<'_>) -> HierarchyError {
    HierarchyError::new(Kind::Format, format!("{what} is {}; expected {expected}", describe(found)))
}

/// What a message calls the value that begins with this event.
pub(crate) fn describe(event: &Event<'_>) -> String {
    match event {
        Event::String(text) => format!("\"{}\"", shortened(text)),
        Event::Number(number) => format!("the number {}", shortened(number)),
        Event::Boolean(value) => value.to_string(),
        Event::Null => "null".to_owned(),
        Event::StartArray => "a list".to_owned(),
        Event::StartObject => "an object".to_owned(),
        Event::ObjectKey(key) => format!("the key \"{}\"", shortened(key)),
        Event::EndArray | Event::EndObject | Event::Eof => "an end".to_owned(),
    }
}

/// So much of a text as a message has room for.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
