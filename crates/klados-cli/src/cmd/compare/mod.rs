//! `klados compare`: does a superclass term, or the use of coarse labels, help on this data, and at which level?

mod progress;
mod rows;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use klados::Loss;
use serde::Serialize;
use serde_json::{Value, json};

use self::progress::Progress;
use self::rows::Source;
use super::Usage;
use super::format::Format;
use crate::compare::arm::Typed;
use crate::compare::plan::{Design, Plan};
use crate::compare::result::Comparison;
use crate::data::hierarchy::HierarchyOptions;
use crate::data::loss_files;
use crate::data::replace::replace;
use crate::output::folder::Folder;
use crate::output::metrics;
use crate::train::settings::{HeadArgs, positive};

/// The file with what is printed.
const REPORT: &str = "report.txt";

const LONG_ABOUT: &str = "\
Whether a superclass term, or the use of coarse labels, helps on your data, and at which level.

It trains plain cross-entropy at the classes (leaf_only) and each --loss on the same splits with the same number of steps, \
tunes each on validation rows alone with as many trials, and reports by level the difference on the test rows with its \
interval, corrected for how many differences are looked at; what it costs; and in plain words what follows, and how many \
more rows would tell. Where some labels are coarse, what using them brings (coarse_labels) and what a loss's terms bring on \
top are two questions with two answers.

Without DATA it compares on the embedded pictures: 866 emoji by six vendors, each of which is left out once.";

const AFTER_LONG_HELP: &str = "\
Examples:
  klados compare
  klados compare --fine-share 0.25
  klados compare birds.csv --label species --hierarchy taxonomy.csv \\
      --groups photographer
  klados compare x.npy --labels y.txt --hierarchy tree.csv --seeds 3 \\
      --loss marginal_cross_entropy --loss soft_labels
  klados compare birds.csv --label species --hierarchy taxonomy.csv \\
      --loss '{\"marginal_cross_entropy\": {\"weights\": \"balanced\"}}' --format json

How:
  splits     The rows are divided into --splits parts, by label in equal shares
             or by --groups whole. Each part is tested on once; settings are
             chosen on the next part; the others are trained on. --seeds N does
             it N times, with other divisions. Where there are no more groups
             than parts, each is left out once, and seeds only change the order
             of the rows and the first weights; they are averaged then.
  search     --trials settings each, for every arm: learning rates from a third
             of --learning-rate to three times as much. A loss with weights of
             levels that --loss does not say tries half as many rates with two
             weightings. The best mean of the accuracies at all levels on the
             validation rows is taken; ties go to the first.
  intervals  Splits share training rows, so their differences are no
             independent samples. The variance is corrected for that (Nadeau
             and Bengio 2003), with Student's t. The differences in accuracy,
             all levels of all questions, are judged together: probabilities by
             Holm, intervals by Bonferroni, so that a difference is reported
             where there is none in at most one comparison of twenty.
             Severity, height and calibration are shown with intervals of
             their own and not judged.
  rows       --fine-share makes training labels coarse on purpose, to see what
             fine ones are worth: the others name the level above the classes.
             Rows that are chosen and tested on keep their labels.

Output, a folder that appears only when all is done: metrics.json with every
number, also by split, and report.txt with what is printed. An interrupted run
leaves OUT.partial; the same command with --resume trains what is missing. The
result does not depend on --threads.

docs/do-you-need-it.md says how to read it.";

/// Whether superclass terms or coarse labels help on some data; without DATA, on pictures of emoji
#[derive(Debug, clap::Args)]
#[command(long_about = LONG_ABOUT, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct CompareArgs {
    /// The table: .csv, .parquet or .npy; without it, the embedded pictures
    #[arg(requires = "hierarchy")]
    pub(super) data: Option<PathBuf>,
    /// The column with the label
    #[arg(long, value_name = "COL", requires = "data")]
    pub(super) label: Option<String>,
    /// The labels of an .npy, one a line; or a CSV or Parquet file whose column --label names
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(super) labels: Option<PathBuf>,
    /// The classes and what is above them
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(super) hierarchy: Option<PathBuf>,
    /// A loss by name, or as JSON with its parameters; again, for several [default: marginal_cross_entropy]
    #[arg(long = "loss", value_name = "NAME|JSON")]
    losses: Vec<String>,
    /// How often the rows are divided, each time with another seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    seeds: usize,
    /// How many parts they are divided into, at least 3
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = parts)]
    splits: usize,
    /// How many settings each arm tries
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = positive)]
    trials: usize,
    /// Rows with the same value in this column stay on one side of every split
    #[arg(long, value_name = "COL", requires = "data", visible_alias = "group")]
    pub(super) groups: Option<String>,
    /// Train on labels of which only this share, drawn at random, stays fine
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fine_share: Option<f64>,
    /// The columns that are features
    #[arg(long, value_name = "COL,...", value_delimiter = ',', requires = "data")]
    pub(super) features: Option<Vec<String>>,
    /// Leave out rows with missing values or unknown labels (and say how many), instead of stopping
    #[arg(long, requires = "data")]
    pub(super) skip_bad_rows: bool,
    /// How many trainings run at once [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Where the results go
    #[arg(long, value_name = "DIR", default_value = "klados-compare")]
    out: PathBuf,
    /// Replace the results that are there
    #[arg(long)]
    force: bool,
    /// Go on with an interrupted run
    #[arg(long)]
    resume: bool,
    /// How the result is printed
    #[arg(long, value_enum, value_name = "F", default_value = "text")]
    format: Format,
    /// How the hierarchy is read.
    #[command(flatten)]
    pub(super) hierarchy_options: HierarchyOptions,
    /// How heads are trained.
    #[command(flatten)]
    head: HeadArgs,
}

/// What is written as JSON.
#[derive(Serialize)]
struct Written<'a> {
    klados: &'static str,
    /// What was compared on, and how.
    data: &'a Value,
    #[serde(flatten)]
    comparison: &'a Comparison,
    seconds: f64,
}

/// Runs the command.
pub(crate) fn run(args: &CompareArgs, out: &mut dyn Write) -> Result<()> {
    let started = Instant::now();
    let losses = losses(&args.losses)?;
    let Source { data, about, defaults } = rows::read(args)?;
    let settings = args.head.over(&defaults);
    let design = Design {
        splits: args.splits,
        seeds: args.seeds,
        trials: args.trials,
        fine_share: args.fine_share,
        settings: settings.clone(),
    };
    let plan = Plan::new(data, &losses, design)?;
    let about = json!({
        "file": about,
        "rows": plan.data.examples.rows(),
        "classes": plan.data.hierarchy.class_count(),
        "splits": args.splits,
        "seeds": args.seeds,
        "groups": args.groups,
        "fine_share": args.fine_share,
        "skip_bad_rows": args.skip_bad_rows,
        "features": args.features,
        "settings": settings,
        "arms": plan.arms.all,
    });
    let mut fingerprint = about.clone();
    fingerprint["klados"] = json!(env!("CARGO_PKG_VERSION"));
    let folder = Folder::open(&args.out, &fingerprint, args.force, args.resume)?;
    let introduction = text::introduction(&plan);
    if args.format == Format::Text {
        writeln!(out, "{introduction}")?;
        out.flush()?;
    }
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let jobs = plan.jobs().len();
    let progress = Progress::new(jobs);
    let outcomes =
        plan.run(Some(&folder.checkpoints("trainings")), threads, &|_, was_there| progress.done(was_there))?;
    progress.finish();

    let comparison = Comparison::new(&plan, &outcomes)?;
    let seconds = started.elapsed().as_secs_f64();
    let written = Written { klados: env!("CARGO_PKG_VERSION"), data: &about, comparison: &comparison, seconds };
    let json = serde_json::to_string_pretty(&written)? + "\n";
    let report = text::report(&comparison);
    let write = |name: &str, text: &str| replace(&folder.path().join(name), |file| file.write_all(text.as_bytes()));
    write(metrics::FILE, &json)?;
    write(REPORT, &format!("{introduction}\n{report}"))?;
    let place = folder.finish()?;
    match args.format {
        Format::Json => write!(out, "{json}")?,
        Format::Text => {
            write!(out, "{report}")?;
            writeln!(out, "\n{seconds:.0} seconds. Numbers: {}", place.join(metrics::FILE).display())?;
        }
    }
    Ok(())
}

/// The losses that were typed, each with a name of its own.
fn losses(texts: &[String]) -> Result<Vec<Typed>> {
    let default = ["marginal_cross_entropy".to_owned()];
    let texts = if texts.is_empty() { &default[..] } else { texts };
    let mut losses: Vec<Typed> = Vec::new();
    for text in texts {
        let loss: Loss = text.parse().with_context(|| format!("--loss {text}"))?;
        let (loss, _) = loss_files::resolve(&loss)?;
        let same = losses.iter().filter(|other| other.loss.name() == loss.name()).count();
        let name = if same == 0 { loss.name().to_owned() } else { format!("{}_{}", loss.name(), same + 1) };
        losses.push(Typed { name, text: text.clone(), loss });
    }
    Ok(losses)
}

fn parts(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n >= 3).ok_or_else(|| {
        "expected a whole number of at least 3: one part to test on, one to choose settings on, the others to train on"
            .to_owned()
    })
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share.filter(|share| *share > 0.0 && *share < 1.0).ok_or_else(|| "expected a share above 0 and below 1".to_owned())
}

/// A `.npy` has its labels beside it, a table in one of its columns.
fn check_labels(args: &CompareArgs, data: &std::path::Path) -> Result<()> {
    let is_npy = data.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    let missing = match (is_npy, &args.label, &args.labels) {
        (true, _, None) => "--labels FILE: an .npy has no labels",
        (false, None, None) => "--label COL: the column with the label",
        _ => return Ok(()),
    };
    Err(Usage(format!("{} needs {missing}", data.display())).into())
}
