//! A loss on rows of logits from files: the arguments of `klados loss` and `klados explain`, and how they are read.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use klados::loss::Reduction;
use klados::{Criterion, Label, Loss};

use super::{Usage, warnings};
use crate::data::class_weight;
use crate::data::hierarchy::{self, HierarchyOptions};
use crate::data::labels::{self, LabelRow};
use crate::data::loss_files;
use crate::data::matrix::{Layout, MatrixReader};
use crate::data::values::Values;

/// Which loss, on which files.
#[derive(Debug, clap::Args)]
pub(crate) struct LossInputArgs {
    /// The hierarchy: CSV edges (child,parent), CSV with one column a rank, or JSON as klados writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) hierarchy: PathBuf,
    /// The logits, with a column a class or a node, as the loss wants: .npy; .safetensors (FILE:NAME, where it has several
    /// tensors); Parquet or Arrow, with columns by their names or one of lists
    #[arg(long, value_name = "FILE")]
    pub(crate) logits: PathBuf,
    /// The labels: text with one label a line, or a CSV or Parquet table
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: PathBuf,
    /// The column of the table with the labels [default: label, or the only one]
    #[arg(long, value_name = "COL")]
    label_column: Option<String>,
    /// The class of each column of the logits, one a line [default: the leaves as they first appear in the hierarchy
    /// file, which `klados hierarchy show` prints]; the node of each column for a loss of nodes
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// The loss: its name, or with parameters {"NAME": {"PARAMETER": VALUE}}
    #[arg(long, value_name = "NAME|JSON", default_value = "marginal_cross_entropy")]
    loss: String,
    /// How the samples' losses become one [default: mean, or what --loss says]
    #[arg(long, value_name = "R")]
    reduction: Option<ReductionArg>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ReductionArg {
    None,
    Sum,
    Mean,
}

/// A batch with its loss.
pub(crate) struct LossInput {
    /// The loss on the hierarchy, with the reduction that is asked for.
    pub(crate) criterion: Criterion,
    /// The logits, `[rows, columns]`.
    pub(crate) values: Values,
    /// By row.
    pub(crate) labels: Vec<Label>,
    /// By row, the label as it was written.
    pub(crate) rows: Vec<LabelRow>,
}

impl LossInputArgs {
    /// Reads all files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that does not fit the others; a loss that there is not, or not on this hierarchy.
    pub(crate) fn read(&self, options: &HierarchyOptions) -> Result<LossInput> {
        let (loss, files) = loss_files::resolve(&self.loss()?)?;
        let mut hierarchy = hierarchy::read(&self.hierarchy, options)?;
        // Class weights may be counted in the labels, and the loss says how those are read.
        let unweighted = loss.clone().with_class_weight(None);
        if let Some(columns) = &self.columns {
            // What does not compile has no use for the columns, and says why below.
            let nodes = unweighted.compile(&hierarchy).is_ok_and(|criterion| criterion.has_node_columns());
            hierarchy = hierarchy::with_columns_of(&hierarchy, columns, nodes)?;
        }
        warnings::print(hierarchy.warnings());
        files.check(&hierarchy)?;
        let of_loss = || format!("--loss {}", loss.name());
        let unweighted = unweighted.compile(&hierarchy).with_context(of_loss)?;
        let mut reader = MatrixReader::open(&self.logits)?;
        reader.arrange(&self.layout(&unweighted))?;
        let batch = reader.read_all()?;
        let rows = labels::read(&self.labels, self.label_column.as_deref())?;
        if rows.len() != batch.rows {
            bail!(
                "{} has {} labels, but {} has shape [{}, {}]: expected one label a row",
                self.labels.display(),
                rows.len(),
                self.logits.display(),
                batch.rows,
                reader.columns()
            );
        }
        let labels = labels::parse(&self.labels, &rows, &unweighted)?;
        let loss = class_weight::resolve(loss.clone(), &hierarchy, &labels)?;
        let criterion = loss.compile(&hierarchy).with_context(of_loss)?;
        warnings::print(criterion.warnings());
        Ok(LossInput { criterion, values: batch.values, labels, rows })
    }

    /// The columns that a matrix beside the logits has.
    pub(crate) fn layout<'a>(&'a self, criterion: &'a Criterion) -> Layout<'a> {
        let (hierarchy, of) = (criterion.hierarchy(), criterion.loss().name());
        Layout::new(hierarchy, criterion.has_node_columns(), of, &self.hierarchy, self.columns.as_deref())
    }

    /// The loss as it was typed, with the reduction of `--reduction` or its own.
    fn loss(&self) -> Result<Loss> {
        let usage = |message: String| anyhow::Error::new(Usage(message));
        let loss: Loss = self.loss.parse().map_err(|error| usage(format!("--loss: {error}")))?;
        let Some(reduction) = self.reduction else { return Ok(loss) };
        let reduction = match reduction {
            ReductionArg::None => Reduction::None,
            ReductionArg::Sum => Reduction::Sum,
            ReductionArg::Mean => Reduction::Mean,
        };
        // The default, where the text does not say, is no contradiction.
        let written: Option<serde_json::Value> = serde_json::from_str(&self.loss).ok();
        let says = |value: &serde_json::Value| value.get("reduction").is_some();
        let is_written = written.is_some_and(|value| {
            says(&value) || value.as_object().is_some_and(|parameters| parameters.values().any(says))
        });
        if is_written && loss.reduction() != reduction {
            let (outside, inside) = (name(reduction), name(loss.reduction()));
            return Err(usage(format!("--reduction {outside} contradicts the reduction \"{inside}\" in --loss")));
        }
        Ok(loss.with_reduction(reduction))
    }
}

/// The name of a reduction, as it is typed.
pub(crate) fn name(reduction: Reduction) -> &'static str {
    match reduction {
        Reduction::None => "none",
        Reduction::Sum => "sum",
        Reduction::Mean => "mean",
    }
}
