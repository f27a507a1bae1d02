//! From the root to the most probable child, again and again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{NodeRule, Parameters, Rule, Scratch};
use super::{Order, log_threshold};
use crate::criterion::CriterionError;
use crate::{Hierarchy, NodeId};

/// From the root to the most probable child, again and again, down to a class; with a `threshold` only as long as `P` of that
/// child is above it.
///
/// `P` is the probability of the node itself, not given its parent. So with a threshold of 0.5 or more, and probabilities that
/// are sums over classes, this is [`Threshold`](super::Threshold) in a tree. The answer need not be the most probable class:
/// two birds of 0.3 each stand behind the mammal of 0.4 alone, and top down it is a bird.
///
/// # What published code does differently
///
/// Local classifiers usually compare the probability given the parent with the threshold, which lets go on at every step what
/// is improbable in sum. YOLO9000 (Redmon & Farhadi 2017) compares the product, as here, but never answers the root: where no
/// top node passes it takes the best one.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::TopDown};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let log_p = [1.0f64, 0.4, 0.4, 0.6, 0.3, 0.3].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut answer = [klados::NodeId::ROOT];
/// Decision::from(TopDown::new()).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
/// assert_eq!(hierarchy.name(answer[0]), "crow");
/// Decision::from(TopDown::new().threshold(0.5)).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
/// assert_eq!(hierarchy.name(answer[0]), "bird");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopDown {
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
}

impl TopDown {
    /// Down to a class.
    pub fn new() -> Self {
        Self::default()
    }

    /// The probability that a node has to exceed, in `[0, 1)`; none by default.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = Some(threshold);
        self
    }
}

impl Parameters for TopDown {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        let log_threshold = self.threshold.map(|threshold| log_threshold("threshold", threshold)).transpose()?;
        let children = |node| Order::of(hierarchy, hierarchy.children(node).to_vec());
        let children = hierarchy.nodes().map(children).collect();
        Ok(Rule::Node(Arc::new(Compiled { children, log_threshold })))
    }
}

#[derive(Debug)]
struct Compiled {
    /// By node.
    children: Vec<Order>,
    log_threshold: Option<f64>,
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        let mut at = NodeId::ROOT;
        while let Some(child) = self.children[at.index()].best(log_p) {
            if self.log_threshold.is_some_and(|threshold| log_p[child.index()] <= threshold) {
                break;
            }
            at = child;
        }
        at
    }
}
