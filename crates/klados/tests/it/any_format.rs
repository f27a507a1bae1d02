//! Reading hierarchies in any format: the guess, the options, the limits, and what a draft keeps.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind, NodeId};

fn read(text: &str) -> Result<Hierarchy, klados::HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

/// A file or folder of each format, with the format that it is.
fn fixtures() -> Vec<(Format, std::path::PathBuf)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hierarchies");
    let mut found = Vec::new();
    for &format in Format::ALL {
        let of_format = folder.join(format.name());
        let entries = std::fs::read_dir(&of_format)
            .unwrap_or_else(|error| panic!("{}: {error}: every format has fixtures", of_format.display()));
        found.extend(entries.map(|entry| (format, entry.unwrap().path())));
    }
    found
}

#[test]
fn every_fixture_is_recognised_and_read() {
    for (format, path) in fixtures() {
        let (draft, guessed) = Draft::from_path(&path, &ReadOptions::new()).unwrap();
        assert_eq!(guessed, format, "{}", path.display());
        assert!(draft.problems().is_empty(), "{}: {:?}", path.display(), draft.problems());
        let guessed = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
        let asked = Hierarchy::from_path(&path, &ReadOptions::new().format(format)).unwrap();
        assert_eq!(guessed.to_string(), asked.to_string());
        let built = draft.build().unwrap();
        assert_eq!(built.to_string(), guessed.to_string(), "{}", path.display());
    }
}

#[test]
fn every_fixture_cut_anywhere_is_read_or_refused() {
    for (format, path) in fixtures().into_iter().filter(|(_, path)| path.is_file()) {
        let bytes = std::fs::read(path).unwrap();
        for end in 0..bytes.len().min(2000) {
            let _ = Hierarchy::from_bytes(&bytes[..end], &ReadOptions::new().format(format));
            let _ = Draft::from_bytes(&bytes[..end], &ReadOptions::new());
        }
    }
}

#[test]
fn every_fixture_with_other_bytes_is_read_or_refused() {
    // Those that mean something in some format, and some that mean nothing in any.
    const BYTES: &[u8] = b"\n\r\t ,;:|/\\\"'()[]{}<>=!#@-_0n\xff\0";
    let mut state = 1u64;
    // Knuth's generator (MMIX); its high bits are the good ones.
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for (format, path) in fixtures().into_iter().filter(|(_, path)| path.is_file()) {
        let whole = std::fs::read(path).unwrap();
        for _ in 0..200 {
            let mut bytes = whole.clone();
            for _ in 0..1 + below(4) {
                let (place, byte) = (below(bytes.len()), BYTES[below(BYTES.len())]);
                match below(3) {
                    0 => bytes[place] = byte,
                    1 => bytes.insert(place, byte),
                    _ => drop(bytes.drain(place..(place + 1 + below(20)).min(bytes.len() - 1))),
                }
            }
            let _ = Hierarchy::from_bytes(&bytes, &ReadOptions::new().format(format));
            let _ = Draft::from_bytes(&bytes, &ReadOptions::new());
        }
    }
}

#[test]
fn a_format_that_cannot_be_told_is_an_error_with_what_there_is() {
    let error = read("what is this\n").unwrap_err();
    assert_eq!(error.kind(), Kind::UnknownFormat);
    for name in Format::NAMES {
        assert!(error.message().contains(name), "{error}");
    }
    assert_eq!(read(" \n").unwrap_err().to_string(), "line 1: the file is empty");
    let error = "edgs".parse::<Format>().unwrap_err();
    assert!(error.to_string().starts_with("unknown format \"edgs\"; the formats are \"edges\", \"ranks\""), "{error}");
    let folder = std::env::temp_dir();
    let error = Hierarchy::from_path(&folder, &ReadOptions::new().format(Format::Edges)).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: this is a folder; expected a file", folder.display()));
}

#[test]
fn encodings_other_than_utf_8_are_named() {
    let utf16: Vec<u8> = "\u{feff}child,parent\na,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = Hierarchy::from_bytes(&utf16, &ReadOptions::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::Encoding);
    assert!(error.to_string().starts_with("line 1: the text is UTF-16"), "{error}");
    let latin1 = Hierarchy::from_bytes(b"child,parent\nb\xe4r,x\n", &ReadOptions::new()).unwrap_err();
    assert_eq!((latin1.kind(), latin1.location().line), (Kind::Encoding, Some(2)));
    let error = read("child,parent\na,b\nx\0y,b\n").unwrap_err();
    assert_eq!(error.to_string(), "line 3: the name \"x\\0y\" holds the control character U+0000");
}

#[test]
fn a_draft_goes_on_after_problems() {
    let text = b"child,parent\na,a\nb,c,d\nb\xe4r,c\n,c\ne,c\ne,c\n";
    let (draft, format) = Draft::from_bytes(text, &ReadOptions::new()).unwrap();
    assert_eq!(format, Format::Edges);
    let problems: Vec<_> = draft.problems().iter().map(|error| (error.kind(), error.location().line)).collect();
    // Fields are checked when the lines ahead are read, the rest after that, in the order of the lines all the same.
    assert_eq!(
        problems,
        [(Kind::SelfLoop, Some(2)), (Kind::Format, Some(3)), (Kind::Encoding, Some(4)), (Kind::EmptyName, Some(5))]
    );
    let edges: Vec<_> =
        draft.edges().map(|(parent, child, line)| (draft.name(parent), draft.name(child), line)).collect();
    assert_eq!(edges, [("c", "e", Some(6)), ("c", "e", Some(7))]);
    assert_eq!(draft.line(2), Some(6));
    let error = draft.build().unwrap_err();
    assert_eq!(error.to_string(), "line 2: \"a\" is given as its own parent");
}

#[test]
fn problems_beyond_the_limit_are_counted() {
    let mut options = ReadOptions::new();
    options.limits.problems = 2;
    let text = format!("child,parent\n{}", "a,a\n".repeat(5));
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &options).unwrap();
    assert_eq!((draft.problems().len(), draft.problems_left_out()), (2, 3));
}

#[test]
fn every_limit_is_an_error_that_names_it() {
    let error = |set: &dyn Fn(&mut ReadOptions)| {
        let mut options = ReadOptions::new();
        set(&mut options);
        let error = Hierarchy::from_bytes(b"child,parent\ncrow,bird\nrobin,bird\n", &options).unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge);
        error.to_string()
    };
    assert_eq!(error(&|options| options.limits.bytes = 10), "more than 10 bytes, the limit");
    assert_eq!(error(&|options| options.limits.name = 4), "line 3: more than 4 bytes in a name, the limit");
    assert_eq!(error(&|options| options.limits.nodes = 2), "line 3: more than 2 nodes, the limit");
    assert_eq!(error(&|options| options.limits.edges = 1), "line 3: more than 1 edges, the limit");
}

/// Two plants and a mantis, by ids, one of them obsolete, and one merged.
fn with_ids() -> Draft {
    let mut draft = Draft::new();
    let life = draft.declare("T:1", "life").unwrap();
    draft.add_alternative_id(life, "T:0");
    for (id, name) in [("T:2", "Iris"), ("T:3", "Iris"), ("T:4", "T:2 of old")] {
        let child = draft.declare(id, name).unwrap();
        draft.add_edge(life, child);
    }
    let gone = draft.declare("T:9", "gone").unwrap();
    draft.set_obsolete(gone);
    let iris = draft.by_id("T:3").unwrap();
    draft.add_synonym(iris, "mantis");
    draft.add_synonym(iris, "Iris oratoria");
    draft
}

#[test]
fn ids_find_nodes_whose_names_repeat() {
    let hierarchy = with_ids().build().unwrap();
    assert_eq!(hierarchy.warnings()[0].message, "1 obsolete nodes are left out");
    let iris = hierarchy.node("T:3").unwrap();
    assert_eq!((hierarchy.name(iris), hierarchy.id(iris)), ("Iris", Some("T:3")));
    assert_eq!(hierarchy.synonyms(iris).collect::<Vec<_>>(), ["mantis", "Iris oratoria"]);
    assert_eq!(hierarchy.synonyms(NodeId::ROOT).count(), 0);
    assert_eq!(hierarchy.node("T:0").unwrap(), NodeId::ROOT);
    assert_eq!(hierarchy.alternative_ids(NodeId::ROOT).collect::<Vec<_>>(), ["T:0"]);
    let error = hierarchy.node("Iris").unwrap_err();
    assert_eq!(error.to_string(), "the node \"Iris\" is ambiguous; give its id: \"T:2\", \"T:3\"");
    assert_eq!(hierarchy.unique_name(iris), "T:3");
    for node in hierarchy.nodes() {
        assert_eq!(hierarchy.node(&hierarchy.unique_name(node)).unwrap(), node);
    }
    assert!(hierarchy.node("mantis").is_err());
}

#[test]
fn ids_stay_through_other_classes_and_the_serial_form() {
    let hierarchy = with_ids().build().unwrap().with_classes(["T:3", "life"]).unwrap();
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["Iris", "life"]);
    // The leaf that carries the root's class has no id of its own.
    let leaf = hierarchy.class_node(1);
    assert_eq!((hierarchy.id(leaf), hierarchy.name(leaf)), (None, "=life"));
    assert_eq!(hierarchy.node("=T:1").unwrap(), leaf);
    let text = serde_json::to_string(&hierarchy).unwrap();
    let again = read(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    let iris = again.node("T:3").unwrap();
    assert_eq!(again.synonyms(iris).collect::<Vec<_>>(), ["mantis", "Iris oratoria"]);
    assert_eq!(again.node("T:0").unwrap(), NodeId::ROOT);
    for (from, to) in [("\"T:3\"", "\"T:1\""), ("\"T:0\"", "\"T:1\""), ("[\"T:1\",", "[\"T:1\",null,")] {
        let broken = text.replace(from, to);
        assert_ne!(broken, text);
        assert!(read(&broken).unwrap_err().to_string().contains("no id twice"), "{broken}");
    }
}

#[test]
fn the_serial_form_without_ids_is_as_it_was() {
    let hierarchy = Hierarchy::from_edges([("bird", "crow"), ("bird", "robin")]).unwrap();
    assert_eq!(
        serde_json::to_string(&hierarchy).unwrap(),
        r#"{"nodes":["crow","bird","robin"],"edges":[[1,0],[1,2]],"classes":[0,2]}"#
    );
    assert!(!hierarchy.has_ids());
}

#[test]
fn white_space_around_names_does_not_count_in_the_serial_form() {
    let hierarchy =
        read(r#"{"nodes":["crow  "," bird","z"],"ids":[" 1","2",null],"edges":[[1,0],[1,2]],"classes":[0,2]}"#);
    let hierarchy = hierarchy.unwrap();
    assert_eq!(hierarchy.path(hierarchy.node("1").unwrap()), "bird > crow");
}

#[test]
fn declarations_are_unique_and_expected_where_the_format_declares() {
    let mut draft = Draft::new();
    draft.expect_declarations();
    let cat = draft.at_line(Some(1)).declare("cat", "").unwrap();
    let animal = draft.at_line(Some(2)).by_id("animal").unwrap();
    draft.add_edge(animal, cat);
    draft.at_line(Some(3)).declare("cat", "tiger");
    let problems: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["line 3: \"cat\" is there already, in line 1"]);
    let mut other = Draft::new();
    other.expect_declarations();
    let cat = other.at_line(Some(1)).declare("cat", "Felis catus").unwrap();
    let animal = other.at_line(Some(2)).by_id("animal").unwrap();
    other.add_edge(animal, cat);
    let error = other.build().unwrap_err();
    assert_eq!(error.kind(), Kind::MissingNode);
    assert_eq!(error.to_string(), "line 2: \"animal\" is mentioned here and is nowhere declared");
}

#[test]
fn messages_about_nodes_with_ids_have_both() {
    let mut draft = Draft::new();
    let [a, b] = [("T:1", "Iris"), ("T:2", "Iris")].map(|(id, name)| draft.declare(id, name).unwrap());
    draft.add_edge(a, b);
    draft.add_edge(b, a);
    assert!(draft.build().unwrap_err().to_string().ends_with("\"Iris [T:1]\", \"Iris [T:2]\""));
}
