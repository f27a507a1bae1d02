//! A loss compiled for a hierarchy: validated once, run on any batch.

mod atoms;
mod bernoulli;
mod bernoulli_ordinary;
mod class_rows;
mod cut;
mod descendants;
mod error;
mod form;
mod labels;
mod margin;
mod named;
mod ordinary;
mod path_sum;
mod row_loss;
mod rows;
mod scratch;
mod superclasses;
mod tables;
mod term;
mod weighted;

use std::sync::{Arc, OnceLock};

use atoms::Stretches;

pub use bernoulli::Asked;
pub(crate) use bernoulli::{BernoulliEvents, BernoulliRows, parent_rows, weighted_excess};
pub(crate) use cut::CutRows;
pub(crate) use descendants::{DescendantRows, parents, tree};
pub use error::{CriterionError, CriterionErrorKind, InputError, InputErrorKind};
pub(crate) use error::{check_length, needs_tree};
pub use form::{Events, Form};
pub(crate) use labels::{check_label, classes_of, one_node};
pub(crate) use margin::MarginRows;
pub(crate) use named::{name_and_parameters, parse_named, syntax};
pub(crate) use path_sum::{Grouping, PathSum};
pub(crate) use row_loss::{RowLoss, Sample, no_meaning};
use rows::Scratch;
use scratch::{Kept, Lent};
pub(crate) use superclasses::SumsToOne;
pub use superclasses::Superclasses;
pub use tables::UnionLambda;
pub(crate) use tables::{Layout, Objective, Tables};
pub use term::{LogProb, Pick, Score, Term, TermSet};

pub(crate) use weighted::WeightedRows;

use crate::kernels::batch::{for_each_rows, for_each_rows_in_place};
pub(crate) use crate::kernels::extremum::Positive;
use crate::kernels::flow::NodeWeights;
use crate::kernels::nested::Step;
use crate::kernels::nodes::NodeTables;
use crate::kernels::rollup::ClassRollup;
use crate::loss::{Loss, Reduction};
use crate::numeric::Element;
use crate::{Hierarchy, Label, NodeId};

/// A loss and a hierarchy, compiled into flat tables. Immutable, `Send + Sync`, cheap to clone.
///
/// Made by the `compile` of each loss, or of [`Loss`]. Logits and gradients are row-major `[batch, columns]`: the classes
/// in the order of the hierarchy's columns, or, where the loss wants [a logit a node](Self::has_node_columns), the nodes in
/// the order of [`Hierarchy::node_columns`]. Losses are `[batch]`, unreduced. Logits are `f32`, `f64`, `f16` or `bf16`.
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
    step: u64,
}

struct Inner {
    hierarchy: Hierarchy,
    loss: Loss,
    tables: Tables,
    /// Made when a soft target, or sums over the ancestors, first need all nodes.
    nodes: OnceLock<NodeTables>,
    /// Made when a soft target first needs them.
    rollup: OnceLock<(ClassRollup, NodeWeights)>,
    /// Made when a hard label on a DAG first needs them.
    stretches: OnceLock<Stretches>,
    /// Where the columns are in another order than the tree's.
    positions: Option<Positions>,
    /// By node of a tree, in a loss on a chain of sets.
    steps: Vec<Step>,
    /// By node: the most weight that a class at or below it carries on all nodes above the class, and the most such
    /// nodes with a weight. Of a marginal loss.
    heaviest: Vec<(f64, u32)>,
    /// By node: the mean class weight of the classes at or below it, where there are class weights.
    mean_class_weight: Option<Vec<f64>>,
    /// By column, where there is one a node: the node.
    node_columns: Vec<NodeId>,
    kept: Arc<Kept>,
}

/// The order of a tree's classes, in which those below a node are next to each other.
struct Positions {
    /// By position.
    classes: Vec<u32>,
    /// By class, its position.
    of_class: Vec<u32>,
}

impl Positions {
    fn new(classes: &[u32]) -> Self {
        let mut of_class = vec![0; classes.len()];
        for (position, &class) in classes.iter().enumerate() {
            of_class[class as usize] = position as u32;
        }
        Self { classes: classes.to_vec(), of_class }
    }

    /// Puts values by position in the order of the classes.
    fn put_back<T: Copy>(&self, by_position: &[T], by_class: &mut [T]) {
        for (value, &position) in by_class.iter_mut().zip(&self.of_class) {
            *value = by_position[position as usize];
        }
    }
}

impl Criterion {
    pub(crate) fn new(hierarchy: &Hierarchy, loss: Loss, tables: Tables) -> Self {
        let heaviest = match &tables.objective {
            Objective::Marginal { weights, .. } => heaviest(hierarchy, weights),
            _ => Vec::new(),
        };
        let node_columns = match tables.layout {
            Layout::Classes => Vec::new(),
            Layout::Nodes => hierarchy.node_columns(),
        };
        let in_order = hierarchy.tree_order().iter().enumerate().all(|(position, &class)| position == class as usize);
        let inner = Inner {
            nodes: OnceLock::new(),
            stretches: OnceLock::new(),
            rollup: OnceLock::new(),
            positions: (!in_order).then(|| Positions::new(hierarchy.tree_order())),
            steps: steps(hierarchy, &tables.objective),
            heaviest,
            mean_class_weight: tables.class_weight.as_deref().map(|weights| mean_by_node(hierarchy, weights)),
            node_columns,
            kept: Arc::default(),
            hierarchy: hierarchy.clone(),
            loss,
            tables,
        };
        Self { inner: Arc::new(inner), step: 0 }
    }

    /// The hierarchy that the loss was compiled for.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.inner.hierarchy
    }

    /// The loss that was compiled.
    pub fn loss(&self) -> &Loss {
        &self.inner.loss
    }

    /// The number of columns of the logits: classes, or nodes but the root.
    pub fn columns(&self) -> usize {
        match self.inner.tables.layout {
            Layout::Classes => self.inner.hierarchy.class_count(),
            Layout::Nodes => self.inner.node_columns.len(),
        }
    }

    /// Whether the logits have a column a node, in the order of [`Hierarchy::node_columns`], and not one a class.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = "parameter_sharing_softmax".parse::<klados::Loss>()?.compile(&hierarchy)?;
    /// assert!(criterion.has_node_columns());
    /// assert_eq!(criterion.columns(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_node_columns(&self) -> bool {
        self.inner.tables.layout == Layout::Nodes
    }

    /// Whether the loss is a class softmax of sums: the logit of a class is the sum of those of its node and all above.
    /// [`LogProb::Classes`] is then about these sums.
    pub fn sums_over_ancestors(&self) -> bool {
        self.has_node_columns() && !matches!(self.inner.tables.objective, Objective::Rows(_))
    }

    /// The same criterion at a step of training, which only losses that draw at random look at: `random_cut`.
    #[must_use]
    pub fn at_step(&self, step: u64) -> Self {
        Self { inner: Arc::clone(&self.inner), step }
    }

    /// Whether the loss draws at random: then its [terms](Self::terms_of_row) are other ones in each row of a batch and at
    /// each [step](Self::at_step).
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// assert!(klados::loss::RandomCut::new().compile(&hierarchy)?.draws_at_random());
    /// assert!(!klados::loss::SiblingSoftmax::new().compile(&hierarchy)?.draws_at_random());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn draws_at_random(&self) -> bool {
        match &self.inner.tables.objective {
            Objective::Rows(rows) => rows.draws_at_random(),
            _ => false,
        }
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
    /// `logits` is `[batch, columns]`, `labels` and `losses` are `[batch]`.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, or a label that does not (with its row). Nothing is written then.
    pub fn forward<T: Element>(
        &self,
        logits: &[T],
        labels: &[Label],
        losses: &mut [T::Wide],
    ) -> Result<(), InputError> {
        self.check(logits.len(), labels, losses.len())?;
        self.run(logits, labels, losses, None);
        Ok(())
    }

    /// The losses of a batch and the gradient of each by its own logits, in one pass over each row.
    ///
    /// `logits` and `grad` are `[batch, columns]`, `labels` and `losses` are `[batch]`. The gradient is that of the
    /// unreduced losses: for a mean divide it by [`normalizer`](Self::normalizer).
    ///
    /// # Errors
    ///
    /// Lengths that do not fit, or a label that does not (with its row). Nothing is written then.
    pub fn forward_backward<T: Element>(
        &self,
        logits: &[T],
        labels: &[Label],
        losses: &mut [T::Wide],
        grad: &mut [T],
    ) -> Result<(), InputError> {
        self.forward_backward_scaled(logits, labels, losses, grad, 1.0)
    }

    /// As [`forward_backward`](Self::forward_backward), the gradient times `scale`, which costs nothing: `1 / normalizer`
    /// for that of the mean.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// use klados::Label;
    ///
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// let (logits, labels) = ([0.5, -1.0, 2.0], [Label::Class(0)]);
    /// let (mut loss, mut grad, mut half) = ([0.0], [0.0; 3], [0.0; 3]);
    /// criterion.forward_backward(&logits, &labels, &mut loss, &mut grad)?;
    /// criterion.forward_backward_scaled(&logits, &labels, &mut loss, &mut half, 0.5)?;
    /// assert_eq!(half, grad.map(|grad| grad / 2.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward_backward_scaled<T: Element>(
        &self,
        logits: &[T],
        labels: &[Label],
        losses: &mut [T::Wide],
        grad: &mut [T],
        scale: f64,
    ) -> Result<(), InputError> {
        check_length("the gradient", grad.len(), logits.len(), "as the logits")?;
        self.check(logits.len(), labels, losses.len())?;
        self.run(logits, labels, losses, Some((grad, scale)));
        Ok(())
    }

    /// As [`forward_backward_scaled`](Self::forward_backward_scaled), with the gradient over the logits: a batch takes half
    /// of the memory. The bits are the same.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// use klados::Label;
    ///
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// let (mut values, labels) = ([0.5, -1.0, 2.0], [Label::Class(0)]);
    /// let (mut loss, mut grad) = ([0.0], [0.0; 3]);
    /// criterion.forward_backward(&values, &labels, &mut loss, &mut grad)?;
    /// criterion.forward_backward_in_place(&mut values, &labels, &mut loss, 1.0)?;
    /// assert_eq!(values, grad);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward_backward_in_place<T: Element>(
        &self,
        logits: &mut [T],
        labels: &[Label],
        losses: &mut [T::Wide],
        scale: f64,
    ) -> Result<(), InputError> {
        self.check(logits.len(), labels, losses.len())?;
        let rows = |(scratch, copy): &mut (Lent<Scratch<T::Wide>>, Lent<Vec<T>>),
                    first: usize,
                    z: &mut [T],
                    losses: &mut [T::Wide]| {
            let kept = &self.inner.kept;
            // Kernels come back to the logits of a row that needs more than a look, so they are kept as long as the row takes.
            let copy = copy.get(kept);
            copy.clear();
            copy.extend_from_slice(z);
            self.rows(scratch.get(kept), first, labels, copy, losses, Some((z, scale)));
        };
        for_each_rows_in_place(self.inner.rows_at_once(), (logits, self.columns()), losses, rows);
        Ok(())
    }

    fn run<T: Element>(&self, logits: &[T], labels: &[Label], losses: &mut [T::Wide], grad: Option<(&mut [T], f64)>) {
        let (grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let rows = |lent: &mut Lent<Scratch<T::Wide>>,
                    first: usize,
                    z: &[T],
                    losses: &mut [T::Wide],
                    grad: Option<&mut [T]>| {
            let scratch = lent.get(&self.inner.kept);
            self.rows(scratch, first, labels, z, losses, grad.map(|grad| (grad, scale)));
        };
        for_each_rows(self.inner.rows_at_once(), (logits, self.columns()), (losses, 1), grad, rows);
    }

    /// The losses of the rows from `first` on, as many as `losses`; their gradients times a number.
    fn rows<T: Element>(
        &self,
        scratch: &mut Scratch<T::Wide>,
        first: usize,
        labels: &[Label],
        z: &[T],
        losses: &mut [T::Wide],
        grad: Option<(&mut [T], f64)>,
    ) {
        let (inner, columns) = (&*self.inner, self.columns());
        let labels = &labels[first..first + losses.len()];
        if inner.are_class_rows(labels) {
            return inner.class_rows(scratch, labels, z, losses, grad);
        }
        let (grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        let mut grad = grad.map(|grad| grad.chunks_mut(columns));
        for (at, (label, z)) in labels.iter().zip(z.chunks(columns)).enumerate() {
            let label = one_node(&inner.hierarchy, label);
            let grad = grad.as_mut().and_then(Iterator::next).map(|grad| (grad, scale));
            let loss = inner.row(scratch, &label, z, grad, (first + at, self.step));
            losses[at] = T::Wide::from_f64(loss);
        }
    }

    fn check(&self, logits: usize, labels: &[Label], losses: usize) -> Result<(), InputError> {
        let columns = self.columns();
        // The reason is not written where nothing is wrong: a call allocates nothing.
        if logits != labels.len() * columns {
            let what = if self.has_node_columns() { "nodes" } else { "classes" };
            let why = format!("{} labels times {columns} {what}", labels.len());
            check_length("the logits", logits, labels.len() * columns, &why)?;
        }
        check_length("the losses", losses, labels.len(), "one a label")?;
        if self.are_ordinary(labels) {
            return Ok(());
        }
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
        let hierarchy = &self.inner.hierarchy;
        check_label(hierarchy, label)?;
        let label = &*one_node(hierarchy, label);
        match (&self.inner.tables.objective, label) {
            (_, Label::Ignored) => Ok(()),
            (Objective::Rows(rows), _) => rows.check_label(hierarchy, label),
            (
                Objective::SoftLabels { .. },
                Label::Union(_) | Label::Soft(_) | Label::Set { .. } | Label::Superclass(_),
            ) => Err(no_meaning(self.loss().name(), "one class or node, of which it makes a target", label)),
            (_, Label::Set { .. } | Label::Superclass(_)) => {
                Err(no_meaning(self.loss().name(), "one class, node, union or distribution a sample", label))
            }
            _ => Ok(()),
        }
    }

    /// Classes that are there, in a loss of a softmax over the classes: what most batches are.
    fn are_ordinary(&self, labels: &[Label]) -> bool {
        let classes = self.inner.hierarchy.class_count();
        !matches!(self.inner.tables.objective, Objective::Rows(_))
            && labels.iter().all(|label| matches!(label, Label::Class(class) if *class < classes))
    }

    /// Reads a label as [`Hierarchy::parse_label`] does; in losses with superclasses of their own also the name of one.
    ///
    /// # Errors
    ///
    /// As there. Whether the loss takes the label is for [`check_label`](Self::check_label) to say.
    pub fn parse_label(&self, text: &str) -> Result<Label, crate::HierarchyError> {
        let superclass = match &self.inner.tables.objective {
            Objective::Rows(rows) => rows.superclass(text.trim()),
            _ => None,
        };
        match (self.inner.hierarchy.parse_label(text), superclass) {
            (Err(_), Some(superclass)) => Ok(Label::Superclass(superclass)),
            (parsed, _) => parsed,
        }
    }

    /// The name of the superclass of a [`TermSet::Superclass`] or a [`Label::Superclass`]; none where the loss has no such
    /// superclass.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = klados::loss::MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// assert_eq!(criterion.superclass_name(0), None); // its superclasses are nodes
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn superclass_name(&self, superclass: usize) -> Option<&str> {
        match &self.inner.tables.objective {
            Objective::Rows(rows) => rows.superclass_name(superclass),
            _ => None,
        }
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

    /// What the mean divides by: the sum of the class weights of the samples that take part; a soft label counts as 1. In
    /// `binary_cross_entropy` the number of terms that take part.
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
        if self.inner.tables.class_weight.is_none() && self.are_ordinary(labels) {
            return Ok(labels.len() as f64);
        }
        let mut sum = 0.0;
        for (row, label) in labels.iter().enumerate() {
            self.check_label(label).map_err(|error| error.in_row(row))?;
            let label = &*one_node(&self.inner.hierarchy, label);
            let terms = match (&self.inner.tables.objective, label) {
                (Objective::Rows(rows), label) if *label != Label::Ignored => {
                    rows.term_count(&self.inner.hierarchy, label)
                }
                _ => None,
            };
            sum += terms.unwrap_or_else(|| self.sample_weight(label));
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

    /// The terms of a row's loss in the first row of a batch: `sum_i weight_i * -(1 - P_i)^gamma log P_i`. What adapters compose the loss of on other
    /// devices, and what explains it. Terms of weight 0 are left out.
    ///
    /// Masked classes are not known here: a soft target is not divided by what they leave.
    ///
    /// # Errors
    ///
    /// A label that does not fit.
    ///
    /// ```
    /// use klados::{Hierarchy, Label, LogProb, NodeId, loss::MarginalCrossEntropy};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
    /// let terms = criterion.terms(&Label::Class(0))?; // bat: its own term and that of mammal
    /// assert_eq!(terms.len(), 2);
    /// let given = NodeId::ROOT;
    /// assert!(terms.iter().all(|term| term.weight == 1.0 && term.log_p == LogProb::Classes { given }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn terms(&self, label: &Label) -> Result<Vec<Term>, InputError> {
        self.terms_of_row(label, 0)
    }

    /// As [`terms`](Self::terms), for another row of the batch: losses that draw at random have other terms there.
    ///
    /// # Errors
    ///
    /// A label that does not fit.
    pub fn terms_of_row(&self, label: &Label, row: usize) -> Result<Vec<Term>, InputError> {
        Ok(self.terms_where(label, row, None::<&fn(usize) -> bool>)?.unwrap_or_default())
    }

    /// As [`terms_of_row`](Self::terms_of_row), where masked classes are left out of what a soft label, or label
    /// smoothing, asks for; `None` where they leave nothing, so that the loss is `+inf`.
    ///
    /// # Errors
    ///
    /// A label that does not fit, or logits of another length than the [columns](Self::columns).
    pub(crate) fn terms_of_logits(
        &self,
        label: &Label,
        row: usize,
        logits: &[f64],
    ) -> Result<Option<Vec<Term>>, InputError> {
        check_length("the logits", logits.len(), self.columns(), "one a column")?;
        let mut scores = logits.to_vec();
        if self.has_node_columns() {
            scores = vec![0.0; self.inner.hierarchy.node_count()];
            self.inner.node_columns.iter().zip(logits).for_each(|(node, z)| scores[node.index()] = *z);
        }
        let masked = self.inner.masked_classes(&scores);
        let open = masked.as_ref().map(|masked| |class: usize| !masked[class]);
        self.terms_where(label, row, open.as_ref())
    }

    fn terms_where(
        &self,
        label: &Label,
        row: usize,
        open: Option<&impl Fn(usize) -> bool>,
    ) -> Result<Option<Vec<Term>>, InputError> {
        self.check_label(label)?;
        let inner = &self.inner;
        let (hierarchy, label) = (&inner.hierarchy, &*one_node(&inner.hierarchy, label));
        if *label == Label::Ignored {
            return Ok(Some(Vec::new()));
        }
        let is_soft = matches!(label, Label::Soft(_));
        let factor = if is_soft { 0.0 } else { (1.0 - inner.tables.label_smoothing) * self.sample_weight(label) };
        let has_open = open.is_none_or(|open| (0..hierarchy.class_count()).any(open));
        if self.is_class_softmax() && !has_open && (is_soft || factor != 0.0) {
            return Ok(None);
        }
        let Some(target) = inner.class_target(label, open) else { return Ok(None) };
        let target = target.as_deref();
        let mut terms = match &inner.tables.objective {
            Objective::Rows(rows) => rows.terms(&Sample { hierarchy, label, factor, target, row, step: self.step }),
            Objective::SoftLabels { by_height } if !is_soft && factor != 0.0 => {
                let Some(terms) = inner.soft_label_terms(by_height, label, factor, open) else { return Ok(None) };
                terms
            }
            _ if is_soft => Vec::new(),
            _ => {
                let mut terms = inner.hard_terms(label);
                terms.iter_mut().for_each(|term| term.weight *= factor);
                terms
            }
        };
        if !matches!(inner.tables.objective, Objective::Rows(_)) {
            terms.extend(inner.target_terms(target.unwrap_or_default()));
        }
        terms.retain(|term| term.weight != 0.0);
        Ok(Some(terms))
    }

    /// Whether the loss is on one softmax over the classes.
    fn is_class_softmax(&self) -> bool {
        match &self.inner.tables.objective {
            Objective::Rows(rows) => rows.is_class_softmax(),
            _ => true,
        }
    }
}

impl Inner {
    fn nodes(&self) -> &NodeTables {
        self.nodes.get_or_init(|| self.hierarchy.node_tables())
    }

    /// The class weight of a hard label.
    fn weight_of(&self, label: &Label) -> f64 {
        let (Some(by_class), Some(by_node)) = (&self.tables.class_weight, &self.mean_class_weight) else { return 1.0 };
        let mean =
            |classes: Vec<usize>| classes.iter().map(|&class| by_class[class]).sum::<f64>() / classes.len() as f64;
        let own = match &self.tables.objective {
            Objective::Rows(rows) => rows.label_classes(&self.hierarchy, label),
            _ => None,
        };
        match (own, label) {
            (Some(classes), _) => mean(classes),
            (None, Label::Class(class)) => by_class[*class],
            (None, Label::Node(node)) => by_node[node.index()],
            (None, label) => mean(classes_of(&self.hierarchy, label)),
        }
    }
}

fn steps(hierarchy: &Hierarchy, objective: &Objective) -> Vec<Step> {
    let (Objective::Marginal { weights, .. } | Objective::Conditional { lambda: weights, .. }) = objective else {
        return Vec::new();
    };
    if !hierarchy.is_tree() {
        return Vec::new();
    }
    let step = |node: NodeId| {
        let (start, end) = hierarchy.span(node);
        Step {
            parent: hierarchy.parents(node).first().unwrap_or(&NodeId::ROOT).index() as u32,
            depth: hierarchy.depth(node) as u32,
            span: (start as u32, end as u32),
            weight: weights[node.index()],
        }
    };
    hierarchy.nodes().map(step).collect()
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
