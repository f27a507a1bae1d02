//! The class `klados.Hierarchy`.

use std::collections::HashSet;
use std::ffi::CString;
use std::path::PathBuf;

use klados::format::CsvOptions;
use klados::{HierarchyBuilder, Level, NodeId};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error;
use crate::labels::{node_name, to_index};

/// Lines that `repr` prints.
const REPR_LINES: usize = 40;

/// A rooted tree or DAG of named nodes, some of which carry the classes of a classifier. The stubs have the documentation.
#[pyclass(frozen, eq, module = "klados", name = "Hierarchy")]
#[derive(PartialEq)]
pub(crate) struct Hierarchy {
    pub(crate) inner: Inner,
}

/// Two hierarchies are equal where their serialized forms are.
pub(crate) struct Inner(pub(crate) klados::Hierarchy);

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_string(&self.0).ok() == serde_json::to_string(&other.0).ok()
    }
}

impl Hierarchy {
    pub(crate) fn core(&self) -> &klados::Hierarchy {
        &self.inner.0
    }

    /// With the classes that were asked for, and Python's warnings of what is surprising.
    fn finish(py: Python<'_>, core: klados::Hierarchy, classes: Option<Vec<String>>) -> PyResult<Self> {
        let core = match classes {
            Some(classes) => core.with_classes(classes).map_err(error::hierarchy)?,
            None => core,
        };
        for warning in core.warnings() {
            let text = CString::new(warning.to_string().replace('\0', "\\0"))?;
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)?;
        }
        Ok(Self { inner: Inner(core) })
    }

    fn node_of(&self, node: &Bound<'_, PyAny>) -> PyResult<NodeId> {
        if let Ok(index) = node.extract::<usize>() {
            let found = self.core().node_at(index);
            let nodes = self.core().node_count();
            return found.ok_or_else(|| error::value(format!("node {index} is outside of 0..{nodes}")));
        }
        match node.cast::<PyString>() {
            Ok(name) => self.core().node(name.to_str()?).map_err(error::hierarchy),
            Err(_) => Err(PyTypeError::new_err("a node is given by its name or its index")),
        }
    }
}

/// The names of an edge: of a tuple, a list or a row of an array. A string of two letters is none.
fn pair_of_names(edge: &Bound<'_, PyAny>) -> Option<[String; 2]> {
    if edge.is_instance_of::<PyString>() {
        return None;
    }
    let names: PyResult<Vec<String>> = edge.try_iter().ok()?.take(3).map(|name| name?.extract()).collect();
    names.ok()?.try_into().ok()
}

/// A path: names from the top, or one string with ` > ` between them.
fn path_names(path: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    match path.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.split(" > ").map(|name| name.trim().to_owned()).collect()),
        Err(_) => path.try_iter()?.map(|name| name?.extract()).collect(),
    }
}

fn level_of(level: &Bound<'_, PyAny>) -> PyResult<Level> {
    match level.cast::<PyString>() {
        Ok(rank) => Ok(Level::Rank(rank.to_str()?.to_owned())),
        Err(_) => Ok(Level::Depth(level.extract()?)),
    }
}

fn level_name(py: Python<'_>, level: &Level) -> PyResult<Py<PyAny>> {
    Ok(match level {
        Level::Rank(rank) => rank.into_pyobject(py)?.into_any().unbind(),
        Level::Depth(depth) => depth.into_pyobject(py)?.into_any().unbind(),
    })
}

#[pymethods]
impl Hierarchy {
    #[staticmethod]
    #[pyo3(signature = (edges, classes=None, ranks=None))]
    fn from_edges(
        py: Python<'_>,
        edges: &Bound<'_, PyAny>,
        classes: Option<Vec<String>>,
        ranks: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut builder = HierarchyBuilder::new();
        let mut names = HashSet::new();
        for (at, edge) in edges.try_iter()?.enumerate() {
            let [parent, child] = pair_of_names(&edge?)
                .ok_or_else(|| PyTypeError::new_err(format!("edge {at}: expected a pair of names, (parent, child)")))?;
            builder.add_edge(&parent, &child).map_err(error::hierarchy)?;
            if ranks.is_some() {
                names.extend([parent.trim().to_owned(), child.trim().to_owned()]);
            }
        }
        for (node, rank) in ranks.iter().flat_map(|ranks| ranks.iter()) {
            let (node, rank): (String, String) = (node.extract()?, rank.extract()?);
            // The builder would take it for a new node.
            if !names.contains(node.trim()) {
                return Err(error::value(format!("ranks: \"{node}\" is a node of no edge")));
            }
            builder.set_rank(&node, &rank).map_err(error::hierarchy)?;
        }
        Self::finish(py, builder.build().map_err(error::hierarchy)?, classes)
    }

    #[staticmethod]
    #[pyo3(signature = (paths, classes=None, ranks=None))]
    fn from_paths(
        py: Python<'_>,
        paths: &Bound<'_, PyAny>,
        classes: Option<Vec<String>>,
        ranks: Option<Vec<String>>,
    ) -> PyResult<Self> {
        if paths.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("expected a sequence of paths, got one string"));
        }
        let mut builder = HierarchyBuilder::new();
        if let Some(ranks) = &ranks {
            builder.set_rank_names(ranks.iter().map(String::as_str));
        }
        for path in paths.try_iter()? {
            let names = path_names(&path?)?;
            let names = names.iter().map(String::as_str);
            match &ranks {
                Some(ranks) => {
                    if names.len() > ranks.len() {
                        let message = format!(
                            "the path {:?} is longer than the {} ranks",
                            names.collect::<Vec<_>>(),
                            ranks.len()
                        );
                        return Err(error::value(message));
                    }
                    builder.add_ranked_path(names.zip(0..).map(|(name, rank)| (name, Some(rank))))
                }
                None => builder.add_path(names),
            }
            .map_err(error::hierarchy)?;
        }
        Self::finish(py, builder.build().map_err(error::hierarchy)?, classes)
    }

    #[staticmethod]
    #[pyo3(signature = (path, classes=None, *, child_column=None, parent_column=None, rank_columns=None))]
    fn from_csv(
        py: Python<'_>,
        path: PathBuf,
        classes: Option<Vec<String>>,
        child_column: Option<String>,
        parent_column: Option<String>,
        rank_columns: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let options = match (rank_columns, child_column, parent_column) {
            (Some(columns), None, None) => CsvOptions::ranks(columns),
            (None, Some(child), Some(parent)) => CsvOptions::edges(child, parent),
            (None, None, None) => CsvOptions::new(),
            _ => return Err(error::value("give child_column and parent_column together, or rank_columns alone")),
        };
        let core = py.detach(|| klados::Hierarchy::from_csv_path(path, &options)).map_err(error::hierarchy)?;
        Self::finish(py, core, classes)
    }

    #[staticmethod]
    #[pyo3(signature = (tree, classes=None))]
    fn from_dict(py: Python<'_>, tree: &Bound<'_, PyDict>, classes: Option<Vec<String>>) -> PyResult<Self> {
        let mut builder = HierarchyBuilder::new();
        // A stack instead of recursion, which a deep tree would exhaust; the first entry on top.
        let mut stack: Vec<(Option<String>, Bound<'_, PyAny>)> = vec![(None, tree.clone().into_any())];
        while let Some((parent, below)) = stack.pop() {
            let mut entries = Vec::new();
            if let Ok(dict) = below.cast::<PyDict>() {
                for (name, below) in dict.iter() {
                    entries.push((name.extract::<String>()?, Some(below)));
                }
            } else if let (Ok(text), Some(parent)) = (below.cast::<PyString>(), &parent) {
                return Err(PyTypeError::new_err(format!(
                    "\"{parent}\": expected what is below it, a dict or a list of names, got the string {text:?}; a dict from \
                     class to superclass is Hierarchy.from_edges((parent, child) for child, parent in tree.items())"
                )));
            } else if !below.is_none() {
                for name in below.try_iter()? {
                    entries.push((name?.extract::<String>()?, None));
                }
            }
            for (name, _) in &entries {
                match &parent {
                    Some(parent) => builder.add_edge(parent, name),
                    None => builder.add_root(name),
                }
                .map_err(error::hierarchy)?;
            }
            let below = entries.into_iter().rev().filter_map(|(name, below)| Some((Some(name), below?)));
            stack.extend(below);
        }
        Self::finish(py, builder.build().map_err(error::hierarchy)?, classes)
    }

    #[staticmethod]
    #[pyo3(signature = (graph, classes=None))]
    fn from_networkx(py: Python<'_>, graph: &Bound<'_, PyAny>, classes: Option<Vec<String>>) -> PyResult<Self> {
        if !graph.call_method0("is_directed")?.extract::<bool>()? {
            return Err(error::value("the graph is undirected; expected a DiGraph with edges from parent to child"));
        }
        let mut builder = HierarchyBuilder::new();
        for edge in graph.call_method0("edges")?.try_iter()? {
            let edge = edge?;
            let name = |at: usize| -> PyResult<String> { edge.get_item(at)?.str()?.extract() };
            builder.add_edge(&name(0)?, &name(1)?).map_err(error::hierarchy)?;
        }
        for node in graph.call_method0("nodes")?.try_iter()? {
            builder.add_node(node?.str()?.to_str()?).map_err(error::hierarchy)?;
        }
        Self::finish(py, builder.build().map_err(error::hierarchy)?, classes)
    }

    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        let core = serde_json::from_str(text).map_err(|reason| error::value(format!("not a hierarchy: {reason}")))?;
        Ok(Self { inner: Inner(core) })
    }

    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(self.core()).map_err(|reason| error::value(reason.to_string()))
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, (String,))> {
        Ok((py.get_type::<Self>().getattr("from_json")?.unbind(), (self.to_json()?,)))
    }

    fn __hash__(&self) -> u64 {
        // Equal hierarchies have as many nodes and classes.
        self.core().node_count() as u64 ^ ((self.core().class_count() as u64) << 32)
    }

    /// Copies share: a hierarchy never changes.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __str__(&self) -> String {
        self.core().to_string().trim_end().to_owned()
    }

    fn __repr__(&self) -> String {
        let core = self.core();
        let shape = if core.is_tree() { "tree" } else { "DAG" };
        let (classes, nodes, height) = (core.class_count(), core.node_count(), core.height(NodeId::ROOT));
        let mut text = format!("Hierarchy({shape} of {nodes} nodes, {classes} classes, height {height})");
        let drawn = core.to_string();
        for line in drawn.lines().take(REPR_LINES) {
            text.push_str("\n  ");
            text.push_str(line);
        }
        let left = drawn.lines().count().saturating_sub(REPR_LINES);
        if left > 0 {
            text.push_str(&format!("\n  ... {left} more lines; str() has them all"));
        }
        text
    }

    fn __len__(&self) -> usize {
        self.core().node_count()
    }

    fn __contains__(&self, name: &str) -> bool {
        self.core().node(name).is_ok()
    }

    #[getter]
    fn num_classes(&self) -> usize {
        self.core().class_count()
    }

    #[getter]
    fn num_nodes(&self) -> usize {
        self.core().node_count()
    }

    #[getter]
    fn is_tree(&self) -> bool {
        self.core().is_tree()
    }

    #[getter]
    fn classes(&self) -> Vec<String> {
        let core = self.core();
        (0..core.class_count()).map(|class| node_name(core, core.class_node(class))).collect()
    }

    #[getter]
    fn nodes(&self) -> Vec<String> {
        self.core().nodes().map(|node| self.core().name(node).to_owned()).collect()
    }

    #[getter]
    fn ranks(&self) -> Vec<Option<String>> {
        self.core().nodes().map(|node| self.core().rank(node).map(str::to_owned)).collect()
    }

    #[getter]
    fn levels(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.core().levels().iter().map(|level| level_name(py, level)).collect()
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.core().warnings().iter().map(ToString::to_string).collect()
    }

    #[getter]
    fn class_nodes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let core = self.core();
        (0..core.class_count()).map(|class| core.class_node(class).index() as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    #[getter]
    fn node_columns<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        indices(py, self.core().node_columns())
    }

    #[getter]
    fn node_classes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let core = self.core();
        let mut classes = vec![-1i64; core.node_count()];
        for class in 0..core.class_count() {
            classes[core.class_node(class).index()] = class as i64;
        }
        classes.into_pyarray(py)
    }

    #[getter]
    fn depths<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.by_node(py, |node| self.core().depth(node) as i64)
    }

    #[getter]
    fn heights<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.by_node(py, |node| self.core().height(node) as i64)
    }

    #[getter]
    fn class_counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.by_node(py, |node| self.core().count_classes_below(node) as i64)
    }

    #[getter]
    fn edges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        let core = self.core();
        let mut pairs = Vec::new();
        for child in core.nodes() {
            for parent in core.parents(child) {
                pairs.extend([parent.index() as i64, child.index() as i64]);
            }
        }
        let rows = pairs.len() / 2;
        pairs.into_pyarray(py).reshape([rows, 2])
    }

    #[getter]
    fn closure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        let core = self.core();
        let mut pairs = Vec::new();
        for class in 0..core.class_count() {
            let node = core.class_node(class);
            for above in core.lineage(node) {
                pairs.extend([above.index() as i64, class as i64]);
            }
        }
        let rows = pairs.len() / 2;
        pairs.into_pyarray(py).reshape([rows, 2])
    }

    fn node(&self, name: &str) -> PyResult<usize> {
        Ok(self.core().node(name).map_err(error::hierarchy)?.index())
    }

    fn class_index(&self, name: &str) -> PyResult<usize> {
        self.core().class(name).map_err(error::hierarchy)
    }

    fn name(&self, node: &Bound<'_, PyAny>) -> PyResult<String> {
        Ok(self.core().name(self.node_of(node)?).to_owned())
    }

    fn path(&self, node: &Bound<'_, PyAny>) -> PyResult<String> {
        Ok(self.core().path(self.node_of(node)?))
    }

    fn parents(&self, node: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        Ok(self.core().parents(self.node_of(node)?).iter().map(|node| node.index()).collect())
    }

    fn children(&self, node: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        Ok(self.core().children(self.node_of(node)?).iter().map(|node| node.index()).collect())
    }

    fn ancestors<'py>(&self, py: Python<'py>, node: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        Ok(indices(py, self.core().ancestors(self.node_of(node)?)))
    }

    fn classes_below<'py>(&self, py: Python<'py>, node: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let classes = self.core().classes_below(self.node_of(node)?);
        Ok(classes.into_iter().map(|class| class as i64).collect::<Vec<_>>().into_pyarray(py))
    }

    fn lca(&self, a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<usize> {
        Ok(self.core().lca(self.node_of(a)?, self.node_of(b)?).index())
    }

    fn level_nodes<'py>(&self, py: Python<'py>, level: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        Ok(indices(py, self.core().level_nodes(&level_of(level)?).map_err(error::hierarchy)?))
    }

    fn with_classes(&self, py: Python<'_>, classes: Vec<String>) -> PyResult<Self> {
        Self::finish(py, self.core().clone(), Some(classes))
    }

    fn with_node_columns(&self, names: Vec<String>) -> PyResult<Self> {
        Ok(Self { inner: Inner(self.core().with_node_columns(names).map_err(error::hierarchy)?) })
    }

    fn with_level_names(&self, names: Vec<String>) -> PyResult<Self> {
        Ok(Self { inner: Inner(self.core().with_level_names(names).map_err(error::hierarchy)?) })
    }

    #[pyo3(signature = (labels, ignore_index=-100))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
        ignore_index: i64,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        encode(self.core(), labels, ignore_index, |text| self.core().parse_label(text)).map(|all| all.into_pyarray(py))
    }

    #[pyo3(signature = (target, ignore_index=-100))]
    fn decode(&self, target: PyReadonlyArray1<'_, i64>, ignore_index: i64) -> PyResult<Vec<String>> {
        decode(self.core(), target, ignore_index, |_| None)
    }

    fn encode_candidates<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let columns = self.core().class_count();
        let mut cells = Vec::new();
        let mut rows = 0;
        for (row, text) in texts(labels)?.into_iter().enumerate() {
            let start = cells.len();
            cells.resize(start + columns, false);
            rows += 1;
            let nodes = match self.core().parse_label(&text).map_err(|reason| in_row(row, &reason))? {
                klados::Label::Ignored => Vec::new(),
                klados::Label::Node(node) => vec![node],
                klados::Label::Union(nodes) => nodes,
                _ => return Err(error::value(format!("label {row}: \"{text}\" is not one class of several"))),
            };
            for class in nodes.into_iter().flat_map(|node| self.core().classes_below(node)) {
                cells[start + class] = true;
            }
        }
        cells.into_pyarray(py).reshape([rows, columns])
    }

    fn encode_multi_hot<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let nodes = self.core().node_columns();
        let mut column = vec![None; self.core().node_count()];
        nodes.iter().enumerate().for_each(|(at, node)| column[node.index()] = Some(at));
        let mut cells = Vec::new();
        let mut rows = 0;
        for (row, text) in texts(labels)?.into_iter().enumerate() {
            let start = cells.len();
            cells.resize(start + nodes.len(), false);
            rows += 1;
            let positive = match self.core().parse_label(&text).map_err(|reason| in_row(row, &reason))? {
                klados::Label::Node(node) => vec![node],
                klados::Label::Set { positive, .. } => positive,
                _ => return Err(error::value(format!("label {row}: \"{text}\" is not a set of nodes; write a;b"))),
            };
            for node in positive.into_iter().flat_map(|node| self.core().lineage(node)) {
                if let Some(at) = column[node.index()] {
                    cells[start + at] = true;
                }
            }
        }
        cells.into_pyarray(py).reshape([rows, nodes.len()])
    }
}

impl Hierarchy {
    fn by_node<'py>(&self, py: Python<'py>, value: impl Fn(NodeId) -> i64) -> Bound<'py, PyArray1<i64>> {
        self.core().nodes().map(value).collect::<Vec<_>>().into_pyarray(py)
    }
}

fn indices(py: Python<'_>, nodes: Vec<NodeId>) -> Bound<'_, PyArray1<i64>> {
    nodes.into_iter().map(|node| node.index() as i64).collect::<Vec<_>>().into_pyarray(py)
}

fn in_row(row: usize, reason: &klados::HierarchyError) -> PyErr {
    error::value(format!("label {row}: {reason}"))
}

/// Labels as text; `None` is the empty one.
fn texts(labels: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if labels.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("expected a sequence of labels, got one string"));
    }
    let text = |label: PyResult<Bound<'_, PyAny>>| Ok(label?.extract::<Option<String>>()?.unwrap_or_default());
    labels.try_iter()?.map(text).collect()
}

/// Labels by index, read by a hierarchy or by a loss.
pub(crate) fn encode(
    hierarchy: &klados::Hierarchy,
    labels: &Bound<'_, PyAny>,
    ignore_index: i64,
    parse: impl Fn(&str) -> Result<klados::Label, klados::HierarchyError>,
) -> PyResult<Vec<i64>> {
    let encode = |(row, text): (usize, String)| {
        let label = parse(&text).map_err(|reason| in_row(row, &reason))?;
        to_index(hierarchy, &label, ignore_index).ok_or_else(|| {
            let with = match label {
                klados::Label::Union(_) => "encode_candidates",
                _ => "encode_multi_hot",
            };
            error::value(format!("label {row}: \"{text}\" names several nodes and has no index; use {with}"))
        })
    };
    texts(labels)?.into_iter().enumerate().map(encode).collect()
}

/// Indices as labels.
pub(crate) fn decode(
    hierarchy: &klados::Hierarchy,
    target: PyReadonlyArray1<'_, i64>,
    ignore_index: i64,
    superclass: impl Fn(usize) -> Option<String>,
) -> PyResult<Vec<String>> {
    let (classes, nodes) = (hierarchy.class_count(), hierarchy.node_count());
    let name = |(row, &target): (usize, &i64)| {
        if target == ignore_index {
            return Ok(String::new());
        }
        let found = match usize::try_from(target) {
            Ok(at) if at < classes => Some(node_name(hierarchy, hierarchy.class_node(at))),
            Ok(at) if at < classes + nodes => hierarchy.node_at(at - classes).map(|node| node_name(hierarchy, node)),
            Ok(at) => superclass(at - classes - nodes),
            Err(_) => None,
        };
        found.ok_or_else(|| error::value(format!("target {row} is {target}, expected 0 to {}", classes + nodes - 1)))
    };
    target.as_array().iter().enumerate().map(name).collect()
}
