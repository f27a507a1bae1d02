//! How many threads a large batch is spread over.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use crate::error;

/// The pool that the user asked for; rayon's own where there is none.
static POOL: Mutex<Option<Arc<rayon::ThreadPool>>> = Mutex::new(None);

/// Spreads large batches over this many threads.
#[pyfunction]
pub(crate) fn set_num_threads(count: NonZeroUsize) -> PyResult<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count.get()).build();
    let pool = pool.map_err(|reason| error::value(format!("cannot start {count} threads: {reason}")))?;
    *POOL.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pool));
    Ok(())
}

/// The number of threads that large batches are spread over.
#[pyfunction]
pub(crate) fn get_num_threads() -> usize {
    pool().map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads())
}

fn pool() -> Option<Arc<rayon::ThreadPool>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Runs what may use threads, on those that the user asked for.
pub(crate) fn with_threads<R: Send>(elements: usize, work: impl FnOnce() -> R + Send) -> R {
    // Below the core's own threshold nothing is spread, and a change of threads would cost more than the work.
    match pool() {
        Some(pool) if elements >= klados::PARALLEL_ELEMENTS => pool.install(work),
        _ => work(),
    }
}
