//! Node log-probabilities of every form against the reference in 1280 bits, on random hierarchies.

use klados::{NodeForm, NodeId, NodeLogProbs};
use klados_testing::strategies::{self, LogitScale};
use klados_testing::{Big, HierarchySpec, reference};
use proptest::prelude::*;

use crate::losses::hierarchy;

/// The forms, and how the reference names them.
fn forms(spec: &HierarchySpec) -> Vec<(NodeForm, reference::NodeForm)> {
    let map: Vec<(String, String, f64)> = spec
        .classes
        .iter()
        .enumerate()
        .map(|(k, class)| (class.clone(), format!("s{}", k % 3), 1.0 + k as f64))
        .collect();
    macro_rules! same {
        ($($form:ident)*) => { vec![$((NodeForm::$form, reference::NodeForm::$form)),*] };
    }
    let mut forms = same!(
        ClassSoftmax ParameterSharingSoftmax SiblingSoftmax IndependentSigmoid ConditionalSigmoid DescendantSoftmax
        NodeSoftmax NoisyOr Max Min
    );
    forms.push((
        NodeForm::WeightedClassSoftmax { map: map.clone(), normalize: true },
        reference::NodeForm::WeightedClassSoftmax { map: map.clone(), normalize: true },
    ));
    forms.push((
        NodeForm::WeightedSigmoid { map: map.clone(), normalize: true },
        reference::NodeForm::WeightedSigmoid { map, normalize: true },
    ));
    forms
}

fn rows() -> impl Strategy<Value = (HierarchySpec, Vec<f64>, Vec<f64>)> {
    strategies::hierarchy(20).prop_flat_map(|spec| {
        let columns = klados_testing::Hierarchy::build(&spec).unwrap().columns().len();
        let classes = strategies::logits(spec.classes.len(), LogitScale::Masked);
        (Just(spec), classes, strategies::logits(columns, LogitScale::Masked))
    })
}

/// The largest relative error, and where it is. Numbers below `least`, the smallest normal one, have no digits to compare.
fn worst(found: impl Iterator<Item = f64>, expected: &[f64], least: f64) -> (f64, String) {
    let normal = |value: f64| if value.abs() < least { 0.0 } else { value };
    let error = |(at, (found, &expected)): (usize, (f64, &f64))| {
        let (found, expected) = (normal(found), normal(expected));
        let error = if found == expected { 0.0 } else { ((found - expected) / expected).abs() };
        (if error.is_nan() { f64::INFINITY } else { error }, format!("{at}: {found:e} is not {expected:e}"))
    };
    found.zip(expected).enumerate().map(error).fold((0.0, String::new()), |a, b| if b.0 > a.0 { b } else { a })
}

/// A sixth of the usual number: the reference takes its time over all forms.
fn configuration() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(6), failure_persistence: None, ..usual }
}

/// Softmaxes, which have one sum, and the others whose probabilities go down the hierarchy.
const DESCENDING: [NodeForm; 9] = [
    NodeForm::ClassSoftmax,
    NodeForm::ParameterSharingSoftmax,
    NodeForm::SiblingSoftmax,
    NodeForm::ConditionalSigmoid,
    NodeForm::DescendantSoftmax,
    NodeForm::NodeSoftmax,
    NodeForm::NoisyOr,
    NodeForm::Max,
    NodeForm::Min,
];

proptest! {
    #![proptest_config(configuration())]

    /// At the accuracy of the definitions, also near 0 and near 1.
    #[test]
    fn agree_with_the_reference((spec, classes, nodes) in rows()) {
        let of_reference = klados_testing::Hierarchy::build(&spec).unwrap();
        let hierarchy = hierarchy(&spec);
        for (form, theirs) in forms(&spec) {
            let Ok(operation) = NodeLogProbs::of_form(&form, &hierarchy) else {
                prop_assert!(!hierarchy.is_tree());
                continue;
            };
            let logits = if form.has_node_columns() { &nodes } else { &classes };
            let pairs = reference::node_log_probs::<Big>(&theirs, &of_reference, logits).unwrap();
            // The nodes are in another order there.
            let mut expected = vec![0.0; operation.width()];
            match operation.superclasses() {
                [] => for (node, theirs) in hierarchy.node_columns().iter().zip(of_reference.columns()) {
                    expected[node.index()] = pairs[theirs].0;
                },
                _ => expected.iter_mut().zip(&pairs).for_each(|(expected, pair)| *expected = pair.0),
            }
            if operation.superclasses().is_empty() {
                prop_assert_eq!(pairs[of_reference.root()].0, expected[NodeId::ROOT.index()]);
            }
            let mut wide = vec![0f64; operation.width()];
            operation.forward(logits, &mut wide).unwrap();
            let (error, place) = worst(wide.iter().copied(), &expected, f64::MIN_POSITIVE);
            prop_assert!(error <= 1e-13, "{form:?} {error:e} {place}");
            let narrow: Vec<f32> = logits.iter().map(|&z| z as f32).collect();
            operation.forward_into(&narrow, &mut wide).unwrap();
            let (error, place) = worst(wide.iter().copied(), &expected, f64::MIN_POSITIVE);
            prop_assert!(error <= 1e-6, "{form:?} {error:e} {place}");
            let mut single = vec![0f32; operation.width()];
            operation.forward(&narrow, &mut single).unwrap();
            let (error, place) = worst(single.iter().map(|&z| z.into()), &expected, f32::MIN_POSITIVE.into());
            prop_assert!(error <= 1e-6, "{form:?} {error:e} {place}");
        }
    }

    /// No rounding makes a child more probable than a parent; an only child of a softmax has its parent's bits, and so has
    /// the same row in another type.
    #[test]
    fn go_down_the_hierarchy((spec, classes, nodes) in rows()) {
        let hierarchy = hierarchy(&spec);
        for form in DESCENDING {
            let Ok(operation) = NodeLogProbs::of_form(&form, &hierarchy) else { continue };
            let logits = if form.has_node_columns() { &nodes } else { &classes };
            let mut log_p = vec![0f64; operation.width()];
            operation.forward(logits, &mut log_p).unwrap();
            for node in hierarchy.nodes().skip(1) {
                for parent in hierarchy.parents(node) {
                    let (own, above) = (log_p[node.index()], log_p[parent.index()]);
                    prop_assert!(own <= above, "{form:?} {node:?} {own:e} {above:e}");
                    let is_shared = matches!(form, NodeForm::ClassSoftmax | NodeForm::ParameterSharingSoftmax);
                    // The root is certain, also where all is masked.
                    let is_shared = is_shared && (*parent != NodeId::ROOT || own > f64::NEG_INFINITY);
                    if is_shared && hierarchy.children(*parent).len() == 1 {
                        prop_assert!(own == above, "{form:?} {node:?} {own:e} {above:e}");
                    }
                }
            }
            let narrow: Vec<f32> = logits.iter().map(|&z| z as f32).collect();
            let mut again = vec![0f64; operation.width()];
            operation.forward_into(&narrow, &mut again).unwrap();
            if narrow.iter().zip(logits).all(|(narrow, z)| f64::from(*narrow) == *z) {
                prop_assert_eq!(&again, &log_p);
            }
        }
    }
}
