//! An evaluation as tables for people, that fit into a terminal of 80 columns: a line a metric, a column a model.

use std::io::Write;

use anyhow::Result;

use crate::cmd::format::{Number, rounded};
use crate::evaluate::result::{Comparison, Difference, Estimate, Evaluation, Model};

/// So wide is a terminal.
const WIDTH: usize = 80;

/// Metrics of a level, in the order in which they are shown.
const OF_LEVELS: [(&str, &str); 11] = [
    ("accuracy", "accuracy ↑"),
    ("accuracy_of_decision", "of the decision ↑"),
    ("balanced_accuracy", "balanced ↑"),
    ("coverage", "answered"),
    ("risk", "wrong of these ↓"),
    ("ece", "ece ↓"),
    ("brier", "brier ↓"),
    ("log_loss", "log loss ↓"),
    ("aurc", "aurc ↓"),
    ("auprc_micro", "AUPRC micro ↑"),
    ("auprc_macro", "AUPRC macro ↑"),
];

/// Metrics over all levels.
const METRICS: [(&str, &str); 18] = [
    ("right", "answers that hold ↑"),
    ("lca_height", "lca height ↓"),
    ("mistake_severity", "severity ↓"),
    ("depth", "depth of answers"),
    ("hierarchical_precision_micro", "hier. precision ↑"),
    ("hierarchical_recall_micro", "hier. recall ↑"),
    ("hierarchical_f1_micro", "hier. F1 ↑"),
    ("hierarchical_f1_macro", "hier. F1 macro ↑"),
    ("lca_f1", "lca F1 ↑"),
    ("information_f1", "information F1 ↑"),
    ("average_precision", "av. precision ↑"),
    ("recall_at_precision_0.95", "recall at 0.95 ↑"),
    ("distance_at_5", "distance at 5 ↓"),
    ("wasserstein", "wasserstein ↓"),
    ("auprc_micro", "AUPRC micro ↑"),
    ("auprc_macro", "AUPRC macro ↑"),
    ("violations", "violations ↓"),
    ("error", "error ↓"),
];

/// Those of all levels that only comparisons list: in the table they are said otherwise.
const HIDDEN: [&str; 1] = ["error"];

/// Writes the tables.
pub(crate) fn write(evaluation: &Evaluation, out: &mut dyn Write) -> Result<()> {
    let rows = counted(evaluation.rows);
    let ignored = if evaluation.ignored > 0 { format!(", {} ignored", evaluation.ignored) } else { String::new() };
    let skipped = if evaluation.skipped > 0 { format!(", {} left out", evaluation.skipped) } else { String::new() };
    let intervals = match has_intervals(evaluation) {
        false => String::new(),
        true => format!("; in brackets: {} % intervals", rounded_share(evaluation.confidence)),
    };
    writeln!(out, "{rows}{ignored}{skipped}{intervals}; ↑ more is better, ↓ less")?;
    let models = &evaluation.models;
    for (place, name) in evaluation.levels.iter().enumerate() {
        let rows = models.iter().find_map(|model| model.levels.get(place)?.rows);
        let title = rows.map_or_else(|| name.clone(), |Number(rows)| format!("{name}, {}", counted(rows)));
        let of = |model: &Model, metric: &str| model.levels.get(place)?.estimate(metric).copied();
        // Where all is answered there is no more to say of that.
        let is_all = |model: &Model| {
            let coverage = of(model, "coverage").and_then(|coverage| coverage.value);
            coverage.is_none_or(|Number(coverage)| coverage >= 1.0)
        };
        let is_shown = |metric: &str| !matches!(metric, "coverage" | "risk") || !models.iter().all(is_all);
        let shown: Vec<_> = OF_LEVELS.into_iter().filter(|(metric, _)| is_shown(metric)).collect();
        table(&title, &shown, models, of, out)?;
    }
    let shown: Vec<_> = METRICS.into_iter().filter(|(metric, _)| !HIDDEN.contains(metric)).collect();
    table("over all levels", &shown, models, |model, metric| model.metrics.get(metric).copied(), out)?;
    evaluation.comparisons.iter().try_for_each(|comparison| compare(comparison, &evaluation.levels, out))
}

fn counted(rows: impl Into<RowCount>) -> String {
    let RowCount(rows) = rows.into();
    if rows == "1" { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// How many rows, or the sum of their weights.
struct RowCount(String);

impl From<u64> for RowCount {
    fn from(rows: u64) -> Self {
        Self(rows.to_string())
    }
}

impl From<f64> for RowCount {
    fn from(rows: f64) -> Self {
        Self(rows.to_string())
    }
}

/// A share in per cent, without digits that come from rounding.
fn rounded_share(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

fn has_intervals(evaluation: &Evaluation) -> bool {
    evaluation.models.iter().any(|model| model.metrics.values().any(|metric| metric.low.is_some()))
}

/// A line a metric, a column a model; of more models than have room some tables below each other.
fn table(
    title: &str,
    metrics: &[(&str, &str)],
    models: &[Model],
    of: impl Fn(&Model, &str) -> Option<Estimate>,
    out: &mut dyn Write,
) -> Result<()> {
    let is_known =
        |metric: &str| models.iter().any(|model| of(model, metric).is_some_and(|found| found.value.is_some()));
    let metrics: Vec<&(&str, &str)> = metrics.iter().filter(|(metric, _)| is_known(metric)).collect();
    if metrics.is_empty() {
        return Ok(());
    }
    let first = metrics.iter().map(|(_, shown)| length(shown) + 2).chain([length(title)]).max().unwrap_or(0);
    let columns: Vec<Vec<String>> = models
        .iter()
        .map(|model| {
            metrics.iter().map(|(metric, _)| of(model, metric).as_ref().map_or_else(String::new, estimate)).collect()
        })
        .collect();
    let widths: Vec<usize> = models
        .iter()
        .zip(&columns)
        .map(|(model, cells)| cells.iter().map(|cell| length(cell)).chain([length(&model.name)]).max().unwrap_or(0))
        .collect();
    let mut begin = 0;
    while begin < models.len() {
        let (mut end, mut width) = (begin, first);
        while end < models.len() && (end == begin || width + 2 + widths[end] <= WIDTH) {
            width += 2 + widths[end];
            end += 1;
        }
        let mut line = |head: &str, cells: &mut dyn Iterator<Item = &str>| {
            let cells: String =
                cells.zip(&widths[begin..end]).map(|(cell, width)| format!("  {cell:<width$}")).collect();
            writeln!(out, "{}", format!("{head:first$}{cells}").trim_end())
        };
        line("", &mut std::iter::empty())?;
        line(title, &mut models[begin..end].iter().map(|model| model.name.as_str()))?;
        for (row, (_, shown)) in metrics.iter().enumerate() {
            line(&format!("  {shown}"), &mut columns[begin..end].iter().map(|cells| cells[row].as_str()))?;
        }
        begin = end;
    }
    Ok(())
}

/// The differences of two models, those at levels from the top first, and in what they are the same.
fn compare(comparison: &Comparison, levels: &[String], out: &mut dyn Write) -> Result<()> {
    let Comparison { a, b, metrics } = comparison;
    let known: Vec<(&String, &Difference)> =
        in_order(levels).iter().filter_map(|name| metrics.get_key_value(name)).collect();
    let others = metrics.iter().filter(|(name, _)| !known.iter().any(|(other, _)| other == name));
    let all: Vec<(&String, &Difference)> = known.iter().copied().chain(others).collect();
    let (same, different): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, difference)| is_zero(difference));
    let has_interval = different.iter().any(|(_, difference)| difference.low.is_some());
    writeln!(out, "\n{a} less {b}, on the same rows")?;
    let width = different.iter().map(|(name, _)| length(name)).max().unwrap_or(0);
    for (name, difference) in different {
        let Some(Number(value)) = difference.difference else { continue };
        let (interval, is_clear) = match (difference.low, difference.high) {
            (Some(Number(low)), Some(Number(high))) => (interval(value, low, high), low > 0.0 || high < 0.0),
            _ => (String::new(), false),
        };
        let mark = if is_clear { " *" } else { "" };
        writeln!(out, "  {name:width$}  {:>8}{interval}{mark}", signed(value))?;
    }
    if has_interval {
        writeln!(out, "  * the interval does not hold 0")?;
    }
    let mut line = "  the same:".to_owned();
    for (place, (name, _)) in same.iter().enumerate() {
        let end = if place + 1 < same.len() { "," } else { "" };
        if length(&line) + 1 + length(name) + end.len() > WIDTH {
            writeln!(out, "{line}")?;
            line = "   ".to_owned();
        }
        line += &format!(" {name}{end}");
    }
    if !same.is_empty() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The names of what is compared, as the tables list them.
fn in_order(levels: &[String]) -> Vec<String> {
    let of_levels = OF_LEVELS.iter().flat_map(|(name, _)| levels.iter().map(move |level| format!("{name}@{level}")));
    of_levels.chain(METRICS.iter().map(|(name, _)| (*name).to_owned())).collect()
}

/// Whether nothing differs, in no replicate.
fn is_zero(difference: &Difference) -> bool {
    let is = |number: Option<Number<f64>>| number.is_none_or(|Number(number)| number == 0.0);
    difference.difference.is_some() && is(difference.difference) && is(difference.low) && is(difference.high)
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", rounded(value)) } else { rounded(value) }
}

fn estimate(estimate: &Estimate) -> String {
    let Some(Number(value)) = estimate.value else { return String::new() };
    match (estimate.low, estimate.high) {
        (Some(Number(low)), Some(Number(high))) => rounded(value) + &interval(value, low, high),
        _ => rounded(value),
    }
}

/// Its ends have the decimals of the value: an end near 0 beside a value that is not is 0.0000.
fn interval(value: f64, low: f64, high: f64) -> String {
    let is_plain = value == 0.0 || (1e-3..1e6).contains(&value.abs());
    let end = |end: f64| match is_plain && end.abs() < 1e-3 {
        true => format!("{end:.4}").replace("-0.0000", "0.0000"),
        false => rounded(end),
    };
    format!(" [{}, {}]", end(low), end(high))
}

fn length(text: &str) -> usize {
    text.chars().count()
}
