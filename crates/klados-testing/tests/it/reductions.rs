//! What the losses reduce to, and numbers of them that are easily worked out.

use klados_testing::reference::{NodeForm, node_log_probs};
use klados_testing::strategies::{self, LabelKind, LogitScale};
use klados_testing::{Big, Hierarchy, HierarchySpec, LabelSpec};
use proptest::prelude::*;

use crate::{assert_close, loss, sample};

fn star() -> HierarchySpec {
    let classes = ["a", "b", "c"];
    HierarchySpec::new(&classes.map(|class| (class, "top")), &classes)
}

/// Two groups, in the order of whose columns `a, x, b, c, y` children come before their parents.
fn groups() -> HierarchySpec {
    let edges = [("a", "x"), ("b", "x"), ("c", "y"), ("x", "top"), ("y", "top")];
    HierarchySpec::new(&edges, &["a", "b", "c"])
}

#[track_caller]
fn same(a: &klados_testing::reference::Sample, b: &klados_testing::reference::Sample) {
    if !(a.loss == b.loss) {
        assert_close(a.loss, b.loss, 1e-14);
    }
    assert_eq!(a.grad.len(), b.grad.len());
    for (x, y) in a.grad.iter().zip(&b.grad) {
        assert!((x - y).abs() <= 1e-14 * a.magnitude.max(b.magnitude), "{x:e} is not {y:e}");
    }
}

/// A tree, a row of class logits, a row of node logits, a class.
fn rows() -> impl Strategy<Value = (HierarchySpec, Vec<f64>, Vec<f64>, LabelSpec)> {
    strategies::tree(9, true).prop_flat_map(|spec| {
        let columns = Hierarchy::build(&spec).unwrap().columns().len();
        let label = strategies::label(&spec, &[LabelKind::Class]);
        let classes = strategies::logits(spec.classes.len(), LogitScale::Mixed);
        (Just(spec.clone()), classes, strategies::logits(columns, LogitScale::Mixed), label)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_superclass_a_class_doubles_cross_entropy((spec, classes, _, label) in rows()) {
        let map: Vec<(String, String, f64)> =
            spec.classes.iter().map(|class| (class.clone(), format!("only {class}"), 1.0)).collect();
        let map = serde_json::to_string(&map).unwrap();
        let own = loss(&format!(r#"{{"weighted_cross_entropy": {{"map": {map}}}}}"#));
        let alone = loss(r#"{"weighted_cross_entropy": {"leaf_weight": 2}}"#);
        let twice = loss(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#);
        let (own, flat) = (sample(&own, &spec, &classes, &label), sample(&twice, &spec, &classes, &label));
        if flat.loss > 0.0 {
            assert_close(own.loss, 2.0 * flat.loss, 1e-14);
        }
        same(&own, &sample(&alone, &spec, &classes, &label));
    }

    #[test]
    fn no_cut_is_cross_entropy_over_the_leaves_and_tau_0_over_all_nodes((spec, _, nodes, label) in rows()) {
        let hierarchy = Hierarchy::build(&spec).unwrap();
        let leaves: Vec<usize> =
            (0..spec.classes.len()).map(|k| hierarchy.column(hierarchy.class_node(k))).collect();
        let LabelSpec::Class { class } = label else { unreachable!() };
        let flat = |names: Vec<String>, logits: Vec<f64>, class: usize| {
            let edges = names.iter().map(|name| (name.clone(), "everything".to_string())).collect();
            let spec = HierarchySpec { edges, classes: names, ..HierarchySpec::default() };
            let cross_entropy = loss(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#);
            sample(&cross_entropy, &spec, &logits, &LabelSpec::Class { class })
        };
        let numbered = |count: usize| (0..count).map(|i| format!("column {i}")).collect::<Vec<_>>();

        let cut = sample(&loss(r#"{"random_cut": {"p": 0}}"#), &spec, &nodes, &LabelSpec::Class { class });
        let of_leaves = flat(numbered(leaves.len()), leaves.iter().map(|&column| nodes[column]).collect(), class);
        prop_assert!((cut.loss - of_leaves.loss).abs() <= 1e-14 * of_leaves.loss);
        for (k, &column) in leaves.iter().enumerate() {
            prop_assert!((cut.grad[column] - of_leaves.grad[k]).abs() <= 1e-14 * cut.magnitude);
        }

        let margin = sample(&loss(r#"{"softmax_margin": {"tau": 0}}"#), &spec, &nodes, &LabelSpec::Class { class });
        let with_root = nodes.iter().copied().chain([0.0]).collect();
        let of_nodes = flat(numbered(nodes.len() + 1), with_root, leaves[class]);
        prop_assert!((margin.loss - of_nodes.loss).abs() <= 1e-14 * of_nodes.loss);
        for (a, b) in margin.grad.iter().zip(&of_nodes.grad) {
            prop_assert!((a - b).abs() <= 1e-14 * of_nodes.magnitude);
        }
    }

    #[test]
    fn a_partition_of_zeros_and_ones_is_the_marginal_form(z in strategies::logits(3, LogitScale::Mixed), class in 0..3usize) {
        let map = r#"[["a", "x", 1], ["b", "x", 1], ["c", "y", 1]]"#;
        let weighted = loss(&format!(r#"{{"weighted_cross_entropy": {{"map": {map}, "gamma": 2}}}}"#));
        let marginal = loss(r#"{"marginal_cross_entropy": {"gamma": 2}}"#);
        let label = LabelSpec::Class { class };
        let (weighted, marginal) =
            (sample(&weighted, &groups(), &z, &label), sample(&marginal, &groups(), &z, &label));
        same(&weighted, &marginal);
    }

    #[test]
    fn on_one_level_much_is_the_same(z in strategies::logits(3, LogitScale::Mixed), class in 0..3usize) {
        let label = LabelSpec::Class { class };
        let of = |json: &str| sample(&loss(json), &star(), &z, &label);
        let flat = of(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#);
        for softmax in [
            r#"{"parameter_sharing_softmax": {}}"#,
            r#"{"sibling_softmax": {"alpha": 3}}"#,
            r#"{"levelwise_softmax": {}}"#,
            r#"{"descendant_softmax": {}}"#,
            r#"{"random_cut": {"p": 1}}"#,
        ] {
            same(&of(softmax), &flat);
        }
        let plain = of(r#"{"binary_cross_entropy": {}}"#);
        for sigmoid in [
            r#"{"binary_cross_entropy": {"form": "max"}}"#,
            r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#,
            r#"{"binary_cross_entropy": {"form": "weighted"}}"#,
            r#"{"conditional_sigmoid": {}}"#,
            r#"{"tree_min": {}}"#,
        ] {
            same(&of(sigmoid), &plain);
        }
    }

    /// Only children carry their parent's class: each node of such a chain is the class, at any depth.
    #[test]
    fn a_noisy_or_of_one_class_is_its_sigmoid(z in strategies::logits(2, LogitScale::Mixed)) {
        let spec = HierarchySpec::new(&[("a", "x"), ("b", "y"), ("x", "top"), ("y", "top")], &["a", "b"]);
        let own = sample(&loss(r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#), &spec, &z, &"a".into());
        let flat = HierarchySpec::new(&[("a", "top"), ("b", "top")], &["a", "b"]);
        let plain = sample(&loss(r#"{"binary_cross_entropy": {}}"#), &flat, &z, &"a".into());
        prop_assert!((own.loss - 2.0 * plain.loss).abs() <= 1e-14 * own.loss);
    }

    /// `P` and `1 - P` add up, a parent is what its children are where the form says so, and a loss's term is `-log P`.
    #[test]
    fn node_probabilities_are_probabilities((spec, classes, nodes, _) in rows()) {
        let hierarchy = Hierarchy::build(&spec).unwrap();
        let map: Vec<(String, String, f64)> =
            spec.classes.iter().enumerate().map(|(k, class)| (class.clone(), format!("s{}", k % 2), 2.0)).collect();
        for form in [
            NodeForm::ClassSoftmax,
            NodeForm::WeightedClassSoftmax { map: map.clone(), normalize: true },
            NodeForm::SiblingSoftmax,
            NodeForm::IndependentSigmoid,
            NodeForm::ConditionalSigmoid,
            NodeForm::NoisyOr,
            NodeForm::Max,
            NodeForm::WeightedSigmoid { map: map.clone(), normalize: true },
            NodeForm::ParameterSharingSoftmax,
            NodeForm::DescendantSoftmax,
            NodeForm::Min,
            NodeForm::NodeSoftmax,
        ] {
            let logits = if form.has_node_columns() { &nodes } else { &classes };
            let pairs = node_log_probs::<Big>(&form, &hierarchy, logits).unwrap();
            #[expect(clippy::disallowed_methods, reason = "to look at log-probabilities")]
            let p: Vec<f64> = pairs.iter().map(|(log, _)| log.exp()).collect();
            for (&(_, complement), &p) in pairs.iter().zip(&p) {
                #[expect(clippy::disallowed_methods, reason = "to look at log-probabilities")]
                let sum = p + complement.exp();
                prop_assert!((sum - 1.0).abs() < 1e-12, "{form:?}: {sum}");
            }
            if matches!(form, NodeForm::WeightedClassSoftmax { .. } | NodeForm::WeightedSigmoid { .. }) {
                continue;
            }
            for v in (0..hierarchy.nodes()).filter(|&v| !hierarchy.children(v).is_empty()) {
                let children = hierarchy.children(v);
                let sum: f64 = children.iter().map(|&child| p[child]).sum();
                let largest = children.iter().map(|&child| p[child]).fold(0.0, f64::max);
                match form {
                    NodeForm::ClassSoftmax | NodeForm::SiblingSoftmax | NodeForm::ParameterSharingSoftmax => {
                        prop_assert!((sum - p[v]).abs() < 1e-12, "{form:?}");
                    }
                    NodeForm::IndependentSigmoid => {}
                    NodeForm::DescendantSoftmax | NodeForm::NodeSoftmax => prop_assert!(sum <= p[v] + 1e-12, "{form:?}"),
                    _ => prop_assert!(largest <= p[v] + 1e-12, "{form:?}"),
                }
            }
        }
    }
}

/// About half of the nodes are closed where `p` is a half, and others in another row.
#[test]
fn a_cut_depends_on_the_row() {
    let edges: Vec<(String, String)> = (0..40)
        .flat_map(|g| [(format!("a{g}"), format!("g{g}")), (format!("b{g}"), format!("g{g}"))])
        .chain((0..40).map(|g| (format!("g{g}"), "top".to_string())))
        .collect();
    let classes = edges[..80].iter().map(|(child, _)| child.clone()).collect();
    let spec = HierarchySpec { edges, classes, ..HierarchySpec::default() };
    let hierarchy = Hierarchy::build(&spec).unwrap();
    let half = loss(r#"{"random_cut": {"p": 0.5, "seed": 7}}"#);
    let label = klados_testing::Label::resolve(&"a0".into(), &hierarchy).unwrap();
    let closed = |row: u64| {
        let sample =
            klados_testing::reference::evaluate_row::<Big>(&half, &hierarchy, &[0.0; 120], &label, row).unwrap();
        let is_closed = |g: usize| sample.grad[hierarchy.column(hierarchy.node(&format!("g{g}")).unwrap())] != 0.0;
        (0..40).filter(|&g| is_closed(g)).count()
    };
    // Of 40 fair draws nearly always 8 to 32, and not the same number in every row.
    let counts: Vec<usize> = (0..8).map(closed).collect();
    assert!(counts.iter().all(|count| (8..=32).contains(count)), "{counts:?}");
    assert!(counts.iter().any(|count| *count != counts[0]), "{counts:?}");
}

/// `softplus(0) = ln 2` a term.
#[test]
fn terms_are_counted() {
    let ln_2 = std::f64::consts::LN_2;
    let zeros = [0.0; 5];
    let costs = |json: &str, label: LabelSpec, terms: f64| {
        assert_close(sample(&loss(json), &groups(), &zeros, &label).loss, terms * ln_2, 1e-15);
    };
    let bce = r#"{"binary_cross_entropy": {}}"#;
    costs(bce, "a".into(), 5.0);
    costs(bce, ";".into(), 5.0);
    costs(bce, LabelSpec::Set { set: vec!["a".into()], masked: vec!["a".into(), "y".into()] }, 3.0);
    let incomplete = r#"{"binary_cross_entropy": {"incomplete": true}}"#;
    costs(incomplete, "x".into(), 3.0);
    costs(incomplete, "x;c".into(), 3.0);
    costs(incomplete, ";".into(), 5.0);
    costs(r#"{"binary_cross_entropy": {"pos_weight": 3}}"#, "a".into(), 9.0);
    let conditional = r#"{"conditional_sigmoid": {}}"#;
    costs(conditional, "a".into(), 4.0);
    costs(conditional, "x".into(), 2.0);
    costs(conditional, "a;c".into(), 5.0);
    costs(conditional, ";".into(), 2.0);
    costs(conditional, "top".into(), 0.0);
    let tree_min = r#"{"tree_min": {}}"#;
    costs(tree_min, "x".into(), 3.0);
    costs(tree_min, "x;".into(), 5.0);
    costs(tree_min, "top".into(), 0.0);
    costs(tree_min, ";".into(), 5.0);
}
