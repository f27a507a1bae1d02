//! The log-probabilities of nodes as an operation of their own.

use crate::criterion::{InputError, InputErrorKind};
use crate::kernels::batch::for_each_row;
use crate::kernels::nodes::{NodeTables, Nodes};
use crate::numeric::Element;
use crate::{Hierarchy, HierarchyError, Level, NodeId};
use std::sync::Arc;

/// `log P(v)` of the nodes of a hierarchy from class logits, with its gradient: for a loss of your own at any level.
///
/// `log P(v) = logsumexp_{k below v} z_k - logsumexp_k z_k`, with full relative precision near 0 and near 1. These are
/// log-probabilities, not logits: they must not go through another softmax or into a BCE-with-logits.
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
    tables: Arc<NodeTables>,
    nodes: Vec<NodeId>,
}

impl NodeLogProbs {
    /// For all nodes in hierarchy order, the root included: the column of a node is [`NodeId::index`].
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let operation = klados::NodeLogProbs::new(&hierarchy);
    /// let mut log_p = vec![0.0f32; hierarchy.node_count()];
    /// operation.forward(&[0.0, 0.0, 0.0], &mut log_p)?;
    /// let mammal = hierarchy.node("mammal")?;
    /// assert!((log_p[mammal.index()] - (2f32 / 3.0).ln()).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(hierarchy: &Hierarchy) -> Self {
        Self { tables: Arc::new(hierarchy.node_tables()), nodes: hierarchy.nodes().collect() }
    }

    /// For the nodes of one level, in hierarchy order; see [`nodes`](Self::nodes).
    ///
    /// # Errors
    ///
    /// A level that the hierarchy does not have.
    pub fn level(hierarchy: &Hierarchy, level: &Level) -> Result<Self, HierarchyError> {
        Ok(Self { tables: Arc::new(hierarchy.node_tables()), nodes: hierarchy.level_nodes(level)? })
    }

    /// The nodes of the columns.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The log-probabilities `[batch, nodes]` of the logits `[batch, classes]`. A node whose classes are all masked has
    /// `-inf`; a row with NaN or `+inf` has NaN.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit.
    pub fn forward<T: Element>(&self, logits: &[T], out: &mut [T::Wide]) -> Result<(), InputError> {
        let rows = self.rows(logits.len())?;
        self.check("the output", out.len(), rows * self.nodes.len())?;
        type Wide<T> = (Vec<T>, Vec<T>);
        let row = |(scratch, wide): &mut (Nodes, Wide<T::Wide>),
                   _: usize,
                   z: &[T],
                   out: &mut [T::Wide],
                   _: Option<&mut [T]>| {
            let regular = T::with_wide(z, None, wide, |z, _| scratch.forward(z, &self.tables));
            for (out, node) in out.iter_mut().zip(&self.nodes) {
                *out = T::Wide::from_f64(if regular { scratch.log_p[node.index()] } else { f64::NAN });
            }
        };
        for_each_row((logits, self.columns()), (out, self.nodes.len()), None, row);
        Ok(())
    }

    /// The gradient `[batch, classes]` by the logits, given the gradient `upstream` `[batch, nodes]` by the
    /// log-probabilities. A node of probability 0 sends nothing; a row with NaN or `+inf` has NaN.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit.
    pub fn backward<T: Element>(&self, logits: &[T], upstream: &[T::Wide], grad: &mut [T]) -> Result<(), InputError> {
        let rows = self.rows(logits.len())?;
        self.check("the upstream gradient", upstream.len(), rows * self.nodes.len())?;
        self.check("the gradient", grad.len(), logits.len())?;
        type Buffers<T> = (Nodes, Vec<f64>, (Vec<T>, Vec<T>));
        let row = |buffers: &mut Buffers<T::Wide>, row: usize, z: &[T], grad: &mut [T], _: Option<&mut [T]>| {
            let (nodes, by_node, wide) = buffers;
            if !T::with_wide(z, None, wide, |z, _| nodes.forward(z, &self.tables)) {
                grad.fill(T::from_f64(f64::NAN));
                return;
            }
            by_node.clear();
            by_node.resize(self.tables.nodes, 0.0);
            for (up, node) in upstream[row * self.nodes.len()..].iter().zip(&self.nodes) {
                by_node[node.index()] = up.to_f64();
            }
            T::with_wide(z, None, wide, |z, _| {
                nodes.backward_marginal(z, &self.tables, by_node, |class, value| grad[class] = T::from_f64(value));
            });
        };
        for_each_row((logits, self.columns()), (grad, self.columns()), None, row);
        Ok(())
    }

    fn columns(&self) -> usize {
        self.tables.class_node.len()
    }

    fn rows(&self, logits: usize) -> Result<usize, InputError> {
        let columns = self.columns();
        match logits.is_multiple_of(columns) {
            true => Ok(logits / columns),
            false => {
                let message = format!("the logits have {logits} elements, expected a multiple of {columns} (classes)");
                Err(InputError::new(InputErrorKind::Shape, message))
            }
        }
    }

    fn check(&self, name: &str, got: usize, expected: usize) -> Result<(), InputError> {
        crate::criterion::check_length(name, got, expected, "rows of the logits times columns")
    }
}

impl Hierarchy {
    /// The indices that the node kernel needs.
    pub(crate) fn node_tables(&self) -> NodeTables {
        use crate::kernels::nodes::Shape;
        let shape = if self.is_tree() {
            let mut offsets = vec![0];
            let mut children = Vec::with_capacity(self.node_count());
            for node in self.nodes() {
                children.extend(self.children(node).iter().map(|child| child.0));
                offsets.push(children.len() as u32);
            }
            let parent = self.nodes().map(|node| self.parents(node).first().map_or(0, |parent| parent.0)).collect();
            Shape::Tree { parent, offsets, children }
        } else {
            Shape::Dag(self.closure())
        };
        let class_node = (0..self.class_count()).map(|class| self.class_node(class).0).collect();
        NodeTables { class_node, nodes: self.node_count(), shape }
    }
}
