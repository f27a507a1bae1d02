//! A partition of a row into shells, and the mass of each.

use super::mass::Mass;
use crate::numeric::{Element, Float, scalar};

/// Disjoint sets of positions that together are the row, each a few ranges. Reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Shells {
    segments: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

impl Shells {
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.ends.clear();
    }

    /// Adds a range to the shell that is being filled; an empty one is left out.
    pub(crate) fn push(&mut self, start: usize, end: usize) {
        if start < end {
            self.segments.push((start as u32, end as u32));
        }
    }

    /// Ends the shell that is being filled. It may be empty.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.segments.len() as u32);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn ranges(&self, shell: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let start = if shell == 0 { 0 } else { self.ends[shell - 1] as usize };
        self.segments[start..self.ends[shell] as usize].iter().map(|&(a, b)| a as usize..b as usize)
    }
}

/// The masses of a row's shells.
#[derive(Debug, Default)]
pub(crate) struct Masses {
    pub(crate) of_shell: Vec<Mass>,
}

/// What a row turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Some class is not masked, and nothing is NaN or `+inf`.
    Regular,
    /// All logits are `-inf`.
    Masked,
    /// There is a NaN or `+inf`.
    Poisoned,
}

impl Row {
    /// The loss of a row that has none of the ordinary kind. `takes_part`: whether the sample has a weight.
    pub(crate) fn special_loss(self, takes_part: bool) -> f64 {
        match self {
            Self::Poisoned => f64::NAN,
            Self::Masked if takes_part => f64::INFINITY,
            Self::Masked | Self::Regular => 0.0,
        }
    }
}

/// The gradient of a row whose loss is not of the ordinary kind: NaN where the loss is, else 0.
pub(crate) fn special_gradient<T: Element>(loss: f64, grad: &mut [T]) {
    grad.fill(T::from_f64(if loss.is_nan() { f64::NAN } else { 0.0 }));
}

impl Masses {
    /// Takes the exponentials of a row, each relative to the maximum of its shell, into `terms` where it is given.
    pub(crate) fn measure<T: Float>(&mut self, z: &[T], shells: &Shells, mut terms: Option<&mut [T]>) -> Row {
        self.of_shell.clear();
        for shell in 0..shells.len() {
            let mut max = T::NEG_INFINITY;
            for range in shells.ranges(shell) {
                let next = T::max_of(&z[range]);
                if next > max || next.to_f64().is_nan() {
                    max = next;
                }
                if scalar::is_poison(max.to_f64()) {
                    return Row::Poisoned;
                }
            }
            let mut sum = 0.0;
            for range in shells.ranges(shell) {
                match terms.as_deref_mut() {
                    Some(terms) if max.to_f64() == f64::NEG_INFINITY => terms[range].fill(T::default()),
                    None if max.to_f64() == f64::NEG_INFINITY => {}
                    Some(terms) => sum += T::exp_store(&z[range.clone()], max, &mut terms[range]),
                    None => sum += T::exp_sum(&z[range], max),
                }
            }
            self.of_shell.push(Mass { top: max.to_f64(), sum });
        }
        if self.of_shell.iter().all(|mass| mass.is_none()) { Row::Masked } else { Row::Regular }
    }

    /// Multiplies the terms of each shell, so that they sum to `coefficients[shell]`.
    pub(crate) fn spread<T: Float>(&self, terms: &mut [T], shells: &Shells, coefficients: &[f64]) {
        for shell in 0..shells.len() {
            if self.of_shell[shell].is_none() {
                continue; // the terms are zero already
            }
            for range in shells.ranges(shell) {
                T::scale(&mut terms[range], coefficients[shell] / self.of_shell[shell].sum);
            }
        }
    }
}
