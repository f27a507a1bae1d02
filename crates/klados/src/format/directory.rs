//! A folder of folders, as image data sets are kept: `bird/crow/1.jpg`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::guess::{Confidence, Head};
use super::input::Input;
use super::{Draft, Limits, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Folders that are parts of a data set, not classes, where all at the top are of these names.
const SPLITS: [&str; 8] = ["train", "training", "val", "valid", "validation", "test", "testing", "dev"];

/// Any folder with a folder in it, unless it is one of another format.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let entries = std::fs::read_dir(head.folder()?).ok()?;
    let mut folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    folders.next().map(|_| Confidence::Possible)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let Some(top) = input.path().filter(|_| input.is_folder()) else {
        return Err(HierarchyError::new(Kind::Format, "this is no folder; expected one with a folder a class"));
    };
    let mut walk = Walk { limit: input.limits().nesting, mixed: Vec::new(), linked: HashSet::new() };
    let found = entries(top)?;
    let names: Vec<String> = found.folders.iter().map(|(name, _)| name.to_lowercase()).collect();
    if !names.is_empty() && names.iter().all(|name| SPLITS.contains(&name.as_str())) {
        draft.warn(format!("the folders {} are taken to be parts of the data, not classes", list(&names, 10)));
        for (_, split) in found.folders {
            walk.below(&split, draft)?;
        }
    } else {
        walk.below(top, draft)?;
    }
    if !walk.mixed.is_empty() {
        draft.warn(format!(
            "{} folders hold files beside folders; of these files only the superclass is known: {}",
            walk.mixed.len(),
            list(&walk.mixed, 5)
        ));
    }
    Ok(())
}

struct Walk {
    limit: usize,
    /// Nodes with folders and files.
    mixed: Vec<String>,
    /// Where links have led. What is there is read once: links among folders could lead from one to the other for ever.
    linked: HashSet<PathBuf>,
}

impl Walk {
    /// Adds the folders below `top`, depth first and by name, each with its path from there.
    fn below(&mut self, top: &Path, draft: &mut Draft) -> Result<(), HierarchyError> {
        // The path of the top has no names.
        let mut stack: Vec<(PathBuf, Vec<String>)> = vec![(top.to_owned(), Vec::new())];
        while let Some((folder, path)) = stack.pop() {
            if path.len() > self.limit {
                return Err(Limits::exceeded(self.limit, "folders inside each other").in_file(&folder));
            }
            if !path.is_empty() && draft.add_path(path.iter().map(|name| (name.as_str(), None))).is_none() {
                continue;
            }
            let found = entries(&folder)?;
            if let Some(name) = &found.not_utf8 {
                let error = HierarchyError::new(Kind::Encoding, format!("the name {name:?} is not UTF-8"));
                draft.record(error.in_file(&folder));
            }
            if found.has_files && !found.folders.is_empty() && !path.is_empty() {
                self.mixed.push(path.join("/"));
            }
            for (name, below) in found.folders.into_iter().rev() {
                if is_above(&below, &folder) {
                    let message = "this link leads to a folder that it is in";
                    draft.record(HierarchyError::new(Kind::Cycle, message).in_file(&below));
                    continue;
                }
                // A folder without folders ends where it is, however many links lead to it.
                if below.is_symlink()
                    && entries(&below).is_ok_and(|found| !found.folders.is_empty())
                    && below.canonicalize().is_ok_and(|target| !self.linked.insert(target))
                {
                    let message = "another link leads to the same folder of folders; expected one";
                    draft.record(HierarchyError::new(Kind::DuplicateNode, message).in_file(&below));
                    continue;
                }
                let mut path = path.clone();
                path.push(name);
                stack.push((below, path));
            }
        }
        Ok(())
    }
}

/// Whether a link leads to the folder that it is in, or to one above.
fn is_above(link: &Path, folder: &Path) -> bool {
    link.is_symlink()
        && match (link.canonicalize(), folder.canonicalize()) {
            (Ok(target), Ok(folder)) => folder.starts_with(target),
            _ => false,
        }
}

#[derive(Default)]
struct Entries {
    /// By name.
    folders: Vec<(String, PathBuf)>,
    has_files: bool,
    not_utf8: Option<std::ffi::OsString>,
}

/// What a folder holds, without what is hidden.
fn entries(folder: &Path) -> Result<Entries, HierarchyError> {
    let io = |error: std::io::Error| HierarchyError::new(Kind::Io, error.to_string()).in_file(folder);
    let mut found = Entries::default();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (name, path) = (entry.file_name(), entry.path());
        if name.to_string_lossy().starts_with(['.', '@']) || name == "__pycache__" || name == "__MACOSX" {
            continue;
        }
        match name.into_string() {
            Err(name) if path.is_dir() => found.not_utf8 = Some(name),
            Ok(name) if path.is_dir() => found.folders.push((name, path)),
            _ => found.has_files = true,
        }
    }
    found.folders.sort_unstable();
    Ok(found)
}
