//! Writes `testdata/golden/*.json`. With `--check` it writes nothing and fails where a file is not what it would write.

use std::process::ExitCode;

use klados_testing::{generate, golden};

#[expect(clippy::print_stderr, reason = "a command")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            eprintln!("usage: golden [--check]");
            return ExitCode::from(2);
        }
    };
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), String> {
    let directory = golden::directory();
    for (name, text) in generate::files()? {
        let path = directory.join(&name);
        if !check {
            std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        } else if std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))? != text {
            return Err(format!("{name} is not what `cargo run -p klados-testing --bin golden` writes"));
        }
    }
    Ok(())
}
