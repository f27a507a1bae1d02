//! Metrics of probabilities against outside implementations, on the same rows.
#![allow(clippy::disallowed_methods, reason = "the inputs are logarithms of given probabilities")]

use klados::metrics::{Levels, brier, ece, log_loss};
use klados::{Hierarchy, Label};

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
