//! The table that is printed in the end.

use std::io::{self, Write};

use crate::train::run::RunResult;

/// Prints one line a run: the accuracies of its first set of rows from the finest level up, the severity of the
/// mistakes, the time. Of multi-label rows the average precisions, and that over all nodes.
pub(crate) fn write(out: &mut dyn Write, runs: &[RunResult]) -> io::Result<()> {
    let mut table: Vec<Vec<String>> = Vec::new();
    for run in runs {
        let Some(evaluation) = run.evaluations.first() else { continue };
        let levels = evaluation.scores.levels.iter().rev();
        if table.is_empty() {
            let names = levels.clone().map(|level| level.level.clone());
            let last = if evaluation.scores.is_multi_label { "all nodes" } else { "mistakes' LCA height" };
            let ends = [last.to_owned(), "seconds".to_owned()];
            table.push([String::new()].into_iter().chain(names).chain(ends).collect());
        }
        let accuracies = levels.map(|level| percent(level.shown()));
        let severity = evaluation.scores.mistake_severity.map_or("-".to_owned(), |height| format!("{height:.2}"));
        let micro = evaluation.scores.average_precision;
        let last = if evaluation.scores.is_multi_label { percent(micro) } else { severity };
        let ends = [last, format!("{:.1}", run.seconds)];
        table.push([run.name.clone()].into_iter().chain(accuracies).chain(ends).collect());
    }
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &table {
        write!(out, "{:<1$}", row[0], widths[0])?;
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `0.286` as `28.6 %`.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}
