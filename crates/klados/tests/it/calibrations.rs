//! Rules that are calibrated: against brute force on random rows, and what they promise on data whose posterior is known.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use std::collections::BTreeSet;

use klados::decide::{CalibrationError, Calibrator, Conformal, Hedge};
use klados::{Decision, Hierarchy, InputErrorKind, Label, NodeId, NodeLogProbs};
use klados_testing::strategies::{self, LabelKind, LogitScale};
use proptest::prelude::*;

use crate::decisions::Naive;
use crate::losses::{hierarchy, label};
use crate::terms::{dag, tree};

/// The classes that a label leaves possible; none where it says nothing.
fn possible(naive: &Naive<'_>, label: &Label) -> BTreeSet<usize> {
    let classes: BTreeSet<usize> = match label {
        Label::Class(class) => [*class].into(),
        Label::Node(node) => naive.classes(*node).clone(),
        Label::Union(nodes) => nodes.iter().flat_map(|node| naive.classes(*node)).copied().collect(),
        _ => BTreeSet::new(),
    };
    if classes.len() < naive.hierarchy.class_count() { classes } else { BTreeSet::new() }
}

#[derive(Debug)]
struct Rows {
    log_probs: Vec<f64>,
    labels: Vec<Label>,
}

impl Rows {
    /// The number of rows that are right, and that take part.
    fn right(&self, decision: &Decision, hierarchy: &Hierarchy) -> (usize, usize) {
        let mut answers = vec![NodeId::ROOT; self.labels.len()];
        decision.compile(hierarchy).unwrap().decide(&self.log_probs, &mut answers).unwrap();
        let naive = Naive::new(hierarchy);
        let rows = self.labels.iter().map(|label| possible(&naive, label)).zip(answers);
        let rows: Vec<_> = rows.filter(|(possible, _)| !possible.is_empty()).collect();
        // An answer is right if it has a class that the label leaves possible.
        let right = rows.iter().filter(|(possible, answer)| !possible.is_disjoint(naive.classes(*answer)));
        (right.count(), rows.len())
    }
}

fn rows() -> impl Strategy<Value = (Hierarchy, Rows)> {
    strategies::hierarchy(12).prop_flat_map(|spec| {
        let built = hierarchy(&spec);
        let kinds = [LabelKind::Class, LabelKind::Class, LabelKind::Node, LabelKind::Union, LabelKind::Ignored];
        let row = (strategies::logits(built.class_count(), LogitScale::Ordinary), strategies::label(&spec, &kinds));
        prop::collection::vec(row, 1..40).prop_map(move |rows| {
            let (logits, labels): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            let mut log_probs = vec![0.0; labels.len() * built.node_count()];
            NodeLogProbs::new(&built).forward(&logits.concat(), &mut log_probs).unwrap();
            let labels = labels.iter().map(|spec| label(spec, &built)).collect();
            (built.clone(), Rows { log_probs, labels })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lambda_is_the_least_that_stays_accurate((hierarchy, rows) in rows(), accuracy in 0.01..=1.0) {
        if rows.right(&Hedge::new().lambda(0.0).into(), &hierarchy).1 == 0 {
            return Ok(());
        }
        let decision = Decision::from(Hedge::new().accuracy(accuracy));
        let calibrated = decision.calibrate(&hierarchy, &rows.log_probs, &rows.labels).unwrap();
        let lambda = serde_json::to_value(&calibrated).unwrap()["hedge"]["lambda"].as_f64().unwrap();
        let is_enough = |lambda: f64| {
            let (right, all) = rows.right(&Hedge::new().lambda(lambda).into(), &hierarchy);
            right as f64 / all as f64 >= accuracy
        };
        // At and beyond lambda, and not just below the crossing of which lambda is a millionth away.
        for factor in [1.0, 1.01, 1.3, 2.0, 5.0, 100.0, 1e6] {
            prop_assert!(is_enough(lambda * factor), "{lambda} times {factor}");
        }
        prop_assert!(lambda == 0.0 || !is_enough(f64::max(lambda * (1.0 - 4e-6) - 4e-9, 0.0)), "{lambda}");
    }

    #[test]
    fn the_quantile_covers_as_many_rows_as_it_says((hierarchy, rows) in rows(), alpha in 0.02..0.98) {
        let decision = Decision::from(Conformal::new().alpha(alpha));
        let calibrated = decision.calibrate(&hierarchy, &rows.log_probs, &rows.labels).unwrap();
        let log_q = serde_json::to_value(&calibrated).unwrap()["conformal"]["log_q"].as_f64().unwrap();
        let (right, all) = rows.right(&calibrated, &hierarchy);
        let rank = ((all + 1) as f64 * (1.0 - alpha)).ceil() as usize;
        if rank > all {
            prop_assert_eq!(log_q, 0.0);
            prop_assert_eq!(calibrated.warnings().len(), 1);
            return Ok(());
        }
        prop_assert!(right >= rank, "{right} of {all}");
        if log_q > f64::MIN {
            let (fewer, _) = rows.right(&Conformal::new().log_q(log_q.next_down()).into(), &hierarchy);
            prop_assert!(fewer < rank);
        }
    }

    #[test]
    fn parts_in_any_order_calibrate_the_same((hierarchy, rows) in rows(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(rows.labels.len());
        let at = cut * hierarchy.node_count();
        for decision in [Decision::from(Hedge::new()), Conformal::new().into(), "argmax_leaf".parse().unwrap()] {
            let mut calibrator = Calibrator::new(&decision, &hierarchy).unwrap();
            calibrator.update(&rows.log_probs[at..], &rows.labels[cut..]).unwrap();
            calibrator.update(&rows.log_probs[..at], &rows.labels[..cut]).unwrap();
            let whole = decision.calibrate(&hierarchy, &rows.log_probs, &rows.labels);
            prop_assert_eq!(calibrator.finish().ok(), whole.as_ref().ok().cloned());
            // What is calibrated is calibrated anew.
            if let Ok(whole) = whole {
                prop_assert_eq!(&whole.calibrate(&hierarchy, &rows.log_probs, &rows.labels).unwrap(), &whole);
            }
        }
    }
}

#[test]
fn bad_validation_data_are_refused() {
    let hierarchy = tree();
    let nodes = hierarchy.node_count();
    let mut log_probs = vec![0.0; 2 * nodes];
    log_probs[1] = f64::NAN;
    let labels = [Label::Ignored, Label::Node(NodeId::ROOT)];
    let hedge = Decision::from(Hedge::new());
    // Rows that say nothing take no part, also with NaN.
    let none = "hedge is calibrated on rows with labels, and there are none";
    assert_eq!(hedge.calibrate(&hierarchy, &log_probs, &labels).unwrap_err().to_string(), none);
    assert_eq!(hedge.calibrate::<f64>(&hierarchy, &[], &[]).unwrap_err().to_string(), none);
    let error = |log_probs: &[f64], labels: &[Label]| match hedge.calibrate(&hierarchy, log_probs, labels) {
        Err(CalibrationError::Input(error)) => (error.row(), error.kind()),
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&log_probs, &[Label::Class(0), Label::Class(0)]), (Some(0), InputErrorKind::NotAProbability));
    assert_eq!(error(&log_probs, &[Label::Ignored, Label::Class(99)]), (Some(1), InputErrorKind::OutOfRange));
    assert_eq!(error(&log_probs[1..], &labels), (None, InputErrorKind::Shape));
    for label in [Label::set(&hierarchy, [], []), Label::Soft(vec![1.0 / 7.0; 7])] {
        assert_eq!(error(&log_probs, &[Label::Ignored, label]), (Some(1), InputErrorKind::LabelForm));
    }
    let range = Decision::from(Hedge::new().accuracy(1.5)).calibrate::<f64>(&hierarchy, &[], &[]).unwrap_err();
    assert_eq!(range.to_string(), "accuracy is 1.5, expected a number in (0, 1]");
    // Of no rows nothing is known: the root.
    let conformal = Decision::from(Conformal::new()).calibrate::<f64>(&hierarchy, &[], &[]).unwrap();
    let warning = "0 rows are too few for alpha = 0.1: the answer is always the root; 9 rows are needed";
    assert_eq!(conformal.warnings(), [warning]);
}

#[test]
fn a_wrong_node_of_probability_1_cannot_be_hedged() {
    let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow")]).unwrap();
    // root, mammal, bat, bird, crow; and the label is crow.
    let log_p = [0.0, 0.0, 0.0, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let labels = [hierarchy.parse_label("crow").unwrap(), hierarchy.parse_label("bat").unwrap()];
    let calibrate = |accuracy: f64| {
        Decision::from(Hedge::new().accuracy(accuracy)).calibrate(&hierarchy, &log_p.repeat(2), &labels)
    };
    let message = "no lambda has an accuracy of 0.9: in 1 of 2 rows a wrong node has a probability of 1";
    assert_eq!(calibrate(0.9).unwrap_err().to_string(), message);
    assert!(calibrate(0.5).is_ok());
}

/// SplitMix64, from 0 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// 30 classes in 6 groups in 2 halves.
fn thirty() -> Hierarchy {
    let name = |prefix: &str, k: usize| format!("{prefix}{k}");
    let classes = (0..30).map(|k| (name("group", k / 5), name("class", k)));
    Hierarchy::from_edges(classes.chain((0..6).map(|k| (name("half", k / 3), name("group", k))))).unwrap()
}

/// Rows whose label is drawn from the posterior; the model's logits are `sharpness` times the true ones.
fn drawn(hierarchy: &Hierarchy, rows: usize, sharpness: f64, random: &mut Random) -> Rows {
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let (half, group) = ((random.next() * 2.0) as usize, (random.next() * 3.0) as usize);
        let class = (random.next() * 5.0) as usize;
        let strength = [random.next() * 3.0, random.next() * 3.0, random.next() * 3.0];
        let logit = |k: usize| {
            let near = [k / 15 == half, k / 5 == 3 * half + group, k == 15 * half + 5 * group + class];
            near.iter().zip(strength).map(|(near, strength)| f64::from(u8::from(*near)) * strength).sum::<f64>()
        };
        let row: Vec<f64> = (0..30).map(logit).collect();
        let total: f64 = row.iter().map(|z| z.exp()).sum();
        let mut left = random.next() * total;
        let class = row.iter().position(|z| {
            left -= z.exp();
            left < 0.0
        });
        labels.push(Label::Class(class.unwrap_or(29)));
        logits.extend(row.iter().map(|z| z * sharpness));
    }
    let mut log_probs = vec![0.0; rows * hierarchy.node_count()];
    NodeLogProbs::new(hierarchy).forward(&logits, &mut log_probs).unwrap();
    Rows { log_probs, labels }
}

/// On fresh rows a calibrated rule is right as often as it says, up to three standard deviations of the two samples together:
/// in 97 of 100 draws at least (of independent normal errors it would be all but 0.13).
fn promise_is_kept(decision: &Decision, target: f64, sharpness: f64) {
    let (rows, hierarchy) = (1000, thirty());
    let least = target - 3.0 * (target * (1.0 - target) * (2.0 / rows as f64)).sqrt();
    let mut accuracies = Vec::new();
    for seed in 0..100 {
        let mut random = Random(seed);
        let validation = drawn(&hierarchy, rows, sharpness, &mut random);
        let fresh = drawn(&hierarchy, rows, sharpness, &mut random);
        let calibrated = decision.calibrate(&hierarchy, &validation.log_probs, &validation.labels).unwrap();
        let (right, all) = fresh.right(&calibrated, &hierarchy);
        accuracies.push(right as f64 / all as f64);
    }
    let kept = accuracies.iter().filter(|accuracy| **accuracy >= least).count();
    let mean = accuracies.iter().sum::<f64>() / 100.0;
    assert!(kept >= 97, "{kept} of 100");
    // On average neither too low nor much higher than asked for: the mean of 100 has a tenth of the deviation.
    assert!(mean > target - 0.01 && mean < target + 0.02, "{mean}");
}

#[test]
fn hedge_keeps_its_accuracy_on_fresh_rows() {
    promise_is_kept(&Hedge::new().accuracy(0.9).into(), 0.9, 1.0);
}

#[test]
fn conformal_covers_fresh_rows_whatever_the_model() {
    promise_is_kept(&Conformal::new().alpha(0.1).into(), 0.9, 1.0);
    promise_is_kept(&Conformal::new().alpha(0.1).into(), 0.9, 2.5);
}

#[test]
fn dags_are_calibrated_too() {
    let hierarchy = dag();
    // The pet: the cat and the dog. P of lion, with its label at the feline, is right from the feline up, and the lion counts
    // as it.
    let classes = hierarchy.class_count();
    let mut log_probs = Vec::new();
    let mut row = vec![0.0; hierarchy.node_count()];
    for certain in 0..classes {
        let logits: Vec<f64> = (0..classes).map(|k| if k == certain { 2.0 } else { 0.0 }).collect();
        NodeLogProbs::new(&hierarchy).forward(&logits, &mut row).unwrap();
        log_probs.extend_from_slice(&row);
    }
    let labels: Vec<Label> = (0..classes).map(|class| Label::Class((class + 1) % classes)).collect();
    let decision = Decision::from(Hedge::new().accuracy(1.0));
    let calibrated = decision.calibrate(&hierarchy, &log_probs, &labels).unwrap();
    let (right, all) = Rows { log_probs, labels }.right(&calibrated, &hierarchy);
    assert_eq!(right, all);
}
