//! Flowcharts of Mermaid.

use std::fmt::Write;

use super::Losses;
use super::lost::is_leaf;
use crate::{Hierarchy, HierarchyError, NodeId};

pub(super) fn text(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    lost.of_a_drawing();
    lost.ids();
    lost.synonyms();
    lost.ranks();
    let own = |node: &NodeId| !hierarchy.is_added(*node);
    let mut text = "flowchart LR\n".to_owned();
    for node in hierarchy.nodes().filter(own) {
        let name = escaped(hierarchy.name(node));
        let (open, close) = if is_leaf(hierarchy, node) { ("[", "]") } else { ("(", ")") };
        line(&mut text, format_args!("n{}{open}\"{name}\"{close}", node.index()));
    }
    for node in hierarchy.nodes().filter(own) {
        for child in hierarchy.children(node).iter().filter(|child| own(child)) {
            line(&mut text, format_args!("n{} --> n{}", node.index(), child.index()));
        }
    }
    Ok(text)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {line}");
}

/// Mermaid's own entities for what ends a text, begins an entity, is HTML, or makes Markdown of it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let number = text.len() - text.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    for (place, char) in text.char_indices() {
        match char {
            // `1.`, `-` and the like begin a list.
            '.' | ')' if place == number && number > 0 => escaped.push_str(if char == '.' { "#46;" } else { "#41;" }),
            '-' if place == 0 => escaped.push_str("#45;"),
            '+' if place == 0 => escaped.push_str("#43;"),
            '*' => escaped.push_str("#42;"),
            '"' => escaped.push_str("#quot;"),
            '#' => escaped.push_str("#35;"),
            '&' => escaped.push_str("#amp;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '`' => escaped.push_str("#96;"),
            '\\' => escaped.push_str("#92;"),
            '\n' | '\r' => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}
