//! Correct first: what a contender computes is compared with the reference before it is timed.
//!
//! Up to [`REFERENCE_NODES`] nodes that is `klados-testing`'s reference, which walks the graph for every question; beyond,
//! the formula written down once more, which a test holds against the reference.

use anyhow::{Result, bail, ensure};
use klados::Element;
use klados::{Hierarchy, NodeId};
use klados_testing::loss::{MarginalCrossEntropy, Weights};
use klados_testing::reference;

use crate::contender::{Claim, Contender, Outcome};
use crate::setup::Setup;

/// The largest hierarchy that the reference is asked about.
const REFERENCE_NODES: usize = 2_000;

/// What is right, for one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expected {
    loss: f64,
    grad: Vec<f64>,
    /// The largest summand of the gradient, which its error is measured against.
    magnitude: f64,
}

/// How exact an answer has to be.
#[derive(Clone, Copy)]
pub(crate) struct Tolerance {
    /// Of the loss, and of the largest summand of the gradient.
    relative: f64,
    /// What the loss and that summand are taken to be at least.
    least: f64,
    /// Rounding of what is stored: of each value, and of 0.
    stored: (f64, f64),
}

impl Tolerance {
    /// That of the definitions for kernels: 1e-6 of the loss and of the largest summand, 1e-13 in `f64`. A half is
    /// rounded once more where it is stored.
    pub(crate) fn of_kernel(dtype: &str) -> Self {
        let (relative, stored) = match dtype {
            "f64" => (1e-13, (0.0, 0.0)),
            "f16" => (1e-6, (2f64.powi(-11), 2f64.powi(-25))),
            "bf16" => (1e-6, (2f64.powi(-8), 0.0)),
            _ => (1e-6, (0.0, 0.0)),
        };
        Self { relative, least: 0.0, stored }
    }

    /// That of the definitions for tensor operations in `f32`.
    pub(crate) fn of_operations() -> Self {
        Self { relative: 2e-5, least: 1.0, stored: (0.0, 0.0) }
    }

    fn compare(self, got: f64, expected: f64, measure: f64) -> Result<()> {
        let allowed =
            self.relative * measure.abs().max(self.least) + self.stored.0 * expected.abs() + self.stored.1 + 1e-35;
        // NaN is never within.
        if (got - expected).abs() <= allowed {
            return Ok(());
        }
        bail!("is {got:e}, expected {expected:e}, allowed are {allowed:e}")
    }
}

/// What is right for each row of a small batch; for [`Claim::Copy`] the logits.
pub(crate) fn expected<T: Element>(setup: &Setup<T>, claim: Claim) -> Result<Vec<Expected>> {
    (0..setup.targets.len())
        .map(|row| {
            let logits: Vec<f64> = setup.row(row).iter().map(|z| z.to_f64()).collect();
            let (hierarchy, target) = (&*setup.hierarchy, setup.targets[row]);
            match claim {
                Claim::Copy => Ok(Expected { loss: 0.0, grad: logits, magnitude: 0.0 }),
                _ if hierarchy.node_count() <= REFERENCE_NODES => by_reference(hierarchy, &logits, target, claim),
                _ => Ok(by_formula(hierarchy, &logits, target, claim)),
            }
        })
        .collect()
}

/// Compares a batch of the rows that something is expected of.
pub(crate) fn batch(contender: &dyn Contender, expected: &[Expected], tolerance: Tolerance) -> Result<()> {
    let outcome = contender.outcome()?;
    let mean = expected.iter().map(|row| row.loss).sum::<f64>() / expected.len() as f64;
    tolerance.compare(outcome.loss, mean, mean)?;
    let all: Vec<usize> = (0..expected.len()).collect();
    rows(&outcome, &all, expected, tolerance)
}

/// Compares the gradients of some rows of a batch.
pub(crate) fn rows(outcome: &Outcome, rows: &[usize], expected: &[Expected], tolerance: Tolerance) -> Result<()> {
    for (&row, expected) in rows.iter().zip(expected) {
        let classes = expected.grad.len();
        ensure!(outcome.grad.len() >= (row + 1) * classes, "the gradient has no row {row}");
        for (class, &want) in expected.grad.iter().enumerate() {
            let compared = tolerance.compare(outcome.grad[row * classes + class], want, expected.magnitude);
            compared.map_err(|error| error.context(format!("gradient of row {row}, class {class}")))?;
        }
    }
    Ok(())
}

fn by_reference(hierarchy: &Hierarchy, logits: &[f64], target: usize, claim: Claim) -> Result<Expected> {
    let name = |node: NodeId| node.index().to_string();
    let spec = klados_testing::HierarchySpec {
        edges: hierarchy
            .nodes()
            .flat_map(|node| hierarchy.parents(node).iter().map(move |&parent| (name(node), name(parent))))
            .collect(),
        classes: (0..hierarchy.class_count()).map(|class| name(hierarchy.class_node(class))).collect(),
        ..Default::default()
    };
    let weights = if claim == Claim::Flat { Weights::Leaves } else { Weights::Uniform };
    let loss = klados_testing::Loss::MarginalCrossEntropy(MarginalCrossEntropy { weights, ..Default::default() });
    let build = || -> Result<reference::Sample, String> {
        let hierarchy = klados_testing::Hierarchy::build(&spec)?;
        let label = klados_testing::Label::resolve(&klados_testing::LabelSpec::Class { class: target }, &hierarchy)?;
        reference::evaluate::<f64>(&loss, &hierarchy, logits, &label)
    };
    let sample = build().map_err(anyhow::Error::msg)?;
    Ok(Expected { loss: sample.loss, grad: sample.grad, magnitude: sample.magnitude })
}

/// `sum_u -log P(D(u))` over the nodes of the label's path, and `p_k - [k in D(u)] p_k / P(D(u))` for each.
#[expect(clippy::disallowed_methods, reason = "what kernels are checked against takes its exponentials elsewhere")]
fn by_formula(hierarchy: &Hierarchy, logits: &[f64], target: usize, claim: Claim) -> Expected {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mass: Vec<f64> = logits.iter().map(|z| (z - top).exp()).collect();
    let total: f64 = mass.iter().sum();
    let mut expected = Expected { loss: 0.0, grad: vec![0.0; logits.len()], magnitude: 0.0 };
    let class = hierarchy.class_node(target);
    let path = if claim == Claim::Flat { vec![class] } else { [vec![class], hierarchy.ancestors(class)].concat() };
    let terms = path.iter().filter(|&&node| node != NodeId::ROOT).count() as f64;
    for (grad, mass) in expected.grad.iter_mut().zip(&mass) {
        *grad = terms * mass / total;
    }
    expected.magnitude = expected.grad.iter().copied().fold(0.0, f64::max);
    for &node in path.iter().filter(|&&node| node != NodeId::ROOT) {
        let members = hierarchy.classes_below(node);
        let own: f64 = members.iter().map(|&member| mass[member]).sum();
        expected.loss -= (own / total).ln();
        for member in members {
            expected.grad[member] -= mass[member] / own;
            expected.magnitude = expected.magnitude.max(mass[member] / own);
        }
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hierarchies::by_name;

    /// Both say the same, so that the formula stands in where the reference would take too long.
    #[test]
    fn the_formula_is_the_reference() {
        for name in ["tree-100", "imagenet-shaped"] {
            let hierarchy = by_name(name).unwrap().unwrap();
            let logits: Vec<f64> = (0..hierarchy.class_count()).map(|k| ((k * 7919) % 1009) as f64 / 100.0).collect();
            for claim in [Claim::Flat, Claim::AllLevels] {
                let (one, other) =
                    (by_reference(&hierarchy, &logits, 33, claim).unwrap(), by_formula(&hierarchy, &logits, 33, claim));
                let tolerance = Tolerance { relative: 1e-11, least: 0.0, stored: (0.0, 0.0) };
                tolerance.compare(other.loss, one.loss, one.loss).unwrap();
                let outcome = Outcome { loss: other.loss, grad: other.grad };
                rows(&outcome, &[0], std::slice::from_ref(&one), tolerance).unwrap();
            }
        }
    }

    #[test]
    fn what_is_off_or_not_a_number_is_refused() {
        let tolerance = Tolerance::of_kernel("f32");
        assert!(tolerance.compare(1.0 + 9e-7, 1.0, 1.0).is_ok());
        assert!(tolerance.compare(1.0 + 2e-6, 1.0, 1.0).is_err());
        assert!(tolerance.compare(f64::NAN, 1.0, 1.0).is_err());
        // A `bf16` near 1 is off by up to 2^-8.
        assert!(Tolerance::of_kernel("bf16").compare(1.001, 1.0, 1.0).is_ok());
    }
}
