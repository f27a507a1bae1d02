//! What Klados costs, beside memcpy and what else computes such losses.
//!
//! ```text
//! klados-bench plan DIR [--quick]   writes the hierarchies and DIR/cases.csv, which the Python contenders read too
//! klados-bench run DIR              checks and times the contenders in Rust: DIR/rust.csv
//! klados-bench report DIR           tables in Markdown, and DIR/contenders.svg and DIR/scaling.svg
//! ```
//!
//! `cargo xtask bench` runs all of it. A case is data ([`cases`]); every contender is checked
//! ([`check`]) before it is timed ([`timing`]).
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

mod cases;
mod chart;
mod check;
mod contender;
mod hierarchies;
mod report;
mod run;
mod setup;
mod timing;

use std::path::Path;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["plan", folder] => cases::plan(Path::new(folder), false),
        ["plan", folder, "--quick"] => cases::plan(Path::new(folder), true),
        ["run", folder] => run::run(Path::new(folder)),
        ["report", folder] => report::report(Path::new(folder)),
        _ => bail!("usage: klados-bench plan DIR [--quick] | run DIR | report DIR"),
    }
}
