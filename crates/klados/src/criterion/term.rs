//! What a row's loss is made of, for adapters that compose it of their own operations and for reports that explain it.

use crate::numeric::scalar;
use crate::{Hierarchy, NodeId};

/// One term of a row's loss: `-weight (1 - P)^gamma log P`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What the term is about.
    pub of: TermSet,
    /// The weight of the term, with the class weight and the smoothing in it.
    pub weight: f64,
    /// Where `log P` comes from.
    pub log_p: LogProb,
}

/// What a [`Term`] is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TermSet {
    /// A node: the classes at or below it.
    Node(NodeId),
    /// The classes at or below any of these nodes.
    Union(Vec<NodeId>),
    /// A superclass of the loss's own map, by its place there.
    Superclass(usize),
}

/// The `log P` of a [`Term`], from the columns of the logits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogProb {
    /// In the class softmax: of the classes of [`Term::of`], a node or a union, given a node; the root where it is not
    /// conditional. With parameter sharing the class logits are sums of node logits.
    Classes {
        /// The node that the probability is conditional on.
        given: NodeId,
    },
    /// `logsumexp(set) - logsumexp(given)`; with `hard` the maximum of `given` in place of its log-sum-exp.
    Ratio {
        /// The scores above the line.
        set: Vec<Score>,
        /// The scores below the line.
        given: Vec<Score>,
        /// Whether the loss takes the maximum below the line.
        hard: bool,
    },
    /// The logarithm of the sum over alternatives of a product of ratios `e^set / sum e^given`.
    AnyOf(Vec<Vec<(Score, Vec<Score>)>>),
    /// `log sigma(x)`, or `log sigma(-x)` where it is `negative`, of the picked of the columns.
    Sigmoid {
        /// One column, or those to pick from, in the order in which ties are broken.
        columns: Vec<u32>,
        /// Which is picked.
        pick: Pick,
        /// Whether it is the logarithm of `1 - sigma(x)`.
        negative: bool,
    },
    /// `log(1 - prod (1 - sigma(z)))` over the columns, or, where it is `negative`, the logarithm of the product.
    NoisyOr {
        /// The columns.
        columns: Vec<u32>,
        /// Whether it is the logarithm of the complement.
        negative: bool,
    },
    /// `log sum w sigma(z)`, or `log sum w sigma(-z)` where it is `negative`.
    WeightedSigmoid {
        /// The columns with their weights.
        columns: Vec<(u32, f64)>,
        /// Whether it is the logarithm of the complement.
        negative: bool,
    },
}

/// A score of a softmax: a logit, or the root's 0, and what is added to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The column of the logit; `None` for the root, whose score is 0.
    pub column: Option<u32>,
    /// What is added.
    pub plus: f64,
}

/// Which of several logits a [`LogProb::Sigmoid`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl LogProb {
    /// `log P` at a row of logits, in plain `f64`: to explain a loss, not to train with.
    ///
    /// `of` and `hierarchy` are those of the term. A row of logits of another length panics.
    pub(crate) fn value(&self, of: &TermSet, hierarchy: &Hierarchy, z: &[f64]) -> f64 {
        let score = |score: &Score| score.column.map_or(0.0, |column| z[column as usize]) + score.plus;
        let scores = |scores: &[Score]| scores.iter().map(score).collect::<Vec<_>>();
        match self {
            Self::Classes { given } => {
                let all = hierarchy.classes_below(*given);
                let set = match of {
                    TermSet::Node(node) => hierarchy.classes_below(*node),
                    TermSet::Union(nodes) => super::classes_of(hierarchy, &crate::Label::Union(nodes.clone())),
                    TermSet::Superclass(_) => Vec::new(),
                };
                let mut inside = vec![false; z.len()];
                set.iter().for_each(|&class| inside[class] = true);
                let members: Vec<f64> = set.iter().map(|&class| z[class]).collect();
                let rest: Vec<f64> = all.iter().filter(|&&class| !inside[class]).map(|&class| z[class]).collect();
                log_share(&members, &rest)
            }
            Self::Ratio { set, given, hard: true } => {
                scalar::log_sum_exp(&scores(set)) - scores(given).into_iter().fold(f64::NEG_INFINITY, f64::max)
            }
            Self::Ratio { set, given, hard: false } => {
                // What is in both sets with the same weight cancels, so the rest keeps its digits near P = 1.
                let rest: Vec<Score> = given.iter().filter(|score| !set.contains(score)).copied().collect();
                if rest.len() + set.len() == given.len() {
                    log_share(&scores(set), &scores(&rest))
                } else {
                    scalar::log_sum_exp(&scores(set)) - scalar::log_sum_exp(&scores(given))
                }
            }
            Self::AnyOf(alternatives) => {
                let products = alternatives.iter().map(|factors| {
                    let factor = |(one, given): &(Score, Vec<Score>)| {
                        let rest: Vec<Score> = given.iter().filter(|score| *score != one).copied().collect();
                        log_share(&[score(one)], &scores(&rest))
                    };
                    factors.iter().map(factor).sum()
                });
                scalar::log_sum_exp(&products.collect::<Vec<f64>>())
            }
            Self::Sigmoid { columns, pick, negative } => {
                let picked = columns.iter().map(|&column| z[column as usize]).reduce(|a, b| match pick {
                    Pick::Max => a.max(b),
                    Pick::Min => a.min(b),
                });
                let x = picked.unwrap_or(f64::NEG_INFINITY);
                -scalar::softplus(if *negative { x } else { -x })
            }
            Self::NoisyOr { columns, negative } => {
                let sum: f64 = columns.iter().map(|&column| scalar::softplus(z[column as usize])).sum();
                match negative {
                    true => -sum,
                    false if sum > f64::MIN_POSITIVE => scalar::ln(scalar::one_minus_exp(-sum)),
                    false => scalar::log_sum_exp(&columns.iter().map(|&c| z[c as usize]).collect::<Vec<_>>()),
                }
            }
            Self::WeightedSigmoid { columns, negative } => {
                let log_term = |&(column, weight): &(u32, f64)| {
                    let x = z[column as usize];
                    scalar::ln(weight) - scalar::softplus(if *negative { x } else { -x })
                };
                scalar::log_sum_exp(&columns.iter().map(log_term).collect::<Vec<_>>())
            }
        }
    }
}

impl Term {
    /// The value of the term at a row of logits, in plain `f64`: to explain a loss, not to train with. `gamma` is
    /// [`Criterion::gamma`](crate::Criterion::gamma). Where the loss
    /// [sums over ancestors](crate::Criterion::sums_over_ancestors), `row` are the sums, one a class.
    ///
    /// ```
    /// use klados::{Hierarchy, Label, loss::MarginalCrossEntropy};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// let (row, label) = ([0.5, -1.0, 2.0], Label::Class(0));
    /// let terms = criterion.terms(&label)?;
    /// let sum: f64 = terms.iter().map(|term| term.value(&hierarchy, &row, criterion.gamma())).sum();
    /// let mut loss = [0.0];
    /// criterion.forward(&row, &[label], &mut loss)?;
    /// assert!((sum - loss[0]).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where the row is shorter than the criterion's columns.
    pub fn value(&self, hierarchy: &Hierarchy, row: &[f64], gamma: f64) -> f64 {
        let log_p = self.log_p.value(&self.of, hierarchy, row);
        let focus = if gamma == 0.0 { 1.0 } else { scalar::pow(scalar::one_minus_exp(log_p.min(0.0)), gamma) };
        self.weight * focus * -log_p
    }
}

/// `log(sum e^set / (sum e^set + sum e^rest))`, accurate near 0 and near 1.
fn log_share(set: &[f64], rest: &[f64]) -> f64 {
    match scalar::log_sum_exp(set) {
        f64::NEG_INFINITY => f64::NEG_INFINITY,
        inside => -scalar::softplus(scalar::log_sum_exp(rest) - inside),
    }
}
