//! How much of a file is read before it is refused.

use super::HierarchyErrorKind as Kind;
use super::error::HierarchyError;

/// Bounds on what is read from a file, so that a hostile or a mistaken one ends in an error instead of in all of the
/// memory. The defaults let through every public taxonomy; each can be set higher or lower.
///
/// ```
/// use klados::format::{Limits, ReadOptions};
/// use klados::{Hierarchy, HierarchyErrorKind};
///
/// let mut options = ReadOptions::new();
/// options.limits.nodes = 3;
/// let error = Hierarchy::from_bytes(b"child,parent\ncrow,bird\nrobin,bird\nbird,animal\n", &options).unwrap_err();
/// assert_eq!(error.kind(), HierarchyErrorKind::TooLarge);
/// assert_eq!(error.to_string(), "line 4: more than 3 nodes, the limit");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of all files together that are read; 4 GiB by default.
    pub bytes: u64,
    /// Bytes of a line, in the formats that go by lines; 16 MiB by default.
    pub line: usize,
    /// Bytes of a name, an id or a synonym; 16 KiB by default.
    pub name: usize,
    /// Nodes; 20 million by default.
    pub nodes: usize,
    /// Edges; 100 million by default.
    pub edges: usize,
    /// Depth of what nests in the text: brackets, elements, folders; 1,024 by default. Formats in which a node a level is
    /// written without nesting, such as edges, take any depth; so does Newick, which is read without recursion.
    pub nesting: usize,
    /// Problems and warnings that are kept; those beyond are only counted; 1,000 by default.
    pub problems: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 << 30,
            line: 16 << 20,
            name: 16 << 10,
            nodes: 20_000_000,
            edges: 100_000_000,
            nesting: 1024,
            problems: 1000,
        }
    }
}

impl Limits {
    /// None: what is in memory already is taken as it is.
    pub(super) fn none() -> Self {
        Self {
            bytes: u64::MAX,
            line: usize::MAX,
            name: usize::MAX,
            nodes: usize::MAX,
            edges: usize::MAX,
            nesting: usize::MAX,
            problems: usize::MAX,
        }
    }

    /// The error for more than `limit` of `what`.
    pub(crate) fn exceeded(limit: impl std::fmt::Display, what: &str) -> HierarchyError {
        HierarchyError::new(Kind::TooLarge, format!("more than {limit} {what}, the limit"))
    }
}
