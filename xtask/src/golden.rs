//! `cargo xtask golden`: the golden files anew, from the reference of klados-testing.

use anyhow::{Result, bail};

use crate::process::{cargo, run as sh};

/// Writes `testdata/golden`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        bail!("golden takes no arguments; `cargo xtask test golden` checks that the files are current");
    }
    sh(&mut cargo(&["run", "--locked", "-p", "klados-testing", "--bin", "golden"]))
}
