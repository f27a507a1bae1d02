//! Many pieces of work over threads, each piece on one thread from beginning to end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow};
use klados::on_one_thread;

/// Does the pieces `0..count` and returns what came out, in that order. What a piece would spread over threads stays on its
/// own, so that results depend neither on their number nor on what else runs.
///
/// # Errors
///
/// Where a piece fails, the first error of those that were begun; no further piece is begun.
pub(crate) fn run<T: Send>(count: usize, threads: usize, work: &(dyn Fn(usize) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<T>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let worker = || -> Result<()> {
        // Burn and its matrix products take the threads of the pool that they are called in.
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().context("cannot start a thread")?;
        one.install(|| {
            on_one_thread(|| {
                loop {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = results.get(piece) else { return };
                    let result = work(piece);
                    if result.is_err() {
                        next.store(count, Ordering::Relaxed);
                    }
                    if let Ok(mut place) = place.lock() {
                        *place = Some(result);
                    }
                }
            });
        });
        Ok(())
    };
    let ended: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, count.max(1))).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    for worker in ended {
        worker.map_err(|_| anyhow!("a thread has stopped unexpectedly"))??;
    }
    let results = results.into_iter().map(|place| place.into_inner().ok().flatten());
    // Pieces are begun in order: what was not begun comes after the error.
    results.map(|result| result.unwrap_or_else(|| Err(anyhow!("a thread has stopped unexpectedly")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_on_one_thread() {
        for threads in [1, 3, 100] {
            let squares = run(20, threads, &|piece| Ok((piece * piece, rayon::current_num_threads()))).expect("done");
            assert!(squares.iter().enumerate().all(|(piece, found)| *found == (piece * piece, 1)));
        }
        assert!(run(0, 4, &|_| Ok(())).expect("nothing").is_empty());
    }

    #[test]
    fn the_first_error_is_returned_and_nothing_is_begun_after() {
        let begun = AtomicUsize::new(0);
        let work = |piece: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            if piece == 2 { Err(anyhow!("piece {piece}")) } else { Ok(piece) }
        };
        let error = run(1000, 1, &work).expect_err("an error");
        assert_eq!((error.to_string().as_str(), begun.into_inner()), ("piece 2", 3));
    }
}
