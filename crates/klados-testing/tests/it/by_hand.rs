//! Numbers worked out by hand.

use klados_testing::{HierarchySpec, LabelSpec};

use crate::{assert_close, loss, sample};

fn animals() -> HierarchySpec {
    let edges = [
        ("bat", "mammal"),
        ("bear", "mammal"),
        ("crow", "bird"),
        ("dog", "mammal"),
        ("pigeon", "bird"),
        ("robin", "bird"),
    ];
    HierarchySpec::new(&edges, &["bat", "bear", "crow", "dog", "pigeon", "robin"])
}

const FORUM: [f64; 6] = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];

/// `e^z`: bat 0.29894, bear 1.73210, crow 0.68004, dog 1.99567, pigeon 0.47597, robin 1.17005; mammal 4.02671,
/// bird 2.32606, all 6.35277. `-ln(2.32606 / 6.35277) = 1.00473`, `-ln(4.02671 / 6.35277) = 0.45594`.
#[test]
fn the_forums_superclass_loss() {
    let superclass = loss(r#"{"marginal_cross_entropy": {"weights": {"levels": [1, 0]}}}"#);
    let crow = sample(&superclass, &animals(), &FORUM, &"crow".into());
    let dog = sample(&superclass, &animals(), &FORUM, &"dog".into());
    assert!((crow.loss - 1.0047).abs() < 5e-5, "{}", crow.loss);
    assert!((dog.loss - 0.4559).abs() < 5e-5, "{}", dog.loss);
    // A coarse label costs the same here: there is no weight below it.
    assert_eq!(sample(&superclass, &animals(), &FORUM, &"bird".into()).loss, crow.loss);
}

/// Logits `ln 1, ln 2, ln 3, ln 4, ln 5, ln 6` are the probabilities 1/21 ... 6/21, so sets are sums of small integers:
/// mammal = (1 + 2 + 4) / 21 = 1/3, bird = (3 + 5 + 6) / 21 = 2/3.
const LN: [f64; 6] = [
    0.0,
    std::f64::consts::LN_2,
    1.098_612_288_668_109_8,
    1.386_294_361_119_890_6,
    1.609_437_912_434_100_3,
    1.791_759_469_228_055,
];

#[track_caller]
fn costs(json: &str, label: impl Into<LabelSpec>, expected: f64) {
    assert_close(sample(&loss(json), &animals(), &LN, &label.into()).loss, expected, 1e-14);
}

/// `-ln(a / b)` in the standard library, which the reference does not use.
#[expect(clippy::disallowed_methods, reason = "the expected numbers must not come from what is tested")]
fn nats(a: f64, b: f64) -> f64 {
    (b / a).ln()
}

#[test]
fn marginal() {
    let uniform = r#"{"marginal_cross_entropy": {}}"#;
    let skip = r#"{"marginal_cross_entropy": {"unresolved": "skip"}}"#;
    costs(uniform, "crow", nats(3., 21.) + nats(2., 3.));
    costs(uniform, "bird", 2.0 * nats(2., 3.)); // the leaf's weight falls back to the bird
    costs(skip, "bird", nats(2., 3.));
    costs(uniform, "crow|robin", nats(2., 3.) + nats(9., 21.));
    costs(uniform, "crow|dog", 2.0 * nats(7., 21.)); // nothing in common: both weights on the union
    costs(skip, "crow|dog", 0.0);
    costs(uniform, "mammal|dog", 2.0 * nats(1., 3.)); // the union is the mammal
    costs(uniform, "mammal|crow", 2.0 * nats(10., 21.));
    costs(uniform, "", 0.0);
    let leaves = r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#;
    costs(leaves, "crow", nats(3., 21.));
    costs(leaves, "bird", nats(2., 3.)); // marginal likelihood
    // H = 2, so the superclass takes 1/2 and the class the rest.
    for weights in [r#""balanced""#, r#""lazy""#, r#""greedy""#] {
        let json = format!(r#"{{"marginal_cross_entropy": {{"weights": {weights}}}}}"#);
        costs(&json, "crow", 0.5 * nats(3., 21.) + 0.5 * nats(2., 3.));
    }
    // Of 6, a node of height 1 takes 6 / (1 + 2) = 2.
    let power = r#"{"marginal_cross_entropy": {"weights": {"power": {"q": 2, "total": 6}}}}"#;
    costs(power, "crow", 4.0 * nats(3., 21.) + 2.0 * nats(2., 3.));
    let soft = LabelSpec::Soft { soft: vec![0.0, 0.25, 0.5, 0.25, 0.0, 0.0] };
    let leaf_part = 0.25 * nats(2., 21.) + 0.5 * nats(3., 21.) + 0.25 * nats(4., 21.);
    costs(uniform, soft, leaf_part + 0.5 * nats(1., 3.) + 0.5 * nats(2., 3.));
}

#[test]
fn marginal_gradient() {
    // -ln p_crow - ln P(bird): p - [crow] + p - [bird] p / P(bird), times 21: p = 1..6, P(bird) = 14/21.
    let sample = sample(&loss(r#"{"marginal_cross_entropy": {}}"#), &animals(), &LN, &"crow".into());
    let expected = [2.0, 4.0, 6.0 - 21.0 - 4.5, 8.0, 10.0 - 7.5, 12.0 - 9.0];
    for (got, expected) in sample.grad.iter().zip(expected) {
        assert_close(*got, expected / 21.0, 1e-14);
    }
    // Largest summand: the leaf term's own entry, 1 - 3/21.
    assert_close(sample.magnitude, 18.0 / 21.0, 1e-14);
}

#[test]
fn hierarchical() {
    let half = std::f64::consts::LN_2; // e^-alpha = 1/2
    let hxe = |weighting: &str| {
        format!(r#"{{"hierarchical_cross_entropy": {{"alpha": {half}, "weighting": "{weighting}"}}}}"#)
    };
    let (up, down) = (nats(2., 3.), nats(3., 14.)); // P(bird), P(crow | bird)
    costs(&hxe("depth"), "crow", up + 0.5 * down);
    costs(&hxe("depth"), "bird", up);
    costs(&hxe("depth"), "crow|robin", up + 0.5 * nats(9., 14.));
    costs(&hxe("depth"), "crow|dog", nats(7., 21.));
    costs(&hxe("depth"), "mammal|dog", nats(1., 3.));
    costs(&hxe("height"), "crow", 0.5 * up + down);
    costs(&hxe("height"), "mammal|crow", 0.5 * nats(10., 21.));
    // The root 1, two of depth 1, six of depth 2: 1 + 2/2 + 6/4 = 7/2.
    costs(&hxe("depth_normalized"), "crow", (0.5 * up + 0.25 * down) / 3.5);
    costs(&hxe("depth_normalized"), "crow|dog", 0.5 * nats(7., 21.) / 3.5);
}

#[test]
fn soft_labels() {
    // H = 2: d = 0 for the class, 1/2 for its siblings, 1 for the others. e^-beta = 1/16: q = 16 : 4 : 1, sum 27.
    let json = format!(r#"{{"soft_labels": {{"beta": {}}}}}"#, 4.0 * std::f64::consts::LN_2);
    let siblings = nats(5., 21.) + nats(6., 21.);
    let others = nats(1., 21.) + nats(2., 21.) + nats(4., 21.);
    costs(&json, "crow", (16.0 * nats(3., 21.) + 4.0 * siblings + others) / 27.0);
    // An internal label: its classes at d = 1/2, the others at 1: 4 : 1, sum 15.
    costs(&json, "bird", (4.0 * (siblings + nats(3., 21.)) + others) / 15.0);
}

#[test]
fn options() {
    let weights = "[1, 2, 3, 4, 5, 6]";
    let leaves = r#""weights": "leaves""#;
    costs(
        &format!(r#"{{"marginal_cross_entropy": {{{leaves}, "class_weight": {weights}}}}}"#),
        "crow",
        3.0 * nats(3., 21.),
    );
    costs(
        &format!(r#"{{"marginal_cross_entropy": {{{leaves}, "class_weight": {weights}}}}}"#),
        "bird",
        14.0 / 3.0 * nats(2., 3.),
    );
    // (1 - p)^2 with p = 1/7.
    costs(&format!(r#"{{"marginal_cross_entropy": {{{leaves}, "gamma": 2}}}}"#), "crow", 36.0 / 49.0 * nats(3., 21.));
    let all: f64 = (1..=6).map(|k| nats(f64::from(k), 21.)).sum();
    costs(
        &format!(r#"{{"marginal_cross_entropy": {{{leaves}, "label_smoothing": 0.25}}}}"#),
        "crow",
        0.75 * nats(3., 21.) + 0.25 / 6.0 * all,
    );
    // gamma acts on the conditional probability: 1 - P(crow | bird) = 11/14.
    let hxe = r#"{"hierarchical_cross_entropy": {"alpha": 0, "gamma": 1}}"#;
    costs(hxe, "crow", nats(2., 3.) / 3.0 + 11.0 / 14.0 * nats(3., 14.));
}

#[test]
fn extremes() {
    let leaves = loss(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#);
    let mut z = [0.0; 6];
    // Five classes at e^-100 each: the loss is ln(1 + 5 e^-100) = 5 * 3.720075976020836e-44 and a bit.
    z[2] = 100.0;
    let certain = sample(&leaves, &animals(), &z, &"crow".into());
    assert_close(certain.loss, 5.0 * 3.720_075_976_020_836e-44, 1e-14);
    assert_close(certain.grad[2], -5.0 * 3.720_075_976_020_836e-44, 1e-14);
    assert_close(certain.grad[0], 3.720_075_976_020_836e-44, 1e-14);
    // The same 10,000 below: ln(5 + e^-10000) + 10000.
    z[2] = -10_000.0;
    let lost = sample(&leaves, &animals(), &z, &"crow".into());
    assert_close(lost.loss, 10_000.0 + 1.609_437_912_434_100_3, 1e-15);
    assert_eq!(lost.grad[2], -1.0);
    assert_close(lost.grad[0], 0.2, 1e-15);
}

#[test]
fn masked_classes() {
    let inf = f64::INFINITY;
    let mut z = LN;
    z[2] = -inf; // crow: bird = 11/18
    let uniform = loss(r#"{"marginal_cross_entropy": {}}"#);
    let masked = sample(&uniform, &animals(), &z, &"crow".into());
    assert_eq!((masked.loss, masked.grad), (inf, vec![0.0; 6]));
    let bird = sample(&uniform, &animals(), &z, &"bird".into());
    assert_close(bird.loss, 2.0 * nats(11., 18.), 1e-14);
    assert_eq!(bird.grad[2], 0.0);
    // The leaf's term has weight 0 and is left out.
    let superclass = loss(r#"{"marginal_cross_entropy": {"weights": {"levels": [1]}}}"#);
    assert_close(sample(&superclass, &animals(), &z, &"crow".into()).loss, nats(11., 18.), 1e-14);
    // A distribution is divided by what is left of it.
    let soft = LabelSpec::Soft { soft: vec![0.25, 0.0, 0.5, 0.25, 0.0, 0.0] };
    let expected = 0.5 * nats(1., 18.) + 0.5 * nats(4., 18.) + nats(7., 18.);
    assert_close(sample(&uniform, &animals(), &z, &soft).loss, expected, 1e-14);
    let gone = LabelSpec::Soft { soft: vec![0.0, 0.0, 1.0, 0.0, 0.0, 0.0] };
    assert_eq!(sample(&uniform, &animals(), &z, &gone).loss, inf);
    // Smoothing leaves the masked class out and keeps eps / N.
    let smooth = loss(r#"{"marginal_cross_entropy": {"weights": "leaves", "label_smoothing": 0.5}}"#);
    let others: f64 = [1., 2., 4., 5., 6.].iter().map(|&k| nats(k, 18.)).sum();
    let expected = 0.5 * nats(4., 18.) + 0.5 / 6.0 * others;
    assert_close(sample(&smooth, &animals(), &z, &"dog".into()).loss, expected, 1e-14);
    // All masked: no distribution at all.
    assert_eq!(sample(&uniform, &animals(), &[-inf; 6], &"crow|dog".into()).loss, inf);
}

#[test]
fn bad_rows_are_nan_unless_ignored() {
    let uniform = loss(r#"{"marginal_cross_entropy": {}}"#);
    for bad in [f64::NAN, f64::INFINITY] {
        let mut z = LN;
        z[4] = bad;
        let row = sample(&uniform, &animals(), &z, &"crow".into());
        assert!(row.loss.is_nan() && row.grad.iter().all(|g| g.is_nan()));
        let ignored = sample(&uniform, &animals(), &z, &"".into());
        assert_eq!((ignored.loss, ignored.grad), (0.0, vec![0.0; 6]));
    }
}
