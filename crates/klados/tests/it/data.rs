//! Files that tests read: those of the repository, and real ones that not every machine has.

use std::path::{Path, PathBuf};

use klados::{Hierarchy, NodeId};

/// A file of testdata/hierarchies.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hierarchies").join(name)
}

/// A real file, where the folder of data is there; else it says that the test is skipped.
pub(crate) fn real(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies").join(name);
    found(path)
}

/// A real file by its path, where it is there.
pub(crate) fn found(path: impl Into<PathBuf>) -> Option<PathBuf> {
    let path = path.into();
    #[allow(clippy::print_stderr, reason = "a skipped test says so")]
    if !path.exists() {
        eprintln!("SKIPPED: no {}", path.display());
    }
    Some(path).filter(|path| path.exists())
}

/// Nodes, classes, nodes at the top, nodes with several parents, and the longest path down.
pub(crate) fn shape(hierarchy: &Hierarchy) -> (usize, usize, usize, usize, usize) {
    let roots = if hierarchy.root_is_added() { hierarchy.children(NodeId::ROOT).len() } else { 1 };
    let shared = hierarchy.nodes().filter(|&node| hierarchy.parents(node).len() > 1).count();
    let depth = hierarchy.nodes().map(|node| hierarchy.depth(node)).max().unwrap_or(0);
    (hierarchy.node_count(), hierarchy.class_count(), roots, shared, depth)
}

/// A folder of a test's own, which goes with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("klados-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    /// A message with paths from this folder on.
    pub(crate) fn inside(&self, message: &str) -> String {
        message.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
