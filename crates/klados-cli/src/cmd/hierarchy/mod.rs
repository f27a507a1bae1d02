//! `klados hierarchy`: looking at hierarchies, writing them in other formats, and making smaller ones. One file a command.

mod convert;
mod prune;
mod show;
mod stats;

use std::io::Write;

use anyhow::Result;

/// Look at a hierarchy, convert it, or make a smaller one.
#[derive(Debug, clap::Args)]
pub(crate) struct HierarchyArgs {
    #[command(subcommand)]
    command: HierarchyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HierarchyCommand {
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
    Convert(convert::ConvertArgs),
    Prune(prune::PruneArgs),
}

/// Runs the command.
pub(crate) fn run(args: &HierarchyArgs, out: &mut dyn Write) -> Result<()> {
    match &args.command {
        HierarchyCommand::Show(args) => show::run(args, out),
        HierarchyCommand::Stats(args) => stats::run(args, out),
        HierarchyCommand::Convert(args) => convert::run(args, out),
        HierarchyCommand::Prune(args) => prune::run(args, out),
    }
}
