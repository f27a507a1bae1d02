//! From a tree of phylogenetics to nodes that can be named: what is no name, and how nodes without one are found.

use std::borrow::Cow;

use super::Draft;
use super::newick::{Node, Tree};
use crate::HierarchyErrorKind as Kind;

/// Adds the nodes of a tree, each below its parent.
pub(super) fn add(tree: &Tree<'_>, draft: &mut Draft) {
    let names = names(tree, draft);
    // By node of the tree: the node of the draft that it is, or that stands for it.
    let mut place: Vec<Option<usize>> = Vec::with_capacity(names.len());
    for (node, name) in tree.nodes.iter().zip(&names) {
        let above = node.parent.and_then(|parent| place[parent as usize]);
        let Some(name) = name else {
            place.push(above);
            continue;
        };
        draft.at_line(Some(node.line));
        let known = draft.node_count();
        let added = draft.add_below(above, name);
        if added.is_some_and(|added| added < known) {
            let parent = above.map_or("the top", |above| draft.name(above));
            let message = format!("\"{name}\" is the name of two nodes below \"{parent}\"");
            draft.problem(Kind::DuplicateNode, message);
        }
        place.push(added);
    }
    draft.at_line(None);
}

/// The name of each node; none of those that are left out, where their only child takes their place.
fn names<'t>(tree: &'t Tree<'_>, draft: &mut Draft) -> Vec<Option<Cow<'t, str>>> {
    let nodes = &tree.nodes;
    let is_leaf = |node: &Node<'_>| node.children == 0;
    let has_supports = nodes.iter().any(|node| is_leaf(node) && !node.name.is_empty() && !is_number(&node.name));
    let least = least_leaves(tree);
    let (mut supports, mut singles) = (0, 0);
    let mut names = Vec::with_capacity(nodes.len());
    for (node, least) in nodes.iter().zip(least) {
        let is_support = has_supports && !is_leaf(node) && is_number(&node.name);
        supports += usize::from(is_support);
        names.push(if !node.name.is_empty() && !is_support {
            Some(Cow::Borrowed(&*node.name))
        } else if is_leaf(node) {
            draft.at_line(Some(node.line)).problem(Kind::EmptyName, "a leaf without a name");
            None
        } else if let [Some(first), Some(second)] = least {
            Some(Cow::Owned(format!("{} & {}", nodes[first as usize].name, nodes[second as usize].name)))
        } else {
            singles += usize::from(node.children == 1);
            None
        });
    }
    draft.at_line(None);
    if supports > 0 {
        draft.warn(format!("{supports} labels of inner nodes are numbers: support of the branch, and no names"));
    }
    if singles > 0 {
        draft.warn(format!("{singles} nodes without a name and with one child are left out"));
    }
    names
}

/// By node: of the first leaves by name below each of its children, the first two. They have no node in common but this
/// and those above it, in whatever order children stand.
fn least_leaves(tree: &Tree<'_>) -> Vec<[Option<u32>; 2]> {
    let nodes = &tree.nodes;
    let name = |leaf: u32| (&*nodes[leaf as usize].name, leaf);
    let mut least = vec![[None; 2]; nodes.len()];
    // Children come after their parents.
    for (number, node) in nodes.iter().enumerate().rev() {
        if node.children == 0 && !node.name.is_empty() {
            least[number] = [Some(number as u32), None];
        }
        if let (Some(leaf), Some(parent)) = (least[number][0], node.parent) {
            let [first, second] = &mut least[parent as usize];
            if first.is_none_or(|first| name(leaf) < name(first)) {
                *second = first.replace(leaf);
            } else if second.is_none_or(|second| name(leaf) < name(second)) {
                *second = Some(leaf);
            }
        }
    }
    least
}

/// `95`, `0.98`, and several of them as `95/0.98`.
fn is_number(name: &str) -> bool {
    let is_number = |part: &str| part.parse::<f64>().is_ok() && part.contains(|char: char| char.is_ascii_digit());
    name.split('/').all(is_number)
}
