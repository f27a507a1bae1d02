//! `cargo xtask bench`: measurements, in release builds.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, command, root, run as sh, target};
use crate::wheel;

/// What the contenders in Python are made of, beside the tests' PyTorch: the other package of hierarchical losses.
const HIERARCHICALSOFTMAX: &str = "hierarchicalsoftmax==1.4.4";

/// Checks and times Klados beside memcpy and what PyTorch users write, into `target/bench`: measurements
/// as CSV, charts as SVG; the tables are printed. Without `--quick` also how long hierarchies take to load and what a
/// row of each loss, decision and node log-probability costs.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let quick = match arguments[..] {
        [] => false,
        ["--quick"] => true,
        _ => bail!("bench takes --quick or nothing"),
    };
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder)?;
    let folder = std::fs::canonicalize(&folder)?;
    let bench = |arguments: &[&str]| {
        let mut bench = cargo(&["run", "--locked", "--release", "--quiet", "-p", "klados-bench", "--"]);
        bench.args(arguments);
        bench
    };
    let path = folder.to_str().context("the target folder's name is not text")?;
    let plan: &[&str] = if quick { &["plan", path, "--quick"] } else { &["plan", path] };
    sh(&mut bench(plan))?;
    sh(&mut bench(&["run", path]))?;
    python(&folder)?;
    sh(&mut bench(&["report", path]))?;
    println!("measurements and charts are in {path}");
    if quick {
        return Ok(());
    }
    sh(&mut cargo(&["bench", "--locked", "-p", "klados", "--benches"]))
}

/// The contenders in Python, against the wheel of this tree.
fn python(folder: &Path) -> Result<()> {
    let measurements = folder.join("python.csv");
    // Those of an earlier run would be of other cases.
    if measurements.exists() {
        std::fs::remove_file(&measurements)?;
    }
    let Some(environment) = wheel::environment()? else {
        println!("SKIPPED the contenders in Python: pip cannot reach a package index");
        return Ok(());
    };
    if !environment.install(&[Path::new(HIERARCHICALSOFTMAX)])? {
        println!("SKIPPED {HIERARCHICALSOFTMAX}: pip cannot reach a package index");
    }
    sh(command(environment.python()).arg(root().join("benchmarks/contenders.py")).arg(folder))
}
