//! The terms of a row with what they cost and what they ask of each column, one after the other.

use super::probability::{Formula, Probability};
use crate::criterion::{Criterion, InputError};
use crate::numeric::scalar;
use crate::{Hierarchy, Label, LogProb, NodeId, Term, TermSet};

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The loss is a number, and the gradient the sum of the shares.
    Finite,
    /// The sample takes no part.
    Ignored,
    /// A term has probability 0, or all classes are masked: the loss is infinite and the gradient 0.
    Impossible,
    /// The row has a NaN or `+inf`: loss and gradient are NaN.
    NotANumber,
}

/// A term at a row: `value = weight * focal * -log P`.
#[derive(Clone, Debug, PartialEq)]
pub struct TermAtRow {
    /// The term.
    pub term: Term,
    /// `log P`.
    pub log_p: f64,
    /// The focal factor `(1 - P)^gamma`; 1 where there is none.
    pub focal: f64,
    /// What the term adds to the loss.
    pub value: f64,
    /// What it adds to the gradient: columns, ascending, with their shares.
    pub shares: Vec<(u32, f64)>,
}

/// Calls `each` with the terms of a row's loss, one at a time: the shares of one term are in memory, also where a
/// distribution over many classes has a term for each. `row` is the place in the batch, which matters to losses that draw
/// at random.
///
/// Where the row is not [`Outcome::Finite`] the terms come with what they cost, if there are any, and without shares.
///
/// # Errors
///
/// A label that does not fit, or logits of another number than the criterion's columns.
///
/// ```
/// use klados::{Hierarchy, Label, explain, loss::MarginalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let mut loss = 0.0;
/// explain::for_each_term(&criterion, &[0.5, -1.0, 2.0], &Label::Class(0), 0, |term| loss += term.value)?;
/// let mut expected = [0.0];
/// criterion.forward(&[0.5, -1.0, 2.0], &[Label::Class(0)], &mut expected)?;
/// assert!((loss - expected[0]).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn for_each_term(
    criterion: &Criterion,
    logits: &[f64],
    label: &Label,
    row: usize,
    mut each: impl FnMut(TermAtRow),
) -> Result<Outcome, InputError> {
    let (outcome, terms) = terms_of(criterion, logits, label, row)?;
    let (reading, is_possible) = (Reading::new(criterion), outcome == Outcome::Finite);
    let scores = reading.scores(logits);
    for term in terms {
        let at = Formula::new(&term, criterion).at(&scores);
        let cost = Cost::new(&at, criterion.gamma());
        let factor = if is_possible { -term.weight * cost.slope } else { 0.0 };
        let shares = if is_possible { reading.shares(&at.slopes, factor) } else { Vec::new() };
        let value = term.weight * cost.value;
        each(TermAtRow { log_p: at.log_p, focal: cost.focal, value, shares, term });
    }
    Ok(outcome)
}

/// The terms of a row, and what kind of row it is.
pub(super) fn terms_of(
    criterion: &Criterion,
    logits: &[f64],
    label: &Label,
    row: usize,
) -> Result<(Outcome, Vec<Term>), InputError> {
    let terms = criterion.terms_of_logits(label, row, logits)?;
    if *label == Label::Ignored {
        return Ok((Outcome::Ignored, Vec::new()));
    }
    if logits.iter().any(|z| z.is_nan() || *z == f64::INFINITY) {
        return Ok((Outcome::NotANumber, Vec::new()));
    }
    let Some(terms) = terms else { return Ok((Outcome::Impossible, Vec::new())) };
    let scores = Reading::new(criterion).scores(logits);
    // Whether one of them is impossible has to be known before the first share is handed out.
    let is_possible = |term: &Term| Formula::new(term, criterion).at(&scores).log_p > f64::NEG_INFINITY;
    let outcome = if terms.iter().all(is_possible) { Outcome::Finite } else { Outcome::Impossible };
    Ok((outcome, terms))
}

/// `-(1 - P)^gamma log P`, with its parts.
pub(super) struct Cost {
    pub(super) focal: f64,
    pub(super) value: f64,
    /// Minus the derivative by `log P`.
    slope: f64,
}

impl Cost {
    pub(super) fn new(at: &Probability, gamma: f64) -> Self {
        let Probability { log_p, log_q, .. } = *at;
        if gamma == 0.0 {
            return Self { focal: 1.0, value: -log_p, slope: 1.0 };
        }
        let q = scalar::exp(log_q);
        if q == 0.0 {
            return Self { focal: 0.0, value: 0.0, slope: 0.0 };
        }
        let focal = scalar::pow(q, gamma);
        let slope = focal + gamma * focal * (-log_p / q) * scalar::exp(log_p);
        Self { focal, value: focal * -log_p, slope }
    }
}

/// From the columns of the logits to the scores that terms are of, and back: the same, unless class scores are sums of
/// node logits.
pub(super) struct Reading<'a> {
    hierarchy: &'a Hierarchy,
    columns: usize,
    /// By column the node; empty where scores are logits.
    sums: Vec<NodeId>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(criterion: &'a Criterion) -> Self {
        let hierarchy = criterion.hierarchy();
        let sums = if criterion.sums_over_ancestors() { hierarchy.node_columns() } else { Vec::new() };
        Self { hierarchy, columns: criterion.columns(), sums }
    }

    pub(super) fn scores(&self, logits: &[f64]) -> Vec<f64> {
        if self.sums.is_empty() {
            return logits.to_vec();
        }
        let mut scores = vec![0.0; self.hierarchy.class_count()];
        for (node, z) in self.sums.iter().zip(logits) {
            self.hierarchy.classes_below(*node).into_iter().for_each(|class| scores[class] += z);
        }
        scores
    }

    /// By column, the scores that it is added to; none where scores are logits.
    pub(super) fn sums(&self) -> Option<Vec<Vec<u32>>> {
        let classes = |node: &NodeId| {
            let mut classes = self.hierarchy.classes_below(*node);
            classes.sort_unstable();
            classes.into_iter().map(|class| class as u32).collect()
        };
        (!self.sums.is_empty()).then(|| self.sums.iter().map(classes).collect())
    }

    /// The columns that scores depend on.
    pub(super) fn columns(&self, scores: Vec<u32>) -> Vec<u32> {
        match self.sums.is_empty() {
            true => scores,
            false => (0..self.columns as u32).collect(),
        }
    }

    /// Derivatives by scores, each perhaps several times, to those by columns, times `factor`.
    pub(super) fn shares(&self, slopes: &[(u32, f64)], factor: f64) -> Vec<(u32, f64)> {
        let mut sorted = slopes.to_vec();
        if !self.sums.is_empty() {
            let mut by_class = vec![0.0; self.hierarchy.class_count()];
            slopes.iter().for_each(|(class, slope)| by_class[*class as usize] += slope);
            let below = |node: &NodeId| self.hierarchy.classes_below(*node).into_iter().map(|k| by_class[k]).sum();
            sorted = self.sums.iter().map(below).zip(0..).map(|(slope, column)| (column, slope)).collect();
        }
        sorted.sort_by_key(|(column, _)| *column);
        let mut shares: Vec<(u32, f64)> = Vec::with_capacity(sorted.len());
        for (column, slope) in sorted {
            match shares.last_mut() {
                Some((last, share)) if *last == column => *share += factor * slope,
                _ => shares.push((column, factor * slope)),
            }
        }
        shares
    }
}

/// What a term is about, in words: the node, the union or the superclass.
pub(super) fn subject(criterion: &Criterion, of: &TermSet) -> String {
    let name = |node: &NodeId| criterion.hierarchy().name(*node);
    match of {
        TermSet::Node(node) => name(node).to_owned(),
        TermSet::Union(nodes) => nodes.iter().map(name).collect::<Vec<_>>().join("|"),
        TermSet::Superclass(place) => criterion.superclass_name(*place).unwrap_or_default().to_owned(),
    }
}

/// Which probability a term is about, in words.
pub(super) fn quantity(criterion: &Criterion, term: &Term) -> String {
    let subject = subject(criterion, &term.of);
    match &term.log_p {
        LogProb::Classes { given } if *given != NodeId::ROOT => {
            format!("P({subject} | {})", criterion.hierarchy().name(*given))
        }
        LogProb::Sigmoid { negative: true, .. }
        | LogProb::NoisyOr { negative: true, .. }
        | LogProb::WeightedSigmoid { negative: true, .. } => format!("P(not {subject})"),
        LogProb::Ratio { given, hard: true, .. } => format!("P({subject}) by the largest of {} scores", given.len()),
        LogProb::Ratio { given, hard: false, .. } => format!("P({subject}) among {} scores", given.len()),
        _ => format!("P({subject})"),
    }
}
