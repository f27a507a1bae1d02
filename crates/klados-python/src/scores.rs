//! Rows of scores as log-probabilities of all nodes in `f64`, a few rows at a time, so that all of them are never held.

use klados::{Element, InputError, NodeLogProbs};
use pyo3::prelude::*;

use crate::hierarchy::Hierarchy;
use crate::memory::{self, Address, Float, with_float};
use crate::{error, node_log_probs};

/// Numbers that are held at a time. Twice what is spread over threads, as a chunk has fewer logits than nodes.
const CHUNK: usize = 2 * klados::PARALLEL_ELEMENTS;

/// As Python gives them: the operation that makes log-probabilities of logits, or none where these are given; the address,
/// dtype and rows of an array of `[rows, columns]`.
pub(crate) type Given<'py> = (Option<Bound<'py, node_log_probs::NodeLogProbs>>, Address, String, usize);

/// Rows of scores.
#[derive(Clone, Copy)]
pub(crate) struct Scores<'a> {
    operation: Option<&'a NodeLogProbs>,
    address: Address,
    dtype: Float,
    pub(crate) rows: usize,
    nodes: usize,
}

impl<'a> Scores<'a> {
    pub(crate) fn new(given: &'a Given<'_>, hierarchy: &Hierarchy) -> PyResult<Self> {
        let (operation, address, dtype, rows) = given;
        let dtype = Float::named(dtype).ok_or_else(|| error::value(format!("logits of dtype {dtype} are not read")))?;
        let operation = operation.as_ref().map(|operation| &operation.get().inner);
        Ok(Self { operation, address: *address, dtype, rows: *rows, nodes: hierarchy.core().node_count() })
    }

    /// Whether all rows are one chunk.
    pub(crate) fn is_one_chunk(&self) -> bool {
        self.rows <= self.rows_of_chunk()
    }

    /// Numbers in the input.
    pub(crate) fn length(&self) -> usize {
        self.rows * self.columns()
    }

    fn columns(&self) -> usize {
        self.operation.map_or(self.nodes, NodeLogProbs::columns)
    }

    fn rows_of_chunk(&self) -> usize {
        (CHUNK / self.nodes).max(1)
    }

    /// Calls `take` with the number of the first row of each chunk and the log-probabilities of all nodes, `[rows, nodes]`. The
    /// rows of its errors are those of the chunk.
    ///
    /// # Safety
    ///
    /// The address is that of `rows * columns` elements of the dtype that nothing writes meanwhile.
    pub(crate) unsafe fn each_chunk<E: Into<Refused>>(
        &self,
        mut take: impl FnMut(usize, &[f64]) -> Result<(), E>,
    ) -> PyResult<()> {
        let (columns, most) = (self.columns(), self.rows_of_chunk());
        let mut log_probs = vec![0.0; self.nodes * most.min(self.rows)];
        with_float!(self.dtype, T => {
            // SAFETY: by the function's contract.
            let all = unsafe { memory::read::<T>(self.address, self.length()) }?;
            for (chunk, scores) in all.chunks(most * columns).enumerate() {
                let log_probs = &mut log_probs[..scores.len() / columns * self.nodes];
                let first = chunk * most;
                match self.operation {
                    Some(operation) => {
                        operation.forward_into(scores, log_probs).map_err(|reason| error::input_after(first, &reason))?;
                    }
                    None => log_probs.iter_mut().zip(scores).for_each(|(wide, score)| *wide = Element::to_f64(*score)),
                }
                take(first, log_probs).map_err(|reason| match reason.into() {
                    Refused::Input(reason) => error::input_after(first, &reason),
                    Refused::Form(reason) => error::value(reason),
                })?;
            }
        });
        Ok(())
    }
}

/// Why rows were refused.
pub(crate) enum Refused {
    Input(InputError),
    /// The metric is of something else.
    Form(&'static str),
}

impl From<InputError> for Refused {
    fn from(reason: InputError) -> Self {
        Self::Input(reason)
    }
}

impl From<Refused> for PyErr {
    fn from(reason: Refused) -> Self {
        match reason {
            Refused::Input(reason) => error::input(reason),
            Refused::Form(reason) => error::value(reason),
        }
    }
}
