//! The most specific node that is probable enough.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{NodeRule, Parameters, Rule, Scratch};
use super::{Order, log_threshold};
use crate::criterion::CriterionError;
use crate::{Hierarchy, NodeId};

/// The most specific node with `P(v) > tau`; the root where there is none. `tau = 0.5` is the majority rule: in a tree the
/// nodes above it are one path, so the answer is its end.
///
/// Below 0.5, and in a DAG, nodes of several branches may pass: of the most informative ones the most probable is taken, then
/// the deeper, then the one with the lower index.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::Threshold};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let log_p = [1.0f64, 0.4, 0.4, 0.6, 0.25, 0.35].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut answer = [klados::NodeId::ROOT];
/// let mut at = |tau: f64| {
///     Decision::from(Threshold::new().tau(tau)).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
///     Ok::<_, Box<dyn std::error::Error>>(hierarchy.name(answer[0]).to_owned())
/// };
/// assert_eq!(at(0.5)?, "bird");
/// assert_eq!(at(0.3)?, "bat"); // bat and robin pass
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Threshold {
    tau: f64,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { tau: 0.5 }
    }
}

impl Threshold {
    /// The majority rule.
    pub fn new() -> Self {
        Self::default()
    }

    /// The probability that a node has to exceed, in `[0, 1)`; 0.5 by default.
    #[must_use]
    pub fn tau(mut self, tau: f64) -> Self {
        self.tau = tau;
        self
    }
}

impl Parameters for Threshold {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        let log_tau = log_threshold("tau", self.tau)?;
        let classes = hierarchy.nodes().map(|node| hierarchy.count_classes_below(node)).collect();
        let mut place = vec![0; hierarchy.node_count()];
        Order::new(hierarchy).nodes().iter().enumerate().for_each(|(at, node)| place[node.index()] = at);
        Ok(Rule::Node(Arc::new(Compiled { classes, place, log_tau })))
    }
}

#[derive(Debug)]
struct Compiled {
    /// By node: the number of classes below it, and who wins a tie.
    classes: Vec<usize>,
    place: Vec<usize>,
    log_tau: f64,
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        let mut best: Option<usize> = None;
        let mut start = 0;
        // Few nodes are that probable.
        for some in log_p.chunks(16) {
            if some.iter().fold(false, |any, p| any | (*p > self.log_tau)) {
                for node in (start..start + some.len()).filter(|node| log_p[*node] > self.log_tau) {
                    if best.is_none_or(|best| self.is_before(node, best, log_p)) {
                        best = Some(node);
                    }
                }
            }
            start += some.len();
        }
        best.map_or(NodeId::ROOT, |node| NodeId(node as u32))
    }
}

impl Compiled {
    /// Whether a node is the more specific one, or as specific and more probable, or wins the tie.
    fn is_before(&self, node: usize, other: usize, log_p: &[f64]) -> bool {
        let by_classes = self.classes[node].cmp(&self.classes[other]);
        let by_probability = log_p[other].partial_cmp(&log_p[node]).unwrap_or(Ordering::Equal);
        by_classes.then(by_probability).then(self.place[node].cmp(&self.place[other])).is_lt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decision;

    #[test]
    fn tau_is_in_range() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")]).unwrap();
        for tau in [1.0, -0.1, f64::NAN] {
            let error = Decision::from(Threshold::new().tau(tau)).compile(&hierarchy).unwrap_err();
            assert_eq!(error.to_string(), format!("tau is {tau}, expected a number in [0, 1)"));
        }
    }

    #[test]
    fn ties_go_to_the_more_informative_then_the_deeper() {
        // A chain of an only child: animal and crow have the same classes and probability.
        let hierarchy = Hierarchy::from_edges([("animal", "crow"), ("plant", "pine"), ("plant", "oak")]).unwrap();
        let log_p = vec![0.0; hierarchy.node_count()];
        let mut answer = [NodeId::ROOT];
        Decision::from(Threshold::new()).compile(&hierarchy).unwrap().decide(&log_p, &mut answer).unwrap();
        // crow, pine and oak have one class and P = 1; so has animal, which is less deep. The lowest index is the crow's.
        assert_eq!(hierarchy.name(answer[0]), "crow");
    }
}
