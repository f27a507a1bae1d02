//! What a criterion says of its tables.

use klados::criterion::{Events, Form, UnionLambda};
use klados::loss::{BinaryCrossEntropy, NodeSigmoid, SiblingSoftmax, WeightedCrossEntropy};
use klados::{Criterion, Hierarchy, Label, Loss, TermSet};

fn hierarchy() -> Hierarchy {
    let edges = [("animal", "mammal"), ("mammal", "bat"), ("mammal", "dog"), ("animal", "bird"), ("bird", "crow")];
    Hierarchy::from_edges(edges).unwrap()
}

/// The weights by node of the terms of a class, where the loss has such terms.
fn path_weights(criterion: &Criterion, class: usize) -> Vec<(usize, f64)> {
    let terms = criterion.terms(&Label::Class(class)).unwrap();
    let of_node = |term: klados::Term| match term.of {
        TermSet::Node(node) => (node.index(), term.weight),
        other => panic!("{other:?}"),
    };
    let mut weights: Vec<_> = terms.into_iter().map(of_node).collect();
    weights.sort_unstable_by_key(|(node, _)| *node);
    weights
}

#[test]
fn every_loss_has_a_form_whose_arrays_are_by_node() {
    let hierarchy = hierarchy();
    for name in Loss::NAMES {
        let criterion = name.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let by_node = match criterion.form() {
            Form::Marginal { weights, .. }
            | Form::Conditional { lambda: weights, .. }
            | Form::GroupSoftmax { weights, .. }
            | Form::Bernoulli { weights, .. } => weights.len(),
            Form::RandomCut { place, .. } => place.len(),
            Form::SoftLabels { by_height } => {
                assert_eq!(by_height.len(), hierarchy.height(klados::NodeId::ROOT) + 1);
                continue;
            }
            Form::Margin { by_edges, .. } => {
                assert_eq!(by_edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
                continue;
            }
            Form::WeightedSoftmax { map, .. } => {
                assert!(map.names().is_empty());
                continue;
            }
            Form::DescendantSoftmax => continue,
            other => panic!("{other:?}"),
        };
        assert_eq!(by_node, hierarchy.node_count(), "{name}");
    }
}

#[test]
fn the_weights_of_a_path_are_those_of_its_terms() {
    let hierarchy = hierarchy();
    for loss in ["marginal_cross_entropy", "hierarchical_cross_entropy", "sibling_softmax", "levelwise_softmax"] {
        let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let weights = match criterion.form() {
            Form::Marginal { weights, .. } | Form::Conditional { lambda: weights, .. } => weights,
            Form::GroupSoftmax { weights, .. } => weights,
            other => panic!("{other:?}"),
        };
        for class in 0..hierarchy.class_count() {
            let lineage = hierarchy.lineage(hierarchy.class_node(class));
            let expected: Vec<_> = lineage.iter().map(|node| (node.index(), weights[node.index()])).collect();
            assert_eq!(path_weights(&criterion, class), expected, "{loss}");
        }
    }
}

#[test]
fn the_options_of_a_form_are_there() {
    let hierarchy = hierarchy();
    let loss = SiblingSoftmax::new().alpha(0.5).gamma(2.0).label_smoothing(0.25).class_weight(vec![1.0, 2.0, 0.5]);
    let criterion = loss.compile(&hierarchy).unwrap();
    assert_eq!((criterion.gamma(), criterion.label_smoothing()), (2.0, 0.25));
    assert_eq!(criterion.class_weight(), Some(&[1.0, 2.0, 0.5][..]));
    let Form::GroupSoftmax { group, log_prior: None, union: Some(UnionLambda::Depth(lambda)), .. } = criterion.form()
    else {
        panic!()
    };
    assert_eq!(lambda[1], 1.0);
    let siblings =
        |a: &str, b: &str| group[hierarchy.node(a).unwrap().index()] == group[hierarchy.node(b).unwrap().index()];
    assert!(siblings("bat", "dog") && siblings("mammal", "bird") && !siblings("bat", "crow"));
}

#[test]
fn a_map_is_read_back_with_its_weights() {
    let hierarchy = hierarchy();
    let map = [("bat", "flies", 3.0), ("crow", "flies", 1.0), ("dog", "furry", 2.0), ("bat", "furry", 1.0)];
    let criterion = WeightedCrossEntropy::new().map(map).normalize(true).leaf_weight(0.5).compile(&hierarchy).unwrap();
    let Form::WeightedSoftmax { map: weights, leaf_weight, superclass_weight } = criterion.form() else { panic!() };
    assert_eq!((leaf_weight, superclass_weight), (0.5, 1.0));
    assert_eq!(weights.names(), ["flies", "furry"]);
    assert_eq!(weights.weights().collect::<Vec<_>>(), [(0, 0, 0.75), (0, 1, 0.25), (1, 1, 1.0), (2, 0, 1.0)]);

    let loss = BinaryCrossEntropy::new().form(NodeSigmoid::Weighted).map(map).normalize(true);
    let criterion = loss.compile(&hierarchy).unwrap();
    let Form::Bernoulli { events: Events::Weighted { map }, weights, counts_terms: true, .. } = criterion.form() else {
        panic!()
    };
    assert_eq!(weights.len(), map.names().len() + hierarchy.class_count());
    assert_eq!(map.weights().map(|(class, ..)| class).collect::<Vec<_>>(), [0, 0, 1, 2]);
}
