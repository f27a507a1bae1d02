//! Losses of yes and no at the nodes, of ordinary rows: all events are asked for as no, and those of the label then put
//! right one by one.

use super::Superclasses;
use super::bernoulli::{Asked, BernoulliEvents, BernoulliRows};
use super::row_loss::Sample;
use crate::kernels::bernoulli::Odds;
use crate::kernels::extremum::{Parents, Positive};
use crate::kernels::ordinary::{self, Buffers, Scaled};
use crate::kernels::weighted_sigmoid;
use crate::numeric::Float;
use crate::{Hierarchy, Label, NodeId};

impl BernoulliRows {
    /// The loss of a row by column; `None` where it is not for this kernel.
    pub(super) fn ordinary_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let is_for_this = self.gamma == 0.0 && sample.factor >= 0.0;
        match (&self.events, self.asked) {
            (BernoulliEvents::Independent, Asked::Path) if is_for_this => self.path_row(sample, z, grad, buffers),
            (BernoulliEvents::Independent, _) if is_for_this => self.flat_row(sample, z, grad, buffers),
            (BernoulliEvents::Extremum(parents, kind), _) if is_for_this => {
                self.extremum_row((parents, *kind), sample, z, grad, buffers)
            }
            (BernoulliEvents::NoisyOr(_, tables), _) if is_for_this => {
                let Buffers { nodes: positive, marks, noisy_or, .. } = buffers;
                self.fill_positive(sample.hierarchy, sample.label, positive, marks)?;
                let masked = masked_of(sample.label);
                let weight = |&node: &u32| sample.factor * self.weights[node as usize] * self.pos_weight[node as usize];
                let asked = positive.iter().filter(|node| !masked.contains(&NodeId(**node)));
                let with_weight = asked.map(|node| (*node, weight(node)));
                let open = positive.iter().copied().chain(masked.iter().map(|node| node.0));
                tables.row(sample.factor, with_weight, open, z, grad, noisy_or)
            }
            (BernoulliEvents::Weighted { superclasses, excess }, _) if is_for_this => {
                self.weighted_row((superclasses, excess), sample, z, grad, buffers)
            }
            _ => None,
        }
    }

    fn weighted_row<T: Float>(
        &self,
        (superclasses, excess): (&Superclasses, &[f64]),
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { nodes: positive, marks, sums, .. } = &mut *buffers;
        self.fill_positive(sample.hierarchy, sample.label, positive, marks)?;
        if !masked_of(sample.label).is_empty() {
            return None;
        }
        // From nodes to the classes that they carry.
        positive.retain_mut(|node| match sample.hierarchy.leaf_class(NodeId(*node)) {
            Some(class) => {
                *node = class as u32;
                true
            }
            None => false,
        });
        // By superclass: what its positive classes weigh.
        sums.clear();
        sums.resize(superclasses.names.len(), 0.0);
        for &class in &*positive {
            for &(superclass, weight) in superclasses.map.of_class.row(class as usize) {
                sums[superclass as usize] += weight;
            }
        }
        let pos_weight = |at: usize| self.pos_weight[at];
        weighted_sigmoid::ordinary_row(&superclasses.map, excess, (sample.factor, pos_weight), z, grad, buffers)
    }

    /// The nodes of a label with all above them, but the root, into `positive`, each once; `None` where nodes below them are
    /// left open.
    fn fill_positive(
        &self,
        hierarchy: &Hierarchy,
        label: &Label,
        positive: &mut Vec<u32>,
        marks: &mut Vec<u32>,
    ) -> Option<()> {
        let hides_below = match self.asked {
            Asked::All { incomplete } => incomplete,
            Asked::NotBelowLabel => true,
            Asked::Path => false,
        };
        positive.clear();
        marks.resize(hierarchy.node_count(), 0);
        let mut see = |node: NodeId, positive: &mut Vec<u32>| {
            if node != NodeId::ROOT && std::mem::replace(&mut marks[node.index()], 1) == 0 {
                positive.push(node.0);
            }
        };
        let (class, named) = match label {
            Label::Class(class) => (Some(hierarchy.class_node(*class)), &[][..]),
            Label::Node(node) => (None, std::slice::from_ref(node)),
            Label::Set { positive, .. } => (None, &positive[..]),
            _ => return None,
        };
        let mut is_open = false;
        for &node in class.iter().chain(named) {
            is_open |= hides_below && !hierarchy.children(node).is_empty();
            see(node, positive);
        }
        let mut next = 0;
        while next < positive.len() {
            hierarchy.parents(NodeId(positive[next])).iter().for_each(|&parent| see(parent, positive));
            next += 1;
        }
        positive.iter().for_each(|&node| marks[node as usize] = 0);
        (!is_open).then_some(())
    }

    fn flat_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        mut grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { weights, nodes: positive, marks, .. } = buffers;
        self.fill_positive(sample.hierarchy, sample.label, positive, marks)?;
        weights.clear();
        weights.extend(self.weight_by_column.iter().map(|weight| T::from_f64(sample.factor * weight)));
        let column = |node: u32| self.column[node as usize] as usize;
        positive.iter().for_each(|&node| weights[column(node)] = T::default());
        let masked = masked_of(sample.label);
        for node in masked.iter().filter(|node| **node != NodeId::ROOT) {
            weights[column(node.0)] = T::default();
        }
        let (out, scale) = ordinary::again(&mut grad).map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let mut loss = T::softplus_sum(z, weights, scale, out);
        for &node in positive.iter().filter(|node| !masked.contains(&NodeId(**node))) {
            let weight = sample.factor * self.weights[node as usize] * self.pos_weight[node as usize];
            if weight != 0.0 {
                let odds = Odds::of(z[column(node)].to_f64());
                let judged = odds.judge(weight, 0.0, 0.0);
                loss += judged.value;
                if let Some((grad, scale)) = &mut grad {
                    grad[column(node)] = T::from_f64(*scale * judged.by_score(odds));
                }
            }
        }
        Some(loss)
    }

    fn extremum_row<T: Float>(
        &self,
        (parents, kind): (&Parents, Positive),
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Buffers { z: scores, best, terms, weights, nodes: positive, from, marks, .. } = buffers;
        self.fill_positive(sample.hierarchy, sample.label, positive, marks)?;
        weights.clear();
        weights.extend(self.weights.iter().map(|weight| T::from_f64(sample.factor * weight)));
        let masked = masked_of(sample.label);
        weights[0] = T::default();
        for node in positive.iter().copied().chain(masked.iter().map(|node| node.0)) {
            weights[node as usize] = T::default();
        }
        let yes = |node: u32| match masked.contains(&NodeId(node)) {
            true => 0.0,
            false => sample.factor * self.weights[node as usize] * self.pos_weight[node as usize],
        };
        let buffers = (scores, best, terms, from);
        Some(parents.ordinary_row(kind, (&self.column, weights), (positive, yes), z, grad, buffers))
    }

    /// Of the children of the nodes above a label.
    fn path_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        mut grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let hierarchy = sample.hierarchy;
        let mut node = match sample.label {
            Label::Class(class) => hierarchy.class_node(*class),
            Label::Node(node) => *node,
            _ => return None,
        };
        let Buffers { z: scores, terms, weights, nodes: columns, .. } = buffers;
        scores.clear();
        weights.clear();
        columns.clear();
        if let Some((grad, _)) = &mut grad {
            grad.fill(T::default());
        }
        let mut loss = 0.0;
        while node != NodeId::ROOT {
            let parent = hierarchy.parents(node)[0];
            for &child in hierarchy.children(parent) {
                let column = self.column[child.index()];
                let (score, weight) = (z[column as usize], sample.factor * self.weights[child.index()]);
                if child != node {
                    columns.push(column);
                    scores.push(score);
                    weights.push(T::from_f64(weight));
                } else if weight != 0.0 {
                    let odds = Odds::of(score.to_f64());
                    let judged = odds.judge(weight * self.pos_weight[child.index()], 0.0, 0.0);
                    loss += judged.value;
                    if let Some((grad, scale)) = &mut grad {
                        grad[column as usize] = T::from_f64(*scale * judged.by_score(odds));
                    }
                }
            }
            node = parent;
        }
        match grad {
            Some((grad, scale)) => {
                let terms = ordinary::first(terms, scores.len());
                loss += T::softplus_sum(scores, weights, scale, Some(terms));
                columns.iter().zip(&*terms).for_each(|(&column, &value)| grad[column as usize] = value);
            }
            None => loss += T::softplus_sum(scores, weights, 1.0, None),
        }
        Some(loss)
    }
}

/// The nodes that a label leaves open.
fn masked_of(label: &Label) -> &[NodeId] {
    if let Label::Set { masked, .. } = label { masked } else { &[] }
}
