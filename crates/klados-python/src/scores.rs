//! Rows of scores as log-probabilities of all nodes in `f64`, a few rows at a time, so that all of them are never held.

use klados::{Element, InputError, NodeLogProbs};
use pyo3::prelude::*;

use crate::hierarchy::Hierarchy;
use crate::memory::{self, Address, Float, with_float};
use crate::{error, node_log_probs};

/// Numbers that are held at a time.
const CHUNK: usize = 1 << 18;

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

    /// Calls `take` with the number of the first row of each chunk and the log-probabilities of all nodes, `[rows, nodes]`.
    ///
    /// # Safety
    ///
    /// The address is that of `rows * columns` elements of the dtype that nothing writes meanwhile.
    pub(crate) unsafe fn each_chunk(
        &self,
        mut take: impl FnMut(usize, &[f64]) -> Result<(), InputError>,
    ) -> PyResult<()> {
        let (columns, most) = (self.columns(), self.rows_of_chunk());
        let mut log_probs = vec![0.0; self.nodes * most.min(self.rows)];
        with_float!(self.dtype, T => {
            // SAFETY: by the function's contract.
            let all = unsafe { memory::read::<T>(self.address, self.length()) }?;
            for (chunk, scores) in all.chunks(most * columns).enumerate() {
                let log_probs = &mut log_probs[..scores.len() / columns * self.nodes];
                match self.operation {
                    Some(operation) => operation.forward_into(scores, log_probs),
                    None => {
                        log_probs.iter_mut().zip(scores).for_each(|(wide, score)| *wide = Element::to_f64(*score));
                        Ok(())
                    }
                }
                .and_then(|()| take(chunk * most, log_probs))
                .map_err(|reason| error::input_after(chunk * most, &reason))?;
            }
        });
        Ok(())
    }
}
