//! `klados decide`: answers to rows of logits or probabilities.
#![expect(clippy::disallowed_methods, reason = "prints probabilities; klados::numeric is not public")]

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use anyhow::{Result, bail};
use klados::{Decider, Hierarchy, Level, NodeId};

use super::decision::{self, RULES};
use super::models::{FILES, Given, Reading, ReadingOptions};
use super::{Usage, warnings};
use crate::data::hierarchy::unique_name;
use crate::data::matrix::{Batch, MatrixReader};
use crate::data::probability;
use crate::data::replace::replace_by;
use crate::data::texts::Texts;
use crate::evaluate::probabilities::{BadRow, Probabilities};

const HELP: &str = r#"
Output is CSV, a line a row:
  row          the row of the matrix, from 0
  node         the answer: a node's name, a path where that is not unique
  probability  the node's probability
  level        the node's rank, or `depth 1` and so on, `class` for the classes
               where ranks do not name them; empty for the root
  A rule of multi-label data answers with a set: `node` is `a;b`, the lowest
  nodes, as a label is written (`a;` is the set of one, `;` the empty one), and
  the others are a;b as well.

Calibration: hedge and conformal take a number from labelled rows that the model
was not trained on. Its promise holds for new rows that come from where these
came from. --save-decision keeps the rule for the next time.

Examples:
  # The most specific node that more than half of the probability is for.
  klados decide --hierarchy animals.csv --logits z.npy --decision threshold
  # Only what is 90 % sure, from probabilities, into a file.
  klados decide --hierarchy animals.csv --probabilities p.parquet \
    --decision '{"threshold": {"tau": 0.9}}' --out answers.csv
  # 95 % of the answers are to be right: calibrated, kept, and used again.
  klados decide --hierarchy animals.csv --logits z.npy \
    --decision '{"hedge": {"accuracy": 0.95}}' \
    --calibration-logits val.npy --calibration-labels val.txt \
    --save-decision hedge.json
  klados decide --hierarchy animals.csv --logits z.npy --decision hedge.json"#;

fn help() -> String {
    format!("{RULES}\n{FILES}{HELP}")
}

/// Turn logits or probabilities into answers: the class, or how far up to back off.
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
pub(crate) struct DecideArgs {
    /// The hierarchy: CSV edges (child,parent), CSV with one column a rank, or JSON as klados writes it
    #[arg(long, value_name = "FILE")]
    hierarchy: PathBuf,
    /// The logits: .npy, .safetensors, Parquet or Arrow
    #[arg(long, value_name = "FILE", required_unless_present_any = ["probabilities", "save_decision"])]
    logits: Option<PathBuf>,
    /// Probabilities instead of logits
    #[arg(long, value_name = "FILE", conflicts_with = "logits")]
    probabilities: Option<PathBuf>,
    /// The rule: its name, with parameters {"NAME": {"PARAMETER": VALUE}}, or a file of --save-decision
    #[arg(long, value_name = "NAME|JSON|FILE.json")]
    decision: String,
    /// Where the answers go [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows to calibrate the rule on, of the kind and form of the others
    #[arg(long, value_name = "FILE", requires = "calibration_labels")]
    calibration_logits: Option<PathBuf>,
    /// Their labels: text with one label a line, or a CSV, Parquet or Arrow table
    #[arg(long, value_name = "FILE", requires = "calibration_logits")]
    calibration_labels: Option<PathBuf>,
    /// The column of the table with the labels [default: label, or the only one]
    #[arg(long, value_name = "COL", requires = "calibration_labels")]
    label_column: Option<String>,
    /// Write the rule, calibrated, to a file that --decision takes
    #[arg(long, value_name = "FILE.json")]
    save_decision: Option<PathBuf>,
    /// Leave out rows without probabilities (NaN, all masked) and say how many, instead of stopping
    #[arg(long)]
    skip_bad_rows: bool,
    #[command(flatten)]
    reading: ReadingOptions,
}

/// Runs the command.
pub(crate) fn run(args: &DecideArgs, out: &mut dyn Write) -> Result<()> {
    if args.logits.is_none() && args.probabilities.is_none() && args.out.is_some() {
        let message = "--out is for the answers: give --logits or --probabilities too";
        return Err(Usage(message.to_owned()).into());
    }
    let given = if args.probabilities.is_some() { Given::Probabilities } else { args.reading.given() };
    let mut decision = decision::parse(&args.decision)?;
    let reading = Reading::new(&args.hierarchy, &args.reading, &[given])?;
    let hierarchy = &reading.hierarchy;
    let probabilities = reading.probabilities(given)?;
    match (&args.calibration_logits, &args.calibration_labels) {
        (Some(_), _) if !decision.needs_calibration() => {
            let message = format!("--decision {} is not calibrated; leave out --calibration-logits", decision.name());
            return Err(Usage(message).into());
        }
        (Some(matrix), Some(labels)) => {
            let labels = Texts::read(labels, args.label_column.as_deref(), "label")?;
            let matrix = reading.open(matrix, given)?;
            decision = decision::calibrated(&decision, &probabilities, matrix, labels, hierarchy)?;
        }
        _ if !decision.is_calibrated() => {
            let message = format!(
                "--decision {} is calibrated on labelled rows: give --calibration-logits and --calibration-labels, or a file \
                 of --save-decision",
                decision.name()
            );
            return Err(Usage(message).into());
        }
        _ => {}
    }
    let decider = decision::compile(&decision, hierarchy)?;
    let matrix = args.logits.as_ref().or(args.probabilities.as_ref());
    let matrix = matrix.map(|file| reading.open(file, given)).transpose()?;
    if let Some(path) = &args.save_decision {
        decision::save(path, &decision)?;
    }
    let Some(matrix) = matrix else { return Ok(()) };
    let mut answers = Answers {
        decider,
        probabilities,
        names: hierarchy.nodes().map(|node| unique_name(hierarchy, node)).collect(),
        levels: level_names(hierarchy),
        skip_bad_rows: args.skip_bad_rows,
    };
    match &args.out {
        None => answers.write(matrix, out),
        Some(path) => replace_by(path, |file| {
            let mut out = BufWriter::new(file);
            answers.write(matrix, &mut out)?;
            Ok(out.flush()?)
        }),
    }
}

/// What answers are made and written with.
struct Answers {
    decider: Decider,
    probabilities: Probabilities,
    /// By node.
    names: Vec<String>,
    levels: Vec<String>,
    skip_bad_rows: bool,
}

impl Answers {
    fn write(&mut self, mut matrix: MatrixReader, out: &mut dyn Write) -> Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let header = ["row", "node", "probability", "level"];
        let limit = crate::evaluate::rows_a_batch(self.decider.hierarchy());
        let shown = matrix.path().display().to_string();
        let (mut log_probs, mut skipped, mut is_empty) = (Vec::new(), 0, true);
        std::thread::scope(|scope| {
            // While some rows are answered, the next are read.
            let (sender, batches) = sync_channel(2);
            scope.spawn(move || {
                loop {
                    let next = matrix.next_batch(limit).transpose();
                    let is_last = !matches!(next, Some(Ok(_)));
                    // Nobody receives after an error.
                    if sender.send(next).is_err() || is_last {
                        break;
                    }
                }
            });
            for batch in batches.into_iter().map_while(|next| next) {
                let batch = batch?;
                let bad = self.probabilities.log_probs(&batch, &mut log_probs)?;
                if !bad.is_empty() && !self.skip_bad_rows {
                    bail!("{}", bad_rows(&shown, batch.first, &bad));
                }
                // After the first rows have turned out to be good: of bad ones nothing is printed.
                if std::mem::take(&mut is_empty) {
                    csv.write_record(header)?;
                }
                skipped += bad.len();
                self.write_batch(&batch, &mut log_probs, &bad, &mut csv)?;
            }
            Ok(())
        })?;
        if is_empty {
            csv.write_record(header)?;
        }
        csv.flush()?;
        if skipped > 0 {
            warnings::print([format!("{shown}: {skipped} rows cannot be used and are left out")]);
        }
        Ok(())
    }

    fn write_batch(
        &self,
        batch: &Batch,
        log_probs: &mut [f64],
        bad: &[BadRow],
        csv: &mut csv::Writer<&mut dyn Write>,
    ) -> Result<()> {
        let nodes = self.decider.hierarchy().node_count();
        // A bad row gets an answer that is not written.
        bad.iter().for_each(|bad| log_probs[bad.row * nodes..(bad.row + 1) * nodes].fill(0.0));
        let mut answers = vec![NodeId::ROOT; batch.rows];
        let mut sets = Vec::new();
        match self.decider.is_multi_label() {
            true => {
                sets = vec![false; batch.rows * nodes];
                self.decider.decide_sets(log_probs, &mut sets)?;
            }
            false => self.decider.decide(log_probs, &mut answers)?,
        }
        for (row, log_p) in log_probs.chunks_exact(nodes).enumerate() {
            if bad.binary_search_by_key(&row, |bad| bad.row).is_ok() {
                continue;
            }
            let number = (batch.first + row).to_string();
            let probability = |node: &NodeId| probability::text(log_p[node.index()].exp().min(1.0));
            let level = |node: &NodeId| self.levels[node.index()].as_str();
            let name = |node: &NodeId| self.names[node.index()].as_str();
            if sets.is_empty() {
                let node = answers[row];
                csv.write_record([&number, name(&node), &probability(&node), level(&node)])?;
                continue;
            }
            let set = self.lowest(&sets[row * nodes..(row + 1) * nodes]);
            // As a label: the set of one is `a;`, or it would be the node.
            let end = if set.len() < 2 { ";" } else { "" };
            let names = set.iter().map(name).collect::<Vec<_>>().join(";") + end;
            let probabilities = set.iter().map(probability).collect::<Vec<_>>().join(";");
            let levels = set.iter().map(level).collect::<Vec<_>>().join(";");
            csv.write_record([&number, &names, &probabilities, &levels])?;
        }
        Ok(())
    }

    /// The nodes of a set that have none of it below them.
    fn lowest(&self, set: &[bool]) -> Vec<NodeId> {
        let hierarchy = self.decider.hierarchy();
        let inside = hierarchy.nodes().skip(1).filter(|node| set[node.index()]);
        inside.filter(|node| !hierarchy.children(*node).iter().any(|child| set[child.index()])).collect()
    }
}

/// The rows that cannot be used, for a message.
fn bad_rows(shown: &str, first: usize, bad: &[BadRow]) -> String {
    let mut message = String::new();
    for bad in bad.iter().take(5) {
        message += &format!("{shown}: row {} (from 0): {}\n", first + bad.row, bad.reason);
    }
    if bad.len() > 5 {
        message += &format!("and {} more rows near it\n", bad.len() - 5);
    }
    message + "--skip-bad-rows leaves such rows out"
}

/// By node, its level for people.
fn level_names(hierarchy: &Hierarchy) -> Vec<String> {
    let mut is_class = vec![false; hierarchy.node_count()];
    (0..hierarchy.class_count()).for_each(|class| is_class[hierarchy.class_node(class).index()] = true);
    let lowest = hierarchy.nodes().map(|node| hierarchy.depth(node)).max().unwrap_or(0);
    let name = |node: NodeId| match (hierarchy.level(node), is_class[node.index()]) {
        (Some(Level::Depth(depth)), true) if depth == lowest => "class".to_owned(),
        (Some(Level::Depth(depth)), _) => format!("depth {depth}"),
        (Some(Level::Rank(name)), _) => name,
        (None, true) => "class".to_owned(),
        (None, false) => String::new(),
    };
    hierarchy.nodes().map(name).collect()
}
