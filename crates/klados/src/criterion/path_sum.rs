//! Losses that add up, over the nodes at and above the label, the cross-entropy of a softmax over each node's group.

use super::descendants::parents;
use super::labels::Named;
use super::ordinary::OrdinaryRows;
use super::row_loss::no_meaning;
use super::{Form, InputError, LogProb, RowLoss, Sample, Score, Term, TermSet, UnionLambda};
use crate::kernels::groups::{Groups, Inner};
use crate::kernels::ordinary::{Buffers, Scaled};
use crate::kernels::paths;
use crate::kernels::pool::Pool;
use crate::numeric::Float;
use crate::{Hierarchy, Label, NodeId};

/// `-sum_u weights[u] (1 - P(u))^gamma log P(u)` over the path of the label, `P(u)` in the group of `u`.
#[derive(Debug)]
pub(crate) struct PathSum {
    /// For messages.
    loss: &'static str,
    /// By node; 0 for the root.
    weights: Vec<f64>,
    gamma: f64,
    groups: Groups,
    /// Where the groups are of siblings: the weight of the term of a union.
    union: Option<UnionLambda>,
    /// By node.
    column: Vec<u32>,
    /// The columns of the nodes, group by group.
    grouped_columns: Vec<u32>,
    /// By node.
    parent: Vec<u32>,
}

/// The groups of a [`PathSum`].
pub(crate) struct Grouping {
    /// By node; the root's is not used.
    pub(crate) of_node: Vec<u32>,
    pub(crate) count: usize,
    /// By node, what is added to its score.
    pub(crate) log_prior: Option<Vec<f64>>,
    /// Where the groups are of siblings: the weight of the term of a union.
    pub(crate) union: Option<UnionLambda>,
}

impl PathSum {
    pub(crate) fn new(
        loss: &'static str,
        hierarchy: &Hierarchy,
        weights: Vec<f64>,
        gamma: f64,
        grouping: Grouping,
    ) -> Self {
        let Grouping { of_node, count, log_prior, union } = grouping;
        let groups = Groups::new(of_node, count, log_prior);
        let column = column_by_node(hierarchy);
        let grouped_columns = groups.nodes().iter().map(|&node| column[node as usize]).collect();
        Self { loss, weights, gamma, groups, union, column, grouped_columns, parent: parents(hierarchy) }
    }

    /// The loss of a row by column; `None` where it is not for this kernel.
    pub(super) fn ordinary_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        if self.groups.log_priors().is_some() {
            return None;
        }
        let hierarchy = sample.hierarchy;
        if sample.target.is_some() {
            if self.gamma != 0.0 {
                return None;
            }
            let [by_node, wide @ ..] = &mut buffers.wide;
            fill_weight_by_node(sample, &self.parent, by_node)?;
            by_node.iter_mut().zip(&self.weights).for_each(|(by_node, weight)| *by_node *= weight);
            let [scores, terms, flows, log_sums, _] = wide;
            let wide = [scores, terms, flows, log_sums];
            return Some(self.groups.flow_row(&self.grouped_columns, by_node, z, grad, wide));
        }
        let node = match sample.label {
            Label::Class(class) => hierarchy.class_node(*class),
            Label::Node(node) => *node,
            _ => return None,
        };
        let path = std::iter::successors(Some(node), |node| hierarchy.parents(*node).first().copied());
        let terms = path.map(|node| (node.index(), sample.factor * self.weights[node.index()]));
        let terms = terms.filter(|(node, weight)| *node != 0 && *weight != 0.0);
        self.groups.ordinary_row(&self.grouped_columns, terms, self.gamma, z, grad, buffers)
    }

    fn push(terms: &mut (Vec<u32>, Vec<f64>), node: usize, weight: f64) {
        if weight != 0.0 {
            terms.0.push(node as u32);
            terms.1.push(weight);
        }
    }

    /// The nodes that have a term and the weight of each, group by group; the union apart.
    fn fill(&self, sample: &Sample<'_>, terms: &mut (Vec<u32>, Vec<f64>), pool: &mut Pool) -> Option<Union> {
        let hierarchy = sample.hierarchy;
        let mut named = Named::default();
        named.set(hierarchy, sample.label);
        let ends = named.nodes();
        let lca = ends.iter().copied().reduce(|lca, node| hierarchy.lca(lca, node));
        let path = lca.map(|lca| hierarchy.lineage(lca)).unwrap_or_default();
        if sample.target.is_some() {
            let by_node = weight_by_node(sample, pool);
            for &node in self.groups.nodes() {
                Self::push(terms, node as usize, by_node[node as usize] * self.weights[node as usize]);
            }
            pool.keep(by_node);
        } else {
            // A path has one node a group, so any order will do.
            path.iter().for_each(|node| Self::push(terms, node.index(), sample.factor * self.weights[node.index()]));
        }
        let (Some(lambda), Some(lca), true) = (&self.union, lca, ends.len() > 1) else { return None };
        let weight = sample.factor * lambda.weight(hierarchy.depth(lca), named.height());
        let mut inner: Vec<NodeId> = vec![lca];
        for node in ends {
            let below = path_below(hierarchy, lca, *node);
            inner.extend(below.into_iter().filter(|above| above != node));
        }
        inner.sort_unstable();
        inner.dedup();
        let children = |node: &NodeId| self.groups.group(hierarchy.children(*node)[0].index());
        let inner = inner.iter().map(|node| Inner { node: node.0, children: children(node) }).collect();
        Some(Union { weight, inner, named: ends.to_vec() })
    }

    fn score(&self, node: u32) -> Score {
        Score { column: Some(self.column[node as usize]), plus: self.groups.log_prior(node) }
    }

    fn given(&self, node: usize) -> Vec<Score> {
        self.groups.members(self.groups.group(node)).iter().map(|&member| self.score(member)).collect()
    }
}

/// The nodes from just below one to another that is below it, in hierarchy order.
fn path_below(hierarchy: &Hierarchy, top: NodeId, end: NodeId) -> Vec<NodeId> {
    let mut path = hierarchy.lineage(end);
    if let Some(place) = path.iter().position(|node| *node == top) {
        path.drain(..=place);
    }
    path
}

struct Union {
    weight: f64,
    inner: Vec<Inner>,
    named: Vec<NodeId>,
}

impl RowLoss for PathSum {
    fn check_label(&self, _: &Hierarchy, label: &Label) -> Result<(), InputError> {
        match label {
            Label::Union(_) if self.union.is_none() => {
                Err(no_meaning(self.loss, "one class, node or distribution a sample", label))
            }
            Label::Set { .. } | Label::Superclass(_) => {
                let takes = match &self.union {
                    Some(_) => "one class, node, union or distribution a sample",
                    None => "one class, node or distribution a sample",
                };
                Err(no_meaning(self.loss, takes, label))
            }
            _ => Ok(()),
        }
    }

    fn row(&self, sample: &Sample<'_>, scores: &[f64], mut grad: Option<&mut [f64]>, pool: &mut Pool) -> f64 {
        let mut terms = (pool.indices(0, 0), pool.floats(0, 0.0));
        let union = self.fill(sample, &mut terms, pool);
        let mut loss = self.groups.row(&terms.0, &terms.1, self.gamma, scores, grad.as_deref_mut(), pool);
        if let Some(union) = union.filter(|union| union.weight != 0.0) {
            let named: Vec<u32> = union.named.iter().map(|node| node.0).collect();
            let weight = (union.weight, self.gamma);
            loss += self.groups.union_row((&union.inner, &named), weight, scores, grad, pool);
        }
        pool.keep_indices(terms.0);
        pool.keep(terms.1);
        loss
    }

    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        Some(OrdinaryRows::PathSum(self))
    }

    fn form(&self) -> Form<'_> {
        let Self { weights, groups, union, .. } = self;
        Form::GroupSoftmax { weights, group: groups.by_node(), log_prior: groups.log_priors(), union: union.as_ref() }
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let mut of_nodes = (Vec::new(), Vec::new());
        let union = self.fill(sample, &mut of_nodes, &mut Pool::default());
        let mut terms: Vec<Term> = of_nodes
            .0
            .iter()
            .zip(&of_nodes.1)
            .map(|(&node, &weight)| {
                let log_p =
                    LogProb::Ratio { set: vec![self.score(node)], given: self.given(node as usize), hard: false };
                Term { of: TermSet::Node(NodeId(node)), weight, log_p }
            })
            .collect();
        if let Some(union) = union {
            let hierarchy = sample.hierarchy;
            let top = NodeId(union.inner[0].node);
            let factor = |node: NodeId| (self.score(node.0), self.given(node.index()));
            let product = |end: &NodeId| path_below(hierarchy, top, *end).into_iter().map(factor).collect();
            let log_p = LogProb::AnyOf(union.named.iter().map(product).collect());
            terms.push(Term { of: TermSet::Union(union.named), weight: union.weight, log_p });
        }
        terms
    }
}

/// How much of the sample's label is at or below each node: the sum of its classes' targets, and the factor on the path of
/// a hard label (of a union, to the lowest common ancestor). In a tree.
pub(super) fn weight_by_node(sample: &Sample<'_>, pool: &mut Pool) -> Vec<f64> {
    let hierarchy = sample.hierarchy;
    let mut by_node = pool.floats(hierarchy.node_count(), 0.0);
    if let Some(target) = sample.target {
        for (class, &weight) in target.iter().enumerate() {
            by_node[hierarchy.class_node(class).index()] = weight;
        }
        for node in hierarchy.nodes().skip(1).rev() {
            by_node[hierarchy.parents(node)[0].index()] += by_node[node.index()];
        }
    }
    let mut named = Named::default();
    named.set(hierarchy, sample.label);
    if let Some(lca) = named.nodes().iter().copied().reduce(|lca, node| hierarchy.lca(lca, node)) {
        hierarchy.lineage(lca).iter().for_each(|node| by_node[node.index()] += sample.factor);
    }
    by_node
}

/// As [`weight_by_node`], of a distribution or of one node; `None` for another label. `parent` is by node.
pub(super) fn fill_weight_by_node(sample: &Sample<'_>, parent: &[u32], by_node: &mut Vec<f64>) -> Option<()> {
    let hierarchy = sample.hierarchy;
    let named = match sample.label {
        Label::Class(class) => hierarchy.class_node(*class),
        Label::Node(node) => *node,
        Label::Soft(_) => NodeId::ROOT,
        _ => return None,
    };
    by_node.clear();
    by_node.resize(parent.len(), 0.0);
    for (class, &weight) in sample.target.unwrap_or_default().iter().enumerate() {
        by_node[hierarchy.class_node(class).index()] = weight;
    }
    paths::gather(parent, by_node);
    let mut at = named.index();
    while at != 0 {
        by_node[at] += sample.factor;
        at = parent[at] as usize;
    }
    by_node[0] = 0.0;
    Some(())
}

/// The column of each node; that of the root is not used.
pub(crate) fn column_by_node(hierarchy: &Hierarchy) -> Vec<u32> {
    let mut columns = vec![u32::MAX; hierarchy.node_count()];
    for (column, node) in hierarchy.node_columns().into_iter().enumerate() {
        columns[node.index()] = column as u32;
    }
    columns
}
