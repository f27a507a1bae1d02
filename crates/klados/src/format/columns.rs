//! Which column of a list of edges is what.

use std::collections::HashSet;

use super::table::Table;
use super::{Draft, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Names of columns, in lower case without spaces, `_` and `-`; the first that is there is taken. Those of Darwin Core,
/// in which biologists exchange taxonomies, are among them.
const PARENT: [&str; 11] = [
    "parent",
    "parentid",
    "parentname",
    "parentnode",
    "parentkey",
    "parentcode",
    "parentuid",
    "parenttaxonid",
    "parentnameusageid",
    SEVERAL_PARENTS[0],
    SEVERAL_PARENTS[1],
];
const SEVERAL_PARENTS: [&str; 2] = ["parents", "parentids"];
const CHILD: [&str; 2] = ["child", "node"];
const ID: [&str; 8] = ["id", "childid", "nodeid", "taxonid", "key", "code", "uid", "identifier"];
const NAME: [&str; 6] = ["name", "label", "title", "canonicalname", "scientificname", "displayname"];
/// Whether a node is a class, where nothing but [answers](says_class) stands there: the rank of this name has names of taxa.
const CLASS: [&str; 2] = ["class", "isclass"];
const RANK: [&str; 2] = ["rank", "taxonrank"];
/// The id of the node that a line has another name of.
const ACCEPTED: [&str; 2] = ["acceptednameusageid", "acceptedid"];

/// The places of the columns.
pub(super) struct Columns {
    /// What parents refer to: ids where there are names beside them, else names.
    pub(super) child: usize,
    pub(super) parent: usize,
    /// The name, where the child is an id.
    pub(super) name: Option<usize>,
    /// The id, where the child is a name.
    pub(super) id: Option<usize>,
    pub(super) rank: Option<usize>,
    /// Whether the node is a class.
    pub(super) class: Option<usize>,
    /// Where it holds another id than that of the line, this is a synonym.
    pub(super) accepted: Option<usize>,
    /// Whether a field holds all parents, with `|` or `;` between them.
    pub(super) several_parents: bool,
}

impl Columns {
    /// Of names alone.
    fn alone(child: usize, parent: usize) -> Self {
        Self { child, parent, name: None, id: None, rank: None, class: None, accepted: None, several_parents: false }
    }

    /// Whether the header names the columns of edges.
    pub(super) fn are_named(table: &Table<'_>) -> bool {
        Self::named(table).is_some()
    }

    /// Whether the header names the parents, so that the file has edges, whatever the other columns are.
    pub(super) fn have_parents(table: &Table<'_>) -> bool {
        find(&plain(table), &PARENT).is_some()
    }

    fn named(table: &Table<'_>) -> Option<Self> {
        let header = plain(table);
        let find = |names: &[&str]| find(&header, names);
        let parent = find(&PARENT)?;
        // Of several ids that which parents are told by: an archive may have its own number beside that of the taxon.
        let ids = ID.iter().rev().filter_map(|name| header.iter().position(|column| column == name));
        let id = ids.max_by_key(|&id| parents_are_in(table, parent, id));
        let name = find(&NAME);
        let other = (header.len() == 2).then_some(1 - parent.min(1));
        let identity = find(&CHILD).or(id).or(name).or(other)?;
        let several_parents = SEVERAL_PARENTS.contains(&header[parent].as_str());
        let (rank, accepted) = (find(&RANK), find(&ACCEPTED));
        let class = class_column(table, [identity, parent]);
        let columns = Self { child: identity, parent, name, id: None, rank, class, accepted, several_parents };
        Some(match name {
            Some(name) if name == identity => Self { name: None, ..columns },
            Some(name) if parents_are_in(table, parent, name) > parents_are_in(table, parent, identity) => {
                Self { child: name, name: None, id: Some(identity), ..columns }
            }
            _ => columns,
        })
    }

    /// Whether two columns of unknown names hold edges: a node that is a child here is a parent there.
    pub(super) fn show_edges(table: &Table<'_>) -> bool {
        table.header().len() == 2 && (table.is_even() || table.has_commas()) && {
            let (mut first, mut second) = (values(table, 0), values(table, 1));
            if table.header_recurs() {
                first.insert(&table.header()[0]);
                second.insert(&table.header()[1]);
            }
            !first.is_disjoint(&second)
        }
    }

    /// The columns that are asked for, that the header names, or that the values show.
    pub(super) fn find(
        table: &mut Table<'_>,
        options: &ReadOptions,
        draft: &mut Draft,
    ) -> Result<Self, HierarchyError> {
        if options.child_column.is_some() || options.parent_column.is_some() {
            table.check_header()?;
            let child = table.column(options.child_column.as_deref().unwrap_or("child"))?;
            let parent = table.column(options.parent_column.as_deref().unwrap_or("parent"))?;
            let find = |names: &[&str]| find(&plain(table), names).filter(|column| ![child, parent].contains(column));
            let (name, rank) = (find(&NAME), find(&RANK));
            let class = class_column(table, [child, parent]);
            return Ok(Self { name, rank, class, ..Self::alone(child, parent) });
        }
        if let Some(columns) = Self::named(table) {
            table.check_header()?;
            return Ok(columns);
        }
        if table.header().len() != 2 {
            let message = format!(
                "the header has the columns {}; expected \"child\" and \"parent\", or say which they are \
                 (--child-column and --parent-column, in code child_column and parent_column)",
                list(table.header(), 20)
            );
            return Err(HierarchyError::new(Kind::Format, message).at_line(table.header_line()));
        }
        let header: Vec<String> = table.header().to_vec();
        let is_data = table.header_recurs();
        if is_data {
            table.without_header();
        } else {
            table.check_header()?;
        }
        // Every node but the roots is a child, and those with children are parents.
        let (first, second) = (values(table, 0).len(), values(table, 1).len());
        if first == second {
            let message = format!(
                "the first line is {}, and both columns have equally many names, so that neither shows which is the \
                 parent: say it (--child-column and --parent-column, in code child_column and parent_column), or write a first line with \"child\" and \"parent\"",
                list(&header, 2)
            );
            return Err(HierarchyError::new(Kind::Format, message).at_line(table.header_line()));
        }
        let (child, parent) = if first > second { (0, 1) } else { (1, 0) };
        let message = format!(
            "the columns are not named: \"{}\" is taken to be the parent, as it has fewer names",
            table.header()[parent]
        );
        draft.at_line(table.header_line()).warn(message);
        if is_data {
            draft.warn("a name of the first line stands below as well: it is taken to be an edge, and no header");
        }
        Ok(Self::alone(child, parent))
    }
}

/// The header in lower case, without what is between words, and without a vocabulary before a colon, as in `dwc:taxonID`.
fn plain(table: &Table<'_>) -> Vec<String> {
    let plain = |name: &String| name.to_lowercase().replace([' ', '_', '-'], "");
    table.header().iter().map(plain).map(|name| name.rsplit(':').next().unwrap_or_default().to_owned()).collect()
}

/// The place of the first of these names in a header.
fn find(header: &[String], names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| header.iter().position(|column| column == name))
}

/// The column that says which nodes are classes, which is none of these.
fn class_column(table: &Table<'_>, others: [usize; 2]) -> Option<usize> {
    let column = find(&plain(table), &CLASS).filter(|column| !others.contains(column))?;
    let answers = || table.peek().map(|record| says_class(&record[column]));
    (answers().all(|answer| answer.is_some()) && answers().any(|answer| answer == Some(true))).then_some(column)
}

/// Whether a field says that the node is a class; `None` where it says neither.
pub(super) fn says_class(field: &str) -> Option<bool> {
    match field.to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" | "" => Some(false),
        _ => None,
    }
}

/// How many of the first parents stand in a column.
fn parents_are_in(table: &Table<'_>, parent: usize, column: usize) -> usize {
    let known = values(table, column);
    values(table, parent).intersection(&known).count()
}

/// The values of a column in the first lines.
fn values<'t>(table: &'t Table<'_>, column: usize) -> HashSet<&'t str> {
    table.peek().map(|record| &record[column]).filter(|name| !name.is_empty()).collect()
}
