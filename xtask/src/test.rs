//! `cargo xtask test`: every check, from the cheapest to the dearest, stopping at the first that fails.
//!
//! All cargo commands share the development profile and the lock file, so that dependencies compile once for checking
//! (clippy, docs) and once for running (tests).

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, root, run as sh, run_seeing};
use crate::{browser, statement, wheel};

/// One check.
struct Step {
    name: &'static str,
    run: fn(&mut Tests) -> Result<Outcome>,
}

/// How a step ended, unless it failed.
pub(crate) enum Outcome {
    /// It passed.
    Passed,
    /// It could not be run here, for this reason.
    Skipped(String),
}

const STEPS: &[Step] = &[
    Step { name: "format", run: format },
    Step { name: "clippy", run: clippy },
    Step { name: "features", run: features },
    Step { name: "docs", run: docs },
    Step { name: "tests", run: tests },
    Step { name: "core-without-features", run: core_without_features },
    Step { name: "fuzz", run: fuzz },
    Step { name: "doctests", run: doctests },
    Step { name: "browser", run: browser::test },
    Step { name: "python", run: wheel::test },
    Step { name: "golden", run: golden },
    Step { name: "mpmath", run: statement::check },
];

/// Runs all steps, or those that are named.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no step \"{name}\"; the steps are {}", known.join(", "));
    }
    let started = Instant::now();
    let mut tests = Tests::default();
    let mut lines = Vec::new();
    for step in STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)) {
        println!("\n=== {}", step.name);
        let begun = Instant::now();
        let outcome = (step.run)(&mut tests);
        let seconds = begun.elapsed().as_secs_f64();
        let outcome = outcome.with_context(|| format!("step {} failed after {seconds:.0} s", step.name))?;
        lines.push(match outcome {
            Outcome::Passed => format!("{:22} passed  {seconds:6.1} s", step.name),
            Outcome::Skipped(reason) => format!("{:22} SKIPPED {seconds:6.1} s  {reason}", step.name),
        });
    }
    println!("\n=== all steps\n{}", lines.join("\n"));
    let seconds = started.elapsed().as_secs_f64();
    println!("{} tests passed, {} ignored; {seconds:.0} s in all", tests.passed, tests.ignored);
    Ok(())
}

/// The tests that ran, added up over the lines `test result: ok. 12 passed; 0 failed; 1 ignored; ...`.
#[derive(Default)]
pub(crate) struct Tests {
    passed: u64,
    ignored: u64,
}

impl Tests {
    /// Counts a line of pytest, `12 passed, 1 skipped in 3.45s`.
    pub(crate) fn count_pytest(&mut self, line: &str) {
        let words: Vec<&str> = line.trim_matches('=').split_whitespace().collect();
        for pair in words.windows(2) {
            match (pair[0].parse::<u64>(), pair[1].trim_end_matches(',')) {
                (Ok(count), "passed") => self.passed += count,
                (Ok(count), "skipped" | "xfailed") => self.ignored += count,
                _ => {}
            }
        }
    }

    /// Runs `cargo test` and counts.
    fn run(&mut self, arguments: &[&str]) -> Result<Outcome> {
        let mut arguments = arguments.to_vec();
        arguments.splice(..0, ["test", "--locked"]);
        run_seeing(&mut cargo(&arguments), |line| {
            let Some(counts) = line.strip_prefix("test result: ") else { return };
            let count = |what: &str| {
                let before = counts.split(what).next().unwrap_or_default();
                before.split_whitespace().next_back().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
            };
            self.passed += count(" passed");
            self.ignored += count(" ignored");
        })?;
        Ok(Outcome::Passed)
    }
}

fn format(_: &mut Tests) -> Result<Outcome> {
    sh(&mut cargo(&["fmt", "--all", "--check"])).context("`cargo fmt --all` formats the code")?;
    Ok(Outcome::Passed)
}

fn clippy(_: &mut Tests) -> Result<Outcome> {
    sh(&mut cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    Ok(Outcome::Passed)
}

/// Each crate that has features builds without warnings with none, with some and with all of them; `clippy` has seen
/// the defaults.
fn features(_: &mut Tests) -> Result<Outcome> {
    let sets: &[&[&str]] = &[
        &["-p", "klados", "--no-default-features"],
        &["-p", "klados"],
        &["-p", "klados", "--all-features"],
        &["-p", "klados-cli", "--no-default-features"],
        &["-p", "klados-cli", "--no-default-features", "--features", "parquet"],
        &["-p", "klados-cli", "--no-default-features", "--features", "train"],
        &["-p", "klados-cli", "--all-features"],
    ];
    for set in sets {
        let mut arguments = vec!["clippy", "--locked", "--all-targets"];
        arguments.extend(*set);
        arguments.extend(["--", "-D", "warnings"]);
        sh(&mut cargo(&arguments))?;
    }
    Ok(Outcome::Passed)
}

fn docs(_: &mut Tests) -> Result<Outcome> {
    sh(cargo(&["doc", "--locked", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}

/// Unit and integration tests; among them are the golden files on every engine, and the hashes of the committed data.
fn tests(tests: &mut Tests) -> Result<Outcome> {
    tests.run(&["--workspace", "--lib", "--bins", "--tests", "--examples"])
}

/// The core promises the same results without threads.
fn core_without_features(tests: &mut Tests) -> Result<Outcome> {
    tests.run(&["-p", "klados", "--no-default-features", "--lib", "--tests"])
}

/// Some seconds of what `cargo xtask fuzz` does for longer: more changes of the fixtures of all formats than `tests` makes.
fn fuzz(_: &mut Tests) -> Result<Outcome> {
    let mut test =
        cargo(&["test", "--locked", "-p", "klados", "--test", "it", "changed_at_random", "--", "--nocapture"]);
    sh(test.env("KLADOS_MUTATIONS", "5000").env("KLADOS_SEED", "2"))?;
    Ok(Outcome::Passed)
}

/// The examples of the API docs, and those of the pages, through the library `pages`.
fn doctests(tests: &mut Tests) -> Result<Outcome> {
    tests.run(&["--workspace", "--doc"])
}

/// The committed golden files are what the reference writes.
fn golden(_: &mut Tests) -> Result<Outcome> {
    if !root().join("crates/klados-testing/src/bin/golden.rs").exists() {
        return Ok(Outcome::Skipped("the generator is not there".to_owned()));
    }
    sh(&mut cargo(&["run", "--locked", "--quiet", "-p", "klados-testing", "--bin", "golden", "--", "--check"]))?;
    Ok(Outcome::Passed)
}
