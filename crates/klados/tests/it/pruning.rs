//! Hierarchies cut at a level, and without chains.

use klados::format::{Draft, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind, Level, NodeId};
use klados_testing::strategies;
use proptest::prelude::*;

/// Corvids, and a moss without a genus.
const RANKED: &str = "id,parent_id,name,rank
s1,g1,magpie,species
s2,g2,crow,species
s3,k2,moss,species
s4,g2,raven,species
g1,f1,Pica,genus
g2,f1,Corvus,genus
f1,k1,Corvidae,family
k1,,Animalia,kingdom
k2,,Plantae,kingdom
";

fn read(text: &str) -> Hierarchy {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap()
}

fn messages(hierarchy: &Hierarchy) -> Vec<String> {
    hierarchy.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn a_cut_at_a_rank_makes_its_nodes_the_classes() {
    let all = read(RANKED);
    let cut = all.cut_at(&Level::from("genus")).unwrap();
    assert_eq!(cut.to_string(), "Plantae\n  moss\nAnimalia\n  Corvidae\n    Pica\n    Corvus\n");
    assert_eq!(cut.class_names().collect::<Vec<_>>(), ["Pica", "Corvus", "moss"]);
    let corvus = cut.node("g2").unwrap();
    assert_eq!((cut.rank(corvus), cut.id(corvus)), (Some("genus"), Some("g2")));
    let expected = "1 class stays without a node at the level of the cut: \"moss\"";
    assert_eq!(messages(&cut)[messages(&all).len()..], [expected]);
    let error = all.cut_at(&Level::from("tribe")).unwrap_err();
    assert_eq!(error.kind(), Kind::UnknownLevel);
    assert!(error.message().starts_with("there is no rank \"tribe\"; the ranks are \"kingdom\", "), "{error}");
}

#[test]
fn a_cut_at_a_depth_keeps_what_is_higher() {
    let hierarchy = read("child,parent\npoodle,dog\nbeagle,dog\ndog,mammal\nbat,mammal\ncrow,bird\nrock,\n");
    let cut = hierarchy.cut_at(&Level::Depth(2)).unwrap();
    assert_eq!(cut.to_string(), "mammal\n  dog\n  bat\nbird\n  crow\nrock\n");
    assert_eq!(cut.class_names().collect::<Vec<_>>(), ["dog", "bat", "crow", "rock"]);
    let expected = "1 class stays without a node at the level of the cut: \"rock\"";
    assert_eq!(messages(&cut)[messages(&hierarchy).len()..], [expected]);
    assert_eq!(hierarchy.cut_at(&Level::Depth(1)).unwrap().to_string(), "mammal\nbird\nrock\n");
    for depth in [0, 4] {
        assert_eq!(hierarchy.cut_at(&Level::Depth(depth)).unwrap_err().kind(), Kind::UnknownLevel);
    }
}

#[test]
fn internal_classes_stay_classes_in_a_cut() {
    let all = read("child,parent\npoodle,dog\nbeagle,dog\ndog,mammal\nbat,mammal\ncrow,bird\n");
    let hierarchy = all.with_classes(["poodle", "mammal", "bat", "crow", "dog"]).unwrap();
    let cut = hierarchy.cut_at(&Level::Depth(2)).unwrap();
    assert_eq!(cut.class_names().collect::<Vec<_>>(), ["dog", "mammal", "bat", "crow"]);
    assert_eq!(cut.to_string(), "mammal\n  dog\n  bat\n  =mammal\nbird\n  crow\n");
}

/// a -> b, c; b, c -> d; d -> e, f; c -> g
fn diamond() -> Hierarchy {
    Hierarchy::from_edges([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("d", "f"), ("c", "g")]).unwrap()
}

#[test]
fn a_dag_is_cut_and_contracted() {
    let cut = diamond().cut_at(&Level::Depth(2)).unwrap();
    assert_eq!(cut.to_string(), "a\n  b\n    d\n  c\n    d\n    g\n");
    // b has the only child d, which takes its place below a; c and a have two.
    let contracted = diamond().contract_chains().unwrap();
    assert_eq!(contracted.to_string(), "a\n  d\n    e\n    f\n  c\n    d (above)\n    g\n");
    assert_eq!(contracted.warnings(), []);
    // Without g, c is as b: all of a's edges lead to d, which is then a's only child.
    let edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("d", "f")];
    let contracted = Hierarchy::from_edges(edges).unwrap().contract_chains().unwrap();
    assert_eq!(contracted.to_string(), "d\n  e\n  f\n");
    // At depth 1 the shallow parent of the deep x is pruned.
    let edges = [("r", "p"), ("r", "q"), ("q", "s"), ("s", "x"), ("p", "x"), ("s", "y")];
    let cut = Hierarchy::from_edges(edges).unwrap().cut_at(&Level::Depth(2)).unwrap();
    assert_eq!(cut.to_string(), "r\n  q\n    s\n");
    assert!(messages(&cut)[0].contains("\"p\""), "{:?}", messages(&cut));
}

#[test]
fn nodes_of_one_rank_above_each_other_are_cut_at_the_topmost() {
    let hierarchy =
        read("child,parent,rank\nx,b,species\nb,a,clade\na,r,clade\ny,c,species\nc,r,clade\nz,r,species\nr,,life\n");
    let cut = hierarchy.cut_at(&Level::from("clade")).unwrap();
    assert_eq!(cut.class_names().collect::<Vec<_>>(), ["a", "c", "z"]);
}

#[test]
fn chains_leave_their_lowest_node_and_all_classes() {
    let hierarchy = read(RANKED).contract_chains().unwrap();
    assert_eq!(hierarchy.to_string(), "moss\nCorvidae\n  magpie\n  Corvus\n    crow\n    raven\n");
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["magpie", "crow", "moss", "raven"]);
    assert_eq!(hierarchy.rank(hierarchy.node("f1").unwrap()), Some("family"));
    // A class of its own is no part of a chain.
    let own =
        read("child,parent\npoodle,dog\ndog,mammal\ncrow,bird\n").with_classes(["dog", "poodle", "crow"]).unwrap();
    assert_eq!(own.contract_chains().unwrap().to_string(), "dog\n  poodle\n  =dog\ncrow\n");
    // One class is a lone node.
    let one = Hierarchy::from_edges([("a", "b"), ("b", "c")]).unwrap().contract_chains().unwrap();
    assert_eq!((one.to_string().as_str(), one.root_is_added()), ("c\n", true));
}

#[test]
fn an_added_root_that_is_needless_goes() {
    let hierarchy = read("child,parent\ncrow,bird\nrobin,bird\nbat,mammal\n").with_classes(["crow", "robin"]).unwrap();
    assert!(hierarchy.root_is_added());
    let contracted = hierarchy.contract_chains().unwrap();
    assert_eq!((contracted.root_is_added(), contracted.name(NodeId::ROOT)), (false, "bird"));
}

#[test]
fn synonyms_and_ids_stay_with_their_nodes() {
    let mut draft = Draft::new();
    let [top, chain, low, a, b] = ["1", "2", "3", "4", "5"].map(|id| draft.declare(id, "same").unwrap());
    for (parent, child) in [(top, chain), (chain, low), (low, a), (low, b)] {
        draft.add_edge(parent, child);
    }
    draft.add_synonym(chain, "gone");
    draft.add_synonym(low, "kept");
    draft.add_alternative_id(a, "6");
    let hierarchy = draft.build().unwrap();
    let contracted = hierarchy.contract_chains().unwrap();
    assert_eq!(contracted.node_count(), 3);
    assert_eq!(contracted.id(NodeId::ROOT), Some("3"));
    assert_eq!(contracted.synonyms(NodeId::ROOT).collect::<Vec<_>>(), ["kept"]);
    assert_eq!(contracted.node("6").unwrap(), contracted.node("4").unwrap());
    let cut = hierarchy.cut_at(&Level::Depth(2)).unwrap();
    assert_eq!(cut.synonyms(cut.node("2").unwrap()).collect::<Vec<_>>(), ["gone"]);
    assert_eq!(cut.id(cut.class_node(0)), Some("3"));
}

#[test]
fn a_chain_of_a_hundred_thousand_is_contracted_and_cut() {
    let edges = (0..100_000).map(|node| (node.to_string(), (node + 1).to_string()));
    let chain = Hierarchy::from_edges(edges.chain([("99999".to_owned(), "x".to_owned())])).unwrap();
    assert_eq!(chain.contract_chains().unwrap().node_count(), 3);
    assert_eq!(chain.cut_at(&Level::Depth(50_000)).unwrap().node_count(), 50_001);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn contracting_keeps_the_sets_of_classes(spec in strategies::hierarchy(12)) {
        let edges = spec.edges.iter().map(|(child, parent)| (parent, child));
        let Ok(hierarchy) = Hierarchy::from_edges(edges) else { return Ok(()) }; // no edge
        let classes: Vec<&String> = spec.classes.iter().filter(|name| hierarchy.node(name).is_ok()).collect();
        let hierarchy = hierarchy.with_classes(classes).unwrap();
        let contracted = hierarchy.contract_chains().unwrap();
        prop_assert!(hierarchy.class_names().eq(contracted.class_names()));
        let sets = |hierarchy: &Hierarchy| {
            let mut sets: Vec<Vec<usize>> = hierarchy.nodes().map(|node| {
                let mut set = hierarchy.classes_below(node);
                set.sort_unstable();
                set
            }).collect();
            sets.sort();
            sets.dedup();
            sets
        };
        prop_assert_eq!(sets(&hierarchy), sets(&contracted));
        // None is left, but for the root above one class, and above the leaf of a class that is the root.
        for node in contracted.nodes().filter(|_| contracted.class_count() > 1) {
            prop_assert!(contracted.children(node).len() != 1, "{contracted}");
        }
        prop_assert_eq!(contracted.contract_chains().unwrap().to_string(), contracted.to_string());
    }

    #[test]
    fn a_cut_keeps_every_class_below_a_new_one(spec in strategies::hierarchy(12), depth in 1usize..4) {
        let edges = spec.edges.iter().map(|(child, parent)| (parent, child));
        let Ok(hierarchy) = Hierarchy::from_edges(edges) else { return Ok(()) };
        let Ok(cut) = hierarchy.cut_at(&Level::Depth(depth)) else {
            prop_assert!(depth > hierarchy.height(NodeId::ROOT));
            return Ok(());
        };
        for class in 0..hierarchy.class_count() {
            let node = hierarchy.class_node(class);
            let above = hierarchy.lineage(node);
            let is_kept = above.iter().any(|node| cut.class_names().any(|name| name == hierarchy.name(*node)));
            prop_assert!(is_kept, "{}", hierarchy.name(node));
        }
        for name in cut.class_names() {
            let node = hierarchy.node(name).unwrap();
            prop_assert!(hierarchy.depth(node) == depth || hierarchy.children(node).is_empty());
        }
    }
}
