//! The training loop.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::examples::Examples;
use super::measure::{Measure, Measuring};
use super::network::Network;
use super::number;
use super::objective::Objective;
use super::reading::Reading;
use super::scores::{Scorer, Scores};
use super::settings::{Optimizer, Settings};

/// What one run learns from. The features are scaled already.
pub(crate) struct Job<'a> {
    /// Rows to learn from.
    pub(crate) train: &'a Examples,
    /// Rows to look at after every epoch.
    pub(crate) validation: Option<&'a Examples>,
    /// The loss.
    pub(crate) objective: &'a Objective,
    /// How logits are read.
    pub(crate) reading: &'a Reading,
    /// What stopping early follows in place of the validation loss.
    pub(crate) measure: Option<Measure>,
    /// How.
    pub(crate) settings: &'a Settings,
}

/// What is known after an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Epoch {
    /// Counted from 1.
    pub(crate) epoch: usize,
    /// Mean of the batches' losses.
    #[serde(deserialize_with = "number::or_nan")]
    pub(crate) train_loss: f64,
    /// The loss on the validation rows. A NaN is read back as none, which is as good: it is never the best.
    pub(crate) validation_loss: Option<f64>,
    /// The scores on the validation rows.
    pub(crate) validation: Option<Scores>,
    /// The metric that stopping early follows in place of the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_on: Option<f64>,
    /// Seconds the epoch took.
    pub(crate) seconds: f64,
}

/// Everything that training goes on from.
pub(crate) struct State {
    /// The head now.
    pub(crate) network: Network,
    /// The optimiser with its averages.
    pub(crate) optimizer: ModuleOptimizer,
    /// The epochs so far.
    pub(crate) history: Vec<Epoch>,
    /// The head of the epoch that was the best on the validation rows, where stopping early was asked for.
    pub(crate) best: Option<(usize, Network)>,
}

impl State {
    /// The state before the first epoch.
    pub(crate) fn new(settings: &Settings, inputs: usize, outputs: usize) -> Self {
        let device = Device::flex().autodiff();
        let network = Network::new(settings.model, inputs, settings.hidden, outputs, settings.seed, &device);
        Self { network, optimizer: optimizer(settings), history: Vec::new(), best: None }
    }

    /// Whether no further epoch is due.
    pub(crate) fn is_done(&self, settings: &Settings) -> bool {
        let epoch = self.history.len();
        let stale = match (settings.patience, &self.best) {
            (Some(patience), Some((best, _))) => epoch - best >= patience,
            _ => false,
        };
        epoch >= settings.epochs || stale
    }

    /// The head to keep, and the epoch it is of.
    pub(crate) fn into_result(self) -> (Network, usize, Vec<Epoch>) {
        match self.best {
            Some((epoch, network)) => (network, epoch, self.history),
            None => (self.network, self.history.len(), self.history),
        }
    }
}

/// The optimiser before its first step.
pub(crate) fn optimizer(settings: &Settings) -> ModuleOptimizer {
    let decay = (settings.weight_decay > 0.0).then(|| WeightDecayConfig::new(settings.weight_decay as f32));
    match settings.optimizer {
        Optimizer::Adam => AdamConfig::new().with_weight_decay(decay).init(),
        Optimizer::Adamw => AdamWConfig::new().with_weight_decay(settings.weight_decay as f32).init(),
        Optimizer::Sgd => SgdConfig::new().with_weight_decay(decay).with_momentum(Some(MomentumConfig::new())).init(),
    }
}

/// Trains for one epoch.
pub(crate) fn epoch(job: &Job<'_>, state: State) -> Result<State> {
    let started = Instant::now();
    let State { mut network, mut optimizer, mut history, mut best } = state;
    let (settings, train) = (job.settings, job.train);
    let device = network.devices().into_iter().next().unwrap_or_else(|| Device::flex().autodiff());
    let number = history.len();
    let steps = settings.steps(train.rows());
    let mut sum = 0.0;
    let batches = batches(train.rows(), settings.batch_size, steps, settings.seed, number);
    for (step, rows) in batches.into_iter().enumerate() {
        let batch = train.select(&rows);
        let features = TensorData::new(batch.values, [rows.len(), train.width]);
        let logits = network.forward(Tensor::from_data(features, &device));
        let loss = job.objective.loss(logits, &batch.labels, (number * steps + step) as u64);
        sum += f64::from(loss.clone().into_scalar::<f32>()) / steps as f64;
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(settings.rate(number), network, gradients);
    }
    let validated = job.validation.map(|rows| validate(job, &network, rows)).transpose()?;
    let (validation_loss, validation, stop_on) = match validated {
        Some(Validated { loss, scores, measured }) => (Some(loss), Some(scores), measured),
        None => (None, None, None),
    };
    let seconds = started.elapsed().as_secs_f64();
    history.push(Epoch { epoch: number + 1, train_loss: sum, validation_loss, validation, stop_on, seconds });
    if settings.patience.is_some() {
        let followed = |epoch: usize| history.get(epoch - 1).and_then(|epoch: &Epoch| job.followed(epoch));
        let before = best.as_ref().and_then(|(epoch, _)| followed(*epoch));
        if job.is_better(followed(number + 1), before) {
            best = Some((number + 1, network.clone()));
        }
    }
    Ok(State { network, optimizer, history, best })
}

impl Job<'_> {
    /// What stopping early follows.
    fn followed(&self, epoch: &Epoch) -> Option<f64> {
        if self.measure.is_some() { epoch.stop_on } else { epoch.validation_loss }
    }

    fn is_better(&self, now: Option<f64>, before: Option<f64>) -> bool {
        match &self.measure {
            Some(measure) => measure.is_better(now, before),
            None => now.is_some_and(|now| now < before.unwrap_or(f64::INFINITY)),
        }
    }
}

/// What is known of the validation rows.
struct Validated {
    loss: f64,
    scores: Scores,
    measured: Option<f64>,
}

fn validate(job: &Job<'_>, network: &Network, rows: &Examples) -> Result<Validated> {
    let mut scorer = Scorer::new(job.reading);
    let mut measuring = job.measure.as_ref().map(|measure| measure.measuring(job.reading)).transpose()?;
    let columns = job.reading.columns();
    let mut loss = job.objective.mean();
    network.each_logits(&rows.values, rows.width, &mut |first, logits| {
        let labels = &rows.labels[first..first + logits.len() / columns];
        let read = job.reading.read(logits)?;
        scorer.add(&read, labels)?;
        if let Some(measuring) = &mut measuring {
            measuring.add(&read, labels)?;
        }
        loss.add(logits, labels)
    })?;
    Ok(Validated { loss: loss.finish(), scores: scorer.finish(), measured: measuring.and_then(Measuring::finish) })
}

/// The rows of each step of an epoch: passes in random order, one after the other, cut into batches. It depends on the
/// seed and the epoch alone, so training that goes on after a break meets the same batches.
fn batches(rows: usize, size: usize, steps: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut random = fastrand::Rng::with_seed(seed ^ (epoch as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let wanted = if steps == rows.div_ceil(size) { rows } else { steps * size };
    let mut order: Vec<usize> = Vec::with_capacity(wanted + rows);
    while order.len() < wanted && rows > 0 {
        let mut pass: Vec<usize> = (0..rows).collect();
        random.shuffle(&mut pass);
        order.extend(pass);
    }
    order.truncate(wanted);
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_goes_once_through_the_rows() {
        let mut seen: Vec<usize> = batches(10, 4, 3, 1, 0).concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn more_steps_than_rows_go_through_them_again() {
        let batches = batches(10, 8, 5, 1, 0);
        assert!(batches.len() == 5 && batches.iter().all(|batch| batch.len() == 8));
        let all = batches.concat();
        assert!((0..10).all(|row| all.iter().filter(|&&seen| seen == row).count() == 4));
    }

    #[test]
    fn seed_and_epoch_decide_the_order() {
        assert_eq!(batches(50, 8, 7, 1, 3), batches(50, 8, 7, 1, 3));
        assert_ne!(batches(50, 8, 7, 1, 3), batches(50, 8, 7, 1, 4));
        assert_ne!(batches(50, 8, 7, 1, 3), batches(50, 8, 7, 2, 3));
    }
}
