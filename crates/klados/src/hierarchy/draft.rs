//! What a file says, before it is a hierarchy.

mod revise;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use self::revise::Identity;
use super::assemble::{Graph, assemble};
use super::error::{MESSAGE, cut, list};
use super::limits::Limits;
use super::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, Location, NONE, Warning};

/// Nodes and edges as an input states them, in any order, with the problems that were found in it.
///
/// Every reader of a format writes into a draft, and so does [`HierarchyBuilder`](super::HierarchyBuilder).
/// [`build`](Self::build) makes the hierarchy, or fails with the first problem; a linter looks at all of them, and at
/// what no hierarchy keeps: lines, edges that are there twice, obsolete terms.
///
/// A node is made where it is first mentioned, and its number counts up from 0. Which node is meant is said in one of
/// three ways:
///
/// - by name ([`by_name`](Self::by_name)): the same name is the same node;
/// - by id ([`by_id`](Self::by_id), [`declare`](Self::declare)): the name is for people, and may repeat;
/// - by path ([`add_path`](Self::add_path), [`add_below`](Self::add_below)): the same name under another parent is another node.
///
/// Where something is wrong the problem is kept with the current line, and reading goes on.
///
/// ```
/// use klados::format::Draft;
///
/// let mut draft = Draft::new();
/// draft.at_line(Some(1)).declare("CL:1", "cell");
/// draft.at_line(Some(2));
/// if let (Some(child), Some(parent)) = (draft.declare("CL:2", "neuron"), draft.by_id("CL:1")) {
///     draft.add_synonym(child, "nerve cell");
///     draft.add_edge(parent, child);
/// }
/// let hierarchy = draft.build()?;
/// let neuron = hierarchy.node("CL:2")?;
/// assert_eq!((hierarchy.name(neuron), hierarchy.id(neuron)), ("neuron", Some("CL:2")));
/// assert_eq!(hierarchy.synonyms(neuron).collect::<Vec<_>>(), ["nerve cell"]);
/// # Ok::<(), klados::HierarchyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Draft {
    graph: Graph,
    /// By name, or by parent and name with the separator before each.
    index: HashMap<Box<str>, u32>,
    by_id: HashMap<Arc<str>, u32>,
    /// The places of the rank names.
    rank_places: HashMap<Box<str>, u32>,
    /// By node: the line that first mentions or declares it, 0 where there is none.
    lines: Vec<u64>,
    /// Nodes that are said to have no parent, with the line that says so.
    roots: Vec<(u32, Option<u64>)>,
    declared: HashSet<u32>,
    expects_declarations: bool,
    obsolete: HashSet<u32>,
    /// In the order of the columns; empty where they are the leaves.
    classes: Vec<u32>,
    problems: Vec<HierarchyError>,
    left_out: usize,
    limits: Limits,
    line: Option<u64>,
    /// The file that lines of nodes and edges are of, where it is another than that which is read.
    file: Option<PathBuf>,
}

/// Joins a parent's number and a name into a key. No name may hold it.
const KEY_SEPARATOR: char = '\u{1f}';

/// What is wrong with a text that holds a character which no name may hold.
pub(super) fn control_character(what: &str, text: &str) -> Option<String> {
    let control = text.chars().find(|&char| char == KEY_SEPARATOR || char == '\0')?;
    Some(format!("the {what} {text:?} holds the control character U+{:04X}", control as u32))
}

/// The key of the node of this name below a parent, or at the top.
fn place_below<'k>(parent: Option<usize>, name: &str, key: &'k mut String) -> &'k str {
    key.clear();
    key.push(KEY_SEPARATOR);
    if let Some(parent) = parent {
        key.push_str(&parent.to_string());
    }
    key.push(KEY_SEPARATOR);
    key.push_str(name);
    key
}

/// What is said of a node that is its own parent, after its name.
const OWN_PARENT: &str = " is given as its own parent";

impl Default for Draft {
    fn default() -> Self {
        Self::with_limits(Limits::none())
    }
}

impl Draft {
    /// An empty draft without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty draft that takes no more than this.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            graph: Graph::default(),
            index: HashMap::new(),
            by_id: HashMap::new(),
            rank_places: HashMap::new(),
            lines: Vec::new(),
            roots: Vec::new(),
            declared: HashSet::new(),
            expects_declarations: false,
            obsolete: HashSet::new(),
            classes: Vec::new(),
            problems: Vec::new(),
            left_out: 0,
            limits,
            line: None,
            file: None,
        }
    }

    /// Says from which line of the input comes what is added next.
    pub fn at_line(&mut self, line: Option<u64>) -> &mut Self {
        self.line = line;
        self
    }

    /// The line that was said last.
    pub(crate) fn current_line(&self) -> Option<u64> {
        self.line
    }

    /// The node of this name, made where there is none yet; `None` where that cannot be (an empty name, a limit), which is
    /// kept as a problem. White space around the name does not count.
    pub fn by_name(&mut self, name: &str) -> Option<usize> {
        self.intern(name.trim(), name.trim())
    }

    /// The node of this id, made where there is none yet, with the id as its name until
    /// [`set_name`](Self::set_name) or [`declare`](Self::declare) gives it one.
    pub fn by_id(&mut self, id: &str) -> Option<usize> {
        let id = id.trim();
        if let Some(&node) = self.by_id.get(id) {
            return Some(node as usize);
        }
        if !self.is_fine("id", id) {
            return None;
        }
        let node = self.add(id)?;
        self.record_id(node, id);
        Some(node as usize)
    }

    /// The node of this id, with its name, where the input says what the node is and does not just mention it. An empty
    /// name leaves the id as the name. Declaring an id twice is a problem.
    pub fn declare(&mut self, id: &str, name: &str) -> Option<usize> {
        let node = self.by_id(id)?;
        if !self.declared.insert(node as u32) {
            let message = match self.lines[node] {
                0 => format!("\"{}\" is there already", self.label(node)),
                line => format!("\"{}\" is there already, in line {line}", self.label(node)),
            };
            self.problem(Kind::DuplicateNode, message);
            return Some(node);
        }
        self.lines[node] = self.line.unwrap_or(0);
        if !name.trim().is_empty() {
            self.set_name(node, name);
        }
        Some(node)
    }

    /// Says that every node is [declared](Self::declare) somewhere: one that is only mentioned is then a problem.
    pub fn expect_declarations(&mut self) -> &mut Self {
        self.expects_declarations = true;
        self
    }

    /// Gives a node another name than the one it was made with.
    pub fn set_name(&mut self, node: usize, name: &str) {
        let name = name.trim();
        if self.is_fine("name", name) {
            self.graph.names[node] = name.into();
        }
    }

    /// Gives a node that was made by name or by path an id as well. An id that another node has is a problem.
    pub fn set_id(&mut self, node: usize, id: &str) {
        let id = id.trim();
        match self.by_id.get(id) {
            Some(&other) if other as usize == node => {}
            Some(&other) => {
                let message = format!(
                    "the id \"{id}\" of \"{}\" is that of \"{}\" already",
                    self.name(node),
                    self.name(other as usize)
                );
                self.problem(Kind::DuplicateNode, message);
            }
            None if self.graph.id(node as u32).is_some() => {
                let message = format!("\"{}\" gets a second id, \"{id}\"", self.label(node));
                self.problem(Kind::DuplicateNode, message);
            }
            None => {
                if self.is_fine("id", id) {
                    self.record_id(node as u32, id);
                }
            }
        }
    }

    /// Gives a node an id that it is found by too, such as that of a term that was merged into it.
    pub fn add_alternative_id(&mut self, node: usize, id: &str) {
        let id = id.trim();
        if self.is_fine("id", id) {
            self.graph.alternative_ids.push((id.into(), node as u32));
        }
    }

    /// Gives a node another name. It says more about the node, and is not looked up by it.
    pub fn add_synonym(&mut self, node: usize, synonym: &str) {
        let synonym = synonym.trim();
        if self.is_fine("synonym", synonym) {
            self.graph.synonyms.push((node as u32, synonym.into()));
        }
    }

    /// Names the ranks, from the top. A rank that a node gets and that is not among them is added as the lowest.
    pub fn set_rank_names(&mut self, names: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.graph.rank_names = names.into_iter().map(Into::into).collect();
        self.rank_places.clear();
        for (place, name) in (0..).zip(&self.graph.rank_names) {
            self.rank_places.entry(name.as_str().into()).or_insert(place);
        }
        self
    }

    /// Gives a node a rank by name.
    pub fn set_rank(&mut self, node: usize, rank: &str) {
        let names = &mut self.graph.rank_names;
        let place = self.rank_places.get(rank).copied().unwrap_or_else(|| {
            names.push(rank.to_owned());
            let place = names.len() as u32 - 1;
            self.rank_places.insert(rank.into(), place);
            place
        });
        self.graph.ranks[node] = place;
    }

    /// Puts the ranks in another order, from the top: `order` has the place that each has now.
    pub(crate) fn reorder_ranks(&mut self, order: &[usize]) {
        let mut place = vec![NONE; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new as u32;
        }
        let names: Vec<_> = order.iter().map(|&old| std::mem::take(&mut self.graph.rank_names[old])).collect();
        self.set_rank_names(names);
        for rank in self.graph.ranks.iter_mut().filter(|rank| **rank != NONE) {
            *rank = place[*rank as usize];
        }
    }

    /// Says that a node is out of use. [`build`](Self::build) leaves it out unless something is below it.
    pub fn set_obsolete(&mut self, node: usize) {
        self.obsolete.insert(node as u32);
    }

    /// Says that a node is a class, the next in the order of the columns. Where no node is said to be one, the leaves are.
    ///
    /// ```
    /// let mut draft = klados::format::Draft::new();
    /// let nodes = ["animal", "crow", "bat"].map(|name| draft.by_name(name));
    /// if let [Some(animal), Some(crow), Some(bat)] = nodes {
    ///     draft.add_edge(animal, crow);
    ///     draft.add_edge(animal, bat);
    ///     draft.set_class(bat);
    ///     draft.set_class(animal);
    /// }
    /// let hierarchy = draft.build()?;
    /// assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["bat", "animal"]);
    /// assert!(hierarchy.node("crow").is_err()); // no class is at or below it
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn set_class(&mut self, node: usize) {
        self.classes.push(node as u32);
    }

    /// Says that a node has no parent. Where several roots are left, a [warning](Hierarchy::warnings) lists these.
    pub fn set_root(&mut self, node: usize) {
        self.roots.push((node as u32, self.line));
    }

    /// Adds an edge. A node that is its own parent is a problem.
    pub fn add_edge(&mut self, parent: usize, child: usize) {
        if parent == child {
            let message = format!("\"{}\"{OWN_PARENT}", self.label(child));
            self.problem(Kind::SelfLoop, message);
        } else if self.graph.edges.len() >= self.limits.edges {
            let error = Limits::exceeded(self.limits.edges, "edges");
            self.record(error);
        } else {
            self.graph.edges.push((parent as u32, child as u32, self.line.unwrap_or(0)));
        }
    }

    /// The node at the end of a path from the top down, with the nodes and edges of the path where they are new. The path
    /// is the identity: the same name under another parent is another node. Each name comes with its rank, an index among
    /// the [rank names](Self::set_rank_names).
    pub fn add_path<'a>(&mut self, path: impl IntoIterator<Item = (&'a str, Option<usize>)>) -> Option<usize> {
        let steps: Vec<_> = path.into_iter().map(|(name, rank)| (name.trim(), rank)).collect();
        if steps.is_empty() {
            self.problem(Kind::EmptyName, "a path without names");
        }
        let mut key = String::new();
        let (mut known, mut end) = (0, None);
        while let Some(&(name, _)) = steps.get(known) {
            let Some(&node) = self.index.get(place_below(end, name, &mut key)) else { break };
            (known, end) = (known + 1, Some(node as usize));
        }
        let new = &steps[known..];
        if !new.iter().rev().all(|(name, _)| self.is_fine("name", name)) {
            return None;
        }
        // From the bottom up: the child appears before the parent, as in an edge.
        let mut nodes: Vec<usize> = Vec::with_capacity(new.len());
        for &(name, rank) in new.iter().rev() {
            let node = self.add(name)? as usize;
            if let Some(rank) = rank {
                self.graph.ranks[node] = rank as u32;
            }
            if let Some(&child) = nodes.last() {
                self.add_edge(node, child);
            }
            nodes.push(node);
        }
        if let Some((parent, &child)) = end.zip(nodes.last()) {
            self.add_edge(parent, child);
        }
        for (&node, (name, _)) in nodes.iter().rev().zip(new) {
            self.index.insert(place_below(end, name, &mut key).into(), node as u32);
            end = Some(node);
        }
        end
    }

    /// The node of this name below a parent, or at the top, with its edge where it is new: a path as
    /// [`add_path`](Self::add_path) has it, a step at a time.
    ///
    /// ```
    /// let mut draft = klados::format::Draft::new();
    /// let animals = draft.add_below(None, "animals");
    /// let crow = draft.add_below(animals, "crow");
    /// assert_eq!(draft.add_path([("animals", None), ("crow", None)]), crow);
    /// assert_ne!(draft.add_below(None, "crow"), crow);
    /// ```
    pub fn add_below(&mut self, parent: Option<usize>, name: &str) -> Option<usize> {
        let (mut key, known) = (String::new(), self.node_count());
        place_below(parent, name.trim(), &mut key);
        let node = self.intern(&key, name.trim())?;
        if let Some(parent) = parent.filter(|_| node >= known) {
            self.add_edge(parent, node);
        }
        Some(node)
    }

    /// Keeps a problem at the current line.
    pub fn problem(&mut self, kind: Kind, message: impl Into<String>) {
        let error = HierarchyError::new(kind, message);
        self.record(error);
    }

    /// Keeps a problem that may know its line and file.
    pub(crate) fn record(&mut self, error: HierarchyError) {
        if self.problems.len() < self.limits.problems {
            self.problems.push(error.shortened().at_line(self.line));
        } else {
            self.left_out += 1;
        }
    }

    /// Keeps something legal but surprising, at the current line.
    pub fn warn(&mut self, message: impl Into<String>) {
        if self.graph.warnings.len() < self.limits.problems {
            let location = Location { file: None, line: self.line };
            let message = cut(&message.into(), MESSAGE).into_owned();
            self.graph.warnings.push(Warning { location, message });
        }
    }

    /// Says which file the problems and warnings are of, where they do not know.
    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        self.of_file(Some(file));
        self
    }

    /// As [`in_file`](Self::in_file), where a reader is done with one of several files.
    pub(crate) fn of_file(&mut self, file: Option<&Path>) {
        let Some(file) = file else { return };
        let problems = std::mem::take(&mut self.problems);
        self.problems = problems.into_iter().map(|problem| problem.in_file(file)).collect();
        for warning in &mut self.graph.warnings {
            warning.location.file.get_or_insert_with(|| file.to_owned());
        }
    }

    /// Says which file the lines of nodes and edges are of, where it is another than that which is read: one in a folder.
    pub(crate) fn set_file(&mut self, file: Option<&Path>) {
        self.file = file.map(Path::to_owned);
    }

    /// As [`set_file`](Self::set_file) said.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The nodes and edges of a hierarchy, without a root and leaves that were added.
    pub fn of(hierarchy: &Hierarchy, limits: Limits) -> Self {
        let (graph, _) = hierarchy.to_graph();
        let mut draft = Self::with_limits(limits);
        let is_kept = |node: u32| !(graph.root_is_added && node as usize == graph.names.len() - 1);
        for node in (0..graph.names.len() as u32).filter(|&node| is_kept(node)) {
            let name = &graph.names[node as usize];
            if let Ok(node) = draft.graph.add(name.clone(), graph.ranks[node as usize]) {
                draft.lines.push(0);
                if let Some(id) = graph.id(node) {
                    draft.record_id(node, id);
                }
            }
        }
        draft.graph.edges = graph.edges.into_iter().filter(|(parent, _, _)| is_kept(*parent)).collect();
        draft.set_rank_names(graph.rank_names);
        draft.graph.alternative_ids = graph.alternative_ids;
        draft.graph.synonyms = graph.synonyms;
        draft
    }

    /// Takes the last problem out again.
    pub(super) fn take_problem(&mut self) -> Option<HierarchyError> {
        self.problems.pop()
    }

    /// Makes the hierarchy, with the [stated classes](Self::set_class) or else the leaves, in order of first appearance.
    ///
    /// # Errors
    ///
    /// The first problem; else what no hierarchy can have: a cycle (with its nodes), no node at all, a node that is said to
    /// be a root and has a parent, a node that is nowhere declared, a rank that is named twice, a class that is stated
    /// twice.
    pub fn build(mut self) -> Result<Hierarchy, HierarchyError> {
        let file = self.file.take();
        self.into_hierarchy().map_err(|error| match file.filter(|_| error.location().line.is_some()) {
            Some(file) => error.in_file(&file),
            None => error,
        })
    }

    fn into_hierarchy(mut self) -> Result<Hierarchy, HierarchyError> {
        self.line = None;
        self.check_declarations();
        if !self.problems.is_empty() {
            return Err(self.problems.swap_remove(0));
        }
        self.leave_out_obsolete();
        self.check_alternative_ids();
        self.check_roots()?;
        self.check_classes()?;
        let classes = Some(self.classes).filter(|classes| !classes.is_empty());
        assemble(self.graph, classes)
    }

    fn check_classes(&self) -> Result<(), HierarchyError> {
        let mut seen = HashSet::new();
        match self.classes.iter().find(|class| !seen.insert(**class)) {
            Some(&class) => {
                let message = format!("\"{}\" is stated twice as a class", self.graph.label(class));
                Err(HierarchyError::new(Kind::DuplicateClass, message))
            }
            None => Ok(()),
        }
    }

    fn check_declarations(&mut self) {
        if !self.expects_declarations {
            return;
        }
        for node in 0..self.node_count() {
            if !self.declared.contains(&(node as u32)) {
                let message = format!("\"{}\" is mentioned here and is nowhere declared", self.label(node));
                let line = Some(self.lines[node]).filter(|&line| line > 0);
                self.record(HierarchyError::new(Kind::MissingNode, message).at_line(line));
            }
        }
    }

    /// An alternative id that is a node's own id, or that of two nodes, names neither.
    fn check_alternative_ids(&mut self) {
        let Graph { ids, alternative_ids: all, .. } = &mut self.graph;
        if all.is_empty() {
            return;
        }
        let ids: HashSet<&str> = ids.iter().flatten().map(|id| &**id).collect();
        all.sort_unstable();
        all.dedup();
        let before = all.len();
        let twice: HashSet<Box<str>> =
            all.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0.clone()).collect();
        all.retain(|(id, _)| !ids.contains(&**id) && !twice.contains(id));
        let dropped = before - all.len();
        if dropped > 0 {
            self.warn(format!("{dropped} alternative ids are those of other nodes and are not looked up"));
        }
    }

    fn leave_out_obsolete(&mut self) {
        if self.obsolete.is_empty() {
            return;
        }
        let mut used = Vec::new();
        for &(parent, _, _) in &self.graph.edges {
            if self.obsolete.remove(&parent) {
                used.push(self.graph.label(parent).into_owned());
            }
        }
        if !used.is_empty() {
            self.warn(format!("{} obsolete nodes have others below them and are kept: {}", used.len(), list(&used, 5)));
        }
        if !self.obsolete.is_empty() {
            self.warn(format!("{} obsolete nodes are left out", self.obsolete.len()));
            let obsolete = std::mem::take(&mut self.obsolete);
            self.roots.retain(|(node, _)| !obsolete.contains(node));
            let place = self.graph.remove(|node| obsolete.contains(&node));
            self.roots.iter_mut().for_each(|(node, _)| *node = place[*node as usize]);
            self.classes.retain(|class| !obsolete.contains(class));
            self.classes.iter_mut().for_each(|class| *class = place[*class as usize]);
        }
    }

    fn check_roots(&mut self) -> Result<(), HierarchyError> {
        let Some(&(_, first_line)) = self.roots.first() else { return Ok(()) };
        let mut parent_of = vec![NONE; self.graph.names.len()];
        for &(parent, child, _) in &self.graph.edges {
            parent_of[child as usize] = parent;
        }
        let name = |node: u32| self.graph.label(node);
        if let Some(&(node, line)) = self.roots.iter().find(|(node, _)| parent_of[*node as usize] != NONE) {
            let parent = name(parent_of[node as usize]);
            let message = format!("\"{}\" has no parent here, and elsewhere the parent \"{parent}\"", name(node));
            return Err(HierarchyError::new(Kind::MissingParent, message).at_line(line));
        }
        if parent_of.iter().filter(|&&parent| parent == NONE).count() > 1 {
            let message = format!(
                "{} of the nodes have an empty parent and are taken to be roots: {}",
                self.roots.len(),
                list(self.roots.iter().map(|&(node, _)| name(node)), 5)
            );
            self.graph.warnings.push(Warning { location: Location { file: None, line: first_line }, message });
        }
        Ok(())
    }

    fn intern(&mut self, key: &str, name: &str) -> Option<usize> {
        if let Some(&node) = self.index.get(key) {
            return Some(node as usize);
        }
        if !self.is_fine("name", name) {
            return None;
        }
        let node = self.add(name)?;
        self.index.insert(key.into(), node);
        Some(node as usize)
    }

    /// A new node of this name, which has been looked at.
    fn add(&mut self, name: &str) -> Option<u32> {
        let added = match self.graph.names.len() >= self.limits.nodes {
            true => Err(Limits::exceeded(self.limits.nodes, "nodes")),
            false => self.graph.add(name.into(), NONE),
        };
        match added {
            Ok(node) => {
                self.lines.push(self.line.unwrap_or(0));
                Some(node)
            }
            Err(error) => {
                self.record(error);
                None
            }
        }
    }

    fn record_id(&mut self, node: u32, id: &str) {
        let id: Arc<str> = id.into();
        self.by_id.insert(Arc::clone(&id), node);
        let ids = &mut self.graph.ids;
        if ids.len() <= node as usize {
            ids.resize(node as usize + 1, None);
        }
        ids[node as usize] = Some(id);
    }

    /// Whether a text can be a name; a problem where it cannot.
    fn is_fine(&mut self, what: &str, text: &str) -> bool {
        if text.is_empty() {
            self.problem(Kind::EmptyName, format!("empty {what}"));
        } else if text.len() > self.limits.name {
            let error = Limits::exceeded(self.limits.name, &format!("bytes in a {what}"));
            self.record(error);
        } else if let Some(message) = control_character(what, text) {
            self.problem(Kind::Format, message);
        } else {
            return true;
        }
        false
    }
}

/// What the draft holds.
impl Draft {
    /// The number of nodes; they are `0..node_count()`, in the order in which the input first mentions them.
    pub fn node_count(&self) -> usize {
        self.graph.names.len()
    }

    /// The name of a node.
    pub fn name(&self, node: usize) -> &str {
        &self.graph.names[node]
    }

    /// The node of this id, where the input has mentioned it.
    pub fn node_of_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id.trim()).map(|&node| node as usize)
    }

    /// The id of a node, where the input has ids.
    pub fn id(&self, node: usize) -> Option<&str> {
        self.graph.id(node as u32)
    }

    /// What a message calls a node: its name, with the id where it has one that says more.
    pub fn label(&self, node: usize) -> std::borrow::Cow<'_, str> {
        self.graph.label(node as u32)
    }

    /// The rank of a node, by name.
    pub fn rank(&self, node: usize) -> Option<&str> {
        self.graph.rank_names.get(self.graph.ranks[node] as usize).map(String::as_str)
    }

    /// The rank of a node, by its place among the [rank names](Self::rank_names).
    pub(crate) fn rank_index(&self, node: usize) -> Option<usize> {
        Some(self.graph.ranks[node]).filter(|&rank| rank != NONE).map(|rank| rank as usize)
    }

    /// The names of the ranks, from the top.
    pub fn rank_names(&self) -> &[String] {
        &self.graph.rank_names
    }

    /// The line that declares a node or else first mentions it.
    pub fn line(&self, node: usize) -> Option<u64> {
        Some(self.lines[node]).filter(|&line| line > 0)
    }

    /// The nodes that are out of use.
    pub fn is_obsolete(&self, node: usize) -> bool {
        self.obsolete.contains(&(node as u32))
    }

    /// Whether the input says what the node is; see [`declare`](Self::declare).
    pub fn is_declared(&self, node: usize) -> bool {
        self.declared.contains(&(node as u32))
    }

    /// `(node, synonym)`, in the order of the input.
    pub fn synonyms(&self) -> impl ExactSizeIterator<Item = (usize, &str)> {
        self.graph.synonyms.iter().map(|(node, synonym)| (*node as usize, &**synonym))
    }

    /// `(node, id)` of the ids that a node is found by beside its own.
    pub fn alternative_ids(&self) -> impl ExactSizeIterator<Item = (usize, &str)> {
        self.graph.alternative_ids.iter().map(|(id, node)| (*node as usize, &**id))
    }

    /// `(parent, child, line)`, in the order of the input; edges that are there twice are there twice.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = (usize, usize, Option<u64>)> {
        let line = |line: u64| Some(line).filter(|&line| line > 0);
        self.graph.edges.iter().map(move |&(parent, child, at)| (parent as usize, child as usize, line(at)))
    }

    /// `(node, line)` of the nodes that are said to have no parent.
    pub fn stated_roots(&self) -> impl ExactSizeIterator<Item = (usize, Option<u64>)> {
        self.roots.iter().map(|&(node, line)| (node as usize, line))
    }

    /// The nodes that are said to be classes, in the order of the columns.
    pub fn stated_classes(&self) -> impl ExactSizeIterator<Item = usize> {
        self.classes.iter().map(|&class| class as usize)
    }

    /// What was found wrong while reading, in the order in which it was found; no more than
    /// [`Limits::problems`](crate::format::Limits::problems).
    pub fn problems(&self) -> &[HierarchyError] {
        &self.problems
    }

    /// The number of problems beyond those that are kept.
    pub fn problems_left_out(&self) -> usize {
        self.left_out
    }

    /// What was legal but surprising.
    pub fn warnings(&self) -> &[Warning] {
        &self.graph.warnings
    }

    /// The limits that it keeps to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}
