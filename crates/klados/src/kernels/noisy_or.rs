//! Noisy-or: a node is there where any of its classes is. `1 - P(v) = prod (1 - sigma(z_k))`, so `log(1 - P) = -S_v` with
//! `S_v = sum softplus(z_k)`. `S_v` is kept as a mass, so that its logarithm lives on where it underflows.

use super::bernoulli::Odds;
use super::extremum::Parents;
use super::flow::NodeWeights;
use super::mass::Mass;
use super::nodes::{NodeTables, Shape};
use super::ordinary::{self, Scaled};
use super::paths::Tree;
use super::pool::Pool;
use super::rollup::{ClassRollup, Place, Rollup};
use crate::hierarchy::Closure;
use crate::numeric::{Float, doubles, scalar};

const ONE: Mass = Mass { top: 0.0, sum: 1.0 };

/// A row's sums by node.
#[derive(Debug, Default)]
pub(crate) struct NoisyOr {
    sums: Vec<Mass>,
}

/// `softplus(z)` as a mass.
fn softplus(z: f64) -> Mass {
    if z >= 0.0 {
        return Mass { top: 0.0, sum: scalar::softplus(z) };
    }
    let e = scalar::exp(z);
    match e {
        _ if z == f64::NEG_INFINITY => Mass::NONE,
        0.0 => Mass { top: z, sum: 1.0 },
        e => Mass { top: z, sum: scalar::ln_1p(e) / e },
    }
}

/// `sigma(z) / softplus(z)`, which tends to 1 for `z` to `-inf`.
fn sigmoid_over_softplus(z: f64) -> f64 {
    if z >= 0.0 {
        return scalar::exp(-scalar::softplus(-z)) / scalar::softplus(z);
    }
    match scalar::exp(z) {
        0.0 => 1.0,
        e => e / (1.0 + e) / scalar::ln_1p(e),
    }
}

/// `S / (e^S - 1)`, which tends to 1 for `S` to 0.
fn over_expm1(s: f64) -> f64 {
    if s == 0.0 { 1.0 } else { s / -scalar::one_minus_exp(s) }
}

impl NoisyOr {
    /// The sums of a row of class logits.
    pub(crate) fn measure(&mut self, tables: &NodeTables, z: &[f64]) {
        self.sums.clear();
        self.sums.resize(tables.nodes, Mass::NONE);
        match &tables.shape {
            Shape::Tree(Tree { parent, .. }) => {
                for (&z, &node) in z.iter().zip(&tables.class_node) {
                    self.sums[node as usize] = softplus(z);
                }
                for node in (1..tables.nodes).rev() {
                    let above = parent[node] as usize;
                    self.sums[above] = self.sums[above].plus(self.sums[node]);
                }
            }
            Shape::Dag(closure) => {
                for (class, &z) in z.iter().enumerate() {
                    let own = softplus(z);
                    for &node in closure.of(class) {
                        self.sums[node as usize] = self.sums[node as usize].plus(own);
                    }
                }
            }
        }
    }

    fn sum(&self, node: usize) -> f64 {
        self.sums[node].over(ONE)
    }

    /// `log P` and `log(1 - P)` of a node.
    pub(crate) fn odds(&self, node: usize) -> Odds {
        let s = self.sum(node);
        let yes = match s {
            _ if s > std::f64::consts::LN_2 => scalar::ln_1p(-scalar::exp(-s)),
            _ if s > 1e-290 => scalar::ln(scalar::one_minus_exp(-s)),
            _ => self.sums[node].log_over(ONE), // 1 - e^-S is S
        };
        Odds { yes, no: -s, p_yes: scalar::one_minus_exp(-s), p_no: scalar::exp(-s) }
    }

    /// From minus the derivatives by `log P` and `log(1 - P)` of every node to the gradient, which is added. A node of
    /// probability 0 must have none by `log P`.
    pub(crate) fn backward(
        &self,
        tables: &NodeTables,
        (by_yes, by_no): (&[f64], &[f64]),
        z: &[f64],
        grad: &mut [f64],
        pool: &mut Pool,
    ) {
        match &tables.shape {
            Shape::Tree(Tree { parent, .. }) => {
                // What comes to `log S` of each node from it and from above, and to each softplus from the complements.
                let mut to_log_sum = pool.floats(tables.nodes, 0.0);
                let mut to_sum = pool.floats(tables.nodes, 0.0);
                for node in 1..tables.nodes {
                    let above = parent[node] as usize;
                    to_log_sum[node] = to_log_sum[above] * self.sums[node].over(self.sums[above])
                        + by_yes[node] * over_expm1(self.sum(node));
                    to_sum[node] = to_sum[above] + by_no[node];
                }
                for (class, (&z, &node)) in z.iter().zip(&tables.class_node).enumerate() {
                    if z > f64::NEG_INFINITY {
                        grad[class] += to_sum[node as usize] * scalar::exp(-scalar::softplus(-z))
                            - to_log_sum[node as usize] * sigmoid_over_softplus(z);
                    }
                }
                pool.keep(to_log_sum);
                pool.keep(to_sum);
            }
            Shape::Dag(closure) => self.backward_dag(closure, (by_yes, by_no), z, grad),
        }
    }

    fn backward_dag(&self, closure: &Closure, (by_yes, by_no): (&[f64], &[f64]), z: &[f64], grad: &mut [f64]) {
        for (class, &z) in z.iter().enumerate() {
            if z == f64::NEG_INFINITY {
                continue;
            }
            let own = softplus(z);
            let (mut to_log_sum, mut to_sum) = (0.0, 0.0);
            for &node in closure.of(class) {
                let node = node as usize;
                if by_yes[node] != 0.0 {
                    to_log_sum += by_yes[node] * over_expm1(self.sum(node)) * own.over(self.sums[node]);
                }
                to_sum += by_no[node];
            }
            grad[class] += to_sum * scalar::exp(-scalar::softplus(-z)) - to_log_sum * sigmoid_over_softplus(z);
        }
    }
}

/// The tables of rows in which each node is there or not: what weighs on no at every node, and where each stands.
#[derive(Debug)]
pub(crate) struct OrdinaryNoisyOr {
    rollup: ClassRollup,
    places: Vec<Place>,
    weights: NodeWeights,
}

/// What a row reuses.
#[derive(Debug, Default)]
pub(crate) struct OrdinaryBuffers {
    rollup: Rollup,
    sigmoids: Vec<f64>,
    of_class: Vec<f64>,
    of_inner: Vec<f64>,
}

impl OrdinaryNoisyOr {
    /// `weights` by node.
    pub(crate) fn new(tables: &NodeTables, parents: Parents, weights: &[f64]) -> Self {
        let rollup = ClassRollup::new(tables, parents);
        let (places, weights) = (rollup.places(tables.nodes), rollup.node_weights(weights));
        Self { rollup, places, weights }
    }

    /// `factor` times the terms of all nodes, of which those in `open` have none and those in `positive` are there, with what
    /// weighs on each; `None` where one of these is too improbable. The gradient is written.
    ///
    /// The slope of `-log P` by the logit of a class below is `-sigma(z) / expm1(S)`, and of `-log(1 - P)` it is `sigma(z)`. So
    /// a class has `sigma(z)` times one number, which adds up from the root down.
    pub(crate) fn row<T: Float>(
        &self,
        factor: f64,
        positive: impl Iterator<Item = (u32, f64)>,
        open: impl Iterator<Item = u32>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut OrdinaryBuffers,
    ) -> Option<f64> {
        /// Sums from here up have lost nothing, and one over them is a number.
        const LEAST: f64 = f64::LEAST_SUM;
        let OrdinaryBuffers { rollup, sigmoids, of_class, of_inner } = buffers;
        rollup.terms.clear();
        match self.rollup.order() {
            Some(order) => rollup.terms.extend(order.iter().map(|&class| z[class as usize].to_f64())),
            None => rollup.terms.extend(z.iter().map(|z| z.to_f64())),
        }
        let sigmoids = ordinary::first(sigmoids, z.len());
        doubles::softplus_and_sigmoid(&mut rollup.terms, sigmoids);
        self.rollup.add_up(rollup);
        of_class.clone_from(&self.weights.of_class);
        of_inner.clone_from(&self.weights.of_inner);
        for node in open {
            match self.places[node as usize] {
                Place::Class(class) => of_class[class as usize] = 0.0,
                Place::Inner(u32::MAX) => {}
                Place::Inner(at) => of_inner[at as usize] = 0.0,
            }
        }
        let product = |weights: &[f64], sums: &[f64]| weights.iter().zip(sums).map(|(w, sum)| w * sum).sum::<f64>();
        let mut loss = factor * (product(of_class, &rollup.terms) + product(of_inner, &rollup.sums));
        if factor != 1.0 {
            of_class.iter_mut().chain(&mut *of_inner).for_each(|weight| *weight *= factor);
        }
        for (node, weight) in positive.filter(|(_, weight)| *weight != 0.0) {
            let (sum, own) = match self.places[node as usize] {
                Place::Class(class) => (rollup.terms[class as usize], &mut of_class[class as usize]),
                Place::Inner(at) => (rollup.sums[at as usize], &mut of_inner[at as usize]),
            };
            if sum < LEAST {
                return None;
            }
            let log_p = match sum > std::f64::consts::LN_2 {
                true => scalar::ln_1p(-scalar::exp(-sum)),
                false => scalar::ln(scalar::one_minus_exp(-sum)),
            };
            loss -= weight * log_p;
            *own -= weight * over_expm1(sum) / sum;
        }
        if let Some((grad, scale)) = grad {
            self.rollup.hand_down(of_inner, of_class);
            let slopes = of_class.iter().zip(&*sigmoids).map(|(own, sigmoid)| T::from_f64(scale * own * sigmoid));
            match self.rollup.order() {
                Some(order) => order.iter().zip(slopes).for_each(|(&class, slope)| grad[class as usize] = slope),
                None => grad.iter_mut().zip(slopes).for_each(|(grad, slope)| *grad = slope),
            }
        }
        Some(loss)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the platform's functions are the reference here")]
mod tests {
    use super::*;

    /// The limit of the definitions: for logits to `-inf` the gradient of `-log P` is minus the softmax over the members.
    #[test]
    fn the_gradient_survives_underflow() {
        let tables = NodeTables {
            class_node: vec![2, 3],
            nodes: 4,
            shape: Shape::Tree(Tree {
                parent: vec![0, 0, 1, 1],
                offsets: vec![0, 1, 3, 3, 3],
                children: vec![1, 2, 3],
            }),
        };
        for base in [-200.0, -1e4] {
            let z = [base, base + 3f64.ln_1p()]; // e^z as 1 to 4
            let mut sums = NoisyOr::default();
            sums.measure(&tables, &z);
            let odds = sums.odds(1);
            assert!((odds.yes - (base + 5f64.ln())).abs() < 1e-12 * -base, "{odds:?}");
            let mut grad = [0.0; 2];
            sums.backward(&tables, (&[0.0, 1.0, 0.0, 0.0], &[0.0; 4]), &z, &mut grad, &mut Pool::default());
            assert!((grad[0] + 0.2).abs() < 1e-12 && (grad[1] + 0.8).abs() < 1e-12, "{grad:?}");
        }
    }
}
