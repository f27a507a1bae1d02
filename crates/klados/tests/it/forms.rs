//! Node log-probabilities of every form: probabilities that add up as they must, and gradients of central differences.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use klados::{Hierarchy, Label, Loss, NodeForm, NodeId, NodeLogProbs};

use crate::terms::{dag, tree};

/// The forms and whether they are for trees alone.
fn forms() -> Vec<(NodeForm, bool)> {
    vec![
        (NodeForm::ClassSoftmax, false),
        (NodeForm::ParameterSharingSoftmax, false),
        (NodeForm::SiblingSoftmax, true),
        (NodeForm::IndependentSigmoid, false),
        (NodeForm::ConditionalSigmoid, true),
        (NodeForm::DescendantSoftmax, true),
        (NodeForm::NoisyOr, false),
        (NodeForm::Max, false),
        (NodeForm::Min, false),
        (NodeForm::NodeSoftmax, true),
    ]
}

/// The weighted forms on [`dag`], with fractional weights.
fn weighted() -> [NodeForm; 2] {
    let map = [
        ("dog", "loyal", 3.0),
        ("dog", "furry", 1.0),
        ("wolf", "furry", 2.0),
        ("cat", "furry", 1.0),
        ("lion", "big", 1.0),
    ];
    let mut map = map.map(|(class, superclass, weight)| (class.to_owned(), superclass.to_owned(), weight)).to_vec();
    map.push(("stone".to_owned(), "hard".to_owned(), 5.0));
    [
        NodeForm::WeightedClassSoftmax { map: map.clone(), normalize: true },
        NodeForm::WeightedSigmoid { map, normalize: true },
    ]
}

#[test]
fn weighted_forms_are_of_superclasses() {
    let hierarchy = dag();
    for form in weighted() {
        let operation = NodeLogProbs::of_form(&form, &hierarchy).unwrap();
        assert_eq!(operation.superclasses(), ["loyal", "furry", "big", "hard"]);
        assert_eq!((operation.width(), operation.nodes().len()), (4, 0));
        for scale in [1.0, 4.0] {
            check_gradient(&operation, &logits(operation.columns(), scale), &format!("{form:?}"));
        }
    }
    let mut log_p = [0.0; 4];
    NodeLogProbs::of_form(&weighted()[0], &hierarchy).unwrap().forward(&logits(5, 1.0), &mut log_p).unwrap();
    assert!((log_p.iter().map(|log_p| log_p.exp()).sum::<f64>() - 1.0).abs() < 1e-14);
}

fn logits(columns: usize, scale: f64) -> Vec<f64> {
    (0..columns).map(|k| scale * (((k * 7 + 3) % 11) as f64 / 5.0 - 1.1 + k as f64 / 77.0)).collect()
}

fn check_gradient(operation: &NodeLogProbs, z: &[f64], what: &str) {
    let upstream: Vec<f64> = (0..operation.width()).map(|v| ((v * 5) % 7) as f64 - 3.0).collect();
    let value = |z: &[f64]| {
        let mut log_p = vec![0.0; upstream.len()];
        operation.forward(z, &mut log_p).unwrap();
        log_p.iter().zip(&upstream).map(|(log_p, up)| log_p * up).sum::<f64>()
    };
    let mut grad = vec![0.0; z.len()];
    operation.backward(z, &upstream, &mut grad).unwrap();
    for k in 0..z.len() {
        let at = |h: f64| {
            let mut z = z.to_vec();
            z[k] += h;
            value(&z)
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((slope - grad[k]).abs() < 1e-6, "{what} {k}: {slope} {}", grad[k]);
    }
}

#[test]
fn gradients_are_those_of_central_differences() {
    for (form, is_for_trees) in forms() {
        for hierarchy in [tree(), dag()] {
            if !hierarchy.is_tree() && is_for_trees {
                let error = NodeLogProbs::of_form(&form, &hierarchy).unwrap_err();
                assert!(error.to_string().contains("defined on trees"), "{error}");
                continue;
            }
            let operation = NodeLogProbs::of_form(&form, &hierarchy).unwrap();
            for scale in [1.0, 4.0] {
                check_gradient(&operation, &logits(operation.columns(), scale), &format!("{form:?}"));
            }
            let some = operation
                .clone()
                .for_nodes(vec![NodeId::ROOT, hierarchy.class_node(1), hierarchy.class_node(0)])
                .unwrap();
            check_gradient(&some, &logits(operation.columns(), 1.0), &format!("{form:?}"));
        }
    }
}

fn probabilities(form: &NodeForm, hierarchy: &Hierarchy, z: &[f64]) -> Vec<f64> {
    let mut log_p = vec![0.0; hierarchy.node_count()];
    NodeLogProbs::of_form(form, hierarchy).unwrap().forward(z, &mut log_p).unwrap();
    log_p.into_iter().map(f64::exp).collect()
}

#[test]
fn softmaxes_add_up_and_sigmoids_are_consistent_where_they_say_so() {
    let hierarchy = tree();
    for form in [NodeForm::ClassSoftmax, NodeForm::ParameterSharingSoftmax, NodeForm::SiblingSoftmax] {
        let columns = if form.has_node_columns() { hierarchy.node_count() - 1 } else { hierarchy.class_count() };
        let p = probabilities(&form, &hierarchy, &logits(columns, 2.0));
        for node in hierarchy.nodes().filter(|node| !hierarchy.children(*node).is_empty()) {
            let below: f64 = hierarchy.children(node).iter().map(|child| p[child.index()]).sum();
            assert!((below - p[node.index()]).abs() < 1e-14, "{form:?}");
        }
    }
    let p = probabilities(&NodeForm::ConditionalSigmoid, &hierarchy, &logits(hierarchy.node_count() - 1, 2.0));
    for node in hierarchy.nodes().skip(1) {
        assert!(p[node.index()] <= p[hierarchy.parents(node)[0].index()]);
    }
}

#[test]
fn a_descendant_softmax_is_the_share_of_a_subtree() {
    let hierarchy = tree();
    let z = logits(hierarchy.node_count() - 1, 2.0);
    let p = probabilities(&NodeForm::DescendantSoftmax, &hierarchy, &z);
    let columns = hierarchy.node_columns();
    let share = |below: &dyn Fn(NodeId) -> bool| -> f64 {
        columns.iter().zip(&z).filter(|(node, _)| below(**node)).map(|(_, z)| z.exp()).sum()
    };
    for node in hierarchy.nodes().skip(1) {
        let by_hand = share(&|at| hierarchy.is_at_or_above(node, at)) / share(&|_| true);
        assert!((p[node.index()] - by_hand).abs() < 1e-14);
    }
}

/// What tree-min and soft-max-margin ask of a label is `-log P` of how their models are read.
#[test]
fn a_trained_model_is_read_by_what_its_loss_asks() {
    let hierarchy = tree();
    let z = logits(hierarchy.node_count() - 1, 2.0);
    let read = |loss: &str| {
        let loss: Loss = loss.parse().unwrap();
        let p = probabilities(&NodeForm::of_loss(&loss).unwrap(), &hierarchy, &z);
        (loss.compile(&hierarchy).unwrap(), p)
    };
    let class = hierarchy.class_node(0);
    let (_, p) = read("tree_min");
    for node in hierarchy.nodes().skip(1) {
        assert!(p[node.index()] <= p[hierarchy.parents(node)[0].index()]);
    }
    let above = hierarchy.lineage(class).into_iter().filter(|node| *node != NodeId::ROOT);
    let score = |node: NodeId| z[hierarchy.node_columns().iter().position(|at| *at == node).unwrap()];
    let least = above.map(score).fold(f64::INFINITY, f64::min);
    assert!((p[class.index()] - 1.0 / (1.0 + (-least).exp())).abs() < 1e-15);
    // A leaf has nothing below it, so that its probability is that of the label; nothing but the root is the rest.
    let (margin, p) = read(r#"{"softmax_margin": {"tau": 0}}"#);
    let mut losses = [0.0; 2];
    let labels = [Label::Node(class), Label::Node(NodeId::ROOT)];
    margin.forward(&[z.clone(), z.clone()].concat(), &labels, &mut losses).unwrap();
    assert!((p[class.index()] - (-losses[0]).exp()).abs() < 1e-14);
    let below: f64 = hierarchy.children(NodeId::ROOT).iter().map(|child| p[child.index()]).sum();
    assert!((1.0 - below - (-losses[1]).exp()).abs() < 1e-14);
}

#[test]
fn masked_rows_and_bad_rows() {
    let hierarchy = tree();
    for (form, _) in forms() {
        let operation = NodeLogProbs::of_form(&form, &hierarchy).unwrap();
        let (columns, nodes) = (operation.columns(), operation.nodes().len());
        let mut z = logits(3 * columns, 1.0);
        z[0] = f64::NEG_INFINITY; // the first class, or its node
        z[columns + 1] = f64::NAN;
        z[2 * columns..].fill(f64::NEG_INFINITY);
        let mut log_p = vec![0.0; 3 * nodes];
        operation.forward(&z, &mut log_p).unwrap();
        let first = if form.has_node_columns() { hierarchy.node_columns()[0] } else { hierarchy.class_node(0) };
        // In a softmax over the nodes and a maximum the nodes below a masked one are still there.
        let is_masked = !matches!(form, NodeForm::DescendantSoftmax | NodeForm::NodeSoftmax | NodeForm::Max)
            || hierarchy.children(first).is_empty();
        assert_eq!(log_p[first.index()] == f64::NEG_INFINITY, is_masked, "{form:?}");
        assert!(log_p[..nodes].iter().all(|log_p| !log_p.is_nan() && *log_p <= 0.0), "{form:?}");
        assert!(log_p[nodes..2 * nodes].iter().all(|log_p| log_p.is_nan()), "{form:?}");
        assert!(log_p[2 * nodes + 1..].iter().all(|log_p| *log_p == f64::NEG_INFINITY), "{form:?}");
        let mut grad = vec![1.0; 3 * columns];
        operation.backward(&z, &vec![1.0; 3 * nodes], &mut grad).unwrap();
        assert_eq!(grad[0], 0.0, "{form:?}");
        assert!(grad[..columns].iter().all(|grad| grad.is_finite()), "{form:?}");
        assert!(grad[columns..2 * columns].iter().all(|grad| grad.is_nan()), "{form:?}");
        assert!(grad[2 * columns..].iter().all(|grad| *grad == 0.0), "{form:?}");
    }
}

#[test]
fn nothing_asked_is_nothing_done_and_unknown_nodes_are_refused() {
    let hierarchy = tree();
    let operation = NodeLogProbs::new(&hierarchy).for_nodes(Vec::new()).unwrap();
    operation.forward::<f32>(&[0.0; 7], &mut []).unwrap();
    let mut grad = [1f32; 7];
    operation.backward(&[0.0; 7], &[], &mut grad).unwrap();
    assert_eq!(grad, [0.0; 7]);
    let other = dag();
    assert!(other.node_count() < hierarchy.node_count());
    let last = hierarchy.nodes().last().unwrap();
    let error = NodeLogProbs::new(&other).for_nodes(vec![last]).unwrap_err();
    assert!(error.to_string().contains("is outside of"), "{error}");
    let form = NodeForm::WeightedSigmoid { map: Vec::new(), normalize: false };
    NodeLogProbs::of_form(&form, &other).unwrap().forward::<f32>(&[0.0; 5], &mut []).unwrap();
}
