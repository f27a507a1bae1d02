//! Collecting named edges and paths, where the first mistake is an error.

use super::{Draft, Hierarchy, HierarchyError, HierarchyErrorKind as Kind};

/// Collects nodes and edges in any order and builds a [`Hierarchy`].
///
/// Two ways of naming a node may be mixed: in [`add_edge`](Self::add_edge) the same name is the same node; in
/// [`add_path`](Self::add_path) the whole path is the identity, so that the plant *Iris* and the mantis *Iris* differ.
///
/// # Example
///
/// ```
/// use klados::HierarchyBuilder;
///
/// let mut builder = HierarchyBuilder::new();
/// builder.add_path(["Plantae", "Iridaceae", "Iris"])?;
/// builder.add_path(["Animalia", "Tarachodidae", "Iris"])?;
/// let hierarchy = builder.build()?;
/// assert!(hierarchy.node("Iris").is_err()); // ambiguous
/// assert_eq!(hierarchy.depth(hierarchy.node("Iridaceae > Iris")?), 3);
/// # Ok::<(), klados::HierarchyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HierarchyBuilder {
    /// Without problems: each is taken out and returned by the call that made it.
    draft: Draft,
}

impl HierarchyBuilder {
    /// A builder without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says from which line of the input the next nodes and edges come, for error messages; `None` for code.
    pub fn at_line(&mut self, line: Option<u64>) -> &mut Self {
        self.draft.at_line(line);
        self
    }

    /// Adds a node without an edge. Naming a node again is no error.
    ///
    /// # Errors
    ///
    /// [`HierarchyErrorKind::EmptyName`](super::HierarchyErrorKind::EmptyName).
    ///
    /// ```
    /// let mut builder = klados::HierarchyBuilder::new();
    /// builder.add_node("only")?;
    /// assert_eq!(builder.build()?.class_count(), 1);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn add_node(&mut self, name: &str) -> Result<&mut Self, HierarchyError> {
        self.draft.by_name(name);
        self.checked()
    }

    /// Adds a node and says that it has no parent. Where the hierarchy then has several roots a
    /// [warning](Hierarchy::warnings) lists the nodes that were added so, as a parent may have been forgotten.
    ///
    /// # Errors
    ///
    /// [`HierarchyErrorKind::EmptyName`](super::HierarchyErrorKind::EmptyName); `build` fails if the node has a parent
    /// after all.
    ///
    /// ```
    /// let mut builder = klados::HierarchyBuilder::new();
    /// builder.add_edge("bird", "crow")?.add_root("rock")?;
    /// let hierarchy = builder.build()?;
    /// assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["crow", "rock"]);
    /// assert!(hierarchy.warnings()[0].message.contains("rock"));
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn add_root(&mut self, name: &str) -> Result<&mut Self, HierarchyError> {
        if let Some(node) = self.draft.by_name(name) {
            self.draft.set_root(node);
        }
        self.checked()
    }

    /// Adds the edge from `parent` to `child`, and the nodes where they are new (the child first). The same name is the
    /// same node. An edge that is there already is reported among the [warnings](Hierarchy::warnings).
    ///
    /// # Errors
    ///
    /// An empty name, or a node that is its own parent.
    ///
    /// ```
    /// let mut builder = klados::HierarchyBuilder::new();
    /// builder.add_edge("bird", "crow")?.add_edge("bird", "robin")?;
    /// assert_eq!(builder.build()?.to_string(), "bird\n  crow\n  robin\n");
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn add_edge(&mut self, parent: &str, child: &str) -> Result<&mut Self, HierarchyError> {
        if parent.trim().is_empty() && !child.trim().is_empty() {
            let message = format!("\"{child}\" has no parent: the parent's name is empty");
            self.draft.problem(Kind::MissingParent, message);
        } else if let Some(child) = self.draft.by_name(child)
            && let Some(parent) = self.draft.by_name(parent)
        {
            self.draft.add_edge(parent, child);
        }
        self.checked()
    }

    /// Adds the nodes and edges of a path from the top down. The path is the identity: the same name under another
    /// parent is another node.
    ///
    /// # Errors
    ///
    /// An empty name, or an empty path.
    pub fn add_path<'a>(&mut self, path: impl IntoIterator<Item = &'a str>) -> Result<&mut Self, HierarchyError> {
        self.add_ranked_path(path.into_iter().map(|name| (name, None)))
    }

    /// As [`add_path`](Self::add_path), with the rank of each node: its index among the names given to
    /// [`set_rank_names`](Self::set_rank_names).
    ///
    /// # Errors
    ///
    /// An empty name, or an empty path.
    pub fn add_ranked_path<'a>(
        &mut self,
        path: impl IntoIterator<Item = (&'a str, Option<usize>)>,
    ) -> Result<&mut Self, HierarchyError> {
        self.draft.add_path(path);
        self.checked()
    }

    /// Names the ranks that [`add_ranked_path`](Self::add_ranked_path) refers to.
    pub fn set_rank_names(&mut self, names: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.draft.set_rank_names(names);
        self
    }

    /// Gives a node, named as in [`add_edge`](Self::add_edge), a rank by name. A name that
    /// [`set_rank_names`](Self::set_rank_names) did not give is added as the lowest rank.
    ///
    /// # Errors
    ///
    /// [`HierarchyErrorKind::EmptyName`](super::HierarchyErrorKind::EmptyName).
    ///
    /// ```
    /// let mut builder = klados::HierarchyBuilder::new();
    /// builder.set_rank_names(["class", "species"]).add_edge("bird", "crow")?.set_rank("crow", "species")?;
    /// let hierarchy = builder.build()?;
    /// assert_eq!(hierarchy.rank(hierarchy.node("crow")?), Some("species"));
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn set_rank(&mut self, node: &str, rank: &str) -> Result<&mut Self, HierarchyError> {
        if let Some(node) = self.draft.by_name(node) {
            self.draft.set_rank(node, rank);
        }
        self.checked()
    }

    /// Reports something legal but surprising with the hierarchy's [warnings](Hierarchy::warnings), at the current line.
    pub fn warn(&mut self, message: impl Into<String>) -> &mut Self {
        self.draft.warn(message);
        self
    }

    /// Builds the hierarchy, with the leaves as classes in order of first appearance.
    ///
    /// # Errors
    ///
    /// A cycle (with its nodes), no node at all, a node that is said to be a root and has a parent, or a rank that is named
    /// twice.
    ///
    /// ```
    /// let mut builder = klados::HierarchyBuilder::new();
    /// builder.at_line(Some(1)).add_edge("a", "b")?.at_line(Some(2)).add_edge("b", "a")?;
    /// assert!(builder.build().unwrap_err().to_string().starts_with("line 2: 2 nodes form a cycle"));
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn build(self) -> Result<Hierarchy, HierarchyError> {
        self.draft.build()
    }

    /// Fails with the problem that the last call made.
    fn checked(&mut self) -> Result<&mut Self, HierarchyError> {
        match self.draft.take_problem() {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }
}
