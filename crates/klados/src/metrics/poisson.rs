//! Counts of a Poisson distribution from the bits of a hash.

/// The distribution of the sum of `mean` independent Poisson counts of mean 1, as a table: a hash that is uniform over 64 bits
/// becomes a count by inversion. Made of sums, products and quotients alone, so that every machine draws the same.
#[derive(Debug)]
pub(super) struct Poisson {
    /// The count of the first entry.
    least: u64,
    /// `P(count <= least + i)` in units of `2^-64`; the last is the largest number.
    cumulative: Vec<u64>,
    /// By the first bits of the hash: where the search begins.
    guide: Vec<u32>,
}

/// Bits of the hash that the guide is for.
const GUIDE: u32 = 10;

impl Poisson {
    /// Of a mean of at least 1.
    pub(super) fn new(mean: u64) -> Self {
        let mean_f64 = mean as f64;
        // Terms relative to the one at the mode, which is `mean`, down and up until they are negligible.
        let negligible = 2f64.powi(-75);
        let mut down = Vec::new();
        let (mut term, mut count) = (1.0, mean);
        while count > 0 && term > negligible {
            term *= count as f64 / mean_f64;
            count -= 1;
            down.push(term);
        }
        let mut terms: Vec<f64> = down.into_iter().rev().collect();
        let least = mean - terms.len() as u64;
        terms.push(1.0);
        let (mut term, mut count) = (1.0, mean);
        while term > negligible {
            count += 1;
            term *= mean_f64 / count as f64;
            terms.push(term);
        }
        let total: f64 = terms.iter().sum();
        let mut sum = 0.0;
        let mut cumulative: Vec<u64> = terms
            .iter()
            .map(|term| {
                sum += term;
                (sum / total * 2f64.powi(64)) as u64 // ends at the largest number
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = u64::MAX;
        }
        let mut guide = Vec::with_capacity(1 << GUIDE);
        let mut at = 0;
        for prefix in 0..1u64 << GUIDE {
            while cumulative[at] < prefix << (64 - GUIDE) {
                at += 1;
            }
            guide.push(at as u32);
        }
        Self { least, cumulative, guide }
    }

    /// The count of a hash.
    #[inline(always)]
    pub(super) fn count(&self, hash: u64) -> u64 {
        let mut at = self.guide[(hash >> (64 - GUIDE)) as usize] as usize;
        while self.cumulative[at] < hash {
            at += 1;
        }
        self.least + at as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mean_1() {
        // e^-1 / k!, k = 0 to 4.
        let poisson = Poisson::new(1);
        let shares =
            [0.36787944117144233, 0.36787944117144233, 0.18393972058572117, 0.06131324019524039, 0.015328310048810098];
        let mut above = 0.0;
        for (count, share) in shares.iter().enumerate() {
            let up_to = ((above + share) * 2f64.powi(64)) as u64;
            let first = (above * 2f64.powi(64)) as u64;
            // Within roundings of the edges.
            assert_eq!(poisson.count(first + (1 << 12)), count as u64);
            assert_eq!(poisson.count(up_to - (1 << 12)), count as u64);
            above += share;
        }
        assert_eq!(poisson.count(0), 0);
        assert!((15..40).contains(&poisson.count(u64::MAX))); // P(count > 17) is 6e-17
    }

    /// Mean and variance of the table are both the mean of the distribution, and so is the third central moment.
    #[test]
    fn moments() {
        for mean in [1u64, 2, 3, 10, 1000, 1_000_000] {
            let poisson = Poisson::new(mean);
            let mut below = 0.0;
            let (mut first, mut second, mut third) = (0.0, 0.0, 0.0);
            for (at, cumulative) in poisson.cumulative.iter().enumerate() {
                let up_to = *cumulative as f64 / 2f64.powi(64);
                let off = (poisson.least + at as u64) as f64 - mean as f64;
                let share = up_to - below;
                first += share * off;
                second += share * off * off;
                third += share * off * off * off;
                below = up_to;
            }
            let scale = (mean as f64).sqrt();
            assert!(first.abs() < 1e-12 * scale, "{mean}: {first}");
            assert!((second / mean as f64 - 1.0).abs() < 1e-11, "{mean}: {second}");
            assert!((third / mean as f64 - 1.0).abs() < 1e-9 * scale, "{mean}: {third}");
        }
    }
}
