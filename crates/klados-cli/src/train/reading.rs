//! From a model's logits to what its predictions are compared by, as the loss that trained it has it.
#![expect(clippy::disallowed_methods, reason = "numbers to be read, not to be computed with")]

use anyhow::Result;
use klados::metrics::{JudgedLevel, Levels};
use klados::{Hierarchy, Label, Loss, NodeForm, NodeId, NodeLogProbs};

use crate::data::hierarchy::unique_name;
use crate::output::model_files::Outputs;

/// How logits are read, and the levels that are judged.
#[derive(Debug)]
pub(crate) struct Reading {
    levels: Levels,
    way: Way,
    is_multi_label: bool,
    /// The nodes but the root that are on no level.
    on_no_level: Vec<NodeId>,
}

#[derive(Debug)]
enum Way {
    /// Every node has a probability.
    Form(NodeForm, NodeLogProbs),
    /// The nodes of a level, and the classes that end above it, share a softmax: the logits of these nodes compete, and
    /// what is above or below says nothing. By column, the node.
    Cut(Vec<NodeId>),
}

/// What was read of some rows.
pub(crate) struct Read {
    nodes: usize,
    /// By row, the most probable class; of equally probable ones the first.
    classes: Vec<usize>,
    /// `rows x nodes`: what the nodes of a level are compared by.
    rank: Vec<f64>,
    /// `rows x nodes`: the logarithms of their probabilities, where these are something else.
    log_probs: Option<Vec<f64>>,
}

impl Reading {
    /// The reading of models that a loss trains.
    ///
    /// # Errors
    ///
    /// A loss that is for trees, on a DAG.
    pub(crate) fn new(hierarchy: &Hierarchy, loss: &Loss) -> Result<Self> {
        let way = match NodeForm::of_loss(loss) {
            Some(form) => {
                let node_log_probs = NodeLogProbs::of_form(&form, hierarchy)?;
                Way::Form(form, node_log_probs)
            }
            None => Way::Cut(hierarchy.node_columns()),
        };
        let levels = Levels::new(hierarchy);
        let is_on = |node: &NodeId| levels.all().iter().any(|level| level.at(*node).contains(node));
        let on_no_level = hierarchy.nodes().skip(1).filter(|node| !is_on(node)).collect();
        Ok(Self { levels, way, is_multi_label: false, on_no_level })
    }

    /// The same for rows of which several nodes hold.
    pub(crate) fn for_multi_label(mut self, is_multi_label: bool) -> Self {
        self.is_multi_label = is_multi_label;
        self
    }

    /// Whether several nodes may hold of a row: then there is no one prediction, but a ranking.
    pub(crate) fn is_multi_label(&self) -> bool {
        self.is_multi_label
    }

    /// The levels that are judged, from the top; the last one is that of the classes.
    pub(crate) fn levels(&self) -> &Levels {
        &self.levels
    }

    /// The levels above that of the classes, from the top.
    pub(crate) fn above(&self) -> &[JudgedLevel] {
        self.levels.all().split_last().map_or(&[], |(_, above)| above)
    }

    /// The name of the lowest level that a node is on; empty where it is on none.
    pub(crate) fn level_name(&self, node: NodeId) -> &str {
        let level = self.levels.all().iter().rev().find(|level| level.at(node).contains(&node));
        level.map_or("", |level| level.name())
    }

    /// The hierarchy.
    pub(crate) fn hierarchy(&self) -> &Hierarchy {
        self.levels.hierarchy()
    }

    /// The form, where there is one.
    pub(crate) fn form(&self) -> Option<&NodeForm> {
        match &self.way {
            Way::Form(form, _) => Some(form),
            Way::Cut(_) => None,
        }
    }

    /// The number of a row's logits.
    pub(crate) fn columns(&self) -> usize {
        match &self.way {
            Way::Form(_, node_log_probs) => node_log_probs.columns(),
            Way::Cut(nodes) => nodes.len(),
        }
    }

    /// What the logits are of, by name.
    pub(crate) fn outputs(&self) -> Outputs {
        let hierarchy = self.hierarchy();
        let nodes = match &self.way {
            Way::Form(form, _) if !form.has_node_columns() => {
                let classes = 0..hierarchy.class_count();
                return Outputs::Classes(
                    classes.map(|class| unique_name(hierarchy, hierarchy.class_node(class))).collect(),
                );
            }
            Way::Form(..) => hierarchy.node_columns(),
            Way::Cut(nodes) => nodes.clone(),
        };
        Outputs::Nodes(nodes.into_iter().map(|node| unique_name(hierarchy, node)).collect())
    }

    /// Labels as predictions are judged by them. Where rows are multi-label, a node is the set of it alone; a superclass
    /// that a `map` names says nothing of the hierarchy's nodes.
    pub(crate) fn judged(&self, labels: &[Label]) -> Vec<Label> {
        let one = |node: NodeId| Label::Set { positive: vec![node], masked: Vec::new() };
        let judged = |label: &Label| match label {
            Label::Superclass(_) => Label::Ignored,
            Label::Class(class) if self.is_multi_label => one(self.hierarchy().class_node(*class)),
            Label::Node(node) if self.is_multi_label => one(*node),
            other => other.clone(),
        };
        labels.iter().map(judged).collect()
    }

    /// Reads logits `rows x columns`.
    ///
    /// # Errors
    ///
    /// Logits that are not whole rows.
    pub(crate) fn read(&self, logits: &[f32]) -> Result<Read> {
        let hierarchy = self.hierarchy();
        let nodes = hierarchy.node_count();
        let rows = logits.len() / self.columns();
        let mut rank = vec![0.0; rows * nodes];
        let log_probs = match &self.way {
            Way::Form(_, node_log_probs) => {
                node_log_probs.forward_into(logits, &mut rank)?;
                None
            }
            Way::Cut(columns) => {
                for (rank, logits) in rank.chunks_exact_mut(nodes).zip(logits.chunks_exact(columns.len())) {
                    columns.iter().zip(logits).for_each(|(node, logit)| rank[node.index()] = f64::from(*logit));
                }
                Some(rank.chunks_exact(nodes).flat_map(|rank| self.by_level(rank)).collect())
            }
        };
        let class = |rank: &[f64]| {
            let mut best = (0, f64::NEG_INFINITY);
            for class in 0..hierarchy.class_count() {
                let rank = rank[hierarchy.class_node(class).index()];
                if rank > best.1 {
                    best = (class, rank);
                }
            }
            best.0
        };
        let classes = rank.chunks_exact(nodes).map(class).collect();
        Ok(Read { nodes, classes, rank, log_probs })
    }

    /// The log-probabilities of a row of which each level is a softmax of its own. A node on none of them, such as the
    /// root, has the sum of its classes' probabilities.
    fn by_level(&self, rank: &[f64]) -> Vec<f64> {
        let mut log_p = vec![f64::NAN; rank.len()];
        // From the top: a class that ends early has its probability among the classes.
        for level in self.levels.all() {
            let log_sum = log_sum_exp(level.candidates().iter().map(|node| rank[node.index()]));
            for node in level.candidates() {
                log_p[node.index()] = rank[node.index()] - log_sum;
            }
        }
        let hierarchy = self.hierarchy();
        log_p[NodeId::ROOT.index()] = 0.0;
        for &node in &self.on_no_level {
            let classes = hierarchy.classes_below(node).into_iter();
            let log_sum = log_sum_exp(classes.map(|class| log_p[hierarchy.class_node(class).index()]));
            // Rounding may leave it above 0; NaN stays.
            log_p[node.index()] = if log_sum > 0.0 { 0.0 } else { log_sum };
        }
        log_p
    }
}

impl Read {
    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.classes.len()
    }

    /// The most probable class of a row.
    pub(crate) fn class(&self, row: usize) -> usize {
        self.classes[row]
    }

    /// The probability of a node.
    pub(crate) fn probability(&self, row: usize, node: NodeId) -> f64 {
        self.log_probs()[row * self.nodes + node.index()].exp()
    }

    /// What the nodes of a level are compared by, `rows x nodes`: their log-probabilities, or logits where those of a
    /// level compete.
    pub(crate) fn rank(&self) -> &[f64] {
        &self.rank
    }

    /// Whether a row has none, as where training diverged.
    pub(crate) fn has_nan(&self) -> bool {
        self.rank.iter().any(|rank| rank.is_nan())
    }

    /// The log-probabilities of all nodes of a row.
    pub(crate) fn log_probs_of(&self, row: usize) -> &[f64] {
        &self.log_probs()[row * self.nodes..][..self.nodes]
    }

    /// The log-probabilities of all nodes, `rows x nodes`.
    pub(crate) fn log_probs(&self) -> &[f64] {
        self.log_probs.as_ref().unwrap_or(&self.rank)
    }
}

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(f64::NEG_INFINITY, f64::max);
    max + values.map(|value| (value - max).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(loss: &str) -> Reading {
        let edges = [("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        Reading::new(&hierarchy, &loss.parse().expect("a loss")).expect("a reading")
    }

    /// Of logits for sponge, bird, crow and robin: the class, and the probabilities of sponge, bird, crow and robin.
    fn read(loss: &str, logits: [f32; 4]) -> (String, [f64; 4]) {
        let reading = reading(loss);
        let read = reading.read(&logits).expect("a row");
        let hierarchy = reading.hierarchy();
        let of = |name: &str| read.probability(0, hierarchy.node(name).expect("a node"));
        (hierarchy.class_name(read.class(0)).to_owned(), ["sponge", "bird", "crow", "robin"].map(of))
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
        let outputs = |loss: &str| reading(loss).outputs();
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(outputs("soft_labels"), Outputs::Classes(names(&["sponge", "crow", "robin"])));
        // The root has no column.
        assert_eq!(outputs("sibling_softmax"), Outputs::Nodes(names(&["sponge", "bird", "crow", "robin"])));
        assert_eq!(reading("sibling_softmax").columns(), 4);
    }
}
