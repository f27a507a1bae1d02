//! The weights that replicates of a bootstrap draw.

use std::collections::HashMap;

use super::Resampling;
use super::poisson::Poisson;

/// Weights of what is drawn, which occurs some times each: of every replicate one weight a unit, of the Poisson distribution
/// with that mean. Each is a hash of the seed, the replicate and the unit's place, so that any part is drawn alone.
pub(super) struct Draws {
    tables: Vec<Poisson>,
    /// By unit: the table of the lower bits of its count, or [`NONE`].
    table_of: Vec<u32>,
    /// The units that occur more often: by place, the tables of the higher bits of their counts.
    others: HashMap<usize, Vec<u32>>,
    seed: u64,
}

/// A count has a table of its own up to here, which is some twenty times the root of it long. What is above is drawn from the
/// tables of the powers of 2 that it is the sum of: so the tables of any counts take some 100 MB at most.
const OWN: u32 = 12;

/// No table: the count has no lower bits.
const NONE: u32 = u32::MAX;

/// The finalizer of SplitMix64.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// As in the draw of random cuts (docs/definitions.md).
#[inline(always)]
pub(super) fn next(hash: u64, value: u64) -> u64 {
    mix((hash ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15))
}

impl Draws {
    /// Of units that occur so many times.
    pub(super) fn new(counts: impl IntoIterator<Item = u64>, resampling: Resampling) -> Self {
        // One table a count; most units occur once.
        let mut places: HashMap<u64, u32> = HashMap::new();
        let mut tables: Vec<Poisson> = Vec::new();
        let mut place = |count: u64| {
            *places.entry(count).or_insert_with(|| {
                tables.push(Poisson::new(count));
                tables.len() as u32 - 1
            })
        };
        let (mut table_of, mut others) = (Vec::new(), HashMap::new());
        for (unit, count) in counts.into_iter().enumerate() {
            let lower = count & ((1 << OWN) - 1);
            table_of.push(if lower == 0 { NONE } else { place(lower) });
            let higher: Vec<u32> = (OWN..64).filter(|bit| count >> bit & 1 == 1).map(|bit| place(1 << bit)).collect();
            if !higher.is_empty() {
                others.insert(unit, higher);
            }
        }
        Self { tables, table_of, others, seed: next(0, resampling.seed) }
    }

    /// The weights in a replicate of as many units as fit, from one on.
    pub(super) fn weights(&self, replicate: usize, first: usize, out: &mut [f64]) {
        let key = next(self.seed, replicate as u64);
        for (unit, (weight, table)) in (first..).zip(out.iter_mut().zip(&self.table_of[first..])) {
            let hash = next(key, unit as u64);
            *weight = if *table == NONE { 0.0 } else { self.tables[*table as usize].count(hash) as f64 };
        }
        if !self.others.is_empty() {
            self.add_others(key, first, out);
        }
    }

    fn add_others(&self, key: u64, first: usize, out: &mut [f64]) {
        for (unit, weight) in (first..).zip(out) {
            let hash = next(key, unit as u64);
            for table in self.others.get(&unit).into_iter().flatten() {
                *weight += self.tables[*table as usize].count(next(hash, u64::from(*table))) as f64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of the weights are the count.
    #[test]
    fn weights_of_any_count() {
        for count in [1u64, 5, 4095, 4096, 4097, 1_000_000, 123_456_789, (1 << 36) - 1] {
            let replicates = 20_000;
            let draws = Draws::new([3, count], Resampling::default());
            let mut weight = [0.0];
            let (mut sum, mut squares) = (0.0, 0.0);
            for replicate in 0..replicates {
                draws.weights(replicate, 1, &mut weight);
                let off = weight[0] - count as f64;
                sum += off;
                squares += off * off;
            }
            let (mean, variance) = (sum / replicates as f64, squares / replicates as f64);
            let deviation = (count as f64).sqrt();
            // Five standard errors: of a mean 1 / sqrt(n), of a variance sqrt((2 + 1 / count) / n).
            let root = (replicates as f64).sqrt();
            assert!(mean.abs() < 5.0 * deviation / root, "{count}: {mean}");
            assert!((variance / count as f64 - 1.0).abs() < 5.0 * 1.8 / root, "{count}: {variance}");
        }
    }

    #[test]
    fn parts_are_drawn_alone() {
        let draws = Draws::new([1, 2, 1 << 20, 1, 5000, 1], Resampling::default());
        let (mut all, mut part) = ([0.0; 6], [0.0; 3]);
        draws.weights(7, 0, &mut all);
        draws.weights(7, 2, &mut part);
        assert_eq!(all[2..5], part);
    }
}
