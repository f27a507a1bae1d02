//! The probability of "one of these nodes" where each has its own path of softmaxes: what unions cost in a sibling softmax.

use super::probability::{Probability, complement, split};
use super::split::{Split, log_sum_exp};
use crate::Score;
use crate::numeric::scalar;

/// The paths to the named nodes as a tree of choices, each a softmax over some scores. A choice comes after the one that
/// leads to it.
#[derive(Debug, Default)]
pub(super) struct Paths(Vec<Choice>);

#[derive(Debug, Default)]
struct Choice {
    /// What is chosen from.
    given: Vec<Score>,
    /// The places in `given` that a path takes, with the choice that follows, or none where the path ends.
    taken: Vec<(usize, Option<usize>)>,
}

/// A choice at a row.
#[derive(Clone, Debug, Default)]
struct Chosen {
    /// `ln` of the share of each score.
    log_shares: Vec<f64>,
    /// `ln P` that one of the paths is taken from here, and `ln` of its complement.
    log_p: f64,
    log_q: f64,
}

impl Paths {
    /// From products of shares `e^one / sum e^given`, each a path from the same choice down.
    pub(super) fn new(alternatives: &[Vec<(Score, Vec<Score>)>]) -> Self {
        let mut choices: Vec<Choice> = Vec::new();
        for path in alternatives {
            let mut at = 0;
            for (step, (one, given)) in path.iter().enumerate() {
                if at == choices.len() {
                    choices.push(Choice { given: given.clone(), taken: Vec::new() });
                }
                let Some(place) = given.iter().position(|score| score == one) else { break };
                let known = choices[at].taken.iter().find(|(taken, _)| *taken == place).map(|(_, next)| *next);
                let next = match known {
                    Some(next) => next,
                    None => {
                        let next = (step + 1 < path.len()).then_some(choices.len());
                        choices[at].taken.push((place, next));
                        next
                    }
                };
                let Some(next) = next else { break };
                at = next;
            }
        }
        Self(choices)
    }

    /// What each choice is from, and which places of that a path takes, with the choice that follows.
    pub(super) fn choices(&self) -> impl Iterator<Item = (&[Score], &[(usize, Option<usize>)])> {
        self.0.iter().map(|choice| (&*choice.given, &*choice.taken))
    }

    pub(super) fn columns(&self) -> Vec<u32> {
        self.0.iter().flat_map(|choice| &choice.given).filter_map(|score| score.column).collect()
    }

    pub(super) fn at(&self, scores: &[f64]) -> Probability {
        let mut chosen = vec![Chosen::default(); self.0.len()];
        for at in (0..self.0.len()).rev() {
            chosen[at] = self.0[at].at(scores, &chosen);
        }
        let Some(first) = chosen.first() else {
            return Probability { log_p: f64::NEG_INFINITY, log_q: 0.0, slopes: Vec::new() };
        };
        let (log_p, log_q) = (first.log_p, first.log_q);
        let mut slopes = Vec::new();
        if log_p > f64::NEG_INFINITY {
            // How probable it is to come to a choice, over the P of all paths.
            let mut reached = vec![f64::NEG_INFINITY; self.0.len()];
            reached[0] = -log_p;
            for at in 0..self.0.len() {
                self.0[at].slopes(at, &chosen, &mut reached, &mut slopes);
            }
        }
        Probability { log_p, log_q, slopes }
    }
}

impl Choice {
    fn at(&self, scores: &[f64], chosen: &[Chosen]) -> Chosen {
        let parts: Vec<Split> = self.given.iter().map(|score| split(score, scores)).collect();
        let all = log_sum_exp(parts.iter().copied());
        let log_share = |part: &Split| match all.is_nothing() || part.is_nothing() {
            true => f64::NEG_INFINITY,
            false => part.minus(all),
        };
        let log_shares: Vec<f64> = parts.iter().map(log_share).collect();
        let mut is_taken = vec![false; parts.len()];
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for &(place, next) in &self.taken {
            is_taken[place] = true;
            match next {
                None => yes.push(log_shares[place]),
                Some(next) => {
                    yes.push(log_shares[place] + chosen[next].log_p);
                    no.push(log_shares[place] + chosen[next].log_q);
                }
            }
        }
        no.extend(log_shares.iter().zip(&is_taken).filter(|(_, taken)| !**taken).map(|(share, _)| *share));
        let [yes, no] = [yes, no].map(|parts| scalar::log_sum_exp(&parts));
        // They make 1: the larger is taken from the smaller, which has all its digits.
        let (log_p, log_q) = if yes < no { (yes, complement(yes)) } else { (complement(no), no) };
        match all.is_nothing() {
            true => Chosen { log_shares, log_p: f64::NEG_INFINITY, log_q: 0.0 },
            false => Chosen { log_shares, log_p, log_q },
        }
    }

    /// `d P / d s = reached share (P after it - P here)`, and with `reached` over `P` it is that of `ln P`.
    fn slopes(&self, at: usize, chosen: &[Chosen], reached: &mut [f64], slopes: &mut Vec<(u32, f64)>) {
        let here = &chosen[at];
        let mut after = vec![(f64::NEG_INFINITY, 0.0); self.given.len()];
        for &(place, next) in &self.taken {
            after[place] = next.map_or((0.0, f64::NEG_INFINITY), |next| (chosen[next].log_p, chosen[next].log_q));
            if let Some(next) = next {
                reached[next] = reached[at] + here.log_shares[place];
            }
        }
        for ((score, log_share), (log_p, log_q)) in self.given.iter().zip(&here.log_shares).zip(after) {
            let weight = reached[at] + log_share;
            if let (Some(column), true) = (score.column, weight > f64::NEG_INFINITY) {
                let times = |log: f64| scalar::exp(weight + log);
                let slope = match here.log_q < here.log_p {
                    true => times(here.log_q) - times(log_q),
                    false => times(log_p) - times(here.log_p),
                };
                slopes.push((column, slope));
            }
        }
    }
}
