//! What rows add to the metrics of probabilities, and to means over nodes, that have confidence intervals.
//!
//! Unlike what answers add (`resampled`) this differs from row to row: some numbers of each row are kept, and each replicate
//! goes over all of them. So there is a limit to the rows, [`limited`].

use anyhow::Result;
use klados::metrics::{
    BalancedAccuracy, Bootstrap, Brier, Contributions, Interval, Levels, LogLoss, Metric, Ratio, Replicates,
    Resampling, RiskCoverage, RowBootstrap, Truths,
};

use super::Rows;
use super::answers::Answered;
use super::scores::Scores;

/// Of more rows there are no such intervals: they would be narrow, and the numbers of the rows would fill the memory.
pub(crate) const MOST_ROWS: usize = 50_000;
/// Rows times replicates; and so many replicates there are at least.
const DRAWN: usize = 10_000_000;
const LEAST_REPLICATES: usize = 200;

/// The replicates of these intervals: fewer where there are many rows, none where there are too many.
pub(crate) fn limited(resampling: Resampling, rows: usize) -> Option<Resampling> {
    let most = (DRAWN / rows.max(1)).max(LEAST_REPLICATES);
    let replicates = resampling.replicates.min(most);
    (rows <= MOST_ROWS).then_some(Resampling { replicates, ..resampling })
}

/// The metrics of a source's probabilities, by level.
const MEANS: [&str; 2] = ["log_loss", "brier"];
/// Of a source's curve of risk by level; those without a name are not shown.
const AREAS: [&str; 3] = ["aurc", "", "ece"];
/// Of a source's operating curve.
const OPERATING: [&str; 3] = ["", "average_precision", ""];
/// Of a rule's answers, by level.
const BALANCED: &str = "balanced_accuracy";

/// The names of what has intervals here, of a level `NAME@LEVEL`.
pub(crate) fn names(levels: &[String]) -> Vec<String> {
    let of_levels = [BALANCED, "ece"].into_iter().chain(MEANS).chain(["aurc"]);
    let mut names: Vec<String> =
        of_levels.flat_map(|name| levels.iter().map(move |level| format!("{name}@{level}"))).collect();
    names.push("average_precision".to_owned());
    names
}

/// What rows have added.
#[derive(Debug, Clone)]
pub(crate) struct ProbabilityIntervals {
    /// By source and metric of [`MEANS`] and level.
    means: Bootstrap,
    /// By source the numbers of [`AREAS`] by level and those of [`OPERATING`]; then by rule and level [`BALANCED`].
    areas: RowBootstrap,
    bins: usize,
}

impl ProbabilityIntervals {
    /// Of no rows yet.
    ///
    /// # Errors
    ///
    /// Options that are out of range.
    pub(crate) fn new(levels: &Levels, sources: usize, bins: usize, resampling: Resampling) -> Result<Self> {
        let means = sources * MEANS.len() * levels.all().len();
        Ok(Self { means: Bootstrap::new(means, resampling)?, areas: RowBootstrap::new(resampling)?, bins })
    }

    /// Adds rows: by source the log-probabilities, and what is counted of them; by rule its answers.
    ///
    /// # Errors
    ///
    /// As those of the metrics.
    pub(crate) fn update(
        &mut self,
        rows: &Rows<'_>,
        truths: &Truths<'_>,
        log_probs: &[&[f64]],
        scores: &[Scores],
        answered: &[Answered],
    ) -> Result<()> {
        let weights = rows.weights;
        let (mut means, mut areas) = (Vec::new(), Vec::new());
        for (log_probs, scores) in log_probs.iter().zip(scores) {
            means.push(LogLoss::ratios(truths, log_probs, weights)?);
            means.push(Brier::ratios(truths, log_probs, weights)?);
            areas.push(RiskCoverage::contributions(truths, log_probs, weights, self.bins)?);
            if let Some(curves) = scores.single.as_ref().and_then(|single| single.curves.as_ref()) {
                areas.push(curves.operating.contributions(truths, log_probs, weights)?);
            }
        }
        for answers in answered {
            if let Answered::Nodes(answers) = answers {
                areas.push(BalancedAccuracy::contributions(truths, answers, weights)?);
            }
        }
        let means: Vec<&[Ratio]> = means.iter().map(Vec::as_slice).collect();
        self.means.update(&Ratio::side_by_side(truths.len(), &means)?, rows.groups)?;
        let areas: Vec<&Contributions> = areas.iter().collect();
        Ok(self.areas.update(&Contributions::side_by_side(&areas)?, rows.groups)?)
    }

    /// Adds what another has seen.
    ///
    /// # Errors
    ///
    /// Those of other metrics.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        self.means.merge(&other.means)?;
        Ok(self.areas.merge(&other.areas)?)
    }

    /// Draws the replicates.
    pub(crate) fn replicates(&self, levels: &[String], sources: usize) -> ProbabilityReplicates {
        let (means, areas) = (self.means.replicates(), self.areas.replicates());
        ProbabilityReplicates { means, areas, levels: levels.to_vec(), sources }
    }
}

/// What intervals are read from.
pub(crate) struct ProbabilityReplicates {
    means: Replicates,
    areas: Replicates,
    levels: Vec<String>,
    sources: usize,
}

impl ProbabilityReplicates {
    /// Of a metric of a rule on a source, by the places of both. None where it has none.
    pub(crate) fn interval(&self, name: &str, rule: usize, source: usize) -> Option<Interval> {
        self.place(name, rule, source).map(|(replicates, place)| replicates.interval(place))
    }

    /// The difference of two rules on their sources, `(rule, source)`.
    pub(crate) fn difference(&self, name: &str, a: (usize, usize), b: (usize, usize)) -> Option<Interval> {
        let ((replicates, a), (_, b)) = (self.place(name, a.0, a.1)?, self.place(name, b.0, b.1)?);
        Some(replicates.difference(a, b))
    }

    fn place(&self, name: &str, rule: usize, source: usize) -> Option<(&Replicates, usize)> {
        let width = self.levels.len();
        let of_source = AREAS.len() * width + OPERATING.len();
        let Some((metric, level)) = name.split_once('@') else {
            let place = OPERATING.iter().position(|other| *other == name)?;
            return Some((&self.areas, source * of_source + AREAS.len() * width + place));
        };
        let level = self.levels.iter().position(|other| other == level)?;
        if metric == BALANCED {
            return Some((&self.areas, self.sources * of_source + rule * width + level));
        }
        if let Some(place) = MEANS.iter().position(|other| *other == metric) {
            return Some((&self.means, (source * MEANS.len() + place) * width + level));
        }
        let place = AREAS.iter().position(|other| *other == metric)?;
        Some((&self.areas, source * of_source + level * AREAS.len() + place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_have_fewer_replicates_and_very_many_none() {
        let of = |rows| limited(Resampling::default(), rows).map(|resampling| resampling.replicates);
        assert_eq!([of(0), of(10_000), of(20_000), of(MOST_ROWS)], [Some(1000), Some(1000), Some(500), Some(200)]);
        assert_eq!([of(MOST_ROWS + 1), of(usize::MAX)], [None, None]);
        let few = Resampling { replicates: 20, ..Resampling::default() };
        assert_eq!(limited(few, MOST_ROWS).map(|resampling| resampling.replicates), Some(20));
    }
}
