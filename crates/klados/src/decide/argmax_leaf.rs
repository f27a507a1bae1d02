//! The most probable class.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Order;
use super::rule::{NodeRule, Parameters, Rule, Scratch};
use crate::criterion::CriterionError;
use crate::{Hierarchy, NodeId};

/// The most probable class: what a flat classifier answers. It never backs off.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::ArgmaxLeaf};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let decider = Decision::from(ArgmaxLeaf::new()).compile(&hierarchy)?;
/// let log_p = [1.0f64, 0.4, 0.4, 0.6, 0.3, 0.3].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut answer = [klados::NodeId::ROOT];
/// decider.decide(&log_p, &mut answer)?;
/// assert_eq!(hierarchy.name(answer[0]), "bat");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ArgmaxLeaf {}

impl ArgmaxLeaf {
    /// The rule; it has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Parameters for ArgmaxLeaf {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        Ok(Rule::Node(Arc::new(Compiled { classes: Order::of_classes(hierarchy) })))
    }
}

#[derive(Debug)]
struct Compiled {
    classes: Order,
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        self.classes.best(log_p).unwrap_or(NodeId::ROOT)
    }
}
