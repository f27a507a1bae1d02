//! How far an engine may be from the truth: the one place that knows the tolerances.

use super::{Case, Scale};

/// The arithmetic of an engine, and with it what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// A kernel for `f32` logits: `1e-6` of a sample's loss, `1e-6` of the largest summand of its gradient, down to
    /// `1e-35`.
    F32,
    /// A kernel for `f64` logits: `1e-13` likewise, down to `1e-300`.
    F64,
    /// Tensor operations in `f32`: `2e-5` of a sample's loss or of 1, whichever is larger, and likewise for the gradient.
    ///
    /// A `log_softmax` takes a log-sum-exp of the size of the logits from a logit, so its error is absolute, a few units
    /// in the last place of the largest logit, and a loss of `1e-9` comes out as 0 or as `1e-7`. Differences of two of
    /// them, sums over levels and products with weights add to it. Cases of [`Scale::Extreme`] are beyond it.
    Composed,
}

/// Relative error, what it is measured against at least, and the absolute error that is always allowed.
struct Tolerance {
    relative: f64,
    least: f64,
    floor: f64,
}

impl Precision {
    fn tolerance(self) -> Tolerance {
        match self {
            Self::F32 => Tolerance { relative: 1e-6, least: 0.0, floor: 1e-35 },
            Self::F64 => Tolerance { relative: 1e-13, least: 0.0, floor: 1e-300 },
            Self::Composed => Tolerance { relative: 2e-5, least: 1.0, floor: 0.0 },
        }
    }

    /// Why an engine of this precision is not held to a case, if it is not.
    pub fn skips(self, case: &Case) -> Option<&'static str> {
        (self == Self::Composed && case.scale == Scale::Extreme)
            .then_some("a plain f32 log-softmax underflows, rounds to 1, or meets a logit that is not finite")
    }
}

impl Case {
    /// Compares an engine's unreduced losses and their gradients (row after row) with the expected ones.
    ///
    /// # Errors
    ///
    /// The first difference beyond the precision's tolerance: the case, the row, the class, what came, what was expected,
    /// the error and what it may be; or a wrong number of results.
    pub fn check(&self, losses: &[f64], grads: &[f64], precision: Precision) -> Result<(), String> {
        let (batch, names) = (self.batch(), self.column_names());
        let columns = names.len();
        let name = &self.name;
        if losses.len() != batch || grads.len() != batch * columns {
            let (got, got_grads) = (losses.len(), grads.len());
            return Err(format!(
                "{name}: {got} losses and {got_grads} gradient entries for {batch} x {columns} logits"
            ));
        }
        for row in 0..batch {
            let label = &self.labels[row];
            let expected = self.losses[row];
            compare(losses[row], expected, expected, precision)
                .map_err(|error| format!("{name}, row {row}, label {label:?}: loss {error}"))?;
            for column in 0..columns {
                let (got, expected) = (grads[row * columns + column], self.grads[row][column]);
                compare(got, expected, self.magnitude[row], precision).map_err(|error| {
                    let column = &names[column];
                    format!("{name}, row {row}, label {label:?}, column {column:?}: gradient {error}")
                })?;
            }
        }
        Ok(())
    }

    /// Compares an engine's loss reduced by `mean`.
    ///
    /// # Errors
    ///
    /// A difference beyond the precision's tolerance.
    pub fn check_mean(&self, mean: f64, precision: Precision) -> Result<(), String> {
        compare(mean, self.mean, self.mean, precision).map_err(|error| format!("{}: mean {error}", self.name))
    }
}

fn compare(got: f64, expected: f64, measure: f64, precision: Precision) -> Result<(), String> {
    if got == expected || (got.is_nan() && expected.is_nan()) {
        return Ok(());
    }
    let Tolerance { relative, least, floor } = precision.tolerance();
    let allowed = relative * measure.abs().max(least) + floor;
    let error = (got - expected).abs();
    // Where either is not finite the error is not, and no comparison with it holds.
    if expected.is_finite() && error <= allowed {
        return Ok(());
    }
    Err(format!("is {got:e}, expected {expected:e}: off by {error:e}, allowed {allowed:e} ({precision:?})"))
}
