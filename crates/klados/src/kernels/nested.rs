//! The path kernel: sets `S_0 < S_1 < ... < S_m`, each inside the next, the last one the whole row.
//!
//! The shells `S_j \ S_(j-1)` partition the row, so each log-sum-exp is taken once and accumulates from the inside out:
//! every level of the hierarchy for one exponential a class. Probabilities of complements are summed from the outer
//! shells, never taken as `1 - P`, so a prediction that is right with probability `1 - 1e-30` has a loss and a gradient
//! of that order. See section "The path kernel" of `docs/numerics.md`.

use super::focal;
use super::mass::Mass;
use super::shells::{Masses, Row, Shells, special_gradient};
use crate::numeric::{Float, scalar};

/// What a term is the log-probability of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terms {
    /// Term `j` is on `P(S_j)`.
    Marginal,
    /// Term `j` is on `P(S_j | S_(j+1))`.
    Conditional,
}

/// One row's chain of sets with the weight of each term, and the memory that the kernel reuses.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    pub(crate) shells: Shells,
    /// By set, without the last, which is certain.
    pub(crate) weights: Vec<f64>,
    /// Whether the sample has a weight: a row without any class left then has the loss `+inf`.
    pub(crate) takes_part: bool,
    /// The positions of each set, where it is a range of them: for whoever fills the shells.
    pub(crate) spans: Vec<(usize, usize)>,
    masses: Masses,
    /// The mass of each set.
    sets: Vec<Mass>,
    /// `1 - P` of each set (marginal), or of each set given the next (conditional).
    complements: Vec<f64>,
    /// The weight of each term times the slope of its focal factor.
    slopes: Vec<f64>,
    coefficients: Vec<f64>,
}

impl Nested {
    /// The loss of a row, and its gradient times a number into `grad`. `z` and `grad` are in the order of the shells'
    /// positions.
    ///
    /// A weight of 0 leaves its term out. Where a term that takes part has probability 0 the loss is `+inf` and the
    /// gradient 0; a NaN or `+inf` makes both NaN.
    pub(crate) fn row<T: Float>(
        &mut self,
        z: &[T],
        mut grad: Option<(&mut [T], f64)>,
        terms: Terms,
        gamma: f64,
    ) -> f64 {
        let row = self.masses.measure(z, &self.shells, grad.as_mut().map(|(grad, _)| &mut **grad));
        let loss = match row {
            Row::Regular => self.loss(terms, gamma),
            special => special.special_loss(self.takes_part),
        };
        if let Some((grad, scale)) = grad {
            if row == Row::Regular && loss.is_finite() {
                match terms {
                    Terms::Marginal => self.marginal_coefficients(),
                    Terms::Conditional => self.conditional_coefficients(),
                }
                self.masses.spread(grad, &self.shells, &self.coefficients, scale);
            } else {
                special_gradient(loss, grad);
            }
        }
        loss
    }

    fn loss(&mut self, terms: Terms, gamma: f64) -> f64 {
        let shells = &self.masses.of_shell;
        let last = shells.len() - 1;
        self.sets.clear();
        let mut inside = Mass::NONE;
        for &shell in shells {
            inside = inside.plus(shell);
            self.sets.push(inside);
        }
        self.complements.clear();
        self.complements.resize(last, 0.0);
        let mut outside = 0.0;
        for set in (0..last).rev() {
            self.complements[set] = match terms {
                Terms::Marginal => {
                    outside += shells[set + 1].over(self.sets[last]);
                    outside
                }
                Terms::Conditional => shells[set + 1].over(self.sets[set + 1]),
            };
        }
        self.slopes.clear();
        let mut loss = 0.0;
        for set in 0..last {
            let weight = self.weights[set];
            if weight == 0.0 {
                self.slopes.push(0.0);
                continue;
            }
            if self.sets[set].is_none() {
                return f64::INFINITY;
            }
            let q = self.complements[set];
            let log_p = match terms {
                Terms::Marginal if q < 0.5 => scalar::ln_1p(-q),
                Terms::Marginal => self.sets[set].log_over(self.sets[last]),
                Terms::Conditional => -scalar::softplus(shells[set + 1].log_over(self.sets[set])),
            };
            let term = focal::term(log_p, q, gamma);
            loss += weight * term.value;
            self.slopes.push(weight * term.slope);
        }
        loss
    }

    /// The sum of the gradient over each shell: `P(shell) V_j - P(shell | S_j) R_j` with `V_j` the slopes inside and
    /// `R_j = w_j Q_j + P(S_j | S_(j+1)) R_(j+1)`.
    fn marginal_coefficients(&mut self) {
        let (shells, sets) = (&self.masses.of_shell, &self.sets);
        let last = shells.len() - 1;
        self.coefficients.clear();
        self.coefficients.resize(last + 1, 0.0);
        // The slopes inside are summed from the inside out: a difference of sums would drown a right prediction.
        for shell in 1..=last {
            self.coefficients[shell] = self.coefficients[shell - 1] + self.slopes[shell - 1];
        }
        let mut pull = 0.0;
        for shell in (0..=last).rev() {
            if shell < last {
                pull = self.slopes[shell] * self.complements[shell] + sets[shell].over(sets[shell + 1]) * pull;
            }
            self.coefficients[shell] =
                shells[shell].over(sets[last]) * self.coefficients[shell] - shells[shell].over(sets[shell]) * pull;
        }
    }

    /// The sum of the gradient over each shell: `P(shell | S_j) (lambda_(j-1) - G_j)` with
    /// `G_j = lambda_j (1 - P(S_j | S_(j+1))) + P(S_j | S_(j+1)) G_(j+1)`.
    fn conditional_coefficients(&mut self) {
        let (shells, sets) = (&self.masses.of_shell, &self.sets);
        let last = shells.len() - 1;
        self.coefficients.clear();
        self.coefficients.resize(last + 1, 0.0);
        let mut pull = 0.0;
        for shell in (0..=last).rev() {
            if shell < last {
                pull = self.slopes[shell] * self.complements[shell] + sets[shell].over(sets[shell + 1]) * pull;
            }
            let inside = if shell == 0 { 0.0 } else { self.slopes[shell - 1] };
            self.coefficients[shell] = shells[shell].over(sets[shell]) * (inside - pull);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three shells of one class each; the label's class first.
    fn run(z: [f64; 3], weights: [f64; 2], terms: Terms) -> (f64, [f64; 3]) {
        let mut nested = Nested::default();
        nested.shells.reset(3);
        for position in 0..3 {
            nested.shells.extend_to(position + 1, position);
        }
        nested.weights.extend(weights);
        nested.takes_part = true;
        let mut grad = [0.0; 3];
        let loss = nested.row(&z, Some((&mut grad, 1.0)), terms, 0.0);
        (loss, grad)
    }

    #[test]
    fn a_right_prediction_keeps_its_tiny_loss_and_gradient() {
        // P(wrong) = 2 e^-69.07755... = 2e-30; by hand: loss = 2e-30, gradient = (-2e-30, 1e-30, 1e-30).
        let z = -30.0 * scalar::ln(10.0);
        let (loss, grad) = run([0.0, z, z], [1.0, 0.0], Terms::Marginal);
        assert!((loss / 2e-30 - 1.0).abs() < 1e-13, "{loss:e}");
        for (got, by_hand) in grad.iter().zip([-2e-30, 1e-30, 1e-30]) {
            assert!((got / by_hand - 1.0).abs() < 1e-13, "{got:e}");
        }
    }

    #[test]
    fn a_hopeless_prediction_keeps_its_loss_and_gradient() {
        let (loss, grad) = run([-1e4, 0.0, -2e4], [1.0, 0.0], Terms::Marginal);
        assert_eq!(loss, 1e4);
        assert_eq!(grad, [-1.0, 1.0, 0.0]);
    }

    #[test]
    fn equal_weights_agree_in_both_forms() {
        // -log P(S_0) = -log P(S_0 | S_1) - log P(S_1 | S_2)
        let z = [0.3, -1.2, 0.9];
        let (marginal, marginal_grad) = run(z, [1.0, 0.0], Terms::Marginal);
        let (conditional, conditional_grad) = run(z, [1.0, 1.0], Terms::Conditional);
        assert!((marginal - conditional).abs() < 1e-15);
        for (a, b) in marginal_grad.iter().zip(conditional_grad) {
            assert!((a - b).abs() < 1e-15);
        }
    }

    #[test]
    fn masks_and_poison() {
        let inf = f64::INFINITY;
        assert_eq!(run([-inf, 0.0, 1.0], [1.0, 1.0], Terms::Marginal), (inf, [0.0; 3]));
        let (loss, grad) = run([-inf, 0.0, 0.0], [0.0, 1.0], Terms::Marginal);
        assert!((loss - scalar::ln(2.0)).abs() < 1e-15);
        assert_eq!(grad, [0.0, -0.5, 0.5]);
        assert!(run([0.0, f64::NAN, 1.0], [1.0, 1.0], Terms::Conditional).1.iter().all(|g| g.is_nan()));
        assert!(run([0.0, inf, 1.0], [1.0, 1.0], Terms::Conditional).0.is_nan());
        assert_eq!(run([-inf; 3], [1.0, 1.0], Terms::Marginal).0, inf);
    }
}
