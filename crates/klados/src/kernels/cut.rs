//! A softmax over a random cut of the tree.

use super::groups::{measure, spread};
use super::mass::Mass;
use super::pool::Pool;

/// The tables of a random cut.
#[derive(Debug)]
pub(crate) struct Cut {
    /// By node; nodes come after their parents.
    pub(crate) parent: Vec<u32>,
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
    pub(crate) fn draw(&self, row: usize, step: u64, members: &mut Vec<u32>, pool: &mut Pool) {
        let of_row = [self.seed, step, row as u64].into_iter().fold(0, next);
        // By node: whether it, or one above it, is in the cut.
        let mut covered = pool.indices(self.parent.len(), 0);
        members.clear();
        for node in 1..self.parent.len() {
            if covered[self.parent[node] as usize] == 1 {
                covered[node] = 1;
            } else if self.is_leaf[node] || uniform(next(of_row, u64::from(self.place[node]))) < self.p {
                covered[node] = 1;
                members.push(node as u32);
            }
        }
        pool.keep_indices(covered);
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
            parent: std::iter::repeat_n(0, 10_001).collect(),
            is_leaf: vec![false; 10_001],
            place: (0..10_001).collect(),
            p: 0.3,
            seed: 7,
        };
        let mut members = Vec::new();
        cut.draw(3, 1, &mut members, &mut Pool::default());
        // Binomial: 3000, standard deviation 46.
        assert!(members.len().abs_diff(3000) < 200, "{}", members.len());
    }
}
