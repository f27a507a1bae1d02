//! `--check`: the gradient against central differences.

use std::io::Write;
use std::ops::Range;

use anyhow::Result;
use klados::explain::{self, ColumnDifference, Comparison};
use serde::Serialize;

use super::Rows;
use crate::cmd::colour::{Colours, Tone};
use crate::cmd::format::rounded;

/// How much of the largest share a gradient may be off by, beside what the differences lose by rounding.
const TOLERANCE: f64 = 1e-8;

/// How far the gradient is from central differences of the loss, where that is nearest to too far, or furthest beyond.
///
/// There are two gradients: that of the shares, which is printed, and that of the kernels, with which one trains.
#[derive(Debug, Serialize)]
pub(super) struct Differences {
    /// Whether it is as near as is allowed, everywhere.
    pub(super) agrees: bool,
    /// How many rows were looked at.
    rows: usize,
    largest: f64,
    /// Where; none where nothing differs at all.
    row: Option<usize>,
    column: Option<String>,
    allowed: f64,
}

impl Differences {
    /// Of some rows.
    ///
    /// # Errors
    ///
    /// A label that does not fit; labels have been checked before.
    pub(super) fn of_rows(rows: &Rows<'_>, range: Range<usize>) -> Result<Self> {
        let (criterion, count) = (rows.criterion, range.len());
        let mut losses = vec![0.0; rows.labels.len()];
        let mut trained = vec![0.0; rows.logits.len()];
        // Of all rows: losses that draw at random do so by the place in the batch.
        criterion.forward_backward(&rows.logits, rows.labels, &mut losses, &mut trained)?;
        let mut worst = Self { agrees: true, rows: count, largest: 0.0, row: None, column: None, allowed: 0.0 };
        for row in range {
            let (logits, label) = (rows.row(row), &rows.labels[row]);
            let differences = explain::central_differences(criterion, logits, label, row)?;
            let (shares, largest_share) = gradient(rows, row)?;
            let allowed = differences.rounding + TOLERANCE * largest_share;
            let columns = criterion.columns();
            for gradient in [&shares[..], &trained[row * columns..(row + 1) * columns]] {
                worst.see(row, explain::compare(criterion, &differences.gradient, gradient, 0.0)?, allowed);
            }
        }
        Ok(worst)
    }

    /// Takes a row's comparison in.
    fn see(&mut self, row: usize, comparison: Comparison, allowed: f64) {
        let Some(ColumnDifference { name, error, .. }) = comparison.columns.into_iter().next() else { return };
        let is_within = error.abs() <= allowed;
        self.agrees &= is_within;
        // Multiplied out, as there may be nothing that is allowed; NaN is further off than anything.
        if self.row.is_none() || error.is_nan() || error.abs() * self.allowed > self.largest * allowed {
            (self.largest, self.row, self.column, self.allowed) = (error.abs(), Some(row), Some(name), allowed);
        }
    }

    /// In a line.
    pub(super) fn write(&self, colours: Colours, out: &mut dyn Write) -> Result<()> {
        let (tone, verdict) = match self.agrees {
            true => (Tone::Up, "it is the gradient"),
            false => (Tone::Down, "it is not the gradient"),
        };
        let verdict = colours.paint(tone, verdict);
        let rows = if self.rows == 1 { "1 row".to_owned() } else { format!("{} rows", self.rows) };
        let (Some(row), Some(column)) = (self.row, &self.column) else {
            return Ok(writeln!(out, "\ncentral differences in {rows}: {verdict}, to the last bit")?);
        };
        let (largest, allowed) = (rounded(self.largest), rounded(self.allowed));
        writeln!(out, "\ncentral differences in {rows}: {verdict}")?;
        Ok(writeln!(out, "off by {largest} at {column} in row {row}, where {allowed} is allowed")?)
    }
}

/// The sum of the shares by column, and the largest of them.
fn gradient(rows: &Rows<'_>, row: usize) -> Result<(Vec<f64>, f64)> {
    let (mut gradient, mut largest) = (vec![0.0; rows.criterion.columns()], 0.0);
    let outcome = explain::for_each_term(rows.criterion, rows.row(row), &rows.labels[row], row, |at| {
        for (column, share) in at.shares {
            gradient[column as usize] += share;
            largest = share.abs().max(largest);
        }
    })?;
    if outcome == explain::Outcome::NotANumber {
        gradient.fill(f64::NAN);
    }
    Ok((gradient, largest))
}
