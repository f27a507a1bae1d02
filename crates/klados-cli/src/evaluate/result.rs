//! What an evaluation finds: the JSON of `klados evaluate`, and what a report is drawn from.

use klados::Hierarchy;
use klados::metrics::{Interval, Levels};
use serde::Serialize;

use crate::cmd::format::Number;
use crate::data::hierarchy::unique_name;

/// A number that JSON may not know.
pub(crate) type Value = Option<Number<f64>>;

/// A number with its confidence interval, where there is one.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Estimate {
    pub(crate) value: Value,
    pub(crate) low: Value,
    pub(crate) high: Value,
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluation {
    /// The version.
    pub(crate) klados: &'static str,
    pub(crate) title: String,
    /// What was left out, and why.
    pub(crate) notes: Vec<String>,
    /// The rows that take part.
    pub(crate) rows: u64,
    /// The rows without a label.
    pub(crate) ignored: u64,
    /// The rows that cannot be used.
    pub(crate) skipped: u64,
    /// What the rows are called.
    pub(crate) set: Option<String>,
    pub(crate) is_multi_label: bool,
    /// How sure intervals are.
    pub(crate) confidence: f64,
    /// The levels' names, from the top.
    pub(crate) levels: Vec<String>,
    pub(crate) hierarchy: Nodes,
    pub(crate) models: Vec<Model>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) training: Option<()>,
    pub(crate) galleries: Option<()>,
}

/// The hierarchy by node index.
#[derive(Debug, Serialize)]
pub(crate) struct Nodes {
    pub(crate) name: Vec<String>,
    /// The first parent; -1 at the top.
    pub(crate) parent: Vec<i64>,
    /// The nodes that are classes.
    pub(crate) classes: Vec<usize>,
    /// The place in `levels`, or -1.
    pub(crate) level: Vec<i64>,
}

/// A model with a rule.
#[derive(Debug, Serialize)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) about: String,
    /// The model whose probabilities these are; models that share them differ in their rules alone.
    pub(crate) probabilities: String,
    /// The rule's name, and the rule with its parameters.
    pub(crate) decision: String,
    pub(crate) rule: serde_json::Value,
    pub(crate) metrics: std::collections::BTreeMap<String, Estimate>,
    pub(crate) levels: Vec<Level>,
    pub(crate) operating_curve: Option<OperatingCurve>,
    pub(crate) nodes: Option<NodeCounts>,
    /// Pairs of a label's node and an answer, and how many rows have it.
    pub(crate) confusion: Option<Vec<(usize, usize, u64)>>,
    pub(crate) worst: Option<Vec<Worst>>,
}

/// A model at a level.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Level {
    pub(crate) level: String,
    /// The rows that take part, or the sum of their weights.
    pub(crate) rows: Value,
    /// Of the level's most probable node.
    pub(crate) accuracy: Option<Estimate>,
    /// Of the answer; none at the level is wrong.
    pub(crate) accuracy_of_decision: Option<Estimate>,
    pub(crate) balanced_accuracy: Option<Estimate>,
    pub(crate) coverage: Option<Estimate>,
    pub(crate) risk: Option<Estimate>,
    pub(crate) ece: Option<Estimate>,
    pub(crate) brier: Option<Estimate>,
    pub(crate) log_loss: Option<Estimate>,
    pub(crate) aurc: Option<Estimate>,
    pub(crate) auprc_micro: Option<Estimate>,
    pub(crate) auprc_macro: Option<Estimate>,
    pub(crate) reliability: Vec<Bin>,
    pub(crate) risk_coverage: Option<RiskCoverage>,
}

/// A bin of a reliability diagram.
#[derive(Debug, Serialize)]
pub(crate) struct Bin {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) rows: Value,
    pub(crate) confidence: Value,
    pub(crate) accuracy: Value,
}

/// What is wrong of the rows that are answered, by how many are.
#[derive(Debug, Serialize)]
pub(crate) struct RiskCoverage {
    pub(crate) coverage: Vec<f64>,
    pub(crate) risk: Vec<f64>,
}

/// What is told, and how much of it is true, by threshold.
#[derive(Debug, Serialize)]
pub(crate) struct OperatingCurve {
    pub(crate) recall: Vec<f64>,
    pub(crate) precision: Vec<f64>,
    pub(crate) tau: Vec<f64>,
    pub(crate) average_precision: Value,
}

/// By node.
#[derive(Debug, Serialize)]
pub(crate) struct NodeCounts {
    /// The rows whose label is at or below it.
    pub(crate) rows: Vec<u64>,
    /// Those of them whose answer is not.
    pub(crate) wrong: Vec<u64>,
}

/// A row that is far off.
#[derive(Debug, Serialize)]
pub(crate) struct Worst {
    /// Its number, from 0.
    pub(crate) row: String,
    pub(crate) label: String,
    pub(crate) label_node: usize,
    pub(crate) predicted: String,
    pub(crate) predicted_node: usize,
    /// Of the answer.
    pub(crate) probability: Value,
    pub(crate) lca: String,
    pub(crate) lca_node: usize,
    /// The height of that.
    pub(crate) height: usize,
    /// `-log P` of the label's node.
    pub(crate) loss: Value,
}

/// Two models, on the same rows.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) a: String,
    pub(crate) b: String,
    /// `a` minus `b`, by metric; of a level `NAME@LEVEL`.
    pub(crate) metrics: std::collections::BTreeMap<String, Difference>,
}

/// A difference with its paired interval.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Difference {
    pub(crate) difference: Value,
    pub(crate) low: Value,
    pub(crate) high: Value,
}

/// A number that may not be there.
pub(crate) fn value(number: Option<f64>) -> Value {
    number.map(Number)
}

impl Estimate {
    /// With the ends of an interval.
    pub(crate) fn with(number: Option<f64>, interval: Option<&Interval>) -> Self {
        let end = |end: fn(&Interval) -> Option<f64>| value(interval.and_then(end));
        Self { value: value(number), low: end(|interval| interval.low), high: end(|interval| interval.high) }
    }
}

impl Model {
    /// What a metric that is compared has; of a level it is `NAME@LEVEL`.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        let estimate = match name.split_once('@') {
            None => self.metrics.get(name),
            Some((name, level)) => self.levels.iter().find(|found| found.level == level)?.estimate(name),
        };
        estimate?.value.map(|Number(value)| value)
    }
}

impl Level {
    /// A metric by its name.
    pub(crate) fn estimate(&self, name: &str) -> Option<&Estimate> {
        let found = match name {
            "accuracy" => &self.accuracy,
            "accuracy_of_decision" => &self.accuracy_of_decision,
            "balanced_accuracy" => &self.balanced_accuracy,
            "coverage" => &self.coverage,
            "risk" => &self.risk,
            "ece" => &self.ece,
            "brier" => &self.brier,
            "log_loss" => &self.log_loss,
            "aurc" => &self.aurc,
            "auprc_micro" => &self.auprc_micro,
            "auprc_macro" => &self.auprc_macro,
            _ => return None,
        };
        found.as_ref()
    }
}

impl Nodes {
    /// Of a hierarchy and its levels.
    pub(crate) fn new(hierarchy: &Hierarchy, levels: &Levels) -> Self {
        let mut level = vec![-1; hierarchy.node_count()];
        for (place, judged) in levels.all().iter().enumerate() {
            for node in judged.candidates() {
                let level = &mut level[node.index()];
                if *level < 0 {
                    *level = place as i64;
                }
            }
        }
        let parent = |node| hierarchy.parents(node).first().map_or(-1, |parent| parent.index() as i64);
        Self {
            name: hierarchy.nodes().map(|node| unique_name(hierarchy, node)).collect(),
            parent: hierarchy.nodes().map(parent).collect(),
            classes: (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class).index()).collect(),
            level,
        }
    }
}
