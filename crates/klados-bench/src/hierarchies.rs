//! The hierarchies of the cases, by name: real ones, those of their shape, and synthetic ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use klados::Hierarchy;
use klados::format::ReadOptions;

/// `(parent, child)`.
type Edges = Vec<(String, String)>;

/// The hierarchy of a name; `None` where it is one of files that are not here.
///
/// | name | what |
/// |---|---|
/// | `emoji` | the embedded set of the command line |
/// | `imagenet-shaped` | 1,000 classes, cut at random down to single ones: unbalanced, some 15 levels |
/// | `imagenet1k` | the classes of ImageNet-1k in WordNet, a DAG |
/// | `inat21` | the species of iNaturalist 2021 with six ranks above them |
/// | `tree-N` | N classes, a node for each ten of them, for each hundred, and so on |
/// | `depth-D` | 4,096 classes, D levels down, of equal branching |
/// | `caterpillar` | 4,096 classes, one a level |
/// | `nodes-M` | 10,000 classes below M superclasses |
pub(crate) fn by_name(name: &str) -> Result<Option<Hierarchy>> {
    if let Some(file) = file(name) {
        return file.exists().then(|| Ok(Hierarchy::from_path(file, &ReadOptions::new())?)).transpose();
    }
    let edges = match name.split_once('-') {
        Some(("tree", classes)) => tree(number(classes)?, 10),
        Some(("depth", depth)) => tree(4096, branching(4096, number(depth)?)),
        Some(("nodes", superclasses)) => two_levels(number(superclasses)?, 10_000),
        Some(("imagenet", "shaped")) => cut_at_random(1000),
        None if name == "caterpillar" => caterpillar(4096),
        _ => bail!("there is no hierarchy \"{name}\""),
    };
    Ok(Some(Hierarchy::from_edges(edges.iter().map(|(parent, child)| (parent.as_str(), child.as_str())))?))
}

/// The file of a hierarchy that is not made here.
fn file(name: &str) -> Option<PathBuf> {
    let path = match name {
        "emoji" => "crates/klados-cli/data/emoji/hierarchy.csv",
        "inat21" => "../shared/data/hierarchies/inat21/inat21.ranks.csv",
        "imagenet1k" => "../shared/data/hierarchies/imagenet1k-wordnet-dag/imagenet1k-wordnet-dag.edges.csv",
        _ => return None,
    };
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path))
}

fn number(text: &str) -> Result<usize> {
    text.parse().with_context(|| format!("\"{text}\" is no number"))
}

/// The children a node needs so that `classes` are `depth` levels down.
fn branching(classes: usize, depth: usize) -> usize {
    (2..=classes).find(|branching: &usize| branching.pow(depth as u32) >= classes).unwrap_or(classes)
}

/// Classes in order, with a node above each `branching` of them, and so on up to one.
fn tree(classes: usize, branching: usize) -> Edges {
    let (mut edges, mut width, mut level) = (Vec::new(), classes, 0);
    while width > 1 {
        edges.extend((0..width).map(|at| (format!("{}/{}", level + 1, at / branching), format!("{level}/{at}"))));
        (width, level) = (width.div_ceil(branching), level + 1);
    }
    edges
}

fn two_levels(superclasses: usize, classes: usize) -> Edges {
    let above = (0..superclasses).map(|at| ("root".to_owned(), format!("above/{at}")));
    above.chain((0..classes).map(|at| (format!("above/{}", at * superclasses / classes), format!("{at}")))).collect()
}

fn caterpillar(classes: usize) -> Edges {
    let below = |level: usize| [(level, format!("level {}", level + 1)), (level, format!("{level}"))];
    let pairs = (0..classes - 1).flat_map(below);
    let last = (classes - 1, format!("{}", classes - 1));
    pairs.chain([last]).map(|(level, child)| (format!("level {level}"), child)).collect()
}

/// Stretches of classes are cut in two to four at random places, as unevenly as WordNet, until each holds one.
fn cut_at_random(classes: usize) -> Edges {
    let mut random = fastrand::Rng::with_seed(1000);
    let name = |from: usize, to: usize| if to - from == 1 { format!("{from}") } else { format!("{from} to {to}") };
    let (mut edges, mut open) = (Vec::new(), vec![(0, classes)]);
    while let Some((from, to)) = open.pop() {
        let mut cuts: Vec<usize> = (0..random.usize(1..4)).map(|_| random.usize(from + 1..to)).collect();
        cuts.extend([from, to]);
        cuts.sort_unstable();
        cuts.dedup();
        for part in cuts.windows(2) {
            edges.push((name(from, to), name(part[0], part[1])));
            if part[1] - part[0] > 1 {
                open.push((part[0], part[1]));
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(name: &str) -> (usize, usize, usize) {
        let hierarchy = by_name(name).unwrap().unwrap();
        let depth = hierarchy.nodes().map(|node| hierarchy.depth(node)).max().unwrap();
        (hierarchy.class_count(), hierarchy.node_count(), depth)
    }

    #[test]
    fn shapes_are_what_their_names_say() {
        assert_eq!(counts("tree-1000"), (1000, 1111, 3));
        assert_eq!(counts("depth-1"), (4096, 4097, 1));
        assert_eq!(counts("depth-12"), (4096, 8191, 12));
        assert_eq!(counts("nodes-100"), (10_000, 10_101, 2));
        assert_eq!(counts("caterpillar"), (4096, 8192, 4096));
        let (classes, nodes, depth) = counts("imagenet-shaped");
        assert!(classes == 1000 && nodes > 1300 && (10..30).contains(&depth), "{classes} {nodes} {depth}");
        assert!(by_name("oak").is_err() && by_name("tree-x").is_err());
    }
}
