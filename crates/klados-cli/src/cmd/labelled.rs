//! Tables with labels that losses know: what `train` and `compare` learn from.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use klados::{Criterion, Label};
use sha2::{Digest, Sha256};

use super::note;
use crate::data::columns::BadRow;
use crate::data::table::{Roles, Table};

/// Reads a table. Rows that cannot be used, as those with a label that is not there, are an error, or with `skip` left
/// out with a note.
pub(crate) fn read(path: &Path, roles: &Roles, readers: &[Criterion], skip: bool) -> Result<Table> {
    let mut table = Table::read(path, roles)?;
    let mut known: HashMap<&str, Result<(), String>> = HashMap::new();
    let mut bad = Vec::new();
    for (row, text) in table.labels.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        let parse = || {
            let unknown = readers.iter().find_map(|reader| reader.parse_label(text).err());
            unknown.map_or(Ok(()), |error| Err(error.to_string()))
        };
        if let Err(reason) = known.entry(text).or_insert_with(parse) {
            bad.push(BadRow { row, reason: table.in_labels_file(row, reason) });
        }
    }
    table.bad.extend(bad);
    let (table, message) = table.without_bad_rows(skip)?;
    if let Some(message) = message {
        note(&format!("warning: {message}"));
    }
    Ok(table)
}

/// What the labels of a table are to a loss, which is asked about every different one, so that the first that it is not
/// defined for is named with its place.
pub(crate) fn labels_of(table: &Table, reader: &Criterion) -> Result<Vec<Label>> {
    let mut known: HashMap<&str, Label> = HashMap::new();
    let mut labels = Vec::with_capacity(table.labels.len());
    for (row, text) in table.labels.iter().enumerate() {
        if let Some(label) = known.get(text.as_str()) {
            labels.push(label.clone());
            continue;
        }
        let place = || match &table.label_places {
            Some(places) => places.of(row),
            None => format!("{} {} {}", table.path.display(), table.unit, table.positions[row]),
        };
        let label = reader.parse_label(text).with_context(place)?;
        reader.check_label(&label).with_context(place)?;
        known.insert(text, label.clone());
        labels.push(label);
    }
    Ok(labels)
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
