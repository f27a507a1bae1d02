//! What can be typed: the top of the command line. Each command's own arguments are beside its code in `cmd`.

use clap::{Parser, Subcommand};

/// Train and measure classifiers whose classes roll up into superclasses.
#[derive(Debug, Parser)]
#[command(name = "klados", version, about, max_term_width = 110)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "train")]
    Train(Box<crate::cmd::train::TrainArgs>),
    #[cfg(feature = "train")]
    Compare(Box<crate::cmd::compare::CompareArgs>),
    #[cfg(feature = "train")]
    Predict(crate::cmd::predict::PredictArgs),
    Decide(crate::cmd::decide::DecideArgs),
    Evaluate(crate::cmd::evaluate::EvaluateArgs),
    Loss(crate::cmd::loss::LossArgs),
    Explain(crate::cmd::explain::ExplainArgs),
    Hierarchy(crate::cmd::hierarchy::HierarchyArgs),
}
