//! The second statement of the mathematics, `testdata/reference/check.py`.

use anyhow::Result;

use crate::process::{command, root, run as sh};
use crate::python::Environment;
use crate::test::{Outcome, Tests};

const SCRIPT: &str = "testdata/reference/check.py";

/// The only package it needs, and the version it was written with.
const PACKAGE: &str = "mpmath==1.3.0";

/// Compares the golden files with the definitions in Python.
pub(crate) fn check(_: &mut Tests) -> Result<Outcome> {
    if !root().join(SCRIPT).exists() {
        return Ok(Outcome::Skipped(format!("{SCRIPT} is not there")));
    }
    let Some(environment) = Environment::with_packages("reference-venv", PACKAGE)? else {
        return Ok(Outcome::Skipped(format!("pip cannot reach a package index to install {PACKAGE}")));
    };
    sh(command(environment.python()).arg(SCRIPT))?;
    Ok(Outcome::Passed)
}
