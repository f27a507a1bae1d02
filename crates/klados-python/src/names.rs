//! Labels in words and targets by index, one from the other.

use klados::{Hierarchy, Label, NodeId};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error;

/// The index of a label that names a class, a node, a superclass or nothing.
fn to_index(hierarchy: &Hierarchy, label: &Label, ignore_index: i64) -> Option<i64> {
    let (classes, nodes) = (hierarchy.class_count(), hierarchy.node_count());
    let at = match label {
        Label::Ignored => return Some(ignore_index),
        Label::Class(class) => *class,
        Label::Node(node) => return Some(index_of_node(hierarchy, *node)),
        Label::Superclass(superclass) => classes + nodes + superclass,
        _ => return None,
    };
    Some(at as i64)
}

/// The index of a node: of a leaf that of its class, so that labels that are all fine are what any other loss takes.
pub(crate) fn index_of_node(hierarchy: &Hierarchy, node: NodeId) -> i64 {
    let at = match hierarchy.class_at(node) {
        Some(class) if hierarchy.class_node(class) == node => class,
        _ => hierarchy.class_count() + node.index(),
    };
    at as i64
}

/// Labels in words, of any kind.
pub(crate) fn labels(hierarchy: &Hierarchy, labels: &Bound<'_, PyAny>) -> PyResult<Vec<Label>> {
    let parse = |(row, text): (usize, String)| hierarchy.parse_label(&text).map_err(|reason| in_row(row, &reason));
    texts(labels)?.into_iter().enumerate().map(parse).collect()
}

/// How a label is written that names this node: its name where that is unique, else its id, `=name` or its path.
pub(crate) fn node_name(hierarchy: &Hierarchy, node: NodeId) -> String {
    hierarchy.unique_name(node)
}

/// An error about a label, with its place.
pub(crate) fn in_row(row: usize, reason: &klados::HierarchyError) -> PyErr {
    error::value(format!("label {row}: {reason}"))
}

/// Labels as text; `None` is the empty one.
pub(crate) fn texts(labels: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if labels.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("expected a sequence of labels, got one string"));
    }
    let text = |(row, label): (usize, PyResult<Bound<'_, PyAny>>)| {
        let label = label?;
        label.extract::<Option<String>>().map(Option::unwrap_or_default).map_err(|_| {
            let found = label.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!("label {row}: expected a name or None, got {found}"))
        })
    };
    labels.try_iter()?.enumerate().map(text).collect()
}

/// Labels by index, read by a hierarchy or by a loss.
pub(crate) fn encode(
    hierarchy: &Hierarchy,
    labels: &Bound<'_, PyAny>,
    ignore_index: i64,
    parse: impl Fn(&str) -> Result<Label, klados::HierarchyError>,
) -> PyResult<Vec<i64>> {
    let encode = |(row, text): (usize, String)| {
        let label = parse(&text).map_err(|reason| in_row(row, &reason))?;
        to_index(hierarchy, &label, ignore_index).ok_or_else(|| {
            let with = match label {
                Label::Union(_) => "encode_candidates",
                _ => "encode_multi_hot",
            };
            error::value(format!("label {row}: \"{text}\" names several nodes and has no index; use {with}"))
        })
    };
    texts(labels)?.into_iter().enumerate().map(encode).collect()
}

/// What NumPy makes an array of, as integers of one dimension.
fn integers<'py>(values: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, i64>> {
    // The common case, without a copy.
    if let Ok(array) = values.extract() {
        return Ok(array);
    }
    let array = values.py().import("numpy")?.call_method1("asarray", (values,))?;
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    if shape.len() != 1 {
        return Err(error::value(format!("the target has {} dimensions, expected 1", shape.len())));
    }
    let dtype = array.getattr("dtype")?;
    let kind: String = dtype.getattr("kind")?.extract()?;
    // Nothing in a list is of a type of its own.
    if !(kind == "i" || kind == "u" || shape == [0]) {
        return Err(error::value(format!("the target is {dtype}, expected integers")));
    }
    if kind == "u" {
        let above = array.call_method1("__gt__", (i64::MAX,))?;
        if above.call_method0("any")?.extract()? {
            let row: usize = above.call_method0("argmax")?.extract()?;
            return Err(error::value(format!("target {row} is {}, which is no index", array.get_item(row)?.str()?)));
        }
    }
    array.call_method1("astype", ("int64",))?.extract()
}

/// Indices as labels.
pub(crate) fn decode(
    hierarchy: &Hierarchy,
    target: &Bound<'_, PyAny>,
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
    integers(target)?.as_array().iter().enumerate().map(name).collect()
}

/// Rows of columns that are marked.
pub(crate) struct Marked {
    pub(crate) cells: Vec<bool>,
    pub(crate) count: usize,
    pub(crate) columns: usize,
}

/// Labels that are one of several, as the classes that they allow.
pub(crate) fn candidates(hierarchy: &Hierarchy, labels: &Bound<'_, PyAny>) -> PyResult<Marked> {
    let columns = hierarchy.class_count();
    let mut cells = Vec::new();
    let mut rows = 0;
    for (row, text) in texts(labels)?.into_iter().enumerate() {
        let start = cells.len();
        cells.resize(start + columns, false);
        rows += 1;
        let nodes = match hierarchy.parse_label(&text).map_err(|reason| in_row(row, &reason))? {
            Label::Ignored => Vec::new(),
            Label::Node(node) => vec![node],
            Label::Union(nodes) => nodes,
            _ => return Err(error::value(format!("label {row}: \"{text}\" is not one class of several"))),
        };
        for class in nodes.into_iter().flat_map(|node| hierarchy.classes_below(node)) {
            cells[start + class] = true;
        }
    }
    Ok(Marked { cells, count: rows, columns })
}

/// Labels that are several at once, as the nodes but the root that hold.
pub(crate) fn multi_hot(hierarchy: &Hierarchy, labels: &Bound<'_, PyAny>) -> PyResult<Marked> {
    let nodes = hierarchy.node_columns();
    let mut column = vec![None; hierarchy.node_count()];
    nodes.iter().enumerate().for_each(|(at, node)| column[node.index()] = Some(at));
    let mut cells = Vec::new();
    let mut rows = 0;
    for (row, text) in texts(labels)?.into_iter().enumerate() {
        let start = cells.len();
        cells.resize(start + nodes.len(), false);
        rows += 1;
        let positive = match hierarchy.parse_label(&text).map_err(|reason| in_row(row, &reason))? {
            Label::Node(node) => vec![node],
            Label::Set { positive, .. } => positive,
            _ => return Err(error::value(format!("label {row}: \"{text}\" is not a set of nodes; write a;b"))),
        };
        for node in positive.into_iter().flat_map(|node| hierarchy.lineage(node)) {
            if let Some(at) = column[node.index()] {
                cells[start + at] = true;
            }
        }
    }
    Ok(Marked { cells, count: rows, columns: nodes.len() })
}
