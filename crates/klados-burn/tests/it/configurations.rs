//! Configurations: their defaults are the core's, and they read back as they were written.

use burn::config::Config;
use klados::loss::{HxeWeighting, NodeSigmoid, PosWeight, Weights};
use klados::{Hierarchy, Loss};
use klados_burn::*;

use crate::taxonomy::tree;

/// The name of the loss that a configuration's defaults make, which has to be the core's loss of that name.
macro_rules! defaults {
    ($hierarchy:expr; $($config:ident,)*) => {
        [$({
            let written = $config::new().to_string();
            let read = $config::load_binary(written.as_bytes()).unwrap();
            assert_eq!(read.to_string(), written);
            let loss = read.init($hierarchy).unwrap().criterion().loss().clone();
            assert_eq!(loss, loss.name().parse::<Loss>().unwrap());
            loss.name()
        },)*]
    };
}

#[test]
fn every_loss_has_a_configuration_with_the_defaults_of_the_core() {
    let mut names = defaults![
        &tree(6);
        BinaryCrossEntropyLossConfig,
        ConditionalSigmoidLossConfig,
        DescendantSoftmaxLossConfig,
        HierarchicalCrossEntropyLossConfig,
        LevelwiseSoftmaxLossConfig,
        MarginalCrossEntropyLossConfig,
        ParameterSharingSoftmaxLossConfig,
        RandomCutLossConfig,
        SiblingSoftmaxLossConfig,
        SoftLabelsLossConfig,
        SoftmaxMarginLossConfig,
        TreeMinLossConfig,
        WeightedCrossEntropyLossConfig,
    ];
    let mut known = Loss::NAMES.to_vec();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names[..], known[..]);
}

/// That a configuration makes the loss that is written so.
fn makes(loss: &Loss, written: &str) {
    assert_eq!(*loss, written.parse::<Loss>().unwrap());
}

#[test]
fn every_parameter_reaches_the_loss() {
    let hierarchy: &Hierarchy = &tree(6);
    let map = vec![("class0".to_owned(), "red".to_owned(), 2.0), ("class1".to_owned(), "red".to_owned(), 2.0)];
    let rows = r#"[["class0", "red", 2], ["class1", "red", 2]]"#;
    let config = BinaryCrossEntropyLossConfig::new()
        .with_form(NodeSigmoid::Weighted)
        .with_gamma(2.0)
        .with_pos_weight(Some(PosWeight::All(3.0)))
        .with_incomplete(true)
        .with_map(Some(map))
        .with_normalize(true);
    let config = BinaryCrossEntropyLossConfig::load_binary(config.to_string().as_bytes()).unwrap();
    makes(
        config.init(hierarchy).unwrap().criterion().loss(),
        &format!(
            r#"{{"binary_cross_entropy": {{"form": "weighted", "gamma": 2, "pos_weight": 3, "incomplete": true,
                "map": {rows}, "normalize": true}}}}"#
        ),
    );

    let map = (0..6).map(|class| (format!("class{class}"), "red".to_owned(), 2.0)).collect();
    let config = WeightedCrossEntropyLossConfig::new()
        .with_map(map)
        .with_normalize(true)
        .with_leaf_weight(0.5)
        .with_superclass_weight(2.0)
        .with_label_smoothing(0.1)
        .with_gamma(1.0);
    let rows: Vec<_> = (0..6).map(|class| format!(r#"["class{class}", "red", 2]"#)).collect();
    makes(
        config.init(hierarchy).unwrap().criterion().loss(),
        &format!(
            r#"{{"weighted_cross_entropy": {{"map": [{}], "normalize": true, "leaf_weight": 0.5,
                "superclass_weight": 2, "label_smoothing": 0.1, "gamma": 1}}}}"#,
            rows.join(", ")
        ),
    );

    let counts = hierarchy.nodes().map(|node| (hierarchy.name(node).to_owned(), 7.0)).skip(1).collect();
    let config = SiblingSoftmaxLossConfig::new()
        .with_alpha(0.5)
        .with_weighting(HxeWeighting::Height)
        .with_tau(0.5)
        .with_frequencies(Some(counts))
        .with_label_smoothing(0.1)
        .with_gamma(1.0)
        .with_class_weight(Some(vec![2.0; 6]));
    let counts: Vec<_> = hierarchy.nodes().skip(1).map(|node| format!(r#"["{}", 7]"#, hierarchy.name(node))).collect();
    makes(
        config.init(hierarchy).unwrap().criterion().loss(),
        &format!(
            r#"{{"sibling_softmax": {{"alpha": 0.5, "weighting": "height", "tau": 0.5, "frequencies": [{}],
                "label_smoothing": 0.1, "gamma": 1, "class_weight": [2, 2, 2, 2, 2, 2]}}}}"#,
            counts.join(", ")
        ),
    );

    let margin = SoftmaxMarginLossConfig::new().with_tau(0.5).with_hard(true).with_class_weight(Some(vec![1.0; 6]));
    makes(
        margin.init(hierarchy).unwrap().criterion().loss(),
        r#"{"softmax_margin": {"tau": 0.5, "hard": true, "class_weight": [1, 1, 1, 1, 1, 1]}}"#,
    );
    let cut = RandomCutLossConfig::new().with_p(0.5).with_seed(3);
    makes(cut.init(hierarchy).unwrap().criterion().loss(), r#"{"random_cut": {"p": 0.5, "seed": 3}}"#);
    let weighted = r#"{"weights": "balanced", "label_smoothing": 0.1, "gamma": 1}"#;
    let levelwise = LevelwiseSoftmaxLossConfig::new().with_weights(Weights::Balanced);
    let levelwise = levelwise.with_label_smoothing(0.1).with_gamma(1.0).init(hierarchy).unwrap();
    makes(levelwise.criterion().loss(), &format!(r#"{{"levelwise_softmax": {weighted}}}"#));
    let sharing = ParameterSharingSoftmaxLossConfig::new().with_weights(Weights::Balanced);
    let sharing = sharing.with_label_smoothing(0.1).with_gamma(1.0).init(hierarchy).unwrap();
    makes(sharing.criterion().loss(), &format!(r#"{{"parameter_sharing_softmax": {weighted}}}"#));
    let tree_min = TreeMinLossConfig::new().with_weights(Weights::Leaves).with_gamma(1.0);
    makes(tree_min.init(hierarchy).unwrap().criterion().loss(), r#"{"tree_min": {"weights": "leaves", "gamma": 1}}"#);
    let conditional = ConditionalSigmoidLossConfig::new().with_weights(Weights::Leaves);
    makes(conditional.init(hierarchy).unwrap().criterion().loss(), r#"{"conditional_sigmoid": {"weights": "leaves"}}"#);
    let descendant = DescendantSoftmaxLossConfig::new().with_class_weight(Some(vec![1.0; 6]));
    makes(
        descendant.init(hierarchy).unwrap().criterion().loss(),
        r#"{"descendant_softmax": {"class_weight": [1, 1, 1, 1, 1, 1]}}"#,
    );
}
