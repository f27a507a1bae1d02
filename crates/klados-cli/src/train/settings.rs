//! How a head is trained. Everything here, with the data and the loss, decides the numbers that come out.

use serde::{Deserialize, Serialize};

/// The shape of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Head {
    /// One linear layer: logistic regression when the loss is flat cross-entropy.
    Linear,
    /// One hidden layer of rectified units before the linear one.
    Mlp,
}

/// What follows the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Optimizer {
    /// Adam; weight decay is added to the gradient.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
    /// Stochastic gradient descent with momentum 0.9.
    Sgd,
}

/// All settings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The shape of the head.
    pub(crate) model: Head,
    /// Units of the hidden layer; of no meaning to a linear head.
    pub(crate) hidden: usize,
    /// What follows the gradient.
    pub(crate) optimizer: Optimizer,
    /// Step size of the first epoch; it falls to 0 along half a cosine.
    pub(crate) learning_rate: f64,
    /// Weight decay.
    pub(crate) weight_decay: f64,
    /// How many epochs at most.
    pub(crate) epochs: usize,
    /// Rows a step.
    pub(crate) batch_size: usize,
    /// Steps an epoch; without it, as many as go once through the data.
    pub(crate) steps_per_epoch: Option<usize>,
    /// Stop after so many epochs without a better validation loss, or number of `stop_on`, and keep the best.
    pub(crate) patience: Option<usize>,
    /// The metric that stopping follows in place of the validation loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_on: Option<String>,
    /// Decides the first weights, the order of the rows and the validation split.
    pub(crate) seed: u64,
}

impl Settings {
    /// The step size in an epoch, counted from 0.
    pub(crate) fn rate(&self, epoch: usize) -> f64 {
        let done = epoch as f64 / self.epochs.max(1) as f64;
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
    }

    /// Steps an epoch over `rows` rows.
    pub(crate) fn steps(&self, rows: usize) -> usize {
        self.steps_per_epoch.unwrap_or_else(|| rows.div_ceil(self.batch_size))
    }
}

/// The same settings as they are typed. What is not typed is the command's to choose: the embedded set has its own
/// defaults.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct SettingsArgs {
    /// Those of every training.
    #[command(flatten)]
    pub(crate) head: HeadArgs,
    /// Stop after N epochs without a better validation loss, and keep the best epoch
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) patience: Option<usize>,
    /// What --patience follows: a metric of the validation rows, as `accuracy@genus` or `mistake_severity` [default: loss]
    #[arg(long, value_name = "METRIC", requires = "patience")]
    pub(crate) stop_on: Option<String>,
}

/// The settings without those of stopping early.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct HeadArgs {
    /// The head on the features [default: linear]
    #[arg(long, value_enum, value_name = "HEAD")]
    pub(crate) model: Option<Head>,
    /// Units of the hidden layer of `--model mlp` [default: 256]
    #[arg(long, value_name = "N", value_parser = units)]
    pub(crate) hidden: Option<usize>,
    /// What follows the gradient [default: adamw]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) optimizer: Option<Optimizer>,
    /// Step size at the start; it falls to 0 along half a cosine [default: 0.01; pictures: 0.001, where they are compared 0.002]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    pub(crate) learning_rate: Option<f64>,
    /// Weight decay [default: 0.01; pictures: 3]
    #[arg(long, value_name = "X", value_parser = not_negative)]
    pub(crate) weight_decay: Option<f64>,
    /// Passes through the training rows [default: 50; pictures: 30, where they are compared 12]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) epochs: Option<usize>,
    /// Rows a step [default: 64; pictures: 256]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) batch_size: Option<usize>,
    /// Decides the first weights, the order of the rows and the split: the same seed gives the same numbers again on the
    /// same machine
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

impl SettingsArgs {
    /// The settings typed, over `defaults`.
    pub(crate) fn over(&self, defaults: &Settings) -> Settings {
        Settings {
            patience: self.patience.or(defaults.patience),
            stop_on: self.stop_on.clone().filter(|metric| metric != "loss"),
            ..self.head.over(defaults)
        }
    }
}

impl HeadArgs {
    /// The settings typed, over `defaults`.
    pub(crate) fn over(&self, defaults: &Settings) -> Settings {
        Settings {
            model: self.model.unwrap_or(defaults.model),
            hidden: self.hidden.unwrap_or(defaults.hidden),
            optimizer: self.optimizer.unwrap_or(defaults.optimizer),
            learning_rate: self.learning_rate.unwrap_or(defaults.learning_rate),
            weight_decay: self.weight_decay.unwrap_or(defaults.weight_decay),
            epochs: self.epochs.unwrap_or(defaults.epochs),
            batch_size: self.batch_size.unwrap_or(defaults.batch_size),
            seed: self.seed,
            ..defaults.clone()
        }
    }
}

/// A hidden layer that memory has room for.
fn units(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.parse().ok();
    number.filter(|n| (1..=65_536).contains(n)).ok_or_else(|| "expected a whole number from 1 to 65536".to_owned())
}

/// A whole number above 0.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "expected a whole number above 0".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number.filter(|x| x.is_finite() && *x >= 0.0).ok_or_else(|| "expected a number of at least 0".to_owned())
}
