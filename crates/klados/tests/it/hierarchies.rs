//! Building and asking hierarchies.

use klados::{Hierarchy, HierarchyBuilder, HierarchyErrorKind as Kind, Level, NodeId};

fn animals() -> Hierarchy {
    Hierarchy::from_edges([
        ("mammal", "bat"),
        ("mammal", "bear"),
        ("bird", "crow"),
        ("mammal", "dog"),
        ("bird", "pigeon"),
        ("bird", "robin"),
    ])
    .unwrap()
}

/// a -> b, c; b, c -> d; d -> e, f; c -> g
fn diamond() -> Hierarchy {
    Hierarchy::from_edges([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("d", "f"), ("c", "g")]).unwrap()
}

fn names(hierarchy: &Hierarchy, nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(|node| hierarchy.name(*node).to_owned()).collect()
}

#[test]
fn classes_are_the_leaves_in_order_of_appearance() {
    let hierarchy = animals();
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["bat", "bear", "crow", "dog", "pigeon", "robin"]);
    let order = names(&hierarchy, &hierarchy.node_columns());
    assert_eq!(order, ["bat", "mammal", "bear", "crow", "bird", "dog", "pigeon", "robin"]);
}

#[test]
fn hierarchy_order_puts_parents_first_and_subtrees_together() {
    let hierarchy = animals();
    let order = names(&hierarchy, &hierarchy.nodes().collect::<Vec<_>>());
    assert_eq!(order, ["root", "mammal", "bat", "bear", "dog", "bird", "crow", "pigeon", "robin"]);
    let dag = diamond();
    for node in dag.nodes() {
        assert!(dag.parents(node).iter().all(|parent| *parent < node));
    }
}

#[test]
fn several_roots_are_joined_and_one_root_is_kept() {
    assert!(animals().root_is_added());
    let one = Hierarchy::from_edges([("life", "plant"), ("life", "animal")]).unwrap();
    assert!(!one.root_is_added());
    assert_eq!(one.name(NodeId::ROOT), "life");
    assert_eq!(one.path(one.node("plant").unwrap()), "life > plant");
    assert_eq!(animals().path(animals().node("bat").unwrap()), "mammal > bat");
}

#[test]
fn a_root_named_root_does_not_clash_with_the_added_one() {
    let hierarchy = Hierarchy::from_edges([("root", "a"), ("other", "b")]).unwrap();
    assert_eq!(hierarchy.name(NodeId::ROOT), "(root)");
    assert_eq!(hierarchy.depth(hierarchy.node("root").unwrap()), 1);
}

#[test]
fn a_lone_node_is_a_class_below_an_added_root() {
    let mut builder = HierarchyBuilder::new();
    builder.add_node("only").unwrap();
    let hierarchy = builder.build().unwrap();
    assert_eq!((hierarchy.node_count(), hierarchy.class_count()), (2, 1));
    assert_eq!(hierarchy.height(NodeId::ROOT), 1);
}

#[test]
fn a_dag_counts_each_class_once_and_takes_the_longest_paths() {
    let dag = diamond();
    assert!(!dag.is_tree());
    assert_eq!(dag.count_classes_below(dag.node("a").unwrap()), 3);
    assert_eq!(dag.classes_below(dag.node("c").unwrap()).len(), 3);
    let long = Hierarchy::from_edges([("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "e")]).unwrap();
    assert_eq!(long.depth(long.node("c").unwrap()), 2);
    assert_eq!(long.height(NodeId::ROOT), 3);
    let d = long.node("d").unwrap();
    assert_eq!(names(&long, &long.ancestors(d)), ["c", "b", "a"]);
    assert_eq!(names(&long, &long.lineage(d)), ["b", "c", "d"]);
}

#[test]
fn lca_and_distance() {
    let tree = animals();
    let node = |name: &str| tree.node(name).unwrap();
    assert_eq!(tree.lca(node("bat"), node("dog")), node("mammal"));
    assert_eq!(tree.lca(node("bat"), node("mammal")), node("mammal"));
    assert_eq!(tree.distance(node("bat"), node("dog")), 2);
    assert_eq!(tree.distance(node("bat"), node("bat")), 0);
    let dag = diamond();
    let node = |name: &str| dag.node(name).unwrap();
    // Above both e and f: d, b, c, a. d and b have two classes below, c and a three; d is deeper than b.
    assert_eq!(dag.lca(node("e"), node("f")), node("d"));
    assert_eq!(dag.lca(node("e"), node("g")), node("c"));
    assert_eq!(dag.lca(node("b"), node("g")), NodeId::ROOT);
    assert_eq!(dag.distance(node("e"), node("g")), 3);
}

#[test]
fn a_class_that_is_internal_gets_a_leaf_of_its_own() {
    let hierarchy = Hierarchy::from_edges([("animal", "dog"), ("dog", "poodle"), ("animal", "cat")])
        .unwrap()
        .with_classes(["dog", "poodle", "cat"])
        .unwrap();
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["dog", "poodle", "cat"]);
    let dog = hierarchy.node("dog").unwrap();
    assert_eq!(names(&hierarchy, hierarchy.children(dog)), ["poodle", "=dog"]);
    assert_eq!(hierarchy.class_at(dog), Some(0));
    assert_eq!(hierarchy.height(dog), 1);
    // Stating the classes again starts from the same nodes.
    let again = hierarchy.with_classes(["=dog", "cat"]).unwrap();
    assert_eq!(again.class_names().collect::<Vec<_>>(), ["dog", "cat"]);
    assert_eq!(again.children(again.node("dog").unwrap()), []); // poodle is pruned, so dog is a leaf
}

#[test]
fn a_root_that_is_a_class_gets_a_leaf_of_its_own() {
    let base = Hierarchy::from_edges([("animal", "dog"), ("animal", "cat")]).unwrap();
    for classes in [vec!["animal"], vec!["cat", "animal"]] {
        let hierarchy = base.with_classes(&classes).unwrap();
        assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), classes);
        assert_eq!(hierarchy.class_at(NodeId::ROOT), Some(classes.len() - 1));
        assert!(hierarchy.leaf_nodes_have_classes());
    }
}

trait Check {
    fn leaf_nodes_have_classes(&self) -> bool;
}

impl Check for Hierarchy {
    fn leaf_nodes_have_classes(&self) -> bool {
        self.nodes().all(|node| !self.children(node).is_empty() || self.class_at(node).is_some())
    }
}

#[test]
fn pruning_is_reported() {
    let hierarchy = animals().with_classes(["crow", "robin"]).unwrap();
    assert_eq!(hierarchy.node_count(), 4);
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "5 nodes without a class at or below them are pruned: \"bat\", \"mammal\", \"bear\", \"dog\", \"pigeon\""
    );
}

#[test]
fn errors_name_the_nodes() {
    let message = |edges: &[(&str, &str)]| Hierarchy::from_edges(edges.iter().copied()).unwrap_err();
    let cycle = message(&[("top", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]);
    assert_eq!(cycle.kind(), Kind::Cycle);
    for name in ["3 nodes", "\"a\"", "\"b\"", "\"c\""] {
        assert!(cycle.to_string().contains(name), "{cycle}");
    }
    assert!(!cycle.to_string().contains("\"d\""));
    assert_eq!(message(&[("a", "a")]).to_string(), "\"a\" is given as its own parent");
    assert_eq!(message(&[("", "a")]).kind(), Kind::MissingParent);
    assert_eq!(message(&[("a", " ")]).kind(), Kind::EmptyName);
    assert_eq!(message(&[]).kind(), Kind::Empty);
    let unknown = animals().with_classes(["crow", "robbin"]).unwrap_err();
    assert_eq!(unknown.to_string(), "unknown class \"robbin\"; the nearest names are \"robin\"");
    let twice = animals().with_classes(["crow", "bat", "crow"]).unwrap_err();
    assert_eq!(twice.to_string(), "class \"crow\" is named twice, as columns 0 and 2");
}

#[test]
fn a_duplicate_edge_warns() {
    let hierarchy = Hierarchy::from_edges([("a", "b"), ("a", "c"), ("a", "b")]).unwrap();
    assert_eq!(hierarchy.children(NodeId::ROOT).len(), 2);
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "the edge from \"a\" to \"b\" is there already and is counted once"
    );
}

#[test]
fn display_is_an_indented_tree() {
    let expected = "mammal\n  bat\n  bear\n  dog\nbird\n  crow\n  pigeon\n  robin\n";
    assert_eq!(animals().to_string(), expected);
    assert_eq!(diamond().to_string(), "a\n  b\n    d\n      e\n      f\n  c\n    d (above)\n    g\n");
}

#[test]
fn serde_round_trip_keeps_everything() {
    let ranked = animals().with_level_names(["class", "species"]).unwrap();
    let internal = ranked.with_classes(["robin", "mammal", "bat"]).unwrap();
    for hierarchy in [animals(), diamond(), ranked, internal] {
        let json = serde_json::to_string(&hierarchy).unwrap();
        let back: Hierarchy = serde_json::from_str(&json).unwrap();
        assert_eq!(back.to_string(), hierarchy.to_string());
        assert_eq!(back.class_names().collect::<Vec<_>>(), hierarchy.class_names().collect::<Vec<_>>());
        assert_eq!(back.rank_names(), hierarchy.rank_names());
        for node in hierarchy.nodes() {
            assert_eq!(back.name(node), hierarchy.name(node));
            assert_eq!(back.children(node), hierarchy.children(node));
            assert_eq!(back.rank(node), hierarchy.rank(node));
            assert_eq!((back.depth(node), back.height(node)), (hierarchy.depth(node), hierarchy.height(node)));
        }
        assert_eq!(back.node_columns(), hierarchy.node_columns());
        assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }
}

#[test]
fn a_broken_serialized_hierarchy_is_an_error() {
    for json in [
        r#"{"nodes":["a","b"],"edges":[[0,2]],"classes":[1]}"#,
        r#"{"nodes":["a","b"],"edges":[[0,0]],"classes":[1]}"#,
        r#"{"nodes":["a","b"],"edges":[[0,1],[1,0]],"classes":[1]}"#,
        r#"{"nodes":["a","b"],"edges":[[0,1]],"classes":[1,1]}"#,
        r#"{"nodes":["a","b"],"edges":[[0,1]],"classes":[]}"#,
        r#"{"nodes":["a",""],"edges":[[0,1]],"classes":[1]}"#,
        r#"{"nodes":["a","b"],"edges":[[0,1]],"classes":[1],"rank_names":["x"],"ranks":[0,7]}"#,
        r#"{"nodes":["a","b"],"edges":[[0,1]],"classes":[1],"more":1}"#,
    ] {
        assert!(serde_json::from_str::<Hierarchy>(json).is_err(), "{json}");
    }
}

#[test]
fn levels_are_ranks_or_depths() {
    let plain = animals();
    assert_eq!(plain.levels(), [Level::Depth(1), Level::Depth(2)]);
    let ranked = plain.with_level_names(["class", "species"]).unwrap();
    assert_eq!(ranked.levels(), [Level::from("class"), Level::from("species")]);
    assert_eq!(ranked.level_nodes(&Level::from("class")).unwrap().len(), 2);
    assert_eq!(ranked.level_nodes(&Level::Depth(2)).unwrap().len(), 6);
    let error = ranked.level_nodes(&Level::from("genus")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no rank \"genus\"; the ranks are \"class\", \"species\", and depths go from 1 to 2"
    );
    assert!(plain.with_level_names(["a", "b", "c"]).is_err());
    let error = plain.with_level_names(["clade", "clade"]).unwrap_err();
    assert_eq!(error.to_string(), "the rank \"clade\" is named twice");
    assert_eq!(error.kind(), Kind::DuplicateRank);
    let twice = serde_json::to_string(&ranked).unwrap().replace(r#"["class","species"]"#, r#"["class","class"]"#);
    let error = serde_json::from_str::<Hierarchy>(&twice).unwrap_err();
    assert!(error.to_string().starts_with("the rank \"class\" is named twice"), "{error}");
}

#[test]
fn it_is_shared_between_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Hierarchy>();
    check::<klados::Criterion>();
}

/// A chain of 100,000 nodes and a star of as many: nothing recurses, nothing is quadratic.
#[test]
fn long_and_wide_hierarchies() {
    let n = 100_000;
    let chain = Hierarchy::from_edges((0..n).map(|i| (format!("n{i}"), format!("n{}", i + 1)))).unwrap();
    assert_eq!(chain.height(NodeId::ROOT), n);
    assert_eq!(chain.class_count(), 1);
    let star = Hierarchy::from_edges((0..n).map(|i| ("hub", format!("n{i}")))).unwrap();
    assert_eq!(star.class_count(), n);
    let cycle = (0..n).map(|i| (format!("n{i}"), format!("n{}", (i + 1) % n)));
    assert_eq!(Hierarchy::from_edges(cycle).unwrap_err().kind(), Kind::Cycle);
}

#[test]
fn display_of_a_deep_chain() {
    let chain = Hierarchy::from_edges((0..1234).map(|i| (format!("n{i}"), format!("n{}", i + 1)))).unwrap();
    let last = format!("{}n1234\n", " ".repeat(2 * 1234));
    assert!(chain.to_string().ends_with(&last));
}

#[test]
fn the_first_parent_stays_the_first_with_other_classes_and_in_the_serial_form() {
    // `flying` is before `mammal` in hierarchy order, and after it among the parents of the bat.
    let edges = [("animal", "flying"), ("animal", "mammal"), ("mammal", "bat"), ("flying", "crow"), ("flying", "bat")];
    let hierarchy = Hierarchy::from_edges(edges).unwrap();
    assert_eq!(hierarchy.path(hierarchy.node("bat").unwrap()), "animal > mammal > bat");
    let other = hierarchy.with_classes(["crow", "bat"]).unwrap();
    assert_eq!(other.path(other.node("bat").unwrap()), "animal > mammal > bat");
    let again: Hierarchy = serde_json::from_str(&serde_json::to_string(&hierarchy).unwrap()).unwrap();
    assert_eq!(again.path(again.node("bat").unwrap()), "animal > mammal > bat");
    assert_eq!(names(&again, again.children(again.node("flying").unwrap())), ["crow", "bat"]);
}

#[test]
fn classes_below_the_nodes_of_a_dag_are_counted_once() {
    // Up to three parents, near and far; more classes than are counted at a time.
    let mut random = 1_u64;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % limit
    };
    let mut edges = Vec::new();
    for node in 1..1500 {
        for parent in [node - 1 - below(node.min(9)), below(node), node / 2] {
            edges.push((format!("n{parent}"), format!("n{node}")));
        }
    }
    let dag = Hierarchy::from_edges(edges).unwrap();
    assert!(!dag.is_tree() && dag.class_count() > 128, "{}", dag.class_count());
    for node in dag.nodes() {
        assert_eq!(dag.count_classes_below(node), dag.classes_below(node).len(), "{}", dag.name(node));
    }
}
