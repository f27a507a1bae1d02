//! One file a command: its arguments and what it does. `run` dispatches.

pub(crate) mod colour;
#[cfg(feature = "train")]
pub(crate) mod compare;
pub(crate) mod decide;
pub(crate) mod decision;
#[cfg(feature = "train")]
pub(crate) mod emoji_rows;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod format;
pub(crate) mod hierarchy;
#[cfg(feature = "train")]
pub(crate) mod labelled;
pub(crate) mod loss;
pub(crate) mod loss_input;
pub(crate) mod models;
#[cfg(feature = "train")]
pub(crate) mod predict;
#[cfg(feature = "train")]
pub(crate) mod train;
pub(crate) mod warnings;

use std::io::Write;

use crate::args::Command;

/// Arguments that do not fit together in a way that clap cannot see. `main` turns it into exit status 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs one command; results go to `out`.
pub(crate) fn run(command: Command, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        #[cfg(feature = "train")]
        Command::Train(args) => train::run(&args, out),
        #[cfg(feature = "train")]
        Command::Compare(args) => compare::run(&args, out),
        #[cfg(feature = "train")]
        Command::Predict(args) => predict::run(&args, out),
        Command::Decide(args) => decide::run(&args, out),
        Command::Evaluate(args) => evaluate::run(&args, out),
        Command::Loss(args) => loss::run(&args, out),
        Command::Explain(args) => explain::run(&args, out),
        Command::Hierarchy(args) => hierarchy::run(&args, out),
    }
}

/// A line for people, on standard error.
#[cfg(feature = "train")]
fn note(text: &str) {
    // Nobody to tell when nobody reads.
    let _ = writeln!(std::io::stderr(), "{text}");
}
