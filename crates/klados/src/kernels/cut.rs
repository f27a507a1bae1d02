//! A softmax over a random cut of the tree.

use super::groups::{measure, spread};
use super::mass::Mass;
use super::ordinary::{self, Buffers, Scaled};
use super::pool::Pool;
use crate::numeric::{Float, Run};

/// The tables of a random cut.
#[derive(Debug)]
pub(crate) struct Cut {
    /// By node: the first after it that is not below it. Nodes are in depth-first order.
    pub(crate) end: Vec<u32>,
    /// By node: whether it has no children.
    pub(crate) is_leaf: Vec<bool>,
    /// By node: its place by first appearance, which the draw is of.
    pub(crate) place: Vec<u32>,
    /// The probability that an internal node is closed.
    pub(crate) p: f64,
    pub(crate) seed: u64,
}

impl Cut {
    /// The topmost closed nodes and the leaves not below one, ascending.
    pub(crate) fn draw(&self, row: usize, step: u64, members: &mut Vec<u32>) {
        let of_row = [self.seed, step, row as u64].into_iter().fold(0, next);
        members.clear();
        let mut node = 1;
        while node < self.end.len() {
            if self.is_leaf[node] || uniform(next(of_row, u64::from(self.place[node]))) < self.p {
                members.push(node as u32);
                node = self.end[node] as usize;
            } else {
                node += 1;
            }
        }
    }

    /// `weight` times `-log P` of the member of the row's cut that is at or above a leaf, of an ordinary row by column; `None`
    /// for another. `column` is by node. The gradient is written.
    pub(crate) fn ordinary_row<T: Float>(
        &self,
        (row, step): (usize, u64),
        (leaf, weight): (u32, f64),
        (column, z): (&[u32], &[T]),
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { z: scores, terms, nodes: members, .. } = buffers;
        self.draw(row, step, members);
        // In depth-first order the last that does not come after it.
        let at = members.partition_point(|&member| member <= leaf) - 1;
        scores.clear();
        scores.extend(members.iter().map(|&node| z[column[node as usize] as usize]));
        let runs = [Run::new(at, 0), Run::new(at + 1, 1), Run::new(scores.len(), 0)];
        let mut sums = [0.0; 2];
        let mut terms = grad.is_some().then(|| ordinary::first(terms, scores.len()));
        let top = T::exp_runs(scores, &runs, &mut sums, terms.as_deref_mut());
        let [others, own] = sums;
        if !top.is_finite() || own < T::LEAST_SUM || (others < T::LEAST_SUM && scores.len() > 1) {
            return None;
        }
        let term = ordinary::term(own, others, 0.0);
        if let (Some((grad, scale)), Some(terms)) = (grad, terms) {
            let slope = scale * weight;
            T::scale_runs(terms, &runs, &[slope * term.outside, slope * term.inside]);
            grad.fill(T::default());
            for (&node, &term) in members.iter().zip(&*terms) {
                grad[column[node as usize] as usize] = term;
            }
        }
        Some(weight * term.value)
    }

    /// `sum_i -weights[i] log P(members[i])` of a softmax over the members. The gradient is added.
    pub(crate) fn row(
        members: &[u32],
        weights: &[f64],
        scores: &[f64],
        grad: Option<&mut [f64]>,
        pool: &mut Pool,
    ) -> f64 {
        let mut log_p = pool.floats(0, 0.0);
        measure(members, |node| Mass::of(scores[node as usize]), &mut log_p);
        // A term of weight 0 is left out, also where its probability is 0.
        let terms = weights.iter().zip(&log_p).filter(|(weight, _)| **weight != 0.0);
        let loss = terms.fold(0.0, |sum, (weight, log_p)| sum + weight * (0.0 - log_p));
        if let Some(grad) = grad {
            let mut after = pool.floats(0, 0.0);
            spread(members, &log_p, weights, &mut after, grad);
            pool.keep(after);
        }
        pool.keep(log_p);
        loss
    }
}

/// Takes one more number into a hash: the finalizer of `SplitMix64` (Steele, Lea & Flood 2014).
fn next(hash: u64, value: u64) -> u64 {
    let mut x = (hash ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// In `[0, 1)`, from the upper 53 bits.
fn uniform(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first output of `SplitMix64` with seed 0, as published with the generator.
    #[test]
    fn the_hash_is_that_of_splitmix64() {
        assert_eq!(next(0, 0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn the_share_of_closed_nodes_is_p() {
        let cut = Cut {
            end: (1..=10_001).collect(),
            is_leaf: vec![false; 10_001],
            place: (0..10_001).collect(),
            p: 0.3,
            seed: 7,
        };
        let mut members = Vec::new();
        cut.draw(3, 1, &mut members);
        // Binomial: 3000, standard deviation 46.
        assert!(members.len().abs_diff(3000) < 200, "{}", members.len());
    }
}
