//! One run from its rows to its files: scale, train with checkpoints, score, save.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use klados::Loss;
use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoints;
use super::examples::{Examples, Standardizer};
use super::fit::{self, Epoch, Job, State};
use super::measure::Measure;
use super::network::Model;
use super::number;
use super::objective::Objective;
use super::reading::Reading;
use super::scores::{Scorer, Scores};
use super::settings::Settings;
use crate::data::replace::replace;
use crate::output::model_files::{self, Input, ModelConfig};
use crate::output::predictions::{self, Rows};
use crate::output::validation;

/// Rows that a model is scored on.
pub(crate) struct EvaluationSet<'a> {
    /// Its name in `metrics.json`: `test`, `validation`, `calibration`.
    pub(crate) name: &'static str,
    /// The rows, not scaled.
    pub(crate) examples: &'a Examples,
    /// How they are named in the predictions.
    pub(crate) rows: Rows<'a>,
    /// By row, where rows belong together: its group.
    pub(crate) groups: Option<&'a [u64]>,
}

/// What a run is made from.
pub(crate) struct RunSpec<'a> {
    /// Its name, also that of its folder.
    pub(crate) name: String,
    /// One line about it, for people.
    pub(crate) about: String,
    /// The loss.
    pub(crate) loss: Loss,
    /// The compiled loss.
    pub(crate) objective: &'a Objective,
    /// Rows to learn from, not scaled.
    pub(crate) train: &'a Examples,
    /// Rows to look at after every epoch; what the model gives for them is kept.
    pub(crate) validation: Option<&'a EvaluationSet<'a>>,
    /// Rows to score in the end; the first of them get a file of predictions.
    pub(crate) evaluation: &'a [EvaluationSet<'a>],
    /// What the model takes.
    pub(crate) input: Input,
    /// How.
    pub(crate) settings: Settings,
}

/// Scores on one set of rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SetScores {
    /// The set's name.
    pub(crate) set: String,
    /// How many rows.
    pub(crate) rows: usize,
    /// The mean loss.
    #[serde(deserialize_with = "number::or_nan")]
    pub(crate) loss: f64,
    /// The scores.
    pub(crate) scores: Scores,
}

/// What came out of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunResult {
    /// The run's name.
    pub(crate) name: String,
    /// One line about it.
    pub(crate) about: String,
    /// The loss.
    pub(crate) loss: Loss,
    /// How it was trained.
    pub(crate) settings: Settings,
    /// How many rows it learnt from.
    pub(crate) train_rows: usize,
    /// The epochs.
    pub(crate) epochs: Vec<Epoch>,
    /// The epoch whose weights were kept.
    pub(crate) kept_epoch: usize,
    /// Training time.
    pub(crate) seconds: f64,
    /// The scores, in the order of the sets.
    pub(crate) evaluations: Vec<SetScores>,
}

/// Runs `spec` into `folder`, or, where `checkpoints` hold it already, picks it up from there. Calls `progress` after
/// every epoch.
///
/// # Errors
///
/// When files cannot be read or written, or the loss refuses a label.
pub(crate) fn run(
    spec: &RunSpec<'_>,
    reading: &Reading,
    folder: &Path,
    checkpoints: &Path,
    progress: &mut dyn FnMut(&Epoch),
) -> Result<RunResult> {
    let done = checkpoints.join("done.json");
    if done.exists() {
        let text = fs::read(&done).with_context(|| format!("cannot read {}", done.display()))?;
        return serde_json::from_slice(&text).with_context(|| format!("{} is damaged", done.display()));
    }
    let standardizer = Standardizer::fit(&spec.train.values, spec.train.width);
    let scaled = |examples: &Examples| {
        let mut examples = examples.clone();
        standardizer.apply(&mut examples.values);
        examples
    };
    let (train, validation) = (scaled(spec.train), spec.validation.map(|set| scaled(set.examples)));
    let job = Job {
        train: &train,
        validation: validation.as_ref(),
        objective: spec.objective,
        reading,
        measure: spec.settings.stop_on.as_deref().map(|name| Measure::new(name, reading)).transpose()?,
        settings: &spec.settings,
    };
    let saved = Checkpoints::new(checkpoints.to_owned());
    let fresh = State::new(&spec.settings, train.width, reading.columns());
    let mut state = saved.load(fresh)?;
    state.history.iter().for_each(&mut *progress);
    while !state.is_done(&spec.settings) {
        state = fit::epoch(&job, state)?;
        saved.save(&state)?;
        state.history.last().into_iter().for_each(&mut *progress);
    }
    let (network, kept_epoch, epochs) = state.into_result();
    let model = Model { standardizer, network };
    let config = ModelConfig {
        klados: env!("CARGO_PKG_VERSION").to_owned(),
        name: spec.name.clone(),
        loss: spec.loss.clone(),
        form: reading.form().cloned(),
        outputs: reading.outputs(),
        multi_label: reading.is_multi_label(),
        input: spec.input.clone(),
        settings: spec.settings.clone(),
    };
    model_files::save(folder, &config, reading.hierarchy(), &model)?;
    if let Some(set) = spec.validation {
        validation::save(folder, &model, reading, set.examples, &set.rows, spec.settings.seed)?;
    }
    let mut evaluations = Vec::new();
    for (index, set) in spec.evaluation.iter().enumerate() {
        let path = (index == 0).then(|| folder.join("predictions.csv"));
        evaluations.push(evaluate(&model, spec.objective, reading, set, path.as_deref())?);
    }
    let result = RunResult {
        name: spec.name.clone(),
        about: spec.about.clone(),
        loss: spec.loss.clone(),
        settings: spec.settings.clone(),
        train_rows: spec.train.rows(),
        seconds: epochs.iter().map(|epoch| epoch.seconds).sum(),
        epochs,
        kept_epoch,
        evaluations,
    };
    let text = serde_json::to_vec(&result)?;
    replace(&done, |file| std::io::Write::write_all(file, &text))?;
    Ok(result)
}

/// Scores a model on one set of rows and writes its predictions to `path`, where one is given.
fn evaluate(
    model: &Model,
    objective: &Objective,
    reading: &Reading,
    set: &EvaluationSet<'_>,
    path: Option<&Path>,
) -> Result<SetScores> {
    let (mut scorer, mut loss) = (Scorer::new(reading), objective.mean());
    let columns = reading.columns();
    let mut table = Vec::new();
    let mut writer = predictions::Writer::new(&mut table, &set.rows, reading, None)?;
    model.each_logits(&set.examples.values, &mut |first, logits| {
        let labels = &set.examples.labels[first..first + logits.len() / columns];
        let read = reading.read(logits)?;
        scorer.add(&read, labels)?;
        writer.write(first, &read)?;
        loss.add(logits, labels)
    })?;
    writer.finish()?;
    if let Some(path) = path {
        replace(path, |file| std::io::Write::write_all(file, &table))?;
    }
    let (rows, loss, scores) = (set.examples.rows(), loss.finish(), scorer.finish());
    Ok(SetScores { set: set.name.to_owned(), rows, loss, scores })
}
