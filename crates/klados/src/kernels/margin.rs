//! The soft-max-margin of one node against all others, and its hard form.

use super::mass::{Mass, two_sum};
use crate::numeric::scalar;

/// `weight` times `-s_y + LSE_v (s_v + margin_v)`, over all nodes; `margin[y]` is 0. The gradient is added.
pub(crate) fn soft(y: usize, margin: &[f64], weight: f64, scores: &[f64], grad: Option<&mut [f64]>) -> f64 {
    let mass = |node: usize| Mass::shifted(scores[node], margin[node]);
    let own = Mass::of(scores[y]);
    if own.is_none() {
        return f64::INFINITY;
    }
    let others = (0..scores.len()).filter(|&node| node != y).map(mass).fold(Mass::NONE, Mass::plus);
    let above = others.log_over(own);
    if let Some(grad) = grad {
        let missed = weight * scalar::exp(-scalar::softplus(-above));
        for node in 0..scores.len() {
            grad[node] += if node == y { -missed } else { missed * mass(node).over(others) };
        }
    }
    weight * scalar::softplus(above)
}

/// `weight` times `max_v (s_v + margin_v) - s_y`; of equal ones the first counts. The gradient is added.
pub(crate) fn hard(y: usize, margin: &[f64], weight: f64, scores: &[f64], grad: Option<&mut [f64]>) -> f64 {
    if scores[y] == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    let at = |node: usize| two_sum(scores[node], margin[node]);
    let mut best = (0, at(0));
    for node in 1..scores.len() {
        let (sum, rest) = at(node);
        if sum > f64::NEG_INFINITY && (sum - best.1.0) + (rest - best.1.1) > 0.0 {
            best = (node, (sum, rest));
        }
    }
    if let Some(grad) = grad {
        grad[best.0] += weight;
        grad[y] -= weight;
    }
    weight * ((best.1.0 - scores[y]) + best.1.1)
}
