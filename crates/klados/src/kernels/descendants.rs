//! Masses of subtrees in a form with a score a node, and what stands against each of them. In a tree.

use super::mass::Mass;
use super::ordinary::{self, Buffers, Heavy, Scaled};
use super::paths::{Tree, ends};
use crate::numeric::{Float, Run, doubles, scalar};

/// Which pair of masses a node is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// The node's own score, against the subtrees that branch off its path.
    Branches,
    /// The node's subtree, against all the rest of the tree.
    Rest,
}

/// A row's masses by node.
#[derive(Debug, Default)]
pub(crate) struct Descendants {
    own: Vec<Mass>,
    /// `e^(E_v)`: the node and all below it.
    subtree: Vec<Mass>,
    against: Vec<Mass>,
    after: Vec<Mass>,
    sent: Vec<f64>,
}

impl Descendants {
    /// Measures all nodes. The root has no score, but it may have a mass.
    pub(crate) fn measure(&mut self, tree: &Tree, kind: Against, root: Mass, scores: &[f64]) {
        let nodes = tree.parent.len();
        self.own.clear();
        self.own.extend(scores.iter().map(|&score| Mass::of(score)));
        self.own[0] = root;
        self.subtree.clone_from(&self.own);
        for node in (1..nodes).rev() {
            let parent = tree.parent[node] as usize;
            self.subtree[parent] = self.subtree[parent].plus(self.subtree[node]);
        }
        self.against.clear();
        self.against.resize(nodes, Mass::NONE);
        for node in 0..nodes {
            let above = match kind {
                Against::Branches => self.against[node],
                Against::Rest => self.against[node].plus(self.own[node]),
            };
            let (subtree, against) = (&self.subtree, &mut self.against);
            without_self(
                tree.children(node),
                &mut self.after,
                |child| subtree[child],
                |child, siblings| {
                    against[child] = above.plus(siblings);
                },
            );
        }
    }

    /// The logarithm of what stands against a node, over what it has.
    pub(crate) fn log_odds_against(&self, kind: Against, node: usize) -> f64 {
        let own = match kind {
            Against::Branches => self.own[node],
            Against::Rest => self.subtree[node],
        };
        match own.is_none() {
            true => f64::INFINITY,
            false => self.against[node].log_over(own),
        }
    }

    /// From `pull[v] = dL / d (log odds against v)` to the gradient, which is added. A node that has no mass must have no
    /// pull.
    pub(crate) fn backward(&mut self, tree: &Tree, kind: Against, pull: &[f64], grad: &mut [f64]) {
        let nodes = tree.parent.len();
        // What comes to `log against` of each node: its own, and that of the children whose `against` has it in it.
        self.sent.clear();
        self.sent.extend_from_slice(pull);
        for node in (1..nodes).rev() {
            let parent = tree.parent[node] as usize;
            if self.sent[node] != 0.0 && !self.against[node].is_none() {
                self.sent[parent] += self.sent[node] * self.against[parent].over(self.against[node]);
                if kind == Against::Rest {
                    grad[parent] += self.sent[node] * self.own[parent].over(self.against[node]);
                }
            }
        }
        // What comes to the logarithm of each subtree: from the siblings that it stands against, then from above.
        let mut to_subtree = vec![0.0; nodes];
        for node in 0..nodes {
            let (against, subtree, sent) = (&self.against, &self.subtree, &self.sent);
            // `sent / against` as a mass, as 1 / against may be beyond what a number holds.
            let per_mass = |child: usize| match against[child].is_none() || sent[child] == 0.0 {
                true => Mass::NONE,
                false => Mass { top: -against[child].top, sum: sent[child] / against[child].sum },
            };
            without_self(tree.children(node), &mut self.after, per_mass, |child, from| {
                let mass = subtree[child];
                if !mass.is_none() && from.sum != 0.0 {
                    to_subtree[child] = mass.sum * from.sum * scalar::exp(mass.top + from.top);
                }
            });
        }
        for node in 1..nodes {
            match kind {
                Against::Branches => grad[node] -= pull[node],
                Against::Rest => to_subtree[node] -= pull[node],
            }
        }
        for node in 1..nodes {
            let whole = self.subtree[node];
            if whole.is_none() || to_subtree[node] == 0.0 {
                continue;
            }
            grad[node] += to_subtree[node] * self.own[node].over(whole);
            for &child in tree.children(node) {
                to_subtree[child as usize] += to_subtree[node] * self.subtree[child as usize].over(whole);
            }
        }
    }
}

/// The nodes of a tree in depth-first order, for rows with one label.
#[derive(Debug)]
pub(crate) struct Branches {
    /// By node: the first after it that is not below it.
    end: Vec<u32>,
    /// By node but the root: its column.
    pub(super) columns: Vec<u32>,
    /// By column: its node, less 1.
    places: Vec<u32>,
}

impl Branches {
    /// `column` by node; the root's is not used.
    pub(crate) fn new(tree: &Tree, column: &[u32]) -> Self {
        let columns = column[1..].to_vec();
        let mut places = vec![0; columns.len()];
        columns.iter().enumerate().for_each(|(place, &column)| places[column as usize] = place as u32);
        Self { end: ends(&tree.parent), columns, places }
    }

    /// `weight` times the sum of the terms of a node and all above it, each with its own score against all that branches off
    /// above it, of an ordinary row by column; `None` for another. The gradient is written.
    pub(crate) fn row<T: Float>(
        &self,
        tree: &Tree,
        (node, weight): (usize, f64),
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { z: ordered, terms, runs, sums, factors, nodes: path, .. } = buffers;
        self.fill_path(tree, node, path, runs);
        let depth = path.len();
        ordinary::gather(z, &self.columns, ordered);
        let mut terms = grad.is_some().then(|| ordinary::first(terms, z.len()));
        sums.resize(2 * depth + 1, 0.0);
        let top = T::exp_runs(ordered, runs, sums, terms.as_deref_mut());
        let (branches, own) = sums.split_at_mut(depth);
        if !top.is_finite() || own[..depth].iter().any(|own| *own < T::LEAST_SUM) {
            return None;
        }
        factors.resize(2 * depth + 1, 0.0);
        let (mut loss, mut against) = (0.0, 0.0);
        for level in 0..depth {
            against += branches[level];
            // Where nothing branches off above a node, it is certain.
            let below = self.end[path[depth - 1 - level] as usize] - path[depth - 1 - level];
            if against < T::LEAST_SUM && z.len() != below as usize + level {
                return None;
            }
            let term = ordinary::term(own[level], against, 0.0);
            loss += weight * term.value;
            (factors[level], factors[depth + level]) = (term.outside, term.inside);
        }
        if let (Some((grad, scale)), Some(terms)) = (grad, terms) {
            let slope = weight * scale;
            let mut below = 0.0;
            for level in (0..depth).rev() {
                below += slope * factors[level];
                factors[level] = below;
                factors[depth + level] *= slope;
            }
            factors[2 * depth] = 0.0;
            T::scale_runs(terms, runs, factors);
            self.put_back(terms, grad);
        }
        Some(loss)
    }

    /// `sum weights[v] ln(1 + against v / own mass)` over all nodes, each against all that branches off above it, of a row by
    /// column; `None` where a mass is too small. `weights` is by node and becomes others. The gradient is written.
    ///
    /// Masses are relative to the row's largest score. What stands against a node is what stands against its parent and the
    /// subtrees of its siblings; the derivatives run back along the same sums.
    pub(crate) fn flow_row<T: Float>(
        &self,
        tree: &Tree,
        weights: &mut [f64],
        z: &[T],
        grad: Scaled<'_, T>,
        wide: &mut [Vec<f64>; 5],
    ) -> Option<f64> {
        /// Masses from here up are normal numbers, and so is one over them.
        const LEAST: f64 = 1e-150;
        let nodes = tree.parent.len();
        let [own, subtree, against, siblings, values] = wide;
        values.clear();
        values.push(f64::NEG_INFINITY);
        values.extend(self.columns.iter().map(|&column| z[column as usize].to_f64()));
        let max = doubles::max_of(values);
        own.resize(nodes, 0.0);
        doubles::exp_below(values, max, own);
        if own[1..].iter().any(|own| *own < LEAST) {
            return None;
        }
        own[0] = 0.0;
        subtree.clone_from(own);
        super::paths::gather(&tree.parent, subtree);
        against.clear();
        against.resize(nodes, 0.0);
        self.spread(tree, subtree, siblings, |node, parent, others| against[node] = against[parent] + others);
        values.clear();
        values.extend(against.iter().zip(&*own).map(|(against, own)| against / own));
        values[0] = 0.0;
        doubles::ln_1p(values);
        let loss = weights.iter().zip(&*values).map(|(weight, log)| weight * log).sum();
        if let Some((grad, scale)) = grad {
            // By node: the derivative by what stands against it, and of those below it too.
            values.clear();
            let inverse = |(weight, (own, against)): (&f64, (&f64, &f64))| weight / (own + against);
            values.extend(weights.iter().zip(own.iter().zip(&*against)).map(inverse));
            values[0] = 0.0;
            for node in 1..nodes {
                weights[node] = -values[node] * against[node];
            }
            super::paths::gather(&tree.parent, values);
            // What comes to each mass in a subtree from the nodes that it stands against.
            against[0] = 0.0;
            self.spread(tree, values, siblings, |node, parent, others| against[node] = against[parent] + others);
            for (&column, node) in self.columns.iter().zip(1..) {
                grad[column as usize] = T::from_f64(scale * (own[node] * against[node] + weights[node]));
            }
        }
        Some(loss)
    }

    /// Hands to each node but the root, parents first, what its siblings have, with the node and its parent.
    fn spread(&self, tree: &Tree, values: &[f64], siblings: &mut Vec<f64>, mut take: impl FnMut(usize, usize, f64)) {
        for node in 0..values.len() {
            let children = tree.children(node);
            siblings.clear();
            siblings.extend(children.iter().map(|&child| values[child as usize]));
            let all: f64 = siblings.iter().sum();
            let heavy = Heavy::find(siblings, all);
            for (at, (&child, &own)) in children.iter().zip(&*siblings).enumerate() {
                take(child as usize, node, Heavy::others(heavy, at, own, all));
            }
        }
    }

    /// The path from a node to the root, without it, and the row in its order as runs of `2 depth + 1` groups: what branches
    /// off above each node of the path, from the top; these nodes; what is below the node.
    pub(super) fn fill_path(&self, tree: &Tree, node: usize, path: &mut Vec<u32>, runs: &mut Vec<Run>) {
        path.clear();
        let mut at = node;
        while at != 0 {
            path.push(at as u32);
            at = tree.parent[at] as usize;
        }
        let depth = path.len();
        runs.clear();
        let before = |node: u32| node as usize - 1;
        for (level, &node) in path.iter().rev().enumerate() {
            runs.push(Run::new(before(node), level));
            runs.push(Run::new(node as usize, depth + level));
        }
        runs.push(Run::new(before(self.end[node]), 2 * depth));
        for (level, &above) in path.iter().skip(1).enumerate() {
            runs.push(Run::new(before(self.end[above as usize]), depth - 1 - level));
        }
        runs.push(Run::new(self.columns.len(), 0));
    }

    /// Puts values by node in the order of the columns.
    pub(super) fn put_back<T: Float>(&self, by_node: &[T], by_column: &mut [T]) {
        for (value, &place) in by_column.iter_mut().zip(&self.places) {
            *value = by_node[place as usize];
        }
    }
}

/// For each of some siblings the sum over the others, without taking anything away.
fn without_self(
    siblings: &[u32],
    after: &mut Vec<Mass>,
    mass: impl Fn(usize) -> Mass,
    mut take: impl FnMut(usize, Mass),
) {
    after.clear();
    let mut sum = Mass::NONE;
    for &sibling in siblings.iter().rev() {
        after.push(sum);
        sum = sum.plus(mass(sibling as usize));
    }
    let mut before = Mass::NONE;
    for &sibling in siblings {
        take(sibling as usize, before.plus(after.pop().unwrap_or(Mass::NONE)));
        before = before.plus(mass(sibling as usize));
    }
}
