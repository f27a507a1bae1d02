//! Writes `testdata/golden/*.json`, or those of the losses that are named. With `--check` it writes nothing and fails where
//! a file is not what it would write.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use klados_testing::{generate, golden};

#[expect(clippy::print_stderr, reason = "a command")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = arguments.iter().any(|argument| argument == "--check");
    let mut stems: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--check").collect();
    if stems.iter().any(|stem| !golden::FILES.contains(stem)) {
        eprintln!("usage: golden [--check] [LOSS]...");
        return ExitCode::from(2);
    }
    if stems.is_empty() {
        stems = golden::FILES.to_vec();
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), String> {
        while let Some(stem) = stems.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(stem, check)?;
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a panic".into()))).collect()
    });
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        eprintln!("error: {error}");
    }
    if results.iter().all(Result::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(stem: &str, check: bool) -> Result<(), String> {
    let directory = golden::directory();
    let path = directory.join(format!("{stem}.json"));
    let text = generate::file(stem)?;
    if !check {
        std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        return std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()));
    }
    if std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))? != text {
        return Err(format!("{stem}.json is not what `cargo run -p klados-testing --bin golden` writes"));
    }
    Ok(())
}
