//! Which columns a matrix is to have.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail};
use klados::{Hierarchy, NodeId};

/// How many names a message lists.
const LISTED: usize = 10;

/// The columns of logits or probabilities: a class each, or a node but the root.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    hierarchy: &'a Hierarchy,
    has_node_columns: bool,
    /// By column.
    nodes: Vec<NodeId>,
    /// What takes these columns, and which files say that: for messages.
    of: &'a str,
    hierarchy_file: &'a Path,
    columns_file: Option<&'a Path>,
}

impl<'a> Layout<'a> {
    /// The columns of a hierarchy, with `has_node_columns` one a node but the root; `of` is the form or loss that takes them.
    pub(crate) fn new(
        hierarchy: &'a Hierarchy,
        has_node_columns: bool,
        of: &'a str,
        hierarchy_file: &'a Path,
        columns_file: Option<&'a Path>,
    ) -> Self {
        let nodes = match has_node_columns {
            true => hierarchy.node_columns(),
            false => (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect(),
        };
        Self { hierarchy, has_node_columns, nodes, of, hierarchy_file, columns_file }
    }

    /// What the columns are.
    fn what(&self) -> &'static str {
        if self.has_node_columns { "nodes but the root" } else { "classes" }
    }

    /// An error where a matrix without names has another number of columns.
    pub(crate) fn check_count(&self, file: &Path, rows: Option<usize>, found: usize) -> Result<()> {
        let columns = self.nodes.len();
        if found == columns {
            return Ok(());
        }
        let shape = match rows {
            Some(rows) => format!("{} has shape [{rows}, {found}]", file.display()),
            None => format!("{} has {found} columns", file.display()),
        };
        let (what, hierarchy) = (self.what(), self.hierarchy_file.display());
        match self.columns_file {
            Some(file) => {
                bail!("{shape}, but {} names {columns} {what}: expected [rows, {columns}]", file.display())
            }
            None if self.has_node_columns => bail!(
                "{shape}, but {hierarchy} has {columns} nodes but the root, and {} takes a column for each: expected [rows, \
                 {columns}] (`klados hierarchy show --format json` lists the nodes; --columns names them in another order)",
                self.of
            ),
            None => bail!(
                "{shape}, but {hierarchy} has {columns} classes: expected [rows, {columns}] (`klados hierarchy show` prints \
                 the classes; --columns names others)"
            ),
        }
    }

    /// The places of the columns among named ones: by their names, or in order where the names are the numbers from 0 on.
    /// Other columns are not looked at.
    pub(crate) fn places(&self, file: &Path, names: &[String]) -> Result<Vec<usize>> {
        let shown = file.display();
        let place: HashMap<NodeId, usize> = self.nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut found: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for (index, name) in names.iter().enumerate() {
            let Some(node) = self.node(name) else { continue };
            let Some(place) = place.get(&node) else { continue };
            if let Some(other) = found[*place].replace(index) {
                bail!("{shown}: the columns \"{}\" and \"{name}\" are the same {}", names[other], self.one());
            }
        }
        let missing: Vec<String> = self
            .nodes
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(node, _)| format!("\"{}\"", self.hierarchy.name(*node)))
            .collect();
        if missing.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        let is_numbered = names.iter().enumerate().all(|(index, name)| name.parse() == Ok(index));
        if missing.len() == found.len() && is_numbered {
            self.check_count(file, None, names.len())?;
            return Ok((0..names.len()).collect());
        }
        let listed = missing.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if missing.len() > LISTED { ", ..." } else { "" };
        bail!(
            "{shown} has no column for {} of the {} {}: {listed}{more}; expected columns by their names, or named 0, 1, ... in \
             their order",
            missing.len(),
            found.len(),
            self.what()
        )
    }

    fn node(&self, name: &str) -> Option<NodeId> {
        match self.has_node_columns {
            true => self.hierarchy.node(name).ok(),
            false => self.hierarchy.class(name).ok().map(|class| self.hierarchy.class_node(class)),
        }
    }

    fn one(&self) -> &'static str {
        if self.has_node_columns { "node" } else { "class" }
    }
}
