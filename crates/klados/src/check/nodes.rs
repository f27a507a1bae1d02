//! Nodes by themselves: declared, obsolete, said to be roots, with alternative ids.

use std::collections::{HashMap, HashSet};

use super::shape::Shape;
use super::{Report, Rule};

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    let draft = report.draft;
    if shape.kept().next().is_none() && draft.problems().is_empty() {
        let message = if draft.node_count() == 0 { "there is no node" } else { "all nodes are out of use" };
        report.add(Rule::EmptyHierarchy, None, [], message);
    }
    for node in draft.undeclared() {
        let message = format!("\"{}\" is mentioned here and is nowhere declared", draft.label(node));
        report.add_node(Rule::UndeclaredNode, node, message);
    }
    for node in shape.kept().filter(|&node| draft.is_obsolete(node)) {
        let message =
            format!("\"{}\" is out of use, and has {} below it", draft.label(node), shape.children(node).len());
        report.add_node(Rule::ObsoleteSuperclass, node, message);
    }
    check_roots(report, shape);
    check_ranks(report);
    check_alternative_ids(report, shape);
    check_stated_classes(report);
}

fn check_roots(report: &mut Report<'_>, shape: &Shape) {
    for (node, line) in report.draft.stated_roots() {
        if let Some(parent) = shape.parents(node).next() {
            let (root, parent_name) = (report.draft.label(node), report.draft.label(parent));
            let message = format!("\"{root}\" has no parent here, and elsewhere the parent \"{parent_name}\"");
            report.add(Rule::RootWithParent, line, [node, parent], message);
        }
    }
}

fn check_ranks(report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for rank in report.draft.rank_names() {
        if !seen.insert(rank) {
            report.add(Rule::DuplicateRank, None, [], format!("the rank \"{rank}\" is named twice"));
        }
    }
}

fn check_alternative_ids(report: &mut Report<'_>, shape: &Shape) {
    let draft = report.draft;
    if draft.alternative_ids().len() == 0 {
        return;
    }
    let mut owner: HashMap<&str, usize> = shape.kept().filter_map(|node| Some((draft.id(node)?, node))).collect();
    for (node, id) in draft.alternative_ids().filter(|(node, _)| shape.is_kept[*node]) {
        let first = *owner.entry(id).or_insert(node);
        if first != node {
            let (label, other) = (draft.label(node), draft.label(first));
            let message = format!("the alternative id \"{id}\" of \"{label}\" is that of \"{other}\" as well");
            report.add_node(Rule::AlternativeId, node, message);
        }
    }
}

fn check_stated_classes(report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for class in report.draft.stated_classes().filter(|class| !seen.insert(*class)) {
        let message = format!("\"{}\" is stated twice as a class", report.draft.label(class));
        report.add_node(Rule::DuplicateClass, class, message);
    }
}
