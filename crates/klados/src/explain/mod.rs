//! Where the loss and the gradient of a row come from.
//!
//! A loss is a sum of terms, each about a node, a union or a superclass: `weight (1 - P)^gamma -log P`. The gradient by a
//! logit is the sum of the terms' shares in it. An [`Explanation`] has both for one row, with the nodes around the label; a
//! [`MeanExplanation`] has the mean of many. Shares are computed from the formula of each term, in `f64`, by none of the
//! code that trains, so that the two hold each other to account.
//!
//! [`central_differences`], [`compare`] and [`diagnose`] check a gradient of your own code against them, and name the usual
//! mistake that gives the same numbers. [`Formulas`] are a row's loss as data, for programs that compute it elsewhere.
//!
//! ```
//! use klados::{Hierarchy, explain::Explanation, loss::MarginalCrossEntropy};
//!
//! let hierarchy = Hierarchy::from_edges([
//!     ("mammal", "bat"), ("mammal", "bear"), ("bird", "crow"), ("mammal", "dog"), ("bird", "pigeon"), ("bird", "robin"),
//! ])?;
//! let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
//! let logits = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];
//! let crow = Explanation::of_row(&criterion, &logits, &hierarchy.parse_label("crow")?, 0)?;
//! let terms: Vec<(&str, f64)> = crow.terms.iter().map(|term| (&*term.quantity, term.value)).collect();
//! assert_eq!(terms.iter().map(|term| term.0).collect::<Vec<_>>(), ["P(crow)", "P(bird)"]);
//! assert!((terms[0].1 - 2.2345).abs() < 1e-4 && (terms[1].1 - 1.0047).abs() < 1e-4);
//! // Its own term pushes robin down, that of bird pushes it up, and more: a mistaken crow is better a bird.
//! let robin = &crow.columns[5];
//! assert_eq!(robin.raised_by().next().unwrap().term, 1);
//! assert_eq!(robin.lowered_by().next().unwrap().term, 0);
//! assert!((robin.gradient - robin.shares.iter().map(|share| share.share).sum::<f64>()).abs() < 1e-15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod formulas;
mod mean;
mod mistakes;
mod node_formulas;
mod nodes;
mod paths;
mod probability;
mod split;
mod terms;
mod wrong;
mod wrong_formula;

pub use check::{CentralDifferences, ColumnDifference, Comparison, STEP, TOLERANCE, central_differences, compare};
pub use formulas::{Formulas, LogP};
pub use mean::{MeanColumn, MeanExplanation, MeanNode, MeanTerm, TermLevel};
pub use mistakes::{Diagnosis, Mistake, diagnose};
pub use nodes::ExplainedNode;
pub use terms::{Outcome, TermAtRow, for_each_term};

use crate::criterion::{Criterion, InputError};
use crate::{Label, TermSet};

/// One row: its terms, what each asks of each column, and the nodes around the label.
///
/// Serialized as JSON, it is what `klados explain` prints; a number that is not finite is `null` there. Memory is 16 bytes
/// a share, of which a term has one for each column that it touches: in a softmax all, so that eight levels over 20,000
/// classes take 2.5 MB. For a distribution over many thousand classes, each with a term, see [`for_each_term`].
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// What kind of row it is.
    pub outcome: Outcome,
    /// The sum of the terms' values; infinite or NaN as the outcome says.
    pub loss: f64,
    /// The terms, as [`Criterion::terms`] has them.
    pub terms: Vec<ExplainedTerm>,
    /// By column of the logits.
    pub columns: Vec<ExplainedColumn>,
    /// The label's nodes, all above them and the children of these, parents first.
    pub nodes: Vec<ExplainedNode>,
}

/// What a term costs.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ExplainedTerm {
    /// The node, union or superclass that it is about.
    #[serde(skip)]
    pub of: TermSet,
    /// The same in words.
    pub subject: String,
    /// Which probability it is about, as `P(crow | bird)`.
    pub quantity: String,
    /// Its weight, with the class weight and the smoothing in it.
    pub weight: f64,
    /// The logarithm of its probability.
    pub log_p: f64,
    /// Its probability.
    pub p: f64,
    /// The focal factor; 1 where there is none.
    pub focal: f64,
    /// What it adds to the loss.
    pub value: f64,
}

/// The gradient by a logit, and whose shares it is the sum of.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ExplainedColumn {
    /// The class, or the node in losses with a logit a node.
    pub name: String,
    /// The logit.
    pub logit: f64,
    /// The derivative of the loss by it; a step of training goes the other way.
    pub gradient: f64,
    /// What the terms add to it, in ascending order: those that raise the logit first. Terms that add nothing are left
    /// out.
    pub shares: Vec<Share>,
}

/// What a term adds to the gradient by a logit.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Share {
    /// The place of the term.
    pub term: usize,
    /// What it adds.
    pub share: f64,
}

impl ExplainedColumn {
    /// The terms that push the logit up in a step of training, the strongest first: their shares are below 0.
    pub fn raised_by(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(|share| share.share < 0.0)
    }

    /// The terms that push the logit down in a step of training, the strongest first: their shares are above 0.
    pub fn lowered_by(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().rev().filter(|share| share.share > 0.0)
    }
}

impl Explanation {
    /// Explains a row. `row` is its place in the batch, which matters to losses that draw at random.
    ///
    /// # Errors
    ///
    /// A label that does not fit, or logits of another number than the criterion's columns.
    pub fn of_row(criterion: &Criterion, logits: &[f64], label: &Label, row: usize) -> Result<Self, InputError> {
        let mut columns: Vec<ExplainedColumn> = column_names(criterion)
            .zip(logits)
            .map(|(name, logit)| ExplainedColumn { name, logit: *logit, gradient: 0.0, shares: Vec::new() })
            .collect();
        let (mut terms, mut loss) = (Vec::new(), 0.0);
        let outcome = for_each_term(criterion, logits, label, row, |at| {
            for &(column, share) in at.shares.iter().filter(|(_, share)| *share != 0.0) {
                let column = &mut columns[column as usize];
                column.gradient += share;
                column.shares.push(Share { term: terms.len(), share });
            }
            loss += at.value;
            terms.push(ExplainedTerm::new(criterion, at));
        })?;
        match outcome {
            Outcome::Finite | Outcome::Ignored => {}
            Outcome::Impossible => loss = f64::INFINITY,
            Outcome::NotANumber => {
                loss = f64::NAN;
                columns.iter_mut().for_each(|column| column.gradient = f64::NAN);
            }
        }
        columns.iter_mut().for_each(|column| column.shares.sort_by(|a, b| a.share.total_cmp(&b.share)));
        let nodes = nodes::around(criterion, logits, label, &terms, &columns)?;
        Ok(Self { outcome, loss, terms, columns, nodes })
    }

    /// The gradient, by column.
    pub fn gradient(&self) -> Vec<f64> {
        self.columns.iter().map(|column| column.gradient).collect()
    }

    /// The largest share, by its size: what errors of a gradient are measured against.
    pub fn largest_share(&self) -> f64 {
        let shares = self.columns.iter().flat_map(|column| &column.shares);
        shares.fold(0.0, |largest, share| share.share.abs().max(largest))
    }
}

impl ExplainedTerm {
    fn new(criterion: &Criterion, at: TermAtRow) -> Self {
        Self {
            subject: terms::subject(criterion, &at.term.of),
            quantity: terms::quantity(criterion, &at.term),
            weight: at.term.weight,
            log_p: at.log_p,
            p: crate::numeric::scalar::exp(at.log_p),
            focal: at.focal,
            value: at.value,
            of: at.term.of,
        }
    }
}

/// The names of the columns of the logits.
fn column_names(criterion: &Criterion) -> impl Iterator<Item = String> {
    let hierarchy = criterion.hierarchy();
    let nodes = if criterion.has_node_columns() { hierarchy.node_columns() } else { Vec::new() };
    let classes = if nodes.is_empty() { hierarchy.class_count() } else { 0 };
    let classes = (0..classes).map(|class| hierarchy.class_name(class).to_owned());
    nodes.into_iter().map(|node| hierarchy.name(node).to_owned()).chain(classes)
}
