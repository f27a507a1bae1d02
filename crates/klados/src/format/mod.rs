//! Hierarchies in files. One file a layout.

mod edges;
mod ranks;
mod table;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::hierarchy::error::list;
use crate::{Hierarchy, HierarchyBuilder, HierarchyError, HierarchyErrorKind as Kind};
use table::Table;

/// How a CSV file holds a hierarchy. By default that is guessed from its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsvOptions {
    /// The layout; guessed where it is not given.
    pub layout: Option<CsvLayout>,
    /// The column of the children in a file of edges; `child` by default.
    pub child_column: Option<String>,
    /// The column of the parents in a file of edges; `parent` by default.
    pub parent_column: Option<String>,
    /// The columns that are ranks, from the top; all columns by default, in the direction that the values show.
    pub rank_columns: Option<Vec<String>>,
}

/// The two layouts of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvLayout {
    /// One edge a line. The same name is the same node.
    Edges,
    /// One column a rank, such as `species,genus,family`; a line is a path, and the path is the identity of a node.
    Ranks,
}

impl CsvOptions {
    /// Everything is guessed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Edges, with these columns for child and parent.
    #[must_use]
    pub fn edges(child_column: impl Into<String>, parent_column: impl Into<String>) -> Self {
        Self {
            layout: Some(CsvLayout::Edges),
            child_column: Some(child_column.into()),
            parent_column: Some(parent_column.into()),
            rank_columns: None,
        }
    }

    /// One column a rank, these ones, from the top.
    #[must_use]
    pub fn ranks<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { layout: Some(CsvLayout::Ranks), rank_columns: Some(columns), ..Self::default() }
    }
}

impl Hierarchy {
    /// Reads a hierarchy from a CSV file with a header.
    ///
    /// A header with the columns `child` and `parent`, in either order, is a file of edges; columns of other names are
    /// asked for by [`CsvOptions::edges`]. Any other header is one column a rank, from the top or from the bottom,
    /// whichever the values show: a more specific rank has more distinct values. An empty parent
    /// makes a node a root, with a warning where there are several roots. Lines may come in any order, with LF or
    /// CRLF, with or without a byte order mark; a field may be quoted; `NA` is a name like any other. Fields are separated
    /// by commas, or by tabs or semicolons where the header has only those.
    ///
    /// # Errors
    ///
    /// With file and line: a cycle, a self-loop, an empty parent of a node that elsewhere has one, an empty name, a line with another number of fields,
    /// text that is not UTF-8, a header that does not say what it holds.
    pub fn from_csv_path(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self, HierarchyError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| HierarchyError::new(Kind::Io, error.to_string()));
        file.and_then(|file| Self::from_csv_reader(file, options))
            .map(|hierarchy| hierarchy.in_file(path))
            .map_err(|error| error.in_file(path))
    }

    /// Reads a hierarchy from CSV text; see [`from_csv_path`](Self::from_csv_path).
    ///
    /// # Errors
    ///
    /// As [`from_csv_path`](Self::from_csv_path), without the file.
    ///
    /// ```
    /// use klados::{Hierarchy, format::CsvOptions};
    ///
    /// let edges = "child,parent\ncrow,bird\nrobin,bird\nbat,mammal\n";
    /// let hierarchy = Hierarchy::from_csv_reader(edges.as_bytes(), &CsvOptions::new())?;
    /// assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["crow", "robin", "bat"]);
    ///
    /// let ranks = "species,genus,family\nCorvus corax,Corvus,Corvidae\nPica pica,Pica,Corvidae\n";
    /// let hierarchy = Hierarchy::from_csv_reader(ranks.as_bytes(), &CsvOptions::new())?;
    /// assert_eq!(hierarchy.rank_names(), ["family", "genus", "species"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn from_csv_reader(reader: impl Read, options: &CsvOptions) -> Result<Self, HierarchyError> {
        let mut table = Table::open(reader)?;
        let mut builder = HierarchyBuilder::new();
        match options.layout.map_or_else(|| guess(&table, options), Ok)? {
            CsvLayout::Edges => edges::read(&mut table, options, &mut builder)?,
            CsvLayout::Ranks => ranks::read(&mut table, options, &mut builder)?,
        }
        builder.at_line(None);
        builder.build()
    }
}

fn guess(table: &Table, options: &CsvOptions) -> Result<CsvLayout, HierarchyError> {
    let names_edges = options.child_column.is_some() || options.parent_column.is_some();
    if names_edges || (table.find("child").is_some() && table.find("parent").is_some()) {
        return Ok(CsvLayout::Edges);
    }
    if options.rank_columns.is_some() || !edges::looks_like_edges(table) {
        return Ok(CsvLayout::Ranks);
    }
    let message = format!(
        "the header has the columns {}, and the same names stand in both: if the lines are edges, say which column is \
         the child and which the parent (child_column and parent_column); expected \"child\" and \"parent\", or one \
         column a rank",
        list(table.header(), 10)
    );
    Err(HierarchyError::new(Kind::Format, message).at_line(Some(1)))
}
