//! Hierarchy files, and files that name the classes.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use klados::format::CsvOptions;
use klados::{Hierarchy, HierarchyErrorKind, NodeId};

use super::labels;

/// How a hierarchy file is read.
#[derive(Debug, Default, Clone, clap::Args)]
pub(crate) struct HierarchyOptions {
    /// The column of the hierarchy file with the children [default: child]
    #[arg(long, value_name = "COL")]
    pub(crate) child_column: Option<String>,
    /// The column of the hierarchy file with the parents [default: parent]
    #[arg(long, value_name = "COL")]
    pub(crate) parent_column: Option<String>,
    /// The columns of the hierarchy file that are ranks, from the top [default: all, in the direction their values show]
    #[arg(long, value_name = "COL,...", value_delimiter = ',', conflicts_with_all = ["child_column", "parent_column"])]
    pub(crate) rank_columns: Option<Vec<String>>,
}

/// Reads a hierarchy: what `klados` itself writes where the file is named `.json`, else CSV.
///
/// # Errors
///
/// When the file cannot be read or is no hierarchy; the message names the file, and the line where there is one.
pub(crate) fn read(path: &Path, options: &HierarchyOptions) -> Result<Hierarchy> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        return serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a hierarchy as klados writes it", path.display()));
    }
    let mut csv = CsvOptions::new();
    csv.child_column.clone_from(&options.child_column);
    csv.parent_column.clone_from(&options.parent_column);
    csv.rank_columns.clone_from(&options.rank_columns);
    Hierarchy::from_csv_path(path, &csv).map_err(|error| match error.kind() {
        HierarchyErrorKind::Io => anyhow!("cannot read {error}"),
        _ => error.into(),
    })
}

/// A name by which a node can be looked up: `short`, or its path where several nodes share that.
pub(crate) fn lookup_name(hierarchy: &Hierarchy, node: NodeId, short: &str) -> String {
    if hierarchy.node(short).is_ok() { short.to_owned() } else { hierarchy.path(node) }
}

/// A name by which exactly this node is found again: short, or its path where several nodes share that.
pub(crate) fn unique_name(hierarchy: &Hierarchy, node: NodeId) -> String {
    let name = hierarchy.name(node);
    match hierarchy.node(name) {
        Ok(found) if found == node => name.to_owned(),
        _ => hierarchy.path(node),
    }
}

/// The hierarchy with the columns of the logits, classes or with `nodes` all nodes but the root, that a file names one a
/// line.
///
/// # Errors
///
/// When the file cannot be read, or names what is not there or one twice (the message names the line), or leaves out a
/// node.
pub(crate) fn with_columns_of(hierarchy: &Hierarchy, path: &Path, nodes: bool) -> Result<Hierarchy> {
    let rows = labels::read_lines(path)?;
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
