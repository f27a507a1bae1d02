//! The report in a browser: the pages of made-up evaluations, that of `klados train` and those of `klados explain`, opened,
//! clicked and printed by Chromium.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

use crate::process::{cargo, command, root, run as sh, run_seeing, target};
use crate::python::Environment;
use crate::test::{Outcome, Tests};

const FOLDER: &str = "crates/klados-cli/tests/browser";

/// Under which names Chromium is installed.
const CHROMIUMS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Writes the pages and runs the tests on them.
pub(crate) fn test(tests: &mut Tests) -> Result<Outcome> {
    let Some(chromium) = chromium() else {
        return Ok(Outcome::Skipped(format!("no Chromium: none of {} is in PATH", CHROMIUMS.join(", "))));
    };
    let requirements = root().join(FOLDER).join("requirements.txt");
    let requirements = fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    let Some(environment) = Environment::with_packages("browser-venv", &requirements)? else {
        return Ok(Outcome::Skipped("pip cannot reach a package index".to_owned()));
    };
    let pages = target().join("report-pages");
    fs::create_dir_all(&pages)?;
    let pages = fs::canonicalize(pages)?;
    let write =
        ["test", "--locked", "--quiet", "-p", "klados-cli", "--bin", "klados", "report::fixtures::pages_are_written"];
    sh(cargo(&write).env("KLADOS_REPORT_PAGES", &pages))?;
    let train = ["test", "--locked", "--quiet", "-p", "klados-cli", "--test", "it", "story::the_four_runs"];
    sh(cargo(&train).env("KLADOS_REPORT_PAGES", &pages))?;
    // The rows of the golden suite, and the pages of `klados explain`.
    let golden = ["test", "--locked", "--quiet", "-p", "klados", "--test", "it", "explain_formulas::"];
    sh(cargo(&golden).env("KLADOS_REPORT_PAGES", &pages))?;
    let explain = ["test", "--locked", "--quiet", "-p", "klados-cli", "--test", "it", "explain_page::"];
    sh(cargo(&explain).env("KLADOS_REPORT_PAGES", &pages))?;
    let mut pytest = command(environment.python());
    pytest.args(["-m", "pytest", FOLDER, "--quiet", "-p", "no:cacheprovider", "--durations=5"]);
    pytest.env("KLADOS_REPORT_PAGES", &pages).env("KLADOS_CHROMIUM", chromium);
    run_seeing(&mut pytest, |line| tests.count_pytest(line))?;
    Ok(Outcome::Passed)
}

/// The first that is there.
fn chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let found = |name: &&str| folders.iter().map(|folder| folder.join(name)).find(|file| Path::is_file(file));
    CHROMIUMS.iter().find_map(found)
}
