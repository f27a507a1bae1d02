//! Class names and the nodes that they mean.

use klados::format::{Draft, ReadOptions};
use klados::matching::{ClassList, How, Match, Matches, match_classes};
use klados::{Hierarchy, HierarchyBuilder};

use crate::labels::diamonds;

/// Birds by ids, one with another name, one with an id of old, two of one name.
fn birds() -> Hierarchy {
    let mut draft = Draft::new();
    let bird = draft.declare("B:0", "bird").unwrap();
    for (id, name) in [("B:1", "Black-footed Albatross"), ("B:2", "crane (bird)"), ("B:3", "Iris"), ("B:4", "Iris")] {
        let child = draft.declare(id, name).unwrap();
        draft.add_edge(bird, child);
    }
    let crane = draft.by_id("B:2").unwrap();
    draft.add_synonym(crane, "Grus grus");
    draft.add_alternative_id(crane, "B:22");
    draft.build().unwrap()
}

fn matches(hierarchy: &Hierarchy, classes: &[&str]) -> Matches {
    match_classes(hierarchy, &ClassList::new(classes))
}

fn one(hierarchy: &Hierarchy, class: &str) -> Match {
    matches(hierarchy, &[class]).rows()[0].clone()
}

#[test]
fn each_way_finds_its_node() {
    let birds = birds();
    for (class, how, id) in [
        ("B:1", How::Exact, "B:1"),
        ("bird", How::Exact, "B:0"),
        ("Black-footed Albatross", How::Exact, "B:1"),
        ("bird > crane (bird)", How::Exact, "B:2"),
        ("B:22", How::AlternativeId, "B:2"),
        ("Grus grus", How::Synonym, "B:2"),
        ("black_footed albatross", How::Normalised, "B:1"),
        ("BLACK\u{2010}FOOTED  ALBATROSS", How::Normalised, "B:1"),
        ("grus_grus", How::Normalised, "B:2"),
        ("b:3", How::Normalised, "B:3"),
        ("crane", How::Normalised, "B:2"),
        ("Bird (animal)", How::Normalised, "B:0"),
        // One letter of 22.
        ("Black-foted Albatross", How::Nearest, "B:1"),
        ("Albatross, Black-footed", How::Nearest, "B:1"),
    ] {
        let row = one(&birds, class);
        let node = row.node.unwrap_or_else(|| panic!("{class}: {row:?}"));
        assert_eq!((row.how, birds.id(node)), (how, Some(id)), "{class}");
        assert!(row.score == 1.0 || how == How::Nearest, "{class}");
    }
    assert_eq!(one(&birds, "Black-foted Albatross").score, 1.0 - 1.0 / 22.0);
}

#[test]
fn a_list_of_names_means_the_node_that_has_all_of_them() {
    // As the labels of ImageNet are written.
    let birds = birds();
    for class in ["Crane, Grus grus", "crane (bird), Grus Grus"] {
        let row = one(&birds, class);
        assert_eq!((row.how, row.node), (How::Normalised, birds.node("B:2").ok()), "{class}");
    }
    for class in ["bird, Grus grus", "Iris, none", "bird,", ",", "none, bird"] {
        assert_ne!(one(&birds, class).how, How::Normalised, "{class}");
    }
    assert_eq!(one(&birds, "Iris, iris").alternatives.len(), 2);
}

#[test]
fn what_several_nodes_have_is_ambiguous() {
    let birds = birds();
    for class in ["Iris", "iris", "bird > Iris"] {
        let row = one(&birds, class);
        assert_eq!((row.how, row.node, row.score), (How::Ambiguous, None, 0.0), "{class}");
        let ids: Vec<_> = row.alternatives.iter().map(|(node, score)| (birds.id(*node), *score)).collect();
        assert_eq!(ids, [(Some("B:3"), 1.0), (Some("B:4"), 1.0)], "{class}");
    }
    // Equally near to two of them: one letter of five.
    let near = Hierarchy::from_edges([("bird", "crowa"), ("bird", "crowb")]).unwrap();
    let row = one(&near, "crowc");
    assert_eq!((row.how, row.alternatives.len()), (How::Ambiguous, 2));
    assert_eq!(row.alternatives[0].1, 0.8);
}

#[test]
fn what_is_like_nothing_is_unmatched_and_has_what_is_nearest() {
    let birds = birds();
    for class in ["", "submarine", "B:5", "\u{200b}"] {
        assert_eq!((one(&birds, class).how, one(&birds, class).alternatives), (How::Unmatched, vec![]), "{class:?}");
    }
    // Two letters of four are too many.
    let row = one(&birds, "bixx");
    assert_eq!((row.how, row.node), (How::Unmatched, None));
    assert_eq!(row.alternatives, [(birds.node("bird").unwrap(), 0.5)]);
}

#[test]
fn the_runner_up_is_there() {
    let hierarchy = Hierarchy::from_edges([("bird", "yellow warbler"), ("bird", "willow warbler")]).unwrap();
    let row = one(&hierarchy, "yelow warbler");
    assert_eq!((row.how, row.node), (How::Nearest, hierarchy.node("yellow warbler").ok()));
    // y for w, e for i, and a letter less: 3 of 14.
    assert_eq!(row.alternatives, [(hierarchy.node("willow warbler").unwrap(), 1.0 - 3.0 / 14.0)]);
}

#[test]
fn paths_tell_nodes_of_one_name_apart() {
    let mut builder = HierarchyBuilder::new();
    builder.add_path(["Plantae", "Iris"]).unwrap().add_path(["Animalia", "Iris"]).unwrap();
    builder.add_path(["Animalia", "Iris", "Iris"]).unwrap();
    let hierarchy = builder.build().unwrap();
    let table = table(&matches(&hierarchy, &["Plantae > Iris", "Animalia > Iris", "Iris > Iris", "Fungi > Iris"]));
    assert_eq!(
        table,
        "class,node,how,score,alternatives\n\
         Plantae > Iris,Plantae > Iris,exact,1,\n\
         Animalia > Iris,Animalia > Iris,exact,1,\n\
         Iris > Iris,Animalia > Iris > Iris,exact,1,\n\
         Fungi > Iris,,unmatched,0,\n"
    );
}

fn table(matches: &Matches) -> String {
    let mut table = Vec::new();
    matches.write_csv(&mut table).unwrap();
    String::from_utf8(table).unwrap()
}

#[test]
fn the_nodes_of_the_table_are_taken_as_classes() {
    let birds = birds();
    let matches = matches(&birds, &["crane", "B:4", "black footed albatross", "B:3"]);
    let table = table(&matches);
    let nodes: Vec<String> =
        csv::Reader::from_reader(table.as_bytes()).records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(nodes, ["crane (bird)", "B:4", "Black-footed Albatross", "B:3"]);
    let with_classes = birds.with_classes(&nodes).unwrap();
    assert_eq!(with_classes.class_count(), 4);
}

#[test]
fn classes_of_one_node_are_reported() {
    let birds = birds();
    let matches = matches(&birds, &["B:2", "Iris", "crane", "B:22", "B:1"]);
    assert_eq!(matches.shared(), [(birds.node("B:2").unwrap(), vec![0, 2, 3])]);
}

#[test]
fn many_names_and_a_long_path_take_no_long_time() {
    // A walk that took each path would take 2^60 steps.
    let hierarchy = diamonds();
    assert_eq!(one(&hierarchy, &["a"; 61].join(" > ")).how, How::Ambiguous);
    let names: Vec<String> = (0..20_000).map(|number| format!("species {number}")).collect();
    let wide = Hierarchy::from_edges(names.iter().map(|name| ("root", name.as_str()))).unwrap();
    let asked: Vec<String> = (0..200).map(|number| format!("specis {number}")).collect();
    let found = match_classes(&wide, &ClassList::new(&asked));
    // One letter less in 9 or more.
    assert!(found.rows()[111].node.is_some_and(|node| wide.name(node) == "species 111"), "{:?}", found.rows()[111]);
}

#[test]
fn labels_of_imagenet_are_matched_to_wordnet() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    let folder = folder.join("imagenet1k-wordnet-dag");
    if !folder.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("SKIPPED: no {}", folder.display());
        }
        return;
    }
    let edges = folder.join("imagenet1k-wordnet-dag.edges.csv");
    let hierarchy = Hierarchy::from_path(edges, &ReadOptions::new()).unwrap();
    let labels = std::fs::read_to_string(folder.join("imagenet_synsets.txt")).unwrap();
    // In capitals, so that none is exact.
    let labels = ClassList::new(labels.to_uppercase().lines());
    let found = match_classes(&hierarchy, &labels);
    assert_eq!(found.rows().len(), 1000);
    assert!(found.rows().iter().all(|row| row.how == How::Normalised && row.alternatives.is_empty()));
    assert!(found.shared().is_empty());
}

#[test]
fn of_many_nodes_of_one_name_the_first_are_listed() {
    let pairs: Vec<String> = (0..2000).map(|parent| format!("p{parent}")).collect();
    let mut draft = Draft::new();
    for parent in &pairs {
        draft.add_path([(parent.as_str(), None), ("same", None)]);
    }
    let found = match_classes(&draft.build().unwrap(), &ClassList::new(["same", "Same", "p1"]));
    for row in &found.rows()[..2] {
        assert_eq!((row.how, row.alternatives.len(), row.more_alternatives), (How::Ambiguous, 5, 1995));
    }
    assert_eq!((found.rows()[2].how, found.rows()[2].more_alternatives), (How::Exact, 0));
    let mut table = Vec::new();
    found.write_csv(&mut table).unwrap();
    let line = "same,,ambiguous,0,\"p0 > same (1), p1 > same (1), p2 > same (1), p3 > same (1), p4 > same (1) and 1995 more\"\n";
    assert!(String::from_utf8(table).unwrap().contains(line));
}
