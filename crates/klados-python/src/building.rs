//! Hierarchies from what Python has: pairs, paths, dicts and graphs.

use std::collections::HashSet;

use klados::{Hierarchy, HierarchyBuilder};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error;

/// From pairs of names, and the ranks of some.
pub(crate) fn from_edges(edges: &Bound<'_, PyAny>, ranks: Option<&Bound<'_, PyDict>>) -> PyResult<Hierarchy> {
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
    builder.build().map_err(error::hierarchy)
}

/// From paths, and the names of their levels.
pub(crate) fn from_paths(paths: &Bound<'_, PyAny>, ranks: Option<&[String]>) -> PyResult<Hierarchy> {
    if paths.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("expected a sequence of paths, got one string"));
    }
    let mut builder = HierarchyBuilder::new();
    if let Some(ranks) = ranks {
        builder.set_rank_names(ranks.iter().map(String::as_str));
    }
    for path in paths.try_iter()? {
        let names = path_names(&path?)?;
        let names = names.iter().map(String::as_str);
        match ranks {
            Some(ranks) => {
                if names.len() > ranks.len() {
                    let message =
                        format!("the path {:?} is longer than the {} ranks", names.collect::<Vec<_>>(), ranks.len());
                    return Err(error::value(message));
                }
                builder.add_ranked_path(names.zip(0..).map(|(name, rank)| (name, Some(rank))))
            }
            None => builder.add_path(names),
        }
        .map_err(error::hierarchy)?;
    }
    builder.build().map_err(error::hierarchy)
}

/// From nested dicts and lists of names.
pub(crate) fn from_dict(tree: &Bound<'_, PyDict>) -> PyResult<Hierarchy> {
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
                None => builder.add_node(name),
            }
            .map_err(error::hierarchy)?;
        }
        let below = entries.into_iter().rev().filter_map(|(name, below)| Some((Some(name), below?)));
        stack.extend(below);
    }
    builder.build().map_err(error::hierarchy)
}

/// From a directed graph of NetworkX.
pub(crate) fn from_networkx(graph: &Bound<'_, PyAny>) -> PyResult<Hierarchy> {
    if !graph.call_method0("is_directed")?.extract::<bool>()? {
        return Err(error::value("the graph is undirected; expected a DiGraph with edges from parent to child"));
    }
    let mut builder = HierarchyBuilder::new();
    for edge in graph.call_method0("edges")?.try_iter()? {
        let edge = edge?;
        let name = |at: usize| -> PyResult<String> { edge.get_item(at)?.str()?.extract() };
        builder.add_edge(&name(0)?, &name(1)?).map_err(error::hierarchy)?;
    }
    let mut names = HashSet::new();
    for node in graph.call_method0("nodes")?.try_iter()? {
        let name: String = node?.str()?.extract()?;
        builder.add_node(&name).map_err(error::hierarchy)?;
        if let Some(name) = names.replace(name) {
            return Err(error::value(format!("two nodes of the graph are written \"{name}\"; give them names")));
        }
    }
    builder.build().map_err(error::hierarchy)
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
