//! Multi-hot targets, and what is theirs alone.

use burn::tensor::{Bool, DType, Device, Int, Tensor};
use klados::loss::{BinaryCrossEntropy, ConditionalSigmoid};
use klados::{Hierarchy, Label};
use klados_burn::{
    BinaryCrossEntropyLossConfig, ConditionalSigmoidLossConfig, HierarchicalLoss, Implementation, Reduction, Targets,
};

use crate::numbers::{Numbers, assert_close, matrix, values};

/// Node columns: bat, mammal, dog, crow, bird.
fn animals() -> Hierarchy {
    Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap()
}

fn logits() -> Tensor<2> {
    matrix(&Numbers(31).values(10, 2.0), [2, 5], DType::F32, &Device::flex())
}

fn set(hierarchy: &Hierarchy, positive: &[&str], masked: &[&str]) -> Label {
    let nodes = |names: &[&str]| names.iter().map(|name| hierarchy.node(name).unwrap()).collect();
    Label::Set { positive: nodes(positive), masked: nodes(masked) }
}

#[test]
fn a_multi_hot_tensor_is_a_label_a_row() {
    let hierarchy = animals();
    let labels = [set(&hierarchy, &["bat", "crow"], &["dog"]), set(&hierarchy, &[], &["crow", "bird"])];
    for implementation in [Implementation::Fused, Implementation::Composed] {
        let loss = BinaryCrossEntropyLossConfig::new().with_implementation(implementation).init(&hierarchy).unwrap();
        let evaluate = |targets: Targets<'_>| values(loss.forward_no_reduction(logits(), targets));
        let expected = evaluate(labels.as_slice().into());
        let device = Device::flex();
        let ints = |rows: [[i64; 5]; 2]| Tensor::<2, Int>::from_ints(rows, &device);
        let mask = ints([[0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]).bool();
        let positive = ints([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]]);
        assert_eq!(evaluate((positive.clone(), mask.clone()).into()), expected);
        let positive = Tensor::<2, Bool>::from(positive.bool().into_data());
        assert_eq!(evaluate(Targets::MultiHot { positive: positive.int(), masked: Some(mask) }), expected);
        assert_eq!(evaluate(ints([[1, 0, -100, 1, 0], [0, 0, 0, -100, -100]]).into()), expected);
        // What is above said too.
        assert_eq!(evaluate(ints([[1, 1, -100, 1, 1], [0, 0, 0, -100, -100]]).into()), expected);
    }
}

#[test]
fn what_is_above_does_not_change_the_class_weight() {
    let hierarchy = animals();
    let config = ConditionalSigmoidLossConfig::new().with_class_weight(Some(vec![2.0, 3.0, 5.0]));
    let loss = config.init(&hierarchy).unwrap();
    let evaluate = |rows: [[i64; 5]; 2]| {
        let targets = Tensor::<2, Int>::from_ints(rows, &Device::flex());
        values(loss.forward(logits(), targets, Reduction::Mean))
    };
    assert_eq!(evaluate([[1, 1, 0, 0, 0], [0, 1, 0, 0, 0]]), evaluate([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]));
}

#[test]
fn the_mean_is_over_the_terms_that_take_part() {
    let loss = HierarchicalLoss::from_criterion(BinaryCrossEntropy::new().compile(&animals()).unwrap());
    let targets = Tensor::<2, Int>::from_ints([[1, 0, 0, 0, -100], [-100; 5]], &Device::flex());
    let sum = values(loss.forward(logits(), targets.clone(), Reduction::Sum))[0];
    assert_close(&values(loss.forward(logits(), targets, Reduction::Mean)), &[sum / 4.0], 1e-6);
    let nothing = Tensor::<2, Int>::from_ints([[-100; 5]; 2], &Device::flex());
    assert_eq!(values(loss.forward(logits(), nothing, Reduction::Mean)), [0.0]);
}

fn multi_hot(rows: [[i64; 5]; 2]) -> Tensor<1> {
    let loss = HierarchicalLoss::from_criterion(ConditionalSigmoid::new().compile(&animals()).unwrap());
    loss.forward_no_reduction(logits(), Tensor::<2, Int>::from_ints(rows, &Device::flex()))
}

#[test]
#[should_panic(expected = "row 1, column 3: the target is 2, expected 0, 1, or -100 (ignored)")]
fn an_entry_that_is_neither_0_nor_1() {
    multi_hot([[0; 5], [0, 0, 0, 2, 0]]);
}

#[test]
#[should_panic(expected = "the targets have 3 columns, expected 5 (nodes but the root)")]
fn a_column_a_class() {
    let loss = BinaryCrossEntropyLossConfig::new().init(&animals()).unwrap();
    loss.forward_no_reduction(logits(), Tensor::<2, Int>::zeros([2, 3], &Device::flex()));
}

#[test]
#[should_panic(expected = "the mask is [1, 5], the targets are [2, 5]")]
fn a_mask_of_another_batch() {
    let loss = BinaryCrossEntropyLossConfig::new().init(&animals()).unwrap();
    let device = Device::flex();
    let positive = Tensor::<2, Int>::zeros([2, 5], &device);
    let masked = Tensor::<2, Int>::zeros([1, 5], &device).bool();
    loss.forward_no_reduction(logits(), (positive, masked));
}
