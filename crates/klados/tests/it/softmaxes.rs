//! Weighted cross-entropy, soft-max-margin, random cut and descendant softmax: by hand, against what they must be equal
//! to, and at extreme logits.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use klados::{Criterion, Hierarchy, Label, Loss};

use crate::losses::run;

const CLASSES: [&str; 6] = ["bat", "dog", "cow", "crow", "owl", "bee"];
const NODES: [&str; 9] = ["bat", "dog", "cow", "crow", "owl", "bee", "mammal", "bird", "insect"];

fn animals() -> Hierarchy {
    let edges =
        [("mammal", "bat"), ("mammal", "dog"), ("mammal", "cow"), ("bird", "crow"), ("bird", "owl"), ("insect", "bee")];
    Hierarchy::from_edges(edges).unwrap()
}

fn criterion(loss: &str, hierarchy: &Hierarchy) -> Criterion {
    loss.parse::<Loss>().unwrap().compile(hierarchy).unwrap()
}

/// Weights of zeros and ones: a class is in its parent and in nothing else.
const PARTITION: &str = r#"[["bat","mammal",1],["dog","mammal",1],["cow","mammal",1],["crow","bird",1],["owl","bird",1],["bee","insect",1]]"#;

fn by_name(hierarchy: &Hierarchy, score: impl Fn(&str) -> f64) -> Vec<f64> {
    hierarchy.node_columns().iter().map(|node| score(hierarchy.name(*node))).collect()
}

/// A score that is another for each of the names above.
fn score(name: &str) -> f64 {
    let bytes: u32 = name.bytes().map(u32::from).sum();
    f64::from(bytes * 37 % 101) / 25.0 - 2.0
}

fn log_sum_exp(scores: impl IntoIterator<Item = f64>) -> f64 {
    scores.into_iter().map(f64::exp).sum::<f64>().ln()
}

fn loss_and_grad(criterion: &Criterion, logits: &[f64], label: &Label) -> (f64, Vec<f64>) {
    let output = run::<f64>(criterion, logits, std::slice::from_ref(label));
    (output.losses[0], output.grads)
}

fn assert_close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-13 * a.abs().max(b.abs()), "{what}: {a:e} {b:e}");
}

fn assert_same(a: &(f64, Vec<f64>), b: &(f64, Vec<f64>), what: &str) {
    assert_close(a.0, b.0, what);
    assert!(a.1.iter().zip(&b.1).all(|(a, b)| (a - b).abs() <= 2e-13), "{what}: {:?} {:?}", a.1, b.1);
}

/// Rows at ordinary and at extreme scale, some with a masked class.
fn rows(columns: usize) -> Vec<Vec<f64>> {
    let row = |scale: f64| (0..columns).map(|k| scale * (((k * 7 + 3) % 11) as f64 / 5.0 - 1.0)).collect::<Vec<_>>();
    let mut rows = vec![row(1.0), row(30.0), row(1e4), row(-1e4)];
    let mut masked = row(1.0);
    masked[1] = f64::NEG_INFINITY;
    rows.push(masked);
    rows
}

#[test]
fn weights_of_zeros_and_ones_are_the_marginal_form() {
    let hierarchy = animals();
    let weighted = criterion(&format!(r#"{{"weighted_cross_entropy": {{"map": {PARTITION}}}}}"#), &hierarchy);
    // A superclass label has no term at the classes, which is what "skip" says of the levels below a coarse label.
    let marginal = criterion(r#"{"marginal_cross_entropy": {"unresolved": "skip"}}"#, &hierarchy);
    for z in rows(6) {
        for name in CLASSES.into_iter().chain(["mammal", "bird"]) {
            let label = hierarchy.parse_label(name).unwrap();
            let a = loss_and_grad(&weighted, &z, &label);
            let b = loss_and_grad(&marginal, &z, &label);
            if b.0.is_infinite() {
                assert_eq!(a, b);
            } else {
                assert_same(&a, &b, &format!("{name} {z:?}"));
            }
        }
    }
}

#[test]
fn without_superclasses_it_is_cross_entropy() {
    let hierarchy = animals();
    let weighted = criterion("weighted_cross_entropy", &hierarchy);
    let plain = criterion(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#, &hierarchy);
    for z in rows(6) {
        let label = Label::Class(3);
        assert_same(&loss_and_grad(&weighted, &z, &label), &loss_and_grad(&plain, &z, &label), &format!("{z:?}"));
    }
}

/// A superclass of two classes by halves, 2e4 below the maximum of the row, and one that is all but certain.
#[test]
fn superclasses_that_underflow_and_that_are_all_but_certain() {
    let hierarchy = Hierarchy::from_edges([("x", "a"), ("x", "b"), ("x", "c")]).unwrap();
    let map = r#"[["a","low",0.5],["a","high",0.5],["b","low",1],["c","high",1]]"#;
    let loss = criterion(&format!(r#"{{"weighted_cross_entropy": {{"map": {map}}}}}"#), &hierarchy);
    let low = Label::Superclass(0);
    let (value, grad) = loss_and_grad(&loss, &[-1e4, -1e4, 1e4], &low);
    assert_close(value, 2e4 - 1.5f64.ln(), "low");
    // Of what is in it a has a third and b two.
    [-1.0 / 3.0, -2.0 / 3.0, 1.0].iter().zip(&grad).for_each(|(a, b)| assert_close(*a, *b, "gradient"));
    // 1 - P(high) = b's share to this precision: e^-60.
    let (value, _) = loss_and_grad(&loss, &[-90.0, -60.0, 0.0], &Label::Superclass(1));
    assert_close(value, (-60f64).exp() * (1.0 + 0.5 * (-30f64).exp()), "high");
}

#[test]
fn a_margin_is_in_edges() {
    let hierarchy = animals();
    let z = by_name(&hierarchy, score);
    let steps = |name: &str| match name {
        "dog" => 0.0,
        "mammal" => 1.0,
        "bat" | "cow" => 2.0,
        "bird" | "insect" => 3.0,
        _ => 4.0,
    };
    let dog = hierarchy.parse_label("dog").unwrap();
    for tau in [0.0, 1.0, 2.5] {
        let beaten = || NODES.iter().map(|name| score(name) + tau * steps(name)).chain([tau * 2.0]);
        let soft = criterion(&format!(r#"{{"softmax_margin": {{"tau": {tau}}}}}"#), &hierarchy);
        assert_close(loss_and_grad(&soft, &z, &dog).0, log_sum_exp(beaten()) - score("dog"), "soft");
        let hard = criterion(&format!(r#"{{"softmax_margin": {{"tau": {tau}, "hard": true}}}}"#), &hierarchy);
        let worst = beaten().fold(f64::NEG_INFINITY, f64::max);
        assert_close(loss_and_grad(&hard, &z, &dog).0, worst - score("dog"), "hard");
    }
    // The root as the label: its own score is 0, mammals are one edge away.
    let soft = criterion("softmax_margin", &hierarchy);
    let depth = |name: &str| if CLASSES.contains(&name) { 2.0 } else { 1.0 };
    let sum = log_sum_exp(NODES.iter().map(|name| score(name) + depth(name)).chain([0.0]));
    assert_close(loss_and_grad(&soft, &z, &Label::Node(klados::NodeId::ROOT)).0, sum, "root");
}

/// `0.1 * 3` is rounded; the loss is of the product itself. With 0.1 and 0.3 as `f64` has them, `3 * 0.1 - 0.3` is 2^-55.
#[test]
fn a_margin_that_is_all_but_kept_keeps_its_digits() {
    let hierarchy = animals();
    let hard = criterion(r#"{"softmax_margin": {"tau": 0.1, "hard": true}}"#, &hierarchy);
    let z = by_name(&hierarchy, |name| match name {
        "dog" => 0.3,
        "bird" => 0.0,
        _ => -5.0,
    });
    let (value, _) = loss_and_grad(&hard, &z, &hierarchy.parse_label("dog").unwrap());
    assert_eq!(value, 2f64.powi(-55));
}

#[test]
fn nothing_closed_is_cross_entropy_over_the_leaves() {
    let hierarchy = animals();
    let z = by_name(&hierarchy, score);
    let cut = criterion(r#"{"random_cut": {"p": 0}}"#, &hierarchy);
    let (value, grad) = loss_and_grad(&cut, &z, &hierarchy.parse_label("owl").unwrap());
    let all = log_sum_exp(CLASSES.map(score));
    assert_close(value, all - score("owl"), "loss");
    for (node, grad) in hierarchy.node_columns().iter().zip(grad) {
        let name = hierarchy.name(*node);
        let share = if CLASSES.contains(&name) { (score(name) - all).exp() } else { 0.0 };
        assert!((grad - (share - f64::from(u8::from(name == "owl")))).abs() < 1e-13, "{name}");
    }
}

/// The draw of docs/definitions.md, written once more.
#[test]
fn a_cut_is_drawn_as_defined() {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let next = |h: u64, v: u64| mix((h ^ v).wrapping_add(0x9e37_79b9_7f4a_7c15));
    let hierarchy = animals();
    let z = by_name(&hierarchy, score);
    let (rows, owl) = (64, hierarchy.parse_label("owl").unwrap());
    for step in [0, 5] {
        let cut = criterion(r#"{"random_cut": {"p": 0.4, "seed": 9}}"#, &hierarchy).at_step(step);
        let losses = run::<f64>(&cut, &z.repeat(rows), &vec![owl.clone(); rows]).losses;
        for (row, loss) in losses.iter().enumerate() {
            let closed = |name: &str| {
                let node = hierarchy.node(name).unwrap();
                let column = hierarchy.node_columns().iter().position(|at| *at == node).unwrap();
                let h = [9, step, row as u64, column as u64].into_iter().fold(0, next);
                ((h >> 11) as f64) * 2f64.powi(-53) < 0.4
            };
            let members: Vec<&str> = [("mammal", &CLASSES[..3]), ("bird", &CLASSES[3..5]), ("insect", &CLASSES[5..])]
                .into_iter()
                .flat_map(|(above, below)| if closed(above) { vec![above] } else { below.to_vec() })
                .collect();
            let target = if closed("bird") { "bird" } else { "owl" };
            let by_hand = log_sum_exp(members.into_iter().map(score)) - score(target);
            assert_close(*loss, by_hand, &format!("row {row} of step {step}"));
        }
    }
}

#[test]
fn a_node_stands_against_what_branches_off() {
    let hierarchy = animals();
    let z = by_name(&hierarchy, score);
    let loss = criterion("descendant_softmax", &hierarchy);
    let (value, _) = loss_and_grad(&loss, &z, &hierarchy.parse_label("owl").unwrap());
    let others = ["mammal", "bat", "dog", "cow", "insect", "bee"].map(score);
    let bird = log_sum_exp(others.into_iter().chain([score("bird")])) - score("bird");
    let owl = log_sum_exp(others.into_iter().chain([score("crow"), score("owl")])) - score("owl");
    assert_close(value, bird + owl, "owl");
    assert_close(loss_and_grad(&loss, &z, &hierarchy.parse_label("bird").unwrap()).0, bird, "bird");
}

/// On one level: cross-entropy. Against one class: nothing to lose, but for a margin.
#[test]
fn one_level_one_class_and_chains() {
    let flat = Hierarchy::from_edges([("x", "a"), ("x", "b"), ("x", "c")]).unwrap();
    let plain = criterion("marginal_cross_entropy", &flat);
    for loss in ["descendant_softmax", "random_cut", "weighted_cross_entropy"] {
        for z in rows(3) {
            let (a, b) = (criterion(loss, &flat), &plain);
            let label = Label::Class(0);
            assert_same(&loss_and_grad(&a, &z, &label), &loss_and_grad(b, &z, &label), loss);
        }
    }
    let chain = Hierarchy::from_edges([("x", "y"), ("y", "z"), ("z", "only")]).unwrap();
    for loss in ["descendant_softmax", r#"{"random_cut": {"p": 0.5}}"#, "weighted_cross_entropy"] {
        let loss = criterion(loss, &chain);
        for sign in [1e4, -1e4] {
            let z: Vec<f64> = (0..loss.columns()).map(|k| sign * (1.0 - k as f64)).collect();
            let (value, grad) = loss_and_grad(&loss, &z, &Label::Class(0));
            assert_eq!((value, grad), (0.0, vec![0.0; loss.columns()]));
        }
    }
}
