//! `klados hierarchy show`: the tree, and which column of the logits each class is.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use klados::{Hierarchy, NodeId};
use serde::Serialize;

use crate::cmd::format::Format;
use crate::cmd::{Usage, warnings};
use crate::data::hierarchy::{self, HierarchyOptions, lookup_name};

/// Levels that are indented. What is deeper has its level in front, so that a deep tree takes no more than its size.
const INDENTED: usize = 40;

const HELP: &str = r#"Examples:
  # The first two levels of a large one, with the number of classes below.
  klados hierarchy show inat21.csv --depth 2
  # Where crows are: by name, id or synonym, in any case.
  klados hierarchy show inat21.csv --find corvus
  # All below a node.
  klados hierarchy show inat21.csv --below Corvidae
  # What a model's columns are, one a line.
  klados hierarchy show animals.csv --columns classes.txt --format json"#;

/// Print the tree, and which column of the logits each class is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct ShowArgs {
    /// The hierarchy, in any format: CSV edges (child,parent), CSV with one column a rank, and so on
    file: PathBuf,
    /// Print only the nodes down to this depth, and no list of columns; the root has depth 0, or the node of --below
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Print only the nodes with this in their name, id or a synonym, and what is above them
    #[arg(long, value_name = "TEXT")]
    find: Option<String>,
    /// Print only this node and what is below it: a name, an id, or a path such as "bird > crow"
    #[arg(long, value_name = "NODE")]
    below: Option<String>,
    /// The class of each column, one a line [default: the leaves as they first appear in the file]
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// How to print; json is {"classes": [...], "nodes": [...]} with both in the default order of a logits' columns
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    options: HierarchyOptions,
}

impl ShowArgs {
    /// Whether a part of the tree is asked for, to which the list of all columns does not belong.
    fn is_of_a_part(&self) -> bool {
        self.find.is_some() || self.below.is_some() || self.depth.is_some()
    }
}

/// Runs the command.
pub(super) fn run(args: &ShowArgs, out: &mut dyn Write) -> Result<()> {
    if args.format == Format::Json && args.is_of_a_part() {
        return Err(Usage("--find, --below and --depth print a tree, and JSON has the columns alone".to_owned()).into());
    }
    let mut hierarchy = hierarchy::read(&args.file, &args.options)?;
    if let Some(columns) = &args.columns {
        hierarchy = hierarchy::with_columns_of(&hierarchy, columns, false)?;
    }
    warnings::print(hierarchy.warnings());
    match args.format {
        Format::Text => write_text(&hierarchy, args, out),
        Format::Json => write_json(&hierarchy, out),
    }
}

/// The tree with the column of each class, then the columns in order where all of it is shown.
fn write_text(hierarchy: &Hierarchy, args: &ShowArgs, out: &mut dyn Write) -> Result<()> {
    let mut view = View { deepest: args.depth.unwrap_or(usize::MAX), below: None, found: None };
    if let Some(node) = &args.below {
        view.below = Some(hierarchy.node(node)?);
    }
    if let Some(text) = &args.find {
        view.found = Some(Found::of(hierarchy, view.below.unwrap_or(NodeId::ROOT), text)?);
    }
    let (nodes, classes) = (hierarchy.node_count(), hierarchy.class_count());
    let shape = if hierarchy.is_tree() { "tree" } else { "DAG" };
    let height = hierarchy.height(NodeId::ROOT);
    writeln!(out, "{shape} of {nodes} nodes, {classes} classes, height {height}; [n] is a class's column")?;
    if let Some(found) = &view.found {
        let number = found.matches.iter().filter(|found| **found).count();
        writeln!(out, "{number} found, with *")?;
    }
    writeln!(out)?;
    view.write(hierarchy, out)?;
    if args.is_of_a_part() {
        return Ok(());
    }
    writeln!(out, "\ncolumns of the logits")?;
    let width = (classes.max(1) - 1).to_string().len();
    for (column, name) in class_names(hierarchy).enumerate() {
        writeln!(out, "{column:width$}  {name}")?;
    }
    Ok(())
}

/// Which part of a hierarchy is printed.
struct View {
    deepest: usize,
    below: Option<NodeId>,
    found: Option<Found>,
}

impl View {
    fn write(&self, hierarchy: &Hierarchy, out: &mut dyn Write) -> Result<()> {
        // An added root is not printed, and has a depth all the same.
        let (top, first) = match &self.below {
            Some(node) => (std::slice::from_ref(node), 0),
            None if hierarchy.root_is_added() => (hierarchy.children(NodeId::ROOT), 1),
            None => (&[NodeId::ROOT][..], 0),
        };
        let is_shown = |node: &&NodeId| self.found.as_ref().is_none_or(|found| found.leads_to[node.index()]);
        let mut printed = vec![false; hierarchy.node_count()];
        // Indented below the parent that it is printed under: in a DAG that may be less than a node's depth.
        let mut stack: Vec<(NodeId, usize)> = top.iter().filter(is_shown).rev().map(|&node| (node, 0)).collect();
        while let Some((node, indent)) = stack.pop() {
            let children = hierarchy.children(node);
            write!(out, "{:width$}", "", width = 2 * indent.min(INDENTED))?;
            if indent > INDENTED {
                write!(out, "({indent}) ")?;
            }
            write!(out, "{}", hierarchy.name(node))?;
            if children.is_empty()
                && let Some(column) = hierarchy.class_at(node)
            {
                write!(out, " [{column}]")?;
            }
            let shown = children.iter().filter(is_shown);
            let again = std::mem::replace(&mut printed[node.index()], true) && !children.is_empty();
            if again {
                write!(out, " (above)")?;
            } else if !children.is_empty() && (indent + first >= self.deepest || shown.clone().next().is_none()) {
                write!(out, " ({} classes)", hierarchy.count_classes_below(node))?;
            } else {
                stack.extend(shown.rev().map(|&child| (child, indent + 1)));
            }
            let is_match = self.found.as_ref().is_some_and(|found| found.matches[node.index()]);
            writeln!(out, "{}", if is_match { " *" } else { "" })?;
        }
        Ok(())
    }
}

/// What a search finds, by node.
struct Found {
    matches: Vec<bool>,
    /// Whether it matches, or something below it does.
    leads_to: Vec<bool>,
}

impl Found {
    /// Looks at a node and all below it.
    ///
    /// # Errors
    ///
    /// Where nothing is found.
    fn of(hierarchy: &Hierarchy, top: NodeId, text: &str) -> Result<Self> {
        let wanted = text.to_lowercase();
        let mut found =
            Self { matches: vec![false; hierarchy.node_count()], leads_to: vec![false; hierarchy.node_count()] };
        let mut is_below = vec![false; hierarchy.node_count()];
        for node in hierarchy.nodes() {
            is_below[node.index()] = node == top || hierarchy.parents(node).iter().any(|above| is_below[above.index()]);
        }
        let has_it = |text: &str| text.to_lowercase().contains(&wanted);
        for node in hierarchy.nodes().rev().filter(|node| is_below[node.index()]) {
            let is_match = !(node == NodeId::ROOT && hierarchy.root_is_added())
                && (has_it(hierarchy.name(node))
                    || hierarchy.id(node).is_some_and(has_it)
                    || hierarchy.synonyms(node).any(has_it));
            found.matches[node.index()] = is_match;
            found.leads_to[node.index()] =
                is_match || hierarchy.children(node).iter().any(|child| found.leads_to[child.index()]);
        }
        match found.leads_to[top.index()] {
            true => Ok(found),
            false => Err(anyhow!("nothing there has {text:?} in its name, id or a synonym")),
        }
    }
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
