//! Hierarchies: as plain data, and built.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A hierarchy as a user writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HierarchySpec {
    /// `(child, parent)`; the same name is the same node.
    pub edges: Vec<(String, String)>,
    /// The columns of the logits, in order. A class that is in no edge is a node of its own.
    pub classes: Vec<String>,
    /// The rank of a node, where it has one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranks: BTreeMap<String, String>,
}

impl HierarchySpec {
    /// From borrowed names, without ranks.
    pub fn new(edges: &[(&str, &str)], classes: &[&str]) -> Self {
        Self {
            edges: edges.iter().map(|&(child, parent)| (child.into(), parent.into())).collect(),
            classes: classes.iter().map(|&class| class.into()).collect(),
            ranks: BTreeMap::new(),
        }
    }
}

/// A node's index in a [`Hierarchy`].
pub type Node = usize;

/// A hierarchy with its added root, without the nodes that have no class below them, and with an extra leaf for every
/// class that is an internal node.
///
/// Every query walks the graph anew: this is for reading, not for speed.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// An added root and the extra leaves have no name.
    names: Vec<Option<String>>,
    ranks: Vec<Option<String>>,
    parents: Vec<Vec<Node>>,
    children: Vec<Vec<Node>>,
    root: Node,
    /// The node that carries each class.
    class_nodes: Vec<Node>,
    classes: Vec<String>,
}

impl Hierarchy {
    /// Builds a hierarchy.
    ///
    /// # Errors
    ///
    /// No class, a class twice, a rank of an unknown node, or a cycle.
    pub fn build(spec: &HierarchySpec) -> Result<Self, String> {
        if spec.classes.is_empty() {
            return Err("no classes".into());
        }
        let mut names: Vec<&String> = Vec::new();
        for name in spec.edges.iter().flat_map(|(child, parent)| [child, parent]).chain(&spec.classes) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let find = |name: &String| names.iter().position(|&known| known == name);
        let node = |name: &String| find(name).ok_or_else(|| format!("no node {name:?}"));

        let mut parents = vec![Vec::new(); names.len()];
        let mut children = vec![Vec::new(); names.len()];
        for (child, parent) in &spec.edges {
            let (child, parent) = (node(child)?, node(parent)?);
            if !parents[child].contains(&parent) {
                parents[child].push(parent);
                children[parent].push(child);
            }
        }
        let class_nodes: Vec<Node> = spec.classes.iter().map(node).collect::<Result<_, _>>()?;
        if class_nodes.iter().collect::<BTreeSet<_>>().len() < class_nodes.len() {
            return Err("a class is listed twice".into());
        }
        let mut ranks = vec![None; names.len()];
        for (name, rank) in &spec.ranks {
            ranks[node(name)?] = Some(rank.clone());
        }

        let mut graph = Self {
            names: names.into_iter().cloned().map(Some).collect(),
            ranks,
            parents,
            children,
            root: 0,
            class_nodes,
            classes: spec.classes.clone(),
        };
        graph.refuse_cycles()?;
        graph.join_roots();
        graph.prune();
        graph.carry_internal_classes();
        Ok(graph)
    }

    /// A node that is above itself is on a cycle.
    fn refuse_cycles(&self) -> Result<(), String> {
        for v in 0..self.names.len() {
            let mut above = BTreeSet::new();
            let mut next = self.parents[v].clone();
            while let Some(u) = next.pop() {
                if above.insert(u) {
                    next.extend(&self.parents[u]);
                }
            }
            if above.contains(&v) {
                return Err(format!("{:?} is its own ancestor", self.names[v]));
            }
        }
        Ok(())
    }

    /// One root that has children stays the root. Several roots, or a lone node, are put below an added one.
    fn join_roots(&mut self) {
        let roots: Vec<Node> = (0..self.names.len()).filter(|&v| self.parents[v].is_empty()).collect();
        if roots.len() == 1 && !self.children[roots[0]].is_empty() {
            self.root = roots[0];
        } else {
            self.root = self.add_node();
            for v in roots {
                self.add_edge(v, self.root);
            }
        }
    }

    /// Takes away the nodes that have no class at or below them.
    fn prune(&mut self) {
        let kept: BTreeSet<Node> = self.class_nodes.iter().flat_map(|&v| self.ancestors(v)).collect();
        let number: BTreeMap<Node, Node> = kept.iter().enumerate().map(|(new, &old)| (old, new)).collect();
        self.names = kept.iter().map(|&v| self.names[v].clone()).collect();
        self.ranks = kept.iter().map(|&v| self.ranks[v].clone()).collect();
        self.parents = kept.iter().map(|&v| self.parents[v].iter().map(|p| number[p]).collect()).collect();
        let kept_children = |v: Node| self.children[v].iter().filter_map(|child| number.get(child).copied()).collect();
        self.children = kept.iter().map(|&v| kept_children(v)).collect();
        self.root = number[&self.root];
        self.class_nodes = self.class_nodes.iter().map(|v| number[v]).collect();
    }

    /// A class that is the root or has children is carried by an extra leaf below it.
    fn carry_internal_classes(&mut self) {
        for class in 0..self.class_nodes.len() {
            let v = self.class_nodes[class];
            if v == self.root || !self.children[v].is_empty() {
                let leaf = self.add_node();
                self.add_edge(leaf, v);
                self.class_nodes[class] = leaf;
            }
        }
    }

    fn add_node(&mut self) -> Node {
        self.names.push(None);
        self.ranks.push(None);
        self.parents.push(Vec::new());
        self.children.push(Vec::new());
        self.names.len() - 1
    }

    fn add_edge(&mut self, child: Node, parent: Node) {
        self.parents[child].push(parent);
        self.children[parent].push(child);
    }

    /// The number of nodes, the root included.
    pub fn nodes(&self) -> usize {
        self.names.len()
    }

    /// The root.
    pub fn root(&self) -> Node {
        self.root
    }

    /// The names of the classes, in column order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The node that carries a class: the class's own node, or the extra leaf below it.
    pub fn class_node(&self, class: usize) -> Node {
        self.class_nodes[class]
    }

    /// The node of a name.
    pub fn node(&self, name: &str) -> Option<Node> {
        self.names.iter().position(|known| known.as_deref() == Some(name))
    }

    /// The name of a node; an added root and an extra leaf have none.
    pub fn name(&self, v: Node) -> Option<&str> {
        self.names[v].as_deref()
    }

    /// The rank of a node.
    pub fn rank(&self, v: Node) -> Option<&str> {
        self.ranks[v].as_deref()
    }

    /// `C(v)`.
    pub fn children(&self, v: Node) -> &[Node] {
        &self.children[v]
    }

    /// The parents of a node; in a tree there is one, `pi(v)`, and none above the root.
    pub fn parents(&self, v: Node) -> &[Node] {
        &self.parents[v]
    }

    /// Whether no node has two parents.
    pub fn is_tree(&self) -> bool {
        self.parents.iter().all(|parents| parents.len() <= 1)
    }

    /// The nodes but the root in the order of the columns of a form with a logit a node: by first appearance, the child
    /// before the parent in a line, the leaves of internal classes last.
    pub fn columns(&self) -> Vec<Node> {
        (0..self.nodes()).filter(|&v| v != self.root).collect()
    }

    /// The place of a node among [`columns`](Self::columns); the root has none.
    pub fn column(&self, v: Node) -> usize {
        assert!(v != self.root, "the root has no column");
        if v < self.root { v } else { v - 1 }
    }

    /// The name of a column's node, `=dog` for the leaf of an internal class.
    pub fn column_names(&self) -> Vec<String> {
        let carried =
            |v: Node| self.class_nodes.iter().position(|&node| node == v).map(|k| format!("={}", self.classes[k]));
        let name = |v: Node| self.name(v).map(str::to_string).or_else(|| carried(v)).unwrap_or_default();
        self.columns().into_iter().map(name).collect()
    }

    /// All nodes, parents before children: the reverse of the order in which a walk that takes children last to first
    /// leaves them. In a tree that is depth first, children in the order of their lines.
    pub fn order(&self) -> Vec<Node> {
        let mut order = Vec::new();
        self.leave(self.root, &mut vec![false; self.nodes()], &mut order);
        order.reverse();
        order
    }

    fn leave(&self, v: Node, is_left: &mut [bool], order: &mut Vec<Node>) {
        for &child in self.children[v].iter().rev() {
            if !is_left[child] {
                self.leave(child, is_left, order);
            }
        }
        is_left[v] = true;
        order.push(v);
    }

    /// `v` and everything below it.
    pub fn descendants(&self, v: Node) -> BTreeSet<Node> {
        let mut below = BTreeSet::from([v]);
        for &child in &self.children[v] {
            below.extend(self.descendants(child));
        }
        below
    }

    /// `v` and everything above it, the root included.
    pub fn ancestors(&self, v: Node) -> BTreeSet<Node> {
        let mut above = BTreeSet::from([v]);
        for &parent in &self.parents[v] {
            above.extend(self.ancestors(parent));
        }
        above
    }

    /// `A(v)`: `v` and its ancestors, without the root.
    pub fn path(&self, v: Node) -> BTreeSet<Node> {
        let mut above = self.ancestors(v);
        above.remove(&self.root);
        above
    }

    /// `D(v)`: the classes at or below `v`, each once, ascending.
    pub fn classes_below(&self, v: Node) -> Vec<usize> {
        (0..self.classes.len()).filter(|&k| self.ancestors(self.class_nodes[k]).contains(&v)).collect()
    }

    /// The longest path from the root.
    pub fn depth(&self, v: Node) -> usize {
        self.parents[v].iter().map(|&parent| self.depth(parent) + 1).max().unwrap_or(0)
    }

    /// The longest path down to a class.
    pub fn height(&self, v: Node) -> usize {
        self.children[v].iter().map(|&child| self.height(child) + 1).max().unwrap_or(0)
    }

    /// The lowest common ancestor: of the common ancestors the one with the fewest classes, then the deeper, then the
    /// lower index.
    pub fn lca(&self, nodes: &[Node]) -> Node {
        let common = (0..self.nodes()).filter(|u| nodes.iter().all(|&v| self.ancestors(v).contains(u)));
        let order = |&u: &Node| (self.classes_below(u).len(), self.nodes() - self.depth(u), u);
        common.min_by_key(order).unwrap_or(self.root)
    }
}
