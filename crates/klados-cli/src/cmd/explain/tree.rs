//! Nodes as an indented tree, with numbers beside them.

use std::collections::HashMap;

use super::table::{Side, Table};
use crate::cmd::colour::Tone;
use crate::cmd::format::rounded;

/// So many children of a node are shown to people; programs get all.
const SHOWN: usize = 20;

/// No node is indented further: a chain of thousands would be wider than any screen.
const DEEPEST: usize = 20;

/// A node with its numbers.
pub(super) struct TreeNode<'a> {
    /// Its place in the hierarchy.
    pub(super) node: usize,
    /// The places of its parents.
    pub(super) parents: &'a [usize],
    pub(super) name: &'a str,
    /// Whether the loss is about it or what is below it.
    pub(super) is_on_path: bool,
    pub(super) p: Option<f64>,
    pub(super) cells: Vec<String>,
}

/// The cell of a number that a node may not have.
pub(super) fn cell(number: Option<f64>) -> String {
    number.map_or(String::new(), rounded)
}

/// The nodes, the root first and parents before their children, each below the first of its parents that is there. Of many
/// children those on the path are shown, then the most probable. An added root is not shown.
pub(super) fn table(nodes: &[TreeNode<'_>], root_is_added: bool, numbers: &[&str]) -> Table {
    let header = numbers.iter().map(|name| (*name, Side::Right));
    let mut table = Table::new(&[("node", Side::Left)].into_iter().chain(header).collect::<Vec<_>>());
    let children = children(nodes);
    let mut stack: Vec<Line> = Vec::new();
    match root_is_added {
        true => push_children(&mut stack, nodes, &children[0], 0),
        false => stack.push(Line::Node(0, 0)),
    }
    while let Some(line) = stack.pop() {
        match line {
            Line::Node(place, depth) => {
                let node = &nodes[place];
                let (tone, mark) = if node.is_on_path { (Tone::Strong, " *") } else { (Tone::Plain, "") };
                let name = format!("{}{}{mark}", indent(depth), node.name);
                table.push(tone, [vec![name], node.cells.clone()].concat());
                push_children(&mut stack, nodes, &children[place], depth + 1);
            }
            Line::More(count, depth) => {
                table.push(Tone::Plain, vec![format!("{}... and {count} more", indent(depth))]);
            }
        }
    }
    table
}

/// A line of the tree, with its depth.
enum Line {
    /// The node of this place in the list.
    Node(usize, usize),
    /// So many nodes that are not shown.
    More(usize, usize),
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth.min(DEEPEST))
}

/// By place in the list, the places of the children that are shown below the node.
fn children(nodes: &[TreeNode<'_>]) -> Vec<Vec<usize>> {
    let place: HashMap<usize, usize> = nodes.iter().enumerate().map(|(place, node)| (node.node, place)).collect();
    let mut children = vec![Vec::new(); nodes.len()];
    for (child, node) in nodes.iter().enumerate() {
        if let Some(parent) = node.parents.iter().find_map(|parent| place.get(parent)) {
            children[*parent].push(child);
        }
    }
    children
}

/// Puts the children on the stack, the first on top.
fn push_children(stack: &mut Vec<Line>, nodes: &[TreeNode<'_>], children: &[usize], depth: usize) {
    let mut shown = children.to_vec();
    if children.len() > SHOWN {
        let p = |place: &usize| nodes[*place].p.unwrap_or(0.0);
        shown.sort_by(|a, b| nodes[*b].is_on_path.cmp(&nodes[*a].is_on_path).then_with(|| p(b).total_cmp(&p(a))));
        shown.truncate(SHOWN);
        shown.sort_unstable();
        stack.push(Line::More(children.len() - SHOWN, depth));
    }
    stack.extend(shown.into_iter().rev().map(|place| Line::Node(place, depth)));
}
