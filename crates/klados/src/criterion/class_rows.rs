//! Rows of class labels on a tree: straight to the path kernel, some short ones side by side.

use super::rows::{Scratch, Softmax};
use super::{Inner, Layout, Objective, Positions};
use crate::Label;
use crate::kernels::nested::{Nested, Terms};
use crate::numeric::{Element, Float};

/// The rows that are computed side by side. In one row each step waits for the last; where it is short, a processor that
/// has the same step of the next row at hand need not wait with it.
pub(super) const SIDE_BY_SIDE: usize = 4;
/// The columns of a short row.
const SHORT: usize = 1024;

impl Inner {
    /// The number of rows that [`class_rows`](Self::class_rows) is best called with.
    pub(super) fn rows_at_once(&self) -> usize {
        if self.classes_are_chains() && self.hierarchy.class_count() <= SHORT { SIDE_BY_SIDE } else { 1 }
    }

    /// Whether these labels are for [`class_rows`](Self::class_rows).
    pub(super) fn are_class_rows(&self, labels: &[Label]) -> bool {
        self.classes_are_chains() && labels.iter().all(|label| matches!(label, Label::Class(_)))
    }

    /// Whether a class's loss is one call of the path kernel.
    fn classes_are_chains(&self) -> bool {
        !self.steps.is_empty() && self.tables.label_smoothing == 0.0 && self.tables.layout == Layout::Classes
    }

    /// What the terms of the path kernel are.
    pub(super) fn chain_terms(&self) -> Terms {
        match &self.tables.objective {
            Objective::Conditional { .. } => Terms::Conditional,
            _ => Terms::Marginal,
        }
    }

    /// The losses of up to `SIDE_BY_SIDE` rows, and their gradients times a number.
    pub(super) fn class_rows<T: Element>(
        &self,
        scratch: &mut Scratch<T::Wide>,
        labels: &[Label],
        z: &[T],
        losses: &mut [T::Wide],
        grad: Option<(&mut [T], f64)>,
    ) {
        let Scratch { chains, softmax, wide, .. } = scratch;
        let (grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        T::with_wide(z, grad, wide, |z, grad| match &self.positions {
            None => self.in_tree_order(chains, labels, z, losses, grad, scale),
            Some(positions) => {
                let grad = grad.map(|grad| (grad, scale));
                self.in_any_order(chains, softmax, positions, labels, z, losses, grad);
            }
        });
    }

    fn in_tree_order<T: Float>(
        &self,
        chains: &mut [Nested; SIDE_BY_SIDE],
        labels: &[Label],
        z: &[T],
        losses: &mut [T],
        mut grad: Option<&mut [T]>,
        scale: f64,
    ) {
        let (columns, terms) = (self.hierarchy.class_count(), self.chain_terms());
        let mut rows = grad.as_deref_mut().map(|grad| grad.chunks_exact_mut(columns));
        for ((chain, label), z) in chains.iter_mut().zip(labels).zip(z.chunks_exact(columns)) {
            chain.climb(&self.steps, self.single_node(label).index(), self.weight_of(label));
            chain.measure(z, rows.as_mut().and_then(Iterator::next));
        }
        for (chain, loss) in chains.iter_mut().zip(&mut *losses) {
            *loss = T::from_f64(chain.loss(terms, self.tables.gamma));
        }
        if let Some(grad) = grad {
            for (chain, grad) in chains.iter_mut().zip(grad.chunks_exact_mut(columns)) {
                chain.gradient(terms, grad, scale, &[]);
            }
        }
    }

    /// A row that cannot be computed where it stands is put into tree order: that one alone, so that its bits do not depend
    /// on the others.
    #[expect(clippy::too_many_arguments, reason = "those of in_tree_order, and what the order is")]
    fn in_any_order<T: Float>(
        &self,
        chains: &mut [Nested; SIDE_BY_SIDE],
        Softmax { z: ordered_z, grad: ordered_grad, .. }: &mut Softmax<T>,
        positions: &Positions,
        labels: &[Label],
        z: &[T],
        losses: &mut [T],
        grad: Option<(&mut [T], f64)>,
    ) {
        let (columns, terms, gamma) = (self.hierarchy.class_count(), self.chain_terms(), self.tables.gamma);
        let (mut grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let mut rows = grad.as_deref_mut().map(|grad| grad.chunks_exact_mut(columns));
        let samples = labels.iter().zip(z.chunks_exact(columns)).zip(&mut *losses);
        for (chain, ((label, z), loss)) in chains.iter_mut().zip(samples) {
            chain.climb(&self.steps, self.single_node(label).index(), self.weight_of(label));
            let mut grad = rows.as_mut().and_then(Iterator::next);
            if !chain.measure_by_column(z, &positions.of_class, grad.as_deref_mut()) {
                let (ordered, grad) = ((&mut *ordered_z, &mut *ordered_grad), grad.map(|grad| (grad, scale)));
                let of_row = self.in_tree_order_of(z, grad, ordered, |z, grad| chain.row(z, grad, terms, gamma));
                *loss = T::from_f64(of_row);
            }
        }
        for (chain, loss) in chains.iter_mut().zip(&mut *losses).filter(|(chain, _)| chain.is_by_column()) {
            *loss = T::from_f64(chain.loss(terms, gamma));
        }
        let Some(grad) = grad else { return };
        let rows = chains.iter_mut().zip(grad.chunks_exact_mut(columns));
        for (chain, grad) in rows.filter(|(chain, _)| chain.is_by_column()) {
            chain.gradient(terms, grad, scale, &positions.of_class);
        }
    }
}
