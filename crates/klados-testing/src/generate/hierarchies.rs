//! The hierarchies of the golden cases.

use std::collections::BTreeMap;

use super::random::Random;
use crate::hierarchy::HierarchySpec;

/// The hierarchy of a name.
///
/// # Panics
///
/// There is none of that name.
pub(super) fn named(name: &str) -> HierarchySpec {
    match name {
        "animals" => animals(),
        "ragged" => ragged(),
        "star" => star(),
        "chain" => HierarchySpec::new(&[("x", "b"), ("b", "a"), ("a", "top")], &["x"]),
        "lone" => HierarchySpec::new(&[], &["x"]),
        "root_class" => HierarchySpec::new(&[("poodle", "dog"), ("beagle", "dog")], &["dog", "poodle", "beagle"]),
        "dag" => dag(),
        "roots" => roots(),
        "internal" => internal(),
        "leaves" => HierarchySpec {
            classes: ["wolf", "beagle", "horse", "cat", "poodle"].map(str::to_string).to_vec(),
            ..internal()
        },
        "emoji" => emoji(),
        "pruned" => pruned(),
        "medium" => medium(),
        _ => panic!("no hierarchy {name:?}"),
    }
}

/// The forum's six, with ranks.
fn animals() -> HierarchySpec {
    let classes = ["bat", "bear", "crow", "dog", "pigeon", "robin"];
    let parents = ["mammal", "mammal", "bird", "mammal", "bird", "bird"];
    let edges: Vec<(&str, &str)> = classes.into_iter().zip(parents).collect();
    let mut spec = HierarchySpec::new(&edges, &classes);
    spec.ranks = ranks(&[("class", &["mammal", "bird"]), ("species", &classes)]);
    spec
}

/// Leaves at depths 1 to 5, single-child chains in the middle and at the end, columns not in tree order.
fn ragged() -> HierarchySpec {
    let edges = [
        ("rock", "thing"),
        ("animal", "thing"),
        ("plant", "thing"),
        ("oak", "plant"),
        ("fern", "plant"),
        ("vertebrate", "animal"),
        ("bird", "vertebrate"),
        ("mammal", "vertebrate"),
        ("eagle", "raptor"),
        ("hawk", "raptor"),
        ("raptor", "bird"),
        ("penguin", "bird"),
        ("bat", "flying"),
        ("flying", "mammal"),
        ("squid", "animal"),
    ];
    let mut spec = HierarchySpec::new(&edges, &["hawk", "rock", "bat", "fern", "squid", "eagle", "oak", "penguin"]);
    spec.ranks = ranks(&[
        ("kingdom", &["animal", "plant"]),
        ("class", &["bird", "mammal"]),
        ("species", &["hawk", "bat", "fern", "squid", "eagle", "oak", "penguin"]),
    ]);
    spec
}

fn star() -> HierarchySpec {
    HierarchySpec::new(
        &[("e", "top"), ("d", "top"), ("c", "top"), ("b", "top"), ("a", "top")],
        &["a", "b", "c", "d", "e"],
    )
}

/// `amphibious` has two parents, `duck` has three, and `flying_boat` is reached by paths of different lengths.
fn dag() -> HierarchySpec {
    let edges = [
        ("vehicle", "entity"),
        ("animal", "entity"),
        ("water", "vehicle"),
        ("air", "vehicle"),
        ("land", "vehicle"),
        ("amphibious", "water"),
        ("amphibious", "land"),
        ("duck", "amphibious"),
        ("duck", "animal"),
        ("duck", "air"),
        ("hovercraft", "amphibious"),
        ("ship", "water"),
        ("plane", "air"),
        ("flying_boat", "air"),
        ("flying_boat", "amphibious"),
        ("car", "land"),
        ("cat", "animal"),
    ];
    HierarchySpec::new(&edges, &["car", "duck", "plane", "cat", "ship", "hovercraft", "flying_boat"])
}

/// Three roots, one of them a class that has no edge.
fn roots() -> HierarchySpec {
    let edges = [("apple", "fruit"), ("pear", "fruit"), ("kale", "vegetable")];
    HierarchySpec::new(&edges, &["pear", "water", "kale", "apple"])
}

/// `dog`, `canine` and `carnivore` are classes beside those below them.
fn internal() -> HierarchySpec {
    let edges = [
        ("carnivore", "mammal"),
        ("canine", "carnivore"),
        ("feline", "carnivore"),
        ("dog", "canine"),
        ("wolf", "canine"),
        ("poodle", "dog"),
        ("beagle", "dog"),
        ("cat", "feline"),
        ("horse", "mammal"),
    ];
    let classes = ["poodle", "dog", "horse", "carnivore", "wolf", "cat", "beagle", "canine"];
    let mut spec = HierarchySpec::new(&edges, &classes);
    spec.ranks = ranks(&[("family", &["canine", "feline"]), ("species", &["dog", "wolf", "cat", "horse"])]);
    spec
}

/// The tree of the embedded data set: 867 classes below 97 inner nodes.
///
/// # Panics
///
/// Its file is not there.
fn emoji() -> HierarchySpec {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../klados-cli/data/emoji/hierarchy.csv");
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let edges: Vec<(&str, &str)> = text.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
    let is_leaf = |node: &str| edges.iter().all(|&(_, parent)| parent != node);
    let classes: Vec<&str> = edges.iter().map(|&(child, _)| child).filter(|child| is_leaf(child)).collect();
    HierarchySpec::new(&edges, &classes)
}

/// Leaves and whole branches that are no classes; `tree` becomes a single-child chain.
fn pruned() -> HierarchySpec {
    let edges = [
        ("plant", "life"),
        ("tree", "plant"),
        ("oak", "tree"),
        ("beech", "tree"),
        ("moss", "plant"),
        ("fungus", "life"),
        ("yeast", "fungus"),
        ("mould", "fungus"),
        ("animal", "life"),
        ("cow", "animal"),
        ("goat", "animal"),
    ];
    HierarchySpec::new(&edges, &["goat", "oak", "moss", "cow"])
}

/// A random tree of 40 leaves, five of its inner nodes classes too, columns shuffled.
fn medium() -> HierarchySpec {
    let mut random = Random::new(40);
    // Nodes are split one after another until there are leaves enough; the later ones more rarely, so depths differ.
    let mut leaves = vec![0usize];
    let mut parents = vec![None];
    while leaves.len() < 40 {
        let at = random.below(leaves.len().min(12));
        let parent = leaves.remove(at);
        for _ in 0..1 + random.below(4) {
            parents.push(Some(parent));
            leaves.push(parents.len() - 1);
        }
    }
    let name = |v: usize| format!("n{v}");
    let edges: Vec<(String, String)> =
        parents.iter().enumerate().filter_map(|(v, parent)| parent.map(|parent| (name(v), name(parent)))).collect();
    let inner: Vec<usize> = (1..parents.len()).filter(|v| !leaves.contains(v)).collect();
    let mut classes: Vec<String> = leaves.iter().chain(inner.iter().step_by(4).take(5)).map(|&v| name(v)).collect();
    random.shuffle(&mut classes);
    HierarchySpec { edges, classes, ranks: BTreeMap::new() }
}

fn ranks(levels: &[(&str, &[&str])]) -> BTreeMap<String, String> {
    let pairs = levels.iter().flat_map(|(rank, nodes)| nodes.iter().map(|node| (node.to_string(), rank.to_string())));
    pairs.collect()
}
