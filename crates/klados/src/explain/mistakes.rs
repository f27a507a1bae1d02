//! The usual mistakes in code for losses on hierarchies, each found by making it.

use std::fmt;

use super::check::{is_near, size};
use super::wrong::Batch;
use super::{Comparison, Criterion, InputError, compare};
use crate::Label;
use crate::loss::Reduction;

/// Everything that goes once over all mistakes: the enum, the order in which they are looked for, and what is wrong with
/// what to do about it.
macro_rules! mistakes {
    ($($(#[doc = $doc:literal])* $name:ident: $wrong:literal, $instead:literal;)*) => {
        /// A mistake that gives another gradient. Its text says what is wrong, and what to do about it.
        ///
        /// Those up to [`FocalLeftOut`](Self::FocalLeftOut) are about the formula, and are looked for in losses on one
        /// softmax over the classes (`marginal_cross_entropy`, `hierarchical_cross_entropy`, `soft_labels`,
        /// `parameter_sharing_softmax`); the others in all losses.
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Mistake {
            /// `log(P + epsilon)`.
            Epsilon(f64),
            $($(#[doc = $doc])* $name,)*
        }

        /// All but [`Mistake::Epsilon`], which is there with each of [`EPSILONS`].
        const OTHERS: &[Mistake] = &[$(Mistake::$name),*];

        impl fmt::Display for Mistake {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Epsilon(epsilon) => {
                        write!(f, "{epsilon:e} is added in the logarithm: compute in log space, where nothing is added")
                    }
                    $(Self::$name => f.write_str(concat!($wrong, ": ", $instead)),)*
                }
            }
        }
    };
}

mistakes! {
    /// A superclass has the sum of its classes' logits as its logit.
    SummedLogits: "superclass logits are sums of class logits",
        "probabilities add up, logits do not; take the log-sum-exp of the class logits";
    /// A superclass has the mean of its classes' logits as its logit.
    AveragedLogits: "superclass logits are means of class logits", "take the log-sum-exp of the class logits";
    /// A superclass has the largest of its classes' logits as its logit.
    LargestLogit: "a superclass has the largest of its classes' logits", "take the log-sum-exp of the class logits";
    /// The logarithm of summed logits, which are no probabilities.
    LogOfSummedLogits: "the logarithm is of summed logits",
        "the softmax is missing; take the log-sum-exp of log_softmax over all classes";
    /// The log-sum-exp of a superclass without that of all classes taken from it: no `log_softmax`.
    NoNormalizer: "the log-sum-exp over all classes is not taken off that of the superclass",
        "log_softmax is missing; apply it to the logits first";
    /// A softmax of what went through a softmax.
    SoftmaxTwice: "a softmax of probabilities",
        "what goes into log_softmax has been through a softmax; give it the logits as they come from the model";
    /// The gradient by the probabilities and not by the logits.
    ByProbabilities: "the gradient is by the probabilities",
        "the step through the softmax is missing; of g by probabilities p it is p (g - sum p g) by logits";
    /// `P(v)` where `P(v | parent)` is meant.
    NotConditional: "P(v) where the loss has P(v | parent)", "divide by the probability of the parent";
    /// `P(v | parent)` where `P(v)` is meant.
    Conditional: "P(v | parent) where the loss has P(v)", "do not divide by the probability of the parent";
    /// The nodes' weights are applied twice.
    WeightsTwice: "the nodes' weights are applied twice", "multiply each term with its weight in one place";
    /// The nodes' weights are not applied.
    WeightsLeftOut: "the nodes' weights are not applied", "multiply each term with its weight";
    /// The levels' weights are counted from the classes up and not from the top down.
    LevelsFromBelow: "the levels' weights are counted from below", "the first is that of the top level; turn them round";
    /// The levels' weights are those of the level above, or below.
    LevelsOffByOne: "the levels' weights are off by one level", "the first is that just below the root, which has none";
    /// The terms' mean, by their number or their weights, and not their sum.
    MeanOverLevels: "the mean over a row's terms", "add them up, and divide by nothing";
    /// The focal factor is left out.
    FocalLeftOut: "the focal factor is left out, or not differentiated",
        "multiply each term with (1 - P)^gamma, and do not detach it";
    /// The class weights are applied twice.
    ClassWeightsTwice: "the class weights are applied twice", "multiply each row with its weight in one place";
    /// The sum over the rows and not the mean.
    SumNotMean: "the sum over the rows", "the mean is asked for; divide by the sum of the rows' weights";
    /// The mean over the rows and not the sum.
    MeanNotSum: "the mean over the rows", "none is asked for; do not divide by their number";
    /// A mean over all rows, the ignored ones too, or regardless of their weights.
    MeanOverAllRows: "the mean divides by the number of rows", "divide by the weights of the rows that take part";
    /// A mean over the classes, with or without that over the rows.
    MeanOverClasses: "the mean is over the classes as well, or instead",
        "reduce over the rows alone, and add up what a row has";
    /// The gradient of minus the loss.
    SignFlipped: "the sign is flipped", "the loss is minus the logarithm";
    /// The columns are in the order of the tree where they are taken to be in the order of the classes, or the other way
    /// round.
    TreeOrder: "the columns are in the order of the tree in one place and of the classes in another",
        "look columns up by the class, or set the order of the classes to that of the model";
    /// The same with the order of the names.
    NameOrder: "the columns are in the order of the names in one place and of the classes in another",
        "look columns up by the class, or set the order of the classes to that of the model";
}

/// The values of epsilon that people add.
const EPSILONS: [f64; 10] = [1e-12, 1e-10, 1e-9, 1e-8, f32::EPSILON as f64, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3];

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
    let mistakes = match comparison.columns.first() {
        Some(furthest) => Suspects { batch, right: &right, given, tolerance, row: furthest.row }.found()?,
        None => Vec::new(),
    };
    Ok(Diagnosis { comparison, mistakes })
}

/// A gradient that is wrong.
struct Suspects<'a> {
    batch: Batch<'a>,
    right: &'a [f64],
    given: &'a [f64],
    tolerance: f64,
    /// Where it is furthest off. The mistakes are made in this row first, and in all rows where they fit there.
    row: usize,
}

impl Suspects<'_> {
    fn found(&self) -> Result<Vec<Mistake>, InputError> {
        let mut found = Vec::new();
        let mut closest = f64::INFINITY;
        for mistake in EPSILONS.map(Mistake::Epsilon) {
            // Of sizes that give nearly the same, the one that is nearest.
            if let Some(distance) = self.distance(mistake)?.filter(|distance| *distance < closest) {
                closest = distance;
                found = vec![mistake];
            }
        }
        for mistake in OTHERS {
            if self.distance(*mistake)?.is_some() {
                found.push(*mistake);
            }
        }
        Ok(found)
    }

    /// How far the gradient is from that with the mistake, where it is the same within the tolerance.
    fn distance(&self, mistake: Mistake) -> Result<Option<f64>, InputError> {
        let columns = self.batch.columns();
        let row = self.row * columns..(self.row + 1) * columns;
        // In all rows the tolerance is by the largest entry of the wrong gradient, which is this at most if it is the same.
        let allowed = self.tolerance / (1.0 - self.tolerance).max(0.0) * size(self.given);
        let wrong = self.batch.only(self.row).with(mistake, &self.right[row.clone()])?;
        if !wrong.iter().any(|wrong| is_near(wrong, &self.given[row.clone()], allowed)) {
            return Ok(None);
        }
        let wrong = self.batch.with(mistake, self.right)?;
        let same = wrong.iter().filter(|wrong| is_near(wrong, self.given, self.tolerance * size(wrong)));
        let distance =
            |wrong: &Vec<f64>| wrong.iter().zip(self.given).fold(0.0, |far: f64, (a, b)| far.max((a - b).abs()));
        Ok(same.map(distance).reduce(f64::min))
    }
}
