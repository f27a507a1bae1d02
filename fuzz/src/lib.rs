//! What must hold of any bytes that are read as a hierarchy. libFuzzer runs it, and a test of the core on fixtures that
//! were changed at random (crates/klados/tests/it/mutations.rs).

use std::fmt::Write;

use klados::check::{check, fix};
use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind, NodeId};

/// Reads the bytes in this format, or in that which is guessed, and all that follows from reading: the linter, the
/// hierarchy, its text and its serialized form. Panics where that breaks a promise.
pub fn read(bytes: &[u8], format: Option<Format>) {
    let options = within_limits(format);
    let draft = match Draft::from_bytes(bytes, &options) {
        Ok((draft, _)) => draft,
        Err(error) => return assert!(!error.message().is_empty()),
    };
    assert!(draft.node_count() <= options.limits.nodes && draft.edges().len() <= options.limits.edges);
    assert!(draft.problems().iter().all(|problem| !problem.message().is_empty()));
    let found = check(&draft, None);
    assert!(found.iter().all(|found| !found.message.is_empty()));
    let _ = fix(&draft).draft.build();
    match Hierarchy::from_bytes(bytes, &options) {
        Ok(hierarchy) => {
            assert_eq!(draft.problems().len(), 0);
            look_at(&hierarchy);
        }
        Err(error) => assert!(!error.message().is_empty() && error.message().len() < 1 << 20),
    }
    if let Ok(hierarchy) = draft.build() {
        look_at(&hierarchy);
    }
}

/// So much that an ordinary file is read, and that what takes more than linear time shows.
fn within_limits(format: Option<Format>) -> ReadOptions {
    let mut options = ReadOptions::new();
    options.format = format;
    options.limits.bytes = 1 << 20;
    options.limits.line = 64 << 10;
    options.limits.name = 4 << 10;
    options.limits.nodes = 100_000;
    options.limits.edges = 200_000;
    options.limits.nesting = 200;
    options.limits.problems = 20;
    options
}

fn look_at(hierarchy: &Hierarchy) {
    assert!(hierarchy.class_count() >= 1 && hierarchy.node_count() > hierarchy.class_count());
    assert!(hierarchy.class_names().len() == hierarchy.class_count());
    let mut text = UpTo(1 << 20);
    let _ = write!(text, "{hierarchy}{hierarchy:?}");
    // Paths are as long as the hierarchy is deep.
    let most = 100_000 / (hierarchy.height(NodeId::ROOT) + 1);
    let step = hierarchy.node_count().div_ceil(most.clamp(1, 100));
    for node in hierarchy.nodes().step_by(step) {
        let name = hierarchy.unique_name(node);
        match hierarchy.node(&name) {
            Ok(found) if found == node => {}
            // Without an id of its own a node may be called as another's id or name is.
            Ok(found) => assert!(hierarchy.id(node).is_none() && is_called(hierarchy, &name, found), "{name:?}"),
            // Names of nodes without ids may repeat below the same names.
            Err(error) => assert_eq!(error.kind(), Kind::AmbiguousName, "{name:?}: {error}"),
        }
        assert!(node == NodeId::ROOT || hierarchy.count_classes_below(node) >= 1);
    }
    let serial = serde_json::to_string(hierarchy).expect("a hierarchy can be written");
    let again: Hierarchy = serde_json::from_str(&serial).expect("what was written can be read");
    assert_eq!(serde_json::to_string(&again).expect("a hierarchy can be written"), serial);
}

fn is_called(hierarchy: &Hierarchy, text: &str, node: NodeId) -> bool {
    let is_an_id = hierarchy.id(node) == Some(text) || hierarchy.alternative_ids(node).any(|id| id == text);
    is_an_id || hierarchy.name(node) == text
}

/// Takes no more than this many bytes of a text: that of a deep hierarchy grows with the square of the depth.
struct UpTo(usize);

impl Write for UpTo {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(std::fmt::Error)?;
        Ok(())
    }
}
