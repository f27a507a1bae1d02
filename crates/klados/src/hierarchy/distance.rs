//! Lowest common ancestors and distances.

use super::{Hierarchy, NodeId};

impl Hierarchy {
    /// The lowest common ancestor of two nodes. In a DAG: the common ancestor with the fewest classes below it, ties to
    /// the deeper one, then to the lower index.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
    /// let (bat, crow, robin) = (hierarchy.node("bat")?, hierarchy.node("crow")?, hierarchy.node("robin")?);
    /// assert_eq!(hierarchy.name(hierarchy.lca(crow, robin)), "bird");
    /// assert_eq!(hierarchy.lca(bat, crow), klados::NodeId::ROOT);
    /// assert_eq!(hierarchy.distance(bat, crow), 4);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn lca(&self, a: NodeId, b: NodeId) -> NodeId {
        if self.is_tree() {
            let (mut a, mut b) = (a, b);
            while a != b {
                // Parents have smaller indices: the larger of two different nodes is not an ancestor of the other.
                let lower = if a > b { &mut a } else { &mut b };
                *lower = self.parents(*lower)[0];
            }
            return a;
        }
        let above_a = self.at_or_above(a);
        let common = self.at_or_above(b).into_iter().filter(|node| above_a.binary_search(node).is_ok());
        common.min_by_key(|node| self.specificity(*node)).unwrap_or(NodeId::ROOT)
    }

    /// The order in which common ancestors are preferred: fewer classes, then deeper, then the lower index.
    pub(crate) fn specificity(&self, node: NodeId) -> (usize, std::cmp::Reverse<usize>, NodeId) {
        (self.count_classes_below(node), std::cmp::Reverse(self.depth(node)), node)
    }

    /// The number of edges of the shortest path between two nodes that goes up to a common ancestor and down again.
    pub fn distance(&self, a: NodeId, b: NodeId) -> usize {
        if self.is_tree() {
            return self.depth(a) + self.depth(b) - 2 * self.depth(self.lca(a, b));
        }
        let steps_up = |from: NodeId| {
            let mut steps = std::collections::BTreeMap::from([(from, 0usize)]);
            let mut queue = std::collections::VecDeque::from([from]);
            while let Some(node) = queue.pop_front() {
                let next = steps[&node] + 1;
                for &parent in self.parents(node) {
                    steps.entry(parent).or_insert_with(|| {
                        queue.push_back(parent);
                        next
                    });
                }
            }
            steps
        };
        let (from_a, from_b) = (steps_up(a), steps_up(b));
        let lengths = from_a.iter().filter_map(|(node, up)| from_b.get(node).map(|down| up + down));
        lengths.min().unwrap_or(0) // the root is above both
    }

    /// The node and all its ancestors, the root included, by index.
    fn at_or_above(&self, node: NodeId) -> Vec<NodeId> {
        let mut nodes = self.ancestors(node);
        nodes.reverse();
        nodes.push(node);
        nodes
    }
}
