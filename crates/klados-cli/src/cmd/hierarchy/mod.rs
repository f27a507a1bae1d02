//! `klados hierarchy`: looking at hierarchies and for what is wrong with them, finding what a model's classes are in one,
//! writing them in other formats, and making smaller ones. One file a command; findings.rs is what `check` prints.

mod check;
mod convert;
mod findings;
mod matching;
mod prune;
mod show;
mod stats;

use std::io::Write;

use anyhow::Result;

/// Look at a hierarchy, check it, match class names with it, convert it, or make a smaller one.
#[derive(Debug, clap::Args)]
pub(crate) struct HierarchyArgs {
    #[command(subcommand)]
    command: HierarchyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HierarchyCommand {
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
    Check(check::CheckArgs),
    Match(matching::MatchArgs),
    Convert(convert::ConvertArgs),
    Prune(prune::PruneArgs),
}

/// Runs the command.
pub(crate) fn run(args: &HierarchyArgs, out: &mut dyn Write) -> Result<()> {
    match &args.command {
        HierarchyCommand::Show(args) => show::run(args, out),
        HierarchyCommand::Stats(args) => stats::run(args, out),
        HierarchyCommand::Check(args) => check::run(args, out),
        HierarchyCommand::Match(args) => matching::run(args, out),
        HierarchyCommand::Convert(args) => convert::run(args, out),
        HierarchyCommand::Prune(args) => prune::run(args, out),
    }
}
