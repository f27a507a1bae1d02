//! What a model gives for its validation rows, beside it: rules that take numbers from data take them from these.
//!
//! `validation.npy` has the logits, `[rows, outputs]`, and `validation.csv` the rows' places and labels, so that
//! `klados evaluate` and `klados decide` read them too.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use klados::{Decision, Hierarchy, Label};

use super::predictions::Rows;
use crate::data::npy::{self, Matrix};
use crate::data::replace::replace;
use crate::data::values::Values;
use crate::train::examples::Examples;
use crate::train::network::Model;
use crate::train::reading::Reading;

const LOGITS: &str = "validation.npy";
const LABELS: &str = "validation.csv";
/// No more logits than these are kept (64 MiB); of more rows, as many drawn at random.
const KEPT: usize = 1 << 24;

/// Validation rows as they were kept.
#[derive(Debug)]
pub(crate) struct Validation {
    logits: Vec<f32>,
    labels: Vec<Label>,
}

/// Keeps the rows whose label says something of the hierarchy's nodes.
///
/// # Errors
///
/// When a file cannot be written.
pub(crate) fn save(
    folder: &Path,
    model: &Model,
    reading: &Reading,
    examples: &Examples,
    rows: &Rows<'_>,
    seed: u64,
) -> Result<()> {
    // Of multi-label rows no rule takes numbers.
    let Some(texts) = rows.labels.filter(|_| !reading.is_multi_label()) else { return Ok(()) };
    let judged = reading.judged(&examples.labels);
    let mut kept: Vec<usize> = (0..examples.rows()).filter(|row| judged[*row] != Label::Ignored).collect();
    let most = KEPT / reading.columns();
    if kept.len() > most {
        fastrand::Rng::with_seed(seed).shuffle(&mut kept);
        kept.truncate(most);
        kept.sort_unstable();
    }
    let mut logits = Vec::with_capacity(kept.len() * reading.columns());
    model.each_logits(&examples.select(&kept).values, &mut |_, some| {
        logits.extend_from_slice(some);
        Ok(())
    })?;
    let matrix = Matrix { rows: kept.len(), columns: reading.columns(), values: Values::F32(logits) };
    npy::write(&folder.join(LOGITS), &matrix)?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([rows.unit, "label"])?;
    for row in kept {
        csv.write_record([&rows.positions[row], &texts[row]])?;
    }
    let table = csv.into_inner().context("the validation rows")?;
    replace(&folder.join(LABELS), |file| std::io::Write::write_all(file, &table))
}

/// Reads what [`save`] wrote; none where nothing was kept.
///
/// # Errors
///
/// When a file cannot be read, or does not go with the model.
pub(crate) fn load(folder: &Path, reading: &Reading) -> Result<Option<Validation>> {
    let (matrix, table) = (folder.join(LOGITS), folder.join(LABELS));
    if !matrix.exists() {
        return Ok(None);
    }
    let Matrix { rows, columns, values } = npy::read(&matrix)?;
    let Values::F32(logits) = values else { bail!("{} is not what klados train wrote", matrix.display()) };
    let expected = reading.columns();
    ensure!(columns == expected, "{} has {columns} columns, but the model {expected} outputs", matrix.display());
    let labels = read_labels(&table, reading.hierarchy())?;
    ensure!(labels.len() == rows, "{} has {} labels for {rows} rows", table.display(), labels.len());
    Ok(Some(Validation { logits, labels }))
}

fn read_labels(path: &Path, hierarchy: &Hierarchy) -> Result<Vec<Label>> {
    let shown = path.display();
    let mut table = csv::Reader::from_path(path).with_context(|| format!("cannot read {shown}"))?;
    let label = |record: csv::Result<csv::StringRecord>| {
        let record = record?;
        Ok::<_, anyhow::Error>(hierarchy.parse_label(record.get(1).unwrap_or_default())?)
    };
    table.records().map(label).collect::<Result<_>>().with_context(|| format!("{shown} is not what klados train wrote"))
}

impl Validation {
    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.labels.len()
    }

    /// A rule with the numbers that it takes from these rows.
    ///
    /// # Errors
    ///
    /// A parameter that does not fit, or rows on which what the rule promises cannot be reached.
    pub(crate) fn calibrate(&self, decision: &Decision, reading: &Reading) -> Result<Decision> {
        let read = reading.read(&self.logits)?;
        let labels = reading.judged(&self.labels);
        Ok(decision.calibrate(reading.hierarchy(), read.log_probs(), &labels)?)
    }
}
