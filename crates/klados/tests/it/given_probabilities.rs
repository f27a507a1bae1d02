//! Log-probabilities of nodes from probabilities that are given instead of logits.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use klados::{Element, Hierarchy, InputErrorKind, NodeForm, NodeId, NodeLogProbs};

use crate::terms::{dag, tree};

fn log_probs<T: Element>(operation: &NodeLogProbs, given: &[T]) -> Vec<f64> {
    let mut log_p = vec![0.0; given.len() / operation.columns() * operation.width()];
    operation.forward_into(given, &mut log_p).unwrap();
    log_p
}

fn error<T: Element>(operation: &NodeLogProbs, given: &[T]) -> (InputErrorKind, String) {
    let mut log_p = vec![7.0; given.len() / operation.columns() * operation.width()];
    let error = operation.forward_into::<T, f64>(given, &mut log_p).unwrap_err();
    assert!(log_p.iter().all(|log_p| *log_p == 7.0), "nothing is written");
    (error.kind(), error.to_string())
}

/// Sums over the classes at and below each node, and over the others, for those near 1.
fn by_hand(hierarchy: &Hierarchy, p: &[f64]) -> Vec<f64> {
    let total: f64 = p.iter().sum();
    let of = |node: NodeId| {
        let below = hierarchy.classes_below(node);
        let share = |inside: bool| -> f64 {
            (0..p.len()).filter(|class| below.contains(class) == inside).map(|class| p[class]).sum::<f64>() / total
        };
        if share(true) < 0.5 { share(true).ln() } else { (-share(false)).ln_1p() }
    };
    hierarchy.nodes().map(of).collect()
}

fn near(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        let is_near = found == expected || (found - expected).abs() <= 1e-13 * expected.abs();
        assert!(is_near, "{found:e} is not {expected:e}");
    }
}

#[test]
fn a_node_has_the_sum_of_its_classes() {
    for hierarchy in [tree(), dag()] {
        let operation = NodeLogProbs::of_class_probabilities(&hierarchy);
        let classes = hierarchy.class_count();
        // Tiny probabilities, one that is nearly certain, and zeros.
        for rest in [0.1, 1e-9, 1e-30, 1e-300, 0.0] {
            for heavy in 0..classes {
                let mut p: Vec<f64> = (0..classes).map(|k| rest / (k + 1) as f64).collect();
                p[heavy] = 0.0;
                p[heavy] = 1.0 - p.iter().sum::<f64>();
                near(&log_probs(&operation, &p), &by_hand(&hierarchy, &p));
            }
        }
    }
}

#[test]
fn class_probabilities_are_divided_by_their_sum() {
    let hierarchy = tree();
    let operation = NodeLogProbs::of_class_probabilities(&hierarchy);
    let mut p = vec![0.0; hierarchy.class_count()];
    (p[0], p[1]) = (0.5, 0.5 + 9e-7);
    near(&log_probs(&operation, &p), &by_hand(&hierarchy, &p));
    assert_eq!(log_probs(&operation, &p)[NodeId::ROOT.index()], 0.0);
}

#[test]
fn node_probabilities_are_left_as_they_are() {
    let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
    let operation = NodeLogProbs::of_node_probabilities(&hierarchy);
    // bat, mammal, dog, crow, bird: bat is more probable than mammal, crow is impossible, dog a rounding above 1.
    let given = [0.75f32, 0.5, 1.000_001, 0.0, 1e-30];
    let log_p = log_probs(&operation, &given);
    let of = |name: &str| log_p[hierarchy.node(name).unwrap().index()];
    assert_eq!(log_p[NodeId::ROOT.index()], 0.0);
    assert_eq!((of("bat"), of("mammal"), of("dog")), (0.75f64.ln(), 0.5f64.ln(), 0.0));
    assert_eq!((of("crow"), of("bird")), (f64::NEG_INFINITY, f64::from(1e-30f32).ln()));
    let some = operation.for_nodes(vec![hierarchy.node("bird").unwrap(), NodeId::ROOT]).unwrap();
    assert_eq!(log_probs(&some, &given), [of("bird"), 0.0]);
}

#[test]
fn what_is_no_probability_is_an_error_that_says_where() {
    let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
    let of_classes = NodeLogProbs::of_class_probabilities(&hierarchy);
    let of_nodes = NodeLogProbs::of_node_probabilities(&hierarchy);
    let (kind, message) = error(&of_classes, &[0.5, 0.25, 0.25, 1.25, -0.25, 0.0]);
    assert_eq!(kind, InputErrorKind::NotAProbability);
    assert_eq!(message, "row 1: the probability in column 0 is 1.25, expected 0 to 1");
    let (kind, message) = error(&of_classes, &[0.5f32, 0.25, 0.125]);
    assert_eq!(kind, InputErrorKind::NotADistribution);
    assert_eq!(message, "row 0: the probabilities add up to 0.875, expected 1 within 1e-5");
    assert_eq!(error(&of_classes, &[0.0; 3]).0, InputErrorKind::NotADistribution);
    let (kind, message) = error(&of_nodes, &[0.5, 0.25, -1e-9, 0.0, 0.0]);
    assert_eq!(kind, InputErrorKind::NotAProbability);
    assert_eq!(message, "row 0: the probability in column 2 is -0.000000001, expected 0 to 1");
    assert_eq!(error(&of_nodes, &[f64::INFINITY, 0.0, 0.0, 0.0, 0.0]).0, InputErrorKind::NotAProbability);
    assert_eq!(error(&of_nodes, &[f64::NAN, 2.0, 0.0, 0.0, 0.0]).0, InputErrorKind::NotAProbability);
    assert_eq!(error(&of_nodes, &[0.5; 4]).0, InputErrorKind::Shape);
}

#[test]
fn rows_with_nan_are_nan_and_leave_the_others_alone() {
    let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
    let nodes = hierarchy.node_count();
    let log_p = log_probs(&NodeLogProbs::of_class_probabilities(&hierarchy), &[f64::NAN, 0.0, 0.0, 0.5, 0.25, 0.25]);
    assert!(log_p[..nodes].iter().all(|log_p| log_p.is_nan()));
    near(&log_p[nodes..], &by_hand(&hierarchy, &[0.5, 0.25, 0.25]));
    let log_p = log_probs(&NodeLogProbs::of_node_probabilities(&hierarchy), &[0.5, f64::NAN, 0.0, 0.5, 0.25]);
    assert!(log_p.iter().all(|log_p| log_p.is_nan()));
}

#[test]
fn they_are_forms_without_a_gradient() {
    let hierarchy = tree();
    for (name, form) in
        [("class_probabilities", NodeForm::ClassProbabilities), ("node_probabilities", NodeForm::NodeProbabilities)]
    {
        assert_eq!(serde_json::to_string(&form).unwrap(), format!("\"{name}\""));
        let operation = NodeLogProbs::of_form(&form, &hierarchy).unwrap();
        let given = vec![1.0 / operation.columns() as f64; operation.columns()];
        assert!(log_probs(&operation, &given).iter().all(|log_p| *log_p <= 0.0));
        let (upstream, mut grad) = (vec![1.0; operation.width()], given.clone());
        let error = operation.backward(&given, &upstream, &mut grad).unwrap_err();
        assert_eq!(error.kind(), InputErrorKind::NoGradient);
        assert_eq!(grad, given);
        operation.forward::<f64>(&[], &mut []).unwrap();
    }
}

#[test]
fn the_output_is_as_wide_as_the_caller_says() {
    let hierarchy = tree();
    let operation = NodeLogProbs::new(&hierarchy);
    let logits: Vec<f32> = (0..hierarchy.class_count()).map(|k| (k as f32 * 1.7).sin() * 20.0).collect();
    let wide: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
    let mut narrow = vec![0f32; operation.width()];
    operation.forward(&logits, &mut narrow).unwrap();
    // The same numbers, rounded at the end.
    let exact = log_probs(&operation, &wide);
    near(&log_probs(&operation, &logits), &exact);
    for (narrow, exact) in narrow.iter().zip(&exact) {
        assert!((f64::from(*narrow) - exact).abs() <= 1.2e-7 * exact.abs());
    }
    let mut rounded = vec![0f32; operation.width()];
    operation.forward_into(&wide, &mut rounded).unwrap();
    assert_eq!(rounded, narrow);
}

#[cfg(feature = "half")]
#[test]
fn halves_may_be_off_by_what_they_hold() {
    let hierarchy = tree();
    let operation = NodeLogProbs::of_class_probabilities(&hierarchy);
    // 1/3 is 0.33325 in f16 and 0.33398 in bf16.
    let mut row = vec![half::f16::ZERO; hierarchy.class_count()];
    row[..3].fill(half::f16::from_f64(1.0 / 3.0));
    assert!((log_probs(&operation, &row)[hierarchy.class_node(0).index()] + 3f64.ln()).abs() < 1e-15);
    let mut row = vec![half::bf16::ZERO; hierarchy.class_count()];
    row[..3].fill(half::bf16::from_f64(1.0 / 3.0));
    assert!((log_probs(&operation, &row)[hierarchy.class_node(0).index()] + 3f64.ln()).abs() < 1e-15);
    row[0] = half::bf16::from_f64(0.36);
    let message = error(&operation, &row).1;
    assert!(message.ends_with("expected 1 within 1e-2"), "{message}");
    let of_nodes = NodeLogProbs::of_node_probabilities(&hierarchy);
    let row = vec![half::f16::from_f64(1.004); of_nodes.columns()];
    assert_eq!(error(&of_nodes, &row).0, InputErrorKind::NotAProbability);
}
