//! One path a line.

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
fn names_may_hold_what_separates_others_without_spaces() {
    let hierarchy = read("> types > C<T>\ntypes > a->b >\ntypes > >x<\n").unwrap();
    assert_eq!(hierarchy.to_string(), "types\n  C<T>\n  a->b\n  >x<\n");
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
            "line 15: byte 0xe4 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8",
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
