//! The levels at which a prediction is judged.

use anyhow::Result;
use klados::{Hierarchy, Label, Level, Loss, NodeId};

use super::reading::Reading;

/// One level: its nodes compete, the most probable one is the prediction.
#[derive(Debug)]
pub(crate) struct JudgedLevel {
    /// The rank's name, `depth 1` and so on, or `class`.
    pub(crate) name: String,
    /// The nodes of the level, and the classes that end above it: a class has to compete at every level.
    pub(crate) candidates: Vec<NodeId>,
}

/// The levels of a hierarchy, from the top. The last one is that of the classes.
#[derive(Debug)]
pub(crate) struct Levels {
    hierarchy: Hierarchy,
    reading: Reading,
    levels: Vec<JudgedLevel>,
    is_multi_label: bool,
}

impl Levels {
    /// The ranks, or where there are none the depths; and the classes, where they are not the last of these. Logits are
    /// read as those of a model that `loss` trained.
    ///
    /// # Errors
    ///
    /// A loss that is for trees, on a DAG.
    pub(crate) fn new(hierarchy: &Hierarchy, loss: &Loss) -> Result<Self> {
        let class_nodes: Vec<NodeId> = (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect();
        let mut levels: Vec<JudgedLevel> = Vec::new();
        for level in hierarchy.levels() {
            // A level without nodes has nothing to judge.
            let Ok(mut candidates) = hierarchy.level_nodes(&level) else { continue };
            let mut covered = vec![false; class_nodes.len()];
            for node in &candidates {
                hierarchy.classes_below(*node).into_iter().for_each(|class| covered[class] = true);
            }
            let ended = class_nodes.iter().zip(&covered).filter(|(_, covered)| !**covered).map(|(node, _)| *node);
            candidates.extend(ended);
            let name = match level {
                Level::Rank(name) => name,
                Level::Depth(depth) => format!("depth {depth}"),
            };
            levels.push(JudgedLevel { name, candidates });
        }
        let is_class =
            |node: &NodeId| hierarchy.class_at(*node).is_some_and(|class| hierarchy.class_node(class) == *node);
        match levels.last_mut() {
            // Depths end in a level that only holds what is left; it is the classes' level all the same.
            Some(last) if last.candidates.iter().all(is_class) => {
                if hierarchy.rank_names().is_empty() {
                    last.name = "class".to_owned();
                }
            }
            _ => levels.push(JudgedLevel { name: "class".to_owned(), candidates: class_nodes }),
        }
        let reading = Reading::new(loss, hierarchy)?;
        Ok(Self { hierarchy: hierarchy.clone(), reading, levels, is_multi_label: false })
    }

    /// The same levels for rows of which several nodes hold.
    pub(crate) fn for_multi_label(mut self, is_multi_label: bool) -> Self {
        self.is_multi_label = is_multi_label;
        self
    }

    /// Whether several nodes may hold of a row: then there is no one prediction, but a ranking.
    pub(crate) fn is_multi_label(&self) -> bool {
        self.is_multi_label
    }

    /// The levels, from the top.
    pub(crate) fn all(&self) -> &[JudgedLevel] {
        &self.levels
    }

    /// The levels above that of the classes, from the top.
    pub(crate) fn above(&self) -> &[JudgedLevel] {
        self.levels.split_last().map_or(&[], |(_, above)| above)
    }

    /// The hierarchy.
    pub(crate) fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// From logits to the log-probabilities of all nodes.
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The number of a row's logits.
    pub(crate) fn columns(&self) -> usize {
        self.reading.columns()
    }

    /// The nodes that a label says hold: the label's node and what is above it, for a union what its nodes share.
    pub(crate) fn known(&self, label: &Label) -> Vec<NodeId> {
        let lineage = |node: NodeId| {
            // A node with a single class below it is that class.
            match self.hierarchy.classes_below(node)[..] {
                [class] => self.hierarchy.lineage(self.hierarchy.class_node(class)),
                _ => self.hierarchy.lineage(node),
            }
        };
        match label {
            Label::Class(class) => self.hierarchy.lineage(self.hierarchy.class_node(*class)),
            Label::Node(node) => lineage(*node),
            Label::Union(nodes) => {
                let mut shared = nodes.iter().map(|&node| lineage(node));
                let first = shared.next().unwrap_or_default();
                shared.fold(first, |kept, other| kept.into_iter().filter(|node| other.contains(node)).collect())
            }
            _ => Vec::new(),
        }
    }

    /// By node, whether it holds of a row with this label: the named nodes and what is above them, no other.
    pub(crate) fn positive(&self, label: &Label) -> Vec<bool> {
        let named = match label {
            Label::Class(class) => vec![self.hierarchy.class_node(*class)],
            Label::Node(node) => vec![*node],
            Label::Set { positive, .. } => positive.clone(),
            _ => Vec::new(),
        };
        let mut holds = vec![false; self.hierarchy.node_count()];
        named.into_iter().flat_map(|node| self.hierarchy.lineage(node)).for_each(|node| holds[node.index()] = true);
        holds
    }

    /// The class that a label says holds, where it says so.
    pub(crate) fn class(&self, label: &Label) -> Option<usize> {
        match label {
            Label::Class(class) => Some(*class),
            Label::Node(node) => match self.hierarchy.classes_below(*node)[..] {
                [class] => Some(class),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(hierarchy: &Hierarchy) -> Levels {
        let loss = "marginal_cross_entropy".parse().expect("a loss");
        Levels::new(hierarchy, &loss).expect("levels")
    }

    fn names(levels: &Levels) -> Vec<&str> {
        levels.all().iter().map(|level| level.name.as_str()).collect()
    }

    #[test]
    fn a_class_that_ends_early_competes_at_every_level() {
        let edges = [("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        let levels = levels(&hierarchy);
        assert_eq!(names(&levels), ["depth 1", "class"]);
        let at =
            |level: usize| levels.all()[level].candidates.iter().map(|node| hierarchy.name(*node)).collect::<Vec<_>>();
        assert_eq!(at(0), ["sponge", "bird"]);
        assert_eq!(at(1), ["crow", "robin", "sponge"]);
    }

    #[test]
    fn ranks_that_do_not_end_in_the_classes_get_a_level_for_them() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        assert_eq!(
            names(&levels(&hierarchy.with_level_names(["class of animals"]).expect("a name"))),
            ["class of animals", "class"]
        );
        let named = hierarchy.with_level_names(["order", "species"]).expect("names");
        assert_eq!(names(&levels(&named)), ["order", "species"]);
    }

    #[test]
    fn a_union_says_what_its_nodes_share() {
        let edges = [("animal", "mammal"), ("mammal", "bat"), ("mammal", "dog"), ("animal", "bird"), ("bird", "crow")];
        let hierarchy = Hierarchy::from_edges(edges.into_iter().chain([("life", "animal"), ("life", "plant")]));
        let levels = levels(&hierarchy.expect("a tree"));
        let known = |text: &str| {
            let label = levels.hierarchy().parse_label(text).expect("a label");
            let nodes = levels.known(&label).into_iter();
            (nodes.map(|node| levels.hierarchy().name(node).to_owned()).collect::<Vec<_>>(), levels.class(&label))
        };
        assert_eq!(known("bat|dog"), (vec!["animal".to_owned(), "mammal".to_owned()], None));
        assert_eq!(known("bat|crow"), (vec!["animal".to_owned()], None));
        // The only bird is the crow.
        assert_eq!(known("bird").1, levels.hierarchy().class("crow").ok());
    }
}
