//! The cross-entropy of one yes or no: `-a (1 - P)^gamma log P - b P^gamma log(1 - P)`.

use super::focal;
use crate::numeric::scalar;

/// The probabilities of an event and of its complement, each with its logarithm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Odds {
    /// `log P`.
    pub(crate) yes: f64,
    /// `log(1 - P)`.
    pub(crate) no: f64,
    pub(crate) p_yes: f64,
    pub(crate) p_no: f64,
}

/// A value, and minus its derivatives by `log P` and by `log(1 - P)`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Judged {
    pub(crate) value: f64,
    pub(crate) by_yes: f64,
    pub(crate) by_no: f64,
}

impl Odds {
    /// Of a sigmoid, with one exponential and one logarithm.
    pub(crate) fn of(score: f64) -> Self {
        let small = scalar::exp(-score.abs());
        let log = scalar::ln_1p(small);
        let [likely, unlikely] = [1.0 / (1.0 + small), small / (1.0 + small)];
        let [log_likely, log_unlikely] = [-log, -(score.abs() + log)];
        match score > 0.0 {
            true => Self { yes: log_likely, no: log_unlikely, p_yes: likely, p_no: unlikely },
            false => Self { yes: log_unlikely, no: log_likely, p_yes: unlikely, p_no: likely },
        }
    }

    /// With `a` on yes and `b` on no. A weight of 0 leaves the term out, also where its probability is 0.
    pub(crate) fn judge(self, a: f64, b: f64, gamma: f64) -> Judged {
        let mut judged = Judged::default();
        if a != 0.0 {
            let term = focal::term(self.yes, self.p_no, gamma);
            judged.value += a * term.value;
            judged.by_yes = a * term.slope;
        }
        if b != 0.0 {
            let term = focal::term(self.no, self.p_yes, gamma);
            judged.value += b * term.value;
            judged.by_no = b * term.slope;
        }
        judged
    }
}

impl Judged {
    /// The derivative by the score of a sigmoid with these odds.
    pub(crate) fn by_score(self, odds: Odds) -> f64 {
        self.by_no * odds.p_yes - self.by_yes * odds.p_no
    }
}

/// What weighs on yes and on no of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pull {
    /// The index of the event: a node, a class or a superclass.
    pub(crate) at: u32,
    pub(crate) yes: f64,
    pub(crate) no: f64,
}

/// The loss of independent sigmoids, each with its own score. The gradient is added.
pub(crate) fn independent(pulls: &[Pull], gamma: f64, scores: &[f64], mut grad: Option<&mut [f64]>) -> f64 {
    let mut loss = 0.0;
    for pull in pulls {
        let odds = Odds::of(scores[pull.at as usize]);
        let judged = odds.judge(pull.yes, pull.no, gamma);
        loss += judged.value;
        if let Some(grad) = grad.as_deref_mut() {
            grad[pull.at as usize] += judged.by_score(odds);
        }
    }
    loss
}
