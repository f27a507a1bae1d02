//! What Klados costs, beside memcpy and what else computes such losses.
//!
//! ```text
//! klados-bench plan DIR [--quick]   writes the hierarchies and DIR/cases.csv, which the Python contenders read too
//! klados-bench run DIR              checks and times the contenders in Rust: DIR/rust.csv
//! klados-bench report DIR           tables in Markdown, and DIR/contenders.svg and DIR/scaling.svg
//! klados-bench count [NAME]         a kernel a fixed number of times, for an instruction counter; or the names
//! ```
//!
//! `cargo xtask bench` and `cargo xtask counts` run all of it. A case is data ([`cases`]); every contender is checked
//! ([`check`]) before it is timed ([`timing`]).
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

mod cases;
mod chart;
mod check;
mod contender;
mod counts;
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
        ["count"] => {
            counts::list();
            Ok(())
        }
        ["count", name] => counts::count(name),
        _ => bail!("usage: klados-bench plan DIR [--quick] | run DIR | report DIR | count [NAME]"),
    }
}
