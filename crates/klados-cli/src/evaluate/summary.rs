//! From what was counted to what is said.

use std::collections::BTreeMap;

use klados::metrics::{Average, Interval, LevelAuprc, Metric};

use super::answers::{Answers, Far};
use super::drawn::Drawn;
use super::result::{
    Bin, Comparison, Difference, Estimate, Evaluation, Level, Model, NodeCounts, Nodes, OperatingCurve, RiskCoverage,
    Worst, value,
};
use super::{Evaluator, Judged, Part};
use crate::cmd::format::Number;
use crate::data::hierarchy::unique_name;

/// So many pairs of a label and an answer are listed, the most frequent.
const PAIRS: usize = 200_000;
/// So many points of a curve.
const POINTS: usize = 1000;

pub(super) fn evaluation(evaluator: &Evaluator, part: &Part, title: &str, mut notes: Vec<String>) -> Evaluation {
    let drawn = Drawn::new(evaluator, part);
    let models: Vec<Model> = (0..evaluator.judged.len())
        .map(|place| model(evaluator, part, &Resampled { drawn: &drawn, place }, &mut notes))
        .collect();
    let mut comparisons = Vec::new();
    for a in 0..models.len() {
        for b in a + 1..models.len() {
            comparisons.push(comparison(&drawn, (a, &models[a]), (b, &models[b])));
        }
    }
    Evaluation {
        klados: env!("CARGO_PKG_VERSION"),
        title: title.to_owned(),
        notes,
        rows: part.rows,
        ignored: part.ignored,
        skipped: part.skipped,
        set: None,
        is_multi_label: evaluator.is_multi_label,
        confidence: evaluator.options.resampling.unwrap_or_default().confidence,
        levels: evaluator.level_names(),
        hierarchy: Nodes::new(evaluator.hierarchy(), &evaluator.levels),
        models,
        comparisons,
        training: None,
        galleries: None,
    }
}

/// The intervals of one model.
struct Resampled<'a> {
    drawn: &'a Drawn,
    /// Its place among the models.
    place: usize,
}

impl Resampled<'_> {
    fn estimate(&self, name: &str, number: Option<f64>) -> Estimate {
        Estimate::with(number, self.drawn.interval(name, self.place).as_ref())
    }
}

fn model(evaluator: &Evaluator, part: &Part, resampled: &Resampled<'_>, notes: &mut Vec<String>) -> Model {
    let (judged, answers) = (&evaluator.judged[resampled.place], &part.answers[resampled.place]);
    let single = part.scores[judged.source].single.as_deref();
    let mut metrics: BTreeMap<String, Estimate> = BTreeMap::new();
    let mut add = |name: &str, number: Option<f64>| {
        metrics.insert(name.to_owned(), resampled.estimate(name, number));
    };
    let hierarchical = answers.hierarchical.compute();
    for (average, name) in [(Average::Micro, "micro"), (Average::Macro, "macro"), (Average::Samples, "samples")] {
        let scores = hierarchical.average(average);
        add(&format!("hierarchical_precision_{name}"), scores.precision);
        add(&format!("hierarchical_recall_{name}"), scores.recall);
        add(&format!("hierarchical_f1_{name}"), scores.f1);
    }
    let is_single = single.is_some() && !evaluator.is_multi_label;
    if is_single {
        let heights = answers.heights.compute();
        add("lca_height", heights.lca_height);
        add("error", heights.error);
        add("mistake_severity", heights.mistake_severity);
        for (scores, name) in [(&answers.by_depth, "lca"), (&answers.by_information, "information")] {
            let scores = scores.compute().scores;
            add(&format!("{name}_precision"), scores.precision);
            add(&format!("{name}_recall"), scores.recall);
            add(&format!("{name}_f1"), scores.f1);
        }
        let coverage = answers.coverage.compute();
        add("right", coverage.right);
        add("depth", coverage.depth);
        add("information", coverage.information);
    }
    let mut operating_curve = None;
    if let Some(single) = single {
        if let Some(wasserstein) = &single.wasserstein {
            add("wasserstein", wasserstein.compute());
        }
        if let Some(curve) = single.curves.as_ref().map(|curves| curves.operating.compute()) {
            add("average_precision", curve.average_precision);
            // Of no rows there is neither.
            let recall = curve.average_precision.map(|_| curve.recall_at_precision(0.95));
            add("recall_at_precision_0.95", recall);
            let points = curve.thinned(POINTS);
            operating_curve = Some(OperatingCurve {
                recall: points.iter().map(|point| point.recall).collect(),
                precision: points.iter().map(|point| point.precision).collect(),
                tau: points.iter().map(|point| probability(point.below)).collect(),
                average_precision: value(curve.average_precision),
            });
        }
        for distance in single.distances.compute() {
            add(&format!("distance_at_{}", distance.k), distance.value);
        }
    }
    if let Some(multi) = &part.scores[judged.source].multi {
        let auprc = multi.auprc.compute();
        add("auprc_micro", auprc.micro);
        add("auprc_macro", auprc.macro_average);
        add("violations", multi.violations.compute());
    }
    let rule = serde_json::to_value(judged.decider.decision()).unwrap_or_default();
    Model {
        name: judged.name.clone(),
        about: judged.about.clone(),
        probabilities: judged.probabilities.clone(),
        decision: judged.decider.decision().name().to_owned(),
        rule,
        metrics,
        levels: levels(evaluator, part, judged, answers, resampled),
        operating_curve,
        nodes: is_single.then(|| NodeCounts {
            rows: answers.nodes.iter().map(|[rows, _]| *rows).collect(),
            wrong: answers.nodes.iter().map(|[_, wrong]| *wrong).collect(),
        }),
        confusion: is_single.then(|| most_frequent(pairs(answers), &judged.name, notes)),
        worst: is_single.then(|| answers.worst.iter().map(|far| worst(evaluator, far)).collect()),
    }
}

fn levels(
    evaluator: &Evaluator,
    part: &Part,
    judged: &Judged,
    answers: &Answers,
    resampled: &Resampled<'_>,
) -> Vec<Level> {
    let scores = &part.scores[judged.source];
    if let Some(multi) = &scores.multi {
        return multi.auprc.compute().levels.into_iter().map(of_sets).collect();
    }
    let Some(single) = scores.single.as_deref() else { return Vec::new() };
    let curves = single.curves.as_ref().map(|curves| curves.risk.compute());
    let most_probable = single.accuracy.compute();
    let of_decision = answers.accuracy.compute();
    let balanced = answers.balanced.compute();
    let coverage = answers.coverage.compute();
    let (log_loss, brier) = (single.log_loss.compute(), single.brier.compute());
    let calibration = single.calibration.compute();
    let names = evaluator.level_names();
    let level = |(place, name): (usize, &String)| {
        let estimate = |metric: &str, number| Some(resampled.estimate(&format!("{metric}@{name}"), number));
        let aurc = curves.as_ref().map(|curves| curves[place].aurc);
        Level {
            level: name.clone(),
            rows: value(Some(most_probable[place].rows)),
            accuracy: estimate("accuracy", most_probable[place].value),
            accuracy_of_decision: estimate("accuracy_of_decision", of_decision[place].value),
            balanced_accuracy: estimate("balanced_accuracy", balanced[place].balanced_accuracy),
            coverage: estimate("coverage", coverage.levels[place].coverage),
            risk: estimate("risk", coverage.levels[place].risk),
            ece: estimate("ece", calibration[place].ece),
            brier: estimate("brier", brier[place].value),
            log_loss: estimate("log_loss", log_loss[place].value),
            aurc: aurc.and_then(|aurc| estimate("aurc", aurc)),
            reliability: calibration[place]
                .bins
                .iter()
                .filter(|bin| bin.rows > 0.0)
                .map(|bin| Bin {
                    low: bin.above,
                    high: bin.up_to,
                    rows: value(Some(bin.rows)),
                    confidence: value(bin.confidence),
                    accuracy: value(bin.accuracy),
                })
                .collect(),
            risk_coverage: curves.as_ref().map(|curves| {
                let points = curves[place].thinned(POINTS);
                RiskCoverage {
                    coverage: points.iter().map(|point| point.coverage).collect(),
                    risk: points.iter().map(|point| point.risk).collect(),
                }
            }),
            ..Level::default()
        }
    };
    names.iter().enumerate().map(level).collect()
}

/// A level of multi-label rows.
fn of_sets(level: LevelAuprc) -> Level {
    Level {
        level: level.level,
        auprc_micro: Some(Estimate::with(level.micro, None)),
        auprc_macro: Some(Estimate::with(level.macro_average, None)),
        ..Level::default()
    }
}

/// All pairs of a label's node and an answer, by their nodes, and how many rows have them.
pub(super) fn pairs(answers: &Answers) -> Vec<(usize, usize, u64)> {
    let of = |(pair, rows): (&(klados::NodeId, klados::NodeId), &u64)| (pair.0.index(), pair.1.index(), *rows);
    let mut pairs: Vec<(usize, usize, u64)> = answers.pairs.iter().map(of).collect();
    pairs.sort_unstable();
    pairs
}

/// Those that are listed.
fn most_frequent(mut pairs: Vec<(usize, usize, u64)>, name: &str, notes: &mut Vec<String>) -> Vec<(usize, usize, u64)> {
    if pairs.len() > PAIRS {
        notes.push(format!("{name}: the confusion lists the {PAIRS} most frequent of {} pairs", pairs.len()));
        pairs.sort_unstable_by_key(|(truth, answer, rows)| (std::cmp::Reverse(*rows), *truth, *answer));
        pairs.truncate(PAIRS);
        pairs.sort_unstable();
    }
    pairs
}

fn worst(evaluator: &Evaluator, far: &Far) -> Worst {
    let hierarchy = evaluator.hierarchy();
    let lca = hierarchy.lca(far.label, far.answer);
    let name = |node| unique_name(hierarchy, node);
    Worst {
        row: far.row.to_string(),
        label: name(far.label),
        label_node: far.label.index(),
        predicted: name(far.answer),
        predicted_node: far.answer.index(),
        probability: Some(Number(probability(far.log_p))),
        lca: name(lca),
        lca_node: lca.index(),
        height: far.height,
        loss: Some(Number(far.loss)),
    }
}

#[expect(clippy::disallowed_methods, reason = "prints a probability; klados::numeric is not public")]
fn probability(log_p: f64) -> f64 {
    log_p.exp().min(1.0)
}

/// The differences of two models; without replicates they have no interval.
fn comparison(drawn: &Drawn, (a, a_model): (usize, &Model), (b, b_model): (usize, &Model)) -> Comparison {
    let difference = |name: &String| {
        let values = a_model.value(name).zip(b_model.value(name));
        let interval = drawn.difference(name, a, b);
        let difference = match &interval {
            Some(interval) => interval.value,
            None => values.map(|(a, b)| a - b),
        };
        let end = |end: fn(&Interval) -> Option<f64>| value(interval.as_ref().and_then(end));
        let ends = (end(|interval| interval.low), end(|interval| interval.high));
        (name.clone(), Difference { difference: value(difference), low: ends.0, high: ends.1 })
    };
    let metrics = drawn.names.iter().map(difference).collect();
    Comparison { a: a_model.name.clone(), b: b_model.name.clone(), metrics }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_pairs_than_are_listed_are_said_to_be() {
        let pairs: Vec<(usize, usize, u64)> =
            (0..PAIRS + 1).map(|pair| (pair / 1000, pair % 1000, 1 + pair as u64 % 7)).collect();
        let mut notes = Vec::new();
        let listed = most_frequent(pairs.clone(), "ours", &mut notes);
        assert_eq!(listed.len(), PAIRS);
        assert!(listed.is_sorted());
        // The last one of those with one row is missing.
        let missing = pairs.iter().rfind(|pair| pair.2 == 1).unwrap();
        assert!(!listed.contains(missing));
        assert_eq!(notes, ["ours: the confusion lists the 200000 most frequent of 200001 pairs"]);
        assert_eq!(most_frequent(pairs[..10].to_vec(), "ours", &mut notes), pairs[..10]);
        assert_eq!(notes.len(), 1);
    }
}
