//! Rows over threads. Every row is computed alone, so the bits do not depend on the number of threads.

use crate::numeric::Element;

/// Batches with fewer logits stay on the caller's thread: a second one would cost more than it gives.
#[cfg(feature = "rayon")]
pub const PARALLEL_ELEMENTS: usize = 250_000;

/// Runs what may spread rows over threads, a call of a criterion, on the caller's thread alone.
///
/// ```
/// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let (logits, labels, mut losses) = (vec![0f32; 300_000], vec![klados::Label::Class(0); 100_000], vec![0.0; 100_000]);
/// klados::on_one_thread(|| criterion.forward(&logits, &labels, &mut losses))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "rayon")]
pub fn on_one_thread<R>(work: impl FnOnce() -> R) -> R {
    /// Also where the work panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ONE_THREAD.set(self.0);
        }
    }
    let _restore = Restore(ONE_THREAD.replace(true));
    work()
}

#[cfg(feature = "rayon")]
thread_local! {
    static ONE_THREAD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether the columns of a row may be spread over threads: where a row is as much as a batch that is.
///
/// A row in a batch of many is too, for the last rows of a batch, when the threads have no other; where all have, nobody
/// comes for a stripe and it stays with its row.
#[cfg(feature = "rayon")]
pub(super) fn may_spread(columns: usize) -> bool {
    columns >= PARALLEL_ELEMENTS && !ONE_THREAD.get() && rayon::current_num_threads() > 1
}

/// Calls `row(scratch, index, logits row, output row, gradient row)` for every row of a batch, with one scratch a thread.
/// A row of `logits` and of `grad` has `columns` elements, one of `output` has `width`.
pub(crate) fn for_each_row<T: Element, O: Send, S: Default + Send>(
    logits: (&[T], usize),
    output: (&mut [O], usize),
    grad: Option<&mut [T]>,
    row: impl Fn(&mut S, usize, &[T], &mut [O], Option<&mut [T]>) + Send + Sync,
) {
    for_each_rows(1, logits, output, grad, row);
}

/// As [`for_each_row`], with up to `count` rows a call, of which `index` is the first.
pub(crate) fn for_each_rows<T: Element, O: Send, S: Default + Send>(
    count: usize,
    (logits, columns): (&[T], usize),
    (output, width): (&mut [O], usize),
    grad: Option<&mut [T]>,
    rows: impl Fn(&mut S, usize, &[T], &mut [O], Option<&mut [T]>) + Send + Sync,
) {
    let (columns, width) = (count * columns, count * width);
    #[cfg(feature = "rayon")]
    if let Some(least) = parts_a_task(logits.len(), columns) {
        use rayon::prelude::*;
        let parts = logits.par_chunks(columns).zip(output.par_chunks_mut(width)).enumerate();
        match grad {
            Some(grad) => parts.zip(grad.par_chunks_mut(columns)).with_min_len(least).for_each_init(
                S::default,
                |scratch, ((part, (z, output)), grad)| {
                    rows(scratch, count * part, z, output, Some(grad));
                },
            ),
            None => parts.with_min_len(least).for_each_init(S::default, |scratch, (part, (z, output))| {
                rows(scratch, count * part, z, output, None);
            }),
        }
        return;
    }
    let mut scratch = S::default();
    let mut grad = grad.map(|grad| grad.chunks_mut(columns));
    for (part, (z, output)) in logits.chunks(columns).zip(output.chunks_mut(width)).enumerate() {
        rows(&mut scratch, count * part, z, output, grad.as_mut().and_then(Iterator::next));
    }
}

/// As [`for_each_rows`], where what is written of a row goes over its logits.
pub(crate) fn for_each_rows_in_place<T: Element, O: Send, S: Default + Send>(
    count: usize,
    (logits, columns): (&mut [T], usize),
    output: &mut [O],
    rows: impl Fn(&mut S, usize, &mut [T], &mut [O]) + Send + Sync,
) {
    let columns = count * columns;
    #[cfg(feature = "rayon")]
    if let Some(least) = parts_a_task(logits.len(), columns) {
        use rayon::prelude::*;
        let parts = logits.par_chunks_mut(columns).zip(output.par_chunks_mut(count)).enumerate();
        return parts.with_min_len(least).for_each_init(S::default, |scratch, (part, (z, output))| {
            rows(scratch, count * part, z, output);
        });
    }
    let mut scratch = S::default();
    for (part, (z, output)) in logits.chunks_mut(columns).zip(output.chunks_mut(count)).enumerate() {
        rows(&mut scratch, count * part, z, output);
    }
}

/// How many parts of a batch, of `columns` logits each, a task has at least: some, so that a scratch serves many of them.
/// `None` where the batch stays on this thread.
#[cfg(feature = "rayon")]
fn parts_a_task(logits: usize, columns: usize) -> Option<usize> {
    if logits < PARALLEL_ELEMENTS || logits <= columns || ONE_THREAD.get() {
        return None;
    }
    let share = (logits / columns).div_ceil(rayon::current_num_threads());
    Some((PARALLEL_ELEMENTS / 8).div_ceil(columns).min(share))
}
