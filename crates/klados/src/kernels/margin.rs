//! The soft-max-margin of one node against all others, and its hard form.

use super::mass::{Mass, two_sum};
use crate::numeric::scalar;

/// The margin of each node from a label: a number of edges, and what so many edges are worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margins<'a> {
    /// By node.
    pub(crate) edges: &'a [u32],
    /// By the number of edges: `tau` times it, and what rounding that product left.
    pub(crate) worth: &'a [(f64, f64)],
}

/// `tau` times each number of edges up to `most`, with what the rounding left.
pub(crate) fn worth(tau: f64, most: usize) -> Vec<(f64, f64)> {
    let of = |edges: usize| {
        let product = tau * edges as f64;
        (product, tau.mul_add(edges as f64, -product))
    };
    (0..=most).map(of).collect()
}

impl Margins<'_> {
    /// A node's score with its margin: the rounded sum and what the roundings left.
    fn beside(&self, node: usize, score: f64) -> (f64, f64) {
        let (margin, lost) = self.worth[self.edges[node] as usize];
        let (sum, rest) = two_sum(score, margin);
        (sum, if sum == f64::NEG_INFINITY { 0.0 } else { rest + lost })
    }
}

/// `weight` times `-s_y + LSE_v (s_v + margin_v)`, over all nodes; `y` is no edges from itself. The gradient is added.
pub(crate) fn soft(y: usize, margins: Margins<'_>, weight: f64, scores: &[f64], grad: Option<&mut [f64]>) -> f64 {
    let mass = |node: usize| {
        let (top, rest) = margins.beside(node, scores[node]);
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
pub(crate) fn hard(y: usize, margins: Margins<'_>, weight: f64, scores: &[f64], grad: Option<&mut [f64]>) -> f64 {
    if scores[y] == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    let at = |node: usize| margins.beside(node, scores[node]);
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
