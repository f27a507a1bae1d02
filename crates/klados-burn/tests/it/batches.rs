//! Batches that are empty, padded, mixed, transposed, narrow in type, or wrong.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor};
use klados::loss::{MarginalCrossEntropy, Weights};
use klados::{Hierarchy, Label, Loss};
use klados_burn::{
    HierarchicalCrossEntropyLossConfig, HierarchicalLoss, Implementation, MarginalCrossEntropyLossConfig,
    RandomCutLossConfig, Reduction, SoftLabelsLossConfig, Targets,
};

use crate::numbers::{Numbers, assert_close, matrix, values};
use crate::taxonomy::tree;

const PATHS: [Implementation; 2] = [Implementation::Fused, Implementation::Composed];

fn loss(hierarchy: &Hierarchy, implementation: Implementation) -> HierarchicalLoss {
    let criterion = MarginalCrossEntropy::new().compile(hierarchy).unwrap();
    HierarchicalLoss::from_criterion(criterion).with_implementation(implementation)
}

fn logits(batch: usize, device: &Device) -> Tensor<2> {
    matrix(&Numbers(3).values(batch * 6, 3.0), [batch, 6], DType::F32, device)
}

#[test]
fn an_empty_batch_has_loss_0() {
    for path in PATHS {
        let loss = loss(&tree(6), path);
        let empty = Tensor::<2>::zeros([0, 6], &Device::flex().autodiff()).require_grad();
        let labels: [Label; 0] = [];
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
            assert_eq!(values(loss.forward(empty.clone(), &labels, reduction)), [0.0]);
        }
        assert_eq!(loss.forward_no_reduction(empty, &labels).dims(), [0]);
    }
}

#[test]
fn ignored_samples_take_no_part_even_where_they_are_nan() {
    for path in PATHS {
        let loss = loss(&tree(6), path);
        let device = Device::flex().autodiff();
        let mut rows = Numbers(4).values(18, 2.0);
        rows[6..12].fill(f64::NAN);
        let logits = matrix(&rows, [3, 6], DType::F32, &device).require_grad();
        let targets = Tensor::<1, Int>::from_ints([-100, -100, -100], &device);
        let mean = loss.forward(logits.clone(), targets, Reduction::Mean);
        assert_eq!(values(mean.clone()), [0.0]);
        assert_eq!(values(logits.grad(&mean.backward()).unwrap()), [0.0; 18]);

        let some = Tensor::<1, Int>::from_ints([2, -100, 5], &device);
        let mean = loss.forward(logits.clone(), some, Reduction::Mean);
        let gradient = values(logits.grad(&mean.backward()).unwrap());
        assert_eq!(gradient[6..12], [0.0; 6]);
        assert!(gradient[..6].iter().all(|entry| *entry != 0.0));
    }
}

#[test]
fn masked_classes_beside_the_label() {
    let hierarchy = tree(67);
    let (labels, device) = ([Label::Class(0), Label::Class(7), Label::Class(66)], Device::flex().autodiff());
    let mut rows = Numbers(5).values(3 * 67, 2.0);
    // In the second row the first row's whole group, and more, and in the third everything in groups.
    rows[67..67 + 6].fill(f64::NEG_INFINITY);
    rows[2 * 67..2 * 67 + 65].fill(f64::NEG_INFINITY);
    let [fused, composed] = PATHS.map(|path| {
        let logits = matrix(&rows, [3, 67], DType::F32, &device).require_grad();
        let losses = loss(&hierarchy, path).forward_no_reduction(logits.clone(), &labels);
        let gradient = logits.grad(&losses.clone().sum().backward()).unwrap();
        (values(losses), values(gradient))
    });
    assert_close(&composed.0, &fused.0, 1e-5);
    assert_close(&composed.1, &fused.1, 1e-5);
    assert_eq!(composed.1[67..67 + 6], [0.0; 6]);
}

#[test]
fn another_ignore_index() {
    let loss = MarginalCrossEntropyLossConfig::new().with_ignore_index(0).init(&tree(6)).unwrap();
    let device = Device::flex();
    let losses = loss.forward_no_reduction(logits(2, &device), Tensor::<1, Int>::from_ints([0, 1], &device));
    let losses = values(losses);
    assert!(losses[0] == 0.0 && losses[1] > 0.0);
}

#[test]
fn logits_that_are_not_contiguous() {
    let hierarchy = tree(6);
    let device = Device::flex().autodiff();
    let targets = Tensor::<1, Int>::from_ints([0, 3, 5, 2], &device);
    for path in PATHS {
        let loss = loss(&hierarchy, path);
        let plain = logits(4, &device).require_grad();
        let expected = loss.forward(plain.clone(), targets.clone(), Reduction::Mean);
        let expected_gradient = values(plain.grad(&expected.clone().backward()).unwrap());

        let transposed = logits(4, &device).transpose().require_grad();
        let value = loss.forward(transposed.clone().transpose(), targets.clone(), Reduction::Mean);
        assert_eq!(values(value.clone()), values(expected.clone()));
        let gradient = transposed.grad(&value.backward()).unwrap().transpose();
        assert_eq!(values(gradient), expected_gradient);

        // The same rows inside of a larger tensor.
        let padded =
            Tensor::cat(vec![Tensor::ones([1, 6], &device), logits(4, &device), Tensor::ones([2, 6], &device)], 0);
        let value = loss.forward(padded.narrow(0, 1, 4), targets.clone(), Reduction::Mean);
        assert_eq!(values(value), values(expected));
    }
}

#[test]
fn one_batch_said_in_four_ways() {
    let hierarchy = tree(6);
    let device = Device::flex();
    let classes = [1_usize, 5, 0];
    let column = |values: [i64; 3]| Tensor::<1, Int>::from_ints(values, &device);
    let nodes = classes.map(|class| hierarchy.class_node(class).index() as i64);
    let mut soft = vec![0.0; 18];
    for (row, class) in classes.into_iter().enumerate() {
        soft[row * 6 + class] = 1.0;
    }
    let labels = classes.map(Label::Class);
    for path in PATHS {
        let loss = loss(&hierarchy, path);
        let evaluate = |targets: Targets<'_>| values(loss.forward_no_reduction(logits(3, &device), targets));
        let expected = evaluate(labels.as_slice().into());
        assert_eq!(evaluate(column(classes.map(|class| class as i64)).into()), expected);
        assert_eq!(evaluate(column(classes.map(|class| class as i64)).cast(DType::I64).into()), expected);
        assert_eq!(evaluate(Targets::Nodes(column(nodes))), expected);
        assert_close(&evaluate(matrix(&soft, [3, 6], DType::F32, &device).into()), &expected, 1e-6);
    }
}

#[test]
fn half_floats_are_computed_in_f32() {
    let hierarchy = tree(6);
    let device = Device::flex().autodiff();
    let targets = Tensor::<1, Int>::from_ints([0, 3, 5, 2], &device);
    for dtype in [DType::F16, DType::BF16] {
        for path in PATHS {
            let loss = loss(&hierarchy, path);
            let half = logits(4, &device).cast(dtype).detach().require_grad();
            let value = loss.forward(half.clone(), targets.clone(), Reduction::Sum);
            assert_eq!(value.dtype(), dtype);
            let gradient = half.grad(&value.clone().backward()).unwrap();
            assert_eq!(gradient.dtype(), dtype);

            let wide = half.clone().cast(DType::F32).detach().require_grad();
            let expected = loss.forward(wide.clone(), targets.clone(), Reduction::Sum);
            // Rounded once: half a unit in the last of 8 bits.
            assert_close(&values(value), &values(expected.clone()), 4e-3);
            let expected = wide.grad(&expected.backward()).unwrap();
            assert_close(&values(gradient), &values(expected), 4e-3);
        }
    }
}

#[test]
fn auto_is_fused_on_flex() {
    // Only the fused path keeps a loss of this size.
    let hierarchy = tree(6);
    let logits = matrix(&[60.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1, 6], DType::F32, &Device::flex());
    let evaluate = |path| values(loss(&hierarchy, path).forward_no_reduction(logits.clone(), &[Label::Class(0)]))[0];
    let auto = evaluate(Implementation::Auto);
    assert_eq!(auto, evaluate(Implementation::Fused));
    assert!(auto > 0.0 && auto < 1e-24, "{auto}");
    assert_eq!(evaluate(Implementation::Composed), 0.0);
}

#[test]
fn random_cuts_are_those_of_the_step() {
    let hierarchy = tree(67);
    let config = RandomCutLossConfig::new().with_p(0.5);
    let columns = hierarchy.node_count() - 1;
    let logits = matrix(&Numbers(6).values(8 * columns, 2.0), [8, columns], DType::F64, &Device::flex());
    let labels: Vec<Label> = (0..8).map(Label::Class).collect();
    let [fused, composed] = PATHS.map(|path| {
        let loss = config.clone().with_implementation(path).init(&hierarchy).unwrap();
        let at = |step| values(loss.forward_at_step(logits.clone(), &labels, Reduction::Sum, step))[0];
        assert_eq!(at(0), values(loss.forward(logits.clone(), &labels, Reduction::Sum))[0]);
        [at(0), at(1), at(1), at(1000)]
    });
    assert_close(&composed, &fused, 1e-12);
    assert!(fused[0] != fused[1] && fused[1] == fused[2] && fused[2] != fused[3]);
}

/// Losses and gradients in `f32` of a loss by its name on both paths.
fn on_both_paths(loss: &str, hierarchy: &Hierarchy, rows: &[f64], labels: &[Label]) -> [(Vec<f64>, Vec<f64>); 2] {
    let criterion = loss.parse::<Loss>().unwrap().compile(hierarchy).unwrap();
    PATHS.map(|path| {
        let loss = HierarchicalLoss::from_criterion(criterion.clone()).with_implementation(path);
        let shape = [labels.len(), criterion.columns()];
        let logits = matrix(rows, shape, DType::F32, &Device::flex().autodiff()).require_grad();
        let losses = loss.forward_no_reduction(logits.clone(), labels);
        let gradient = logits.grad(&losses.clone().sum().backward()).unwrap();
        (values(losses), values(gradient))
    })
}

#[test]
fn ties_are_broken_alike() {
    let hierarchy = tree(67);
    let label = [Label::Class(20)];
    let zeros = vec![0.0; hierarchy.node_count() - 1];
    for loss in [
        r#"{"softmax_margin": {"hard": true}}"#,
        "tree_min",
        r#"{"binary_cross_entropy": {"form": "max", "gamma": 2}}"#,
    ] {
        let [fused, composed] = on_both_paths(loss, &hierarchy, &zeros, &label);
        assert_close(&composed.0, &fused.0, 1e-5);
        assert_close(&composed.1, &fused.1, 1e-5);
    }
}

#[test]
fn a_noisy_or_of_next_to_nothing() {
    let hierarchy = tree(6);
    // The sigmoids are below what f32 holds, their logarithms are not.
    let rows = [-200.0, -201.0, -202.0, -203.0, -204.0, -205.0];
    let loss = r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#;
    let [fused, composed] = on_both_paths(loss, &hierarchy, &rows, &[Label::Class(1)]);
    assert!(fused.0[0] > 200.0);
    assert_close(&composed.0, &fused.0, 1e-5);
    assert_close(&composed.1, &fused.1, 1e-5);
}

#[test]
fn masked_columns_of_sigmoids() {
    let hierarchy = tree(67);
    let columns = hierarchy.node_count() - 1;
    let mut rows = Numbers(7).values(2 * columns, 2.0);
    let label = Label::Set { positive: vec![hierarchy.class_node(20)], masked: vec![] };
    rows[..5].fill(f64::NEG_INFINITY); // not at or above the label
    let own = hierarchy.node_columns().iter().position(|&node| node == hierarchy.class_node(20)).unwrap();
    rows[columns + own] = f64::NEG_INFINITY;
    let loss = r#"{"binary_cross_entropy": {"gamma": 2}}"#;
    let [fused, composed] = on_both_paths(loss, &hierarchy, &rows, &[label.clone(), label]);
    assert_close(&composed.0[..1], &fused.0[..1], 1e-5);
    assert_eq!((composed.0[1], fused.0[1]), (f64::INFINITY, f64::INFINITY));
    assert_close(&composed.1, &fused.1, 1e-5);
}

#[test]
fn a_loss_is_a_module_without_parameters() {
    let hierarchy = tree(6);
    let marginal = MarginalCrossEntropyLossConfig::new().init(&hierarchy).unwrap();
    assert_eq!(marginal.num_params(), 0);
    assert!(marginal.clone().to_string().contains("MarginalCrossEntropyLoss"));
    let criterion = marginal.criterion();
    assert!(matches!(criterion.loss(), Loss::MarginalCrossEntropy(_)));
    let hierarchical = HierarchicalCrossEntropyLossConfig::new().with_alpha(0.3).init(&hierarchy).unwrap();
    assert_eq!(*hierarchical.criterion().loss(), r#"{"hierarchical_cross_entropy": {"alpha": 0.3}}"#.parse().unwrap());
    let soft = SoftLabelsLossConfig::new().with_beta(3.0).init(&hierarchy).unwrap();
    assert_eq!(*soft.criterion().loss(), r#"{"soft_labels": {"beta": 3.0}}"#.parse().unwrap());
}

#[test]
fn a_configuration_that_does_not_fit_is_an_error() {
    let error = MarginalCrossEntropyLossConfig::new().with_class_weight(Some(vec![1.0; 5])).init(&tree(6)).unwrap_err();
    assert!(error.to_string().contains('5') && error.to_string().contains('6'), "{error}");
    assert!(SoftLabelsLossConfig::new().with_beta(-1.0).init(&tree(6)).is_err());
}

#[test]
fn a_configuration_reads_back_as_it_was_written() {
    let config = MarginalCrossEntropyLossConfig::new()
        .with_weights(Weights::Power { q: 0.5, total: 2.0 })
        .with_class_weight(Some(vec![1.0; 6]))
        .with_implementation(Implementation::Composed);
    let written = config.to_string();
    let read = MarginalCrossEntropyLossConfig::load_binary(written.as_bytes()).unwrap();
    assert_eq!(read.to_string(), written);
    let (config, read) = (config.init(&tree(6)).unwrap(), read.init(&tree(6)).unwrap());
    assert_eq!(read.criterion().loss(), config.criterion().loss());
}

#[test]
#[should_panic(expected = "row 1: the class index is -1, expected 0 or more, or -100 (ignored)")]
fn a_negative_class() {
    let device = Device::flex();
    let targets = Tensor::<1, Int>::from_ints([0, -1], &device);
    loss(&tree(6), Implementation::Auto).forward(logits(2, &device), targets, Reduction::Mean);
}

#[test]
#[should_panic(expected = "row 1: ")]
fn a_class_that_is_not_there() {
    let device = Device::flex();
    let targets = Tensor::<1, Int>::from_ints([0, 6], &device);
    loss(&tree(6), Implementation::Auto).forward_no_reduction(logits(2, &device), targets);
}

#[test]
#[should_panic(expected = "row 0: the node index is 10, expected 0 to 8, or -100 (ignored)")]
fn a_node_that_is_not_there() {
    let device = Device::flex();
    let targets = Targets::Nodes(Tensor::from_ints([10], &device));
    loss(&tree(6), Implementation::Auto).forward(logits(1, &device), targets, Reduction::Mean);
}

#[test]
#[should_panic(expected = "the logits have 6 columns, expected 7 (classes of the hierarchy)")]
fn logits_of_another_hierarchy() {
    let device = Device::flex();
    let targets = Tensor::<1, Int>::from_ints([0], &device);
    loss(&tree(7), Implementation::Auto).forward(logits(1, &device), targets, Reduction::Mean);
}

#[test]
#[should_panic(expected = "the logits have 2 rows, but there are 3 targets")]
fn targets_of_another_batch() {
    let device = Device::flex();
    let targets = Tensor::<1, Int>::from_ints([0, 1, 2], &device);
    loss(&tree(6), Implementation::Auto).forward(logits(2, &device), targets, Reduction::Mean);
}
