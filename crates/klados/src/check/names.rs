//! Names: the same one for several nodes, nearly the same ones, and characters that are not what they seem.

use super::shape::Shape;
use super::text::{before_garbling, has_odd_space, invisible, is_composed};
use super::{Report, Rule};
use crate::matching::key;

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    for node in shape.kept() {
        check_characters(report, node);
    }
    check_likeness(report, shape);
}

fn check_characters(report: &mut Report<'_>, node: usize) {
    let name = report.draft.name(node);
    if name.is_ascii() && invisible(name).is_none() && !has_odd_space(name) {
        return;
    }
    if has_odd_space(name) {
        report.add_node(Rule::OddSpace, node, format!("the spaces in {name:?} are several, or of another kind"));
    }
    if let Some(char) = invisible(name) {
        let message = format!("{name:?} holds the character U+{:04X}, which is not seen", u32::from(char));
        report.add_node(Rule::InvisibleCharacter, node, message);
    }
    if !is_composed(name) {
        report.add_node(Rule::NotNfc, node, format!("\"{name}\" is not in Unicode's normal form C"));
    }
    if let Some(before) = before_garbling(name) {
        let message = format!("\"{name}\" is \"{before}\" as UTF-8 that was read as Latin-1 or Windows-1252");
        report.add_node(Rule::GarbledName, node, message);
    } else if name.contains('\u{fffd}') {
        let message = format!("\"{name}\" holds U+FFFD, which stands for what could not be decoded");
        report.add_node(Rule::GarbledName, node, message);
    }
}

fn check_likeness(report: &mut Report<'_>, shape: &Shape) {
    let draft = report.draft;
    let mut keyed: Vec<(String, &str, usize)> =
        shape.kept().map(|node| (key(draft.name(node)), draft.name(node), node)).collect();
    keyed.sort_unstable();
    for like in keyed.chunk_by(|a, b| a.0 == b.0) {
        let names: Vec<&[(String, &str, usize)]> = like.chunk_by(|a, b| a.1 == b.1).collect();
        if names.len() > 1 && !like[0].0.is_empty() {
            // The first node of each name, in the order of the input.
            let mut nodes: Vec<usize> = names.iter().map(|same| same[0].2).collect();
            nodes.sort_unstable();
            let message = format!("these names differ in case, spaces or the like alone: {}", report.list(&nodes));
            report.add(Rule::NearDuplicateName, last_line(report, &nodes), nodes, message);
        }
        for same in names.iter().filter(|same| same.len() > 1) {
            let nodes: Vec<usize> = same.iter().map(|(_, _, node)| *node).collect();
            let message = homonym(report, shape, same[0].1, &nodes);
            report.add(Rule::Homonym, last_line(report, &nodes), nodes, message);
        }
    }
}

/// Says where the nodes are: by their ids, else by a parent of each.
fn homonym(report: &Report<'_>, shape: &Shape, name: &str, nodes: &[usize]) -> String {
    let draft = report.draft;
    if nodes.iter().all(|&node| draft.id(node).is_some()) {
        return format!("{} nodes have the name \"{name}\": {}", nodes.len(), report.list(nodes));
    }
    let parents: Vec<usize> = nodes.iter().filter_map(|&node| shape.parents(node).next()).collect();
    format!("{} nodes have the name \"{name}\", below {}", nodes.len(), report.list(&parents))
}

/// The line of the node that came last.
fn last_line(report: &Report<'_>, nodes: &[usize]) -> Option<u64> {
    nodes.iter().filter_map(|&node| report.draft.line(node)).max()
}
