//! Predictions as CSV: one line a row.
//!
//! `line` (or `row`), with labels `label`, then `class` and `probability`, then for each level above the classes, from
//! the top, the class's ancestor and its probability: `group`, `group_probability`, and so on. A level where the class
//! has no ancestor is empty; in a DAG several are joined by `|`. Of multi-label rows the probability of every node but the
//! root, by its name.

use std::io::Write;

use anyhow::Result;
use klados::{Hierarchy, NodeId};

use crate::train::levels::Levels;
use crate::train::scores::Prediction;

/// How rows are named in a table of predictions.
pub(crate) struct Rows<'a> {
    /// What `positions` counts: `line`, `row` or `picture`.
    pub(crate) unit: &'a str,
    /// By row: where it stands in its file.
    pub(crate) positions: &'a [String],
    /// By row: the label's text, where labels are known.
    pub(crate) labels: Option<&'a [String]>,
}

/// A table of predictions being written.
pub(crate) struct Writer<'a, W: Write> {
    rows: &'a Rows<'a>,
    levels: &'a Levels,
    csv: csv::Writer<W>,
}

impl<'a, W: Write> Writer<'a, W> {
    /// Begins a table with its header.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to; so do the other functions.
    pub(crate) fn new(out: W, rows: &'a Rows<'a>, levels: &'a Levels) -> Result<Self> {
        let mut csv = csv::Writer::from_writer(out);
        let mut header = vec![rows.unit.to_owned()];
        header.extend(rows.labels.map(|_| "label".to_owned()));
        if levels.is_multi_label() {
            let hierarchy = levels.hierarchy();
            header.extend(hierarchy.node_columns().into_iter().map(|node| short(hierarchy, node)));
            csv.write_record(&header)?;
            return Ok(Self { rows, levels, csv });
        }
        header.extend(["class".to_owned(), "probability".to_owned()]);
        for level in levels.above() {
            let name = level.name.replace(' ', "_");
            header.extend([name.clone(), format!("{name}_probability")]);
        }
        csv.write_record(&header)?;
        Ok(Self { rows, levels, csv })
    }

    /// Writes the line of one row.
    pub(crate) fn write(&mut self, row: usize, prediction: &Prediction) -> Result<()> {
        let hierarchy = self.levels.hierarchy();
        let node = hierarchy.class_node(prediction.class);
        let lineage = hierarchy.lineage(node);
        let mut record = vec![self.rows.positions[row].clone()];
        record.extend(self.rows.labels.map(|labels| labels[row].clone()));
        if self.levels.is_multi_label() {
            let nodes = hierarchy.node_columns().into_iter();
            record.extend(nodes.map(|node| probability(prediction.probability(node))));
            return Ok(self.csv.write_record(&record)?);
        }
        record.extend([short(hierarchy, node), probability(prediction.probability(node))]);
        for level in self.levels.above() {
            let at: Vec<NodeId> =
                lineage.iter().filter(|at| **at != node && level.candidates.contains(at)).copied().collect();
            let names: Vec<String> = at.iter().map(|at| short(hierarchy, *at)).collect();
            let values: Vec<String> = at.iter().map(|at| probability(prediction.probability(*at))).collect();
            record.extend([names.join("|"), values.join("|")]);
        }
        Ok(self.csv.write_record(&record)?)
    }

    /// Writes what is still in memory.
    pub(crate) fn finish(mut self) -> Result<()> {
        Ok(self.csv.flush()?)
    }
}

/// A name by which the node is found again: short where that is unique.
pub(crate) fn short(hierarchy: &Hierarchy, node: NodeId) -> String {
    let name = hierarchy.name(node);
    match hierarchy.node(name) {
        Ok(found) if found == node => name.to_owned(),
        _ => hierarchy.path(node),
    }
}

/// Six digits behind the point, more where a probability is small.
fn probability(value: f64) -> String {
    if value < 1e-4 { format!("{value:.5e}") } else { format!("{value:.6}") }
}
