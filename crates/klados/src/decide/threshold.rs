//! The most specific node that is probable enough.

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
        Ok(Rule::Node(Arc::new(Compiled { order: Order::new(hierarchy), classes, log_tau })))
    }
}

#[derive(Debug)]
struct Compiled {
    order: Order,
    /// By node: the number of classes below it.
    classes: Vec<usize>,
    log_tau: f64,
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        let mut best: Option<NodeId> = None;
        for &node in self.order.nodes() {
            if best.is_some_and(|best| self.classes[node.index()] > self.classes[best.index()]) {
                break;
            }
            let p = log_p[node.index()];
            if p > self.log_tau && best.is_none_or(|best| p > log_p[best.index()]) {
                best = Some(node);
            }
        }
        best.unwrap_or(NodeId::ROOT)
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
