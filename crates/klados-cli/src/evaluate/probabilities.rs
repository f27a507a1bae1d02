//! From the rows of a file to the log-probabilities of all nodes.

use anyhow::Result;
use klados::{Element, Hierarchy, NodeForm, NodeLogProbs};

use crate::data::matrix::Batch;
use crate::data::values::Values;

/// Turns rows into log-probabilities, and tells those that have none.
#[derive(Debug, Clone)]
pub(crate) struct Probabilities {
    hierarchy: Hierarchy,
    operation: NodeLogProbs,
    has_node_columns: bool,
    /// Whether the probabilities of something add up to 1, so that not all can be 0.
    is_distribution: bool,
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// Its place in the batch.
    pub(crate) row: usize,
    /// What is wrong, with the value and what was expected.
    pub(crate) reason: String,
}

impl Probabilities {
    /// Of a form.
    ///
    /// # Errors
    ///
    /// A form that is for trees, on a DAG.
    pub(crate) fn new(form: &NodeForm, hierarchy: &Hierarchy) -> Result<Self> {
        let operation = NodeLogProbs::of_form(form, hierarchy)?;
        let is_distribution = !matches!(
            form,
            NodeForm::IndependentSigmoid
                | NodeForm::ConditionalSigmoid
                | NodeForm::NoisyOr
                | NodeForm::Max
                | NodeForm::Min
                | NodeForm::NodeProbabilities
        );
        let has_node_columns = form.has_node_columns();
        Ok(Self { hierarchy: hierarchy.clone(), operation, has_node_columns, is_distribution })
    }

    /// The log-probabilities of all nodes, `[rows, nodes]`, and the rows that have none, ascending.
    ///
    /// # Errors
    ///
    /// A matrix of another width.
    pub(crate) fn log_probs(&self, batch: &Batch, out: &mut Vec<f64>) -> Result<Vec<BadRow>> {
        match &batch.values {
            Values::F16(values) => self.of(values, batch.rows, out),
            Values::Bf16(values) => self.of(values, batch.rows, out),
            Values::F32(values) => self.of(values, batch.rows, out),
            Values::F64(values) => self.of(values, batch.rows, out),
        }
    }

    fn of<T: Element>(&self, values: &[T], rows: usize, out: &mut Vec<f64>) -> Result<Vec<BadRow>> {
        let nodes = self.hierarchy.node_count();
        out.clear();
        out.resize(rows * nodes, 0.0);
        let mut bad = Vec::new();
        match self.operation.forward_into(values, out) {
            Ok(()) => {}
            Err(error) if error.row().is_none() => return Err(error.into()),
            // The error is of the first bad row; the others are found one by one.
            Err(_) => {
                let columns = values.len() / rows;
                for (row, (values, out)) in values.chunks_exact(columns).zip(out.chunks_exact_mut(nodes)).enumerate() {
                    if let Err(error) = self.operation.forward_into(values, out) {
                        out.fill(f64::NAN);
                        bad.push(BadRow { row, reason: error.message().to_owned() });
                    }
                }
            }
        }
        for (row, log_p) in out.chunks_exact(nodes).enumerate() {
            let nothing = || self.is_distribution && log_p[1..].iter().all(|log_p| *log_p == f64::NEG_INFINITY);
            if (log_p.iter().any(|log_p| log_p.is_nan()) || nothing()) && bad.iter().all(|bad| bad.row != row) {
                let columns = values.len() / rows;
                let reason = self.reason(&values[row * columns..(row + 1) * columns]);
                bad.push(BadRow { row, reason });
            }
        }
        bad.sort_by_key(|bad| bad.row);
        Ok(bad)
    }

    /// Why a row has no probabilities.
    fn reason<T: Element>(&self, values: &[T]) -> String {
        let is_poison = |value: f64| value.is_nan() || value == f64::INFINITY;
        match values.iter().map(|value| value.to_f64()).enumerate().find(|(_, value)| is_poison(*value)) {
            Some((column, value)) => {
                let name = match self.has_node_columns {
                    true => self.hierarchy.path(self.hierarchy.node_columns()[column]),
                    false => self.hierarchy.class_name(column).to_owned(),
                };
                let value = if value.is_nan() { "NaN (or no value)" } else { "inf" };
                format!("column \"{name}\" is {value}, expected a number")
            }
            None => "everything is masked by -inf: there are no probabilities".to_owned(),
        }
    }
}
