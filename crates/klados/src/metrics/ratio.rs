//! Metrics that are a ratio of two sums over rows.

use serde::{Deserialize, Serialize};

use super::state::{Origin, check_count, check_names, check_sums};
use super::{ExactSum, LevelValue, Levels, share};
use crate::criterion::{InputError, InputErrorKind};

/// What a row adds to a metric that is a ratio of two sums over rows: to the one above and to the one below the line. Both
/// are 0 where the row takes no part.
///
/// Accuracy adds its weight below, and above where the row is right; a micro F1 adds twice the common count above and both
/// counts below. What [`Bootstrap`](super::Bootstrap) draws from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Above the line.
    pub numerator: f64,
    /// Below the line.
    pub denominator: f64,
}

impl Ratio {
    /// Of `value` once, with a weight.
    pub(super) fn weighted(value: f64, weight: f64) -> Self {
        // A weight of 0 takes an infinite value away too.
        let numerator = if weight == 0.0 { 0.0 } else { weight * value };
        Self { numerator, denominator: weight }
    }

    /// Of a row that counts or does not, with a weight.
    pub(super) fn share(counts: bool, weight: f64) -> Self {
        Self::weighted(f64::from(u8::from(counts)), weight)
    }

    /// The ratios of several metrics, or of several models, side by side: of parts `[batch, width]` each one
    /// `[batch, sum of widths]`.
    ///
    /// # Errors
    ///
    /// A part whose length is not a multiple of the number of rows.
    ///
    /// ```
    /// use klados::metrics::Ratio;
    ///
    /// let of = |numerator| Ratio { numerator, denominator: 1.0 };
    /// let (one, other) = ([of(1.0), of(2.0)], [of(10.0), of(11.0), of(20.0), of(21.0)]); // two rows; one and two metrics
    /// let all = Ratio::side_by_side(2, &[&one, &other])?;
    /// assert_eq!(all, [1.0, 10.0, 11.0, 2.0, 20.0, 21.0].map(of));
    /// # Ok::<(), klados::InputError>(())
    /// ```
    pub fn side_by_side(rows: usize, parts: &[&[Ratio]]) -> Result<Vec<Ratio>, InputError> {
        for part in parts {
            let fits = if rows == 0 { part.is_empty() } else { part.len() % rows == 0 };
            if !fits {
                let message = format!("{} ratios are not a multiple of {rows} rows", part.len());
                return Err(InputError::new(InputErrorKind::Shape, message));
            }
        }
        let of = |row: usize| {
            parts.iter().flat_map(move |part| {
                let width = part.len() / rows;
                &part[row * width..(row + 1) * width]
            })
        };
        Ok((0..rows).flat_map(of).copied().collect())
    }
}

/// The sums of [`Ratio`]s of each level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LevelRatios {
    pub(super) of: Origin,
    levels: Vec<String>,
    sums: Vec<[ExactSum; 2]>,
}

impl LevelRatios {
    pub(super) fn new(levels: &Levels) -> Self {
        let names: Vec<String> = levels.all().iter().map(|level| level.name().to_owned()).collect();
        Self { of: Origin::new(levels), sums: vec![Default::default(); names.len()], levels: names }
    }

    /// What is wrong with them as sums of these levels.
    pub(super) fn check(&self, levels: &Levels) -> Result<(), String> {
        check_names(self.levels.iter(), levels)?;
        check_count("sums", self.sums.len(), self.levels.len())?;
        check_sums(self.sums.iter().flatten())
    }

    /// Adds rows, `[batch, levels]`.
    pub(super) fn add(&mut self, ratios: &[Ratio]) {
        for ratios in ratios.chunks_exact(self.sums.len().max(1)) {
            for ([numerator, denominator], ratio) in self.sums.iter_mut().zip(ratios) {
                numerator.add(ratio.numerator);
                denominator.add(ratio.denominator);
            }
        }
    }

    /// Of the same levels.
    pub(super) fn merge(&mut self, other: &Self) {
        for (sums, more) in self.sums.iter_mut().zip(&other.sums) {
            sums.iter_mut().zip(more).for_each(|(sum, more)| sum.merge(more));
        }
    }

    pub(super) fn compute(&self) -> Vec<LevelValue> {
        let of = |(level, [numerator, denominator]): (&String, &[ExactSum; 2])| LevelValue {
            level: level.clone(),
            rows: denominator.value(),
            value: share(numerator, denominator),
        };
        self.levels.iter().zip(&self.sums).map(of).collect()
    }
}
