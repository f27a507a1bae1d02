//! The language of Graphviz.

use std::fmt::Write;

use super::Losses;
use super::lost::is_leaf;
use crate::{Hierarchy, HierarchyError, NodeId};

pub(super) fn text(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    lost.of_a_drawing();
    lost.synonyms();
    let own = |node: &NodeId| !hierarchy.is_added(*node);
    let mut text = "digraph hierarchy {\n  rankdir=LR;\n  node [shape=plaintext];\n".to_owned();
    for node in hierarchy.nodes().filter(own) {
        let mut attributes = format!("label={}", quoted(hierarchy.name(node)));
        if let Some(id) = hierarchy.id(node) {
            attributes += &format!(", id={}", quoted(id));
        }
        if let Some(rank) = hierarchy.rank(node) {
            attributes += &format!(", class={}", quoted(rank));
        }
        if is_leaf(hierarchy, node) {
            attributes += ", shape=box";
        }
        line(&mut text, format_args!("n{} [{attributes}];", node.index()));
    }
    for node in hierarchy.nodes().filter(own) {
        for child in hierarchy.children(node).iter().filter(|child| own(child)) {
            line(&mut text, format_args!("n{} -> n{};", node.index(), child.index()));
        }
    }
    text.push_str("}\n");
    Ok(text)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {line}");
}

/// A string in which nothing stands for something else: in labels `\N` is the node's name, and so on.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], "\\n");
    format!("\"{escaped}\"")
}
