//! Rows of numbers, each kept once with how often it occurs: what a bootstrap draws from.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::criterion::{InputError, InputErrorKind};

/// Rows that are the same are interchangeable, so they are counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(super) struct DistinctRows {
    /// Whether the rows have groups; not known of none.
    is_grouped: Option<bool>,
    /// How often each row occurs: its group, or 0, and the bits of its numbers.
    rows: HashMap<Box<[u64]>, u64>,
}

/// The serialized form: rows sorted, so that equal accumulators are equal text.
#[derive(Serialize, Deserialize)]
struct Stored {
    is_grouped: Option<bool>,
    rows: Vec<(Box<[u64]>, u64)>,
}

/// So often a row occurs at most, 70 billion times; more is counted as that.
const MOST: u64 = (1 << 36) - 1;

impl TryFrom<Stored> for DistinctRows {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { is_grouped, rows } = stored;
        let expected = rows.len();
        if is_grouped.is_none() && !rows.is_empty() {
            return Err("a bootstrap has rows and does not say whether they have groups".to_owned());
        }
        for (row, count) in &rows {
            if row.is_empty() || (is_grouped == Some(false) && row[0] != 0) {
                return Err("a row of a bootstrap without groups has one".to_owned());
            }
            if !(1..=MOST).contains(count) {
                return Err(format!("a row of a bootstrap occurs {count} times, expected 1 to {MOST}"));
            }
        }
        let rows: HashMap<Box<[u64]>, u64> = rows.into_iter().collect();
        match rows.len() == expected {
            true => Ok(Self { is_grouped, rows }),
            false => Err("a row of a bootstrap is there twice".to_owned()),
        }
    }
}

impl From<DistinctRows> for Stored {
    fn from(rows: DistinctRows) -> Self {
        let mut sorted: Vec<_> = rows.rows.into_iter().collect();
        sorted.sort_unstable();
        Self { is_grouped: rows.is_grouped, rows: sorted }
    }
}

impl DistinctRows {
    /// Says of the next rows whether they have groups: all or none have.
    pub(super) fn group(&mut self, is_grouped: Option<bool>) -> Result<(), InputError> {
        match (self.is_grouped, is_grouped) {
            (_, None) => {}
            (None, _) => self.is_grouped = is_grouped,
            (Some(known), Some(new)) if known == new => {}
            _ => {
                let message = "some rows have groups and some have not; give all or none a group";
                return Err(InputError::new(InputErrorKind::Shape, message));
            }
        }
        Ok(())
    }

    pub(super) fn is_grouped(&self) -> bool {
        self.is_grouped == Some(true)
    }

    /// Adds a row: its group, or 0, and the bits of its numbers.
    pub(super) fn add(&mut self, row: &[u64]) {
        self.add_times(row, 1);
    }

    fn add_times(&mut self, row: &[u64], times: u64) {
        match self.rows.get_mut(row) {
            Some(count) => *count = count.saturating_add(times).min(MOST),
            None => _ = self.rows.insert(row.into(), times),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        self.group(other.is_grouped)?;
        other.rows.iter().for_each(|(row, count)| self.add_times(row, *count));
        Ok(())
    }

    /// The rows with how often they occur, sorted.
    pub(super) fn sorted(&self) -> Vec<(&[u64], u64)> {
        let mut rows: Vec<(&[u64], u64)> = self.rows.iter().map(|(row, count)| (&row[..], *count)).collect();
        rows.sort_unstable();
        rows
    }

    /// The first row for which a check has something to say.
    pub(super) fn check(&self, check: impl Fn(&[u64]) -> Result<(), String>) -> Result<(), String> {
        self.rows.keys().try_for_each(|row| check(&row[1..]))
    }
}
