//! All trainings of a comparison, known before the first begins.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use klados::metrics::Levels;
use klados::{Hierarchy, Label};

use super::arm::{Arm, Arms, Typed};
use super::coarsen::coarsen;
use super::job::{self, Outcome, Rows};
use super::pool;
use super::split::{Division, divide};
use crate::data::replace::replace;
use crate::train::examples::Examples;
use crate::train::settings::Settings;

/// What is compared on.
pub(crate) struct Data {
    pub(crate) hierarchy: Hierarchy,
    /// All rows, with their labels.
    pub(crate) examples: Examples,
    /// By row, what has to stay on one side of a split.
    pub(crate) groups: Option<Vec<String>>,
}

/// How it is compared.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    /// How many parts the rows are divided into.
    pub(crate) splits: usize,
    /// How often they are, with other seeds.
    pub(crate) seeds: usize,
    /// How many settings each arm tries.
    pub(crate) trials: usize,
    /// The share of the class labels that training keeps; the others are made coarse.
    pub(crate) fine_share: Option<f64>,
    /// How heads are trained; the learning rate is the middle of those that are tried.
    pub(crate) settings: Settings,
}

/// A comparison that can begin.
pub(crate) struct Plan {
    pub(crate) data: Data,
    pub(crate) design: Design,
    pub(crate) levels: Levels,
    pub(crate) arms: Arms,
    pub(crate) divisions: Vec<Division>,
    /// By repetition and row: the label that is trained on.
    taught: Vec<Vec<Label>>,
    /// By repetition and row: whether that label is a class.
    is_class: Vec<Vec<bool>>,
}

/// One training, by places in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobPlace {
    pub(crate) division: usize,
    pub(crate) arm: usize,
    pub(crate) point: usize,
}

impl Plan {
    /// Divides the rows, and lists what is trained on them.
    ///
    /// # Errors
    ///
    /// Too few rows or groups, a loss that does not take the hierarchy or the labels.
    pub(crate) fn new(data: Data, losses: &[Typed], design: Design) -> Result<Self> {
        let levels = Levels::new(&data.hierarchy);
        let labels = &data.examples.labels;
        let names: Vec<String> = labels.iter().map(|label| format!("{label:?}")).collect();
        let seed = design.settings.seed;
        let divisions = divide(&names, data.groups.as_deref(), design.splits, design.seeds, seed)?;
        let taught = |repetition: usize| match design.fine_share {
            Some(share) => coarsen(labels, &levels, share, seed.wrapping_add(repetition as u64)),
            None => Ok(labels.clone()),
        };
        let taught: Vec<Vec<Label>> = (0..design.seeds).map(taught).collect::<Result<_>>()?;
        let is_class = |labels: &Vec<Label>| -> Result<Vec<bool>> {
            let truths = levels.truths(labels)?;
            Ok((0..labels.len()).map(|row| truths.class(row).is_some()).collect())
        };
        let is_class: Vec<Vec<bool>> = taught.iter().map(is_class).collect::<Result<_>>()?;
        let has_coarse = is_class.iter().flatten().any(|is_class| !is_class);
        let arms = Arms::new(losses, has_coarse, &data.hierarchy, design.settings.learning_rate, design.trials);
        for labels in &taught {
            arms.check(&data.hierarchy, labels)?;
        }
        Ok(Self { data, design, levels, arms, divisions, taught, is_class })
    }

    /// How many rows are trained on with a class, and how many with less, over all rows of the first repetition.
    pub(crate) fn labelled(&self) -> [usize; 2] {
        let fine = self.is_class[0].iter().filter(|is_class| **is_class).count();
        [fine, self.is_class[0].len() - fine]
    }

    /// The trainings, those of a division one after the other.
    pub(crate) fn jobs(&self) -> Vec<JobPlace> {
        let of_arm = |division: usize, (place, arm): (usize, &Arm)| {
            (0..arm.points.len()).map(move |point| JobPlace { division, arm: place, point }).collect::<Vec<_>>()
        };
        let arms = &self.arms.all;
        let of_division = |division| arms.iter().enumerate().flat_map(move |arm| of_arm(division, arm));
        (0..self.divisions.len()).flat_map(of_division).collect()
    }

    /// Runs all trainings on so many threads and returns their outcomes in the order of [`jobs`](Self::jobs). Each is
    /// kept as a file in `folder`, where one is given, and not run again where it is there; `done` is told of every one,
    /// and whether it was there.
    ///
    /// # Errors
    ///
    /// Where a training fails, or a file cannot be read or written.
    pub(crate) fn run(
        &self,
        folder: Option<&Path>,
        threads: usize,
        done: &(dyn Fn(&Outcome, bool) + Sync),
    ) -> Result<Vec<Outcome>> {
        if let Some(folder) = folder {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let jobs = self.jobs();
        pool::run(jobs.len(), threads, &|index| {
            let job = jobs[index];
            let file = folder.map(|folder| folder.join(self.file_name(job)));
            if let Some(file) = file.as_ref().filter(|file| file.exists()) {
                let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
                let outcome =
                    serde_json::from_slice(&text).with_context(|| format!("{} is damaged", file.display()))?;
                done(&outcome, true);
                return Ok(outcome);
            }
            let outcome = self.train(job)?;
            if let Some(file) = &file {
                let text = serde_json::to_vec(&outcome)?;
                replace(file, |file| std::io::Write::write_all(file, &text))?;
            }
            done(&outcome, false);
            Ok(outcome)
        })
    }

    fn file_name(&self, job: JobPlace) -> String {
        format!("{}-{}-{}.json", job.division, self.arms.all[job.arm].name, job.point)
    }

    fn train(&self, job: JobPlace) -> Result<Outcome> {
        let (division, arm) = (&self.divisions[job.division], &self.arms.all[job.arm]);
        let is_class = &self.is_class[division.repetition];
        let train: Vec<usize> =
            division.train.iter().copied().filter(|&row| !arm.leaves_only || is_class[row]).collect();
        let mut rows = Rows {
            train: self.data.examples.select(&train),
            validation: self.data.examples.select(&division.validation),
            test: self.data.examples.select(&division.test),
        };
        let taught = &self.taught[division.repetition];
        rows.train.labels = train.iter().map(|&row| taught[row].clone()).collect();
        let mut settings = self.design.settings.clone();
        // An arm on fewer rows goes through them more often: all take the same steps.
        settings.steps_per_epoch = Some(division.train.len().div_ceil(settings.batch_size));
        settings.seed = settings.seed.wrapping_add(division.repetition as u64);
        job::run(&arm.points[job.point], &self.data.hierarchy, rows, &settings)
            .with_context(|| format!("{}, split {}", arm.name, division.split + 1))
    }
}
