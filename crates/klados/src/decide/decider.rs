//! A rule compiled for a hierarchy.

use std::fmt::Debug;
use std::sync::Arc;

use super::Decision;
use crate::criterion::{InputError, InputErrorKind, check_length};
use crate::kernels::batch::for_each_row;
use crate::numeric::Float;
use crate::{Hierarchy, NodeId};

/// What answers a row.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// With one node.
    Node(Arc<dyn NodeRule>),
}

/// A rule of one answer.
pub(super) trait NodeRule: Debug + Send + Sync {
    /// The answer of a row: `log P` of all nodes, without NaN.
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId;
}

/// What rows of any rule reuse.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The row in `f64`.
    log_p: Vec<f64>,
}

/// A [`Decision`] compiled for a hierarchy: turns rows of log-probabilities into answers. Immutable, `Send + Sync`, cheap to
/// clone. See [the module](super) for an example.
#[derive(Clone, Debug)]
pub struct Decider {
    hierarchy: Hierarchy,
    decision: Decision,
    rule: Rule,
}

impl Decider {
    pub(super) fn new(hierarchy: &Hierarchy, decision: Decision, rule: Rule) -> Self {
        Self { hierarchy: hierarchy.clone(), decision, rule }
    }

    /// The rule and its parameters.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The hierarchy that it was compiled for.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// The node that each row is answered with, `[batch]`, by the log-probabilities of all nodes, `[batch, nodes]`, in the
    /// order of [`NodeId::index`].
    ///
    /// # Errors
    ///
    /// Lengths that do not fit; a row with NaN, which has no answer.
    pub fn decide<F: Float>(&self, log_probs: &[F], out: &mut [NodeId]) -> Result<(), InputError> {
        let nodes = self.hierarchy.node_count();
        check_length("the log-probabilities", log_probs.len(), out.len() * nodes, "rows times nodes")?;
        if let Some(at) = log_probs.iter().position(|log_p| log_p.to_f64().is_nan()) {
            let node = self.hierarchy.path(NodeId((at % nodes) as u32));
            let message = format!("the log-probability of {node} is NaN; a row with NaN has no answer");
            return Err(InputError::new(InputErrorKind::OutOfRange, message).in_row(at / nodes));
        }
        let Rule::Node(rule) = &self.rule;
        let row = |scratch: &mut Scratch, _: usize, log_p: &[F], out: &mut [NodeId], _: Option<&mut [F]>| {
            let mut wide = std::mem::take(&mut scratch.log_p);
            wide.clear();
            wide.extend(log_p.iter().map(|log_p| log_p.to_f64()));
            out[0] = rule.node(&wide, scratch);
            scratch.log_p = wide;
        };
        for_each_row((log_probs, nodes), (out, 1), None, row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_rows_are_named() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")]).unwrap();
        let decider = "argmax_leaf".parse::<Decision>().unwrap().compile(&hierarchy).unwrap();
        let mut answers = [NodeId::ROOT; 2];
        let mut log_p = [0f32; 10];
        log_p[7] = f32::NAN;
        let error = decider.decide(&log_p, &mut answers).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1: the log-probability of mammal > bat is NaN; a row with NaN has no answer"
        );
        assert!(decider.decide(&log_p[..9], &mut answers).is_err());
        decider.decide::<f64>(&[], &mut []).unwrap();
    }
}
