//! The class `klados.Hierarchy`.

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::OnceLock;

use klados::format::{CsvOptions, Format, ReadOptions};
use klados::metrics::Levels;
use klados::{HierarchyErrorKind, Level, NodeId};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::names::{candidates, decode, encode, multi_hot, node_name};
use crate::{building, error};

/// Lines that `repr` prints.
const REPR_LINES: usize = 40;

/// A rooted tree or directed acyclic graph of named nodes, some of which carry the classes of a classifier.
///
/// Made by :meth:`from_file`, :meth:`from_edges`, :meth:`from_csv`, :meth:`from_paths`, :meth:`from_dict` or :meth:`from_networkx`; it never changes,
/// compares by what it holds, and can be pickled.
///
/// A node has an index: its place among :attr:`nodes`, parents before children, the root first. A class has another: its column of
/// the logits. Where a method takes a node, it takes its index or its name. ``len`` is the number of nodes, ``in`` says whether a
/// name is that of one node, and ``str`` draws the whole tree.
///
/// Example::
///
///     >>> import klados
///     >>> hierarchy = klados.Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
///     >>> hierarchy
///     Hierarchy(tree of 6 nodes, 3 classes, height 2)
///       mammal
///         bat
///         dog
///       bird
///         crow
///     >>> hierarchy.classes  # the columns of the logits
///     ['bat', 'dog', 'crow']
///     >>> "bird" in hierarchy, len(hierarchy)
///     (True, 6)
///     >>> hierarchy.encode(["crow", "bird"])  # a class, and a node: classes + 4
///     array([2, 7])
#[pyclass(frozen, eq, module = "klados", name = "Hierarchy")]
#[derive(PartialEq)]
pub(crate) struct Hierarchy {
    pub(crate) inner: Inner,
}

/// Two hierarchies are equal where their serialized forms are.
pub(crate) struct Inner {
    core: klados::Hierarchy,
    /// Made by the first metric.
    judged_levels: OnceLock<Levels>,
}

impl Inner {
    fn new(core: klados::Hierarchy) -> Self {
        Self { core, judged_levels: OnceLock::new() }
    }
}

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_string(&self.core).ok() == serde_json::to_string(&other.core).ok()
    }
}

impl Hierarchy {
    pub(crate) fn core(&self) -> &klados::Hierarchy {
        &self.inner.core
    }

    /// The levels at which predictions are judged.
    pub(crate) fn judged_levels(&self) -> &Levels {
        self.inner.judged_levels.get_or_init(|| Levels::new(self.core()))
    }

    /// With the classes that were asked for, and Python's warnings of what is surprising.
    fn finish(py: Python<'_>, core: klados::Hierarchy, classes: Option<Vec<String>>) -> PyResult<Self> {
        let core = match classes {
            Some(classes) => core.with_classes(classes).map_err(error::hierarchy)?,
            None => core,
        };
        Self::warned(py, core, 0)
    }

    /// With Python's warnings of what is surprising but for the first, which the user knows.
    fn warned(py: Python<'_>, core: klados::Hierarchy, known: usize) -> PyResult<Self> {
        for warning in core.warnings().iter().skip(known) {
            let text = CString::new(warning.to_string().replace('\0', "\\0"))?;
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)?;
        }
        Ok(Self { inner: Inner::new(core) })
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

fn level_of(level: &Bound<'_, PyAny>) -> PyResult<Level> {
    match level.cast::<PyString>() {
        Ok(rank) => Ok(Level::Rank(rank.to_str()?.to_owned())),
        Err(_) => level.extract().map(Level::Depth).map_err(|reason| {
            if reason.is_instance_of::<PyOverflowError>(level.py()) {
                return error::value(format!("the level is {level}, expected a depth from 1 or the name of a rank"));
            }
            reason
        }),
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
    /// A hierarchy from edges; the same name is the same node.
    ///
    /// Several roots are joined under one that is added.
    ///
    /// Args:
    ///     edges: pairs of names, ``(parent, child)``, in any order.
    ///     classes: the names of the classes in the order of the logits' columns; by default the leaves, in the order in which the
    ///         edges first name them. See :meth:`with_classes`.
    ///     ranks: the rank of each node that has one, such as ``{"bird": "class"}``.
    ///
    /// Raises:
    ///     ValueError: for a cycle (with its nodes), a node that is its own parent, an empty name, no edge, or classes that are not
    ///         there.
    ///     TypeError: if an edge is not a pair of names.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     Hierarchy(tree of 6 nodes, 3 classes, height 2)
    ///       mammal
    ///         bat
    ///         dog
    ///       bird
    ///         crow
    ///     >>> Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow")], classes=["crow", "bat"]).classes
    ///     ['crow', 'bat']
    #[staticmethod]
    #[pyo3(signature = (edges, classes=None, ranks=None))]
    fn from_edges(
        py: Python<'_>,
        edges: &Bound<'_, PyAny>,
        classes: Option<Vec<String>>,
        ranks: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Self::finish(py, building::from_edges(edges, ranks)?, classes)
    }

    /// A hierarchy from paths, from the top down. The path is the identity of a node: the plant *Iris* and the mantis *Iris*
    /// differ.
    ///
    /// Args:
    ///     paths: each a sequence of names from the top, or one string with `` > `` between them.
    ///     classes: as in :meth:`from_edges`; names or paths.
    ///     ranks: the names of the levels, from the top.
    ///
    /// Raises:
    ///     ValueError: for an empty name, no path, a path that is longer than the ranks, or classes that are not there.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_paths(
    ///     ...     [("Plantae", "Iridaceae", "Iris"), "Animalia > Tarachodidae > Iris"], ranks=["kingdom", "family", "genus"]
    ///     ... )
    ///     >>> hierarchy.classes  # a name where it is unique, else the path
    ///     ['Plantae > Iridaceae > Iris', 'Animalia > Tarachodidae > Iris']
    ///     >>> hierarchy.levels
    ///     ['kingdom', 'family', 'genus']
    #[staticmethod]
    #[pyo3(signature = (paths, classes=None, ranks=None))]
    fn from_paths(
        py: Python<'_>,
        paths: &Bound<'_, PyAny>,
        classes: Option<Vec<String>>,
        ranks: Option<Vec<String>>,
    ) -> PyResult<Self> {
        Self::finish(py, building::from_paths(paths, ranks.as_deref())?, classes)
    }

    /// A hierarchy from a file or folder in any format: see :attr:`formats`.
    ///
    /// Args:
    ///     path: the file or folder.
    ///     classes: as in :meth:`from_edges`; names, ids or paths.
    ///     format: one of :attr:`formats`; by default as the content shows.
    ///     child_column, parent_column: the columns of a file of edges, where they have other names.
    ///     rank_columns: the columns that are ranks, from the top, where it is not all of them.
    ///     relationships: those that lead to a parent too: ``["part_of"]`` and the like in OBO, ``["@i"]`` in WordNet.
    ///     wordnet: WordNet's ``data.noun``, or the folder that has it, for a list of synsets; by default beside the list.
    ///
    /// Raises:
    ///     OSError: if the file cannot be read.
    ///     ValueError: with file and line: for the first thing that is wrong; for a format that there is not, or that the content
    ///         does not show.
    ///
    /// Example::
    ///
    ///     >>> import os, tempfile
    ///     >>> from klados import Hierarchy
    ///     >>> with tempfile.TemporaryDirectory() as folder:
    ///     ...     path = os.path.join(folder, "birds.tsv")
    ///     ...     with open(path, "w") as file:
    ///     ...         _ = file.write("child\tparent\ncrow\tbird\nrobin\tbird\n")
    ///     ...     hierarchy = Hierarchy.from_file(path)
    ///     >>> hierarchy.classes
    ///     ['crow', 'robin']
    #[staticmethod]
    #[pyo3(signature = (
        path, classes=None, *, format=None, child_column=None, parent_column=None, rank_columns=None, relationships=None,
        wordnet=None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "each is a keyword in Python")]
    fn from_file(
        py: Python<'_>,
        path: PathBuf,
        classes: Option<Vec<String>>,
        format: Option<&str>,
        child_column: Option<String>,
        parent_column: Option<String>,
        rank_columns: Option<Vec<String>>,
        relationships: Option<Vec<String>>,
        wordnet: Option<PathBuf>,
    ) -> PyResult<Self> {
        let mut options = ReadOptions::new();
        options.format = format.map(str::parse).transpose().map_err(error::hierarchy)?;
        options.child_column = child_column;
        options.parent_column = parent_column;
        options.rank_columns = rank_columns;
        options.relationships = relationships.unwrap_or_default();
        options.wordnet = wordnet;
        let core =
            py.detach(|| klados::Hierarchy::from_path(path, &options)).map_err(|reason| match reason.kind() {
                HierarchyErrorKind::UnknownFormat => error::value(format!("{reason}; say which with format=")),
                _ => error::hierarchy(reason),
            })?;
        Self::finish(py, core, classes)
    }

    /// The names of the formats that :meth:`from_file` reads.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> "edges" in Hierarchy.formats
    ///     True
    #[classattr]
    fn formats() -> Vec<&'static str> {
        Format::NAMES.to_vec()
    }

    /// A hierarchy from a CSV file with a header.
    ///
    /// A header with the columns ``child`` and ``parent`` is a file of edges. Any other header is one column a rank, such as
    /// ``species,genus,family``, in the direction that the values show. Fields are separated by commas, or by tabs or semicolons
    /// where the header has only those.
    ///
    /// Args:
    ///     path: the file.
    ///     classes: as in :meth:`from_edges`.
    ///     child_column, parent_column: the columns of a file of edges, where they have other names.
    ///     rank_columns: the columns that are ranks, from the top, where it is not all of them.
    ///
    /// Raises:
    ///     OSError: if the file cannot be read.
    ///     ValueError: with file and line: for a cycle, an empty name, a line with another number of fields, text that is not
    ///         UTF-8, or a header that does not say what it holds.
    ///
    /// Example::
    ///
    ///     >>> import os, tempfile
    ///     >>> from klados import Hierarchy
    ///     >>> with tempfile.TemporaryDirectory() as folder:
    ///     ...     path = os.path.join(folder, "birds.csv")
    ///     ...     with open(path, "w") as file:
    ///     ...         _ = file.write("species,genus\nCorvus corax,Corvus\nCorvus corone,Corvus\nPica pica,Pica\n")
    ///     ...     hierarchy = Hierarchy.from_csv(path)
    ///     >>> hierarchy.levels, hierarchy.classes
    ///     (['genus', 'species'], ['Corvus corax', 'Corvus corone', 'Pica pica'])
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

    /// A hierarchy from nested dicts and lists of names, from the top down; the same name is the same node.
    ///
    /// Args:
    ///     tree: from each name to what is below it: a dict, a list of names, or ``None``. What is below a name may stand in an
    ///         entry of its own, ``{"animal": ["mammal"], "mammal": ["bat"]}``. A dict from class to superclass is
    ///         ``Hierarchy.from_edges((parent, child) for child, parent in tree.items())``.
    ///     classes: as in :meth:`from_edges`.
    ///
    /// Raises:
    ///     ValueError: as :meth:`from_edges`.
    ///     TypeError: if what is below a name is a string.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> Hierarchy.from_dict({"animal": {"mammal": ["bat", "dog"], "bird": ["crow"]}})
    ///     Hierarchy(tree of 6 nodes, 3 classes, height 2)
    ///       animal
    ///         mammal
    ///           bat
    ///           dog
    ///         bird
    ///           crow
    #[staticmethod]
    #[pyo3(signature = (tree, classes=None))]
    fn from_dict(py: Python<'_>, tree: &Bound<'_, PyDict>, classes: Option<Vec<String>>) -> PyResult<Self> {
        Self::finish(py, building::from_dict(tree)?, classes)
    }

    /// A hierarchy from a directed graph of NetworkX, or anything with its ``is_directed``, ``edges`` and ``nodes``.
    ///
    /// Args:
    ///     graph: a ``DiGraph`` with edges from parent to child. Nodes have the names that ``str`` gives them.
    ///     classes: as in :meth:`from_edges`.
    ///
    /// Raises:
    ///     ValueError: if the graph is undirected, and as :meth:`from_edges`.
    ///
    /// Example::
    ///
    ///     >>> import networkx
    ///     >>> from klados import Hierarchy
    ///     >>> graph = networkx.DiGraph([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> Hierarchy.from_networkx(graph).classes
    ///     ['bat', 'dog', 'crow']
    #[staticmethod]
    #[pyo3(signature = (graph, classes=None))]
    fn from_networkx(py: Python<'_>, graph: &Bound<'_, PyAny>, classes: Option<Vec<String>>) -> PyResult<Self> {
        Self::finish(py, building::from_networkx(graph)?, classes)
    }

    /// The hierarchy that :meth:`to_json` wrote.
    ///
    /// Raises:
    ///     ValueError: if the text is not that of a hierarchy.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> Hierarchy.from_json(hierarchy.to_json()) == hierarchy
    ///     True
    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        let core = serde_json::from_str(text).map_err(|reason| error::value(format!("not a hierarchy: {reason}")))?;
        Ok(Self { inner: Inner::new(core) })
    }

    /// The hierarchy as JSON, with the order of its classes and columns: what a model is stored with. Rust reads it too.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> import json
    ///     >>> sorted(json.loads(hierarchy.to_json()))
    ///     ['classes', 'edges', 'nodes', 'root_is_added']
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

    /// The number of classes: of columns of the logits, for the losses with a logit a class.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.num_classes
    ///     3
    #[getter]
    fn num_classes(&self) -> usize {
        self.core().class_count()
    }

    /// The number of nodes, the root included. The losses with a logit a node have one column less.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.num_nodes  # bat, mammal, dog, crow, bird, and the root that was added
    ///     6
    #[getter]
    fn num_nodes(&self) -> usize {
        self.core().node_count()
    }

    /// Whether every node but the root has one parent.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> Hierarchy.from_edges([("mammal", "bat"), ("flying", "bat"), ("flying", "crow")]).is_tree
    ///     False
    #[getter]
    fn is_tree(&self) -> bool {
        self.core().is_tree()
    }

    /// Whether the root was added, because the input has several.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow")]).root_is_added
    ///     True
    #[getter]
    fn root_is_added(&self) -> bool {
        self.core().root_is_added()
    }

    /// The names of the classes, in the order of the logits' columns; a path where the name is not unique.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.classes
    ///     ['bat', 'dog', 'crow']
    #[getter]
    fn classes(&self) -> Vec<String> {
        let core = self.core();
        (0..core.class_count()).map(|class| node_name(core, core.class_node(class))).collect()
    }

    /// The short names of the nodes, by index: parents before children, the root first.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.nodes
    ///     ['root', 'mammal', 'bat', 'dog', 'bird', 'crow']
    #[getter]
    fn nodes(&self) -> Vec<String> {
        self.core().nodes().map(|node| self.core().name(node).to_owned()).collect()
    }

    /// The id of each node, by index, where the input has ids beside names; ``None`` where a node has none.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> text = '{"nodes":["Iris","Iris","life"],"ids":["T:2","T:3","T:1"],"edges":[[2,0],[2,1]],"classes":[0,1]}'
    ///     >>> hierarchy = Hierarchy.from_json(text)
    ///     >>> hierarchy.nodes, hierarchy.ids
    ///     (['life', 'Iris', 'Iris'], ['T:1', 'T:2', 'T:3'])
    ///     >>> hierarchy.classes  # a name where it is unique, else the id
    ///     ['T:2', 'T:3']
    #[getter]
    fn ids(&self) -> Vec<Option<String>> {
        self.core().nodes().map(|node| self.core().id(node).map(str::to_owned)).collect()
    }

    /// The rank of each node, by index; ``None`` where it has none.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.with_level_names(["class", "species"]).ranks
    ///     [None, 'class', 'species', 'species', 'class', 'species']
    #[getter]
    fn ranks(&self) -> Vec<Option<String>> {
        self.core().nodes().map(|node| self.core().rank(node).map(str::to_owned)).collect()
    }

    /// The levels, from the top: the ranks where the hierarchy names ranks, else the depths from 1.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.levels
    ///     [1, 2]
    ///     >>> hierarchy.with_level_names(["class", "species"]).levels
    ///     ['class', 'species']
    #[getter]
    fn levels(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.core().levels().iter().map(|level| level_name(py, level)).collect()
    }

    /// What was legal but surprising in the input, such as edges that are there twice.
    ///
    /// Example::
    ///
    ///     >>> import warnings
    ///     >>> from klados import Hierarchy
    ///     >>> with warnings.catch_warnings(record=True):
    ///     ...     hierarchy = Hierarchy.from_edges([("bird", "crow"), ("bird", "crow")])
    ///     >>> len(hierarchy.warnings)
    ///     1
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.core().warnings().iter().map(ToString::to_string).collect()
    }

    /// The index of the node that carries each class.
    ///
    /// Shape:
    ///     - output: ``[classes]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.class_nodes
    ///     array([2, 3, 5])
    #[getter]
    fn class_nodes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let core = self.core();
        (0..core.class_count()).map(|class| core.class_node(class).index() as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    /// The indices of the nodes but the root, in the order of the logits' columns for the losses with a logit a node: the order in
    /// which the input first names them, in an edge the child before the parent, unless :meth:`with_node_columns` says otherwise.
    ///
    /// Shape:
    ///     - output: ``[nodes - 1]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> [hierarchy.name(node) for node in hierarchy.node_columns]
    ///     ['bat', 'mammal', 'dog', 'crow', 'bird']
    #[getter]
    fn node_columns<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        indices(py, self.core().node_columns())
    }

    /// The class that each node carries, by index; -1 where it carries none.
    ///
    /// Shape:
    ///     - output: ``[nodes]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.node_classes
    ///     array([-1, -1,  0,  1, -1,  2])
    #[getter]
    fn node_classes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let core = self.core();
        let mut classes = vec![-1i64; core.node_count()];
        for class in 0..core.class_count() {
            classes[core.class_node(class).index()] = class as i64;
        }
        classes.into_pyarray(py)
    }

    /// The number of edges on the longest path from the root to each node, by index.
    ///
    /// Shape:
    ///     - output: ``[nodes]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.depths
    ///     array([0, 1, 2, 2, 1, 2])
    #[getter]
    fn depths<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.by_node(py, |node| self.core().depth(node) as i64)
    }

    /// The number of edges on the longest path from each node down to a class, by index.
    ///
    /// Shape:
    ///     - output: ``[nodes]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.heights
    ///     array([2, 1, 0, 0, 1, 0])
    #[getter]
    fn heights<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.by_node(py, |node| self.core().height(node) as i64)
    }

    /// The number of classes at or below each node, by index; each is counted once, also in a DAG.
    ///
    /// Shape:
    ///     - output: ``[nodes]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.class_counts
    ///     array([3, 2, 1, 1, 1, 1])
    #[getter]
    fn class_counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.by_node(py, |node| self.core().count_classes_below(node) as i64)
    }

    /// The classes in tree order: those below any node of a tree are next to each other.
    ///
    /// Shape:
    ///     - output: ``[classes]``, ``int64``: the class at each place.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("mammal", "dog")])
    ///     >>> hierarchy.tree_order  # bat and dog, then crow
    ///     array([0, 2, 1])
    #[getter]
    fn tree_order<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let classes = self.core().classes_below(NodeId::ROOT);
        classes.into_iter().map(|class| class as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    /// The range of ``tree_order`` that is at or below each node of a tree, by index.
    ///
    /// Shape:
    ///     - output: ``[nodes, 2]``, ``int64``: the first place and that behind the last.
    ///
    /// Raises:
    ///     ValueError: in a DAG, where the classes below a node are no range.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("bird", "crow"), ("mammal", "dog")])
    ///     >>> hierarchy.class_ranges[hierarchy.node("mammal")]
    ///     array([0, 2])
    #[getter]
    fn class_ranges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        let core = self.core();
        if !core.is_tree() {
            return Err(error::value("the classes below a node of a DAG are no range; class_ranges is for trees"));
        }
        let mut carries = vec![false; core.node_count()];
        (0..core.class_count()).for_each(|class| carries[core.class_node(class).index()] = true);
        // Nodes are in depth-first order, and so are the classes that they carry.
        let mut cells = Vec::with_capacity(2 * core.node_count());
        let mut before = 0;
        for node in core.nodes() {
            cells.extend([before, before + core.count_classes_below(node) as i64]);
            before += i64::from(carries[node.index()]);
        }
        cells.into_pyarray(py).reshape([core.node_count(), 2])
    }

    /// The edges by the indices of their nodes: parent, child.
    ///
    /// Shape:
    ///     - output: ``[edges, 2]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.edges.tolist()
    ///     [[0, 1], [1, 2], [1, 3], [0, 4], [4, 5]]
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

    /// Which classes are at or below which nodes, as pairs of node index and class: the coordinates of the sparse matrix of nodes
    /// and classes. The root, which has all classes, is left out.
    ///
    /// Shape:
    ///     - output: ``[pairs, 2]``, ``int64``.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.closure.tolist()
    ///     [[1, 0], [2, 0], [1, 1], [3, 1], [4, 2], [5, 2]]
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

    /// The index of a node.
    ///
    /// Args:
    ///     name: its name where that is unique, else its path or the end of it, such as ``"Iridaceae > Iris"``.
    ///
    /// Raises:
    ///     ValueError: if there is no such node (with the nearest names), or there are several.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.node("bird")
    ///     4
    ///     >>> hierarchy.node("birds")
    ///     Traceback (most recent call last):
    ///     ValueError: unknown node "birds"; the nearest names are "bird"
    fn node(&self, name: &str) -> PyResult<usize> {
        Ok(self.core().node(name).map_err(error::hierarchy)?.index())
    }

    /// The class of this name: its column of the logits.
    ///
    /// Raises:
    ///     ValueError: if there is no such class.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.class_index("crow")
    ///     2
    fn class_index(&self, name: &str) -> PyResult<usize> {
        self.core().class(name).map_err(error::hierarchy)
    }

    /// The short name of a node; a leaf that was added for an internal class has that class's name with ``=`` before it.
    ///
    /// Args:
    ///     node: a node by its index or its name.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.name(4)
    ///     'bird'
    fn name(&self, node: &Bound<'_, PyAny>) -> PyResult<String> {
        Ok(self.core().name(self.node_of(node)?).to_owned())
    }

    /// The id of a node, where the input has ids beside names. Wherever a node is named, its id will do.
    ///
    /// Args:
    ///     node: a node by its index, its name or its id.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> print(hierarchy.id("bat"))  # edges have names alone
    ///     None
    fn id(&self, node: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
        Ok(self.core().id(self.node_of(node)?).map(str::to_owned))
    }

    /// Other names of a node, where the input has them. Nodes are not looked up by them, as they need not be unique.
    ///
    /// Args:
    ///     node: a node by its index, its name or its id.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> text = '{"nodes":["crow","bird"],"synonyms":[[0,"Corvus"]],"edges":[[1,0]],"classes":[0]}'
    ///     >>> Hierarchy.from_json(text).synonyms("crow")
    ///     ['Corvus']
    fn synonyms(&self, node: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        Ok(self.core().synonyms(self.node_of(node)?).map(str::to_owned).collect())
    }

    /// The names from the top down to a node, with `` > `` between them, without a root that was added. In a DAG the path through
    /// each first parent.
    ///
    /// Args:
    ///     node: a node by its index or its name.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.path("crow")
    ///     'bird > crow'
    fn path(&self, node: &Bound<'_, PyAny>) -> PyResult<String> {
        Ok(self.core().path(self.node_of(node)?))
    }

    /// The indices of the parents of a node: one in a tree, none for the root.
    ///
    /// Args:
    ///     node: a node by its index or its name.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.parents("crow")
    ///     [4]
    fn parents(&self, node: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        Ok(self.core().parents(self.node_of(node)?).iter().map(|node| node.index()).collect())
    }

    /// The indices of the children of a node, in the order of the input.
    ///
    /// Args:
    ///     node: a node by its index or its name.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.children("mammal")
    ///     [2, 3]
    fn children(&self, node: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        Ok(self.core().children(self.node_of(node)?).iter().map(|node| node.index()).collect())
    }

    /// The indices of the nodes above a node, the root last; each once, also in a DAG.
    ///
    /// Args:
    ///     node: a node by its index or its name.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.ancestors("crow")
    ///     array([4, 0])
    fn ancestors<'py>(&self, py: Python<'py>, node: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        Ok(indices(py, self.core().ancestors(self.node_of(node)?)))
    }

    /// The classes at or below a node, each once.
    ///
    /// Args:
    ///     node: a node by its index or its name.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.classes_below("mammal")
    ///     array([0, 1])
    fn classes_below<'py>(&self, py: Python<'py>, node: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let classes = self.core().classes_below(self.node_of(node)?);
        Ok(classes.into_iter().map(|class| class as i64).collect::<Vec<_>>().into_pyarray(py))
    }

    /// The index of the lowest common ancestor of two nodes. In a DAG that is the common ancestor with the fewest classes, of
    /// several the deepest.
    ///
    /// Args:
    ///     a: a node by its index or its name.
    ///     b: another.
    ///
    /// Raises:
    ///     ValueError: if there is no such node.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.name(hierarchy.lca("bat", "dog"))
    ///     'mammal'
    fn lca(&self, a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<usize> {
        Ok(self.core().lca(self.node_of(a)?, self.node_of(b)?).index())
    }

    /// The indices of the nodes of a level.
    ///
    /// Args:
    ///     level: a rank by name, or a depth from 1.
    ///
    /// Raises:
    ///     ValueError: if no node has that rank or depth; the message lists what there is.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.level_nodes(1)
    ///     array([1, 4])
    fn level_nodes<'py>(&self, py: Python<'py>, level: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        Ok(indices(py, self.core().level_nodes(&level_of(level)?).map_err(error::hierarchy)?))
    }

    /// The same hierarchy with other classes, or the same in another order: that of the logits' columns.
    ///
    /// A class may be an internal node ("dog" beside "poodle"): a leaf is added below that node, which carries it. Nodes without a
    /// class at or below them are left out, with a warning.
    ///
    /// Args:
    ///     classes: the names of nodes.
    ///
    /// Raises:
    ///     ValueError: for a name that is not there (with the nearest ones) or names several nodes, for a class that is named twice,
    ///         and for no class.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("animal", "dog"), ("dog", "poodle"), ("animal", "cat")])
    ///     >>> hierarchy.with_classes(["cat", "dog", "poodle"])
    ///     Hierarchy(tree of 5 nodes, 3 classes, height 2)
    ///       animal
    ///         dog
    ///           poodle
    ///           =dog
    ///         cat
    fn with_classes(&self, py: Python<'_>, classes: Vec<String>) -> PyResult<Self> {
        let core = self.core().with_classes(classes).map_err(error::hierarchy)?;
        Self::warned(py, core, self.core().warnings().len())
    }

    /// The same hierarchy with other columns for the losses with a logit a node.
    ///
    /// Args:
    ///     names: every node but the root once, in the order of the logits' columns.
    ///
    /// Raises:
    ///     ValueError: for a name that is not there, is repeated or names several nodes, for the root, and for nodes that are left
    ///         out.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("bird", "crow"), ("bird", "robin")]).with_node_columns(["robin", "crow"])
    ///     >>> [hierarchy.name(node) for node in hierarchy.node_columns]
    ///     ['robin', 'crow']
    fn with_node_columns(&self, names: Vec<String>) -> PyResult<Self> {
        Ok(Self { inner: Inner::new(self.core().with_node_columns(names).map_err(error::hierarchy)?) })
    }

    /// The same hierarchy with names for the depths, as ranks.
    ///
    /// Args:
    ///     names: from the top: the nodes of depth 1 get the first name, and so on.
    ///
    /// Raises:
    ///     ValueError: if there are more names than depths.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.with_level_names(["class", "species"]).level_nodes("class")
    ///     array([1, 4])
    fn with_level_names(&self, names: Vec<String>) -> PyResult<Self> {
        Ok(Self { inner: Inner::new(self.core().with_level_names(names).map_err(error::hierarchy)?) })
    }

    /// Labels as indices: the target of the losses. A class is its column, another node ``classes + node``, so that labels of all
    /// levels mix, and labels that are all classes are the target of any other loss.
    ///
    /// Args:
    ///     labels: each the name of a node at any level, ``"=dog"`` for a class alone that is an internal node, a path, or nothing
    ///         (``""`` or ``None``): the sample takes no part.
    ///     ignore_index: what stands for nothing.
    ///
    /// Shape:
    ///     - output: ``[labels]``, ``int64``.
    ///
    /// Raises:
    ///     ValueError: with the place of the label: for a name that is not there, or a label that names several nodes, which
    ///         :meth:`encode_candidates` and :meth:`encode_multi_hot` read.
    ///     TypeError: if the labels are one string.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.encode(["crow", "bird", None])  # a class, the node 4, nothing
    ///     array([   2,    7, -100])
    #[pyo3(signature = (labels, ignore_index=-100), text_signature = "($self, labels, ignore_index=-100)")]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
        ignore_index: i64,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        encode(self.core(), labels, ignore_index, |text| self.core().parse_label(text)).map(|all| all.into_pyarray(py))
    }

    /// Indices as labels: what :meth:`encode` reads.
    ///
    /// Args:
    ///     target: ``[labels]``, integers: an array of any integer type, a tensor on the host, a list, or what else
    ///         :func:`numpy.asarray` takes.
    ///     ignore_index: what stands for nothing.
    ///
    /// Returns:
    ///     Names, or paths where the name is not unique; ``""`` for nothing.
    ///
    /// Raises:
    ///     ValueError: if an index is out of range, or the target is not integers of one dimension.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> import numpy as np
    ///     >>> hierarchy.decode(np.array([2, 7, -100]))
    ///     ['crow', 'bird', '']
    #[pyo3(signature = (target, ignore_index=-100), text_signature = "($self, target, ignore_index=-100)")]
    fn decode(&self, target: &Bound<'_, PyAny>, ignore_index: i64) -> PyResult<Vec<String>> {
        decode(self.core(), target, ignore_index, |_| None)
    }

    /// Labels that are one of several, such as ``"crow|bat"``, as the classes that they allow: a target of the losses.
    ///
    /// Args:
    ///     labels: names of nodes with ``|`` between them. Nothing (``""`` or ``None``) allows no class, which the losses take as a
    ///         sample that takes no part.
    ///
    /// Shape:
    ///     - output: ``[labels, classes]``, ``bool``.
    ///
    /// Raises:
    ///     ValueError: with the place of the label: for a name that is not there, or a label of another kind.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.encode_candidates(["crow|bat", "mammal"]).astype(int)
    ///     array([[1, 0, 1],
    ///            [1, 1, 0]])
    fn encode_candidates<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let rows = candidates(self.core(), labels)?;
        rows.cells.into_pyarray(py).reshape([rows.count, rows.columns])
    }

    /// Labels that are several at once, such as ``"crow;bat"``, as the nodes that hold: a target of the losses of sigmoids. What is
    /// above a node that holds, holds too.
    ///
    /// Args:
    ///     labels: names of nodes with ``;`` between them; ``";"`` for none at all.
    ///
    /// Shape:
    ///     - output: ``[labels, nodes - 1]``, ``bool``, in the order of :attr:`node_columns`.
    ///
    /// Raises:
    ///     ValueError: with the place of the label: for a name that is not there, or a label of another kind.
    ///
    /// Example::
    ///
    ///     >>> from klados import Hierarchy
    ///     >>> hierarchy = Hierarchy.from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])
    ///     >>> hierarchy.encode_multi_hot(["bat;crow"]).astype(int)  # bat, mammal, dog, crow, bird
    ///     array([[1, 1, 0, 1, 1]])
    fn encode_multi_hot<'py>(
        &self,
        py: Python<'py>,
        labels: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let rows = multi_hot(self.core(), labels)?;
        rows.cells.into_pyarray(py).reshape([rows.count, rows.columns])
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
