//! Losses and batches that do not fit get errors that say what was expected.

use klados::loss::{HierarchicalCrossEntropy, HxeWeighting, MarginalCrossEntropy, SoftLabels, Weights};
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
    assert!(MarginalCrossEntropy::new().compile(&dag()).is_ok());
    assert!(SoftLabels::new().compile(&dag()).is_ok());
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
