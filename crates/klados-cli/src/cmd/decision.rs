//! `--decision`: a rule by its name, as JSON, or as a file that `--save-decision` wrote.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use klados::decide::Calibrator;
use klados::{Decider, Decision, Hierarchy, Label};

use super::{Usage, warnings};
use crate::data;
use crate::data::labels::LabelParser;
use crate::data::matrix::MatrixReader;
use crate::data::replace::replace;
use crate::data::texts::Texts;
use crate::evaluate::probabilities::Probabilities;
use crate::evaluate::rows::RowReader;

/// What the long help says of rules.
pub(crate) const RULES: &str = r#"Decisions, from probabilities of nodes to an answer:
  argmax_leaf           the most probable class
  top_down              from the root to the most probable child, again and
                        again; with `threshold` only to one that exceeds it
  threshold             the most specific node with P > `tau` (0.5)
  plurality             the node that a vote would elect
  expected_information  the node that tells the most in expectation
  min_risk              the node of least expected `cost`
  rollup                the first of `levels` whose best node has P > `tau`
  hedge                 as informative as an `accuracy` allows; calibrated
  conformal             the smallest node that covers the class in 1 - `alpha`
                        of the cases; calibrated
  consistent            multi-label: a set of nodes that the hierarchy allows
  Parameters as JSON: {"threshold": {"tau": 0.7}}. An unknown one is an error
  that lists the known ones.
"#;

/// Reads a decision as it was typed: a name, JSON, or the name of a `.json` file.
///
/// # Errors
///
/// When it is none, or the file cannot be read.
pub(crate) fn parse(text: &str) -> Result<Decision> {
    let is_file = text.ends_with(".json");
    data::decision::read(text).map_err(|error| if is_file { error } else { Usage(format!("{error:#}")).into() })
}

/// The rule for a hierarchy.
///
/// # Errors
///
/// A parameter that does not fit the hierarchy.
pub(crate) fn compile(decision: &Decision, hierarchy: &Hierarchy) -> Result<Decider> {
    warnings::print(decision.warnings());
    decision.compile(hierarchy).with_context(|| format!("--decision {}", decision.name()))
}

/// Writes a decision as `--decision FILE.json` takes it up again.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn save(path: &Path, decision: &Decision) -> Result<()> {
    let text = serde_json::to_string(decision)?;
    replace(path, |file| {
        use std::io::Write;
        writeln!(file, "{text}")
    })
}

/// The rule with the numbers that it takes from labelled rows.
///
/// # Errors
///
/// When a file cannot be read; rows or labels that cannot be used; rows on which the rule cannot keep what it promises.
pub(crate) fn calibrated(
    decision: &Decision,
    probabilities: &Probabilities,
    matrix: MatrixReader,
    labels: Texts,
    hierarchy: &Hierarchy,
) -> Result<Decision> {
    let limit = crate::evaluate::rows_a_batch(hierarchy);
    let (matrix_file, labels_file) = (matrix.path().to_owned(), labels.path().to_owned());
    let mut rows = RowReader::new(vec![matrix], [Some(labels), None, None], limit)?;
    let mut calibrator =
        Calibrator::new(decision, hierarchy).with_context(|| format!("--decision {}", decision.name()))?;
    let mut parser = LabelParser::new(hierarchy);
    let mut log_probs = Vec::new();
    while let Some(batch) = rows.next()? {
        let mut labels: Vec<Label> = Vec::with_capacity(batch.rows);
        for row in &batch.labels {
            let label = parser.parse(&row.text);
            labels.push(label.map_err(|message| anyhow!("{}:{}: {message}", labels_file.display(), row.line))?);
        }
        for matrix in &batch.matrices {
            let bad = probabilities.log_probs(matrix, &mut log_probs)?;
            if let Some(bad) = bad.iter().find(|bad| labels[bad.row] != Label::Ignored) {
                bail!("{}: row {} (from 0): {}", matrix_file.display(), batch.first + bad.row, bad.reason);
            }
            calibrator.update(&log_probs, &labels).map_err(|error| {
                let row = error.row().map(|row| format!("row {} (from 0): ", batch.first + row)).unwrap_or_default();
                anyhow!("{}: {row}{}", labels_file.display(), error.message())
            })?;
        }
    }
    calibrator.finish().with_context(|| format!("{}: cannot calibrate {}", matrix_file.display(), decision.name()))
}
