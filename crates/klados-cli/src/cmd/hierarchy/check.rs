//! `klados hierarchy check`: a linter of hierarchies.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use klados::check::{Change, Fixed, check, fix};
use klados::format::{Draft, WriteFormat};

use super::convert::{check_differs, is_standard_output};
use super::findings::Findings;
use crate::cmd::format::Format;
use crate::cmd::{Usage, warnings};
use crate::data::class_names;
use crate::data::hierarchy::{HierarchyOptions, explain};
use crate::data::replace::replace;

const HELP: &str = r#"Examples:
  # What is wrong or surprising in a file.
  klados hierarchy check birds.csv
  # And whether a model's classes are in it.
  klados hierarchy check birds.csv --classes classes.txt
  # A corrected copy.
  klados hierarchy check birds.csv --fix corrected.csv"#;

/// Look for all that is wrong or surprising, with why it matters in training and what to do.
///
/// Errors keep a hierarchy, or one with these classes, from being made; warnings are hardly what was meant; notes are fine
/// and something to know. The exit status is 1 where there are errors.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct CheckArgs {
    /// The hierarchy, in any format
    file: PathBuf,
    /// The classes of a model: look at these too. One a line, or the column "node" or "class" of a CSV
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// Put right what needs no guess, list each change, and write the hierarchy as CSV edges
    #[arg(long, value_name = "OUT")]
    fix: Option<PathBuf>,
    /// Fail on warnings as well
    #[arg(long)]
    strict: bool,
    /// How to print; json is {"findings": [...], "changes": [...], "errors": n, "warnings": n, "notes": n}
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    options: HierarchyOptions,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<()> {
    if let Some(fixed) = &args.fix {
        check_differs(&args.file, fixed)?;
        if is_standard_output(fixed) {
            bail!(Usage("--fix writes a file, as the findings go to standard output: expected its path".to_owned()));
        }
    }
    let (draft, _) = Draft::from_path(&args.file, &args.options.read_options()).map_err(explain)?;
    let classes = args.classes.as_deref().map(|path| class_names::list(path, &["node", "class"])).transpose()?;
    let (draft, changes) = match &args.fix {
        Some(_) => {
            let Fixed { draft, mut changes, .. } = fix(&draft);
            changes.iter_mut().for_each(|change| change.location.file = Some(args.file.clone()));
            (draft, changes)
        }
        None => (draft, Vec::new()),
    };
    let findings = Findings::new(check(&draft, classes.as_ref()), &draft, &args.file);
    match args.format {
        Format::Text => {
            write_changes(&changes, out)?;
            findings.write_text(out)?;
        }
        Format::Json => findings.write_json(&changes, out)?,
    }
    let ([errors, warnings, _], summary) = (findings.counts(), findings.summary());
    if let Some(path) = &args.fix {
        write_fixed(draft, path)?;
    }
    if errors > 0 || (args.strict && warnings > 0) {
        bail!("{}: {summary}", args.file.display());
    }
    Ok(())
}

fn write_changes(changes: &[Change], out: &mut dyn Write) -> Result<()> {
    for change in changes {
        writeln!(out, "{change}")?;
    }
    match changes.len() {
        0 => {}
        1 => writeln!(out, "1 change\n")?,
        count => writeln!(out, "{count} changes\n")?,
    }
    Ok(())
}

/// Writes the hierarchy that the draft makes, if it makes one.
fn write_fixed(draft: Draft, path: &Path) -> Result<()> {
    if draft.problems_left_out() > 0 {
        bail!("{} is not written: there are more problems than are listed", path.display());
    }
    let hierarchy = match draft.build() {
        Ok(hierarchy) => hierarchy,
        Err(error) => bail!("{} is not written, as this is left: {error}", path.display()),
    };
    let written = hierarchy.write(WriteFormat::Edges)?;
    warnings::print(written.lost.iter().map(|lost| format!("lost in {}: {lost}", path.display())));
    replace(path, |file| file.write_all(written.text.as_bytes()))
}
