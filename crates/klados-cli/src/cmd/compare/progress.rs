//! A line that moves while a comparison trains, on standard error and only on a terminal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// The line.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Trainings of this run: those that were there took no time.
    trained: AtomicU64,
}

impl Progress {
    /// For so many trainings.
    pub(super) fn new(trainings: usize) -> Self {
        let bar = ProgressBar::new(trainings as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos:>3}/{len} trainings  {msg}") {
            bar.set_style(style);
        }
        bar.tick();
        Self { bar, started: Instant::now(), trained: AtomicU64::new(0) }
    }

    /// One more is done, or was there.
    pub(super) fn done(&self, was_there: bool) {
        self.bar.inc(1);
        if was_there {
            return;
        }
        let trained = self.trained.fetch_add(1, Ordering::Relaxed) + 1;
        let left = self.bar.length().unwrap_or(0).saturating_sub(self.bar.position());
        let seconds = self.started.elapsed().as_secs_f64() / trained as f64 * left as f64;
        self.bar.set_message(format!("about {} left", HumanDuration(Duration::from_secs_f64(seconds.ceil()))));
    }

    /// All are.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
