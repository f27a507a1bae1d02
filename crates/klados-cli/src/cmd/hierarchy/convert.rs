//! `klados hierarchy convert`: a hierarchy in another format.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use klados::Hierarchy;
use klados::format::WriteFormat;

use crate::cmd::{Usage, warnings};
use crate::data::hierarchy::{self, HierarchyOptions};
use crate::data::replace::replace;

/// What OUT may be; `prune` has it too.
pub(super) const FORMATS: &str = r#"Formats of OUT, by its ending or --to:
  edges    .csv   child,parent; or id,parent_id,name; with ranks where there are
  ranks    (--to) CSV, a column a rank, a path a line; trees
  klados   .json  all of it, with the order of columns, to be read by klados
  nested   (--to) JSON with children inside their parents, as d3 draws it
  newick   .nwk   names and shape; trees
  dot      .dot   to draw with Graphviz: dot -Tsvg
  mermaid  .mmd   to draw with Mermaid, as GitHub does in Markdown
What a format has no way to say is lost, and a warning says what that is."#;

const HELP: &str = r#"
Examples:
  # An ontology as edges, which any spreadsheet opens.
  klados hierarchy convert cl-basic.obo cells.csv
  # A column a rank.
  klados hierarchy convert birds.nwk birds.csv --to ranks
  # A picture.
  klados hierarchy convert animals.csv - --to dot | dot -Tsvg > animals.svg
  # With the classes of a model, in the order of its columns.
  klados hierarchy convert animals.csv model.json --columns columns.txt"#;

fn help() -> String {
    format!("{FORMATS}\n{HELP}")
}

/// Write a hierarchy in another format.
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
pub(super) struct ConvertArgs {
    /// The hierarchy, in any format
    file: PathBuf,
    /// The file to write; - is standard output
    out: PathBuf,
    /// The format to write [default: as the ending of OUT says]
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    to: Option<WriteFormat>,
    /// The class of each column, one a line [default: the leaves as they first appear in the file]
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    #[command(flatten)]
    options: HierarchyOptions,
}

/// The names that `--to` takes.
pub(super) fn formats() -> impl TypedValueParser<Value = WriteFormat> {
    PossibleValuesParser::new(WriteFormat::NAMES).try_map(|name| name.parse::<WriteFormat>())
}

/// Runs the command.
pub(super) fn run(args: &ConvertArgs, out: &mut dyn Write) -> Result<()> {
    let format = format_of(&args.out, args.to)?;
    check_differs(&args.file, &args.out)?;
    let mut hierarchy = hierarchy::read(&args.file, &args.options)?;
    if let Some(columns) = &args.columns {
        hierarchy = hierarchy::with_columns_of(&hierarchy, columns, false)?;
    }
    warnings::print(hierarchy.warnings());
    write(&hierarchy, &args.out, format, out)
}

/// The format that is asked for, or that of the file's ending.
pub(super) fn format_of(path: &Path, asked: Option<WriteFormat>) -> Result<WriteFormat> {
    asked.or_else(|| WriteFormat::of_path(path)).ok_or_else(|| {
        let formats = WriteFormat::NAMES.join(", ");
        let message = format!("the ending of {} says no format; say it with --to: {formats}", path.display());
        Usage(message).into()
    })
}

/// An error where a file would be written over the one that is read, of which some is lost in most formats.
pub(super) fn check_differs(file: &Path, out: &Path) -> Result<()> {
    let is_same = || Some(file.canonicalize().ok()? == out.canonicalize().ok()?);
    if is_same() == Some(true) {
        bail!(Usage(format!("{} is the file that is read: expected another one to write", out.display())));
    }
    Ok(())
}

/// Whether the file is standard output.
pub(super) fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes the file, whole or not at all, and says what is lost.
pub(super) fn write(hierarchy: &Hierarchy, path: &Path, format: WriteFormat, out: &mut dyn Write) -> Result<()> {
    let written = hierarchy.write(format)?;
    let lost = written.lost.iter();
    if is_standard_output(path) {
        warnings::print(lost.map(|lost| format!("lost: {lost}")));
        return Ok(out.write_all(written.text.as_bytes())?);
    }
    warnings::print(lost.map(|lost| format!("lost in {}: {lost}", path.display())));
    replace(path, |file| file.write_all(written.text.as_bytes()))
}
