//! What can be wrong with a loss, or with a batch that is given to one.

/// The kinds of [`CriterionError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CriterionErrorKind {
    /// A parameter is outside of its range.
    InvalidParameter,
    /// A parameter names a level, or gives a number of entries, that the hierarchy does not have.
    Mismatch,
    /// The loss is defined for trees and the hierarchy is a DAG.
    NotATree,
    /// The text is not a loss, or not a decision.
    Syntax,
    /// A decision lacks the numbers that it takes from validation data.
    NotCalibrated,
}

/// A loss that does not compile for a hierarchy, or text that is not a loss.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct CriterionError {
    kind: CriterionErrorKind,
    message: String,
}

impl CriterionError {
    pub(crate) fn new(kind: CriterionErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(CriterionErrorKind::InvalidParameter, message)
    }

    /// What is wrong, for programs.
    pub fn kind(&self) -> CriterionErrorKind {
        self.kind
    }
}

/// The kinds of [`InputError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputErrorKind {
    /// The lengths of logits, labels, losses or gradient do not fit each other.
    Shape,
    /// A label names a class or node that is not there.
    OutOfRange,
    /// A soft label, or a row of given probabilities, is not a distribution.
    NotADistribution,
    /// A given probability is not from 0 to 1.
    NotAProbability,
    /// Given probabilities have no gradient.
    NoGradient,
    /// The loss has no meaning for labels of this form.
    LabelForm,
    /// The metric is defined for trees and the hierarchy is a DAG.
    NotATree,
    /// A decision of one node a row is asked for sets of nodes, or the other way round.
    AnswerForm,
}

/// A batch that does not fit the criterion.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}{message}", self.row.map(|row| format!("row {row}: ")).unwrap_or_default())]
pub struct InputError {
    kind: InputErrorKind,
    row: Option<usize>,
    message: String,
}

impl InputError {
    pub(crate) fn new(kind: InputErrorKind, message: impl Into<String>) -> Self {
        Self { kind, row: None, message: message.into() }
    }

    pub(crate) fn in_row(mut self, row: usize) -> Self {
        self.row = Some(row);
        self
    }

    /// What is wrong, for programs.
    pub fn kind(&self) -> InputErrorKind {
        self.kind
    }

    /// The row of the batch, from 0, where the error is in one.
    pub fn row(&self) -> Option<usize> {
        self.row
    }

    /// The message without the row.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// `name` of length `got` where `expected` is needed.
pub(crate) fn check_length(name: &str, got: usize, expected: usize, why: &str) -> Result<(), InputError> {
    if got == expected {
        return Ok(());
    }
    let verb = if name.ends_with('s') { "have" } else { "has" };
    let message = format!("{name} {verb} {got} elements, expected {expected} ({why})");
    Err(InputError::new(InputErrorKind::Shape, message))
}

/// An error where the hierarchy is a DAG.
pub(crate) fn needs_tree(loss: &str, hierarchy: &crate::Hierarchy) -> Result<(), CriterionError> {
    if hierarchy.is_tree() {
        return Ok(());
    }
    let message = format!("{loss} is defined on trees; this hierarchy has nodes with several parents");
    Err(CriterionError::new(CriterionErrorKind::NotATree, message))
}
