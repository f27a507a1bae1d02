//! `klados hierarchy prune`: a smaller hierarchy.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use klados::format::WriteFormat;
use klados::{Hierarchy, Level};

use super::convert::{FORMATS, check_differs, format_of, formats, is_standard_output, write};
use crate::cmd::warnings;
use crate::data::hierarchy::{self, HierarchyOptions};

const HELP: &str = r#"
Classes come first, then the cut, then the chains. What stays keeps its name,
id, rank and synonyms.

Examples:
  # The classes of a model, with what is above them.
  klados hierarchy prune wordnet.csv mine.csv --classes classes.txt
  # Genera as classes.
  klados hierarchy prune inat21.csv genera.csv --cut genus
  # The first two levels, without nodes that have a single child.
  klados hierarchy prune all.csv top.csv --cut 2 --contract-chains"#;

fn help() -> String {
    format!("{FORMATS}\n{HELP}")
}

/// Make a smaller hierarchy: of some classes, down to a level, without chains.
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["classes", "cut", "contract_chains"])))]
pub(super) struct PruneArgs {
    /// The hierarchy, in any format
    file: PathBuf,
    /// The file to write; - is standard output
    out: PathBuf,
    /// Keep these classes, one a line, and what is above them; they are the columns in this order
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// Make the nodes of this rank or depth the classes; the root has depth 0, also one that is added above several
    #[arg(long, value_name = "RANK|DEPTH")]
    cut: Option<String>,
    /// Leave out nodes that have a single child: that takes their place, so that the lowest of a chain stays
    #[arg(long)]
    contract_chains: bool,
    /// The format to write [default: as the ending of OUT says]
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    to: Option<WriteFormat>,
    #[command(flatten)]
    options: HierarchyOptions,
}

/// Runs the command.
pub(super) fn run(args: &PruneArgs, out: &mut dyn Write) -> Result<()> {
    let format = format_of(&args.out, args.to)?;
    check_differs(&args.file, &args.out)?;
    let all = hierarchy::read(&args.file, &args.options)?;
    warnings::print(all.warnings());
    let mut pruned = all.clone();
    if let Some(classes) = &args.classes {
        // What this leaves out is what was asked for, and no surprise.
        pruned = hierarchy::with_columns_of(&pruned, classes, false)?;
    }
    if let Some(cut) = &args.cut {
        let known = pruned.warnings().len();
        pruned = pruned.cut_at(&level(&pruned, cut))?;
        warnings::print(pruned.warnings().iter().skip(known));
    }
    if args.contract_chains {
        pruned = pruned.contract_chains()?;
    }
    write(&pruned, &args.out, format, out)?;
    if !is_standard_output(&args.out) {
        writeln!(out, "{}: {}", args.file.display(), size(&all))?;
        writeln!(out, "{}: {}", args.out.display(), size(&pruned))?;
    }
    Ok(())
}

/// A rank of the hierarchy, or else a depth.
fn level(hierarchy: &Hierarchy, text: &str) -> Level {
    match text.parse() {
        Ok(depth) if !hierarchy.rank_names().iter().any(|rank| rank == text) => Level::Depth(depth),
        _ => Level::from(text),
    }
}

/// Nodes without those that were added, as they are not written.
fn size(hierarchy: &Hierarchy) -> String {
    let nodes = hierarchy.nodes().filter(|node| !hierarchy.is_added(*node)).count();
    format!("{nodes} nodes, {} classes", hierarchy.class_count())
}
