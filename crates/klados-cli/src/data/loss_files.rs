//! Parameters of a loss that are rows in a CSV file: `map` (`class,superclass,weight`) and `frequencies` (`node,count`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use klados::{Hierarchy, Loss};
use serde_json::{Value, json};

use super::lines::{Lines, csv_error};

/// The parameters and the columns of their files: names, then a number.
const PARAMETERS: [(&str, &[&str]); 2] =
    [("map", &["class", "superclass", "weight"]), ("frequencies", &["node", "count"])];

/// The files of one loss.
#[derive(Debug, Default)]
pub(crate) struct LossFiles {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// What the first column names: `class` or `node`.
    kind: &'static str,
    /// The lines, with what is in the first column.
    names: Vec<(u64, String)>,
}

/// The loss with rows in place of their files' paths.
///
/// # Errors
///
/// A file that cannot be read, lacks a column, or has a number that is none or a row twice; the message names the line.
pub(crate) fn resolve(loss: &Loss) -> Result<(Loss, LossFiles)> {
    let mut written = serde_json::to_value(loss)?;
    let mut files = Vec::new();
    for (parameter, columns) in PARAMETERS {
        let Some(Value::String(path)) = written[loss.name()].get(parameter) else { continue };
        let path = PathBuf::from(path);
        let (rows, file) = read(&path, parameter, columns)?;
        written[loss.name()][parameter] = rows;
        files.push(file);
    }
    match files.is_empty() {
        true => Ok((loss.clone(), LossFiles::default())),
        false => Ok((serde_json::from_value(written)?, LossFiles { files })),
    }
}

impl LossFiles {
    /// That the hierarchy has what the files name, no node twice.
    ///
    /// # Errors
    ///
    /// The first name that it does not have, with its line.
    pub(crate) fn check(&self, hierarchy: &Hierarchy) -> Result<()> {
        for File { path, kind, names } in &self.files {
            for (line, name) in names {
                let place = || format!("{}:{line}", path.display());
                match *kind {
                    "class" => hierarchy.class(name).map(|_| ()).with_context(place)?,
                    _ => hierarchy.node(name).map(|_| ()).with_context(place)?,
                }
            }
        }
        Ok(())
    }

    /// The files' paths.
    #[cfg(feature = "train")]
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }
}

fn read(path: &Path, parameter: &str, columns: &'static [&'static str]) -> Result<(Value, File)> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown} ({parameter})"))?;
    let mut lines = Lines::new(&bytes[..]);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(&bytes[..]);
    let header = reader.headers().with_context(|| format!("{shown}:1"))?.clone();
    let place = |name: &&str| {
        let place = header.iter().position(|column| column.trim_start_matches('\u{feff}') == *name);
        place.ok_or_else(|| {
            let found: Vec<&str> = header.iter().collect();
            anyhow!("{shown}:1: expected the columns {columns:?} for {parameter}, found {found:?}")
        })
    };
    let places: Vec<usize> = columns.iter().map(place).collect::<Result<_>>()?;
    let (mut rows, mut names) = (Vec::new(), Vec::new());
    let mut seen: HashMap<Vec<String>, u64> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(&shown, &bytes[..], &error))?;
        let line = lines.of(&record);
        let fields: Vec<&str> = places.iter().map(|&place| &record[place]).collect();
        let Some((number, key)) = fields.split_last() else { continue };
        let Some(value) = number.parse::<f64>().ok().filter(|value| *value >= 0.0 && value.is_finite()) else {
            let what = columns[columns.len() - 1];
            bail!("{shown}:{line}: the {what} of \"{}\" is \"{number}\", expected a number from 0 up", key.join(", "));
        };
        let key: Vec<String> = key.iter().map(|&name| name.to_owned()).collect();
        if let Some(first) = seen.insert(key.clone(), line) {
            bail!("{shown}:{line}: \"{}\" is there already, in line {first}", key.join(", "));
        }
        names.push((line, key[0].clone()));
        let mut row: Vec<Value> = key.into_iter().map(Value::from).collect();
        row.push(json!(value));
        rows.push(Value::Array(row));
    }
    Ok((Value::Array(rows), File { path: path.to_owned(), kind: columns[0], names }))
}
