//! What `klados train` knows, as the page takes it.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::evaluate::Evaluation;
use crate::output::metrics;
use crate::train::fit::Epoch;
use crate::train::run::RunResult;

/// The file's name in a folder of `klados train`.
pub(crate) const FILE: &str = "report.html";

/// What is on the page of `klados train`.
pub(crate) struct Page<'a> {
    /// What was trained on.
    pub(crate) title: String,
    /// Paragraphs below the title.
    pub(crate) notes: Vec<String>,
    /// The runs; the first set of rows of each is that of the numbers.
    pub(crate) runs: &'a [RunResult],
    /// The runs as models that are judged side by side; without rows to judge them on there is none.
    pub(crate) evaluation: Option<&'a Evaluation>,
    /// Mistakes worth looking at, by run.
    pub(crate) galleries: &'a [Gallery],
}

/// The most confident mistakes of a run.
#[derive(Serialize)]
pub(crate) struct Gallery {
    /// The run.
    pub(crate) run: String,
    /// The most confident first.
    pub(crate) pictures: Vec<Mistake>,
}

/// A picture that was taken for something else.
#[derive(Serialize)]
pub(crate) struct Mistake {
    /// The picture as a `data:` URI.
    pub(crate) picture: String,
    /// What it is, from the top.
    pub(crate) truth: Vec<String>,
    /// A drawing of what it was taken for, as a `data:` URI.
    pub(crate) taken_for: String,
    /// What it was taken for, from the top; each node with its probability in per cent, and whether it is right.
    pub(crate) predicted: Vec<Step>,
}

/// A node on a predicted path.
#[derive(Serialize)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) name: String,
    /// Its probability in per cent.
    pub(crate) percent: String,
    /// Whether the true path goes through it.
    pub(crate) right: bool,
}

/// Writes the page into `folder`.
///
/// # Errors
///
/// When it cannot be written.
pub(crate) fn write_training(folder: &Path, page: &Page<'_>) -> Result<()> {
    super::write(&folder.join(FILE), &object(page)?)
}

/// The evaluation, or where there is none the scores of the runs; with what training adds.
fn object(page: &Page<'_>) -> Result<Value> {
    let mut object = match page.evaluation {
        Some(evaluation) => serde_json::to_value(evaluation)?,
        None => scores(page),
    };
    for (key, value) in [
        ("numbers", json!(metrics::FILE)),
        ("training", training(page.runs)),
        ("galleries", serde_json::to_value(page.galleries)?),
    ] {
        object[key] = value;
    }
    Ok(object)
}

fn is_multi_label(runs: &[RunResult]) -> bool {
    runs.iter().flat_map(|run| &run.evaluations).any(|evaluation| evaluation.scores.is_multi_label)
}

/// The scores of the runs as those of models.
fn scores(page: &Page<'_>) -> Value {
    let scored = page.runs.iter().find_map(|run| run.evaluations.first());
    let levels: Vec<&str> =
        scored.into_iter().flat_map(|evaluation| evaluation.scores.levels.iter().map(|level| &*level.level)).collect();
    json!({
        "klados": env!("CARGO_PKG_VERSION"),
        "title": page.title,
        "notes": page.notes,
        "set": scored.map(|evaluation| &evaluation.set),
        "rows": scored.map(|evaluation| evaluation.rows),
        "levels": levels,
        "models": page.runs.iter().map(model).collect::<Vec<_>>(),
    })
}

fn model(run: &RunResult) -> Value {
    let scores = run.evaluations.first().map(|evaluation| &evaluation.scores);
    let levels = scores.into_iter().flat_map(|scores| &scores.levels).map(|level| {
        json!({
            "level": level.level,
            "rows": level.rows,
            "accuracy": level.accuracy,
            "accuracy_of_decision": level.accuracy_of_class,
            "auprc_micro": level.average_precision,
        })
    });
    let mut metrics = Map::new();
    let mut put = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            metrics.insert(name.to_owned(), json!(value));
        }
    };
    put("mistake_severity", scores.and_then(|scores| scores.mistake_severity));
    put("lca_height", scores.and_then(|scores| scores.lca_height));
    put("auprc_micro", scores.and_then(|scores| scores.average_precision));
    put("training_seconds", Some(run.seconds));
    json!({ "name": run.name, "about": run.about, "metrics": metrics, "levels": levels.collect::<Vec<_>>() })
}

/// The curves by epoch.
fn training(runs: &[RunResult]) -> Value {
    let measure = if is_multi_label(runs) { "average precision" } else { "accuracy" };
    let run = |run: &RunResult| json!({ "name": run.name, "epochs": run.epochs.iter().map(epoch).collect::<Vec<_>>() });
    json!({ "measure": measure, "runs": runs.iter().map(run).collect::<Vec<_>>() })
}

fn epoch(epoch: &Epoch) -> Value {
    let levels = epoch.validation.iter().flat_map(|scores| &scores.levels);
    json!({
        "epoch": epoch.epoch,
        "train_loss": epoch.train_loss,
        "validation_loss": epoch.validation_loss,
        "levels": levels.map(|level| json!({ "level": level.level, "value": level.shown() })).collect::<Vec<_>>(),
    })
}
