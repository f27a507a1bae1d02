//! The sets of a label in a DAG, and their atoms: classes that are in the same of these sets.

use super::labels::Named;
use super::{Inner, Objective};
use crate::kernels::overlapping::Overlapping;
use crate::loss::Unresolved;
use crate::{Hierarchy, NodeId};

/// By node of a DAG: the classes at or below it, as stretches of the tree order. Few where most nodes have one parent; never
/// more than there are pairs of a node and a class below it.
#[derive(Debug)]
pub(super) struct Stretches {
    offsets: Vec<u32>,
    stretches: Vec<(u32, u32)>,
}

impl Stretches {
    pub(super) fn new(hierarchy: &Hierarchy) -> Self {
        let mut of_node: Vec<Vec<(u32, u32)>> = vec![Vec::new(); hierarchy.node_count()];
        for (position, &class) in (0..).zip(hierarchy.tree_order()) {
            of_node[hierarchy.class_node(class as usize).index()].push((position, position + 1));
        }
        for node in hierarchy.nodes().rev() {
            let mut own = std::mem::take(&mut of_node[node.index()]);
            for child in hierarchy.children(node) {
                own.extend_from_slice(&of_node[child.index()]);
            }
            join(&mut own);
            own.shrink_to_fit();
            of_node[node.index()] = own;
        }
        let mut offsets = vec![0];
        let mut stretches = Vec::new();
        for own in of_node {
            stretches.extend(own);
            offsets.push(stretches.len() as u32);
        }
        Self { offsets, stretches }
    }

    pub(super) fn of(&self, node: NodeId) -> &[(u32, u32)] {
        &self.stretches[self.offsets[node.index()] as usize..self.offsets[node.index() + 1] as usize]
    }
}

/// Sorts stretches, and makes one of those that overlap or touch.
fn join(stretches: &mut Vec<(u32, u32)>) {
    stretches.sort_unstable();
    let mut kept = 0;
    for at in 1..stretches.len() {
        let (start, end) = stretches[at];
        if start <= stretches[kept].1 {
            stretches[kept].1 = stretches[kept].1.max(end);
        } else {
            kept += 1;
            stretches[kept] = (start, end);
        }
    }
    stretches.truncate(kept + 1);
}

/// What a row reuses.
#[derive(Debug, Default)]
pub(super) struct Atoms {
    resolved: Vec<NodeId>,
    above: Above,
    /// How many sets there are.
    sets: usize,
    union: Vec<(u32, u32)>,
    /// Where a set begins or ends, and which.
    bounds: Vec<(u32, u32)>,
    /// The sets that a stretch is in, a bit each.
    inside: Vec<u64>,
    /// By stretch, so many words as `inside` has.
    signatures: Vec<u64>,
    ends: Vec<u32>,
    /// The stretches by signature, and the atom of each.
    order: Vec<u32>,
    atom: Vec<u32>,
}

/// The nodes above some others.
#[derive(Debug, Default)]
struct Above {
    stack: Vec<NodeId>,
    /// By node: the last walk that came by.
    seen: Vec<u32>,
    walk: u32,
    /// By node: how many walks of this row came by; 0 between the rows.
    count: Vec<u32>,
    visited: Vec<NodeId>,
}

impl Above {
    /// The nodes at or above all of some nodes, without the root, in hierarchy order.
    fn common(&mut self, hierarchy: &Hierarchy, nodes: &[NodeId], common: &mut Vec<NodeId>) {
        self.seen.resize(hierarchy.node_count(), 0);
        self.count.resize(hierarchy.node_count(), 0);
        for &node in nodes {
            self.walk = self.walk.wrapping_add(1);
            if self.walk == 0 {
                self.seen.fill(0);
                self.walk = 1;
            }
            self.stack.push(node);
            while let Some(at) = self.stack.pop() {
                if at == NodeId::ROOT || std::mem::replace(&mut self.seen[at.index()], self.walk) == self.walk {
                    continue;
                }
                if self.count[at.index()] == 0 {
                    self.visited.push(at);
                }
                self.count[at.index()] += 1;
                self.stack.extend_from_slice(hierarchy.parents(at));
            }
        }
        let all = nodes.len() as u32;
        common.clear();
        common.extend(self.visited.iter().filter(|node| self.count[node.index()] == all));
        common.sort_unstable();
        for node in self.visited.drain(..) {
            self.count[node.index()] = 0;
        }
    }
}

impl Inner {
    pub(super) fn stretches(&self) -> &Stretches {
        self.stretches.get_or_init(|| Stretches::new(&self.hierarchy))
    }

    /// The overlapping sets of a hard label in a DAG, as atoms. Positions are in tree order.
    pub(super) fn fill_overlapping(
        &self,
        named: &Named,
        factor: f64,
        overlapping: &mut Overlapping,
        atoms: &mut Atoms,
    ) {
        let Objective::Marginal { weights, unresolved } = &self.tables.objective else { return };
        let stretches = self.stretches();
        let Atoms { resolved, above, sets, union, bounds, .. } = atoms;
        overlapping.clear();
        overlapping.takes_part = factor != 0.0;
        above.common(&self.hierarchy, named.nodes(), resolved);
        let fallback = match unresolved {
            Unresolved::Skip => 0.0,
            Unresolved::Label => self.unresolved_weight(weights, named.nodes(), resolved.iter().copied()),
        };
        *sets = 0;
        bounds.clear();
        for &node in &*resolved {
            // The named node itself is among the resolved ones where the label is one node: one set for both.
            let own = if named.nodes() == [node] { fallback } else { 0.0 };
            let weight = (weights[node.index()] + own) * factor;
            if weight != 0.0 {
                add(stretches.of(node), *sets, bounds);
                overlapping.weights.push(weight);
                *sets += 1;
            }
        }
        if named.nodes().len() > 1 && fallback * factor != 0.0 {
            union.clear();
            named.nodes().iter().for_each(|node| union.extend_from_slice(stretches.of(*node)));
            join(union);
            add(union, *sets, bounds);
            overlapping.weights.push(fallback * factor);
            *sets += 1;
        }
        atoms.sweep(self.hierarchy.class_count(), overlapping);
    }
}

/// Adds where a set begins and ends.
fn add(stretches: &[(u32, u32)], set: usize, bounds: &mut Vec<(u32, u32)>) {
    bounds.extend(stretches.iter().flat_map(|&(start, end)| [(start, set as u32), (end, set as u32)]));
}

impl Atoms {
    /// A node and those above it, without the root.
    pub(super) fn above(&mut self, hierarchy: &Hierarchy, node: NodeId) -> &mut Vec<NodeId> {
        self.above.common(hierarchy, &[node], &mut self.resolved);
        &mut self.resolved
    }

    /// From the bounds of the sets to the shells of a kernel and which of them are in each set.
    fn sweep(&mut self, classes: usize, overlapping: &mut Overlapping) {
        let Self { sets, bounds, inside, signatures, ends, order, atom, .. } = self;
        let words = sets.div_ceil(64).max(1);
        bounds.sort_unstable();
        inside.clear();
        signatures.clear();
        ends.clear();
        inside.resize(words, 0);
        let mut start = 0;
        let mut next = 0;
        while start < classes as u32 {
            while let Some(&(position, set)) = bounds.get(next)
                && position == start
            {
                inside[set as usize / 64] ^= 1 << (set % 64);
                next += 1;
            }
            start = bounds.get(next).map_or(classes as u32, |bound| bound.0);
            signatures.extend_from_slice(inside);
            ends.push(start);
        }
        let signature = |stretch: u32| &signatures[stretch as usize * words..][..words];
        order.clear();
        order.extend(0..ends.len() as u32);
        order.sort_unstable_by(|&a, &b| signature(a).cmp(signature(b)));
        atom.clear();
        atom.resize(ends.len(), 0);
        // The first stretch of each atom stays at the front of the order.
        let mut count = 0;
        for at in 0..order.len() {
            let stretch = order[at];
            if count == 0 || signature(order[count - 1]) != signature(stretch) {
                order[count] = stretch;
                count += 1;
            }
            atom[stretch as usize] = count as u32 - 1;
        }
        overlapping.shells.reset(count);
        for (&end, &atom) in ends.iter().zip(&*atom) {
            overlapping.shells.extend_to(end as usize, atom as usize);
        }
        for set in 0..*sets {
            let is_in = |&stretch: &u32| signature(stretch)[set / 64] >> (set % 64) & 1 == 1;
            overlapping.contains.extend(order[..count].iter().map(is_in));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets [2, 5) and [0, 1) with [4, 8) of nine classes: by hand, the atoms are {}: 1, 8; {1}: 0, 5 to 7; {0}: 2, 3;
    /// {0, 1}: 4.
    #[test]
    fn atoms_are_what_is_in_the_same_sets() {
        let mut atoms = Atoms { sets: 2, ..Atoms::default() };
        add(&[(2, 5)], 0, &mut atoms.bounds);
        add(&[(0, 1), (4, 8)], 1, &mut atoms.bounds);
        let mut overlapping = Overlapping::default();
        atoms.sweep(9, &mut overlapping);
        assert_eq!(atoms.ends, [1, 2, 4, 5, 8, 9]);
        // By signature, of which the first set is the lowest bit.
        assert_eq!(atoms.atom, [2, 0, 1, 3, 2, 0]);
        assert_eq!(overlapping.contains, [false, true, false, true, false, false, true, true]);
    }

    #[test]
    fn stretches_of_a_node_with_two_parents_are_below_both() {
        let edges = [("a", "x"), ("a", "y"), ("b", "y"), ("b", "z"), ("top", "a"), ("top", "b")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let stretches = Stretches::new(&hierarchy);
        for node in hierarchy.nodes() {
            let of_node = stretches.of(node).iter().flat_map(|&(start, end)| start..end);
            let mut classes: Vec<usize> =
                of_node.map(|position| hierarchy.tree_order()[position as usize] as usize).collect();
            let mut below = hierarchy.classes_below(node);
            classes.sort_unstable();
            below.sort_unstable();
            assert_eq!(classes, below);
        }
        let mut touching = vec![(4, 6), (0, 2), (2, 3), (5, 9), (11, 12)];
        join(&mut touching);
        assert_eq!(touching, [(0, 3), (4, 9), (11, 12)]);
    }
}
