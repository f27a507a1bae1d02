//! Formats with a node or a path a line: paths, outlines, lists of neighbours, and those of a data set each.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

fn read(text: &str) -> Result<Hierarchy, klados::HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

fn draft(text: impl AsRef<[u8]>, format: Format) -> Draft {
    Draft::from_bytes(text.as_ref(), &ReadOptions::new().format(format)).unwrap().0
}

fn problems(draft: &Draft) -> Vec<String> {
    draft.problems().iter().map(ToString::to_string).collect()
}

/// A file of the real hierarchies, where they are there.
fn real(name: &str) -> Option<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    let path = folder.join(name);
    if !path.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("SKIPPED: no {}", path.display());
        }
        return None;
    }
    Some(path)
}

/// Nodes without an added root, leaves, roots, nodes with several parents, and edges from the top to the deepest.
fn counts(hierarchy: &Hierarchy) -> [usize; 5] {
    let added = usize::from(hierarchy.root_is_added());
    let roots = if added == 1 { hierarchy.children(klados::NodeId::ROOT).len() } else { 1 };
    let several = hierarchy.nodes().filter(|&node| hierarchy.parents(node).len() > 1).count();
    [
        hierarchy.node_count() - added,
        hierarchy.class_count(),
        roots,
        several,
        hierarchy.height(klados::NodeId::ROOT) - added,
    ]
}

mod paths {
    use super::*;

    const ANIMALS: &str = "animal\n  bird\n    crow\n    robin\n  bat\nplant\n";

    #[test]
    fn the_separator_is_found() {
        for text in [
            "animal > bird > crow\nanimal > bird > robin\nanimal > bat\nplant\n",
            "animal :: bird :: crow\nanimal :: bird :: robin\nanimal :: bat\nplant\n",
            "animal | bird | crow\nanimal | bird | robin\nanimal | bat\nplant",
            "animal>bird>crow\r\nanimal>bird>robin\r\nanimal>bat\r\nplant\r\n",
            "animal::bird::crow\nanimal::bird :: robin\nanimal::bat\nplant\n",
            "animal|bird|crow\nanimal|bird|robin\nanimal|bat\nplant\n",
            "animal;bird;crow\nanimal;bird;robin;\nanimal;bat\nplant\n",
            "/animal/bird/crow/\n\nanimal/bird/robin\nanimal/bat\nplant\n",
            "# made by hand\nanimal/bird/crow\nanimal/bird/robin\n# a comment\nanimal/bat\nplant\n",
        ] {
            let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
            assert_eq!((format, problems(&draft)), (Format::Paths, vec![]), "{text}");
            let hierarchy = draft.build().unwrap();
            assert_eq!((hierarchy.to_string().as_str(), hierarchy.has_ids()), (ANIMALS, false), "{text}");
        }
    }

    #[test]
    fn ids_stand_in_front() {
        for text in [
            "9 - animal > bird\n10 - animal > bird > crow\n11 - animal > bat\n",
            "9\tanimal > bird\n10\tanimal > bird > crow\n11\tanimal > bat\n",
            "9 : animal > bird\n10  : animal > bird > crow\n11  : animal > bat\n",
            "9 > animal > bird\n10 > animal > bird > crow\n11 > animal > bat\n",
        ] {
            let hierarchy = read(text).unwrap();
            assert_eq!(hierarchy.to_string(), "animal\n  bird\n    crow\n  bat\n", "{text}");
            let [bird, crow] = ["9", "10"].map(|id| hierarchy.node(id).unwrap());
            assert_eq!((hierarchy.name(bird), hierarchy.name(crow)), ("bird", "crow"), "{text}");
            assert_eq!(hierarchy.id(hierarchy.node("animal").unwrap()), None);
        }
        // A year is a name: it comes twice.
        let years = read("2020 > spring\n2020 > autumn\n2021 > spring\n").unwrap();
        assert_eq!(years.to_string(), "2020\n  spring\n  autumn\n2021\n  spring\n");
    }

    #[test]
    fn the_path_is_the_identity() {
        let hierarchy = read("Plantae > Iris\nAnimalia > Iris\nAnimalia > Bufo\nAnimalia > Bufo\n").unwrap();
        assert_eq!(hierarchy.to_string(), "Plantae\n  Iris\nAnimalia\n  Iris\n  Bufo\n");
        assert_eq!(hierarchy.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
    }

    #[test]
    fn problems_have_their_line_and_reading_goes_on() {
        let text = "1 - a > b\n\n2 - a >  > c\n2 - a > d\n3 - a > b\n2 - a > e\na > f\n4 - >\n\
                    5 - a > g\n6 - a > h\n7 - a > i\n8 - a > j\n9 - a > k\n10 - a > l\n";
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend_from_slice(b"11 - a > \xe4\n12 - a > x\0y\n13 - a > z\n");
        let draft = draft(&bytes, Format::Paths);
        assert_eq!(
            problems(&draft),
            [
                "line 3: empty name",
                "line 5: \"b [1]\" gets a second id, \"3\"",
                "line 6: the id \"2\" of \"e\" is that of \"d\" already",
                "line 7: no id in front of \"a > f\"; the first lines have a number with \" - \" after it",
                "line 8: a path without names",
                "line 15: byte 0xe4 is not valid UTF-8; is the file in Latin-1 or a Windows code page?",
                "line 16: the name \"x\\0y\" holds the control character U+0000",
            ]
        );
        assert_eq!(draft.name(draft.node_count() - 1), "z");
        let flat = super::draft("a\nb\n", Format::Paths);
        assert!(flat.warnings()[0].message.starts_with("no line has"), "{:?}", flat.warnings());
        assert_eq!(flat.build().unwrap().class_count(), 2);
    }

    #[test]
    fn what_is_no_list_of_paths_is_not_taken_for_one() {
        for text in ["crow\nrobin\n", "http://a/b\nhttp://a/c\n", "a\tb/c\td\na\tb/d\te\n", "<a/b>\n<a/c/d>\n"] {
            let guessed = Draft::from_bytes(text.as_bytes(), &ReadOptions::new());
            assert!(guessed.is_err() || guessed.is_ok_and(|(_, format)| format != Format::Paths), "{text}");
        }
        // Of equally many fields: a table, if of semicolons.
        let (_, format) = Draft::from_bytes(b"genus;species\na;b\na;c\n", &ReadOptions::new()).unwrap();
        assert_eq!(format, Format::Ranks);
    }

    #[test]
    fn a_path_of_a_hundred_thousand_names_takes_no_more_than_its_length() {
        let text = format!("{}\n{}x\n", "a/".repeat(100_000), "a/".repeat(100_000));
        let draft = draft(text, Format::Paths);
        assert_eq!((draft.node_count(), draft.edges().len()), (100_001, 100_000));
        assert_eq!(draft.build().unwrap().class_count(), 1);
    }

    #[test]
    fn the_classifiers_of_pypi_are_read() {
        let Some(path) = real("pypi-trove-classifiers/classifiers.txt") else { return };
        let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
        // Counted in pypi-trove-classifiers.edges.csv.
        assert_eq!(counts(&hierarchy), PYPI);
        let edges = real("pypi-trove-classifiers/pypi-trove-classifiers.edges.csv").unwrap();
        assert_eq!(counts(&Hierarchy::from_path(edges, &ReadOptions::new()).unwrap()), PYPI);
    }

    const PYPI: [usize; 5] = [906, 788, 10, 0, 4];
}

mod outline {
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
                "line 5: byte 0xe4 is not valid UTF-8; is the file in Latin-1 or a Windows code page?",
                "line 6: the name \"c\\0\" holds the control character U+0000",
            ]
        );
    }

    #[test]
    fn what_only_looks_indented_is_not_taken_for_an_outline() {
        for text in ["{\n  \"a\": [\n    \"b\"\n  ]\n}\n", "(a,\n  (b,\n  c));\n", "<a>\n  <b/>\n</a>\n", "  a\n  b\n"]
        {
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
}
