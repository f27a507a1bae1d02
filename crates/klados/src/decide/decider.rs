//! A rule compiled for a hierarchy.

use super::Decision;
use super::rule::{Rule, Scratch};
use crate::criterion::{InputError, InputErrorKind, check_length};
use crate::kernels::batch::for_each_row;
use crate::numeric::{Float, scalar};
use crate::{Hierarchy, NodeId};

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

    /// Whether a row is answered with a set of nodes, by [`decide_sets`](Self::decide_sets), and not with one node.
    pub fn is_multi_label(&self) -> bool {
        matches!(self.rule, Rule::Set(_))
    }

    /// The node that each row is answered with, `[batch]`, by the log-probabilities of all nodes, `[batch, nodes]`, in the
    /// order of [`NodeId::index`]. A single row is a batch of one.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit; a row with NaN, or with a number that is no log-probability; a rule that answers with sets.
    /// Nothing is written then.
    pub fn decide<F: Float>(&self, log_probs: &[F], out: &mut [NodeId]) -> Result<(), InputError> {
        let Rule::Node(rule) = &self.rule else {
            return Err(self.other_form("a set of nodes a row; ask for sets (in Rust `decide_sets`)"));
        };
        let nodes = self.hierarchy.node_count();
        check_length("the log-probabilities", log_probs.len(), out.len() * nodes, "rows times nodes")?;
        check_log_probs(&self.hierarchy, log_probs, |_| true)?;
        let row = |scratch: &mut Scratch, _: usize, log_p: &[F], out: &mut [NodeId], _: Option<&mut [F]>| {
            let wide = widen(scratch, log_p);
            out[0] = rule.node(&wide, scratch);
            scratch.log_p = wide;
        };
        for_each_row((log_probs, nodes), (out, 1), None, row);
        Ok(())
    }

    /// Whether each node is in the answer of each row, `[batch, nodes]`, by the log-probabilities of all nodes,
    /// `[batch, nodes]`: for rules that [answer with sets](Self::is_multi_label). The root always is.
    ///
    /// # Errors
    ///
    /// As [`decide`](Self::decide); a rule that answers with one node.
    ///
    /// # Example
    ///
    /// See [`Consistent`](super::Consistent).
    pub fn decide_sets<F: Float>(&self, log_probs: &[F], out: &mut [bool]) -> Result<(), InputError> {
        let Rule::Set(rule) = &self.rule else {
            return Err(self.other_form("one node a row; ask for nodes (in Rust `decide`)"));
        };
        let nodes = self.hierarchy.node_count();
        let rows = out.len() / nodes;
        check_length("the output", out.len(), rows * nodes, "a multiple of the number of nodes")?;
        check_length("the log-probabilities", log_probs.len(), out.len(), "as the output: rows times nodes")?;
        check_log_probs(&self.hierarchy, log_probs, |_| true)?;
        let row = |scratch: &mut Scratch, _: usize, log_p: &[F], out: &mut [bool], _: Option<&mut [F]>| {
            let wide = widen(scratch, log_p);
            rule.set(&wide, out);
            scratch.log_p = wide;
        };
        for_each_row((log_probs, nodes), (out, nodes), None, row);
        Ok(())
    }

    fn other_form(&self, answers: &str) -> InputError {
        let message = format!("{} answers with {answers}", self.decision.name());
        InputError::new(InputErrorKind::AnswerForm, message)
    }
}

/// A row in `f64`, in the scratch's place for it, to which it has to be given back.
fn widen<F: Float>(scratch: &mut Scratch, log_p: &[F]) -> Vec<f64> {
    let mut wide = std::mem::take(&mut scratch.log_p);
    read_row(log_p, &mut wide);
    wide
}

/// Reads a row as `f64`: at most 0, and 0 for the root, which is certain whatever the row says of it.
pub(super) fn read_row<F: Float>(log_p: &[F], out: &mut Vec<f64>) {
    out.clear();
    out.extend(log_p.iter().map(|log_p| log_p.to_f64().min(0.0)));
    out[0] = 0.0;
}

/// That the rows that count have log-probabilities and no NaN.
pub(super) fn check_log_probs<F: Float>(
    hierarchy: &Hierarchy,
    log_probs: &[F],
    counts: impl Fn(usize) -> bool,
) -> Result<(), InputError> {
    let is_fine = |log_p: &F| log_p.to_f64() <= scalar::ABOVE_ZERO;
    for (row, log_p) in log_probs.chunks_exact(hierarchy.node_count()).enumerate() {
        if log_p.iter().fold(true, |all, log_p| all & is_fine(log_p)) || !counts(row) {
            continue;
        }
        let Some(index) = log_p.iter().position(|log_p| !is_fine(log_p)) else { continue };
        let (node, log_p) = (hierarchy.path(NodeId(index as u32)), log_p[index]);
        let message = match log_p.to_f64().is_nan() {
            true => format!("the log-probability of {node} is NaN; a row with NaN has no answer"),
            false => format!("the log-probability of {node} is {log_p}, expected at most 0 (are these logits?)"),
        };
        return Err(InputError::new(InputErrorKind::NotAProbability, message).in_row(row));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy() -> Hierarchy {
        Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")]).unwrap()
    }

    #[test]
    fn bad_rows_are_named() {
        let decider = "argmax_leaf".parse::<Decision>().unwrap().compile(&hierarchy()).unwrap();
        let mut answers = [NodeId::ROOT; 2];
        let mut log_p = [0f32; 10];
        log_p[7] = f32::NAN;
        let error = decider.decide(&log_p, &mut answers).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1: the log-probability of mammal > bat is NaN; a row with NaN has no answer"
        );
        log_p[7] = 2.5;
        let error = decider.decide(&log_p, &mut answers).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1: the log-probability of mammal > bat is 2.5, expected at most 0 (are these logits?)"
        );
        assert!(decider.decide(&log_p[..9], &mut answers).is_err());
        decider.decide::<f64>(&[], &mut []).unwrap();
    }

    #[test]
    fn what_rounding_leaves_above_0_counts_as_0() {
        let hierarchy = hierarchy();
        let mut answer = [NodeId::ROOT; 2];
        // Root, mammal, bat, bird, crow. log_q = 0 is "always the root".
        let rows = [0.0, 1e-7, 5e-5, -9.0, -9.0, -0.5, 1e-7, 5e-5, -9.0, -9.0];
        let decision: Decision = r#"{"conformal": {"log_q": 0}}"#.parse().unwrap();
        decision.compile(&hierarchy).unwrap().decide(&rows, &mut answer).unwrap();
        assert_eq!(answer, [NodeId::ROOT; 2]);
        let labels = [crate::Label::Class(1), crate::Label::Class(0)];
        let hedge: Decision = r#"{"hedge": {"accuracy": 1}}"#.parse().unwrap();
        let error = hedge.calibrate(&hierarchy, &rows, &labels).unwrap_err();
        assert!(error.to_string().contains("probability of 1"), "{error}");
        let hedge = hedge.calibrate(&hierarchy, &rows, &[labels[1].clone(), labels[1].clone()]).unwrap();
        hedge.compile(&hierarchy).unwrap().decide(&rows, &mut answer).unwrap();
        assert_eq!(answer.map(|node| hierarchy.name(node)), ["bat"; 2]);
    }

    #[test]
    fn nodes_and_sets_are_not_mixed_up() {
        let compile = |name: &str| name.parse::<Decision>().unwrap().compile(&hierarchy()).unwrap();
        let error = compile("argmax_leaf").decide_sets(&[0.0; 5], &mut [false; 5]).unwrap_err();
        assert_eq!(error.to_string(), "argmax_leaf answers with one node a row; ask for nodes (in Rust `decide`)");
        let consistent = compile("consistent");
        assert!(consistent.is_multi_label() && consistent.decision().is_multi_label());
        let error = consistent.decide(&[0.0; 5], &mut [NodeId::ROOT]).unwrap_err();
        assert_eq!(error.kind(), InputErrorKind::AnswerForm);
        assert_eq!(
            error.to_string(),
            "consistent answers with a set of nodes a row; ask for sets (in Rust `decide_sets`)"
        );
        assert!(consistent.decide_sets(&[0.0; 4], &mut [false; 4]).is_err());
    }
}
