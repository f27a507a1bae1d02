//! A loss compiled for a hierarchy: validated once, run on any batch.

mod error;
mod labels;
mod rows;
mod tables;

use std::sync::{Arc, OnceLock};

pub(crate) use error::check_length;
pub use error::{CriterionError, CriterionErrorKind, InputError, InputErrorKind};
pub(crate) use labels::{check_label, classes_of};
use rows::Scratch;
pub(crate) use tables::{Objective, Tables, UnionLambda};

use crate::kernels::batch::for_each_row;
use crate::kernels::nodes::NodeTables;
use crate::loss::{Loss, Reduction};
use crate::numeric::Element;
use crate::{Hierarchy, Label, NodeId};

/// A loss and a hierarchy, compiled into flat tables. Immutable, `Send + Sync`, cheap to clone.
///
/// Made by the `compile` of each loss, or of [`Loss`]. Logits and gradients are row-major `[batch, classes]` with the
/// classes in the order of the hierarchy's columns; losses are `[batch]`, unreduced. Elements are `f32` or `f64`.
///
/// # Rows that are special
///
/// - An ignored row has loss 0 and gradient 0, whatever its logits.
/// - A logit of `-inf` is a masked class: its gradient is 0 and the others follow the formulas. Where a term that takes
///   part has probability 0 (all of the label's classes are masked) the loss is `+inf` and the gradient of the row 0.
/// - NaN or `+inf` in a row makes its loss and gradient NaN and leaves the other rows alone.
///
/// # Accuracy
///
/// `f32`: the relative error of a sample's loss is at most 1e-6, and that of a gradient entry at most 1e-6 of the largest
/// summand in its row, for logits in `[-1e4, 1e4]`; `f64`: 1e-13. The bits do not depend on the number of threads.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label, loss::{MarginalCrossEntropy, Reduction}};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let logits: [f32; 8] = [2.0, 0.5, -1.0, 0.0, 0.1, 0.2, 0.3, 0.4];
/// let labels = [Label::Class(0), hierarchy.parse_label("bird")?];
/// let (mut losses, mut grad) = ([0.0; 2], [0.0; 8]);
/// criterion.forward_backward(&logits, &labels, &mut losses, &mut grad)?;
/// let mean = criterion.reduce(Reduction::Mean, &losses, &labels)?;
/// assert_eq!(mean, (f64::from(losses[0]) + f64::from(losses[1])) / 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Criterion {
    inner: Arc<Inner>,
}

struct Inner {
    hierarchy: Hierarchy,
    loss: Loss,
    tables: Tables,
    /// Made when a soft target first needs all nodes.
    nodes: OnceLock<NodeTables>,
    /// The classes in tree order, where the columns are in another.
    positions: Option<Vec<u32>>,
    /// By node: the most weight that a class at or below it carries on all nodes above the class, and the most such
    /// nodes with a weight. Of a marginal loss.
    heaviest: Vec<(f64, u32)>,
    /// By node: the mean class weight of the classes at or below it, where there are class weights.
    mean_class_weight: Option<Vec<f64>>,
}

/// One term of a row's loss: `-weight (1 - P)^gamma log P` with `P = P(set | given)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The classes whose probability the term is of.
    pub set: TermSet,
    /// The node that the probability is conditional on; the root where it is not conditional.
    pub given: NodeId,
    /// The weight of the term, with the class weight and the smoothing in it.
    pub weight: f64,
}

/// The classes that a [`Term`] is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TermSet {
    /// The classes at or below a node.
    Node(NodeId),
    /// The classes at or below any of these nodes.
    Union(Vec<NodeId>),
}

impl Criterion {
    pub(crate) fn new(hierarchy: &Hierarchy, loss: Loss, tables: Tables) -> Self {
        let heaviest = match &tables.objective {
            Objective::Marginal { weights, .. } => heaviest(hierarchy, weights),
            _ => Vec::new(),
        };
        let in_order = hierarchy.tree_order().iter().enumerate().all(|(position, &class)| position == class as usize);
        let inner = Inner {
            nodes: OnceLock::new(),
            positions: (!in_order).then(|| hierarchy.tree_order().to_vec()),
            heaviest,
            mean_class_weight: tables.class_weight.as_deref().map(|weights| mean_by_node(hierarchy, weights)),
            hierarchy: hierarchy.clone(),
            loss,
            tables,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The hierarchy that the loss was compiled for.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.inner.hierarchy
    }

    /// The loss that was compiled.
    pub fn loss(&self) -> &Loss {
        &self.inner.loss
    }

    /// The number of columns of the logits.
    pub fn columns(&self) -> usize {
        self.inner.hierarchy.class_count()
    }

    /// The exponent of the focal factor on every term; 0 where there is none.
    pub fn gamma(&self) -> f64 {
        self.inner.tables.gamma
    }

    /// What is legal but surprising about the loss on this hierarchy.
    pub fn warnings(&self) -> &[String] {
        &self.inner.tables.warnings
    }

    /// The losses of a batch. Nothing is computed for the gradient.
    ///
    /// `logits` is `[batch, classes]`, `labels` and `losses` are `[batch]`.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, or a label that does not (with its row). Nothing is written then.
    pub fn forward<T: Element>(&self, logits: &[T], labels: &[Label], losses: &mut [T]) -> Result<(), InputError> {
        self.check(logits.len(), labels, losses.len())?;
        self.run(logits, labels, losses, None);
        Ok(())
    }

    /// The losses of a batch and the gradient of each by its own logits, in one pass over each row.
    ///
    /// `logits` and `grad` are `[batch, classes]`, `labels` and `losses` are `[batch]`. The gradient is that of the
    /// unreduced losses: for a mean divide it by [`normalizer`](Self::normalizer).
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, or a label that does not (with its row). Nothing is written then.
    pub fn forward_backward<T: Element>(
        &self,
        logits: &[T],
        labels: &[Label],
        losses: &mut [T],
        grad: &mut [T],
    ) -> Result<(), InputError> {
        check_length("the gradient", grad.len(), logits.len(), "as the logits")?;
        self.check(logits.len(), labels, losses.len())?;
        self.run(logits, labels, losses, Some(grad));
        Ok(())
    }

    fn run<T: Element>(&self, logits: &[T], labels: &[Label], losses: &mut [T], grad: Option<&mut [T]>) {
        let row = |scratch: &mut Scratch<T>, row: usize, z: &[T], loss: &mut [T], grad: Option<&mut [T]>| {
            loss[0] = T::from_f64(self.inner.row(scratch, &labels[row], z, grad));
        };
        for_each_row((logits, self.columns()), (losses, 1), grad, row);
    }

    fn check(&self, logits: usize, labels: &[Label], losses: usize) -> Result<(), InputError> {
        let columns = self.columns();
        let why = format!("{} labels times {columns} classes", labels.len());
        check_length("the logits", logits, labels.len() * columns, &why)?;
        check_length("the losses", losses, labels.len(), "one a label")?;
        labels.iter().enumerate().try_for_each(|(row, label)| self.check_label(label).map_err(|e| e.in_row(row)))
    }

    /// That a label fits the hierarchy and the loss has a meaning for it.
    ///
    /// # Errors
    ///
    /// A class or node that is not there, probabilities that do not sum to 1, or a form that the loss does not take.
    ///
    /// ```
    /// use klados::Label;
    ///
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// assert_eq!(criterion.check_label(&Label::Class(7)).unwrap_err().to_string(), "class 7 is outside of 0..3");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_label(&self, label: &Label) -> Result<(), InputError> {
        check_label(&self.inner.hierarchy, label)?;
        if matches!(self.inner.tables.objective, Objective::SoftLabels { .. }) {
            let form = match label {
                Label::Union(_) => "a union",
                Label::Soft(_) => "a distribution",
                _ => return Ok(()),
            };
            let message = format!("soft_labels makes a target from one class or node; it has no meaning for {form}");
            return Err(InputError::new(InputErrorKind::LabelForm, message));
        }
        Ok(())
    }

    /// The class weight of a sample: that of its class, the mean over the classes of a coarse label, 1 of a soft one
    /// (whose loss has the weights in it), 0 of an ignored one.
    fn sample_weight(&self, label: &Label) -> f64 {
        match label {
            Label::Ignored => 0.0,
            Label::Soft(_) => 1.0,
            hard => self.inner.weight_of(hard),
        }
    }

    /// What the mean divides by: the sum of the class weights of the samples that take part; a soft label counts as 1.
    ///
    /// # Errors
    ///
    /// A label that does not fit (with its row).
    ///
    /// ```
    /// use klados::Label;
    ///
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// assert_eq!(criterion.normalizer(&[Label::Class(0), Label::Ignored, Label::Class(2)])?, 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn normalizer(&self, labels: &[Label]) -> Result<f64, InputError> {
        let mut sum = 0.0;
        for (row, label) in labels.iter().enumerate() {
            self.check_label(label).map_err(|error| error.in_row(row))?;
            sum += self.sample_weight(label);
        }
        Ok(sum)
    }

    /// The losses of a batch as one number; the mean over nothing is 0. For [`Reduction::None`], which has no one number,
    /// the sum. In `f64`, in the order of the rows.
    ///
    /// # Errors
    ///
    /// Lengths that differ, or a label that does not fit.
    ///
    /// ```
    /// use klados::{Label, loss::Reduction};
    ///
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// let labels = [Label::Class(0), Label::Ignored];
    /// assert_eq!(criterion.reduce(Reduction::Mean, &[3.0f32, 0.0], &labels)?, 3.0);
    /// assert_eq!(criterion.reduce(Reduction::Mean, &[0.0f32], &[Label::Ignored])?, 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reduce<T: Element>(&self, reduction: Reduction, losses: &[T], labels: &[Label]) -> Result<f64, InputError> {
        check_length("the losses", losses.len(), labels.len(), "one a label")?;
        let sum: f64 = losses.iter().map(|loss| loss.to_f64()).sum();
        match reduction {
            Reduction::None | Reduction::Sum => Ok(sum),
            Reduction::Mean => match self.normalizer(labels)? {
                0.0 => Ok(0.0),
                weight => Ok(sum / weight),
            },
        }
    }

    /// The terms of a row's loss: `sum_i weight_i * -(1 - P_i)^gamma log P_i`. What adapters compose the loss of on other
    /// devices, and what explains it. Terms of weight 0 are left out.
    ///
    /// Masked classes are not known here: a soft target is not divided by what they leave.
    ///
    /// # Errors
    ///
    /// A label that does not fit.
    ///
    /// ```
    /// use klados::{Hierarchy, Label, NodeId, loss::MarginalCrossEntropy};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// let terms = criterion.terms(&Label::Class(0))?; // bat: its own term and that of mammal
    /// assert_eq!(terms.len(), 2);
    /// assert!(terms.iter().all(|term| term.weight == 1.0 && term.given == NodeId::ROOT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn terms(&self, label: &Label) -> Result<Vec<Term>, InputError> {
        self.check_label(label)?;
        let inner = &self.inner;
        let class_term = |class: usize, weight: f64| {
            let set = TermSet::Node(inner.hierarchy.class_node(class));
            Term { set, given: NodeId::ROOT, weight }
        };
        let smoothing = inner.tables.label_smoothing;
        let factor = (1.0 - smoothing) * self.sample_weight(label);
        let mut terms: Vec<Term> = match (label, &inner.tables.objective) {
            (Label::Ignored, _) => return Ok(Vec::new()),
            (Label::Soft(_), _) => Vec::new(),
            (_, Objective::SoftLabels { by_height }) => {
                let (mut target, mut rank) = (Vec::new(), Vec::new());
                inner.fill_soft_labels(by_height, inner.single_node(label), &mut target, &mut rank);
                let total: f64 = target.iter().sum();
                target.iter().enumerate().map(|(class, &q)| class_term(class, q / total)).collect()
            }
            _ => inner.hard_terms(label),
        };
        terms.iter_mut().for_each(|term| term.weight *= factor);
        // A distribution over the classes is a sum of the classes' losses: its weight at a node is the sum below.
        let mut target = vec![smoothing / self.columns() as f64; self.columns()];
        if let Label::Soft(soft) = label {
            target.iter_mut().zip(soft).for_each(|(target, q)| *target += (1.0 - smoothing) * q);
        }
        let mut by_node = std::collections::BTreeMap::new();
        for (class, target) in target.into_iter().enumerate().filter(|(_, target)| *target != 0.0) {
            let weight = target * inner.tables.class_weight.as_ref().map_or(1.0, |list| list[class]);
            for term in inner.hard_terms(&Label::Class(class)) {
                if let TermSet::Node(node) = term.set {
                    let entry = by_node.entry(node).or_insert(Term { weight: 0.0, ..term.clone() });
                    entry.weight += weight * term.weight;
                }
            }
        }
        terms.extend(by_node.into_values());
        terms.retain(|term| term.weight != 0.0);
        Ok(terms)
    }
}

impl Inner {
    fn nodes(&self) -> &NodeTables {
        self.nodes.get_or_init(|| self.hierarchy.node_tables())
    }

    /// The class weight of a hard label.
    fn weight_of(&self, label: &Label) -> f64 {
        let (Some(by_class), Some(by_node)) = (&self.tables.class_weight, &self.mean_class_weight) else { return 1.0 };
        match label {
            Label::Class(class) => by_class[*class],
            Label::Node(node) => by_node[node.index()],
            label => {
                let classes = classes_of(&self.hierarchy, label);
                classes.iter().map(|&class| by_class[class]).sum::<f64>() / classes.len() as f64
            }
        }
    }
}

/// `sum(v)` and `count(v)` of the nodes of weight at or above `v`, and from the classes up the largest of each below.
fn heaviest(hierarchy: &Hierarchy, weights: &[f64]) -> Vec<(f64, u32)> {
    let add = |sum: (f64, u32), node: NodeId| {
        let weight = weights[node.index()];
        (sum.0 + weight, sum.1 + u32::from(weight != 0.0))
    };
    let mut heaviest = vec![(0.0, 0); hierarchy.node_count()];
    if hierarchy.is_tree() {
        for node in hierarchy.nodes().skip(1) {
            heaviest[node.index()] = add(heaviest[hierarchy.parents(node)[0].index()], node);
        }
    } else {
        let mut seen = vec![u32::MAX; hierarchy.node_count()];
        for class in 0..hierarchy.class_count() {
            let node = hierarchy.class_node(class);
            let mut sum = (0.0, 0);
            hierarchy.walk_up(node, &mut seen, class as u32, |above| sum = add(sum, above));
            heaviest[node.index()] = sum;
        }
    }
    for node in hierarchy.nodes().rev() {
        for child in hierarchy.children(node) {
            let below = heaviest[child.index()];
            let own = &mut heaviest[node.index()];
            *own = (own.0.max(below.0), own.1.max(below.1));
        }
    }
    heaviest
}

fn mean_by_node(hierarchy: &Hierarchy, class_weight: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; hierarchy.node_count()];
    if hierarchy.is_tree() {
        for (class, &weight) in class_weight.iter().enumerate() {
            sums[hierarchy.class_node(class).index()] = weight;
        }
        for node in hierarchy.nodes().skip(1).rev() {
            sums[hierarchy.parents(node)[0].index()] += sums[node.index()];
        }
    } else {
        let mut seen = vec![u32::MAX; hierarchy.node_count()];
        for (class, &weight) in class_weight.iter().enumerate() {
            sums[0] += weight;
            hierarchy
                .walk_up(hierarchy.class_node(class), &mut seen, class as u32, |node| sums[node.index()] += weight);
        }
    }
    sums.iter().zip(hierarchy.class_counts()).map(|(sum, &count)| sum / f64::from(count)).collect()
}

impl std::fmt::Debug for Criterion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Criterion").field("loss", &self.inner.loss).field("hierarchy", &self.inner.hierarchy).finish()
    }
}
