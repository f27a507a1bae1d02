//! What usual mistakes make of a term of a class softmax, `-log P(S)`: its derivative by the scores.

use super::probability::{Formula, classes};
use super::wrong::is_class;
use super::{Criterion, Mistake};
use crate::numeric::scalar;
use crate::{Hierarchy, LogProb, NodeId, Term, TermSet};

/// Where a mistake is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In every term.
    Everywhere,
    /// In terms of more than one class; those of a class are an ordinary cross-entropy.
    Superclasses,
}

/// A row of class scores.
pub(super) struct Row<'a> {
    criterion: &'a Criterion,
    hierarchy: &'a Hierarchy,
    pub(super) scores: Vec<f64>,
    /// The softmax of the scores.
    shares: Vec<f64>,
}

type Slopes = Vec<(u32, f64)>;

impl<'a> Row<'a> {
    pub(super) fn new(criterion: &'a Criterion, scores: Vec<f64>) -> Self {
        let shares = softmax(&scores);
        Self { criterion, hierarchy: criterion.hierarchy(), scores, shares }
    }

    /// The derivative of the wrong term by the scores; none where the mistake is none here.
    pub(super) fn slopes(&self, mistake: Mistake, place: Where, term: &Term) -> Option<Slopes> {
        if place == Where::Superclasses && is_class(self.hierarchy, &term.of) {
            return Some(self.right(term, 1.0));
        }
        let LogProb::Classes { given } = term.log_p else { return None };
        let set = classes(self.hierarchy, &term.of);
        Some(match mistake {
            Mistake::SummedLogits => self.pooled(term, given, Pooled::Sum),
            Mistake::AveragedLogits => self.pooled(term, given, Pooled::Mean),
            Mistake::LargestLogit => self.pooled(term, given, Pooled::Largest),
            Mistake::LogOfSummedLogits => {
                let sum: f64 = set.iter().map(|&class| self.scores[class]).sum();
                set.iter().map(|&class| (class as u32, -1.0 / sum)).collect()
            }
            Mistake::NoNormalizer => {
                let within: Vec<f64> = set.iter().map(|&class| self.scores[class]).collect();
                set.iter().zip(softmax(&within)).map(|(&class, share)| (class as u32, -share)).collect()
            }
            Mistake::SoftmaxTwice => self.softmax_twice(&set),
            Mistake::Epsilon(epsilon) => {
                let p = scalar::exp(Formula::new(term, self.criterion).at(&self.scores).log_p);
                self.right(term, p / (p + epsilon))
            }
            Mistake::ByProbabilities => {
                let mut slopes = self.by_probabilities(&set, -1.0);
                if given != NodeId::ROOT {
                    slopes.extend(self.by_probabilities(&self.hierarchy.classes_below(given), 1.0));
                }
                slopes
            }
            Mistake::NotConditional => self.right(&given_node(term, NodeId::ROOT), 1.0),
            Mistake::Conditional => match &term.of {
                TermSet::Node(node) if self.hierarchy.parents(*node).len() == 1 => {
                    self.right(&given_node(term, self.hierarchy.parents(*node)[0]), 1.0)
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    fn right(&self, term: &Term, factor: f64) -> Slopes {
        let at = Formula::new(term, self.criterion).at(&self.scores);
        at.slopes.into_iter().map(|(column, slope)| (column, -factor * slope)).collect()
    }

    fn by_probabilities(&self, set: &[usize], sign: f64) -> Slopes {
        let p: f64 = set.iter().map(|&class| self.shares[class]).sum();
        set.iter().map(|&class| (class as u32, sign / p)).collect()
    }

    /// `-log sum_S softmax(softmax(z))`.
    fn softmax_twice(&self, set: &[usize]) -> Slopes {
        let again = softmax(&self.shares);
        let total: f64 = set.iter().map(|&class| again[class]).sum();
        let mut by_share = again.clone();
        set.iter().for_each(|&class| by_share[class] -= again[class] / total);
        let mean: f64 = by_share.iter().zip(&self.shares).map(|(slope, share)| slope * share).sum();
        let slope = |(class, (slope, share)): (usize, (&f64, &f64))| (class as u32, share * (slope - mean));
        by_share.iter().zip(&self.shares).enumerate().map(slope).collect()
    }

    /// A softmax over the superclasses of the term's level, whose logits are pooled from those of their classes.
    fn pooled(&self, term: &Term, given: NodeId, pooled: Pooled) -> Slopes {
        let TermSet::Node(own) = term.of else { return self.right(term, 1.0) };
        if is_class(self.hierarchy, &term.of) {
            return self.right(term, 1.0);
        }
        let peers = self.peers(own, given);
        let below: Vec<Vec<usize>> = peers.iter().map(|peer| self.hierarchy.classes_below(*peer)).collect();
        let logits: Vec<f64> = below.iter().map(|classes| pooled.of(classes, &self.scores)).collect();
        let mut slopes = Vec::new();
        for ((peer, classes), share) in peers.iter().zip(&below).zip(softmax(&logits)) {
            let slope = share - f64::from(u8::from(*peer == own));
            slopes.extend(pooled.slopes(classes, &self.scores).into_iter().map(|(class, part)| (class, slope * part)));
        }
        slopes
    }

    /// The nodes among which a node is chosen: its siblings, or those of its depth with the classes that end above.
    fn peers(&self, own: NodeId, given: NodeId) -> Vec<NodeId> {
        let hierarchy = self.hierarchy;
        if given != NodeId::ROOT {
            return hierarchy.children(given).to_vec();
        }
        let depth = hierarchy.depth(own);
        let is_peer = |node: &NodeId| match hierarchy.depth(*node) {
            of_node if of_node == depth => true,
            of_node => of_node < depth && hierarchy.children(*node).is_empty(),
        };
        hierarchy.nodes().skip(1).filter(is_peer).collect()
    }
}

/// How a superclass's logit is made of those of its classes.
#[derive(Clone, Copy)]
enum Pooled {
    Sum,
    Mean,
    Largest,
}

impl Pooled {
    fn of(self, classes: &[usize], scores: &[f64]) -> f64 {
        self.slopes(classes, scores).into_iter().map(|(class, part)| part * scores[class as usize]).sum()
    }

    fn slopes(self, classes: &[usize], scores: &[f64]) -> Slopes {
        let all = |part: f64| classes.iter().map(|&class| (class as u32, part)).collect();
        match self {
            Self::Sum => all(1.0),
            Self::Mean => all(1.0 / classes.len() as f64),
            Self::Largest => {
                let largest = classes.iter().copied().reduce(|a, b| if scores[b] > scores[a] { b } else { a });
                largest.map(|class| (class as u32, 1.0)).into_iter().collect()
            }
        }
    }
}

fn given_node(term: &Term, given: NodeId) -> Term {
    Term { log_p: LogProb::Classes { given }, ..term.clone() }
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let all = scalar::log_sum_exp(scores);
    scores.iter().map(|score| scalar::exp(score - all)).collect()
}
