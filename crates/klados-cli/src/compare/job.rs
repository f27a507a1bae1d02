//! One training: from its rows to its numbers on the rows that settings are chosen on and those that are tested on.

use std::sync::Mutex;

use anyhow::{Result, bail};
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use klados::Hierarchy;
use klados::metrics::{Calibration, Metric};
use serde::{Deserialize, Serialize};

use super::search::Point;
use crate::train::examples::{Examples, Standardizer};
use crate::train::fit::{self, Job, State};
use crate::train::network::Network;
use crate::train::objective::Objective;
use crate::train::reading::Reading;
use crate::train::scores::Scorer;
use crate::train::settings::Settings;

/// First weights come from a random state that all threads share: one training at a time draws from it.
static FIRST_WEIGHTS: Mutex<()> = Mutex::new(());

/// The rows of a training, not scaled.
pub(crate) struct Rows {
    pub(crate) train: Examples,
    pub(crate) validation: Examples,
    pub(crate) test: Examples,
}

/// What came out of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// What settings are chosen by: the mean of the accuracies at all levels on the validation rows; none where the
    /// training diverged.
    pub(crate) validation: Option<f64>,
    /// On the test rows, by the same model; none where the training diverged.
    pub(crate) test: Option<Measured>,
    /// Seconds an epoch.
    pub(crate) seconds: f64,
    /// Rows that were trained on.
    pub(crate) train_rows: usize,
}

/// The numbers of a model on some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// From the top level: how many rows reach down to it.
    pub(crate) rows: Vec<usize>,
    /// From the top level, of the most probable node of the level; none where no row reaches it.
    pub(crate) accuracy: Vec<Option<f64>>,
    /// From the top level: the expected calibration error.
    pub(crate) calibration_error: Vec<Option<f64>>,
    /// The mean height of the mistakes; none without a mistake.
    pub(crate) mistake_severity: Option<f64>,
    /// The same over all rows, 0 where the class is right.
    pub(crate) lca_height: Option<f64>,
}

/// Trains with the settings of a point and measures what came out. `settings` has the number of steps.
///
/// # Errors
///
/// A loss that does not fit the hierarchy or the labels, or no row to train on.
pub(crate) fn run(point: &Point, hierarchy: &Hierarchy, rows: Rows, settings: &Settings) -> Result<Outcome> {
    let Rows { mut train, mut validation, mut test } = rows;
    if train.rows() == 0 {
        bail!("no rows to train on: of those that are not held out, none is labelled by class");
    }
    let standardizer = Standardizer::fit(&train.values, train.width);
    [&mut train, &mut validation, &mut test].into_iter().for_each(|rows| standardizer.apply(&mut rows.values));
    let objective = Objective::compile(&point.loss, hierarchy, &train.labels)?;
    let reading = Reading::new(hierarchy, &point.loss)?;
    let settings = Settings { learning_rate: point.learning_rate, ..settings.clone() };
    let mut state = first_state(&settings, train.width, reading.columns());
    let job = Job {
        train: &train,
        validation: None,
        objective: &objective,
        reading: &reading,
        measure: None,
        settings: &settings,
    };
    while !state.is_done(&settings) {
        state = fit::epoch(&job, state)?;
    }
    let (network, epochs, history) = state.into_result();
    let seconds = history.iter().map(|epoch| epoch.seconds).sum::<f64>() / epochs.max(1) as f64;
    let validation = measure(&network, &reading, &validation)?;
    let test = measure(&network, &reading, &test)?;
    let is_whole = validation.is_some() && test.is_some();
    Ok(Outcome {
        validation: validation.filter(|_| is_whole).and_then(|measured| mean(&measured.accuracy)),
        test: test.filter(|_| is_whole),
        seconds,
        train_rows: train.rows(),
    })
}

/// The state before the first step, the same whatever other threads do.
fn first_state(settings: &Settings, inputs: usize, outputs: usize) -> State {
    let _drawn = FIRST_WEIGHTS.lock();
    let state = State::new(settings, inputs, outputs);
    // Weights are drawn where they are first asked for.
    let device = state.network.devices().into_iter().next();
    if let Some(device) = device {
        let nothing = TensorData::new(vec![0.0f32; inputs], [1, inputs]);
        let _ = state.network.forward(Tensor::from_data(nothing, &device));
    }
    state
}

/// The numbers of a model on rows that are scaled; none where some of what it gives is no number.
fn measure(network: &Network, reading: &Reading, rows: &Examples) -> Result<Option<Measured>> {
    let mut scorer = Scorer::new(reading);
    let mut calibration = Calibration::new(reading.levels(), Calibration::BINS)?;
    let (columns, mut is_whole) = (reading.columns(), true);
    network.each_logits(&rows.values, rows.width, &mut |first, logits| {
        let labels = &rows.labels[first..first + logits.len() / columns];
        let read = reading.read(logits)?;
        is_whole &= !read.has_nan();
        if is_whole {
            scorer.add(&read, labels)?;
            let labels = reading.judged(labels);
            calibration.update(&reading.levels().truths(&labels)?, read.log_probs(), None)?;
        }
        Ok(())
    })?;
    if !is_whole {
        return Ok(None);
    }
    let scores = scorer.finish();
    Ok(Some(Measured {
        rows: scores.levels.iter().map(|level| level.rows).collect(),
        accuracy: scores.levels.iter().map(|level| level.accuracy).collect(),
        calibration_error: calibration.compute().iter().map(|level| level.ece).collect(),
        mistake_severity: scores.mistake_severity,
        lca_height: scores.lca_height,
    }))
}

/// The mean of what there is.
pub(crate) fn mean(values: &[Option<f64>]) -> Option<f64> {
    let there: Vec<f64> = values.iter().copied().flatten().collect();
    (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64)
}
