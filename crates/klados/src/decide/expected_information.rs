//! The node that tells the most in expectation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::information::LargestGain;
use super::rule::{Parameters, Rule};
use crate::Hierarchy;
use crate::criterion::CriterionError;

/// The node with the largest `P(v) I(v)`: the information that it is expected to tell, where a wrong answer tells nothing.
/// `I(v) = -log2(|D(v)| / |D(root)|)`: a class of 8 tells 3 bits, the root none.
///
/// No parameter, and no promise of accuracy: of a genus that is certain and a species of half the probability it takes the
/// species if that tells more than twice as much. [`Hedge`](super::Hedge) is this rule with a price on being wrong.
///
/// Products within 1e-13 of each other (of their logarithms, relative) are ties.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::ExpectedInformation};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let log_p = [1.0f64, 0.1, 0.05, 0.05, 0.9, 0.45, 0.45].map(f64::ln); // root, mammal, bat, dog, bird, crow, robin
/// let mut answer = [klados::NodeId::ROOT];
/// Decision::from(ExpectedInformation::new()).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
/// assert_eq!(hierarchy.name(answer[0]), "crow"); // 0.45 of 2 bits, and so has the bird 0.9 of 1 bit: a tie
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExpectedInformation {}

impl ExpectedInformation {
    /// The rule; it has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Parameters for ExpectedInformation {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        Ok(Rule::Node(Arc::new(LargestGain::new(hierarchy, 0.0))))
    }
}
