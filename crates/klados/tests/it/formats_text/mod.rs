//! Formats with a node or a path a line: paths, outlines, lists of children, WordTree.

mod adjacency;
mod outline;
mod paths;
mod wordtree;

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

use crate::data::real;

fn read(text: &str) -> Result<Hierarchy, klados::HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

fn draft(text: impl AsRef<[u8]>, format: Format) -> Draft {
    Draft::from_bytes(text.as_ref(), &ReadOptions::new().format(format)).unwrap().0
}

fn problems(draft: &Draft) -> Vec<String> {
    draft.problems().iter().map(ToString::to_string).collect()
}

/// Nodes without an added root, leaves, roots, nodes with several parents, and edges from the top to the deepest.
fn counts(hierarchy: &Hierarchy) -> [usize; 5] {
    let added = usize::from(hierarchy.root_is_added());
    let roots = if added == 1 { hierarchy.children(klados::NodeId::ROOT).len() } else { 1 };
    let several = hierarchy.nodes().filter(|&node| hierarchy.parents(node).len() > 1).count();
    [
        hierarchy.node_count() - added,
        hierarchy.class_count(),
        roots,
        several,
        hierarchy.height(klados::NodeId::ROOT) - added,
    ]
}
