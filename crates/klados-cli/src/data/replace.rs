//! Writing a file whole or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

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
/// new one, never a part. A link stays one: the file that it names is replaced, or made. What is no file, as a pipe or `/dev/null`,
/// is written to.
///
/// # Errors
///
/// When the file cannot be created, written or renamed; the message names `path`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let target = target(path).with_context(|| format!("cannot write {}", path.display()))?;
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

/// So many links in a row are followed, as the system does.
const LINKS: usize = 40;

/// What is written: of a link, what it is a link to, also where that is not there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    if let Ok(target) = path.canonicalize() {
        return Ok(target);
    }
    let mut target = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&target) {
            // A link's own folder is where its name begins.
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other(format!("it is a link that leads to no file: more than {LINKS} links in a row")))
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_to_nothing_stays_and_its_target_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("there")).expect("a folder");
        symlink("second", at("first")).expect("a link");
        symlink("there/file", at("second")).expect("a link");
        replace(&at("first"), |file| file.write_all(b"written")).expect("written");
        assert!(at("first").is_symlink() && at("second").is_symlink());
        assert_eq!(std::fs::read(at("there/file")).expect("read"), b"written");
        // What cannot be made is an error that names the link, and leaves it.
        symlink("nowhere/file", at("broken")).expect("a link");
        symlink("round", at("round")).expect("a link");
        for name in ["broken", "round"] {
            let error = replace(&at(name), |file| file.write_all(b"")).expect_err("no target");
            assert!(format!("{error:#}").contains(&format!("cannot write {}", at(name).display())), "{error:#}");
            assert!(at(name).is_symlink());
        }
    }
}
