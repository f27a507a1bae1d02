//! The soft-max-margin of one node against all others, and its hard form.

use super::mass::Mass;
use crate::numeric::scalar;

/// A score with a margin: the rounded sum and what the rounding left (`TwoSum`; Knuth 1969).
fn with_margin(score: f64, margin: f64) -> (f64, f64) {
    let sum = score + margin;
    if sum == f64::NEG_INFINITY {
        return (sum, 0.0);
    }
    let back = sum - score;
    (sum, (score - (sum - back)) + (margin - back))
}

/// `weight` times `-s_y + LSE_v (s_v + margin_v)`, over all nodes; `margin[y]` is 0. The gradient is added.
pub(crate) fn soft(y: usize, margin: &[f64], weight: f64, scores: &[f64], grad: Option<&mut [f64]>) -> f64 {
    let mass = |node: usize| {
        let (top, rest) = with_margin(scores[node], margin[node]);
        if top == f64::NEG_INFINITY { Mass::NONE } else { Mass { top, sum: scalar::exp(rest) } }
    };
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
    let at = |node: usize| with_margin(scores[node], margin[node]);
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
