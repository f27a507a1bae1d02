//! The largest score at or below a node and the smallest at or above it, and the nodes that they come from. On trees and
//! DAGs alike, as a maximum does not mind what it sees twice. Ties go to the first in hierarchy order.

use super::bernoulli::{Odds, Pull};
use super::ordinary::{self, Scaled};
use super::pool::Pool;
use crate::numeric::Float;

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

    /// As [`row`](Self::row), of an ordinary row by column, with `weights` of no by node (0 at the root) and the nodes that
    /// are positive, with all above them, each with what weighs on yes. The gradient is written.
    pub(crate) fn ordinary_row<T: Float>(
        &self,
        kind: Positive,
        (column, weights): (&[u32], &[T]),
        (positive, yes): (&mut [u32], impl Fn(u32) -> f64),
        z: &[T],
        mut grad: Scaled<'_, T>,
        (scores, best, terms, from): (&mut Vec<T>, &mut Vec<T>, &mut Vec<T>, &mut Vec<u32>),
    ) -> f64 {
        scores.clear();
        scores.push(T::NEG_INFINITY);
        scores.extend(column[1..].iter().map(|&column| z[column as usize]));
        best.clone_from(scores);
        from.clear();
        from.extend(0..scores.len() as u32);
        for node in (1..scores.len()).rev() {
            let (own, at) = (best[node], from[node]);
            for &parent in self.of(node) {
                let (known, known_at) = (best[parent as usize], from[parent as usize]);
                // Without a branch, which would be a coin that is tossed.
                let is_better = (own > known) | ((own == known) & (at < known_at));
                best[parent as usize] = if is_better { own } else { known };
                from[parent as usize] = if is_better { at } else { known_at };
            }
        }
        let mut loss = match &mut grad {
            None => T::softplus_sum(best, weights, 1.0, None),
            Some((grad, scale)) => {
                let terms = ordinary::first(terms, best.len());
                let loss = T::softplus_sum(best, weights, *scale, Some(terms));
                grad.fill(T::default());
                for (&from, &term) in from.iter().zip(&*terms).skip(1) {
                    let grad = &mut grad[column[from as usize] as usize];
                    *grad = *grad + term;
                }
                loss
            }
        };
        // Of the positive nodes alone.
        positive.iter().for_each(|&node| from[node as usize] = node);
        positive.sort_unstable();
        let mut see = |of: u32, other: u32| {
            let (known, best) = (from[of as usize], from[other as usize]);
            let [new, old] = [best, known].map(|node| scores[node as usize]);
            let is_better = if kind == Positive::SmallestAbove { new < old } else { new > old };
            if is_better || (new == old && best < known) {
                from[of as usize] = best;
            }
        };
        for at in 0..positive.len() {
            let node = if kind == Positive::SmallestAbove { positive[at] } else { positive[positive.len() - 1 - at] };
            for &parent in self.of(node as usize).iter().filter(|parent| **parent != 0) {
                if kind == Positive::SmallestAbove { see(node, parent) } else { see(parent, node) }
            }
        }
        for &node in &*positive {
            let weight = yes(node);
            if weight != 0.0 {
                let at = from[node as usize] as usize;
                let odds = Odds::of(scores[at].to_f64());
                let judged = odds.judge(weight, 0.0, 0.0);
                loss += judged.value;
                if let Some((grad, scale)) = &mut grad {
                    let grad = &mut grad[column[at] as usize];
                    *grad = *grad + T::from_f64(*scale * judged.by_score(odds));
                }
            }
        }
        loss
    }
}
