//! `metrics.json`: the settings and the numbers of every run.

use std::path::Path;

use anyhow::Result;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::data::replace::replace;
use crate::evaluate::Evaluation;
use crate::train::run::{RunResult, SetScores};
use crate::train::scores::ByLevel;

/// The file's name.
pub(crate) const FILE: &str = "metrics.json";

/// The whole file.
#[derive(Serialize)]
struct Metrics<'a> {
    /// The version that wrote it.
    klados: &'static str,
    /// What was trained on.
    data: &'a serde_json::Value,
    runs: Vec<Run<'a>>,
}

/// One run, as it is written: `{"name": ..., "test": {"accuracy": {...}, ...}, "seconds": ..., ...}`.
struct Run<'a>(&'a RunResult);

/// The scores on one set of rows.
struct Scored<'a>(&'a SetScores);

impl Serialize for Run<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let run = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &run.name)?;
        map.serialize_entry("about", &run.about)?;
        map.serialize_entry("loss", &run.loss)?;
        map.serialize_entry("settings", &run.settings)?;
        map.serialize_entry("train_rows", &run.train_rows)?;
        for evaluation in &run.evaluations {
            map.serialize_entry(&evaluation.set, &Scored(evaluation))?;
        }
        map.serialize_entry("kept_epoch", &run.kept_epoch)?;
        map.serialize_entry("epochs", &run.epochs)?;
        map.serialize_entry("seconds", &run.seconds)?;
        map.end()
    }
}

impl Serialize for Scored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scores = &self.0.scores;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rows", &self.0.rows)?;
        if scores.is_multi_label {
            map.serialize_entry("average_precision", &ByLevel(scores, |level| level.average_precision))?;
            map.serialize_entry("micro_average_precision", &scores.average_precision)?;
            map.serialize_entry("loss", &self.0.loss)?;
            return map.end();
        }
        map.serialize_entry("accuracy", &ByLevel(scores, |level| level.accuracy))?;
        map.serialize_entry("accuracy_of_class", &ByLevel(scores, |level| level.accuracy_of_class))?;
        map.serialize_entry("mistake_severity", &scores.mistake_severity)?;
        map.serialize_entry("lca_height", &scores.lca_height)?;
        map.serialize_entry("loss", &self.0.loss)?;
        map.end()
    }
}

/// Writes the file into `folder`, with what `klados evaluate --format json` would say of the runs under `evaluation`.
///
/// # Errors
///
/// When it cannot be written.
pub(crate) fn write(
    folder: &Path,
    data: &serde_json::Value,
    runs: &[RunResult],
    evaluation: Option<&Evaluation>,
) -> Result<()> {
    let metrics = Metrics { klados: env!("CARGO_PKG_VERSION"), data, runs: runs.iter().map(Run).collect() };
    let mut text = serde_json::to_string_pretty(&metrics)?;
    // On a line of its own: it is for programs, and its curves would have a line a number.
    text.truncate(text.trim_end_matches(['\n', '}']).len());
    text.push_str(",\n  \"evaluation\": ");
    text.push_str(&serde_json::to_string(&evaluation)?);
    text.push_str("\n}\n");
    replace(&folder.join(FILE), |file| std::io::Write::write_all(file, text.as_bytes()))
}
