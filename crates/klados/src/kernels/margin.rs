//! The soft-max-margin of one node against all others, and its hard form.

use super::descendants::Branches;
use super::mass::{Mass, two_sum};
use super::ordinary::{self, Buffers, Scaled};
use super::paths::Tree;
use crate::numeric::{Float, scalar};

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

/// The largest `e^(tau depth)` that [`ordinary_row`] takes.
pub(crate) const LARGEST_WEIGHT: f64 = 1e6;

/// As [`soft`] in a tree, of an ordinary row by column; `None` for another. The gradient is written.
///
/// A node that leaves the path to the label below its node of depth `a` is `depth + depth of the label - 2 a` edges away. So
/// the exponentials are weighted by `e^(tau depth)`, and their sums by what is left, which is one number for each node of the
/// path.
pub(crate) fn ordinary_row<T: Float>(
    (tree, branches): (&Tree, &Branches),
    depth_weights: &[f64],
    (y, weight): (usize, f64),
    z: &[T],
    grad: Scaled<'_, T>,
    buffers: &mut Buffers<T>,
) -> Option<f64> {
    let Buffers { z: ordered, terms, weights, runs, sums, factors, nodes: path, .. } = buffers;
    branches.fill_path(tree, y, path, runs);
    let depth = path.len();
    ordinary::gather(z, &branches.columns, ordered);
    weights.clear();
    weights.extend(depth_weights[1..].iter().map(|&weight| T::from_f64(weight)));
    let terms = ordinary::first(terms, z.len());
    sums.resize(2 * depth + 1, 0.0);
    let top = T::exp_runs(ordered, runs, sums, Some(terms));
    if !top.is_finite() || y == 0 {
        return None;
    }
    let own = terms[y - 1].to_f64();
    weights[y - 1] = T::default();
    // By level of the node that a run branches off from: what the sums are weighted by.
    let unit = depth_weights[y];
    factors.resize(2 * depth + 1, 0.0);
    for level in 0..depth {
        let above = depth_weights[path[depth - 1 - level] as usize];
        let parent = if level == 0 { 1.0 } else { depth_weights[path[depth - level] as usize] };
        factors[level] = unit / (parent * parent);
        factors[depth + level] = unit / (above * above);
    }
    factors[2 * depth] = factors[2 * depth - 1];
    // The root's score is 0.
    let mut others = scalar::exp(-top) * unit;
    let mut start = 0;
    for run in &*runs {
        let range = start..run.end();
        start = run.end();
        others += factors[run.group()] * T::weigh(&mut terms[range.clone()], &weights[range]);
    }
    // With weights up to `LARGEST_WEIGHT` terms that are 0 since they are too small do not count beside it.
    if own < T::LEAST_SUM || !(1e-9..1e30).contains(&others) {
        return None;
    }
    let term = ordinary::term(own, others, 0.0);
    if let Some((grad, scale)) = grad {
        let slope = scale * weight;
        factors.iter_mut().for_each(|factor| *factor *= slope * term.outside);
        T::scale_runs(terms, runs, factors);
        terms[y - 1] = T::from_f64(slope * term.inside * own);
        branches.put_back(terms, grad);
    }
    Some(weight * term.value)
}
