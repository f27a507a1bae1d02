//! The usual mistakes in code for losses on hierarchies, each found by making it.

use std::fmt;

use super::check::is_same;
use super::wrong::Batch;
use super::{Comparison, Criterion, InputError, compare};
use crate::Label;
use crate::loss::Reduction;

/// A mistake that gives another gradient.
///
/// Those up to [`FocalLeftOut`](Self::FocalLeftOut) are about the formula, and are looked for in losses on one softmax over
/// the classes (`marginal_cross_entropy`, `hierarchical_cross_entropy`, `soft_labels`, `parameter_sharing_softmax`); the
/// others in all losses.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mistake {
    /// A superclass has the sum of its classes' logits as its logit.
    SummedLogits,
    /// A superclass has the mean of its classes' logits as its logit.
    AveragedLogits,
    /// A superclass has the largest of its classes' logits as its logit.
    LargestLogit,
    /// The logarithm of summed logits, which are no probabilities.
    LogOfSummedLogits,
    /// The log-sum-exp of a superclass without that of all classes taken from it: no `log_softmax`.
    NoNormalizer,
    /// A softmax of what went through a softmax.
    SoftmaxTwice,
    /// `log(P + epsilon)`.
    Epsilon(f64),
    /// The gradient by the probabilities and not by the logits.
    ByProbabilities,
    /// `P(v)` where `P(v | parent)` is meant.
    NotConditional,
    /// `P(v | parent)` where `P(v)` is meant.
    Conditional,
    /// The nodes' weights are applied twice.
    WeightsTwice,
    /// The nodes' weights are not applied.
    WeightsLeftOut,
    /// The levels' weights are counted from the classes up and not from the top down.
    LevelsFromBelow,
    /// The levels' weights are those of the level above, or below.
    LevelsOffByOne,
    /// The terms' mean, by their number or their weights, and not their sum.
    MeanOverLevels,
    /// The focal factor is left out.
    FocalLeftOut,
    /// The class weights are applied twice.
    ClassWeightsTwice,
    /// The sum over the rows and not the mean.
    SumNotMean,
    /// The mean over the rows and not the sum.
    MeanNotSum,
    /// A mean over all rows, the ignored ones too, or regardless of their weights.
    MeanOverAllRows,
    /// A mean over the classes, with or without that over the rows.
    MeanOverClasses,
    /// The gradient of minus the loss.
    SignFlipped,
    /// The columns are in the order of the tree where they are taken to be in the order of the classes, or the other way
    /// round.
    TreeOrder,
    /// The same with the order of the names.
    NameOrder,
}

/// The values of epsilon that people add.
const EPSILONS: [f64; 10] = [1e-12, 1e-10, 1e-9, 1e-8, f32::EPSILON as f64, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3];

const OTHERS: [Mistake; 23] = {
    use Mistake::{
        AveragedLogits, ByProbabilities, ClassWeightsTwice, Conditional, FocalLeftOut, LargestLogit, LevelsFromBelow,
        LevelsOffByOne, LogOfSummedLogits, MeanNotSum, MeanOverAllRows, MeanOverClasses, MeanOverLevels, NameOrder,
        NoNormalizer, NotConditional, SignFlipped, SoftmaxTwice, SumNotMean, SummedLogits, TreeOrder, WeightsLeftOut,
        WeightsTwice,
    };
    [
        SummedLogits,
        AveragedLogits,
        LargestLogit,
        LogOfSummedLogits,
        NoNormalizer,
        SoftmaxTwice,
        ByProbabilities,
        NotConditional,
        Conditional,
        WeightsTwice,
        WeightsLeftOut,
        LevelsFromBelow,
        LevelsOffByOne,
        MeanOverLevels,
        FocalLeftOut,
        ClassWeightsTwice,
        SumNotMean,
        MeanNotSum,
        MeanOverAllRows,
        MeanOverClasses,
        SignFlipped,
        TreeOrder,
        NameOrder,
    ]
};

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SummedLogits => {
                "superclass logits are sums of class logits: probabilities add up, logits do not; take the log-sum-exp"
            }
            Self::AveragedLogits => "superclass logits are means of class logits: take the log-sum-exp",
            Self::LargestLogit => "a superclass has the largest of its classes' logits: take the log-sum-exp",
            Self::LogOfSummedLogits => "the logarithm is of summed logits: the softmax is missing",
            Self::NoNormalizer => {
                "the log-sum-exp over all classes is not taken off that of the superclass: log_softmax is missing"
            }
            Self::SoftmaxTwice => "a softmax of probabilities: what goes into log_softmax has been through one",
            Self::Epsilon(epsilon) => {
                return write!(
                    f,
                    "{epsilon:e} is added in the logarithm: compute in log space, where nothing is added"
                );
            }
            Self::ByProbabilities => "the gradient is by the probabilities: the step through the softmax is missing",
            Self::NotConditional => "P(v) where the loss has P(v | parent)",
            Self::Conditional => "P(v | parent) where the loss has P(v)",
            Self::WeightsTwice => "the nodes' weights are applied twice",
            Self::WeightsLeftOut => "the nodes' weights are not applied",
            Self::LevelsFromBelow => "the levels' weights are counted from below: the first is that of the top level",
            Self::LevelsOffByOne => "the levels' weights are off by one level: the first is that just below the root",
            Self::MeanOverLevels => "the mean over a row's terms: they are added up",
            Self::FocalLeftOut => "the focal factor is left out, or not differentiated",
            Self::ClassWeightsTwice => "the class weights are applied twice",
            Self::SumNotMean => "the sum over the rows: the mean is asked for",
            Self::MeanNotSum => "the mean over the rows: none is asked for",
            Self::MeanOverAllRows => {
                "the mean divides by the number of rows: it is by the weights of the rows that take part"
            }
            Self::MeanOverClasses => "the mean is over the classes as well, or instead: it is over the rows alone",
            Self::SignFlipped => "the sign is flipped: the loss is minus the logarithm",
            Self::TreeOrder => "the columns are in the order of the tree in one place and of the classes in another",
            Self::NameOrder => "the columns are in the order of the names in one place and of the classes in another",
        })
    }
}

/// What is wrong with a gradient.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Diagnosis {
    /// Where it differs from the right one.
    pub comparison: Comparison,
    /// The mistakes, each of which alone gives the same gradient. None where it is right, and where it is another mistake
    /// or several at once.
    pub mistakes: Vec<Mistake>,
}

impl Diagnosis {
    /// Whether the gradient is right within the tolerance.
    pub fn is_right(&self) -> bool {
        self.comparison.columns.is_empty()
    }
}

/// Compares the gradient `given` of a batch with the right one, and where they differ makes the usual mistakes, one by one,
/// and names those that give the same numbers.
///
/// `logits` and `given` are `[batch, columns]`. `reduction` is what the loss is meant to be reduced by; for
/// [`Reduction::None`] each row is by its own loss. `tolerance` is relative to the largest share of a term in the right
/// gradient, and to the largest entry of a wrong one: [`TOLERANCE`](super::TOLERANCE) for `f32`.
///
/// # Errors
///
/// Lengths that do not fit, or a label that does not (with its row).
///
/// ```
/// use klados::{Hierarchy, Label, explain, loss::{MarginalCrossEntropy, Reduction}};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let (logits, labels) = ([0.5, -1.0, 2.0, 0.0, 1.0, 0.5], [Label::Class(0), Label::Class(2)]);
/// let (mut losses, mut grad) = ([0.0; 2], [0.0; 6]);
/// criterion.forward_backward(&logits, &labels, &mut losses, &mut grad)?; // of the sum, and the mean is meant
/// let diagnosis = explain::diagnose(&criterion, &logits, &labels, &grad, Reduction::Mean, explain::TOLERANCE)?;
/// assert_eq!(diagnosis.mistakes, [explain::Mistake::SumNotMean]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn diagnose(
    criterion: &Criterion,
    logits: &[f64],
    labels: &[Label],
    given: &[f64],
    reduction: Reduction,
    tolerance: f64,
) -> Result<Diagnosis, InputError> {
    let batch = Batch::new(criterion, logits, labels, reduction)?;
    let (right, largest_share) = batch.right()?;
    let comparison = compare(criterion, &right, given, tolerance * largest_share)?;
    let mut mistakes = Vec::new();
    if !comparison.columns.is_empty() {
        let mut closest = f64::INFINITY;
        for epsilon in EPSILONS {
            for wrong in batch.with(Mistake::Epsilon(epsilon), &right)? {
                let distance = wrong.iter().zip(given).fold(0.0, |far: f64, (a, b)| far.max((a - b).abs()));
                if is_same(&wrong, given, tolerance) && distance < closest {
                    closest = distance;
                    mistakes = vec![Mistake::Epsilon(epsilon)];
                }
            }
        }
        for mistake in OTHERS {
            if batch.with(mistake, &right)?.iter().any(|wrong| is_same(wrong, given, tolerance)) {
                mistakes.push(mistake);
            }
        }
    }
    Ok(Diagnosis { comparison, mistakes })
}
