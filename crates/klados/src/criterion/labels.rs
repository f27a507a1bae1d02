//! From a label to the sets of classes that a row kernel takes.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::atoms::Atoms;
use super::error::check_length;
use super::{Inner, InputError, InputErrorKind as Kind, Objective};
use crate::kernels::nested::{Nested, Step};
use crate::loss::Unresolved;
use crate::numeric::Float;
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
            self.nodes.sort_unstable();
            self.nodes.dedup();
            // Nodes come after those above them: of those that stay, none goes later.
            let mut kept = 0;
            for at in 0..self.nodes.len() {
                let node = self.nodes[at];
                if !self.nodes[..kept].iter().any(|other| hierarchy.is_at_or_above(*other, node)) {
                    self.nodes[kept] = node;
                    kept += 1;
                }
            }
            self.nodes.truncate(kept);
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
    pub(super) fn unresolved_weight(
        &self,
        weights: &[f64],
        named: &[NodeId],
        resolved: impl Iterator<Item = NodeId>,
    ) -> f64 {
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

    /// The relative target of soft labels, by class.
    pub(super) fn fill_soft_labels<T: Float>(
        &self,
        by_height: &[f64],
        label: NodeId,
        target: &mut Vec<T>,
        atoms: &mut Atoms,
    ) {
        let hierarchy = &self.hierarchy;
        let base = hierarchy.height(label);
        target.clear();
        target.resize(hierarchy.class_count(), T::default());
        let value = |node: NodeId| T::from_f64(by_height[hierarchy.height(node) - base]);
        let mut paint = |start: u32, end: u32, value: T| match &self.positions {
            None => target[start as usize..end as usize].fill(value),
            Some(positions) => {
                for &class in &positions.classes[start as usize..end as usize] {
                    target[class as usize] = value;
                }
            }
        };
        if hierarchy.is_tree() {
            let (mut left, mut right) = hierarchy.span(label);
            paint(left as u32, right as u32, value(label));
            let mut at = label;
            while at != NodeId::ROOT {
                at = hierarchy.parents(at)[0];
                let (start, end) = hierarchy.span(at);
                paint(start as u32, left as u32, value(at));
                paint(right as u32, end as u32, value(at));
                (left, right) = (start, end);
            }
            return;
        }
        // The lowest common ancestor of the label and a class is the first, most specific first, that is above the class:
        // the last that is painted.
        let candidates = atoms.above(hierarchy, label);
        candidates.push(NodeId::ROOT);
        candidates.sort_unstable_by_key(|node| Reverse(hierarchy.specificity(*node)));
        for &node in &*candidates {
            for &(start, end) in self.stretches().of(node) {
                paint(start, end, value(node));
            }
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

    /// The terms of soft labels, whose target is divided by its sum over the classes that are open; `None` where the label
    /// or all of the target is masked.
    pub(super) fn soft_label_terms(
        &self,
        by_height: &[f64],
        label: &Label,
        factor: f64,
        open: Option<&impl Fn(usize) -> bool>,
    ) -> Option<Vec<super::Term>> {
        let is_open = |class: usize| open.is_none_or(|open| open(class));
        let node = self.single_node(label);
        if !self.hierarchy.classes_below(node).into_iter().any(is_open) {
            return None;
        }
        let mut target: Vec<f64> = Vec::new();
        self.fill_soft_labels(by_height, node, &mut target, &mut Atoms::default());
        let classes = || target.iter().copied().enumerate().filter(|(class, _)| is_open(*class));
        let total: f64 = classes().map(|(_, q)| q).sum();
        let term = |(class, q): (usize, f64)| {
            let node = super::TermSet::Node(self.hierarchy.class_node(class));
            class_term(node, NodeId::ROOT, factor * q / total)
        };
        (total > 0.0).then(|| classes().map(term).collect())
    }

    /// The terms of a distribution over the classes, which is a sum of the classes' losses: its weight at a node is the
    /// sum below.
    pub(super) fn target_terms(&self, target: &[f64]) -> Vec<super::Term> {
        let mut by_node = std::collections::BTreeMap::new();
        for (class, weight) in target.iter().enumerate().filter(|(_, target)| **target != 0.0) {
            for term in self.hard_terms(&Label::Class(class)) {
                if let super::TermSet::Node(node) = term.of {
                    let entry = by_node.entry(node).or_insert(super::Term { weight: 0.0, ..term.clone() });
                    entry.weight += weight * term.weight;
                }
            }
        }
        by_node.into_values().collect()
    }
}

/// A term on a class softmax.
pub(super) fn class_term(of: super::TermSet, given: NodeId, weight: f64) -> super::Term {
    super::Term { of, weight, log_p: super::LogProb::Classes { given } }
}
