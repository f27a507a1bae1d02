//! A row's loss, and the probabilities of nodes, as formulas of the logits: data that other programs compute with.

use serde::Serialize;

use super::node_formulas::NodeFormulas;
use super::paths::Paths;
use super::probability::Formula;
use super::terms::{Outcome, Reading, terms_of};
use crate::criterion::{Criterion, InputError};
use crate::{Label, NodeId, Pick, Score};

/// What a row's loss is computed by, as data: for a program that computes it again with other logits, as the page of
/// `klados explain --report` does while a logit is moved.
///
/// The formulas are those of the label, and of which logits are masked: they hold for all logits with the same ones at
/// `-inf`. Memory is linear in the columns for every term whose columns are next to each other, as those of a class and of
/// all others are.
///
/// # As JSON
///
/// ```json
/// {"outcome": "finite", "gamma": 0.0, "scores": 6, "sums": null,
///  "terms": [{"weight": 1.0, "log_p": {"share": {"set": [[2, 1]], "rest": [[0, 2], [3, 3]]}}}]}
/// ```
///
/// A term costs `weight (1 - P)^gamma -log P`, and the loss is the sum. `log_p` is about scores: the logits, or, where
/// `sums` is not null, as many as `scores` says, to which every logit is added that names them there. A list of scores is a
/// list of runs `[first, count]` or `[first, count, plus]` of scores that are next to each other, with what is added to
/// each; `first` is -1 for the root, whose score is 0, and null is `-inf`. The formulas are
///
/// | name | `P` |
/// |---|---|
/// | `share` | `sum e^set / (sum e^set + sum e^rest)` |
/// | `ratio` | `sum e^set / sum e^given`, with `hard` over the largest `e^given` |
/// | `paths` | of a tree of choices, the first of which is the root: that one of the paths is taken. A choice takes a score among `given` by its share, and `taken` has the places that a path takes, with the choice that follows or null |
/// | `sigmoid` | `sigma(x)` of the largest or smallest of `of` (`pick`: `max`, `min`), the first of those that tie |
/// | `noisy_or` | `1 - prod (1 - sigma(x))` |
/// | `weighted_sigmoid` | `sum w sigma(x)`, where `plus` is `ln w`, and `excess` what the `w` sum to beyond 1 |
///
/// and, where `negative` is true, their complements. A row whose `outcome` is `ignored` costs nothing, one that is
/// `impossible` is infinite, both with gradient 0.
///
/// ```
/// use klados::{Hierarchy, explain::Formulas, loss::MarginalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let bat = Formulas::of_row(&criterion, &[0.5, -1.0, 2.0], &hierarchy.parse_label("bat")?, 0)?;
/// let json = serde_json::to_value(&bat)?;
/// assert_eq!(json["terms"][0]["log_p"]["share"], serde_json::json!({ "set": [[0, 1]], "rest": [[1, 2]] }));
/// // And how probable a mammal is.
/// let mammal = Formulas::of_nodes(&criterion, &[hierarchy.node("mammal")?]).expect("a softmax has probabilities");
/// assert_eq!(serde_json::to_string(&mammal)?, r#"[[{"share":{"set":[[0,2]],"rest":[[2,1]]}}]]"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Formulas {
    outcome: Outcome,
    gamma: f64,
    scores: usize,
    sums: Option<Vec<Vec<Run>>>,
    terms: Vec<TermFormula>,
}

/// What a term costs, by its place in [`Explanation::terms`](super::Explanation::terms).
#[derive(Clone, Debug, Serialize)]
struct TermFormula {
    weight: f64,
    log_p: LogP,
}

/// How `log P` follows from the scores, as [`Formulas`] writes it.
#[derive(Clone, Debug, Serialize)]
pub struct LogP(Written);

/// A [`Formula`] with its lists of scores in runs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Share { set: Vec<Run>, rest: Vec<Run> },
    Ratio { set: Vec<Run>, given: Vec<Run>, hard: bool },
    Paths(Vec<Choice>),
    Sigmoid { of: Vec<Run>, pick: &'static str, negative: bool },
    NoisyOr { of: Vec<Run>, negative: bool },
    WeightedSigmoid { of: Vec<Run>, negative: bool, excess: f64 },
}

#[derive(Clone, Debug, Serialize)]
struct Choice {
    given: Vec<Run>,
    taken: Vec<(usize, Option<usize>)>,
}

/// Scores that are next to each other: the first, how many, and what is added to each, where it is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Run {
    Plain(i64, i64),
    Plus(i64, i64, f64),
}

impl Formulas {
    /// Of a row. `row` is its place in the batch, which matters to losses that draw at random.
    ///
    /// # Errors
    ///
    /// A label that does not fit, or logits of another number than the criterion's columns.
    pub fn of_row(criterion: &Criterion, logits: &[f64], label: &Label, row: usize) -> Result<Self, InputError> {
        let (outcome, terms) = terms_of(criterion, logits, label, row)?;
        let term =
            |term: &crate::Term| TermFormula { weight: term.weight, log_p: LogP::new(&Formula::new(term, criterion)) };
        let reading = Reading::new(criterion);
        let sums = reading.sums().map(|sums| sums.into_iter().map(plain).collect());
        let scores = if sums.is_some() { criterion.hierarchy().class_count() } else { criterion.columns() };
        Ok(Self { outcome, gamma: criterion.gamma(), scores, sums, terms: terms.iter().map(term).collect() })
    }

    /// For each of the nodes, what its `log P` is the sum of, by the form in which models that are trained with the loss
    /// are read; `None` where the loss has no such form. The root is certain: nothing is summed.
    pub fn of_nodes(criterion: &Criterion, nodes: &[NodeId]) -> Option<Vec<Vec<LogP>>> {
        let formulas = NodeFormulas::new(criterion)?;
        Some(nodes.iter().map(|node| formulas.of(*node).iter().map(LogP::new).collect()).collect())
    }
}

impl LogP {
    fn new(formula: &Formula) -> Self {
        Self(match formula {
            Formula::Share { set, rest } => Written::Share { set: sorted(set), rest: sorted(rest) },
            Formula::Ratio { set, given, hard } => {
                Written::Ratio { set: sorted(set), given: runs(given.iter().copied()), hard: *hard }
            }
            Formula::Paths(paths) => Written::Paths(choices(paths)),
            Formula::Sigmoid { columns, pick, negative } => {
                let pick = match pick {
                    Pick::Max => "max",
                    Pick::Min => "min",
                };
                Written::Sigmoid { of: plain(columns.clone()), pick, negative: *negative }
            }
            Formula::NoisyOr { columns, negative } => {
                Written::NoisyOr { of: plain(columns.clone()), negative: *negative }
            }
            Formula::WeightedSigmoid { columns, negative, excess } => {
                let score = |&(column, plus): &(u32, f64)| Score { column: Some(column), plus };
                Written::WeightedSigmoid { of: runs(columns.iter().map(score)), negative: *negative, excess: *excess }
            }
        })
    }
}

fn choices(paths: &Paths) -> Vec<Choice> {
    let choices = paths.choices();
    choices.map(|(given, taken)| Choice { given: runs(given.iter().copied()), taken: taken.to_vec() }).collect()
}

/// In the order of the columns, for a sum.
fn sorted(scores: &[Score]) -> Vec<Run> {
    let mut scores = scores.to_vec();
    scores.sort_by_key(|score| score.column);
    runs(scores.into_iter())
}

fn plain(columns: Vec<u32>) -> Vec<Run> {
    runs(columns.into_iter().map(|column| Score { column: Some(column), plus: 0.0 }))
}

/// In the order in which they are.
fn runs(scores: impl Iterator<Item = Score>) -> Vec<Run> {
    let mut runs: Vec<(i64, i64, f64)> = Vec::new();
    for Score { column, plus } in scores {
        let at = column.map_or(-1, i64::from);
        match runs.last_mut() {
            Some((first, count, same)) if *first >= 0 && *first + *count == at && *same == plus => *count += 1,
            _ => runs.push((at, 1, plus)),
        }
    }
    let run = |(first, count, plus)| if plus == 0.0 { Run::Plain(first, count) } else { Run::Plus(first, count, plus) };
    runs.into_iter().map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_of_scores_that_are_next_to_each_other_with_one_plus() {
        let score = |column: i64, plus: f64| Score { column: u32::try_from(column).ok(), plus };
        let scores = [(-1, 0.0), (0, 0.0), (1, 0.0), (2, 0.5), (3, 0.5), (5, 0.5), (4, 0.5), (3, f64::NEG_INFINITY)];
        let runs = runs(scores.into_iter().map(|(column, plus)| score(column, plus)));
        let json = serde_json::to_string(&runs).expect("JSON");
        assert_eq!(json, "[[-1,1],[0,2],[2,2,0.5],[5,1,0.5],[4,1,0.5],[3,1,null]]");
    }
}
