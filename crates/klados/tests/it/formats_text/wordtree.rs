//! WordTree, with the numbers of parents.

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
            "line 4: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8".to_owned(),
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
