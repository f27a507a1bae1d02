//! The largest score at or below a node and the smallest at or above it, and the nodes that they come from. On trees and
//! DAGs alike, as a maximum does not mind what it sees twice. Ties go to the first in hierarchy order.

use super::bernoulli::{Odds, Pull};
use super::pool::Pool;

/// The parents of each node but the root, which has no score, in compressed rows; nodes come after their parents.
#[derive(Debug)]
pub(crate) struct Parents {
    pub(crate) offsets: Vec<u32>,
    pub(crate) parents: Vec<u32>,
}

/// Where the score of a positive node's term comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Positive {
    /// The largest score of a positive node at or below it (Giunchiglia & Lukasiewicz 2020).
    LargestPositiveBelow,
    /// The smallest score at or above it (Li et al. 2022).
    SmallestAbove,
}

impl Parents {
    pub(crate) fn of(&self, node: usize) -> &[u32] {
        &self.parents[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }

    /// By node: where the largest score at or below it is, among the nodes that count; itself where none does.
    pub(crate) fn largest_below(&self, scores: &[f64], counts: impl Fn(usize) -> bool, from: &mut Vec<u32>) {
        from.clear();
        from.extend(0..scores.len() as u32);
        for node in (1..scores.len()).rev() {
            let best = from[node] as usize;
            if !counts(best) {
                continue;
            }
            for &parent in self.of(node) {
                let known = from[parent as usize] as usize;
                let is_better = scores[best] > scores[known] || (scores[best] == scores[known] && best < known);
                if parent != 0 && (is_better || !counts(known)) {
                    from[parent as usize] = best as u32;
                }
            }
        }
    }

    /// By node: where the smallest score at or above it is.
    pub(crate) fn smallest_above(&self, scores: &[f64], from: &mut Vec<u32>) {
        from.clear();
        from.extend(0..scores.len() as u32);
        for node in 1..scores.len() {
            for &parent in self.of(node).iter().filter(|parent| **parent != 0) {
                let (best, known) = (from[parent as usize] as usize, from[node] as usize);
                if scores[best] < scores[known] || (scores[best] == scores[known] && best < known) {
                    from[node] = best as u32;
                }
            }
        }
    }

    /// The largest score at or below each node, in place; the root's stays.
    pub(crate) fn raise(&self, scores: &mut [f64]) {
        for node in (1..scores.len()).rev() {
            for &parent in self.of(node).iter().filter(|parent| **parent != 0) {
                scores[parent as usize] = scores[parent as usize].max(scores[node]);
            }
        }
    }

    /// The smallest score at or above each node, in place; the root's stays.
    pub(crate) fn lower(&self, scores: &mut [f64]) {
        for node in 1..scores.len() {
            for &parent in self.of(node).iter().filter(|parent| **parent != 0) {
                scores[node] = scores[node].min(scores[parent as usize]);
            }
        }
    }

    /// The loss of nodes that are positive (in `is_positive`) or negative, with what weighs on each. The gradient is added.
    pub(crate) fn row(
        &self,
        kind: Positive,
        (pulls, is_positive): (&[Pull], &[bool]),
        gamma: f64,
        scores: &[f64],
        mut grad: Option<&mut [f64]>,
        pool: &mut Pool,
    ) -> f64 {
        let mut largest = pool.indices(0, 0);
        self.largest_below(scores, |_| true, &mut largest);
        let mut of_positive = pool.indices(0, 0);
        match kind {
            Positive::LargestPositiveBelow => {
                self.largest_below(scores, |node| is_positive[node], &mut of_positive);
            }
            Positive::SmallestAbove => self.smallest_above(scores, &mut of_positive),
        }
        let mut loss = 0.0;
        for pull in pulls {
            for (from, yes, no) in [(&of_positive, pull.yes, 0.0), (&largest, 0.0, pull.no)] {
                if yes == 0.0 && no == 0.0 {
                    continue;
                }
                let from = from[pull.at as usize] as usize;
                let odds = Odds::of(scores[from]);
                let judged = odds.judge(yes, no, gamma);
                loss += judged.value;
                if let Some(grad) = grad.as_deref_mut() {
                    grad[from] += judged.by_score(odds);
                }
            }
        }
        pool.keep_indices(largest);
        pool.keep_indices(of_positive);
        loss
    }
}
