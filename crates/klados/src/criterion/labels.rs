//! From a label to the sets of classes that a row kernel takes.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use super::error::check_length;
use super::{Inner, InputError, InputErrorKind as Kind, Objective};
use crate::kernels::nested::{Nested, Step};
use crate::kernels::overlapping::Overlapping;
use crate::loss::Unresolved;
use crate::{Hierarchy, Label, NodeId};

/// The nodes that a hard label names, none of them below another.
#[derive(Debug, Default)]
pub(super) struct Named {
    nodes: Vec<NodeId>,
    /// The height of the tallest.
    height: usize,
}

/// That a label names what is there.
pub(crate) fn check_label(hierarchy: &Hierarchy, label: &Label) -> Result<(), InputError> {
    let check_node = |node: &NodeId| match node.index() < hierarchy.node_count() {
        true => Ok(()),
        false => {
            let message = format!("node {} is outside of 0..{}", node.index(), hierarchy.node_count());
            Err(InputError::new(Kind::OutOfRange, message))
        }
    };
    match label {
        Label::Ignored => Ok(()),
        Label::Class(class) if *class < hierarchy.class_count() => Ok(()),
        Label::Class(class) => {
            let message = format!("class {class} is outside of 0..{}", hierarchy.class_count());
            Err(InputError::new(Kind::OutOfRange, message))
        }
        Label::Node(node) => check_node(node),
        Label::Union(nodes) if nodes.is_empty() => Err(InputError::new(Kind::LabelForm, "a union of no nodes")),
        Label::Union(nodes) => nodes.iter().try_for_each(check_node),
        Label::Set { positive, masked } => positive.iter().chain(masked).try_for_each(check_node),
        Label::Superclass(_) => Ok(()), // known to the loss alone
        Label::Soft(target) => {
            check_length("the soft label", target.len(), hierarchy.class_count(), "classes")?;
            if let Some(class) = target.iter().position(|&q| !(0.0..=1.0 + 1e-6).contains(&q)) {
                let (q, name) = (target[class], hierarchy.class_name(class));
                let message = format!("the soft label gives \"{name}\" (class {class}) {q}, expected a probability");
                return Err(InputError::new(Kind::NotADistribution, message));
            }
            let sum: f64 = target.iter().sum();
            match (sum - 1.0).abs() <= 1e-6 {
                true => Ok(()),
                false => {
                    let message = format!("the soft label sums to {sum}, expected 1 within 1e-6");
                    Err(InputError::new(Kind::NotADistribution, message))
                }
            }
        }
    }
}

/// A union that leaves one node, since the others are below it, is that node. Of a label that names what is there.
pub(crate) fn one_node<'a>(hierarchy: &Hierarchy, label: &'a Label) -> Cow<'a, Label> {
    if let Label::Union(_) = label {
        let mut named = Named::default();
        named.set(hierarchy, label);
        if let [node] = named.nodes[..] {
            return Cow::Owned(Label::Node(node));
        }
    }
    Cow::Borrowed(label)
}

/// The classes that a hard label stands for, each once.
pub(crate) fn classes_of(hierarchy: &Hierarchy, label: &Label) -> Vec<usize> {
    match label {
        Label::Class(class) => vec![*class],
        Label::Node(node) => hierarchy.classes_below(*node),
        // The root adds nothing to a set; where nothing else is named, any of the classes is meant.
        Label::Set { positive, .. } if positive.iter().all(|node| *node == NodeId::ROOT) => {
            (0..hierarchy.class_count()).collect()
        }
        Label::Union(nodes) | Label::Set { positive: nodes, .. } => {
            let is_set = matches!(label, Label::Set { .. });
            let nodes = nodes.iter().filter(|node| !is_set || **node != NodeId::ROOT);
            let mut classes: Vec<usize> = nodes.flat_map(|node| hierarchy.classes_below(*node)).collect();
            classes.sort_unstable();
            classes.dedup();
            classes
        }
        Label::Ignored | Label::Soft(_) | Label::Superclass(_) => Vec::new(),
    }
}

impl Named {
    /// In hierarchy order.
    pub(super) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The height of the tallest.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn set(&mut self, hierarchy: &Hierarchy, label: &Label) {
        self.nodes.clear();
        match label {
            Label::Class(class) => self.nodes.push(hierarchy.class_node(*class)),
            Label::Node(node) => self.nodes.push(*node),
            Label::Union(nodes) => self.nodes.extend_from_slice(nodes),
            Label::Ignored | Label::Soft(_) | Label::Set { .. } | Label::Superclass(_) => {}
        }
        self.height = self.nodes.iter().map(|node| hierarchy.height(*node)).max().unwrap_or(0);
        if self.nodes.len() > 1 {
            let all = self.nodes.clone();
            self.nodes.retain(|node| !all.iter().any(|other| other != node && hierarchy.is_at_or_above(*other, *node)));
            self.nodes.sort_unstable();
            self.nodes.dedup();
        }
    }
}

impl Inner {
    /// The nodes above all named ones, the root left out: what the label resolves. In hierarchy order.
    fn resolved(&self, named: &Named) -> Vec<NodeId> {
        let mut common = self.hierarchy.lineage(named.nodes[0]);
        for node in &named.nodes[1..] {
            let lineage = self.hierarchy.lineage(*node);
            common.retain(|node| lineage.contains(node));
        }
        common
    }

    /// The largest weight that a class of the label carries below what the label resolves; exactly 0 where there is no
    /// node of weight.
    fn unresolved_weight(&self, weights: &[f64], named: &[NodeId], resolved: impl Iterator<Item = NodeId>) -> f64 {
        let add = |(above, counted): (f64, u32), node: NodeId| {
            let weight = weights[node.index()];
            (above + weight, counted + u32::from(weight != 0.0))
        };
        let (above, counted) = resolved.fold((0.0, 0), add);
        let most = named.iter().map(|node| self.heaviest[node.index()].1).max().unwrap_or(0);
        if most <= counted {
            return 0.0;
        }
        named.iter().map(|node| self.heaviest[node.index()].0 - above).fold(0.0, f64::max)
    }

    /// The weight that falls back to the set of a label from the levels that it does not resolve, in a tree. `lca` is the
    /// lowest node above all that is named.
    fn fallback(&self, named: &[NodeId], lca: NodeId) -> f64 {
        match &self.tables.objective {
            Objective::Marginal { weights, unresolved: Unresolved::Label } => {
                let path = std::iter::successors(Some(lca), |node| self.hierarchy.parents(*node).first().copied());
                self.unresolved_weight(weights, named, path.filter(|node| *node != NodeId::ROOT))
            }
            _ => 0.0,
        }
    }

    /// The chain of sets of a node in a tree, with the weights of their terms times `factor`. Positions are in tree order.
    pub(super) fn fill_chain(&self, node: NodeId, factor: f64, nested: &mut Nested) {
        nested.climb(&self.steps, node.index(), factor);
        // A class resolves all levels.
        if self.hierarchy.leaf_class(node).is_none()
            && let Some(own) = nested.weights.first_mut()
        {
            *own += self.fallback(&[node], node) * factor;
        }
    }

    /// The chain of sets of a union in a tree, with the weights of their terms times `factor`. Positions are in tree order.
    pub(super) fn fill_union(&self, named: &Named, factor: f64, nested: &mut Nested) {
        let hierarchy = &self.hierarchy;
        let lca = named.nodes[1..].iter().fold(named.nodes[0], |lca, node| hierarchy.lca(lca, *node));
        let own = match &self.tables.objective {
            Objective::Conditional { union, .. } => union.weight(hierarchy.depth(lca), named.height),
            _ => self.fallback(&named.nodes, lca),
        };
        nested.takes_part = factor != 0.0;
        nested.weights.clear();
        nested.weights.push(own * factor);
        let path: Vec<Step> = std::iter::successors(Some(lca), |node| hierarchy.parents(*node).first().copied())
            .map(|node| self.steps[node.index()])
            .collect();
        nested.weights.extend(path[..path.len() - 1].iter().map(|step| step.weight * factor));
        // Shell 0 is the union, 1 what it leaves of the lowest common ancestor, and then what each node above adds. The
        // positions, from the left: what the nodes above add, from the root down, the middle, and so up again.
        let shells = &mut nested.shells;
        shells.reset(path.len() + 1);
        for (above, step) in path.iter().enumerate().rev().skip(1) {
            shells.extend_to(step.span.0 as usize, above + 2);
        }
        // `named.nodes` is in hierarchy order, so its spans ascend.
        for node in &named.nodes {
            let (start, end) = hierarchy.span(*node);
            shells.extend_to(start, 1);
            shells.extend_to(end, 0);
        }
        for (above, step) in path.iter().enumerate() {
            shells.extend_to(step.span.1 as usize, above + 1);
        }
    }

    /// The overlapping sets of a hard label in a DAG, as atoms: classes that are in the same sets. `order` becomes the
    /// classes by atom.
    pub(super) fn fill_overlapping(
        &self,
        named: &Named,
        factor: f64,
        overlapping: &mut Overlapping,
        order: &mut Vec<u32>,
        signatures: &mut Signatures,
    ) {
        let Objective::Marginal { weights, unresolved } = &self.tables.objective else { return };
        overlapping.clear();
        overlapping.takes_part = factor != 0.0;
        let resolved = self.resolved(named);
        let fallback = match unresolved {
            Unresolved::Skip => 0.0,
            Unresolved::Label => self.unresolved_weight(weights, &named.nodes, resolved.iter().copied()),
        };
        let mut sets: Vec<(f64, &[NodeId])> = Vec::new();
        for node in &resolved {
            // The named node itself is among the resolved ones where the label is one node: one set for both.
            let own = if named.nodes == [*node] { fallback } else { 0.0 };
            let weight = (weights[node.index()] + own) * factor;
            if weight != 0.0 {
                sets.push((weight, std::slice::from_ref(node)));
            }
        }
        if named.nodes.len() > 1 && fallback * factor != 0.0 {
            sets.push((fallback * factor, &named.nodes));
        }
        signatures.sweep(&self.hierarchy, sets.iter().map(|(_, nodes)| *nodes));
        let atoms = signatures.atoms(&self.hierarchy, order, &mut overlapping.shells);
        for (set, (weight, _)) in sets.iter().enumerate() {
            overlapping.weights.push(*weight);
            overlapping
                .contains
                .extend(atoms.iter().map(|atom| signatures.sets[*atom as usize].contains(&(set as u32))));
        }
    }

    /// The relative target of soft labels, by class.
    pub(super) fn fill_soft_labels(
        &self,
        by_height: &[f64],
        label: NodeId,
        target: &mut Vec<f64>,
        rank: &mut Vec<u32>,
    ) {
        let hierarchy = &self.hierarchy;
        let base = hierarchy.height(label);
        target.clear();
        target.resize(hierarchy.class_count(), 0.0);
        if hierarchy.is_tree() {
            let mut inside = (usize::MAX, usize::MAX);
            for node in std::iter::once(label).chain(hierarchy.ancestors(label)) {
                let (start, end) = hierarchy.span(node);
                let value = by_height[hierarchy.height(node) - base];
                for position in (start..end).filter(|position| !(inside.0..inside.1).contains(position)) {
                    target[hierarchy.tree_order()[position] as usize] = value;
                }
                inside = (start, end);
            }
            return;
        }
        // The lowest common ancestor of the label and a class is the first, most specific first, that is above the class.
        let mut candidates = hierarchy.ancestors(label);
        candidates.push(label);
        candidates.sort_unstable_by_key(|node| hierarchy.specificity(*node));
        rank.clear();
        rank.resize(hierarchy.node_count(), u32::MAX);
        for (place, node) in candidates.iter().enumerate() {
            rank[node.index()] = place as u32;
        }
        for node in hierarchy.nodes() {
            for parent in hierarchy.parents(node) {
                rank[node.index()] = rank[node.index()].min(rank[parent.index()]);
            }
        }
        for (class, target) in target.iter_mut().enumerate() {
            let lca = candidates[rank[hierarchy.class_node(class).index()] as usize];
            *target = by_height[hierarchy.height(lca) - base];
        }
    }

    /// The nodes that a label names, for [`Criterion::terms`](super::Criterion::terms): what it resolves, the weight
    /// that falls back to its own set, and the lambda of a union.
    pub(super) fn hard_terms(&self, label: &Label) -> Vec<super::Term> {
        let mut named = Named::default();
        named.set(&self.hierarchy, label);
        let mut resolved = self.resolved(&named);
        resolved.sort_unstable_by_key(|node| Reverse(*node));
        let own = || match named.nodes[..] {
            [node] => super::TermSet::Node(node),
            _ => super::TermSet::Union(named.nodes.clone()),
        };
        let mut terms = Vec::new();
        match &self.tables.objective {
            Objective::Marginal { weights, unresolved } => {
                for node in &resolved {
                    terms.push(class_term(super::TermSet::Node(*node), NodeId::ROOT, weights[node.index()]));
                }
                if *unresolved == Unresolved::Label {
                    let weight = self.unresolved_weight(weights, &named.nodes, resolved.iter().copied());
                    match terms.first_mut() {
                        Some(first) if first.of == own() => first.weight += weight,
                        _ => terms.push(class_term(own(), NodeId::ROOT, weight)),
                    }
                }
            }
            Objective::Conditional { lambda, union } => {
                for node in &resolved {
                    let given = self.hierarchy.parents(*node)[0];
                    terms.push(class_term(super::TermSet::Node(*node), given, lambda[node.index()]));
                }
                if named.nodes.len() > 1 {
                    let lca = resolved.first().copied().unwrap_or(NodeId::ROOT);
                    let weight = union.weight(self.hierarchy.depth(lca), named.height);
                    terms.push(class_term(own(), lca, weight));
                }
            }
            Objective::SoftLabels { .. } | Objective::Rows(_) => {}
        }
        terms.retain(|term| term.weight != 0.0);
        terms
    }
}

/// A term on a class softmax.
pub(super) fn class_term(of: super::TermSet, given: NodeId, weight: f64) -> super::Term {
    super::Term { of, weight, log_p: super::LogProb::Classes { given } }
}

/// Which of a few sets of nodes each node is below, found in one sweep from the root down.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    /// By node: an index into `sets`.
    of_node: Vec<u32>,
    /// The distinct signatures: ascending lists of sets.
    sets: Vec<Vec<u32>>,
    index: HashMap<Vec<u32>, u32>,
    starts: HashMap<NodeId, Vec<u32>>,
}

impl Signatures {
    fn sweep<'a>(&mut self, hierarchy: &Hierarchy, sets: impl Iterator<Item = &'a [NodeId]>) {
        self.starts.clear();
        for (set, nodes) in sets.enumerate() {
            for node in nodes {
                self.starts.entry(*node).or_default().push(set as u32);
            }
        }
        self.sets.clear();
        self.index.clear();
        self.sets.push(Vec::new());
        self.index.insert(Vec::new(), 0);
        self.of_node.clear();
        self.of_node.resize(hierarchy.node_count(), 0);
        for node in hierarchy.nodes() {
            let parents = hierarchy.parents(node);
            let first = parents.first().map_or(0, |parent| self.of_node[parent.index()]);
            let own = self.starts.get(&node);
            let inherits = own.is_none() && parents.iter().all(|parent| self.of_node[parent.index()] == first);
            self.of_node[node.index()] = if inherits {
                first
            } else {
                let above = parents.iter().flat_map(|parent| &self.sets[self.of_node[parent.index()] as usize]);
                let mut signature: Vec<u32> = above.chain(own.into_iter().flatten()).copied().collect();
                signature.sort_unstable();
                signature.dedup();
                let next = self.sets.len() as u32;
                *self.index.entry(signature).or_insert_with_key(|signature| {
                    self.sets.push(signature.clone());
                    next
                })
            };
        }
    }

    /// Sorts the classes by signature into `order`, one shell an atom. Returns the signature of each atom.
    fn atoms(
        &self,
        hierarchy: &Hierarchy,
        order: &mut Vec<u32>,
        shells: &mut crate::kernels::shells::Shells,
    ) -> Vec<u32> {
        let signature = |class: usize| self.of_node[hierarchy.class_node(class).index()];
        let mut ends = vec![0u32; self.sets.len() + 1];
        for class in 0..hierarchy.class_count() {
            ends[signature(class) as usize + 1] += 1;
        }
        for at in 1..ends.len() {
            ends[at] += ends[at - 1];
        }
        let mut atoms = Vec::new();
        atoms.extend((0..self.sets.len() as u32).filter(|&at| ends[at as usize] < ends[at as usize + 1]));
        shells.reset(atoms.len());
        for (shell, &atom) in atoms.iter().enumerate() {
            shells.extend_to(ends[atom as usize + 1] as usize, shell);
        }
        order.clear();
        order.resize(hierarchy.class_count(), 0);
        for class in 0..hierarchy.class_count() {
            let next = &mut ends[signature(class) as usize];
            order[*next as usize] = class as u32;
            *next += 1;
        }
        atoms
    }
}
