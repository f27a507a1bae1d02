//! WordNet's synsets, and lists of them.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

use crate::data::{Folder, fixture, found, real, shape};

const NOUNS: &str = "thing\n  instrument\n    chordophone\n      violin\n      harpsichord\n    keyboard instrument\n      harpsichord\n  \
                     orchestra\n  violin\n";

#[test]
fn synsets_with_their_words_and_hypernyms() {
    for path in ["wordnet/data.noun", "wordnet"] {
        let hierarchy = Hierarchy::from_path(fixture(path), &ReadOptions::new()).unwrap();
        assert_eq!(hierarchy.to_string(), NOUNS);
        let violin = hierarchy.node("n00000005").unwrap();
        assert_eq!(
            (hierarchy.name(violin), hierarchy.synonyms(violin).collect::<Vec<_>>()),
            ("violin", vec!["fiddle"])
        );
        let instrument = hierarchy.node("n00000002").unwrap();
        assert_eq!(hierarchy.synonyms(instrument).collect::<Vec<_>>(), ["musical instrument"]);
        assert_eq!(
            hierarchy.warnings()[0].message,
            "1 synsets are instances, as cities and persons are, and are left out"
        );
    }
    let options = ReadOptions::new().relationship("@i").relationship("#m");
    let hierarchy = Hierarchy::from_path(fixture("wordnet"), &options).unwrap();
    assert_eq!(
        hierarchy.path(hierarchy.node("Cannone").unwrap()),
        "thing > instrument > chordophone > violin > Cannone"
    );
    assert_eq!(hierarchy.parents(hierarchy.node("n00000005").unwrap()).len(), 2);
    let verbs = "00000001 29 v 01 move 0 000 01 + 02 00 | go\n00000002 29 v 02 run 0 race 0 001 @ 00000001 v 0000 00 | go fast\n";
    let hierarchy = Hierarchy::from_bytes(verbs.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(
        (hierarchy.to_string().as_str(), hierarchy.id(hierarchy.class_node(0))),
        ("move\n  run\n", Some("v00000002"))
    );
}

#[test]
fn a_list_of_synsets_has_the_classes_in_its_order() {
    let hierarchy = Hierarchy::from_path(fixture("wordnet/classes.txt"), &ReadOptions::new()).unwrap();
    assert_eq!(
        hierarchy.to_string(),
        "thing\n  violin\n  instrument\n    chordophone\n      harpsichord\n      violin\n    keyboard instrument\n      harpsichord\n"
    );
    let ids: Vec<_> =
        (0..hierarchy.class_count()).map(|class| hierarchy.id(hierarchy.class_node(class)).unwrap()).collect();
    assert_eq!(ids, ["n00000006", "n00000005", "n00000009"]);
    assert!(hierarchy.warnings().is_empty());
    // A class may be above others, and an instance.
    let hierarchy = Hierarchy::from_path(fixture("wordnet/with-names.txt"), &ReadOptions::new()).unwrap();
    assert_eq!(
        hierarchy.to_string(),
        "thing\n  instrument\n    chordophone\n      violin\n        Cannone\n        =violin\n      =chordophone\n"
    );
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["violin", "chordophone", "Cannone"]);
}

#[test]
fn the_nouns_may_be_elsewhere() {
    let list = b"n00000005\nn00000006\n";
    for place in ["wordnet", "wordnet/data.noun"] {
        let hierarchy = Hierarchy::from_bytes(list, &ReadOptions::new().wordnet(fixture(place))).unwrap();
        assert_eq!(hierarchy.class_count(), 2);
    }
    let error = Hierarchy::from_bytes(list, &ReadOptions::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::Format);
    let message =
        "a list of synsets needs WordNet's data.noun: put it beside the list, or say where it is with --wordnet";
    assert!(error.message().starts_with(message), "{error}");
    let error = Hierarchy::from_bytes(list, &ReadOptions::new().wordnet(fixture("newick"))).unwrap_err();
    assert!(error.to_string().ends_with("newick: there is no data.noun in this folder"), "{error}");
}

#[test]
fn what_is_wrong_is_named_with_its_file_and_line() {
    let folder = Folder::new("wordnet");
    folder.write(
        "data.noun",
        b"00000001 03 n 01 a 0 000 | x\n00000002 03 n 02 b 0 001 @ 00000001 n 0000 | y\n00000003 03 n 01 c 0 001 @ 00000009 n 0000 | z\n",
    );
    folder.write("list.txt", b"n00000001\n\nn00000007\nn00000003\nn00000003\n");
    let problems = |name: &str| -> Vec<String> {
        let (draft, format) = Draft::from_path(folder.0.join(name), &ReadOptions::new()).unwrap();
        assert_eq!(format, Format::Wordnet, "{name}");
        draft.problems().iter().map(|problem| folder.inside(&problem.to_string())).collect()
    };
    let no_synset = "data.noun:2: the line is no synset; expected its offset, file, type, words and pointers";
    assert_eq!(problems("data.noun"), [no_synset]);
    assert_eq!(
        problems("list.txt"),
        [
            no_synset,
            "list.txt:3: \"n00000007\" is no synset of this data.noun; is it of WordNet 3.0?",
            "list.txt:5: \"c [n00000003]\" is there already, in line 4",
            "list.txt: \"n00000009\", which is above \"c [n00000003]\", is not in data.noun",
        ]
    );
    folder.write("data.noun", b"00000001 03 n 01 a 0 000 | x\n00000002 03 n 01 caf\xe9 0 000 | y\n");
    let encoding = "data.noun:2: byte 0xe9 is not valid UTF-8; the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8";
    assert_eq!(problems("data.noun"), [encoding]);
    let missing =
        Hierarchy::from_bytes(b"00000003 03 n 01 c 0 001 @ 00000009 n 0000 | z\n", &ReadOptions::new()).unwrap_err();
    assert_eq!(missing.to_string(), "line 1: \"n00000009\" is mentioned here and is nowhere declared");
}

#[test]
fn pairs_of_synsets_are_edges_and_no_list() {
    let (_, format) =
        Draft::from_bytes(b"n00000001 n00000002\nn00000001 n00000003\nn00000002 n00000004\n", &ReadOptions::new())
            .unwrap();
    assert_eq!(format, Format::Edges);
}

#[test]
fn all_nouns_of_wordnet_are_read() {
    let Some(path) = found("/usr/share/wordnet/data.noun") else { return };
    let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
    // Counted in the file by a few lines of Python: of 82,115 synsets 7,725 are but instances, 12 of which have others
    // below them.
    assert_eq!((hierarchy.node_count(), hierarchy.root_is_added()), (74_402, false));
    let edges = |hierarchy: &Hierarchy| hierarchy.nodes().map(|node| hierarchy.parents(node).len()).sum::<usize>();
    assert_eq!(edges(&hierarchy), 75_862);
    let all = Hierarchy::from_path(&path, &ReadOptions::new().relationship("@i")).unwrap();
    assert_eq!((all.node_count(), all.root_is_added()), (82_115, false));
    assert_eq!(edges(&all), 75_850 + 8_577);
}

#[test]
fn the_classes_of_imagenet_are_read() {
    let Some(nouns) = found("/usr/share/wordnet/data.noun") else { return };
    let Some(folder) = real("imagenet1k-wordnet-dag") else { return };
    let options = ReadOptions::new().wordnet(nouns);
    let hierarchy = Hierarchy::from_path(folder.join("imagenet_synsets.txt"), &options).unwrap();
    // Counted from imagenet1k-wordnet-dag.edges.csv.
    assert_eq!(shape(&hierarchy), (1860, 1000, 1, 75, 18));
    let edges = |hierarchy: &Hierarchy| {
        let id = |node| hierarchy.id(node).unwrap_or(hierarchy.name(node)).to_owned();
        let above = |node| hierarchy.parents(node).iter().map(move |&parent| (id(node), id(parent)));
        let mut edges: Vec<_> = hierarchy.nodes().flat_map(above).collect();
        edges.sort_unstable();
        edges
    };
    let expected = Hierarchy::from_path(folder.join("imagenet1k-wordnet-dag.edges.csv"), &ReadOptions::new()).unwrap();
    assert_eq!(edges(&hierarchy), edges(&expected));
    let list = std::fs::read_to_string(folder.join("imagenet_synsets.txt")).unwrap();
    let classes: Vec<_> = (0..1000).map(|class| hierarchy.id(hierarchy.class_node(class)).unwrap()).collect();
    assert_eq!(classes, list.lines().collect::<Vec<_>>());
}
