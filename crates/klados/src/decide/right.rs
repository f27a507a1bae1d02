//! Whether an answer is right, by a label.

use crate::criterion::{InputError, InputErrorKind, check_label};
use crate::{Hierarchy, Label, NodeId};

/// Which answers are right by the label that was read last: the nodes with a class below them that the label leaves possible.
///
/// That is the convention of [`metrics`](crate::metrics): a node above the label's node, or that node, is right; one below it
/// counts as the label's node, since the label does not say more.
#[derive(Debug)]
pub(super) struct Right {
    hierarchy: Hierarchy,
    named: Vec<NodeId>,
    /// In a DAG, by node: the number of the last label by which it was right.
    seen: Vec<u32>,
    number: u32,
}

impl Right {
    pub(super) fn new(hierarchy: &Hierarchy) -> Self {
        let seen = if hierarchy.is_tree() { 0 } else { hierarchy.node_count() };
        Self { hierarchy: hierarchy.clone(), named: Vec::new(), seen: vec![u32::MAX; seen], number: 0 }
    }

    /// That a label says which answer is right.
    pub(super) fn check(hierarchy: &Hierarchy, label: &Label) -> Result<(), InputError> {
        check_label(hierarchy, label)?;
        let what = match label {
            Label::Set { .. } => "is multi-label",
            Label::Soft(_) => "is a distribution",
            Label::Superclass(_) => "is a superclass",
            _ => return Ok(()),
        };
        let message = format!("a decision is calibrated on one class, node or union a sample, and the label {what}");
        Err(InputError::new(InputErrorKind::LabelForm, message))
    }

    /// Whether a label that is checked says anything: it is not ignored, and does not stand for all classes, as the root does.
    pub(super) fn says_anything(hierarchy: &Hierarchy, label: &Label) -> bool {
        let all = hierarchy.class_count();
        match label {
            Label::Ignored => false,
            Label::Class(_) => all > 1,
            Label::Node(node) => hierarchy.count_classes_below(*node) < all,
            Label::Union(nodes)
                if nodes.iter().map(|node| hierarchy.count_classes_below(*node)).sum::<usize>() < all =>
            {
                true
            }
            Label::Union(nodes) => {
                let mut classes: Vec<usize> = nodes.iter().flat_map(|node| hierarchy.classes_below(*node)).collect();
                classes.sort_unstable();
                classes.dedup();
                classes.len() < all
            }
            _ => true,
        }
    }

    /// Reads a label that is checked and not ignored.
    pub(super) fn read(&mut self, label: &Label) {
        self.named.clear();
        match label {
            Label::Class(class) => self.named.push(self.hierarchy.class_node(*class)),
            Label::Node(node) => self.named.push(*node),
            Label::Union(nodes) => self.named.extend_from_slice(nodes),
            _ => {}
        }
        if self.hierarchy.is_tree() {
            return;
        }
        self.number += 1;
        for node in &self.named {
            for class in self.hierarchy.classes_below(*node) {
                self.hierarchy.walk_up(self.hierarchy.class_node(class), &mut self.seen, self.number, |_| {});
            }
        }
    }

    /// Whether a node is a right answer.
    pub(super) fn is_right(&self, node: NodeId) -> bool {
        let hierarchy = &self.hierarchy;
        match hierarchy.is_tree() {
            // In a tree, nodes that share a class are on one path.
            true => self.named.iter().any(|&named| match named <= node {
                true => hierarchy.is_at_or_above(named, node),
                false => hierarchy.is_at_or_above(node, named),
            }),
            false => node == NodeId::ROOT || self.seen[node.index()] == self.number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_right_if_it_has_a_possible_class() {
        let tree = [("animal", "cat"), ("animal", "dog"), ("dog", "poodle"), ("plant", "oak"), ("plant", "elm")];
        let dag = [("pet", "dog"), ("canine", "dog"), ("canine", "wolf"), ("pet", "cat"), ("thing", "stone")];
        let tree = Hierarchy::from_edges(tree).unwrap().with_classes(["cat", "dog", "poodle", "oak", "elm"]).unwrap();
        for hierarchy in [tree, Hierarchy::from_edges(dag).unwrap()] {
            let mut right = Right::new(&hierarchy);
            let nodes: Vec<NodeId> = hierarchy.nodes().collect();
            let labels = nodes.iter().map(|node| Label::Node(*node));
            let unions = nodes.windows(2).map(|pair| Label::Union(pair.to_vec()));
            for label in labels.chain(unions).chain([Label::Class(0)]) {
                right.read(&label);
                let possible: Vec<usize> = match &label {
                    Label::Node(node) => hierarchy.classes_below(*node),
                    Label::Union(nodes) => nodes.iter().flat_map(|node| hierarchy.classes_below(*node)).collect(),
                    _ => vec![0],
                };
                for &node in &nodes {
                    let shares = hierarchy.classes_below(node).iter().any(|class| possible.contains(class));
                    assert_eq!(right.is_right(node), shares, "{label:?} {}", hierarchy.path(node));
                }
            }
        }
    }
}
