//! One edge a line: `child,parent`, in either order of the columns, with or without a header.

use std::collections::HashSet;

use super::class_names::ClassNames;
use super::columns::{Columns, says_class};
use super::guess::{Confidence, Head};
use super::input::Input;
use super::rank_order::order_ranks;
use super::table::Table;
use super::{Draft, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let table = Table::open(head.bytes()).ok()?;
    if Columns::are_named(&table) {
        return Some(Confidence::Certain);
    }
    // Which column the children are in may have to be said. Bars are between the names of paths as well.
    let show = || !table.has_bars() && Columns::show_edges(&table);
    (Columns::have_parents(&table) || show()).then_some(Confidence::Likely)
}

/// Whether a file with columns is one of edges.
pub(super) fn are_in(input: &Input, options: &ReadOptions) -> Result<bool, HierarchyError> {
    let table = Table::open(input.bytes()?)?;
    let asked = options.child_column.is_some() || options.parent_column.is_some();
    let seen = || Columns::have_parents(&table) || Columns::show_edges(&table);
    Ok(asked || Columns::are_named(&table) || (options.rank_columns.is_none() && seen()))
}

pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut table = Table::open(input.bytes()?)?;
    let columns = Columns::find(&mut table, options, draft)?;
    let names = ClassNames::beside(input, &table)?;
    let by_id = columns.name.is_some() || names.is_some();
    let (mut with_lines, mut classes, mut synonyms) = (HashSet::new(), HashSet::new(), 0_usize);
    while let Some(record) = table.next(draft)? {
        let accepted = columns.accepted.map(|accepted| &record[accepted]);
        if let Some(accepted) = accepted.filter(|id| by_id && !id.is_empty() && *id != &record[columns.child]) {
            synonyms += 1;
            if let Some(node) = draft.by_id(accepted) {
                draft.add_alternative_id(node, &record[columns.child]);
                draft.add_synonym(node, &record[columns.name.unwrap_or(columns.child)]);
            }
            continue;
        }
        // The child first: it appears before the parent.
        let Some(node) = node(draft, by_id, &record[columns.child]) else { continue };
        if columns.name.is_some() {
            with_lines.insert(node);
        }
        if let Some(name) = columns.name.map(|name| &record[name]).filter(|name| !name.is_empty()) {
            name_node(draft, node, name);
        }
        if let Some(id) = columns.id.map(|id| &record[id]).filter(|id| !id.is_empty()) {
            draft.set_id(node, id);
        }
        let rank = columns.rank.map(|rank| &record[rank]);
        // "no rank - terminal" is one of Open Tree's.
        if let Some(rank) = rank.filter(|rank| !rank.is_empty() && !rank.starts_with("no rank")) {
            draft.set_rank(node, rank);
        }
        match columns.class.map(|class| &record[class]) {
            None => {}
            Some(field) => match says_class(field) {
                // A node with several parents has several lines.
                Some(true) if classes.insert(node) => draft.set_class(node),
                Some(_) => {}
                None => draft.problem(Kind::Format, format!("the class is \"{field}\"; expected true or false")),
            },
        }
        let several = |char| columns.several_parents && matches!(char, '|' | ';');
        let mut has_parent = false;
        for parent in record[columns.parent].split(several).map(str::trim).filter(|parent| !parent.is_empty()) {
            has_parent = true;
            if let Some(parent) = self::node(draft, by_id, parent) {
                draft.add_edge(parent, node);
            }
        }
        // An edge list has no other way to name a root that is a class.
        if !has_parent {
            draft.set_root(node);
        }
    }
    draft.at_line(None);
    if synonyms > 0 {
        draft.warn(format!("{synonyms} lines are synonyms of other nodes, by which these are found, and no nodes"));
    }
    if columns.name.is_some() {
        warn_of_nodes_without_a_line(draft, &with_lines);
    }
    if let Some(names) = names {
        names.give(draft);
    }
    order_ranks(draft);
    Ok(())
}

/// With ids, a parent that has no line has no name either.
fn warn_of_nodes_without_a_line(draft: &mut Draft, with_lines: &HashSet<usize>) {
    let without = (0..draft.node_count()).filter(|node| !with_lines.contains(node));
    let without: Vec<String> = without.map(|node| draft.label(node).into_owned()).collect();
    if !without.is_empty() {
        let (count, names) = (without.len(), list(&without, 5));
        draft.warn(format!(
            "{count} ids of parents have no line of their own: {names}; where one stands for no parent, leave the field empty"
        ));
    }
}

fn node(draft: &mut Draft, by_id: bool, text: &str) -> Option<usize> {
    if by_id { draft.by_id(text) } else { draft.by_name(text) }
}

/// A node with several parents has several lines, and the same name in all of them.
pub(super) fn name_node(draft: &mut Draft, node: usize, name: &str) {
    let known = draft.name(node);
    if Some(known) != draft.id(node) && known != name {
        let message = format!("\"{}\" is named \"{name}\" here, which is taken", draft.label(node));
        draft.warn(message);
    }
    draft.set_name(node, name);
}
