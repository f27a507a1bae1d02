//! What a rule is made of: its parameters, what they compile to, and how they are calibrated.

use std::fmt::Debug;
use std::sync::Arc;

use super::calibration::Calibration;
use crate::criterion::CriterionError;
use crate::{Hierarchy, NodeId};

/// The parameters of a rule.
pub(super) trait Parameters {
    /// The tables that rows are decided by.
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError>;

    /// Whether it answers with a set of nodes.
    fn is_multi_label(&self) -> bool {
        false
    }

    /// Whether some of its numbers come from validation data.
    fn needs_calibration(&self) -> bool {
        false
    }

    /// Whether these numbers are there.
    fn is_calibrated(&self) -> bool {
        true
    }

    /// What takes in validation data, where the rule needs some.
    fn calibration(&self, _: &Hierarchy) -> Result<Option<Box<dyn Calibration>>, CriterionError> {
        Ok(None)
    }

    /// What is legal but surprising in its parameters.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What answers a row.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// With one node.
    Node(Arc<dyn NodeRule>),
    /// With a set of nodes.
    Set(Arc<dyn SetRule>),
}

/// A rule of one answer.
pub(super) trait NodeRule: Debug + Send + Sync {
    /// The answer of a row: `log P` of all nodes, without NaN.
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId;
}

/// A rule of several answers.
pub(super) trait SetRule: Debug + Send + Sync {
    /// Says of every node whether it is in the answer of a row: `log P` of all nodes, without NaN.
    fn set(&self, log_p: &[f64], out: &mut [bool]);
}

/// What rows of any rule reuse.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The row in `f64`.
    pub(super) log_p: Vec<f64>,
    /// By node, as the rule likes.
    pub(super) first: Vec<f64>,
    pub(super) second: Vec<f64>,
    pub(super) marks: Vec<u32>,
    pub(super) masks: Vec<u64>,
    pub(super) nodes: Vec<NodeId>,
}
