//! `klados predict`: a trained model on new rows.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

/// Apply a trained model: one line a row with the class, its probability and each ancestor's.
#[derive(Debug, clap::Args)]
pub(crate) struct PredictArgs {
    /// The directory that `klados train` wrote.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// The rows, in the format the model was trained on.
    pub(crate) data: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &PredictArgs, _out: &mut dyn Write) -> Result<()> {
    bail!("cannot predict {} with {} yet", args.data.display(), args.model.display())
}
