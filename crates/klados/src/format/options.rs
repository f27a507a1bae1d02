//! What a reader may be told.

use std::path::PathBuf;

use super::{Format, Limits};

/// How a hierarchy is read. By default everything is guessed, within the default limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The format; guessed from the content where it is not given.
    pub format: Option<Format>,
    /// The column of the children in a file of edges; `child` by default.
    pub child_column: Option<String>,
    /// The column of the parents in a file of edges; `parent` by default.
    pub parent_column: Option<String>,
    /// The columns that are ranks, from the top; all columns by default, in the direction that the values show.
    pub rank_columns: Option<Vec<String>>,
    /// Relationships that lead to a parent beside those that always do: `part_of` and the like in [`obo`](Format::Obo), the
    /// symbols of pointers such as `@i` in [`wordnet`](Format::Wordnet).
    pub relationships: Vec<String>,
    /// WordNet's `data.noun`, or the folder that has it, for a list of synsets; by default it is beside the list.
    pub wordnet: Option<PathBuf>,
    /// How much is read before it is refused.
    pub limits: Limits,
}

impl ReadOptions {
    /// Everything is guessed.
    pub fn new() -> Self {
        Self::default()
    }

    /// This format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Takes another relationship for one that leads to a parent.
    ///
    /// ```
    /// use klados::{Hierarchy, format::ReadOptions};
    ///
    /// let text = b"[Term]\nid: A:1\nname: hand\n\n[Term]\nid: A:2\nname: finger\nrelationship: part_of A:1 ! hand\n";
    /// let hierarchy = Hierarchy::from_bytes(text, &ReadOptions::new().relationship("part_of"))?;
    /// assert_eq!(hierarchy.to_string(), "hand\n  finger\n");
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    #[must_use]
    pub fn relationship(mut self, name: impl Into<String>) -> Self {
        self.relationships.push(name.into());
        self
    }

    /// A list of synsets is over this `data.noun`, or over the one in this folder.
    ///
    /// ```no_run
    /// use klados::{Hierarchy, format::ReadOptions};
    ///
    /// let options = ReadOptions::new().wordnet("/usr/share/wordnet");
    /// let hierarchy = Hierarchy::from_path("imagenet_synsets.txt", &options)?;
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    #[must_use]
    pub fn wordnet(mut self, path: impl Into<PathBuf>) -> Self {
        self.wordnet = Some(path.into());
        self
    }
}
