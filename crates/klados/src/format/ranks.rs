//! One column a rank: `species,genus,family`, from the top or from the bottom.

use std::collections::HashSet;

use super::columns::Columns;
use super::guess::{Confidence, Head};
use super::input::Input;
use super::table::Table;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// The ranks of Linnaean taxonomy from the top, for a table that does not show its direction.
const LINNAEAN: [&str; 9] =
    ["domain", "kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies"];

/// Anything with a header of two columns or more and lines of as many fields.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let table = Table::open(head.bytes()).ok().filter(|table| table.is_even() && !table.is_spaced())?;
    Some(match (table.peek().next(), &*head.extension()) {
        (Some(_), "csv" | "tsv") if !Columns::show_edges(&table) => Confidence::Likely,
        _ => Confidence::Possible,
    })
}

pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut table = Table::open(input.bytes()?)?;
    let is_named = options.rank_columns.is_some() || !is_without_header(&table);
    if is_named {
        table.check_header()?;
    } else {
        draft.at_line(Some(1)).warn("the names of the first line stand below as well: it is taken to be no header");
        table.without_header();
    }
    let columns: Vec<usize> = match &options.rank_columns {
        Some(names) => names.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?,
        None => {
            let all = 0..table.header().len();
            if from_the_top(&table, draft) { all.collect() } else { all.rev().collect() }
        }
    };
    if is_named {
        draft.set_rank_names(columns.iter().map(|&column| table.header()[column].clone()));
    }
    while let Some(record) = table.next(draft)? {
        let path = columns.iter().enumerate().map(|(rank, &column)| (&record[column], is_named.then_some(rank)));
        let path: Vec<_> = path.filter(|(name, _)| !name.is_empty()).collect();
        if path.is_empty() {
            draft.problem(Kind::EmptyName, "a line without a name");
        } else {
            draft.add_path(path);
        }
    }
    Ok(())
}

/// Whether the first line is a path like the others.
pub(super) fn is_without_header(table: &Table<'_>) -> bool {
    table.header_recurs()
}

/// Whether the first column is the top rank: by the names of the ranks where they are known, else because it has fewer
/// distinct values than the last. Where they have equally many, the first is taken to be the top, with a warning.
pub(super) fn from_the_top(table: &Table<'_>, draft: &mut Draft) -> bool {
    let last = table.header().len() - 1;
    let distinct = |column: usize| table.peek().map(|record| &record[column]).collect::<HashSet<_>>().len();
    if let Some((first, last)) = known_place(&table.header()[0]).zip(known_place(&table.header()[last])) {
        return first < last;
    }
    match distinct(0).cmp(&distinct(last)) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => {
            let message = format!(
                "the columns \"{}\" and \"{}\" have equally many values: the first is taken to be the top rank",
                table.header()[0],
                table.header()[last]
            );
            draft.at_line(Some(1)).warn(message);
            true
        }
    }
}

/// How far down a rank is: among those of Linnaeus, or by its number as in `level 2`.
fn known_place(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let numbered =
        name.strip_prefix("level").and_then(|number| number.trim_start_matches([' ', '_', '-']).parse().ok());
    LINNAEAN.iter().position(|rank| *rank == name).or(numbered)
}
