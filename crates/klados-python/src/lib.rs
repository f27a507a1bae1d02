//! The native module `klados._klados` of the Python package: the core's hierarchy, losses, node log-probabilities,
//! decisions, metrics and explanations.
//!
//! It holds no mathematics: Python's objects become the core's, arrays are read and written where they lie, and the
//! core's errors become `ValueError`s with the same words. What computes releases the interpreter lock.

// What Python hands over is owned, and an error is passed where `map_err` puts it.
#![allow(clippy::needless_pass_by_value)]

mod building;
mod criterion;
mod decide;
mod error;
mod explain;
mod hierarchy;
mod labels;
mod memory;
mod metrics;
mod names;
mod node_log_probs;
mod scores;
mod tables;
mod threads;
mod to_python;

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
    use crate::decide::_calibrate;
    #[pymodule_export]
    use crate::decide::Decider;
    #[pymodule_export]
    use crate::decide::decision_names;
    #[pymodule_export]
    use crate::decide::decision_warnings;
    #[pymodule_export]
    use crate::decide::normalize_decision;
    #[pymodule_export]
    use crate::explain::_central_differences;
    #[pymodule_export]
    use crate::explain::_diagnose;
    #[pymodule_export]
    use crate::explain::_explain_mean;
    #[pymodule_export]
    use crate::explain::_explain_row;
    #[pymodule_export]
    use crate::hierarchy::Hierarchy;
    #[pymodule_export]
    use crate::metrics::_bootstrap;
    #[pymodule_export]
    use crate::metrics::_most_probable;
    #[pymodule_export]
    use crate::metrics::Accumulator;
    #[pymodule_export]
    use crate::metrics::judged_levels;
    #[pymodule_export]
    use crate::metrics::level_candidates;
    #[pymodule_export]
    use crate::metrics::metric_names;
    #[pymodule_export]
    use crate::node_log_probs::NodeLogProbs;
    #[pymodule_export]
    use crate::threads::get_num_threads;
    #[pymodule_export]
    use crate::threads::set_num_threads;

    #[pymodule_export]
    const __VERSION__: &str = env!("CARGO_PKG_VERSION");
}
