//! The JSON of NetworkX and of d3's force layout: a list of nodes and a list of links.

use std::borrow::Cow;
use std::collections::HashSet;

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
            "nodes" => {
                if json.list(&key, draft)? {
                    found.nodes(&mut json, draft)?;
                }
            }
            "links" | "edges" => {
                if json.list(&key, draft)? {
                    found.links(&mut json, &ends, draft)?;
                }
            }
            "directed" => {
                let event = json.next()?;
                json.skip(&event)?;
                if event == Event::Boolean(false) {
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

/// Which keys of a link hold its ends, from the parent to the child where that is given.
struct Ends {
    source: String,
    target: String,
    given: bool,
}

impl Ends {
    fn of(options: &ReadOptions) -> Self {
        let given = options.parent_column.is_some() || options.child_column.is_some();
        let (parent, child) = (options.parent_column.as_deref(), options.child_column.as_deref());
        let other = |end: Option<&str>| if end == Some("target") { "source" } else { "target" };
        let source = parent.unwrap_or(if child.is_some() { other(child) } else { "source" });
        Self { source: source.to_owned(), target: child.unwrap_or(other(parent)).to_owned(), given }
    }
}

#[derive(Default)]
struct Found<'a> {
    /// The nodes in the order of the list, by their number in the draft.
    nodes: Vec<Option<usize>>,
    have_ids: bool,
    /// The line of the first node that has no id.
    without_id: Option<u64>,
    links: Vec<Link<'a>>,
}

struct Link<'a> {
    source: Cow<'a, str>,
    target: Cow<'a, str>,
    line: u64,
}

impl<'a> Found<'a> {
    /// Reads the nodes of the list that is open.
    fn nodes(&mut self, json: &mut Json<'a>, draft: &mut Draft) -> Result<(), HierarchyError> {
        while json.object("a node", draft)? {
            let line = json.line();
            let [mut id, mut name, mut rank] = [const { None }; 3];
            while let Some(key) = json.key()? {
                match &*key {
                    "id" => id = json.text("the id", draft)?,
                    "name" => name = json.text("the name", draft)?.or(name),
                    "label" | "title" if name.is_none() => name = json.text("the name", draft)?,
                    "rank" => rank = json.text("the rank", draft)?,
                    _ => json.skip_value()?,
                }
            }
            draft.at_line(Some(line));
            match id {
                Some(_) => self.have_ids = true,
                None => self.without_id = self.without_id.or(Some(line)),
            }
            let node = match (&id, &name) {
                (Some(id), _) => draft.declare(id, name.as_deref().unwrap_or_default()),
                (None, Some(name)) => draft.by_name(name),
                (None, None) => {
                    draft.problem(Kind::EmptyName, "a node without \"id\" and \"name\"");
                    None
                }
            };
            if let (Some(node), Some(rank)) = (node, rank) {
                draft.set_rank(node, &rank);
            }
            self.nodes.push(node);
        }
        Ok(())
    }

    /// Reads the links of the list that is open.
    fn links(&mut self, json: &mut Json<'a>, ends: &Ends, draft: &mut Draft) -> Result<(), HierarchyError> {
        while json.object("a link", draft)? {
            let line = json.line();
            let [mut source, mut target] = [const { None }; 2];
            while let Some(key) = json.key()? {
                if *key == *ends.source {
                    source = json.text("the source", draft)?;
                } else if *key == *ends.target {
                    target = json.text("the target", draft)?;
                } else {
                    json.skip_value()?;
                }
            }
            match (source, target) {
                (Some(source), Some(target)) => self.links.push(Link { source, target, line }),
                _ => {
                    let message = format!("a link without \"{}\" or \"{}\"", ends.source, ends.target);
                    draft.at_line(Some(line)).problem(Kind::Format, message);
                }
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
        let sources: HashSet<&str> = self.links.iter().map(|link| &*link.source).collect();
        let targets: HashSet<&str> = self.links.iter().map(|link| &*link.target).collect();
        let upward = !given && targets.len() < sources.len();
        if upward {
            let line = self.links.first().map(|link| link.line);
            let message = "the target of a link is taken to be the parent, as there are fewer of them";
            draft.at_line(line).warn(message);
        }
        for link in &self.links {
            draft.at_line(Some(link.line));
            let (Some(source), Some(target)) = (self.node(&link.source, draft), self.node(&link.target, draft)) else {
                continue;
            };
            let (parent, child) = if upward { (target, source) } else { (source, target) };
            draft.add_edge(parent, child);
        }
    }

    /// The node that an end of a link means.
    fn node(&self, end: &str, draft: &mut Draft) -> Option<usize> {
        if self.have_ids || self.nodes.is_empty() {
            return draft.by_id(end);
        }
        match end.parse::<usize>().ok().and_then(|place| self.nodes.get(place)) {
            Some(node) => *node,
            None => {
                let message = format!("there is no node {end}; expected a place in the list of {}", self.nodes.len());
                draft.problem(Kind::MissingNode, message);
                None
            }
        }
    }
}
