//! Newick, the trees of phylogenetics.

use super::identity::check_siblings;
use super::lost::{count, is_leaf};
use super::{Losses, LostKind};
use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId};

pub(super) fn text(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    if !hierarchy.is_tree() {
        let message = "Newick has trees only, and here nodes have several parents; edges say this";
        return Err(HierarchyError::new(Kind::NotATree, message));
    }
    check_siblings(hierarchy, "Newick")?;
    say_what_is_lost(hierarchy, lost);
    let mut text = String::new();
    // The nodes whose children are open, each with the number of those that are written.
    let mut open: Vec<(NodeId, usize)> = vec![(NodeId::ROOT, 0)];
    while let Some((node, written)) = open.last_mut() {
        let children = hierarchy.children(*node);
        match children.get(*written).filter(|child| !hierarchy.is_added(**child)) {
            Some(child) => {
                text.push(if *written == 0 { '(' } else { ',' });
                *written += 1;
                open.push((*child, 0));
            }
            None => {
                if *written > 0 {
                    text.push(')');
                }
                if !hierarchy.is_added(*node) {
                    push_name(&mut text, hierarchy.name(*node).trim());
                }
                open.pop();
            }
        }
    }
    text.push_str(";\n");
    Ok(text)
}

/// A name in quotes, unless it has only what no program takes for something else; an underscore may stand for a blank.
fn push_name(text: &mut String, name: &str) {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '+');
    if name.chars().all(is_plain) {
        text.push_str(name);
    } else {
        text.push('\'');
        text.push_str(&name.replace('\'', "''"));
        text.push('\'');
    }
}

fn say_what_is_lost(hierarchy: &Hierarchy, lost: &mut Losses<'_>) {
    lost.of_any_text();
    lost.internal_classes();
    if hierarchy.root_is_added() {
        lost.add(LostKind::AddedRoot, "that the root was added: it is read as a node that is named by two leaves");
    }
    lost.ids();
    lost.synonyms();
    lost.ranks();
    let own = || hierarchy.nodes().filter(|node| !hierarchy.is_added(*node));
    let numbers = own().filter(|node| !is_leaf(hierarchy, *node) && hierarchy.name(*node).parse::<f64>().is_ok());
    let numbers = numbers.count();
    if numbers > 0 {
        let message =
            format!("the names of {}, which are numbers as the support of branches is", count(numbers, "inner node"));
        lost.add(LostKind::Names, message);
    }
    // Children are read in their order, each with all that is below it.
    lost.class_order(own().filter(|node| is_leaf(hierarchy, *node)));
    lost.node_order(own());
}
