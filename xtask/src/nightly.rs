//! `cargo xtask nightly`: what takes too long for every change. New random cases of every loss against the reference, new
//! changes of the fixtures of every format, the largest inputs, the tests that are ignored by day, the counts of
//! instructions, and fuzzing.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run as sh};
use crate::{counts, fuzz};

/// How many random batches to draw, and fixtures to change, where nobody says.
const CASES: u64 = 20_000;

/// How many seconds to fuzz a format where nobody says.
const SECONDS: u64 = 600;

/// Takes the number of cases, the seed, and the seconds of fuzzing a format; a night's seed is the time.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let number = |text: &String| text.parse::<u64>().with_context(|| format!("\"{text}\" is no whole number"));
    let (cases, seed, seconds) = match arguments {
        [] => (CASES, None, SECONDS),
        [cases] => (number(cases)?, None, SECONDS),
        [cases, seed] => (number(cases)?, Some(number(seed)?), SECONDS),
        [cases, seed, seconds] => (number(cases)?, Some(number(seed)?), number(seconds)?),
        _ => bail!("nightly takes a number of cases, a seed, and the seconds of fuzzing a format"),
    };
    let seed = seed.map_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()), Ok)?;
    println!("{cases} cases, seed {seed}");
    let test = ["test", "--locked", "--release", "-p", "klados", "--test", "it", "agrees_with_the_reference"];
    let mut random = cargo(&test);
    random.env("PROPTEST_CASES", cases.to_string()).env("PROPTEST_RNG_SEED", seed.to_string());
    let again = || format!("to see it again: cargo xtask nightly {cases} {seed}");
    sh(&mut random).with_context(again)?;
    // In this profile the inputs of `hostile` are the largest.
    let test = ["test", "--locked", "--release", "-p", "klados", "--test", "it", "--", "changed_at_random", "hostile"];
    let mut mutations = cargo(&test);
    mutations.env("KLADOS_MUTATIONS", cases.to_string()).env("KLADOS_SEED", seed.to_string());
    sh(&mut mutations).with_context(again)?;
    sh(&mut cargo(&["test", "--locked", "--release", "-p", "klados", "--lib", "--", "--ignored"]))?;
    counts::run(&[])?;
    fuzz::run(&[seconds.to_string()])
}
