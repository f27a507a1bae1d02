//! `klados explain`: where a loss and its gradient come from, and what is wrong with a gradient of one's own.

mod against;
mod differences;
mod mean;
mod page;
mod pushes;
mod row;
mod table;
mod tree;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use klados::explain::{Explanation, MeanExplanation, Outcome};
use klados::{Criterion, Label};
use serde::Serialize;

use self::against::Against;
use self::differences::Differences;
use super::colour::Colours;
use super::format::Format;
use super::loss_input::{LossInput, LossInputArgs};
use crate::data::hierarchy::HierarchyOptions;

const HELP: &str = r#"Losses and labels are those of `klados loss --help`.

Text:
  the nodes    those above a row's label, with *, and their children: logit,
               log P, P, and what the terms about a node add to the loss
  the terms    what the loss is the sum of: weight x -log P, with gamma times
               (1 - P)^gamma
  the columns  which logits a step of training pushes up and down, the
               strongest first, and the shares of the terms in that

JSON of a row: {"outcome": ..., "loss": x, "terms": [...], "columns": [...],
  "nodes": [...]}; a number that is not finite is null
  outcome      finite, ignored (an empty label), impossible (a term has
               probability 0), not_a_number (the row has NaN or +inf)
  terms        {"subject", "quantity", "weight", "log_p", "p", "focal",
               "value"}; the values add up to the loss
  columns      {"name", "logit", "gradient", "shares": [{"term", "share"}]};
               the shares add up to the gradient
  nodes        {"node", "name", "parents", "depth", "is_on_path", "column",
               "logit", "log_p", "p", "loss", "gradient"}
JSON of the mean: {"rows": n, "ignored": n, "impossible": n,
  "not_a_number": n, "loss": x, "terms": [...], "columns": [...],
  "nodes": [...]}; shares are by the rank of the terms' nodes, or their depth
With --check also "check", with --against also "against".

--report writes a row as a page to open in a browser: the tree with the nodes'
probabilities, the terms, an arrow for each gradient, and a slider for each
logit that computes everything again. Of a large hierarchy it draws the nodes
around the label and those of the largest gradients; all others count.

--check takes every logit a step to either side. Where a loss has a kink, as
the largest of several logits has where two are equal, the difference is
between the slopes of the two sides, and the check fails.

--against makes the usual mistakes one by one where the gradient is wrong:
that takes much longer than to compare it, and a file of some rows will do.

Exit status: 1 where --check or --against find a difference.

Examples:
  # The mean over all rows, then row 3.
  klados explain --hierarchy animals.csv --logits z.npy --labels y.txt
  klados explain --hierarchy animals.csv --logits z.npy --labels y.txt --row 3
  # Row 3 as a page, with a slider for each logit.
  klados explain --hierarchy animals.csv --logits z.npy --labels y.txt --row 3 \
    --report row3.html
  # What is wrong with the gradient of your own code, of the mean loss.
  klados explain --hierarchy animals.csv --logits z.npy --labels y.txt \
    --loss '{"marginal_cross_entropy": {"weights": {"levels": [1, 0]}}}' \
    --against grad.npy"#;

/// Explain a loss and its gradient, node by node: what each costs, which logits it pushes up and down; and what is wrong
/// with a gradient of your own.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    input: LossInputArgs,
    /// The row to explain, from 0 [default: the mean over all rows]
    #[arg(long, value_name = "N")]
    row: Option<usize>,
    /// Write the row as a page to open in a browser, in which its logits can be moved
    #[arg(long, value_name = "FILE.html", requires = "row")]
    report: Option<PathBuf>,
    /// Compare the gradient with central differences of the loss, in the row or in every row; slow, as the loss is computed
    /// four times a column
    #[arg(long)]
    check: bool,
    /// Compare with a gradient of your own by the logits of all rows, in their shape and any format of theirs, and name the
    /// mistake that gives it; of the loss as --reduction has it, with none that of each row's own loss
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// How to print
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    hierarchy_options: HierarchyOptions,
}

/// Rows of logits in `f64`, as explanations take them.
struct Rows<'a> {
    criterion: &'a Criterion,
    logits: Vec<f64>,
    labels: &'a [Label],
}

impl Rows<'_> {
    fn row(&self, row: usize) -> &[f64] {
        let columns = self.criterion.columns();
        &self.logits[row * columns..(row + 1) * columns]
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Json<'a, T: Serialize> {
    #[serde(flatten)]
    explanation: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a Differences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a Against>,
}

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<()> {
    let LossInput { criterion, values, labels, rows: texts } = args.input.read(&args.hierarchy_options)?;
    let rows = Rows { criterion: &criterion, logits: values.to_f64(), labels: &labels };
    if let Some(row) = args.row.filter(|row| *row >= labels.len()) {
        let (logits, count) = (args.input.logits.display(), labels.len());
        bail!("--row {row}: {logits} has {count} rows, expected a number below that, as rows count from 0");
    }
    let checked = args.row.map_or(0..labels.len(), |row| row..row + 1);
    let check = args.check.then(|| Differences::of_rows(&rows, checked)).transpose()?;
    let against = args.against.as_deref().map(|file| against::compare(file, &args.input, &rows)).transpose()?;
    let (check, against) = (check.as_ref(), against.as_ref());
    let colours = Colours::of_stdout();
    match args.row {
        Some(row) => {
            let explanation = Explanation::of_row(&criterion, rows.row(row), &labels[row], row)?;
            let text = texts[row].text.trim();
            if let Some(path) = &args.report {
                page::write(path, &explanation, &criterion, (row, &labels[row], text))?;
            }
            match args.format {
                Format::Text => row::write(&explanation, &criterion, row, text, colours, out)?,
                Format::Json => write_json(&Json { explanation: &explanation, check, against }, out)?,
            }
        }
        None => {
            let explanation = mean_of(&rows)?;
            match args.format {
                Format::Text => mean::write(&explanation, &criterion, &labels, colours, out)?,
                Format::Json => write_json(&Json { explanation: &explanation, check, against }, out)?,
            }
        }
    }
    if args.format == Format::Text {
        check.map_or(Ok(()), |check| check.write(colours, out))?;
        against.map_or(Ok(()), |against| against.write(colours, out))?;
    }
    if check.is_some_and(|check| !check.agrees) {
        bail!("the gradient is not that of central differences");
    }
    if against.is_some_and(|against| !against.is_right) {
        bail!("{}: the gradient is not that of the loss", args.against.clone().unwrap_or_default().display());
    }
    Ok(())
}

fn mean_of(rows: &Rows<'_>) -> Result<MeanExplanation> {
    let mut mean = MeanExplanation::new(rows.criterion);
    for (row, label) in rows.labels.iter().enumerate() {
        mean.add(rows.row(row), label)?;
    }
    Ok(mean)
}

fn write_json(json: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, json)?;
    Ok(writeln!(out)?)
}

/// Why a row has no gradient; none where it has one.
fn reason(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Finite => None,
        Outcome::Ignored => Some("the label is empty: the row is ignored, with loss and gradient 0"),
        Outcome::Impossible => Some("the label has probability 0, masked by -inf: the loss is inf and the gradient 0"),
        Outcome::NotANumber => Some("the row has NaN or +inf: loss and gradient are nan"),
    }
}
