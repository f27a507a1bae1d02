//! `cargo xtask counts`: how many instructions the core's kernels take, beside the committed counts.
//!
//! Counts hardly change where nothing else does, on however busy a machine, so that a regression of some per cent shows.
//! They depend on the compiler, which the committed file names, and on the instruction set: valgrind has no AVX-512, so
//! that on any newer x86-64 processor the kernels are those for AVX2; elsewhere the counts are skipped.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{cargo, command, root, run as sh, target};
use crate::test::Outcome;

/// The committed counts: instructions for a thousand logits.
const COUNTS: &str = "testdata/counts.csv";
/// What a count may be above the committed one: what an unrelated change moves by way of inlining.
const TOLERANCE: f64 = 0.02;
/// The instruction set that the committed counts are of.
const LEVEL: &str = "Avx2";

/// Compares the counts with the committed ones; `--write` replaces these.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => check()?,
        ["--write"] => write()?,
        _ => bail!("counts takes --write or nothing"),
    };
    if let Outcome::Skipped(reason) = outcome {
        println!("SKIPPED the counts: {reason}");
    }
    Ok(())
}

/// Compares the counts with the committed ones.
pub(crate) fn check() -> Result<Outcome> {
    let text = fs::read_to_string(root().join(COUNTS)).context(COUNTS)?;
    let committed = parse(&text)?;
    let counted = match count()? {
        Ok(counted) => counted,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let worse = compare(&committed, &counted)?;
    if !worse.is_empty() {
        let compiler = compiler()?;
        bail!(
            "more instructions than {COUNTS} has: {}. It is of `{}`, this is `{compiler}`. If the change is worth it: \
             `cargo xtask counts --write`",
            worse.join(", "),
            text.lines().next().unwrap_or_default().trim_start_matches("# ")
        );
    }
    Ok(Outcome::Passed)
}

/// Prints all counts, and gives those that are above what they may be.
fn compare(committed: &BTreeMap<String, f64>, counted: &BTreeMap<String, f64>) -> Result<Vec<String>> {
    let mut worse = Vec::new();
    for (name, &now) in counted {
        let Some(&before) = committed.get(name) else {
            bail!("{COUNTS} has no \"{name}\"; `cargo xtask counts --write` writes it anew");
        };
        let change = 100.0 * (now / before - 1.0);
        println!("{name:20} {now:10.0} instructions for 1,000 logits, {change:+.1} %");
        if now > before * (1.0 + TOLERANCE) {
            worse.push(format!("{name} {change:+.1} %"));
        }
    }
    Ok(worse)
}

fn write() -> Result<Outcome> {
    let counted = match count()? {
        Ok(counted) => counted,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let mut text = format!("# {}\nkernel,instructions_per_1000_logits\n", compiler()?);
    for (name, count) in counted {
        writeln!(text, "{name},{count:.0}")?;
    }
    fs::write(root().join(COUNTS), &text)?;
    print!("{text}");
    Ok(Outcome::Passed)
}

/// The committed file: a comment, a header, then a kernel a line.
fn parse(text: &str) -> Result<BTreeMap<String, f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    let pairs = lines.map(|line| {
        let (name, count) = line.split_once(',').with_context(|| format!("{COUNTS}: no comma in \"{line}\""))?;
        let count = count.parse().with_context(|| format!("{COUNTS}: \"{count}\" is no number"))?;
        Ok((name.to_owned(), count))
    });
    pairs.collect()
}

/// Instructions for a thousand logits of every kernel, or why there are none.
fn count() -> Result<std::result::Result<BTreeMap<String, f64>, String>> {
    let quiet = command("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !quiet.is_ok_and(|status| status.success()) {
        return Ok(Err("there is no valgrind".to_owned()));
    }
    sh(&mut cargo(&["build", "--locked", "--release", "-p", "klados-bench"]))?;
    let out = target().join("callgrind.out");
    let names = under_valgrind(&["--tool=none"], &["count"])?;
    let mut names = names.lines();
    let level = names.next().unwrap_or_default();
    if !level.contains(LEVEL) {
        return Ok(Err(format!("the kernels are those for {level} under valgrind, the counts of {LEVEL}")));
    }
    let mut counted = BTreeMap::new();
    for name in names {
        // The name as it is mangled: what a demangler makes of it is valgrind's affair.
        let file = format!("--callgrind-out-file={}", out.display());
        let only = ["--tool=callgrind", "--demangle=no", "--toggle-collect=*counts7counted*", &file];
        let logits: f64 = under_valgrind(&only, &["count", name])?.trim().parse().context("no number of logits")?;
        let instructions = total(&out)?;
        ensure!(instructions > 0.0, "callgrind did not meet the function that it should count");
        counted.insert(name.to_owned(), 1000.0 * instructions / logits);
    }
    Ok(Ok(counted))
}

/// What the benchmarks print under valgrind.
fn under_valgrind(tool: &[&str], arguments: &[&str]) -> Result<String> {
    let program = target().join("release/klados-bench");
    let output = command("valgrind").arg("-q").args(tool).arg(program).args(arguments).output()?;
    if !output.status.success() {
        bail!("valgrind failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The total of callgrind's output: `summary: 12345` or `totals: 12345`.
fn total(path: &Path) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let number = |line: &str| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: "))?.parse().ok();
    text.lines().filter_map(number).next_back().context("callgrind wrote no total")
}

/// The compiler's version.
fn compiler() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = command(rustc).arg("--version").output().context("cannot run rustc")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_a_fiftieth_above_is_worse() {
        let counts = |one: f64, other: f64| BTreeMap::from([("one".to_owned(), one), ("other".to_owned(), other)]);
        let committed = counts(1000.0, 1000.0);
        assert!(compare(&committed, &counts(1019.0, 1.0)).unwrap().is_empty());
        assert_eq!(compare(&committed, &counts(1000.0, 1021.0)).unwrap(), ["other +2.1 %"]);
        let new = BTreeMap::from([("new".to_owned(), 1.0)]);
        assert!(compare(&committed, &new).unwrap_err().to_string().contains("no \"new\""));
    }

    #[test]
    fn the_committed_counts_are_read() {
        let text = fs::read_to_string(root().join(COUNTS)).unwrap();
        let counts = parse(&text).unwrap();
        assert!(counts.len() > 10 && counts.values().all(|count| *count > 0.0), "{counts:?}");
        assert!(parse("# rustc\nkernel,count\nnested 5\n").is_err() && parse("kernel,count\nnested,x\n").is_err());
    }
}
