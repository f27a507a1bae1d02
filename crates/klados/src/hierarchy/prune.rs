//! Smaller hierarchies: cut at a level, or without the nodes that say nothing.

use std::collections::HashSet;

use super::assemble::assemble;
use super::error::list;
use super::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, Level, Location, NONE, NodeId, Warning};

impl Hierarchy {
    /// The hierarchy down to a level: the nodes of this rank or depth become the classes, and what is below them is left
    /// out. Names, ids, synonyms and ranks stay.
    ///
    /// A class that has no node of the level at or above it stays a class, with a [warning](Self::warnings). Where nodes of
    /// one rank are above each other the topmost counts. In a DAG the depth of a node is that of its longest path. The
    /// order of the columns is that of the first class of each.
    ///
    /// # Errors
    ///
    /// A rank or depth that no node has; depth 0, the root.
    ///
    /// ```
    /// use klados::{Hierarchy, Level};
    ///
    /// let edges = [("bird", "crow"), ("bird", "robin"), ("animal", "bird"), ("animal", "bat")];
    /// let hierarchy = Hierarchy::from_edges(edges)?;
    /// let cut = hierarchy.cut_at(&Level::Depth(1))?;
    /// assert_eq!(cut.class_names().collect::<Vec<_>>(), ["bird", "bat"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn cut_at(&self, level: &Level) -> Result<Self, HierarchyError> {
        if *level == Level::Depth(0) {
            let message = "a cut at depth 0 leaves the root alone; the first level has depth 1";
            return Err(HierarchyError::new(Kind::UnknownLevel, message));
        }
        let mut is_at = vec![false; self.node_count()];
        self.level_nodes(level)?.iter().for_each(|node| is_at[node.index()] = true);
        is_at[0] = false;
        let below = self.is_below(&is_at);
        let new = self.classes_of_cut(&is_at, &below);
        let above: Vec<&str> =
            new.iter().filter(|node| !is_at[node.index()]).map(|node| self.name(self.without_added(*node))).collect();

        let (mut graph, place) = self.to_graph();
        let mut is_out = vec![false; graph.names.len()];
        for node in self.nodes().filter(|node| below[node.index()] && place[node.index()] != NONE) {
            is_out[place[node.index()] as usize] = true;
        }
        let moved = graph.remove(|node| is_out[node as usize]);
        let place_of = |node: &NodeId| moved[place[self.without_added(*node).index()] as usize];
        if !above.is_empty() {
            let message = format!(
                "{} without a node at the level of the cut: {}",
                if above.len() == 1 { "1 class stays".to_owned() } else { format!("{} classes stay", above.len()) },
                list(&above, 10)
            );
            graph.warnings.push(Warning { location: Location::default(), message });
        }
        assemble(graph, Some(new.iter().map(place_of).collect()))
    }

    /// By node: whether it is below one of these.
    fn is_below(&self, nodes: &[bool]) -> Vec<bool> {
        let mut below = vec![false; self.node_count()];
        for node in self.nodes() {
            below[node.index()] =
                self.parents(node).iter().any(|parent| nodes[parent.index()] || below[parent.index()]);
        }
        below
    }

    /// The topmost of the nodes that are cut at, and the classes that are not below them, by their first class.
    fn classes_of_cut(&self, is_at: &[bool], below: &[bool]) -> Vec<NodeId> {
        let mut first = vec![usize::MAX; self.node_count()];
        for node in self.nodes().rev() {
            let of_children = self.children(node).iter().map(|child| first[child.index()]).min();
            first[node.index()] = self.leaf_class(node).or(of_children).unwrap_or(usize::MAX);
        }
        let is_new = |node: &NodeId| !below[node.index()] && (is_at[node.index()] || self.leaf_class(*node).is_some());
        let mut new: Vec<NodeId> = self.nodes().filter(is_new).collect();
        new.sort_by_key(|node| first[node.index()]);
        new
    }

    /// The node that the input has for a node: that of an added leaf is its parent.
    fn without_added(&self, node: NodeId) -> NodeId {
        if node != NodeId::ROOT && self.is_added(node) { self.parents(node)[0] } else { node }
    }

    /// The hierarchy without the nodes that have a single child: they stand for the same classes as that child, which
    /// takes their place. So the lowest node of a chain stays, and every class; an added root goes too where it has become
    /// needless. Where edges then say the same twice, they say it once. The columns stay.
    ///
    /// A node that is a class itself beside its child has two classes below it, and stays.
    ///
    /// ```
    /// use klados::Hierarchy;
    ///
    /// let edges = [("Felidae", "Felis"), ("Felis", "F. catus"), ("Canidae", "Canis"), ("Canis", "C. lupus"),
    ///              ("Canis", "C. latrans"), ("Carnivora", "Felidae"), ("Carnivora", "Canidae")];
    /// let hierarchy = Hierarchy::from_edges(edges)?.contract_chains()?;
    /// assert_eq!(hierarchy.to_string(), "Carnivora\n  F. catus\n  Canis\n    C. lupus\n    C. latrans\n");
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None that a hierarchy is known to have.
    pub fn contract_chains(&self) -> Result<Self, HierarchyError> {
        let (mut graph, place) = self.to_graph();
        let classes = self.class_places(&place);
        // From the bottom up: the node that stands for each.
        let mut stands_for: Vec<NodeId> = self.nodes().collect();
        for node in self.nodes().rev() {
            let mut children = self.children(node).iter().map(|child| stands_for[child.index()]);
            if let Some(first) = children.next()
                && !self.is_added(first)
                && children.all(|child| child == first)
            {
                stands_for[node.index()] = first;
            }
        }
        let old = |node: NodeId| place[node.index()];
        let stays = |node: NodeId| stands_for[node.index()] == node;
        let edges = self.edges_in_order().into_iter().filter(|(parent, child)| stays(*parent) && old(*child) != NONE);
        let edges = edges.map(|(parent, child)| (old(parent), old(stands_for[child.index()]), 0));
        let mut seen = HashSet::new();
        graph.edges = edges.filter(|edge| seen.insert(*edge)).collect();
        let mut is_out = vec![false; graph.names.len()];
        for node in self.nodes().filter(|node| !stays(*node)) {
            is_out[old(node) as usize] = true;
        }
        graph.root_is_added &= stands_for[0] == NodeId::ROOT;
        let moved = graph.remove(|node| is_out[node as usize]);
        assemble(graph, Some(classes.into_iter().map(|class| moved[class as usize]).collect()))
    }
}
