//! What the losses must have in common.

use klados_testing::loss::{MarginalCrossEntropy, Weights};
use klados_testing::strategies::{self, Batch, LabelKind, LogitScale};
use klados_testing::{Big, Hierarchy, HierarchySpec, Label, LabelSpec, Loss, reference};
use proptest::prelude::*;

use crate::{assert_close, loss, sample, sample_in};

fn cross_entropy() -> Loss {
    loss(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#)
}

/// A tree, a row and a class of it.
fn tree_and_class() -> impl Strategy<Value = (HierarchySpec, Vec<f64>, LabelSpec)> {
    strategies::tree(10, true).prop_flat_map(|spec| {
        let label = strategies::label(&spec, &[LabelKind::Class]);
        (Just(spec.clone()), strategies::logits(spec.classes.len(), LogitScale::Mixed), label)
    })
}

#[track_caller]
fn assert_same(a: &reference::Sample, b: &reference::Sample) {
    assert_close(a.loss, b.loss, 1e-14);
    for (x, y) in a.grad.iter().zip(&b.grad) {
        assert!((x - y).abs() <= 1e-14 * a.magnitude.max(b.magnitude), "{x:e} is not {y:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn alpha_0_is_cross_entropy((spec, logits, label) in tree_and_class()) {
        let flat = sample(&cross_entropy(), &spec, &logits, &label);
        for weighting in ["depth", "height"] {
            let json = format!(r#"{{"hierarchical_cross_entropy": {{"alpha": 0, "weighting": "{weighting}"}}}}"#);
            assert_same(&sample(&loss(&json), &spec, &logits, &label), &flat);
        }
    }

    #[test]
    fn hxe_is_marginal_with_the_differences_of_its_lambdas((spec, logits, label) in tree_and_class()) {
        // By depth: w = e^(-alpha (depth - 1)) - e^(-alpha depth) above the label and all of the first at it, which are
        // weights by level on the label's own path.
        let hierarchy = Hierarchy::build(&spec).unwrap();
        let Label::Nodes(nodes) = Label::resolve(&label, &hierarchy).unwrap() else { unreachable!() };
        let depth = hierarchy.depth(nodes[0]);
        #[expect(clippy::disallowed_methods, reason = "for the expected weights")]
        let lambda = |depth: usize| (-0.5 * (depth as f64 - 1.0)).exp();
        let levels: Vec<f64> =
            (1..=depth).map(|d| if d == depth { lambda(d) } else { lambda(d) - lambda(d + 1) }).collect();
        let marginal = loss(&format!(r#"{{"marginal_cross_entropy": {{"weights": {{"levels": {levels:?}}}}}}}"#));
        let hxe = loss(r#"{"hierarchical_cross_entropy": {"alpha": 0.5}}"#);
        let (hxe, marginal) = (sample(&hxe, &spec, &logits, &label), sample(&marginal, &spec, &logits, &label));
        assert_close(hxe.loss, marginal.loss, 1e-12);
    }

    #[test]
    fn power_1_is_balanced(batch in strategies::tree(10, true)) {
        let hierarchy = Hierarchy::build(&batch).unwrap();
        let power = Weights::Power { q: 1.0, total: 1.0 };
        let balanced = reference::node_weights::<Big>(&Weights::Balanced, &hierarchy);
        prop_assert_eq!(reference::node_weights::<Big>(&power, &hierarchy), balanced);
    }

    #[test]
    fn a_paths_weights_sum_to_the_total(spec in strategies::tree(12, true), q in 0.0..3.0, total in 0.1..4.0) {
        let hierarchy = Hierarchy::build(&spec).unwrap();
        let power = Weights::Power { q, total };
        for (weights, total) in [(power, total), (Weights::Lazy, 1.0), (Weights::Greedy, 1.0)] {
            let w = reference::node_weights::<f64>(&weights, &hierarchy).unwrap();
            for class in 0..spec.classes.len() {
                let path = hierarchy.path(hierarchy.class_node(class));
                assert_close(path.iter().map(|&u| w[u]).sum(), total, 1e-12);
                prop_assert!(path.iter().all(|&u| w[u] >= -1e-15));
            }
        }
    }

    #[test]
    fn a_large_beta_is_cross_entropy((spec, logits, label) in tree_and_class()) {
        let soft = loss(r#"{"soft_labels": {"beta": 4000}}"#);
        let (soft, flat) = (sample(&soft, &spec, &logits, &label), sample(&cross_entropy(), &spec, &logits, &label));
        assert!((soft.loss - flat.loss).abs() <= 1e-14 * (1.0 + flat.loss) + 1e-100);
    }

    #[test]
    fn shifting_the_logits_changes_nothing_and_a_gradient_sums_to_zero(
        batch in strategies::batch(8, LogitScale::Mixed),
        shift in -300i32..300,
    ) {
        for (logits, label) in batch.logits.iter().zip(&batch.labels) {
            let here = sample(&batch.loss, &batch.hierarchy, logits, label);
            let shifted: Vec<f64> = logits.iter().map(|z| z + f64::from(shift)).collect();
            prop_assume!(shifted.iter().zip(logits).all(|(s, z)| s - f64::from(shift) == *z));
            assert_same(&sample(&batch.loss, &batch.hierarchy, &shifted, label), &here);
            let sum: f64 = here.grad.iter().sum();
            prop_assert!(sum.abs() <= 1e-13 * here.magnitude, "{:e} of {:e}", sum, here.magnitude);
        }
    }

    #[test]
    fn a_one_hot_distribution_is_its_class(batch in strategies::batch(8, LogitScale::Mixed), class: prop::sample::Index) {
        prop_assume!(!matches!(batch.loss, Loss::SoftLabels(_)));
        let classes = batch.hierarchy.classes.len();
        let class = class.index(classes);
        let mut soft = vec![0.0; classes];
        soft[class] = 1.0;
        for logits in &batch.logits {
            let soft = sample(&batch.loss, &batch.hierarchy, logits, &LabelSpec::Soft { soft: soft.clone() });
            assert_same(&soft, &sample(&batch.loss, &batch.hierarchy, logits, &LabelSpec::Class { class }));
        }
    }

    #[test]
    fn f64_is_good_for_ordinary_logits(batch in strategies::batch(8, LogitScale::Ordinary)) {
        let Batch { hierarchy, loss, logits, labels } = &batch;
        for (logits, label) in logits.iter().zip(labels) {
            let (wide, narrow) = (sample(loss, hierarchy, logits, label), sample_in::<f64>(loss, hierarchy, logits, label));
            prop_assert!((wide.loss - narrow.loss).abs() <= 1e-12 * wide.loss.max(1.0));
            for (a, b) in wide.grad.iter().zip(&narrow.grad) {
                prop_assert!((a - b).abs() <= 1e-11 * wide.magnitude.max(1.0), "{} is not {}", a, b);
            }
        }
    }
}

#[test]
fn one_level_is_cross_entropy() {
    let classes = ["a", "b", "c"];
    let star = HierarchySpec::new(&classes.map(|class| (class, "top")), &classes);
    let uniform = Loss::MarginalCrossEntropy(MarginalCrossEntropy::default());
    let logits = [0.5, -1.5, 2.25];
    for k in 0..3 {
        let label = LabelSpec::Class { class: k };
        assert_same(&sample(&uniform, &star, &logits, &label), &sample(&cross_entropy(), &star, &logits, &label));
    }
}

#[test]
fn trees_only_where_the_definitions_say_so() {
    let dag = HierarchySpec::new(
        &[("a", "x"), ("a", "y"), ("b", "x"), ("c", "y"), ("x", "top"), ("y", "top")],
        &["a", "b", "c"],
    );
    let hierarchy = Hierarchy::build(&dag).unwrap();
    let label = Label::resolve(&"a".into(), &hierarchy).unwrap();
    let refuses = |json: &str| reference::evaluate::<f64>(&loss(json), &hierarchy, &[0.0; 3], &label).is_err();
    assert!(refuses(r#"{"hierarchical_cross_entropy": {}}"#));
    for weights in ["balanced", "lazy", "greedy"] {
        assert!(refuses(&format!(r#"{{"marginal_cross_entropy": {{"weights": "{weights}"}}}}"#)));
    }
    assert!(!refuses(r#"{"marginal_cross_entropy": {}}"#));
    assert!(!refuses(r#"{"soft_labels": {}}"#));
}

#[test]
fn balanced_class_weights_count_coarse_labels_in_parts() {
    let spec = HierarchySpec::new(&[("a", "x"), ("b", "x"), ("c", "top"), ("x", "top")], &["a", "b", "c"]);
    let hierarchy = Hierarchy::build(&spec).unwrap();
    let labels = ["a", "x", "a", ""].map(|text| Label::resolve(&text.into(), &hierarchy).unwrap());
    // Three samples count: a 2.5, b 0.5, c 0.
    let expected = [3.0 / (3.0 * 2.5), 3.0 / (3.0 * 0.5), 1.0];
    assert_eq!(reference::balanced_class_weight(&hierarchy, &labels), expected);
}

#[test]
fn the_mean_is_weighted_as_torch_does_and_over_nothing_0() {
    let spec = HierarchySpec::new(&[("a", "top"), ("b", "top")], &["a", "b"]);
    let hierarchy = Hierarchy::build(&spec).unwrap();
    let weighted = loss(r#"{"marginal_cross_entropy": {"class_weight": [1, 3]}}"#);
    let labels = ["a", "b", "", "top"].map(|text| Label::resolve(&text.into(), &hierarchy).unwrap());
    assert_eq!(reference::mean(&weighted, &hierarchy, &labels, &[1.0, 4.0, 0.0, 7.0]), 2.0);
    assert_eq!(reference::mean(&weighted, &hierarchy, &[], &[]), 0.0);
    assert_eq!(reference::mean(&weighted, &hierarchy, &[Label::Ignored], &[0.0]), 0.0);
}
