//! Indented outlines.

use super::*;

const ANIMALS: &str = "animal\n  bird\n    crow\n    robin\n  bat\nplant\n";

#[test]
fn tabs_spaces_and_dashes() {
    for text in [
        ANIMALS,
        "animal\n bird\n  crow\n  robin\n bat\nplant",
        "animal\r\n    bird\r\n        crow  \r\n        robin\r\n    bat\r\nplant\r\n",
        "animal\n\tbird\n\t\tcrow\n\n\t\trobin\n\tbat\nplant\n",
        "animal\n-- bird\n---- crow\n---- robin\n-- bat\n\nplant\n",
        "animal\n-bird\n--crow\n-- robin\n-bat\nplant\n",
    ] {
        let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
        assert_eq!((format, problems(&draft)), (Format::Outline, vec![]), "{text}");
        assert_eq!((draft.line(0), draft.line(1)), (Some(1), Some(2)));
        let hierarchy = draft.build().unwrap();
        assert_eq!(hierarchy.to_string(), ANIMALS, "{text}");
        assert!(hierarchy.warnings().is_empty());
    }
    let flat = draft("crow\nrobin\n", Format::Outline).build().unwrap();
    assert_eq!(flat.to_string(), "crow\nrobin\n");
}

#[test]
fn lists_of_markdown_and_what_tree_draws() {
    let animals = "animals\n  birds\n    crow\n    robin\n  mammals\n    bat\n";
    for text in [
        "- animals\n  - birds\n    - crow\n    - robin\n  - mammals\n    - bat\n",
        "+ animals\n\t+ birds\n\t\t+ crow\n\t\t- robin\n\n\t+ mammals\n\t\t+ bat\n",
        "animals\n|-- birds\n|   |-- crow\n|   `-- robin\n`-- mammals\n    `-- bat\n\n3 directories\n",
        "animals\n├── birds\n│   ├── crow\n│   ╰── robin\n╰── mammals\n    ╰── bat\n",
    ] {
        let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
        assert_eq!((format, problems(&draft)), (Format::Outline, vec![]), "{text}");
        assert_eq!(draft.build().unwrap().to_string(), animals, "{text}");
    }
    for name in ["outline/tree.txt", "outline/list.md"] {
        assert_eq!(crate::reading::fixture(name).to_string(), animals, "{name}");
    }
    let draft = draft("- a\n  - b\n  c\n    - d\n      - e\n", Format::Outline);
    assert_eq!(problems(&draft), ["line 3: there is no bullet before the name; the first line has one"]);
}

#[test]
fn tabs_among_spaces_are_told_with_their_line() {
    let text = "animals\n  birds\n    crow\n\trobin\n  mammals\n";
    let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(format, Format::Outline);
    assert_eq!(problems(&draft), ["line 4: indented by tabs; the first line that is indented has spaces"]);
}

#[test]
fn what_a_hierarchy_prints_is_read_back() {
    for paths in ["a > Iris\nb > Iris\nb > - x\nc > d (e)\n", "root > a\nroot > b > c > d > e\nroot > f\n"] {
        let hierarchy = read(paths).unwrap();
        let again = read(&hierarchy.to_string()).unwrap();
        assert_eq!(again.to_string(), hierarchy.to_string());
        assert_eq!(again.class_names().collect::<Vec<_>>(), hierarchy.class_names().collect::<Vec<_>>());
    }
    // Of a DAG: a branch that is shown elsewhere is the same, a leaf that is shown twice is two.
    let dag = read("parent,child\nbird,bat\nmammal,bat\nbat,vampire\nbat,fox\nbird,crow\n").unwrap();
    assert_eq!(dag.to_string(), "bird\n  bat\n    vampire\n    fox\n  crow\nmammal\n  bat (above)\n");
    assert_eq!(read(&dag.to_string()).unwrap().to_string(), dag.to_string());
}

#[test]
fn the_same_name_elsewhere_is_another_node_with_a_warning() {
    let hierarchy = read("a\n  Iris\nb\n  Iris\n  x (above)\nb\n  y\n").unwrap();
    assert_eq!(hierarchy.to_string(), "a\n  Iris\nb\n  Iris\n  x (above)\n  y\n");
    let warnings: Vec<String> = hierarchy.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "line 6: \"b\" stands there in line 3 already and is taken to be the same node",
            "1 names stand at several places, and are a node at each: \"Iris\"",
        ]
    );
}

#[test]
fn jumps_and_mixed_indentation_are_problems_with_their_line() {
    let draft = draft("a\n  b\n      c\n        d\n   e\n\tf\n  \tg\n  h\n    i\n", Format::Outline);
    assert_eq!(
        problems(&draft),
        [
            "line 3: \"c\" is at level 4 below a line at level 2; a line is one level deeper at the most",
            "line 5: indented by 3 spaces; expected a multiple of 2, as the first line that is indented has",
            "line 6: indented by tabs; the first line that is indented has spaces",
            "line 7: indented by tabs; the first line that is indented has spaces",
        ]
    );
    let names: Vec<&str> = (0..draft.node_count()).map(|node| draft.name(node)).collect();
    assert_eq!(names, ["a", "b", "h", "i"]);
    assert_eq!(
        problems(&super::draft("  a\n  b\n--\n", Format::Outline)),
        ["line 1: \"a\" is at level 2 below a line at level 0; a line is one level deeper at the most"]
    );
    let bytes = b"a\n-- b\n-- \n---- x\n-- \xe4\n-- c\0\n-- d\n";
    assert_eq!(
        problems(&super::draft(bytes, Format::Outline)),
        [
            "line 3: empty name",
            "line 5: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
            "line 6: the name \"c\\0\" holds the control character U+0000",
        ]
    );
}

#[test]
fn what_only_looks_indented_is_not_taken_for_an_outline() {
    for text in ["{\n  \"a\": [\n    \"b\"\n  ]\n}\n", "(a,\n  (b,\n  c));\n", "<a>\n  <b/>\n</a>\n", "  a\n  b\n"] {
        let guessed = Draft::from_bytes(text.as_bytes(), &ReadOptions::new());
        assert!(guessed.is_err() || guessed.is_ok_and(|(_, format)| format != Format::Outline), "{text}");
    }
}

#[test]
fn an_outline_may_be_deep() {
    let text: String = (0..3000).map(|level| format!("{}n{level}\n", "\t".repeat(level))).collect();
    let hierarchy = read(&text).unwrap();
    assert_eq!((hierarchy.node_count(), hierarchy.height(klados::NodeId::ROOT)), (3000, 2999));
    assert_eq!(read(&hierarchy.to_string()).unwrap().node_count(), 3000);
}

#[test]
fn the_outline_of_the_birds_of_cub_is_read() {
    let Some(path) = real("cub200-wikispecies/hierarchy_wikispecies.txt") else { return };
    let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
    // Counted in cub200-wikispecies.edges.csv.
    assert_eq!(counts(&hierarchy), [383, 200, 1, 0, 6]);
    assert_eq!(hierarchy.path(hierarchy.node("Fulmarus glacialis").unwrap()), FULMAR);
}

const FULMAR: &str = "Aves > Procellariiformes > Procellariidae > Fulmarus > Fulmarus glacialis";
