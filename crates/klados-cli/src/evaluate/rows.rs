//! Rows from files: the matrices of one or several models side by side, with labels, groups and weights.

use std::path::Path;

use anyhow::{Result, bail};

use crate::data::labels::LabelRow;
use crate::data::matrix::{Batch, MatrixReader};
use crate::data::texts::Texts;

/// Rows of all models.
pub(crate) struct RowBatch {
    /// The first one's number, from 0.
    pub(crate) first: usize,
    /// How many there are.
    pub(crate) rows: usize,
    /// By model.
    pub(crate) matrices: Vec<Batch>,
    /// By row; empty where there is no file of them. So are the others.
    pub(crate) labels: Vec<LabelRow>,
    /// By row.
    pub(crate) groups: Vec<LabelRow>,
    /// By row.
    pub(crate) weights: Vec<LabelRow>,
}

/// Files that have the same rows.
pub(crate) struct RowReader {
    models: Vec<Model>,
    /// Labels, groups and weights, those that there are.
    texts: [Option<Texts>; 3],
    /// At most so many rows a batch.
    limit: usize,
    next: usize,
    /// How many there are, where that is known beforehand.
    rows: Option<usize>,
}

struct Model {
    reader: MatrixReader,
    /// What its file had more than the shortest batch of all files.
    pending: Option<Batch>,
}

/// What the texts are, by their place.
const TEXTS: [&str; 3] = ["labels", "groups", "weights"];

impl RowReader {
    /// Of matrices with the labels, groups and weights of their rows; batches have at most `limit` rows.
    ///
    /// # Errors
    ///
    /// Files that say beforehand that they have other numbers of rows.
    pub(crate) fn new(matrices: Vec<MatrixReader>, texts: [Option<Texts>; 3], limit: usize) -> Result<Self> {
        let mut known: Option<(&Path, usize)> = None;
        for reader in &matrices {
            let Some(rows) = reader.rows() else { continue };
            match known {
                Some((file, other)) if other != rows => {
                    bail!(
                        "{} has {other} rows, but {} has {rows}: expected the same rows in all files",
                        file.display(),
                        reader.path().display()
                    );
                }
                _ => known = Some((reader.path(), rows)),
            }
        }
        let mut rows = known.map(|(_, rows)| rows);
        // What is found at the end of the files otherwise, after a long computation.
        for (reader, what) in texts.iter().zip(TEXTS) {
            let Some(reader) = reader else { continue };
            match known {
                // An Arrow file does not say how many rows it has.
                None if rows.is_none() => rows = Some(reader.count()),
                None => {}
                Some((file, rows)) => {
                    let found = reader.count();
                    if found == rows {
                        continue;
                    }
                    let (texts, file) = (reader.path().display(), file.display());
                    bail!("{texts} has {found} {what}, but {file} has {rows} rows: expected one a row");
                }
            }
        }
        let models = matrices.into_iter().map(|reader| Model { reader, pending: None }).collect();
        Ok(Self { models, texts, limit: limit.max(1), next: 0, rows })
    }

    /// How many rows there are, where that is known beforehand: a matrix says it, or the labels do.
    pub(crate) fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or ends before the others.
    pub(crate) fn next(&mut self) -> Result<Option<RowBatch>> {
        let first = self.next;
        let mut rows = usize::MAX;
        for model in &mut self.models {
            if model.pending.is_none() {
                model.pending = model.reader.next_batch(self.limit)?;
            }
            rows = rows.min(model.pending.as_ref().map_or(0, |batch| batch.rows));
        }
        if let Some(longer) = self.models.iter().find(|model| rows == 0 && model.pending.is_some()) {
            let short = self.models.iter().find(|model| model.pending.is_none());
            let short = short.map(|model| model.reader.path().display().to_string()).unwrap_or_default();
            bail!(
                "{short} has {first} rows, but {} has more: expected the same rows in all files",
                longer.reader.path().display()
            );
        }
        let mut texts: [Vec<LabelRow>; 3] = Default::default();
        for ((reader, texts), what) in self.texts.iter_mut().zip(&mut texts).zip(TEXTS) {
            let (Some(reader), Some(model)) = (reader, self.models.first()) else { continue };
            // At the end of the matrices: is there one more?
            *texts = reader.next_batch(rows.max(1));
            if texts.len() != rows {
                let (shown, file) = (reader.path().display(), model.reader.path().display());
                match rows {
                    0 => bail!("{shown} has more than {first} {what}, but {file} has {first} rows: expected one a row"),
                    _ => bail!(
                        "{shown} has {} {what}, but {file} has more rows: expected one a row",
                        first + texts.len()
                    ),
                }
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut matrices = Vec::with_capacity(self.models.len());
        for model in &mut self.models {
            let Some(mut batch) = model.pending.take() else { continue };
            model.pending = batch.split_off(rows, model.reader.columns());
            batch.first = first;
            matrices.push(batch);
        }
        self.next += rows;
        let [labels, groups, weights] = texts;
        Ok(Some(RowBatch { first, rows, matrices, labels, groups, weights }))
    }
}
