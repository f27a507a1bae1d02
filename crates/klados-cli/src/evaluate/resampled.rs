//! What rows add to the metrics that have confidence intervals, the models side by side.

use klados::NodeId;
use klados::metrics::{Ratio, Says, Truths};

use super::answers::Answered;

/// The names of the metrics of one model with a rule, in the order of [`ratios`].
pub(crate) fn names(levels: &[String], is_multi_label: bool) -> Vec<String> {
    let mut names = Vec::new();
    if !is_multi_label {
        for name in ["accuracy", "accuracy_of_decision"] {
            names.extend(levels.iter().map(|level| format!("{name}@{level}")));
        }
        names.extend(["lca_height", "mistake_severity"].map(str::to_owned));
    }
    names.extend(["precision", "recall", "f1"].map(|name| format!("hierarchical_{name}_micro")));
    names
}

/// Adds a row's numerators and denominators; `best` are the most probable nodes of the levels.
pub(crate) fn ratios(
    truths: &Truths<'_>,
    row: usize,
    weight: f64,
    best: &[NodeId],
    answers: &Answered,
    out: &mut Vec<Ratio>,
) {
    let mut add = |value: f64, of: f64| out.push(Ratio { numerator: weight * value, denominator: weight * of });
    let levels = truths.levels();
    let known = truths.known(row);
    let (predicted, right) = match answers {
        Answered::Nodes(answers) => {
            let answer = answers[row];
            for (level, best) in best.iter().enumerate() {
                let reaches = truths.reaches(row, level);
                add(f64::from(reaches && truths.is_right_at(row, level, *best)), f64::from(reaches));
            }
            for level in 0..levels.all().len() {
                let reaches = truths.reaches(row, level);
                add(f64::from(reaches && truths.is_right_at(row, level, answer)), f64::from(reaches));
            }
            let height = truths.lca_height(row, answer) as f64;
            add(height, 1.0);
            add(height, f64::from(height > 0.0));
            let mut told = levels.hierarchy().lineage(levels.lowest(truths.as_far_as_known(row, answer)));
            // In a DAG the label may say nothing of some of them.
            told.retain(|node| truths.says(row, *node) != Says::Unknown);
            let right = told.iter().filter(|node| known.binary_search(node).is_ok()).count();
            (told.len(), right)
        }
        Answered::Sets(sets) => {
            let nodes = levels.hierarchy().node_count();
            let inside = |node: NodeId| sets[row * nodes + node.index()];
            let says = |node: &NodeId| truths.says(row, *node) != Says::Unknown;
            let predicted = levels.hierarchy().nodes().skip(1).filter(|node| inside(*node)).filter(says).count();
            (predicted, known.iter().filter(|node| inside(**node)).count())
        }
    };
    let (predicted, right, holding) = (predicted as f64, right as f64, known.len() as f64);
    add(right, predicted);
    add(right, holding);
    add(2.0 * right, predicted + holding);
}
