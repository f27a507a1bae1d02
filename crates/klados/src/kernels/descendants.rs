//! Masses of subtrees in a form with a score a node, and what stands against each of them. In a tree.

use super::mass::Mass;
use super::paths::Tree;
use crate::numeric::scalar;

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
