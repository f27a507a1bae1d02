//! Rows over threads. Every row is computed alone, so the bits do not depend on the number of threads.

use crate::numeric::Element;

/// Below this many elements a second thread costs more than it gives.
#[cfg(feature = "rayon")]
const PARALLEL_ELEMENTS: usize = 250_000;

/// Calls `row(scratch, index, logits row, loss, gradient row)` for every row of a batch, with one scratch a thread.
pub(crate) fn for_each_row<T: Element, S: Default + Send>(
    logits: &[T],
    columns: usize,
    losses: &mut [T],
    grad: Option<&mut [T]>,
    row: impl Fn(&mut S, usize, &[T], &mut T, Option<&mut [T]>) + Send + Sync,
) {
    #[cfg(feature = "rayon")]
    if logits.len() >= PARALLEL_ELEMENTS && losses.len() > 1 {
        use rayon::prelude::*;
        // Some rows a task, so that a scratch serves many of them.
        let least = (PARALLEL_ELEMENTS / 8).div_ceil(columns).min(losses.len().div_ceil(rayon::current_num_threads()));
        let rows = logits.par_chunks(columns).zip(losses.par_iter_mut()).enumerate();
        match grad {
            Some(grad) => rows.zip(grad.par_chunks_mut(columns)).with_min_len(least).for_each_init(
                S::default,
                |scratch, ((index, (z, loss)), grad)| {
                    row(scratch, index, z, loss, Some(grad));
                },
            ),
            None => rows
                .with_min_len(least)
                .for_each_init(S::default, |scratch, (index, (z, loss))| row(scratch, index, z, loss, None)),
        }
        return;
    }
    let mut scratch = S::default();
    let mut grad = grad.map(|grad| grad.chunks_mut(columns));
    for (index, (z, loss)) in logits.chunks(columns).zip(losses).enumerate() {
        row(&mut scratch, index, z, loss, grad.as_mut().and_then(Iterator::next));
    }
}
