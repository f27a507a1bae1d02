//! Questions about nodes, classes and levels.

use super::error::list;
use super::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, Level, NONE, NodeId, PATH_SEPARATOR, Warning};

impl Hierarchy {
    /// The number of nodes, the root included.
    pub fn node_count(&self) -> usize {
        self.inner.depth.len()
    }

    /// All nodes in hierarchy order, the root first.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + Clone + use<> {
        (0..self.node_count() as u32).map(NodeId)
    }

    /// The node of this index in hierarchy order, if there is one.
    pub fn node_at(&self, index: usize) -> Option<NodeId> {
        (index < self.node_count()).then_some(NodeId(index as u32))
    }

    /// The nodes but the root, in the order in which the input first named them (in an edge the child before the
    /// parent); leaves that were added for internal classes come last. The columns of forms with a logit a node, unless
    /// [`with_node_columns`](Self::with_node_columns) states others.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let names: Vec<&str> = hierarchy.node_columns().iter().map(|node| hierarchy.name(*node)).collect();
    /// assert_eq!(names, ["bat", "mammal", "dog", "crow", "bird"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn node_columns(&self) -> Vec<NodeId> {
        if let Some(columns) = &self.columns {
            return columns.to_vec();
        }
        self.nodes_by_appearance()
    }

    /// The nodes but the root in the order in which the input first named them.
    pub(crate) fn nodes_by_appearance(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.nodes().skip(1).collect();
        nodes.sort_by_key(|node| self.inner.appearance[node.index()]);
        nodes
    }

    /// The number of classes, which is the number of columns of the logits.
    pub fn class_count(&self) -> usize {
        self.inner.classes.len()
    }

    /// The node that carries a class. For a class that is an internal node that is the leaf added below it.
    ///
    /// # Panics
    ///
    /// If `class` is not below [`class_count`](Self::class_count).
    pub fn class_node(&self, class: usize) -> NodeId {
        self.inner.classes[class]
    }

    /// The name that the user gave a class: without the `=` of an added leaf.
    ///
    /// # Panics
    ///
    /// If `class` is not below [`class_count`](Self::class_count).
    pub fn class_name(&self, class: usize) -> &str {
        self.name(self.class_owner(class))
    }

    /// The node that the user named as a class: not the leaf that was added for it.
    pub(crate) fn class_owner(&self, class: usize) -> NodeId {
        let node = self.class_node(class);
        if self.is_added(node) { self.parents(node)[0] } else { node }
    }

    /// The names of the classes in the order of the columns.
    pub fn class_names(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.class_count()).map(|class| self.class_name(class))
    }

    /// The class that a node stands for alone: its own, or that of the leaf added below it.
    pub fn class_at(&self, node: NodeId) -> Option<usize> {
        let leaf = self.inner.carrier[node.index()];
        let node = if leaf == NONE { node.index() } else { leaf as usize };
        let class = self.inner.class_of[node];
        (class != NONE).then_some(class as usize)
    }

    /// The class that the node itself carries, as a leaf.
    pub(crate) fn leaf_class(&self, node: NodeId) -> Option<usize> {
        let class = self.inner.class_of[node.index()];
        (class != NONE).then_some(class as usize)
    }

    /// The short name of a node.
    pub fn name(&self, node: NodeId) -> &str {
        self.inner.names.get(node.index())
    }

    /// The names from the top down to the node, joined by ` > `, without an added root. In a DAG the path through each
    /// first parent.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("animal", "bird"), ("bird", "crow")])?;
    /// assert_eq!(hierarchy.path(hierarchy.node("crow")?), "animal > bird > crow");
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn path(&self, node: NodeId) -> String {
        let mut names = vec![self.name(node)];
        let mut at = node;
        while let Some(&parent) = self.parents(at).first() {
            if parent != NodeId::ROOT || !self.inner.root_is_added {
                names.push(self.name(parent));
            }
            at = parent;
        }
        names.reverse();
        names.join(PATH_SEPARATOR)
    }

    /// Whether the root was added because the input has several roots.
    pub fn root_is_added(&self) -> bool {
        self.inner.root_is_added
    }

    /// Whether a node is not in the input: the root above several, or the leaf of a class that is an internal node.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")])?;
    /// assert!(hierarchy.is_added(klados::NodeId::ROOT));
    /// let hierarchy = hierarchy.with_classes(["bat", "bird", "crow"])?;
    /// assert!(hierarchy.is_added(hierarchy.node("=bird")?));
    /// assert!(!hierarchy.is_added(hierarchy.node("bird")?));
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn is_added(&self, node: NodeId) -> bool {
        match self.parents(node) {
            [] => self.inner.root_is_added,
            [parent, ..] => self.inner.carrier[parent.index()] == node.0,
        }
    }

    /// The place of a node in the order in which the input first named them.
    pub(crate) fn appearance(&self, node: NodeId) -> u32 {
        self.inner.appearance[node.index()]
    }

    /// The parents of a node: one in a tree, none for the root.
    pub fn parents(&self, node: NodeId) -> &[NodeId] {
        self.inner.parents.row(node.index())
    }

    /// The children of a node, in the order of the input.
    pub fn children(&self, node: NodeId) -> &[NodeId] {
        self.inner.children.row(node.index())
    }

    /// Whether every node but the root has one parent.
    pub fn is_tree(&self) -> bool {
        !self.inner.spans.is_empty()
    }

    /// The number of edges on the longest path from the root; the root has depth 0.
    pub fn depth(&self, node: NodeId) -> usize {
        self.inner.depth[node.index()] as usize
    }

    /// The number of edges on the longest path down to a class; a class has height 0.
    pub fn height(&self, node: NodeId) -> usize {
        self.inner.height[node.index()] as usize
    }

    /// The node and its ancestors without the root (`A(v)`), the root's side first.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("animal", "bird"), ("bird", "crow"), ("animal", "bat")])?;
    /// let crow = hierarchy.node("crow")?;
    /// assert_eq!(hierarchy.lineage(crow), [hierarchy.node("bird")?, crow]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn lineage(&self, node: NodeId) -> Vec<NodeId> {
        let mut above = self.ancestors(node);
        above.retain(|&ancestor| ancestor != NodeId::ROOT);
        above.reverse();
        if node != NodeId::ROOT {
            above.push(node);
        }
        above
    }

    /// The proper ancestors of a node, the root last; each once, also in a DAG, where each comes after its descendants.
    pub fn ancestors(&self, node: NodeId) -> Vec<NodeId> {
        let mut above: Vec<NodeId> = self.parents(node).to_vec();
        if self.is_tree() {
            while let Some(&parent) = above.last().and_then(|last| self.parents(*last).first()) {
                above.push(parent);
            }
            return above;
        }
        let mut seen: std::collections::HashSet<NodeId> = above.iter().copied().collect();
        let mut next = 0;
        while next < above.len() {
            let at = above[next];
            next += 1;
            above.extend(self.parents(at).iter().copied().filter(|parent| seen.insert(*parent)));
        }
        above.sort_unstable_by(|a, b| b.cmp(a));
        above
    }

    /// Whether `ancestor` is `node` or above it.
    pub fn is_at_or_above(&self, ancestor: NodeId, node: NodeId) -> bool {
        if !self.is_tree() {
            return ancestor == node || self.ancestors(node).contains(&ancestor);
        }
        // Parents have smaller indices, which tells the nodes of a chain apart; all others by their classes.
        let ((start, end), (first, last)) = (self.span(ancestor), self.span(node));
        ancestor <= node && start <= first && last <= end
    }

    /// The classes at or below a node (`D(v)`), each once, in tree order.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// assert_eq!(hierarchy.classes_below(hierarchy.node("mammal")?), [0, 1]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn classes_below(&self, node: NodeId) -> Vec<usize> {
        if let Some(&(start, end)) = self.inner.spans.get(node.index()) {
            let range = &self.inner.tree_order[start as usize..end as usize];
            return range.iter().map(|&class| class as usize).collect();
        }
        let mut seen = std::collections::HashSet::from([node]);
        let mut stack = vec![node];
        let mut classes = Vec::new();
        while let Some(at) = stack.pop() {
            classes.extend(self.leaf_class(at).map(|class| (at, class)));
            stack.extend(self.children(at).iter().copied().filter(|child| seen.insert(*child)));
        }
        classes.sort_unstable();
        classes.into_iter().map(|(_, class)| class).collect()
    }

    /// The number of classes at or below a node, each counted once.
    pub fn count_classes_below(&self, node: NodeId) -> usize {
        self.class_counts()[node.index()] as usize
    }

    /// The columns in tree order: the classes of every subtree of a tree are next to each other.
    pub(crate) fn tree_order(&self) -> &[u32] {
        &self.inner.tree_order
    }

    /// In a tree, the range of [`tree_order`](Self::tree_order) at or below a node.
    pub(crate) fn span(&self, node: NodeId) -> (usize, usize) {
        let (start, end) = self.inner.spans[node.index()];
        (start as usize, end as usize)
    }

    /// The names of the ranks, from the top, where the input names ranks.
    pub fn rank_names(&self) -> &[String] {
        &self.inner.rank_names
    }

    /// The rank of a node, by its place among the [rank names](Self::rank_names).
    pub(crate) fn rank_index(&self, node: NodeId) -> Option<usize> {
        let rank = self.inner.rank[node.index()];
        (rank != NONE).then_some(rank as usize)
    }

    /// The rank of a node, where the input names ranks. The root and added leaves have none.
    pub fn rank(&self, node: NodeId) -> Option<&str> {
        self.inner.rank_names.get(self.inner.rank[node.index()] as usize).map(String::as_str)
    }

    /// The levels from the top: the ranks where the input names them (but one that only the root has), else the depths
    /// from 1.
    pub fn levels(&self) -> Vec<Level> {
        if self.inner.rank_names.is_empty() {
            return (1..=self.height(NodeId::ROOT)).map(Level::Depth).collect();
        }
        let mut used = vec![false; self.inner.rank_names.len()];
        for &rank in self.inner.rank[1..].iter().filter(|&&rank| rank != NONE) {
            used[rank as usize] = true;
        }
        let names = self.inner.rank_names.iter().zip(used).filter(|(_, used)| *used);
        names.map(|(name, _)| Level::Rank(name.clone())).collect()
    }

    /// The level of a node among [`levels`](Self::levels); none for the root, and for a node without rank where the
    /// input names ranks.
    pub fn level(&self, node: NodeId) -> Option<Level> {
        match self.inner.rank_names.is_empty() {
            true => (node != NodeId::ROOT).then(|| Level::Depth(self.depth(node))),
            false => self.rank(node).map(Level::from),
        }
    }

    /// The nodes of a level, in hierarchy order.
    ///
    /// # Errors
    ///
    /// A rank or depth that no node has; the message lists what there is.
    ///
    /// ```
    /// use klados::{Hierarchy, Level};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
    /// let top = hierarchy.level_nodes(&Level::Depth(1))?;
    /// assert_eq!(top.iter().map(|node| hierarchy.name(*node)).collect::<Vec<_>>(), ["mammal", "bird"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn level_nodes(&self, level: &Level) -> Result<Vec<NodeId>, HierarchyError> {
        let nodes: Vec<NodeId> = match level {
            Level::Depth(depth) => self.nodes().filter(|node| self.depth(*node) == *depth).collect(),
            Level::Rank(rank) => self.nodes().filter(|node| self.rank(*node) == Some(rank)).collect(),
        };
        if !nodes.is_empty() {
            return Ok(nodes);
        }
        let deepest = self.height(NodeId::ROOT);
        let ranks = match self.inner.rank_names.is_empty() {
            true => "the hierarchy names no ranks".to_owned(),
            false => format!("the ranks are {}", list(&self.inner.rank_names, 20)),
        };
        let message = match level {
            Level::Depth(depth) => {
                format!("there is no node of depth {depth}; the deepest has depth {deepest}")
            }
            Level::Rank(rank) => {
                format!("there is no rank \"{rank}\"; {ranks}, and depths go from 1 to {deepest}")
            }
        };
        Err(HierarchyError::new(Kind::UnknownLevel, message))
    }

    /// The same hierarchy with the depths named, from the top: the nodes of depth 1 get the first name, and so on. Added
    /// leaves keep no rank.
    ///
    /// # Errors
    ///
    /// More names than there are depths, or a name that is there twice.
    ///
    /// ```
    /// use klados::Hierarchy;
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")])?.with_level_names(["class", "species"])?;
    /// assert_eq!(hierarchy.rank(hierarchy.node("crow")?), Some("species"));
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn with_level_names<S: Into<String>>(
        &self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, HierarchyError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let deepest = self.height(NodeId::ROOT);
        if names.len() > deepest {
            let message = format!("{} level names, but the deepest node has depth {deepest}", names.len());
            return Err(HierarchyError::new(Kind::UnknownLevel, message));
        }
        let (mut graph, place) = self.to_graph();
        for node in self.nodes().skip(1) {
            let (old, depth) = (place[node.index()], self.depth(node));
            if old != NONE {
                graph.ranks[old as usize] = if depth <= names.len() { depth as u32 - 1 } else { NONE };
            }
        }
        graph.rank_names = names;
        let mut named = super::assemble::assemble(graph, Some(self.class_places(&place)))?;
        // The same nodes in the same order.
        named.columns.clone_from(&self.columns);
        Ok(named)
    }

    /// Says which file the warnings come from.
    pub(crate) fn in_file(mut self, file: &std::path::Path) -> Self {
        if let Some(inner) = std::sync::Arc::get_mut(&mut self.inner) {
            for warning in &mut inner.warnings {
                warning.location.file.get_or_insert_with(|| file.to_owned());
            }
        }
        self
    }

    /// What was legal but surprising in the input: duplicate edges, pruned nodes, an ambiguous column order.
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }
}

impl Hierarchy {
    /// Builds a hierarchy from `(parent, child)` edges; the same name is the same node.
    ///
    /// # Errors
    ///
    /// A cycle (with its nodes), a self-loop, an empty name, or no edge.
    ///
    /// ```
    /// use klados::Hierarchy;
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")])?;
    /// assert_eq!(hierarchy.node_count(), 5);
    /// let error = Hierarchy::from_edges([("a", "b"), ("b", "a")]).unwrap_err();
    /// assert_eq!(error.kind(), klados::HierarchyErrorKind::Cycle);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn from_edges<P: AsRef<str>, C: AsRef<str>>(
        edges: impl IntoIterator<Item = (P, C)>,
    ) -> Result<Self, HierarchyError> {
        let mut builder = super::HierarchyBuilder::new();
        for (parent, child) in edges {
            builder.add_edge(parent.as_ref(), child.as_ref())?;
        }
        builder.build()
    }
}
