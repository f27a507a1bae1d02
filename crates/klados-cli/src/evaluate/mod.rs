//! Answers and metrics of models, from files of any size or from memory.
//!
//! `rows` reads files side by side, `probabilities` makes log-probabilities of nodes of their rows.

pub(crate) mod probabilities;
pub(crate) mod rows;

use klados::Hierarchy;

/// How many rows are worked on at once: about a million log-probabilities, 8 MB.
pub(crate) fn rows_a_batch(hierarchy: &Hierarchy) -> usize {
    (1_000_000 / hierarchy.node_count()).clamp(1, 8192)
}
