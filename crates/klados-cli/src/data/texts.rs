//! The labels of all rows, or other texts with one a row, in memory: each spelling once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::labels::{LabelReader, LabelRow};

/// The texts of a file, read in one pass, so that a pipe will do; 12 bytes a row, and the spellings.
pub(crate) struct Texts {
    path: PathBuf,
    spellings: Vec<String>,
    /// By row, the place of its spelling, and its line.
    rows: Vec<u32>,
    lines: Vec<u64>,
    next: usize,
}

impl Texts {
    /// Reads a file: see [`LabelReader::open`].
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or it is not clear which column holds the texts.
    pub(crate) fn read(path: &Path, column: Option<&str>, usual: &'static str) -> Result<Self> {
        let mut reader = LabelReader::open(path, column, usual)?;
        let mut places: HashMap<String, u32> = HashMap::new();
        let mut texts =
            Self { path: path.to_owned(), spellings: Vec::new(), rows: Vec::new(), lines: Vec::new(), next: 0 };
        while let Some(LabelRow { line, text }) = reader.next()? {
            let place = match places.get(&text) {
                Some(place) => *place,
                None => {
                    let place = u32::try_from(texts.spellings.len())
                        .with_context(|| format!("{}: more than 2^32 different texts", path.display()))?;
                    texts.spellings.push(text.clone());
                    places.insert(text, place);
                    place
                }
            };
            texts.rows.push(place);
            texts.lines.push(line);
        }
        Ok(texts)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// All spellings, each once, in the order of their first rows.
    pub(crate) fn spellings(&self) -> &[String] {
        &self.spellings
    }

    /// The next texts, at most `limit`.
    pub(crate) fn next_batch(&mut self, limit: usize) -> Vec<LabelRow> {
        let end = self.rows.len().min(self.next.saturating_add(limit));
        let row =
            |row: usize| LabelRow { line: self.lines[row], text: self.spellings[self.rows[row] as usize].clone() };
        let batch = (self.next..end).map(row).collect();
        self.next = end;
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_is_kept_once_and_each_row_has_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("labels.csv");
        // The second label goes over two lines.
        std::fs::write(&path, "label\ncrow\n\"a\nb\"\ncrow\n\"\"\n").expect("written");
        let mut texts = Texts::read(&path, None, "label").expect("texts");
        assert_eq!((texts.count(), texts.spellings()), (4, &["crow".to_owned(), "a\nb".to_owned(), String::new()][..]));
        let row = |line, text: &str| LabelRow { line, text: text.to_owned() };
        assert_eq!(texts.next_batch(3), [row(2, "crow"), row(3, "a\nb"), row(5, "crow")]);
        assert_eq!((texts.next_batch(3), texts.next_batch(3)), (vec![row(6, "")], vec![]));
    }
}
