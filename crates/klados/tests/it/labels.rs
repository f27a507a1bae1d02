//! Reading labels.

use klados::{Hierarchy, HierarchyBuilder, HierarchyErrorKind as Kind, Label};

fn dogs() -> Hierarchy {
    Hierarchy::from_edges([("animal", "dog"), ("dog", "poodle"), ("dog", "beagle"), ("animal", "cat")])
        .unwrap()
        .with_classes(["dog", "poodle", "beagle", "cat"])
        .unwrap()
}

#[test]
fn every_form() {
    let hierarchy = dogs();
    let node = |name: &str| hierarchy.node(name).unwrap();
    assert_eq!(hierarchy.parse_label("dog").unwrap(), Label::Node(node("dog")));
    assert_eq!(hierarchy.parse_label(" dog ").unwrap(), Label::Node(node("dog")));
    assert_eq!(hierarchy.parse_label("=dog").unwrap(), Label::Node(hierarchy.class_node(0)));
    assert_eq!(hierarchy.parse_label("=cat").unwrap(), Label::Node(node("cat")));
    assert_eq!(hierarchy.parse_label("animal > dog").unwrap(), Label::Node(node("dog")));
    assert_eq!(hierarchy.parse_label("cat|=dog").unwrap(), Label::Union(vec![node("cat"), hierarchy.class_node(0)]));
    assert_eq!(hierarchy.parse_label("cat | cat").unwrap(), Label::Node(node("cat")));
    assert_eq!(hierarchy.parse_label("").unwrap(), Label::Ignored);
    assert_eq!(hierarchy.parse_label("  ").unwrap(), Label::Ignored);
}

#[test]
fn a_whole_name_comes_before_its_parts() {
    let hierarchy = Hierarchy::from_edges([("x", "a|b"), ("x", "a"), ("x", "b"), ("x", "c > d"), ("x", "=a")]).unwrap();
    for name in ["a|b", "c > d", "=a"] {
        assert_eq!(hierarchy.parse_label(name).unwrap(), Label::Node(hierarchy.node(name).unwrap()));
    }
    assert!(matches!(hierarchy.parse_label("a|c > d").unwrap(), Label::Union(_)));
}

#[test]
fn multi_label_sets() {
    let hierarchy = dogs();
    let positive = |label: &str| match hierarchy.parse_label(label).unwrap() {
        Label::Set { positive, masked } if masked.is_empty() => positive,
        other => panic!("{other:?}"),
    };
    let node = |name: &str| hierarchy.node(name).unwrap();
    assert_eq!(positive("cat; poodle"), [node("cat"), node("poodle")]);
    assert_eq!(positive("cat;cat"), [node("cat")]);
    assert_eq!(positive("cat;"), [node("cat")]);
    assert_eq!(positive(";"), []);
}

#[test]
fn errors_say_what_to_write() {
    let hierarchy = dogs();
    let message = |label: &str| hierarchy.parse_label(label).unwrap_err().to_string();
    assert_eq!(message("podle"), "unknown label \"podle\"; the nearest names are \"poodle\"");
    assert_eq!(message("dgo"), "unknown label \"dgo\"; the nearest names are \"dog\"");
    assert_eq!(message("xyzzy"), "unknown label \"xyzzy\"");
    assert_eq!(message("cat|"), "the label \"cat|\" has an empty part; write a|b for \"a or b\"");
    assert_eq!(
        message("=animal"),
        "\"animal\" is not a class; the classes below it are \"poodle\", \"beagle\", \"dog\", \"cat\""
    );
    assert_eq!(message("cat > dog"), "unknown label \"cat > dog\"; \"dog\" is at \"animal > dog\"");
    assert_eq!(message(";cat"), "the label \";cat\" has an empty part; write a;b for \"a and b\"");
    assert!(message("cat;dog|poodle").contains("one or the other"));
}

#[test]
fn homonyms_are_told_apart_by_their_paths() {
    let mut builder = HierarchyBuilder::new();
    builder.add_path(["Plantae", "Iridaceae", "Iris"]).unwrap();
    builder.add_path(["Animalia", "Tarachodidae", "Iris"]).unwrap();
    builder.add_path(["Iris"]).unwrap();
    let hierarchy = builder.build().unwrap();
    let error = hierarchy.parse_label("Iris").unwrap_err();
    assert_eq!(error.kind(), Kind::AmbiguousName);
    assert!(error.to_string().contains("\"Plantae > Iridaceae > Iris\""), "{error}");
    let plant = hierarchy.node("Iridaceae > Iris").unwrap();
    assert_eq!(hierarchy.path(plant), "Plantae > Iridaceae > Iris");
    assert_eq!(hierarchy.node("Plantae > Iridaceae > Iris").unwrap(), plant);
    assert_eq!(hierarchy.depth(hierarchy.node("root > Iris").unwrap()), 1);
    for class in 0..3 {
        let path = hierarchy.path(hierarchy.class_node(class));
        assert!(hierarchy.node(&path).is_ok() || path == "Iris");
    }
}

/// Two nodes a level, each below both of the level above: 2^60 paths, all of the same names.
pub(crate) fn diamonds() -> Hierarchy {
    let mut draft = klados::format::Draft::new();
    let mut above = vec![draft.declare("top", "a").unwrap()];
    for level in 0..60 {
        let pair = ["l", "r"].map(|side| draft.declare(&format!("{side}{level}"), "a").unwrap());
        for child in pair {
            above.iter().for_each(|&parent| draft.add_edge(parent, child));
        }
        above = pair.to_vec();
    }
    draft.build().unwrap()
}

#[test]
fn a_path_through_diamonds_of_one_name_takes_no_long_time() {
    let hierarchy = diamonds();
    let error = hierarchy.node(&["a"; 61].join(" > ")).unwrap_err();
    assert!(error.to_string().ends_with("is ambiguous; give its id: \"l59\", \"r59\""), "{error}");
}

#[test]
fn a_path_is_found_of_names_that_hold_its_separator() {
    let mut builder = HierarchyBuilder::new();
    for path in [&["a > b", "c"][..], &["a", "b", "d"], &["x > c"], &["e", "c"], &["e", "> c"], &["=e", "> c"]] {
        builder.add_path(path.iter().copied()).unwrap();
    }
    let hierarchy = builder.build().unwrap();
    for node in hierarchy.nodes() {
        assert_eq!(hierarchy.node(&hierarchy.unique_name(node)).unwrap(), node);
    }
    assert_eq!(hierarchy.path(hierarchy.node("a > b > c").unwrap()), "a > b > c");
    assert_eq!(hierarchy.path(hierarchy.node("b > d").unwrap()), "a > b > d");
    assert_eq!(hierarchy.path(hierarchy.node("e  >  c").unwrap()), "e > c");
    assert!(hierarchy.node("b > c").is_err() && hierarchy.node("> c").is_err());
}

#[test]
fn a_path_that_is_the_name_of_another_node_begins_with_the_root() {
    let mut builder = HierarchyBuilder::new();
    for path in [&["a", "e > c"][..], &["e", "c"], &["f", "c"]] {
        builder.add_path(path.iter().copied()).unwrap();
    }
    let hierarchy = builder.build().unwrap();
    assert_eq!(hierarchy.name(hierarchy.node("e > c").unwrap()), "e > c");
    let names: Vec<String> = (0..3).map(|class| hierarchy.unique_name(hierarchy.class_node(class))).collect();
    assert_eq!(names, ["e > c", "root > e > c", "f > c"]);
    for node in hierarchy.nodes() {
        assert_eq!(hierarchy.node(&hierarchy.unique_name(node)).unwrap(), node);
    }
}
