//! The same nodes with other classes.

use super::assemble::{Graph, assemble};
use super::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NONE, NodeId};

impl Hierarchy {
    /// The same hierarchy with other classes: the named nodes, in the order of the logits' columns.
    ///
    /// A class may be an internal node; it is then carried by an extra leaf below that node. Nodes without a class at or
    /// below them are pruned, which the [warnings](Self::warnings) report.
    ///
    /// # Errors
    ///
    /// A name that is not there (with the nearest ones), an ambiguous name, a class named twice, or no class.
    ///
    /// # Example
    ///
    /// ```
    /// use klados::Hierarchy;
    ///
    /// let all = Hierarchy::from_edges([("dog", "poodle"), ("dog", "beagle"), ("animal", "dog"), ("animal", "cat")])?;
    /// let hierarchy = all.with_classes(["cat", "dog", "poodle"])?;
    /// assert_eq!(hierarchy.class_count(), 3);
    /// assert_eq!(hierarchy.class_name(1), "dog");
    /// assert_eq!(hierarchy.classes_below(hierarchy.node("dog")?), [2, 1]); // in tree order, its own leaf last
    /// assert!(hierarchy.warnings()[0].message.contains("beagle")); // has no class: pruned
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn with_classes<S: AsRef<str>>(&self, classes: impl IntoIterator<Item = S>) -> Result<Self, HierarchyError> {
        let mut nodes = Vec::new();
        for name in classes {
            let name = name.as_ref().trim();
            if name.is_empty() {
                let message = format!("class {} has an empty name", nodes.len());
                return Err(HierarchyError::new(Kind::EmptyName, message));
            }
            nodes.push(self.resolve("class", name)?);
        }
        self.with_class_nodes(&nodes)
    }

    /// The same hierarchy with other columns for the forms that have a logit a node: every node but the root once, in the
    /// order of the logits' columns. [`with_classes`](Self::with_classes) goes back to the order of first appearance.
    ///
    /// # Errors
    ///
    /// A name that is not there (with the nearest ones), an ambiguous or repeated name, the root, or nodes that are left
    /// out (all of them are named).
    ///
    /// ```
    /// use klados::Hierarchy;
    ///
    /// let hierarchy = Hierarchy::from_edges([("animal", "cat"), ("animal", "dog")])?;
    /// let other = hierarchy.with_node_columns(["dog", "cat"])?;
    /// assert_eq!(other.node_columns(), [hierarchy.node("dog")?, hierarchy.node("cat")?]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn with_node_columns<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Result<Self, HierarchyError> {
        let mut columns = Vec::new();
        let mut seen = vec![false; self.node_count()];
        for name in names {
            let node = self.resolve("node", name.as_ref().trim())?;
            if node == NodeId::ROOT {
                let message = format!("\"{}\" is the root, which has no column", self.name(node));
                return Err(HierarchyError::new(Kind::UnknownName, message));
            }
            if std::mem::replace(&mut seen[node.index()], true) {
                let message = format!("the node \"{}\" is named twice as a column", self.name(node));
                return Err(HierarchyError::new(Kind::DuplicateClass, message));
            }
            columns.push(node);
        }
        let missing: Vec<String> = self.nodes().skip(1).filter(|v| !seen[v.index()]).map(|v| self.path(v)).collect();
        if !missing.is_empty() {
            let message = format!("nodes without a column: {}", super::error::list(&missing, missing.len()));
            return Err(HierarchyError::new(Kind::UnknownName, message));
        }
        Ok(Self { inner: std::sync::Arc::clone(&self.inner), columns: Some(columns.into()) })
    }

    /// As [`with_classes`](Self::with_classes), with the classes as nodes of this hierarchy.
    pub(crate) fn with_class_nodes(&self, nodes: &[NodeId]) -> Result<Self, HierarchyError> {
        let (graph, place) = self.to_graph();
        let inner = &self.inner;
        // A leaf that was added for a class stands for the node that it was added to.
        let owner = |node: NodeId| {
            let parent = inner.parents.row(node.index()).first();
            parent.filter(|parent| inner.carrier[parent.index()] == node.0).copied().unwrap_or(node)
        };
        let mut column = vec![NONE; graph.names.len()];
        let mut classes = Vec::with_capacity(nodes.len());
        for (index, &node) in nodes.iter().enumerate() {
            let class = place[owner(node).index()];
            if column[class as usize] != NONE {
                let message = format!(
                    "class \"{}\" is named twice, as columns {} and {index}",
                    graph.label(class),
                    column[class as usize]
                );
                return Err(HierarchyError::new(Kind::DuplicateClass, message));
            }
            column[class as usize] = index as u32;
            classes.push(class);
        }
        assemble(graph, Some(classes))
    }

    /// Back to nodes in order of appearance, without the leaves that were added for internal classes. Also gives the
    /// place of each node there (`NONE` for an added leaf).
    pub(super) fn to_graph(&self) -> (Graph, Vec<u32>) {
        let inner = &self.inner;
        let nodes = self.node_count();
        let mut added = vec![false; nodes];
        for &leaf in inner.carrier.iter().filter(|&&leaf| leaf != NONE) {
            added[leaf as usize] = true;
        }
        let mut by_appearance: Vec<u32> = (0..nodes as u32).filter(|&node| !added[node as usize]).collect();
        by_appearance.sort_by_key(|&node| inner.appearance[node as usize]);
        let mut place = vec![NONE; nodes];
        for (new, &node) in by_appearance.iter().enumerate() {
            place[node as usize] = new as u32;
        }
        let edges = self.edges_in_order().into_iter().filter(|(_, child)| !added[child.index()]);
        let edges = edges.map(|(parent, child)| (place[parent.index()], place[child.index()], 0)).collect();
        let (ids, alternative_ids, synonyms) = self.ids_of(&by_appearance, &place);
        let graph = Graph {
            ids,
            alternative_ids,
            synonyms,
            names: by_appearance.iter().map(|&node| inner.names.get(node as usize).into()).collect(),
            ranks: by_appearance.iter().map(|&node| inner.rank[node as usize]).collect(),
            rank_names: inner.rank_names.clone(),
            edges,
            root_is_added: inner.root_is_added,
            warnings: inner.warnings.clone(),
        };
        (graph, place)
    }

    /// The classes as places in the graph that [`to_graph`](Self::to_graph) gives.
    pub(super) fn class_places(&self, place: &[u32]) -> Vec<u32> {
        let owner = |class: usize| {
            let node = self.class_node(class);
            match place[node.index()] {
                NONE => place[self.parents(node)[0].index()],
                known => known,
            }
        };
        (0..self.class_count()).map(owner).collect()
    }
}
