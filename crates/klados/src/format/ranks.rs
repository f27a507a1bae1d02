//! One column a rank: `species,genus,family`, from the top or from the bottom.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::columns::Columns;
use super::guess::{Confidence, Head};
use super::input::Input;
use super::repeated::Repeated;
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
    if Columns::have_parents(&table) || (table.has_bars() && known_ranks(&table) < 2) {
        return None;
    }
    Some(match (table.peek().next(), &*head.extension()) {
        _ if table.is_stated() || table.has_bars() => Confidence::Likely,
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
        draft
            .at_line(table.header_line())
            .warn("the names of the first line stand below as well: it is taken to be no header");
        table.without_header();
    }
    let columns: Vec<usize> = match &options.rank_columns {
        Some(names) => names.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?,
        None => from_the_top(&table, draft),
    };
    if is_named {
        draft.set_rank_names(columns.iter().map(|&column| table.header()[column].clone()));
    }
    let (mut repeated, mut gaps) = (Repeated::default(), Gaps::default());
    while let Some(record) = table.next(draft)? {
        let path = columns.iter().enumerate().map(|(rank, &column)| (&record[column], is_named.then_some(rank)));
        let path: Vec<_> = path.filter(|(name, _)| !name.is_empty()).collect();
        if path.is_empty() {
            draft.problem(Kind::EmptyName, "a line without a name");
            continue;
        }
        gaps.see(draft, record[columns[0]].is_empty());
        if let Some(node) = draft.add_path(path) {
            repeated.see(draft, node);
        }
    }
    repeated.tell(draft);
    gaps.tell(draft, &table.header()[columns[0]]);
    Ok(())
}

/// Lines without the top rank, below one that has it: of cells that are merged in a spreadsheet the first alone is filled.
#[derive(Default)]
struct Gaps {
    above_is_filled: bool,
    first: Option<u64>,
    count: usize,
}

impl Gaps {
    fn see(&mut self, draft: &Draft, is_empty: bool) {
        self.above_is_filled |= !is_empty;
        if is_empty && self.above_is_filled {
            self.first = self.first.or(draft.current_line());
            self.count += 1;
        }
    }

    fn tell(&self, draft: &mut Draft, top: &str) {
        if self.count > 0 {
            let message = format!(
                "{} of the lines from here on have no \"{top}\", so that what they name is at the top; where cells were merged \
                 in a spreadsheet, fill the empty ones down first",
                self.count
            );
            draft.at_line(self.first).warn(message);
        }
    }
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
            .at_line(table.header_line())
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
            draft.at_line(table.header_line()).warn(message);
        }
    }
    columns
}

/// The columns without those of numbers, such as ids and counts, where two others at least are known ranks.
fn without_numbers(table: &Table<'_>, draft: &mut Draft) -> Vec<usize> {
    let header = table.header();
    let all = 0..header.len();
    if known_ranks(table) < 2 {
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
        draft.at_line(table.header_line()).warn(format!("columns of numbers are no ranks and are left out: {names}"));
    }
    columns
}

/// How many columns have the name of a known rank.
fn known_ranks(table: &Table<'_>) -> usize {
    table.header().iter().filter(|name| known_place(name).is_some()).count()
}

/// How far down a rank is: among those of Linnaeus, or by its number as in `level 2`.
fn known_place(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    let numbered =
        name.strip_prefix("level").and_then(|number| number.trim_start_matches([' ', '_', '-']).parse().ok());
    LINNAEAN.iter().position(|rank| *rank == name).or(numbered)
}
