//! Any few sets of classes, as the ancestors of a label in a DAG are: they overlap without being nested.
//!
//! Classes that are in the same sets form an atom. The atoms partition the row, so each class counts once, by however
//! many paths it is reached, and costs one exponential.

use super::focal;
use super::mass::{Mass, Whole};
use super::shells::{Masses, Row, Shells, special_gradient};
use crate::numeric::{Float, scalar};

/// One row's atoms and sets, and the memory that the kernel reuses. The shells are the atoms.
#[derive(Debug, Default)]
pub(crate) struct Overlapping {
    pub(crate) shells: Shells,
    /// By set.
    pub(crate) weights: Vec<f64>,
    /// By set and atom, row-major: whether the atom is in the set.
    pub(crate) contains: Vec<bool>,
    /// Whether the sample has a weight: a row without any class left then has the loss `+inf`.
    pub(crate) takes_part: bool,
    masses: Masses,
    sets: Vec<Whole<Mass>>,
    complements: Vec<f64>,
    slopes: Vec<f64>,
    factors: Vec<f64>,
}

impl Overlapping {
    pub(crate) fn clear(&mut self) {
        self.weights.clear();
        self.contains.clear();
    }

    /// The loss `sum_i w_i f(log P(set i))` of a row, and its gradient times a number. As
    /// [`Nested::row`](super::nested::Nested::row).
    pub(crate) fn row<T: Float>(&mut self, z: &[T], mut grad: Option<(&mut [T], f64)>, gamma: f64) -> f64 {
        let row = self.masses.measure(z, &self.shells, grad.as_mut().map(|(grad, _)| &mut **grad));
        let loss = match row {
            Row::Regular => self.loss(gamma),
            special => special.special_loss(self.takes_part),
        };
        if let Some((grad, scale)) = grad {
            if row == Row::Regular && loss.is_finite() {
                self.fill_factors(scale);
                self.shells.multiply(grad, &self.factors);
            } else {
                special_gradient(loss, grad);
            }
        }
        loss
    }

    fn loss(&mut self, gamma: f64) -> f64 {
        let atoms = self.masses.of_shells();
        let all = Whole::new(total(atoms.iter().copied()));
        self.sets.clear();
        self.complements.clear();
        self.slopes.clear();
        let mut loss = 0.0;
        for (set, &weight) in self.weights.iter().enumerate() {
            let contains = &self.contains[set * atoms.len()..][..atoms.len()];
            let part = |inside: bool| atoms.iter().zip(contains).filter(move |&(_, &c)| c == inside).map(|(&a, _)| a);
            let mass = total(part(true));
            let q: f64 = part(false).map(|atom| all.share(atom)).sum();
            self.sets.push(Whole::new(mass));
            self.complements.push(q);
            if weight == 0.0 {
                self.slopes.push(0.0);
                continue;
            }
            if mass.is_none() {
                return f64::INFINITY;
            }
            let log_p = if q < 0.5 { scalar::ln_1p(-q) } else { mass.log_over(all.amount) };
            let term = focal::term(log_p, q, gamma);
            loss += weight * term.value;
            self.slopes.push(weight * term.slope);
        }
        loss
    }

    /// What the terms of each atom are multiplied with. The gradient sums over an atom to `P(atom)` times the slopes of the
    /// sets without it, less `P(atom | set) (1 - P(set))` times the slope of each set that holds it.
    fn fill_factors(&mut self, scale: f64) {
        let atoms = self.masses.of_shells();
        let all = Whole::new(total(atoms.iter().copied()));
        self.factors.clear();
        for (atom, &mass) in atoms.iter().enumerate() {
            let (mut push, mut pull) = (0.0, 0.0);
            if !mass.is_none() {
                for (set, &slope) in self.slopes.iter().enumerate().filter(|&(_, &slope)| slope != 0.0) {
                    if self.contains[set * atoms.len() + atom] {
                        pull += slope * self.complements[set] * self.sets[set].term_share(mass);
                    } else {
                        push += slope;
                    }
                }
                push *= all.term_share(mass);
            }
            self.factors.push(scale * (push - pull));
        }
    }
}

fn total(masses: impl Iterator<Item = Mass>) -> Mass {
    masses.fold(Mass::NONE, Mass::plus)
}
