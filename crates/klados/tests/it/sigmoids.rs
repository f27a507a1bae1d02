//! The losses of a yes or no a node: by hand, against each other, and at extreme logits.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use klados::loss::Reduction;
use klados::{Criterion, Hierarchy, Label, Loss};

use crate::losses::run;

fn animals() -> Hierarchy {
    let edges =
        [("mammal", "bat"), ("mammal", "dog"), ("mammal", "cow"), ("bird", "crow"), ("bird", "owl"), ("insect", "bee")];
    Hierarchy::from_edges(edges).unwrap()
}

fn criterion(loss: &str, hierarchy: &Hierarchy) -> Criterion {
    loss.parse::<Loss>().unwrap().compile(hierarchy).unwrap()
}

/// Logits by column from what each node has.
fn by_name(hierarchy: &Hierarchy, score: impl Fn(&str) -> f64) -> Vec<f64> {
    hierarchy.node_columns().iter().map(|node| score(hierarchy.name(*node))).collect()
}

fn column(hierarchy: &Hierarchy, name: &str) -> usize {
    let node = hierarchy.node(name).unwrap();
    hierarchy.node_columns().iter().position(|at| *at == node).unwrap()
}

/// `ln(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn bce(score: f64, is_positive: bool) -> f64 {
    softplus(if is_positive { -score } else { score })
}

fn loss_and_grad(criterion: &Criterion, logits: &[f64], label: &Label) -> (f64, Vec<f64>) {
    let output = run::<f64>(criterion, logits, std::slice::from_ref(label));
    (output.losses[0], output.grads)
}

fn assert_close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-13 * a.abs().max(b.abs()), "{what}: {a:e} {b:e}");
}

/// Class BCE plus superclass BCE, the loss of many forum posts: the binary cross-entropy of independent sigmoids.
#[test]
fn class_bce_plus_superclass_bce() {
    let hierarchy = animals();
    let criterion = criterion(r#"{"binary_cross_entropy": {"pos_weight": 3}}"#, &hierarchy);
    let z = |name: &str| name.len() as f64 * 0.7 - f64::from(name.as_bytes()[0]) / 40.0;
    let logits = by_name(&hierarchy, z);
    let classes = ["bat", "dog", "cow", "crow", "owl", "bee"];
    let sum = |names: &[&str], positive: &[&str]| -> f64 {
        let term = |name: &&str| match positive.contains(name) {
            true => 3.0 * bce(z(name), true),
            false => bce(z(name), false),
        };
        names.iter().map(term).sum()
    };
    let by_hand = sum(&classes, &["dog", "owl"]) + sum(&["mammal", "bird", "insect"], &["mammal", "bird"]);
    let label = hierarchy.parse_label("dog;owl").unwrap();
    let (loss, _) = loss_and_grad(&criterion, &logits, &label);
    assert_close(loss, by_hand, "sum");
    let mean = criterion.reduce(Reduction::Mean, &[loss], &[label]).unwrap();
    assert_close(mean, by_hand / 9.0, "mean");
}

/// Masked and unknown nodes are not counted.
#[test]
fn a_mean_counts_the_terms_that_take_part() {
    let hierarchy = animals();
    let node = |name: &str| hierarchy.node(name).unwrap();
    let labels = [
        hierarchy.parse_label("mammal").unwrap(), // without bat, dog and cow: 6 terms
        Label::Set { positive: vec![node("owl")], masked: vec![node("bee"), node("bird")] }, // 7
        Label::Ignored,
        hierarchy.parse_label(";").unwrap(), // 9
    ];
    for form in ["independent", "noisy_or", "max"] {
        let loss = format!(r#"{{"binary_cross_entropy": {{"form": "{form}", "incomplete": true}}}}"#);
        let criterion = criterion(&loss, &hierarchy);
        let mean = criterion.reduce(Reduction::Mean, &[3.0, 4.0, 0.0, 15.0], &labels).unwrap();
        assert_close(mean, 1.0, form);
    }
}

#[test]
fn a_conditional_sigmoid_asks_the_siblings_of_the_path() {
    let hierarchy = animals();
    let z = |name: &str| name.len() as f64 - 3.7;
    let logits = by_name(&hierarchy, z);
    let criterion = criterion(r#"{"conditional_sigmoid": {}}"#, &hierarchy);
    let top = bce(z("mammal"), true) + bce(z("bird"), false) + bce(z("insect"), false);
    let below = bce(z("bat"), false) + bce(z("dog"), true) + bce(z("cow"), false);
    let (loss, grad) = loss_and_grad(&criterion, &logits, &hierarchy.parse_label("dog").unwrap());
    assert_close(loss, top + below, "dog");
    for name in ["crow", "owl", "bee"] {
        assert_eq!(grad[column(&hierarchy, name)], 0.0);
    }
    let (loss, _) = loss_and_grad(&criterion, &logits, &hierarchy.parse_label("mammal").unwrap());
    assert_close(loss, top, "mammal");
    let nothing = bce(z("mammal"), false) + bce(z("bird"), false) + bce(z("insect"), false);
    let (loss, _) = loss_and_grad(&criterion, &logits, &hierarchy.parse_label(";").unwrap());
    assert_close(loss, nothing, "nothing");
}

/// Where every node is a class, all forms are binary cross-entropy over the classes.
#[test]
fn on_one_level_all_are_binary_cross_entropy() {
    let names = ["a", "b", "c", "d"];
    let hierarchy = Hierarchy::from_edges(names.map(|name| ("hub", name))).unwrap();
    for scale in [1.0, 200.0, 1e4] {
        let z = [0.3, -1.0, 1.0, -0.2].map(|z| z * scale);
        for positive in [vec![], vec![1], vec![0, 1, 3]] {
            let label = Label::Set {
                positive: positive.iter().map(|&class| hierarchy.class_node(class)).collect(),
                masked: Vec::new(),
            };
            let by_hand: f64 = z.iter().enumerate().map(|(k, &z)| bce(z, positive.contains(&k))).sum();
            for loss in [
                r#"{"binary_cross_entropy": {}}"#,
                r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#,
                r#"{"binary_cross_entropy": {"form": "max"}}"#,
                r#"{"binary_cross_entropy": {"form": "weighted", "map": []}}"#,
                r#"{"conditional_sigmoid": {}}"#,
                r#"{"tree_min": {}}"#,
            ] {
                // The only tree level is the one below the hub, which is the root.
                let (loss_value, grad) = loss_and_grad(&criterion(loss, &hierarchy), &z, &label);
                assert_close(loss_value, by_hand, loss);
                for (k, &z) in z.iter().enumerate() {
                    let slope = match positive.contains(&k) {
                        true => -(-softplus(z)).exp(),
                        false => (-softplus(-z)).exp(),
                    };
                    assert!((grad[k] - slope).abs() <= 1e-13, "{loss}: {} {slope}", grad[k]);
                }
            }
        }
    }
}

/// A superclass of one class at weight 1 has the term of that class again.
#[test]
fn weights_of_one_class_repeat_its_term() {
    let hierarchy = animals();
    let map = r#"{"binary_cross_entropy": {"form": "weighted", "gamma": 2, "map": [["bat", "flies", 1], ["bee", "buzzes", 1]]}}"#;
    let (with, without) =
        (criterion(map, &hierarchy), r#"{"binary_cross_entropy": {"form": "weighted", "gamma": 2, "map": []}}"#);
    let without = criterion(without, &hierarchy);
    let focal = |z: f64, positive: bool| {
        let score = if positive { z } else { -z };
        (-2.0 * softplus(score)).exp() * softplus(-score)
    };
    for scale in [1.0, 30.0] {
        let z = [0.3, -1.0, 1.0, -0.2, 0.5, -0.7].map(|z| z * scale);
        let label = hierarchy.parse_label("bat;owl").unwrap();
        let [(more, _), (less, _)] = [&with, &without].map(|criterion| loss_and_grad(criterion, &z, &label));
        assert_close(more, less + focal(z[0], true) + focal(z[5], false), "one-hot");
    }
}

/// At very negative logits the gradient of a noisy-or is a softmax over the classes, as the probability is their sum.
#[test]
fn a_noisy_or_learns_where_its_probability_underflows() {
    let hierarchy = animals();
    let criterion = criterion(r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#, &hierarchy);
    let label = Label::Set {
        positive: vec![hierarchy.node("mammal").unwrap()],
        masked: ["bat", "dog", "cow", "bird", "insect", "crow", "owl", "bee"]
            .map(|name| hierarchy.node(name).unwrap())
            .to_vec(),
    };
    for base in [-200.0, -800.0, -1e4] {
        let z = [base, base + 0.5, base - 1.0, base, base, base];
        let (loss, grad) = loss_and_grad(&criterion, &z, &label);
        let weights = [0.0f64, 0.5, -1.0].map(f64::exp);
        let total: f64 = weights.iter().sum();
        assert_close(loss, -base - total.ln(), "underflow");
        for (grad, weight) in grad.iter().zip(weights) {
            assert!((grad + weight / total).abs() < 1e-13, "{grad:e} {weight}");
        }
        assert_eq!(grad[3..], [0.0; 3]);
    }
    // One certain class settles it: nothing is left to learn, and nothing is lost.
    let (loss, grad) = loss_and_grad(&criterion, &[1e4, -1e4, -200.0, 0.0, 0.0, 0.0], &label);
    assert_eq!((loss, grad), (0.0, vec![0.0; 6]));
}

#[test]
fn masked_logits_of_every_loss() {
    let hierarchy = animals();
    for (loss, columns) in [
        (r#"{"binary_cross_entropy": {}}"#, 9),
        (r#"{"binary_cross_entropy": {"form": "max", "gamma": 2}}"#, 9),
        (r#"{"binary_cross_entropy": {"form": "noisy_or", "gamma": 2}}"#, 6),
        (r#"{"binary_cross_entropy": {"form": "weighted", "map": [["bat", "flies", 0.5], ["bee", "flies", 0.5]]}}"#, 6),
        (r#"{"conditional_sigmoid": {}}"#, 9),
        (r#"{"tree_min": {"gamma": 2}}"#, 9),
    ] {
        let criterion = criterion(loss, &hierarchy);
        let bat = if columns == 6 { 0 } else { column(&hierarchy, "bat") };
        for size in [1.0, 1e4] {
            let mut z: Vec<f64> = (0..columns).map(|k| if k % 2 == 0 { size } else { -size }).collect();
            z[bat] = f64::NEG_INFINITY;
            // "No bat" costs nothing.
            let (value, grad) = loss_and_grad(&criterion, &z, &hierarchy.parse_label("dog;owl").unwrap());
            assert!(value.is_finite() && grad.iter().all(|grad| grad.is_finite()), "{loss}");
            assert_eq!(grad[bat], 0.0, "{loss}");
            let (value, grad) = loss_and_grad(&criterion, &z, &hierarchy.parse_label("bat").unwrap());
            assert_eq!(value, f64::INFINITY, "{loss}");
            assert_eq!(grad, vec![0.0; columns], "{loss}");
        }
    }
}

/// What a distribution leaves to the other classes is their own sum, not 1 less the rest.
#[test]
fn a_small_rest_of_a_distribution_keeps_its_digits() {
    let hierarchy = animals();
    let (small, label) = (3e-14, Label::Soft(vec![0.7, 0.3, 0.0, 3e-14, 0.0, 0.0]));
    let total = 0.7 + 0.3 + small;
    for loss in [r#"{"binary_cross_entropy": {}}"#, r#"{"conditional_sigmoid": {}}"#] {
        let criterion = criterion(loss, &hierarchy);
        // Everything certain, but mammal: no mammal costs its logit.
        let z = by_name(&hierarchy, |name| match name {
            "mammal" => 1e4,
            _ => -50.0,
        });
        let (_, grad) = loss_and_grad(&criterion, &z, &label);
        let rest = small / total;
        assert!((grad[column(&hierarchy, "mammal")] / rest - 1.0).abs() < 1e-13, "{loss}");
    }
}

/// The logit that the extremum is has the gradient, the first in hierarchy order where several are equal.
#[test]
fn ties_go_to_the_first_in_hierarchy_order() {
    let hierarchy = animals();
    let z = by_name(&hierarchy, |_| 0.0);
    let only = |name: &str| {
        let all = ["mammal", "bat", "dog", "cow", "bird", "crow", "owl", "insect", "bee"];
        let masked = all.into_iter().filter(|other| *other != name).map(|name| hierarchy.node(name).unwrap());
        masked.collect::<Vec<_>>()
    };
    for (loss, positive, at) in [
        (r#"{"binary_cross_entropy": {"form": "max"}}"#, vec![], "mammal"),
        (r#"{"binary_cross_entropy": {"form": "max"}}"#, vec!["dog"], "mammal"),
        (r#"{"tree_min": {}}"#, vec![], "mammal"),
    ] {
        let positive = positive.into_iter().map(|name: &str| hierarchy.node(name).unwrap()).collect();
        let label = Label::Set { positive, masked: only("mammal") };
        let (loss_value, grad) = loss_and_grad(&criterion(loss, &hierarchy), &z, &label);
        assert_close(loss_value, std::f64::consts::LN_2, loss);
        for (k, grad) in grad.iter().enumerate() {
            assert_eq!(grad.abs(), if k == column(&hierarchy, at) { 0.5 } else { 0.0 }, "{loss} {k}");
        }
    }
    // The smallest at and above dog is the mammal that comes first.
    let label = Label::Set { positive: vec![hierarchy.node("dog").unwrap()], masked: only("dog") };
    let (_, grad) = loss_and_grad(&criterion(r#"{"tree_min": {}}"#, &hierarchy), &z, &label);
    assert_eq!(grad[column(&hierarchy, "mammal")], -0.5);
    assert_eq!(grad[column(&hierarchy, "dog")], 0.0);
}

/// Nothing is strictly above the root, and all else is strictly below it: as a single label it asks nothing, where the
/// empty set says that nothing is there.
#[test]
fn the_root_as_a_single_label_asks_nothing() {
    let edges = [("thing", "animal"), ("animal", "dog"), ("animal", "cat"), ("thing", "stone")];
    let hierarchy = Hierarchy::from_edges(edges).unwrap();
    let logits = by_name(&hierarchy, |_| 0.0);
    for (loss, empty) in [(r#"{"conditional_sigmoid": {}}"#, 2.0), (r#"{"tree_min": {}}"#, 4.0)] {
        let criterion = criterion(loss, &hierarchy);
        let (root, grad) = loss_and_grad(&criterion, &logits, &hierarchy.parse_label("thing").unwrap());
        assert_eq!((root, grad), (0.0, vec![0.0; 4]), "{loss}");
        let (nothing, _) = loss_and_grad(&criterion, &logits, &hierarchy.parse_label(";").unwrap());
        assert_close(nothing, empty * std::f64::consts::LN_2, loss);
    }
    // Binary cross-entropy takes it as the set of that node, of which nothing is positive.
    let criterion = criterion(r#"{"binary_cross_entropy": {}}"#, &hierarchy);
    let [root, nothing] =
        ["thing", ";"].map(|label| loss_and_grad(&criterion, &logits, &hierarchy.parse_label(label).unwrap()));
    assert_eq!(root, nothing);
}
