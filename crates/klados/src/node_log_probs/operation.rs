//! The kernels of the forms, behind one forward and one backward.

use super::NodeForm;
use super::given::Given;
use crate::Hierarchy;
use crate::criterion::{
    CriterionError, SumsToOne, Superclasses, needs_tree, parent_rows, parents, tree, weighted_excess,
};
use crate::kernels::bernoulli::Judged;
use crate::kernels::descendants::{Against, Descendants};
use crate::kernels::extremum::Parents;
use crate::kernels::flow::{Flow, Of};
use crate::kernels::groups::Groups;
use crate::kernels::mass::Mass;
use crate::kernels::nodes::{NodeTables, Nodes};
use crate::kernels::noisy_or::NoisyOr;
use crate::kernels::paths::{self, Tree};
use crate::kernels::pool::Pool;
use crate::kernels::rollup::{ClassRollup, Rollup, Terms, TreeRollup};
use crate::kernels::weighted_sigmoid;
use crate::numeric::{doubles, scalar};

/// The tables of a form.
#[derive(Debug)]
pub(super) enum Operation {
    ClassSoftmax(NodeTables, ClassRollup),
    ParameterSharingSoftmax(NodeTables, ClassRollup),
    SiblingSoftmax {
        groups: Groups,
        parent: Vec<u32>,
    },
    IndependentSigmoid,
    ConditionalSigmoid {
        parent: Vec<u32>,
    },
    /// With the score of the root, if any.
    DescendantSoftmax(Tree, TreeRollup, f64),
    NoisyOr(NodeTables, ClassRollup),
    Max(Parents),
    Min(Parents),
    WeightedClassSoftmax(Superclasses),
    WeightedSigmoid {
        superclasses: Superclasses,
        excess: Vec<f64>,
    },
    ClassProbabilities(ClassRollup),
    NodeProbabilities,
}

/// What a row of any form reuses.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pool: Pool,
    nodes: Nodes,
    descendants: Descendants,
    noisy_or: NoisyOr,
    rollup: Rollup,
    flow: Flow,
}

impl Operation {
    pub(super) fn class_softmax(hierarchy: &Hierarchy) -> Self {
        let tables = hierarchy.node_tables();
        let rollup = ClassRollup::new(&tables, parent_rows(hierarchy));
        Self::ClassSoftmax(tables, rollup)
    }

    pub(super) fn class_probabilities(hierarchy: &Hierarchy) -> Self {
        Self::ClassProbabilities(ClassRollup::new(&hierarchy.node_tables(), parent_rows(hierarchy)))
    }

    fn descendant_softmax(hierarchy: &Hierarchy, root: f64) -> Self {
        let tree = tree(hierarchy);
        let rollup = TreeRollup::new(&tree, true);
        Self::DescendantSoftmax(tree, rollup, root)
    }

    pub(super) fn new(form: &NodeForm, hierarchy: &Hierarchy) -> Result<Self, CriterionError> {
        match form {
            NodeForm::ClassSoftmax => Ok(Self::class_softmax(hierarchy)),
            NodeForm::ParameterSharingSoftmax => {
                let tables = hierarchy.node_tables();
                let rollup = ClassRollup::new(&tables, parent_rows(hierarchy));
                Ok(Self::ParameterSharingSoftmax(tables, rollup))
            }
            NodeForm::SiblingSoftmax => {
                needs_tree("sibling_softmax", hierarchy)?;
                let groups = Groups::new(parents(hierarchy), hierarchy.node_count(), None);
                Ok(Self::SiblingSoftmax { groups, parent: parents(hierarchy) })
            }
            NodeForm::IndependentSigmoid => Ok(Self::IndependentSigmoid),
            NodeForm::ConditionalSigmoid => {
                needs_tree("conditional_sigmoid", hierarchy)?;
                Ok(Self::ConditionalSigmoid { parent: parents(hierarchy) })
            }
            NodeForm::DescendantSoftmax => {
                needs_tree("descendant_softmax", hierarchy)?;
                Ok(Self::descendant_softmax(hierarchy, f64::NEG_INFINITY))
            }
            NodeForm::NodeSoftmax => {
                needs_tree("node_softmax", hierarchy)?;
                Ok(Self::descendant_softmax(hierarchy, 0.0))
            }
            NodeForm::NoisyOr => {
                let tables = hierarchy.node_tables();
                let rollup = ClassRollup::new(&tables, parent_rows(hierarchy));
                Ok(Self::NoisyOr(tables, rollup))
            }
            NodeForm::Max => Ok(Self::Max(parent_rows(hierarchy))),
            NodeForm::Min => Ok(Self::Min(parent_rows(hierarchy))),
            NodeForm::ClassProbabilities => Ok(Self::class_probabilities(hierarchy)),
            NodeForm::NodeProbabilities => Ok(Self::NodeProbabilities),
            NodeForm::WeightedClassSoftmax { map, normalize } => {
                Ok(Self::WeightedClassSoftmax(Superclasses::new(map, hierarchy, SumsToOne::Classes, *normalize)?))
            }
            NodeForm::WeightedSigmoid { map, normalize } => {
                let superclasses = Superclasses::new(map, hierarchy, SumsToOne::Superclasses, *normalize)?;
                let excess = weighted_excess(&superclasses, *normalize);
                Ok(Self::WeightedSigmoid { superclasses, excess })
            }
        }
    }

    /// What is given, where it is probabilities and not logits.
    pub(super) fn given(&self) -> Option<Given> {
        match self {
            Self::ClassProbabilities(_) => Some(Given::Classes),
            Self::NodeProbabilities => Some(Given::Nodes),
            _ => None,
        }
    }

    /// The superclasses, where the output is of these and not of nodes.
    pub(super) fn map(&self) -> Option<&Superclasses> {
        match self {
            Self::WeightedClassSoftmax(superclasses) | Self::WeightedSigmoid { superclasses, .. } => Some(superclasses),
            _ => None,
        }
    }

    /// The names of the superclasses, where the output is of these and not of nodes.
    pub(super) fn superclasses(&self) -> Option<&[String]> {
        self.map().map(Superclasses::names)
    }

    /// `log P` of every node, 0 for the root. Scores are by class, or by node.
    pub(super) fn forward(&self, scores: &[f64], log_p: &mut Vec<f64>, scratch: &mut Scratch) {
        let Scratch { pool, nodes, descendants, noisy_or, rollup: scratch, .. } = scratch;
        match self {
            Self::NoisyOr(tables, rollup) => {
                if !rollup.log_probs(Terms::Sigmoids, scores, log_p, scratch) {
                    noisy_or.measure(tables, scores);
                    log_p.clear();
                    log_p.extend((0..tables.nodes).map(|node| noisy_or.odds(node).yes));
                    log_p[0] = 0.0;
                }
            }
            Self::Max(parents) | Self::Min(parents) => {
                log_p.clear();
                log_p.extend_from_slice(scores);
                match self {
                    Self::Min(_) => parents.lower(log_p),
                    _ => parents.raise(log_p),
                }
                doubles::log_sigmoid(log_p);
                log_p[0] = 0.0;
            }
            Self::WeightedClassSoftmax(superclasses) => {
                log_p.resize(superclasses.names.len(), 0.0);
                superclasses.map.log_probs(scores, log_p, pool);
            }
            Self::WeightedSigmoid { superclasses, excess } => {
                weighted_sigmoid::log_probs(&superclasses.map.of_superclass, excess, scores, log_p, pool);
            }
            Self::ClassSoftmax(tables, rollup) => class_softmax(scores, (tables, rollup), log_p, nodes, scratch),
            Self::ClassProbabilities(rollup) => {
                rollup.log_probs(Terms::Plain, scores, log_p, scratch);
            }
            Self::NodeProbabilities => {
                log_p.clear();
                log_p.extend(scores.iter().map(|p| p.min(1.0)));
                doubles::ln(log_p);
                log_p[0] = 0.0;
            }
            Self::ParameterSharingSoftmax(tables, rollup) => {
                let mut z = pool.floats(tables.class_node.len(), 0.0);
                tables.sum_above(scores, &mut z, pool);
                class_softmax(&z, (tables, rollup), log_p, nodes, scratch);
                pool.keep(z);
            }
            Self::SiblingSoftmax { groups, parent } => {
                log_p.resize(scores.len(), 0.0);
                groups.log_probs(scores, log_p, pool);
                paths::accumulate(parent, log_p);
            }
            Self::IndependentSigmoid | Self::ConditionalSigmoid { .. } => {
                log_p.clear();
                log_p.extend_from_slice(scores);
                doubles::log_sigmoid(log_p);
                log_p[0] = 0.0;
                if let Self::ConditionalSigmoid { parent } = self {
                    paths::accumulate(parent, log_p);
                }
            }
            Self::DescendantSoftmax(tree, rollup, root) => {
                let mut row = pool.floats(0, 0.0);
                row.extend_from_slice(scores);
                row[0] = *root;
                let max = doubles::max_of(&row);
                let is_told = max > f64::NEG_INFINITY && rollup.log_probs(Terms::Logarithms(max), &row, log_p, scratch);
                pool.keep(row);
                if !is_told {
                    descendants.measure(tree, Against::Rest, Mass::of(*root), scores);
                    let against = |node: usize| descendants.log_odds_against(Against::Rest, node);
                    log_p.clear();
                    log_p.extend((0..scores.len()).map(|node| -scalar::softplus(against(node))));
                    log_p[0] = 0.0;
                }
            }
        }
    }

    /// The gradient of a row, from that by the log-probabilities, which is 0 where they are
    /// `-inf` and at the root, and may be overwritten. `grad` is zero.
    pub(super) fn backward(
        &self,
        scores: &[f64],
        log_p: &mut [f64],
        upstream: &mut Vec<f64>,
        grad: &mut [f64],
        scratch: &mut Scratch,
    ) {
        let Scratch { pool, nodes, descendants, noisy_or, flow, .. } = scratch;
        match self {
            Self::NoisyOr(tables, _) => {
                noisy_or.measure(tables, scores);
                upstream.iter_mut().for_each(|up| *up = -*up);
                let none = pool.floats(tables.nodes, 0.0);
                noisy_or.backward(tables, (upstream, &none), scores, grad, pool);
                pool.keep(none);
            }
            Self::Max(parents) | Self::Min(parents) => {
                let mut from = pool.indices(0, 0);
                match self {
                    Self::Min(_) => parents.smallest_above(scores, &mut from),
                    _ => parents.largest_below(scores, |_| true, &mut from),
                }
                for (&from, up) in from.iter().zip(&*upstream).skip(1) {
                    grad[from as usize] += up * scalar::exp(-scalar::softplus(scores[from as usize]));
                }
                pool.keep_indices(from);
            }
            Self::WeightedClassSoftmax(superclasses) => {
                let live = |(_, up): &(usize, &f64)| **up != 0.0;
                let (mut of, mut weights) = (pool.indices(0, 0), pool.floats(0, 0.0));
                for (superclass, up) in upstream.iter().enumerate().filter(live) {
                    of.push(superclass as u32);
                    weights.push(-up);
                }
                if !of.is_empty() {
                    superclasses.map.row(&of, &weights, 0.0, scores, Some(grad), pool);
                }
                pool.keep_indices(of);
                pool.keep(weights);
            }
            Self::WeightedSigmoid { superclasses, excess } => {
                for (superclass, (up, excess)) in upstream.iter().zip(excess).enumerate() {
                    let classes = superclasses.map.of_superclass.row(superclass);
                    let judged = Judged { by_yes: -up, ..Judged::default() };
                    weighted_sigmoid::measure(classes, *excess, scores).backward(judged, classes, scores, grad);
                }
            }
            Self::ClassProbabilities(_) | Self::NodeProbabilities => {} // they have no gradient, and none is asked for
            Self::ClassSoftmax(tables, rollup) => {
                class_softmax_backward(scores, (tables, rollup), upstream, grad, nodes, flow);
            }
            Self::ParameterSharingSoftmax(tables, rollup) => {
                let mut z = pool.floats(tables.class_node.len(), 0.0);
                tables.sum_above(scores, &mut z, pool);
                let mut of_class = pool.floats(z.len(), 0.0);
                class_softmax_backward(&z, (tables, rollup), upstream, &mut of_class, nodes, flow);
                tables.sum_below(&of_class, upstream);
                grad.copy_from_slice(upstream);
                pool.keep(z);
                pool.keep(of_class);
            }
            Self::SiblingSoftmax { groups, parent } => {
                paths::gather(parent, upstream);
                groups.log_probs(scores, log_p, pool);
                groups.backward(log_p, upstream, grad, pool);
            }
            Self::IndependentSigmoid | Self::ConditionalSigmoid { .. } => {
                if let Self::ConditionalSigmoid { parent } = self {
                    paths::gather(parent, upstream);
                }
                for ((grad, score), up) in grad.iter_mut().zip(scores).zip(upstream).skip(1) {
                    *grad = *up * scalar::exp(-scalar::softplus(*score));
                }
            }
            Self::DescendantSoftmax(tree, _, root) => {
                descendants.measure(tree, Against::Rest, Mass::of(*root), scores);
                // d log P / d log odds = P - 1, which is that of what stands against the node.
                for (node, up) in upstream.iter_mut().enumerate().filter(|(_, up)| **up != 0.0) {
                    let against = descendants.log_odds_against(Against::Rest, node);
                    *up *= -scalar::exp(-scalar::softplus(-against));
                }
                descendants.backward(tree, Against::Rest, upstream, grad);
                grad[0] = 0.0;
            }
        }
    }
}

/// `log P` of every node of a class softmax.
fn class_softmax(
    z: &[f64],
    (tables, rollup): (&NodeTables, &ClassRollup),
    log_p: &mut Vec<f64>,
    nodes: &mut Nodes,
    scratch: &mut Rollup,
) {
    let max = doubles::max_of(z);
    if max == f64::NEG_INFINITY || !rollup.log_probs(Terms::Logarithms(max), z, log_p, scratch) {
        nodes.forward(z, tables);
        log_p.clone_from(&nodes.log_p);
    }
}

/// The gradient of a class softmax.
fn class_softmax_backward(
    z: &[f64],
    (tables, rollup): (&NodeTables, &ClassRollup),
    upstream: &mut [f64],
    grad: &mut [f64],
    nodes: &mut Nodes,
    flow: &mut Flow,
) {
    upstream.iter_mut().for_each(|up| *up = -*up);
    rollup.take(upstream, flow);
    if rollup.flow((Of::Node, false), z, flow, true, |class, value| grad[class] = value).is_none() {
        upstream.iter_mut().for_each(|up| *up = -*up);
        nodes.forward(z, tables);
        nodes.backward_marginal(z, tables, upstream, |class, value| grad[class] = value);
    }
}

impl Hierarchy {
    /// The indices that the node kernel needs.
    pub(crate) fn node_tables(&self) -> NodeTables {
        use crate::kernels::nodes::Shape;
        let shape = if self.is_tree() { Shape::Tree(tree(self)) } else { Shape::Dag(self.closure()) };
        let class_node = (0..self.class_count()).map(|class| self.class_node(class).0).collect();
        NodeTables { class_node, nodes: self.node_count(), shape }
    }
}
