//! What is measured, as data.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use klados::Hierarchy;
use klados::format::WriteFormat;
use serde::{Deserialize, Serialize};

use crate::hierarchies;

/// Logits of a batch that stays in cache: a MiB of `f32`, and of one that does not: 64 MiB or more.
const IN_CACHE: usize = 1 << 18;
const IN_MEMORY: usize = 1 << 24;
/// Between them.
const LARGE: usize = 1 << 22;

/// One measurement: all contenders that apply, in turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Which question it belongs to: `speed`, `order`, `dtype`, `instructions`, `batch`, `classes`, `depth` or
    /// `nodes`.
    pub(crate) series: String,
    pub(crate) hierarchy: String,
    /// `tree`: the columns are in the hierarchy's order; `shuffled`.
    pub(crate) order: String,
    pub(crate) dtype: String,
    pub(crate) batch: usize,
    pub(crate) classes: usize,
    pub(crate) nodes: usize,
    pub(crate) depth: usize,
    /// The largest share of the classes below a child of the root.
    pub(crate) largest: f64,
    pub(crate) threads: usize,
    /// Whether the contenders in Python take part, and whether compiled too.
    pub(crate) python: bool,
    pub(crate) compiled: bool,
}

/// A case before its hierarchy is known.
struct Wanted {
    series: &'static str,
    hierarchy: String,
    order: &'static str,
    dtype: &'static str,
    elements: usize,
    threads: usize,
    python: bool,
}

fn wanted(quick: bool) -> Vec<Wanted> {
    let mut all = Vec::new();
    let mut add = |series, hierarchy: &str, order, dtype, elements, threads, python| {
        all.push(Wanted { series, hierarchy: hierarchy.to_owned(), order, dtype, elements, threads, python });
    };
    if quick {
        for hierarchy in ["emoji", "imagenet-shaped", "tree-1000"] {
            add("speed", hierarchy, "tree", "f32", IN_CACHE, 1, true);
        }
        return all;
    }
    let shapes = ["emoji", "imagenet-shaped", "inat21", "tree-100", "tree-1000", "tree-10000", "tree-100000"];
    for threads in [1, 2] {
        for elements in [IN_CACHE, IN_MEMORY] {
            shapes.iter().for_each(|shape| add("speed", shape, "tree", "f32", elements, threads, true));
        }
    }
    add("speed", "imagenet1k", "tree", "f32", IN_CACHE, 1, false);
    for elements in [IN_CACHE, IN_MEMORY] {
        for shape in ["imagenet-shaped", "inat21", "tree-1000", "tree-10000", "tree-100000"] {
            add("order", shape, "tree", "f32", elements, 1, false);
            add("order", shape, "shuffled", "f32", elements, 1, elements == IN_CACHE);
        }
    }
    for dtype in ["f32", "f64", "bf16", "f16"] {
        add("dtype", "tree-1000", "tree", dtype, LARGE, 1, true);
    }
    for elements in [IN_CACHE, IN_MEMORY] {
        add("instructions", "tree-1000", "tree", "f32", elements, 1, false);
    }
    for rows in [1, 16, 256, 4096] {
        add("batch", "tree-1000", "tree", "f32", rows * 1000, 1, true);
    }
    for classes in [100, 1_000, 10_000, 100_000, 1_000_000] {
        add("classes", &format!("tree-{classes}"), "tree", "f32", LARGE, 1, false);
    }
    for depth in [1, 2, 3, 4, 6, 12] {
        add("depth", &format!("depth-{depth}"), "tree", "f32", IN_CACHE, 1, false);
    }
    add("depth", "caterpillar", "tree", "f32", IN_CACHE, 1, false);
    for superclasses in [10, 100, 1000, 5000] {
        add("nodes", &format!("nodes-{superclasses}"), "tree", "f32", IN_CACHE, 1, false);
    }
    all
}

/// Writes the cases, and the hierarchies that Python reads: as JSON with the order of the classes.
pub(crate) fn plan(folder: &Path, quick: bool) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut cases = csv::Writer::from_path(folder.join("cases.csv"))?;
    let mut skipped = Vec::new();
    for wanted in wanted(quick) {
        let Some(hierarchy) = in_order(&wanted.hierarchy, wanted.order)? else {
            skipped.push(wanted.hierarchy);
            continue;
        };
        if wanted.python {
            write(folder, &wanted, &hierarchy)?;
        }
        cases.serialize(wanted.of(&hierarchy))?;
    }
    cases.flush()?;
    skipped.dedup();
    for name in skipped {
        println!("SKIPPED {name}: its file is not there");
    }
    Ok(())
}

impl Wanted {
    fn of(&self, hierarchy: &Hierarchy) -> Case {
        let classes = hierarchy.class_count();
        let root = hierarchy.nodes().next();
        let tops = root.map(|root| hierarchy.children(root)).unwrap_or_default();
        let largest = tops.iter().map(|&top| hierarchy.count_classes_below(top)).max().unwrap_or(classes);
        Case {
            series: self.series.to_owned(),
            hierarchy: self.hierarchy.clone(),
            order: self.order.to_owned(),
            dtype: self.dtype.to_owned(),
            // A power of two, so that nothing is rounded where a gradient is divided by it.
            batch: self.elements.div_ceil(classes).next_power_of_two(),
            classes,
            nodes: hierarchy.node_count(),
            depth: hierarchy.nodes().map(|node| hierarchy.depth(node)).max().unwrap_or(0),
            largest: largest as f64 / classes as f64,
            threads: self.threads,
            python: self.python,
            compiled: self.python && self.series == "speed" && self.threads == 1 && self.elements == IN_CACHE,
        }
    }
}

/// The hierarchy, its classes in the order of the tree or shuffled, the same each time.
pub(crate) fn in_order(name: &str, order: &str) -> Result<Option<Hierarchy>> {
    let Some(hierarchy) = hierarchies::by_name(name)? else { return Ok(None) };
    if order == "tree" {
        return Ok(Some(hierarchy));
    }
    let mut classes: Vec<String> =
        (0..hierarchy.class_count()).map(|class| hierarchy.unique_name(hierarchy.class_node(class))).collect();
    fastrand::Rng::with_seed(7).shuffle(&mut classes);
    Ok(Some(hierarchy.with_classes(classes)?))
}

fn write(folder: &Path, wanted: &Wanted, hierarchy: &Hierarchy) -> Result<()> {
    let path = folder.join(format!("{}.{}.json", wanted.hierarchy, wanted.order));
    fs::write(&path, hierarchy.write(WriteFormat::Klados)?.text).with_context(|| path.display().to_string())
}

/// The cases of a folder.
pub(crate) fn read(folder: &Path) -> Result<Vec<Case>> {
    let path = folder.join("cases.csv");
    let mut reader = csv::Reader::from_path(&path).with_context(|| path.display().to_string())?;
    reader.deserialize().map(|case| Ok(case?)).collect()
}
