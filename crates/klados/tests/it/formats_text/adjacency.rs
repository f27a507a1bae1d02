//! A parent with all of its children a line.

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
    let hierarchy = read("bird\tcrow\tbat\tduck\tswan\tloon\nmammal\tbat\tcat\tcow\tdog\tant eater\tfox\n").unwrap();
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
            "line 4: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
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
