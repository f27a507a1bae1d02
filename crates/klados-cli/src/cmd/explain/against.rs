//! `--against`: a gradient of the user's own, and the mistake that gives it.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use klados::explain::{self, ColumnDifference, Comparison, Diagnosis, Mistake};
use serde::Serialize;

use super::Rows;
use super::table::{Side, Table};
use crate::cmd::colour::{Colours, Tone};
use crate::cmd::format::rounded;
use crate::cmd::loss_input::{self, LossInputArgs};
use crate::data::matrix::MatrixReader;
use crate::data::values::Kind;

/// So many entries that differ are shown to people; programs get all.
const SHOWN: usize = 10;

/// A gradient against the right one.
#[derive(Debug, Serialize)]
pub(super) struct Against {
    file: PathBuf,
    reduction: &'static str,
    pub(super) is_right: bool,
    /// How many entries it has.
    entries: usize,
    comparison: Comparison,
    mistakes: Vec<Named>,
}

/// A mistake, and what to do about it.
#[derive(Debug, Serialize)]
struct Named {
    mistake: Mistake,
    message: String,
}

/// Reads the gradient in a file and compares it.
///
/// # Errors
///
/// When the file cannot be read, or has not the shape of the logits.
pub(super) fn compare(file: &Path, input: &LossInputArgs, rows: &Rows<'_>) -> Result<Against> {
    let mut reader = MatrixReader::open(file)?;
    reader.arrange(&input.layout(rows.criterion))?;
    let given = reader.read_all()?;
    if given.rows != rows.labels.len() {
        let (shown, logits) = (file.display(), input.logits.display());
        let (found, wanted, columns) = (given.rows, rows.labels.len(), rows.criterion.columns());
        bail!(
            "{shown} has shape [{found}, {columns}], but {logits} has shape [{wanted}, {columns}]: expected the gradient by \
             each logit"
        );
    }
    let reduction = rows.criterion.loss().reduction();
    let (tolerance, entries) = (tolerance(given.values.kind()), rows.logits.len());
    let Diagnosis { comparison, mistakes } =
        explain::diagnose(rows.criterion, &rows.logits, rows.labels, &given.values.to_f64(), reduction, tolerance)?;
    let named = |mistake: Mistake| Named { mistake, message: mistake.to_string() };
    Ok(Against {
        file: file.to_owned(),
        reduction: loss_input::name(reduction),
        is_right: comparison.columns.is_empty(),
        entries,
        comparison,
        mistakes: mistakes.into_iter().map(named).collect(),
    })
}

/// Relative to the largest share. Of half types a few units in the last place.
fn tolerance(kind: Kind) -> f64 {
    match kind {
        Kind::F64 | Kind::F32 => explain::TOLERANCE,
        Kind::F16 => 1.0 / 512.0,
        Kind::Bf16 => 1.0 / 64.0,
    }
}

impl Against {
    /// Whether it is right; if not, where it differs and what it is instead.
    pub(super) fn write(&self, colours: Colours, out: &mut dyn Write) -> Result<()> {
        let (file, allowed) = (self.file.display(), rounded(self.comparison.allowed));
        let of = match self.reduction {
            "none" => "each row's own loss".to_owned(),
            reduction => format!("the {reduction} loss"),
        };
        let largest = rounded(self.comparison.largest);
        if self.is_right {
            let verdict = colours.paint(Tone::Up, "right");
            writeln!(out, "\n{file}: {verdict}, the gradient of {of}")?;
            return Ok(writeln!(out, "off by {largest} at most, where {allowed} is allowed")?);
        }
        let (verdict, count) = (colours.paint(Tone::Down, "wrong"), self.comparison.columns.len());
        writeln!(out, "\n{file}: {verdict}, not the gradient of {of}")?;
        writeln!(out, "{count} of {} entries differ by more than {allowed}, by {largest} at most", self.entries)?;
        self.write_entries(colours, out)?;
        writeln!(out)?;
        self.write_mistakes(colours, out)
    }

    fn write_entries(&self, colours: Colours, out: &mut dyn Write) -> Result<()> {
        let header = [
            ("column", Side::Left),
            ("row", Side::Right),
            ("right", Side::Right),
            ("given", Side::Right),
            ("off by", Side::Right),
        ];
        let mut table = Table::new(&header);
        for ColumnDifference { row, name, expected, given, error, .. } in self.comparison.columns.iter().take(SHOWN) {
            let numbers = [*expected, *given, *error].map(rounded);
            table.push(Tone::Plain, [vec![name.clone(), row.to_string()], numbers.to_vec()].concat());
        }
        let count = self.comparison.columns.len();
        if count > SHOWN {
            table.push(Tone::Plain, vec![format!("... and {} more", count - SHOWN)]);
        }
        table.write(colours, out)
    }

    fn write_mistakes(&self, colours: Colours, out: &mut dyn Write) -> Result<()> {
        if self.mistakes.is_empty() {
            writeln!(out, "None of the usual mistakes alone gives these numbers. There may be two: compare a")?;
            return Ok(writeln!(out, "file of one row, and a loss with a weight on one level, first.")?);
        }
        let found = if self.mistakes.len() == 1 { "This gives the same:" } else { "Each of these gives the same:" };
        writeln!(out, "{}", colours.paint(Tone::Strong, found))?;
        for Named { message, .. } in &self.mistakes {
            writeln!(out, "- {message}")?;
        }
        Ok(())
    }
}
