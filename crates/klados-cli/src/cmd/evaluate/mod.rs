//! `klados evaluate`: how good models are, at every level, from files of their logits or probabilities.

mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use klados::metrics::Resampling;
use klados::{Decision, Hierarchy, Label};

use super::decision::{self, RULES};
use super::format::Format;
use super::models::{FILES, Given, Reading, ReadingOptions};
use super::{Usage, warnings};
use crate::data::labels::LabelParser;
use crate::data::replace::replace_by;
use crate::data::texts::Texts;
use crate::evaluate::probabilities::Probabilities;
use crate::evaluate::probability_intervals::{MOST_ROWS, limited};
use crate::evaluate::rows::RowReader;
use crate::evaluate::threads::{self, Source};
use crate::evaluate::{Evaluator, Judged, Options, rows_a_batch};
use crate::report;

const HELP: &str = r#"
Labels, one a row of the logits:
  crow         a class, or any node: what it does not say takes no part, so that
               a row labelled "bird" is not judged at the level of species
  crow|bat     one of these
  A > B > C    a path, where a short name is ambiguous
  crow;bat     multi-label: all of these, and what is above them
  (empty)      ignored
  Tables are .csv, .parquet and .arrow, else a label a line.

JSON (--format json), one object; docs/metrics.md has the formulas:
  rows, ignored, skipped   rows that take part; without a label, or with one
                           that says nothing (the root); unusable
  levels                   their names, from the top
  hierarchy                by node index: name, parent (-1: none), level (-1);
                           classes: the nodes that are classes
  models[]                 a model with a decision:
    name, decision, rule   the rule by name, and with its parameters
    probabilities          the model whose probabilities are judged: several
                           rules on one model share what is measured of them
    metrics                NAME: {value, low, high}: the ends of the interval,
                           null where there is none. lca_precision, _recall and
                           _f1 are valued by depth; information_precision,
                           _recall and _f1 are the same valued by information
    levels[]               level, rows; as {value, low, high} accuracy (of the
                           level's own most probable node),
                           accuracy_of_decision, balanced_accuracy, coverage,
                           risk, ece, brier, log_loss, aurc, auprc_micro,
                           auprc_macro; reliability[]: low, high, rows,
                           confidence, accuracy; risk_coverage: coverage, risk
    operating_curve        recall, precision, tau, average_precision, valued
                           by information
    nodes                  by node: rows at or below it, those answered wrong
    confusion[]            [label's node, answer's node, rows], the 200,000
                           most frequent; --confusion writes all
    worst[]                the rows farthest off
  comparisons[]            a, b, metrics: NAME or NAME@LEVEL: {difference, low,
                           high} of a - b on the same rows (paired bootstrap)
  What is not known is null; numbers that JSON does not know are the strings
  "nan", "inf" and "-inf".

Memory does not grow with the rows, but for
  labels, groups, weights  12 bytes a row each, and every spelling once
  curves                   some numbers a row; --no-curves does without, and
                           without intervals of what differs from row to row:
                           balanced accuracy, ece, brier, log loss, aurc and
                           average precision, up to 50,000 rows
  intervals                rows that add the same are kept as one; with
                           --weights or --groups nearly none are: 8 (1 + 2
                           metrics) bytes a row, of all models' metrics with
                           intervals; --replicates 0 does without

Examples:
  # One model: animals.csv has lines such as crow,bird; z.npy a row a sample and
  # a column a class; y.txt a label a line.
  klados evaluate --hierarchy animals.csv --logits z.npy --labels y.txt
  # Two models on the same rows, and a page to look at.
  klados evaluate --hierarchy animals.csv --labels test.parquet \
    --logits flat=flat.npy --logits ours=ours.npy --report report.html
  # Two rules on one model; rows of a site are not independent.
  klados evaluate --hierarchy animals.csv --logits z.npy --labels y.csv \
    --decision argmax_leaf --decision '{"threshold": {"tau": 0.9}}' \
    --groups site --format json > result.json
  # A rule that promises 95 %, calibrated on rows that were not trained on.
  klados evaluate --hierarchy animals.csv --logits z.npy --labels y.txt \
    --decision '{"hedge": {"accuracy": 0.95}}' \
    --calibration-logits val.npy --calibration-labels val.txt
  # What `klados train` keeps of its validation rows.
  klados evaluate --hierarchy klados-out/all_fine/hierarchy.json \
    --logits klados-out/all_fine/validation.npy \
    --labels klados-out/all_fine/validation.csv"#;

fn help() -> String {
    format!("{RULES}\n{FILES}{HELP}")
}

/// Judge models by files of their logits or probabilities: accuracy at every level, how bad mistakes are, calibration.
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
pub(crate) struct EvaluateArgs {
    /// The hierarchy: CSV edges (child,parent), CSV with one column a rank, or JSON as klados writes it
    #[arg(long, value_name = "FILE")]
    hierarchy: PathBuf,
    /// A model's logits: .npy, .safetensors, Parquet or Arrow; once for each model [name: that of the file]
    #[arg(long, value_name = "[NAME=]FILE", required_unless_present = "probabilities")]
    logits: Vec<String>,
    /// A model's probabilities instead of logits
    #[arg(long, value_name = "[NAME=]FILE")]
    probabilities: Vec<String>,
    /// The labels: text with one label a line, or a CSV, Parquet or Arrow table
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// The column of the table with the labels [default: label, or the only one]
    #[arg(long, value_name = "COL")]
    label_column: Option<String>,
    /// How answers are made, once for each rule to judge: its name, {"NAME": {"PARAMETER": VALUE}}, or a file of
    /// `klados decide --save-decision` [default: argmax_leaf; of multi-label rows consistent]
    #[arg(long, value_name = "NAME|JSON|FILE.json")]
    decision: Vec<String>,
    /// Rows to calibrate rules on, for each model that --logits or --probabilities name
    #[arg(long, value_name = "[NAME=]FILE", requires = "calibration_labels")]
    calibration_logits: Vec<String>,
    /// The labels of the calibration rows
    #[arg(long, value_name = "FILE", requires = "calibration_logits")]
    calibration_labels: Option<PathBuf>,
    /// Rows that belong together, for the intervals: a file with a group a line, or a column of the labels' table
    #[arg(long, value_name = "FILE|COL")]
    groups: Option<String>,
    /// The weight of each row: a file with a number a line, or a column of the labels' table
    #[arg(long, value_name = "FILE|COL")]
    weights: Option<String>,
    /// How many replicates the intervals are drawn from; 0: no intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    replicates: u32,
    /// The share of data sets whose interval is to hold the true value
    #[arg(long, value_name = "X", default_value_t = 0.95, value_parser = share)]
    confidence: f64,
    /// From which the replicates are drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The number of bins of the calibration error [default: 15]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    bins: Option<u32>,
    /// Do without the curves, and their areas, which keep some numbers of each row
    #[arg(long)]
    no_curves: bool,
    /// Leave out rows that cannot be used (NaN, unknown labels) and say how many, instead of stopping
    #[arg(long)]
    skip_bad_rows: bool,
    /// Write which nodes are taken for which: CSV with the columns model,label,answer,rows
    #[arg(long, value_name = "FILE.csv")]
    confusion: Option<PathBuf>,
    /// Write the report: one page with the numbers, curves, mistakes and the tree, to open in a browser
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// How many threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// The title of the report
    #[arg(long, value_name = "TEXT", default_value = "Evaluation")]
    title: String,
    /// How to print
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    reading: ReadingOptions,
}

/// Of multi-label rows so many probabilities are kept, for exact curves; of more, counts by thresholds.
const MOST_KEPT: usize = 20_000_000;
const THRESHOLDS: usize = 1000;
/// Of the calibration error.
const BINS: u32 = 15;

/// A file of a model's.
struct ModelFile {
    name: String,
    file: PathBuf,
    given: Given,
}

/// Runs the command.
pub(crate) fn run(args: &EvaluateArgs, out: &mut dyn Write) -> Result<()> {
    let models = args.models()?;
    let given: Vec<Given> = models.iter().map(|model| model.given).collect();
    let decisions = args.decision.iter().map(|text| decision::parse(text)).collect::<Result<Vec<_>>>()?;
    let reading = Reading::new(&args.hierarchy, &args.reading, &given)?;
    let hierarchy = &reading.hierarchy;
    let column = args.label_column.as_deref();
    let labels = Texts::read(&args.labels, column, "label")?;
    let is_multi_label = is_multi_label(&labels, hierarchy);
    if is_multi_label {
        args.check_multi_label()?;
    }
    let decisions = chosen(decisions, is_multi_label)?;
    args.check_calibration(&models, &decisions)?;
    let probabilities: Vec<Probabilities> =
        given.iter().map(|given| reading.probabilities(*given)).collect::<Result<_>>()?;
    let judged = args.judged(&models, &decisions, &probabilities, &reading)?;
    let replicates = args.replicates as usize;
    let resampling = Resampling { replicates, seed: args.seed, confidence: args.confidence };
    let resampling = (replicates > 0).then_some(resampling);
    let matrices = models.iter().map(|model| reading.open(&model.file, model.given)).collect::<Result<Vec<_>>>()?;
    let groups = args.groups.as_deref().map(|groups| args.texts(groups, "group")).transpose()?;
    let weights = args.weights.as_deref().map(|weights| args.texts(weights, "weight")).transpose()?;
    let weights_file = weights.as_ref().map(|weights| weights.path().to_owned());
    let has_groups = groups.is_some();
    let rows = RowReader::new(matrices, [Some(labels), groups, weights], rows_a_batch(hierarchy))?;
    let rows_count = rows.rows().unwrap_or(usize::MAX);
    let probabilities_kept = rows_count.saturating_mul(hierarchy.node_count());
    let options = Options {
        bins: args.bins.unwrap_or(BINS) as usize,
        curves: !args.no_curves,
        thresholds: (probabilities_kept > MOST_KEPT).then_some(THRESHOLDS),
        resampling,
        row_resampling: resampling.and_then(|resampling| limited(resampling, rows_count)),
    };
    let evaluator = Evaluator::new(hierarchy, judged, models.len(), is_multi_label, options);
    let bar = progress(rows.rows());
    let files = models.iter().map(|model| model.file.clone());
    let source = Source {
        rows,
        matrices: files.zip(probabilities).collect(),
        labels: args.labels.clone(),
        weights: weights_file,
        has_groups,
        skip_bad_rows: args.skip_bad_rows,
    };
    let cores = || std::thread::available_parallelism().map_or(1, Into::into);
    let threads = args.threads.map_or_else(cores, |threads| threads as usize);
    let part = threads::run(&evaluator, source, threads, &|rows| bar.inc(rows));
    bar.finish_and_clear();
    let part = part?;
    let mut notes = part.notes();
    if is_multi_label && options.thresholds.is_some() {
        notes.push(format!("the areas under precision-recall curves are by {THRESHOLDS} thresholds"));
    }
    if options.resampling.is_some() && !is_multi_label && options.curves && options.row_resampling.is_none() {
        notes.push(format!(
            "more than {MOST_ROWS} rows: there are no intervals of balanced accuracy, calibration error, Brier score, log \
             loss, and areas below curves"
        ));
    }
    // Intervals are drawn by as many threads as rows are read.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let evaluation = pool.install(|| evaluator.finish(&part, &args.title, notes));
    warnings::print(&evaluation.notes);
    if let Some(path) = &args.confusion {
        write_confusion(path, &evaluation.hierarchy.name, evaluator.confusion(&part))?;
    }
    if let Some(path) = &args.report {
        report::write(path, &evaluation)?;
    }
    match args.format {
        Format::Text => text::write(&evaluation, out),
        Format::Json => {
            serde_json::to_writer(&mut *out, &evaluation)?;
            Ok(writeln!(out)?)
        }
    }
}

impl EvaluateArgs {
    /// An error where there is what has no meaning for multi-label rows.
    fn check_multi_label(&self) -> Result<()> {
        let given = [
            ("--confusion", self.confusion.is_some()),
            ("--bins", self.bins.is_some()),
            ("--no-curves", self.no_curves),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => {
                let message =
                    format!("{option} is for rows with one label, and the labels are multi-label; leave it out");
                Err(Usage(message).into())
            }
            None => Ok(()),
        }
    }

    /// An error where rows to calibrate on have no rule, or no model, that takes them.
    fn check_calibration(&self, models: &[ModelFile], decisions: &[Decision]) -> Result<()> {
        if self.calibration_logits.is_empty() {
            return Ok(());
        }
        if !decisions.iter().any(Decision::needs_calibration) {
            let message = "no --decision is calibrated on rows; leave out --calibration-logits";
            return Err(Usage(message.to_owned()).into());
        }
        if self.calibration_logits.len() == 1 && models.len() == 1 {
            return Ok(());
        }
        let mut names = Vec::new();
        for text in &self.calibration_logits {
            let (name, _) = named(text);
            if names.contains(&name) {
                return Err(Usage(format!("--calibration-logits: there are two of \"{name}\"")).into());
            }
            if models.iter().all(|model| model.name != name) {
                let model = models.first().map_or("NAME", |model| model.name.as_str());
                let message = format!(
                    "--calibration-logits {text}: there is no model \"{name}\"; expected the names of the models, as in \
                     {model}=FILE"
                );
                return Err(Usage(message).into());
            }
            names.push(name);
        }
        Ok(())
    }

    /// The models, by their names.
    fn models(&self) -> Result<Vec<ModelFile>> {
        let of_form = self.reading.given();
        let logits = self.logits.iter().map(|text| (text, of_form));
        let given = logits.chain(self.probabilities.iter().map(|text| (text, Given::Probabilities)));
        let mut models: Vec<ModelFile> = Vec::new();
        for (text, given) in given {
            let (name, file) = named(text);
            if models.iter().any(|model| model.name == name) {
                let message = format!("two models are named \"{name}\"; name them as in --logits NAME=FILE");
                return Err(Usage(message).into());
            }
            models.push(ModelFile { name, file, given });
        }
        Ok(models)
    }

    /// Each model with each rule, calibrated where it has to be.
    fn judged(
        &self,
        models: &[ModelFile],
        decisions: &[Decision],
        probabilities: &[Probabilities],
        reading: &Reading<'_>,
    ) -> Result<Vec<Judged>> {
        let mut judged = Vec::new();
        for (source, (model, probabilities)) in models.iter().zip(probabilities).enumerate() {
            for decision in decisions {
                let mut decision = decision.clone();
                if decision.needs_calibration()
                    && let Some(labels) = &self.calibration_labels
                {
                    let of_model = |text: &&String| {
                        let (name, _) = named(text);
                        name == model.name || (self.calibration_logits.len() == 1 && models.len() == 1)
                    };
                    let Some(text) = self.calibration_logits.iter().find(of_model) else {
                        let message = format!("--calibration-logits: expected {}=FILE for that model", model.name);
                        return Err(Usage(message).into());
                    };
                    let matrix = reading.open(&named(text).1, model.given)?;
                    let labels = Texts::read(labels, self.label_column.as_deref(), "label")?;
                    decision = decision::calibrated(&decision, probabilities, matrix, labels, &reading.hierarchy)?;
                }
                if !decision.is_calibrated() {
                    let message = format!(
                        "--decision {} is calibrated on labelled rows: give --calibration-logits and \
                         --calibration-labels, or a file of `klados decide --save-decision`",
                        decision.name()
                    );
                    return Err(Usage(message).into());
                }
                let name = match decisions.len() {
                    1 => model.name.clone(),
                    _ => format!("{}, {}", model.name, shown(&decision, decisions)),
                };
                if judged.iter().any(|other: &Judged| other.name == name) {
                    let message = format!("--decision {} is given twice", decision.name());
                    return Err(Usage(message).into());
                }
                let about = format!("{}, answers by {}", model.file.display(), decision.name());
                let decider = decision::compile(&decision, &reading.hierarchy)?;
                let probabilities = model.name.clone();
                judged.push(Judged { name, about, source, probabilities, decider });
            }
        }
        Ok(judged)
    }

    /// Texts by row: lines of a file, or a column of the labels' table.
    fn texts(&self, written: &str, usual: &'static str) -> Result<Texts> {
        match Path::new(written).is_file() {
            true => Texts::read(Path::new(written), None, usual),
            false => Texts::read(&self.labels, Some(written), usual)
                .with_context(|| format!("there is no file \"{written}\", nor such a column")),
        }
    }
}

/// A rule's name; with its parameters where another rule has the same name.
fn shown(decision: &Decision, decisions: &[Decision]) -> String {
    let same = decisions.iter().filter(|other| other.name() == decision.name()).count();
    let parameters = serde_json::to_value(decision).ok().and_then(|value| value.get(decision.name()).cloned());
    match parameters {
        Some(parameters) if same > 1 => format!("{} {parameters}", decision.name()),
        _ => decision.name().to_owned(),
    }
}

/// The rules that fit the rows.
fn chosen(decisions: Vec<Decision>, is_multi_label: bool) -> Result<Vec<Decision>> {
    if decisions.is_empty() {
        let usual = if is_multi_label { "consistent" } else { "argmax_leaf" };
        return Ok(vec![usual.parse()?]);
    }
    if let Some(other) = decisions.iter().find(|decision| decision.is_multi_label() != is_multi_label) {
        let name = other.name();
        let message = match is_multi_label {
            true => format!("--decision {name} answers with one node, but the labels are multi-label; try consistent"),
            false => format!("--decision {name} answers with sets, but no label is multi-label (a;b, or a; for one)"),
        };
        return Err(Usage(message).into());
    }
    Ok(decisions)
}

/// A number above 0 and below 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a number above 0 and below 1".to_owned()),
    }
}

/// `NAME` and `FILE` of `NAME=FILE`; the name of a file alone is its own, also of one with `=` in its name.
fn named(text: &str) -> (String, PathBuf) {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !name.contains(['/', '\\']) && !Path::new(text).exists() => {
            (name.to_owned(), file.into())
        }
        _ => {
            let stem = Path::new(text).file_stem().map_or(text.into(), |stem| stem.to_string_lossy());
            (stem.into_owned(), text.into())
        }
    }
}

/// Whether any label is a set: rows are read in one way or the other.
fn is_multi_label(labels: &Texts, hierarchy: &Hierarchy) -> bool {
    let mut parser = LabelParser::new(hierarchy);
    let mut texts = labels.spellings().iter().filter(|text| text.contains(';'));
    texts.any(|text| matches!(parser.parse(text), Ok(Label::Set { .. })))
}

/// A line that moves, on standard error and only on a terminal.
fn progress(rows: Option<usize>) -> ProgressBar {
    let (bar, template) = match rows {
        Some(rows) => (ProgressBar::new(rows as u64), "{bar:24} {human_pos}/{human_len} rows  {per_sec}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} rows  {per_sec}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// All pairs, where the JSON lists the most frequent; `names` are those of the nodes.
fn write_confusion<'a>(
    path: &Path,
    names: &[String],
    confusion: impl Iterator<Item = (&'a str, Vec<(usize, usize, u64)>)>,
) -> Result<()> {
    replace_by(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(["model", "label", "answer", "rows"])?;
        for (model, pairs) in confusion {
            for (label, answer, rows) in pairs {
                csv.write_record([model, &names[label], &names[answer], &rows.to_string()])?;
            }
        }
        Ok(csv.flush()?)
    })
}
