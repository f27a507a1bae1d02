//! The output folder: filled beside its place under the name `OUT.partial`, then renamed.
//!
//! What is interrupted stays in `OUT.partial`, with its checkpoints, for `--resume`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::metrics;

/// The file, in the unfinished folder, with everything that decides the numbers.
const FINGERPRINT: &str = "unfinished.json";
/// The folder, in the unfinished folder, with the checkpoints.
const CHECKPOINTS: &str = "checkpoints";

/// An output folder in the making.
#[derive(Debug)]
pub(crate) struct Folder {
    place: PathBuf,
    partial: PathBuf,
    /// Whether results that are at the place are replaced.
    force: bool,
}

impl Folder {
    /// Prepares the unfinished folder, new or, with `resume`, as it was left. `fingerprint` is everything that decides
    /// the numbers: a run with another one is not gone on with.
    ///
    /// # Errors
    ///
    /// When `place` is there and `force` is not given, or holds something else than an output of klados; when an
    /// interrupted run is there and neither `resume` nor `force` says what to do; when it cannot be gone on with.
    pub(crate) fn open(place: &Path, fingerprint: &serde_json::Value, force: bool, resume: bool) -> Result<Self> {
        let shown = place.display();
        let Some(name) = place.file_name() else { bail!("--out {shown}: expected the name of a folder") };
        let mut partial = OsString::from(name);
        partial.push(".partial");
        let folder = Self { place: place.to_owned(), partial: place.with_file_name(partial), force };
        let finished = place.join(metrics::FILE).exists() && !folder.partial.exists();
        if place.exists() && !is_empty(place) {
            if resume && !force && finished {
                bail!("the run in {shown} is finished, there is nothing to go on with; --force starts again");
            }
            if !force {
                bail!("{shown} is there already; --force replaces it, --out DIR writes elsewhere");
            }
            if !place.join(metrics::FILE).exists() {
                bail!("{shown} has no {}, so klados did not write it; it is not replaced", metrics::FILE);
            }
        }
        let partial = folder.partial.display();
        if folder.partial.exists() {
            if resume {
                folder.check(fingerprint)?;
                return Ok(folder);
            }
            if !force {
                bail!("an interrupted run is in {partial}; --resume goes on with it, --force starts again");
            }
            if !folder.partial.join(FINGERPRINT).exists() {
                bail!("{partial} has no {FINGERPRINT}, so klados did not write it; it is not replaced");
            }
            fs::remove_dir_all(&folder.partial).with_context(|| format!("cannot remove {partial}"))?;
        }
        fs::create_dir_all(&folder.partial).with_context(|| format!("cannot make {partial}"))?;
        let text = serde_json::to_vec_pretty(fingerprint)?;
        fs::write(folder.partial.join(FINGERPRINT), text).with_context(|| format!("cannot write in {partial}"))?;
        Ok(folder)
    }

    /// Compares the fingerprint of an interrupted run with that of this one.
    fn check(&self, now: &serde_json::Value) -> Result<()> {
        let path = self.partial.join(FINGERPRINT);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let then: serde_json::Value =
            serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
        if let Some((key, then, now)) = difference("", &then, now) {
            bail!(
                "the interrupted run in {} had {key} = {then}, now it is {now}; --force starts again",
                self.partial.display()
            );
        }
        Ok(())
    }

    /// Where files go until [`finish`](Self::finish).
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Where the checkpoints of a run go.
    pub(crate) fn checkpoints(&self, run: &str) -> PathBuf {
        self.partial.join(CHECKPOINTS).join(run)
    }

    /// Renames the folder to its place and removes what only an interrupted run needs.
    ///
    /// # Errors
    ///
    /// When it cannot be renamed; the unfinished folder stays as it is, so that `--resume` can finish it.
    pub(crate) fn finish(self) -> Result<PathBuf> {
        // Looked at again: much may have come in while the run took its time.
        let replaced = self.force && self.place.join(metrics::FILE).exists();
        if self.place.exists() && !is_empty(&self.place) && !replaced {
            let (place, partial) = (self.place.display(), self.partial.display());
            bail!("cannot put the results at {place}, where something else is by now; they are in {partial}");
        }
        self.rename().with_context(|| format!("cannot put the results at {}", self.place.display()))?;
        // Leftovers cost space, not correctness: the results are whole and at their place.
        let _ = fs::remove_dir_all(self.place.join(CHECKPOINTS));
        let _ = fs::remove_file(self.place.join(FINGERPRINT));
        Ok(self.place)
    }

    /// Renames the unfinished folder to its place; what is there steps aside first, so that one of the two is whole at any
    /// time.
    fn rename(&self) -> std::io::Result<()> {
        if !self.place.exists() {
            return fs::rename(&self.partial, &self.place);
        }
        let beside = self.place.parent().filter(|beside| !beside.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A folder with a new name: whatever else is there, also under a name like OUT.old, is not ours to touch.
        let aside = tempfile::Builder::new().prefix(".klados-").tempdir_in(beside)?;
        let old = aside.path().join("old");
        fs::rename(&self.place, &old)?;
        let renamed = fs::rename(&self.partial, &self.place);
        if renamed.is_err() && fs::rename(&old, &self.place).is_err() {
            // Dropping it would remove the old results, the only ones at hand.
            let _ = aside.keep();
        }
        renamed
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// The first key at which two values differ.
fn difference(
    key: &str,
    a: &serde_json::Value,
    b: &serde_json::Value,
) -> Option<(String, serde_json::Value, serde_json::Value)> {
    if let (Some(a), Some(b)) = (a.as_object(), b.as_object()) {
        let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
        let null = serde_json::Value::Null;
        let at = |map: &serde_json::Map<_, _>, name: &String| map.get(name).unwrap_or(&null).clone();
        let below = |name: &String| if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        return keys.into_iter().find_map(|name| difference(&below(name), &at(a, name), &at(b, name)));
    }
    (a != b).then(|| (key.to_owned(), a.clone(), b.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(result: Result<Folder>) -> String {
        format!("{:#}", result.expect_err("an error"))
    }

    #[test]
    fn a_folder_appears_whole_and_is_not_overwritten() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = dir.path().join("out");
        let folder = Folder::open(&place, &json!({"seed": 1}), false, false).expect("opened");
        fs::write(folder.path().join(metrics::FILE), "1").expect("written");
        assert!(!place.exists());
        folder.finish().expect("finished");
        assert!(place.join(metrics::FILE).exists() && !dir.path().join("out.partial").exists());

        assert!(message(Folder::open(&place, &json!({}), false, false)).contains("--force"));
        let folder = Folder::open(&place, &json!({}), true, false).expect("opened");
        fs::write(folder.path().join(metrics::FILE), "2").expect("written");
        assert_eq!(fs::read_to_string(place.join(metrics::FILE)).expect("the old one"), "1");
        folder.finish().expect("finished");
        assert_eq!(fs::read_to_string(place.join(metrics::FILE)).expect("the new one"), "2");
        assert_eq!(fs::read_dir(dir.path()).expect("entries").count(), 1);
    }

    #[test]
    fn a_folder_named_like_the_old_one_is_not_in_the_way() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = dir.path().join("out");
        fs::create_dir_all(dir.path().join("out.old/thesis")).expect("made");
        fs::create_dir(&place).expect("made");
        fs::write(place.join(metrics::FILE), "1").expect("written");
        let folder = Folder::open(&place, &json!({}), true, false).expect("opened");
        fs::create_dir_all(folder.checkpoints("run")).expect("made");
        fs::write(folder.path().join(metrics::FILE), "2").expect("written");
        folder.finish().expect("finished");
        assert_eq!(fs::read_to_string(place.join(metrics::FILE)).expect("the new one"), "2");
        assert_eq!(fs::read_dir(&place).expect("entries").count(), 1);
        assert!(dir.path().join("out.old/thesis").exists());
        assert_eq!(fs::read_dir(dir.path()).expect("entries").count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_renamed_can_be_resumed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = dir.path().join("out");
        let folder = Folder::open(&place, &json!({"seed": 1}), false, false).expect("opened");
        fs::create_dir_all(folder.checkpoints("run")).expect("made");
        // A link that came in between: a folder is not renamed over it.
        std::os::unix::fs::symlink("nowhere", &place).expect("a link");
        assert!(folder.finish().is_err());
        fs::remove_file(&place).expect("removed");
        let folder = Folder::open(&place, &json!({"seed": 1}), false, true).expect("resumed");
        assert!(folder.checkpoints("run").exists());
        // Nor is what came in between removed.
        fs::create_dir_all(place.join("thesis")).expect("made");
        assert!(folder.finish().is_err());
        assert!(place.join("thesis").exists());
    }

    #[test]
    fn an_empty_folder_is_filled_and_a_finished_run_is_not_resumed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = dir.path().join("out");
        fs::create_dir(&place).expect("made");
        let folder = Folder::open(&place, &json!({}), false, false).expect("opened");
        fs::write(folder.path().join(metrics::FILE), "1").expect("written");
        folder.finish().expect("finished");
        assert!(message(Folder::open(&place, &json!({}), false, true)).contains("is finished"));
    }

    #[test]
    fn force_does_not_replace_what_is_not_ours() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("thesis.tex"), "").expect("written");
        assert!(message(Folder::open(dir.path(), &json!({}), true, false)).contains("not replaced"));
    }

    #[test]
    fn an_interrupted_run_is_gone_on_with_only_under_the_same_settings() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = dir.path().join("out");
        let settings = json!({"seed": 1, "settings": {"epochs": 3}});
        drop(Folder::open(&place, &settings, false, false).expect("opened"));
        assert!(message(Folder::open(&place, &settings, false, false)).contains("--resume"));
        Folder::open(&place, &settings, false, true).expect("resumed");
        let other = json!({"seed": 1, "settings": {"epochs": 4}});
        let message = message(Folder::open(&place, &other, false, true));
        assert!(message.contains("settings.epochs = 3, now it is 4"), "{message}");
    }
}
