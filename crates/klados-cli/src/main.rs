//! The `klados` command.
//!
//! `args` says what can be typed, `cmd` has one file a command, `data` reads and writes the files they share,
//! `evaluate` computes answers and metrics, `compare` holds trainings against each other.
//! Results go to standard output, progress and warnings to standard error. Exit status: 0 done, 1 bad input, 2 wrong
//! usage.

mod args;
mod cmd;
#[cfg(feature = "train")]
mod compare;
mod data;
mod evaluate;
#[cfg(feature = "train")]
mod output;
mod report;
#[cfg(feature = "train")]
mod train;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let mut out = std::io::stdout().lock();
    let result = cmd::run(args.command, &mut out).and_then(|()| Ok(out.flush()?));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // `klados ... | head` closes the pipe: the reader has what it wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(if error.is::<cmd::Usage>() { 2 } else { 1 })
        }
    }
}

/// Whether writing failed because nobody reads any more.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        // These two do not show what they wrap as their source.
        if let Some(csv::ErrorKind::Io(error)) = cause.downcast_ref::<csv::Error>().map(csv::Error::kind) {
            return is_broken(error);
        }
        if let Some(error) = cause.downcast_ref::<serde_json::Error>() {
            return error.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe);
        }
        cause.downcast_ref::<std::io::Error>().is_some_and(is_broken)
    })
}
