//! From named edges and paths to the flat arrays.

use std::collections::HashMap;

use super::error::list;
use super::{Csr, Hierarchy, HierarchyError, HierarchyErrorKind as Kind, Inner, Location, NONE, Names, Warning};
use std::sync::{Arc, OnceLock};

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

/// Nodes in order of appearance, with what is known of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) names: Vec<Box<str>>,
    pub(super) ranks: Vec<u32>,
    pub(super) rank_names: Vec<String>,
    /// `(parent, child, line)`, the line 0 where there is none.
    pub(super) edges: Vec<(u32, u32, u64)>,
    pub(super) root_is_added: bool,
    pub(super) warnings: Vec<Warning>,
}

/// Joins the names of a path into a key; no name holds it, as control characters are trimmed from neither CSV nor code
/// but a unit separator has no business in a name.
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
    /// A cycle (with its nodes), no node at all, or a node that is said to be a root and has a parent.
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
        let node = self.graph.add(name.into(), NONE)?;
        self.index.insert(key.into(), node);
        Ok(node)
    }
}

impl Graph {
    fn add(&mut self, name: Box<str>, rank: u32) -> Result<u32, HierarchyError> {
        let node = self.names.len() as u32;
        if node >= NONE - 2 {
            return Err(HierarchyError::new(Kind::TooLarge, "more nodes than a 32-bit index can name"));
        }
        self.names.push(name);
        self.ranks.push(rank);
        Ok(node)
    }
}

/// Adds the root where it is missing, prunes, adds the leaves that carry internal classes, and numbers the nodes.
pub(super) fn assemble(mut graph: Graph, classes: Option<Vec<u32>>) -> Result<Hierarchy, HierarchyError> {
    if graph.names.is_empty() {
        return Err(HierarchyError::new(Kind::Empty, "the hierarchy has no nodes"));
    }
    remove_duplicate_edges(&mut graph);
    let (parents, children) = adjacency(&graph);
    find_cycle(&graph, &parents, &children)?;
    let root = join_roots(&mut graph, &parents, &children)?;
    let (_, children) = adjacency(&graph);
    let mut classes = match classes {
        Some(classes) => classes,
        None => (0..graph.names.len() as u32).filter(|&v| children.row(v as usize).is_empty()).collect(),
    };
    if classes.is_empty() {
        return Err(HierarchyError::new(Kind::Empty, "the hierarchy has no classes"));
    }
    let kept = prune(&mut graph, &classes);
    let carriers = carry_internal_classes(&mut graph, &mut classes, &kept)?;
    let order = order(&graph, &kept, root);
    Ok(number(graph, &classes, &carriers, &order))
}

fn adjacency(graph: &Graph) -> (Csr, Csr) {
    let nodes = graph.names.len();
    let parents = Csr::from_pairs(nodes, graph.edges.iter().map(|&(parent, child, _)| (child, parent)));
    let children = Csr::from_pairs(nodes, graph.edges.iter().map(|&(parent, child, _)| (parent, child)));
    (parents, children)
}

fn remove_duplicate_edges(graph: &mut Graph) {
    let mut order: Vec<u32> = (0..graph.edges.len() as u32).collect();
    order.sort_unstable_by_key(|&i| {
        let (parent, child, _) = graph.edges[i as usize];
        (parent, child, i)
    });
    let mut repeated = vec![false; graph.edges.len()];
    for pair in order.windows(2) {
        let (first, second) = (graph.edges[pair[0] as usize], graph.edges[pair[1] as usize]);
        repeated[pair[1] as usize] = (first.0, first.1) == (second.0, second.1);
    }
    let mut index = 0;
    let Graph { names, edges, warnings, .. } = graph;
    edges.retain(|&(parent, child, line)| {
        let keep = !repeated[index];
        index += 1;
        if !keep {
            let location = Location { file: None, line: (line > 0).then_some(line) };
            let (parent, child) = (&names[parent as usize], &names[child as usize]);
            let message = format!("the edge from \"{parent}\" to \"{child}\" is there already and is counted once");
            warnings.push(Warning { location, message });
        }
        keep
    });
}

/// Takes away nodes without open parents until none is left (Kahn); what stays holds a cycle, which is then walked.
fn find_cycle(graph: &Graph, parents: &Csr, children: &Csr) -> Result<(), HierarchyError> {
    let nodes = graph.names.len();
    let mut open: Vec<u32> = (0..nodes).map(|v| parents.row(v).len() as u32).collect();
    let mut ready: Vec<usize> = (0..nodes).filter(|&v| open[v] == 0).collect();
    let mut taken = 0;
    while let Some(node) = ready.pop() {
        taken += 1;
        for child in children.row(node) {
            open[child.index()] -= 1;
            if open[child.index()] == 0 {
                ready.push(child.index());
            }
        }
    }
    if taken == nodes {
        return Ok(());
    }
    // Every node that is left has a parent that is left: walking up must come back to a node seen before.
    let left = |v: usize| open[v] > 0;
    let mut seen = vec![usize::MAX; nodes];
    let mut walk = Vec::new();
    let mut node = (0..nodes).find(|&v| left(v)).unwrap_or(0);
    while seen[node] == usize::MAX {
        seen[node] = walk.len();
        walk.push(node);
        match parents.row(node).iter().find(|parent| left(parent.index())) {
            Some(parent) => node = parent.index(),
            None => break,
        }
    }
    let cycle = &walk[seen[node]..];
    let next = |v: u32| seen[v as usize].checked_sub(seen[node]).and_then(|i| cycle.get((i + 1) % cycle.len()));
    let on_cycle = |&&(parent, child, _): &&(u32, u32, u64)| {
        seen[child as usize] != usize::MAX && next(child) == Some(&(parent as usize))
    };
    let line = graph.edges.iter().filter(on_cycle).map(|&(_, _, line)| line).max().filter(|&line| line > 0);
    let message = format!(
        "{} nodes form a cycle, each the child of the next and the last of the first: {}",
        cycle.len(),
        list(cycle.iter().map(|&v| &graph.names[v]), 20)
    );
    Err(HierarchyError::new(Kind::Cycle, message).at_line(line))
}

/// Joins several roots, or a lone node, under an added root. Returns the root.
fn join_roots(graph: &mut Graph, parents: &Csr, children: &Csr) -> Result<u32, HierarchyError> {
    let roots: Vec<u32> = (0..graph.names.len() as u32).filter(|&v| parents.row(v as usize).is_empty()).collect();
    if let [root] = roots[..]
        && !children.row(root as usize).is_empty()
    {
        return Ok(root);
    }
    let name = if graph.names.iter().any(|name| &**name == "root") { "(root)" } else { "root" };
    let root = graph.add(name.into(), NONE)?;
    graph.edges.extend(roots.iter().map(|&child| (root, child, 0)));
    graph.root_is_added = true;
    Ok(root)
}

/// Marks the nodes that have a class at or below them, drops the edges to the others and reports them.
fn prune(graph: &mut Graph, classes: &[u32]) -> Vec<bool> {
    let (parents, _) = adjacency(graph);
    let mut kept = vec![false; graph.names.len()];
    let mut stack: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut kept[node], true) {
            stack.extend(parents.row(node).iter().map(|parent| parent.index()));
        }
    }
    let pruned: Vec<&str> = graph.names.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(n, _)| &**n).collect();
    if !pruned.is_empty() {
        let message = format!(
            "{} without a class at or below {} pruned: {}",
            if pruned.len() == 1 { "1 node".to_owned() } else { format!("{} nodes", pruned.len()) },
            if pruned.len() == 1 { "it is" } else { "them are" },
            list(pruned, 10)
        );
        graph.warnings.push(Warning { location: Location::default(), message });
        graph.edges.retain(|&(_, child, _)| kept[child as usize]);
    }
    kept
}

/// Gives each class that has children of its own an extra leaf, and lets that leaf carry the class.
fn carry_internal_classes(
    graph: &mut Graph,
    classes: &mut [u32],
    kept: &[bool],
) -> Result<Vec<(u32, u32)>, HierarchyError> {
    let nodes = graph.names.len();
    let mut internal = vec![false; nodes];
    for &(parent, _, _) in &graph.edges {
        internal[parent as usize] = true;
    }
    let has_parent: Vec<bool> = {
        let mut has = vec![false; nodes];
        for &(_, child, _) in &graph.edges {
            has[child as usize] = true;
        }
        has
    };
    debug_assert_eq!(kept.len(), nodes);
    let mut carriers = Vec::new();
    for class in classes.iter_mut() {
        let node = *class;
        // A root that is a class but has no child left needs the leaf too: a class is never the root.
        if internal[node as usize] || !has_parent[node as usize] {
            let leaf = graph.add(format!("={}", graph.names[node as usize]).into(), NONE)?;
            graph.edges.push((node, leaf, 0));
            carriers.push((node, leaf));
            *class = leaf;
        }
    }
    Ok(carriers)
}

/// Hierarchy order: the reverse of the order in which a depth-first walk leaves the nodes. Parents come before children
/// in any DAG; in a tree, with the children walked last to first, it is depth-first order.
fn order(graph: &Graph, kept: &[bool], root: u32) -> Vec<u32> {
    let (_, children) = adjacency(graph);
    let mut state = vec![0u32; graph.names.len()];
    let mut order = Vec::with_capacity(graph.names.len());
    let mut stack = vec![root];
    while let Some(&node) = stack.last() {
        let below = children.row(node as usize);
        let step = state[node as usize] as usize;
        if step > below.len() {
            stack.pop(); // reached again by another parent after it was left
        } else if step == below.len() {
            state[node as usize] += 1;
            stack.pop();
            order.push(node);
        } else {
            state[node as usize] += 1;
            let child = below[below.len() - 1 - step];
            if state[child.index()] == 0 && kept.get(child.index()).is_none_or(|&kept| kept) {
                stack.push(child.0);
            }
        }
    }
    order.reverse();
    order
}

/// Renumbers everything into hierarchy order and fills the arrays.
fn number(graph: Graph, classes: &[u32], carriers: &[(u32, u32)], order: &[u32]) -> Hierarchy {
    let nodes = order.len();
    let mut place = vec![NONE; graph.names.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old as usize] = new as u32;
    }
    let pairs = || {
        let kept = graph
            .edges
            .iter()
            .filter(|&&(parent, child, _)| place[parent as usize] != NONE && place[child as usize] != NONE);
        kept.map(|&(parent, child, _)| (place[parent as usize], place[child as usize]))
    };
    let parents = Csr::from_pairs(nodes, pairs().map(|(parent, child)| (child, parent)));
    let children = Csr::from_pairs(nodes, pairs());

    let mut depth = vec![0u32; nodes];
    for node in 1..nodes {
        let above = parents.row(node).iter().map(|parent| depth[parent.index()]).max();
        depth[node] = above.map_or(0, |above| above + 1);
    }
    let mut height = vec![0u32; nodes];
    for node in (0..nodes).rev() {
        let below = children.row(node).iter().map(|child| height[child.index()]).max();
        height[node] = below.map_or(0, |below| below + 1);
    }
    let classes: Vec<super::NodeId> = classes.iter().map(|&class| super::NodeId(place[class as usize])).collect();
    let mut class_of = vec![NONE; nodes];
    for (column, class) in classes.iter().enumerate() {
        class_of[class.index()] = column as u32;
    }
    let mut carrier = vec![NONE; nodes];
    for &(node, leaf) in carriers {
        carrier[place[node as usize] as usize] = place[leaf as usize];
    }
    let tree_order: Vec<u32> = class_of.iter().copied().filter(|&column| column != NONE).collect();
    let is_tree = parents.len() + 1 == nodes;
    let spans = if is_tree { spans(&class_of, &children) } else { Vec::new() };
    Hierarchy {
        inner: Arc::new(Inner {
            names: Names::new(order.iter().map(|&old| &*graph.names[old as usize])),
            parents,
            children,
            depth,
            height,
            rank: order.iter().map(|&old| graph.ranks[old as usize]).collect(),
            rank_names: graph.rank_names,
            classes,
            class_of,
            tree_order,
            spans,
            appearance: order.to_vec(),
            carrier,
            root_is_added: graph.root_is_added,
            warnings: graph.warnings,
            class_counts: OnceLock::new(),
        }),
    }
}

/// In depth-first order the classes below a node follow each other: a range of the tree order.
fn spans(class_of: &[u32], children: &Csr) -> Vec<(u32, u32)> {
    let nodes = class_of.len();
    let mut spans = vec![(0, 0); nodes];
    let mut position = class_of.iter().filter(|&&column| column != NONE).count() as u32;
    for node in (0..nodes).rev() {
        if class_of[node] != NONE {
            spans[node] = (position - 1, position);
            position -= 1;
        } else {
            let below = children.row(node);
            spans[node] = (spans[below[0].index()].0, spans[below[below.len() - 1].index()].1);
        }
    }
    spans
}

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

    /// As [`with_classes`](Self::with_classes), with the classes as nodes of this hierarchy.
    pub(crate) fn with_class_nodes(&self, nodes: &[super::NodeId]) -> Result<Self, HierarchyError> {
        let (graph, place) = self.to_graph();
        let inner = &self.inner;
        // A leaf that was added for a class stands for the node that it was added to.
        let owner = |node: super::NodeId| {
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
                    graph.names[class as usize], column[class as usize]
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
        let mut edges = Vec::with_capacity(inner.parents.len());
        for parent in 0..nodes {
            for child in inner.children.row(parent).iter().filter(|child| !added[child.index()]) {
                edges.push((place[parent], place[child.index()], 0));
            }
        }
        let graph = Graph {
            names: by_appearance.iter().map(|&node| inner.names.get(node as usize).into()).collect(),
            ranks: by_appearance.iter().map(|&node| inner.rank[node as usize]).collect(),
            rank_names: inner.rank_names.clone(),
            edges,
            root_is_added: inner.root_is_added,
            warnings: inner.warnings.clone(),
        };
        (graph, place)
    }
}
