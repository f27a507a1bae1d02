//! Edges and roots: what is there twice, what stands alone, what has several parents or one child.

use std::collections::HashSet;

use super::shape::Shape;
use super::{Report, Rule};

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    repeated_edges(report, shape);
    roots(report, shape);
    if !swapped_columns(report, shape) {
        several_parents(report, shape);
        single_children(report, shape);
    }
}

fn repeated_edges(report: &mut Report<'_>, shape: &Shape) {
    for (edge, first) in &shape.repeated {
        let (parent, child) = (report.draft.label(edge.parent), report.draft.label(edge.child));
        let mut message = format!("the edge from \"{parent}\" to \"{child}\" is there already");
        if let Some(first) = first {
            message += &format!(", in line {first}");
        }
        report.add(Rule::DuplicateEdge, edge.line(), [edge.parent, edge.child], message);
    }
}

fn roots(report: &mut Report<'_>, shape: &Shape) {
    let tops: Vec<usize> = shape.kept().filter(|&node| shape.is_root(node)).collect();
    if shape.edges.is_empty() {
        return; // a flat list of classes
    }
    for &node in tops.iter().filter(|&&node| shape.is_leaf(node)) {
        let message = format!("\"{}\" has neither parents nor children", report.draft.label(node));
        report.add_node(Rule::IsolatedNode, node, message);
    }
    let above_others: Vec<usize> = tops.into_iter().filter(|&node| !shape.is_leaf(node)).collect();
    if above_others.len() > 1 {
        let message = format!(
            "{} nodes with others below them have no parent: {}",
            above_others.len(),
            report.list(&above_others)
        );
        report.add(Rule::SeveralRoots, None, above_others, message);
    }
}

fn several_parents(report: &mut Report<'_>, shape: &Shape) {
    for node in shape.kept().filter(|&node| shape.parents(node).len() > 1) {
        let nodes: Vec<usize> = [node].into_iter().chain(shape.parents(node)).collect();
        let (label, parents) = (report.draft.label(node), &nodes[1..]);
        let message = format!("\"{label}\" has {} parents: {}", parents.len(), report.list(parents));
        report.add(Rule::SeveralParents, report.draft.line(node), nodes, message);
    }
}

/// Reports chains whole, from the top node with one child down to the first node that has none or several. A node below
/// several parents ends one and begins another, so that each node with one child is in one.
fn single_children(report: &mut Report<'_>, shape: &Shape) {
    let goes_on = |node: usize| shape.only_parent(node).and_then(|parent| shape.only_child(parent)).is_some();
    for top in shape.kept().filter(|&node| shape.only_child(node).is_some() && !goes_on(node)) {
        let mut chain = vec![top];
        let mut next = shape.only_child(top);
        while let Some(child) = next {
            chain.push(child);
            next = shape.only_child(child).filter(|_| goes_on(child));
        }
        let message = match chain.len() {
            2 => format!("\"{}\" has one child: {}", report.draft.label(top), report.list(&chain[1..])),
            _ => format!("{} nodes have one child each: {}", chain.len() - 1, report.list(&chain)),
        };
        report.add(Rule::SingleChild, report.draft.line(top), chain, message);
    }
}

/// Turned round, a tree is a graph in which no node has two children and some have many parents; a table of ranks from
/// the wrong end is many chains that end in the same few names.
fn swapped_columns(report: &mut Report<'_>, shape: &Shape) -> bool {
    let children_at_most_one = shape.kept().all(|node| shape.children(node).len() <= 1);
    let roots = shape.kept().filter(|&node| shape.is_root(node)).count();
    if !children_at_most_one || roots < 2 || shape.edges.is_empty() {
        return false;
    }
    let gathering = shape.kept().filter(|&node| shape.parents(node).len() > 1).count();
    let leaves = || shape.kept().filter(|&node| shape.is_leaf(node) && !shape.is_root(node));
    let leaf_names: HashSet<&str> = leaves().map(|leaf| report.draft.name(leaf)).collect();
    let repeated = leaves().count() - leaf_names.len();
    let message = match (gathering, repeated) {
        (0, 0) => return false,
        (0, _) => format!(
            "no node has two children, and the names of {repeated} of the leaves are those of others: the ranks seem to be \
             from the bottom up"
        ),
        _ => format!(
            "no node has two children, and {gathering} have several parents: the columns of parents and children seem to \
             be swapped"
        ),
    };
    report.add(Rule::ColumnOrder, None, [], message);
    true
}
