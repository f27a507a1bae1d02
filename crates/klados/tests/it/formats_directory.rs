//! Folders of folders.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str, paths: &[&str]) -> Self {
        let path = std::env::temp_dir().join(format!("klados-directory-{name}-{}", std::process::id()));
        for inner in paths {
            std::fs::create_dir_all(path.join(inner)).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn folders_are_nodes_and_their_path_is_the_identity() {
    let folder = Folder::new("nodes", &["b/Iris", "a/Iris", "a/Bufo", "c", ".git/x", "@eaDir/y"]);
    std::fs::write(folder.0.join("a/readme.txt"), "").unwrap();
    let hierarchy = Hierarchy::from_path(&folder.0, &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.to_string(), "a\n  Bufo\n  Iris\nb\n  Iris\nc\n");
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["Bufo", "Iris", "Iris", "c"]);
    assert_eq!(
        hierarchy.warnings()[0].message,
        "1 folders hold files beside folders; of these files only the superclass is known: \"a\""
    );
}

#[test]
fn parts_of_the_data_are_not_classes() {
    let folder = Folder::new("parts", &["train/bird/crow", "val/bird/crow", "val/bird/robin"]);
    let hierarchy = Hierarchy::from_path(&folder.0, &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.to_string(), "bird\n  crow\n  robin\n");
    assert!(hierarchy.warnings()[0].message.starts_with("the folders \"train\", \"val\" are taken to be parts"));
}

#[test]
fn what_is_no_folder_of_folders_is_refused() {
    let folder = Folder::new("none", &["a"]);
    std::fs::write(folder.0.join("a/file"), "x").unwrap();
    let empty = Hierarchy::from_path(folder.0.join("a"), &ReadOptions::new()).unwrap_err();
    assert_eq!(empty.kind(), Kind::Format);
    let asked = ReadOptions::new().format(Format::Directory);
    assert_eq!(Hierarchy::from_path(folder.0.join("a"), &asked).unwrap_err().kind(), Kind::Empty);
    let file = Hierarchy::from_path(folder.0.join("a/file"), &asked).unwrap_err();
    assert_eq!(file.message(), "this is no folder; expected one with a folder a class");
    let text = Hierarchy::from_bytes(b"x", &asked).unwrap_err();
    assert_eq!(text.kind(), Kind::Format);
}

#[test]
fn folders_nest_no_deeper_than_the_limit() {
    let folder = Folder::new("deep", &["a/b/c/d"]);
    let mut options = ReadOptions::new();
    options.limits.nesting = 4;
    assert_eq!(Hierarchy::from_path(&folder.0, &options).unwrap().class_count(), 1);
    options.limits.nesting = 3;
    let error = Hierarchy::from_path(&folder.0, &options).unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
    assert!(error.message().contains("more than 3 folders inside each other"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_circles_are_not() {
    let folder = Folder::new("links", &["a/b", "else/where"]);
    std::os::unix::fs::symlink(folder.0.join("else"), folder.0.join("a/link")).unwrap();
    std::os::unix::fs::symlink(&folder.0, folder.0.join("a/b/up")).unwrap();
    let (draft, format) = Draft::from_path(&folder.0, &ReadOptions::new()).unwrap();
    assert_eq!(format, Format::Directory);
    let names: Vec<&str> = (0..draft.node_count()).map(|node| draft.name(node)).collect();
    assert_eq!(names, ["a", "b", "link", "where", "else", "where"]);
    let problem = &draft.problems()[0];
    assert_eq!((draft.problems().len(), problem.kind()), (1, Kind::Cycle));
    assert!(problem.to_string().ends_with("a/b/up: this link leads to a folder that it is in"), "{problem}");
}

/// Each of three folders has links to the others: ways from one to the next have no end.
#[cfg(unix)]
#[test]
fn folders_that_link_to_each_other_are_read_once() {
    let folder = Folder::new("linked", &["a", "b", "c"]);
    for from in ["a", "b", "c"] {
        for to in ["a", "b", "c"].into_iter().filter(|to| *to != from) {
            let link = folder.0.join(from).join(format!("to-{to}"));
            std::os::unix::fs::symlink(folder.0.join(to), link).unwrap();
        }
    }
    let (draft, _) = Draft::from_path(&folder.0, &ReadOptions::new()).unwrap();
    let problems: Vec<&str> = draft.problems().iter().map(klados::HierarchyError::message).collect();
    assert!(problems.contains(&"another link leads to the same folder of folders; expected one"), "{problems:?}");
    // The three folders, and what the first link to each leads to.
    assert!(draft.node_count() <= 6, "{}", draft.node_count());
}
