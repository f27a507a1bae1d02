//! Writing a file whole or not at all.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

/// As [`replace`], where what is written may go wrong before it is written: such an error is returned as it is.
///
/// # Errors
///
/// As [`replace`], and those of `write`.
pub(crate) fn replace_by(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let mut done = Ok(());
    let written = replace(path, |file| {
        done = write(file);
        match &done {
            Ok(()) => Ok(()),
            Err(_) => Err(io::Error::other("not written")),
        }
    });
    done?;
    written
}

/// Lets `write` fill a file beside `path`, then renames it to `path`: whoever opens `path` finds the old file or the
/// new one, never a part.
///
/// # Errors
///
/// When the file cannot be created, written or renamed; the message names `path`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = (|| {
        // `tempfile` alone would create it readable to its owner only; a result is an ordinary file.
        let mut builder = tempfile::Builder::new();
        builder.prefix(".klados-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        write(file.as_file_mut())?;
        file.persist(path).map_err(|e| e.error)?;
        Ok::<(), io::Error>(())
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}
