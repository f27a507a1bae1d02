//! JSON with children inside their parents.

use super::identity::{ids, repeated_sibling};
use super::lost::{count, is_leaf};
use super::{Losses, LostKind};
use crate::format::Limits;
use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId};

/// Deeper nodes are indented no further, so that the size of the text is that of the hierarchy.
const DEEPEST_INDENT: usize = 32;

pub(super) fn text(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    let siblings_differ = repeated_sibling(hierarchy).is_none();
    let by_id = hierarchy.has_ids() || !hierarchy.is_tree() || !siblings_differ;
    if !siblings_differ && hierarchy.height(NodeId::ROOT) <= 1 && hierarchy.root_is_added() {
        let message = "nodes of one name with nothing below any have no nested form; edges have them";
        return Err(HierarchyError::new(Kind::AmbiguousName, message));
    }
    let ids = if by_id { ids(hierarchy) } else { Vec::new() };
    let mut writer = Writer { hierarchy, ids, text: String::new(), visits: Vec::new() };
    writer.write()?;
    say_what_is_lost(hierarchy, &writer.visits, by_id, lost);
    Ok(writer.text)
}

struct Writer<'h> {
    hierarchy: &'h Hierarchy,
    /// By node; empty where the path is the identity.
    ids: Vec<std::borrow::Cow<'h, str>>,
    text: String,
    /// Every place of a node, with its parent there.
    visits: Vec<(Option<NodeId>, NodeId)>,
}

enum Step {
    Open { parent: Option<NodeId>, node: NodeId, depth: usize, is_last: bool },
    Close { depth: usize, is_last: bool },
}

impl Writer<'_> {
    /// A node with several parents is whole at its first place; at the others it has no children.
    fn write(&mut self) -> Result<(), HierarchyError> {
        let mut seen = vec![false; self.hierarchy.node_count()];
        let several = self.hierarchy.root_is_added();
        let mut steps = Vec::new();
        if several {
            self.text.push('[');
            open_all(&mut steps, self.hierarchy.children(NodeId::ROOT), None, 1);
        } else {
            open_all(&mut steps, &[NodeId::ROOT], None, 0);
        }
        while let Some(step) = steps.pop() {
            let (depth, is_last) = match step {
                Step::Open { depth, is_last, .. } | Step::Close { depth, is_last } => (depth, is_last),
            };
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&"  ".repeat(depth.min(DEEPEST_INDENT)));
            match step {
                Step::Open { parent, node, .. } => {
                    self.visits.push((parent, node));
                    let is_again = std::mem::replace(&mut seen[node.index()], true);
                    self.push_node(node, is_again)?;
                    // The key says of a root that it is a node, though nothing is below it.
                    if !is_again && (parent.is_none() || !is_leaf(self.hierarchy, node)) {
                        self.text.push_str(", \"children\": [");
                        steps.push(Step::Close { depth, is_last });
                        let own = self.hierarchy.children(node).iter().copied();
                        let own: Vec<NodeId> = own.filter(|child| !self.hierarchy.is_added(*child)).collect();
                        open_all(&mut steps, &own, Some(node), depth + 1);
                        continue;
                    }
                    self.text.push('}');
                }
                Step::Close { .. } => self.text.push_str("]}"),
            }
            if !is_last {
                self.text.push(',');
            }
        }
        self.text.push_str(if several { "\n]\n" } else { "\n" });
        Ok(())
    }

    /// A node without its end.
    fn push_node(&mut self, node: NodeId, is_again: bool) -> Result<(), HierarchyError> {
        self.text.push('{');
        if let Some(id) = self.ids.get(node.index()) {
            self.text.push_str("\"id\": ");
            self.text.push_str(&json(id)?);
            self.text.push_str(", ");
        }
        self.text.push_str("\"name\": ");
        self.text.push_str(&json(self.hierarchy.name(node))?);
        if is_again {
            return Ok(());
        }
        if let Some(rank) = self.hierarchy.rank(node) {
            self.text.push_str(", \"rank\": ");
            self.text.push_str(&json(rank)?);
        }
        let synonyms: Vec<&str> = self.hierarchy.synonyms(node).collect();
        if !synonyms.is_empty() {
            self.text.push_str(", \"synonyms\": ");
            self.text.push_str(&json(&synonyms)?);
        }
        Ok(())
    }
}

/// The first is on top of the stack.
fn open_all(steps: &mut Vec<Step>, nodes: &[NodeId], parent: Option<NodeId>, depth: usize) {
    let last = nodes.len().wrapping_sub(1);
    let open = |(place, &node)| Step::Open { parent, node, depth, is_last: place == last };
    steps.extend(nodes.iter().enumerate().rev().map(open));
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, HierarchyError> {
    serde_json::to_string(value).map_err(|error| HierarchyError::new(Kind::Format, error.to_string()))
}

fn say_what_is_lost(hierarchy: &Hierarchy, visits: &[(Option<NodeId>, NodeId)], by_id: bool, lost: &mut Losses<'_>) {
    lost.of_any_text();
    lost.internal_classes();
    if by_id {
        lost.missing_ids();
    }
    let mut seen = vec![false; hierarchy.node_count()];
    let nodes = visits.iter().map(|(_, node)| *node);
    let nodes: Vec<NodeId> = nodes.filter(|node| !std::mem::replace(&mut seen[node.index()], true)).collect();
    lost.rank_order(nodes.iter().copied());
    let tops = visits.iter().filter(|(parent, _)| parent.is_none()).map(|(_, node)| *node);
    lost.edge_order(visits.iter().filter_map(|(parent, node)| Some(((*parent)?, *node))), tops);
    lost.class_order(nodes.iter().copied().filter(|node| is_leaf(hierarchy, *node)));
    lost.node_order(nodes.iter().copied());
    // A bracket and a brace a level, and the list around several roots.
    let (deepest, limit) = (2 * hierarchy.height(NodeId::ROOT) + 2, Limits::default().nesting);
    if deepest > limit {
        let message =
            format!("that it can be read by default: it nests {}, and the limit is {limit}", count(deepest, "bracket"));
        lost.add(LostKind::Format, message);
    }
}
