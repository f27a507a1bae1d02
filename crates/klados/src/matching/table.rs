//! What was found, as a table.

use std::io;

use super::{Match, Matches};
use crate::NodeId;

impl Matches {
    /// A row a class.
    pub fn rows(&self) -> &[Match] {
        &self.rows
    }

    /// Classes that mean the same node, by their places: in a model each class needs a node of its own.
    ///
    /// ```
    /// use klados::Hierarchy;
    /// use klados::matching::{ClassList, match_classes};
    ///
    /// let hierarchy = Hierarchy::from_edges([("bird", "crow"), ("bird", "robin")])?;
    /// let matches = match_classes(&hierarchy, &ClassList::new(["crow", "robin", "Crow"]));
    /// assert_eq!(matches.shared(), [(hierarchy.node("crow")?, vec![0, 2])]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn shared(&self) -> Vec<(NodeId, Vec<usize>)> {
        let mut by_node: Vec<(NodeId, usize)> =
            self.rows.iter().enumerate().filter_map(|(place, row)| Some((row.node?, place))).collect();
        by_node.sort_unstable();
        let same = by_node.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1);
        same.map(|same| (same[0].0, same.iter().map(|(_, place)| *place).collect())).collect()
    }

    /// The name by which a node is found again, as the table has it.
    pub fn name(&self, node: NodeId) -> String {
        self.hierarchy.unique_name(node)
    }

    /// The alternatives of a row for people: `crow (1), rook (0.75)`, or `... and 7 more`.
    pub fn alternatives(&self, row: &Match) -> String {
        let shown = row.alternatives.iter().map(|(node, score)| format!("{} ({})", self.name(*node), rounded(*score)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        match row.more_alternatives {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }

    /// Writes the rows as CSV: `class,node,how,score,alternatives`. A node is written so that it is found by it, and is
    /// empty where none or several may be meant.
    ///
    /// # Errors
    ///
    /// What writing gives.
    pub fn write_csv(&self, out: impl io::Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(["class", "node", "how", "score", "alternatives"]).map_err(io::Error::from)?;
        for row in &self.rows {
            let node = row.node.map(|node| self.name(node)).unwrap_or_default();
            let record = [&row.class, &node, row.how.name(), &rounded(row.score), &self.alternatives(row)];
            table.write_record(record).map_err(io::Error::from)?;
        }
        table.flush()
    }
}

/// To two decimals; what is not the same never gets a 1.
fn rounded(score: f64) -> String {
    let most = if score < 1.0 { 99.0 } else { 100.0 };
    format!("{}", (score * 100.0).round().min(most) / 100.0)
}
