//! Losses whose rows are computed in `f64` from tables of their own: all that are not a class softmax of nested sets.

use std::fmt::Debug;

use super::ordinary::OrdinaryRows;
use super::{Form, InputError, InputErrorKind, Term};
use crate::kernels::pool::Pool;
use crate::{Hierarchy, Label};

/// What is known of a row besides its logits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) hierarchy: &'a Hierarchy,
    /// Checked, not ignored. Of a [`Label::Soft`] all is in `target`.
    pub(crate) label: &'a Label,
    /// What the loss of the label itself is multiplied with: class weight and `1 - label_smoothing`; 0 of a soft label.
    pub(crate) factor: f64,
    /// By class, what each `L({k})` is multiplied with, for soft labels and label smoothing.
    pub(crate) target: Option<&'a [f64]>,
    /// The row in the batch.
    pub(crate) row: usize,
    /// The step of training.
    pub(crate) step: u64,
}

/// A compiled loss, row by row.
///
/// Scores come as `[classes]` by column, or, in the layout [`Layout::Nodes`](super::Layout::Nodes), as `[nodes]` by
/// [`NodeId::index`](crate::NodeId::index) with the root's entry 0; so does the gradient, whose root entry is dropped.
/// They hold no NaN and no `+inf`. Only what [`row`](Self::row) writes to a zeroed gradient counts; where the loss comes
/// out infinite the gradient is dropped.
pub(crate) trait RowLoss: Debug + Send + Sync {
    /// That a label, which names what is there, has a meaning for the loss.
    fn check_label(&self, hierarchy: &Hierarchy, label: &Label) -> Result<(), InputError>;

    /// The loss of a row; the gradient is added to `grad`.
    fn row(&self, sample: &Sample<'_>, scores: &[f64], grad: Option<&mut [f64]>, pool: &mut Pool) -> f64;

    /// The kernels of ordinary rows, where the loss has some.
    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        None
    }

    /// The terms of a sample's loss; some may have weight 0.
    fn terms(&self, sample: &Sample<'_>) -> Vec<Term>;

    /// What the loss compiled to.
    fn form(&self) -> Form<'_>;

    /// Whether the terms depend on the row in the batch and on the step.
    fn draws_at_random(&self) -> bool {
        false
    }

    /// Whether there is one softmax over the classes, which is not defined where all of them are masked.
    fn is_class_softmax(&self) -> bool {
        false
    }

    /// The number of terms of a sample, where the mean divides by that.
    fn term_count(&self, _hierarchy: &Hierarchy, _label: &Label) -> Option<f64> {
        None
    }

    /// The superclass of a name, in losses that have superclasses of their own.
    fn superclass(&self, _name: &str) -> Option<usize> {
        None
    }

    /// The name of a superclass that the loss has of its own, by its place.
    fn superclass_name(&self, _superclass: usize) -> Option<&str> {
        None
    }

    /// The classes that a label stands for, where that is not what the hierarchy says: for the class weight.
    fn label_classes(&self, _hierarchy: &Hierarchy, _label: &Label) -> Option<Vec<usize>> {
        None
    }
}

/// The error of a label that has no meaning for a loss.
pub(crate) fn no_meaning(loss: &str, takes: &str, label: &Label) -> InputError {
    let form = match label {
        Label::Ignored => "an ignored sample",
        Label::Class(_) => "a class",
        Label::Node(_) => "a node",
        Label::Union(_) => "a union",
        Label::Soft(_) => "a distribution",
        Label::Set { .. } => "a multi-label set",
        Label::Superclass(_) => "a superclass of a map",
    };
    InputError::new(InputErrorKind::LabelForm, format!("{loss} takes {takes}; it has no meaning for {form}"))
}
