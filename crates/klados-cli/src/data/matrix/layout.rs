//! Which columns a matrix is to have.
#![cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only tables have names of columns"))]

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
    column_of: HashMap<NodeId, usize>,
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
        let column_of = nodes.iter().enumerate().map(|(column, node)| (*node, column)).collect();
        Self { hierarchy, has_node_columns, nodes, column_of, of, hierarchy_file, columns_file }
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
        let known = self.names();
        let mut found: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for (index, name) in names.iter().enumerate() {
            let Some(place) = known.get(name.trim()) else { continue };
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

    /// The names of each column: short where that is unique, and the path. Made once: an unknown name is slow to look up.
    fn names(&self) -> HashMap<String, usize> {
        let mut names = HashMap::new();
        for (place, node) in self.nodes.iter().enumerate() {
            let class = (!self.has_node_columns).then(|| self.hierarchy.class_name(place).to_owned());
            for name in [self.hierarchy.name(*node).to_owned(), self.hierarchy.path(*node)].into_iter().chain(class) {
                if self.place(&name) == Some(place) {
                    names.insert(name, place);
                }
            }
        }
        names
    }

    /// The column of a name that is there.
    fn place(&self, name: &str) -> Option<usize> {
        match self.has_node_columns {
            true => self.column_of.get(&self.hierarchy.node(name).ok()?).copied(),
            false => self.hierarchy.class(name).ok(),
        }
    }

    fn one(&self) -> &'static str {
        if self.has_node_columns { "node" } else { "class" }
    }
}
