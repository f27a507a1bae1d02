//! A comparison as text for people, that fits into a terminal of 80 columns where the levels do.

use std::fmt::Write;

use klados::metrics::JudgedLevel;

use crate::compare::arm::Arm;
use crate::compare::plan::Plan;
use crate::compare::result::{ArmResult, Comparison, Finding, Other};
use crate::compare::verdict::Verdict;

/// So wide is a terminal.
const WIDTH: usize = 80;

/// What is about to happen.
pub(super) fn introduction(plan: &Plan) -> String {
    let (data, design, settings) = (&plan.data, &plan.design, &plan.design.settings);
    let [fine, coarse] = plan.labelled();
    let kept = if design.fine_share.is_some() { " in training" } else { "" };
    let mut text = String::new();
    let mut line = |words: String| text.push_str(&wrapped(&words));
    let names: Vec<&str> = plan.levels.all().iter().rev().map(JudgedLevel::name).collect();
    line(format!(
        "{} rows, {fine} labelled by class and {coarse} by less{kept}; {} classes; levels: {}.",
        data.examples.rows(),
        data.hierarchy.class_count(),
        names.join(", ")
    ));
    let (divisions, splits) = (plan.divisions.len(), plan.divisions.iter().map(|of| of.split + 1).max().unwrap_or(0));
    let whole = if data.groups.is_some() { ", groups whole" } else { "" };
    let seeds = if divisions > splits { format!(", {} seeds each", divisions / splits.max(1)) } else { String::new() };
    line(format!(
        "{splits} splits{whole}{seeds}: one part tests, the next one chooses settings, the others train. A training has {} with {} rows a \
         step, of every arm as many steps.",
        counted(settings.epochs, "epoch"),
        settings.batch_size
    ));
    line(format!(
        "{} arms with {} each, {} trainings. The best mean of the accuracies at all levels on the rows for choosing is \
         taken:",
        plan.arms.all.len(),
        counted(design.trials, "trial"),
        plan.jobs().len()
    ));
    plan.arms.all.iter().for_each(|arm| line(format!("  {}: {}; {}", arm.name, arm.about, tried(arm))));
    text
}

/// `1 trial`, `4 trials`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The points of an arm.
fn tried(arm: &Arm) -> String {
    let mut rates: Vec<f64> = arm.points.iter().map(|point| point.learning_rate).collect();
    rates.dedup();
    let rates: Vec<String> = rates.iter().map(|rate| significant(*rate)).collect();
    let mut variants: Vec<&str> = Vec::new();
    for point in &arm.points {
        if !variants.contains(&point.variant.as_str()) {
            variants.push(&point.variant);
        }
    }
    let with = if variants == [""] { String::new() } else { format!(", each with {}", variants.join(" and ")) };
    format!("learning rates {}{with}", rates.join(", "))
}

/// Two digits of a small number.
fn significant(value: f64) -> String {
    let text = format!("{value:.1e}");
    text.parse::<f64>().map_or(text, |rounded| rounded.to_string())
}

/// What was found.
pub(super) fn report(comparison: &Comparison) -> String {
    let mut text = wrapped(&format!(
        "Right at each level, % of the test rows that reach it, means over {} splits; severity is the height of mistakes, \
         height that over all rows:",
        comparison.splits
    ));
    text.push('\n');
    text.push_str(&table(&arms(comparison)));
    text.push('\n');
    text.push_str(&wrapped(&format!(
        "Differences in points. The {} are judged together: their intervals all hold at once with 95 %, and p is corrected for \
         their number.",
        comparison.judged_together
    )));
    for finding in &comparison.findings {
        let _ = writeln!(text, "\n{} against {}", finding.name, finding.against);
        text.push_str(&table(&differences(finding)));
        let others: Vec<String> = finding.others.iter().map(other).collect();
        if !others.is_empty() {
            text.push_str(&wrapped(&format!("  Not judged, 95 % each: {}", others.join("; "))));
        }
    }
    for paragraph in &comparison.verdict {
        text.push('\n');
        text.push_str(&wrapped(paragraph));
    }
    for arm in &comparison.arms {
        if let Some(edge) = arm.edge {
            text.push('\n');
            text.push_str(&wrapped(&edge.note(&arm.name)));
        }
    }
    text
}

fn arms(comparison: &Comparison) -> Vec<Vec<String>> {
    let levels = comparison.levels.iter().rev().cloned();
    let ends = ["severity", "height", "rows", "s/epoch", "cost"].map(str::to_owned);
    let mut lines = vec![[String::new()].into_iter().chain(levels).chain(ends).collect()];
    for ArmResult { name, mean, train_rows, seconds, cost, .. } in &comparison.arms {
        let number = |value: Option<f64>, unit: f64, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{:.digits$}", unit * value))
        };
        let accuracies = mean.accuracy.iter().rev().map(|share| number(*share, 100.0, 1));
        let ends = [
            number(mean.mistake_severity, 1.0, 2),
            number(mean.lca_height, 1.0, 2),
            format!("{train_rows:.0}"),
            format!("{seconds:.2}"),
            format!("{cost:.2}x"),
        ];
        lines.push([name.clone()].into_iter().chain(accuracies).chain(ends).collect());
    }
    lines
}

fn differences(finding: &Finding) -> Vec<Vec<String>> {
    let of = |level: &crate::compare::result::Difference| {
        let [low, high] = level.interval.map(|end| format!("{:+.1}", 100.0 * end));
        let words = match level.verdict {
            Verdict::NoEvidence => level.verdict.word().to_owned(),
            verdict => verdict.word().to_uppercase(),
        };
        vec![
            format!("  {}", level.level),
            format!("{:+.1}", 100.0 * level.difference),
            format!("[{low}, {high}]"),
            if level.p_adjusted < 0.001 { "p < 0.001".to_owned() } else { format!("p = {:.3}", level.p_adjusted) },
            words,
        ]
    };
    finding.levels.iter().rev().map(of).collect()
}

fn other(other: &Other) -> String {
    let [low, high] = other.interval;
    match &other.level {
        Some(level) => {
            let (d, low, high) = (100.0 * other.difference, 100.0 * low, 100.0 * high);
            format!("calibration error of {level} {d:+.1} [{low:+.1}, {high:+.1}] points")
        }
        None => {
            let name = if other.metric == "mistake_severity" { "severity" } else { "height" };
            format!("{name} {:+.2} [{low:+.2}, {high:+.2}]", other.difference)
        }
    }
}

/// Columns that are as wide as their widest cell, the first to the left and the others to the right.
fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let _ = write!(text, "{:<1$}", line[0], widths[0]);
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

/// Words in lines of at most so many columns; what follows an indented line is indented like it, and by two more.
fn wrapped(words: &str) -> String {
    let indent = words.len() - words.trim_start().len();
    let (mut text, mut column) = (" ".repeat(indent), indent);
    let mut is_first = true;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if !is_first && column + 1 + length > WIDTH {
            let deeper = if indent > 0 { indent + 2 } else { 0 };
            text.push('\n');
            text.push_str(&" ".repeat(deeper));
            column = deeper;
        } else if !is_first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
        is_first = false;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_a_terminal() {
        let text = wrapped(&format!("  {}", "words and more ".repeat(30)));
        assert!(text.lines().all(|line| line.len() <= WIDTH && line.starts_with("  ")), "{text}");
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("    words") || line.starts_with("    ")));
        assert_eq!(text.split_whitespace().count(), 90);
    }

    #[test]
    fn learning_rates_have_two_digits() {
        assert_eq!(significant(0.004_387), "0.0044");
        assert_eq!(significant(0.01), "0.01");
        assert_eq!(significant(13.2), "13");
    }
}
