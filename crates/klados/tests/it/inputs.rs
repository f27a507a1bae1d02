//! Losses and batches that do not fit get errors that say what was expected.

use klados::loss::{
    HierarchicalCrossEntropy, HxeWeighting, MarginalCrossEntropy, SoftLabels, WeightedCrossEntropy, Weights,
};
use klados::{Criterion, CriterionErrorKind, Hierarchy, InputErrorKind, Label, Loss};

fn tree() -> Hierarchy {
    Hierarchy::from_edges([("mammal", "bat"), ("mammal", "bear"), ("bird", "crow")]).unwrap()
}

fn dag() -> Hierarchy {
    Hierarchy::from_edges([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("c", "e")]).unwrap()
}

fn error(criterion: &Criterion, logits: usize, label: Label) -> (InputErrorKind, String) {
    let (mut loss, mut grad) = ([7f32], vec![7f32; logits]);
    let error = criterion.forward_backward(&vec![0.0; logits], &[label], &mut loss, &mut grad).unwrap_err();
    assert!(loss == [7.0] && grad.iter().all(|&g| g == 7.0), "something was written");
    (error.kind(), error.to_string())
}

#[test]
fn batches() {
    let hierarchy = tree();
    let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
    assert_eq!(
        error(&criterion, 4, Label::Class(0)),
        (InputErrorKind::Shape, "the logits have 4 elements, expected 3 (1 labels times 3 classes)".into())
    );
    assert_eq!(
        error(&criterion, 3, Label::Class(3)),
        (InputErrorKind::OutOfRange, "row 0: class 3 is outside of 0..3".into())
    );
    let other = Hierarchy::from_edges((0..9).map(|k| ("hub", format!("n{k}")))).unwrap();
    let (kind, _) = error(&criterion, 3, Label::Node(other.node("n8").unwrap()));
    assert_eq!(kind, InputErrorKind::OutOfRange);
    assert_eq!(error(&criterion, 3, Label::Union(vec![])).0, InputErrorKind::LabelForm);
    assert_eq!(error(&criterion, 3, Label::Soft(vec![0.5, 0.5])).0, InputErrorKind::Shape);
    assert_eq!(
        error(&criterion, 3, Label::Soft(vec![0.5, 0.5, 0.5])),
        (InputErrorKind::NotADistribution, "row 0: the soft label sums to 1.5, expected 1 within 1e-6".into())
    );
    let (_, message) = error(&criterion, 3, Label::Soft(vec![1.5, -0.5, 0.0]));
    assert_eq!(message, "row 0: the soft label gives \"bat\" (class 0) 1.5, expected a probability");
    assert_eq!(error(&criterion, 3, Label::Soft(vec![f64::NAN, 0.5, 0.5])).0, InputErrorKind::NotADistribution);
    let soft_labels = SoftLabels::new().compile(&hierarchy).unwrap();
    let union = hierarchy.parse_label("bat|crow").unwrap();
    assert!(error(&soft_labels, 3, union).1.contains("it has no meaning for a union"));
    assert!(error(&soft_labels, 3, Label::Soft(vec![0.5, 0.5, 0.0])).1.contains("for a distribution"));
}

#[test]
fn parameters() {
    let kind = |loss: Result<Criterion, klados::CriterionError>| loss.unwrap_err().kind();
    let hierarchy = tree();
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            kind(MarginalCrossEntropy::new().gamma(value).compile(&hierarchy)),
            CriterionErrorKind::InvalidParameter
        );
        assert_eq!(
            kind(HierarchicalCrossEntropy::new().alpha(value).compile(&hierarchy)),
            CriterionErrorKind::InvalidParameter
        );
        assert_eq!(kind(SoftLabels::new().beta(value).compile(&hierarchy)), CriterionErrorKind::InvalidParameter);
        let weights = Weights::depths([1.0, value]);
        assert_eq!(
            kind(MarginalCrossEntropy::new().weights(weights).compile(&hierarchy)),
            CriterionErrorKind::InvalidParameter
        );
    }
    assert!(MarginalCrossEntropy::new().label_smoothing(1.1).compile(&hierarchy).is_err());
    let short = MarginalCrossEntropy::new().class_weight(vec![1.0, 2.0]).compile(&hierarchy).unwrap_err();
    assert_eq!(short.to_string(), "class_weight has 2 entries, expected 3 (classes)");
    let negative = MarginalCrossEntropy::new().class_weight(vec![1.0, -2.0, 1.0]).compile(&hierarchy).unwrap_err();
    assert!(negative.to_string().contains("\"bear\""));
    let ranks = Weights::ranks([("genus", 1.0)]);
    assert_eq!(kind(MarginalCrossEntropy::new().weights(ranks).compile(&hierarchy)), CriterionErrorKind::Mismatch);
}

#[test]
fn trees_only() {
    let kind = |loss: Result<Criterion, klados::CriterionError>| loss.unwrap_err().kind();
    for weights in [Weights::Balanced, Weights::Lazy, Weights::Greedy, Weights::Power { q: 2.0, total: 1.0 }] {
        assert_eq!(kind(MarginalCrossEntropy::new().weights(weights).compile(&dag())), CriterionErrorKind::NotATree);
    }
    assert_eq!(kind(HierarchicalCrossEntropy::new().compile(&dag())), CriterionErrorKind::NotATree);
    let trees = [
        "hierarchical_cross_entropy",
        "levelwise_softmax",
        "sibling_softmax",
        "conditional_sigmoid",
        "descendant_softmax",
        "softmax_margin",
        "random_cut",
    ];
    for name in Loss::NAMES {
        let compiled = name.parse::<Loss>().unwrap().compile(&dag());
        match trees.contains(name) {
            true => {
                let error = compiled.unwrap_err();
                assert_eq!(error.kind(), CriterionErrorKind::NotATree);
                assert!(error.to_string().starts_with(&format!("{name} is defined on trees")), "{error}");
            }
            false => assert!(compiled.is_ok(), "{name}"),
        }
    }
}

#[test]
fn labels_without_a_meaning_are_refused() {
    let hierarchy = tree();
    let [union, set, mammal] = ["bat|crow", "bat;crow", "mammal"].map(|label| hierarchy.parse_label(label).unwrap());
    let sigmoids = ["conditional_sigmoid", "binary_cross_entropy", "tree_min"];
    let unions =
        ["marginal_cross_entropy", "hierarchical_cross_entropy", "sibling_softmax", "parameter_sharing_softmax"];
    for name in Loss::NAMES {
        let criterion = name.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        assert_eq!(criterion.check_label(&union).is_ok(), unions.contains(name), "{name}");
        assert_eq!(criterion.check_label(&set).is_ok(), sigmoids.contains(name), "{name}");
        let takes_nodes = !["weighted_cross_entropy", "random_cut"].contains(name);
        assert_eq!(criterion.check_label(&mammal).is_ok(), takes_nodes, "{name}");
        assert!(criterion.check_label(&Label::Superclass(0)).is_err(), "{name}");
        if let Err(error) = criterion.check_label(&set) {
            assert!(error.to_string().contains(name) && error.to_string().contains("multi-label"), "{error}");
        }
    }
}

#[test]
fn a_union_that_leaves_one_node_is_that_node() {
    let hierarchy = tree();
    let [mammal, bat] = ["mammal", "bat"].map(|name| hierarchy.node(name).unwrap());
    for name in Loss::NAMES {
        let criterion = name.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let logits: Vec<f64> = (0..criterion.columns()).map(|column| column as f64 / 4.0 - 1.0).collect();
        for (union, node) in [(vec![mammal, bat], mammal), (vec![bat, bat], bat)] {
            let (union, node) = (Label::Union(union), Label::Node(node));
            let evaluate = |label: &Label| {
                let (labels, mut losses, mut grad) = ([label.clone()], [0.0], vec![0.0; logits.len()]);
                criterion.forward_backward(&logits, &labels, &mut losses, &mut grad).ok()?;
                Some((losses, grad, criterion.normalizer(&labels).unwrap(), criterion.terms(label).unwrap()))
            };
            assert_eq!(evaluate(&union), evaluate(&node), "{name}");
        }
    }
}

#[test]
fn a_superclass_has_the_class_weight_of_its_classes_in_the_map() {
    let hierarchy = tree();
    let [bat, crow] = ["bat", "crow"].map(|name| hierarchy.class(name).unwrap());
    let mut weight = vec![1.0; hierarchy.class_count()];
    (weight[bat], weight[crow]) = (2.0, 6.0);
    // The map has every class in "mammal", the hierarchy has not.
    let map: Vec<_> = hierarchy.class_names().map(|class| (class.to_owned(), "mammal", 1.0)).collect();
    let mean = weight.iter().sum::<f64>() / weight.len() as f64;
    let criterion = WeightedCrossEntropy::new().map(map).class_weight(weight).compile(&hierarchy).unwrap();
    let label = Label::Node(hierarchy.node("mammal").unwrap());
    assert_eq!(criterion.normalizer(&[label]).unwrap(), mean);
}

#[test]
fn options_without_a_meaning_are_refused() {
    let hierarchy = tree();
    let message = |loss: &str| loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap_err().to_string();
    for (loss, says) in [
        (r#"{"binary_cross_entropy": {"map": [["bat", "flies", 1]]}}"#, "for the form \"weighted\""),
        (r#"{"binary_cross_entropy": {"weights": "balanced"}}"#, "divide a total over a path"),
        (r#"{"binary_cross_entropy": {"form": "weighted", "weights": "leaves"}}"#, "have weight 1 each"),
        (r#"{"binary_cross_entropy": {"pos_weight": [1, 2]}}"#, "has 2 entries, expected 5 (nodes but the root)"),
        (r#"{"binary_cross_entropy": {"form": "weighted", "map": [["bat", "flies", 0.5]]}}"#, "flies (0.5)"),
        (r#"{"weighted_cross_entropy": {"map": [["bat", "flies", 1]]}}"#, "bear (0)"),
        (r#"{"weighted_cross_entropy": {"map": [["bta", "flies", 1]]}}"#, "the nearest names are \"bat\""),
        (r#"{"weighted_cross_entropy": {"map": [["bat", "flies", -1]]}}"#, "is -1, expected a number from 0 up"),
        (r#"{"weighted_cross_entropy": {"map": [["bat", "a", 1], ["bat", "a", 1]]}}"#, "is there twice"),
        (
            r#"{"weighted_cross_entropy": {"map": [["bat", "a", 1], ["bear", "a", 1], ["crow", "a", 1], ["bat", "b", 0]]}}"#,
            "superclasses without a weight above 0: \"b\"",
        ),
        (r#"{"weighted_cross_entropy": {"map": "w.csv"}}"#, "has to be read into rows first"),
        (r#"{"sibling_softmax": {"tau": 1}}"#, "frequencies, which are not given"),
        (r#"{"sibling_softmax": {"tau": 1, "frequencies": [["mammal", 2], ["bird", 0], ["bat", 2]]}}"#, "\"bird\""),
        (r#"{"softmax_margin": {"tau": -1}}"#, "tau is -1"),
        (r#"{"random_cut": {"p": 1.5}}"#, "p is 1.5, expected a probability"),
    ] {
        assert!(message(loss).contains(says), "{loss}: {}", message(loss));
    }
    for loss in [
        r#"{"binary_cross_entropy": {"class_weight": [1, 1, 1]}}"#,
        r#"{"descendant_softmax": {"gamma": 1}}"#,
        r#"{"conditional_sigmoid": {"label_smoothing": 0.1}}"#,
        r#"{"random_cut": {"weights": "leaves"}}"#,
    ] {
        assert!(loss.parse::<Loss>().unwrap_err().to_string().contains("unknown field"), "{loss}");
    }
}

#[test]
fn surprises_are_reported() {
    let hierarchy = tree();
    let warnings = |criterion: Criterion| criterion.warnings().join("\n");
    let height = HierarchicalCrossEntropy::new().weighting(HxeWeighting::Height).compile(&hierarchy).unwrap();
    assert!(warnings(height).contains("negative weights"));
    let deep = MarginalCrossEntropy::new().weights(Weights::depths([1.0, 1.0, 1.0])).compile(&hierarchy).unwrap();
    assert!(warnings(deep).contains("the deepest node has depth 2"));
    let zero = MarginalCrossEntropy::new().weights(Weights::depths([0.0])).compile(&hierarchy).unwrap();
    assert!(warnings(zero).contains("the loss is 0 for every input"));
}

#[test]
fn losses_from_text() {
    let both: Loss =
        r#"{"marginal_cross_entropy": {"weights": {"levels": [1, 0]}, "unresolved": "skip"}}"#.parse().unwrap();
    let flat: Loss =
        r#"{"name": "marginal_cross_entropy", "weights": {"levels": [1, 0]}, "unresolved": "skip"}"#.parse().unwrap();
    assert_eq!(both, flat);
    let back: Loss = serde_json::from_str(&serde_json::to_string(&both).unwrap()).unwrap();
    assert_eq!(back, both);
    for text in [
        r#"{"marginal_cross_entropy": {"weights": {"power": {"q": 0.5}}, "class_weight": "balanced"}}"#,
        r#"{"marginal_cross_entropy": {"weights": {"levels": {"species": 1, "genus": 0.5}}, "reduction": "none"}}"#,
        r#"{"hierarchical_cross_entropy": {"weighting": "depth_normalized", "class_weight": [1, 2, 3]}}"#,
        "\"soft_labels\"",
    ] {
        let loss: Loss = text.parse().unwrap();
        assert_eq!(serde_json::from_str::<Loss>(&serde_json::to_string(&loss).unwrap()).unwrap(), loss, "{text}");
    }
    let message = |text: &str| text.parse::<Loss>().unwrap_err().to_string();
    let unknown = message("cross_entropy");
    assert!(
        unknown.starts_with("unknown loss \"cross_entropy\"; the losses are \"marginal_cross_entropy\", "),
        "{unknown}"
    );
    assert!(Loss::NAMES.iter().all(|name| unknown.contains(&format!("\"{name}\""))), "{unknown}");
    assert!(
        message(r#"{"marginal_cross_entropy": {"weight": 1}}"#).contains("expected one of `weights`, `unresolved`")
    );
    assert!(message(r#"{"marginal_cross_entropy": {"weights": "heavy"}}"#).contains("heavy"));
    assert!(message("{not json").contains("not JSON"));
    assert!(message(r#"{"a": {}, "b": {}}"#).contains("2 keys"));
}
