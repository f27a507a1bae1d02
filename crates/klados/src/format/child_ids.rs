//! JSON in which each node lists the ids of its children, as the ontology of AudioSet.

use std::borrow::Cow;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::json::{Event, Json, expected};
use super::json_kind::kind;
use super::{Draft, Format, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    (kind(head) == Some(Format::ChildIds)).then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut json = Json::new(input.text()?, input.limits());
    draft.expect_declarations();
    let mut edges = Vec::new();
    match json.next()? {
        Event::StartArray => {
            while json.object("a node", draft)? {
                node(&mut json, None, &mut edges, draft)?;
            }
        }
        Event::StartObject => {
            while let Some(key) = json.key()? {
                let event = json.next()?;
                draft.at_line(Some(json.line()));
                match event {
                    Event::StartObject => node(&mut json, Some(key), &mut edges, draft)?,
                    other => {
                        draft.record(expected(&format!("the node \"{key}\""), "an object", &other));
                        json.skip(&other)?;
                    }
                }
            }
        }
        other => return Err(expected("the text", "a list of nodes", &other).at_line(Some(json.line()))),
    }
    json.next()?; // nothing follows
    // After all nodes, whose order is that of the list.
    for Edge { parent, child, line } in edges {
        if let Some(child) = draft.at_line(Some(line)).by_id(&child) {
            draft.add_edge(parent, child);
        }
    }
    Ok(())
}

struct Edge<'a> {
    parent: usize,
    child: Cow<'a, str>,
    line: u64,
}

/// Reads the node whose object is open.
fn node<'a>(
    json: &mut Json<'a>,
    key: Option<Cow<'a, str>>,
    edges: &mut Vec<Edge<'a>>,
    draft: &mut Draft,
) -> Result<(), HierarchyError> {
    let line = json.line();
    let (mut id, mut name, mut children) = (key, None, Vec::new());
    while let Some(key) = json.key()? {
        match &*key {
            "id" => id = json.text("the id", draft)?.or(id),
            "name" => name = json.text("the name", draft)?,
            "child_ids" => children.append(&mut json.texts("a child", draft)?),
            _ => json.skip_value()?,
        }
    }
    draft.at_line(Some(line));
    let Some(id) = id else {
        draft.problem(Kind::EmptyName, "a node without \"id\"");
        return Ok(());
    };
    if let Some(parent) = draft.declare(&id, name.as_deref().unwrap_or_default()) {
        edges.extend(children.into_iter().map(|(child, line)| Edge { parent, child, line }));
    }
    Ok(())
}
