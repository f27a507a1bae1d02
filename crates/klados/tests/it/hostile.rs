//! Inputs that are made to hurt: deep, long, endless, circular, in no encoding. Each is read or refused, in time and memory
//! that grow with its size: with the square of it these tests would take hours.

use std::io::Read;
use std::path::PathBuf;

use klados::check::check;
use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId};

/// A million where the code is optimised, as in `cargo xtask nightly`.
const MANY: usize = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

fn read(bytes: impl AsRef<[u8]>, format: Format) -> Result<Hierarchy, HierarchyError> {
    Hierarchy::from_bytes(bytes.as_ref(), &ReadOptions::new().format(format))
}

fn kind_and_line(error: &HierarchyError) -> (Kind, Option<u64>) {
    (error.kind(), error.location().line)
}

/// The fixtures that are files, by format.
fn files() -> Vec<(Format, PathBuf)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hierarchies");
    let of_format = |format: &Format| {
        let files = std::fs::read_dir(folder.join(format.name())).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).map(|path| (*format, path)).collect::<Vec<_>>()
    };
    Format::ALL.iter().flat_map(of_format).collect()
}

#[test]
fn nothing_is_no_hierarchy_in_any_format() {
    for text in ["", " \n\t\r\n", "\u{feff}", "\u{feff}\n"] {
        let error = Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap_err();
        assert_eq!(kind_and_line(&error), (Kind::Empty, Some(1)), "{text:?}");
        for &format in Format::ALL {
            let error = read(text, format).unwrap_err();
            let is_nothing = matches!(error.kind(), Kind::Empty | Kind::Format | Kind::EmptyName);
            assert!(is_nothing, "{format} {text:?}: {error}");
        }
    }
    let comments = "# one\n# two\n";
    let error = Hierarchy::from_bytes(comments.as_bytes(), &ReadOptions::new()).unwrap_err();
    assert_eq!(kind_and_line(&error), (Kind::UnknownFormat, None));
    for format in [Format::Edges, Format::Ranks, Format::Paths, Format::Outline, Format::Adjacency] {
        let error = read(comments, format).unwrap_err();
        assert!(matches!(error.kind(), Kind::Empty | Kind::Format), "{format}: {error}");
    }
}

#[test]
fn a_byte_that_is_no_utf_8_is_found_in_every_line() {
    for (format, path) in files() {
        let whole = std::fs::read(&path).unwrap();
        let (mut line, mut found) = (1, 0);
        for at in 0..whole.len() {
            let is_first =
                whole[..at].iter().rev().take_while(|byte| **byte != b'\n').all(|b| !b.is_ascii_alphanumeric());
            if is_first && whole[at].is_ascii_alphanumeric() {
                let mut bytes = whole.clone();
                bytes[at] = 0xff;
                let (draft, _) = Draft::from_bytes(&bytes, &ReadOptions::new().format(format)).unwrap();
                let problem = draft.problems().iter().find(|problem| problem.kind() == Kind::Encoding);
                // What is not read, such as the data after a header, may hold anything.
                if let Some(problem) = problem {
                    assert_eq!(problem.location().line, Some(line), "{}: {problem}", path.display());
                    found += 1;
                }
            }
            line += u64::from(whole[at] == b'\n');
        }
        assert!(found > 0, "{}", path.display());
    }
}

#[test]
fn no_name_holds_nul() {
    for (format, path) in files() {
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).filter(|&at| whole[at].is_ascii_alphanumeric()) {
            let mut bytes = whole.clone();
            bytes[at] = 0;
            if let Ok(hierarchy) = read(&bytes, format) {
                let has_nul = |node: NodeId| hierarchy.name(node).contains('\0');
                assert!(!hierarchy.nodes().any(has_nul), "{} at {at}", path.display());
            }
        }
    }
    let error = read(r#"{"nodes":["a\u0000b","c"],"edges":[[1,0]],"classes":[0]}"#, Format::Klados).unwrap_err();
    assert_eq!(error.kind(), Kind::Format);
    assert!(error.message().contains("U+0000"), "{error}");
}

#[test]
fn deep_nesting_is_refused_or_read_without_recursion() {
    let deep = 100_000;
    for opening in ["[", "{\"a\":", "{\"children\":[", "{\"nodes\":[", "[{\"id\":1,\"child_ids\":[", "(", "<a>", "((("]
    {
        for &format in Format::ALL {
            let text = opening.repeat(deep);
            let result = read(&text, format);
            if text.starts_with(['[', '{', '(']) && matches!(format, Format::Nested | Format::ChildIds | Format::Newick)
            {
                let error = result.unwrap_err();
                assert_eq!(error.location().line, Some(1), "{format} {opening}: {error}");
            }
        }
        let _ = Draft::from_bytes(opening.repeat(deep).as_bytes(), &ReadOptions::new());
    }
    let (open, close) = ("{\"name\":\"a\",\"children\":[".repeat(deep), "]}".repeat(deep));
    let error = read(open.clone() + &close, Format::Nested).unwrap_err();
    assert_eq!(kind_and_line(&error), (Kind::TooLarge, Some(1)));
    assert_eq!(error.message(), "more than 1024 brackets inside each other, the limit");
    // What is passed over nests no deeper either.
    let error = read(format!("{{\"nodes\":[],\"other\":{open}{close}}}"), Format::NodeLink).unwrap_err();
    assert_eq!(kind_and_line(&error), (Kind::TooLarge, Some(1)));
    let mut options = ReadOptions::new().format(Format::Nested);
    options.limits.nesting = usize::MAX;
    let depth = Hierarchy::from_bytes((open + &close).as_bytes(), &options).unwrap().height(NodeId::ROOT);
    assert_eq!(depth, deep - 1);
    let newick = format!("{}{};", "(".repeat(deep), ")a".repeat(deep).replacen(")a", "b)a", 1));
    assert_eq!(read(newick, Format::Newick).unwrap().height(NodeId::ROOT), deep);
}

#[test]
fn an_endless_input_is_refused_at_the_limit() {
    let mut options = ReadOptions::new();
    options.limits.bytes = 1_000_000;
    let error = Hierarchy::from_reader(std::io::repeat(b'a').take(5 << 30), &options).unwrap_err();
    assert_eq!(kind_and_line(&error), (Kind::TooLarge, None));
    assert_eq!(error.to_string(), "more than 1000000 bytes, the limit");
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let mut options = ReadOptions::new();
    let long = "x".repeat(options.limits.line);
    let tests = [
        (Format::Edges, format!("child,parent\na,b\n{long},b\n"), 3),
        (Format::Ranks, format!("species,genus\na,b\nc,{long}\n"), 3),
        (Format::Paths, format!("b > a\nb > {long}\n"), 2),
        (Format::Outline, format!("b\n a\n {long}\n"), 3),
        (Format::Adjacency, format!("b\ta\t{long}\nb\ta\n"), 1),
    ];
    for (format, text, line) in tests {
        options.format = Some(format);
        let (draft, _) = Draft::from_bytes(text.as_bytes(), &options).unwrap();
        let problems: Vec<_> =
            draft.problems().iter().map(|problem| (kind_and_line(problem), problem.message())).collect();
        let expected = "more than 16777216 bytes in a line, the limit";
        assert_eq!(problems, [((Kind::TooLarge, Some(line)), expected)], "{format}");
        assert_eq!(draft.node_count(), 2, "{format}");
    }
}

/// `child,parent` by number.
fn edges(of: impl Fn(usize) -> usize) -> String {
    let lines = (1..=MANY).map(|node| format!("{node},{}\n", of(node)));
    "child,parent\n".to_owned() + &lines.collect::<String>()
}

#[test]
fn a_cycle_of_many_nodes_is_named_by_the_first() {
    let text = edges(|node| node % MANY + 1);
    let error = read(text, Format::Edges).unwrap_err();
    assert_eq!(kind_and_line(&error), (Kind::Cycle, Some(MANY as u64 + 1)));
    assert!(error.message().starts_with(&format!("{MANY} nodes form a cycle")), "{error}");
    assert!(error.message().ends_with(&format!("and {} more", MANY - 20)) && error.message().len() < 500, "{error}");
}

#[test]
fn a_long_chain_is_read() {
    let hierarchy = read(edges(|node| node - 1), Format::Edges).unwrap();
    assert_eq!((hierarchy.height(NodeId::ROOT), hierarchy.class_count()), (MANY, 1));
    assert_eq!(hierarchy.unique_name(hierarchy.class_node(0)), MANY.to_string());
}

#[test]
fn a_wide_star_is_read() {
    let hierarchy = read(edges(|_| 0), Format::Edges).unwrap();
    assert_eq!((hierarchy.height(NodeId::ROOT), hierarchy.class_count()), (1, MANY));
}

#[test]
fn many_roots_are_read() {
    let text: String = (1..=MANY).map(|node| format!("r{node} > c{node}\n")).collect();
    let hierarchy = read(text, Format::Paths).unwrap();
    assert_eq!((hierarchy.children(NodeId::ROOT).len(), hierarchy.class_count()), (MANY, MANY));
}

#[test]
fn one_long_path_is_read() {
    let text = vec!["a"; MANY].join(">");
    let hierarchy = read(text, Format::Paths).unwrap();
    assert_eq!((hierarchy.node_count(), hierarchy.height(NodeId::ROOT)), (MANY, MANY - 1));
    let error = hierarchy.node("a").unwrap_err();
    assert_eq!(error.kind(), Kind::AmbiguousName);
}

#[test]
fn a_hundred_thousand_ranks_and_columns_are_told_apart() {
    let count = 100_000;
    let lines: String = (0..count).map(|node| format!("c{node},p,rank {node}\n")).collect();
    let hierarchy = read(format!("child,parent,rank\n{lines}"), Format::Edges).unwrap();
    assert_eq!(hierarchy.rank_names().len(), count);
    let row = |prefix: &str| (0..count).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n{}\n", row("rank "), row("a"), row("b"));
    let hierarchy = read(&text, Format::Ranks).unwrap();
    assert_eq!((hierarchy.height(NodeId::ROOT), hierarchy.class_count()), (count, 2));
    assert!(Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).is_ok());
}

#[test]
fn warnings_and_messages_do_not_grow_with_long_names() {
    // Short lines that each mention two long names.
    let name = "n".repeat(16_000);
    let mut text = format!("id,parent,name\n1,,{name}1\n2,1,{name}2\n");
    text += &"2,1,\n".repeat(20_000);
    text += &"1,,\n".repeat(20_000);
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    let found: usize = check(&draft, None).iter().map(|finding| finding.message.len()).sum();
    assert!(found < 100 * text.len(), "{found}");
    let hierarchy = draft.build().unwrap();
    let warnings: Vec<&str> = hierarchy.warnings().iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings.len(), 1001);
    assert_eq!(warnings[1000], "19000 more edges are there already and are counted once");
    assert!(warnings.iter().all(|warning| warning.len() < 1000));

    let (draft, _) = Draft::from_bytes(format!("a > b\n{}", "x".repeat(MANY)).as_bytes(), &ReadOptions::new()).unwrap();
    assert!(draft.problems().iter().all(|problem| problem.message().len() < 5000));
}

/// Two nodes a level, each below both of the level above, all of one name.
fn ladder(levels: usize) -> Hierarchy {
    let mut draft = Draft::new();
    let mut above = [draft.declare("top", "a").unwrap(); 2];
    for level in 0..levels {
        let nodes = ["x", "y"].map(|side| draft.declare(&format!("{level}{side}"), "a").unwrap());
        for node in nodes {
            above.iter().for_each(|&parent| draft.add_edge(parent, node));
        }
        above = nodes;
    }
    draft.build().unwrap()
}

#[test]
fn names_that_are_looked_up_take_no_more_than_their_length() {
    // Between the top and the lowest node are 2^99 paths.
    let hierarchy = ladder(100);
    let path = vec!["a"; 101].join(" > ");
    assert_eq!(hierarchy.node(&path).unwrap_err().kind(), Kind::AmbiguousName);
    let hierarchy = Hierarchy::from_edges([("dog", "poodle"), ("dog", &"x".repeat(MANY))]).unwrap();
    for label in ["=".repeat(MANY), "y".repeat(MANY), "y > ".repeat(100_000) + "z"] {
        let error = hierarchy.parse_label(&label).unwrap_err();
        assert_eq!(error.kind(), Kind::UnknownName);
        assert!(error.message().len() < 2000, "{}", error.message().len());
    }
}
