//! Ontologies in OBO.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

use crate::data::{fixture, real, shape};

fn read(text: &str) -> Hierarchy {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap()
}

fn problems(text: &str) -> Vec<String> {
    let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(format, Format::Obo);
    draft.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn terms_with_ids_names_synonyms_and_parents() {
    let hierarchy = Hierarchy::from_path(fixture("obo/instruments.obo"), &ReadOptions::new()).unwrap();
    assert_eq!(
        hierarchy.to_string(),
        "instrument\n  chordophone\n    violin\n    hurdy-gurdy\n  keyboard instrument\n    hurdy-gurdy\norchestra\n"
    );
    let violin = hierarchy.node("MI:0003").unwrap();
    assert_eq!(hierarchy.name(violin), "violin");
    assert_eq!(hierarchy.synonyms(violin).collect::<Vec<_>>(), ["fiddle", "violin \"da braccio\""]);
    assert_eq!(hierarchy.node("MI:0103").unwrap(), violin);
    // The obsolete term is gone, and its id leads to what replaced it.
    assert_eq!(hierarchy.name(hierarchy.node("MI:0007").unwrap()), "hurdy-gurdy");
    assert_eq!(hierarchy.warnings()[0].message, "1 obsolete nodes are left out");
    assert!(hierarchy.node("part_of").is_err() && hierarchy.node("MI:9001").is_err());
}

#[test]
fn relationships_lead_to_parents_where_they_are_asked_for() {
    let options = ReadOptions::new().relationship("part_of");
    let hierarchy = Hierarchy::from_path(fixture("obo/instruments.obo"), &options).unwrap();
    let parents = hierarchy.parents(hierarchy.node("violin").unwrap());
    assert_eq!(parents.iter().map(|&parent| hierarchy.name(parent)).collect::<Vec<_>>(), ["chordophone", "orchestra"]);
    let options = ReadOptions::new().relationship("partof");
    let hierarchy = Hierarchy::from_path(fixture("obo/instruments.obo"), &options).unwrap();
    assert!(hierarchy.warnings().iter().any(|warning| {
        warning.message
            == "no term has the relationship \"partof\"; those that there are: \"developed_from\", \"part_of\""
    }));
}

#[test]
fn parents_of_other_ontologies_have_their_ids_as_names() {
    let hierarchy = read("[Term]\nid: A:1\nname: a\nis_a: B:1 ! b\n\n[Term]\nid: A:2\nis_a: B:1\n");
    assert_eq!(hierarchy.to_string(), "B:1\n  a\n  A:2\n");
    assert_eq!(hierarchy.warnings()[0].message, "1 parents are not in the file and have their ids as names: \"B:1\"");
}

#[test]
fn escapes_comments_and_modifiers() {
    let hierarchy = read(
        "[Term] ! the first\nid: A:1 {x=\"y\"} ! a\nname: a \\{b\\} \\! c\\nd {x=\"y\"} ! e\nis_a: A\\:2\n\n[Term]\nid: A:2\n\
         name: wow! {not a modifier}\n",
    );
    assert_eq!(hierarchy.to_string(), "wow! {not a modifier}\n  a {b} ! c d\n");
    let crlf =
        read("format-version: 1.2\r\n\r\n[Term]\r\nid: A:1\r\nname: a\r\n\r\n[Term]\r\nid: A:2\r\nis_a: A:1\r\n");
    assert_eq!(crlf.to_string(), "a\n  A:2\n");
}

#[test]
fn obsolete_terms_that_are_used_stay_and_replace_nothing() {
    let hierarchy = read(
        "[Term]\nid: A:1\nname: old\nis_obsolete: true\nreplaced_by: A:3\n\n[Term]\nid: A:2\nis_a: A:1\n\n[Term]\nid: A:3\n\n\
         [Term]\nid: A:4\nis_obsolete: true\nreplaced_by: A:5\n\n[Term]\nid: A:5\nis_obsolete: true\n",
    );
    assert_eq!(hierarchy.to_string(), "old\n  A:2\nA:3\n");
    assert_eq!(hierarchy.name(hierarchy.node("A:1").unwrap()), "old");
    assert!(hierarchy.node("A:4").is_err());
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let text = "format-version: 1.2\n[Term]\nname: x\n[Term]\n[Term]\nid: A:1\nname: a\nname: b\nis_a: A:2 A:3\nis_a:\n\
                synonym: unquoted\nsynonym: \"open\nis_a: A:1\nthis is no clause\n[Term]\nid: A:1\n[Term]\n";
    assert_eq!(
        problems(text),
        [
            "line 3: a term begins with \"name\"; expected its \"id\"",
            "line 4: a term without an id",
            "line 9: \"A:2 A:3\" is no id; expected one word, and \" ! \" before a comment",
            "line 10: \"\" is no id; expected one word, and \" ! \" before a comment",
            "line 11: the synonym \"unquoted\" is not in quotes",
            "line 12: the synonym \"\"open\" is not in quotes",
            "line 13: \"a [A:1]\" is given as its own parent",
            "line 14: the line \"this is no clause\" is no \"tag: value\"",
            "line 16: \"a [A:1]\" is there already, in line 6",
            "line 17: a term without an id",
        ]
    );
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(draft.warnings()[0].to_string(), "line 8: \"a [A:1]\" has a second name, which is not kept");
    assert_eq!(
        problems("[Term]\nid: A:1\nname: a\0b\n"),
        ["line 3: the name \"a\\0b\" holds the control character U+0000"]
    );
}

#[test]
fn bytes_that_are_not_utf_8_and_cycles_are_found() {
    let error = Hierarchy::from_bytes(b"[Term]\nid: A:1\nname: caf\xe9\n", &ReadOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.location().line), (Kind::Encoding, Some(3)));
    let error = Hierarchy::from_bytes(
        b"[Term]\nid: A:1\nis_a: A:2\n[Term]\nid: A:2\nis_a: A:1\n",
        &ReadOptions::new().format(Format::Obo),
    );
    assert_eq!(error.unwrap_err().kind(), Kind::Cycle);
}

#[test]
fn a_deep_chain_of_terms_is_read() {
    let terms = 20_000;
    let text: String = (0..terms).map(|term| format!("[Term]\nid: A:{term}\nis_a: A:{}\n", term + 1)).collect();
    let hierarchy = read(&text);
    assert_eq!((hierarchy.node_count(), hierarchy.class_count()), (terms + 1, 1));
}

#[test]
fn the_cell_ontology_is_read() {
    let Some(path) = real("cell-ontology-cl-basic-2022-12/cl-basic.obo") else { return };
    let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
    // Counted from cell-ontology-cl-basic-2022-12.edges.csv; the root is added above 10 roots.
    assert_eq!(shape(&hierarchy), (2644 + 1, 1630, 10, 922, 17 + 1));
    let neuron = hierarchy.node("CL:0000540").unwrap();
    assert_eq!((hierarchy.name(neuron), hierarchy.synonyms(neuron).next()), ("neuron", Some("nerve cell")));
}
