//! Rows of log-probabilities, checked against the labels that they go with.

use super::{Truths, check_weights};
use crate::NodeId;
use crate::criterion::{InputError, InputErrorKind, check_length};
use crate::numeric::{Float, doubles, scalar};

/// Log-probabilities of all nodes, `[batch, nodes]`, that fit a batch of labels: in rows that take part none is NaN, and none
/// above 0 but for rounding.
pub(super) struct LogProbs<'a, F> {
    values: &'a [F],
    nodes: usize,
}

/// The probabilities of a row, by node.
#[derive(Default)]
pub(super) struct Probabilities {
    log_p: Vec<f64>,
    pub(super) p: Vec<f64>,
}

impl<'a, F: Float> LogProbs<'a, F> {
    /// Checks rows and weights. Rows that are ignored may hold anything.
    pub(super) fn new(truths: &Truths<'_>, values: &'a [F], weights: Option<&[f64]>) -> Result<Self, InputError> {
        let hierarchy = truths.levels().hierarchy();
        let nodes = hierarchy.node_count();
        check_length("the log-probabilities", values.len(), truths.len() * nodes, "rows times nodes")?;
        check_weights(truths.len(), weights)?;
        let most = F::from_f64(scalar::ABOVE_ZERO);
        for (row, values) in values.chunks_exact(nodes).enumerate().filter(|(row, _)| truths.takes_part(*row)) {
            // Without a way out of the loop the compiler takes many at a time. What is not below is above, or NaN.
            if values.iter().fold(true, |fits, value| fits & (*value <= most)) {
                continue;
            }
            if let Some(node) = values.iter().position(|value| value.to_f64().is_nan() || *value > most) {
                let path = hierarchy.path(NodeId(node as u32));
                let message = format!(
                    "the log-probability of {path} is {}, expected a number of at most 0",
                    values[node].to_f64()
                );
                return Err(InputError::new(InputErrorKind::NotAProbability, message).in_row(row));
            }
        }
        Ok(Self { values, nodes })
    }

    /// The log-probabilities of a row, by node.
    pub(super) fn row(&self, row: usize) -> &'a [F] {
        &self.values[row * self.nodes..(row + 1) * self.nodes]
    }

    /// The log-probability of a node, at most 0. The root's is 0.
    pub(super) fn log_p(&self, row: usize, node: NodeId) -> f64 {
        if node == NodeId::ROOT { 0.0 } else { self.values[row * self.nodes + node.index()].to_f64().min(0.0) }
    }

    /// Writes the probability of every node of a row.
    pub(super) fn probabilities(&self, row: usize, out: &mut Probabilities) {
        let Probabilities { log_p, p } = out;
        log_p.clear();
        log_p.extend(self.row(row).iter().map(|log_p| log_p.to_f64().min(0.0)));
        p.resize(log_p.len(), 0.0);
        doubles::exp_below(log_p, 0.0, p);
        p[0] = 1.0;
    }
}
