//! The JSON of graphs: a list of nodes with a list of links, as NetworkX and d3's force layout have it, or with the neighbours
//! of each node, or with all in `elements`, as Cytoscape has it.

mod fields;

use std::borrow::Cow;
use std::collections::HashSet;

use self::fields::{Element, Ends, Fields};
use super::guess::{Confidence, Head};
use super::input::Input;
use super::json::{Event, Json, expected};
use super::json_kind::kind;
use super::rank_order::order_ranks;
use super::{Draft, Format, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    (kind(head) == Some(Format::NodeLink)).then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut json = Json::new(input.text()?, input.limits());
    let begin = json.next()?;
    if begin != Event::StartObject {
        return Err(expected("the text", "an object with \"nodes\" and \"links\"", &begin).at_line(Some(json.line())));
    }
    let ends = Ends::of(options);
    let mut found = Found::default();
    while let Some(key) = json.key()? {
        match &*key {
            "nodes" if json.list(&key, draft)? => found.elements(&mut json, Element::Node, &ends, draft)?,
            "links" | "edges" if json.list(&key, draft)? => found.elements(&mut json, Element::Link, &ends, draft)?,
            "adjacency" if json.list(&key, draft)? => found.neighbours(&mut json, draft)?,
            "nodes" | "links" | "edges" | "adjacency" => {} // what is no list was passed over
            "elements" => found.cytoscape(&mut json, &ends, draft)?,
            "directed" => {
                let event = json.next()?;
                json.skip(&event)?;
                if event == Event::Boolean(false) {
                    found.is_undirected = true;
                    let message = "the graph is not directed; its links are read as if it were";
                    draft.at_line(Some(json.line())).warn(message);
                }
            }
            _ => json.skip_value()?,
        }
    }
    json.next()?; // nothing follows
    found.add_links(ends.given, draft);
    order_ranks(draft);
    Ok(())
}

#[derive(Default)]
struct Found<'a> {
    /// The nodes in the order of the list, by their number in the draft.
    nodes: Vec<Option<usize>>,
    have_ids: bool,
    /// The line of the first node that has no id.
    without_id: Option<u64>,
    links: Vec<Link<'a>>,
    is_undirected: bool,
    /// Whether links come from the neighbours of each node: without a direction, they are there from both of their ends.
    are_neighbours: bool,
}

struct Link<'a> {
    source: End<'a>,
    target: End<'a>,
    line: u64,
}

/// A node, as a link refers to it.
enum End<'a> {
    /// By its id, or its place in the list.
    Said(Cow<'a, str>),
    /// By its place in the list.
    Place(usize),
}

impl<'a> Found<'a> {
    /// Reads the nodes or links of the list that is open.
    fn elements(
        &mut self,
        json: &mut Json<'a>,
        element: Element,
        ends: &Ends,
        draft: &mut Draft,
    ) -> Result<(), HierarchyError> {
        let what = if element == Element::Link { "a link" } else { "a node" };
        while json.object(what, draft)? {
            let line = json.line();
            let mut fields = Fields::default();
            fields.read(json, element, ends, draft)?;
            self.add(fields, element, ends, draft.at_line(Some(line)), line);
        }
        Ok(())
    }

    /// Reads the elements of Cytoscape that come next: one list, or one of nodes and one of edges. What they say is in
    /// their `data`.
    fn cytoscape(&mut self, json: &mut Json<'a>, ends: &Ends, draft: &mut Draft) -> Result<(), HierarchyError> {
        match json.next()? {
            Event::StartArray => self.with_data(json, Element::Either, ends, draft),
            Event::StartObject => {
                while let Some(key) = json.key()? {
                    match &*key {
                        "nodes" if json.list(&key, draft)? => self.with_data(json, Element::Node, ends, draft)?,
                        "edges" if json.list(&key, draft)? => self.with_data(json, Element::Link, ends, draft)?,
                        "nodes" | "edges" => {} // what is no list was passed over
                        _ => json.skip_value()?,
                    }
                }
                Ok(())
            }
            other => {
                draft.record(expected("\"elements\"", "a list or an object", &other).at_line(Some(json.line())));
                json.skip(&other)
            }
        }
    }

    fn with_data(
        &mut self,
        json: &mut Json<'a>,
        element: Element,
        ends: &Ends,
        draft: &mut Draft,
    ) -> Result<(), HierarchyError> {
        while json.object("an element", draft)? {
            let line = json.line();
            let mut fields = Fields::default();
            while let Some(key) = json.key()? {
                if key != "data" {
                    json.skip_value()?;
                    continue;
                }
                match json.next()? {
                    Event::StartObject => fields.read(json, element, ends, draft)?,
                    other => {
                        draft.record(expected("\"data\"", "an object", &other).at_line(Some(json.line())));
                        json.skip(&other)?;
                    }
                }
            }
            self.add(fields, element, ends, draft.at_line(Some(line)), line);
        }
        Ok(())
    }

    fn add(&mut self, fields: Fields<'a>, element: Element, ends: &Ends, draft: &mut Draft, line: u64) {
        let has_ends = fields.source.is_some() || fields.target.is_some();
        if element == Element::Node || (element == Element::Either && !has_ends) {
            self.add_node(&fields, draft, line);
            return;
        }
        match (fields.source, fields.target) {
            (Some(source), Some(target)) => {
                self.links.push(Link { source: End::Said(source), target: End::Said(target), line });
            }
            _ => {
                let message = format!("a link without \"{}\" or \"{}\"", ends.source, ends.target);
                draft.problem(Kind::Format, message);
            }
        }
    }

    fn add_node(&mut self, fields: &Fields<'a>, draft: &mut Draft, line: u64) {
        match fields.id {
            Some(_) => self.have_ids = true,
            None => self.without_id = self.without_id.or(Some(line)),
        }
        let node = match (&fields.id, &fields.name) {
            (Some(id), name) => draft.declare(id, name.as_deref().unwrap_or_default()),
            (None, Some(name)) => draft.by_name(name),
            (None, None) => {
                draft.problem(Kind::EmptyName, "a node without \"id\" and \"name\"");
                None
            }
        };
        if let (Some(node), Some(rank)) = (node, &fields.rank) {
            draft.set_rank(node, rank);
        }
        self.nodes.push(node);
    }

    /// Reads the lists of neighbours that are open, one for each node in the order of the list of these.
    fn neighbours(&mut self, json: &mut Json<'a>, draft: &mut Draft) -> Result<(), HierarchyError> {
        self.are_neighbours = true;
        let mut place = 0;
        while let Some(event) = json.element()? {
            draft.at_line(Some(json.line()));
            if event == Event::StartArray {
                self.neighbours_of(place, json, draft)?;
            } else {
                draft.record(expected("the list of neighbours", "a list", &event));
                json.skip(&event)?;
            }
            place += 1;
        }
        Ok(())
    }

    fn neighbours_of(&mut self, place: usize, json: &mut Json<'a>, draft: &mut Draft) -> Result<(), HierarchyError> {
        while json.object("a neighbour", draft)? {
            let line = json.line();
            let mut id = None;
            while let Some(key) = json.key()? {
                match &*key {
                    "id" => id = json.text("the id", draft)?,
                    _ => json.skip_value()?,
                }
            }
            match id {
                Some(id) => self.links.push(Link { source: End::Place(place), target: End::Said(id), line }),
                None => draft.at_line(Some(line)).problem(Kind::Format, "a neighbour without \"id\""),
            }
        }
        Ok(())
    }

    fn add_links(&self, given: bool, draft: &mut Draft) {
        if self.have_ids {
            draft.expect_declarations();
            if self.without_id.is_some() {
                draft.at_line(self.without_id).problem(Kind::EmptyName, "a node without \"id\"; others have one");
            }
        }
        let links = self.between_nodes(draft);
        let sources: HashSet<usize> = links.iter().map(|(source, ..)| *source).collect();
        let targets: HashSet<usize> = links.iter().map(|(_, target, _)| *target).collect();
        let upward = !given && targets.len() < sources.len();
        if upward {
            let line = links.first().map(|(.., line)| *line);
            let message = "the target of a link is taken to be the parent, as there are fewer of them";
            draft.at_line(line).warn(message);
        }
        for (source, target, line) in links {
            let (parent, child) = if upward { (target, source) } else { (source, target) };
            draft.at_line(Some(line)).add_edge(parent, child);
        }
    }

    /// The links as the nodes at their ends, each with its line. One that is there from both ends goes from the first of them.
    fn between_nodes(&self, draft: &mut Draft) -> Vec<(usize, usize, u64)> {
        let mut seen = HashSet::new();
        let mut links = Vec::with_capacity(self.links.len());
        for link in &self.links {
            draft.at_line(Some(link.line));
            let (Some(source), Some(target)) = (self.node(&link.source, draft), self.node(&link.target, draft)) else {
                continue;
            };
            if self.is_undirected && self.are_neighbours {
                if source != target && seen.contains(&(target, source)) {
                    continue;
                }
                seen.insert((source, target));
            }
            links.push((source, target, link.line));
        }
        links
    }

    /// The node that an end of a link means.
    fn node(&self, end: &End<'_>, draft: &mut Draft) -> Option<usize> {
        let (place, said) = match end {
            End::Said(id) if self.have_ids || self.nodes.is_empty() => return draft.by_id(id),
            End::Said(text) => (text.parse().ok(), &**text),
            End::Place(place) => (Some(*place), "with these neighbours"),
        };
        match place.and_then(|place| self.nodes.get(place)) {
            Some(node) => *node,
            None => {
                let message = format!("there is no node {said}; expected a place in the list of {}", self.nodes.len());
                draft.problem(Kind::MissingNode, message);
                None
            }
        }
    }
}
