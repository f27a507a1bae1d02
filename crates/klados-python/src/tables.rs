//! The tables of a compiled loss as NumPy arrays: what the composed path of `klados.torch` is made of.

use klados::criterion::{Asked, Events, Form, Superclasses, UnionLambda};
use klados::{Criterion, Hierarchy, Label};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::labels;

/// Classes, superclasses, weights.
pub(crate) type Triples<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>);

/// The name of the form, its tables, the options that act on all forms, and the kinds of targets that the loss refuses,
/// each with the reason. The keys are those of [`Form`] in `snake_case`; arrays by node have the root first.
pub(crate) fn of_criterion<'py>(py: Python<'py>, criterion: &Criterion) -> PyResult<Bound<'py, PyDict>> {
    let hierarchy = criterion.hierarchy();
    let tables = PyDict::new(py);
    let set = |name: &str, values: &[f64]| tables.set_item(name, values.to_vec().into_pyarray(py));
    let set_indices = |name: &str, values: &[u32]| {
        tables.set_item(name, values.iter().map(|&value| i64::from(value)).collect::<Vec<_>>().into_pyarray(py))
    };
    let set_union = |union: Option<&UnionLambda>| {
        let (by, values) = match union {
            Some(UnionLambda::Depth(values)) => (Some("depth"), Some(values)),
            Some(UnionLambda::Height(values)) => (Some("height"), Some(values)),
            None => (None, None),
        };
        tables.set_item("union_by", by)?;
        tables.set_item("union", values.map(|values| values.clone().into_pyarray(py)))
    };
    let form = match criterion.form() {
        Form::Marginal { weights, falls_back } => {
            set("weights", weights)?;
            tables.set_item("falls_back", falls_back)?;
            "marginal"
        }
        Form::Conditional { lambda, union } => {
            set("lambda", lambda)?;
            set_union(Some(union))?;
            "conditional"
        }
        Form::SoftLabels { by_height } => {
            set("by_height", by_height)?;
            "soft_labels"
        }
        Form::WeightedSoftmax { map, leaf_weight, superclass_weight } => {
            set_map(&tables, hierarchy, map)?;
            tables.set_item("leaf_weight", leaf_weight)?;
            tables.set_item("superclass_weight", superclass_weight)?;
            "weighted_softmax"
        }
        Form::GroupSoftmax { weights, group, log_prior, union } => {
            set("weights", weights)?;
            set_indices("group", group)?;
            tables.set_item("log_prior", log_prior.map(|values| values.to_vec().into_pyarray(py)))?;
            set_union(union)?;
            "group_softmax"
        }
        Form::Bernoulli { events, asked, weights, pos_weight, counts_terms } => {
            let events = match events {
                Events::Independent => "independent",
                Events::NoisyOr => "noisy_or",
                Events::LargestBelow => "largest_below",
                Events::SmallestAbove => "smallest_above",
                Events::Weighted { map } => {
                    set_map(&tables, hierarchy, map)?;
                    "weighted"
                }
                other => return Err(crate::error::value(format!("no arrays of {other:?}"))),
            };
            tables.set_item("events", events)?;
            let (asked, incomplete) = match asked {
                Asked::All { incomplete } => ("all", incomplete),
                Asked::NotBelowLabel => ("not_below_label", false),
                Asked::Path => ("path", false),
            };
            tables.set_item("asked", asked)?;
            tables.set_item("incomplete", incomplete)?;
            set("weights", weights)?;
            set("pos_weight", pos_weight)?;
            tables.set_item("counts_terms", counts_terms)?;
            "bernoulli"
        }
        Form::DescendantSoftmax => "descendant_softmax",
        Form::Margin { by_edges, hard } => {
            set("by_edges", &by_edges)?;
            tables.set_item("hard", hard)?;
            "margin"
        }
        Form::RandomCut { place, p, seed } => {
            set_indices("place", place)?;
            tables.set_item("p", p)?;
            tables.set_item("seed", seed)?;
            "random_cut"
        }
        other => return Err(crate::error::value(format!("no arrays of {other:?}"))),
    };
    tables.set_item("form", form)?;
    tables.set_item("gamma", criterion.gamma())?;
    tables.set_item("label_smoothing", criterion.label_smoothing())?;
    tables.set_item("class_weight", criterion.class_weight().map(|values| values.to_vec().into_pyarray(py)))?;
    tables.set_item("sums_over_ancestors", criterion.sums_over_ancestors())?;
    tables.set_item("lineage", lineage(py, hierarchy)?)?;
    tables.set_item("refuses", refusals(py, criterion)?)?;
    Ok(tables)
}

/// The weights of a map: classes, superclasses, and the weight of each pair.
pub(crate) fn triples<'py>(py: Python<'py>, map: &Superclasses) -> Triples<'py> {
    let (mut classes, mut superclasses, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (class, superclass, weight) in map.weights() {
        classes.push(class as i64);
        superclasses.push(superclass as i64);
        weights.push(weight);
    }
    (classes.into_pyarray(py), superclasses.into_pyarray(py), weights.into_pyarray(py))
}

/// The map, its superclasses, and by node the superclass of its name or -1.
fn set_map(tables: &Bound<'_, PyDict>, hierarchy: &Hierarchy, map: &Superclasses) -> PyResult<()> {
    let py = tables.py();
    tables.set_item("map", triples(py, map))?;
    tables.set_item("superclasses", map.names().len())?;
    let of_node = |node| map.of_node(hierarchy, node).map_or(-1, |superclass| superclass as i64);
    tables.set_item("superclass_of_node", hierarchy.nodes().map(of_node).collect::<Vec<_>>().into_pyarray(py))
}

/// `[pairs, 2]`: each node with itself and its ancestors, without the root, parents first.
fn lineage<'py>(py: Python<'py>, hierarchy: &Hierarchy) -> PyResult<Bound<'py, PyArray2<i64>>> {
    let mut pairs = Vec::new();
    for node in hierarchy.nodes() {
        pairs.extend(hierarchy.lineage(node).iter().flat_map(|above| [node.index() as i64, above.index() as i64]));
    }
    let rows = pairs.len() / 2;
    pairs.into_pyarray(py).reshape([rows, 2])
}

/// The kinds of targets that the loss does not take.
fn refusals<'py>(py: Python<'py>, criterion: &Criterion) -> PyResult<Bound<'py, PyDict>> {
    let hierarchy = criterion.hierarchy();
    let classes = hierarchy.class_count();
    let mut certain = vec![0.0; classes];
    certain[0] = 1.0;
    let union = Label::Union((0..classes.min(2)).map(|class| hierarchy.class_node(class)).collect());
    let set = Label::Set { positive: Vec::new(), masked: Vec::new() };
    let refuses = PyDict::new(py);
    for (kind, label) in [("probabilities", Label::Soft(certain)), ("candidates", union), ("multi_hot", set)] {
        if let Err(error) = criterion.check_label(&label) {
            refuses.set_item(kind, error.to_string())?;
        }
    }
    if !refuses.contains("multi_hot")? && !criterion.has_node_columns() && labels::may_be_either(hierarchy) {
        refuses.set_item("multi_hot", labels::MAY_BE_EITHER)?;
    }
    Ok(refuses)
}
