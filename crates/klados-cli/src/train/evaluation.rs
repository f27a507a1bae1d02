//! All runs judged on the same rows, as `klados evaluate` judges models.

use anyhow::Result;
use klados::metrics::Resampling;
use klados::{Decision, Label};

use super::network::Model;
use super::reading::Reading;
use super::run::EvaluationSet;
use crate::evaluate::probability_intervals::limited;
use crate::evaluate::{Evaluation, Evaluator, Judged, Options, Rows, rows_a_batch};

/// Bins of the calibration error.
const BINS: usize = 15;
/// Intervals are drawn from a thousand replicates, of many rows from fewer: their time is that of the product.
const REPLICATES: usize = 1000;
const LEAST_REPLICATES: usize = 200;
const DRAWN: usize = 20_000_000;

/// Of multi-label rows, above so many probabilities only counts between thresholds are kept.
const MOST_KEPT: usize = 20_000_000;
const THRESHOLDS: usize = 1000;

/// A model that is judged.
pub(crate) struct Candidate<'a> {
    /// Its name in the results.
    pub(crate) name: &'a str,
    /// One line about it.
    pub(crate) about: &'a str,
    pub(crate) model: &'a Model,
    pub(crate) reading: &'a Reading,
    /// Rules besides the usual one, with what they are called.
    pub(crate) rules: Vec<(String, Decision)>,
}

/// Judges models on the rows of a set, each with the usual rule, the most probable class or of multi-label rows the nodes
/// above 0.5, and with its own.
///
/// # Errors
///
/// A rule that does not fit the hierarchy; labels that are distributions.
pub(crate) fn evaluate(
    candidates: &[Candidate<'_>],
    set: &EvaluationSet<'_>,
    seed: u64,
    title: &str,
    mut notes: Vec<String>,
) -> Result<Option<Evaluation>> {
    let Some(first) = candidates.first() else { return Ok(None) };
    let (hierarchy, is_multi_label) = (first.reading.hierarchy(), first.reading.is_multi_label());
    let usual: Decision = if is_multi_label { "consistent" } else { "argmax_leaf" }.parse()?;
    let mut judged = Vec::new();
    for (source, candidate) in candidates.iter().enumerate() {
        let of = |name: &str, about: String, decision: &Decision| {
            let decider = decision.compile(hierarchy)?;
            let probabilities = candidate.name.to_owned();
            Ok::<_, anyhow::Error>(Judged { name: name.to_owned(), about, source, probabilities, decider })
        };
        judged.push(of(candidate.name, candidate.about.to_owned(), &usual)?);
        for (rule, decision) in &candidate.rules {
            let about = format!("{}; answers by {}", candidate.about, decision.name());
            judged.push(of(&format!("{}, {rule}", candidate.name), about, decision)?);
        }
    }
    let rows = set.examples.rows();
    let replicates = (DRAWN / rows.max(1)).clamp(LEAST_REPLICATES, REPLICATES);
    let resampling = Resampling { replicates, seed, ..Resampling::default() };
    let kept = rows.saturating_mul(hierarchy.node_count());
    let options = Options {
        bins: BINS,
        curves: true,
        thresholds: (kept > MOST_KEPT).then_some(THRESHOLDS),
        resampling: Some(resampling),
        row_resampling: limited(resampling, rows),
    };
    let evaluator = Evaluator::new(hierarchy, judged, candidates.len(), is_multi_label, options);
    let mut part = evaluator.part()?;
    // What a loss's own superclasses say of no node is said to none of the models.
    let labels = first.reading.judged(&set.examples.labels);
    let width = set.examples.width;
    for start in (0..rows).step_by(rows_a_batch(hierarchy)) {
        let end = rows.min(start + rows_a_batch(hierarchy));
        let values = &set.examples.values[start * width..end * width];
        let mut log_probs = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let mut of_model: Vec<f64> = Vec::new();
            candidate.model.each_logits(values, &mut |_, logits| {
                of_model.extend_from_slice(candidate.reading.read(logits)?.log_probs());
                Ok(())
            })?;
            log_probs.push(of_model);
        }
        let nodes = hierarchy.node_count();
        let of_row = |row: usize| row * nodes..(row + 1) * nodes;
        let is_usable = |row: usize| !log_probs.iter().any(|of| of[of_row(row)].iter().any(|log_p| log_p.is_nan()));
        let mut kept: Vec<usize> = Vec::with_capacity(end - start);
        for row in 0..end - start {
            match &labels[start + row] {
                Label::Ignored => part.leave_out(1, 0),
                _ if is_usable(row) => kept.push(row),
                _ => part.leave_out(0, 1),
            }
        }
        for of_model in &mut log_probs {
            if kept.len() < end - start {
                *of_model = kept.iter().flat_map(|row| &of_model[of_row(*row)]).copied().collect();
            }
        }
        let numbers: Vec<usize> = kept.iter().map(|row| start + row).collect();
        let of_kept: Vec<Label> = numbers.iter().map(|row| labels[*row].clone()).collect();
        let groups: Option<Vec<u64>> = set.groups.map(|groups| numbers.iter().map(|row| groups[*row]).collect());
        let rows = Rows { numbers: &numbers, labels: &of_kept, weights: None, groups: groups.as_deref() };
        let log_probs: Vec<&[f64]> = log_probs.iter().map(Vec::as_slice).collect();
        evaluator.update(&mut part, &rows, &log_probs)?;
    }
    notes.extend(part.notes());
    let mut evaluation = evaluator.finish(&part, title, notes);
    evaluation.set = Some(set.name.to_owned());
    // Rows by where they stand in their file.
    for worst in evaluation.models.iter_mut().flat_map(|model| model.worst.iter_mut().flatten()) {
        let place = worst.row.parse::<usize>().ok().and_then(|row| set.rows.positions.get(row));
        if let Some(place) = place {
            worst.row = format!("{} {place}", set.rows.unit);
        }
    }
    Ok(Some(evaluation))
}
