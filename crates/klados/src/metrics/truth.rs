//! What labels say of nodes.

use std::collections::HashMap;

use super::Levels;
use crate::criterion::{InputError, InputErrorKind, check_label, check_length};
use crate::{Label, NodeId};

/// What a label says of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// All classes that the label stands for are below the node; or it is positive, in a multi-label row.
    Holds,
    /// None is; or it is negative.
    Fails,
    /// Some are; or it is masked.
    Unknown,
}

/// A batch of labels, read for metrics: see [`Levels::truths`].
///
/// # Example
///
/// ```
/// use klados::metrics::{Levels, Says};
/// use klados::Hierarchy;
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
/// let levels = Levels::new(&hierarchy);
/// let labels = [hierarchy.parse_label("bird")?, hierarchy.parse_label("")?];
/// let truths = levels.truths(&labels)?;
/// let node = |name| hierarchy.node(name).unwrap();
/// assert_eq!(truths.says(0, node("bird")), Says::Holds);
/// assert_eq!(truths.says(0, node("crow")), Says::Unknown);
/// assert_eq!(truths.says(0, node("bat")), Says::Fails);
/// assert_eq!(truths.as_far_as_known(0, node("crow")), node("bird"));
/// assert!(!truths.takes_part(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Truths<'a> {
    levels: &'a Levels,
    /// By row: its label among those that differ; none where it is ignored.
    rows: Vec<Option<u32>>,
    truths: Vec<Truth>,
}

/// A label.
#[derive(Debug)]
struct Truth {
    /// The nodes that hold, ascending, without the root.
    known: Vec<NodeId>,
    /// The most specific node that holds: see [`Truths::node`].
    node: NodeId,
    /// The nodes that it names.
    named: Vec<NodeId>,
    unknown: Unknown,
    /// The class, where it stands for one alone.
    class: Option<usize>,
    is_set: bool,
}

/// The nodes of which a label says nothing.
#[derive(Debug)]
enum Unknown {
    /// Those above or below a named one, in a tree.
    Along,
    /// These, ascending.
    Listed(Vec<NodeId>),
}

/// What makes labels the same.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Class(usize),
    Node(NodeId),
    Union(&'a [NodeId]),
    Set(&'a [NodeId], &'a [NodeId]),
}

impl<'a> Truths<'a> {
    pub(super) fn new(levels: &'a Levels, labels: &[Label]) -> Result<Self, InputError> {
        let mut seen: HashMap<Key<'_>, Option<u32>> = HashMap::new();
        let (mut rows, mut truths) = (Vec::with_capacity(labels.len()), Vec::new());
        for (row, label) in labels.iter().enumerate() {
            let key = match label {
                Label::Ignored => {
                    rows.push(None);
                    continue;
                }
                Label::Class(class) => Key::Class(*class),
                Label::Node(node) => Key::Node(*node),
                Label::Union(nodes) => Key::Union(nodes),
                Label::Set { positive, masked } => Key::Set(positive, masked),
                Label::Soft(_) | Label::Superclass(_) => {
                    let what = if matches!(label, Label::Soft(_)) { "a distribution" } else { "a superclass" };
                    let message = format!("metrics are of labels that name nodes, got {what}");
                    return Err(InputError::new(InputErrorKind::LabelForm, message).in_row(row));
                }
            };
            let index = match seen.entry(key) {
                std::collections::hash_map::Entry::Occupied(entry) => *entry.get(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    check_label(levels.hierarchy(), label).map_err(|error| error.in_row(row))?;
                    let truth = Truth::new(levels, label);
                    let index = (!truth.says_nothing(levels)).then_some(truths.len() as u32);
                    if index.is_some() {
                        truths.push(truth);
                    }
                    *entry.insert(index)
                }
            };
            rows.push(index);
        }
        Ok(Self { levels, rows, truths })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The levels that the labels were read for.
    pub fn levels(&self) -> &'a Levels {
        self.levels
    }

    fn truth(&self, row: usize) -> Option<&Truth> {
        self.rows[row].map(|index| &self.truths[index as usize])
    }

    /// Whether the label of a row says anything: it is not ignored, and does not stand for all classes, as the root does.
    pub fn takes_part(&self, row: usize) -> bool {
        self.rows[row].is_some()
    }

    /// The nodes that hold of a row: ascending, parents first, without the root, which always holds.
    pub fn known(&self, row: usize) -> &[NodeId] {
        self.truth(row).map_or(&[], |truth| &truth.known)
    }

    /// The most specific node that holds of a row: what the answer should be. Of a union the lowest node above all of it, of
    /// an ignored or multi-label row the root.
    pub fn node(&self, row: usize) -> NodeId {
        self.truth(row).map_or(NodeId::ROOT, |truth| truth.node)
    }

    /// The nodes that the label of a row names: one, the alternatives of a union, the positives of a multi-label row.
    pub fn named(&self, row: usize) -> &[NodeId] {
        self.truth(row).map_or(&[], |truth| &truth.named)
    }

    /// The class that a row is of, where its label says that.
    pub fn class(&self, row: usize) -> Option<usize> {
        self.truth(row).and_then(|truth| truth.class)
    }

    /// Whether a row is multi-label.
    pub fn is_set(&self, row: usize) -> bool {
        self.truth(row).is_some_and(|truth| truth.is_set)
    }

    /// What the label of a row says of a node. The root always holds; of other nodes an ignored row says nothing.
    pub fn says(&self, row: usize, node: NodeId) -> Says {
        if node == NodeId::ROOT {
            return Says::Holds;
        }
        let Some(truth) = self.truth(row) else { return Says::Unknown };
        if truth.known.binary_search(&node).is_ok() {
            return Says::Holds;
        }
        let hierarchy = self.levels.hierarchy();
        let is_unknown = match &truth.unknown {
            Unknown::Listed(nodes) => nodes.binary_search(&node).is_ok(),
            // What is above a single named node holds.
            Unknown::Along => truth.named.iter().any(|&named| {
                hierarchy.is_at_or_above(named, node)
                    || (truth.named.len() > 1 && hierarchy.is_at_or_above(node, named))
            }),
        };
        if is_unknown { Says::Unknown } else { Says::Fails }
    }

    /// What the label of a row says of every node, by node.
    pub(super) fn of_all(&self, row: usize, says: &mut Vec<Says>) {
        let hierarchy = self.levels.hierarchy();
        says.clear();
        let Some(truth) = self.truth(row) else {
            says.resize(hierarchy.node_count(), Says::Unknown);
            says[0] = Says::Holds;
            return;
        };
        says.resize(hierarchy.node_count(), Says::Fails);
        match &truth.unknown {
            Unknown::Listed(nodes) => nodes.iter().for_each(|node| says[node.index()] = Says::Unknown),
            Unknown::Along => {
                for named in &truth.named {
                    // In a tree the nodes below one follow it.
                    let below = hierarchy.nodes().skip(named.index());
                    for node in below.take_while(|node| hierarchy.is_at_or_above(*named, *node)) {
                        says[node.index()] = Says::Unknown;
                    }
                    if truth.named.len() > 1 {
                        hierarchy.ancestors(*named).iter().for_each(|node| says[node.index()] = Says::Unknown);
                    }
                }
            }
        }
        truth.known.iter().for_each(|node| says[node.index()] = Says::Holds);
        says[0] = Says::Holds;
    }

    /// A prediction, cut to what the label says: the most specific node at or above it that holds or fails.
    pub fn as_far_as_known(&self, row: usize, prediction: NodeId) -> NodeId {
        let hierarchy = self.levels.hierarchy();
        if self.says(row, prediction) != Says::Unknown {
            return prediction;
        }
        let mut above = hierarchy.parents(prediction);
        while let &[parent] = above {
            if self.says(row, parent) != Says::Unknown {
                return parent;
            }
            above = hierarchy.parents(parent);
        }
        // Where the ways part in a DAG, the most specific of what is above is not always by the most specific parent.
        let known = above.iter().flat_map(|parent| hierarchy.lineage(*parent));
        let known = known.filter(|node| self.says(row, *node) != Says::Unknown);
        known.min_by_key(|node| hierarchy.specificity(*node)).unwrap_or(NodeId::ROOT)
    }

    /// The nodes of a level that hold of a row: one where the label reaches down to it, in a DAG perhaps several; else none.
    pub(super) fn true_nodes(&self, row: usize, level: usize) -> impl Iterator<Item = NodeId> + Clone {
        let level = &self.levels.all()[level];
        let known = self.known(row);
        // In a tree it is the one above the lowest node that holds, without a look at all of these.
        let among = match known.last() {
            Some(lowest) if self.levels.hierarchy().is_tree() && !self.is_set(row) => level.at(*lowest),
            _ => known,
        };
        among.iter().copied().filter(|node| level.place(*node).is_some())
    }

    /// Calls with each node that a prediction says, itself and those above it but the root, as far as the label of the row
    /// says anything of it, and with whether it holds.
    pub(super) fn each_answered(&self, row: usize, prediction: NodeId, visit: &mut dyn FnMut(NodeId, bool)) {
        let hierarchy = self.levels.hierarchy();
        let prediction = self.levels.lowest(prediction);
        if !hierarchy.is_tree() {
            for node in hierarchy.lineage(prediction) {
                match self.says(row, node) {
                    Says::Unknown => {}
                    says => visit(node, says == Says::Holds),
                }
            }
            return;
        }
        let (mut node, mut holds) = (prediction, false);
        while node != NodeId::ROOT {
            let says = if holds { Says::Holds } else { self.says(row, node) };
            holds = says == Says::Holds; // and so does all that is above
            if says != Says::Unknown {
                visit(node, holds);
            }
            node = hierarchy.parents(node)[0];
        }
    }

    /// Whether the label of a row reaches down to a level.
    pub fn reaches(&self, row: usize, level: usize) -> bool {
        let level = &self.levels.all()[level];
        // What is above a node that holds does so too. The last is the lowest, in a tree.
        self.known(row).iter().rev().any(|node| !level.at(*node).is_empty())
    }

    /// Whether a prediction is right at a level: a node of the level at or above it holds.
    pub fn is_right_at(&self, row: usize, level: usize, prediction: NodeId) -> bool {
        let answers = self.levels.all()[level].at(self.levels.lowest(prediction));
        answers.iter().any(|node| self.known(row).binary_search(node).is_ok())
    }

    /// How far off a prediction is, by the classes `S` that the label stands for, however it is written:
    ///
    /// - wrong: the height of the most specific node above it that has a class of `S`: of a class, of the lowest common
    ///   ancestor of the two;
    /// - else, [as far as is known](Self::as_far_as_known): 0 where no node that holds is more specific, or where all its
    ///   classes are in `S`; above that, backed off, the height of the node that this is.
    pub fn lca_height(&self, row: usize, prediction: NodeId) -> usize {
        if !self.takes_part(row) {
            return 0;
        }
        let hierarchy = self.levels.hierarchy();
        let prediction = self.levels.lowest(prediction);
        match self.says(row, prediction) {
            Says::Fails if hierarchy.is_tree() || self.is_set(row) => {
                // Of the nodes above the prediction those have a class of `S` that are above a named one.
                let named = self.named(row).iter();
                named.map(|named| hierarchy.height(hierarchy.lca(*named, prediction))).min().unwrap_or(0)
            }
            Says::Fails => {
                let above = hierarchy.lineage(prediction).into_iter();
                let near = above.filter(|node| self.says(row, *node) != Says::Fails);
                hierarchy.height(near.min_by_key(|node| hierarchy.specificity(*node)).unwrap_or(NodeId::ROOT))
            }
            Says::Unknown if self.is_within(row, prediction) => 0,
            Says::Unknown | Says::Holds => {
                let known = self.as_far_as_known(row, prediction);
                let classes = |node| hierarchy.count_classes_below(node);
                if classes(known) == classes(self.node(row)) { 0 } else { hierarchy.height(known) }
            }
        }
    }

    /// Whether a label has all classes of a node. In a DAG what holds need not be above such a node.
    fn is_within(&self, row: usize, node: NodeId) -> bool {
        let hierarchy = self.levels.hierarchy();
        let mut classes = hierarchy.classes_below(node).into_iter();
        !hierarchy.is_tree() && classes.all(|class| self.says(row, hierarchy.class_node(class)) != Says::Fails)
    }

    /// An error where predictions are not a node for each row, or where a row is multi-label.
    pub(super) fn check_predictions(&self, predictions: &[NodeId]) -> Result<(), InputError> {
        check_length("the predictions", predictions.len(), self.len(), "rows")?;
        self.check_nodes(predictions)?;
        self.check_single()
    }

    pub(super) fn check_nodes(&self, nodes: &[NodeId]) -> Result<(), InputError> {
        let count = self.levels.hierarchy().node_count();
        match nodes.iter().find(|node| node.index() >= count) {
            None => Ok(()),
            Some(node) => {
                let message = format!("the prediction {} is outside of the {count} nodes", node.index());
                Err(InputError::new(InputErrorKind::OutOfRange, message))
            }
        }
    }

    /// An error where a row is multi-label.
    pub(super) fn check_single(&self) -> Result<(), InputError> {
        match (0..self.len()).find(|row| self.is_set(*row)) {
            None => Ok(()),
            Some(row) => {
                let message = "this metric is of one answer a row, and the label is multi-label";
                Err(InputError::new(InputErrorKind::LabelForm, message).in_row(row))
            }
        }
    }
}

impl Truth {
    fn new(levels: &Levels, label: &Label) -> Self {
        let hierarchy = levels.hierarchy();
        let mut named = match label {
            Label::Class(class) => vec![hierarchy.class_node(*class)],
            Label::Node(node) => vec![*node],
            Label::Union(nodes) => nodes.clone(),
            Label::Set { positive, masked } => return Self::of_set(levels, positive, masked),
            _ => Vec::new(),
        };
        named.sort_unstable();
        named.dedup();
        let (known, unknown) = match hierarchy.is_tree() {
            true => (known_in_tree(levels, &named), Unknown::Along),
            false => known_in_dag(levels, &named),
        };
        let class = known.iter().rev().find_map(|node| hierarchy.leaf_class(*node));
        let node = match named[..] {
            [node] => Some(levels.lowest(node)),
            _ => known.iter().copied().min_by_key(|node| hierarchy.specificity(*node)),
        };
        let node = node.unwrap_or(NodeId::ROOT);
        Self { known, node, named, unknown, class, is_set: false }
    }

    /// Whether it stands for all classes: of every node below the root it says nothing.
    fn says_nothing(&self, levels: &Levels) -> bool {
        if self.is_set || !self.known.is_empty() {
            return false;
        }
        let hierarchy = levels.hierarchy();
        let mut is_named = vec![false; hierarchy.class_count()];
        for node in &self.named {
            hierarchy.classes_below(*node).into_iter().for_each(|class| is_named[class] = true);
        }
        is_named.iter().all(|is_named| *is_named)
    }

    fn of_set(levels: &Levels, positive: &[NodeId], masked: &[NodeId]) -> Self {
        let hierarchy = levels.hierarchy();
        let mut known: Vec<NodeId> = positive.iter().flat_map(|node| hierarchy.lineage(*node)).collect();
        known.sort_unstable();
        known.dedup();
        // A mask goes over what holds.
        let mut masked = masked.to_vec();
        masked.sort_unstable();
        known.retain(|node| masked.binary_search(node).is_err());
        let (node, named) = (NodeId::ROOT, positive.to_vec());
        Self { known, node, named, unknown: Unknown::Listed(masked), class: None, is_set: true }
    }
}

/// The nodes without the root that have all classes below the named ones below them.
fn known_in_tree(levels: &Levels, named: &[NodeId]) -> Vec<NodeId> {
    let hierarchy = levels.hierarchy();
    let lca = named.iter().copied().reduce(|a, b| hierarchy.lca(a, b));
    lca.map_or_else(Vec::new, |lca| hierarchy.lineage(levels.lowest(lca)))
}

/// The same in a DAG, and the nodes that have some of these classes.
fn known_in_dag(levels: &Levels, named: &[NodeId]) -> (Vec<NodeId>, Unknown) {
    let hierarchy = levels.hierarchy();
    let closure = levels.closure();
    let mut classes: Vec<usize> = named.iter().flat_map(|node| hierarchy.classes_below(*node)).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut counts = vec![0; hierarchy.node_count()];
    classes.iter().flat_map(|class| closure.of(*class)).for_each(|node| counts[*node as usize] += 1);
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for (node, count) in hierarchy.nodes().zip(counts).filter(|(_, count)| *count > 0) {
        if count == classes.len() { known.push(node) } else { unknown.push(node) }
    }
    (known, Unknown::Listed(unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hierarchy;

    /// The definition: by the classes below each node.
    fn by_classes(hierarchy: &Hierarchy, label: &Label, node: NodeId) -> Says {
        let of = |node: &NodeId| hierarchy.classes_below(*node);
        let classes: std::collections::BTreeSet<usize> = match label {
            Label::Class(class) => [*class].into(),
            Label::Node(node) => of(node).into_iter().collect(),
            Label::Union(nodes) => nodes.iter().flat_map(of).collect(),
            _ => unreachable!(),
        };
        let below = of(&node);
        match classes.iter().filter(|class| below.contains(class)).count() {
            0 => Says::Fails,
            count if count == classes.len() => Says::Holds,
            _ => Says::Unknown,
        }
    }

    #[test]
    fn what_a_label_says_follows_from_its_classes() {
        let tree = [
            ("life", "animal"),
            ("life", "plant"),
            ("animal", "bird"),
            ("animal", "sponge"),
            ("bird", "crow"),
            ("bird", "robin"),
            ("plant", "tree"),
            ("tree", "conifer"),
            ("conifer", "pine"),
        ];
        let dag = [
            ("pet", "dog"),
            ("mammal", "dog"),
            ("pet", "parrot"),
            ("bird", "parrot"),
            ("mammal", "bat"),
            ("bird", "crow"),
        ];
        for hierarchy in [Hierarchy::from_edges(tree).unwrap(), Hierarchy::from_edges(dag).unwrap()] {
            let levels = Levels::new(&hierarchy);
            let nodes: Vec<NodeId> = hierarchy.nodes().collect();
            let mut labels: Vec<Label> = nodes.iter().map(|node| Label::Node(*node)).collect();
            labels.extend((0..hierarchy.class_count()).map(Label::Class));
            labels.extend(nodes.iter().flat_map(|a| nodes.iter().map(|b| Label::Union(vec![*a, *b]))));
            let truths = levels.truths(&labels).unwrap();
            let mut all = Vec::new();
            for (row, label) in labels.iter().enumerate() {
                let says_nothing = (1..nodes.len()).all(|at| by_classes(&hierarchy, label, nodes[at]) == Says::Unknown);
                assert_eq!(truths.takes_part(row), !says_nothing);
                truths.of_all(row, &mut all);
                assert!(
                    nodes.iter().all(|node| !truths.takes_part(row) || all[node.index()] == truths.says(row, *node))
                );
                for node in &nodes {
                    let expected = by_classes(&hierarchy, label, *node);
                    assert_eq!(truths.says(row, *node), expected, "{label:?} of {}", hierarchy.path(*node));
                    let mut at_or_above = hierarchy.ancestors(*node);
                    at_or_above.push(*node);
                    at_or_above.retain(|node| by_classes(&hierarchy, label, *node) != Says::Unknown);
                    let expected = at_or_above.into_iter().min_by_key(|node| hierarchy.specificity(*node));
                    assert_eq!(truths.as_far_as_known(row, *node), expected.unwrap());
                }
                let known = truths.known(row);
                assert!(
                    known.is_sorted() && known.iter().all(|node| by_classes(&hierarchy, label, *node) == Says::Holds)
                );
            }
        }
    }

    #[test]
    fn how_far_off() {
        let edges = [
            ("animal", "sponge"),
            ("animal", "bird"),
            ("bird", "crow"),
            ("bird", "robin"),
            ("animal", "mammal"),
            ("mammal", "bat"),
        ];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let height = |label: &str, prediction: &str| {
            let labels = [hierarchy.parse_label(label).unwrap()];
            levels.truths(&labels).unwrap().lca_height(0, hierarchy.node(prediction).unwrap())
        };
        assert_eq!(height("crow", "crow"), 0);
        assert_eq!((height("crow", "robin"), height("crow", "bat"), height("crow", "bird")), (1, 2, 1));
        assert_eq!((height("bird", "crow"), height("bird", "bird"), height("bird", "bat")), (0, 0, 2));
        assert_eq!((height("crow|bat", "robin"), height("crow|bat", "bat")), (1, 0));
        // The same classes, written otherwise.
        assert_eq!(
            (height("crow|robin", "bird"), height("crow|robin", "crow"), height("crow|robin", "bat")),
            (0, 0, 2)
        );
        assert_eq!((height("crow|robin|bat", "bird"), height("bird|mammal", "bird")), (0, 0));
        // Of some birds it says nothing more than that the answer may be right.
        assert_eq!((height("crow|bat", "bird"), height("crow|bat", "animal")), (0, 0));
    }

    #[test]
    fn labels_that_name_no_node_are_refused() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog")]).unwrap();
        let levels = Levels::new(&hierarchy);
        let error = levels.truths(&[Label::Class(0), Label::Soft(vec![0.5, 0.5])]).unwrap_err();
        assert_eq!(error.to_string(), "row 1: metrics are of labels that name nodes, got a distribution");
        assert!(levels.truths(&[Label::Class(2)]).is_err());
    }
}
