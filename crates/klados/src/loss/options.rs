//! Options that several losses share, and their checks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::criterion::{CriterionError, CriterionErrorKind};
use crate::hierarchy::error;
use crate::{Hierarchy, Label};

/// How the losses of a batch become one number. See [`Criterion::reduce`](crate::Criterion::reduce).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Not at all: one loss a sample.
    None,
    /// The sum.
    Sum,
    /// The sum over the sum of the class weights of the samples that take part, as in `torch.nn.CrossEntropyLoss`; in
    /// `binary_cross_entropy` over the number of terms that take part; 0 where none does.
    #[default]
    Mean,
}

/// A weight for each class, as `weight` of `torch.nn.CrossEntropyLoss`.
///
/// A coarse label has the mean weight of the classes that it stands for. Serialized as a list, as `"balanced"`, or as the
/// path of a `class,weight` file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "ClassWeightForm", into = "ClassWeightForm")]
pub enum ClassWeight {
    /// By column; not negative.
    List(Vec<f64>),
    /// From the labels' counts: see [`balanced_class_weight`]. Needs labels, so it has to be replaced by a list before
    /// `compile`; the command line does that.
    Balanced,
    /// From a CSV file with the columns `class` and `weight`. Has to be replaced by a list before `compile`; the command
    /// line does that.
    File(PathBuf),
}

/// Rows of a table, or the path of the CSV file that has them. A file has to be replaced by its rows before `compile`;
/// the command line does that.
///
/// ```
/// use klados::loss::Rows;
///
/// let rows: Rows<(String, f64)> = serde_json::from_str(r#"[["bat", 12], ["dog", 30]]"#)?;
/// assert_eq!(rows, Rows::List(vec![("bat".into(), 12.0), ("dog".into(), 30.0)]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Rows<R> {
    /// The rows.
    List(Vec<R>),
    /// A CSV file.
    File(PathBuf),
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<R> From<Vec<R>> for Rows<R> {
    fn from(rows: Vec<R>) -> Self {
        Self::List(rows)
    }
}

impl<R> Rows<R> {
    /// The rows, where they have been read.
    pub(crate) fn read(&self, parameter: &str) -> Result<&[R], CriterionError> {
        match self {
            Self::List(rows) => Ok(rows),
            Self::File(path) => {
                let message = format!("{parameter}: the file \"{}\" has to be read into rows first", path.display());
                Err(CriterionError::parameter(message))
            }
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum ClassWeightForm {
    List(Vec<f64>),
    Name(String),
}

impl From<ClassWeightForm> for ClassWeight {
    fn from(form: ClassWeightForm) -> Self {
        match form {
            ClassWeightForm::List(list) => Self::List(list),
            ClassWeightForm::Name(name) if name == "balanced" => Self::Balanced,
            ClassWeightForm::Name(name) => Self::File(name.into()),
        }
    }
}

impl From<ClassWeight> for ClassWeightForm {
    fn from(weight: ClassWeight) -> Self {
        match weight {
            ClassWeight::List(list) => Self::List(list),
            ClassWeight::Balanced => Self::Name("balanced".into()),
            ClassWeight::File(path) => Self::Name(path.to_string_lossy().into_owned()),
        }
    }
}

impl From<Vec<f64>> for ClassWeight {
    fn from(list: Vec<f64>) -> Self {
        Self::List(list)
    }
}

/// The weights `n / (K n_k)` of `n` labels over `K` classes, where `n_k` is the count of class `k`. A coarse label
/// counts as `1/|S|` on each of its classes, a soft one as its probabilities; a class without count gets weight 1.
///
/// # Errors
///
/// A label that names a class that is not there.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::balanced_class_weight};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "bear"), ("bird", "crow")])?;
/// let labels = [Label::Class(0), Label::Class(0), Label::Node(hierarchy.node("mammal")?)];
/// let weights = balanced_class_weight(&hierarchy, &labels)?;
/// assert_eq!(weights, [3.0 / (3.0 * 2.5), 3.0 / (3.0 * 0.5), 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn balanced_class_weight(hierarchy: &Hierarchy, labels: &[Label]) -> Result<Vec<f64>, crate::InputError> {
    let mut counts = vec![0.0; hierarchy.class_count()];
    let mut samples = 0.0;
    for (row, label) in labels.iter().enumerate() {
        crate::criterion::check_label(hierarchy, label).map_err(|error| error.in_row(row))?;
        match label {
            Label::Ignored => continue,
            Label::Class(class) => counts[*class] += 1.0,
            Label::Soft(target) => counts.iter_mut().zip(target).for_each(|(count, target)| *count += target),
            Label::Superclass(_) => continue, // known to the loss alone: counts on no class
            Label::Node(_) | Label::Union(_) | Label::Set { .. } => {
                let classes = crate::criterion::classes_of(hierarchy, label);
                for &class in &classes {
                    counts[class] += 1.0 / classes.len() as f64;
                }
            }
        }
        samples += 1.0;
    }
    let classes = counts.len() as f64;
    Ok(counts.into_iter().map(|count| if count > 0.0 { samples / (classes * count) } else { 1.0 }).collect())
}

/// The list of class weights, checked.
pub(crate) fn class_weight(
    weight: Option<&ClassWeight>,
    hierarchy: &Hierarchy,
) -> Result<Option<Vec<f64>>, CriterionError> {
    let list = match weight {
        None => return Ok(None),
        Some(ClassWeight::List(list)) => list,
        Some(ClassWeight::Balanced) => {
            let message = "class_weight \"balanced\" needs the labels: replace it by the list that \
                           balanced_class_weight gives for them";
            return Err(CriterionError::parameter(message));
        }
        Some(ClassWeight::File(path)) => {
            let message = format!("class_weight: the file \"{}\" has to be read into a list first", path.display());
            return Err(CriterionError::parameter(message));
        }
    };
    if list.len() != hierarchy.class_count() {
        let message =
            format!("class_weight has {} entries, expected {} (classes)", list.len(), hierarchy.class_count());
        return Err(CriterionError::new(CriterionErrorKind::Mismatch, message));
    }
    let bad = (0..list.len()).filter(|&class| !(list[class] >= 0.0 && list[class].is_finite()));
    let bad: Vec<&str> = bad.map(|class| hierarchy.class_name(class)).collect();
    if !bad.is_empty() {
        let message = format!("class_weight has to be finite and not negative; it is not for {}", error::list(&bad, 5));
        return Err(CriterionError::parameter(message));
    }
    Ok(Some(list.clone()))
}

/// `value` where it is finite and at least 0, else an error that names the parameter.
pub(crate) fn not_negative(name: &str, value: f64) -> Result<f64, CriterionError> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err(CriterionError::parameter(format!("{name} is {value}, expected a finite number from 0 up"))),
    }
}

/// `label_smoothing` where it is in `[0, 1]`.
pub(crate) fn label_smoothing(value: f64) -> Result<f64, CriterionError> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err(CriterionError::parameter(format!("label_smoothing is {value}, expected a number from 0 to 1"))),
    }
}
