//! Every loss on small hierarchies: the sum of its terms is its loss, and its gradient is that of central differences.

#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]
use klados::{Hierarchy, Label, Loss};

/// A ragged tree with a chain and an internal class, several roots.
pub(crate) fn tree() -> Hierarchy {
    let edges = [
        ("animal", "dog"),
        ("dog", "poodle"),
        ("dog", "beagle"),
        ("animal", "cat"),
        ("plant", "tree"),
        ("tree", "oak"),
        ("oak", "red oak"),
        ("plant", "moss"),
        ("tree", "elm"),
    ];
    let all = Hierarchy::from_edges(edges).unwrap();
    all.with_classes(["poodle", "cat", "red oak", "dog", "moss", "elm", "beagle"]).unwrap()
}

/// Two classes with two parents each.
pub(crate) fn dag() -> Hierarchy {
    let edges = [
        ("pet", "dog"),
        ("canine", "dog"),
        ("canine", "wolf"),
        ("pet", "cat"),
        ("feline", "cat"),
        ("feline", "lion"),
        ("animal", "pet"),
        ("animal", "canine"),
        ("animal", "feline"),
        ("thing", "animal"),
        ("thing", "stone"),
    ];
    Hierarchy::from_edges(edges).unwrap()
}

const SINGLE: [&str; 7] = ["poodle", "dog", "=dog", "red oak", "plant", "moss", "animal"];

/// The losses with parameters; whether they take unions; whether they are for DAGs too.
pub(crate) const LOSSES: [(&str, bool, bool); 31] = [
    (r#"{"marginal_cross_entropy": {"label_smoothing": 0.1, "gamma": 1.5}}"#, true, true),
    (r#"{"hierarchical_cross_entropy": {"alpha": 0.3}}"#, true, false),
    (r#"{"soft_labels": {"beta": 3}}"#, false, true),
    (r#"{"sibling_softmax": {}}"#, true, false),
    (r#"{"sibling_softmax": {"alpha": 0.4, "gamma": 2, "label_smoothing": 0.1}}"#, true, false),
    (
        r#"{"sibling_softmax": {"weighting": "height", "alpha": 0.4, "class_weight": [1, 2, 3, 4, 5, 6, 7]}}"#,
        true,
        false,
    ),
    (
        r#"{"sibling_softmax": {"tau": 0.7, "frequencies": [["animal", 9], ["plant", 4], ["dog", 6], ["cat", 3],
            ["poodle", 2], ["beagle", 3], ["=dog", 1], ["tree", 3], ["moss", 1], ["oak", 2], ["elm", 1]]}}"#,
        true,
        false,
    ),
    (r#"{"levelwise_softmax": {}}"#, false, false),
    (r#"{"levelwise_softmax": {"weights": {"levels": [1, 0.5]}, "gamma": 1, "label_smoothing": 0.2}}"#, false, false),
    (r#"{"parameter_sharing_softmax": {}}"#, true, true),
    (r#"{"parameter_sharing_softmax": {"weights": "uniform", "gamma": 1, "label_smoothing": 0.1}}"#, true, true),
    (r#"{"parameter_sharing_softmax": {"weights": "balanced"}}"#, true, false),
    (r#"{"weighted_cross_entropy": {"leaf_weight": 0.3, "label_smoothing": 0.1}}"#, false, true),
    (
        r#"{"weighted_cross_entropy": {"normalize": true, "gamma": 1, "label_smoothing": 0.1, "superclass_weight": 0.7,
            "map": [["poodle", "dog", 1], ["poodle", "small", 2], ["cat", "small", 1], ["red oak", "plant", 1],
            ["dog", "dog", 3], ["dog", "animal", 1], ["moss", "small", 2], ["moss", "plant", 1], ["elm", "plant", 1],
            ["beagle", "dog", 1], ["beagle", "animal", 1]]}}"#,
        false,
        false,
    ),
    (r#"{"conditional_sigmoid": {"class_weight": [1, 2, 3, 4, 5, 6, 7]}}"#, false, false),
    (r#"{"conditional_sigmoid": {"weights": {"levels": [1, 0.5]}}}"#, false, false),
    (r#"{"binary_cross_entropy": {}}"#, false, true),
    (r#"{"binary_cross_entropy": {"gamma": 2, "pos_weight": 3, "incomplete": true}}"#, false, true),
    (r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#, false, true),
    (
        r#"{"binary_cross_entropy": {"form": "noisy_or", "gamma": 1.5, "weights": "leaves", "incomplete": true}}"#,
        false,
        true,
    ),
    (r#"{"binary_cross_entropy": {"form": "max", "gamma": 1, "pos_weight": 2}}"#, false, true),
    (
        r#"{"binary_cross_entropy": {"form": "weighted", "normalize": true, "gamma": 1, "pos_weight": 2,
            "map": [["poodle", "dog", 1], ["poodle", "small", 2], ["cat", "small", 1], ["red oak", "plant", 1],
            ["dog", "dog", 3], ["dog", "animal", 1], ["moss", "small", 2], ["moss", "plant", 1]]}}"#,
        false,
        false,
    ),
    (r#"{"tree_min": {}}"#, false, true),
    (r#"{"tree_min": {"gamma": 2, "weights": {"levels": [1, 0.5]}}}"#, false, true),
    (r#"{"descendant_softmax": {}}"#, false, false),
    (r#"{"descendant_softmax": {"class_weight": [1, 2, 3, 4, 5, 6, 7]}}"#, false, false),
    (r#"{"softmax_margin": {"tau": 0.4}}"#, false, false),
    (r#"{"softmax_margin": {"tau": 1.3, "hard": true}}"#, false, false),
    (r#"{"random_cut": {"p": 0.5, "seed": 1}}"#, false, false),
    (r#"{"random_cut": {"p": 0.5, "seed": 2}}"#, false, false),
    (r#"{"random_cut": {"p": 0}}"#, false, false),
];

fn soft(classes: usize) -> Label {
    let weights: Vec<f64> = (0..classes).map(|class| (class % 3) as f64).collect();
    let total: f64 = weights.iter().sum();
    Label::Soft(weights.iter().map(|weight| weight / total).collect())
}

fn check(loss: &str, hierarchy: &Hierarchy, labels: &[Label]) {
    let criterion = loss.parse::<Loss>().unwrap().compile(hierarchy).unwrap();
    for scale in [1.0, 6.0] {
        let z: Vec<f64> = (0..criterion.columns())
            .map(|k| scale * (((k * 7 + 3) % 11) as f64 / 5.0 - 1.1 + k as f64 / 77.0))
            .collect();
        for label in labels {
            let label = std::slice::from_ref(label);
            let value = |z: &[f64]| {
                let mut loss = [0.0];
                criterion.forward(z, label, &mut loss).unwrap();
                loss[0]
            };
            let (mut of_row, mut grad) = ([0.0], vec![0.0; z.len()]);
            criterion.forward_backward(&z, label, &mut of_row, &mut grad).unwrap();
            assert_eq!(of_row[0], value(&z));
            if !criterion.sums_over_ancestors() {
                let terms = criterion.terms(&label[0]).unwrap();
                let sum: f64 = terms.iter().map(|term| term.value(hierarchy, &z, criterion.gamma())).sum();
                assert!((sum - of_row[0]).abs() <= 1e-12 * (1.0 + sum), "{loss} {label:?}: {sum} {of_row:?}");
            }
            for k in 0..z.len() {
                let at = |h: f64| {
                    let mut z = z.clone();
                    z[k] += h;
                    value(&z)
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - grad[k]).abs() < 1e-7, "{loss} {label:?} {k}: {slope} {}", grad[k]);
            }
        }
    }
}

/// Labels of every kind that a loss takes, on [`tree`].
pub(crate) fn labels_on_the_tree(hierarchy: &Hierarchy, loss: &str, takes_unions: bool) -> Vec<Label> {
    let mut labels: Vec<Label> = SINGLE.iter().map(|label| hierarchy.parse_label(label).unwrap()).collect();
    if ["conditional_sigmoid", "binary", "tree_min"].iter().any(|name| loss.contains(name)) {
        for label in [";", "poodle;moss", "dog;plant", "animal;red oak;cat", "=dog;beagle"] {
            labels.push(hierarchy.parse_label(label).unwrap());
        }
        let [dog, cat, oak] = ["dog", "cat", "oak"].map(|name| hierarchy.node(name).unwrap());
        labels.push(Label::Set { positive: vec![dog, oak], masked: vec![cat, oak] });
    }
    if loss.contains("weighted_") {
        labels = vec![Label::Class(0), Label::Class(4), Label::Class(3)];
        if loss.contains("map") {
            labels.extend([Label::Superclass(0), Label::Superclass(1), hierarchy.parse_label("animal").unwrap()]);
        }
    }
    if loss.contains("random_cut") {
        labels.retain(|label| match label {
            Label::Node(node) => hierarchy.children(*node).is_empty(),
            _ => true,
        });
    }
    if takes_unions {
        for label in ["poodle|moss", "poodle|beagle", "dog|cat", "red oak|elm", "=dog|beagle|red oak"] {
            labels.push(hierarchy.parse_label(label).unwrap());
        }
    }
    if !loss.contains("soft_labels") {
        labels.push(soft(hierarchy.class_count()));
    }
    labels
}

#[test]
fn terms_and_gradients_on_a_tree() {
    let hierarchy = tree();
    for (loss, takes_unions, _) in LOSSES {
        let labels = labels_on_the_tree(&hierarchy, loss, takes_unions);
        check(loss, &hierarchy, &labels);
    }
}

#[test]
fn terms_and_gradients_on_a_dag() {
    let hierarchy = dag();
    for (loss, takes_unions, _) in LOSSES.iter().filter(|(_, _, on_dags)| *on_dags) {
        let mut labels: Vec<Label> = ["dog", "wolf", "pet", "animal", "stone"]
            .iter()
            .map(|label| hierarchy.parse_label(label).unwrap())
            .collect();
        if loss.contains("weighted_") {
            labels.retain(|label| match label {
                Label::Node(node) => hierarchy.children(*node).is_empty(),
                _ => true,
            });
        }
        if *takes_unions {
            labels.push(hierarchy.parse_label("pet|lion").unwrap());
        }
        check(loss, &hierarchy, &labels);
    }
}

/// A soft label that sums to 1 within the 1e-6 that are allowed is divided by its sum, by the loss and by its terms.
#[test]
fn soft_labels_are_divided_by_their_sum() {
    let hierarchy = tree();
    let label = Label::Soft(vec![0.5, 0.25, 0.25 + 8e-7, 0.0, 0.0, 0.0, 0.0]);
    for loss in ["marginal_cross_entropy", "hierarchical_cross_entropy", "sibling_softmax"] {
        let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let z: Vec<f64> = (0..criterion.columns()).map(|k| k as f64 / 4.0).collect();
        let mut of_row = [0.0];
        criterion.forward(&z, std::slice::from_ref(&label), &mut of_row).unwrap();
        let terms = criterion.terms(&label).unwrap();
        let sum: f64 = terms.iter().map(|term| term.value(&hierarchy, &z, criterion.gamma())).sum();
        assert!((sum - of_row[0]).abs() <= 1e-13 * sum, "{loss}: {sum} {of_row:?}");
    }
}

/// A union whose parts are all of their parent's children is certain given the parent, and nothing cancels near that.
#[test]
fn unions_keep_their_digits_near_certainty() {
    let hierarchy = Hierarchy::from_edges([("a", "x"), ("a", "y"), ("b", "z"), ("b", "w")]).unwrap();
    let criterion = "sibling_softmax".parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
    // x, a, y, z, b, w
    let z = [0.0, 60.0, -70.0, -70.0, 0.0, 0.0];
    let label = [hierarchy.parse_label("x|z").unwrap()];
    let (mut loss, mut grad) = ([0.0], [0.0; 6]);
    criterion.forward_backward(&z, &label, &mut loss, &mut grad).unwrap();
    // 1 - P = P(a) P(y | a) + P(b) P(w | b), to first order in each small number
    let rest = (-60f64).exp() + (-70f64).exp();
    assert!((loss[0] / rest - 1.0).abs() < 1e-12, "{} {rest}", loss[0]);
    assert!((grad[2] / (-70f64).exp() - 1.0).abs() < 1e-12, "{grad:?}");
    assert!((grad[4] / (-60f64).exp() - 1.0).abs() < 1e-12, "{grad:?}");
}

/// A union all of whose nodes are masked costs infinity, also where its common ancestor is masked.
#[test]
fn masked_unions() {
    let hierarchy = tree();
    let criterion = "sibling_softmax".parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
    for (masked, union) in [(["poodle", "beagle"], "poodle|beagle"), (["oak", "elm"], "red oak|elm")] {
        let mut z = vec![0.0; criterion.columns()];
        for (column, node) in hierarchy.node_columns().iter().enumerate() {
            if masked.contains(&hierarchy.name(*node)) {
                z[column] = f64::NEG_INFINITY;
            }
        }
        let (mut loss, mut grad) = ([0.0], vec![1.0; z.len()]);
        criterion.forward_backward(&z, &[hierarchy.parse_label(union).unwrap()], &mut loss, &mut grad).unwrap();
        assert_eq!(loss[0], f64::INFINITY, "{union}");
        assert!(grad.iter().all(|&grad| grad == 0.0));
    }
}

/// A part of a union that is masked is left out, and has no gradient.
#[test]
fn half_masked_unions() {
    let hierarchy = Hierarchy::from_edges([("a", "x"), ("a", "y"), ("b", "z"), ("b", "w")]).unwrap();
    let criterion = "sibling_softmax".parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
    let (mut loss, mut grad) = ([0.0], [0.0; 6]); // x, a, y, z, b, w
    let z = [f64::NEG_INFINITY, 0.0, 0.0, 0.0, 0.0, 0.0];
    criterion.forward_backward(&z, &[hierarchy.parse_label("x|z").unwrap()], &mut loss, &mut grad).unwrap();
    assert!((loss[0] - 4f64.ln()).abs() < 1e-15); // P(b) P(z | b)
    for (got, expected) in grad.iter().zip([0.0, 0.5, 0.0, -0.5, -0.5, 0.5]) {
        assert!((got - expected).abs() < 1e-15, "{grad:?}");
    }
}

/// Strong logit adjustment is a shift of the logits by `tau log nu`, also where `nu^tau` is no number.
#[test]
fn logit_adjustment_does_not_overflow() {
    let hierarchy = Hierarchy::from_edges([("top", "a"), ("top", "b")]).unwrap();
    for tau in [60.0, -60.0] {
        let loss = format!(r#"{{"sibling_softmax": {{"tau": {tau}, "frequencies": [["a", 1], ["b", 1e7]]}}}}"#);
        let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let mut losses = [0.0; 2];
        criterion.forward(&[0.0; 4], &[Label::Class(0), Label::Class(1)], &mut losses).unwrap();
        let difference = tau * 1e7f64.ln(); // of the logits of b and a
        let expected = [difference.max(0.0), (-difference).max(0.0)];
        assert!(losses.iter().zip(expected).all(|(loss, expected)| (loss - expected).abs() < 1e-10), "{losses:?}");
    }
}

/// A row all of whose classes are masked is impossible for a softmax over the classes, whatever the label; in the other
/// losses each term speaks for itself.
#[test]
fn masked_rows_are_impossible_for_class_softmaxes() {
    let hierarchy = Hierarchy::from_edges([("a", "x"), ("a", "y"), ("b", "z"), ("b", "w")]).unwrap();
    let label = [hierarchy.parse_label("a").unwrap()];
    for (loss, is_impossible) in [
        ("marginal_cross_entropy", true),
        ("hierarchical_cross_entropy", true),
        ("soft_labels", true),
        ("parameter_sharing_softmax", true),
        ("sibling_softmax", false),
        ("levelwise_softmax", false),
        ("descendant_softmax", false),
        ("softmax_margin", false),
    ] {
        let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let mut z = vec![f64::NEG_INFINITY; criterion.columns()];
        if criterion.has_node_columns() {
            (z[1], z[4]) = (0.0, 0.0); // a and b, all of whose classes are masked
        }
        let (mut loss_of_row, mut grad) = ([0.0], vec![1.0; z.len()]);
        criterion.forward_backward(&z, &label, &mut loss_of_row, &mut grad).unwrap();
        assert_eq!(loss_of_row[0] == f64::INFINITY, is_impossible, "{loss}: {loss_of_row:?}");
    }
    let nothing_asked = r#"{"weighted_cross_entropy": {"leaf_weight": 0}}"#.parse::<Loss>().unwrap();
    let mut loss = [0.0];
    let criterion = nothing_asked.compile(&hierarchy).unwrap();
    criterion.forward(&[f64::NEG_INFINITY; 4], &[Label::Class(0)], &mut loss).unwrap();
    assert_eq!(loss[0], f64::INFINITY);
}
