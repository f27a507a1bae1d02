//! Virtual environments of Python below `target`, made once and kept while what is asked for stays the same.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{command, run as sh, target};

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

/// A virtual environment.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment of this name with these packages, one requirement a line; `None` where pip reaches no index.
    ///
    /// # Errors
    ///
    /// No Python 3 with `venv`, or a package that does not install.
    pub(crate) fn with_packages(name: &str, requirements: &str) -> Result<Option<Self>> {
        let environment = Self { folder: target().join(name) };
        let stamp = environment.folder.join("requirements.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
            return Ok(Some(environment));
        }
        let python3 = if cfg!(windows) { "python" } else { "python3" };
        if !environment.python().exists() {
            sh(command(python3).args(["-m", "venv", "--clear"]).arg(&environment.folder))
                .context("needs Python 3 with venv")?;
        }
        let wanted = environment.folder.join("wanted.txt");
        fs::write(&wanted, requirements)?;
        if !environment.install(&[Path::new("--requirement"), &wanted])? {
            return Ok(None);
        }
        fs::rename(&wanted, &stamp)?;
        Ok(Some(environment))
    }

    /// Its interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
    }

    /// Installs what the arguments of `pip install` say; `false` where pip reaches no index.
    ///
    /// # Errors
    ///
    /// A package that does not install.
    pub(crate) fn install(&self, arguments: &[&Path]) -> Result<bool> {
        let quietly = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet"];
        let output = command(self.python()).args(quietly).args(arguments).output().context("cannot run pip")?;
        if output.status.success() {
            return Ok(true);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if NO_NETWORK.iter().any(|sign| said.contains(sign)) {
            return Ok(false);
        }
        bail!("pip cannot install: {}", said.trim());
    }
}
