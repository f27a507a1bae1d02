//! A case's input: logits, labels and the criterion, the same for every contender.

use std::sync::Arc;

use anyhow::Result;
use klados::Element;
use klados::loss::MarginalCrossEntropy;
use klados::{Criterion, Hierarchy, Label};

use crate::cases::Case;

/// What a step of training has before the loss.
pub(crate) struct Setup<T> {
    pub(crate) hierarchy: Arc<Hierarchy>,
    pub(crate) criterion: Criterion,
    pub(crate) logits: Vec<T>,
    /// The class of each row.
    pub(crate) targets: Vec<usize>,
}

impl<T: Element> Setup<T> {
    /// Logits of a standard deviation of 4, as of a model that has learned something, the same each time.
    pub(crate) fn new(case: &Case, hierarchy: Arc<Hierarchy>) -> Result<Self> {
        let mut random = fastrand::Rng::with_seed(0);
        // A sum of three uniform numbers has a variance of 1/4.
        let mut logit = || 8.0 * (random.f32() + random.f32() + random.f32() - 1.5);
        let logits = (0..case.batch * case.classes).map(|_| T::from_f64(f64::from(logit()))).collect();
        let targets = (0..case.batch).map(|row| (case.classes / 3 + 7919 * row) % case.classes).collect();
        let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
        Ok(Self { hierarchy, criterion, logits, targets })
    }

    /// Some of its rows as a batch of their own.
    pub(crate) fn rows(&self, rows: &[usize]) -> Self {
        Self {
            hierarchy: Arc::clone(&self.hierarchy),
            criterion: self.criterion.clone(),
            logits: rows.iter().flat_map(|&row| self.row(row)).copied().collect(),
            targets: rows.iter().map(|&row| self.targets[row]).collect(),
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[T] {
        let classes = self.hierarchy.class_count();
        &self.logits[row * classes..][..classes]
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        self.targets.iter().map(|&class| Label::Class(class)).collect()
    }
}
