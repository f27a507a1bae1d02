//! `cargo xtask fuzz`: libFuzzer on every format of hierarchies, where cargo-fuzz is installed.
//!
//! What it finds stays in `fuzz/corpus` and goes on from there the next time; what fails is in `fuzz/artifacts`. The compiler
//! is the stable one: sanitizers need another, and there is no `unsafe` in the core for them to look at.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{command, root, run as sh, target};

/// How long a format where nobody says.
const SECONDS: u64 = 60;

/// Where every format has a folder of its name.
const FIXTURES: &str = "testdata/hierarchies";

/// This one reads the names of folders and no bytes.
const WITHOUT_BYTES: &str = "directory";

/// Takes the seconds a format, and the formats, where they are not all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (seconds, names) = match arguments.split_first() {
        Some((seconds, names)) => {
            (seconds.parse().with_context(|| format!("\"{seconds}\" is no whole number of seconds"))?, names)
        }
        None => (SECONDS, &[][..]),
    };
    if !is_installed() {
        println!("SKIPPED: cargo-fuzz is not installed; `cargo install cargo-fuzz` does that");
        return Ok(());
    }
    let known = formats()?;
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        bail!("there is no format \"{name}\" to fuzz; there are {}", known.join(", "));
    }
    fuzz(None, seconds).context("any format")?;
    for format in known.iter().filter(|format| names.is_empty() || names.contains(format)) {
        let again = format!("KLADOS_FORMAT={format} cargo fuzz run --sanitizer none read fuzz/artifacts/read/...");
        fuzz(Some(format), seconds).with_context(|| format!("to see it again: RUSTC_BOOTSTRAP=1 {again}"))?;
    }
    Ok(())
}

fn is_installed() -> bool {
    let version =
        Command::new("cargo").args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// The names of the formats: a test sees to it that each has fixtures.
fn formats() -> Result<Vec<String>> {
    let folders = std::fs::read_dir(root().join(FIXTURES)).context(FIXTURES)?;
    let mut names = Vec::new();
    for folder in folders {
        names.push(folder?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != WITHOUT_BYTES);
    names.sort();
    Ok(names)
}

/// Without a format the bytes are read in that which is guessed.
fn fuzz(format: Option<&str>, seconds: u64) -> Result<()> {
    let corpus = format!("fuzz/corpus/{}", format.unwrap_or("any"));
    std::fs::create_dir_all(root().join(&corpus)).with_context(|| corpus.clone())?;
    let fixtures = format.map_or(FIXTURES.to_owned(), |format| format!("{FIXTURES}/{format}"));
    let mut fuzz = command("cargo");
    fuzz.args(["fuzz", "run", "--sanitizer", "none", "read", &corpus, &fixtures, "--"]);
    fuzz.args([&format!("-max_total_time={seconds}"), "-timeout=60", "-max_len=20000"]);
    // cargo-fuzz gives the compiler options that it keeps for its own tools.
    fuzz.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", target().join("fuzz"));
    match format {
        Some(format) => fuzz.env("KLADOS_FORMAT", format),
        None => fuzz.env_remove("KLADOS_FORMAT"),
    };
    sh(&mut fuzz)
}
