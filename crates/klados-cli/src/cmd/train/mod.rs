//! `klados train`: the embedded set's story, or a head on a user's own table.

pub(super) mod emoji_story;
mod mistakes;
mod progress;
mod summary;
pub(super) mod table_runs;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use super::Usage;
use crate::data::emoji;
use crate::data::hierarchy::HierarchyOptions;
use crate::train::measure::Measure;
use crate::train::reading::Reading;
use crate::train::settings::{Settings, SettingsArgs};

const LONG_ABOUT: &str = "\
Train a classifier whose classes roll up into superclasses.

Without DATA it trains on the pictures in this program: 866 emoji in 90 subgroups and 8 groups, drawn by six vendors. \
A quarter of the training pictures are labelled by emoji, the rest only by subgroup. Four heads with the same number of \
steps show what that is worth: flat cross-entropy on the quarter alone, marginal cross-entropy on everything, and, as the \
ceiling, flat cross-entropy and superclass terms with every label fine.

With DATA it trains on a table of your own: a row an example, numbers in the columns (embeddings, measurements), a label, \
and a hierarchy. A label may name any node of the hierarchy: \"only identified to genus\" is a label too.";

const AFTER_LONG_HELP: &str = "\
Examples:
  klados train
  klados train birds.csv --label species --hierarchy taxonomy.csv
  klados train embeddings.parquet --label label --hierarchy tree.csv \\
      --val 0.2 --group photographer
  klados train x.npy --labels y.txt --hierarchy tree.csv --model mlp \\
      --patience 5 --out run-1
  klados train birds.csv --label species --hierarchy taxonomy.csv \\
      --patience 5 --stop-on accuracy@genus
  klados train birds.csv --label species --hierarchy taxonomy.csv \\
      --loss '{\"marginal_cross_entropy\": {\"weights\": \"leaves\"}}' \\
      --loss hierarchical_cross_entropy

Files:
  DATA       .csv with a header; .parquet; or .npy of shape [rows, features]
             with --labels. Features are all columns with numbers (one list
             column of numbers, if there is one) except label, group, and
             columns named id, index, row; a cell that is no number makes its
             row a bad one. --features chooses others.
  labels     text: a node's name; `=dog` the class alone where it is an
             internal node; `a|b` one of these; `Animalia > Chordata > Aves` a
             path where a name is not unique; with a `map`, also the name of a
             superclass of it; multi-label: `a;b` all of these, `;` none at
             all. An empty label is a missing one.
  hierarchy  CSV: `child,parent`, or one column a rank
             (`species,genus,family`). Several roots and parents are fine.
  losses     a name, or JSON with parameters: those that `klados loss --help`
             lists. The head has an output a class or a node, as the loss wants.

Output, a folder that appears only when all is done:
  report.html      one page that opens without a network: the models side by
                   side at every level with intervals, what their answers
                   hold, calibration, the tree coloured by error, confusions,
                   the worst mistakes, curves of training. On the embedded
                   pictures also what `hedge` answers where a model is unsure,
                   calibrated on a vendor to promise 90 %, and whether that
                   holds for another: the table of decisions
  metrics.json     every number: settings, epochs, accuracy per level, severity
                   of the mistakes; `evaluation` is what `klados evaluate
                   --format json` prints
  predictions.csv  the validation rows: line, label, class, probability, and
                   each ancestor with its probability
  model.safetensors, config.json, hierarchy.json
                   what `klados predict --model` needs; config.json has the
                   loss, the form of its probabilities, and names the outputs
  validation.npy, validation.csv
                   the logits of the validation rows (at most 64 MiB of them)
                   and their labels: rules that take numbers from data, as
                   `klados predict --decision hedge` does, take them from these
With several losses each has a folder of its own for its model and predictions.

At each level the most probable node of that level is the prediction. How
probable a node is, the form of the loss says: sums over classes of a softmax,
products down the path of a sibling softmax, and so on. levelwise_softmax and
random_cut have no such form: there the logits of a level's nodes compete.

Where a label is multi-label, all rows are: the nodes of a label and all above
them hold, no others. The losses have to be those that take such labels
(binary_cross_entropy, conditional_sigmoid, tree_min), and the table has average
precisions in place of accuracies: how well the probabilities put the nodes of a
level, or of all levels, that hold before those that do not, over all rows and
without a threshold. Predictions are the probabilities of all nodes.

--stop-on takes loss, the default, or a metric of the validation rows, larger or
smaller as is better:
{metrics}
NAME@LEVEL is of the level, without @LEVEL of the classes'. Of equally good
epochs the first is kept, and one in which the metric is not defined, as
mistake_severity without a mistake, is never the best.

An interrupted run leaves OUT.partial; the same command with --resume goes on
after its last whole epoch and gives the numbers that it would have given.";

/// The metrics that there are, in the text.
fn help() -> String {
    AFTER_LONG_HELP.replace("{metrics}", &Measure::names())
}

/// Train a classifier whose classes roll up into superclasses; without DATA, on pictures of emoji
#[derive(Debug, clap::Args)]
#[command(long_about = LONG_ABOUT, after_long_help = help())]
pub(crate) struct TrainArgs {
    /// The table to learn from: .csv, .parquet or .npy; without it, the embedded pictures
    #[arg(requires = "hierarchy")]
    pub(crate) data: Option<PathBuf>,
    /// The column with the label
    #[arg(long, value_name = "COL", requires = "data")]
    pub(crate) label: Option<String>,
    /// The labels of an .npy, one a line; or a CSV or Parquet file whose column --label names
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) labels: Option<PathBuf>,
    /// The classes and what is above them, as CSV
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) hierarchy: Option<PathBuf>,
    /// A loss by name, or as JSON with its parameters; again, to compare several [default: marginal_cross_entropy]
    #[arg(long = "loss", value_name = "NAME|JSON", requires = "data")]
    pub(crate) losses: Vec<String>,
    /// Weights of the classes: `balanced` from the labels' counts, or a CSV of `class,weight`
    #[arg(long, value_name = "balanced|FILE", requires = "data")]
    pub(crate) class_weight: Option<String>,
    /// The columns that are features
    #[arg(long, value_name = "COL,...", value_delimiter = ',', requires = "data")]
    pub(crate) features: Option<Vec<String>>,
    /// Rows to validate on: a file like DATA, or the fraction of DATA's rows to hold out, each label in its share
    #[arg(long, value_name = "FILE|FRACTION", default_value = "0.2", requires = "data")]
    pub(crate) val: String,
    /// Hold out whole groups: rows with the same value in this column stay on one side of the split
    #[arg(long, value_name = "COL", requires = "data")]
    pub(crate) group: Option<String>,
    /// Leave out rows with missing values or unknown labels (and say how many), instead of stopping
    #[arg(long, requires = "data")]
    pub(crate) skip_bad_rows: bool,
    /// Where the results go
    #[arg(long, value_name = "DIR", default_value = "klados-out")]
    pub(crate) out: PathBuf,
    /// Replace the results that are there
    #[arg(long)]
    pub(crate) force: bool,
    /// Go on with an interrupted run
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print who drew the embedded pictures, and the licences, and stop
    #[arg(long)]
    pub(crate) licenses: bool,
    /// How the hierarchy is read.
    #[command(flatten)]
    pub(crate) hierarchy_options: HierarchyOptions,
    /// How the head is trained.
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// Runs the command.
pub(crate) fn run(args: &TrainArgs, out: &mut dyn Write) -> Result<()> {
    if args.licenses {
        return Ok(emoji::write_licenses(out)?);
    }
    let Some(data) = &args.data else { return emoji_story::run(args, out) };
    let is_npy = data.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    match (is_npy, &args.label, &args.labels) {
        (true, _, None) => Err(Usage(format!("{} needs --labels FILE: an .npy has no labels", data.display())).into()),
        (false, None, None) => {
            Err(Usage(format!("{} needs --label COL: the column with the label", data.display())).into())
        }
        _ => table_runs::run(args, data, out),
    }
}

/// That the metric that stopping follows is there, before anything is read or trained.
fn check_stop_on(settings: &Settings, reading: &Reading) -> Result<()> {
    let begin = |name: &str| Measure::new(name, reading)?.measuring(reading).map(|_| ());
    match settings.stop_on.as_deref().map(begin) {
        Some(Err(error)) => Err(Usage(format!("--stop-on: {error}")).into()),
        _ => Ok(()),
    }
}
