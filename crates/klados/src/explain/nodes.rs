//! The nodes around a label: along its path, and their children.

use super::{ExplainedColumn, ExplainedTerm};
use crate::criterion::{Criterion, InputError, TermSet};
use crate::numeric::scalar;
use crate::{Hierarchy, Label, NodeForm, NodeId, NodeLogProbs};

/// A node as the loss sees it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ExplainedNode {
    /// Its place in the hierarchy, [`NodeId::index`].
    pub node: usize,
    /// Its name.
    pub name: String,
    /// The places of its parents.
    pub parents: Vec<usize>,
    /// Its depth.
    pub depth: usize,
    /// Whether the label is at or below it.
    pub is_on_path: bool,
    /// Its column in the logits, where it has one.
    pub column: Option<usize>,
    /// Its logit, where it has a column.
    pub logit: Option<f64>,
    /// Its log-probability, by the form in which models that are trained with the loss are read; none where the loss has
    /// no such form.
    pub log_p: Option<f64>,
    /// Its probability.
    pub p: Option<f64>,
    /// What the terms about it add to the loss.
    pub loss: f64,
    /// The gradient by its logit, where it has a column.
    pub gradient: Option<f64>,
}

/// The nodes at and above what the label names, and the children of these, in hierarchy order.
pub(super) fn around(
    criterion: &Criterion,
    logits: &[f64],
    label: &Label,
    terms: &[ExplainedTerm],
    columns: &[ExplainedColumn],
) -> Result<Vec<ExplainedNode>, InputError> {
    let hierarchy = criterion.hierarchy();
    let is_on_path = on_path(hierarchy, label);
    let mut is_shown = is_on_path.clone();
    for node in hierarchy.nodes().filter(|node| is_on_path[node.index()]) {
        hierarchy.children(node).iter().for_each(|child| is_shown[child.index()] = true);
    }
    let log_p = reader(criterion).map(|reader| log_probabilities(&reader, logits)).transpose()?;
    let column = columns_by_node(criterion);
    let mut loss = vec![0.0; hierarchy.node_count()];
    for term in terms {
        if let TermSet::Node(node) = term.of {
            loss[node.index()] += term.value;
        }
    }
    let explained = |node: NodeId| {
        let at = node.index();
        let log_p = log_p.as_ref().map(|log_p| log_p[at]);
        ExplainedNode {
            node: at,
            name: hierarchy.name(node).to_owned(),
            parents: hierarchy.parents(node).iter().map(|parent| parent.index()).collect(),
            depth: hierarchy.depth(node),
            is_on_path: is_on_path[at],
            column: column[at],
            logit: column[at].map(|column| logits[column]),
            log_p,
            p: log_p.map(scalar::exp),
            loss: loss[at],
            gradient: column[at].map(|column| columns[column].gradient),
        }
    };
    Ok(hierarchy.nodes().filter(|node| is_shown[node.index()]).map(explained).collect())
}

/// By node, whether it is the root, or at or above what the label names. Of a distribution, the classes that it gives
/// something.
fn on_path(hierarchy: &Hierarchy, label: &Label) -> Vec<bool> {
    let named: Vec<NodeId> = match label {
        Label::Class(class) => vec![hierarchy.class_node(*class)],
        Label::Node(node) => vec![*node],
        Label::Union(nodes) | Label::Set { positive: nodes, .. } => nodes.clone(),
        Label::Soft(soft) => {
            let classes = soft.iter().enumerate().filter(|(_, q)| **q > 0.0);
            classes.map(|(class, _)| hierarchy.class_node(class)).collect()
        }
        Label::Ignored | Label::Superclass(_) => Vec::new(),
    };
    let mut is_on_path = vec![false; hierarchy.node_count()];
    is_on_path[0] = true;
    named.iter().for_each(|node| is_on_path[node.index()] = true);
    // Parents come before their children.
    for node in hierarchy.nodes().rev().filter(|node| *node != NodeId::ROOT) {
        if is_on_path[node.index()] {
            hierarchy.parents(node).iter().for_each(|parent| is_on_path[parent.index()] = true);
        }
    }
    is_on_path
}

/// By node, its column in the logits.
pub(super) fn columns_by_node(criterion: &Criterion) -> Vec<Option<usize>> {
    let hierarchy = criterion.hierarchy();
    let mut columns = vec![None; hierarchy.node_count()];
    if criterion.has_node_columns() {
        hierarchy.node_columns().iter().enumerate().for_each(|(column, node)| columns[node.index()] = Some(column));
    } else {
        (0..hierarchy.class_count()).for_each(|class| columns[hierarchy.class_node(class).index()] = Some(class));
    }
    columns
}

/// The node log-probabilities of the models that a loss trains; none where it has no form.
pub(super) fn reader(criterion: &Criterion) -> Option<NodeLogProbs> {
    // A form that is for trees is that of a loss that is for trees.
    NodeLogProbs::of_form(&NodeForm::of_loss(criterion.loss())?, criterion.hierarchy()).ok()
}

/// By node.
pub(super) fn log_probabilities(reader: &NodeLogProbs, logits: &[f64]) -> Result<Vec<f64>, InputError> {
    let mut log_p = vec![0.0; reader.width()];
    reader.forward(logits, &mut log_p)?;
    Ok(log_p)
}
