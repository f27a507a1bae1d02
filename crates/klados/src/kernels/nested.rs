//! The path kernel: sets `S_0 < S_1 < ... < S_m`, each inside the next, the last one the whole row.
//!
//! The shells `S_j \ S_(j-1)` partition the row, so each log-sum-exp is taken once and accumulates from the inside out:
//! every level of the hierarchy for one exponential a class. Probabilities of complements are summed from the outer
//! shells, never taken as `1 - P`, so a prediction that is right with probability `1 - 1e-30` has a loss and a gradient
//! of that order. See section "The path kernel" of `docs/numerics.md`.

use super::focal;
use super::mass::{Amount, Mass, Whole};
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

/// What the way up a tree needs of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The root's is itself.
    pub(crate) parent: u32,
    pub(crate) depth: u32,
    /// The positions of the classes at or below the node.
    pub(crate) span: (u32, u32),
    /// Of the node's term; the root has none.
    pub(crate) weight: f64,
}

/// One row's chain of sets with the weight of each term, and the memory that the kernel reuses.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    pub(crate) shells: Shells,
    /// By set, without the last, which is certain.
    pub(crate) weights: Vec<f64>,
    /// Whether the sample has a weight: a row without any class left then has the loss `+inf`.
    pub(crate) takes_part: bool,
    masses: Masses,
    chain: Chain<f64>,
    /// Where a shell is so far below the others that it is a mass of its own.
    far: Chain<Mass>,
    factors: Vec<f64>,
    is_by_column: bool,
    kind: Row,
    loss: f64,
}

/// What a row has at each set of its chain.
#[derive(Debug)]
struct Chain<A> {
    levels: Vec<Level<A>>,
}

/// What a row has at a set.
#[derive(Clone, Copy, Debug)]
struct Level<A> {
    /// What the set has more than the one inside it.
    shell: A,
    set: Whole<A>,
    /// The weight of the term times the slope of its focal factor.
    slope: f64,
    /// What the terms from here up take from the gradient over the set: `R_j = w_j Q_j + P(S_j | S_(j+1)) R_(j+1)`.
    pull: f64,
}

impl Nested {
    /// Takes the chain of sets from a node of a tree up to the root, with the weights times `factor`.
    pub(crate) fn climb(&mut self, steps: &[Step], node: usize, factor: f64) {
        let mut step = steps[node];
        let depth = step.depth as usize;
        self.takes_part = factor != 0.0;
        self.weights.clear();
        self.shells.nest(depth, step.span);
        for set in 0..depth {
            self.weights.push(step.weight * factor);
            step = steps[step.parent as usize];
            self.shells.surround(depth, set + 1, step.span);
        }
    }

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
        self.measure(z, grad.as_mut().map(|(grad, _)| &mut **grad));
        let loss = self.loss(terms, gamma);
        if let Some((grad, scale)) = grad {
            self.gradient(terms, grad, scale, &[]);
        }
        loss
    }

    /// As [`row`](Self::row), of a row whose columns have these `positions` in the order of the shells; `None` where it has
    /// to be put into that order. What stands in the gradient means nothing then.
    pub(crate) fn row_by_column<T: Float>(
        &mut self,
        z: &[T],
        positions: &[u32],
        mut grad: Option<(&mut [T], f64)>,
        terms: Terms,
        gamma: f64,
    ) -> Option<f64> {
        if !self.measure_by_column(z, positions, grad.as_mut().map(|(grad, _)| &mut **grad)) {
            return None;
        }
        let loss = self.loss(terms, gamma);
        if let Some((grad, scale)) = grad {
            self.gradient(terms, grad, scale, positions);
        }
        Some(loss)
    }

    /// The first step of [`row`](Self::row): the masses of the shells. Leaves exponentials in `grad`.
    pub(crate) fn measure<T: Float>(&mut self, z: &[T], grad: Option<&mut [T]>) {
        self.is_by_column = false;
        self.kind = self.masses.measure(z, &self.shells, grad);
    }

    /// The first step of [`row_by_column`](Self::row_by_column); false where the row has to be put into the shells' order.
    pub(crate) fn measure_by_column<T: Float>(&mut self, z: &[T], positions: &[u32], grad: Option<&mut [T]>) -> bool {
        self.is_by_column = true;
        self.kind = Row::Regular;
        self.masses.measure_by_column(z, positions, &mut self.shells, grad)
    }

    /// Whether the row was measured by column.
    pub(crate) fn is_by_column(&self) -> bool {
        self.is_by_column
    }

    /// The second step.
    pub(crate) fn loss(&mut self, terms: Terms, gamma: f64) -> f64 {
        let Self { weights, masses, chain, far, .. } = self;
        self.loss = match self.kind {
            Row::Regular if masses.have_one_top => chain.loss(&masses.sums, weights, terms, gamma),
            Row::Regular => far.loss(&masses.of_shell, weights, terms, gamma),
            special => special.special_loss(self.takes_part),
        };
        self.loss
    }

    /// The third step: makes of the exponentials the gradient times `scale`. `positions` are those that the row was measured
    /// with, if it was.
    pub(crate) fn gradient<T: Float>(&mut self, terms: Terms, grad: &mut [T], scale: f64, positions: &[u32]) {
        if self.kind != Row::Regular || !self.loss.is_finite() {
            return special_gradient(self.loss, grad);
        }
        self.factors.clear();
        match self.masses.have_one_top {
            true => self.chain.fill_factors(terms, scale, &mut self.factors),
            false => self.far.fill_factors(terms, scale, &mut self.factors),
        }
        if self.is_by_column {
            self.shells.multiply_by_column(grad, positions, &self.factors);
        } else {
            self.shells.multiply(grad, &self.factors);
        }
    }
}

impl<A> Default for Chain<A> {
    fn default() -> Self {
        Self { levels: Vec::new() }
    }
}

impl<A: Amount> Chain<A> {
    fn loss(&mut self, shells: &[A], weights: &[f64], terms: Terms, gamma: f64) -> f64 {
        let mut inside = A::NONE;
        self.levels.clear();
        self.levels.extend(shells.iter().map(|&shell| {
            inside = inside.plus(shell);
            Level { shell, set: Whole::new(inside), slope: 0.0, pull: 0.0 }
        }));
        // The last set is certain.
        let Some((&mut all, levels)) = self.levels.split_last_mut() else { return 0.0 };
        let (mut loss, mut outside, mut next) = (0.0, 0.0, all);
        // From the outside in, where the complements are summed.
        for (level, &weight) in levels.iter_mut().zip(weights).rev() {
            // `1 - P` of the set (marginal), or of the set given the next (conditional).
            let complement = match terms {
                Terms::Marginal => {
                    outside += all.set.share(next.shell);
                    outside
                }
                Terms::Conditional => next.set.share(next.shell),
            };
            if weight != 0.0 {
                let amount = level.set.amount;
                if amount.sum() == 0.0 {
                    return f64::INFINITY;
                }
                let log_p = match terms {
                    Terms::Marginal if complement < 0.5 => scalar::ln_1p(-complement),
                    Terms::Marginal => amount.log_over(all.set.amount),
                    Terms::Conditional => match level.set.share(next.shell) {
                        ratio if ratio < 1e300 => -scalar::ln_1p(ratio),
                        _ => -next.shell.log_over(amount), // 1 is nothing beside it
                    },
                };
                let term = focal::term(log_p, complement, gamma);
                loss += weight * term.value;
                level.slope = weight * term.slope;
            }
            level.pull = level.slope * complement + next.set.share(level.set.amount) * next.pull;
            next = *level;
        }
        loss
    }

    /// What the terms of each shell are multiplied with. Over a shell the gradient sums to `P(shell) V_j` (marginal; `V_j`
    /// are the slopes inside) or `P(shell | S_j) lambda_(j-1)` (conditional), less `P(shell | S_j) R_j`.
    fn fill_factors(&self, terms: Terms, scale: f64, factors: &mut Vec<f64>) {
        let Some(all) = self.levels.last().map(|level| level.set) else { return };
        // The slopes inside are summed from the inside out: a difference of sums would drown a right prediction.
        let mut inside = 0.0;
        factors.extend(self.levels.iter().map(|level| {
            let share = level.set.term_share(level.shell);
            let factor = match terms {
                Terms::Marginal => inside * all.term_share(level.shell) - share * level.pull,
                Terms::Conditional => share * (inside - level.pull),
            };
            inside = if terms == Terms::Marginal { inside + level.slope } else { level.slope };
            scale * factor
        }));
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
