//! `cargo xtask`: the repository's tasks, the same for developers and for continuous integration.
//!
//! `test` has one file with its steps, `browser`, `statement` and `wheel` the longer ones; `process` runs commands in
//! the repository's root, `python` makes virtual environments. The library beside this, `pages`, is for doctests only.
#![expect(clippy::print_stdout, reason = "what a task reports is its output")]
#![expect(clippy::print_stderr, reason = "errors go to standard error")]

mod bench;
mod browser;
mod counts;
mod fuzz;
mod golden;
mod nightly;
mod process;
mod python;
mod statement;
mod test;
mod wheel;

use std::process::ExitCode;

/// A task: what is typed, what it does, and its code, which takes the arguments after the name.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const TASKS: &[Task] = &[
    Task { name: "test", about: "every check of the repository, or the steps that are named", run: test::run },
    Task {
        name: "bench",
        about: "what Klados costs beside memcpy and other code, to load and to run: [--quick]",
        run: bench::run,
    },
    Task {
        name: "counts",
        about: "instructions of the kernels beside the committed ones, under valgrind: [--write]",
        run: counts::run,
    },
    Task {
        name: "nightly",
        about: "new random cases against the reference, fuzzing, and the slow tests: [CASES [SEED [SECONDS]]]",
        run: nightly::run,
    },
    Task {
        name: "fuzz",
        about: "libFuzzer on the formats of hierarchies, or on those that are named: [SECONDS [FORMAT...]]",
        run: fuzz::run,
    },
    Task { name: "wheel", about: "the Python package as a wheel in target/wheels", run: wheel::run },
    Task { name: "golden", about: "write testdata/golden anew from the reference", run: golden::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        list();
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("error: there is no task \"{name}\"");
        list();
        return ExitCode::from(2);
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("usage: cargo xtask TASK\n");
    for task in TASKS {
        println!("  {:8} {}", task.name, task.about);
    }
}
