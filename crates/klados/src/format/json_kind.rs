//! Which of the formats in JSON an input is, by its keys.

use super::categories::is_rank;
use super::guess::Head;
use super::json::{Event, Json};
use super::nested::places::{Place, Value, holds_children, places};
use super::{Draft, Format, Limits, klados, nested};
use crate::HierarchyError;
use crate::hierarchy::NONE;

/// The formats in JSON.
const FORMATS: [Format; 5] = [Format::Nested, Format::ChildIds, Format::NodeLink, Format::Categories, Format::Klados];

/// Whether an input is JSON, which is then in no other format, such as that of tables with commas.
pub(super) fn rules_out(head: &Head<'_>, format: Format) -> bool {
    !FORMATS.contains(&format) && is_json(head)
}

fn starts_as_json(head: &Head<'_>) -> bool {
    head.text().trim_start().starts_with(['{', '['])
}

pub(super) fn is_json(head: &Head<'_>) -> bool {
    if !starts_as_json(head) {
        return false;
    }
    let mut json = Json::new(head.text(), &Limits::default());
    loop {
        match json.next() {
            Ok(Event::Eof) => return true,
            Ok(_) => {}
            Err(_) => return !head.is_whole() && json.is_at_end(),
        }
    }
}

/// What is wrong with an object that is no JSON, where nothing in it shows a format that would read on.
pub(super) fn broken(head: &Head<'_>) -> Option<HierarchyError> {
    if !head.text().trim_start().starts_with('{') || klados::looks_like(head).is_some() || kind(head).is_some() {
        return None;
    }
    let mut json = Json::new(head.text(), &Limits::default());
    loop {
        match json.next() {
            Ok(Event::Eof) => return None,
            Ok(_) => {}
            Err(error) => return Some(error).filter(|_| head.is_whole() || !json.is_at_end()),
        }
    }
}

/// `None` where the head is no JSON, or none of these. That of Klados knows itself.
pub(super) fn kind(head: &Head<'_>) -> Option<Format> {
    if !starts_as_json(head) || klados::looks_like(head).is_some() {
        return None;
    }
    let mut json = Json::new(head.text(), &Limits::default());
    // The head may end anywhere, and what is wrong in it is said when it is read.
    let (places, _) = places(&mut json, &mut Draft::new());
    let keys = Keys { places: &places, whole: head.is_whole() };
    if keys.lists(|place| place.key.as_deref() == Some("child_ids")) {
        Some(Format::ChildIds)
    } else if keys.are_of_a_graph() || keys.are_elements() {
        Some(Format::NodeLink)
    } else if keys.are_of_categories() {
        Some(Format::Categories)
    } else {
        nested::are_nested(places).then_some(Format::Nested)
    }
}

struct Keys<'a> {
    places: &'a [Place<'a>],
    /// Whether nothing comes after them.
    whole: bool,
}

impl Keys<'_> {
    /// Whether there is a list of which this is true.
    fn lists(&self, is_it: impl Fn(&Place<'_>) -> bool) -> bool {
        self.places.iter().any(|place| matches!(place.value, Value::List) && is_it(place))
    }

    /// The object at the top has a list under this key.
    fn top_list(&self, key: &str) -> bool {
        self.lists(|place| place.above == 0 && place.key.as_deref() == Some(key))
    }

    fn top_is_record(&self) -> bool {
        self.places.first().is_some_and(|place| matches!(place.value, Value::Record(_)))
    }

    /// The keys of the objects in the lists that stand under a key of the object at the top, or at the top itself where
    /// the key is `None`.
    fn keys_in(&self, key: Option<&str>) -> impl Iterator<Item = &str> {
        let is_list = move |place: u32| {
            self.places.get(place as usize).is_some_and(|list| {
                matches!(list.value, Value::List)
                    && list.key.as_deref() == key
                    && list.above == if key.is_some() { 0 } else { NONE }
            })
        };
        let above = |place: u32| self.places.get(place as usize).map_or(NONE, |place| place.above);
        self.places.iter().filter(move |place| is_list(above(place.above))).filter_map(|place| place.key.as_deref())
    }

    /// Nodes and links beside each other. The links may come after the head.
    fn are_of_a_graph(&self) -> bool {
        let says = |key: &str| self.places.iter().any(|place| place.above == 0 && place.key.as_deref() == Some(key));
        let has_links = ["links", "edges"].into_iter().any(|links| {
            self.top_list(links) && (self.top_list("nodes") || self.keys_in(Some(links)).any(|key| key == "source"))
        });
        let has_neighbours = self.top_list("adjacency") && says("nodes");
        let may_have = !self.whole && !self.top_is_record() && !self.keys_in(Some("nodes")).any(holds_children);
        has_links || has_neighbours || (self.top_list("nodes") && (says("directed") || says("multigraph") || may_have))
    }

    /// Those of Cytoscape, whose nodes and edges have all that they say in `data`.
    fn are_elements(&self) -> bool {
        let above = |place: &Place<'_>| self.places.get(place.above as usize);
        let is_top = |place: &Place<'_>| place.above == 0 && place.key.as_deref() == Some("elements");
        self.places.iter().filter(|place| place.key.as_deref() == Some("data")).any(|data| {
            let list = above(data).and_then(above);
            list.is_some_and(|list| is_top(list) || above(list).is_some_and(is_top))
        })
    }

    /// A whole file of annotations, in which the categories may come after the head, or the list of them alone.
    fn are_of_categories(&self) -> bool {
        let alone = || {
            let is_sign = |key: &str| key == "supercategory" || is_rank(key);
            self.keys_in(None).any(is_sign) && !self.keys_in(None).any(holds_children)
        };
        let among = || self.top_list("categories") && !self.keys_in(Some("categories")).any(holds_children);
        let beside = || ["images", "annotations"].into_iter().any(|key| self.keys_in(Some(key)).next().is_some());
        alone() || (!self.top_is_record() && (among() || beside()))
    }
}
