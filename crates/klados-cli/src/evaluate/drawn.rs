//! The replicates of everything that has confidence intervals.

use klados::metrics::{Interval, Replicates};

use super::probability_intervals::{self, ProbabilityReplicates};
use super::{Evaluator, Part};

/// What intervals are read from, by the names of metrics and the places of models.
pub(crate) struct Drawn {
    /// What models are compared by; of a level `NAME@LEVEL`.
    pub(crate) names: Vec<String>,
    /// The first of the names are of answers: these are their replicates, by model and name.
    of_answers: usize,
    answers: Option<Replicates>,
    /// Of the rest.
    probabilities: Option<ProbabilityReplicates>,
    /// By model its source.
    sources: Vec<usize>,
}

impl Drawn {
    /// Draws the replicates of what has been counted.
    pub(crate) fn new(evaluator: &Evaluator, part: &Part) -> Self {
        let levels = evaluator.level_names();
        let mut names = evaluator.resampled_names();
        let of_answers = names.len();
        if !evaluator.is_multi_label {
            let has_curves = evaluator.options.curves;
            let is_there = |name: &String| has_curves || !(name.starts_with("aurc@") || name == "average_precision");
            names.extend(probability_intervals::names(&levels).into_iter().filter(is_there));
        }
        Self {
            names,
            of_answers,
            answers: part.bootstrap.as_ref().map(klados::metrics::Bootstrap::replicates),
            probabilities: part.intervals.as_ref().map(|intervals| intervals.replicates(&levels, evaluator.sources)),
            sources: evaluator.judged.iter().map(|judged| judged.source).collect(),
        }
    }

    /// The interval of a metric of a model. None where it has none.
    pub(crate) fn interval(&self, name: &str, model: usize) -> Option<Interval> {
        match self.of_answers(name) {
            Some(metric) => Some(self.answers.as_ref()?.interval(model * self.of_answers + metric)),
            None => self.probabilities.as_ref()?.interval(name, model, self.sources[model]),
        }
    }

    /// The interval of the difference of two models.
    pub(crate) fn difference(&self, name: &str, a: usize, b: usize) -> Option<Interval> {
        match self.of_answers(name) {
            Some(metric) => {
                Some(self.answers.as_ref()?.difference(a * self.of_answers + metric, b * self.of_answers + metric))
            }
            None => {
                let of = |model: usize| (model, self.sources[model]);
                self.probabilities.as_ref()?.difference(name, of(a), of(b))
            }
        }
    }

    fn of_answers(&self, name: &str) -> Option<usize> {
        self.names[..self.of_answers].iter().position(|other| other == name)
    }
}
