//! `klados hierarchy match`: the nodes that a model's class names mean.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use klados::NodeId;
use klados::matching::{How, Match, Matches, match_classes};
use serde::Serialize;

use crate::cmd::format::Format;
use crate::cmd::warnings;
use crate::data::class_names;
use crate::data::hierarchy::{self, HierarchyOptions};
use crate::data::replace::replace;

const HELP: &str = r#"Examples:
  # What of a model's classes is in the hierarchy, and under which name.
  klados hierarchy match classes.txt birds.csv
  # A table to correct, and the hierarchy with these classes.
  klados hierarchy match classes.txt birds.csv --out table.csv
  klados hierarchy show birds.csv --columns table.csv"#;

/// Find the node that each class name of a model means: exactly, by another name or id, but for case and spaces, or nearly.
///
/// What is not exact is for you to confirm. --out writes all rows as a table; correct its column "node", and give it as
/// --columns, or to klados hierarchy check as --classes.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct MatchArgs {
    /// The class names, one a line in the order of the columns, or the column "class" or "node" of a CSV
    classes: PathBuf,
    /// The hierarchy, in any format
    file: PathBuf,
    /// Write a row a class: class,node,how,score,alternatives
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// How to print; json is {"rows": [...], "counts": {...}, "shared": [...]}
    #[arg(long, value_name = "F", default_value = "text")]
    format: Format,
    #[command(flatten)]
    options: HierarchyOptions,
}

/// So many rows of a kind are shown to people; tables and programs get all.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Json<'a> {
    rows: Vec<JsonRow<'a>>,
    counts: std::collections::BTreeMap<&'a str, usize>,
    shared: Vec<JsonShared<'a>>,
}

#[derive(Serialize)]
struct JsonRow<'a> {
    class: &'a str,
    line: u64,
    node: Option<String>,
    how: &'a str,
    score: f64,
    alternatives: Vec<JsonCandidate>,
    more_alternatives: usize,
}

#[derive(Serialize)]
struct JsonCandidate {
    node: String,
    score: f64,
}

/// A node that several classes mean.
#[derive(Serialize)]
struct JsonShared<'a> {
    node: String,
    classes: Vec<&'a str>,
}

/// Runs the command.
pub(super) fn run(args: &MatchArgs, out: &mut dyn Write) -> Result<()> {
    let classes = class_names::list(&args.classes, &["class", "node"])?;
    if classes.is_empty() {
        bail!("{} is empty; expected the name of a class on each line", args.classes.display());
    }
    let hierarchy = hierarchy::read(&args.file, &args.options)?;
    warnings::print(hierarchy.warnings());
    let matches = match_classes(&hierarchy, &classes);
    if let Some(path) = &args.out {
        replace(path, |file| matches.write_csv(file))?;
    }
    match args.format {
        Format::Text => write_text(&matches, out),
        Format::Json => write_json(&matches, out),
    }
}

fn of(matches: &Matches, how: How) -> Vec<&Match> {
    matches.rows().iter().filter(|row| row.how == how).collect()
}

/// How many were found how, then the rows to look at.
fn write_text(matches: &Matches, out: &mut dyn Write) -> Result<()> {
    let counts = How::ALL.map(|how| (of(matches, how).len(), how.name()));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")).collect();
    writeln!(out, "{} classes: {}", matches.rows().len(), counts.join(", "))?;
    for how in How::ALL.into_iter().filter(|how| *how != How::Exact) {
        let rows = of(matches, how);
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", heading(how))?;
        for row in rows.iter().take(SHOWN) {
            writeln!(out, "  line {}: {}", row.line, described(matches, row))?;
        }
        if rows.len() > SHOWN {
            writeln!(out, "  ... {} of these in all", rows.len())?;
        }
    }
    write_shared(matches, out)
}

fn heading(how: How) -> &'static str {
    match how {
        How::AlternativeId => "by another id",
        How::Synonym => "by another name",
        How::Normalised => "but for case, spaces or the like",
        How::Nearest => "nearly: please confirm",
        How::Ambiguous => "ambiguous: write which one is meant",
        _ => "not found",
    }
}

/// `"crwo" -> "crow" (0.75), else rook (0.5)`.
fn described(matches: &Matches, row: &Match) -> String {
    let mut text = format!("\"{}\"", row.class);
    if let Some(node) = row.node {
        text += &format!(" -> \"{}\"", matches.name(node));
    }
    if row.how == How::Nearest {
        text += &format!(" ({:.2})", row.score);
    }
    if !row.alternatives.is_empty() {
        let what = match row.how {
            How::Ambiguous => ":",
            How::Unmatched => "; the nearest:",
            _ => ", else",
        };
        text += &format!("{what} {}", matches.alternatives(row));
    }
    text
}

/// A class needs a node of its own: the table cannot be used as long as two have the same.
fn write_shared(matches: &Matches, out: &mut dyn Write) -> Result<()> {
    let shared = matches.shared();
    if shared.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nclasses with the same node, of which each needs its own")?;
    for (node, places) in shared.iter().take(SHOWN) {
        let rows = places.iter().map(|&place| &matches.rows()[place]);
        let named: Vec<String> = rows.take(SHOWN).map(|row| format!("\"{}\" (line {})", row.class, row.line)).collect();
        writeln!(out, "  \"{}\": {}", matches.name(*node), named.join(", "))?;
    }
    if shared.len() > SHOWN {
        writeln!(out, "  ... {} of these in all", shared.len())?;
    }
    Ok(())
}

fn write_json(matches: &Matches, out: &mut dyn Write) -> Result<()> {
    let shared = matches.shared().into_iter().map(|(node, places)| JsonShared {
        node: matches.name(node),
        classes: places.iter().map(|&place| matches.rows()[place].class.as_str()).collect(),
    });
    let json = Json {
        rows: matches.rows().iter().map(|row| json_row(matches, row)).collect(),
        counts: How::ALL.iter().map(|&how| (how.name(), of(matches, how).len())).collect(),
        shared: shared.collect(),
    };
    serde_json::to_writer(&mut *out, &json)?;
    Ok(writeln!(out)?)
}

fn json_row<'m>(matches: &'m Matches, row: &'m Match) -> JsonRow<'m> {
    let candidate = |&(node, score): &(NodeId, f64)| JsonCandidate { node: matches.name(node), score };
    JsonRow {
        class: &row.class,
        line: row.line,
        node: row.node.map(|node| matches.name(node)),
        how: row.how.name(),
        score: row.score,
        alternatives: row.alternatives.iter().map(candidate).collect(),
        more_alternatives: row.more_alternatives,
    }
}
