//! CSV files with a header by themselves: edges or ranks, no other format.

use std::io::Read;
use std::path::Path;

use super::input::Input;
use super::{Format, ReadOptions, draft, edges};
use crate::{Hierarchy, HierarchyError};

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

    fn read_options(&self) -> ReadOptions {
        let format = self.layout.map(|layout| match layout {
            CsvLayout::Edges => Format::Edges,
            CsvLayout::Ranks => Format::Ranks,
        });
        ReadOptions {
            format,
            child_column: self.child_column.clone(),
            parent_column: self.parent_column.clone(),
            rank_columns: self.rank_columns.clone(),
            ..ReadOptions::default()
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
    /// whichever known names of ranks or else the values show: a more specific rank has more distinct values. An empty parent
    /// makes a node a root, with a warning where there are several roots. Lines may come in any order, with LF or
    /// CRLF, with or without a byte order mark; a field may be quoted; `NA` is a name like any other. Fields are separated
    /// by what makes the first lines even: commas, tabs, semicolons or bars, or what a first line `sep=;` states. Where there
    /// are tabs or bars, and a quote that is not around a whole field, quotes are part of the names, with a warning.
    ///
    /// # Errors
    ///
    /// With file and line: a cycle, a self-loop, an empty parent of a node that elsewhere has one, an empty name, a line with another number of fields,
    /// text that is not UTF-8, a header that does not say what it holds.
    pub fn from_csv_path(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self, HierarchyError> {
        let path = path.as_ref();
        let options = options.read_options();
        let read = || hierarchy(&Input::open(path, &options.limits)?, &options);
        read().map(|hierarchy| hierarchy.in_file(path)).map_err(|error| error.in_file(path))
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
        let options = options.read_options();
        hierarchy(&Input::from_reader(reader, &options.limits)?, &options)
    }
}

fn hierarchy(input: &Input, options: &ReadOptions) -> Result<Hierarchy, HierarchyError> {
    let format = match options.format {
        Some(format) => format,
        None if edges::are_in(input, options)? => Format::Edges,
        None => Format::Ranks,
    };
    draft(input, format, options).build()
}
