//! One edge a line: `child,parent`, in either order of the columns.

use std::collections::HashSet;

use super::CsvOptions;
use super::table::Table;
use crate::{HierarchyBuilder, HierarchyError};

pub(super) fn read(
    table: &mut Table,
    options: &CsvOptions,
    builder: &mut HierarchyBuilder,
) -> Result<(), HierarchyError> {
    let child = table.column(options.child_column.as_deref().unwrap_or("child"))?;
    let parent = table.column(options.parent_column.as_deref().unwrap_or("parent"))?;
    while let Some((line, record)) = table.next()? {
        builder.at_line(Some(line));
        // An edge list has no other way to name a root that is a class.
        if record[parent].is_empty() {
            builder.add_root(&record[child])?;
        } else {
            builder.add_edge(&record[parent], &record[child])?;
        }
    }
    Ok(())
}

/// Whether two columns of unknown names hold edges: a node that is a child here is a parent there.
pub(super) fn looks_like_edges(table: &Table) -> bool {
    let values = |column: usize| {
        let all = table.peek().iter().map(move |record| &record[column]);
        all.filter(|name| !name.is_empty()).collect::<HashSet<&str>>()
    };
    table.header().len() == 2 && !values(0).is_disjoint(&values(1))
}
