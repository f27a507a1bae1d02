//! A hierarchy in numbers.

use klados::Hierarchy;
use klados::format::ReadOptions;
use klados::hierarchy::Statistics;

fn of(text: &str) -> Statistics {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap().statistics()
}

#[test]
fn numbers_of_a_small_tree_are_counted_by_hand() {
    let numbers = of("child,parent\npoodle,dog\ndog,mammal\nbat,mammal\ncat,mammal\ncrow,bird\nrock,\n");
    assert_eq!((numbers.nodes, numbers.edges, numbers.roots, numbers.classes), (8, 5, 3, 5));
    assert_eq!((numbers.is_tree, numbers.internal_classes, numbers.height), (true, 0, 3));
    // poodle 3, bat 2, cat 2, crow 2, rock 1
    let depth = numbers.class_depth;
    assert_eq!((depth.min, depth.mean, depth.median, depth.max), (1, 2.0, 2.0, 3));
    let depths: Vec<_> = numbers.depths.iter().map(|size| (size.level.as_str(), size.nodes, size.classes)).collect();
    assert_eq!(depths, [("1", 3, 1), ("2", 4, 3), ("3", 1, 1)]);
    assert!(numbers.ranks.is_empty());
    // dog and bird have one child, mammal three
    assert_eq!(numbers.children, [(1, 2), (3, 1)]);
    let branching = numbers.branching.unwrap();
    assert_eq!((branching.min, branching.median, branching.max), (1, 1.0, 3));
    assert!((branching.mean - 5.0 / 3.0).abs() < 1e-15);
    assert_eq!((numbers.chains.nodes, numbers.chains.longest, numbers.chains.top.as_deref()), (2, 1, Some("dog")));
    assert_eq!((numbers.sharing.nodes, numbers.sharing.most_parents, &numbers.sharing.node), (0, 1, &None));
    let largest = numbers.largest.unwrap();
    assert_eq!((largest.node.as_str(), largest.classes, largest.share), ("mammal", 3, 0.6));
}

#[test]
fn numbers_of_a_dag_with_an_internal_class() {
    let edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("d", "f"), ("c", "g"), ("b", "f")];
    let hierarchy = Hierarchy::from_edges(edges).unwrap().with_classes(["e", "f", "g", "d"]).unwrap();
    let numbers = hierarchy.statistics();
    assert_eq!((numbers.nodes, numbers.edges, numbers.roots, numbers.classes), (7, 8, 1, 4));
    assert_eq!((numbers.is_tree, numbers.internal_classes, numbers.height), (false, 1, 3));
    let depths: Vec<_> = numbers.depths.iter().map(|size| (size.level.as_str(), size.nodes, size.classes)).collect();
    assert_eq!(depths, [("0", 1, 0), ("1", 2, 0), ("2", 2, 2), ("3", 2, 2)]);
    assert_eq!((numbers.sharing.nodes, numbers.sharing.edges, numbers.sharing.most_parents), (2, 2, 2));
    assert_eq!(numbers.chains.nodes, 0);
    // c has e, f, d itself and g; b only the first three
    let largest = numbers.largest.unwrap();
    assert_eq!((largest.node.as_str(), largest.classes, largest.share), ("c", 4, 1.0));
}

#[test]
fn ranks_are_counted_and_a_lone_node_has_numbers() {
    let numbers = of("species,genus\nC. corax,Corvus\nC. corone,Corvus\nP. pica,Pica\n,Perisoreus\n");
    let ranks: Vec<_> = numbers.ranks.iter().map(|size| (size.level.as_str(), size.nodes, size.classes)).collect();
    assert_eq!(ranks, [("genus", 3, 1), ("species", 3, 3)]);
    let lone = of("child,parent\na,\n");
    assert_eq!((lone.nodes, lone.classes, lone.edges, lone.branching), (1, 1, 0, None));
    let one_class = Hierarchy::from_edges([("a", "b")]).unwrap().with_classes(["a"]).unwrap().statistics();
    assert_eq!((one_class.nodes, one_class.classes, one_class.height, one_class.largest), (1, 1, 0, None));
}

/// What the data folder's manifest says: nodes, classes, height (of the cell ontology without the root that is added above
/// its several), several parents, single-child nodes.
#[test]
fn numbers_of_the_real_hierarchies() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    if !folder.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no folder of real hierarchies beside the repository");
        }
        return;
    }
    for (name, nodes, classes, height, shared, chains) in [
        ("imagenet1k-wordnet-dag", 1860, 1000, 18, 75, None),
        ("inat21", 16_344, 10_000, 7, 0, Some(3899)),
        ("cell-ontology-cl-basic-2022-12", 2644, 1630, 17 + 1, 922, None),
    ] {
        let path = folder.join(name).join(format!("{name}.edges.csv"));
        let numbers = Hierarchy::from_path(path, &ReadOptions::new()).unwrap().statistics();
        assert_eq!((numbers.nodes, numbers.classes, numbers.sharing.nodes), (nodes, classes, shared), "{name}");
        assert_eq!(numbers.height, height, "{name}");
        assert!(chains.is_none_or(|chains| chains == numbers.chains.nodes), "{name}: {}", numbers.chains.nodes);
    }
}
