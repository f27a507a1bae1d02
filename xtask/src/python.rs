//! The second statement of the mathematics, `testdata/reference/check.py`, in a virtual environment below `target`.

use anyhow::{Context, Result};

use crate::process::{command, root, run as sh, target};
use crate::test::{Outcome, Tests};

const SCRIPT: &str = "testdata/reference/check.py";

/// The only package it needs, and the version it was written with.
const PACKAGE: &str = "mpmath==1.3.0";

/// What pip says where it cannot reach an index.
const NO_NETWORK: &[&str] = &[
    "NewConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Network is unreachable",
];

/// Compares the golden files with the definitions in Python.
pub(crate) fn check(_: &mut Tests) -> Result<Outcome> {
    if !root().join(SCRIPT).exists() {
        return Ok(Outcome::Skipped(format!("{SCRIPT} is not there")));
    }
    let environment = target().join("reference-venv");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let installed = |python: &std::path::Path| {
        let output = command(python).args(["-c", "import mpmath; print('mpmath==' + mpmath.__version__)"]).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == PACKAGE)
    };
    if !installed(&python) {
        let python3 = if cfg!(windows) { "python" } else { "python3" };
        sh(command(python3).args(["-m", "venv", "--clear"]).arg(&environment)).context("needs Python 3 with venv")?;
        let output = command(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet", PACKAGE])
            .output()
            .context("cannot run pip")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            if NO_NETWORK.iter().any(|sign| said.contains(sign)) {
                return Ok(Outcome::Skipped(format!("pip cannot reach a package index to install {PACKAGE}")));
            }
            anyhow::bail!("pip cannot install {PACKAGE}: {}", said.trim());
        }
    }
    sh(command(&python).arg(SCRIPT))?;
    Ok(Outcome::Passed)
}
