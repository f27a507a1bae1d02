//! `cargo xtask bench`: measurements, in release builds.

use anyhow::{Result, bail};

use crate::process::{cargo, run as sh};

/// Times the loading of hierarchies (synthetic ones, and those of `../shared/data` where they are), and a row of each
/// loss from 100 to 100,000 classes.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        bail!("bench takes no arguments");
    }
    sh(&mut cargo(&["bench", "--locked", "-p", "klados", "--benches"]))
}
