//! Probabilities that are given instead of logits, and what is wrong with them.

use crate::criterion::{InputError, InputErrorKind};
use crate::kernels::batch::for_each_row;
use crate::numeric::Element;

/// Of what probabilities are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Of the classes, in a distribution.
    Classes,
    /// Of the nodes, each for itself.
    Nodes,
}

impl Given {
    /// That all rows of a batch are what they are said to be, up to rows that have a NaN in them.
    ///
    /// # Errors
    ///
    /// The first row that is not.
    pub(super) fn check<T: Element>(self, values: &[T], columns: usize) -> Result<(), InputError> {
        let mut fits = vec![true; values.len() / columns];
        let check = |(): &mut (), _: usize, row: &[T], fits: &mut [bool], _: Option<&mut [T]>| fits[0] = self.fits(row);
        for_each_row((values, columns), (&mut fits, 1), None, check);
        match fits.iter().position(|fits| !fits) {
            Some(row) => Err(self.error(&values[row * columns..(row + 1) * columns]).in_row(row)),
            None => Ok(()),
        }
    }

    fn fits<T: Element>(self, row: &[T]) -> bool {
        // A NaN fails no comparison here, and is the sum then.
        let (sum, outside) = row.iter().fold((0.0, false), |(sum, outside), value| {
            let value = value.to_f64();
            (sum + value, outside | is_outside::<T>(value))
        });
        !outside && (self == Self::Nodes || !is_off::<T>(sum))
    }

    fn error<T: Element>(self, row: &[T]) -> InputError {
        let mut entries = row.iter().map(|value| value.to_f64()).enumerate();
        if let Some((column, value)) = entries.find(|(_, value)| is_outside::<T>(*value)) {
            let message = format!("the probability in column {column} is {value}, expected 0 to 1");
            return InputError::new(InputErrorKind::NotAProbability, message);
        }
        let sum: f64 = row.iter().map(|value| value.to_f64()).sum();
        let message = format!("the probabilities add up to {sum}, expected 1 within {:e}", T::PROBABILITY_TOLERANCE);
        InputError::new(InputErrorKind::NotADistribution, message)
    }
}

fn is_outside<T: Element>(value: f64) -> bool {
    value < 0.0 || value > 1.0 + T::PROBABILITY_TOLERANCE
}

fn is_off<T: Element>(sum: f64) -> bool {
    (sum - 1.0).abs() > T::PROBABILITY_TOLERANCE
}
