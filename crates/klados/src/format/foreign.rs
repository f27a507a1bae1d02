//! Files that are plainly of a kind which is not read: how they look, what they are called, and what to do with them.
//!
//! The guess asks here first, so that none of them is taken for a table or an outline that it happens to look like, and
//! again for what it could be that no format knows.

use super::guess::Head;
use super::{Format, icd10cm, json_kind, ncbi, toml};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// A kind of files.
struct Foreign {
    looks_so: fn(&Head<'_>) -> bool,
    /// What it is called.
    name: &'static str,
    /// What to do.
    instead: &'static str,
}

/// The first that fits is told.
const FOREIGN: &[Foreign] = &[
    Foreign {
        looks_so: |head| head.bytes().starts_with(b"PK\x03\x04"),
        name: "a spreadsheet (.xlsx, .ods) or another zip archive",
        instead: "export the sheet as \"CSV UTF-8\", or unpack the archive",
    },
    Foreign {
        looks_so: |head| head.bytes().starts_with(b"\xd0\xcf\x11\xe0"),
        name: "an old spreadsheet (.xls) or document",
        instead: "export the sheet as \"CSV UTF-8\"",
    },
    Foreign {
        looks_so: is_compressed,
        name: "a compressed file",
        instead: "unpack it first (gunzip, unzstd, unxz, bunzip2)",
    },
    Foreign {
        looks_so: |head| TABLES.iter().any(|magic| head.bytes().starts_with(magic)),
        name: "a binary table (Parquet, Arrow, SQLite)",
        instead: "write its columns as CSV",
    },
    Foreign {
        looks_so: |head| head.bytes().starts_with(b"%PDF-"),
        name: "a PDF",
        instead: "look for the same list as a table or as text",
    },
    Foreign {
        looks_so: is_html,
        name: "a page of HTML",
        instead: "download the file itself and not the page that shows it",
    },
    Foreign {
        looks_so: |head| is_rdf(head) && head.text().contains("skos/core#"),
        name: "SKOS in RDF",
        instead: "write the pairs of skos:broader as a table, narrower,broader, with \"child,parent\" as the first line",
    },
    Foreign {
        looks_so: is_rdf,
        name: "an ontology in OWL or RDF",
        instead: "convert it to OBO with ROBOT: robot convert --input FILE --output FILE.obo",
    },
    Foreign {
        looks_so: |head| head.text().contains("<graphml") || head.text().contains("<gexf"),
        name: "a graph in XML (GraphML, GEXF)",
        instead: "write its edges as a table, with \"parent,child\" as the first line",
    },
    Foreign {
        looks_so: |head| head.text().contains("<phyloxml") || head.text().contains("<nex:nexml"),
        name: "a tree in XML (phyloXML, NeXML)",
        instead: "convert it to Newick",
    },
    Foreign {
        looks_so: |head| head.text().trim_start().starts_with("<?xml") && icd10cm::looks_like(head).is_none(),
        name: "XML other than the tabular list of ICD-10-CM",
        instead: "write what it says as a table, with \"parent,child\" as the first line",
    },
    Foreign {
        looks_so: is_dot,
        name: "a drawing for Graphviz",
        instead: "write its edges as a table, with \"parent,child\" as the first line",
    },
    Foreign {
        looks_so: is_mermaid,
        name: "a drawing for Mermaid",
        instead: "write its edges as a table, with \"parent,child\" as the first line",
    },
    Foreign {
        looks_so: are_json_lines,
        name: "JSON Lines, an object a line",
        instead: "write its keys as a table: jq -r '[.id, .parent, .name] | @csv', below a first line \"id,parent,name\"",
    },
    Foreign {
        looks_so: is_yaml,
        name: "YAML",
        instead: "convert it to JSON, or write an indented list without colons",
    },
    Foreign {
        looks_so: have_arrows,
        name: "a list of edges with arrows",
        instead: "write commas for the arrows, and \"parent,child\" or \"child,parent\" as the first line: arrows are drawn \
                  either way",
    },
    Foreign {
        looks_so: ncbi::are_names,
        name: "NCBI's names.dmp",
        instead: "read nodes.dmp, or the folder with both: the names alone do not say what is above what",
    },
];

/// gzip, Zstandard, xz.
const COMPRESSED: [&[u8]; 3] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"];
const TABLES: [&[u8]; 3] = [b"PAR1", b"ARROW1", b"SQLite format 3\0"];

/// Why an input is not read whose kind is plain, and is none of the formats.
pub(super) fn refuse(head: &Head<'_>) -> Result<(), HierarchyError> {
    match FOREIGN.iter().find(|foreign| (foreign.looks_so)(head)) {
        Some(Foreign { name, instead, .. }) => {
            let message = format!("this seems to be {name}, which is not read; {instead}");
            Err(HierarchyError::new(Kind::Format, message))
        }
        None => json_kind::broken(head).map_or(Ok(()), Err),
    }
}

/// Why an input is not read that no format knows.
pub(super) fn none_fits(head: &Head<'_>) -> HierarchyError {
    let misfit = |message| HierarchyError::new(Kind::Format, message);
    let unknown = |message| HierarchyError::new(Kind::UnknownFormat, message);
    if let Some(error) = toml::misfit(head) {
        error
    } else if head.folder().is_some() {
        misfit("no folder is in this one; expected a folder a class, or the files of a taxonomy such as nodes.dmp")
    } else if json_kind::is_json(head) {
        // It may be one whose keys come late.
        unknown(
            "this is JSON, and of none of the kinds that are read: names that hold names, \"children\", \"child_ids\", \
             \"nodes\" with \"links\", \"categories\"; where objects name their parent, write them as a table: jq -r \
             '.[] | [.id, .parent, .name] | @csv', below a first line \"id,parent,name\""
                .to_owned(),
        )
    } else if head.bytes().contains(&0) {
        misfit("this is no text, or UTF-16 without a byte order mark; expected text in UTF-8")
    } else {
        let what = match is_a_list(head) {
            true => "each line has one name, so that nothing says what is above what; the formats are",
            false => "the format is none of those that are known:",
        };
        unknown(format!("{what} {}", list(Format::NAMES, usize::MAX)))
    }
}

fn is_compressed(head: &Head<'_>) -> bool {
    let bytes = head.bytes();
    // bzip2 says its level before what no name has.
    let is_bzip2 = || bytes.starts_with(b"BZh") && bytes.get(4..10) == Some(b"1AY&SY");
    is_bzip2() || COMPRESSED.iter().any(|magic| bytes.starts_with(magic))
}

fn is_html(head: &Head<'_>) -> bool {
    let start: String = head.text().trim_start().chars().take(15).collect::<String>().to_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// RDF/XML, OWL/XML, Turtle, N-Triples, or OWL in functional syntax.
fn is_rdf(head: &Head<'_>) -> bool {
    let text = head.text().trim_start();
    let is_xml =
        || text.starts_with('<') && (text.contains("<rdf:RDF") || text.contains("http://www.w3.org/2002/07/owl#"));
    let first = head.lines().next().unwrap_or_default().trim();
    let starts = |words: &[&str]| words.iter().any(|word| first.starts_with(word));
    let is_triple = || first.starts_with('<') && first.ends_with(" .");
    is_xml() || is_triple() || starts(&["@prefix ", "@base ", "PREFIX ", "Prefix(", "Prefix: ", "Ontology("])
}

fn is_dot(head: &Head<'_>) -> bool {
    let text = head.text();
    let first = head.lines().map(str::trim).find(|line| !line.starts_with("//")).unwrap_or_default();
    let mut words = first.split(|char: char| char.is_whitespace() || char == '{').filter(|word| *word != "strict");
    let is_graph = words.next().is_some_and(|word| matches!(word.to_lowercase().as_str(), "graph" | "digraph"));
    is_graph && text.contains('{') && (text.contains("->") || text.contains("--"))
}

fn is_mermaid(head: &Head<'_>) -> bool {
    let first = head.lines().map(str::trim).find(|line| !line.starts_with("%%")).unwrap_or_default();
    match first.split_once(' ') {
        Some(("graph" | "flowchart", direction)) => {
            ["TD", "TB", "BT", "LR", "RL"].contains(&direction.trim_end_matches(';').trim())
        }
        _ => first == "mindmap",
    }
}

/// Two lines that are an object each.
fn are_json_lines(head: &Head<'_>) -> bool {
    let is_object =
        |line: &str| line.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(line.trim()).is_ok();
    let mut lines = head.lines();
    let (first, second) = (lines.next(), lines.next());
    first.is_some_and(is_object) && second.is_some_and(is_object)
}

/// By the ending, or where each line is a key or an item, and something is below a key.
fn is_yaml(head: &Head<'_>) -> bool {
    let is_key = |line: &str| line.ends_with(':') || line.split_once(": ").is_some_and(|(key, _)| !key.contains(' '));
    let is_line = |line: &str| line == "---" || line.starts_with("- ") || is_key(line);
    let mut lines = head.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let is_below = |(above, line): (&str, &str)| {
        above.trim_end().ends_with(':') && (indentation(line) > indentation(above) || line.trim().starts_with("- "))
    };
    let has_below = || head.lines().zip(head.lines().skip(1)).any(is_below);
    // A head of JSON may be cut after a key.
    let is_json = || head.text().trim_start().starts_with(['{', '[']);
    matches!(head.extension().as_str(), "yaml" | "yml") || (!is_json() && has_below() && lines.all(is_line))
}

/// Whether each line has names on both sides of an arrow.
fn have_arrows(head: &Head<'_>) -> bool {
    let has_arrow = |line: &str| [" -> ", " --> ", " => ", " → "].iter().any(|arrow| line.trim().contains(arrow));
    let mut lines = head.lines().peekable();
    lines.peek().is_some() && lines.all(has_arrow)
}

fn is_a_list(head: &Head<'_>) -> bool {
    let is_name =
        |line: &str| !line.starts_with(char::is_whitespace) && !line.contains(['\t', ',', ';', '|', '>', '/']);
    head.lines().nth(1).is_some() && head.lines().all(is_name)
}
