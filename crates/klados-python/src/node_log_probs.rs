//! The class `NodeLogProbs`: log-probabilities of nodes and their gradient.

use klados::{Element, NodeForm, NodeId};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::hierarchy::Hierarchy;
use crate::memory::{self, Address, Float, with_float};
use crate::{error, tables, threads};

/// The log-probabilities of nodes from logits of a form: what :func:`klados.node_log_probs` runs.
///
/// Args:
///     form: the form as JSON.
///     hierarchy: what the classes roll up into.
///     nodes: the indices of the nodes of the output; all where they are not given.
#[pyclass(frozen, weakref, module = "klados._klados", name = "NodeLogProbs")]
pub(crate) struct NodeLogProbs {
    pub(crate) inner: klados::NodeLogProbs,
    hierarchy: Py<Hierarchy>,
}

#[pymethods]
impl NodeLogProbs {
    #[new]
    #[pyo3(signature = (form, hierarchy, nodes=None))]
    fn new(form: &str, hierarchy: Py<Hierarchy>, nodes: Option<Vec<usize>>) -> PyResult<Self> {
        let core = hierarchy.get().core();
        let form: NodeForm =
            serde_json::from_str(form).map_err(|reason| error::value(format!("the form of the nodes: {reason}")))?;
        let mut inner = klados::NodeLogProbs::of_form(&form, core).map_err(error::criterion)?;
        if let Some(nodes) = nodes {
            let node = |index: usize| {
                let found = core.node_at(index);
                found.ok_or_else(|| error::value(format!("node {index} is outside of 0..{}", core.node_count())))
            };
            let nodes = nodes.into_iter().map(node).collect::<PyResult<Vec<NodeId>>>()?;
            inner = inner.for_nodes(nodes).map_err(error::input)?;
        }
        Ok(Self { inner, hierarchy })
    }

    /// What the classes roll up into.
    #[getter]
    fn hierarchy(&self, py: Python<'_>) -> Py<Hierarchy> {
        self.hierarchy.clone_ref(py)
    }

    /// The number of columns of the logits.
    #[getter]
    fn columns(&self) -> usize {
        self.inner.columns()
    }

    /// The number of columns of the output.
    #[getter]
    fn width(&self) -> usize {
        self.inner.width()
    }

    /// The nodes of the columns of the output, by index.
    #[getter]
    fn nodes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.inner.nodes().iter().map(|node| node.index() as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    /// The superclasses of the map of a weighted form, which are the columns of its output.
    #[getter]
    fn superclasses(&self) -> Vec<String> {
        self.inner.superclasses().to_vec()
    }

    /// The weights of the map of a weighted form: classes, superclasses, and the weight of each pair.
    fn map<'py>(&self, py: Python<'py>) -> Option<tables::Triples<'py>> {
        self.inner.map().map(|map| tables::triples(py, map))
    }

    /// Writes `[rows, width]` to `out`, in the wide type, or in `float64`. The caller answers for the addresses: see
    /// `memory.rs`.
    #[pyo3(name = "_forward", signature = (logits, out, in_float64=false))]
    fn forward(&self, py: Python<'_>, logits: (Address, &str, usize), out: Address, in_float64: bool) -> PyResult<()> {
        let (address, dtype, rows) = logits;
        let dtype = Float::named(dtype).ok_or_else(|| error::value(format!("logits of dtype {dtype} are not read")))?;
        let length = rows * self.inner.columns();
        let out_length = rows * self.inner.width();
        py.detach(|| {
            // SAFETY: the caller answers for the addresses, and that they are of `dtype` and of these lengths.
            threads::with_threads(length, || unsafe {
                with_float!(dtype, T => {
                    let logits = memory::read::<T>(address, length)?;
                    if in_float64 {
                        return self.inner.forward_into(logits, memory::write::<f64>(out, out_length)?).map_err(error::input);
                    }
                    let out = memory::write::<<T as Element>::Wide>(out, out_length)?;
                    self.inner.forward(logits, out).map_err(error::input)
                })
            })
        })
    }

    /// Writes the gradient by the logits, `[rows, columns]`, to `grad`, from that of the output, `upstream`, in the wide
    /// type. The caller answers for the addresses: see `memory.rs`.
    #[pyo3(name = "_backward")]
    fn backward(
        &self,
        py: Python<'_>,
        logits: (Address, &str, usize),
        upstream: Address,
        grad: Address,
    ) -> PyResult<()> {
        let (address, dtype, rows) = logits;
        let dtype = Float::named(dtype).ok_or_else(|| error::value(format!("logits of dtype {dtype} are not read")))?;
        let length = rows * self.inner.columns();
        py.detach(|| {
            // SAFETY: the caller answers for the addresses, and that they are of `dtype` and of these lengths.
            threads::with_threads(length, || unsafe {
                with_float!(dtype, T => {
                    let logits = memory::read::<T>(address, length)?;
                    let upstream = memory::read::<<T as Element>::Wide>(upstream, rows * self.inner.width())?;
                    let grad = memory::write::<T>(grad, length)?;
                    self.inner.backward(logits, upstream, grad).map_err(error::input)
                })
            })
        })
    }
}
