//! A folder with files, in which the binary runs.

use std::path::PathBuf;
use std::process::Command;

/// A temporary folder. Messages name its files as they were typed, so they are the same everywhere.
pub(crate) struct Folder(tempfile::TempDir);

/// What a run of the binary gave.
pub(crate) struct Output {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).expect("written");
        self
    }

    /// Runs `klados` with these arguments in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_klados"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Output {
            status: output.status.code().expect("not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Output {
    /// The standard output of a run that succeeded.
    pub(crate) fn success(self) -> String {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self.stdout
    }

    /// The message of a run that failed with this status, without `error: `.
    pub(crate) fn failure(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "nothing is printed where something is wrong");
        let message = self.stderr.split("error: ").nth(1).expect("an error message");
        message.trim_end().to_owned()
    }
}
