//! One row: from its label to the kernels that it needs, and their sum.

use super::labels::{Named, Signatures};
use super::{Inner, Objective};
use crate::kernels::nested::{Nested, Terms};
use crate::kernels::nodes::Nodes;
use crate::kernels::overlapping::Overlapping;
use crate::kernels::shells::special_gradient;
use crate::kernels::{classes, focal};
use crate::numeric::{Element, scalar};
use crate::{Label, NodeId};

/// What a thread reuses from row to row; a few arrays of the number of classes or nodes.
#[derive(Debug, Default)]
pub(super) struct Scratch<T> {
    named: Named,
    nested: Nested,
    overlapping: Overlapping,
    signatures: Signatures,
    nodes: Nodes,
    /// The classes in the order that a kernel wants them.
    order: Vec<u32>,
    z: Vec<T>,
    grad: Vec<T>,
    target: Vec<f64>,
    node_target: Vec<f64>,
    upstream: Vec<f64>,
    rank: Vec<u32>,
}

impl Inner {
    /// The loss of a row, and its gradient where it is asked for. The label has been checked.
    pub(super) fn row<T: Element>(
        &self,
        scratch: &mut Scratch<T>,
        label: &Label,
        z: &[T],
        mut grad: Option<&mut [T]>,
    ) -> f64 {
        let smoothing = self.tables.label_smoothing;
        let loss = match label {
            Label::Ignored => {
                if let Some(grad) = grad.as_deref_mut() {
                    grad.fill(T::default());
                }
                return 0.0;
            }
            Label::Soft(_) => self.soft_row(scratch, Some(label), z, grad.as_deref_mut(), false),
            hard => {
                let factor = (1.0 - smoothing) * self.weight_of(hard);
                let loss = self.hard_row(scratch, hard, z, grad.as_deref_mut(), factor);
                if smoothing > 0.0 && loss.is_finite() {
                    loss + self.soft_row(scratch, None, z, grad.as_deref_mut(), true)
                } else {
                    loss
                }
            }
        };
        if let Some(grad) = grad
            && !loss.is_finite()
        {
            special_gradient(loss, grad);
        }
        loss
    }

    fn hard_row<T: Element>(
        &self,
        scratch: &mut Scratch<T>,
        label: &Label,
        z: &[T],
        grad: Option<&mut [T]>,
        factor: f64,
    ) -> f64 {
        let gamma = self.tables.gamma;
        scratch.named.set(&self.hierarchy, label);
        let terms = match &self.tables.objective {
            Objective::SoftLabels { by_height } => {
                let node = self.single_node(label);
                if factor == 0.0 {
                    return self.without_terms(z, grad);
                }
                self.fill_soft_labels(by_height, node, &mut scratch.target, &mut scratch.rank);
                if self.is_masked(label, z) {
                    scratch.target.fill(0.0);
                }
                return classes::row(z, grad, &mut scratch.target, gamma, factor);
            }
            Objective::Conditional { .. } => Terms::Conditional,
            Objective::Marginal { .. } => Terms::Marginal,
        };
        if self.hierarchy.is_tree() {
            self.fill_nested(&scratch.named, factor, &mut scratch.nested);
            let nested = &mut scratch.nested;
            let Some(order) = &self.positions else { return nested.row(z, grad, terms, gamma) };
            in_order(order, z, grad, &mut scratch.z, &mut scratch.grad, |z, grad| nested.row(z, grad, terms, gamma))
        } else {
            let Scratch { named, overlapping, order, signatures, .. } = scratch;
            self.fill_overlapping(named, factor, overlapping, order, signatures);
            in_order(order, z, grad, &mut scratch.z, &mut scratch.grad, |z, grad| overlapping.row(z, grad, gamma))
        }
    }

    /// The loss `sum_k t_k L({k})` of a target over the classes: a soft label, the uniform part of label smoothing, or
    /// both. With `add` the gradient is added to what is there.
    fn soft_row<T: Element>(
        &self,
        scratch: &mut Scratch<T>,
        label: Option<&Label>,
        z: &[T],
        grad: Option<&mut [T]>,
        add: bool,
    ) -> f64 {
        let tables = self.nodes();
        let Scratch { nodes, target, node_target, upstream, .. } = scratch;
        if !nodes.forward(z, tables) {
            return f64::NAN;
        }
        if !self.fill_target(label, z, target) {
            return f64::INFINITY;
        }
        // What the target weighs at each node: the sum over the classes below.
        tables.sum_below(target, node_target);
        let (weights, log_p, conditional) = match &self.tables.objective {
            Objective::Marginal { weights, .. } => (weights, &nodes.log_p, false),
            Objective::Conditional { lambda, .. } => (lambda, &nodes.log_cond, true),
            Objective::SoftLabels { .. } => return f64::NAN, // checked: no soft labels, no smoothing
        };
        upstream.clear();
        upstream.resize(tables.nodes, 0.0);
        let mut loss = 0.0;
        for node in 1..tables.nodes {
            let weight = node_target[node] * weights[node];
            if weight != 0.0 {
                let term = focal::term(log_p[node], scalar::one_minus_exp(log_p[node]), self.tables.gamma);
                loss += weight * term.value;
                upstream[node] = -weight * term.slope;
            }
        }
        if let Some(grad) = grad {
            let store = |class: usize, value: f64| {
                let before = if add { grad[class].to_f64() } else { 0.0 };
                grad[class] = T::from_f64(before + value);
            };
            match conditional {
                false => nodes.backward_marginal(z, tables, upstream, store),
                true => nodes.backward_conditional(z, tables, upstream, store),
            }
        }
        loss
    }

    /// The weight of each class's loss: `(1 - eps) c_k q_k + (eps / N) c_k`, the soft label `q` divided by its sum over
    /// the classes that are not masked. False where all of the label's classes are masked.
    fn fill_target<T: Element>(&self, label: Option<&Label>, z: &[T], target: &mut Vec<f64>) -> bool {
        let open = |class: usize| z[class].to_f64() > f64::NEG_INFINITY;
        let smoothing = self.tables.label_smoothing;
        target.clear();
        target.resize(z.len(), smoothing / z.len() as f64);
        if let Some(Label::Soft(soft)) = label {
            let total: f64 = soft.iter().enumerate().filter(|(class, _)| open(*class)).map(|(_, q)| q).sum();
            if total == 0.0 {
                return false;
            }
            target.iter_mut().zip(soft).for_each(|(target, q)| *target += (1.0 - smoothing) * q / total);
        }
        for (class, target) in target.iter_mut().enumerate() {
            *target *=
                if open(class) { self.tables.class_weight.as_ref().map_or(1.0, |list| list[class]) } else { 0.0 };
        }
        true
    }

    /// A row whose terms all have weight 0: NaN still shows.
    fn without_terms<T: Element>(&self, z: &[T], grad: Option<&mut [T]>) -> f64 {
        if let Some(grad) = grad {
            grad.fill(T::default());
        }
        if scalar::is_poison(T::max_of(z).to_f64()) { f64::NAN } else { 0.0 }
    }

    /// The node of a label that is one; checked before.
    pub(super) fn single_node(&self, label: &Label) -> NodeId {
        match label {
            Label::Node(node) => *node,
            Label::Class(class) => self.hierarchy.class_node(*class),
            _ => NodeId::ROOT, // checked: soft labels take one node
        }
    }

    fn is_masked<T: Element>(&self, label: &Label, z: &[T]) -> bool {
        match label {
            Label::Class(class) => z[*class].to_f64() == f64::NEG_INFINITY,
            label => super::classes_of(&self.hierarchy, label).iter().all(|&k| z[k].to_f64() == f64::NEG_INFINITY),
        }
    }
}

/// Runs a row with its classes in another order.
fn in_order<T: Element>(
    order: &[u32],
    z: &[T],
    grad: Option<&mut [T]>,
    ordered_z: &mut Vec<T>,
    ordered_grad: &mut Vec<T>,
    row: impl FnOnce(&[T], Option<&mut [T]>) -> f64,
) -> f64 {
    ordered_z.clear();
    ordered_z.extend(order.iter().map(|&class| z[class as usize]));
    let Some(grad) = grad else { return row(ordered_z, None) };
    ordered_grad.resize(z.len(), T::default());
    let loss = row(ordered_z, Some(ordered_grad));
    for (&class, &value) in order.iter().zip(&*ordered_grad) {
        grad[class as usize] = value;
    }
    loss
}
