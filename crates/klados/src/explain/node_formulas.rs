//! `log P` of a node as a sum of the formulas that terms have: the form of [`NodeLogProbs`](crate::NodeLogProbs) that
//! models are read by, by none of its kernels.

use super::nodes::columns_by_node;
use super::probability::Formula;
use crate::criterion::Criterion;
use crate::{Hierarchy, NodeForm, NodeId, Pick, Score};

/// The formulas of a criterion's nodes.
pub(super) struct NodeFormulas<'a> {
    hierarchy: &'a Hierarchy,
    form: NodeForm,
    /// By node, its column in the logits.
    columns: Vec<Option<usize>>,
}

impl<'a> NodeFormulas<'a> {
    /// None where the loss has no form.
    pub(super) fn new(criterion: &'a Criterion) -> Option<Self> {
        let form = NodeForm::of_loss(criterion.loss())?;
        Some(Self { hierarchy: criterion.hierarchy(), form, columns: columns_by_node(criterion) })
    }

    /// What `log P` of a node is the sum of: nothing for the root.
    pub(super) fn of(&self, node: NodeId) -> Vec<Formula> {
        if node == NodeId::ROOT {
            return Vec::new();
        }
        let hierarchy = self.hierarchy;
        let sigmoid = |nodes: &[NodeId], pick| Formula::Sigmoid { columns: self.columns(nodes), pick, negative: false };
        match &self.form {
            NodeForm::SiblingSoftmax => {
                let step = |node: &NodeId| {
                    let siblings = hierarchy.parents(*node).iter().flat_map(|parent| hierarchy.children(*parent));
                    self.share(&[*node], siblings.copied())
                };
                hierarchy.lineage(node).iter().map(step).collect()
            }
            NodeForm::ConditionalSigmoid => {
                hierarchy.lineage(node).iter().map(|node| sigmoid(std::slice::from_ref(node), Pick::Max)).collect()
            }
            NodeForm::IndependentSigmoid => vec![sigmoid(&[node], Pick::Max)],
            NodeForm::Max => vec![sigmoid(&self.below(node), Pick::Max)],
            NodeForm::Min => vec![sigmoid(&hierarchy.lineage(node), Pick::Min)],
            NodeForm::DescendantSoftmax => {
                vec![self.share(&self.below(node), hierarchy.nodes().filter(|node| *node != NodeId::ROOT))]
            }
            NodeForm::NodeSoftmax => vec![self.share(&self.below(node), hierarchy.nodes())],
            NodeForm::NoisyOr => {
                let columns = hierarchy.classes_below(node).into_iter().map(|class| class as u32).collect();
                vec![Formula::NoisyOr { columns, negative: false }]
            }
            // Class scores, which parameter sharing sums.
            _ => vec![self.class_share(node)],
        }
    }

    fn class_share(&self, node: NodeId) -> Formula {
        let mut is_below = vec![false; self.hierarchy.class_count()];
        self.hierarchy.classes_below(node).into_iter().for_each(|class| is_below[class] = true);
        let of = |below: bool| {
            let classes = is_below.iter().zip(0..).filter(|(is_below, _)| **is_below == below);
            classes.map(|(_, class)| Score { column: Some(class), plus: 0.0 }).collect()
        };
        Formula::Share { set: of(true), rest: of(false) }
    }

    /// The share of some nodes among all that are given, each with its own score; that of the root is 0.
    fn share(&self, set: &[NodeId], given: impl Iterator<Item = NodeId>) -> Formula {
        let score = |node: NodeId| Score { column: self.columns[node.index()].map(|column| column as u32), plus: 0.0 };
        let mut within = vec![false; self.hierarchy.node_count()];
        set.iter().for_each(|node| within[node.index()] = true);
        let rest = given.filter(|node| !within[node.index()]).map(score).collect();
        Formula::Share { set: set.iter().map(|node| score(*node)).collect(), rest }
    }

    fn columns(&self, nodes: &[NodeId]) -> Vec<u32> {
        nodes.iter().filter_map(|node| self.columns[node.index()]).map(|column| column as u32).collect()
    }

    /// The node and all below it, each once.
    fn below(&self, node: NodeId) -> Vec<NodeId> {
        let mut is_below = vec![false; self.hierarchy.node_count()];
        is_below[node.index()] = true;
        // Parents come before their children.
        for next in self.hierarchy.nodes() {
            is_below[next.index()] |= self.hierarchy.parents(next).iter().any(|parent| is_below[parent.index()]);
        }
        self.hierarchy.nodes().filter(|node| is_below[node.index()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::nodes::{log_probabilities, reader};
    use crate::explain::terms::Reading;
    use crate::loss::Loss;

    const TREE: [(&str, &str); 7] = [
        ("mammal", "bat"),
        ("mammal", "dog"),
        ("bird", "crow"),
        ("bird", "raptor"),
        ("raptor", "hawk"),
        ("raptor", "owl"),
        ("animal", "fish"),
    ];

    /// `log P` of every node by the kernels of `node_log_probs`; all losses that have a form, on a tree, and on a DAG
    /// where they are for one.
    #[test]
    fn formulas_are_those_of_the_forms() {
        let tree = Hierarchy::from_edges(TREE).unwrap();
        let dag = Hierarchy::from_edges(TREE.into_iter().chain([("flying", "bat"), ("flying", "bird")])).unwrap();
        let forms = ["independent", "max", "noisy_or"]
            .map(|form| format!(r#"{{"binary_cross_entropy": {{"form": "{form}"}}}}"#));
        let mut seen = 0;
        for hierarchy in [tree, dag] {
            let losses = Loss::NAMES.iter().map(|name| (*name).to_owned()).chain(forms.clone());
            let compiled = losses.filter_map(|loss| loss.parse::<Loss>().unwrap().compile(&hierarchy).ok());
            for criterion in compiled {
                let Some(formulas) = NodeFormulas::new(&criterion) else { continue };
                let mut z: Vec<f64> = (0..criterion.columns()).map(|k| ((k * 7 + 3) % 11) as f64 / 2.0 - 3.0).collect();
                z[1] = 40.0;
                let expected = log_probabilities(&reader(&criterion).unwrap(), &z).unwrap();
                let scores = Reading::new(&criterion).scores(&z);
                for node in hierarchy.nodes() {
                    let log_p: f64 = formulas.of(node).iter().map(|formula| formula.at(&scores).log_p).sum();
                    let expected = expected[node.index()];
                    let allowed = 1e-13 * expected.abs() + 1e-300;
                    let (loss, name) = (criterion.loss().name(), hierarchy.name(node));
                    assert!((log_p - expected).abs() <= allowed, "{loss} {name}: {log_p:e}, not {expected:e}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 200, "{seen}");
    }
}
