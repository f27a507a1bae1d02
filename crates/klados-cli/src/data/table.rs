//! A table of features: which columns are used, which rows are bad, and what the labels say.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::columns::{BadRow, Column, Columns, Request, Values};
use super::{csv_table, labels, npy};

/// Columns with these names number the rows and say nothing about them.
const ID_NAMES: [&str; 3] = ["id", "index", "row"];
/// How many bad rows a message lists.
const LISTED: usize = 10;

/// Which columns play which part.
#[derive(Debug, Default, Clone)]
pub(crate) struct Roles {
    /// The column with the label.
    pub(crate) label: Option<String>,
    /// The column whose equal values must stay together in a split.
    pub(crate) group: Option<String>,
    /// The feature columns; without them, every column of numbers that has no other part.
    pub(crate) features: Option<Vec<String>>,
    /// A file with the labels, beside an `.npy`.
    pub(crate) labels_file: Option<PathBuf>,
}

/// Rows of features.
#[derive(Debug)]
pub(crate) struct Table {
    /// The file.
    pub(crate) path: PathBuf,
    /// What `positions` counts: `"line"` or `"row"`.
    pub(crate) unit: &'static str,
    /// By row: where it stands in the file.
    pub(crate) positions: Vec<u64>,
    /// The columns that the features come from; one column may be a list of many.
    pub(crate) columns: Vec<String>,
    /// How many features a row has.
    pub(crate) width: usize,
    /// `rows x width`, row after row.
    pub(crate) values: Vec<f32>,
    /// By row: the label's text; empty where no label column was asked for.
    pub(crate) labels: Vec<String>,
    /// Where the labels stand, if not in the file.
    pub(crate) label_places: Option<LabelPlaces>,
    /// By row: the group; empty where no group column was asked for.
    pub(crate) groups: Vec<String>,
    /// Columns that were not used, and why.
    pub(crate) unused: Vec<String>,
    /// Rows that cannot be used.
    pub(crate) bad: Vec<BadRow>,
}

/// Where labels stand in a file of their own.
#[derive(Debug, Clone)]
pub(crate) struct LabelPlaces {
    path: PathBuf,
    unit: &'static str,
    positions: Vec<u64>,
}

impl LabelPlaces {
    /// The file and the line of a row's label.
    pub(crate) fn of(&self, row: usize) -> String {
        format!("{} {} {}", self.path.display(), self.unit, self.positions[row])
    }
}

impl Table {
    /// Reads `path` by its extension: `.csv`, `.parquet` or `.npy`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a named column is not there, or there are no feature columns. Bad rows are no error
    /// here; see [`without_bad_rows`](Self::without_bad_rows).
    pub(crate) fn read(path: &Path, roles: &Roles) -> Result<Self> {
        let text = [&roles.label, &roles.group].into_iter().flatten().cloned().collect();
        let numbers = roles.features.iter().flatten().cloned().collect();
        let request = Request { text, numbers };
        let mut columns = read_columns(path, &request)?;
        let label_places =
            roles.labels_file.as_ref().map(|file| add_labels(&mut columns, path, file, roles)).transpose()?;
        Self::from_columns(path, columns, label_places, roles)
    }

    fn from_columns(path: &Path, columns: Columns, label_places: Option<LabelPlaces>, roles: &Roles) -> Result<Self> {
        let names: Vec<&str> = columns.columns.iter().map(|column| column.name.as_str()).collect();
        let wanted = roles.features.iter().flatten().chain(&roles.label).chain(&roles.group);
        for name in wanted {
            if !names.contains(&name.as_str()) {
                bail!("{} has no column \"{name}\"; its columns are {}", path.display(), quoted(&names));
            }
        }
        let rows = columns.positions.len();
        if rows == 0 {
            bail!("{} has no rows", path.display());
        }
        let chosen = feature_columns(path, &columns.columns, roles)?;
        let mut table = Self {
            path: path.to_owned(),
            unit: columns.unit,
            positions: columns.positions,
            columns: chosen.clone(),
            width: 0,
            values: Vec::new(),
            labels: vec![String::new(); rows],
            label_places,
            groups: vec![String::new(); rows],
            unused: Vec::new(),
            bad: columns.bad,
        };
        let mut parts: Vec<(usize, Vec<f32>)> = vec![(0, Vec::new()); chosen.len()];
        for column in columns.columns {
            match column.values {
                Values::Text(texts) if Some(&column.name) == roles.label.as_ref() => {
                    table.require_text(&column.name, "label", &texts);
                    // The labels may be the groups too: whole classes are held out.
                    if roles.group == roles.label {
                        table.groups.clone_from(&texts);
                    }
                    table.labels = texts;
                }
                Values::Text(texts) if Some(&column.name) == roles.group.as_ref() => {
                    table.require_text(&column.name, "group", &texts);
                    table.groups = texts;
                }
                Values::Numbers { width, numbers, bad } => match chosen.iter().position(|name| *name == column.name) {
                    Some(place) => {
                        table.width += width;
                        table.bad.extend(bad);
                        parts[place] = (width, numbers);
                    }
                    None => table.unused.push(column.name),
                },
                Values::Other(kind) => table.unused.push(format!("{} ({kind})", column.name)),
                Values::Text(_) => table.unused.push(format!("{} (text)", column.name)),
            }
        }
        for row in 0..rows {
            for (width, numbers) in &parts {
                table.values.extend(&numbers[row * width..(row + 1) * width]);
            }
        }
        Ok(table)
    }

    fn require_text(&mut self, name: &str, what: &str, texts: &[String]) {
        let empty = texts.iter().enumerate().filter(|(_, text)| text.is_empty());
        let reason = format!("the {what} column \"{name}\" has no value");
        let reason_of = |row| if what == "label" { self.in_labels_file(row, &reason) } else { reason.clone() };
        let bad: Vec<BadRow> = empty.map(|(row, _)| BadRow { row, reason: reason_of(row) }).collect();
        self.bad.extend(bad);
    }

    /// What is wrong with a row's label, after its place where that is in a file of labels.
    pub(crate) fn in_labels_file(&self, row: usize, reason: &str) -> String {
        match &self.label_places {
            Some(places) => format!("{}: {reason}", places.of(row)),
            None => reason.to_owned(),
        }
    }

    /// How many rows there are, bad ones included.
    pub(crate) fn rows(&self) -> usize {
        self.positions.len()
    }

    /// Leaves out the bad rows and says how many they are, or, unless `skip`, makes an error of them: their number, and
    /// the first of them with their places.
    pub(crate) fn without_bad_rows(mut self, skip: bool) -> Result<(Self, Option<String>)> {
        if self.bad.is_empty() {
            return Ok((self, None));
        }
        self.bad.sort_by_key(|bad| bad.row);
        let rows: HashSet<usize> = self.bad.iter().map(|bad| bad.row).collect();
        let mut message = format!("{}: {} of {} rows cannot be used", self.path.display(), rows.len(), self.rows());
        for bad in self.bad.iter().take(LISTED) {
            message.push_str(&format!("\n  {} {}: {}", self.unit, self.positions[bad.row], bad.reason));
        }
        if self.bad.len() > LISTED {
            message.push_str(&format!("\n  ... and {} more", self.bad.len() - LISTED));
        }
        if !skip {
            bail!(
                "{message}\n--skip-bad-rows leaves these rows out; --features names the columns to take, where one is no feature"
            );
        }
        let kept: Vec<usize> = (0..self.rows()).filter(|row| !rows.contains(row)).collect();
        Ok((self.select(&kept), Some(format!("{message}\nthey are left out"))))
    }

    /// The rows at these indices.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let width = self.width;
        Self {
            path: self.path.clone(),
            unit: self.unit,
            positions: rows.iter().map(|&row| self.positions[row]).collect(),
            columns: self.columns.clone(),
            width,
            values: rows.iter().flat_map(|&row| &self.values[row * width..(row + 1) * width]).copied().collect(),
            labels: rows.iter().map(|&row| self.labels[row].clone()).collect(),
            label_places: self.label_places.as_ref().map(|places| LabelPlaces {
                positions: rows.iter().map(|&row| places.positions[row]).collect(),
                ..places.clone()
            }),
            groups: rows.iter().map(|&row| self.groups[row].clone()).collect(),
            unused: self.unused.clone(),
            bad: Vec::new(),
        }
    }
}

/// Reads a file by its extension.
fn read_columns(path: &Path, request: &Request) -> Result<Columns> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let columns = match extension.as_str() {
        "csv" => csv_table::read(path, request),
        #[cfg(feature = "parquet")]
        "parquet" | "pq" => super::parquet_table::read(path, request),
        #[cfg(not(feature = "parquet"))]
        "parquet" | "pq" => bail!("{}: this klados was built without its feature `parquet`", path.display()),
        "npy" => npy_columns(path),
        _ => bail!("{}: expected a file named .csv, .parquet or .npy", path.display()),
    }?;
    let mut seen = HashSet::new();
    if let Some(column) = columns.columns.iter().find(|column| !seen.insert(&column.name)) {
        bail!("{} names the column \"{}\" twice", path.display(), column.name);
    }
    Ok(columns)
}

/// An `.npy` as one column of lists.
fn npy_columns(path: &Path) -> Result<Columns> {
    let matrix = npy::read(path)?;
    if matrix.columns == 0 {
        bail!("{} has shape [{}, 0]: there are no features in it", path.display(), matrix.rows);
    }
    let values = matrix.values.to_f64();
    let mut numbers = Vec::with_capacity(values.len());
    let mut bad = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let (row, column) = (index / matrix.columns, index % matrix.columns);
        let number = super::columns::finite(&column.to_string(), value);
        numbers.push(*number.as_ref().unwrap_or(&f32::NAN));
        bad.extend(number.err().map(|reason| BadRow { row, reason }));
    }
    let values = Values::Numbers { width: matrix.columns, numbers, bad };
    let columns = vec![Column { name: String::new(), values }];
    Ok(Columns { columns, positions: (1..=matrix.rows as u64).collect(), unit: "row", bad: Vec::new() })
}

/// Puts the labels of another file beside the rows: one a line, or a column of a table.
fn add_labels(columns: &mut Columns, path: &Path, file: &Path, roles: &Roles) -> Result<LabelPlaces> {
    let Some(name) = &roles.label else { bail!("no name for the labels of {}", file.display()) };
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if matches!(extension.as_str(), "csv" | "parquet" | "pq") {
        let text = [&roles.label, &roles.group].into_iter().flatten().cloned().collect();
        let other = read_columns(file, &Request { text, ..Request::default() })?;
        check_rows(columns, path, other.positions.len(), file)?;
        let names: Vec<&str> = other.columns.iter().map(|column| column.name.as_str()).collect();
        let of_data = |name: &String| columns.columns.iter().any(|column| column.name == *name);
        for name in [Some(name), roles.group.as_ref().filter(|name| !of_data(name))].into_iter().flatten() {
            if !names.contains(&name.as_str()) {
                bail!("{} has no column \"{name}\"; its columns are {}", file.display(), quoted(&names));
            }
        }
        let places = LabelPlaces { path: file.to_owned(), unit: other.unit, positions: other.positions };
        let bad = other.bad.into_iter();
        columns.bad.extend(bad.map(|bad| BadRow { reason: format!("{}: {}", places.of(bad.row), bad.reason), ..bad }));
        let wanted =
            |column: &Column| Some(&column.name) == roles.label.as_ref() || Some(&column.name) == roles.group.as_ref();
        columns.columns.extend(other.columns.into_iter().filter(wanted));
        return Ok(places);
    }
    let labels = labels::read_lines(file)?;
    check_rows(columns, path, labels.len(), file)?;
    let positions = labels.iter().map(|label| label.line).collect();
    let texts = labels.into_iter().map(|label| label.text.trim().to_owned()).collect();
    columns.columns.push(Column { name: name.clone(), values: Values::Text(texts) });
    Ok(LabelPlaces { path: file.to_owned(), unit: "line", positions })
}

fn check_rows(columns: &Columns, path: &Path, labels: usize, file: &Path) -> Result<()> {
    let rows = columns.positions.len();
    if labels == rows {
        return Ok(());
    }
    bail!("{} has {rows} rows, but {} has {labels} labels", path.display(), file.display())
}

/// The columns that are features, in the order in which they are used.
fn feature_columns(path: &Path, columns: &[Column], roles: &Roles) -> Result<Vec<String>> {
    if let Some(features) = &roles.features {
        for column in columns.iter().filter(|column| features.contains(&column.name)) {
            if !matches!(column.values, Values::Numbers { .. }) {
                bail!("{}: the feature column \"{}\" does not hold numbers", path.display(), column.name);
            }
        }
        return Ok(features.clone());
    }
    let is_list = |column: &&Column| matches!(column.values, Values::Numbers { width, .. } if width != 1);
    let lists: Vec<&str> = columns.iter().filter(is_list).map(|column| column.name.as_str()).collect();
    match lists[..] {
        [] => {}
        [list] => return Ok(vec![list.to_owned()]),
        _ => bail!("{} has several list columns, {}; choose with --features", path.display(), quoted(&lists)),
    }
    let plain = |column: &&Column| {
        let is_id = ID_NAMES.contains(&column.name.to_ascii_lowercase().as_str());
        matches!(column.values, Values::Numbers { .. }) && !is_id
    };
    let chosen: Vec<String> = columns.iter().filter(plain).map(|column| column.name.clone()).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        bail!("{} has no columns of numbers; its columns are {}", path.display(), quoted(&names));
    }
    Ok(chosen)
}

/// The first names, quoted, for a message.
fn quoted(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(20).map(|name| format!("\"{name}\"")).collect();
    if names.len() > shown.len() {
        shown.push(format!("and {} more", names.len() - shown.len()));
    }
    shown.join(", ")
}
