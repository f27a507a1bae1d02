//! The Python package: its wheel, and its tests against it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{command, root, run as sh, run_seeing, target};
use crate::python::Environment;
use crate::test::{Outcome, Tests};

/// The builder of wheels, and the version it was tried with.
const MATURIN: &str = "maturin==1.16.0";

/// What the tests of the Python package need.
const REQUIREMENTS: &str = "python/tests/requirements.txt";

/// Builds the wheel into `target/wheels`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("`cargo xtask wheel` takes no arguments, got \"{argument}\"");
    }
    match build()? {
        Some(wheel) => println!("install it with: pip install {}", wheel.display()),
        None => bail!("pip cannot reach a package index to install {MATURIN}"),
    }
    Ok(())
}

/// The wheel; `None` where its builder cannot be had.
fn build() -> Result<Option<PathBuf>> {
    let Some(environment) = Environment::with_packages("wheel-venv", MATURIN)? else { return Ok(None) };
    let folder = target().join("wheels");
    // The newest alone, so that there is no question which one is meant.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let build = ["-m", "maturin", "build", "--release", "--locked", "--interpreter", "python3", "--out"];
    sh(command(environment.python()).args(build).arg(&folder))?;
    let wheel = fs::read_dir(&folder)?.next().context("maturin wrote no wheel")??.path();
    Ok(Some(fs::canonicalize(wheel)?))
}

/// Installs the wheel into an environment of its own and runs the tests there.
pub(crate) fn test(tests: &mut Tests) -> Result<Outcome> {
    let Some(environment) = environment()? else {
        return Ok(Outcome::Skipped("pip cannot reach a package index".to_owned()));
    };
    sh(command(environment.python()).args(["-m", "mypy.stubtest", "klados._klados"]))?;
    sh(command(environment.python()).args(["-m", "mypy", "python/klados"]))?;
    let mut pytest = command(environment.python());
    pytest.args(["-m", "pytest", "python/tests", "--quiet", "--durations=10"]);
    run_seeing(&mut pytest, |line| tests.count_pytest(line))?;
    Ok(Outcome::Passed)
}

/// An environment with what the tests need and the wheel; `None` where pip reaches no index.
pub(crate) fn environment() -> Result<Option<Environment>> {
    let requirements = fs::read_to_string(root().join(REQUIREMENTS)).context(REQUIREMENTS)?;
    println!(
        "This needs PyTorch and the packages of {REQUIREMENTS}: some gigabytes, which pip keeps in its own cache \
         (`pip cache dir`) and this command in {}. They are fetched once.",
        target().join("python-venv").display()
    );
    let Some(environment) = Environment::with_packages("python-venv", &requirements)? else { return Ok(None) };
    let Some(wheel) = build()? else { return Ok(None) };
    environment.install(
        &["--force-reinstall", "--no-deps"].map(Path::new).iter().copied().chain([&*wheel]).collect::<Vec<_>>(),
    )?;
    Ok(Some(environment))
}
