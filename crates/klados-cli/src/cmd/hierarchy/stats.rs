//! `klados hierarchy stats`: a hierarchy in numbers.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use klados::hierarchy::{LevelSize, Spread, Statistics};

use crate::cmd::format::Format;
use crate::cmd::warnings;
use crate::data::hierarchy::{self, HierarchyOptions};

/// So many levels are printed; JSON has all.
const MOST_LEVELS: usize = 40;

const HELP: &str = r#"What to look for:
  class depth      classes at very different depths: superclass terms weigh the
                   deep ones more
  single child     a node that stands for the same classes as its child adds
                   nothing; `klados hierarchy prune --contract-chains`
  several parents  what makes it a DAG
  largest branch   most of the classes below one node: its level says little

Examples:
  klados hierarchy stats inat21.csv
  klados hierarchy stats cl-basic.obo --format json"#;

/// Say what a hierarchy is like in numbers: levels, branching, chains, sharing.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct StatsArgs {
    /// The hierarchy, in any format
    file: PathBuf,
    /// The class of each column, one a line [default: the leaves as they first appear in the file]
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// How to print; json has every number
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    options: HierarchyOptions,
}

/// Runs the command.
pub(super) fn run(args: &StatsArgs, out: &mut dyn Write) -> Result<()> {
    let mut hierarchy = hierarchy::read(&args.file, &args.options)?;
    if let Some(columns) = &args.columns {
        hierarchy = hierarchy::with_columns_of(&hierarchy, columns, false)?;
    }
    warnings::print(hierarchy.warnings());
    let statistics = hierarchy.statistics();
    match args.format {
        Format::Text => write_text(&statistics, out),
        Format::Json => {
            serde_json::to_writer(&mut *out, &statistics)?;
            Ok(writeln!(out)?)
        }
    }
}

fn write_text(statistics: &Statistics, out: &mut dyn Write) -> Result<()> {
    let Statistics { nodes, edges, roots, classes, internal_classes, height, .. } = statistics;
    let shape = if statistics.is_tree { "tree" } else { "DAG" };
    writeln!(out, "{shape} of height {height}")?;
    writeln!(out, "nodes            {nodes}")?;
    writeln!(out, "edges            {edges}")?;
    writeln!(out, "roots            {roots}")?;
    let internal = if *internal_classes > 0 { format!(", {internal_classes} of them internal") } else { String::new() };
    writeln!(out, "classes          {classes}{internal}")?;
    writeln!(out, "class depth      {}", spread(&statistics.class_depth))?;
    if let Some(branching) = &statistics.branching {
        writeln!(out, "children a node  {}", spread(branching))?;
    }
    let chains = &statistics.chains;
    let longest = chains.top.iter().map(|top| format!(", up to {} in a row from {top:?}", chains.longest));
    writeln!(out, "single child     {}{}", chains.nodes, longest.collect::<String>())?;
    let sharing = &statistics.sharing;
    let most = sharing.node.iter().map(|node| format!(", up to {} as {node:?}", sharing.most_parents));
    writeln!(out, "several parents  {}{}", sharing.nodes, most.collect::<String>())?;
    if let Some(largest) = &statistics.largest {
        let percent = 100.0 * largest.share;
        writeln!(out, "largest branch   {:?}, {} classes, {percent:.1} %", largest.node, largest.classes)?;
    }
    write_levels("depth", &statistics.depths, out)?;
    if !statistics.ranks.is_empty() {
        write_levels("rank", &statistics.ranks, out)?;
    }
    write_children(&statistics.children, out)
}

fn spread(spread: &Spread) -> String {
    let Spread { min, mean, median, max, .. } = spread;
    format!("{min} to {max}, mean {mean:.2}, median {median}")
}

fn write_levels(title: &str, levels: &[LevelSize], out: &mut dyn Write) -> Result<()> {
    let shown = &levels[..levels.len().min(MOST_LEVELS)];
    let width = shown.iter().map(|size| size.level.chars().count()).chain([title.len()]).max().unwrap_or(0);
    writeln!(out, "\n{title:width$}  {:>9}  {:>9}", "nodes", "classes")?;
    for LevelSize { level, nodes, classes, .. } in shown {
        writeln!(out, "{level:width$}  {nodes:>9}  {classes:>9}")?;
    }
    match levels.len() - shown.len() {
        0 => Ok(()),
        more => Ok(writeln!(out, "and {more} more")?),
    }
}

/// How many nodes have how many children, by powers of two.
fn write_children(children: &[(usize, usize)], out: &mut dyn Write) -> Result<()> {
    if children.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:>13}  {:>9}", "children", "nodes")?;
    let mut rest = children;
    let (mut from, mut to) = (1, 1);
    while !rest.is_empty() {
        let (these, more) = rest.split_at(rest.partition_point(|(count, _)| *count <= to));
        let nodes: usize = these.iter().map(|(_, nodes)| nodes).sum();
        if nodes > 0 {
            let range = if from == to { from.to_string() } else { format!("{from} to {to}") };
            writeln!(out, "{range:>13}  {nodes:>9}")?;
        }
        rest = more;
        (from, to) = (to + 1, to.saturating_mul(2));
    }
    Ok(())
}
