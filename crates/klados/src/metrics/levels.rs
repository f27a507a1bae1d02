//! The levels at which predictions are judged.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::trajectory::Trajectories;
use super::{Fingerprint, Truths};
use crate::criterion::{InputError, check_length};
use crate::hierarchy::Closure;
use crate::numeric::{Float, first_largest, scalar};
use crate::{Hierarchy, Label, Level, NodeId};

/// One level: its nodes compete. None of them is above another.
#[derive(Debug)]
pub struct JudgedLevel {
    name: String,
    candidates: Vec<NodeId>,
    /// Nodes next to each other mostly have the same candidates at or above them: where each such run of nodes begins. In a
    /// tree there are at most two runs a candidate, so that a hierarchy of many levels takes no table of levels times nodes.
    starts: Vec<u32>,
    /// By run: where its row of `at` begins.
    offsets: Vec<u32>,
    at: Vec<NodeId>,
    /// The places of these among the candidates.
    places: Vec<u32>,
}

/// The levels of a hierarchy at which predictions are judged, from the top; the last one is that of the classes. Cheap to
/// clone.
///
/// These are the ranks, or where there are none the depths; and the classes, where they are not the last of these. A class
/// that ends above a level competes at it too: on a level with crow and robin, the sponge that has no species below it is a
/// third answer. Where nodes of one rank are above each other, as NCBI's clades are, the topmost compete, the root
/// never: the others are part of what these say. The classes' level is named `class`, or `class (leaves)` where a rank has that name.
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, metrics::Levels};
///
/// let edges = [("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin")];
/// let hierarchy = Hierarchy::from_edges(edges)?;
/// let levels = Levels::new(&hierarchy);
/// let names: Vec<&str> = levels.all().iter().map(|level| level.name()).collect();
/// assert_eq!(names, ["depth 1", "class"]);
/// let classes: Vec<&str> = levels.all()[1].candidates().iter().map(|node| hierarchy.name(*node)).collect();
/// assert_eq!(classes, ["crow", "robin", "sponge"]);
/// # Ok::<(), klados::HierarchyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Levels {
    hierarchy: Hierarchy,
    levels: Arc<[JudgedLevel]>,
    /// By node: the lowest node with the same classes below it.
    lowest: Arc<[NodeId]>,
    /// The nodes of the classes, of which the first wins a tie.
    classes: Arc<[NodeId]>,
    /// By node: `-log2(|D(v)| / |D(root)|)`.
    information: Arc<[f64]>,
    /// In a DAG: the nodes above each class. Made when a label asks for it.
    closure: Arc<OnceLock<Closure>>,
    /// Made when a curve asks for it.
    trajectories: Arc<OnceLock<Trajectories>>,
    fingerprint: Fingerprint,
}

impl JudgedLevel {
    /// The rank's name, `depth 1` and so on, or `class`. No two levels have the same: where a rank is named `class`, the level
    /// of the classes is `class (leaves)`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The nodes of the level in hierarchy order, then the classes that end above it.
    pub fn candidates(&self) -> &[NodeId] {
        &self.candidates
    }

    /// The candidates at or above a node: one, none above the level, in a DAG perhaps several.
    ///
    /// # Panics
    ///
    /// If the hierarchy has no such node.
    pub fn at(&self, node: NodeId) -> &[NodeId] {
        &self.at[self.row(node)]
    }

    /// The candidate with the largest log-probability, of those of all nodes; the first of equal ones.
    fn most_probable<F: Float>(&self, log_p: &[F]) -> NodeId {
        first_largest(&self.candidates, |node| log_p[node.index()]).unwrap_or(NodeId::ROOT)
    }

    /// The place of a node among the candidates.
    pub(super) fn place(&self, node: NodeId) -> Option<usize> {
        // At or above a candidate there is no other.
        let row = self.row(node);
        (self.at[row.clone()] == [node]).then(|| self.places[row.start] as usize)
    }

    /// Of `at`, by node.
    fn row(&self, node: NodeId) -> Range<usize> {
        // The first run begins at the root.
        let run = self.starts.partition_point(|start| *start <= node.0) - 1;
        self.offsets[run] as usize..self.offsets[run + 1] as usize
    }

    /// Of a tree, by where the nodes below each node end: they follow it.
    fn in_tree(name: String, candidates: Vec<NodeId>, ends: &[u32]) -> Self {
        let mut level = Self::without_runs(name, candidates);
        let mut sorted: Vec<(NodeId, u32)> = level.candidates.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        let mut end = 0;
        for (node, place) in sorted {
            if node.0 > end {
                level.push_run(end, []);
            }
            level.push_run(node.0, [(node, place)]);
            end = ends[node.index()];
        }
        if (end as usize) < ends.len() {
            level.push_run(end, []);
        }
        level
    }

    fn in_dag(name: String, candidates: Vec<NodeId>, hierarchy: &Hierarchy) -> Self {
        let mut level = Self::without_runs(name, candidates);
        let mut places = vec![None; hierarchy.node_count()];
        (0..).zip(&level.candidates).for_each(|(place, node)| places[node.index()] = Some(place));
        // The run whose row each node has: that of its parent, or one of its own.
        let mut run_of: Vec<u32> = Vec::with_capacity(places.len());
        let mut rows: Vec<Vec<NodeId>> = vec![Vec::new()];
        // Parents come first: what is above them is known.
        for node in hierarchy.nodes() {
            let parents = hierarchy.parents(node).iter().map(|parent| run_of[parent.index()]);
            let row = match (places[node.index()], parents.clone().next()) {
                (Some(_), _) => {
                    rows.push(vec![node]);
                    rows.len() as u32 - 1
                }
                (None, Some(first)) if parents.clone().any(|other| other != first) => {
                    let mut row: Vec<NodeId> = parents.flat_map(|parent| &rows[parent as usize]).copied().collect();
                    row.sort_unstable();
                    row.dedup();
                    rows.push(row);
                    rows.len() as u32 - 1
                }
                (None, first) => first.unwrap_or(0),
            };
            run_of.push(row);
        }
        let mut last = None;
        for (start, row) in (0..).zip(run_of) {
            if last != Some(row) {
                let nodes = rows[row as usize].iter().map(|node| (*node, places[node.index()].unwrap_or(0)));
                level.push_run(start, nodes);
                last = Some(row);
            }
        }
        level
    }

    fn without_runs(name: String, candidates: Vec<NodeId>) -> Self {
        let [starts, places] = Default::default();
        Self { name, candidates, starts, offsets: vec![0], at: Vec::new(), places }
    }

    /// Adds the run of nodes that begins at a node.
    fn push_run(&mut self, start: u32, candidates: impl IntoIterator<Item = (NodeId, u32)>) {
        self.starts.push(start);
        for (node, place) in candidates {
            self.at.push(node);
            self.places.push(place);
        }
        self.offsets.push(self.at.len() as u32);
    }
}

/// In a tree, by node: where the nodes at or below it end.
fn ends(hierarchy: &Hierarchy) -> Vec<u32> {
    let mut ends: Vec<u32> = hierarchy.nodes().map(|node| node.0 + 1).collect();
    for node in hierarchy.nodes().rev() {
        for parent in hierarchy.parents(node) {
            ends[parent.index()] = ends[parent.index()].max(ends[node.index()]);
        }
    }
    ends
}

impl Levels {
    /// The levels of a hierarchy.
    pub fn new(hierarchy: &Hierarchy) -> Self {
        let class_nodes: Vec<NodeId> = (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect();
        let mut levels: Vec<(String, Vec<NodeId>)> = Vec::new();
        for level in hierarchy.levels() {
            // A level without nodes has nothing to judge.
            let Ok(mut nodes) = hierarchy.level_nodes(&level) else { continue };
            // It is at or above everything, and always right.
            nodes.retain(|node| *node != NodeId::ROOT);
            let mut candidates = topmost(hierarchy, nodes);
            let mut covered = vec![false; class_nodes.len()];
            for node in &candidates {
                hierarchy.classes_below(*node).into_iter().for_each(|class| covered[class] = true);
            }
            candidates
                .extend(class_nodes.iter().zip(&covered).filter(|(_, covered)| !**covered).map(|(node, _)| *node));
            let name = match level {
                Level::Rank(name) => name,
                Level::Depth(depth) => format!("depth {depth}"),
            };
            levels.push((name, candidates));
        }
        let is_class = |node: &NodeId| hierarchy.leaf_class(*node).is_some();
        match levels.last_mut() {
            // Depths end in a level that only holds what is left; it is the classes' level all the same.
            Some((name, candidates)) if candidates.iter().all(is_class) => {
                if hierarchy.rank_names().is_empty() {
                    *name = "class".to_owned();
                }
            }
            _ => {
                let mut name = "class".to_owned();
                while levels.iter().any(|(other, _)| *other == name) {
                    name.push_str(" (leaves)");
                }
                levels.push((name, class_nodes));
            }
        }
        let ends = hierarchy.is_tree().then(|| ends(hierarchy));
        let judged = |(name, candidates)| match &ends {
            Some(ends) => JudgedLevel::in_tree(name, candidates, ends),
            None => JudgedLevel::in_dag(name, candidates, hierarchy),
        };
        let levels: Arc<[JudgedLevel]> = levels.into_iter().map(judged).collect();
        let fingerprint = Fingerprint::new(hierarchy, &levels);
        let mut classes: Vec<NodeId> = (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect();
        classes.sort_unstable_by_key(|node| hierarchy.specificity(*node));
        let information = |node| scalar::information(hierarchy.count_classes_below(node), hierarchy.class_count());
        Self {
            hierarchy: hierarchy.clone(),
            levels,
            lowest: lowest(hierarchy),
            classes: classes.into(),
            information: hierarchy.nodes().map(information).collect(),
            closure: Arc::default(),
            trajectories: Arc::default(),
            fingerprint,
        }
    }

    /// The levels, from the top.
    pub fn all(&self) -> &[JudgedLevel] {
        &self.levels
    }

    /// The hierarchy.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// The lowest node at or below a node that has the same classes below it: down from an only child to the next. As an
    /// answer the two are one.
    pub fn lowest(&self, node: NodeId) -> NodeId {
        self.lowest[node.index()]
    }

    /// The nodes of the classes, in the order in which decisions prefer them where they are equally probable.
    pub(super) fn classes(&self) -> &[NodeId] {
        &self.classes
    }

    /// What a node tells of the class, in bits: `I(v) = -log2(|D(v)| / |D(root)|)`. 0 of the root.
    ///
    /// ```
    /// use klados::{Hierarchy, metrics::Levels};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
    /// let levels = Levels::new(&hierarchy);
    /// assert_eq!(levels.information(hierarchy.node("bird")?), 1.0);
    /// assert_eq!(levels.information(hierarchy.node("crow")?), 2.0);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn information(&self, node: NodeId) -> f64 {
        self.information[node.index()]
    }

    /// What accumulators remember of it.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The nodes at or above each class.
    pub(super) fn closure(&self) -> &Closure {
        self.closure.get_or_init(|| self.hierarchy.closure())
    }

    /// What a falling threshold answers.
    pub(super) fn trajectories(&self) -> &Trajectories {
        self.trajectories.get_or_init(|| Trajectories::new(&self.hierarchy))
    }

    /// Reads a batch of labels, once for all metrics.
    ///
    /// # Errors
    ///
    /// A label that is a distribution or a superclass, or that names what the hierarchy does not have.
    pub fn truths(&self, labels: &[Label]) -> Result<Truths<'_>, InputError> {
        Truths::new(self, labels)
    }

    /// The most probable node of each level, `[batch, levels]`, by the log-probabilities of all nodes, `[batch, nodes]`: see
    /// [`NodeLogProbs`](crate::NodeLogProbs). Of equally probable ones the first of the candidates. In a row with NaN that is
    /// the most probable of the others.
    ///
    /// # Errors
    ///
    /// Lengths that do not fit.
    ///
    /// ```
    /// use klados::{Hierarchy, NodeLogProbs, metrics::Levels};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin"), ("bird", "wren")])?;
    /// let levels = Levels::new(&hierarchy);
    /// let mut log_p = vec![0.0; hierarchy.node_count()];
    /// NodeLogProbs::new(&hierarchy).forward(&[1.0, 0.5, 0.5, 0.5], &mut log_p)?;
    /// let mut best = vec![klados::NodeId::ROOT; 2];
    /// levels.most_probable(&log_p, &mut best)?;
    /// // The most probable class is the bat, and the most probable of mammal and bird is the bird.
    /// assert_eq!(best, [hierarchy.node("bird")?, hierarchy.node("bat")?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn most_probable<F: Float>(&self, log_probs: &[F], out: &mut [NodeId]) -> Result<(), InputError> {
        let (nodes, width) = (self.hierarchy.node_count(), self.levels.len());
        let rows = log_probs.len() / nodes;
        check_length("the log-probabilities", log_probs.len(), rows * nodes, "a multiple of the number of nodes")?;
        check_length("the output", out.len(), rows * width, "rows times levels")?;
        for (log_p, out) in log_probs.chunks_exact(nodes).zip(out.chunks_exact_mut(width)) {
            self.levels.iter().zip(out).for_each(|(level, out)| *out = level.most_probable(log_p));
        }
        Ok(())
    }
}

/// Those of the nodes, ascending, that are not below another.
fn topmost(hierarchy: &Hierarchy, mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    let mut is_at_or_below = vec![false; hierarchy.node_count()];
    let mut rest = nodes.iter().copied().peekable();
    let mut is_below = Vec::with_capacity(nodes.len());
    // Parents come first.
    for node in hierarchy.nodes() {
        let below = hierarchy.parents(node).iter().any(|parent| is_at_or_below[parent.index()]);
        let is_listed = rest.next_if_eq(&node).is_some();
        is_at_or_below[node.index()] = below || is_listed;
        if is_listed {
            is_below.push(below);
        }
    }
    let mut is_below = is_below.into_iter();
    nodes.retain(|_| is_below.next() == Some(false));
    nodes
}

fn lowest(hierarchy: &Hierarchy) -> Arc<[NodeId]> {
    let mut lowest: Vec<NodeId> = hierarchy.nodes().collect();
    for node in hierarchy.nodes().rev() {
        let classes = hierarchy.count_classes_below(node);
        let same = hierarchy.children(node).iter().find(|child| hierarchy.count_classes_below(**child) == classes);
        if let Some(child) = same {
            lowest[node.index()] = lowest[child.index()];
        }
    }
    lowest.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(hierarchy: &Hierarchy) -> Vec<String> {
        Levels::new(hierarchy).all().iter().map(|level| level.name().to_owned()).collect()
    }

    #[test]
    fn ranks_that_do_not_end_in_the_classes_get_a_level_for_them() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        assert_eq!(names(&hierarchy.with_level_names(["class of animals"]).unwrap()), ["class of animals", "class"]);
        assert_eq!(names(&hierarchy.with_level_names(["order", "species"]).unwrap()), ["order", "species"]);
    }

    #[test]
    fn in_a_dag_a_node_may_have_several_nodes_of_a_level() {
        let edges = [("pet", "dog"), ("mammal", "dog"), ("pet", "parrot"), ("bird", "parrot"), ("mammal", "bat")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let levels = Levels::new(&hierarchy);
        let at = |level: usize, name: &str| {
            let nodes = levels.all()[level].at(hierarchy.node(name).unwrap()).iter();
            nodes.map(|node| hierarchy.name(*node).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(at(0, "dog"), ["pet", "mammal"]);
        assert_eq!(at(0, "bat"), ["mammal"]);
        assert_eq!(at(1, "dog"), ["dog"]);
        assert!(at(1, "pet").is_empty());
    }

    /// Chordata: Mammalia: bat, dog; Aves: crow, owl.
    #[test]
    fn a_rank_named_class_is_not_the_level_of_the_classes() {
        let edges = [("chordata", "mammalia"), ("chordata", "aves"), ("mammalia", "bat"), ("mammalia", "dog")];
        let edges = edges.into_iter().chain([("aves", "crow"), ("aves", "owl")]);
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        assert_eq!(names(&hierarchy.with_level_names(["class"]).unwrap()), ["class", "class (leaves)"]);
        let all = hierarchy.with_level_names(["order", "class"]).unwrap();
        assert_eq!(names(&all), ["order", "class"]);
        let mut builder = crate::HierarchyBuilder::new();
        for (child, rank) in [("b", "class"), ("c", "class (leaves)")] {
            builder.add_edge("a", child).unwrap().set_rank(child, rank).unwrap();
            builder.add_edge(child, &format!("{child}1")).unwrap().add_edge(child, &format!("{child}2")).unwrap();
        }
        let names = names(&builder.build().unwrap());
        assert_eq!(names, ["class", "class (leaves)", "class (leaves) (leaves)"]);
    }

    /// A: x, B: c1, c2; D: c3. All but c1 and c2 are clades.
    #[test]
    fn of_nodes_of_one_rank_the_topmost_compete() {
        let edges = [("A", "B"), ("A", "x"), ("B", "c1"), ("B", "c2"), ("D", "c3")];
        let mut builder = crate::HierarchyBuilder::new();
        for (parent, child) in edges {
            builder.add_edge(parent, child).unwrap();
        }
        for (node, rank) in ["A", "B", "x", "D", "c3"]
            .map(|node| (node, "clade"))
            .into_iter()
            .chain([("c1", "species"), ("c2", "species")])
        {
            builder.set_rank(node, rank).unwrap();
        }
        let hierarchy = builder.build().unwrap();
        let levels = Levels::new(&hierarchy);
        let node = |name: &str| hierarchy.node(name).unwrap();
        let of = |level: usize| {
            let mut names: Vec<&str> =
                levels.all()[level].candidates().iter().map(|node| hierarchy.name(*node)).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(of(0), ["A", "D"]);
        assert_eq!(of(1), ["c1", "c2", "c3", "x"]);
        assert_eq!(levels.all()[0].at(node("c2")), [node("A")]);
        // P of x, c1, c2, c3: .1, .5, .3, .1, so that of A is .9: .1^2 + .1^2.
        let p = [("A", 0.9), ("B", 0.8), ("x", 0.1), ("c1", 0.5), ("c2", 0.3), ("D", 0.1), ("c3", 0.1)];
        let mut log_p = vec![0.0; hierarchy.node_count()];
        p.into_iter().for_each(|(name, p)| log_p[node(name).index()] = scalar::ln(p));
        let found = crate::metrics::brier(&levels, &[Label::Node(node("A"))], &log_p, None).unwrap();
        assert!((found[0].value.unwrap() - 0.02).abs() < 1e-15);
        assert_eq!(found[1].value, None);
    }

    #[test]
    fn no_candidate_is_above_another_and_no_name_is_there_twice() {
        super::super::testing::many(|batch| {
            for (at, level) in batch.levels.all().iter().enumerate() {
                assert!(batch.levels.all()[..at].iter().all(|other| other.name() != level.name()));
                let candidates: std::collections::BTreeSet<NodeId> = level.candidates().iter().copied().collect();
                assert!(!candidates.contains(&NodeId::ROOT));
                for node in &candidates {
                    assert_eq!(batch.steps_up(*node).intersection(&candidates).count(), 1);
                }
                let covered =
                    candidates.iter().flat_map(|node| batch.below(*node)).collect::<std::collections::BTreeSet<_>>();
                assert_eq!(covered.len(), batch.hierarchy().class_count());
            }
        });
    }

    /// By steps up, for every node.
    #[test]
    fn what_is_at_or_above_a_node() {
        super::super::testing::many(|batch| {
            for level in batch.levels.all() {
                for node in batch.hierarchy().nodes() {
                    let above = batch.steps_up(node);
                    let mut expected = level.candidates().to_vec();
                    expected.retain(|candidate| above.contains(candidate));
                    expected.sort_unstable();
                    assert_eq!(level.at(node), expected);
                    assert_eq!(level.place(node), level.candidates().iter().position(|candidate| *candidate == node));
                }
            }
        });
    }

    /// A table of levels times nodes would have 4 million entries.
    #[test]
    fn many_levels_take_no_table() {
        let name = |node: usize| format!("n{node}");
        let hierarchy = Hierarchy::from_edges((1..2000).map(|node| (name(node - 1), name(node)))).unwrap();
        let levels = Levels::new(&hierarchy);
        assert_eq!(levels.all().len(), 1999);
        let size: usize = levels.all().iter().map(|level| level.starts.len() + level.at.len()).sum();
        assert!(size <= 3 * 1999);
    }

    #[test]
    fn one_class_is_one_level() {
        let hierarchy = Hierarchy::from_edges([("animal", "crow")]).unwrap();
        assert_eq!(names(&hierarchy), ["class"]);
    }

    #[test]
    fn the_lowest_of_a_chain() {
        super::super::testing::many(|batch| {
            for node in batch.hierarchy().nodes() {
                let lowest = batch.levels.lowest(node);
                assert!(batch.steps_up(lowest).contains(&node) && batch.below(lowest) == batch.below(node));
                let mut children = batch.hierarchy().children(lowest).iter();
                assert!(children.all(|child| batch.below(*child) != batch.below(node)));
            }
        });
    }
}
