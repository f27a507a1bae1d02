//! Class weights that a loss names by a file or as `"balanced"`.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use klados::loss::{ClassWeight, balanced_class_weight};
use klados::{Hierarchy, Label, Loss};

use super::lines::{Lines, csv_error};

/// The loss with its class weights as a list: read from their file, or counted in `labels`.
///
/// # Errors
///
/// When the file cannot be read, or does not give each class one weight.
pub(crate) fn resolve(loss: Loss, hierarchy: &Hierarchy, labels: &[Label]) -> Result<Loss> {
    let list = match loss.class_weight() {
        None | Some(ClassWeight::List(_)) => return Ok(loss),
        Some(ClassWeight::Balanced) => balanced_class_weight(hierarchy, labels)?,
        Some(ClassWeight::File(path)) => read(path, hierarchy)?,
    };
    Ok(loss.with_class_weight(Some(ClassWeight::List(list))))
}

/// Reads a CSV file with the columns `class` and `weight`.
fn read(path: &Path, hierarchy: &Hierarchy) -> Result<Vec<f64>> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the class weights of {shown}"))?;
    let mut lines = Lines::new(&bytes[..]);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(&bytes[..]);
    let header = reader.headers().with_context(|| format!("{shown}:1"))?.clone();
    let column = |name: &str| {
        let place = header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
        place.ok_or_else(|| {
            let found: Vec<&str> = header.iter().collect();
            anyhow!("{shown}:1: expected the columns \"class\" and \"weight\", found {found:?}")
        })
    };
    let (class_column, weight_column) = (column("class")?, column("weight")?);
    let mut weights: Vec<Option<f64>> = vec![None; hierarchy.class_count()];
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(&shown, &bytes[..], &error))?;
        let line = lines.of(&record);
        let class = hierarchy.class(&record[class_column]).map_err(|error| anyhow!("{shown}:{line}: {error}"))?;
        let text = &record[weight_column];
        let weight = text.parse::<f64>().ok().filter(|weight| *weight >= 0.0 && weight.is_finite());
        let Some(weight) = weight else {
            bail!(
                "{shown}:{line}: the weight of \"{}\" is \"{text}\", expected a number from 0 up",
                &record[class_column]
            );
        };
        if weights[class].replace(weight).is_some() {
            bail!("{shown}:{line}: the class \"{}\" has a weight already", hierarchy.class_name(class));
        }
    }
    let missing: Vec<&str> =
        (0..weights.len()).filter(|&class| weights[class].is_none()).map(|class| hierarchy.class_name(class)).collect();
    if let Some(first) = missing.first() {
        bail!("{shown}: {} of {} classes have no weight, the first is \"{first}\"", missing.len(), weights.len());
    }
    Ok(weights.into_iter().flatten().collect())
}
