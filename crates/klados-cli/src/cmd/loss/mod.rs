//! `klados loss`: a loss and its gradient on logits from a file, for people to check their own code against.

mod report;
mod terms;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use klados::loss::Reduction;
use klados::{Criterion, Float, Label, Loss};

use self::report::Report;
use self::terms::Batch;
use super::format::Format;
use super::loss_input::{LossInput, LossInputArgs};
use super::warnings;
use crate::data::hierarchy::HierarchyOptions;
use crate::data::labels::LabelRow;
use crate::data::npy::{self, Matrix};
use crate::data::values::{Kind, Values};

/// What the long help says below the options. No line is wider than a narrow terminal, which would break the columns.
fn help() -> String {
    let mut lines = vec![String::new()];
    for name in Loss::NAMES {
        if lines[lines.len() - 1].len() + name.len() > 72 {
            lines.push(String::new());
        }
        lines.last_mut().into_iter().for_each(|line| *line += &format!("{name}, "));
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!("Losses:\n  {}\n{HELP}", lines.join("\n  ").trim_end_matches(','))
}

const HELP: &str = r#"  Some take a logit a class, some a logit a node but the root: then --columns
  names the nodes. By default they are in the order in which they first appear
  in the hierarchy file, the child before the parent in a line: what
  `klados hierarchy show --format json` lists. An unknown parameter is an
  error that lists the known ones.
  Parameters that may be a CSV file, by its path:
    class_weight   class,weight; a list or "balanced" as well
    map            class,superclass,weight; superclasses of the loss's own
    frequencies    node,count

Labels, one a row of the logits:
  crow         a class, or any node: one of the classes at or below it
  crow|bat     one of these
  =dog         the class alone, where it is also an internal node
  A > B > C    a path, where a short name is ambiguous
  crow;bat     multi-label: all of these, and what is above them; no other node
  ;            multi-label: nothing
  (empty)      ignored: loss 0, gradient 0
  A loss takes the labels that have a meaning for it: multi-label ones are for
  those on sigmoids, and the superclasses of a `map` are labels as well.

JSON: {"loss": x, "per_sample": [...], "count": n,
       "terms": [{"node": ..., "level": ..., "mean": ...}]}
  loss         null with --reduction none
  per_sample   one a row; 0 where the label is empty
  count        the number of samples that take part
  terms        for each node that has a term in some sample, in hierarchy
               order: the sum over the samples of -weight (1 - P)^gamma log P,
               divided by what the mean divides by. The means add up to the
               mean loss, whatever the reduction.
    node       its name; a|b for the classes below any of several nodes; the
               name of a superclass of `map`
    level      its rank where the hierarchy names ranks, else its depth;
               null where it has none
  Numbers that JSON does not know are the strings "nan", "inf" and "-inf".

Examples:
  klados loss --hierarchy animals.csv --logits z.npy --labels y.txt
  klados loss --hierarchy animals.csv --logits z.npy --labels y.txt \
    --loss '{"marginal_cross_entropy": {"weights": {"levels": [1, 0]}}}' \
    --grad grad.npy --format json"#;

/// Compute a loss and its gradient on logits from a file: what to check your own code against.
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
pub(crate) struct LossArgs {
    #[command(flatten)]
    input: LossInputArgs,
    /// Write the gradient of the loss by the logits, in their shape and dtype; with --reduction none, that of each row's
    /// own loss
    #[arg(long, value_name = "FILE.npy")]
    grad: Option<PathBuf>,
    /// How to print
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    hierarchy_options: HierarchyOptions,
}

/// Runs the command.
pub(crate) fn run(args: &LossArgs, out: &mut dyn Write) -> Result<()> {
    let LossInput { criterion, values, labels, rows } = args.input.read(&args.hierarchy_options)?;
    let kind = values.kind();
    match values {
        Values::F64(values) => evaluate(args, &criterion, &values, kind, &labels, &rows, out),
        // Half types in the `f32` that holds them: what the core computes their losses in.
        narrow => evaluate(args, &criterion, &narrow.into_f32(), kind, &labels, &rows, out),
    }
}

/// Computes everything, writes the gradient, then prints.
fn evaluate<T: Float>(
    args: &LossArgs,
    criterion: &Criterion,
    values: &[T],
    kind: Kind,
    labels: &[Label],
    rows: &[LabelRow],
    out: &mut dyn Write,
) -> Result<()>
where
    Values: From<Vec<T>>,
{
    let reduction = criterion.loss().reduction();
    let mut losses = vec![T::default(); labels.len()];
    match &args.grad {
        None => criterion.forward(values, labels, &mut losses)?,
        Some(path) => {
            let mut grad = vec![T::default(); values.len()];
            criterion.forward_backward(values, labels, &mut losses, &mut grad)?;
            if reduction == Reduction::Mean {
                let normalizer = criterion.normalizer(labels)?;
                let divided = |entry: T| if normalizer == 0.0 { 0.0 } else { entry.to_f64() / normalizer };
                grad.iter_mut().for_each(|entry| *entry = T::from_f64(divided(*entry)));
            }
            let values = Values::from(grad).rounded(kind);
            npy::write(path, &Matrix { rows: labels.len(), columns: criterion.columns(), values })?;
        }
    }
    warn_of_rows(args, values, labels, &losses);
    let loss = criterion.reduce(reduction, &losses, labels)?;
    let texts: Vec<&str> = rows.iter().map(|row| row.text.trim()).collect();
    let terms = terms::means(&Batch { criterion, logits: values, labels, texts: &texts, losses: &losses })?;
    let count = labels.iter().filter(|label| **label != Label::Ignored).count();
    // Without class weights it divides by the samples, or says that it counts something else.
    let normalizer = criterion.normalizer(labels)?;
    let mean_terms = (criterion.loss().class_weight().is_none() && normalizer != count as f64).then_some(normalizer);
    let report = Report {
        criterion,
        reduction,
        loss: (reduction != Reduction::None).then_some(loss),
        per_sample: losses.into(),
        count,
        mean_terms,
        terms,
        labels: texts,
    };
    match args.format {
        Format::Text => report.write_text(out),
        Format::Json => report.write_json(out),
    }
}

/// Tells which rows have no finite loss and why, and how many are ignored.
fn warn_of_rows<T: Float>(args: &LossArgs, values: &[T], labels: &[Label], losses: &[T]) {
    let columns = values.len() / labels.len().max(1);
    let takes_part = |row: &usize| labels[*row] != Label::Ignored;
    let bad = |row: &usize| {
        let entries = &values[row * columns..(row + 1) * columns];
        entries.iter().any(|z| z.to_f64().is_nan() || z.to_f64() == f64::INFINITY)
    };
    let (logits, labels_file) = (args.input.logits.display(), args.input.labels.display());
    let rows =
        |rows: &[usize]| format!("{} {} (from 0)", if rows.len() == 1 { "row" } else { "rows" }, warnings::list(rows));
    let nan: Vec<usize> = (0..labels.len()).filter(takes_part).filter(bad).collect();
    if !nan.is_empty() {
        warnings::print([format!("{logits}: NaN or +inf in {}: loss and gradient are nan there", rows(&nan))]);
    }
    let infinite: Vec<usize> = (0..labels.len()).filter(|&row| losses[row].to_f64() == f64::INFINITY).collect();
    if !infinite.is_empty() {
        warnings::print([format!(
            "{logits}: the label has probability 0 in {}, masked by -inf: the loss is inf and the gradient 0 there",
            rows(&infinite)
        )]);
    }
    let ignored = labels.iter().filter(|label| **label == Label::Ignored).count();
    if ignored > 0 {
        warnings::print([format!("{labels_file}: {ignored} of {} labels are empty: ignored", labels.len())]);
    }
}
