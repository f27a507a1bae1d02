//! What rows add to metrics that are no ratio of two sums.

use serde::{Deserialize, Serialize};

use crate::criterion::{InputError, InputErrorKind};

/// What each row of a batch adds to metrics that are no ratio of two sums over rows: areas of curves, calibration errors and
/// means over nodes. A few numbers a row, from which a [`RowBootstrap`](super::RowBootstrap) computes such metrics again for
/// every replicate. They come from the metrics' `contributions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    parts: Vec<Part>,
    /// Of all rows: what each part keeps, as bits of numbers.
    words: Vec<u64>,
    /// Where each row ends.
    ends: Vec<usize>,
}

/// What of a row is kept for some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// The log-probability of the answer, and the weight, negative where it is wrong; 0 and 0 where there is none. Makes the
    /// area under the risk-coverage curve, its excess, and the calibration error with so many bins.
    Confidence { bins: usize },
    /// How many nodes hold, and of each its index and the weight, negative where it is not the answer. Makes the mean, over the
    /// nodes, of the share that is right.
    Shares,
    /// How many entries there are, and these: weight, recall, precision, right and exact of the root as the answer; then, by
    /// falling log-probability, this and the changes of the four. Makes the three areas of an operating curve.
    Operating,
}

impl Part {
    /// How many numbers it makes.
    pub(super) fn numbers(self) -> usize {
        match self {
            Self::Confidence { .. } | Self::Operating => 3,
            Self::Shares => 1,
        }
    }

    /// The size of an entry.
    fn width(self) -> usize {
        if self == Self::Operating { 5 } else { 2 }
    }

    /// The entries of this part, and what follows them in the row. None where the row is too short.
    pub(super) fn entries(self, row: &[u64]) -> Option<(&[u64], &[u64])> {
        match self {
            Self::Confidence { .. } => row.split_at_checked(2),
            Self::Shares | Self::Operating => {
                let (count, rest) = row.split_first()?;
                rest.split_at_checked(usize::try_from(*count).ok()?.checked_mul(self.width())?)
            }
        }
    }

    /// What is wrong with it, or with entries of it, that were read from somewhere.
    pub(super) fn check(self, entries: &[u64]) -> Result<(), String> {
        let is_log_p = |number: f64| (f64::MIN..=0.0).contains(&number);
        let fits = |(at, entry): (usize, &[u64])| match self {
            Self::Confidence { .. } => is_log_p(f64::from_bits(entry[0])) && f64::from_bits(entry[1]).is_finite(),
            Self::Shares => u32::try_from(entry[0]).is_ok() && f64::from_bits(entry[1]).is_finite() && entry[1] != 0,
            Self::Operating => {
                let numbers: Vec<f64> = entry.iter().map(|bits| f64::from_bits(*bits)).collect();
                let first = if at == 0 { numbers[0] > 0.0 } else { is_log_p(numbers[0]) };
                first && numbers.iter().all(|number| number.is_finite())
            }
        };
        match entries.chunks_exact(self.width()).enumerate().all(fits) {
            true => Ok(()),
            false => Err("a row of a bootstrap has a number outside of its range".to_owned()),
        }
    }
}

/// What is wrong with a row of these parts that was read from somewhere.
pub(super) fn check_row(parts: &[Part], row: &[u64]) -> Result<(), String> {
    let length = || "a row of a bootstrap has another length than its parts".to_owned();
    let mut rest = row;
    for part in parts {
        let (entries, more) = part.entries(rest).ok_or_else(length)?;
        part.check(entries)?;
        rest = more;
    }
    if rest.is_empty() { Ok(()) } else { Err(length()) }
}

impl Contributions {
    /// Of no rows yet.
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self { parts, words: Vec::new(), ends: Vec::new() }
    }

    /// Adds the log-probability of an answer, for [`Part::Confidence`]; none where the row takes no part.
    pub(super) fn push_confidence(&mut self, answer: Option<(f64, bool)>, weight: f64) {
        let (log_p, weight) = match answer {
            Some((log_p, is_right)) if weight > 0.0 => (log_p.max(f64::MIN), if is_right { weight } else { -weight }),
            _ => (0.0, 0.0),
        };
        self.words.extend([log_p, weight].map(bits));
    }

    /// Adds the nodes that hold, and whether each is answered, for [`Part::Shares`].
    pub(super) fn push_shares(&mut self, nodes: impl Iterator<Item = (crate::NodeId, bool)>, weight: f64) {
        let count = self.words.len();
        self.words.push(0);
        for (node, is_right) in nodes.filter(|_| weight > 0.0) {
            self.words.extend([u64::from(node.0), bits(if is_right { weight } else { -weight })]);
            self.words[count] += 1;
        }
    }

    /// Adds the root's entry and the changes of a trajectory, for [`Part::Operating`]; nothing where the row takes no part.
    pub(super) fn push_operating(&mut self, entries: &[[f64; 5]]) {
        self.words.push(entries.len() as u64);
        self.words.extend(entries.iter().flatten().copied().map(bits));
    }

    /// Ends a row: all its parts are there.
    pub(super) fn end_row(&mut self) {
        self.ends.push(self.words.len());
    }

    /// Adds a row that is there already.
    #[cfg(test)]
    pub(super) fn words_of(&mut self, row: &[u64]) {
        self.words.extend_from_slice(row);
        self.end_row();
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// How many numbers come from them: of these there are intervals.
    pub fn numbers(&self) -> usize {
        self.parts.iter().map(|part| part.numbers()).sum()
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What is kept of a row.
    pub(super) fn row(&self, row: usize) -> &[u64] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.words[start..self.ends[row]]
    }

    /// What the same rows add to several metrics, or to those of several models: the numbers of the first come first.
    ///
    /// # Errors
    ///
    /// Other numbers of rows.
    pub fn side_by_side(all: &[&Self]) -> Result<Self, InputError> {
        let rows = all.first().map_or(0, |first| first.rows());
        if let Some(other) = all.iter().find(|other| other.rows() != rows) {
            let message =
                format!("contributions of {rows} rows and of {} rows do not stand side by side", other.rows());
            return Err(InputError::new(InputErrorKind::Shape, message));
        }
        let mut together = Self::new(all.iter().flat_map(|one| &one.parts).copied().collect());
        for row in 0..rows {
            all.iter().for_each(|one| together.words.extend_from_slice(one.row(row)));
            together.end_row();
        }
        Ok(together)
    }
}

/// The bits of a number; -0 is 0.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}
