//! An evaluation as tables for people.

use std::io::Write;

use anyhow::Result;

use crate::cmd::format::{Number, rounded};
use crate::evaluate::result::{Comparison, Estimate, Evaluation, Level, Model, Value};

/// Metrics of answers and of probabilities, in the order in which they are shown.
const METRICS: [(&str, &str); 14] = [
    ("lca_height", "lca height"),
    ("mistake_severity", "severity"),
    ("distance_at_5", "distance at 5"),
    ("wasserstein", "wasserstein"),
    ("hierarchical_precision_micro", "hier. precision"),
    ("hierarchical_recall_micro", "hier. recall"),
    ("hierarchical_f1_micro", "hier. F1"),
    ("hierarchical_f1_macro", "macro F1"),
    ("lca_f1", "lca F1"),
    ("information_f1", "information F1"),
    ("average_precision", "average precision"),
    ("auprc_micro", "AUPRC micro"),
    ("auprc_macro", "AUPRC macro"),
    ("violations", "violations"),
];

/// Writes the tables.
pub(crate) fn write(evaluation: &Evaluation, out: &mut dyn Write) -> Result<()> {
    let rows = counted(evaluation.rows);
    let ignored = if evaluation.ignored > 0 { format!(", {} ignored", evaluation.ignored) } else { String::new() };
    let skipped = if evaluation.skipped > 0 { format!(", {} left out", evaluation.skipped) } else { String::new() };
    let intervals = match has_intervals(evaluation) {
        false => String::new(),
        true => format!("; in brackets: {} % intervals", 100.0 * evaluation.confidence),
    };
    writeln!(out, "{rows}{ignored}{skipped}{intervals}")?;
    for (place, level) in evaluation.levels.iter().enumerate() {
        let cells = |model: &Model| Some(level_cells(model.levels.get(place)?, evaluation.is_multi_label));
        let rows = evaluation.models.iter().find_map(|model| model.levels.get(place)?.rows);
        let title = rows.map_or_else(|| level.clone(), |Number(rows)| format!("{level} ({rows} rows)"));
        let header: &[&str] = match evaluation.is_multi_label {
            true => &["AUPRC micro", "AUPRC macro"],
            false => &["accuracy", "of the decision", "balanced", "answered", "wrong", "ece", "brier", "log loss"],
        };
        table(&title, header, evaluation.models.iter().filter_map(|model| Some((model, cells(model)?))), out)?;
    }
    let shown: Vec<&(&str, &str)> = METRICS
        .iter()
        .filter(|(name, _)| {
            evaluation.models.iter().any(|model| model.metrics.get(*name).is_some_and(|metric| metric.value.is_some()))
        })
        .collect();
    // A few a table: they are as wide as a terminal.
    for shown in shown.chunks(5) {
        let header: Vec<&str> = shown.iter().map(|(_, title)| *title).collect();
        let cells = |model: &Model| {
            shown.iter().map(|(name, _)| model.metrics.get(*name).map_or_else(String::new, estimate)).collect()
        };
        table("over all levels", &header, evaluation.models.iter().map(|model| (model, cells(model))), out)?;
    }
    evaluation.comparisons.iter().try_for_each(|comparison| compare(comparison, out))
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn has_intervals(evaluation: &Evaluation) -> bool {
    evaluation.models.iter().any(|model| model.metrics.values().any(|metric| metric.low.is_some()))
}

fn level_cells(level: &Level, is_multi_label: bool) -> Vec<String> {
    if is_multi_label {
        return [level.auprc_micro, level.auprc_macro].map(number).to_vec();
    }
    let of = |metric: &Option<Estimate>| metric.as_ref().map_or_else(String::new, estimate);
    let mut cells = vec![of(&level.accuracy), of(&level.accuracy_of_decision)];
    let rest = [level.balanced_accuracy, level.coverage, level.risk, level.ece, level.brier, level.log_loss];
    cells.extend(rest.map(number));
    cells
}

/// The metrics in which two models differ by more than chance, or how many there are.
fn compare(comparison: &Comparison, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "\n{} less {}, on the same rows", comparison.a, comparison.b)?;
    let mut has_interval = false;
    let width = comparison.metrics.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, difference) in &comparison.metrics {
        let Some(Number(value)) = difference.difference else { continue };
        let interval = match (difference.low, difference.high) {
            (Some(Number(low)), Some(Number(high))) => format!(" [{}, {}]", rounded(low), rounded(high)),
            _ => String::new(),
        };
        has_interval |= !interval.is_empty();
        let is_clear = match (difference.low, difference.high) {
            (Some(Number(low)), Some(Number(high))) => low > 0.0 || high < 0.0,
            _ => false,
        };
        let mark = if is_clear { " *" } else { "" };
        writeln!(out, "  {name:width$}  {:>8}{interval}{mark}", signed(value))?;
    }
    if has_interval {
        writeln!(out, "  * the interval does not hold 0")?;
    }
    Ok(())
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", rounded(value)) } else { rounded(value) }
}

fn number(value: Value) -> String {
    value.map_or_else(String::new, |Number(value)| rounded(value))
}

fn estimate(estimate: &Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(Number(low)), Some(Number(high))) => {
            format!("{} [{}, {}]", number(estimate.value), rounded(low), rounded(high))
        }
        _ => number(estimate.value),
    }
}

/// A table with a line a model.
fn table<'a>(
    title: &str,
    header: &[&str],
    rows: impl Iterator<Item = (&'a Model, Vec<String>)>,
    out: &mut dyn Write,
) -> Result<()> {
    let rows: Vec<(&Model, Vec<String>)> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let length = |text: &str| text.chars().count();
    let first = rows.iter().map(|(model, _)| length(&model.name)).max().unwrap_or(0).max(length(title));
    write!(out, "\n{title:first$}")?;
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            rows.iter().map(|(_, cells)| length(&cells[column])).max().unwrap_or(0).max(length(header[column]))
        })
        .collect();
    for (header, width) in header.iter().zip(&widths) {
        write!(out, "  {header:>width$}")?;
    }
    writeln!(out)?;
    for (model, cells) in &rows {
        write!(out, "{:first$}", model.name)?;
        for (cell, width) in cells.iter().zip(&widths) {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
