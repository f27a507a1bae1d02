//! Rows of the ordinary kind of losses with tables of their own: in most a hard label and no label smoothing, no logit that is
//! not a number. They are computed in the type of the logits, or with arrays instead of masses in `f64`.

use super::{BernoulliRows, CutRows, DescendantRows, MarginRows, PathSum, Sample, WeightedRows};
use crate::kernels::ordinary::{Buffers, Scaled};
use crate::numeric::Float;

/// A loss with kernels for ordinary rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OrdinaryRows<'a> {
    PathSum(&'a PathSum),
    Descendants(&'a DescendantRows),
    Bernoulli(&'a BernoulliRows),
    Weighted(&'a WeightedRows),
    Cut(&'a CutRows),
    Margin(&'a MarginRows),
}

impl OrdinaryRows<'_> {
    /// Whether rows with a distribution over the classes, without `-inf`, are ordinary too.
    pub(crate) fn take_targets(self) -> bool {
        matches!(self, Self::PathSum(_) | Self::Descendants(_) | Self::Weighted(_))
    }

    /// The loss of a row, by column, and its gradient times a number; `None` where the row is of another kind. What stands
    /// in the gradient means nothing then.
    pub(crate) fn row<T: Float>(
        self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        match self {
            Self::PathSum(rows) => rows.ordinary_row(sample, z, grad, buffers),
            Self::Descendants(rows) => rows.ordinary_row(sample, z, grad, buffers),
            Self::Bernoulli(rows) => rows.ordinary_row(sample, z, grad, buffers),
            Self::Weighted(rows) => rows.ordinary_row(sample, z, grad, buffers),
            Self::Cut(rows) => rows.ordinary_row(sample, z, grad, buffers),
            Self::Margin(rows) => rows.ordinary_row(sample, z, grad, buffers),
        }
    }
}
