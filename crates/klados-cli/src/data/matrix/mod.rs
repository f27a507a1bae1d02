//! Matrices of numbers from files, some rows at a time: `.npy`, `.safetensors`, Parquet and Arrow.
//!
//! Memory is that of a batch, whatever the size of the file. Of Parquet a page of each column is in memory, of Arrow one of
//! the record batches that the file is made of.

pub(crate) mod block;
mod layout;
mod safetensors;
#[cfg(feature = "parquet")]
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::block::Block;
pub(crate) use self::layout::Layout;
use super::npy;
use super::values::Values;

/// What `FILE:NAME` may follow.
const NAMED: [&str; 8] = [".safetensors", ".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc", ".npy"];

/// A matrix in a file.
pub(crate) struct MatrixReader {
    path: PathBuf,
    source: Source,
    columns: usize,
    /// The number of rows that have been read.
    next: usize,
}

/// Some rows of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// The first one's number, from 0.
    pub(crate) first: usize,
    /// How many there are.
    pub(crate) rows: usize,
    /// Row after row.
    pub(crate) values: Values,
}

impl Batch {
    /// The rows from `rows` on, which are taken away; none where there are none.
    pub(crate) fn split_off(&mut self, rows: usize, columns: usize) -> Option<Self> {
        if rows >= self.rows {
            return None;
        }
        let values = self.values.split_off(rows * columns);
        let rest = Self { first: self.first + rows, rows: self.rows - rows, values };
        self.rows = rows;
        Some(rest)
    }
}

enum Source {
    Block(Block),
    #[cfg(feature = "parquet")]
    Table(Box<table::Table>),
}

impl MatrixReader {
    /// Opens a file by its extension. Of `.safetensors` and tables, `FILE:NAME` is the tensor or the column of lists of that
    /// name.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not what its name says, or it is not clear what the matrix is.
    pub(crate) fn open(written: &Path) -> Result<Self> {
        let (path, name) = split(written);
        let extension =
            path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
        let mut source = match (extension.as_str(), name.as_deref()) {
            ("npy", None) => Source::Block(npy::open(&path)?),
            ("npy", Some(name)) => bail!("{}: an .npy file is one array; there is no \"{name}\" in it", path.display()),
            ("safetensors", name) => Source::Block(safetensors::open(&path, name)?),
            #[cfg(feature = "parquet")]
            _ if super::record_file::RecordFile::is_one(&path) => {
                Source::Table(Box::new(table::Table::open(&path, name.as_deref())?))
            }
            #[cfg(not(feature = "parquet"))]
            ("parquet" | "pq" | "arrow" | "arrows" | "feather" | "ipc", _) => {
                bail!("{}: this klados was built without its feature `parquet`", path.display())
            }
            _ => bail!("{}: expected a file named .npy, .safetensors, .parquet, .arrow or .feather", path.display()),
        };
        let columns = match &mut source {
            Source::Block(block) => block.columns,
            #[cfg(feature = "parquet")]
            Source::Table(table) => table.columns()?,
        };
        Ok(Self { path, source, columns, next: 0 })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows there are, where the file says that beforehand.
    pub(crate) fn rows(&self) -> Option<usize> {
        match &self.source {
            Source::Block(block) => Some(block.rows),
            #[cfg(feature = "parquet")]
            Source::Table(table) => table.rows(),
        }
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Checks that the columns are those of a layout, and puts them in its order where they have names.
    ///
    /// # Errors
    ///
    /// Another number of columns, or other names.
    pub(crate) fn arrange(&mut self, layout: &Layout<'_>) -> Result<()> {
        #[cfg(feature = "parquet")]
        if let Source::Table(table) = &mut self.source
            && let Some(names) = table.names()
        {
            let columns = layout.places(&self.path, &names)?;
            table.choose(&columns);
            self.columns = columns.len();
            return Ok(());
        }
        layout.check_count(&self.path, self.rows(), self.columns)
    }

    /// The next rows, at most `limit` of them, which is at least 1; none at the end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn next_batch(&mut self, limit: usize) -> Result<Option<Batch>> {
        let first = self.next;
        let (values, rows) = match &mut self.source {
            Source::Block(block) => {
                let rows = limit.min(block.rows - first);
                if rows == 0 {
                    return Ok(None);
                }
                let cannot = || format!("cannot read {} from row {first} on", self.path.display());
                (block.read(first, rows).with_context(cannot)?, rows)
            }
            #[cfg(feature = "parquet")]
            Source::Table(table) => match table.next(limit, self.columns)? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        self.next += rows;
        Ok(Some(Batch { first, rows, values }))
    }

    /// All rows.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn read_all(&mut self) -> Result<Batch> {
        let rows = self.rows().unwrap_or(usize::MAX).max(1);
        let mut all: Option<Batch> = None;
        // A table comes in pieces, whatever one asks for.
        while let Some(batch) = self.next_batch(rows)? {
            match &mut all {
                None => all = Some(batch),
                Some(all) => {
                    all.rows += batch.rows;
                    all.values.append(batch.values);
                }
            }
        }
        Ok(all.unwrap_or(Batch { first: 0, rows: 0, values: Values::F32(Vec::new()) }))
    }
}

/// `FILE` and `NAME` of `FILE:NAME`.
fn split(written: &Path) -> (PathBuf, Option<String>) {
    let text = written.to_string_lossy();
    let lower = text.to_ascii_lowercase();
    for extension in NAMED {
        if let Some(at) = lower.find(&format!("{extension}:")) {
            let end = at + extension.len();
            return (PathBuf::from(&text[..end]), Some(text[end + 1..].to_owned()));
        }
    }
    (written.to_owned(), None)
}
