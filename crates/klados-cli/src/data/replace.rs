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
/// new one, never a part. A link stays one: the file that it names is replaced. What is no file, as a pipe or `/dev/null`,
/// is written to.
///
/// # Errors
///
/// When the file cannot be created, written or renamed; the message names `path`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    // Of a link, what it is a link to; of a name that is not there yet, or of a link to nowhere, the name.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_special = target.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_special {
        let written = File::options().write(true).open(&target).and_then(|mut file| write(&mut file));
        return written.with_context(|| format!("cannot write {}", path.display()));
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = (|| {
        // `tempfile` alone would create it readable to its owner only; a result is an ordinary file.
        let mut builder = tempfile::Builder::new();
        builder.prefix(".klados-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        write(file.as_file_mut())?;
        file.persist(&target).map_err(|e| e.error)?;
        Ok::<(), io::Error>(())
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}
