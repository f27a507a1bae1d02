//! The most specific node that beats every other one that it excludes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{NodeRule, Parameters, Rule, Scratch};
use crate::criterion::CriterionError;
use crate::{Hierarchy, NodeId};

/// The most specific node that is more probable than every node that excludes it (Valmadre 2022). Two nodes exclude each other
/// if they share no class. No parameter: where the majority rule wants more than half, this wants more than any rival.
///
/// Nothing excludes the root, so there is always an answer. Of two nodes that pass neither excludes the other, so in a tree
/// they are one path, and the answer is its end; in a DAG the tie rule chooses.
///
/// # What published code does differently
///
/// The author's code compares with the largest second-best sibling anywhere in the tree; where probabilities add up that is the
/// same. Other code goes down with `>=`, so that of two classes of 0.5 each the first is answered: here the answer is the node
/// above both.
///
/// # Cost
///
/// One pass over the nodes in a tree. In a DAG the nodes are sorted by probability, and from the top down those drop out that
/// share no class with what was seen: a pass over the edges for every 64 nodes, until none is left.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::Plurality};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin"), ("fish", "eel")])?;
/// // root, mammal, bat, bird, crow, robin, fish, eel
/// let log_p = [1.0f64, 0.3, 0.3, 0.45, 0.25, 0.2, 0.25, 0.25].map(f64::ln);
/// let mut answer = [klados::NodeId::ROOT];
/// Decision::from(Plurality::new()).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
/// assert_eq!(hierarchy.name(answer[0]), "bird"); // above mammal and fish; the crow's 0.25 is not above the bat's 0.3
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Plurality {}

impl Plurality {
    /// The rule; it has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Parameters for Plurality {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        if !hierarchy.is_tree() {
            return Ok(Rule::Node(Arc::new(InDag { hierarchy: hierarchy.clone() })));
        }
        let parent = |node| hierarchy.parents(node).first().map_or(0, |parent| parent.index() as u32);
        Ok(Rule::Node(Arc::new(InTree { parent: hierarchy.nodes().map(parent).collect() })))
    }
}

#[derive(Debug)]
struct InTree {
    /// By node; parents come first, and the root is its own.
    parent: Vec<u32>,
}

impl NodeRule for InTree {
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId {
        let Scratch { first: best, second, marks: best_child, .. } = scratch;
        // By node: the largest P below it, by which child that is, and the largest below or at the other children.
        for numbers in [&mut *best, &mut *second] {
            numbers.clear();
            numbers.resize(log_p.len(), f64::NEG_INFINITY);
        }
        best_child.clear();
        best_child.resize(log_p.len(), 0);
        for node in (1..log_p.len()).rev() {
            let parent = self.parent[node] as usize;
            let largest = f64::max(finite(log_p[node]), best[node]);
            if largest > best[parent] {
                second[parent] = best[parent];
                best[parent] = largest;
                best_child[parent] = node as u32;
            } else if largest > second[parent] {
                second[parent] = largest;
            }
        }
        // What excludes a node is at or below siblings of the nodes above it. A node that passes has more than the largest of
        // these, and so have all above it: by the best child at every step.
        let (mut answer, mut at, mut rival) = (0, 0, f64::NEG_INFINITY);
        loop {
            rival = f64::max(rival, second[at]);
            if best[at] <= rival {
                return NodeId(answer);
            }
            let child = best_child[at];
            at = child as usize;
            if finite(log_p[at]) > rival {
                answer = child;
            }
        }
    }
}

/// A probability of 0 as a rival is less than any other, and more than no rival, which is `-inf`.
fn finite(log_p: f64) -> f64 {
    f64::max(log_p, f64::MIN)
}

#[derive(Debug)]
struct InDag {
    hierarchy: Hierarchy,
}

/// So many nodes are held against all others at once: the bits of a number.
const TOGETHER: usize = 64;

impl NodeRule for InDag {
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId {
        let Scratch { nodes: sorted, masks, .. } = scratch;
        sorted.clear();
        sorted.extend(self.hierarchy.nodes().skip(1));
        sorted.sort_unstable_by(|a, b| log_p[b.index()].total_cmp(&log_p[a.index()]));
        // With the place where those end that are as probable: a node passes if it shares a class with all up to there.
        let mut alive: Vec<(NodeId, usize)> = Vec::with_capacity(sorted.len());
        for same in sorted.chunk_by(|a, b| log_p[a.index()] == log_p[b.index()]) {
            let end = alive.len() + same.len();
            alive.extend(same.iter().map(|node| (*node, end)));
        }
        let mut answer = NodeId::ROOT;
        for (part, some) in sorted.chunks(TOGETHER).enumerate() {
            self.mark(some, masks);
            let seen = part * TOGETHER + some.len();
            alive.retain(|(node, end)| {
                // The first that shares no class with it.
                let shared = masks[node.index()].trailing_ones() as usize;
                let is_alive = shared >= some.len();
                let passes = if is_alive { *end <= seen } else { *end <= part * TOGETHER + shared };
                if passes && self.hierarchy.specificity(*node) < self.hierarchy.specificity(answer) {
                    answer = *node;
                }
                is_alive && !passes
            });
            if alive.is_empty() {
                break;
            }
        }
        answer
    }
}

impl InDag {
    /// By node: which of some nodes share a class with it, as bits. Of the root's nothing is said.
    fn mark(&self, some: &[NodeId], masks: &mut Vec<u64>) {
        masks.clear();
        masks.resize(self.hierarchy.node_count(), 0);
        some.iter().enumerate().for_each(|(bit, node)| masks[node.index()] |= 1 << bit);
        // Down to the classes, then up from these: parents come first.
        for node in self.hierarchy.nodes() {
            let above = self.hierarchy.parents(node).iter().fold(0, |mask, parent| mask | masks[parent.index()]);
            masks[node.index()] |= above;
        }
        for node in self.hierarchy.nodes().rev() {
            let below = self.hierarchy.children(node).iter().fold(0, |mask, child| mask | masks[child.index()]);
            masks[node.index()] |= below;
        }
    }
}
