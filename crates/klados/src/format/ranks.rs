//! One column a rank: `species,genus,family`, from the top or from the bottom.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::columns::Columns;
use super::guess::{Confidence, Head};
use super::input::Input;
use super::table::Table;
use super::{Draft, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// The ranks of Linnaean taxonomy from the top, for a table that does not show its direction.
const LINNAEAN: [&str; 9] =
    ["domain", "kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies"];

/// Anything with a header of two columns or more and lines of as many fields.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let table = Table::open(head.bytes()).ok().filter(|table| table.is_even() && !table.is_spaced())?;
    if Columns::have_parents(&table) {
        return None;
    }
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
        None => from_the_top(&table, draft),
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
    table.header_recurs_in_place()
}

/// The columns that are ranks, from the top: in the order of known ranks, else the one with fewer distinct values first, of the
/// first and the last. Where they have equally many, the first is taken to be the top, with a warning.
pub(super) fn from_the_top(table: &Table<'_>, draft: &mut Draft) -> Vec<usize> {
    let mut columns = without_numbers(table, draft);
    let header = table.header();
    let places: Vec<Option<usize>> = columns.iter().map(|&column| known_place(&header[column])).collect();
    let is_sorted = |places: &[usize]| places.is_sorted() || places.iter().rev().is_sorted();
    if let Some(places) = places.iter().copied().collect::<Option<Vec<usize>>>().filter(|places| !is_sorted(places)) {
        let mut by_place: Vec<(usize, usize)> = places.into_iter().zip(columns).collect();
        by_place.sort_unstable();
        columns = by_place.into_iter().map(|(_, column)| column).collect();
        let names = list(columns.iter().map(|&column| &header[column]), usize::MAX);
        draft
            .at_line(Some(1))
            .warn(format!("the columns are no ranks in order; they are read as {names}, from the top"));
        return columns;
    }
    let (first, last) = (columns[0], columns[columns.len() - 1]);
    let distinct = |column: usize| table.peek().map(|record| &record[column]).collect::<HashSet<_>>().len();
    let order = match known_place(&header[first]).zip(known_place(&header[last])) {
        Some((first, last)) => first.cmp(&last),
        None => distinct(first).cmp(&distinct(last)),
    };
    match order {
        Ordering::Less => {}
        Ordering::Greater => columns.reverse(),
        Ordering::Equal if first == last => {}
        Ordering::Equal => {
            let message = format!(
                "the columns \"{}\" and \"{}\" have equally many values: the first is taken to be the top rank",
                header[first], header[last]
            );
            draft.at_line(Some(1)).warn(message);
        }
    }
    columns
}

/// The columns without those of numbers, such as ids and counts, where two others at least are known ranks.
fn without_numbers(table: &Table<'_>, draft: &mut Draft) -> Vec<usize> {
    let header = table.header();
    let all = 0..header.len();
    if all.clone().filter(|&column| known_place(&header[column]).is_some()).count() < 2 {
        return all.collect();
    }
    let is_number = |field: &str| field.is_empty() || field.parse::<f64>().is_ok();
    let are_numbers = |column: usize| {
        known_place(&header[column]).is_none()
            && table.peek().next().is_some()
            && table.peek().all(|record| is_number(&record[column]))
    };
    let (numbers, columns): (Vec<usize>, Vec<usize>) = all.partition(|&column| are_numbers(column));
    if !numbers.is_empty() {
        let names = list(numbers.iter().map(|&column| &header[column]), usize::MAX);
        draft.at_line(Some(1)).warn(format!("columns of numbers are no ranks and are left out: {names}"));
    }
    columns
}

/// How far down a rank is: among those of Linnaeus, or by its number as in `level 2`.
fn known_place(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let numbered =
        name.strip_prefix("level").and_then(|number| number.trim_start_matches([' ', '_', '-']).parse().ok());
    LINNAEAN.iter().position(|rank| *rank == name).or(numbered)
}
