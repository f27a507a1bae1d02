//! What each format looks like when it is written, and what is refused.

use klados::format::{Draft, LostKind, ReadOptions, WriteFormat};
use klados::{Hierarchy, HierarchyErrorKind as Kind, NodeId};

fn birds() -> Hierarchy {
    let text = b"child,parent\ncrow,bird\nbat,mammal\nrobin,bird\n";
    Hierarchy::from_bytes(text, &ReadOptions::new()).unwrap()
}

fn text(hierarchy: &Hierarchy, format: WriteFormat) -> String {
    hierarchy.write(format).unwrap().text
}

fn lost(hierarchy: &Hierarchy, format: WriteFormat) -> Vec<String> {
    hierarchy.write(format).unwrap().lost.iter().map(ToString::to_string).collect()
}

/// Two nodes named Iris with ids and ranks, one of them with a synonym, and an internal class.
fn irises() -> Hierarchy {
    let mut draft = Draft::new();
    draft.set_rank_names(["kingdom", "genus"]);
    for (id, name, rank) in
        [("1", "Plantae", "kingdom"), ("2", "Animalia", "kingdom"), ("7", "Iris", "genus"), ("8", "Iris", "genus")]
    {
        let node = draft.declare(id, name).unwrap();
        draft.set_rank(node, rank);
    }
    let mantis = draft.by_id("8").unwrap();
    draft.add_synonym(mantis, "Iris oratoria");
    draft.add_alternative_id(mantis, "9");
    draft.add_edge(0, 2);
    draft.add_edge(1, 3);
    draft.build().unwrap()
}

fn diamond() -> Hierarchy {
    Hierarchy::from_edges([("animal", "pet"), ("animal", "fish"), ("pet", "guppy"), ("fish", "guppy")]).unwrap()
}

#[test]
fn edges_are_by_name_where_names_suffice() {
    assert_eq!(text(&birds(), WriteFormat::Edges), "child,parent\ncrow,bird\nbat,mammal\nrobin,bird\n");
    assert!(lost(&birds(), WriteFormat::Edges).is_empty());
    let lone = Hierarchy::from_bytes(b"child,parent\ncrow,bird\nrock,\nrobin,bird\n", &ReadOptions::new()).unwrap();
    assert_eq!(text(&lone, WriteFormat::Edges), "child,parent\ncrow,bird\nrock,\nrobin,bird\n");
}

#[test]
fn edges_have_ids_and_ranks_where_the_hierarchy_has_them() {
    let expected = "id,parent_id,name,rank\n1,,Plantae,kingdom\n2,,Animalia,kingdom\n7,1,Iris,genus\n8,2,Iris,genus\n";
    assert_eq!(text(&irises(), WriteFormat::Edges), expected);
    assert_eq!(lost(&irises(), WriteFormat::Edges), ["1 id beside the nodes' own", "1 synonym"]);
}

#[test]
fn nodes_of_one_name_without_ids_are_numbered() {
    let ranks = b"genus,family\nIris,Iridaceae\nIris,Tarachodidae\n1,Iridaceae\n";
    let hierarchy = Hierarchy::from_bytes(ranks, &ReadOptions::new()).unwrap();
    let expected = "id,parent_id,name,rank\n2,Iridaceae,Iris,genus\nIridaceae,,Iridaceae,family\n\
                    3,Tarachodidae,Iris,genus\nTarachodidae,,Tarachodidae,family\n1,Iridaceae,1,genus\n";
    assert_eq!(text(&hierarchy, WriteFormat::Edges), expected);
    assert_eq!(lost(&hierarchy, WriteFormat::Edges), ["that 5 nodes have no id: the name or a number is written"]);
}

#[test]
fn a_class_order_of_its_own_is_kept_and_children_give_way() {
    let hierarchy = birds().with_classes(["robin", "bat", "crow"]).unwrap();
    let written = hierarchy.write(WriteFormat::Edges).unwrap();
    assert_eq!(written.text, "child,parent\nrobin,bird\nbat,mammal\ncrow,bird\n");
    let kinds: Vec<LostKind> = written.lost.iter().map(|lost| lost.kind).collect();
    assert_eq!(kinds, [LostKind::ChildOrder, LostKind::NodeOrder]);
}

#[test]
fn ranks_are_a_path_a_line() {
    let text_of = |text: &str| {
        let hierarchy = Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
        hierarchy.write(WriteFormat::Ranks).unwrap()
    };
    let written =
        text_of("species,genus,family\nCorvus corax,Corvus,Corvidae\nPica pica,Pica,Corvidae\n,Perisoreus,Corvidae\n");
    assert_eq!(
        written.text,
        "family,genus,species\nCorvidae,Corvus,Corvus corax\nCorvidae,Pica,Pica pica\nCorvidae,Perisoreus,\n"
    );
    assert!(written.lost.is_empty(), "{:?}", written.lost);
}

#[test]
fn levels_without_ranks_are_numbered() {
    let written = birds().write(WriteFormat::Ranks).unwrap();
    assert_eq!(written.text, "level 1,level 2\nbird,crow\nmammal,bat\nbird,robin\n");
    let kinds: Vec<LostKind> = written.lost.iter().map(|lost| lost.kind).collect();
    assert_eq!(kinds, [LostKind::Ranks]);
    assert_eq!(written.lost[0].to_string(), "that the nodes have no ranks: the columns are \"level 1\" to \"level 2\"");
}

#[test]
fn what_ranks_have_no_way_to_say_is_refused() {
    let error = diamond().write(WriteFormat::Ranks).unwrap_err();
    assert_eq!(error.kind(), Kind::NotATree);
    let flat = Hierarchy::from_bytes(b"child,parent\na,\nb,\n", &ReadOptions::new()).unwrap();
    let error = flat.write(WriteFormat::Ranks).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a table of ranks has 2 to 1000 columns, and this hierarchy has 1 level; edges say any"
    );
    let mut twins = Draft::new();
    let [top, a, b] = ["1", "2", "3"].map(|id| twins.declare(id, if id == "1" { "top" } else { "twin" }).unwrap());
    twins.add_edge(top, a);
    twins.add_edge(top, b);
    let error = twins.build().unwrap().write(WriteFormat::Ranks).unwrap_err();
    assert_eq!((error.kind(), error.message().contains("\"top > twin\"")), (Kind::AmbiguousName, true));
    let chain = Hierarchy::from_edges((0..1500).map(|node| (node.to_string(), (node + 1).to_string()))).unwrap();
    assert_eq!(chain.write(WriteFormat::Ranks).unwrap_err().kind(), Kind::UnknownLevel);
}

#[test]
fn a_table_whose_columns_mislead_says_so() {
    // Three names at the top and one below, none of them a known rank.
    let mut options = ReadOptions::new();
    options.rank_columns = Some(vec!["group".into(), "article".into()]);
    let table = b"group,article\nshoes,boot\nhats,\ntools,\n";
    let hierarchy = Hierarchy::from_bytes(table, &options).unwrap();
    let written = hierarchy.write(WriteFormat::Ranks).unwrap();
    assert_eq!(written.text.as_bytes(), table);
    let messages: Vec<String> = written.lost.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["which column is the top rank: name them when reading it (group,article)"]);
}

#[test]
fn nested_json_has_what_nodes_have() {
    let expected = r#"[
  {"id": "1", "name": "Plantae", "rank": "kingdom", "children": [
    {"id": "7", "name": "Iris", "rank": "genus"}
  ]},
  {"id": "2", "name": "Animalia", "rank": "kingdom", "children": [
    {"id": "8", "name": "Iris", "rank": "genus", "synonyms": ["Iris oratoria"]}
  ]}
]
"#;
    assert_eq!(text(&irises(), WriteFormat::Nested), expected);
    let tree = Hierarchy::from_edges([("animal", "a \"bird\""), ("animal", "bat")]).unwrap();
    let expected =
        "{\"name\": \"animal\", \"children\": [\n  {\"name\": \"a \\\"bird\\\"\"},\n  {\"name\": \"bat\"}\n]}\n";
    assert_eq!(text(&tree, WriteFormat::Nested), expected);
}

#[test]
fn a_node_of_a_dag_is_whole_at_its_first_place() {
    let hierarchy = Hierarchy::from_edges([
        ("animal", "pet"),
        ("animal", "fish"),
        ("pet", "guppy"),
        ("fish", "guppy"),
        ("guppy", "red guppy"),
    ]);
    let hierarchy = hierarchy.unwrap();
    let expected = r#"{"id": "animal", "name": "animal", "children": [
  {"id": "pet", "name": "pet", "children": [
    {"id": "guppy", "name": "guppy", "children": [
      {"id": "red guppy", "name": "red guppy"}
    ]}
  ]},
  {"id": "fish", "name": "fish", "children": [
    {"id": "guppy", "name": "guppy"}
  ]}
]}
"#;
    assert_eq!(text(&hierarchy, WriteFormat::Nested), expected);
    let lost = lost(&hierarchy, WriteFormat::Nested);
    assert_eq!(lost[0], "that 5 nodes have no id: the name or a number is written");
}

#[test]
fn newick_quotes_what_is_no_plain_word() {
    let hierarchy =
        Hierarchy::from_edges([("Corvus corax", "it's"), ("Corvus corax", "a_b"), ("x", "Corvus corax"), ("x", "y.1")]);
    let hierarchy = hierarchy.unwrap();
    assert_eq!(text(&hierarchy, WriteFormat::Newick), "(('it''s','a_b')'Corvus corax',y.1)x;\n");
    let several = birds().write(WriteFormat::Newick).unwrap();
    assert_eq!(several.text, "((crow,robin)bird,(bat)mammal);\n");
    let kinds: Vec<LostKind> = several.lost.iter().map(|lost| lost.kind).collect();
    assert_eq!(kinds, [LostKind::AddedRoot, LostKind::ClassOrder, LostKind::NodeOrder]);
    assert_eq!(diamond().write(WriteFormat::Newick).unwrap_err().kind(), Kind::NotATree);
}

#[test]
fn dot_escapes_and_marks_the_classes() {
    let hierarchy = Hierarchy::from_edges([("a \"b\" \\N", "c\nd"), ("a \"b\" \\N", "<e>")]).unwrap();
    let expected = "digraph hierarchy {\n  rankdir=LR;\n  node [shape=plaintext];\n  n0 [label=\"a \\\"b\\\" \\\\N\"];\n  \
                    n1 [label=\"c\\nd\", shape=box];\n  n2 [label=\"<e>\", shape=box];\n  n0 -> n1;\n  n0 -> n2;\n}\n";
    assert_eq!(text(&hierarchy, WriteFormat::Dot), expected);
    let text = text(&irises(), WriteFormat::Dot);
    assert!(text.contains("[label=\"Iris\", id=\"7\", class=\"genus\", shape=box];\n"), "{text}");
    assert!(!text.contains("root"), "{text}");
    assert_eq!(lost(&irises(), WriteFormat::Dot), ["1 id beside the nodes' own", "1 synonym"]);
}

#[test]
fn mermaid_escapes_what_it_would_take_for_its_own() {
    let hierarchy = Hierarchy::from_edges([("a \"b\" #1", "`c` & <d>"), ("a \"b\" #1", "1. e - f")]).unwrap();
    let expected = "flowchart LR\n  n0(\"a #quot;b#quot; #35;1\")\n  n1[\"#96;c#96; #amp; #lt;d#gt;\"]\n  \
                    n2[\"1#46; e - f\"]\n  n0 --> n1\n  n0 --> n2\n";
    assert_eq!(text(&hierarchy, WriteFormat::Mermaid), expected);
    assert_eq!(
        lost(&irises(), WriteFormat::Mermaid),
        ["1 id beside the nodes' own", "4 ids", "1 synonym", "the ranks of 4 nodes"]
    );
}

#[test]
fn an_added_root_with_one_child_is_said_to_be_lost() {
    let hierarchy = birds().with_classes(["crow", "robin"]).unwrap();
    assert!(hierarchy.root_is_added());
    assert_eq!(hierarchy.children(NodeId::ROOT).len(), 1);
    assert_eq!(lost(&hierarchy, WriteFormat::Edges)[0], "the root above \"bird\", which is alone there");
}

#[test]
fn names_of_formats_and_endings_of_files() {
    for &format in WriteFormat::ALL {
        assert_eq!(format.name().parse::<WriteFormat>().unwrap(), format);
    }
    let error = "xml".parse::<WriteFormat>().unwrap_err();
    assert!(error.to_string().starts_with("unknown format \"xml\"; hierarchies are written as \"edges\", \"ranks\""));
    let of = |path: &str| WriteFormat::of_path(path.as_ref());
    assert_eq!(of("a/b.CSV"), Some(WriteFormat::Edges));
    assert_eq!(
        (of("b.json"), of("b.gv"), of("b.mmd")),
        (Some(WriteFormat::Klados), Some(WriteFormat::Dot), Some(WriteFormat::Mermaid))
    );
    assert_eq!((of("b.txt"), of("csv")), (None, None));
}

#[test]
fn a_chain_of_a_hundred_thousand_is_written() {
    let chain = Hierarchy::from_edges((0..100_000).map(|node| (node.to_string(), (node + 1).to_string()))).unwrap();
    for &format in WriteFormat::ALL.iter().filter(|format| **format != WriteFormat::Ranks) {
        let length = text(&chain, format).len();
        assert!((488_896..20_000_000).contains(&length), "{format}: {length}"); // the digits of 0 to 100,000
    }
}
