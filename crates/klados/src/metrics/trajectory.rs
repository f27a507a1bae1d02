//! The answers of a row as a threshold falls.

use crate::numeric::Float;
use crate::{Hierarchy, NodeId};

/// The order in which the rule `threshold` ([`decide::Threshold`](crate::decide)) prefers nodes: what it answers for all
/// thresholds is found in one pass.
#[derive(Debug)]
pub(super) struct Trajectories {
    /// The more informative first, then the deeper, then the lower index.
    nodes: Vec<NodeId>,
    /// Where the nodes end that have the same number of classes below them.
    ends: Vec<usize>,
}

impl Trajectories {
    pub(super) fn new(hierarchy: &Hierarchy) -> Self {
        let mut nodes: Vec<NodeId> = hierarchy.nodes().skip(1).collect();
        nodes.sort_by_key(|node| hierarchy.specificity(*node));
        let same = nodes.chunk_by(|a, b| hierarchy.count_classes_below(*a) == hierarchy.count_classes_below(*b));
        let ends = same
            .scan(0, |end, nodes| {
                *end += nodes.len();
                Some(*end)
            })
            .collect();
        Self { nodes, ends }
    }

    /// The answers of a row but the root, which is the first one: each with its log-probability, below which a threshold has
    /// to fall for it to be the answer. From the highest threshold, by falling probability and rising information.
    pub(super) fn of_row<F: Float>(&self, log_p: &[F], out: &mut Vec<(f64, NodeId)>) {
        out.clear();
        let mut start = 0;
        // A node that is not more probable than a more informative one is never the answer.
        let mut most = F::NEG_INFINITY;
        for &end in &self.ends {
            let mut best = None;
            for &node in &self.nodes[start..end] {
                if log_p[node.index()] > most {
                    most = log_p[node.index()];
                    best = Some(node);
                }
            }
            out.extend(best.map(|node| (most.to_f64().min(0.0), node)));
            start = end;
        }
        out.reverse();
    }
}
