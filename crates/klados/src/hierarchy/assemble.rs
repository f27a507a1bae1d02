//! From nodes and edges in order of appearance to the flat arrays: pruning, added leaves, hierarchy order.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::error::{cut, list};
use super::ids::Ids;
use super::{Csr, Hierarchy, HierarchyError, HierarchyErrorKind as Kind, Inner, Location, NONE, Names, Warning};

/// Bytes of a name that a message has room for.
const LABEL: usize = 300;

/// Edges that are there twice and are named each.
const REPEATED: usize = 1000;

/// Nodes in order of appearance, with what is known of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) names: Vec<Box<str>>,
    /// By node, unique; shorter than the nodes where the last have none.
    pub(super) ids: Vec<Option<Arc<str>>>,
    /// Ids that a node is found by beside its own.
    pub(super) alternative_ids: Vec<(Box<str>, u32)>,
    pub(super) synonyms: Vec<(u32, Box<str>)>,
    pub(super) ranks: Vec<u32>,
    pub(super) rank_names: Vec<String>,
    /// `(parent, child, line)`, the line 0 where there is none.
    pub(super) edges: Vec<(u32, u32, u64)>,
    pub(super) root_is_added: bool,
    pub(super) warnings: Vec<Warning>,
}

impl Graph {
    pub(super) fn add(&mut self, name: Box<str>, rank: u32) -> Result<u32, HierarchyError> {
        let node = self.names.len() as u32;
        if node >= NONE - 2 {
            return Err(HierarchyError::new(Kind::TooLarge, "more nodes than a 32-bit index can name"));
        }
        self.names.push(name);
        self.ranks.push(rank);
        Ok(node)
    }

    pub(super) fn id(&self, node: u32) -> Option<&str> {
        self.ids.get(node as usize)?.as_deref()
    }

    /// What a message calls a node. Long names are cut: a short line may mention two of them.
    pub(super) fn label(&self, node: u32) -> Cow<'_, str> {
        let name = &*self.names[node as usize];
        match self.id(node) {
            Some(id) if id != name => format!("{} [{}]", cut(name, LABEL), cut(id, LABEL)).into(),
            _ => cut(name, LABEL),
        }
    }

    /// Takes nodes out, with their edges. Gives the new place of each node.
    pub(super) fn remove(&mut self, is_out: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut place = vec![NONE; self.names.len()];
        let mut next = 0;
        for node in 0..self.names.len() as u32 {
            if !is_out(node) {
                place[node as usize] = next;
                self.names.swap(next as usize, node as usize);
                self.ranks.swap(next as usize, node as usize);
                if (node as usize) < self.ids.len() {
                    self.ids.swap(next as usize, node as usize);
                } else if let Some(id) = self.ids.get_mut(next as usize) {
                    *id = None;
                }
                next += 1;
            }
        }
        self.names.truncate(next as usize);
        self.ranks.truncate(next as usize);
        self.ids.truncate(next as usize);
        let moved = |node: &mut u32| {
            *node = place[*node as usize];
            *node != NONE
        };
        self.edges.retain_mut(|(parent, child, _)| moved(parent) && moved(child));
        self.synonyms.retain_mut(|(node, _)| moved(node));
        self.alternative_ids.retain_mut(|(_, node)| moved(node));
        place
    }
}

/// Adds the root where it is missing, prunes, adds the leaves that carry internal classes, and numbers the nodes.
pub(super) fn assemble(mut graph: Graph, classes: Option<Vec<u32>>) -> Result<Hierarchy, HierarchyError> {
    if graph.names.is_empty() {
        return Err(HierarchyError::new(Kind::Empty, "the hierarchy has no nodes"));
    }
    let mut rank_names = HashSet::new();
    if let Some(name) = graph.rank_names.iter().find(|name| !rank_names.insert(*name)) {
        return Err(HierarchyError::new(Kind::DuplicateRank, format!("the rank \"{name}\" is named twice")));
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
    let carriers = carry_internal_classes(&mut graph, &mut classes)?;
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
    let twice = || repeated.iter().zip(&graph.edges).filter(|(repeated, _)| **repeated).map(|(_, edge)| edge);
    for &(parent, child, line) in twice().take(REPEATED) {
        let location = Location { file: None, line: (line > 0).then_some(line) };
        let (parent, child) = (graph.label(parent), graph.label(child));
        let message = format!("the edge from \"{parent}\" to \"{child}\" is there already and is counted once");
        graph.warnings.push(Warning { location, message });
    }
    if let more @ 1.. = twice().count().saturating_sub(REPEATED) {
        let message = format!("{more} more edges are there already and are counted once");
        graph.warnings.push(Warning { location: Location::default(), message });
    }
    let mut repeated = repeated.iter();
    graph.edges.retain(|_| repeated.next() == Some(&false));
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
        list(cycle.iter().map(|&v| graph.label(v as u32)), 20)
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
    let pruned = (0..).zip(&kept).filter(|(_, kept)| !**kept);
    let pruned: Vec<String> = pruned.map(|(node, _)| graph.label(node).into_owned()).collect();
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
fn carry_internal_classes(graph: &mut Graph, classes: &mut [u32]) -> Result<Vec<(u32, u32)>, HierarchyError> {
    let nodes = graph.names.len();
    let (mut internal, mut has_parent) = (vec![false; nodes], vec![false; nodes]);
    for &(parent, child, _) in &graph.edges {
        internal[parent as usize] = true;
        has_parent[child as usize] = true;
    }
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
        columns: None,
        inner: Arc::new(Inner {
            ids: Ids::new(&graph, order, &place),
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
