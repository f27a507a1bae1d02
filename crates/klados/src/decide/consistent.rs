//! Sets of nodes that the hierarchy allows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::log_threshold;
use super::rule::{Parameters, Rule, SetRule};
use crate::Hierarchy;
use crate::criterion::CriterionError;

/// How a [`Consistent`] set is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Projection {
    /// A node has the largest probability of itself and the nodes below it: one confident node pulls in all above it.
    #[default]
    Max,
    /// A node has the smallest probability of itself and the nodes above it: one node that fails takes away all below it.
    Min,
}

/// For multi-label data: every node whose probability is above `threshold`, once the probabilities agree with the hierarchy.
///
/// Nodes that are predicted one by one may contradict each other: the crow, and not the bird. `by` says which side gives way:
/// with `"max"` a node's probability is raised to the largest of the nodes below it, with `"min"` it is lowered to the smallest
/// of those above it. So no edge is violated: where a node is in the set, all above it are. The root always is.
///
/// The set is answered by [`Decider::decide_sets`](super::Decider::decide_sets). Probabilities that agree with the hierarchy
/// already (the forms `max`, `min`, `noisy_or` and those of a softmax) are only compared with the threshold.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::{Consistent, Projection}};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let log_p = [1.0f64, 0.7, 0.1, 0.4, 0.6, 0.3].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut set = [false; 6];
/// Decision::from(Consistent::new()).compile(&hierarchy)?.decide_sets(&log_p, &mut set)?;
/// assert_eq!(set, [true, true, false, true, true, false]); // the bird comes with the crow
/// let min = Consistent::new().by(Projection::Min);
/// Decision::from(min).compile(&hierarchy)?.decide_sets(&log_p, &mut set)?;
/// assert_eq!(set, [true, true, false, false, false, false]); // the crow goes with the bird
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consistent {
    by: Projection,
    threshold: f64,
}

impl Default for Consistent {
    fn default() -> Self {
        Self { by: Projection::default(), threshold: 0.5 }
    }
}

impl Consistent {
    /// By the largest at or below, above 0.5.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which side gives way; `max` by default.
    #[must_use]
    pub fn by(mut self, by: Projection) -> Self {
        self.by = by;
        self
    }

    /// The probability that a node has to exceed, in `[0, 1)`; 0.5 by default.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }
}

impl Parameters for Consistent {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        let log_threshold = log_threshold("threshold", self.threshold)?;
        Ok(Rule::Set(Arc::new(Compiled { hierarchy: hierarchy.clone(), by: self.by, log_threshold })))
    }

    fn is_multi_label(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Compiled {
    hierarchy: Hierarchy,
    by: Projection,
    log_threshold: f64,
}

impl SetRule for Compiled {
    fn set(&self, log_p: &[f64], out: &mut [bool]) {
        for (out, log_p) in out.iter_mut().zip(log_p) {
            *out = *log_p > self.log_threshold;
        }
        out[0] = true;
        // The largest of some is above the threshold if one is, the smallest if all are. Parents come before children.
        match self.by {
            Projection::Max => {
                for node in self.hierarchy.nodes().rev() {
                    if out[node.index()] {
                        self.hierarchy.parents(node).iter().for_each(|parent| out[parent.index()] = true);
                    }
                }
            }
            Projection::Min => {
                for node in self.hierarchy.nodes().skip(1) {
                    out[node.index()] &= self.hierarchy.parents(node).iter().all(|parent| out[parent.index()]);
                }
            }
        }
    }
}
