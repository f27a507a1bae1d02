//! The fused path against Burn's differentiation of the composed one, on random batches of every kind of label.

use burn::tensor::{DType, Device, Tensor};
use klados::loss::{
    BinaryCrossEntropy, HierarchicalCrossEntropy, HxeWeighting, MarginalCrossEntropy, NodeSigmoid, SoftLabels,
    Unresolved, WeightedCrossEntropy, Weights,
};
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
    let (batch, columns) = (17, loss.criterion().columns());
    let device = Device::flex().autodiff();
    for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-12)] {
        let labels: Vec<Label> = (0..batch).map(|_| label(numbers, hierarchy)).collect();
        let logits = matrix(&numbers.values(batch * columns, 4.0), [batch, columns], dtype, &device);
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

/// One of each of the losses with a logit a node.
#[test]
fn losses_with_a_logit_a_node() {
    let leaf = |numbers: &mut Numbers, hierarchy: &Hierarchy| match label(numbers, hierarchy) {
        Label::Node(_) | Label::Union(_) => Label::Class(numbers.index(hierarchy.class_count())),
        label => label,
    };
    let node = |numbers: &mut Numbers, hierarchy: &Hierarchy| match label(numbers, hierarchy) {
        Label::Union(nodes) => Label::Node(nodes[0]),
        label => label,
    };
    for (classes, seed) in [(6, 13), (67, 14)] {
        let loss = |text: &str| text.parse::<Loss>().unwrap();
        for hierarchy in [tree(classes), dag(classes)] {
            agree(loss("parameter_sharing_softmax"), &hierarchy, seed, label);
            let text = r#"{"parameter_sharing_softmax": {"weights": "uniform", "gamma": 2, "label_smoothing": 0.1}}"#;
            agree(loss(text), &hierarchy, seed, label);
        }
        let hierarchy = tree(classes);
        agree(loss("sibling_softmax"), &hierarchy, seed, label);
        agree(loss(r#"{"sibling_softmax": {"alpha": 0.5, "gamma": 2}}"#), &hierarchy, seed, label);
        agree(loss(r#"{"sibling_softmax": {"label_smoothing": 0.1}}"#), &hierarchy, seed, label);
        agree(loss("levelwise_softmax"), &hierarchy, seed, node);
        agree(loss("descendant_softmax"), &hierarchy, seed, node);
        agree(loss("softmax_margin"), &hierarchy, seed, node);
        agree(loss(r#"{"softmax_margin": {"hard": true, "tau": 0.5}}"#), &hierarchy, seed, node);
        agree(loss(r#"{"random_cut": {"p": 0.3, "seed": 4}}"#), &hierarchy, seed, leaf);
    }
}

#[test]
fn multi_label_losses() {
    let set = |numbers: &mut Numbers, hierarchy: &Hierarchy| match numbers.index(4) {
        0 => match label(numbers, hierarchy) {
            Label::Union(nodes) => Label::Node(nodes[0]),
            label => label,
        },
        _ => {
            let [a, b, c, d] = std::array::from_fn(|_| numbers.index(hierarchy.node_count()));
            let nodes = |indices: &[usize]| indices.iter().map(|&index| hierarchy.node_at(index).unwrap()).collect();
            Label::Set { positive: nodes(&[a, b, c]), masked: nodes(&[d]) }
        }
    };
    for (classes, seed) in [(6, 15), (67, 16)] {
        let loss = |text: &str| text.parse::<Loss>().unwrap();
        for hierarchy in [tree(classes), dag(classes)] {
            for form in ["independent", "noisy_or", "max"] {
                let text = format!(r#"{{"binary_cross_entropy": {{"form": "{form}"}}}}"#);
                agree(loss(&text), &hierarchy, seed, set);
                let text = format!(
                    r#"{{"binary_cross_entropy": {{"form": "{form}", "gamma": 2, "pos_weight": 3, "incomplete": true}}}}"#
                );
                agree(loss(&text), &hierarchy, seed, set);
            }
            agree(loss("tree_min"), &hierarchy, seed, set);
            agree(loss(r#"{"tree_min": {"gamma": 1.5}}"#), &hierarchy, seed, set);
        }
        agree(loss("conditional_sigmoid"), &tree(classes), seed, set);
    }
}

/// A map from the classes to two superclasses that are in no hierarchy.
fn map(classes: usize) -> Vec<(String, String, f64)> {
    let rows = |class| [("red", 0.25), ("blue", 0.75)].map(|(name, w)| (format!("class{class}"), name.to_owned(), w));
    (0..classes).flat_map(rows).collect()
}

#[test]
fn losses_with_superclasses_of_their_own() {
    let class = |numbers: &mut Numbers, hierarchy: &Hierarchy| match label(numbers, hierarchy) {
        Label::Node(_) => Label::Superclass(numbers.index(2)),
        Label::Union(_) => Label::Ignored,
        label => label,
    };
    let set = |numbers: &mut Numbers, hierarchy: &Hierarchy| match class(numbers, hierarchy) {
        Label::Superclass(_) => Label::Set { positive: vec![hierarchy.class_node(0)], masked: vec![] },
        label => label,
    };
    for (classes, seed) in [(6, 17), (67, 18)] {
        let hierarchy = tree(classes);
        for (label_smoothing, gamma) in [(0.0, 0.0), (0.1, 2.0)] {
            let loss = WeightedCrossEntropy::new().map(map(classes)).label_smoothing(label_smoothing).gamma(gamma);
            agree(loss, &hierarchy, seed, class);
        }
        for gamma in [0.0, 2.0] {
            let loss =
                BinaryCrossEntropy::new().form(NodeSigmoid::Weighted).map(map(classes)).normalize(true).gamma(gamma);
            agree(loss, &hierarchy, seed, set);
        }
    }
}
