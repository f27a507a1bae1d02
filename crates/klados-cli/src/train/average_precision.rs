//! Average precision: how well scores put what holds before what does not, whatever the threshold.

/// The scores of nodes that hold and of those that do not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranking {
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl Ranking {
    /// Adds one node of one row.
    pub(crate) fn add(&mut self, score: f64, holds: bool) {
        if holds { &mut self.positive } else { &mut self.negative }.push(score);
    }

    /// `sum_n (R_n - R_{n-1}) P_n` over the different scores `n` from the largest down, with precision `P_n` and recall
    /// `R_n` of everything that has this score or a larger one: scikit-learn's `average_precision_score`. None where
    /// nothing holds or a score is NaN.
    pub(crate) fn average_precision(mut self) -> Option<f64> {
        let scores = || self.positive.iter().chain(&self.negative);
        if self.positive.is_empty() || scores().any(|score| score.is_nan()) {
            return None;
        }
        for scores in [&mut self.positive, &mut self.negative] {
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
        }
        let (mut found, mut wrong, mut sum) = (0usize, 0usize, 0.0);
        for equal in self.positive.chunk_by(|a, b| a == b) {
            found += equal.len();
            wrong += self.negative[wrong..].iter().take_while(|score| **score >= equal[0]).count();
            sum += equal.len() as f64 * (found as f64 / (found + wrong) as f64);
        }
        Some(sum / self.positive.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn average_precision(scores: &[(f64, bool)]) -> Option<f64> {
        let mut ranking = Ranking::default();
        scores.iter().for_each(|(score, holds)| ranking.add(*score, *holds));
        ranking.average_precision()
    }

    #[test]
    fn as_by_hand() {
        // The example of scikit-learn's documentation: 1/2 * 1 + 1/2 * 2/3.
        let example = [(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
        assert!(average_precision(&example).is_some_and(|found| (found - 5.0 / 6.0).abs() < 1e-15));
        // Equal scores are one threshold: both are found at precision 2/3, in whatever order they come.
        assert_eq!(average_precision(&[(0.5, true), (0.5, false), (0.5, true)]), Some(2.0 / 3.0));
        // Recalls of 1/3, 2/3 and 1 at precisions of 1, 2/3 and 3/5.
        let mixed = [(3.0, true), (2.0, false), (1.0, true), (0.0, false), (-1.0, true), (-2.0, false)];
        assert!(average_precision(&mixed).is_some_and(|found| (found - 34.0 / 45.0).abs() < 1e-15));
        // 0 and -0 are equal.
        assert_eq!(average_precision(&[(0.0, true), (-0.0, false), (-0.0, true)]), Some(2.0 / 3.0));
    }

    #[test]
    fn at_the_ends() {
        assert_eq!(average_precision(&[(1.0, true), (0.0, false)]), Some(1.0));
        assert_eq!(average_precision(&[(f64::NEG_INFINITY, true), (0.0, false)]), Some(0.5));
        assert_eq!(average_precision(&[(1.0, false)]), None);
        assert_eq!(average_precision(&[]), None);
        assert_eq!(average_precision(&[(f64::NAN, false), (1.0, true)]), None);
    }
}
