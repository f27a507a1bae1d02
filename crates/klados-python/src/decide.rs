//! The class `Decider`: a rule compiled for a hierarchy.

use klados::decide::Calibrator;
use klados::{Decision, InputError, NodeId};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::hierarchy::Hierarchy;
use crate::memory::{self, Address};
use crate::scores::{Given, Scores};
use crate::{error, labels, names, threads};

/// The names of all decisions.
#[pyfunction]
pub(crate) fn decision_names() -> Vec<&'static str> {
    Decision::NAMES.to_vec()
}

/// A decision as JSON with all of its parameters, checked as far as they can be without a hierarchy.
#[pyfunction]
pub(crate) fn normalize_decision(decision: &str) -> PyResult<String> {
    to_json(&decision.parse().map_err(error::criterion)?)
}

/// What is legal but surprising in a decision, a sentence each.
#[pyfunction]
pub(crate) fn decision_warnings(decision: &str) -> PyResult<Vec<String>> {
    Ok(decision.parse::<Decision>().map_err(error::criterion)?.warnings())
}

fn to_json(decision: &Decision) -> PyResult<String> {
    serde_json::to_string(decision).map_err(|reason| error::value(reason.to_string()))
}

/// A decision that is compiled for a hierarchy: what :func:`klados.decide` runs.
///
/// Args:
///     decision: the rule as JSON.
///     hierarchy: what the classes roll up into.
#[pyclass(frozen, weakref, module = "klados._klados", name = "Decider")]
pub(crate) struct Decider {
    inner: klados::Decider,
    hierarchy: Py<Hierarchy>,
}

/// What unpickles a decider: the class and its arguments.
type Rebuild<'py> = (Bound<'py, PyType>, (String, Py<Hierarchy>));

#[pymethods]
impl Decider {
    #[new]
    fn new(py: Python<'_>, decision: &str, hierarchy: Py<Hierarchy>) -> PyResult<Self> {
        let decision: Decision = decision.parse().map_err(error::criterion)?;
        let core = hierarchy.get().core();
        let inner = py.detach(|| decision.compile(core)).map_err(error::criterion)?;
        Ok(Self { inner, hierarchy })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Rebuild<'py>> {
        Ok((py.get_type::<Self>(), (self.decision()?, self.hierarchy.clone_ref(py))))
    }

    /// The rule as JSON, with all of its parameters.
    #[getter]
    fn decision(&self) -> PyResult<String> {
        to_json(self.inner.decision())
    }

    /// What the classes roll up into.
    #[getter]
    fn hierarchy(&self, py: Python<'_>) -> Py<Hierarchy> {
        self.hierarchy.clone_ref(py)
    }

    /// Whether the answers are sets of nodes.
    #[getter]
    fn answers_with_sets(&self) -> bool {
        self.inner.is_multi_label()
    }

    /// Writes the answers: an index a row, `[rows]` of `int64`; or of a rule that answers with sets whether each node is in
    /// it, `[rows, nodes - 1]` of `bool`, in the order of the node columns. The caller answers for the addresses: see
    /// `memory.rs`.
    #[pyo3(name = "_decide")]
    fn decide(&self, py: Python<'_>, scores: Given<'_>, out: Address) -> PyResult<()> {
        let scores = Scores::new(&scores, self.hierarchy.get())?;
        let hierarchy = self.inner.hierarchy();
        let work = || {
            if self.inner.is_multi_label() {
                let columns = hierarchy.node_columns();
                let width = columns.len();
                // SAFETY: the caller answers for the addresses, and that they are of these types and lengths.
                let out = unsafe { memory::write::<u8>(out, scores.rows * width) }?;
                let mut all = Vec::new();
                let chunk = |first: usize, log_probs: &[f64]| {
                    all.resize(log_probs.len(), false);
                    self.inner.decide_sets(log_probs, &mut all)?;
                    let rows = all.chunks_exact(hierarchy.node_count());
                    for (row, out) in rows.zip(out[first * width..].chunks_exact_mut(width)) {
                        out.iter_mut().zip(&columns).for_each(|(out, node)| *out = row[node.index()].into());
                    }
                    Ok::<_, InputError>(())
                };
                // SAFETY: as above.
                return unsafe { scores.each_chunk(chunk) };
            }
            // SAFETY: the caller answers for the addresses, and that they are of these types and lengths.
            let out = unsafe { memory::write::<i64>(out, scores.rows) }?;
            let mut all = Vec::new();
            let chunk = |first: usize, log_probs: &[f64]| {
                all.resize(log_probs.len() / hierarchy.node_count(), NodeId::ROOT);
                self.inner.decide(log_probs, &mut all)?;
                out[first..].iter_mut().zip(&all).for_each(|(out, node)| *out = names::index_of_node(hierarchy, *node));
                Ok::<_, InputError>(())
            };
            // SAFETY: as above.
            unsafe { scores.each_chunk(chunk) }
        };
        py.detach(|| threads::with_threads(scores.length(), work))
    }
}

/// A decision as JSON with the numbers that it takes from validation data. The caller answers for the addresses: see
/// `memory.rs`.
#[pyfunction]
pub(crate) fn _calibrate(
    py: Python<'_>,
    decision: &str,
    hierarchy: &Hierarchy,
    scores: Given<'_>,
    target: &Bound<'_, PyAny>,
    ignore_index: i64,
) -> PyResult<String> {
    let decision: Decision = decision.parse().map_err(error::criterion)?;
    let scores = Scores::new(&scores, hierarchy)?;
    // SAFETY: the caller answers for the address.
    let labels = unsafe { labels::given(py, hierarchy.core(), target, scores.rows, ignore_index) }?;
    let work = || {
        let mut calibrator = Calibrator::new(&decision, hierarchy.core()).map_err(error::criterion)?;
        let nodes = hierarchy.core().node_count();
        // SAFETY: as above.
        unsafe {
            scores.each_chunk(|first, log_probs| {
                calibrator.update(log_probs, &labels[first..first + log_probs.len() / nodes])
            })
        }?;
        to_json(&calibrator.finish().map_err(error::calibration)?)
    };
    py.detach(|| threads::with_threads(scores.length(), work))
}
