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
        for text in [
            "crow\nrobin\n",
            "of birds\nand/or\nbats/foxes\nin air\n",
            "http://a/b\nhttp://a/c\n",
            "a\tb/c\td\na\tb/d\te\n",
            "<a/b>\n<a/c/d>\n",
        ] {
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

mod adjacency {
    use super::*;

    #[test]
    fn the_first_of_a_line_is_the_parent() {
        for text in [
            "animal\tbird\tbat\tcat\nbird\tcrow\trobin\n",
            "bird\tcrow\trobin\t\r\nanimal\tbird\tbat\tcat\r\n\r\nbat\r\n",
            "animal: bird bat cat\nbird: crow  robin\n",
            "animal:\tbird, bat, cat\nbird: crow, robin\n",
            "# as NetworkX writes\nanimal bird bat cat\nbird crow robin\ncrow\nrobin\nbat\ncat\n",
        ] {
            let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
            assert_eq!((format, problems(&draft)), (Format::Adjacency, vec![]), "{text}");
            let hierarchy = draft.build().unwrap();
            let printed = hierarchy.to_string();
            let mut lines: Vec<&str> = printed.lines().collect();
            lines.sort_unstable();
            assert_eq!(lines, ["    crow", "    robin", "  bat", "  bird", "  cat", "animal"], "{text}");
        }
        let spaced = read("fruit\tapple\tsweet chestnut\nbread\trye bread\n\nrye bread\tpumpernickel\n").unwrap();
        assert_eq!(spaced.path(spaced.node("pumpernickel").unwrap()), "bread > rye bread > pumpernickel");
    }

    #[test]
    fn a_child_may_have_several_parents() {
        let hierarchy =
            read("bird\tcrow\tbat\tduck\tswan\tloon\nmammal\tbat\tcat\tcow\tdog\tant eater\tfox\n").unwrap();
        let bat = hierarchy.node("bat").unwrap();
        assert_eq!(hierarchy.parents(bat).len(), 2);
        assert_eq!(counts(&hierarchy), [12, 10, 2, 1, 1]);
    }

    #[test]
    fn problems_have_their_line() {
        let draft = draft(b"a\tb\tc\n\td\nb\tb\tx\0\ne\t\xe4\nc\tf\n", Format::Adjacency);
        assert_eq!(
            problems(&draft),
            [
                "line 2: empty name",
                "line 3: \"b\" is given as its own parent",
                "line 3: the name \"x\\0\" holds the control character U+0000",
                "line 4: byte 0xe4 is not valid UTF-8; is the file in Latin-1 or a Windows code page?",
            ]
        );
        assert_eq!(draft.name(draft.node_count() - 1), "f");
        let mut text: String = (0..4000).map(|line| format!("parent {line}: a{line} b{line}\n")).collect();
        text.push_str("no colon here\n");
        assert_eq!(
            problems(&super::draft(text, Format::Adjacency)),
            ["line 4001: \"no colon here\" has no colon; expected \"parent: child child\""]
        );
    }

    #[test]
    fn tables_and_words_are_not_taken_for_one() {
        for text in ["crow\tbird\nrobin\tbird\n", "a\tb\tc\nd\te\tf\n", "great white shark\ntench\n", "a: b\nc: d\n"] {
            let guessed = Draft::from_bytes(text.as_bytes(), &ReadOptions::new());
            assert!(guessed.is_err() || guessed.is_ok_and(|(_, format)| format != Format::Adjacency), "{text}");
        }
    }

    #[test]
    fn the_superclasses_of_cifar_are_read() {
        let Some(path) = real("cifar100-superclasses/superclasses.txt") else { return };
        let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
        // 20 superclasses of 5 classes, without the root that cifar100-superclasses.edges.csv has above them.
        assert_eq!(counts(&hierarchy), [120, 100, 20, 0, 1]);
        assert_eq!(hierarchy.path(hierarchy.node("beaver").unwrap()), "aquatic_mammals > beaver");
    }
}

mod wordtree {
    use super::*;

    #[test]
    fn parents_are_numbers_of_lines() {
        // A parent may come later than its child.
        let hierarchy = read("thing -1\ncrow 3\nbat\t0\nbird 0\r\n").unwrap();
        assert_eq!(hierarchy.to_string(), "thing\n  bat\n  bird\n    crow\n");
        assert_eq!(hierarchy.id(hierarchy.node("crow").unwrap()), Some("crow"));
        assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["crow", "bat"]);
    }

    #[test]
    fn names_beside_it_are_for_people() {
        let folder = std::env::temp_dir().join(format!("klados-wordtree-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (tree, names) = (folder.join("2k.tree"), folder.join("2k.names"));
        std::fs::write(&tree, "n1 -1\nn2 0\nn3 0\n").unwrap();
        std::fs::write(&names, "animal\ncrane\ncrane\n").unwrap();
        let named = Hierarchy::from_path(&tree, &ReadOptions::new()).unwrap();
        std::fs::write(&names, "animal\ncrane\n").unwrap();
        let short = Hierarchy::from_path(&tree, &ReadOptions::new()).unwrap();
        std::fs::write(&names, b"animal\ncr\xe4ne\n").unwrap();
        let latin1 = Hierarchy::from_path(&tree, &ReadOptions::new()).unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(named.to_string(), "animal\n  crane\n  crane\n");
        assert_eq!(named.name(named.node("n3").unwrap()), "crane");
        assert_eq!(short.to_string(), "n1\n  n2\n  n3\n");
        assert_eq!(short.warnings()[0].message, "2k.names has 2 names for 3 nodes, and is not read");
        assert!(latin1.to_string().contains("2k.names:2: byte 0xe4"), "{latin1}");
    }

    #[test]
    fn problems_have_their_line_and_lines_that_are_none_count() {
        let draft = draft(b"a -1\nb 0\nc x\nd \xe4\n\nb 0\ne 2\nf 4\ng 99\nh 0 1\ni -2\nj 9\nk 11\n", Format::Wordtree);
        let expected = "expected a name and the number of its parent's line, from 0, or -1";
        assert_eq!(
            problems(&draft),
            [
                format!("line 3: \"c x\"; {expected}"),
                "line 4: byte 0xe4 is not valid UTF-8; is the file in Latin-1 or a Windows code page?".to_owned(),
                "line 6: \"b\" is there already, in line 2".to_owned(),
                format!("line 10: \"h 0 1\"; {expected}"),
                format!("line 11: \"i -2\"; {expected}"),
                "line 7: the parent 2 is a line without a node".to_owned(),
                "line 8: the parent 4 is a line without a node".to_owned(),
                "line 9: there is no parent 99: the lines are 0 to 12".to_owned(),
                "line 12: the parent 9 is a line without a node".to_owned(),
            ]
        );
        assert_eq!(draft.edges().map(|(parent, child, _)| (parent, child)).next(), Some((0, 1)));
        assert_eq!(
            draft.edges().last().map(|(parent, child, _)| (draft.name(parent), draft.name(child))),
            Some(("j", "k"))
        );
    }

    #[test]
    fn numbers_with_a_parent_of_minus_one_are_rather_edges() {
        let (_, format) = Draft::from_bytes(b"1 -1\n2 1\n3 1\n4 2\n", &ReadOptions::new()).unwrap();
        assert_eq!(format, Format::Edges);
    }

    #[test]
    fn a_circle_is_an_error_and_a_chain_may_be_long() {
        assert_eq!(read("a -1\nb 2\nc 1\n").unwrap_err().kind(), Kind::Cycle);
        let text: String = (0..100_000).map(|line| format!("n{line} {}\n", line - 1)).collect();
        assert_eq!(read(&text).unwrap().height(klados::NodeId::ROOT), 99_999);
    }
}
