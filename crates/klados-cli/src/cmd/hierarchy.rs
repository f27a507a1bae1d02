//! `klados hierarchy`: looking at hierarchies.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use klados::{Hierarchy, NodeId};
use serde::Serialize;

use super::format::Format;
use super::warnings;
use crate::data::hierarchy::{self, HierarchyOptions, lookup_name};

/// Look at a hierarchy.
#[derive(Debug, clap::Args)]
pub(crate) struct HierarchyArgs {
    #[command(subcommand)]
    command: HierarchyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HierarchyCommand {
    Show(ShowArgs),
}

/// Print the tree, and which column of the logits each class is.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The hierarchy, in any format: CSV edges (child,parent), CSV with one column a rank, and so on
    file: PathBuf,
    /// Print only the nodes down to this depth; the root has depth 0
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// The class of each column, one a line [default: the leaves as they first appear in the file]
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// How to print; json is {"classes": [...], "nodes": [...]} with both in the default order of a logits' columns
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    options: HierarchyOptions,
}

/// Runs the command.
pub(crate) fn run(args: &HierarchyArgs, out: &mut dyn Write) -> Result<()> {
    let HierarchyCommand::Show(args) = &args.command;
    let mut hierarchy = hierarchy::read(&args.file, &args.options)?;
    if let Some(columns) = &args.columns {
        hierarchy = hierarchy::with_columns_of(&hierarchy, columns, false)?;
    }
    warnings::print(hierarchy.warnings());
    match args.format {
        Format::Text => write_text(&hierarchy, args.depth.unwrap_or(usize::MAX), out),
        Format::Json => write_json(&hierarchy, out),
    }
}

/// The tree with the column of each class, then the columns in order.
fn write_text(hierarchy: &Hierarchy, deepest: usize, out: &mut dyn Write) -> Result<()> {
    let (nodes, classes) = (hierarchy.node_count(), hierarchy.class_count());
    let shape = if hierarchy.is_tree() { "tree" } else { "DAG" };
    let height = hierarchy.height(NodeId::ROOT);
    writeln!(out, "{shape} of {nodes} nodes, {classes} classes, height {height}; [n] is a class's column\n")?;
    let top = if hierarchy.root_is_added() { hierarchy.children(NodeId::ROOT) } else { &[NodeId::ROOT] };
    let mut printed = vec![false; nodes];
    // Indented below the parent that it is printed under: in a DAG that may be less than a node's depth.
    let mut stack: Vec<(NodeId, usize)> = top.iter().rev().map(|&node| (node, 0)).collect();
    let first = usize::from(hierarchy.root_is_added());
    while let Some((node, indent)) = stack.pop() {
        let children = hierarchy.children(node);
        for _ in 0..indent / 100 {
            write!(out, "{:200}", "")?; // in parts, as a width is limited to 65,535
        }
        write!(out, "{:width$}{}", "", hierarchy.name(node), width = 2 * (indent % 100))?;
        if children.is_empty()
            && let Some(column) = hierarchy.class_at(node)
        {
            write!(out, " [{column}]")?;
        }
        let again = std::mem::replace(&mut printed[node.index()], true) && !children.is_empty();
        if again {
            write!(out, " (above)")?;
        } else if !children.is_empty() && indent + first >= deepest {
            write!(out, " ({} classes)", hierarchy.count_classes_below(node))?;
        } else {
            stack.extend(children.iter().rev().map(|&child| (child, indent + 1)));
        }
        writeln!(out)?;
    }
    writeln!(out, "\ncolumns of the logits")?;
    let width = (classes.max(1) - 1).to_string().len();
    for (column, name) in class_names(hierarchy).enumerate() {
        writeln!(out, "{column:width$}  {name}")?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Json {
    /// The columns of losses with a logit a class.
    classes: Vec<String>,
    /// The columns of losses with a logit a node.
    nodes: Vec<String>,
}

/// The names of the classes as `--columns` takes them.
fn class_names(hierarchy: &Hierarchy) -> impl Iterator<Item = String> {
    (0..hierarchy.class_count())
        .map(|class| lookup_name(hierarchy, hierarchy.class_node(class), hierarchy.class_name(class)))
}

fn write_json(hierarchy: &Hierarchy, out: &mut dyn Write) -> Result<()> {
    let nodes = hierarchy.node_columns().into_iter();
    let json = Json {
        classes: class_names(hierarchy).collect(),
        nodes: nodes.map(|node| lookup_name(hierarchy, node, hierarchy.name(node))).collect(),
    };
    serde_json::to_writer(&mut *out, &json)?;
    Ok(writeln!(out)?)
}
