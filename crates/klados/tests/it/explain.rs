//! What a loss is made of: the values of the terms add up to it and their shares to its gradient, in every loss.

use klados::explain::{self, Explanation, MeanExplanation, Outcome, STEP};
use klados::loss::{BinaryCrossEntropy, MarginalCrossEntropy, RandomCut, SoftLabels};
use klados::{Criterion, Hierarchy, Label, Loss};
use klados_testing::Precision;
use klados_testing::golden::{self, Case, FILES, Output};
use klados_testing::strategies::{self, LogitScale};
use proptest::prelude::*;
use proptest::sample::select;

use crate::losses::{hierarchy, label};
use crate::properties::case_of;
use crate::terms::{LOSSES, dag, labels_on_the_tree, tree};

fn explained(criterion: &Criterion, logits: &[Vec<f64>], labels: &[Label]) -> Output {
    let (mut losses, mut grads) = (Vec::new(), Vec::new());
    for (row, (logits, label)) in logits.iter().zip(labels).enumerate() {
        let explanation = Explanation::of_row(criterion, logits, label, row).unwrap();
        losses.push(explanation.loss);
        grads.extend(explanation.gradient());
    }
    Output { losses, grads }
}

pub(crate) fn compile(case: &Case) -> (Criterion, Vec<Label>) {
    let hierarchy = hierarchy(&case.hierarchy);
    let loss: Loss = serde_json::from_value(serde_json::to_value(&case.loss).unwrap()).unwrap();
    let labels = case.labels.iter().map(|spec| label(spec, &hierarchy)).collect();
    (loss.compile(&hierarchy).unwrap(), labels)
}

/// All losses, masked classes and logits of ±1e4 among the cases, at the tolerances of the kernels in `f64`.
#[test]
fn shares_add_up_to_the_gradient_in_the_golden_suite() {
    let mut checked = 0;
    for file in golden::load_all().unwrap() {
        let summary = golden::run(&file.cases, Precision::F64, |case| {
            let (criterion, labels) = compile(case);
            Ok(explained(&criterion, &case.logits, &labels))
        });
        checked += summary.unwrap_or_else(|failures| panic!("{failures}")).checked;
    }
    assert!(checked > 100, "{checked}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// On random trees and DAGs against the reference in 1280 bits.
    #[test]
    fn shares_add_up_to_the_gradient(
        batch in select(&FILES[..]).prop_flat_map(|stem| strategies::batch_of(stem, 14, LogitScale::Masked)),
    ) {
        let case = case_of(&batch);
        let (criterion, labels) = compile(&case);
        let output = explained(&criterion, &case.logits, &labels);
        prop_assert_eq!(case.check(&output.losses, &output.grads, Precision::F64), Ok(()));
    }
}

/// Every loss with every kind of label on the tree and the DAG: central differences are the gradient of the kernels, and
/// the sum of each column's shares.
#[test]
fn central_differences_are_the_gradient() {
    for hierarchy in [tree(), dag()] {
        for (loss, takes_unions, on_dags) in LOSSES.iter().filter(|(_, _, on_dags)| *on_dags || hierarchy.is_tree()) {
            let labels = match hierarchy.is_tree() {
                true => labels_on_the_tree(&hierarchy, loss, *takes_unions),
                false => vec![Label::Class(0), Label::Class(1)],
            };
            assert!(*on_dags || hierarchy.is_tree());
            let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
            let z: Vec<f64> =
                (0..criterion.columns()).map(|k| ((k * 7 + 3) % 11) as f64 / 5.0 - 1.1 + k as f64 / 77.0).collect();
            for label in &labels {
                let (mut value, mut grad) = ([0.0], vec![0.0; z.len()]);
                criterion.forward_backward(&z, std::slice::from_ref(label), &mut value, &mut grad).unwrap();
                let differences = explain::central_differences(&criterion, &z, label, 0).unwrap();
                let explanation = Explanation::of_row(&criterion, &z, label, 0).unwrap();
                for (column, grad) in explanation.columns.iter().zip(&grad) {
                    let sum: f64 = column.shares.iter().map(|share| share.share).sum();
                    assert!(
                        (sum - grad).abs() <= 1e-13 * explanation.largest_share(),
                        "{loss} {label:?} {}",
                        column.name
                    );
                }
                for (k, (difference, grad)) in differences.gradient.iter().zip(&grad).enumerate() {
                    let allowed = differences.rounding + 1e-10 * explanation.largest_share();
                    assert!((difference - grad).abs() <= allowed, "{loss} {label:?} {k}: {difference} {grad}");
                }
            }
        }
    }
}

#[test]
fn special_rows_are_what_the_criterion_says() {
    let hierarchy = tree();
    let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
    let (mut z, label) = (vec![0.5; criterion.columns()], Label::Class(1));
    let outcome = |z: &[f64], label: &Label| {
        let explanation = Explanation::of_row(&criterion, z, label, 0).unwrap();
        (explanation.outcome, explanation.loss.to_string(), explanation.gradient()[0].to_string())
    };
    z[3] = f64::NAN;
    assert_eq!(outcome(&z, &label), (Outcome::NotANumber, "NaN".into(), "NaN".into()));
    assert_eq!(outcome(&z, &Label::Ignored), (Outcome::Ignored, "0".into(), "0".into()));
    z[3] = 0.0;
    z[1] = f64::NEG_INFINITY;
    assert_eq!(outcome(&z, &label), (Outcome::Impossible, "inf".into(), "0".into()));
    let differences = explain::central_differences(&criterion, &z, &Label::Class(0), 0).unwrap();
    assert_eq!((differences.step, differences.gradient[1]), (STEP, 0.0)); // masked
    let error = Explanation::of_row(&criterion, &[0.0], &label, 0).unwrap_err();
    assert_eq!(error.to_string(), "the logits have 1 elements, expected 7 (one a column)");
    assert_eq!(
        explain::compare(&criterion, &[0.0; 3], &[0.0; 3], 0.0).unwrap_err().to_string(),
        "the gradient has 3 elements, expected 0 (rows of the criterion's columns)"
    );
}

/// Masked classes are left out of a soft label, of smoothing and of the target of soft labels, and the terms with them.
#[test]
fn masked_classes_have_no_term() {
    let hierarchy = tree();
    let mut soft = vec![0.0; 7];
    (soft[0], soft[1]) = (0.5, 0.5);
    let losses: [(Criterion, Label); 3] = [
        (MarginalCrossEntropy::new().compile(&hierarchy).unwrap(), Label::Soft(soft)),
        (MarginalCrossEntropy::new().label_smoothing(0.1).compile(&hierarchy).unwrap(), Label::Class(0)),
        (SoftLabels::new().compile(&hierarchy).unwrap(), Label::Class(0)),
    ];
    for (criterion, label) in losses {
        let mut z = vec![0.25; criterion.columns()];
        z[1] = f64::NEG_INFINITY;
        let explanation = Explanation::of_row(&criterion, &z, &label, 0).unwrap();
        let (mut value, mut grad) = ([0.0], vec![0.0; z.len()]);
        criterion.forward_backward(&z, &[label], &mut value, &mut grad).unwrap();
        assert_eq!(explanation.outcome, Outcome::Finite);
        assert!((explanation.loss - value[0]).abs() < 1e-13 * value[0]);
        assert!(explanation.terms.iter().all(|term| term.subject != hierarchy.class_name(1)));
    }
}

/// Weights that sum to 1 within the 1e-6 that are allowed: what they have beyond 1 counts, near certainty too.
#[test]
fn weights_that_sum_to_nearly_one_are_taken_as_they_are() {
    let hierarchy = Hierarchy::from_edges([("top", "a"), ("top", "b"), ("top", "c")]).unwrap();
    for loss in [
        r#"{"weighted_cross_entropy": {"gamma": 1, "map": [["a", "x", 1.0000005], ["b", "x", 0.9999996], ["c", "y", 1]]}}"#,
        r#"{"binary_cross_entropy": {"form": "weighted", "gamma": 1,
            "map": [["a", "x", 0.6000002], ["b", "x", 0.4000001], ["c", "y", 1]]}}"#,
    ] {
        let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        for z in [[0.5, 1.0, -0.25], [30.0, 40.0, -30.0], [-9.0, -40.0, 1.0]] {
            for label in [Label::Class(0), Label::Class(1), Label::Class(2)] {
                let explanation = Explanation::of_row(&criterion, &z, &label, 0).unwrap();
                let (mut value, mut grad) = ([0.0], [0.0; 3]);
                criterion.forward_backward(&z, &[label], &mut value, &mut grad).unwrap();
                assert!(
                    (explanation.loss - value[0]).abs() <= 1e-13 * value[0].abs(),
                    "{z:?}: {} {value:?}",
                    explanation.loss
                );
                for (column, grad) in explanation.columns.iter().zip(grad) {
                    let allowed = 1e-13 * explanation.largest_share();
                    assert!(
                        (column.gradient - grad).abs() <= allowed,
                        "{z:?} {}: {} {grad}",
                        column.name,
                        column.gradient
                    );
                }
            }
        }
    }
}

#[test]
fn nodes_are_the_path_and_its_children() {
    let hierarchy = tree();
    let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
    let z = [0.5, 1.0, -0.5, 0.25, 0.0, 0.75, -1.0];
    let label = hierarchy.parse_label("beagle").unwrap();
    let explanation = Explanation::of_row(&criterion, &z, &label, 0).unwrap();
    let mut names: Vec<(&str, bool)> =
        explanation.nodes.iter().skip(1).map(|node| (&*node.name, node.is_on_path)).collect();
    names.sort_unstable();
    let off = |name| (name, false);
    let on = |name| (name, true);
    // The class "dog" has a leaf of its own below the node.
    let mut expected = [on("animal"), on("beagle"), off("cat"), on("dog"), off("=dog"), off("plant"), off("poodle")];
    expected.sort_unstable();
    assert_eq!(names, expected);
    let total: f64 = explanation.nodes.iter().map(|node| node.loss).sum();
    assert!((total - explanation.loss).abs() < 1e-15);
    for node in explanation.nodes.iter().filter(|node| node.loss != 0.0) {
        assert!((node.loss + node.log_p.unwrap()).abs() < 1e-14, "{node:?}"); // every weight is 1
    }
    let beagle = explanation.nodes.iter().find(|node| node.name == "beagle").unwrap();
    assert_eq!((beagle.column, beagle.logit), (Some(6), Some(-1.0)));
    assert_eq!(beagle.gradient, Some(explanation.columns[6].gradient));
}

#[test]
fn columns_say_who_pushes_them_up_and_down() {
    let hierarchy = tree();
    let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
    let label = hierarchy.parse_label("beagle").unwrap();
    let explanation = Explanation::of_row(&criterion, &[0.0; 7], &label, 0).unwrap();
    let subjects =
        |shares: Vec<usize>| shares.into_iter().map(|term| &*explanation.terms[term].subject).collect::<Vec<_>>();
    let poodle = &explanation.columns[0];
    // Of equal logits P(dog) = 3/7 and P(animal) = 4/7: shares -(1/3)(4/7), -(1/4)(3/7) and 1/7.
    assert_eq!(subjects(poodle.raised_by().map(|share| share.term).collect()), ["dog", "animal"]);
    assert_eq!(subjects(poodle.lowered_by().map(|share| share.term).collect()), ["beagle"]);
    let expected = 1.0 / 7.0 - 4.0 / 21.0 - 3.0 / 28.0;
    assert!((poodle.gradient - expected).abs() < 1e-15);
}

#[test]
fn means_are_means_of_rows() {
    let hierarchy = tree();
    for criterion in [
        MarginalCrossEntropy::new().gamma(1.0).compile(&hierarchy).unwrap(),
        BinaryCrossEntropy::new().compile(&hierarchy).unwrap(),
        RandomCut::new().compile(&hierarchy).unwrap(), // whose terms depend on the row in the batch
    ] {
        let columns = criterion.columns();
        let rows: Vec<Vec<f64>> =
            (0..4).map(|row| (0..columns).map(|k| ((k * 5 + row * 3) % 7) as f64 / 3.0).collect()).collect();
        let labels = [Label::Class(0), Label::Ignored, Label::Class(4), Label::Class(2)];
        let mut mean = MeanExplanation::new(&criterion);
        for (row, label) in rows.iter().zip(&labels) {
            mean.add(row, label).unwrap();
        }
        assert!(mean.add(&[0.0], &labels[0]).is_err());
        let (mut losses, mut grad) = ([0.0; 4], vec![0.0; 4 * columns]);
        criterion.forward_backward(&rows.concat(), &labels, &mut losses, &mut grad).unwrap();
        assert_eq!((mean.rows(), mean.ignored(), mean.impossible(), mean.not_a_number()), (3, 1, 0, 0));
        assert!((mean.loss() - losses.iter().sum::<f64>() / 3.0).abs() < 1e-14);
        assert!((mean.terms().iter().map(|term| term.value).sum::<f64>() - mean.loss()).abs() < 1e-14);
        assert!((mean.nodes().iter().map(|node| node.loss).sum::<f64>() - mean.loss()).abs() < 1e-14);
        for (column, mean) in mean.columns().iter().enumerate() {
            let expected: f64 = (0..4).map(|row| grad[row * columns + column]).sum::<f64>() / 3.0;
            assert!((mean.gradient - expected).abs() < 1e-14, "{}", mean.name);
        }
    }
}

/// With ranks the shares are by rank; the leaf of a class that is an inner node has none, and counts by its depth.
#[test]
fn shares_of_the_mean_are_by_rank() {
    let ranked = tree().with_level_names(["kingdom", "family"]).unwrap();
    let levels = |hierarchy: &Hierarchy, labels: &[&str]| {
        let criterion = MarginalCrossEntropy::new().compile(hierarchy).unwrap();
        let mut mean = MeanExplanation::new(&criterion);
        for label in labels {
            mean.add(&[0.5, 1.0, -0.5, 0.25, 0.0, 0.75, -1.0], &hierarchy.parse_label(label).unwrap()).unwrap();
        }
        let columns = mean.columns();
        let sum: f64 = columns[0].shares.iter().map(|(_, share)| share).sum();
        assert!((sum - columns[0].gradient).abs() < 1e-15);
        columns[0].shares.iter().map(|(level, _)| level.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(levels(&ranked, &["beagle"]), ["kingdom", "family", "depth 3"]);
    assert_eq!(levels(&tree(), &["beagle"]), ["depth 1", "depth 2", "depth 3"]);
    assert_eq!(levels(&ranked, &["cat", "poodle|red oak"]), ["kingdom", "family", "unions"]);
}

#[test]
fn explanations_are_json() {
    let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")]).unwrap();
    let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
    let explanation = Explanation::of_row(&criterion, &[0.0; 3], &Label::Class(0), 0).unwrap();
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["outcome"], "finite");
    assert_eq!(json["terms"][1]["quantity"], "P(mammal)");
    assert_eq!(json["columns"][0]["name"], "bat");
    assert_eq!(json["columns"][0]["shares"][0]["term"], 0);
    assert_eq!(json["nodes"][0]["is_on_path"], true);
    let mut mean = MeanExplanation::new(&criterion);
    mean.add(&[0.0; 3], &Label::Class(0)).unwrap();
    let json = serde_json::to_value(&mean).unwrap();
    assert_eq!(json["rows"], 1);
    assert_eq!(json["columns"][0]["shares"][0][0]["depth"], 1);
}
