//! Hierarchies of a given number of classes, and labels of every kind.

use klados::{Hierarchy, Label};

use crate::numbers::Numbers;

/// A tree of three levels: classes in groups of about five, groups in sections of about four, one class at the top.
pub(crate) fn tree(classes: usize) -> Hierarchy {
    let mut edges = Vec::new();
    for class in 0..classes - 1 {
        let group = class / 5;
        edges.push((format!("group{group}"), format!("class{class}")));
        if class % 5 == 0 {
            edges.push((format!("section{}", group / 4), format!("group{group}")));
        }
        if class % 20 == 0 {
            edges.push(("all".to_owned(), format!("section{}", group / 4)));
        }
    }
    edges.push(("all".to_owned(), format!("class{}", classes - 1)));
    Hierarchy::from_edges(edges).unwrap()
}

/// The same with a second parent for every seventh class.
pub(crate) fn dag(classes: usize) -> Hierarchy {
    let tree = tree(classes);
    let name = |node| tree.name(node).to_owned();
    let mut edges: Vec<(String, String)> = Vec::new();
    for node in tree.nodes() {
        edges.extend(tree.children(node).iter().map(|&child| (name(node), name(child))));
    }
    for class in (0..classes).step_by(7) {
        edges.push(("striped".to_owned(), format!("class{class}")));
    }
    edges.push(("all".to_owned(), "striped".to_owned()));
    Hierarchy::from_edges(edges).unwrap()
}

/// A label of a kind that every loss but soft labels takes.
pub(crate) fn label(numbers: &mut Numbers, hierarchy: &Hierarchy) -> Label {
    let classes = hierarchy.class_count();
    let node = |numbers: &mut Numbers| hierarchy.node_at(numbers.index(hierarchy.node_count())).unwrap();
    match numbers.index(6) {
        0 => Label::Ignored,
        1 => Label::Node(node(numbers)),
        2 => {
            let (one, other) = (node(numbers), node(numbers));
            if one == other { Label::Node(one) } else { Label::Union(vec![one, other]) }
        }
        3 => {
            let mut target = vec![0.0; classes];
            target[numbers.index(classes)] += 0.25;
            target[numbers.index(classes)] += 0.75;
            Label::Soft(target)
        }
        _ => Label::Class(numbers.index(classes)),
    }
}
