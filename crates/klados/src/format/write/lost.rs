//! What a written hierarchy does not say.

use super::super::rank_order::rank_order;
use crate::hierarchy::error::list;
use crate::{Hierarchy, NodeId};

/// Something that a hierarchy has and its text does not say, or does not give back when it is read. Its message is
/// what is lost, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// What it is, for programs.
    pub kind: LostKind,
    /// What it is, for people.
    pub message: String,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// The kinds of [`Lost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostKind {
    /// White space around names.
    Names,
    /// Ids, or that a node has none.
    Ids,
    /// Ids by which nodes are found beside their own.
    AlternativeIds,
    /// Synonyms.
    Synonyms,
    /// Ranks, or that a node has none.
    Ranks,
    /// Which rank is above which.
    RankOrder,
    /// That an internal node is a class.
    InternalClasses,
    /// The order of the classes.
    ClassOrder,
    /// The order of the children of a node.
    ChildOrder,
    /// Which parent of a node is the first.
    ParentOrder,
    /// The order of all nodes: that of the columns in forms with a logit a node.
    NodeOrder,
    /// The root, where it was added and has a single child.
    AddedRoot,
    /// The format, or the order of the columns, which must be said when the text is read.
    Format,
}

/// Collects what is lost.
pub(super) struct Losses<'h> {
    hierarchy: &'h Hierarchy,
    lost: Vec<Lost>,
}

impl<'h> Losses<'h> {
    pub(super) fn new(hierarchy: &'h Hierarchy) -> Self {
        Self { hierarchy, lost: Vec::new() }
    }

    pub(super) fn found(self) -> Vec<Lost> {
        self.lost
    }

    pub(super) fn add(&mut self, kind: LostKind, message: impl Into<String>) {
        self.lost.push(Lost { kind, message: message.into() });
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> + use<'h> {
        let hierarchy = self.hierarchy;
        hierarchy.nodes().filter(|node| !hierarchy.is_added(*node))
    }

    /// What no text but that of Klados keeps.
    pub(super) fn of_any_text(&mut self) {
        let spaced = self.nodes().filter(|node| {
            let name = self.hierarchy.name(*node);
            name.trim() != name
        });
        let spaced = spaced.count();
        if spaced > 0 {
            self.add(LostKind::Names, format!("white space around {}", count(spaced, "name")));
        }
        self.alternative_ids();
        self.added_root();
    }

    /// What neither of the drawings shows.
    pub(super) fn of_a_drawing(&mut self) {
        self.alternative_ids();
        self.internal_classes();
        self.class_order(self.nodes().filter(|node| is_leaf(self.hierarchy, *node)));
    }

    fn alternative_ids(&mut self) {
        let alternatives = self.hierarchy.all_alternative_ids().count();
        if alternatives > 0 {
            self.add(LostKind::AlternativeIds, format!("{} beside the nodes' own", count(alternatives, "id")));
        }
    }

    pub(super) fn internal_classes(&mut self) {
        let internal: Vec<&str> =
            internal_classes(self.hierarchy).map(|class| self.hierarchy.class_name(class)).collect();
        if !internal.is_empty() {
            let are = if internal.len() == 1 { "is a class" } else { "are classes" };
            let message = format!("that {} {are}: {}", count(internal.len(), "internal node"), list(&internal, 5));
            self.add(LostKind::InternalClasses, message);
        }
    }

    fn added_root(&mut self) {
        if let [top] = self.hierarchy.children(NodeId::ROOT)
            && self.hierarchy.root_is_added()
            && !self.hierarchy.children(*top).is_empty()
        {
            let name = self.hierarchy.name(*top);
            self.add(LostKind::AddedRoot, format!("the root above \"{name}\", which is alone there"));
        }
    }

    pub(super) fn ids(&mut self) {
        let ids = self.nodes().filter(|node| self.hierarchy.id(*node).is_some()).count();
        if ids > 0 {
            self.add(LostKind::Ids, count(ids, "id"));
        }
    }

    /// That nodes have no id, in a format that gives one to all.
    pub(super) fn missing_ids(&mut self) {
        let without = self.nodes().filter(|node| self.hierarchy.id(*node).is_none()).count();
        if without > 0 {
            let have = if without == 1 { "has" } else { "have" };
            let message = format!("that {} {have} no id: the name or a number is written", count(without, "node"));
            self.add(LostKind::Ids, message);
        }
    }

    pub(super) fn synonyms(&mut self) {
        let synonyms: usize = self.nodes().map(|node| self.hierarchy.synonyms(node).len()).sum();
        if synonyms > 0 {
            self.add(LostKind::Synonyms, count(synonyms, "synonym"));
        }
    }

    pub(super) fn ranks(&mut self) {
        let ranked = self.nodes().filter(|node| self.hierarchy.rank(*node).is_some()).count();
        if ranked > 0 {
            self.add(LostKind::Ranks, format!("the ranks of {}", count(ranked, "node")));
        }
    }

    /// Where the ranks come back in the order that the edges show, else in that in which the nodes have them.
    pub(super) fn rank_order(&mut self, nodes: impl Iterator<Item = NodeId>) {
        let names = self.hierarchy.rank_names();
        let place = |node: NodeId| self.hierarchy.rank_index(node);
        let mut first: Vec<usize> = Vec::new();
        let mut number = vec![None; names.len()];
        for rank in nodes.filter_map(place) {
            number[rank].get_or_insert_with(|| {
                first.push(rank);
                first.len() - 1
            });
        }
        let of = |node: NodeId| place(node).and_then(|rank| number[rank]);
        let edges =
            self.nodes().flat_map(|node| self.hierarchy.parents(node).iter().map(move |parent| (*parent, node)));
        let pairs = edges.filter_map(|(parent, child)| of(parent).zip(of(child)));
        let order = rank_order(first.len(), pairs);
        if !order.iter().map(|&rank| first[rank]).is_sorted() {
            let names = order.iter().map(|&rank| &names[first[rank]]);
            self.add(LostKind::RankOrder, format!("the order of the ranks: {} are read", list(names, 20)));
        }
    }

    /// `classes` in the order in which they are read, where the text says which nodes are.
    pub(super) fn order_of_all_classes(&mut self, classes: impl Iterator<Item = NodeId>) {
        let all = (0..self.hierarchy.class_count()).map(|class| self.hierarchy.class_owner(class));
        if !classes.eq(all) {
            self.add(LostKind::ClassOrder, "the order of the classes");
        }
    }

    /// `leaves` in the order in which they are read.
    pub(super) fn class_order(&mut self, leaves: impl Iterator<Item = NodeId>) {
        if !leaves.eq(leaf_classes(self.hierarchy)) {
            self.add(LostKind::ClassOrder, "the order of the classes");
        }
    }

    /// `nodes` in the order in which they are first mentioned.
    pub(super) fn node_order(&mut self, nodes: impl Iterator<Item = NodeId>) {
        let columns = self.hierarchy.node_columns().into_iter().filter(|node| !self.hierarchy.is_added(*node));
        if !nodes.filter(|node| *node != NodeId::ROOT).eq(columns) {
            self.add(LostKind::NodeOrder, "the order of the nodes, where a loss has a logit for each");
        }
    }

    /// `(parent, child)` in the order in which they are read, and the nodes without a parent.
    pub(super) fn edge_order(
        &mut self,
        edges: impl Iterator<Item = (NodeId, NodeId)>,
        tops: impl Iterator<Item = NodeId>,
    ) {
        let hierarchy = self.hierarchy;
        let (mut children, mut parents) = (vec![0; hierarchy.node_count()], vec![0; hierarchy.node_count()]);
        let (mut other_children, mut other_parents) = (0, 0);
        for (parent, child) in edges {
            other_children += usize::from(hierarchy.children(parent).get(children[parent.index()]) != Some(&child));
            other_parents += usize::from(hierarchy.parents(child).get(parents[child.index()]) != Some(&parent));
            children[parent.index()] += 1;
            parents[child.index()] += 1;
        }
        let same_tops = !hierarchy.root_is_added() || tops.eq(hierarchy.children(NodeId::ROOT).iter().copied());
        if other_children > 0 || !same_tops {
            self.add(LostKind::ChildOrder, "the order of children");
        }
        if other_parents > 0 {
            self.add(LostKind::ParentOrder, "which parent is the first, by which a path goes");
        }
    }
}

/// The classes that are leaves of the input, in the order of the columns.
pub(super) fn leaf_classes(hierarchy: &Hierarchy) -> impl Iterator<Item = NodeId> {
    let nodes = (0..hierarchy.class_count()).map(|class| hierarchy.class_owner(class));
    nodes.filter(|node| is_leaf(hierarchy, *node))
}

/// The classes that are internal nodes.
pub(super) fn internal_classes(hierarchy: &Hierarchy) -> impl Iterator<Item = usize> {
    (0..hierarchy.class_count()).filter(|&class| hierarchy.is_added(hierarchy.class_node(class)))
}

/// Whether nothing of the input is below a node.
pub(super) fn is_leaf(hierarchy: &Hierarchy, node: NodeId) -> bool {
    hierarchy.children(node).first().is_none_or(|child| hierarchy.is_added(*child))
}

/// `1 id`, `7 ids`.
pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
