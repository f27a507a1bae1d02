//! The fused path against Burn's differentiation of the composed one, on random batches of every kind of label.

use burn::tensor::{DType, Device, Tensor};
use klados::loss::{HierarchicalCrossEntropy, HxeWeighting, MarginalCrossEntropy, SoftLabels, Unresolved, Weights};
use klados::{Hierarchy, Label, Loss, NodeId};
use klados_burn::{HierarchicalLoss, Implementation, Reduction};

use crate::numbers::{Numbers, assert_close, matrix, values};
use crate::taxonomy::{dag, label, tree};

/// Loss and gradient of a batch with an upstream gradient of `3 * scale`.
fn evaluate(
    loss: &HierarchicalLoss,
    implementation: Implementation,
    logits: &Tensor<2>,
    labels: &[Label],
    scale: &Tensor<1>,
) -> (Vec<f64>, Vec<f64>) {
    let loss = loss.clone().with_implementation(implementation);
    let logits = logits.clone().require_grad();
    let losses = loss.forward_no_reduction(logits.clone(), labels);
    let weighted = losses.clone() * scale.clone() * 3.0;
    let gradient = logits.grad(&weighted.sum().backward()).unwrap();
    (values(losses), values(gradient))
}

fn agree(loss: impl Into<Loss>, hierarchy: &Hierarchy, seed: u64, label: impl Fn(&mut Numbers, &Hierarchy) -> Label) {
    let loss = HierarchicalLoss::from_criterion(loss.into().compile(hierarchy).unwrap());
    let numbers = &mut Numbers(seed);
    let (batch, classes) = (17, hierarchy.class_count());
    let device = Device::flex().autodiff();
    for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-12)] {
        let labels: Vec<Label> = (0..batch).map(|_| label(numbers, hierarchy)).collect();
        let logits = matrix(&numbers.values(batch * classes, 4.0), [batch, classes], dtype, &device);
        let scale = matrix(&numbers.values(batch, 2.0), [1, batch], dtype, &device).squeeze_dim(0);
        let fused = evaluate(&loss, Implementation::Fused, &logits, &labels, &scale);
        let composed = evaluate(&loss, Implementation::Composed, &logits, &labels, &scale);
        assert_close(&composed.0, &fused.0, tolerance);
        assert_close(&composed.1, &fused.1, tolerance);
        assert!(fused.1.iter().any(|entry| *entry != 0.0));
    }
}

#[test]
fn marginal_cross_entropy_on_a_tree() {
    for classes in [6, 8, 67, 203] {
        agree(MarginalCrossEntropy::new(), &tree(classes), 1, label);
        agree(MarginalCrossEntropy::new().weights(Weights::Balanced).gamma(2.0), &tree(classes), 2, label);
        agree(MarginalCrossEntropy::new().gamma(0.5).unresolved(Unresolved::Skip), &tree(classes), 3, label);
        agree(MarginalCrossEntropy::new().label_smoothing(0.1), &tree(classes), 4, label);
    }
}

#[test]
fn marginal_cross_entropy_on_a_dag() {
    for classes in [6, 67] {
        agree(MarginalCrossEntropy::new(), &dag(classes), 5, label);
        let weight: Vec<f64> = (0..classes).map(|class| (class % 3) as f64).collect();
        agree(MarginalCrossEntropy::new().class_weight(weight), &dag(classes), 6, label);
    }
}

#[test]
fn hierarchical_cross_entropy() {
    for classes in [6, 67] {
        for weighting in [HxeWeighting::Depth, HxeWeighting::DepthNormalized, HxeWeighting::Height] {
            agree(HierarchicalCrossEntropy::new().alpha(0.5).weighting(weighting), &tree(classes), 7, label);
        }
        agree(HierarchicalCrossEntropy::new().gamma(2.0).label_smoothing(0.2), &tree(classes), 8, label);
    }
}

#[test]
fn soft_labels() {
    let label = |numbers: &mut Numbers, hierarchy: &Hierarchy| match numbers.index(3) {
        0 => Label::Node(hierarchy.node_at(numbers.index(hierarchy.node_count())).unwrap_or(NodeId::ROOT)),
        _ => Label::Class(numbers.index(hierarchy.class_count())),
    };
    for classes in [6, 67] {
        agree(SoftLabels::new().beta(4.0), &tree(classes), 9, label);
        agree(SoftLabels::new().beta(4.0).gamma(1.5), &tree(classes), 10, label);
        agree(SoftLabels::new(), &dag(classes), 11, label);
    }
}

#[test]
fn reductions_are_the_same_on_both_paths_and_as_torch_defines_them() {
    let hierarchy = tree(6);
    let weight = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let loss = MarginalCrossEntropy::new().class_weight(weight).compile(&hierarchy).unwrap();
    let logits = matrix(&Numbers(12).values(18, 2.0), [3, 6], DType::F64, &Device::flex());
    let labels = [Label::Class(1), Label::Ignored, Label::Class(4)];
    for implementation in [Implementation::Fused, Implementation::Composed] {
        let loss = HierarchicalLoss::from_criterion(loss.clone()).with_implementation(implementation);
        let losses = values(loss.forward_no_reduction(logits.clone(), &labels));
        assert_eq!(losses[1], 0.0);
        let sum: f64 = losses.iter().sum();
        let reduced = |reduction| values(loss.forward(logits.clone(), &labels, reduction))[0];
        assert_close(&[reduced(Reduction::Sum)], &[sum], 1e-14);
        assert_close(&[reduced(Reduction::Mean), reduced(Reduction::Auto)], &[sum / 7.0; 2], 1e-14);
        assert_close(&[reduced(Reduction::BatchMean)], &[sum / 3.0], 1e-14);
    }
}
