//! Metrics of probabilities against outside implementations, on the same rows.
#![allow(clippy::disallowed_methods, reason = "the inputs are logarithms of given probabilities")]

use klados::decide::Threshold;
use klados::metrics::{
    Auprc, Brier, Calibration, Levels, LogLoss, Metric, OperatingCurve, RiskCoverage, ValuedBy, Violations,
    Wasserstein, auprc, brier, coverage, ece, lca_precision, lca_recall, log_loss, operating_curve, violations,
    wasserstein,
};
use klados::{Decision, Hierarchy, Label, NodeId};

/// a (c0, c1), b (c2, c3).
fn two_levels() -> Levels {
    let edges = [("a", "c0"), ("a", "c1"), ("b", "c2"), ("b", "c3")];
    Levels::new(&Hierarchy::from_edges(edges).unwrap())
}

const ROWS: usize = 20;
/// The most probable class, and in every third row the next one.
const CLASSES: [usize; ROWS] = [3, 0, 1, 1, 3, 1, 1, 1, 1, 1, 1, 2, 1, 1, 0, 0, 1, 0, 2, 1];

fn labels() -> Vec<Label> {
    CLASSES.map(Label::Class).to_vec()
}

/// Probabilities proportional to `((7 row + 5 class) mod 11 + 1)^2`, by node.
fn log_probs(levels: &Levels) -> Vec<f64> {
    let hierarchy = levels.hierarchy();
    let row = |row: usize| {
        let score = move |class: usize| (((7 * row + 5 * class) % 11 + 1) as f64).powi(2);
        let total: f64 = (0..4).map(score).sum();
        let of = move |node| hierarchy.classes_below(node).into_iter().map(score).sum::<f64>() / total;
        hierarchy.nodes().map(move |node| of(node).ln())
    };
    (0..ROWS).flat_map(row).collect()
}

fn weights() -> Vec<f64> {
    (0..ROWS).map(|row| (1 + row % 3) as f64).collect()
}

fn assert_close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-14, "{found:?} is not {expected}");
}

/// `sklearn.metrics.log_loss` and `brier_score_loss(scale_by_half=False)` of scikit-learn 1.9.1, a level at a time.
#[test]
fn log_loss_and_brier_score_are_those_of_scikit_learn() {
    let levels = two_levels();
    let (labels, log_probs, weights) = (labels(), log_probs(&levels), weights());
    let [top, class] = &log_loss(&levels, &labels, &log_probs, None).unwrap()[..] else { panic!() };
    assert_close(top.value, 0.5689294182410021);
    assert_close(class.value, 1.2881920464133165);
    let [top, class] = &log_loss(&levels, &labels, &log_probs, Some(&weights)).unwrap()[..] else { panic!() };
    assert_close(top.value, 0.5396244360848435);
    assert_close(class.value, 0.9860081530578301);
    let [top, class] = &brier(&levels, &labels, &log_probs, None).unwrap()[..] else { panic!() };
    assert_close(top.value, 0.37915105555655304); // with scale_by_half 0.18957552777827652
    assert_close(class.value, 0.6742486934719093);
    let [top, class] = &brier(&levels, &labels, &log_probs, Some(&weights)).unwrap()[..] else { panic!() };
    assert_close(top.value, 0.3519681768747201);
    assert_close(class.value, 0.5318161488290626);
}

/// `multiclass_calibration_error` of torchmetrics 1.9.0 on torch 2.15.0, in f64. No confidence is on the edge of a bin, where
/// the two differ.
#[test]
fn calibration_error_is_that_of_torchmetrics() {
    let levels = two_levels();
    let (labels, log_probs) = (labels(), log_probs(&levels));
    for (bins, top, class) in
        [(15, 0.29977166652679443, 0.16475355625152588), (4, 0.29977166652679443, 0.13251309096813202)]
    {
        let found = ece(&levels, &labels, &log_probs, None, bins).unwrap();
        for (found, expected) in found.iter().zip([top, class]) {
            // It converts to f32.
            assert!((found.ece.unwrap() - expected).abs() < 1e-7, "{:?} is not {expected}", found.ece);
        }
    }
}

/// a (c0, c1), b (d (c2, c3), e (c4)).
fn three_levels() -> Levels {
    let edges = [("a", "c0"), ("a", "c1"), ("d", "c2"), ("d", "c3"), ("e", "c4"), ("b", "d"), ("b", "e")];
    let hierarchy = Hierarchy::from_edges(edges).unwrap();
    Levels::new(&hierarchy.with_classes(["c0", "c1", "c2", "c3", "c4"]).unwrap())
}

const MORE_ROWS: usize = 40;
/// The most probable class, in every third row the next one, in every seventh the third.
const MORE_CLASSES: [usize; MORE_ROWS] = [
    1, 3, 4, 3, 1, 4, 3, 4, 2, 3, 4, 0, 3, 2, 2, 1, 4, 1, 0, 4, 1, 4, 0, 4, 4, 1, 2, 0, 2, 4, 4, 4, 4, 0, 2, 1, 3, 0,
    1, 4,
];

/// In every fifth row the parent of the class.
fn coarse_labels(levels: &Levels) -> Vec<Label> {
    let parents = ["a", "a", "d", "d", "e"];
    let label = |(row, class): (usize, &usize)| match row % 5 {
        4 => Label::Node(levels.hierarchy().node(parents[*class]).unwrap()),
        _ => Label::Class(*class),
    };
    MORE_CLASSES.iter().enumerate().map(label).collect()
}

/// Probabilities proportional to `((7 row + 5 class + row^2 class) mod 13 + 1)^2 + row / 1000`, by node.
fn more_log_probs(levels: &Levels) -> Vec<f64> {
    let hierarchy = levels.hierarchy();
    let row = |row: usize| {
        let score = move |class: usize| {
            (((7 * row + 5 * class + row * row * class) % 13 + 1) as f64).powi(2) + row as f64 / 1000.0
        };
        let total: f64 = (0..5).map(score).sum();
        let of = move |node: NodeId| hierarchy.classes_below(node).into_iter().map(score).sum::<f64>() / total;
        hierarchy.nodes().map(move |node| of(node).ln())
    };
    (0..MORE_ROWS).flat_map(row).collect()
}

/// hiercls (github.com/jvlmdr/hiercls, commit 1b90787) on the same rows: `infer.pareto_optimal_predictions` (no least threshold,
/// nodes with one child left out), `hier.truncate_given_lca`, `metrics.operating_curve`, `pareto_integrate` and
/// `pareto_intercept`. A label e, which has one child, is given to it as c4; for Klados the two are one.
#[test]
fn operating_curves_are_those_of_hiercls() {
    let levels = three_levels();
    let (labels, log_probs) = (coarse_labels(&levels), more_log_probs(&levels));
    let of = |valued_by| operating_curve(&levels, &labels, &log_probs, None, valued_by).unwrap();
    let (depth, information) = (of(ValuedBy::Depth), of(ValuedBy::Information));
    assert_close(depth.average_correct, 0.5062500000000001); // AC(depth)
    assert_close(information.average_correct, 0.507313362217843); // AC(info)
    assert_close(depth.average_precision, 0.5236111111111112); // AP(depth)
    assert_close(information.average_precision, 0.5256133233712804); // AP(info)
    assert_close(information.average_correct_exact, 0.385); // AC(exact)
    // Shares of 40 rows are rounded in other ways: just below them.
    for (correct, of_depth, of_information, exact) in [
        (0.9, 0.22499999999999992, 0.22282719016452254, 0.025),
        (0.8, 0.3416666666666667, 0.3439926204053484, 0.075),
        (0.7, 0.4458333333333333, 0.4499525203152265, 0.225),
        (0.6, 0.5333333333333334, 0.5334487267571799, 0.375),
    ] {
        assert_close(Some(depth.recall_at_correct(correct - 1e-12)), of_depth);
        assert_close(Some(information.recall_at_correct(correct - 1e-12)), of_information);
        assert_close(Some(depth.exact_at_correct(correct - 1e-12)), exact);
    }
    assert_close(Some(information.recall_at_precision(0.9 - 1e-12)), 0.22282719016452254);
    assert_close(Some(information.recall_at_precision(0.8 - 1e-12)), 0.3439926204053484);
    for (tau, exact, correct, recall, precision) in [
        (0.7, 0.0, 0.9, 0.19123318697229857, 0.9),
        (0.5, 0.15, 0.725, 0.4113535375494072, 0.7468721689041063),
        (0.3, 0.525, 0.55, 0.623243174109448, 0.6460150453180942),
    ] {
        let point = information.at(tau).unwrap();
        assert_close(Some(point.exact), exact);
        assert_close(Some(point.correct), correct);
        assert_close(Some(point.recall), recall);
        assert_close(Some(point.precision), precision);
    }
}

/// The points of a curve are what the rule `threshold` and the metrics of answers say.
#[test]
fn operating_curves_are_those_of_the_decision() {
    let levels = three_levels();
    let (labels, log_probs) = (coarse_labels(&levels), more_log_probs(&levels));
    let mut answers = vec![NodeId::ROOT; labels.len()];
    for valued_by in [ValuedBy::Depth, ValuedBy::Information] {
        let curve = operating_curve(&levels, &labels, &log_probs, None, valued_by).unwrap();
        for tau in [0.95, 0.7, 0.5, 0.3, 0.1, 0.0] {
            let decider = Decision::from(Threshold::new().tau(tau)).compile(levels.hierarchy()).unwrap();
            decider.decide(&log_probs, &mut answers).unwrap();
            let point = curve.at(tau).unwrap();
            assert_close(lca_recall(&levels, &labels, &answers, None, valued_by).unwrap(), point.recall);
            assert_close(lca_precision(&levels, &labels, &answers, None, valued_by).unwrap(), point.precision);
            assert_close(coverage(&levels, &labels, &answers, None).unwrap().right, point.correct);
        }
    }
}

/// `average_precision_score` of scikit-learn 1.9.1 over all nodes but the root, all of which hold of some row. In every fourth
/// row another class holds too. e and c4 have the same probability.
#[test]
fn auprc_is_that_of_scikit_learn() {
    let levels = three_levels();
    let hierarchy = levels.hierarchy();
    let node = |class: usize| hierarchy.class_node(class % 5);
    let positive = |(row, class): (usize, &usize)| match row % 4 {
        0 => vec![node(*class), node(class + 2)],
        _ => vec![node(*class)],
    };
    let label = |positive| Label::Set { positive, masked: vec![] };
    let labels: Vec<Label> = MORE_CLASSES.iter().enumerate().map(positive).map(label).collect();
    let log_probs = more_log_probs(&levels);
    let weights: Vec<f64> = (0..MORE_ROWS).map(|row| (1 + row % 3) as f64).collect();
    let found = auprc(&levels, &labels, &log_probs, None).unwrap();
    assert_close(found.micro, 0.6807736843124333);
    assert_close(found.macro_average, 0.6001395610286239);
    let found = auprc(&levels, &labels, &log_probs, Some(&weights)).unwrap();
    assert_close(found.micro, 0.7265956234821834);
    assert_close(found.macro_average, 0.6747843303316845);
    // `multilabel_average_precision(thresholds=n)` of torchmetrics 1.9.0, in f32; no probability is within 8e-6 of a threshold.
    for (thresholds, micro, macro_average) in
        [(11, 0.6441468596458435, 0.5406731367111206), (21, 0.6622568368911743, 0.5483657121658325)]
    {
        let mut binned = Auprc::with_thresholds(&levels, thresholds).unwrap();
        binned.update(&levels.truths(&labels).unwrap(), &log_probs, None).unwrap();
        let found = binned.compute();
        assert!(
            (found.micro.unwrap() - micro).abs() < 1e-6 && (found.macro_average.unwrap() - macro_average).abs() < 1e-6
        );
    }
    assert_eq!(violations(&levels, &labels, &log_probs, None).unwrap(), Some(0.0));
}

/// `scipy.optimize.linprog` (1.17.1, HiGHS): the cheapest transport of the predicted distribution over the classes to the class,
/// at a cost of the number of edges; for the label of a node, to whatever is at or below it.
#[test]
fn wasserstein_distance_is_that_of_a_linear_program() {
    let levels = three_levels();
    let log_probs = more_log_probs(&levels);
    let classes: Vec<Label> = MORE_CLASSES.map(Label::Class).to_vec();
    assert_close(wasserstein(&levels, &classes, &log_probs, None).unwrap(), 2.809233328426788);
    assert_close(wasserstein(&levels, &coarse_labels(&levels), &log_probs, None).unwrap(), 2.729342280397039);
}

/// A row with NaN is named, and nothing of its batch is added; in rows that take no part anything may be. Numbers in `f32` are
/// those in `f64` but for their rounding.
#[test]
fn bad_rows_and_single_precision() {
    let levels = three_levels();
    let (mut labels, log_probs) = (coarse_labels(&levels), more_log_probs(&levels));
    let nodes = levels.hierarchy().node_count();
    labels[2] = Label::Ignored;
    let mut bad = log_probs.clone();
    bad[2 * nodes..3 * nodes].fill(f64::NAN);
    let narrow: Vec<f32> = log_probs.iter().map(|log_p| *log_p as f32).collect();
    macro_rules! try_metrics {
        ($($name:literal: $new:expr,)*) => {
            $({
                let of = |log_probs: &[f64]| {
                    let mut metric = $new;
                    metric.update(&levels.truths(&labels).unwrap(), log_probs, None).unwrap();
                    format!("{:?}", metric.compute())
                };
                assert_eq!(of(&bad), of(&log_probs), $name);
                let mut metric = $new;
                let truths = levels.truths(&labels).unwrap();
                let mut worse = bad.clone();
                worse[7 * nodes + 3] = f64::NAN;
                let error = metric.update(&truths, &worse, None).unwrap_err();
                assert_eq!(error.row(), Some(7), $name);
                assert_eq!(format!("{:?}", metric.compute()), format!("{:?}", $new.compute()), $name);
                metric.update(&truths, &narrow, None).unwrap();
                // All numbers of the value, as they are printed.
                let numbers = |text: &str| {
                    let parts = text.split(|c: char| !(c.is_ascii_digit() || ".-e".contains(c)));
                    parts.filter_map(|part| part.parse::<f64>().ok()).collect::<Vec<f64>>()
                };
                let (wide, narrow) = (numbers(&of(&log_probs)), numbers(&format!("{:?}", metric.compute())));
                assert_eq!(wide.len(), narrow.len(), $name);
                assert!(wide.iter().zip(&narrow).all(|(wide, narrow)| (wide - narrow).abs() < 1e-6 * wide.abs().max(1.0)), $name);
            })*
        };
    }
    try_metrics! {
        "log_loss": LogLoss::new(&levels),
        "brier": Brier::new(&levels),
        "ece": Calibration::new(&levels, 7).unwrap(),
        "risk_coverage": RiskCoverage::new(&levels),
        "operating_curve": OperatingCurve::new(&levels, ValuedBy::Information),
        "wasserstein": Wasserstein::new(&levels).unwrap(),
        "violations": Violations::new(&levels),
        "auprc": Auprc::new(&levels),
        "auprc with thresholds": Auprc::with_thresholds(&levels, 11).unwrap(),
    }
}
