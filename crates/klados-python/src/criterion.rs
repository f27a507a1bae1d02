//! The class `Criterion`: a loss compiled for a hierarchy.

use klados::loss::Reduction;
use klados::{Element, Label, Loss};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::types::PyType;

use crate::hierarchy::Hierarchy;
use crate::labels::{Kind, Targets};
use crate::memory::{self, Address, Float, with_float};
use crate::{error, names, tables, threads};

/// A loss that is compiled for a hierarchy: what the package's functions and modules run. Made by :meth:`klados.Loss.compile`.
///
/// Example::
///
///     >>> import klados
///     >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
///     >>> criterion = klados.loss("tree_min").compile(hierarchy)
///     >>> criterion.columns, criterion.takes_sets  # a logit for each node but the root
///     (5, True)
#[pyclass(frozen, weakref, module = "klados._klados", name = "Criterion")]
pub(crate) struct Criterion {
    pub(crate) inner: klados::Criterion,
    hierarchy: Py<Hierarchy>,
    superclasses: usize,
    takes_sets: bool,
}

/// What unpickles a criterion: the class and its arguments.
type Rebuild<'py> = (Bound<'py, PyType>, (String, Py<Hierarchy>));

/// A target for whose address the caller answers: kind, address, dtype, rows and columns.
pub(crate) type Target<'a> = (&'a str, Address, &'a str, usize, usize);

impl Criterion {
    /// The labels of the rows of a target.
    ///
    /// # Safety
    ///
    /// The address is that of `rows * columns` elements of the dtype that nothing writes meanwhile.
    pub(crate) unsafe fn labels(&self, target: Target<'_>, ignore_index: i64) -> PyResult<Vec<Label>> {
        let (kind, address, dtype, rows, columns) = target;
        let kind = Kind::named(kind).ok_or_else(|| error::key(kind))?;
        let has_node_columns = self.inner.has_node_columns();
        let target = Targets { kind, address, dtype, rows, columns, ignore_index, has_node_columns };
        // SAFETY: by the function's contract.
        unsafe { target.labels(self.inner.hierarchy(), self.superclasses) }
    }
}

pub(crate) fn reduction_named(name: &str) -> PyResult<Reduction> {
    match name {
        "none" => Ok(Reduction::None),
        "sum" => Ok(Reduction::Sum),
        "mean" => Ok(Reduction::Mean),
        other => Err(error::value(format!("reduction \"{other}\": expected \"none\", \"sum\" or \"mean\""))),
    }
}

/// The names of all losses.
#[pyfunction]
pub(crate) fn loss_names() -> Vec<&'static str> {
    Loss::NAMES.to_vec()
}

/// A loss as JSON with all of its parameters, checked as far as they can be without a hierarchy.
#[pyfunction]
pub(crate) fn normalize_loss(loss: &str) -> PyResult<String> {
    let loss: Loss = loss.parse().map_err(error::criterion)?;
    serde_json::to_string(&loss).map_err(|reason| error::value(reason.to_string()))
}

#[pymethods]
impl Criterion {
    #[new]
    fn new(py: Python<'_>, loss: &str, hierarchy: Py<Hierarchy>) -> PyResult<Self> {
        let loss: Loss = loss.parse().map_err(error::criterion)?;
        let core = hierarchy.get().core();
        let inner = py.detach(|| loss.compile(core)).map_err(error::criterion)?;
        let superclasses = (0..).take_while(|&at| inner.superclass_name(at).is_some()).count();
        let takes_sets = inner.check_label(&Label::Set { positive: Vec::new(), masked: Vec::new() }).is_ok();
        Ok(Self { inner, hierarchy, superclasses, takes_sets })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Rebuild<'py>> {
        Ok((py.get_type::<Self>(), (self.loss()?, self.hierarchy.clone_ref(py))))
    }

    /// Copies share: a criterion never changes.
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// What the classes roll up into.
    #[getter]
    fn hierarchy(&self, py: Python<'_>) -> Py<Hierarchy> {
        self.hierarchy.clone_ref(py)
    }

    /// The name of the loss.
    #[getter]
    fn name(&self) -> &'static str {
        self.inner.loss().name()
    }

    /// The loss as JSON, with all of its parameters.
    #[getter]
    fn loss(&self) -> PyResult<String> {
        serde_json::to_string(self.inner.loss()).map_err(|reason| error::value(reason.to_string()))
    }

    /// The number of columns of the logits: classes, or nodes but the root.
    #[getter]
    fn columns(&self) -> usize {
        self.inner.columns()
    }

    /// Whether the logits have a column a node, not a class.
    #[getter]
    fn has_node_columns(&self) -> bool {
        self.inner.has_node_columns()
    }

    /// Whether a target may be multi-hot.
    #[getter]
    fn takes_sets(&self) -> bool {
        self.takes_sets
    }

    /// Whether the loss depends on the step of training.
    #[getter]
    fn draws_at_random(&self) -> bool {
        self.inner.draws_at_random()
    }

    /// The superclasses of the loss's own map, in its order; targets beyond those of the nodes.
    #[getter]
    fn superclasses(&self) -> Vec<String> {
        (0..self.superclasses).filter_map(|at| self.inner.superclass_name(at).map(str::to_owned)).collect()
    }

    /// What is legal but surprising about the parameters for this hierarchy.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.inner.warnings().to_vec()
    }

    /// What the composed path of `klados.torch` is made of: see `tables.rs`.
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        tables::of_criterion(py, &self.inner)
    }

    /// Labels as indices, as :meth:`klados.Hierarchy.encode`; with the superclasses of the loss's own map.
    #[pyo3(signature = (labels, ignore_index=-100), text_signature = "($self, labels, ignore_index=-100)")]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
        ignore_index: i64,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let parse = |text: &str| self.inner.parse_label(text);
        names::encode(self.inner.hierarchy(), labels, ignore_index, parse).map(|all| all.into_pyarray(py))
    }

    /// Indices as labels, as :meth:`klados.Hierarchy.decode`; with the superclasses of the loss's own map.
    #[pyo3(signature = (target, ignore_index=-100), text_signature = "($self, target, ignore_index=-100)")]
    fn decode(&self, target: &Bound<'_, PyAny>, ignore_index: i64) -> PyResult<Vec<String>> {
        let superclass = |at| self.inner.superclass_name(at).map(str::to_owned);
        names::decode(self.inner.hierarchy(), target, ignore_index, superclass)
    }

    /// The losses of a batch, and the gradient of what they are reduced to where it is asked for.
    ///
    /// `logits` is `(address, dtype, rows)` of a contiguous `[rows, columns]`; `target` is `(kind, address, dtype,
    /// columns)`. Writes to `losses`, in the wide type (`float32` for halves), `[rows]` for `"none"`, else one number;
    /// and to `grad`, in the type of the logits, `[rows, columns]`, unless it is 0. With `"none"` the gradient is row by
    /// row that of the row's loss. Returns the number that `"mean"` divided by.
    ///
    /// The caller answers for the addresses: see `memory.rs`.
    #[expect(clippy::too_many_arguments, reason = "one call from Python a batch, of which each object costs")]
    #[pyo3(name = "_run")]
    fn run(
        &self,
        py: Python<'_>,
        logits: (Address, &str, usize),
        target: (&str, Address, &str, usize),
        ignore_index: i64,
        step: u64,
        reduction: &str,
        losses: Address,
        grad: Address,
    ) -> PyResult<f64> {
        let (address, dtype, rows) = logits;
        let dtype = Float::named(dtype).ok_or_else(|| error::value(format!("logits of dtype {dtype} are not read")))?;
        let (kind, target_address, target_dtype, columns) = target;
        let reduction = reduction_named(reduction)?;
        py.detach(|| {
            // SAFETY: the caller answers for the address, the dtype and the shape of the targets.
            let labels = unsafe { self.labels((kind, target_address, target_dtype, rows, columns), ignore_index) }?;
            let length = rows * self.inner.columns();
            let batch = Batch { address, length, losses, grad, reduction, labels: &labels };
            let criterion = self.inner.at_step(step);
            // SAFETY: the caller answers for the addresses, and that they are of `dtype` and of these lengths.
            threads::with_threads(length, || unsafe { with_float!(dtype, T => batch.run::<T>(&criterion)) })
        })
    }

    /// What `"mean"` divides by. `target` is `(kind, address, dtype, rows, columns)`, for whose address the caller answers.
    #[pyo3(name = "_normalizer")]
    fn normalizer(&self, py: Python<'_>, target: Target<'_>, ignore_index: i64) -> PyResult<f64> {
        py.detach(|| {
            // SAFETY: the caller answers for the address, the dtype and the shape of the targets.
            let labels = unsafe { self.labels(target, ignore_index) }?;
            self.inner.normalizer(&labels).map_err(error::input)
        })
    }
}

/// One call's arrays.
struct Batch<'a> {
    address: Address,
    length: usize,
    losses: Address,
    grad: Address,
    reduction: Reduction,
    labels: &'a [Label],
}

impl Batch<'_> {
    /// # Safety
    ///
    /// `address` is that of `length` elements of `T`, `grad` of as many to write to or 0, `losses` of one wide element a
    /// label, or of one where the batch is reduced. They do not overlap, and nothing else writes them meanwhile.
    unsafe fn run<T: Element>(&self, criterion: &klados::Criterion) -> PyResult<f64> {
        // SAFETY: by the function's contract.
        let logits = unsafe { memory::read::<T>(self.address, self.length) }?;
        let mut own = Vec::new();
        let losses = match self.reduction {
            // SAFETY: by the function's contract.
            Reduction::None => unsafe { memory::write::<T::Wide>(self.losses, self.labels.len()) }?,
            Reduction::Sum | Reduction::Mean => {
                own.resize(self.labels.len(), T::Wide::default());
                &mut own[..]
            }
        };
        let divisor = match self.reduction {
            Reduction::Mean => criterion.normalizer(self.labels).map_err(error::input)?,
            Reduction::None | Reduction::Sum => 1.0,
        };
        // A mean over nothing is 0, and so is its gradient: every row is 0.
        let scale = if divisor == 0.0 { 1.0 } else { 1.0 / divisor };
        if self.grad == 0 {
            criterion.forward(logits, self.labels, losses).map_err(error::input)?;
        } else {
            // SAFETY: by the function's contract.
            let grad = unsafe { memory::write::<T>(self.grad, self.length) }?;
            criterion.forward_backward_scaled(logits, self.labels, losses, grad, scale).map_err(error::input)?;
        }
        if self.reduction != Reduction::None {
            let sum: f64 = losses.iter().map(|loss| loss.to_f64()).sum();
            // SAFETY: by the function's contract: one element.
            let reduced = unsafe { memory::write::<T::Wide>(self.losses, 1) }?;
            reduced[0] = T::Wide::from_f64(if divisor == 0.0 { 0.0 } else { sum / divisor });
        }
        Ok(divisor)
    }
}
