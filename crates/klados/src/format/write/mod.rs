//! Hierarchies as text: to be read back, for other programs, and to look at. One file a format.
//!
//! No format but that of Klados says everything. A writer looks at what the hierarchy has and the format does not say, and
//! [`Lost`] is each such thing.

mod dot;
mod edges;
mod fields;
mod identity;
mod lost;
mod mermaid;
mod nested;
mod newick;
mod own;
mod ranks;
mod rows;

use std::path::Path;
use std::str::FromStr;

use self::lost::Losses;
pub use self::lost::{Lost, LostKind};
use super::input::Input;
use super::{Format, ReadOptions, guess};
use crate::hierarchy::error::list;
use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind};

/// Everything that goes once over all formats: `"name" => Variant in module`, and the ending of its files.
macro_rules! write_formats {
    ($($(#[$doc:meta])* $name:literal => $format:ident in $module:ident, $ending:literal,)*) => {
        /// A format that hierarchies are written in, by the name that Rust, the command line and Python share.
        ///
        /// ```
        /// use klados::format::WriteFormat;
        ///
        /// assert_eq!("edges".parse::<WriteFormat>()?, WriteFormat::Edges);
        /// assert_eq!(WriteFormat::of_path("birds.dot".as_ref()), Some(WriteFormat::Dot));
        /// # Ok::<(), klados::HierarchyError>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WriteFormat {
            $($(#[$doc])* $format,)*
        }

        impl WriteFormat {
            /// The names of all formats.
            pub const NAMES: &'static [&'static str] = &[$($name),*];
            /// All formats, in the order of their names in [`NAMES`](Self::NAMES).
            pub const ALL: &'static [Self] = &[$(Self::$format),*];

            /// The name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$format => $name,)*
                }
            }

            /// The ending of files of this format, without the dot.
            pub fn ending(self) -> &'static str {
                match self {
                    $(Self::$format => $ending,)*
                }
            }

            fn text(self, hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
                match self {
                    $(Self::$format => $module::text(hierarchy, lost),)*
                }
            }
        }
    };
}

write_formats! {
    /// CSV, an edge a line: `child,parent` where names tell the nodes apart and have no ids, else
    /// `id,parent_id,name`; with a column `rank` where there are ranks, and a column `class` where internal nodes are
    /// classes. Any hierarchy; the classes keep their order.
    ///
    /// Nodes without an id beside others that have one get their name as their id, or a number where the name is not theirs
    /// alone.
    "edges" => Edges in edges, "csv",
    /// CSV, a column a rank and a path a line, in the order of the classes. A tree in which siblings have different names. The
    /// columns are the ranks where every node has one below that of its parent, else `level 1`, `level 2` and so on.
    "ranks" => Ranks in ranks, "csv",
    /// JSON with children inside their parents, as d3 draws it: `name`, `children`, and `id`, `rank`, `synonyms` where there
    /// are some. Any hierarchy: where nodes have several parents all have an `id` (see [`Edges`](Self::Edges)), and such a node
    /// has its children at its first place.
    "nested" => Nested in nested, "json",
    /// Newick, the trees of phylogenetics: names and shape. A tree in which siblings have different names; several roots
    /// are under one without a name.
    "newick" => Newick in newick, "nwk",
    /// For Graphviz, to look at: `dot -Tsvg`. Classes are boxes. Any hierarchy.
    "dot" => Dot in dot, "dot",
    /// For Mermaid, which GitHub and others draw inside of Markdown. Any hierarchy, though Mermaid by itself stops at 500
    /// edges.
    "mermaid" => Mermaid in mermaid, "mmd",
    /// The JSON that Klados reads back as it was, with the order of classes and columns. Any hierarchy.
    "klados" => Klados in own, "json",
}

impl WriteFormat {
    /// The format that the ending of a file's name stands for: of `csv` [`Edges`](Self::Edges), of `json`
    /// [`Klados`](Self::Klados).
    pub fn of_path(path: &Path) -> Option<Self> {
        Some(match &*path.extension()?.to_str()?.to_lowercase() {
            "csv" => Self::Edges,
            "json" => Self::Klados,
            "nwk" | "newick" | "tree" | "tre" | "nh" => Self::Newick,
            "dot" | "gv" => Self::Dot,
            "mmd" | "mermaid" => Self::Mermaid,
            _ => return None,
        })
    }

    /// The format by which it is read back; `None` where it is only to look at.
    fn read_as(self) -> Option<Format> {
        self.name().parse().ok()
    }
}

impl FromStr for WriteFormat {
    type Err = HierarchyError;

    fn from_str(name: &str) -> Result<Self, HierarchyError> {
        Self::ALL.iter().copied().find(|format| format.name() == name).ok_or_else(|| {
            let formats = list(Self::NAMES, usize::MAX);
            let message = format!("unknown format \"{name}\"; hierarchies are written as {formats}");
            HierarchyError::new(Kind::UnknownName, message)
        })
    }
}

impl std::fmt::Display for WriteFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A hierarchy as text, with what the text does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The text, which ends with a newline.
    pub text: String,
    /// What of the hierarchy is not in the text, or does not come back when it is read.
    pub lost: Vec<Lost>,
}

impl Hierarchy {
    /// Writes the hierarchy in a format, and says what is lost. The added root and the leaves added for classes that are
    /// internal nodes are not written.
    ///
    /// # Errors
    ///
    /// A hierarchy that the format has no way to say: a DAG where it has only trees ([`NotATree`](Kind::NotATree)), and
    /// what is said at each [format](WriteFormat).
    ///
    /// ```
    /// use klados::{Hierarchy, format::{LostKind, WriteFormat}};
    ///
    /// let hierarchy = Hierarchy::from_edges([("bird", "crow"), ("bird", "robin"), ("mammal", "bat")])?;
    /// let written = hierarchy.write(WriteFormat::Edges)?;
    /// assert_eq!(written.text, "child,parent\ncrow,bird\nrobin,bird\nbat,mammal\n");
    /// assert!(written.lost.is_empty());
    ///
    /// let hierarchy = hierarchy.with_classes(["crow", "bird", "bat"])?;
    /// let written = hierarchy.write(WriteFormat::Edges)?;
    /// assert_eq!(written.text, "child,parent,class\ncrow,bird,true\nbird,,true\nbat,mammal,true\n");
    /// assert!(written.lost.is_empty());
    ///
    /// let written = hierarchy.write(WriteFormat::Nested)?;
    /// assert_eq!(written.lost[0].kind, LostKind::InternalClasses);
    /// assert_eq!(written.lost[0].to_string(), "that 1 internal node is a class: \"bird\"");
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn write(&self, format: WriteFormat) -> Result<Written, HierarchyError> {
        let mut lost = Losses::new(self);
        let text = format.text(self, &mut lost)?;
        if let Some(expected) = format.read_as() {
            check_guess(&text, format.ending(), expected, &mut lost);
        }
        Ok(Written { text, lost: lost.found() })
    }
}

/// So much is more than a guess looks at.
const START: usize = 128 << 10;

/// Whether the text is recognised when it is read.
fn check_guess(text: &str, ending: &str, expected: Format, lost: &mut Losses<'_>) {
    let start = &text.as_bytes()[..text.len().min(START)];
    let guessed = guess::guess(&Input::named(format!("hierarchy.{ending}"), start), &ReadOptions::new());
    if guessed.as_ref().ok() != Some(&expected) {
        let why = match guessed {
            Ok(other) => format!("it looks like \"{other}\""),
            Err(error) => error.message().to_owned(),
        };
        lost.add(LostKind::Format, format!("that this is \"{expected}\": {why}, so say the format when reading it"));
    }
}
