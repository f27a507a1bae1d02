//! One row: from its label to the kernels that it needs, and their sum.

use super::atoms::Atoms;
use super::class_rows::SIDE_BY_SIDE;
use super::labels::Named;
use super::row_loss::Sample;
use super::{Inner, Layout, Objective, RowLoss, parent_rows};
use crate::kernels::flow::{Flow, Of};
use crate::kernels::nested::Nested;
use crate::kernels::nodes::Nodes;
use crate::kernels::ordinary::{self, Buffers, again};
use crate::kernels::overlapping::Overlapping;
use crate::kernels::pool::Pool;
use crate::kernels::rollup::ClassRollup;
use crate::kernels::shells::special_gradient;
use crate::kernels::{classes, focal};
use crate::numeric::{Element, Float, scalar};
use crate::{Label, NodeId};

/// What a thread reuses from row to row; a few arrays of the number of classes or nodes.
#[derive(Debug, Default)]
pub(super) struct Scratch<T> {
    pub(super) chains: [Nested; SIDE_BY_SIDE],
    pub(super) softmax: Softmax<T>,
    /// The same where class logits are sums of node logits.
    sums: Softmax<f64>,
    pub(super) wide: (Vec<T>, Vec<T>),
    ordinary: Buffers<T>,
    /// Where a row is not ordinary in the type of its logits.
    ordinary_wide: Buffers<f64>,
    pool: Pool,
}

#[derive(Debug, Default)]
pub(super) struct Softmax<T> {
    named: Named,
    nested: Nested,
    overlapping: Overlapping,
    atoms: Atoms,
    nodes: Nodes,
    flow: Flow,
    pub(super) z: Vec<T>,
    pub(super) grad: Vec<T>,
    weights: Vec<T>,
    target: Vec<f64>,
    node_target: Vec<f64>,
    upstream: Vec<f64>,
}

impl Inner {
    /// The loss of a row, and its gradient times a number where it is asked for. The label has been checked. `place` is the
    /// row in the batch and the step of training.
    pub(super) fn row<T: Element>(
        &self,
        scratch: &mut Scratch<T::Wide>,
        label: &Label,
        z: &[T],
        mut grad: Option<(&mut [T], f64)>,
        place: (usize, u64),
    ) -> f64 {
        if *label == Label::Ignored {
            if let Some((grad, _)) = grad {
                grad.fill(T::default());
            }
            return 0.0;
        }
        let loss = match &self.tables.objective {
            Objective::Rows(rows) => match self.ordinary_row(scratch, &**rows, label, z, again(&mut grad), place) {
                Some(loss) => loss,
                None => self.with_scores(&mut scratch.pool, z, again(&mut grad), |pool, scores, grad| {
                    self.table_row(pool, &**rows, label, scores, grad, place)
                }),
            },
            _ if self.tables.layout == Layout::Nodes => {
                let Scratch { sums, pool, .. } = scratch;
                self.with_scores(pool, z, again(&mut grad), |pool, scores, grad| {
                    self.sums_row(sums, pool, label, scores, grad)
                })
            }
            _ => {
                let Scratch { softmax, wide, .. } = scratch;
                let (grad, scale) = again(&mut grad).map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
                T::with_wide(z, grad, wide, |z, grad| {
                    self.softmax_row(softmax, label, z, grad.map(|grad| (grad, scale)))
                })
            }
        };
        if let Some((grad, _)) = grad
            && !loss.is_finite()
        {
            special_gradient(loss, grad);
        }
        loss
    }

    /// A row of the ordinary kind, in the type of its logits or else in `f64`; `None` where it is of another kind.
    fn ordinary_row<T: Element>(
        &self,
        scratch: &mut Scratch<T::Wide>,
        rows: &dyn RowLoss,
        label: &Label,
        z: &[T],
        mut grad: Option<(&mut [T], f64)>,
        (row, step): (usize, u64),
    ) -> Option<f64> {
        let rows = rows.ordinary()?;
        let Scratch { wide, ordinary: buffers, ordinary_wide, pool, softmax, .. } = scratch;
        let target = &mut softmax.target;
        let is_soft = matches!(label, Label::Soft(_));
        let has_target = is_soft || self.tables.label_smoothing != 0.0;
        if has_target {
            let has_masked = z.iter().fold(false, |has, &z| has | (z == T::NEG_INFINITY));
            let is_for_this = rows.take_targets() && !has_masked;
            if !is_for_this || !self.fill_target(Some(label), None::<&fn(usize) -> bool>, target) {
                return None;
            }
        }
        let factor = if is_soft { 0.0 } else { (1.0 - self.tables.label_smoothing) * self.weight_of(label) };
        let target = has_target.then_some(&target[..]);
        let sample = Sample { hierarchy: &self.hierarchy, label, factor, target, row, step };
        let (out, scale) = again(&mut grad).map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let mut is_poisoned = false;
        let loss = T::with_wide(z, out, wide, |z, grad| {
            is_poisoned = scalar::is_poison(T::Wide::max_of(z).to_f64());
            if is_poisoned { None } else { rows.row(&sample, z, grad.map(|grad| (grad, scale)), buffers) }
        });
        if loss.is_some() || is_poisoned || T::Wide::LEAST_SUM == f64::LEAST_SUM {
            return loss;
        }
        let mut z64 = pool.floats(0, 0.0);
        z64.extend(z.iter().map(|z| z.to_f64()));
        let mut grad64 = pool.floats(if grad.is_some() { z.len() } else { 0 }, 0.0);
        let loss = rows.row(&sample, &z64, grad.is_some().then_some((&mut grad64[..], scale)), ordinary_wide);
        if let (Some((grad, _)), Some(_)) = (grad, loss) {
            grad.iter_mut().zip(&grad64).for_each(|(grad, &wide)| *grad = T::from_f64(wide));
        }
        pool.keep(z64);
        pool.keep(grad64);
        loss
    }

    /// Runs a row on `f64` scores: by class, or by node with 0 for the root. The gradient that it gives is scaled.
    fn with_scores<T: Element>(
        &self,
        pool: &mut Pool,
        z: &[T],
        grad: Option<(&mut [T], f64)>,
        row: impl FnOnce(&mut Pool, &[f64], Option<&mut [f64]>) -> f64,
    ) -> f64 {
        let nodes = self.tables.layout == Layout::Nodes;
        let length = if nodes { self.hierarchy.node_count() } else { z.len() };
        let place = |column: usize| if nodes { self.node_columns[column].index() } else { column };
        let mut scores = pool.floats(length, 0.0);
        let mut is_poisoned = false;
        for (column, z) in z.iter().enumerate() {
            let z = z.to_f64();
            is_poisoned |= scalar::is_poison(z);
            scores[place(column)] = z;
        }
        let loss = if is_poisoned {
            f64::NAN
        } else if let Some((grad, scale)) = grad {
            let mut wide = pool.floats(length, 0.0);
            let loss = row(pool, &scores, Some(&mut wide));
            for (column, grad) in grad.iter_mut().enumerate() {
                *grad = T::from_f64(scale * wide[place(column)]);
            }
            pool.keep(wide);
            loss
        } else {
            row(pool, &scores, None)
        };
        pool.keep(scores);
        loss
    }

    fn table_row(
        &self,
        pool: &mut Pool,
        rows: &dyn RowLoss,
        label: &Label,
        scores: &[f64],
        grad: Option<&mut [f64]>,
        (row, step): (usize, u64),
    ) -> f64 {
        let masked = self.masked_classes(scores);
        let open = masked.as_ref().map(|masked| |class: usize| !masked[class]);
        let Some(target) = self.class_target(label, open.as_ref()) else { return f64::INFINITY };
        let factor = match label {
            Label::Soft(_) => 0.0,
            hard => (1.0 - self.tables.label_smoothing) * self.weight_of(hard),
        };
        let takes_part = factor != 0.0 || matches!(label, Label::Soft(_));
        if rows.is_class_softmax() && takes_part && masked.is_some_and(|masked| !masked.contains(&false)) {
            return f64::INFINITY;
        }
        let (hierarchy, target) = (&self.hierarchy, target.as_deref());
        rows.row(&Sample { hierarchy, label, factor, target, row, step }, scores, grad, pool)
    }

    /// By class: whether a logit of it, or in a form with a column a node one at or above it, is `-inf`. `None` where
    /// there is none, or nobody asks.
    pub(super) fn masked_classes(&self, scores: &[f64]) -> Option<Vec<bool>> {
        if !scores.contains(&f64::NEG_INFINITY) {
            return None;
        }
        if self.tables.layout == Layout::Classes {
            return Some(scores.iter().map(|z| *z == f64::NEG_INFINITY).collect());
        }
        let hierarchy = &self.hierarchy;
        let mut masked = vec![false; scores.len()];
        for node in hierarchy.nodes().skip(1) {
            masked[node.index()] = scores[node.index()] == f64::NEG_INFINITY
                || hierarchy.parents(node).iter().any(|parent| masked[parent.index()]);
        }
        Some((0..hierarchy.class_count()).map(|class| masked[hierarchy.class_node(class).index()]).collect())
    }

    /// What each class's loss is multiplied with for a soft label and for smoothing; the inner `None` where there is
    /// neither, the outer where all classes of a soft label are masked.
    #[expect(clippy::option_option, reason = "two reasons for there being nothing")]
    pub(super) fn class_target(
        &self,
        label: &Label,
        open: Option<&impl Fn(usize) -> bool>,
    ) -> Option<Option<Vec<f64>>> {
        let label = match label {
            Label::Soft(_) => Some(label),
            _ if self.tables.label_smoothing == 0.0 => return Some(None),
            _ => None,
        };
        let mut target = Vec::new();
        self.fill_target(label, open, &mut target).then_some(Some(target))
    }

    /// A class softmax whose class logits are the sums of the node logits at and above the class.
    fn sums_row(
        &self,
        softmax: &mut Softmax<f64>,
        pool: &mut Pool,
        label: &Label,
        scores: &[f64],
        grad: Option<&mut [f64]>,
    ) -> f64 {
        let tables = self.nodes();
        let mut z = pool.floats(self.hierarchy.class_count(), 0.0);
        tables.sum_above(scores, &mut z, pool);
        let loss = if let Some(grad) = grad {
            let mut of_class = pool.floats(z.len(), 0.0);
            let mut of_node = pool.floats(0, 0.0);
            let loss = self.softmax_row(softmax, label, &z, Some((&mut of_class, 1.0)));
            tables.sum_below(&of_class, &mut of_node);
            grad.copy_from_slice(&of_node);
            pool.keep(of_class);
            pool.keep(of_node);
            loss
        } else {
            self.softmax_row(softmax, label, &z, None)
        };
        pool.keep(z);
        loss
    }

    /// The loss of a class softmax, and its gradient times a number.
    fn softmax_row<T: Float>(
        &self,
        scratch: &mut Softmax<T>,
        label: &Label,
        z: &[T],
        mut grad: Option<(&mut [T], f64)>,
    ) -> f64 {
        let smoothing = self.tables.label_smoothing;
        if let Label::Soft(_) = label {
            return self.soft_row(scratch, Some(label), z, grad, false);
        }
        let factor = (1.0 - smoothing) * self.weight_of(label);
        let loss = self.hard_row(scratch, label, z, again(&mut grad), factor);
        if smoothing > 0.0 && loss.is_finite() { loss + self.soft_row(scratch, None, z, grad, true) } else { loss }
    }

    fn hard_row<T: Float>(
        &self,
        scratch: &mut Softmax<T>,
        label: &Label,
        z: &[T],
        grad: Option<(&mut [T], f64)>,
        factor: f64,
    ) -> f64 {
        let gamma = self.tables.gamma;
        if let Objective::SoftLabels { by_height } = &self.tables.objective {
            let node = self.single_node(label);
            if factor == 0.0 {
                return self.without_terms(z, grad.map(|(grad, _)| grad));
            }
            let Softmax { weights, atoms, z: terms, .. } = scratch;
            self.fill_soft_labels(by_height, node, weights, atoms);
            if self.is_masked(label, z) {
                weights.fill(T::default());
            }
            return classes::row(z, grad, weights, gamma, factor, terms);
        }
        if self.hierarchy.is_tree() {
            let nested = &mut scratch.nested;
            if let Label::Union(_) = label {
                scratch.named.set(&self.hierarchy, label);
                self.fill_union(&scratch.named, factor, nested);
            } else {
                self.fill_chain(self.single_node(label), factor, nested);
            }
            self.nested_row(scratch, z, grad)
        } else {
            let Softmax { named, overlapping, atoms, .. } = scratch;
            named.set(&self.hierarchy, label);
            self.fill_overlapping(named, factor, overlapping, atoms);
            let ordered = (&mut scratch.z, &mut scratch.grad);
            self.in_tree_order_of(z, grad, ordered, |z, grad| overlapping.row(z, grad, gamma))
        }
    }

    /// The path kernel on the chain of sets that is in it.
    fn nested_row<T: Float>(&self, scratch: &mut Softmax<T>, z: &[T], mut grad: Option<(&mut [T], f64)>) -> f64 {
        let (nested, terms, gamma) = (&mut scratch.nested, self.chain_terms(), self.tables.gamma);
        if let Some(positions) = &self.positions
            && let Some(loss) = nested.row_by_column(z, &positions.of_class, again(&mut grad), terms, gamma)
        {
            return loss;
        }
        let ordered = (&mut scratch.z, &mut scratch.grad);
        self.in_tree_order_of(z, grad, ordered, |z, grad| nested.row(z, grad, terms, gamma))
    }

    /// Runs a row with its classes in the order of the tree.
    pub(super) fn in_tree_order_of<T: Float>(
        &self,
        z: &[T],
        grad: Option<(&mut [T], f64)>,
        (ordered_z, ordered_grad): (&mut Vec<T>, &mut Vec<T>),
        row: impl FnOnce(&[T], Option<(&mut [T], f64)>) -> f64,
    ) -> f64 {
        let Some(positions) = &self.positions else { return row(z, grad) };
        ordinary::gather(z, &positions.classes, ordered_z);
        let Some((grad, scale)) = grad else { return row(ordered_z, None) };
        let ordered_grad = ordinary::first(ordered_grad, z.len());
        let loss = row(ordered_z, Some((&mut *ordered_grad, scale)));
        positions.put_back(ordered_grad, grad);
        loss
    }

    /// The loss `sum_k t_k L({k})` of a target over the classes: a soft label, the uniform part of label smoothing, or
    /// both. With `add` the gradient, times its number, is added to what is there.
    fn soft_row<T: Float>(
        &self,
        scratch: &mut Softmax<T>,
        label: Option<&Label>,
        z: &[T],
        mut grad: Option<(&mut [T], f64)>,
        add: bool,
    ) -> f64 {
        let Softmax { nodes, target, node_target, upstream, flow, .. } = scratch;
        if scalar::is_poison(T::max_of(z).to_f64()) {
            return f64::NAN;
        }
        let has_masked = z.iter().fold(false, |has, &z| has | (z == T::NEG_INFINITY));
        let is_open = |class: usize| z[class] > T::NEG_INFINITY;
        if !self.fill_target(label, has_masked.then_some(&is_open), target) {
            return f64::INFINITY;
        }
        if let Some(loss) = self.flow_row(flow, target, z, again(&mut grad), add) {
            return loss;
        }
        let tables = self.nodes();
        nodes.forward(z, tables);
        // What the target weighs at each node: the sum over the classes below.
        tables.sum_below(target, node_target);
        let (weights, log_p, conditional) = match &self.tables.objective {
            Objective::Marginal { weights, .. } => (weights, &nodes.log_p, false),
            Objective::Conditional { lambda, .. } => (lambda, &nodes.log_cond, true),
            Objective::SoftLabels { .. } | Objective::Rows(_) => return f64::NAN, // checked: no soft labels, no smoothing
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
        if let Some((grad, scale)) = grad {
            let store = |class: usize, value: f64| {
                let before = if add { grad[class].to_f64() } else { 0.0 };
                grad[class] = T::from_f64(before + scale * value);
            };
            match conditional {
                false => nodes.backward_marginal(z, tables, upstream, store),
                true => nodes.backward_conditional(z, tables, upstream, store),
            }
        }
        loss
    }

    /// The loss of what the classes weigh, in a row of which no mass is too small; `None` for another.
    fn flow_row<T: Float>(
        &self,
        flow: &mut Flow,
        target: &[f64],
        z: &[T],
        mut grad: Option<(&mut [T], f64)>,
        add: bool,
    ) -> Option<f64> {
        let (weights, of) = match &self.tables.objective {
            _ if self.tables.gamma != 0.0 => return None,
            Objective::Marginal { weights, .. } => (weights, Of::Node),
            Objective::Conditional { lambda, .. } => (lambda, Of::GivenParent),
            Objective::SoftLabels { .. } | Objective::Rows(_) => return None,
        };
        let (rollup, weights) = self.rollup.get_or_init(|| {
            let rollup = ClassRollup::new(self.nodes(), parent_rows(&self.hierarchy));
            let weights = rollup.node_weights(weights);
            (rollup, weights)
        });
        rollup.take_classes(target, flow);
        rollup.weigh(weights, flow);
        let wants_gradient = grad.is_some();
        rollup.flow((of, true), z, flow, wants_gradient, |class, value| {
            if let Some((grad, scale)) = &mut grad {
                let before = if add { grad[class].to_f64() } else { 0.0 };
                grad[class] = T::from_f64(before + *scale * value);
            }
        })
    }

    /// The weight of each class's loss: `(1 - eps) c_k q_k + (eps / N) c_k`, the soft label `q` divided by its sum over
    /// the classes that are not masked; `open` where some may be. False where all of the label's classes are masked.
    fn fill_target(&self, label: Option<&Label>, open: Option<&impl Fn(usize) -> bool>, target: &mut Vec<f64>) -> bool {
        let classes = self.hierarchy.class_count();
        let smoothing = self.tables.label_smoothing;
        let uniform = smoothing / classes as f64;
        target.clear();
        if let Some(Label::Soft(soft)) = label {
            let total: f64 = match open {
                None => soft.iter().sum(),
                Some(open) => soft.iter().enumerate().filter(|(class, _)| open(*class)).map(|(_, q)| q).sum(),
            };
            if total == 0.0 {
                return false;
            }
            let share = (1.0 - smoothing) / total;
            target.extend(soft.iter().map(|q| uniform + share * q));
        } else {
            target.resize(classes, uniform);
        }
        if let Some(weights) = &self.tables.class_weight {
            target.iter_mut().zip(weights).for_each(|(target, weight)| *target *= weight);
        }
        if let Some(open) = open {
            target.iter_mut().enumerate().filter(|(class, _)| !open(*class)).for_each(|(_, target)| *target = 0.0);
        }
        true
    }

    /// A row whose terms all have weight 0: NaN still shows.
    fn without_terms<T: Float>(&self, z: &[T], grad: Option<&mut [T]>) -> f64 {
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

    fn is_masked<T: Float>(&self, label: &Label, z: &[T]) -> bool {
        match label {
            Label::Class(class) => z[*class].to_f64() == f64::NEG_INFINITY,
            Label::Node(node) => {
                let order = self.hierarchy.tree_order();
                let is_masked = |classes: &[u32]| classes.iter().all(|&class| z[class as usize] == T::NEG_INFINITY);
                if self.hierarchy.is_tree() {
                    let (start, end) = self.hierarchy.span(*node);
                    return is_masked(&order[start..end]);
                }
                let stretches = self.stretches().of(*node);
                stretches.iter().all(|&(start, end)| is_masked(&order[start as usize..end as usize]))
            }
            label => super::classes_of(&self.hierarchy, label).iter().all(|&k| z[k].to_f64() == f64::NEG_INFINITY),
        }
    }
}
