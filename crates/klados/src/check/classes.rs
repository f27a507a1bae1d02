//! The classes of a model, and what the hierarchy has beside them.

use std::collections::HashMap;

use super::shape::Shape;
use super::{Report, Rule};
use crate::matching::{ClassList, How, Vocabulary};

pub(super) fn check(report: &mut Report<'_>, shape: &Shape, classes: &ClassList) {
    let mut nodes = HashMap::new();
    let is_there = nodes_of_hierarchy(report, shape);
    let vocabulary = Vocabulary::of_draft(report.draft, is_there.iter().map(|is_there| !is_there).collect());
    for (class, name) in classes.names().enumerate() {
        if let Some(node) = check_name(report, &vocabulary, classes, class, name) {
            if is_there[node] {
                check_node(report, shape, classes, class, node, &mut nodes);
            } else {
                report_absent(report, shape, classes, class, node);
            }
        }
    }
    if !nodes.is_empty() {
        check_superclasses(report, shape, &nodes);
    }
}

/// By node: whether a hierarchy would have it. Where the file states classes, only what is at or above these is there.
fn nodes_of_hierarchy(report: &Report<'_>, shape: &Shape) -> Vec<bool> {
    let stated = report.draft.stated_classes().filter(|&class| shape.is_kept[class]);
    let mut stated = stated.peekable();
    if stated.peek().is_none() { shape.is_kept.clone() } else { shape.at_or_above(stated) }
}

fn report_absent(report: &mut Report<'_>, shape: &Shape, classes: &ClassList, class: usize, node: usize) {
    let label = report.draft.label(node).into_owned();
    let (rule, why) = match shape.is_kept[node] {
        false => (Rule::ObsoleteClass, "is out of use"),
        true => (Rule::MissingClass, "is neither among the classes that the file states, nor above one of them"),
    };
    report.add_at(rule, classes.location(class), [node], format!("\"{label}\" {why}"));
}

/// The node that a class name means, with what is wrong with the name.
fn check_name(
    report: &mut Report<'_>,
    vocabulary: &Vocabulary<'_>,
    classes: &ClassList,
    class: usize,
    name: &str,
) -> Option<usize> {
    let location = classes.location(class);
    if name.is_empty() {
        report.add_at(Rule::EmptyClass, location, [], "the line has no name");
        return None;
    }
    let found = vocabulary.find(name);
    let candidates: Vec<usize> = found.nodes.iter().map(|(node, _)| *node as usize).collect();
    let first = candidates.first().copied();
    let called = report.list(&candidates[..candidates.len().min(1)]);
    let why = match found.how {
        How::Exact | How::AlternativeId => return first,
        How::Ambiguous if found.nodes.iter().all(|(_, score)| *score == 1.0) => {
            let more = if found.more > 0 { format!(" and {} more", found.more) } else { String::new() };
            let nodes = candidates.len() + found.more;
            let message = format!("\"{name}\" may be any of {nodes} nodes: {}{more}", report.list(&candidates));
            report.add_at(Rule::AmbiguousClass, location, candidates, message);
            return None;
        }
        How::Synonym => format!("it is another name of {called}"),
        How::Normalised => format!("{called} is the same but for case, spaces, brackets or the like"),
        _ if candidates.is_empty() => "no name is like it".to_owned(),
        _ => format!("the nearest are {}", report.list(&candidates[..candidates.len().min(3)])),
    };
    report.add_at(Rule::MissingClass, location, candidates, format!("no node is called \"{name}\"; {why}"));
    // What else there is to say of the node is said once the name is right; it is a class all the same.
    first.filter(|_| matches!(found.how, How::Synonym | How::Normalised))
}

fn check_node(
    report: &mut Report<'_>,
    shape: &Shape,
    classes: &ClassList,
    class: usize,
    node: usize,
    nodes: &mut HashMap<usize, usize>,
) {
    let label = report.draft.label(node).into_owned();
    let location = classes.location(class);
    if let Some(&first) = nodes.get(&node) {
        let message = format!("\"{label}\" is a class already, in line {}", classes.line(first));
        report.add_at(Rule::DuplicateClass, location, [node], message);
        return;
    }
    nodes.insert(node, class);
    if !shape.is_leaf(node) {
        let children: Vec<usize> = shape.children(node).collect();
        let message = format!("\"{label}\" has others below it: {}", report.list(&children));
        report.add_at(Rule::InternalClass, location, [node], message);
    }
}

/// The classes at or below a node, by their nodes, as far as it matters whether there are several.
#[derive(Clone, Copy, PartialEq)]
enum Below {
    None,
    One(usize),
    Several,
}

/// Looks at the nodes that are neither in a cycle nor below one. `nodes` has the class of each node that is one.
fn check_superclasses(report: &mut Report<'_>, shape: &Shape, nodes: &HashMap<usize, usize>) {
    let mut below = vec![Below::None; shape.is_kept.len()];
    for &node in shape.order.iter().rev() {
        let own = if nodes.contains_key(&node) { Below::One(node) } else { Below::None };
        below[node] = shape.children(node).fold(own, |all, child| match (all, below[child]) {
            (all, Below::None) => all,
            (Below::None, one) => one,
            (all, one) if all == one => all,
            _ => Below::Several,
        });
    }
    let mut order = shape.order.clone();
    order.sort_unstable();
    for node in order {
        let label = report.draft.label(node);
        match below[node] {
            // The topmost alone: what is below it has no class either.
            Below::None if shape.parents(node).any(|parent| below[parent] == Below::None) => {}
            Below::None if shape.is_leaf(node) => {
                let message = format!("\"{label}\" is no class");
                report.add_node(Rule::UnusedLeaf, node, message);
            }
            Below::None => {
                let message = format!("no class is at or below \"{label}\"");
                report.add_node(Rule::EmptySuperclass, node, message);
            }
            Below::One(class) if shape.children(node).len() > 1 && class != node => {
                let (children, class) = (shape.children(node).len(), report.draft.label(class));
                let message =
                    format!("of what is below \"{label}\", with {children} children, \"{class}\" alone is a class");
                report.add_node(Rule::SingleClass, node, message);
            }
            _ => {}
        }
    }
}
