//! What is written is read back as it was, but for what is said to be lost; and what is said to be lost is.

use klados::format::{Draft, Format, Lost, LostKind, ReadOptions, WriteFormat};
use klados::{Hierarchy, HierarchyErrorKind as Kind, NodeId};
use klados_testing::hierarchy::HierarchySpec;
use klados_testing::strategies;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Names with what the formats have for their own.
const PARTS: [&str; 14] =
    ["a", "B", "crow", "it's", "x, y", "\"q\"", "ä ö", "日本", "(a;b)", "[c]", "1.5", "_u_v", "a > b", "l\nm"];

/// How the nodes of a random hierarchy are told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Identity {
    Names,
    Ids,
    /// Some nodes have an id; names repeat.
    SomeIds,
}

#[derive(Clone, Debug)]
struct Random {
    spec: HierarchySpec,
    names: Vec<Vec<&'static str>>,
    identity: Identity,
    /// By depth, or anyhow.
    ranks: Option<Vec<Option<usize>>>,
    ranks_by_depth: bool,
    synonyms: bool,
    /// Whether the classes are in an order of their own.
    classes: bool,
}

fn random() -> impl Strategy<Value = Random> {
    let spec = prop_oneof![strategies::tree(12, false), strategies::hierarchy(12)];
    let names = vec(vec(select(PARTS.to_vec()), 1..3), 12);
    let identity = select(vec![Identity::Names, Identity::Ids, Identity::SomeIds]);
    let ranks = proptest::option::of(vec(proptest::option::weighted(0.8, 0usize..4), 12));
    (spec, names, identity, ranks, any::<bool>(), proptest::bool::weighted(0.2), any::<bool>()).prop_map(
        |(spec, names, identity, ranks, ranks_by_depth, synonyms, classes)| Random {
            spec,
            names,
            identity,
            ranks,
            ranks_by_depth,
            synonyms,
            classes,
        },
    )
}

const RANKS: [&str; 4] = ["family", "order", "my, rank", "species"];

impl Random {
    fn build(&self) -> Hierarchy {
        let mut draft = Draft::new();
        draft.set_rank_names(RANKS);
        let number = |name: &str| name[1..].parse::<usize>().unwrap();
        let in_edges = self.spec.edges.iter().flat_map(|(child, parent)| [child, parent]);
        for name in in_edges.chain(&self.spec.classes) {
            let node = number(name);
            let own = self.names[node].join(" ");
            match self.identity {
                Identity::Names => draft.by_name(&format!("{own} {node}")),
                _ => draft.by_id(name).inspect(|&made| draft.set_name(made, &own)),
            };
        }
        let node_of = |draft: &mut Draft, name: &str| match self.identity {
            Identity::Names => {
                draft.by_name(&format!("{} {}", self.names[number(name)].join(" "), number(name))).unwrap()
            }
            _ => draft.by_id(name).unwrap(),
        };
        for (child, parent) in &self.spec.edges {
            let (child, parent) = (node_of(&mut draft, child), node_of(&mut draft, parent));
            draft.add_edge(parent, child);
        }
        if let Some(ranks) = self.ranks.as_ref().filter(|_| !self.ranks_by_depth) {
            for node in 0..draft.node_count() {
                if let Some(rank) = ranks[node] {
                    draft.set_rank(node, RANKS[rank]);
                }
            }
        }
        if self.synonyms && self.identity != Identity::Names {
            draft.add_synonym(0, "other");
        }
        let mut hierarchy = draft.build().unwrap();
        if self.ranks.is_some() && self.ranks_by_depth {
            let depths = hierarchy.height(NodeId::ROOT).min(RANKS.len());
            hierarchy = hierarchy.with_level_names(RANKS.iter().take(depths).copied()).unwrap();
        }
        if self.classes {
            let names = self.spec.classes.iter().map(|name| match self.identity {
                Identity::Names => format!("{} {}", self.names[number(name)].join(" "), number(name)),
                _ => name.clone(),
            });
            hierarchy = hierarchy.with_classes(names).unwrap();
        }
        match self.identity {
            Identity::SomeIds => without_some_ids(&hierarchy),
            _ => hierarchy,
        }
    }
}

/// Takes away every other id, by the only text that says all else.
fn without_some_ids(hierarchy: &Hierarchy) -> Hierarchy {
    let mut json: serde_json::Value = serde_json::to_value(hierarchy).unwrap();
    if let Some(ids) = json.get_mut("ids").and_then(|ids| ids.as_array_mut()) {
        ids.iter_mut().step_by(2).for_each(|id| *id = serde_json::Value::Null);
    }
    serde_json::from_value(json).unwrap()
}

/// What a node says of itself, as far as it is kept.
fn label(hierarchy: &Hierarchy, node: NodeId, lost: &[Lost]) -> String {
    let mut label = hierarchy.name(node).to_owned();
    if !has(lost, LostKind::Ids) {
        label += &format!(" id {:?}", hierarchy.id(node));
    }
    if !has(lost, LostKind::Ranks) {
        label += &format!(" rank {:?}", hierarchy.rank(node));
    }
    if !has(lost, LostKind::Synonyms) {
        label += &format!(" {:?}", hierarchy.synonyms(node).collect::<Vec<_>>());
    }
    label
}

fn has(lost: &[Lost], kind: LostKind) -> bool {
    lost.iter().any(|lost| lost.kind == kind)
}

/// Every way from the top to a node, sorted.
fn paths(hierarchy: &Hierarchy, lost: &[Lost]) -> Vec<Vec<String>> {
    let top = if hierarchy.root_is_added() { hierarchy.children(NodeId::ROOT).to_vec() } else { vec![NodeId::ROOT] };
    let mut open: Vec<(NodeId, Vec<String>)> = top.into_iter().map(|node| (node, Vec::new())).collect();
    let mut paths = Vec::new();
    while let Some((node, mut path)) = open.pop() {
        path.push(label(hierarchy, node, lost));
        let children = hierarchy.children(node).iter().filter(|child| !hierarchy.is_added(**child));
        open.extend(children.map(|child| (*child, path.clone())));
        paths.push(path);
    }
    paths.sort();
    paths
}

/// The labels of these nodes without those that were added.
fn labels(hierarchy: &Hierarchy, nodes: impl IntoIterator<Item = NodeId>, lost: &[Lost]) -> Vec<String> {
    let own = nodes.into_iter().filter(|node| !hierarchy.is_added(*node));
    own.map(|node| label(hierarchy, node, lost)).collect()
}

/// What the user named as classes, in the order of the columns.
fn all_classes(hierarchy: &Hierarchy, lost: &[Lost]) -> Vec<String> {
    let owner = |class| {
        let node = hierarchy.class_node(class);
        if hierarchy.is_added(node) { hierarchy.parents(node)[0] } else { node }
    };
    labels(hierarchy, (0..hierarchy.class_count()).map(owner), lost)
}

fn leaf_classes(hierarchy: &Hierarchy, lost: &[Lost]) -> Vec<String> {
    let owner = |class| {
        let node = hierarchy.class_node(class);
        if hierarchy.is_added(node) { hierarchy.parents(node)[0] } else { node }
    };
    let is_leaf = |node: &NodeId| hierarchy.children(*node).iter().all(|child| hierarchy.is_added(*child));
    labels(hierarchy, (0..hierarchy.class_count()).map(owner).filter(is_leaf), lost)
}

/// Each own node in hierarchy order, with its children and parents.
fn shape(hierarchy: &Hierarchy, lost: &[Lost], by_children: bool) -> Vec<(String, Vec<String>)> {
    let own = hierarchy.nodes().filter(|node| !hierarchy.is_added(*node) || (by_children && *node == NodeId::ROOT));
    let beside = |node| if by_children { hierarchy.children(node) } else { hierarchy.parents(node) };
    let label_of = |node| if hierarchy.is_added(node) { String::new() } else { label(hierarchy, node, lost) };
    let mut shape: Vec<_> =
        own.map(|node| (label_of(node), labels(hierarchy, beside(node).iter().copied(), lost))).collect();
    if !by_children || has(lost, LostKind::ChildOrder) || has(lost, LostKind::ParentOrder) {
        shape.sort();
    }
    shape
}

fn used_ranks(hierarchy: &Hierarchy) -> Vec<&str> {
    let used = |name: &&str| hierarchy.nodes().any(|node| hierarchy.rank(node) == Some(name));
    hierarchy.rank_names().iter().map(String::as_str).filter(used).collect()
}

fn check(hierarchy: &Hierarchy, again: &Hierarchy, lost: &[Lost]) -> Result<(), TestCaseError> {
    prop_assert_eq!(paths(hierarchy, lost), paths(again, lost));
    let is_kept = |kind: LostKind| !has(lost, kind);
    // Labels that repeat hide a change of order.
    let all = labels(hierarchy, hierarchy.nodes(), lost);
    let labels_differ = all.iter().collect::<std::collections::HashSet<_>>().len() == all.len();
    let compare = |same: bool, kind: LostKind| {
        prop_assert!(same || !is_kept(kind), "{kind:?} is kept, and is not");
        prop_assert!(!same || is_kept(kind) || !labels_differ, "{kind:?} is lost, and is not");
        Ok(())
    };
    if !is_kept(LostKind::InternalClasses) {
        compare(leaf_classes(hierarchy, lost) == leaf_classes(again, lost), LostKind::ClassOrder)?;
    }
    let columns = |of: &Hierarchy| {
        let columns = of.node_columns().into_iter().filter(|node| *node != NodeId::ROOT);
        labels(of, columns, lost)
    };
    if is_kept(LostKind::AddedRoot) {
        compare(columns(hierarchy) == columns(again), LostKind::NodeOrder)?;
        let children = shape(hierarchy, lost, true) == shape(again, lost, true);
        compare(children, LostKind::ChildOrder)?;
        compare(shape(hierarchy, lost, false) == shape(again, lost, false), LostKind::ParentOrder)?;
    }
    if is_kept(LostKind::Ranks) {
        compare(used_ranks(hierarchy) == used_ranks(again), LostKind::RankOrder)?;
    }
    if is_kept(LostKind::InternalClasses) {
        compare(all_classes(hierarchy, lost) == all_classes(again, lost), LostKind::ClassOrder)?;
        prop_assert_eq!(hierarchy.class_count(), again.class_count());
        if is_kept(LostKind::AddedRoot) && is_kept(LostKind::ChildOrder) && is_kept(LostKind::ParentOrder) {
            prop_assert_eq!(hierarchy.to_string(), again.to_string());
        }
    }
    Ok(())
}

/// As it is read without being told anything, unless the writer says that it must be.
fn read(written: &klados::format::Written, format: Format) -> Hierarchy {
    let mut options = ReadOptions::new().format(format);
    if format == Format::Ranks && has(&written.lost, LostKind::Format) {
        let mut csv = csv::Reader::from_reader(written.text.as_bytes());
        options.rank_columns = Some(csv.headers().unwrap().iter().map(str::to_owned).collect());
    }
    Hierarchy::from_bytes(written.text.as_bytes(), &options).unwrap_or_else(|error| panic!("{error}\n{}", written.text))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn edges_come_back(random in random()) {
        let hierarchy = random.build();
        let written = hierarchy.write(WriteFormat::Edges).unwrap();
        prop_assert!(!has(&written.lost, LostKind::ClassOrder));
        prop_assert!(!has(&written.lost, LostKind::Format), "{:?}", written.lost);
        check(&hierarchy, &read(&written, Format::Edges), &written.lost)?;
    }

    #[test]
    fn ranks_come_back(random in random()) {
        let hierarchy = random.build();
        match hierarchy.write(WriteFormat::Ranks) {
            Ok(written) => {
                prop_assert!(!has(&written.lost, LostKind::ClassOrder));
                check(&hierarchy, &read(&written, Format::Ranks), &written.lost)?;
            }
            Err(error) => prop_assert!(
                matches!(error.kind(), Kind::NotATree | Kind::AmbiguousName | Kind::UnknownLevel), "{error}"
            ),
        }
    }

    #[test]
    fn nested_json_comes_back(random in random()) {
        let hierarchy = random.build();
        match hierarchy.write(WriteFormat::Nested) {
            Ok(written) => {
                prop_assert!(!has(&written.lost, LostKind::Synonyms));
                prop_assert!(!has(&written.lost, LostKind::Format), "{:?}", written.lost);
                check(&hierarchy, &read(&written, Format::Nested), &written.lost)?;
            }
            Err(error) => prop_assert_eq!(error.kind(), Kind::AmbiguousName),
        }
    }

    #[test]
    fn newick_comes_back(random in random()) {
        let hierarchy = random.build();
        match hierarchy.write(WriteFormat::Newick) {
            // A number that names an inner node is no name where it is read.
            Ok(written) if has(&written.lost, LostKind::Names) => {}
            Ok(written) if has(&written.lost, LostKind::AddedRoot) => {
                let again = read(&written, Format::Newick);
                let below = again.children(NodeId::ROOT);
                let shown = |node: &NodeId| again.name(*node).to_owned();
                let tops: Vec<String> = below.iter().map(shown).collect();
                if hierarchy.children(NodeId::ROOT).len() > 1 {
                    let own = hierarchy.children(NodeId::ROOT).iter().map(|node| hierarchy.name(*node));
                    prop_assert_eq!(tops, own.collect::<Vec<_>>());
                }
            }
            Ok(written) => {
                prop_assert!(!has(&written.lost, LostKind::Format), "{:?}", written.lost);
                check(&hierarchy, &read(&written, Format::Newick), &written.lost)?;
            }
            Err(error) => prop_assert!(matches!(error.kind(), Kind::NotATree | Kind::AmbiguousName), "{error}"),
        }
    }

    #[test]
    fn own_json_comes_back_whole(random in random()) {
        let hierarchy = random.build();
        let written = hierarchy.write(WriteFormat::Klados).unwrap();
        prop_assert!(written.lost.is_empty());
        check(&hierarchy, &read(&written, Format::Klados), &[])?;
    }

    #[test]
    fn drawings_have_every_node_and_edge(random in random()) {
        let hierarchy = random.build();
        let own = hierarchy.nodes().filter(|node| !hierarchy.is_added(*node)).count();
        let edges: usize = hierarchy.nodes().map(|node| labels(&hierarchy, hierarchy.parents(node).iter().copied(), &[]).len()).sum();
        let added = hierarchy.nodes().skip(1).filter(|node| hierarchy.is_added(*node)).count();
        let dot = hierarchy.write(WriteFormat::Dot).unwrap().text;
        prop_assert_eq!(dot.lines().filter(|line| line.contains("[label=")).count(), own);
        prop_assert_eq!(dot.lines().filter(|line| line.starts_with("  n") && line.ends_with(';') && line.contains(" -> ") && !line.contains('"')).count(), edges - added);
        let mermaid = hierarchy.write(WriteFormat::Mermaid).unwrap().text;
        prop_assert_eq!(mermaid.lines().count(), 1 + own + edges - added);
    }
}

/// The real edges and ranks, where they are; those with ids and names through Klados' own JSON.
#[test]
fn real_hierarchies_come_back() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    if !folder.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no folder of real hierarchies beside the repository");
        }
        return;
    }
    for (file, formats) in [
        ("cifar100-superclasses/cifar100-superclasses.edges.csv", &[WriteFormat::Edges, WriteFormat::Ranks][..]),
        ("imagenet1k-wordnet-dag/imagenet1k-wordnet-dag.edges.csv", &[WriteFormat::Edges]),
        ("inat21/inat21.edges.csv", &[WriteFormat::Edges, WriteFormat::Ranks]),
        ("inat21/inat21.ranks.csv", &[WriteFormat::Edges, WriteFormat::Ranks]),
        ("openimages-600/openimages-600.edges.csv", &[WriteFormat::Edges]),
        ("openimages-600/bbox_labels_600_hierarchy.json", &[WriteFormat::Edges, WriteFormat::Nested]),
        ("newick-mammals/newick-mammals.nwk", &[WriteFormat::Edges, WriteFormat::Newick, WriteFormat::Nested]),
        ("cell-ontology-cl-basic-2022-12/cl-basic.obo", &[WriteFormat::Edges]),
    ] {
        let hierarchy = Hierarchy::from_path(folder.join(file), &ReadOptions::new()).unwrap();
        for &format in formats {
            let written = hierarchy.write(format).unwrap();
            // What no tree shows: the ids and levels that the text has to name, and what else nodes are called.
            let allowed = |lost: &Lost| {
                let beside = [LostKind::Ids, LostKind::AlternativeIds, LostKind::Synonyms, LostKind::Ranks];
                beside.contains(&lost.kind) || lost.kind == LostKind::NodeOrder
            };
            assert!(written.lost.iter().all(allowed), "{file} as {format}: {:?}", written.lost);
            let again = read(&written, format.name().parse().unwrap());
            assert_eq!(hierarchy.to_string(), again.to_string(), "{file} as {format}");
            assert!(hierarchy.class_names().eq(again.class_names()), "{file} as {format}");
            assert!(used_ranks(&hierarchy).is_empty() || used_ranks(&hierarchy) == used_ranks(&again));
        }
    }
}
