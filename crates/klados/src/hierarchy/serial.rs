//! The serialized form: names, edges and classes, from which everything else is rebuilt.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::assemble::{Graph, assemble};
use super::draft::control_character;
use super::{Hierarchy, NONE};

/// Nodes in order of appearance; edges and classes refer to them by index.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    nodes: Vec<Cow<'a, str>>,
    /// By node, null where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<Option<Cow<'a, str>>>,
    /// `[id, node]`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alternative_ids: Vec<(Cow<'a, str>, u32)>,
    /// `[node, synonym]`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    synonyms: Vec<(u32, Cow<'a, str>)>,
    /// `[parent, child]`
    edges: Vec<(u32, u32)>,
    classes: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rank_names: Vec<String>,
    /// By node, null where it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ranks: Vec<Option<u32>>,
    /// The added root is the last node.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    root_is_added: bool,
    /// The columns of forms with a logit a node, where they are not by first appearance: nodes, or, beyond them, the
    /// leaf that was added for the class of that index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    node_columns: Vec<u32>,
}

impl Serialize for Hierarchy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (graph, place) = self.to_graph();
        let ranks = match graph.rank_names.is_empty() {
            true => Vec::new(),
            false => graph.ranks.iter().map(|&rank| (rank != NONE).then_some(rank)).collect(),
        };
        let nodes = graph.names.len() as u32;
        let column = |node: &super::NodeId| match place[node.index()] {
            NONE => nodes + self.class_at(*node).unwrap_or(0) as u32,
            known => known,
        };
        let form = Form {
            ids: graph.ids.iter().map(|id| id.as_deref().map(Cow::Borrowed)).collect(),
            alternative_ids: graph.alternative_ids.iter().map(|(id, node)| (Cow::Borrowed(&**id), *node)).collect(),
            synonyms: graph.synonyms.iter().map(|(node, synonym)| (*node, Cow::Borrowed(&**synonym))).collect(),
            nodes: graph.names.iter().map(|name| Cow::Borrowed(&**name)).collect(),
            edges: graph.edges.iter().map(|&(parent, child, _)| (parent, child)).collect(),
            classes: self.class_places(&place),
            rank_names: graph.rank_names,
            ranks,
            root_is_added: graph.root_is_added,
            node_columns: self.columns.iter().flat_map(|columns| columns.iter()).map(column).collect(),
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hierarchy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let nodes = form.nodes.len() as u32;
        let in_range = |node: &u32| *node < nodes;
        let mut seen = vec![false; form.nodes.len()];
        let repeated = |class: &u32| std::mem::replace(&mut seen[*class as usize], true);
        if !form.edges.iter().all(|(parent, child)| in_range(parent) && in_range(child) && parent != child) {
            return Err(de::Error::custom(format!(
                "an edge names a node outside of 0..{nodes}, or joins a node to itself"
            )));
        }
        if !form.classes.iter().all(in_range) || form.classes.iter().any(repeated) {
            return Err(de::Error::custom(format!("a class is outside of 0..{nodes}, or is named twice")));
        }
        if form.nodes.iter().any(|name| name.trim().is_empty()) {
            return Err(de::Error::custom("a node's name is empty"));
        }
        let texts = form.nodes.iter().map(|name| ("name", name));
        let mut texts = texts.chain(form.ids.iter().flatten().map(|id| ("id", id)));
        if let Some(message) = texts.find_map(|(what, text)| control_character(what, text)) {
            return Err(de::Error::custom(message));
        }
        let known_rank = |rank: &Option<u32>| rank.is_none_or(|rank| (rank as usize) < form.rank_names.len());
        if !(form.ranks.is_empty() || form.ranks.len() == form.nodes.len()) || !form.ranks.iter().all(known_rank) {
            return Err(de::Error::custom("ranks: expected one for each node, null or an index into rank_names"));
        }
        let ranks = match form.ranks.is_empty() {
            true => vec![NONE; form.nodes.len()],
            false => form.ranks.iter().map(|rank| rank.unwrap_or(NONE)).collect(),
        };
        let mut known_ids = HashSet::new();
        let mut is_new = |id: &str| !id.trim().is_empty() && known_ids.insert(id.trim().to_owned());
        if !(form.ids.is_empty() || form.ids.len() == form.nodes.len())
            || !form.ids.iter().flatten().all(|id| is_new(id))
            || !form.alternative_ids.iter().all(|(id, node)| is_new(id) && in_range(node))
        {
            return Err(de::Error::custom("ids: expected one for each node or null, and no id twice"));
        }
        if !form.synonyms.iter().all(|(node, _)| in_range(node)) {
            return Err(de::Error::custom(format!("a synonym is of a node outside of 0..{nodes}")));
        }
        let graph = Graph {
            // As everywhere else, white space around them does not count.
            ids: form.ids.iter().map(|id| id.as_deref().map(|id| id.trim().into())).collect(),
            alternative_ids: form.alternative_ids.iter().map(|(id, node)| (id.trim().into(), *node)).collect(),
            synonyms: form.synonyms.iter().map(|(node, synonym)| (*node, synonym.as_ref().into())).collect(),
            names: form.nodes.iter().map(|name| name.trim().into()).collect(),
            ranks,
            rank_names: form.rank_names,
            edges: form.edges.iter().map(|&(parent, child)| (parent, child, 0)).collect(),
            root_is_added: form.root_is_added,
            warnings: Vec::new(),
        };
        let mut hierarchy = assemble(graph, Some(form.classes)).map_err(de::Error::custom)?;
        if !form.node_columns.is_empty() {
            let (_, place) = hierarchy.to_graph();
            let mut node_of = vec![None; nodes as usize + hierarchy.class_count()];
            for node in hierarchy.nodes().skip(1) {
                let at = match place[node.index()] {
                    NONE => nodes + hierarchy.class_at(node).unwrap_or(0) as u32,
                    known => known,
                };
                node_of[at as usize] = Some(node);
            }
            let take = |&at: &u32| node_of.get_mut(at as usize).and_then(Option::take);
            let columns: Option<Vec<_>> = form.node_columns.iter().map(take).collect();
            match columns {
                Some(columns) if columns.len() + 1 == hierarchy.node_count() => {
                    hierarchy.columns = Some(columns.into());
                }
                _ => return Err(de::Error::custom("node_columns: expected every node but the root once")),
            }
        }
        Ok(hierarchy)
    }
}
