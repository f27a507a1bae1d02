//! `cargo xtask nightly`: what takes too long for every change. New random cases of every loss against the reference, and
//! the tests that are ignored by day.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run as sh};

/// How many random batches to draw where nobody says.
const CASES: u64 = 20_000;

/// Takes the number of cases and the seed; a night's seed is the time.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let number = |text: &String| text.parse::<u64>().with_context(|| format!("\"{text}\" is no whole number"));
    let (cases, seed) = match arguments {
        [] => (CASES, None),
        [cases] => (number(cases)?, None),
        [cases, seed] => (number(cases)?, Some(number(seed)?)),
        _ => bail!("nightly takes a number of cases and a seed"),
    };
    let seed = seed.map_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()), Ok)?;
    println!("{cases} cases, seed {seed}");
    let test = ["test", "--locked", "--release", "-p", "klados", "--test", "it", "agrees_with_the_reference"];
    let mut random = cargo(&test);
    random.env("PROPTEST_CASES", cases.to_string()).env("PROPTEST_RNG_SEED", seed.to_string());
    sh(&mut random).with_context(|| format!("to see it again: cargo xtask nightly {cases} {seed}"))?;
    sh(&mut cargo(&["test", "--locked", "--release", "-p", "klados", "--lib", "--", "--ignored"]))
}
