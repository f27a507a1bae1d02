//! The native module `klados._klados` of the Python package: the core's hierarchy, losses and node log-probabilities.
//!
//! It holds no mathematics: Python's objects become the core's, arrays are read and written where they lie, and the
//! core's errors become `ValueError`s with the same words. What computes releases the interpreter lock.

// What Python hands over is owned, and an error is passed where `map_err` puts it.
#![allow(clippy::needless_pass_by_value)]

mod criterion;
mod error;
mod hierarchy;
mod labels;
mod memory;
mod names;
mod node_log_probs;
mod tables;
mod threads;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _klados {
    #[pymodule_export]
    use crate::criterion::Criterion;
    #[pymodule_export]
    use crate::criterion::loss_names;
    #[pymodule_export]
    use crate::criterion::normalize_loss;
    #[pymodule_export]
    use crate::hierarchy::Hierarchy;
    #[pymodule_export]
    use crate::node_log_probs::NodeLogProbs;
    #[pymodule_export]
    use crate::threads::get_num_threads;
    #[pymodule_export]
    use crate::threads::set_num_threads;

    #[pymodule_export]
    const __VERSION__: &str = env!("CARGO_PKG_VERSION");
}
