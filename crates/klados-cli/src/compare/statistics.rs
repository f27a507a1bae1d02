//! Paired differences over splits that share training rows, and many of them at once.

use anyhow::{Context, Result};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// How often a difference that is there is to be found.
pub(crate) const POWER: f64 = 0.8;

/// What the differences of two arms on the same test rows, one a split, say of the difference on such data.
///
/// Splits share training rows, so their differences hang together, and the t test as if they did not finds differences
/// where there are none. The variance of the mean is therefore taken as `(1/n + test rows / train rows) s^2`, with `n - 1`
/// degrees of freedom (Nadeau & Bengio 2003; for repeated divisions into folds Bouckaert & Frank 2004).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Estimate {
    /// The mean of the differences.
    pub(crate) mean: f64,
    /// Its standard error.
    pub(crate) standard_error: f64,
    /// The degrees of freedom.
    pub(crate) degrees: usize,
    /// The probability of a difference as large if there is none, to either side.
    pub(crate) p: f64,
}

impl Estimate {
    /// From the differences, `ratio` test rows to one row that is trained on. Differences are known no better than to
    /// `grain`, of shares one row of a split: splits that agree more closely than that do so by chance.
    ///
    /// # Errors
    ///
    /// Fewer than two differences.
    pub(crate) fn new(differences: &[f64], ratio: f64, grain: f64) -> Result<Self> {
        let degrees = differences.len().checked_sub(1).filter(|degrees| *degrees > 0);
        let degrees = degrees.with_context(|| format!("{} splits, expected at least two", differences.len()))?;
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / degrees as f64;
        let standard_error = ((1.0 / n + ratio) * variance.max(grain.powi(2))).sqrt();
        let p = match mean == 0.0 {
            true => 1.0,
            false => 2.0 * student(degrees)?.sf((mean / standard_error).abs()),
        };
        Ok(Self { mean, standard_error, degrees, p })
    }

    /// The interval that misses the difference with probability `error`.
    pub(crate) fn interval(&self, error: f64) -> Result<[f64; 2]> {
        let half = self.standard_error * student(self.degrees)?.inverse_cdf(1.0 - error / 2.0);
        Ok([self.mean - half, self.mean + half])
    }

    /// The difference that would be found with probability [`POWER`], where `error` is that of finding one that is not there.
    pub(crate) fn detectable(&self, error: f64) -> Result<f64> {
        let student = student(self.degrees)?;
        Ok(self.standard_error * (student.inverse_cdf(1.0 - error / 2.0) + student.inverse_cdf(POWER)))
    }

    /// How many times as many rows would show a difference of `size` with probability [`POWER`]: the standard error falls
    /// with the root of the rows.
    pub(crate) fn times_the_rows(&self, size: f64, error: f64) -> Result<f64> {
        Ok((self.detectable(error)? / size).powi(2))
    }
}

fn student(degrees: usize) -> Result<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees as f64).context("Student's t")
}

/// Probabilities that hold together (Holm 1979): if each that is at most 0.05 is taken for a difference, the probability
/// that any of them is none is at most 0.05, however they depend on each other.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &place) in order.iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[place]).min(1.0);
        adjusted[place] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    #[test]
    fn student_s_t_is_that_of_tables() {
        // Two-sided 5 %: the tables of any textbook, to three decimals.
        for (degrees, expected) in [(1, 12.706), (2, 4.303), (5, 2.571), (9, 2.262), (29, 2.045)] {
            near(student(degrees).expect("t").inverse_cdf(0.975), expected, 5e-4);
        }
        // With one degree of freedom it is Cauchy's, with two it is t / sqrt(2 + t^2): both in closed form.
        let t = 63.656_741_162_871_58; // tan(0.495 pi)
        near(student(1).expect("t").inverse_cdf(0.995), t, 1e-9 * t);
        near(2.0 * student(2).expect("t").sf(3.0), 1.0 - 3.0 / 11f64.sqrt(), 1e-12);
        // The quantile is where the tail is, far out too.
        for error in [0.05, 0.05 / 40.0, 1e-6] {
            for degrees in [1, 2, 5, 30] {
                let student = student(degrees).expect("t");
                near(student.sf(student.inverse_cdf(1.0 - error / 2.0)) * 2.0 / error, 1.0, 1e-6);
            }
        }
    }

    #[test]
    fn the_corrected_variance_is_that_of_nadeau_and_bengio() {
        // By hand: mean 3, s^2 = (4 + 1 + 0 + 1 + 4) / 4 = 2.5; (1/5 + 1/4) 2.5 = 1.125.
        let estimate = Estimate::new(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25, 0.0).expect("five");
        assert_eq!((estimate.mean, estimate.degrees), (3.0, 4));
        near(estimate.standard_error, 1.125f64.sqrt(), 1e-15);
        // t = 3 / sqrt(1.125) = 2 sqrt(2). With 4 degrees of freedom the two-sided tail is 1 - u (3 - u^2) / 2 with
        // u = t / sqrt(4 + t^2) = sqrt(2/3): 1 - (7/6) sqrt(2/3).
        near(estimate.p, 1.0 - 7.0 / 6.0 * (2.0f64 / 3.0).sqrt(), 1e-12);
        // 2.776 in the tables.
        let [low, high] = estimate.interval(0.05).expect("an interval");
        near(low, 3.0 - 2.776 * 1.125f64.sqrt(), 1e-3);
        near(high, 3.0 + 2.776 * 1.125f64.sqrt(), 1e-3);
        // The interval ends at 0 where the error is p.
        near(estimate.interval(estimate.p).expect("an interval")[0], 0.0, 1e-9);
    }

    #[test]
    fn a_difference_that_is_the_same_everywhere_is_known_to_a_row() {
        let same = |grain| Estimate::new(&[0.1; 4], 0.25, grain).expect("four");
        near(same(0.1).standard_error, 0.1 * 0.5f64.sqrt(), 1e-15);
        assert!(same(0.1).p > 0.2 && same(0.001).p < 1e-3);
        assert_eq!(Estimate::new(&[0.0; 4], 0.25, 0.0).expect("four").p, 1.0);
        assert!(Estimate::new(&[0.1], 0.25, 0.0).is_err());
    }

    #[test]
    fn more_rows_are_needed_for_less() {
        let estimate = Estimate::new(&[0.0, 0.02, -0.01, 0.01, 0.0], 0.25, 0.0).expect("five");
        let detectable = estimate.detectable(0.05).expect("a number");
        near(estimate.times_the_rows(detectable, 0.05).expect("a number"), 1.0, 1e-12);
        near(estimate.times_the_rows(detectable / 3.0, 0.05).expect("a number"), 9.0, 1e-12);
        // 2.776 and 0.941 in the tables, for 97.5 % and 80 % at 4 degrees of freedom.
        near(detectable / estimate.standard_error, 3.717, 1e-3);
    }

    #[test]
    fn holm_steps_down() {
        // By hand: 0.01 x 4, then 0.02 x 3, then 0.03 x 2 which is no less, then 0.8.
        let adjusted = holm(&[0.02, 0.8, 0.01, 0.03]);
        for (found, expected) in adjusted.into_iter().zip([0.06, 0.8, 0.04, 0.06]) {
            near(found, expected, 1e-15);
        }
        assert_eq!(holm(&[0.7, 0.9]), [1.0, 1.0]);
        assert_eq!(holm(&[]), [0.0; 0]);
    }
}
