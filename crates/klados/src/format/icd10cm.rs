//! The tabular list of ICD-10-CM in XML: chapters, sections and diagnoses inside each other.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::guess::{Confidence, Head};
use super::input::Input;
use super::{Draft, Limits, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// The element that holds all others.
const TOP: &str = "ICD10CM.tabular";
/// The ranks that have a name, from the top; the diagnoses in a section are categories, and those in them have none.
const RANKS: [&str; 3] = ["chapter", "section", "category"];

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let text = head.text();
    let is_xml = text.trim_start().starts_with('<');
    (is_xml && text.contains(&format!("<{TOP}"))).then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let text = input.text()?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading { nesting: input.limits().nesting, ..Reading::default() };
    draft.set_rank_names(RANKS);
    let (mut line, mut seen) = (1, 0);
    loop {
        let event = reader.read_event();
        let position = (reader.buffer_position() as usize).min(text.len());
        line += text.as_bytes()[seen..position].iter().filter(|&&byte| byte == b'\n').count() as u64;
        seen = position;
        draft.at_line(Some(line));
        match event.map_err(|error| no_xml(&error.to_string()).at_line(Some(line)))? {
            Event::Start(tag) => reading.start(&tag, line, draft).map_err(|error| error.at_line(Some(line)))?,
            Event::End(_) => reading.end(draft),
            Event::Text(text) => reading.text.push_str(&text.xml10_content()),
            Event::CData(text) => reading.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => reading.refer(&reference, draft),
            Event::Eof => break,
            _ => {}
        }
    }
    if !reading.open.is_empty() {
        let message = format!("it ends inside of {} elements", reading.open.len());
        return Err(no_xml(&message).at_line(Some(line)));
    }
    if reading.extended > 0 {
        let message = "entries have seventh characters; the codes with them are no nodes";
        draft.at_line(None).warn(format!("{} {message}", reading.extended));
    }
    Ok(())
}

fn no_xml(message: &str) -> HierarchyError {
    HierarchyError::new(Kind::Format, format!("this is no valid XML: {message}"))
}

#[derive(Default)]
struct Reading {
    nesting: usize,
    open: Vec<Element>,
    /// In the innermost element, up to here.
    text: String,
    /// The number of entries with seventh characters.
    extended: usize,
}

/// An element that is not at its end.
enum Element {
    Top,
    /// A chapter, a section or a diagnosis.
    Entry(Entry),
    /// The code of the entry that it is in, and what that is called.
    Name,
    Desc,
    /// Other names of the entry, a note each.
    InclusionTerm,
    Note,
    /// Anything else, and all that is in it.
    Other,
}

struct Entry {
    /// Of the [ranks](RANKS).
    rank: usize,
    line: u64,
    /// In the draft, when its code was read.
    node: Option<usize>,
}

impl Reading {
    fn start(&mut self, tag: &BytesStart<'_>, line: u64, draft: &mut Draft) -> Result<(), HierarchyError> {
        if self.open.len() >= self.nesting {
            return Err(Limits::exceeded(self.nesting, "elements inside each other"));
        }
        self.text.clear();
        let name = tag.name();
        let name = name.as_ref();
        let element = match (self.open.last(), name) {
            (None, TOP) => Element::Top,
            (None, other) => {
                let message = format!("the element at the top is <{other}>; expected <{TOP}>");
                return Err(HierarchyError::new(Kind::Format, message));
            }
            (Some(Element::Top), "chapter") => Element::Entry(Entry { rank: 0, line, node: None }),
            (Some(Element::Top | Element::Entry(_)), "section") => Element::Entry(Entry { rank: 1, line, node: None }),
            (Some(Element::Entry(above)), "diag") => {
                Element::Entry(Entry { rank: above.rank.max(1) + 1, line, node: None })
            }
            (Some(Element::Entry(_)), "name") => Element::Name,
            (Some(Element::Entry(_)), "desc") => Element::Desc,
            (Some(Element::Entry(_)), "inclusionTerm") => Element::InclusionTerm,
            (Some(Element::InclusionTerm), "note") => Element::Note,
            (Some(Element::Entry(_)), "sevenChrDef") => {
                self.extended += 1;
                Element::Other
            }
            _ => Element::Other,
        };
        self.open.push(element);
        if name == "section" {
            let id = tag.try_get_attribute("id").map_err(|error| no_xml(&error.to_string()))?;
            let id = id.map(|id| id.normalized_value(XmlVersion::Implicit1_0)).transpose();
            self.declare(&id.map_err(|error| no_xml(&error.to_string()))?.unwrap_or_default(), draft);
        }
        Ok(())
    }

    fn end(&mut self, draft: &mut Draft) {
        let text: Vec<&str> = self.text.split_whitespace().collect();
        let text = text.join(" ");
        self.text.clear();
        match self.open.pop() {
            Some(Element::Name) => self.declare(&text, draft),
            Some(Element::Desc) => {
                if let Some(node) = self.entry().and_then(|entry| entry.node) {
                    draft.set_name(node, &text);
                }
            }
            Some(Element::Note) => {
                if let Some(node) = self.entry().and_then(|entry| entry.node) {
                    draft.add_synonym(node, &text);
                }
            }
            Some(Element::Entry(Entry { node: None, line, .. })) => {
                draft.at_line(Some(line)).problem(Kind::EmptyName, "an entry without a code");
            }
            _ => {}
        }
    }

    /// The innermost entry.
    fn entry(&mut self) -> Option<&mut Entry> {
        self.open.iter_mut().rev().find_map(Element::entry)
    }

    /// Makes the node of the innermost entry, by its code.
    fn declare(&mut self, code: &str, draft: &mut Draft) {
        if code.is_empty() {
            return; // said at the end of the entry
        }
        let mut entries = self.open.iter_mut().rev().filter_map(Element::entry);
        let Some(entry) = entries.next().filter(|entry| entry.node.is_none()) else { return };
        let Some(node) = draft.declare(code, "") else { return };
        entry.node = Some(node);
        if let Some(rank) = RANKS.get(entry.rank) {
            draft.set_rank(node, rank);
        }
        match entries.next().map(|above| above.node) {
            Some(Some(above)) => draft.add_edge(above, node),
            Some(None) => {
                draft.problem(Kind::MissingParent, format!("\"{code}\" stands before the code of what it is in"));
            }
            None => {}
        }
    }

    /// A reference in the text. Only those that every XML has are known: what a document type declares is not expanded.
    fn refer(&mut self, reference: &BytesRef<'_>, draft: &mut Draft) {
        let is_read = matches!(self.open.last(), Some(Element::Name | Element::Desc | Element::Note));
        match (reference.resolve_char_ref(), resolve_predefined_entity(reference)) {
            _ if !is_read => {}
            (Ok(Some(char)), _) => self.text.push(char),
            (_, Some(text)) => self.text.push_str(text),
            _ => draft.problem(Kind::Format, format!("the reference &{}; is not known", &**reference)),
        }
    }
}

impl Element {
    fn entry(&mut self) -> Option<&mut Entry> {
        match self {
            Element::Entry(entry) => Some(entry),
            _ => None,
        }
    }
}
