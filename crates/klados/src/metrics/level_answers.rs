//! The most probable node of each level, as an answer.

use super::log_probs::LogProbs;
use super::{Truths, check_length};
use crate::NodeId;
use crate::criterion::InputError;
use crate::numeric::Float;

/// The most probable node of each level, `[batch, levels]`, by the log-probabilities of all nodes, `[batch, nodes]`.
pub(super) fn most_probable<F: Float>(truths: &Truths<'_>, log_probs: &[F]) -> Result<Vec<NodeId>, InputError> {
    let levels = truths.levels();
    let nodes = levels.hierarchy().node_count();
    check_length("the log-probabilities", log_probs.len(), truths.len() * nodes, "rows times nodes")?;
    let mut best = vec![NodeId::ROOT; truths.len() * levels.all().len()];
    levels.most_probable(log_probs, &mut best)?;
    Ok(best)
}

/// Calls for each row and level with the log-probability of the answer, one of `[batch, levels]`, and whether it is right; with
/// nothing where the row takes no part in the level.
pub(super) fn each_answer<F: Float>(
    truths: &Truths<'_>,
    log_probs: &[F],
    answers: &[NodeId],
    weights: Option<&[f64]>,
    mut visit: impl FnMut(usize, usize, Option<(f64, bool)>),
) -> Result<(), InputError> {
    truths.check_single()?;
    let log_probs = LogProbs::new(truths, log_probs, weights)?;
    let width = truths.levels().all().len();
    check_length("the answers", answers.len(), truths.len() * width, "rows times levels")?;
    truths.check_nodes(answers)?;
    for (row, answers) in answers.chunks_exact(width).enumerate() {
        for (level, &answer) in answers.iter().enumerate() {
            let judged = || (log_probs.log_p(row, answer), truths.is_right_at(row, level, answer));
            visit(row, level, truths.reaches(row, level).then(judged));
        }
    }
    Ok(())
}
