//! Collecting named edges and paths.

use std::collections::HashMap;

use super::assemble::{Graph, assemble};
use super::error::list;
use super::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, Location, NONE, Warning};

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
    graph: Graph,
    /// By name (edges) or by joined path (paths).
    index: HashMap<Box<str>, u32>,
    /// Nodes that are said to have no parent, with the line that says so.
    roots: Vec<(u32, Option<u64>)>,
    line: Option<u64>,
}

/// Joins the names of a path into a key. No name may hold it.
const KEY_SEPARATOR: char = '\u{1f}';

impl HierarchyBuilder {
    /// A builder without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says from which line of the input the next nodes and edges come, for error messages; `None` for code.
    pub fn at_line(&mut self, line: Option<u64>) -> &mut Self {
        self.line = line;
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
        self.intern(name, name)?;
        Ok(self)
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
        let node = self.intern(name, name)?;
        self.roots.push((node, self.line));
        Ok(self)
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
            return Err(HierarchyError::new(Kind::MissingParent, message).at_line(self.line));
        }
        let child_node = self.intern(child, child)?;
        let parent_node = self.intern(parent, parent)?;
        if parent_node == child_node {
            let message = format!("\"{}\" is given as its own parent", child.trim());
            return Err(HierarchyError::new(Kind::SelfLoop, message).at_line(self.line));
        }
        self.graph.edges.push((parent_node, child_node, self.line.unwrap_or(0)));
        Ok(self)
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
        let mut key = String::new();
        let mut steps = Vec::new();
        for (name, rank) in path {
            key.push(KEY_SEPARATOR);
            key.push_str(name.trim());
            steps.push((key.len(), name, rank));
        }
        let known = self.graph.names.len() as u32;
        let mut child = None;
        // From the bottom up: the child appears before the parent, as in an edge.
        for &(end, name, rank) in steps.iter().rev() {
            let node = self.intern(&key[..end], name)?;
            if node >= known
                && let Some(rank) = rank
            {
                self.graph.ranks[node as usize] = rank as u32;
            }
            if let Some(child) = child.filter(|&child| child >= known) {
                self.graph.edges.push((node, child, self.line.unwrap_or(0)));
            }
            child = Some(node);
        }
        match child {
            Some(_) => Ok(self),
            None => Err(HierarchyError::new(Kind::EmptyName, "a path without names").at_line(self.line)),
        }
    }

    /// Names the ranks that [`add_ranked_path`](Self::add_ranked_path) refers to.
    pub fn set_rank_names(&mut self, names: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.graph.rank_names = names.into_iter().map(Into::into).collect();
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
        let node = self.intern(node, node)?;
        let names = &mut self.graph.rank_names;
        let place = names.iter().position(|name| name == rank).unwrap_or_else(|| {
            names.push(rank.to_owned());
            names.len() - 1
        });
        self.graph.ranks[node as usize] = place as u32;
        Ok(self)
    }

    /// Reports something legal but surprising with the hierarchy's [warnings](Hierarchy::warnings), at the current line.
    pub fn warn(&mut self, message: impl Into<String>) -> &mut Self {
        let location = Location { file: None, line: self.line };
        self.graph.warnings.push(Warning { location, message: message.into() });
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
    pub fn build(mut self) -> Result<Hierarchy, HierarchyError> {
        self.check_roots()?;
        assemble(self.graph, None)
    }

    fn check_roots(&mut self) -> Result<(), HierarchyError> {
        let Some(&(_, first_line)) = self.roots.first() else { return Ok(()) };
        let mut parent_of = vec![NONE; self.graph.names.len()];
        for &(parent, child, _) in &self.graph.edges {
            parent_of[child as usize] = parent;
        }
        let name = |node: u32| &self.graph.names[node as usize];
        if let Some(&(node, line)) = self.roots.iter().find(|(node, _)| parent_of[*node as usize] != NONE) {
            let parent = name(parent_of[node as usize]);
            let message = format!("\"{}\" has no parent here, and elsewhere the parent \"{parent}\"", name(node));
            return Err(HierarchyError::new(Kind::MissingParent, message).at_line(line));
        }
        if parent_of.iter().filter(|&&parent| parent == NONE).count() > 1 {
            let message = format!(
                "{} of the nodes have an empty parent and are taken to be roots: {}",
                self.roots.len(),
                list(self.roots.iter().map(|&(node, _)| name(node)), 5)
            );
            self.graph.warnings.push(Warning { location: Location { file: None, line: first_line }, message });
        }
        Ok(())
    }

    fn intern(&mut self, key: &str, name: &str) -> Result<u32, HierarchyError> {
        let (key, name) = (key.trim(), name.trim());
        if let Some(&node) = self.index.get(key) {
            return Ok(node);
        }
        if name.is_empty() {
            return Err(HierarchyError::new(Kind::EmptyName, "empty name").at_line(self.line));
        }
        if name.contains(KEY_SEPARATOR) {
            let message = format!("the name {name:?} holds the control character U+001F");
            return Err(HierarchyError::new(Kind::Format, message).at_line(self.line));
        }
        let node = self.graph.add(name.into(), NONE)?;
        self.index.insert(key.into(), node);
        Ok(node)
    }
}
