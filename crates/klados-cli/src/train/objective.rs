//! The loss that a head is trained on.

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use klados::{Criterion, Hierarchy, Label, Loss};
use klados_burn::{HierarchicalLoss, Reduction};

use crate::data::class_weight;

/// A loss, compiled for a hierarchy.
pub(crate) struct Objective {
    criterion: Criterion,
}

impl Objective {
    /// Compiles `loss`. Class weights that are `balanced` are taken from `train`, those in a file are read.
    ///
    /// # Errors
    ///
    /// A parameter that does not fit the hierarchy, or a file of class weights that cannot be read.
    pub(crate) fn compile(loss: &Loss, hierarchy: &Hierarchy, train: &[Label]) -> Result<Self> {
        let criterion = class_weight::resolve(loss.clone(), hierarchy, train)?.compile(hierarchy)?;
        Ok(Self { criterion })
    }

    /// What is surprising about the loss on this hierarchy.
    pub(crate) fn warnings(&self) -> &[String] {
        self.criterion.warnings()
    }

    /// The mean loss of a batch of logits `[batch, columns]` at a step of training, of shape `[1]`. The loss takes the
    /// labels: that has been checked.
    pub(crate) fn loss(&self, logits: Tensor<2>, labels: &[Label], step: u64) -> Tensor<1> {
        HierarchicalLoss::from_criterion(self.criterion.at_step(step)).forward(logits, labels, Reduction::Mean)
    }

    /// The mean loss of rows that come in parts.
    pub(crate) fn mean(&self) -> Mean<'_> {
        Mean { criterion: &self.criterion, sum: 0.0, weight: 0.0 }
    }
}

/// A mean loss being summed up.
pub(crate) struct Mean<'a> {
    criterion: &'a Criterion,
    sum: f64,
    weight: f64,
}

impl Mean<'_> {
    /// Adds rows.
    pub(crate) fn add(&mut self, logits: &[f32], labels: &[Label]) -> Result<()> {
        let mut losses = vec![0.0f32; labels.len()];
        self.criterion.forward(logits, labels, &mut losses)?;
        self.sum += losses.iter().map(|loss| f64::from(*loss)).sum::<f64>();
        self.weight += self.criterion.normalizer(labels).context("the labels")?;
        Ok(())
    }

    /// The mean; 0 over nothing.
    pub(crate) fn finish(self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}
