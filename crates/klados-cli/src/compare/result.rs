//! From the outcomes of all trainings to what is reported.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::arm::Contrast;
use super::edge::Edge;
use super::job::{Measured, Outcome, mean};
use super::plan::Plan;
use super::statistics::{Estimate, holm};
use super::verdict::{ERROR, Verdict, paragraph};

/// All that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// The names of the levels, from the top.
    pub(crate) levels: Vec<String>,
    /// How many splits were tested on.
    pub(crate) splits: usize,
    /// How many differences are judged together: those in accuracy.
    pub(crate) judged_together: usize,
    pub(crate) arms: Vec<ArmResult>,
    pub(crate) findings: Vec<Finding>,
    /// A paragraph a question.
    pub(crate) verdict: Vec<String>,
}

/// The numbers of an arm, with the settings that were chosen on the validation rows.
#[derive(Debug, Serialize)]
pub(crate) struct ArmResult {
    pub(crate) name: String,
    pub(crate) about: String,
    /// Means over the splits.
    pub(crate) mean: Measured,
    /// Rows that were trained on, the mean over the splits.
    pub(crate) train_rows: f64,
    /// Seconds of training an epoch, the mean over all trainings, and how many times those of the baseline.
    pub(crate) seconds: f64,
    pub(crate) cost: f64,
    /// The edge of the learning rates at which most searches ended.
    pub(crate) edge: Option<Edge>,
    /// What was chosen, by division.
    pub(crate) chosen: Vec<Chosen>,
}

/// The settings that were chosen on the validation rows of a division.
#[derive(Debug, Serialize)]
pub(crate) struct Chosen {
    pub(crate) split: usize,
    pub(crate) repetition: usize,
    pub(crate) learning_rate: f64,
    pub(crate) variant: String,
    /// The mean of the accuracies at all levels there.
    pub(crate) validation: f64,
    /// What came out on the test rows.
    pub(crate) test: Measured,
}

/// The answer to one question.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) effect: String,
    /// The arm with it, and the one without.
    pub(crate) name: String,
    pub(crate) against: String,
    /// Differences in accuracy, from the top level: what the verdict is about.
    pub(crate) levels: Vec<Difference>,
    /// Differences in other numbers, each with an interval of its own: to be looked at, not to be concluded from.
    pub(crate) others: Vec<Other>,
}

/// A difference in accuracy, in shares.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    pub(crate) level: String,
    pub(crate) difference: f64,
    /// All intervals hold at once with probability 95 %.
    pub(crate) interval: [f64; 2],
    pub(crate) standard_error: f64,
    pub(crate) p: f64,
    pub(crate) p_adjusted: f64,
    pub(crate) verdict: Verdict,
    /// The difference that would have been found four times in five.
    pub(crate) detectable: f64,
    /// How many times as many rows would show one point four times in five, and the difference that was measured.
    pub(crate) times_for_a_point: f64,
    pub(crate) times_for_this: Option<f64>,
    /// By split.
    pub(crate) splits: Vec<f64>,
}

/// A difference in something else.
#[derive(Debug, Serialize)]
pub(crate) struct Other {
    pub(crate) metric: &'static str,
    /// Where it is one of a level.
    pub(crate) level: Option<String>,
    pub(crate) difference: f64,
    /// It holds for itself with probability 95 %.
    pub(crate) interval: [f64; 2],
}

/// Makes a number of what was measured, where it is defined.
type Number<'a> = dyn Fn(&Measured) -> Option<f64> + 'a;

impl Comparison {
    /// From the outcomes of the plan's trainings, in their order.
    ///
    /// # Errors
    ///
    /// An arm that diverged with all of its settings; fewer than two splits with a number.
    pub(crate) fn new(plan: &Plan, outcomes: &[Outcome]) -> Result<Self> {
        let levels: Vec<String> = plan.levels.all().iter().map(|level| level.name().to_owned()).collect();
        let mut arms = Vec::new();
        for (place, arm) in plan.arms.all.iter().enumerate() {
            let mut chosen = Vec::new();
            for (number, division) in plan.divisions.iter().enumerate() {
                let of =
                    plan.jobs().into_iter().zip(outcomes).filter(|(job, _)| (job.division, job.arm) == (number, place));
                let Some((point, validation, test)) = best(of.map(|(job, outcome)| (job.point, outcome))) else {
                    bail!("{}: training diverged with every learning rate; try a smaller --learning-rate", arm.name);
                };
                let point = &arm.points[point];
                let (split, repetition) = (division.split, division.repetition);
                let (learning_rate, variant) = (point.learning_rate, point.variant.clone());
                chosen.push(Chosen { split, repetition, learning_rate, variant, validation, test: test.clone() });
            }
            let all: Vec<&Outcome> =
                plan.jobs().iter().zip(outcomes).filter(|(job, _)| job.arm == place).map(|(_, of)| of).collect();
            let seconds = all.iter().map(|outcome| outcome.seconds).sum::<f64>() / all.len().max(1) as f64;
            let train_rows = all.iter().map(|outcome| outcome.train_rows as f64).sum::<f64>() / all.len().max(1) as f64;
            let mean = average(&chosen.iter().map(|chosen: &Chosen| &chosen.test).collect::<Vec<_>>());
            let tried: Vec<f64> = arm.points.iter().map(|point| point.learning_rate).collect();
            let edge = Edge::of(&tried, &chosen.iter().map(|chosen| chosen.learning_rate).collect::<Vec<_>>());
            let (name, about) = (arm.name.clone(), arm.about.clone());
            arms.push(ArmResult { name, about, mean, train_rows, seconds, cost: 1.0, edge, chosen });
        }
        let baseline = arms.first().map_or(1.0, |arm| arm.seconds);
        arms.iter_mut().filter(|_| baseline > 0.0).for_each(|arm| arm.cost = arm.seconds / baseline);
        let pairs: Vec<Pairing<'_>> =
            plan.arms.contrasts.iter().map(|contrast| Pairing::new(plan, &arms, contrast)).collect();
        let findings = findings(&pairs, &levels)?;
        let judged_together = findings.iter().map(|finding| finding.levels.len()).sum();
        let unit = if plan.data.groups.is_some() { "groups" } else { "rows" };
        let verdict = findings.iter().map(|finding| paragraph(finding, unit)).collect();
        let splits = plan.divisions.iter().map(|division| division.split + 1).max().unwrap_or(0);
        Ok(Self { levels, splits, judged_together, arms, findings, verdict })
    }
}

/// The point that is the best on the validation rows, the first of equal ones.
fn best<'a>(outcomes: impl Iterator<Item = (usize, &'a Outcome)>) -> Option<(usize, f64, &'a Measured)> {
    let mut best: Option<(usize, f64, &Measured)> = None;
    for (point, outcome) in outcomes {
        if let (Some(validation), Some(test)) = (outcome.validation, &outcome.test)
            && best.is_none_or(|(_, before, _)| validation > before)
        {
            best = Some((point, validation, test));
        }
    }
    best
}

/// The means of what there is.
fn average(all: &[&Measured]) -> Measured {
    let levels = all.first().map_or(0, |first| first.rows.len());
    let of = |number: &Number<'_>| mean(&all.iter().map(|measured| number(measured)).collect::<Vec<_>>());
    let by_level = |list: fn(&Measured) -> &Vec<Option<f64>>| -> Vec<Option<f64>> {
        (0..levels).map(|level| of(&|measured| list(measured)[level])).collect()
    };
    Measured {
        rows: (0..levels)
            .map(|level| of(&|one| Some(one.rows[level] as f64)).map_or(0, |rows| rows as usize))
            .collect(),
        accuracy: by_level(|measured| &measured.accuracy),
        calibration_error: by_level(|measured| &measured.calibration_error),
        mistake_severity: of(&|measured| measured.mistake_severity),
        lca_height: of(&|measured| measured.lca_height),
    }
}

/// Two arms on the same rows.
struct Pairing<'a> {
    contrast: &'a Contrast,
    arm: &'a ArmResult,
    against: &'a ArmResult,
    /// Test rows to one row that is trained on.
    ratio: f64,
}

impl<'a> Pairing<'a> {
    fn new(plan: &Plan, arms: &'a [ArmResult], contrast: &'a Contrast) -> Self {
        let (arm, against) = (&arms[contrast.arm], &arms[contrast.against]);
        let ratios = plan.divisions.iter().map(|of| of.test.len() as f64 / of.train.len().max(1) as f64);
        let ratio = ratios.sum::<f64>() / plan.divisions.len().max(1) as f64;
        Self { contrast, arm, against, ratio }
    }

    /// The differences in a number, one a split: of several seeds on the same rows the mean. Splits in which one of the
    /// two has no such number are left out.
    fn differences(&self, number: &Number<'_>) -> Vec<f64> {
        let mut by_split: BTreeMap<usize, Vec<Option<f64>>> = BTreeMap::new();
        for (ours, theirs) in self.arm.chosen.iter().zip(&self.against.chosen) {
            let difference = number(&ours.test).zip(number(&theirs.test)).map(|(ours, theirs)| ours - theirs);
            by_split.entry(ours.split).or_default().push(difference);
        }
        by_split.values().filter_map(|seeds| mean(seeds)).collect()
    }

    /// The estimate of a difference at a level, in steps of a row there; none where fewer than two splits have one.
    fn estimate(&self, level: Option<usize>, number: &Number<'_>) -> Result<Option<(Estimate, Vec<f64>)>> {
        let differences = self.differences(number);
        if differences.len() < 2 {
            return Ok(None);
        }
        let rows = match level {
            Some(level) => self.arm.mean.rows[level],
            None => self.arm.mean.rows.iter().copied().max().unwrap_or(0),
        };
        let estimate = Estimate::new(&differences, self.ratio, 1.0 / rows.max(1) as f64)?;
        Ok(Some((estimate, differences)))
    }
}

/// All findings, the differences in accuracy judged together.
fn findings(pairs: &[Pairing<'_>], levels: &[String]) -> Result<Vec<Finding>> {
    let mut estimates = Vec::new();
    for (place, pair) in pairs.iter().enumerate() {
        for level in 0..levels.len() {
            if let Some((estimate, splits)) = pair.estimate(Some(level), &|measured| measured.accuracy[level])? {
                estimates.push((place, level, estimate, splits));
            }
        }
    }
    let adjusted = holm(&estimates.iter().map(|(_, _, estimate, _)| estimate.p).collect::<Vec<_>>());
    // An interval each of this error holds together with the others (Bonferroni).
    let error = ERROR / estimates.len().max(1) as f64;
    let mut findings = Vec::new();
    for pair in pairs {
        findings.push(Finding {
            effect: pair.contrast.effect.clone(),
            name: pair.arm.name.clone(),
            against: pair.against.name.clone(),
            levels: Vec::new(),
            others: others(pair, levels)?,
        });
    }
    for ((place, level, estimate, splits), p_adjusted) in estimates.into_iter().zip(adjusted) {
        let difference = estimate.mean;
        let for_this = (difference != 0.0).then(|| estimate.times_the_rows(difference.abs(), error)).transpose()?;
        let finding = findings.get_mut(place).context("a finding of each pair")?;
        finding.levels.push(Difference {
            level: levels[level].clone(),
            difference,
            interval: estimate.interval(error)?,
            standard_error: estimate.standard_error,
            p: estimate.p,
            p_adjusted,
            verdict: Verdict::new(difference, p_adjusted),
            detectable: estimate.detectable(error)?,
            times_for_a_point: estimate.times_the_rows(0.01, error)?,
            times_for_this: for_this,
            splits,
        });
    }
    Ok(findings)
}

/// What else differs.
fn others(pair: &Pairing<'_>, levels: &[String]) -> Result<Vec<Other>> {
    let mut others = Vec::new();
    let mut add = |metric, level: Option<usize>, number: &Number<'_>| -> Result<()> {
        if let Some((estimate, _)) = pair.estimate(level, number)? {
            let (difference, interval) = (estimate.mean, estimate.interval(ERROR)?);
            others.push(Other { metric, level: level.map(|level| levels[level].clone()), difference, interval });
        }
        Ok(())
    };
    add("mistake_severity", None, &|measured| measured.mistake_severity)?;
    add("lca_height", None, &|measured| measured.lca_height)?;
    for level in (0..levels.len()).rev() {
        add("calibration_error", Some(level), &|measured| measured.calibration_error[level])?;
    }
    Ok(others)
}
