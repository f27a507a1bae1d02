//! Answers with their scores, kept one by one.

use serde::{Deserialize, Serialize};

use super::state::check_log_p;
use crate::numeric::{Sum, scalar};

/// Right and wrong answers with scores: what curves over all thresholds are made of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ranking {
    /// Log-probability, and weight: of a wrong answer negative.
    answers: Vec<(f64, f64)>,
}

/// What is reached by going down to a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) log_p: f64,
    /// The sum of the weights of the right answers with this score or a higher one.
    pub(super) right: f64,
    /// And of the wrong ones.
    pub(super) wrong: f64,
}

impl Ranking {
    pub(super) fn add(&mut self, log_p: f64, is_right: bool, weight: f64) {
        if weight > 0.0 {
            // JSON has no infinities.
            self.answers.push((log_p.max(f64::MIN), if is_right { weight } else { -weight }));
        }
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        for (log_p, weight) in &self.answers {
            check_log_p(*log_p)?;
            if !weight.is_finite() || *weight == 0.0 {
                return Err(format!("has an answer of weight {weight}"));
            }
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.answers.extend_from_slice(&other.answers);
    }

    /// By falling score; equal scores are one step.
    pub(super) fn steps(&self) -> Vec<Step> {
        Self::steps_of(self.answers.clone())
    }

    /// Those of several together.
    pub(super) fn steps_of_all<'a>(rankings: impl Iterator<Item = &'a Self>) -> Vec<Step> {
        Self::steps_of(rankings.flat_map(|ranking| ranking.answers.iter().copied()).collect())
    }

    fn steps_of(mut answers: Vec<(f64, f64)>) -> Vec<Step> {
        // Weights too: sums are then the same, whatever the order in which answers came.
        answers.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let (mut right, mut wrong) = (Sum::default(), Sum::default());
        let mut steps = Vec::new();
        // -0 and 0 are one score.
        for tied in answers.chunk_by(|a, b| a.0 == b.0) {
            for (_, weight) in tied {
                if *weight > 0.0 { right.add(*weight) } else { wrong.add(-weight) }
            }
            steps.push(Step { log_p: tied[0].0, right: right.value(), wrong: wrong.value() });
        }
        steps
    }
}

/// Average precision (Davis & Goadrich 2006): `sum_i (R_i - R_(i-1)) P_i` over falling scores; none without a right answer.
pub(super) fn average_precision(steps: &[Step]) -> Option<f64> {
    let all = steps.last()?.right;
    let mut before = 0.0;
    let mut area = Sum::default();
    for step in steps.iter().filter(|step| step.right > 0.0) {
        area.add((step.right - before) / all * (step.right / (step.right + step.wrong)));
        before = step.right;
    }
    (all > 0.0).then(|| area.value())
}

/// What the average precision is at least and at most, where of each step's answers the order among each other is not known:
/// at most as if the right ones came first, all with one score, and at least as if they came last, one after the other. A part
/// `dx` of the weight of a step's right answers has at least the precision `(R + x) / (R + x + W)`, with `R` and `x` what is
/// right before it, and `W` what is wrong up to the end of the step: that is integrated.
pub(super) fn average_precision_bounds(steps: &[Step]) -> Option<[f64; 2]> {
    let all = steps.last()?.right;
    let (mut right, mut wrong) = (0.0, 0.0);
    let (mut least, mut most) = (Sum::default(), Sum::default());
    for step in steps {
        let here = step.right - right;
        if here > 0.0 {
            let before = right + step.wrong;
            let lost = if step.wrong > 0.0 { step.wrong * scalar::ln_1p(here / before) } else { 0.0 };
            least.add((here - lost) / all);
            most.add(here / all * (step.right / (step.right + wrong)));
        }
        (right, wrong) = (step.right, step.wrong);
    }
    (all > 0.0).then(|| [least.value().max(0.0), most.value().min(1.0)])
}
