//! `klados train`: the embedded set's story, or a head on a user's own table.

use std::io::Write;

use anyhow::{Result, bail};

use crate::data::emoji;

/// Train a classifier, or without arguments show on pictures what superclasses and coarse labels do.
#[derive(Debug, clap::Args)]
pub(crate) struct TrainArgs {
    /// Print who drew the embedded pictures and under which licences, and stop.
    #[arg(long)]
    pub(crate) licenses: bool,
}

/// Runs the command.
pub(crate) fn run(args: &TrainArgs, out: &mut dyn Write) -> Result<()> {
    if args.licenses {
        return Ok(emoji::write_licenses(out)?);
    }
    bail!("training is not there yet")
}
