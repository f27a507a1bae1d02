//! One edge a line: `child,parent`, in either order of the columns.

use std::collections::HashSet;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::table::Table;
use super::{Draft, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let table = Table::open(head.bytes()).ok()?;
    if names_edges(&table) {
        return Some(Confidence::Certain);
    }
    shows_edges(&table).then_some(Confidence::Likely)
}

/// Whether a CSV file is one of edges.
pub(super) fn are_in(input: &Input, options: &ReadOptions) -> Result<bool, HierarchyError> {
    let table = Table::open(input.bytes()?)?;
    let asked = options.child_column.is_some() || options.parent_column.is_some();
    Ok(asked || names_edges(&table) || (options.rank_columns.is_none() && shows_edges(&table)))
}

pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut table = Table::open(input.bytes()?)?;
    let asked = options.format.is_some() || options.child_column.is_some() || options.parent_column.is_some();
    if !asked && !names_edges(&table) {
        let message = format!(
            "the header has the columns {}, and the same names stand in both: if the lines are edges, say which column \
             is the child and which the parent (child_column and parent_column); expected \"child\" and \"parent\", or \
             one column a rank",
            list(table.header(), 10)
        );
        return Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)));
    }
    let child = table.column(options.child_column.as_deref().unwrap_or("child"))?;
    let parent = table.column(options.parent_column.as_deref().unwrap_or("parent"))?;
    while let Some(record) = table.next(draft)? {
        // The child first: it appears before the parent.
        let Some(node) = draft.by_name(&record[child]) else { continue };
        // An edge list has no other way to name a root that is a class.
        if record[parent].is_empty() {
            draft.set_root(node);
        } else if let Some(parent) = draft.by_name(&record[parent]) {
            draft.add_edge(parent, node);
        }
    }
    Ok(())
}

fn names_edges(table: &Table<'_>) -> bool {
    table.find("child").is_some() && table.find("parent").is_some()
}

/// Whether two columns of unknown names hold edges: a node that is a child here is a parent there.
fn shows_edges(table: &Table<'_>) -> bool {
    let values = |column: usize| {
        let all = table.peek().map(move |record| &record[column]);
        all.filter(|name| !name.is_empty()).collect::<HashSet<&str>>()
    };
    table.header().len() == 2 && !values(0).is_disjoint(&values(1))
}
