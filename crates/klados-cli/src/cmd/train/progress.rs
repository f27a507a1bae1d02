//! A line that moves while a head is trained, on standard error and only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::cmd::note;
use crate::train::fit::Epoch;
use crate::train::settings::Settings;

/// The line of one run.
pub(crate) struct Progress {
    bar: ProgressBar,
    name: String,
    /// Whether it has been said that training diverged.
    diverged: bool,
    /// The metric that stopping follows, as long as no epoch has had it.
    undefined: Option<String>,
}

impl Progress {
    /// A line for a run, `name` padded to `width`.
    pub(crate) fn new(name: &str, width: usize, settings: &Settings) -> Self {
        let bar = ProgressBar::new(settings.epochs as u64);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos:>3}/{len} epochs  {msg}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{name:width$}"));
        Self { bar, name: name.to_owned(), diverged: false, undefined: settings.stop_on.clone() }
    }

    /// Moves on by an epoch.
    pub(crate) fn epoch(&mut self, epoch: &Epoch) {
        let finite = epoch.train_loss.is_finite() && epoch.validation_loss.is_none_or(f64::is_finite);
        if !finite && !self.diverged {
            self.diverged = true;
            let (name, number) = (&self.name, epoch.epoch);
            let text =
                format!("warning: {name}: the loss is not finite in epoch {number}; try a smaller --learning-rate");
            self.bar.suspend(|| note(&text));
        }
        if epoch.stop_on.is_some() {
            self.undefined = None;
        }
        let scores = epoch.validation.iter().flat_map(|scores| scores.levels.iter().rev());
        let shown: Vec<String> =
            scores.filter_map(|level| Some(format!("{} {:.1} %", level.level, 100.0 * level.shown()?))).collect();
        self.bar.set_message(format!("loss {:.3}  {}", epoch.train_loss, shown.join("  ")));
        self.bar.set_position(epoch.epoch as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        if let (Some(metric), true) = (&self.undefined, self.bar.position() > 0) {
            note(&format!("warning: {}: {metric} was defined in no epoch, so the last one is kept", self.name));
        }
    }
}
