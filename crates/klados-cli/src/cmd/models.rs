//! Models by the files of what they put out: how a matrix of logits or probabilities is read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use klados::{Hierarchy, Loss, NodeForm};

use super::Usage;
use crate::data::hierarchy::{self, HierarchyOptions};
use crate::data::matrix::{Layout, MatrixReader};
use crate::evaluate::probabilities::Probabilities;

/// What the long help says of logits, forms and labels.
pub(crate) const FILES: &str = r#"Logits and probabilities are a matrix with a row a sample:
  .npy                float16, float32 or float64
  .safetensors        F16, BF16, F32 or F64; FILE.safetensors:NAME for one of
                      several tensors
  .parquet, .pq       a column for each class, by its name (others are not
  .arrow, .feather    looked at) or named 0, 1, ...; or a column of lists,
                      FILE.parquet:NAME for one of several
  Files of any size: some rows at a time are in memory. Rows are counted from 0.

Forms, how logits become probabilities (--form; --loss NAME is the form of the
models that a loss trains):
  of a logit a class  class_softmax (the default), noisy_or
  of a logit a node   parameter_sharing_softmax, sibling_softmax,
                      independent_sigmoid, conditional_sigmoid,
                      descendant_softmax, max, min, node_softmax
  of --probabilities  class_probabilities (the default), node_probabilities
  Columns of nodes are all nodes but the root, in the order in which they first
  appear in the hierarchy file, the child before the parent in a line.
"#;

/// How matrices are read.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ReadingOptions {
    /// The class of each column of the matrix, one a line, or the node where the form has a column a node [default: the
    /// leaves as they first appear in the hierarchy file, which `klados hierarchy show` prints]
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// How logits become probabilities [default: class_softmax; of --probabilities class_probabilities]
    #[arg(long, value_name = "NAME|JSON", conflicts_with = "loss")]
    form: Option<String>,
    /// The loss that the model was trained with, which has a form
    #[arg(long, value_name = "NAME|JSON")]
    loss: Option<String>,
    #[command(flatten)]
    hierarchy_options: HierarchyOptions,
}

/// Whether a matrix holds logits or probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Logits,
    Probabilities,
}

/// A hierarchy, and how matrices on it are read.
pub(crate) struct Reading<'a> {
    options: &'a ReadingOptions,
    hierarchy_file: &'a Path,
    /// With the classes in the order of the columns.
    pub(crate) hierarchy: Hierarchy,
    forms: [NodeForm; 2],
}

impl<'a> Reading<'a> {
    /// Reads the hierarchy; `given` are the kinds of matrices that there will be.
    ///
    /// # Errors
    ///
    /// When a file cannot be read; a form that there is not, or that does not fit.
    pub(crate) fn new(hierarchy_file: &'a Path, options: &'a ReadingOptions, given: &[Given]) -> Result<Self> {
        let forms = options.forms(given)?;
        let mut hierarchy = hierarchy::read(hierarchy_file, &options.hierarchy_options)?;
        if let Some(columns) = &options.columns {
            let mut of_nodes = given.iter().map(|given| forms[*given as usize].has_node_columns());
            let has_node_columns = of_nodes.next().unwrap_or(false);
            if of_nodes.any(|other| other != has_node_columns) {
                let message = "--columns names classes or nodes: expected matrices of one kind with it";
                return Err(Usage(message.to_owned()).into());
            }
            hierarchy = hierarchy::with_columns_of(&hierarchy, columns, has_node_columns)?;
        }
        super::warnings::print(hierarchy.warnings());
        Ok(Self { options, hierarchy_file, hierarchy, forms })
    }

    /// Opens a matrix, with its columns in order.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or has other columns.
    pub(crate) fn open(&self, file: &Path, given: Given) -> Result<MatrixReader> {
        let form = &self.forms[given as usize];
        let name = name(form);
        let mut reader = MatrixReader::open(file)?;
        let columns = self.options.columns.as_deref();
        reader.arrange(&Layout::new(&self.hierarchy, form.has_node_columns(), &name, self.hierarchy_file, columns))?;
        Ok(reader)
    }

    /// What makes probabilities of its rows.
    ///
    /// # Errors
    ///
    /// A form that is for trees, on a DAG.
    pub(crate) fn probabilities(&self, given: Given) -> Result<Probabilities> {
        let form = &self.forms[given as usize];
        Probabilities::new(form, &self.hierarchy).with_context(|| format!("the form {}", name(form)))
    }
}

impl ReadingOptions {
    /// What a matrix is whose option does not say it: logits, or what the form is of.
    pub(crate) fn given(&self) -> Given {
        let is_of_probabilities = self.form.as_ref().is_some_and(|form| form.trim().ends_with("_probabilities"));
        if is_of_probabilities { Given::Probabilities } else { Given::Logits }
    }

    /// The form of logits, and that of probabilities.
    fn forms(&self, given: &[Given]) -> Result<[NodeForm; 2]> {
        let usage = |message: String| anyhow::Error::new(Usage(message));
        let mut forms = [NodeForm::ClassSoftmax, NodeForm::ClassProbabilities];
        if let Some(text) = &self.loss {
            let loss: Loss = text.parse().map_err(|error| usage(format!("--loss: {error}")))?;
            forms[0] = NodeForm::of_loss(&loss).ok_or_else(|| {
                usage(format!("--loss {}: its softmaxes give no probabilities of nodes that go together", loss.name()))
            })?;
        }
        let Some(text) = &self.form else { return Ok(forms) };
        let value = match text.trim().starts_with('{') {
            true => serde_json::from_str(text).map_err(|error| usage(format!("--form: {error}")))?,
            false => serde_json::Value::String(text.trim().to_owned()),
        };
        let form: NodeForm = serde_json::from_value(value).map_err(|error| usage(format!("--form: {error}")))?;
        let kind = match form {
            NodeForm::ClassProbabilities | NodeForm::NodeProbabilities => Given::Probabilities,
            NodeForm::WeightedClassSoftmax { .. } | NodeForm::WeightedSigmoid { .. } => {
                return Err(usage(
                    "--form: the weighted forms are of superclasses of their own, not of nodes".to_owned(),
                ));
            }
            _ => Given::Logits,
        };
        if !given.contains(&kind) {
            let option = if kind == Given::Logits { "--logits" } else { "--probabilities" };
            return Err(usage(format!("--form {text} is a form of {option}, and there are none")));
        }
        forms[kind as usize] = form;
        Ok(forms)
    }
}

fn name(form: &NodeForm) -> String {
    let value = serde_json::to_value(form).unwrap_or_default();
    value.as_str().unwrap_or("the form").to_owned()
}
