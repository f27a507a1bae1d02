//! The class `Accumulator`: any of the core's metrics, by its name.

use klados::metrics::{self, Bootstrap, Levels, Metric, Ratio, Resampling, Truths};
use klados::{InputError, Label, NodeId};
use numpy::{IntoPyArray, PyArray1, PyArray3, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::hierarchy::Hierarchy;
use crate::memory::{self, Address};
use crate::scores::{Given, Refused, Scores};
use crate::to_python::to_python;
use crate::{error, labels, names, threads};

/// Rows that a metric is updated with.
struct Batch<'a> {
    truths: Truths<'a>,
    predicted: Predicted<'a>,
    weights: Option<&'a [f64]>,
}

/// What is said of them.
#[derive(Clone, Copy)]
enum Predicted<'a> {
    /// A node a row.
    Nodes(&'a [NodeId]),
    /// A node for each level of a row.
    ByLevel(&'a [NodeId]),
    /// Of each row, whether each node is predicted.
    Sets(&'a [bool]),
    /// The log-probabilities of all nodes.
    LogProbs(&'a [f64]),
}

impl Batch<'_> {
    fn nodes(&self) -> Result<&[NodeId], Refused> {
        match self.predicted {
            Predicted::Nodes(nodes) => Ok(nodes),
            _ => Err(Refused::Form("this metric is of one answer a row")),
        }
    }

    fn log_probs(&self) -> Result<&[f64], Refused> {
        match self.predicted {
            Predicted::LogProbs(log_probs) => Ok(log_probs),
            _ => Err(Refused::Form("this metric is of log-probabilities")),
        }
    }
}

/// The parameters of a metric that has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}

/// Everything that goes once over all metrics: the enum of their accumulators, and what is handed on to the one in hand.
/// `new` takes the levels and the options, `update` the accumulator and the rows, and `ratios` too, for what each row adds.
macro_rules! accumulators {
    ($($name:literal => $metric:ident { new: $new:expr, update: $update:expr, ratios: $ratios:expr })*) => {
        #[derive(Clone)]
        enum State {
            $($metric(metrics::$metric),)*
        }

        impl State {
            const NAMES: &'static [&'static str] = &[$($name),*];

            fn new(name: &str, options: &str, levels: &Levels) -> PyResult<Self> {
                match name {
                    $($name => made(levels, read_options(name, options)?, $new).map(Self::$metric),)*
                    _ => Err(error::key(format!("no metric is named \"{name}\""))),
                }
            }

            fn read(name: &str, state: &[u8]) -> PyResult<Self> {
                let read = match name {
                    $($name => serde_json::from_slice(state).map(Self::$metric),)*
                    _ => return Err(error::key(format!("no metric is named \"{name}\""))),
                };
                read.map_err(|reason| error::value(format!("the state of {name}: {reason}")))
            }

            fn write(&self) -> PyResult<Vec<u8>> {
                let written = match self {
                    $(Self::$metric(metric) => serde_json::to_vec(metric),)*
                };
                written.map_err(|reason| error::value(reason.to_string()))
            }

            fn update(&mut self, batch: &Batch<'_>) -> Result<(), Refused> {
                match self {
                    $(Self::$metric(metric) => updated(metric, batch, $update),)*
                }
            }

            fn ratios(&self, batch: &Batch<'_>) -> Result<Vec<Ratio>, Refused> {
                match self {
                    $(Self::$metric(metric) => ratios(metric, batch, $ratios),)*
                }
            }

            fn merge(&mut self, other: &Self) -> PyResult<()> {
                match (self, other) {
                    $((Self::$metric(metric), Self::$metric(other)) => metric.merge(other).map_err(error::input),)*
                    #[allow(unreachable_patterns, reason = "there may be one metric alone")]
                    _ => Err(error::value("two accumulators are of other metrics; they cannot be merged")),
                }
            }

            fn compute<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                match self {
                    $(Self::$metric(metric) => {
                        let value = py.detach(|| metric.compute());
                        to_python(py, &value)
                    })*
                }
            }
        }
    };
}

accumulators! {
    "accuracy" => Accuracy {
        new: |levels, NoOptions {}| Ok(metrics::Accuracy::new(levels)),
        update: |metric, batch| match batch.predicted {
            Predicted::ByLevel(nodes) => metric.update_by_level(&batch.truths, nodes, batch.weights),
            _ => metric.update(&batch.truths, batch.nodes()?, batch.weights),
        }
        .map_err(Refused::Input),
        ratios: |_, batch| metrics::Accuracy::ratios(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input)
    }
    "balanced_accuracy" => BalancedAccuracy {
        new: |levels, NoOptions {}| Ok(metrics::BalancedAccuracy::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input),
        ratios: |_, _| Err(NO_RATIOS)
    }
    "lca_height" => LcaHeight {
        new: |levels, NoOptions {}| Ok(metrics::LcaHeight::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input),
        ratios: |_, batch| metrics::LcaHeight::ratios(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input)
    }
    "hierarchical" => Hierarchical {
        new: |levels, NoOptions {}| Ok(metrics::Hierarchical::new(levels)),
        update: |metric, batch| match batch.predicted {
            Predicted::Sets(sets) => metric.update_sets(&batch.truths, sets, batch.weights),
            _ => metric.update(&batch.truths, batch.nodes()?, batch.weights),
        }
        .map_err(Refused::Input),
        ratios: |_, batch| metrics::Hierarchical::ratios(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input)
    }
    "lca_scores" => LcaScores {
        new: |levels, LcaOptions { value }| Ok(metrics::LcaScores::new(levels, value)),
        update: |metric, batch| metric.update(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input),
        ratios: |metric, batch| metric.ratios(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input)
    }
    "coverage" => Coverage {
        new: |levels, NoOptions {}| Ok(metrics::Coverage::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input),
        ratios: |_, batch| metrics::Coverage::ratios(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input)
    }
    "confusion" => Confusion {
        new: |levels, NoOptions {}| Ok(metrics::Confusion::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.nodes()?, batch.weights).map_err(Refused::Input),
        ratios: |_, _| Err(NO_RATIOS)
    }
    "distance_at_k" => DistanceAtK {
        new: |levels, DistanceOptions { k }| metrics::DistanceAtK::new(levels, &k).map_err(error::input),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |metric, batch| metric.ratios(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input)
    }
    "log_loss" => LogLoss {
        new: |levels, NoOptions {}| Ok(metrics::LogLoss::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, batch| metrics::LogLoss::ratios(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input)
    }
    "brier" => Brier {
        new: |levels, NoOptions {}| Ok(metrics::Brier::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, batch| metrics::Brier::ratios(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input)
    }
    "ece" => Calibration {
        new: |levels, Bins { bins }| metrics::Calibration::new(levels, bins).map_err(error::input),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, _| Err(NO_RATIOS)
    }
    "operating_curve" => OperatingCurve {
        new: |levels, LcaOptions { value }| Ok(metrics::OperatingCurve::new(levels, value)),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, _| Err(NO_RATIOS)
    }
    "risk_coverage" => RiskCoverage {
        new: |levels, NoOptions {}| Ok(metrics::RiskCoverage::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, _| Err(NO_RATIOS)
    }
    "auprc" => Auprc {
        new: |levels, AuprcOptions { thresholds }| match thresholds {
            Some(thresholds) => metrics::Auprc::with_thresholds(levels, thresholds).map_err(error::input),
            None => Ok(metrics::Auprc::new(levels)),
        },
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, _| Err(NO_RATIOS)
    }
    "violations" => Violations {
        new: |levels, NoOptions {}| Ok(metrics::Violations::new(levels)),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, batch| metrics::Violations::ratios(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input)
    }
    "wasserstein" => Wasserstein {
        new: |levels, NoOptions {}| metrics::Wasserstein::new(levels).map_err(error::input),
        update: |metric, batch| metric.update(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input),
        ratios: |_, batch| metrics::Wasserstein::ratios(&batch.truths, batch.log_probs()?, batch.weights).map_err(Refused::Input)
    }
}

/// Of metrics that are no ratio of two sums over the rows.
const NO_RATIOS: Refused = Refused::Form("this metric is no ratio of two sums over the rows, and has no bootstrap");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuprcOptions {
    thresholds: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LcaOptions {
    value: metrics::ValuedBy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DistanceOptions {
    k: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bins {
    bins: usize,
}

/// Gives a closure of the list above its types.
fn made<O, M>(levels: &Levels, options: O, new: impl FnOnce(&Levels, O) -> PyResult<M>) -> PyResult<M> {
    new(levels, options)
}

fn updated<M>(
    metric: &mut M,
    batch: &Batch<'_>,
    update: impl FnOnce(&mut M, &Batch<'_>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    update(metric, batch)
}

fn ratios<M>(
    metric: &M,
    batch: &Batch<'_>,
    ratios: impl FnOnce(&M, &Batch<'_>) -> Result<Vec<Ratio>, Refused>,
) -> Result<Vec<Ratio>, Refused> {
    ratios(metric, batch)
}

fn read_options<O: DeserializeOwned>(name: &str, options: &str) -> PyResult<O> {
    serde_json::from_str(options).map_err(|reason| error::value(format!("{name}: {reason}")))
}

/// The names of all metrics.
#[pyfunction]
pub(crate) fn metric_names() -> Vec<&'static str> {
    State::NAMES.to_vec()
}

/// The names of the levels at which predictions are judged, from the top.
#[pyfunction]
pub(crate) fn judged_levels(hierarchy: &Hierarchy) -> Vec<String> {
    hierarchy.judged_levels().all().iter().map(|level| level.name().to_owned()).collect()
}

/// The nodes of a level at which predictions are judged, by index: see `JudgedLevel::candidates` of the core.
#[pyfunction]
pub(crate) fn level_candidates<'py>(
    py: Python<'py>,
    hierarchy: &Hierarchy,
    place: usize,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let levels = hierarchy.judged_levels().all();
    let level = levels.get(place).ok_or_else(|| error::key(format!("no level has the place {place}")))?;
    Ok(level
        .candidates()
        .iter()
        .map(|node| names::index_of_node(hierarchy.core(), *node))
        .collect::<Vec<_>>()
        .into_pyarray(py))
}

/// Writes the most probable node of each level, `[rows, levels]` of `int64`. The caller answers for the addresses: see
/// `memory.rs`.
#[pyfunction]
pub(crate) fn _most_probable(py: Python<'_>, hierarchy: &Hierarchy, scores: Given<'_>, out: Address) -> PyResult<()> {
    let scores = Scores::new(&scores, hierarchy)?;
    let (core, levels) = (hierarchy.core(), hierarchy.judged_levels());
    let width = levels.all().len();
    let work = || {
        // SAFETY: the caller answers for the addresses, and that they are of these types and lengths.
        let out = unsafe { memory::write::<i64>(out, scores.rows * width) }?;
        let mut best = Vec::new();
        let chunk = |first: usize, log_probs: &[f64]| {
            best.resize(log_probs.len() / core.node_count() * width, NodeId::ROOT);
            levels.most_probable(log_probs, &mut best)?;
            let out = out[first * width..].iter_mut();
            out.zip(&best).for_each(|(out, node)| *out = names::index_of_node(core, *node));
            Ok::<_, InputError>(())
        };
        // SAFETY: as above.
        unsafe { scores.each_chunk(chunk) }
    };
    py.detach(|| threads::with_threads(scores.length(), work))
}

/// The state of a metric: what the classes of :mod:`klados.metrics` are made of.
///
/// Args:
///     name: the metric.
///     options: its options as JSON.
///     hierarchy: what the classes roll up into.
///     state: what :meth:`state` gave.
#[pyclass(weakref, module = "klados._klados", name = "Accumulator")]
pub(crate) struct Accumulator {
    name: String,
    options: String,
    hierarchy: Py<Hierarchy>,
    state: State,
}

/// What unpickles an accumulator: the class and its arguments.
type Rebuild<'py> = (Bound<'py, PyType>, (String, String, Py<Hierarchy>, Bound<'py, PyBytes>));

#[pymethods]
impl Accumulator {
    #[new]
    #[pyo3(signature = (name, options, hierarchy, state=None))]
    fn new(
        py: Python<'_>,
        name: String,
        options: String,
        hierarchy: Py<Hierarchy>,
        state: Option<&[u8]>,
    ) -> PyResult<Self> {
        let levels = py.detach(|| hierarchy.get().judged_levels());
        let fresh = State::new(&name, &options, levels)?;
        let state = match state {
            Some(state) => {
                // Merged, so that the state of another hierarchy is refused.
                let mut all = fresh;
                all.merge(&State::read(&name, state)?)?;
                all
            }
            None => fresh,
        };
        Ok(Self { name, options, hierarchy, state })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Rebuild<'py>> {
        let state = PyBytes::new(py, &self.state.write()?);
        let arguments = (self.name.clone(), self.options.clone(), self.hierarchy.clone_ref(py), state);
        Ok((py.get_type::<Self>(), arguments))
    }

    /// What the classes roll up into.
    #[getter]
    fn hierarchy(&self, py: Python<'_>) -> Py<Hierarchy> {
        self.hierarchy.clone_ref(py)
    }

    /// The rows so far, as JSON that can be merged on another machine.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.state.write()?))
    }

    /// Adds what another accumulator has seen.
    fn merge(&mut self, other: &Bound<'_, Self>) -> PyResult<()> {
        let other = other.borrow().state.clone();
        self.state.merge(&other)
    }

    /// The metric of all rows so far, as the core gives it: structs are dicts, what is undefined is `None`.
    fn compute<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.state.compute(py)
    }

    /// Adds rows with answers. `target` is a list of names, or `(kind, address, dtype, columns)`; `answers` is `(kind, address,
    /// columns)`, `"nodes"` or `"by_level"` of `int64`, or `"sets"` of `bool`; `weights` is the address of a `float64` a row, or
    /// 0. The caller answers for the addresses: see `memory.rs`.
    #[pyo3(name = "_update")]
    fn update(
        &mut self,
        py: Python<'_>,
        rows: usize,
        target: &Bound<'_, PyAny>,
        answers: (&str, Address, usize),
        weights: Address,
        ignore_index: i64,
    ) -> PyResult<()> {
        let hierarchy = self.hierarchy.clone_ref(py);
        // SAFETY: the caller answers for the address.
        let labels = unsafe { labels::given(py, hierarchy.get().core(), target, rows, ignore_index) }?;
        let state = &mut self.state;
        // SAFETY: the caller answers for the addresses.
        py.detach(|| unsafe {
            with_answers(hierarchy.get(), &labels, answers, weights, |batch| Ok(state.update(batch)?))
        })
    }

    /// Adds rows with scores. `target` and `weights` as those of `_update`.
    #[pyo3(name = "_update_scores")]
    fn update_scores(
        &mut self,
        py: Python<'_>,
        scores: Given<'_>,
        target: &Bound<'_, PyAny>,
        weights: Address,
        ignore_index: i64,
    ) -> PyResult<()> {
        let hierarchy = self.hierarchy.clone_ref(py);
        let scores = Scores::new(&scores, hierarchy.get())?;
        // SAFETY: the caller answers for the address.
        let labels = unsafe { labels::given(py, hierarchy.get().core(), target, scores.rows, ignore_index) }?;
        // Of several chunks nothing is added where one is refused.
        let mut all = match scores.is_one_chunk() {
            true => None,
            false => Some(State::new(&self.name, &self.options, hierarchy.get().judged_levels())?),
        };
        let state = &mut self.state;
        let work = || {
            let update = |batch: &Batch<'_>| all.as_mut().unwrap_or(state).update(batch);
            // SAFETY: the caller answers for the addresses.
            unsafe { with_scores(hierarchy.get(), &labels, scores, weights, update) }?;
            match &all {
                Some(all) => state.merge(all),
                None => Ok(()),
            }
        };
        py.detach(|| threads::with_threads(scores.length(), work))
    }

    /// What each row with an answer adds to the numerator and the denominator of each number of the metric: `[rows, numbers, 2]`.
    /// The arguments are those of `_update`.
    #[pyo3(name = "_ratios")]
    fn ratios<'py>(
        &self,
        py: Python<'py>,
        rows: usize,
        target: &Bound<'_, PyAny>,
        answers: (&str, Address, usize),
        weights: Address,
        ignore_index: i64,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        let hierarchy = self.hierarchy.get();
        // SAFETY: the caller answers for the address.
        let labels = unsafe { labels::given(py, hierarchy.core(), target, rows, ignore_index) }?;
        let mut all = Vec::new();
        // SAFETY: the caller answers for the addresses.
        py.detach(|| unsafe {
            with_answers(hierarchy, &labels, answers, weights, |batch| {
                all = self.state.ratios(batch)?;
                Ok(())
            })
        })?;
        ratio_array(py, rows, &all)
    }

    /// What each row with scores adds, as `_ratios`. The arguments are those of `_update_scores`.
    #[pyo3(name = "_ratios_of_scores")]
    fn ratios_of_scores<'py>(
        &self,
        py: Python<'py>,
        scores: Given<'_>,
        target: &Bound<'_, PyAny>,
        weights: Address,
        ignore_index: i64,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        let hierarchy = self.hierarchy.get();
        let scores = Scores::new(&scores, hierarchy)?;
        // SAFETY: the caller answers for the address.
        let labels = unsafe { labels::given(py, hierarchy.core(), target, scores.rows, ignore_index) }?;
        let mut all = Vec::new();
        let add = |batch: &Batch<'_>| {
            all.extend(self.state.ratios(batch)?);
            Ok(())
        };
        // SAFETY: the caller answers for the addresses.
        let work = || unsafe { with_scores(hierarchy, &labels, scores, weights, add) };
        py.detach(|| threads::with_threads(scores.length(), work))?;
        ratio_array(py, scores.rows, &all)
    }
}

/// Calls `take` with rows that have answers.
///
/// # Safety
///
/// The addresses are those of the arrays that `Accumulator._update` says, or of the weights 0.
unsafe fn with_answers(
    hierarchy: &Hierarchy,
    labels: &[Label],
    (kind, address, columns): (&str, Address, usize),
    weights: Address,
    take: impl FnOnce(&Batch<'_>) -> PyResult<()>,
) -> PyResult<()> {
    let (core, rows) = (hierarchy.core(), labels.len());
    let length = rows * columns;
    let (nodes, sets);
    let predicted = if kind == "sets" {
        // SAFETY: by the function's contract.
        sets = by_node(core, unsafe { memory::read::<u8>(address, length) }?, columns)?;
        Predicted::Sets(&sets)
    } else {
        // SAFETY: by the function's contract.
        nodes = to_nodes(core, unsafe { memory::read::<i64>(address, length) }?, columns)?;
        match kind {
            "nodes" => Predicted::Nodes(&nodes),
            "by_level" => Predicted::ByLevel(&nodes),
            other => return Err(error::key(other)),
        }
    };
    // SAFETY: by the function's contract.
    let weights = unsafe { sample_weights(weights, rows) }?;
    let truths = hierarchy.judged_levels().truths(labels).map_err(error::input)?;
    take(&Batch { truths, predicted, weights })
}

/// Calls `take` with rows that have scores, a few at a time.
///
/// # Safety
///
/// The addresses are those of the scores, and of a weight a row or 0.
unsafe fn with_scores(
    hierarchy: &Hierarchy,
    labels: &[Label],
    scores: Scores<'_>,
    weights: Address,
    mut take: impl FnMut(&Batch<'_>) -> Result<(), Refused>,
) -> PyResult<()> {
    let nodes = hierarchy.core().node_count();
    // SAFETY: by the function's contract.
    let weights = unsafe { sample_weights(weights, scores.rows) }?;
    let chunk = |first: usize, log_probs: &[f64]| {
        let rows = first..first + log_probs.len() / nodes;
        let truths = hierarchy.judged_levels().truths(&labels[rows.clone()])?;
        let weights = weights.map(|weights| &weights[rows]);
        take(&Batch { truths, predicted: Predicted::LogProbs(log_probs), weights })
    };
    // SAFETY: by the function's contract.
    unsafe { scores.each_chunk(chunk) }
}

fn ratio_array<'py>(py: Python<'py>, rows: usize, ratios: &[Ratio]) -> PyResult<Bound<'py, PyArray3<f64>>> {
    let numbers = ratios.len().checked_div(rows).unwrap_or(0);
    let flat: Vec<f64> = ratios.iter().flat_map(|ratio| [ratio.numerator, ratio.denominator]).collect();
    flat.into_pyarray(py).reshape([rows, numbers, 2])
}

/// Confidence intervals of ratios `[rows, numbers, 2]` of `float64`, with a group a row in `uint64` or 0: of each of `wanted`, a
/// number, or the difference of two. The caller answers for the addresses: see `memory.rs`.
#[pyfunction]
pub(crate) fn _bootstrap<'py>(
    py: Python<'py>,
    ratios: (Address, usize, usize),
    groups: Address,
    resampling: (usize, u64, f64),
    wanted: Vec<(usize, Option<usize>)>,
) -> PyResult<Bound<'py, PyAny>> {
    let (address, rows, numbers) = ratios;
    let (replicates, seed, confidence) = resampling;
    let resampling = Resampling { replicates, seed, confidence };
    let work = || {
        // SAFETY: the caller answers for the addresses.
        let (flat, groups) = unsafe {
            let groups = match groups {
                0 => None,
                address => Some(memory::read::<u64>(address, rows)?),
            };
            (memory::read::<f64>(address, rows * numbers * 2)?, groups)
        };
        let pair = |pair: &[f64]| Ratio { numerator: pair[0], denominator: pair[1] };
        let ratios: Vec<Ratio> = flat.chunks_exact(2).map(pair).collect();
        let mut bootstrap = Bootstrap::new(numbers, resampling).map_err(error::input)?;
        bootstrap.update(&ratios, groups).map_err(error::input)?;
        let replicates = bootstrap.replicates();
        let interval = |&(number, less): &(usize, Option<usize>)| match less {
            None => replicates.interval(number),
            Some(less) => replicates.difference(number, less),
        };
        Ok::<_, PyErr>(wanted.iter().map(interval).collect::<Vec<_>>())
    };
    let intervals = py.detach(|| threads::with_threads(rows * replicates, work))?;
    to_python(py, &intervals)
}

/// Sample weights by their address, or none.
///
/// # Safety
///
/// As of [`memory::read`], or the address is 0.
unsafe fn sample_weights<'a>(address: Address, rows: usize) -> PyResult<Option<&'a [f64]>> {
    match address {
        0 => Ok(None),
        // SAFETY: by the function's contract.
        address => unsafe { memory::read::<f64>(address, rows) }.map(Some),
    }
}

/// Predictions by index as nodes: a class is its node.
fn to_nodes(hierarchy: &klados::Hierarchy, predictions: &[i64], columns: usize) -> PyResult<Vec<NodeId>> {
    let (classes, nodes) = (hierarchy.class_count(), hierarchy.node_count());
    let node = |(at, &prediction): (usize, &i64)| {
        let found = match usize::try_from(prediction) {
            Ok(class) if class < classes => Some(hierarchy.class_node(class)),
            Ok(index) => index.checked_sub(classes).and_then(|node| hierarchy.node_at(node)),
            Err(_) => None,
        };
        found.ok_or_else(|| {
            error::value(format!(
                "row {}: the prediction is {prediction}, expected a class (0 to {}), or {classes} + the index of a node \
                 ({classes} to {})",
                at / columns,
                classes - 1,
                classes + nodes - 1
            ))
        })
    };
    predictions.iter().enumerate().map(node).collect()
}

/// Sets of nodes, or of classes, as `[rows, nodes]`.
fn by_node(hierarchy: &klados::Hierarchy, sets: &[u8], columns: usize) -> PyResult<Vec<bool>> {
    let mut nodes = hierarchy.node_columns();
    if columns != nodes.len() {
        let expected = nodes.len();
        nodes = (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect();
        if columns != nodes.len() {
            return Err(error::value(format!(
                "the sets have {columns} columns, expected {expected} (nodes but the root) or {} (classes)",
                nodes.len()
            )));
        }
    }
    let width = hierarchy.node_count();
    let mut all = vec![false; sets.len() / columns * width];
    for (row, set) in all.chunks_exact_mut(width).zip(sets.chunks_exact(columns)) {
        nodes.iter().zip(set).for_each(|(node, is_in)| row[node.index()] = *is_in != 0);
    }
    Ok(all)
}
