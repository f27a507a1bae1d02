//! The log-probabilities of nodes as an operation of their own.

mod form;
mod given;
mod operation;

use std::sync::Arc;

pub use form::NodeForm;
use operation::{Operation, Scratch};

use crate::criterion::{CriterionError, InputError, InputErrorKind, Superclasses};
use crate::kernels::batch::for_each_row;
use crate::numeric::{Element, Float, doubles, scalar};
use crate::{Hierarchy, HierarchyError, Level, NodeId};

/// `log P(v)` of the nodes of a hierarchy from a model's logits, with its gradient: for a loss of your own at any level.
///
/// | [form](NodeForm) | logits | `log P(v)` |
/// |---|---|---|
/// | class softmax | one a class | `logsumexp_{k below v} z_k - logsumexp_k z_k` |
/// | parameter-sharing softmax | one a node | the same of `z_k = sum_{u at or above k} s_u` |
/// | sibling softmax | one a node, trees | `sum_{u at or above v} (s_u - logsumexp_{w sibling of u, or u} s_w)` |
/// | independent sigmoid | one a node | `log sigma(s_v)` |
/// | conditional sigmoid | one a node, trees | `sum_{u at or above v} log sigma(s_u)` |
/// | noisy-or | one a class | `log(1 - prod_{k below v} (1 - sigma(z_k)))` |
/// | max | one a node | `log sigma(max_{u at or below v} s_u)` |
/// | min | one a node | `log sigma(min_{u at or above v} s_u)` |
/// | weighted class softmax | one a class, and a sparse `W` | `logsumexp_k (log W_kv + z_k) - logsumexp_k z_k` of superclasses `v` |
/// | weighted sigmoid | one a class, and a sparse `W` | `log sum_k W_kv sigma(z_k)` of superclasses `v` |
/// | descendant softmax | one a node, trees | `logsumexp_{u at or below v} s_u - logsumexp_u s_u` |
///
/// | node softmax | one a node, trees | the same with a score of 0 for the root in the last sum |
/// | class probabilities | a probability a class | `log sum_{k below v} p_k / sum_k p_k` |
/// | node probabilities | a probability a node | `log p_v` |
///
/// The last two are of probabilities that are given instead of logits: by a model of any kind. They have no gradient, all
/// else is the same, so that who has a `NodeLogProbs` need not know which it is. Their entries are from 0 to 1, and class
/// probabilities add up to 1, within what the type of the input can hold: `f64` 1e-6, `f32` 1e-5, `f16` 2e-3, `bf16` 1e-2.
/// An entry that is above 1 by no more than that is 1. Anything else is an error that names the row; a row with NaN has NaN.
///
/// Every one has full relative precision near 0 and near 1. These are log-probabilities, not logits: they must not go
/// through another softmax or into a BCE-with-logits. A node's logit is `log P - log(1 - P)`.
///
/// "One a node" is one for every node but the root, in the order of [`Hierarchy::node_columns`].
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Level, NodeLogProbs};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let superclasses = NodeLogProbs::level(&hierarchy, &Level::Depth(1))?;
/// let logits = [1.0f32, 0.0, 0.0, 0.0];
/// let mut log_p = [0.0; 2];
/// superclasses.forward(&logits, &mut log_p)?;
/// let total: f32 = log_p.iter().map(|log_p| log_p.exp()).sum();
/// assert!((total - 1.0).abs() < 1e-6);
/// // Cross-entropy for "mammal" by hand: its upstream gradient is -1 on the first column.
/// let mut grad = [0.0; 4];
/// superclasses.backward(&logits, &[-1.0, 0.0], &mut grad)?;
/// assert!(grad[0] < grad[1] && grad[1] < 0.0 && grad[2] > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct NodeLogProbs {
    operation: Arc<Operation>,
    /// By column, where there is one a node: the index of the node.
    node_columns: Arc<[u32]>,
    columns: usize,
    node_count: usize,
    nodes: Vec<NodeId>,
    /// Whether the output is what the operation gives, all of it in its order.
    is_whole: bool,
}

impl NodeLogProbs {
    /// Of a class softmax, for all nodes in hierarchy order, the root included: the column of a node is
    /// [`NodeId::index`].
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let operation = klados::NodeLogProbs::new(&hierarchy);
    /// let mut log_p = vec![0.0f32; hierarchy.node_count()];
    /// operation.forward(&[0.0f32, 0.0, 0.0], &mut log_p)?;
    /// let mammal = hierarchy.node("mammal")?;
    /// assert!((log_p[mammal.index()] - (2f32 / 3.0).ln()).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(hierarchy: &Hierarchy) -> Self {
        Self::with_operation(hierarchy, &NodeForm::ClassSoftmax, Operation::class_softmax(hierarchy))
    }

    /// Of any form, for all nodes in hierarchy order, the root included.
    ///
    /// # Errors
    ///
    /// A form that is for trees, on a DAG; a map with an unknown class, or whose weights do not sum to 1.
    ///
    /// ```
    /// use klados::{Hierarchy, NodeForm, NodeLogProbs};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let operation = NodeLogProbs::of_form(&NodeForm::SiblingSoftmax, &hierarchy)?;
    /// let mut log_p = vec![0.0f64; hierarchy.node_count()];
    /// operation.forward(&[0.0; 5], &mut log_p)?; // bat, mammal, dog, crow, bird
    /// assert!((log_p[hierarchy.node("bat")?.index()] - 0.25f64.ln()).abs() < 1e-15);
    /// assert!((log_p[hierarchy.node("crow")?.index()] - 0.5f64.ln()).abs() < 1e-15); // an only child is certain
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_form(form: &NodeForm, hierarchy: &Hierarchy) -> Result<Self, CriterionError> {
        Ok(Self::with_operation(hierarchy, form, Operation::new(form, hierarchy)?))
    }

    /// Of probabilities of the classes that are given, from any model: [`NodeForm::ClassProbabilities`]. A row is
    /// `[classes]`, divided by its sum; a node has the sum of its classes, with full relative precision of `log P` near
    /// `P = 0` and near 1.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let operation = klados::NodeLogProbs::of_class_probabilities(&hierarchy);
    /// let mut log_p = vec![0f64; hierarchy.node_count()];
    /// operation.forward(&[0.5, 0.25, 0.25], &mut log_p)?;
    /// assert!((log_p[hierarchy.node("mammal")?.index()] - 0.75f64.ln()).abs() < 1e-15);
    /// let error = operation.forward(&[0.5, 0.25, 0.5], &mut log_p).unwrap_err();
    /// assert_eq!(error.to_string(), "row 0: the probabilities add up to 1.25, expected 1 within 1e-6");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_class_probabilities(hierarchy: &Hierarchy) -> Self {
        let operation = Operation::class_probabilities(hierarchy);
        Self::with_operation(hierarchy, &NodeForm::ClassProbabilities, operation)
    }

    /// Of probabilities of the nodes that are given, from any model: [`NodeForm::NodeProbabilities`]. A row is
    /// `[nodes - 1]` in the order of [`Hierarchy::node_columns`]; `log P` is the logarithm of each. They are left as they
    /// are where a child is more probable than its parent, or where siblings add up to more.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let operation = klados::NodeLogProbs::of_node_probabilities(&hierarchy);
    /// let mut log_p = vec![0f64; hierarchy.node_count()];
    /// operation.forward(&[0.5, 0.75, 0.25, 0.25, 0.25], &mut log_p)?; // bat, mammal, dog, crow, bird
    /// assert_eq!(log_p[hierarchy.node("mammal")?.index()], 0.75f64.ln());
    /// assert_eq!(log_p[klados::NodeId::ROOT.index()], 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_node_probabilities(hierarchy: &Hierarchy) -> Self {
        Self::with_operation(hierarchy, &NodeForm::NodeProbabilities, Operation::NodeProbabilities)
    }

    /// Of a class softmax, for the nodes of one level, in hierarchy order; see [`nodes`](Self::nodes).
    ///
    /// # Errors
    ///
    /// A level that the hierarchy does not have.
    pub fn level(hierarchy: &Hierarchy, level: &Level) -> Result<Self, HierarchyError> {
        Ok(Self { nodes: hierarchy.level_nodes(level)?, is_whole: false, ..Self::new(hierarchy) })
    }

    /// The same for some nodes, in this order: those of [a level](Hierarchy::level_nodes), say. The weighted forms, whose
    /// output is of superclasses, stay as they are.
    ///
    /// # Errors
    ///
    /// A node that the hierarchy does not have.
    pub fn for_nodes(mut self, nodes: Vec<NodeId>) -> Result<Self, InputError> {
        if let Some(node) = nodes.iter().find(|node| node.index() >= self.node_count) {
            let message = format!("node {} is outside of 0..{}", node.index(), self.node_count);
            return Err(InputError::new(InputErrorKind::OutOfRange, message));
        }
        if self.operation.superclasses().is_none() {
            self.nodes = nodes;
            self.is_whole = false;
        }
        Ok(self)
    }

    fn with_operation(hierarchy: &Hierarchy, form: &NodeForm, operation: Operation) -> Self {
        let node_columns: Arc<[u32]> = match form.has_node_columns() {
            true => hierarchy.node_columns().iter().map(|node| node.index() as u32).collect(),
            false => Arc::new([]),
        };
        let columns = if form.has_node_columns() { node_columns.len() } else { hierarchy.class_count() };
        let nodes = match operation.superclasses() {
            Some(_) => Vec::new(),
            None => hierarchy.nodes().collect(),
        };
        Self {
            operation: Arc::new(operation),
            node_columns,
            columns,
            node_count: hierarchy.node_count(),
            nodes,
            is_whole: true,
        }
    }

    /// The number of columns of the output.
    pub fn width(&self) -> usize {
        self.operation.superclasses().map_or(self.nodes.len(), <[String]>::len)
    }

    /// The superclasses of the output's columns, in the weighted forms.
    ///
    /// ```
    /// use klados::{Hierarchy, NodeForm, NodeLogProbs};
    ///
    /// let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "crow"), ("animal", "dog")])?;
    /// let map = [("bat", "flies"), ("crow", "flies"), ("dog", "furry")];
    /// let map = map.map(|(class, superclass)| (class.into(), superclass.into(), 1.0)).to_vec();
    /// let form = NodeForm::WeightedClassSoftmax { map, normalize: false };
    /// let operation = NodeLogProbs::of_form(&form, &hierarchy)?;
    /// assert_eq!(operation.superclasses(), ["flies", "furry"]);
    /// let mut log_p = [0.0; 2];
    /// operation.forward(&[0.0f64; 3], &mut log_p)?;
    /// assert!((log_p[0] - (2.0 / 3.0f64).ln()).abs() < 1e-15);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn superclasses(&self) -> &[String] {
        self.operation.superclasses().unwrap_or_default()
    }

    /// The weights of the classes in the superclasses, in the weighted forms.
    pub fn map(&self) -> Option<&Superclasses> {
        self.operation.map()
    }

    /// Where the value of an output's column is among those of the operation.
    fn output(&self, column: usize) -> usize {
        self.nodes.get(column).map_or(column, |node| node.index())
    }

    /// The nodes of the output's columns; none in the weighted forms.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The number of columns of the logits.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The log-probabilities `[batch, nodes]` of the logits `[batch, columns]`. A node whose classes are all masked has
    /// `-inf`; a row with NaN or `+inf` has NaN.
    ///
    /// The output is as wide as the logits are computed: `f32`, or `f64` where they are. [`forward_into`](Self::forward_into)
    /// is the same with another output.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit; given probabilities that are none.
    pub fn forward<T: Element>(&self, logits: &[T], out: &mut [T::Wide]) -> Result<(), InputError> {
        self.forward_into(logits, out)
    }

    /// As [`forward`](Self::forward), with an output of `f32` or `f64` as the caller chooses. In `f64`, logits of any type
    /// that differ give log-probabilities that differ, so that the largest of some classes is the same by both; in `f32` a
    /// large row's maximum takes their last digits from small differences.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let (logits, nodes) = ([1e-8f32, 2e-8, 10.0], [hierarchy.class_node(0), hierarchy.class_node(1)]);
    /// let operation = klados::NodeLogProbs::new(&hierarchy).for_nodes(nodes.to_vec())?;
    /// let (mut narrow, mut wide) = ([0f32; 2], [0f64; 2]);
    /// operation.forward_into(&logits, &mut narrow)?;
    /// operation.forward_into(&logits, &mut wide)?;
    /// assert!(narrow[0] == narrow[1] && wide[0] < wide[1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward_into<T: Element, O: Float>(&self, logits: &[T], out: &mut [O]) -> Result<(), InputError> {
        let rows = self.rows(logits.len())?;
        self.check("the output", out.len(), rows * self.width())?;
        if out.is_empty() {
            return Ok(()); // no rows, or nothing is asked of them
        }
        if let Some(given) = self.operation.given() {
            given.check(logits, self.columns)?;
        }
        let row = |buffers: &mut Buffers, _: usize, z: &[T], out: &mut [O], _: Option<&mut [T]>| {
            let regular = self.load(z, &mut buffers.scores);
            if regular {
                self.operation.forward(&buffers.scores, &mut buffers.log_p, &mut buffers.scratch);
            }
            match (regular, &buffers.log_p) {
                (false, _) => out.fill(O::from_f64(f64::NAN)),
                (true, log_p) if self.is_whole => {
                    out.iter_mut().zip(log_p).for_each(|(out, log_p)| *out = O::from_f64(*log_p));
                }
                (true, log_p) => {
                    let nodes = self.nodes.iter().map(|node| log_p[node.index()]);
                    out.iter_mut().zip(nodes).for_each(|(out, log_p)| *out = O::from_f64(log_p));
                }
            }
        };
        for_each_row((logits, self.columns), (out, self.width()), None, row);
        Ok(())
    }

    /// The gradient `[batch, columns]` by the logits, given the gradient `upstream` `[batch, nodes]` by the
    /// log-probabilities. A node of probability 0 sends nothing; a row with NaN or `+inf` has NaN.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit; a form that is given probabilities, which has no logits that a gradient could be by.
    pub fn backward<T: Element>(&self, logits: &[T], upstream: &[T::Wide], grad: &mut [T]) -> Result<(), InputError> {
        if self.operation.given().is_some() {
            let message = "given probabilities have no gradient: it is by logits";
            return Err(InputError::new(InputErrorKind::NoGradient, message));
        }
        let rows = self.rows(logits.len())?;
        self.check("the upstream gradient", upstream.len(), rows * self.width())?;
        self.check("the gradient", grad.len(), logits.len())?;
        let row = |buffers: &mut Buffers, row: usize, z: &[T], grad: &mut [T], _: Option<&mut [T]>| {
            let Buffers { scores, log_p, upstream: by_node, grad: wide, scratch } = buffers;
            if !self.load(z, scores) {
                grad.fill(T::from_f64(f64::NAN));
                return;
            }
            self.operation.forward(scores, log_p, scratch);
            by_node.clear();
            by_node.resize(log_p.len(), 0.0);
            for (column, up) in upstream[row * self.width()..(row + 1) * self.width()].iter().enumerate() {
                let at = self.output(column);
                if log_p[at] > f64::NEG_INFINITY {
                    by_node[at] += up.to_f64();
                }
            }
            if self.operation.superclasses().is_none() {
                by_node[0] = 0.0; // the root is certain
            }
            wide.clear();
            wide.resize(scores.len(), 0.0);
            self.operation.backward(scores, log_p, by_node, wide, scratch);
            for (column, grad) in grad.iter_mut().enumerate() {
                *grad = T::from_f64(wide[self.place(column)]);
            }
        };
        for_each_row((logits, self.columns), (grad, self.columns), None, row);
        Ok(())
    }

    /// Where a column's score is: at its class, or at its node.
    fn place(&self, column: usize) -> usize {
        self.node_columns.get(column).map_or(column, |node| *node as usize)
    }

    /// Widens a row; false where it has a NaN or `+inf`.
    fn load<T: Element>(&self, z: &[T], scores: &mut Vec<f64>) -> bool {
        scores.clear();
        if self.node_columns.is_empty() {
            scores.extend(z.iter().map(|z| z.to_f64()));
        } else {
            scores.resize(self.columns + 1, 0.0); // the root has no column
            self.node_columns.iter().zip(z).for_each(|(&node, z)| scores[node as usize] = z.to_f64());
        }
        !scalar::is_poison(doubles::max_of(scores))
    }

    fn rows(&self, logits: usize) -> Result<usize, InputError> {
        match logits.is_multiple_of(self.columns) {
            true => Ok(logits / self.columns),
            false => {
                let (columns, what) = (self.columns, if self.node_columns.is_empty() { "classes" } else { "nodes" });
                let message = format!("the logits have {logits} elements, expected a multiple of {columns} ({what})");
                Err(InputError::new(InputErrorKind::Shape, message))
            }
        }
    }

    fn check(&self, name: &str, got: usize, expected: usize) -> Result<(), InputError> {
        crate::criterion::check_length(name, got, expected, "rows of the logits times columns")
    }
}

/// What a thread reuses from row to row.
#[derive(Debug, Default)]
struct Buffers {
    scores: Vec<f64>,
    log_p: Vec<f64>,
    upstream: Vec<f64>,
    grad: Vec<f64>,
    scratch: Scratch,
}
