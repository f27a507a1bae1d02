//! Files of kinds that are not read: what the refusal calls them, and what it says to do.

use klados::format::{Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

use crate::data::Folder;
use crate::reading::guess;

fn refusal(bytes: &[u8]) -> String {
    let error = Hierarchy::from_bytes(bytes, &ReadOptions::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::Format, "{error}");
    error.to_string()
}

/// The first bytes are those that the formats' specifications give.
#[test]
fn kinds_that_are_not_read_are_named() {
    let owl = "<?xml version=\"1.0\"?>\n<rdf:RDF xmlns:owl=\"http://www.w3.org/2002/07/owl#\"></rdf:RDF>\n";
    let skos = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n<a> skos:broader <b> .\n";
    for (text, name, instead) in [
        ("PK\u{3}\u{4}\u{14}\0", "spreadsheet", "CSV UTF-8"),
        ("%PDF-1.7\n", "PDF", "as a table"),
        ("BZh91AY&SY", "compressed", "unpack"),
        ("PAR1\u{15}\0", "Parquet", "CSV"),
        ("<!DOCTYPE html>\n<html></html>", "HTML", "the file itself"),
        (owl, "OWL", "robot convert --input"),
        ("@prefix owl: <http://www.w3.org/2002/07/owl#> .\n", "OWL", "robot convert --input"),
        ("<http://a> <http://b> <http://c> .\n<http://d> <http://b> <http://c> .\n", "RDF", "robot"),
        (skos, "SKOS", "child,parent"),
        ("<?xml version=\"1.0\"?>\n<graphml></graphml>", "GraphML", "parent,child"),
        ("<?xml version=\"1.0\"?>\n<a/>\n", "XML other than", "as a table"),
        ("<phyloxml></phyloxml>", "phyloXML", "Newick"),
        ("// birds\ndigraph {\n  bird -> crow;\n}\n", "Graphviz", "parent,child"),
        ("strict graph birds {\n  bird -- crow\n}\n", "Graphviz", "parent,child"),
        ("graph TD\n  bird --> crow\n", "Mermaid", "parent,child"),
        ("mindmap\n  bird\n    crow\n", "Mermaid", "parent,child"),
        ("animals:\n  birds:\n    - crow\n    - robin\n", "YAML", "JSON"),
        ("---\nnames:\n  0: crow\n", "YAML", "JSON"),
        ("{\"id\":1,\"parent\":null}\n{\"id\":2,\"parent\":1}\n", "JSON Lines", "jq -r"),
        ("bird -> crow\nbird -> robin\n", "arrows", "child,parent"),
        ("1\t|\troot\t|\t\t|\tscientific name\t|\n", "names.dmp", "nodes.dmp"),
    ] {
        let message = refusal(text.as_bytes());
        assert!(message.starts_with("this seems to be "), "{text}: {message}");
        assert!(message.contains(name) && message.contains(instead), "{text}: {message}");
    }
    assert!(refusal(b"\x1f\x8b\x08\x00").contains("compressed"));
    assert!(refusal(b"\xd0\xcf\x11\xe0\xa1\xb1").contains("old spreadsheet"));
}

#[test]
fn what_klados_draws_is_refused_by_its_name() {
    let birds = Hierarchy::from_edges([("bird", "crow"), ("bird", "robin")]).unwrap();
    for (format, name) in
        [(klados::format::WriteFormat::Dot, "Graphviz"), (klados::format::WriteFormat::Mermaid, "Mermaid")]
    {
        let message = refusal(birds.write(format).unwrap().text.as_bytes());
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn what_no_format_knows_is_told_as_far_as_it_is_known() {
    let error = Hierarchy::from_bytes(b"crow\nrobin\nbat\n", &ReadOptions::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::UnknownFormat);
    let message = "each line has one name, so that nothing says what is above what; the formats are \"edges\", ";
    assert!(error.message().starts_with(message), "{error}");
    let error = Hierarchy::from_bytes(b"[{\"id\":1,\"parent\":null},{\"id\":2,\"parent\":1}]", &ReadOptions::new());
    let error = error.unwrap_err();
    assert!(error.message().starts_with("this is JSON, and of none of the kinds"), "{error}");
    assert_eq!(error.kind(), Kind::UnknownFormat);
    assert!(refusal(b"c\0r\0o\0w\0").starts_with("this is no text, or UTF-16 without"));
    assert!(refusal(b"[a]\nx = true\n").starts_with("this is TOML, and not names below names"));
    let folder = Folder::new("empty-folder");
    let error = Hierarchy::from_path(&folder.0, &ReadOptions::new()).unwrap_err();
    assert!(error.message().starts_with("no folder is in this one; expected a folder a class"), "{error}");
}

#[test]
fn broken_json_and_toml_are_told_with_their_line() {
    let error = |text: &str| Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap_err().to_string();
    assert!(
        error("{\"a\": 1,\n\"b\" 2}").starts_with("line 2: this is no valid JSON: "),
        "{}",
        error("{\"a\": 1,\n\"b\" 2}")
    );
    let toml = error("[animals]\nbirds = [\"crow\"\n");
    assert!(
        toml.starts_with("line 2: this is no valid TOML: ") || toml.starts_with("line 3: this is no valid TOML: "),
        "{toml}"
    );
}

#[test]
fn what_only_looks_foreign_is_read() {
    for (text, format) in [
        ("graph,parent\nbird,graph\ncrow,bird\n", Format::Edges),
        ("graph\n  tree\n  cycle\n", Format::Outline),
        ("bird: crow robin\nfish: ray shark\n", Format::Adjacency),
        ("Animals:\n  Birds\n    Crow\n", Format::Outline),
        ("child,parent\na -> b,c\nd -> e,c\n", Format::Edges),
        ("BZh > a\nBZh > b\n", Format::Paths),
    ] {
        assert_eq!(guess(text), Some(format), "{text}");
    }
    // A node without children has a colon too, and nothing below it.
    let options = ReadOptions::new().format(Format::Adjacency);
    for text in ["bird: crow robin\ncrow:\nrobin:\n", "crow:\nrobin:\n"] {
        let error = Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap_err();
        assert!(!error.message().contains("YAML"), "{error}");
        assert!(Hierarchy::from_bytes(text.as_bytes(), &options).is_ok());
    }
    // Named, the format is what it is said to be.
    let options = ReadOptions::new().format(Format::Outline);
    let birds = Hierarchy::from_bytes(b"graph TD\n  bird --> crow\n", &options).unwrap();
    assert_eq!(birds.to_string(), "graph TD\n  bird --> crow\n");
}
