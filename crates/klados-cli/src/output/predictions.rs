//! Predictions as CSV: one line a row.
//!
//! `line` (or `row`), with labels `label`, with a rule `decision` and for rules of one node `decision_probability` and
//! `decision_level`, then `class` and `probability`, then for each level above the classes, from
//! the top, the class's ancestor and its probability: `group`, `group_probability`, and so on. A level where the class
//! has no ancestor is empty; in a DAG several are joined by `|`. Of multi-label rows the probability of every node but the
//! root, by its name.

use std::io::Write;

use anyhow::Result;
use klados::decide::Decider;
use klados::{Hierarchy, NodeId};

use crate::data::hierarchy::unique_name;
use crate::data::probability::text as probability;
use crate::train::reading::{Read, Reading};

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
    reading: &'a Reading,
    decider: Option<&'a Decider>,
    csv: csv::Writer<W>,
}

impl<'a, W: Write> Writer<'a, W> {
    /// Begins a table with its header, with the answers of a rule where one is given.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to; so do the other functions.
    pub(crate) fn new(out: W, rows: &'a Rows<'a>, reading: &'a Reading, decider: Option<&'a Decider>) -> Result<Self> {
        let mut csv = csv::Writer::from_writer(out);
        let mut header = vec![rows.unit.to_owned()];
        header.extend(rows.labels.map(|_| "label".to_owned()));
        header.extend(decider.map(|_| "decision".to_owned()));
        if decider.is_some_and(|decider| !decider.is_multi_label()) {
            header.extend(["decision_probability".to_owned(), "decision_level".to_owned()]);
        }
        if reading.is_multi_label() {
            let hierarchy = reading.hierarchy();
            header.extend(hierarchy.node_columns().into_iter().map(|node| unique_name(hierarchy, node)));
            csv.write_record(&header)?;
            return Ok(Self { rows, reading, decider, csv });
        }
        header.extend(["class".to_owned(), "probability".to_owned()]);
        for level in reading.above() {
            let name = level.name().replace(' ', "_");
            header.extend([name.clone(), format!("{name}_probability")]);
        }
        csv.write_record(&header)?;
        Ok(Self { rows, reading, decider, csv })
    }

    /// Writes the lines of some rows, the first of which is row `first` of the table.
    pub(crate) fn write(&mut self, first: usize, read: &Read) -> Result<()> {
        for row in 0..read.rows() {
            let mut record = vec![self.rows.positions[first + row].clone()];
            record.extend(self.rows.labels.map(|labels| labels[first + row].clone()));
            if let Some(decider) = self.decider {
                self.decision(&mut record, decider, read, row)?;
            }
            if self.reading.is_multi_label() {
                let nodes = self.reading.hierarchy().node_columns().into_iter();
                record.extend(nodes.map(|node| probability(read.probability(row, node))));
            } else {
                self.path(&mut record, read, row);
            }
            self.csv.write_record(&record)?;
        }
        Ok(())
    }

    /// The answer of a rule to a row. A row with NaN has none.
    fn decision(&self, record: &mut Vec<String>, decider: &Decider, read: &Read, row: usize) -> Result<()> {
        let hierarchy = self.reading.hierarchy();
        let log_p = read.log_probs_of(row);
        let has_answer = !log_p.iter().any(|log_p| log_p.is_nan());
        if decider.is_multi_label() {
            let mut holds = vec![false; log_p.len()];
            if has_answer {
                decider.decide_sets(log_p, &mut holds)?;
            }
            record.push(if has_answer { set(hierarchy, &holds) } else { String::new() });
        } else if has_answer {
            let mut answer = [NodeId::ROOT];
            decider.decide(log_p, &mut answer)?;
            let [node] = answer;
            let level = self.reading.level_name(node).to_owned();
            record.extend([unique_name(hierarchy, node), probability(read.probability(row, node)), level]);
        } else {
            record.extend([const { String::new() }; 3]);
        }
        Ok(())
    }

    /// The class of a row and what is above it, with their probabilities.
    fn path(&self, record: &mut Vec<String>, read: &Read, row: usize) {
        let hierarchy = self.reading.hierarchy();
        let node = hierarchy.class_node(read.class(row));
        record.extend([unique_name(hierarchy, node), probability(read.probability(row, node))]);
        for level in self.reading.above() {
            let at: Vec<NodeId> = level.at(node).iter().filter(|at| **at != node).copied().collect();
            let names: Vec<String> = at.iter().map(|at| unique_name(hierarchy, *at)).collect();
            let values: Vec<String> = at.iter().map(|at| probability(read.probability(row, *at))).collect();
            record.extend([names.join("|"), values.join("|")]);
        }
    }

    /// Writes what is still in memory.
    pub(crate) fn finish(mut self) -> Result<()> {
        Ok(self.csv.flush()?)
    }
}

/// A set of nodes that holds with each node what is above it, as a multi-label label: its lowest nodes. `a;b`, of one node
/// `a;`, and `;` where only the root holds.
fn set(hierarchy: &Hierarchy, holds: &[bool]) -> String {
    let is_lowest = |node: &NodeId| !hierarchy.children(*node).iter().any(|child| holds[child.index()]);
    let lowest = hierarchy.nodes().skip(1).filter(|node| holds[node.index()]).filter(is_lowest);
    let names: Vec<String> = lowest.map(|node| unique_name(hierarchy, node)).collect();
    match &names[..] {
        [] => ";".to_owned(),
        [name] => format!("{name};"),
        names => names.join(";"),
    }
}
