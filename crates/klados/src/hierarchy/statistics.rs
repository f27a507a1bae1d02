//! What a hierarchy is like, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Hierarchy, NONE, NodeId};

/// What a hierarchy is like, in numbers; see [`Hierarchy::statistics`]. Nodes are those of the input, without an added root
/// and the leaves that were added for classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// The nodes.
    pub nodes: usize,
    /// The edges between them.
    pub edges: usize,
    /// The nodes without a parent.
    pub roots: usize,
    /// The classes.
    pub classes: usize,
    /// Those of them that are internal nodes.
    pub internal_classes: usize,
    /// Whether no node has several parents.
    pub is_tree: bool,
    /// The depth of the deepest node; see [`Hierarchy::depth`].
    pub height: usize,
    /// Of the depths of the classes.
    pub class_depth: Spread,
    /// By depth, from that of the roots.
    pub depths: Vec<LevelSize>,
    /// By rank, from the top; empty where there are none.
    pub ranks: Vec<LevelSize>,
    /// Of the number of children that the nodes with children have; none in a hierarchy without edges.
    pub branching: Option<Spread>,
    /// `(children, nodes)`: how many nodes have this many children, ascending.
    pub children: Vec<(usize, usize)>,
    /// Of nodes with a single child.
    pub chains: Chains,
    /// Of nodes with several parents.
    pub sharing: Sharing,
    /// The top-level node with the most classes below it: a root, or a child of the only one.
    pub largest: Option<Largest>,
}

/// How numbers are spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Spread {
    /// The smallest.
    pub min: usize,
    /// The arithmetic mean.
    pub mean: f64,
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The largest.
    pub max: usize,
}

/// How many nodes a level has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LevelSize {
    /// The rank, or the depth.
    pub level: String,
    /// The nodes of this level.
    pub nodes: usize,
    /// Those of them that are classes.
    pub classes: usize,
}

/// Nodes that stand for the same classes as their only child; [`Hierarchy::contract_chains`] leaves them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Chains {
    /// The number of these nodes.
    pub nodes: usize,
    /// The edges of the longest chain of them.
    pub longest: usize,
    /// The node at its top.
    pub top: Option<String>,
}

/// Nodes with several parents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sharing {
    /// The number of these nodes.
    pub nodes: usize,
    /// Their edges beyond the first of each.
    pub edges: usize,
    /// The most parents that a node has.
    pub most_parents: usize,
    /// The first node that has so many, where it is more than one.
    pub node: Option<String>,
}

/// A node with its share of the classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Largest {
    /// The node.
    pub node: String,
    /// The classes at or below it.
    pub classes: usize,
    /// These, of all classes.
    pub share: f64,
}

impl Hierarchy {
    /// What the hierarchy is like, in numbers.
    ///
    /// ```
    /// let edges = [("animal", "bird"), ("bird", "crow"), ("bird", "robin"), ("animal", "bat")];
    /// let statistics = klados::Hierarchy::from_edges(edges)?.statistics();
    /// assert_eq!((statistics.nodes, statistics.classes, statistics.height), (5, 3, 2));
    /// assert_eq!((statistics.class_depth.min, statistics.class_depth.max), (1, 2));
    /// assert_eq!(statistics.children, [(2, 2)]); // two nodes have two children
    /// assert_eq!(statistics.largest.map(|largest| (largest.node, largest.classes)), Some(("bird".into(), 2)));
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn statistics(&self) -> Statistics {
        let own: Vec<NodeId> = self.nodes().filter(|node| !self.is_added(*node)).collect();
        let classes: Vec<NodeId> = (0..self.class_count()).map(|class| self.class_owner(class)).collect();
        let roots = own.iter().filter(|node| self.own_parents(**node) == 0).count();
        let mut children: BTreeMap<usize, usize> = BTreeMap::new();
        for node in &own {
            *children.entry(self.own_children(*node).len()).or_default() += 1;
        }
        children.remove(&0);
        let children: Vec<(usize, usize)> = children.into_iter().collect();
        let height = own.iter().map(|node| self.depth(*node)).max().unwrap_or(0);
        Statistics {
            nodes: own.len(),
            edges: own.iter().map(|node| self.own_parents(*node)).sum(),
            roots,
            classes: classes.len(),
            internal_classes: (0..classes.len()).filter(|class| self.is_added(self.class_node(*class))).count(),
            is_tree: self.is_tree(),
            height,
            class_depth: spread(&self.counted(&classes, |node| Some(self.depth(node)))).unwrap_or(Spread::NONE),
            depths: self.depth_sizes(&own, &classes, height),
            ranks: self.rank_sizes(&own, &classes),
            branching: spread(&children),
            children,
            chains: self.chains(&own),
            sharing: self.sharing(&own),
            largest: self.largest(),
        }
    }

    /// The children without an added leaf, which is the last.
    fn own_children(&self, node: NodeId) -> &[NodeId] {
        match self.children(node) {
            [own @ .., last] if self.is_added(*last) => own,
            all => all,
        }
    }

    /// The number of parents without an added root.
    fn own_parents(&self, node: NodeId) -> usize {
        self.parents(node).iter().filter(|parent| !self.is_added(**parent)).count()
    }

    /// How many of the nodes have each number.
    fn counted(&self, nodes: &[NodeId], number: impl Fn(NodeId) -> Option<usize>) -> Vec<(usize, usize)> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for number in nodes.iter().filter_map(|node| number(*node)) {
            *counts.entry(number).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn depth_sizes(&self, own: &[NodeId], classes: &[NodeId], height: usize) -> Vec<LevelSize> {
        let first = usize::from(self.root_is_added());
        let mut sizes: Vec<LevelSize> =
            (first..=height.max(first)).map(|depth| LevelSize::of(depth.to_string())).collect();
        own.iter().for_each(|node| sizes[self.depth(*node) - first].nodes += 1);
        classes.iter().for_each(|node| sizes[self.depth(*node) - first].classes += 1);
        sizes
    }

    /// Without ranks that no node has.
    fn rank_sizes(&self, own: &[NodeId], classes: &[NodeId]) -> Vec<LevelSize> {
        let mut sizes: Vec<LevelSize> = self.rank_names().iter().cloned().map(LevelSize::of).collect();
        let rank = |node: &NodeId| Some(self.inner.rank[node.index()]).filter(|&rank| rank != NONE);
        own.iter().filter_map(rank).for_each(|rank| sizes[rank as usize].nodes += 1);
        classes.iter().filter_map(rank).for_each(|rank| sizes[rank as usize].classes += 1);
        sizes.retain(|size| size.nodes > 0);
        sizes
    }

    fn chains(&self, own: &[NodeId]) -> Chains {
        let mut length = vec![0usize; self.node_count()];
        for node in own.iter().rev() {
            if let [only] = self.children(*node)
                && !self.is_added(*only)
            {
                length[node.index()] = length[only.index()] + 1;
            }
        }
        let longest = length.iter().copied().max().unwrap_or(0);
        let top = own.iter().find(|node| longest > 0 && length[node.index()] == longest);
        Chains {
            nodes: length.iter().filter(|length| **length > 0).count(),
            longest,
            top: top.map(|node| self.unique_name(*node)),
        }
    }

    fn sharing(&self, own: &[NodeId]) -> Sharing {
        let shared = || own.iter().map(|node| (*node, self.parents(*node).len())).filter(|(_, parents)| *parents > 1);
        let most = shared().map(|(_, parents)| parents).max();
        let node = shared().find(|(_, parents)| Some(*parents) == most);
        Sharing {
            nodes: shared().count(),
            edges: shared().map(|(_, parents)| parents - 1).sum(),
            most_parents: own.iter().map(|node| self.own_parents(*node)).max().unwrap_or(0),
            node: node.map(|(node, _)| self.unique_name(node)),
        }
    }

    fn largest(&self) -> Option<Largest> {
        let top = self.own_children(NodeId::ROOT).iter().rev();
        let node = *top.max_by_key(|node| self.count_classes_below(**node))?;
        let classes = self.count_classes_below(node);
        let share = classes as f64 / self.class_count() as f64;
        Some(Largest { node: self.unique_name(node), classes, share })
    }
}

impl Spread {
    /// Of no numbers.
    const NONE: Self = Self { min: 0, mean: 0.0, median: 0.0, max: 0 };
}

impl LevelSize {
    fn of(level: String) -> Self {
        Self { level, nodes: 0, classes: 0 }
    }
}

/// Of numbers that are each there so often, ascending.
fn spread(counts: &[(usize, usize)]) -> Option<Spread> {
    let all: usize = counts.iter().map(|(_, times)| times).sum();
    let sum: f64 = counts.iter().map(|&(number, times)| number as f64 * times as f64).sum();
    let at = |place: usize| {
        let mut before = 0;
        let found = counts.iter().find(|(_, times)| {
            before += times;
            before > place
        });
        found.map_or(0, |(number, _)| *number)
    };
    let ((min, _), (max, _)) = (*counts.first()?, *counts.last()?);
    let median = (at((all - 1) / 2) as f64 + at(all / 2) as f64) / 2.0;
    Some(Spread { min, mean: sum / all as f64, median, max })
}
