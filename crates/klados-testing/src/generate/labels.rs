//! The labels of a golden batch: one row for each kind.

use super::random::Random;
use crate::hierarchy::{Hierarchy, HierarchySpec, Node};
use crate::label::LabelSpec;

/// The kinds of label that a loss takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    All,
    /// No unions and no distributions.
    OneNode,
}

/// A class by its column and by its name, the class alone, a path, an inner node, the one above it, ignored; and where
/// the loss takes them a union of two classes, one of an inner node and a class, one whose parts are nested, and two
/// distributions, the second on two classes only.
///
/// # Panics
///
/// The hierarchy is not valid.
pub(super) fn batch(spec: &HierarchySpec, kinds: Kinds, random: &mut Random) -> Vec<LabelSpec> {
    let hierarchy = match Hierarchy::build(spec) {
        Ok(hierarchy) => hierarchy,
        Err(error) => panic!("{error}"),
    };
    let text = |text: String| LabelSpec::Text(text);
    let classes = spec.classes.len();
    let mut labels = vec![
        LabelSpec::Class { class: random.below(classes) },
        text(random.pick(&spec.classes).clone()),
        text(format!("={}", random.pick(&spec.classes))),
        text(path(&hierarchy, random.pick::<String>(&spec.classes))),
        text(String::new()),
    ];
    let is_inner = |&v: &Node| !hierarchy.children(v).is_empty() && hierarchy.name(v).is_some();
    let inner: Vec<Node> = (0..hierarchy.nodes()).filter(is_inner).collect();
    let name = |v: Node| hierarchy.name(v).unwrap_or_default().to_string();
    if !inner.is_empty() {
        let node = *random.pick(&inner);
        labels.push(text(name(node)));
        if let Some(&above) = hierarchy.parents(node).first()
            && hierarchy.name(above).is_some()
        {
            labels.push(text(name(above)));
        }
    }
    if kinds == Kinds::OneNode {
        return labels;
    }
    let class = |random: &mut Random| random.pick(&spec.classes).clone();
    labels.push(text(format!("{}|{}", class(random), class(random))));
    labels.push(text(format!("={}|{}|{}", class(random), class(random), class(random))));
    if !inner.is_empty() {
        let node = *random.pick(&inner);
        labels.push(text(format!("{}|{}", name(node), class(random))));
        let below = *random.pick(&hierarchy.classes_below(node));
        labels.push(text(format!("={}|{}", spec.classes[below], name(node))));
    }
    labels.push(LabelSpec::Soft { soft: distribution(classes, 32, random) });
    labels.push(LabelSpec::Soft { soft: distribution(classes, 2, random) });
    labels
}

/// As [`batch`] with all kinds, and the root where it has a name; and multi-label labels: nothing, one inner node, two
/// classes, a class and an inner node, and the same with masked nodes, of which some hold and some do not.
pub(super) fn rich(spec: &HierarchySpec, hierarchy: &Hierarchy, random: &mut Random) -> Vec<LabelSpec> {
    let mut labels = batch(spec, Kinds::All, random);
    labels.extend(hierarchy.name(hierarchy.root()).map(LabelSpec::from));
    let names = hierarchy.column_names();
    let inner: Vec<String> = hierarchy
        .columns()
        .into_iter()
        .filter(|&v| !hierarchy.children(v).is_empty())
        .map(|v| names[hierarchy.column(v)].clone())
        .collect();
    let class = |random: &mut Random| random.pick(&spec.classes).clone();
    labels.push(";".into());
    labels.push(LabelSpec::Text(format!("={};={}", class(random), class(random))));
    let mut set = vec![format!("={}", class(random))];
    if !inner.is_empty() {
        labels.push(LabelSpec::Text(format!("{};", random.pick(&inner))));
        let node = random.pick(&inner).clone();
        labels.push(LabelSpec::Text(format!("={};{node}", class(random))));
        set.push(node);
    }
    let masked = vec![random.pick(&names).clone(), random.pick(&names).clone(), set[0].clone()];
    labels.push(LabelSpec::Set { set, masked: masked.clone() });
    labels.push(LabelSpec::Set { set: Vec::new(), masked: masked[..1].to_vec() });
    labels
}

/// `pieces` equal parts given out at random; a power of two, so that the sum is exactly 1.
fn distribution(classes: usize, pieces: usize, random: &mut Random) -> Vec<f64> {
    let mut soft = vec![0.0; classes];
    for _ in 0..pieces {
        soft[random.below(classes)] += 1.0 / pieces as f64;
    }
    soft
}

/// From the top of the input down to a class, by first parents.
fn path(hierarchy: &Hierarchy, class: &str) -> String {
    let mut names = vec![class.to_string()];
    let mut node = hierarchy.node(class);
    while let Some(parent) = node.and_then(|v| hierarchy.parents(v).first().copied()) {
        names.extend(hierarchy.name(parent).map(str::to_string));
        node = Some(parent);
    }
    names.reverse();
    names.join(" > ")
}
