//! The WordTree of YOLO9000: a node and the number of its parent's line a line.

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Two words a line, the second a number of a line, or -1 at least once.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let lines: Vec<&str> = head.text().lines().filter(|line| !line.trim().is_empty()).collect();
    let nodes: Option<Vec<(&str, i64)>> = lines.iter().map(|line| split(line)).collect();
    let nodes = nodes?;
    let in_file = |parent: i64| parent < nodes.len() as i64 || !head.is_whole();
    if !nodes.iter().any(|(_, parent)| *parent == -1) || !nodes.iter().all(|&(_, parent)| in_file(parent)) {
        return None;
    }
    // Numbers with -1 for a root may as well be edges.
    let are_numbers = nodes.iter().all(|(name, _)| name.parse::<i64>().is_ok());
    Some(if are_numbers { Confidence::Possible } else { Confidence::Certain })
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut lines = Lines::new(input)?;
    // By place in the file, also of lines that are none: parents are counted from 0.
    let mut nodes: Vec<Option<usize>> = Vec::new();
    let mut parents: Vec<(usize, i64, u64)> = Vec::new();
    let mut last = 0;
    while let Some((number, line)) = lines.next(draft) {
        // Lines that are passed over count too.
        nodes.resize(nodes.len() + (number - last - 1) as usize, None);
        last = number;
        let node = match split(line) {
            Some((name, parent)) => {
                let node = draft.declare(name, "");
                parents.extend(node.map(|node| (node, parent, number)));
                node
            }
            None if line.trim().is_empty() => None,
            None => {
                let message = format!("\"{line}\"; expected a name and the number of its parent's line, from 0, or -1");
                draft.problem(Kind::Format, message);
                None
            }
        };
        nodes.push(node);
    }
    for &(node, parent, line) in &parents {
        draft.at_line(Some(line));
        match usize::try_from(parent).ok().map(|parent| nodes.get(parent)) {
            None => {}
            Some(Some(&Some(parent))) => draft.add_edge(parent, node),
            Some(Some(None)) => {
                draft.problem(Kind::MissingParent, format!("the parent {parent} is a line without a node"));
            }
            Some(None) => {
                let message = format!("there is no parent {parent}: the lines are 0 to {}", nodes.len() - 1);
                draft.problem(Kind::MissingParent, message);
            }
        }
    }
    draft.at_line(None);
    name_from_beside(input, &nodes, draft)
}

/// A name without spaces, and the number of the parent.
fn split(line: &str) -> Option<(&str, i64)> {
    let mut words = line.split_whitespace();
    let (name, parent) = (words.next()?, words.next()?.parse().ok()?);
    Some((name, parent)).filter(|_| words.next().is_none() && parent >= -1)
}

/// `9k.names` beside `9k.tree` has what people call the nodes, line by line.
fn name_from_beside(input: &Input, nodes: &[Option<usize>], draft: &mut Draft) -> Result<(), HierarchyError> {
    let Some(stem) = input.path().and_then(|path| path.file_stem()).and_then(|stem| stem.to_str()) else {
        return Ok(());
    };
    let file = format!("{stem}.names");
    let Some(names) = input.beside(&file)? else { return Ok(()) };
    let in_file = |error: HierarchyError| match names.path() {
        Some(path) => error.in_file(path),
        None => error,
    };
    let names: Vec<&str> = names.text().map_err(in_file)?.lines().collect();
    if names.len() != nodes.len() {
        let message = format!("{file} has {} names for {} nodes, and is not read", names.len(), nodes.len());
        draft.warn(message);
        return Ok(());
    }
    for (node, name) in nodes.iter().zip(names) {
        if let (Some(node), false) = (node, name.trim().is_empty()) {
            draft.set_name(*node, name);
        }
    }
    Ok(())
}
