//! Label files: one label a line as text, or a column of a table.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use klados::{Criterion, Hierarchy, Label};

use super::lines::{Lines, csv_error};
#[cfg(feature = "parquet")]
use super::record_file::{Batches, RecordFile};

/// How many labels that cannot be used a message lists.
pub(crate) const LISTED: usize = 5;

/// A label as it was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelRow {
    /// The line, counted from 1; of a Parquet or Arrow file the row.
    pub(crate) line: u64,
    /// The text; empty means ignored.
    pub(crate) text: String,
}

/// A file of labels, or of other texts with one a row, that is read some rows at a time.
pub(crate) struct LabelReader {
    path: PathBuf,
    source: Source,
}

enum Source {
    /// One a line; with the number of lines so far.
    Lines(BufReader<File>, u64),
    Csv(Box<CsvColumn>),
    #[cfg(feature = "parquet")]
    Records(RecordColumn),
}

/// A column of a CSV file.
struct CsvColumn {
    records: csv::StringRecordsIntoIter<File>,
    lines: Lines<BufReader<File>>,
    place: usize,
}

/// A column of a Parquet or Arrow file.
#[cfg(feature = "parquet")]
struct RecordColumn {
    batches: Batches,
    texts: std::vec::IntoIter<String>,
    rows: u64,
}

impl LabelReader {
    /// Opens a file: of a table named `.csv`, `.parquet` or `.arrow` the column that is named, or else called `usual`, or the
    /// only one; of any other file the lines. A final newline does not add a label; an empty line is an ignored sample.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or it is not clear which column holds the labels.
    pub(crate) fn open(path: &Path, column: Option<&str>, usual: &'static str) -> Result<Self> {
        let wanted = Wanted { column, usual };
        let is = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
        let source = if is("csv") {
            Source::Csv(Box::new(CsvColumn::open(path, wanted)?))
        } else if is_records(path) {
            #[cfg(not(feature = "parquet"))]
            bail!("{}: this build of klados reads no Parquet; give the labels as text or CSV", path.display());
            #[cfg(feature = "parquet")]
            Source::Records(RecordColumn::open(path, wanted)?)
        } else if let Some(column) = column {
            bail!(
                "{} is no table: it has no column \"{column}\"; tables are named .csv, .parquet or .arrow",
                path.display()
            );
        } else {
            Source::Lines(BufReader::new(opened(path)?), 0)
        };
        Ok(Self { path: path.to_owned(), source })
    }

    /// The next label; none at the end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not UTF-8 (the line is named).
    pub(crate) fn next(&mut self) -> Result<Option<LabelRow>> {
        match &mut self.source {
            Source::Lines(file, lines) => next_line(&self.path, file, lines),
            Source::Csv(column) => column.next(&self.path),
            #[cfg(feature = "parquet")]
            Source::Records(column) => column.next(),
        }
    }

    /// The next labels, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub(crate) fn next_batch(&mut self, limit: usize) -> Result<Vec<LabelRow>> {
        let mut rows = Vec::new();
        while rows.len() < limit
            && let Some(row) = self.next()?
        {
            rows.push(row);
        }
        Ok(rows)
    }
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

fn is_records(path: &Path) -> bool {
    #[cfg(feature = "parquet")]
    let is_one = RecordFile::is_one(path);
    #[cfg(not(feature = "parquet"))]
    let is_one = path.extension().is_some_and(|extension| extension == "parquet" || extension == "arrow");
    is_one
}

fn next_line(path: &Path, file: &mut BufReader<File>, lines: &mut u64) -> Result<Option<LabelRow>> {
    let mut bytes = Vec::new();
    file.read_until(b'\n', &mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    let is_end = !bytes.ends_with(b"\n");
    let mut line = &bytes[..];
    if *lines == 0 {
        line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    }
    if line.is_empty() && is_end {
        return Ok(None);
    }
    *lines += 1;
    line = line.strip_suffix(b"\n").unwrap_or(line);
    line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line)
        .with_context(|| format!("{}:{lines}: the line is not UTF-8 text", path.display()))?
        .to_owned();
    Ok(Some(LabelRow { line: *lines, text }))
}

/// Which column is wanted.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    column: Option<&'a str>,
    usual: &'a str,
}

impl Wanted<'_> {
    /// Its place: that of the column that is named, the usual one, or the only one there is.
    fn place(self, shown: &str, names: &[&str]) -> Result<usize> {
        let wanted = self.column.unwrap_or(self.usual);
        match names.iter().position(|name| *name == wanted) {
            None if self.column.is_none() && names.len() == 1 => Ok(0),
            Some(place) => Ok(place),
            None => bail!("{shown}: there is no column \"{wanted}\"; the columns are {}", names.join(", ")),
        }
    }
}

impl CsvColumn {
    fn open(path: &Path, wanted: Wanted<'_>) -> Result<Self> {
        let shown = path.display();
        let mut reader = csv::Reader::from_reader(opened(path)?);
        let header = reader.headers().with_context(|| format!("{shown}:1: the header"))?;
        let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
        if let Some((_, name)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            bail!("{shown}:1: the header names the column \"{name}\" twice");
        }
        let place = wanted.place(&format!("{shown}:1"), &names)?;
        let lines = Lines::new(BufReader::new(opened(path)?));
        Ok(Self { records: reader.into_records(), lines, place })
    }

    fn next(&mut self, path: &Path) -> Result<Option<LabelRow>> {
        match self.records.next() {
            None => Ok(None),
            Some(Ok(record)) => {
                let line = self.lines.of(&record);
                Ok(Some(LabelRow { line, text: record.get(self.place).unwrap_or_default().to_owned() }))
            }
            Some(Err(error)) => Err(csv_error(path.display(), BufReader::new(opened(path)?), &error)),
        }
    }
}

#[cfg(feature = "parquet")]
impl RecordColumn {
    fn open(path: &Path, wanted: Wanted<'_>) -> Result<Self> {
        let file = RecordFile::open(path)?;
        let names: Vec<&str> = file.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let place = wanted.place(&path.display().to_string(), &names)?;
        let kind = file.schema.field(place).data_type();
        if !arrow::compute::can_cast_types(kind, &arrow::datatypes::DataType::Utf8) || kind.is_nested() {
            bail!("{}: column \"{}\" holds no text, expected labels", path.display(), names[place]);
        }
        Ok(Self { batches: file.batches(&[place], 65_536)?, texts: Vec::new().into_iter(), rows: 0 })
    }

    /// A null is an empty label.
    fn next(&mut self) -> Result<Option<LabelRow>> {
        use arrow::array::AsArray;
        loop {
            if let Some(text) = self.texts.next() {
                self.rows += 1;
                return Ok(Some(LabelRow { line: self.rows, text }));
            }
            let Some(batch) = self.batches.next() else { return Ok(None) };
            let array = arrow::compute::cast(batch?.column(0), &arrow::datatypes::DataType::Utf8)?;
            let texts = array.as_string::<i32>().iter().map(|text| text.unwrap_or_default().trim().to_owned());
            self.texts = texts.collect::<Vec<_>>().into_iter();
        }
    }
}

/// Reads a text file with one label a line.
///
/// # Errors
///
/// When the file cannot be read or is not UTF-8 (the line is named).
pub(crate) fn read_lines(path: &Path) -> Result<Vec<LabelRow>> {
    let source = Source::Lines(BufReader::new(opened(path)?), 0);
    LabelReader { path: path.to_owned(), source }.next_batch(usize::MAX)
}

/// Reads all labels of a file: see [`LabelReader::open`].
///
/// # Errors
///
/// When the file cannot be read, or it is not clear which column holds the labels.
pub(crate) fn read(path: &Path, column: Option<&str>) -> Result<Vec<LabelRow>> {
    LabelReader::open(path, column, "label")?.next_batch(usize::MAX)
}

/// Turns texts into labels. Looking for near names takes a pass over the hierarchy: once a spelling is enough.
pub(crate) struct LabelParser {
    hierarchy: Hierarchy,
    known: HashMap<String, Result<Label, String>>,
}

/// So many spellings are remembered: more than there are nodes, where labels are not all different unions.
const REMEMBERED: usize = 1 << 18;

impl LabelParser {
    /// For the labels of a hierarchy.
    pub(crate) fn new(hierarchy: &Hierarchy) -> Self {
        Self { hierarchy: hierarchy.clone(), known: HashMap::new() }
    }

    /// What a label stands for, or what is wrong with it.
    pub(crate) fn parse(&mut self, text: &str) -> Result<Label, String> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let label = self.hierarchy.parse_label(text).map_err(|error| error.to_string());
        self.known.insert(text.to_owned(), label.clone());
        label
    }
}

/// What each label stands for.
///
/// # Errors
///
/// Labels that name what there is not or that the loss refuses: the first of them with their lines, and how many there
/// are.
pub(crate) fn parse(path: &Path, rows: &[LabelRow], criterion: &Criterion) -> Result<Vec<Label>> {
    let mut labels = Vec::with_capacity(rows.len());
    let mut wrong = Vec::new();
    // Looking for near names takes a pass over the hierarchy: once a spelling is enough.
    let mut known: HashMap<&str, Result<Label, String>> = HashMap::new();
    for row in rows {
        let parse = || {
            let label = criterion.parse_label(&row.text).map_err(|error| error.to_string())?;
            criterion.check_label(&label).map(|()| label).map_err(|error| error.to_string())
        };
        match known.entry(&row.text).or_insert_with(parse).clone() {
            Ok(label) => labels.push(label),
            Err(message) => wrong.push(format!("{}:{}: {message}", path.display(), row.line)),
        }
    }
    if wrong.is_empty() {
        return Ok(labels);
    }
    if wrong.len() > LISTED {
        let more = format!("and {} more labels that cannot be used", wrong.len() - LISTED);
        wrong.truncate(LISTED);
        wrong.push(more);
    }
    bail!("{}", wrong.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("labels.txt");
        std::fs::write(&path, bytes).expect("written");
        read_lines(&path).expect("read").into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn a_final_newline_adds_no_label_and_an_empty_line_is_one() {
        assert_eq!(read(b"crow\n\ndog\n"), ["crow", "", "dog"]);
        assert_eq!(read(b"\xef\xbb\xbfcrow\r\ndog"), ["crow", "dog"]);
        assert_eq!(read(b"\n"), [""]);
        assert!(read(b"").is_empty());
    }
}
