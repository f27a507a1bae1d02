//! What rows add to the metrics that have confidence intervals, the models side by side.
//!
//! These are metrics of answers: of rows that add the same to all of them there are many, which are drawn together. What is
//! measured of probabilities differs from row to row.

use anyhow::Result;
use klados::NodeId;
use klados::metrics::{Accuracy, Coverage, Hierarchical, LcaHeight, Ratio, Truths};

use super::answers::Answered;

/// The names of the metrics of one model with a rule, in the order of [`ratios`].
pub(crate) fn names(levels: &[String], is_multi_label: bool) -> Vec<String> {
    let hierarchical = ["micro", "samples"]
        .into_iter()
        .flat_map(|average| ["precision", "recall", "f1"].map(|name| format!("hierarchical_{name}_{average}")));
    if is_multi_label {
        return hierarchical.collect();
    }
    let mut names = Vec::new();
    for name in ["accuracy", "accuracy_of_decision"] {
        names.extend(levels.iter().map(|level| format!("{name}@{level}")));
    }
    names.extend(["lca_height", "error", "mistake_severity"].map(str::to_owned));
    names.extend(hierarchical);
    names.push("right".to_owned());
    names.extend(levels.iter().flat_map(|level| [format!("coverage@{level}"), format!("risk@{level}")]));
    names
}

/// What each row adds, `[rows, names]`; `best` are the most probable nodes of the levels, `[rows, levels]`.
pub(crate) fn ratios(
    truths: &Truths<'_>,
    weights: Option<&[f64]>,
    best: &[NodeId],
    answered: &Answered,
) -> Result<Vec<Ratio>> {
    let rows = truths.len();
    let answers = match answered {
        Answered::Nodes(answers) => answers,
        Answered::Sets(sets) => return Ok(Hierarchical::ratios_of_sets(truths, sets, weights)?),
    };
    let width = truths.levels().all().len();
    let of_levels = |row: usize| {
        (0..width).map(move |level| {
            let reaches = truths.reaches(row, level);
            let is_right = reaches && truths.is_right_at(row, level, best[row * width + level]);
            weighted(f64::from(is_right), f64::from(reaches), weights, row)
        })
    };
    let of_levels: Vec<Ratio> = (0..rows).flat_map(of_levels).collect();
    let accuracy = Accuracy::ratios(truths, answers, weights)?;
    let heights = LcaHeight::ratios(truths, answers, weights)?;
    let hierarchical = Hierarchical::ratios(truths, answers, weights)?;
    // Their depth and information would tell nearly all rows apart.
    let coverage = Coverage::ratios(truths, answers, weights)?;
    let coverage = coverage.chunks_exact(3 + 2 * width).flat_map(|row| std::iter::once(&row[0]).chain(&row[3..]));
    let coverage: Vec<Ratio> = coverage.copied().collect();
    Ok(Ratio::side_by_side(rows, &[&of_levels, &accuracy, &heights, &hierarchical, &coverage])?)
}

fn weighted(value: f64, of: f64, weights: Option<&[f64]>, row: usize) -> Ratio {
    let weight = weights.map_or(1.0, |weights| weights[row]);
    Ratio { numerator: weight * value, denominator: weight * of }
}
