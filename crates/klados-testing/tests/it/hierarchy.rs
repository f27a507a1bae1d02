//! Hierarchies and labels.

use klados_testing::{Hierarchy, HierarchySpec, Label};

fn build(edges: &[(&str, &str)], classes: &[&str]) -> Hierarchy {
    Hierarchy::build(&HierarchySpec::new(edges, classes)).unwrap()
}

#[test]
fn an_internal_class_gets_a_leaf_of_its_own() {
    let h = build(&[("dog", "animal"), ("poodle", "dog"), ("cat", "animal")], &["dog", "poodle", "cat"]);
    let dog = h.node("dog").unwrap();
    assert_eq!(h.nodes(), 5);
    assert_eq!(h.parents(h.class_node(0)), [dog]);
    assert_eq!(h.classes_below(dog), [0, 1]);
    assert_eq!((h.depth(h.class_node(0)), h.height(dog), h.height(h.root())), (2, 1, 2));
    let label = |text: &str| Label::resolve(&text.into(), &h).unwrap().classes(&h);
    assert_eq!(label("dog"), [0, 1]);
    assert_eq!(label("=dog"), [0]);
    assert_eq!(label("=dog|cat"), [0, 2]);
    assert_eq!(label("animal > dog > poodle"), [1]);
    assert!(Label::resolve(&"animal > poodle".into(), &h).is_err());
}

#[test]
fn nested_parts_of_a_union_add_nothing() {
    let h = build(&[("dog", "animal"), ("poodle", "dog"), ("cat", "animal")], &["dog", "poodle", "cat"]);
    let label = |text: &str| Label::resolve(&text.into(), &h).unwrap();
    assert_eq!(label("poodle|dog|=dog|dog"), label("dog"));
    assert_eq!(label("cat|cat"), label("cat"));
    assert_eq!(label("cat|dog|poodle"), label("dog|cat"));
}

#[test]
fn a_name_comes_before_the_syntax() {
    let h = build(&[("a|b", "top"), ("a", "top"), ("b", "top"), ("=a", "top")], &["a", "b", "a|b", "=a"]);
    let label = |text: &str| Label::resolve(&text.into(), &h).unwrap().classes(&h);
    assert_eq!(label("a|b"), [2]);
    assert_eq!(label("b|a"), [0, 1]);
    assert_eq!(label("=a"), [3]);
}

#[test]
fn roots_are_joined_and_a_lone_node_is_put_below_one() {
    let two = build(&[("a", "x"), ("b", "y")], &["a", "b"]);
    assert_eq!((two.nodes(), two.name(two.root()), two.children(two.root()).len()), (5, None, 2));
    let lone = build(&[], &["a"]);
    assert_eq!((lone.nodes(), lone.height(lone.root()), lone.depth(lone.class_node(0))), (2, 1, 1));
    let root_class = build(&[("a", "top")], &["top", "a"]);
    assert_eq!((root_class.nodes(), root_class.height(root_class.root())), (3, 1));
}

#[test]
fn nodes_without_classes_are_pruned_before_classes_get_leaves() {
    let h = build(&[("a", "top"), ("b", "a"), ("c", "top"), ("d", "c"), ("e", "d")], &["a", "e"]);
    assert_eq!(h.node("b"), None);
    assert_eq!(h.class_node(0), h.node("a").unwrap());
    assert_eq!(h.nodes(), 5);
}

#[test]
fn in_a_dag_a_class_counts_once_and_depth_is_the_longest_path() {
    let edges = [("a", "x"), ("a", "y"), ("b", "x"), ("x", "top"), ("y", "z"), ("z", "top"), ("c", "z")];
    let h = build(&edges, &["a", "b", "c"]);
    let node = |name: &str| h.node(name).unwrap();
    assert!(!h.is_tree());
    assert_eq!(h.classes_below(h.root()), [0, 1, 2]);
    assert_eq!(h.depth(node("a")), 3);
    assert_eq!(h.path(node("a")), [node("a"), node("x"), node("y"), node("z")].into());
    assert_eq!(h.lca(&[node("a"), node("b")]), node("x"));
    assert_eq!(h.lca(&[node("a"), node("c")]), node("z"));
    assert_eq!(h.lca(&[node("b"), node("c")]), h.root());
    assert_eq!(h.lca(&[node("a"), node("y")]), node("y"));
}

#[test]
fn mistakes_are_errors() {
    let refuses =
        |edges: &[(&str, &str)], classes: &[&str]| Hierarchy::build(&HierarchySpec::new(edges, classes)).is_err();
    assert!(refuses(&[("a", "b"), ("b", "a")], &["a"]));
    assert!(refuses(&[("a", "b")], &[]));
    assert!(refuses(&[("a", "b")], &["a", "a"]));
}
