//! From a model's logits to what its predictions are compared by, as the loss that trained it has it.
#![expect(clippy::disallowed_methods, reason = "numbers to be read, not to be computed with")]

use anyhow::Result;
use klados::{Hierarchy, Loss, NodeForm, NodeId, NodeLogProbs};

use super::levels::Levels;
use crate::output::model_files::Outputs;
use crate::output::predictions::short;

/// How logits are read.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Every node has a probability.
    Form(NodeForm, NodeLogProbs),
    /// The nodes of a level, and the classes that end above it, share a softmax: the logits of these nodes compete, and
    /// what is above or below says nothing. By column, the node.
    Cut(Vec<NodeId>),
}

/// What was read, `rows x nodes`.
pub(crate) struct Read {
    /// What the nodes of a level are compared by.
    pub(crate) rank: Vec<f32>,
    /// The logarithm of their probabilities, where that is something else.
    pub(crate) log_probabilities: Option<Vec<f32>>,
}

impl Reading {
    /// The reading of models that a loss trains.
    ///
    /// # Errors
    ///
    /// A loss that is for trees, on a DAG.
    pub(crate) fn new(loss: &Loss, hierarchy: &Hierarchy) -> Result<Self> {
        match NodeForm::of_loss(loss) {
            Some(form) => {
                let node_log_probs = NodeLogProbs::of_form(&form, hierarchy)?;
                Ok(Self::Form(form, node_log_probs))
            }
            None => Ok(Self::Cut(hierarchy.node_columns())),
        }
    }

    /// The form, where there is one.
    pub(crate) fn form(&self) -> Option<&NodeForm> {
        match self {
            Self::Form(form, _) => Some(form),
            Self::Cut(_) => None,
        }
    }

    /// The number of a row's logits.
    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Form(_, node_log_probs) => node_log_probs.columns(),
            Self::Cut(nodes) => nodes.len(),
        }
    }

    /// Whether the logits are those of a softmax over the classes.
    pub(crate) fn is_class_softmax(&self) -> bool {
        matches!(self, Self::Form(NodeForm::ClassSoftmax, _))
    }

    /// What the logits are of, by name.
    pub(crate) fn outputs(&self, hierarchy: &Hierarchy) -> Outputs {
        let nodes = match self {
            Self::Form(form, _) if !form.has_node_columns() => {
                let classes = 0..hierarchy.class_count();
                return Outputs::Classes(classes.map(|class| short(hierarchy, hierarchy.class_node(class))).collect());
            }
            Self::Form(..) => hierarchy.node_columns(),
            Self::Cut(nodes) => nodes.clone(),
        };
        Outputs::Nodes(nodes.into_iter().map(|node| short(hierarchy, node)).collect())
    }

    /// Reads logits `rows x columns`.
    ///
    /// # Errors
    ///
    /// Logits that are not whole rows.
    pub(crate) fn read(&self, levels: &Levels, logits: &[f32]) -> Result<Read> {
        let nodes = levels.hierarchy().node_count();
        let rows = logits.len() / self.columns();
        let mut rank = vec![0.0; rows * nodes];
        let columns = match self {
            Self::Form(_, node_log_probs) => {
                node_log_probs.forward(logits, &mut rank)?;
                return Ok(Read { rank, log_probabilities: None });
            }
            Self::Cut(columns) => columns,
        };
        let mut log_probabilities = vec![0.0; rows * nodes];
        for (row, logits) in logits.chunks_exact(columns.len()).enumerate() {
            let rank = &mut rank[row * nodes..][..nodes];
            columns.iter().zip(logits).for_each(|(node, logit)| rank[node.index()] = *logit);
            let log_p = &mut log_probabilities[row * nodes..][..nodes];
            // From the top: a class that ends early has its probability among the classes.
            for level in levels.all() {
                let log_sum = log_sum_exp(level.candidates.iter().map(|node| f64::from(rank[node.index()])));
                for node in &level.candidates {
                    log_p[node.index()] = (f64::from(rank[node.index()]) - log_sum) as f32;
                }
            }
        }
        Ok(Read { rank, log_probabilities: Some(log_probabilities) })
    }
}

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(f64::NEG_INFINITY, f64::max);
    max + values.map(|value| (value - max).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::scores::predict;

    fn levels(loss: &str) -> Levels {
        let edges = [("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        Levels::new(&hierarchy, &loss.parse().expect("a loss")).expect("levels")
    }

    /// Of logits for sponge, bird, crow and robin: the class, and the probabilities of sponge, bird, crow and robin.
    fn read(loss: &str, logits: [f32; 4]) -> (String, [f64; 4]) {
        let levels = levels(loss);
        let prediction = predict(&levels, &logits).expect("a row").remove(0);
        let hierarchy = levels.hierarchy();
        let of = |name: &str| prediction.probability(hierarchy.node(name).expect("a node"));
        (hierarchy.class_name(prediction.class).to_owned(), ["sponge", "bird", "crow", "robin"].map(of))
    }

    #[test]
    fn a_loss_of_nodes_is_read_as_it_is_trained() {
        let ln2 = std::f32::consts::LN_2;
        let near = |found: [f64; 4], expected: [f64; 4]| {
            let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6);
            assert!(is_near, "{found:?} is not {expected:?}");
        };
        // Sponge and bird compete, then crow and robin: 2 / 3 on the bird, of it 3 / 4 on the robin.
        let (class, found) = read("sibling_softmax", [0.0, ln2, 0.0, 3f32.ln()]);
        assert_eq!(class, "robin");
        near(found, [1.0 / 3.0, 2.0 / 3.0, 1.0 / 6.0, 0.5]);
        // The bird's score is added to both of its classes: 1, 2 and 6.
        let (class, found) = read("parameter_sharing_softmax", [0.0, ln2, 0.0, 3f32.ln()]);
        assert_eq!(class, "robin");
        near(found, [1.0 / 9.0, 8.0 / 9.0, 2.0 / 9.0, 6.0 / 9.0]);
        // Each level for itself: sponge against bird, and sponge against crow and robin, which is the class's level.
        let (class, found) = read("levelwise_softmax", [0.0, ln2, 0.0, 3f32.ln()]);
        assert_eq!(class, "robin");
        near(found, [1.0 / 5.0, 2.0 / 3.0, 1.0 / 5.0, 3.0 / 5.0]);
    }

    #[test]
    fn outputs_are_named_in_order() {
        let outputs = |loss: &str| {
            let levels = levels(loss);
            levels.reading().outputs(levels.hierarchy())
        };
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(outputs("soft_labels"), Outputs::Classes(names(&["sponge", "crow", "robin"])));
        // The root has no column.
        assert_eq!(outputs("sibling_softmax"), Outputs::Nodes(names(&["sponge", "bird", "crow", "robin"])));
        assert_eq!(levels("sibling_softmax").columns(), 4);
    }
}
