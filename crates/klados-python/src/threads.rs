//! How many threads a large batch is spread over.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;

use crate::error;

/// More threads than any machine has processors for are a mistake, and to start them all would not end.
const MOST: usize = 1024;

#[derive(Clone)]
enum Threads {
    /// The caller's alone.
    One,
    /// A pool of the size that was asked for.
    Pool(Arc<rayon::ThreadPool>),
    /// Rayon's own pool: of `RAYON_NUM_THREADS`, else of the processors.
    Default,
}

/// At first what `OMP_NUM_THREADS` says, as PyTorch does: a launcher of several processes on a machine sets it.
static THREADS: LazyLock<RwLock<Threads>> = LazyLock::new(|| {
    let number = |name| std::env::var(name).ok()?.trim().parse::<NonZeroUsize>().ok();
    let threads = match (number("RAYON_NUM_THREADS"), number("OMP_NUM_THREADS")) {
        (None, Some(count)) if count.get() <= MOST => Threads::new(count).unwrap_or(Threads::Default),
        _ => Threads::Default,
    };
    RwLock::new(threads)
});

impl Threads {
    fn new(count: NonZeroUsize) -> Result<Self, rayon::ThreadPoolBuildError> {
        if count.get() == 1 {
            return Ok(Self::One);
        }
        Ok(Self::Pool(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(count.get()).build()?)))
    }

    fn current() -> Self {
        THREADS.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Spreads large batches over this many threads. Small ones are computed by the caller's.
///
/// At first it is what ``RAYON_NUM_THREADS`` or ``OMP_NUM_THREADS`` says, else the number of processors. The number does not change
/// a result.
///
/// Args:
///     count: from 1 to 1024; with 1 no thread is started.
///
/// Raises:
///     ValueError: if ``count`` is out of range, or the threads cannot be started.
///
/// Example::
///
///     >>> import klados
///     >>> klados.set_num_threads(2)
///     >>> klados.get_num_threads()
///     2
#[pyfunction]
pub(crate) fn set_num_threads(count: &Bound<'_, PyAny>) -> PyResult<()> {
    let number = match count.extract::<i64>() {
        Ok(number) => usize::try_from(number).ok().filter(|&number| number <= MOST).and_then(NonZeroUsize::new),
        // An integer, which no machine word holds.
        Err(reason) if reason.is_instance_of::<PyOverflowError>(count.py()) => None,
        Err(reason) => return Err(reason),
    };
    let number =
        number.ok_or_else(|| error::value(format!("the number of threads is {count}, expected 1 to {MOST}")))?;
    let threads =
        Threads::new(number).map_err(|reason| error::value(format!("cannot start {number} threads: {reason}")))?;
    *THREADS.write().unwrap_or_else(PoisonError::into_inner) = threads;
    Ok(())
}

/// The number of threads that large batches are spread over: see :func:`set_num_threads`.
///
/// Example::
///
///     >>> import klados
///     >>> klados.get_num_threads() >= 1
///     True
#[pyfunction]
pub(crate) fn get_num_threads() -> usize {
    match Threads::current() {
        Threads::One => 1,
        Threads::Pool(pool) => pool.current_num_threads(),
        Threads::Default => rayon::current_num_threads(),
    }
}

/// Runs what may use threads, on those that the user asked for.
pub(crate) fn with_threads<R: Send>(elements: usize, work: impl FnOnce() -> R + Send) -> R {
    // Below the core's own threshold nothing is spread, and a change of threads would cost more than the work.
    if elements < klados::PARALLEL_ELEMENTS {
        return work();
    }
    match Threads::current() {
        Threads::One => klados::on_one_thread(work),
        Threads::Pool(pool) => pool.install(work),
        Threads::Default => work(),
    }
}
