//! JSON in which children stand inside their parents.

pub(super) mod nodes;
pub(super) mod places;

use std::collections::HashMap;

use self::nodes::{Node, Nodes};
use self::places::{Place, Value, holds_children, places_of_nodes};
use super::edges::name_node;
use super::guess::{Confidence, Head};
use super::input::Input;
use super::json_kind::kind;
use super::rank_order::order_ranks;
use super::{Draft, Format, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    (kind(head) == Some(Format::Nested)).then_some(Confidence::Certain)
}

/// Whether the start of a text is of this format: objects with a name and children, or names that hold names.
pub(super) fn are_nested(places: Vec<Place<'_>>) -> bool {
    let above = |place: &Place<'_>| places.get(place.above as usize);
    let is_record = |place: &Place<'_>| matches!(place.value, Value::Record(_));
    let holds = |place: &Place<'_>| {
        place.key.as_deref().is_some_and(holds_children) && matches!(place.value, Value::List | Value::Map { .. })
    };
    let is_child = |place: &Place<'_>| {
        above(place).is_some_and(|above| (is_record(above) && holds(place)) || (holds(above) && is_record(place)))
    };
    places.iter().any(is_child) || are_names(places)
}

/// Whether all of the text can be names: keys that hold others, and no numbers that are measured.
fn are_names(places: Vec<Place<'_>>) -> bool {
    let is_id = |text: &str| text.parse::<u64>().is_ok();
    let measured = |place: &Place<'_>| matches!(&place.value, Value::Number(number) if !is_id(number));
    if places.iter().any(measured) || !places.iter().any(|place| place.key.as_deref().is_some_and(|key| !is_id(key))) {
        return false;
    }
    let mut draft = Draft::new();
    let nodes = Nodes::of(places, &mut draft);
    draft.problems().is_empty() && nodes.found.iter().any(|node| node.parent.is_some())
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let (places, end) = places_of_nodes(input.text()?, input.limits(), draft);
    let nodes = Nodes::of(places, draft);
    add_all(&nodes, draft);
    end
}

/// Writes into the draft what was found.
pub(super) fn add_all(nodes: &Nodes<'_>, draft: &mut Draft) {
    if nodes.parts > 0 {
        let message = format!("{} entries of \"Part\" are not read: parts are no subclasses", nodes.parts);
        draft.at_line(None).warn(message);
    }
    if have_ids(nodes) {
        add(nodes, draft, by_id);
    } else {
        let known = draft.node_count();
        add(nodes, draft, by_path);
        warn_of_repeated_names(known, draft);
    }
    order_ranks(draft);
}

/// Whether ids say which node is meant. Nodes at the top may lack one.
fn have_ids(nodes: &Nodes<'_>) -> bool {
    let mut below = nodes.found.iter().filter(|node| node.parent.is_some()).peekable();
    below.peek().is_some() && below.all(|node| node.id.is_some())
}

/// Adds all nodes to the draft, each as `add` does it below the number of its parent.
fn add(nodes: &Nodes<'_>, draft: &mut Draft, add: fn(&Node<'_>, Option<usize>, &mut Draft) -> Option<usize>) {
    let mut numbers: Vec<Option<usize>> = Vec::with_capacity(nodes.found.len());
    for node in &nodes.found {
        draft.at_line(Some(node.line));
        let number = match node.parent.map(|parent| numbers[parent]) {
            Some(None) => None, // what is wrong with the parent was said
            Some(parent) => add(node, parent, draft),
            None => add(node, None, draft),
        };
        if let (Some(number), Some(rank)) = (number, &node.rank) {
            draft.set_rank(number, rank);
        }
        numbers.push(number);
    }
    for (node, synonym) in &nodes.synonyms {
        if let Some(number) = numbers[*node] {
            draft.at_line(Some(nodes.found[*node].line)).add_synonym(number, synonym);
        }
    }
}

/// The same id is the same node, at all of its places.
fn by_id(node: &Node<'_>, parent: Option<usize>, draft: &mut Draft) -> Option<usize> {
    let number = match &node.id {
        Some(id) => draft.by_id(id)?,
        None => draft.by_name(node.label())?,
    };
    if let (Some(_), Some(name)) = (&node.id, &node.name) {
        name_node(draft, number, name.trim());
    }
    if let Some(parent) = parent {
        draft.add_edge(parent, number);
    }
    Some(number)
}

/// The same name at another place is another node.
fn by_path(node: &Node<'_>, parent: Option<usize>, draft: &mut Draft) -> Option<usize> {
    let known = draft.node_count();
    let number = draft.add_below(parent, node.label())?;
    if number < known {
        let line = draft.line(number).map_or(String::new(), |line| format!(", in line {line}"));
        draft.problem(Kind::DuplicateNode, format!("\"{}\" is there already{line}", node.label().trim()));
    } else if let Some(id) = &node.id {
        draft.set_id(number, id);
    }
    Some(number)
}

fn warn_of_repeated_names(from: usize, draft: &mut Draft) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for node in from..draft.node_count() {
        *places.entry(draft.name(node)).or_default() += 1;
    }
    // In the order of the text.
    let repeated = (from..draft.node_count()).map(|node| draft.name(node)).filter(|name| places.remove(name) > Some(1));
    let repeated: Vec<&str> = repeated.collect();
    if !repeated.is_empty() {
        let message = format!(
            "{} names stand at several places, and are a node at each: {}; an \"id\" would make them one node with \
             several parents",
            repeated.len(),
            list(&repeated, 5)
        );
        draft.at_line(None).warn(message);
    }
}
