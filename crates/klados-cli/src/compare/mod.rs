//! Whether a superclass term, or the use of coarse labels, helps on some data: the machinery of `klados compare`.
//!
//! The rows are divided again and again into rows to train on, to choose settings on and to test on (`split`). On each
//! division every `arm` trains once for each point of its `search`, all with the same number of steps; `plan` lists these
//! trainings and `pool` runs them, one a thread. Of each arm the point that is best on the validation rows counts, and
//! `result` pairs the arms' numbers on the test rows: `statistics` has the intervals, `verdict` the words.

pub(crate) mod arm;
pub(crate) mod coarsen;
pub(crate) mod edge;
pub(crate) mod job;
pub(crate) mod plan;
pub(crate) mod pool;
pub(crate) mod result;
pub(crate) mod search;
pub(crate) mod split;
pub(crate) mod statistics;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;
