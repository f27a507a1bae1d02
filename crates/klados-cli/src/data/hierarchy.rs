//! Hierarchy files, and files that name the classes.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use klados::format::{Format, ReadOptions};
use klados::{Hierarchy, HierarchyError, HierarchyErrorKind, NodeId};

use super::class_names;

/// How a hierarchy file is read.
#[derive(Debug, Default, Clone, clap::Args)]
pub(crate) struct HierarchyOptions {
    /// The format of the hierarchy file [default: as its content shows]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Format::NAMES).try_map(|name| name.parse::<Format>()))]
    pub(crate) hierarchy_format: Option<Format>,
    /// The column of the hierarchy file with the children [default: child]
    #[arg(long, value_name = "COL")]
    pub(crate) child_column: Option<String>,
    /// The column of the hierarchy file with the parents [default: parent]
    #[arg(long, value_name = "COL")]
    pub(crate) parent_column: Option<String>,
    /// The columns of the hierarchy file that are ranks, from the top [default: all, in the direction their values show]
    #[arg(long, value_name = "COL,...", value_delimiter = ',', conflicts_with_all = ["child_column", "parent_column"])]
    pub(crate) rank_columns: Option<Vec<String>>,
    /// Take this relationship for a parent too: part_of and the like in OBO, @i (instances) in WordNet; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) relationship: Vec<String>,
    /// WordNet's data.noun, or the folder that has it, for a list of synsets [default: beside the list]
    #[arg(long, value_name = "PATH")]
    pub(crate) wordnet: Option<PathBuf>,
}

impl HierarchyOptions {
    pub(crate) fn read_options(&self) -> ReadOptions {
        let mut options = ReadOptions::new();
        options.format = self.hierarchy_format;
        options.child_column.clone_from(&self.child_column);
        options.parent_column.clone_from(&self.parent_column);
        options.rank_columns.clone_from(&self.rank_columns);
        options.relationships.clone_from(&self.relationship);
        options.wordnet.clone_from(&self.wordnet);
        options
    }
}

/// Reads a hierarchy in any format.
///
/// # Errors
///
/// When the file cannot be read or is no hierarchy; the message names the file, and the line where there is one.
pub(crate) fn read(path: &Path, options: &HierarchyOptions) -> Result<Hierarchy> {
    Hierarchy::from_path(path, &options.read_options()).map_err(explain)
}

/// The core's error, with what to do about it on the command line.
pub(crate) fn explain(error: HierarchyError) -> anyhow::Error {
    match error.kind() {
        HierarchyErrorKind::Io => anyhow!("cannot read {error}"),
        HierarchyErrorKind::UnknownFormat => anyhow!("{error}; say which with --hierarchy-format NAME"),
        _ => error.into(),
    }
}

/// A name by which a node can be looked up: `short`, or its id or path where that is of several nodes, or of another one.
pub(crate) fn lookup_name(hierarchy: &Hierarchy, node: NodeId, short: &str) -> String {
    // The class of an internal node is on a leaf that was added below it.
    let is_it = |found| found == node || (hierarchy.is_added(node) && hierarchy.parents(node).contains(&found));
    if hierarchy.node(short).is_ok_and(is_it) { short.to_owned() } else { hierarchy.unique_name(node) }
}

/// A name by which exactly this node is found again: short, or its id or path where several nodes share that.
pub(crate) fn unique_name(hierarchy: &Hierarchy, node: NodeId) -> String {
    hierarchy.unique_name(node)
}

/// The hierarchy with the columns of the logits, classes or with `nodes` all nodes but the root, that a file names: one a
/// line, or in the column `node` or `class` of a CSV.
///
/// # Errors
///
/// When the file cannot be read, or names what is not there or one twice (the message names the line), or leaves out a
/// node.
pub(crate) fn with_columns_of(hierarchy: &Hierarchy, path: &Path, nodes: bool) -> Result<Hierarchy> {
    let rows = class_names::read(path, &["node", "class"])?;
    let what = if nodes { "node" } else { "class" };
    if rows.is_empty() {
        bail!("{} is empty; expected the name of a {what} on each line", path.display());
    }
    let names = rows.iter().map(|row| &row.text);
    let named = if nodes { hierarchy.with_node_columns(names) } else { hierarchy.with_classes(names) };
    named.map_err(|error| {
        // It says which name is wrong; the line is where that name stands, the second time where it is there twice.
        let mut seen = std::collections::HashSet::new();
        let wrong = rows.iter().find(|row| match hierarchy.node(&row.text) {
            Ok(node) => (nodes && node == NodeId::ROOT) || !seen.insert(node),
            Err(_) => true,
        });
        match wrong {
            Some(row) => anyhow!("{}:{}: {}", path.display(), row.line, error.message()),
            None => anyhow!("{}: {}", path.display(), error.message()),
        }
    })
}
