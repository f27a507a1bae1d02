//! Answers and metrics of models, from files of any size or from memory.
//!
//! `rows` reads files side by side, `probabilities` makes log-probabilities of nodes of their rows, and `threads` hands the
//! rows out. An [`Evaluator`] says what is measured; its [`Part`]s count, are merged, exactly, and become an [`Evaluation`],
//! which is the JSON of `klados evaluate` and what a report is drawn from.

mod answers;
mod drawn;
pub(crate) mod probabilities;
pub(crate) mod probability_intervals;
mod resampled;
pub(crate) mod result;
pub(crate) mod rows;
mod scores;
mod summary;
pub(crate) mod threads;

use anyhow::Result;
use klados::metrics::{Bootstrap, Levels, Metric, Ratio, Resampling};
use klados::{Decider, Hierarchy, Label, NodeId};

use self::answers::{Answered, Answers};
use self::probability_intervals::ProbabilityIntervals;
pub(crate) use self::result::Evaluation;
use self::scores::Scores;

/// How many rows are worked on at once: about 100,000 log-probabilities, which every metric goes over, so that they stay in
/// a core's cache.
pub(crate) fn rows_a_batch(hierarchy: &Hierarchy) -> usize {
    (100_000 / hierarchy.node_count()).clamp(1, 8192)
}

/// A model with a rule, as it is judged.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// The name in the results.
    pub(crate) name: String,
    /// A sentence for people.
    pub(crate) about: String,
    /// Whose probabilities: the place in the batches, and the name of the model.
    pub(crate) source: usize,
    pub(crate) probabilities: String,
    pub(crate) decider: Decider,
}

/// What is measured.
#[derive(Debug, Clone)]
pub(crate) struct Evaluator {
    levels: Levels,
    is_multi_label: bool,
    judged: Vec<Judged>,
    sources: usize,
    options: Options,
}

/// How it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The number of bins of the calibration error.
    pub(crate) bins: usize,
    /// Whether curves are drawn, for which some numbers a row are kept.
    pub(crate) curves: bool,
    /// The number of thresholds of the curves of multi-label rows; none: all probabilities are kept.
    pub(crate) thresholds: Option<usize>,
    /// None where no intervals are asked for.
    pub(crate) resampling: Option<Resampling>,
    /// Of metrics that differ from row to row; none without curves, and where there are too many rows.
    pub(crate) row_resampling: Option<Resampling>,
}

/// Rows that have probabilities in all models and a label.
pub(crate) struct Rows<'a> {
    /// By row: its number, from 0.
    pub(crate) numbers: &'a [usize],
    pub(crate) labels: &'a [Label],
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) groups: Option<&'a [u64]>,
}

/// What has been counted of some rows.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    rows: u64,
    ignored: u64,
    skipped: u64,
    /// By source.
    scores: Vec<Scores>,
    /// By model with a rule.
    answers: Vec<Answers>,
    bootstrap: Option<Bootstrap>,
    intervals: Option<ProbabilityIntervals>,
}

impl Evaluator {
    /// For models on one hierarchy: `sources` are as many as there are matrices.
    pub(crate) fn new(
        hierarchy: &Hierarchy,
        judged: Vec<Judged>,
        sources: usize,
        is_multi_label: bool,
        options: Options,
    ) -> Self {
        Self { levels: Levels::new(hierarchy), is_multi_label, judged, sources, options }
    }

    /// The hierarchy.
    pub(crate) fn hierarchy(&self) -> &Hierarchy {
        self.levels.hierarchy()
    }

    /// Whether the rows are multi-label.
    pub(crate) fn is_multi_label(&self) -> bool {
        self.is_multi_label
    }

    fn level_names(&self) -> Vec<String> {
        self.levels.all().iter().map(|level| level.name().to_owned()).collect()
    }

    fn resampled_names(&self) -> Vec<String> {
        resampled::names(&self.level_names(), self.is_multi_label)
    }

    /// Of no rows yet.
    ///
    /// # Errors
    ///
    /// Options that are out of range.
    pub(crate) fn part(&self) -> Result<Part> {
        let scores = || Scores::new(&self.levels, self.is_multi_label, self.options);
        let metrics = self.judged.len() * self.resampled_names().len();
        let bins = self.options.bins;
        let intervals = |resampling| ProbabilityIntervals::new(&self.levels, self.sources, bins, resampling);
        let row_resampling = self.options.row_resampling.filter(|_| !self.is_multi_label && self.options.curves);
        Ok(Part {
            rows: 0,
            ignored: 0,
            skipped: 0,
            scores: (0..self.sources).map(|_| scores()).collect::<Result<_>>()?,
            answers: self.judged.iter().map(|_| Answers::new(&self.levels)).collect(),
            bootstrap: self.options.resampling.map(|resampling| Bootstrap::new(metrics, resampling)).transpose()?,
            intervals: row_resampling.map(intervals).transpose()?,
        })
    }

    /// Adds rows: by source the log-probabilities of all nodes, `[rows, nodes]`.
    ///
    /// # Errors
    ///
    /// Labels that have no meaning for the metrics, weights out of range.
    pub(crate) fn update(&self, part: &mut Part, rows: &Rows<'_>, log_probs: &[&[f64]]) -> Result<()> {
        let truths = self.levels.truths(rows.labels)?;
        let (count, width) = (rows.labels.len(), self.levels.all().len());
        let mut best = Vec::with_capacity(log_probs.len());
        for (scores, log_probs) in part.scores.iter_mut().zip(log_probs) {
            let mut of = vec![NodeId::ROOT; count * width];
            self.levels.most_probable(log_probs, &mut of)?;
            scores.update(rows, &truths, log_probs, &of)?;
            best.push(of);
        }
        let mut answered = Vec::with_capacity(self.judged.len());
        for (judged, answers) in self.judged.iter().zip(&mut part.answers) {
            let log_probs = log_probs[judged.source];
            let of = Answered::new(&judged.decider, log_probs, count)?;
            match &of {
                Answered::Nodes(nodes) => answers.update(rows, &truths, log_probs, nodes)?,
                Answered::Sets(sets) => answers.update_sets(rows, &truths, sets)?,
            }
            answered.push(of);
        }
        if let Some(bootstrap) = &mut part.bootstrap {
            let of = self.judged.iter().zip(&answered);
            let of = of.map(|(judged, of)| resampled::ratios(&truths, rows.weights, &best[judged.source], of));
            let ratios: Vec<Vec<Ratio>> = of.collect::<Result<_>>()?;
            let ratios: Vec<&[Ratio]> = ratios.iter().map(Vec::as_slice).collect();
            bootstrap.update(&Ratio::side_by_side(count, &ratios)?, rows.groups)?;
        }
        if let Some(intervals) = &mut part.intervals {
            intervals.update(rows, &truths, log_probs, &part.scores, &answered)?;
        }
        // Labels of all classes, as the root is, say nothing.
        let taking_part = (0..count).filter(|row| truths.takes_part(*row)).count();
        part.rows += taking_part as u64;
        part.ignored += (count - taking_part) as u64;
        Ok(())
    }

    /// By model its name and all pairs of a label's node and an answer, with how many rows have them.
    pub(crate) fn confusion<'a>(
        &'a self,
        part: &'a Part,
    ) -> impl Iterator<Item = (&'a str, Vec<(usize, usize, u64)>)> + 'a {
        self.judged.iter().zip(&part.answers).map(|(judged, answers)| (judged.name.as_str(), summary::pairs(answers)))
    }

    /// What has been found.
    pub(crate) fn finish(&self, part: &Part, title: &str, notes: Vec<String>) -> Evaluation {
        summary::evaluation(self, part, title, notes)
    }
}

impl Part {
    /// What was left out, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.ignored > 0 {
            notes.push(format!(
                "rows without a label, or with one that says nothing, which take no part: {}",
                self.ignored
            ));
        }
        if self.skipped > 0 {
            notes.push(format!("rows that cannot be used, which are left out: {}", self.skipped));
        }
        notes
    }

    /// Counts rows without a label, and rows that cannot be used.
    pub(crate) fn leave_out(&mut self, ignored: u64, skipped: u64) {
        self.ignored += ignored;
        self.skipped += skipped;
    }

    /// Adds what another part has seen: exactly, so that any split of the rows gives the same bits.
    ///
    /// # Errors
    ///
    /// A part of another evaluator.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += other.rows;
        self.leave_out(other.ignored, other.skipped);
        for (scores, other) in self.scores.iter_mut().zip(&other.scores) {
            scores.merge(other)?;
        }
        for (answers, other) in self.answers.iter_mut().zip(&other.answers) {
            answers.merge(other)?;
        }
        if let (Some(bootstrap), Some(other)) = (&mut self.bootstrap, &other.bootstrap) {
            bootstrap.merge(other)?;
        }
        if let (Some(intervals), Some(other)) = (&mut self.intervals, &other.intervals) {
            intervals.merge(other)?;
        }
        Ok(())
    }
}
