//! What is known of a sample: its class, a node above it, one of several nodes, a distribution, or nothing.

use std::collections::HashSet;

use super::error::list;
use super::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId, PATH_SEPARATOR};

/// The label of one sample. A batch may mix all that its loss takes.
///
/// | label | written | the classes `S` it stands for |
/// |---|---|---|
/// | a node ("only identified to genus") | `crow`, `Animalia > Chordata > Aves` | the classes at or below it |
/// | a class alone, where it is also an internal node | `=dog` | that class |
/// | one of several nodes | `crow\|bat` | the classes below any of them |
/// | ignored | the empty string | none: loss 0, gradient 0, even where the logits are NaN |
/// | a distribution over the classes | in code only | weighted by its probabilities |
/// | multi-label: all of several nodes | `crow;bat`, of one `crow;` | the nodes and all above them are positive, the others negative |
/// | multi-label: nothing | `;` | every node is negative |
///
/// # Example
///
/// ```
/// use klados::{Hierarchy, Label};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// assert_eq!(hierarchy.parse_label("mammal")?, Label::Node(hierarchy.node("mammal")?));
/// assert_eq!(hierarchy.parse_label("")?, Label::Ignored);
/// let error = hierarchy.parse_label("crwo").unwrap_err();
/// assert_eq!(error.to_string(), "unknown label \"crwo\"; the nearest names are \"crow\"");
/// # Ok::<(), klados::HierarchyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Label {
    /// The sample takes no part.
    Ignored,
    /// A class by its column in the logits.
    Class(usize),
    /// A node: the sample is one of the classes at or below it.
    Node(NodeId),
    /// The sample is one of the classes at or below any of these nodes.
    Union(Vec<NodeId>),
    /// A probability for each class; they sum to 1 within 1e-6.
    Soft(Vec<f64>),
    /// A multi-label sample: these nodes and those above them are positive, the others negative.
    Set {
        /// The nodes that hold; the root adds nothing.
        positive: Vec<NodeId>,
        /// Nodes that have no term, whatever else is said of them.
        masked: Vec<NodeId>,
    },
    /// A superclass of the map of a weighted loss, by its place there.
    Superclass(usize),
}

impl Label {
    /// The multi-label label of a multi-hot row: of the nodes that hold, those with none of the others below them. The rest
    /// follows from these, and a row means the same, its class weight too, whether it spells out what is above or not.
    ///
    /// ```
    /// use klados::{Hierarchy, Label};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// let nodes = [hierarchy.node("mammal")?, hierarchy.node("dog")?];
    /// assert_eq!(Label::set(&hierarchy, nodes, []), Label::Set { positive: vec![nodes[1]], masked: vec![] });
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn set(
        hierarchy: &Hierarchy,
        positive: impl IntoIterator<Item = NodeId>,
        masked: impl IntoIterator<Item = NodeId>,
    ) -> Self {
        let mut positive: Vec<NodeId> = positive.into_iter().collect();
        let above: HashSet<NodeId> = positive.iter().flat_map(|&node| hierarchy.ancestors(node)).collect();
        positive.retain(|node| !above.contains(node));
        Self::Set { positive, masked: masked.into_iter().collect() }
    }
}

impl Hierarchy {
    /// Reads a label as [`Label`] describes. A whole string that is a node's name is that node before it is split at `|`
    /// or `;`.
    ///
    /// # Errors
    ///
    /// An unknown name (with the nearest ones), an ambiguous name (with its ids or paths), or an empty part of several.
    pub fn parse_label(&self, text: &str) -> Result<Label, HierarchyError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Label::Ignored);
        }
        let unsplit = self.resolve("label", text);
        let [is_union, is_set] = ['|', ';'].map(|separator| text.contains(separator));
        if unsplit.is_ok() || !(is_union || is_set) {
            return unsplit.map(Label::Node);
        }
        if is_union && is_set {
            let message = format!("the label \"{text}\" mixes | (one of) and ; (all of); a label is one or the other");
            return Err(HierarchyError::new(Kind::MalformedLabel, message));
        }
        if text == ";" {
            return Ok(Label::Set { positive: Vec::new(), masked: Vec::new() });
        }
        let (separator, example) = if is_set { (';', "a;b for \"a and b\"") } else { ('|', "a|b for \"a or b\"") };
        let mut nodes = Vec::new();
        // `a;` is the set of one node, which a multi-label loss may take otherwise than the label `a`.
        let parts = if is_set { text.strip_suffix(';').unwrap_or(text) } else { text };
        for part in parts.split(separator) {
            if part.trim().is_empty() {
                let message = format!("the label \"{text}\" has an empty part; write {example}");
                return Err(HierarchyError::new(Kind::MalformedLabel, message));
            }
            let node = self.resolve("label", part.trim())?;
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        Ok(match nodes[..] {
            _ if is_set => Label::Set { positive: nodes, masked: Vec::new() },
            [node] => Label::Node(node),
            _ => Label::Union(nodes),
        })
    }

    /// The node that a name stands for: an [id](Self::id), a short name that is unique, a path `A > B > C` or an unambiguous end of one, or
    /// `=name` for the class alone where the node is internal.
    ///
    /// # Errors
    ///
    /// An unknown name (with the nearest ones), or an ambiguous one (with its ids or paths).
    ///
    /// # Example
    ///
    /// ```
    /// use klados::Hierarchy;
    ///
    /// let hierarchy = Hierarchy::from_edges([("animal", "dog"), ("dog", "poodle")])?.with_classes(["dog", "poodle"])?;
    /// let dog = hierarchy.node("dog")?;
    /// let class = hierarchy.node("=dog")?;
    /// assert_eq!(hierarchy.parents(class), [dog]);
    /// assert_eq!(hierarchy.node("animal > dog")?, dog);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn node(&self, name: &str) -> Result<NodeId, HierarchyError> {
        self.resolve("node", name.trim())
    }

    /// The column of the class of this name.
    ///
    /// # Errors
    ///
    /// As [`node`](Self::node); also a node that carries no class.
    ///
    /// ```
    /// let hierarchy = klados::Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
    /// assert_eq!(hierarchy.class("crow")?, 2);
    /// assert!(hierarchy.class("mammal").is_err());
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn class(&self, name: &str) -> Result<usize, HierarchyError> {
        let node = self.resolve("class", name.trim())?;
        self.class_at(node).ok_or_else(|| self.not_a_class(node))
    }

    pub(super) fn resolve(&self, what: &str, text: &str) -> Result<NodeId, HierarchyError> {
        if let Some(found) = self.resolve_whole(what, text) {
            return found;
        }
        let Some(rest) = text.strip_prefix('=').map(str::trim) else { return self.resolve_path(what, text) };
        // The first name of a path may begin so too.
        if text.contains(PATH_SEPARATOR)
            && let Ok(node) = self.resolve_path(what, text)
        {
            return Ok(node);
        }
        let node = self.resolve_whole(what, rest).unwrap_or_else(|| self.resolve_path(what, rest))?;
        let class = self.class_at(node).ok_or_else(|| self.not_a_class(node))?;
        Ok(self.class_node(class))
    }

    /// The node of which the text is the id or the name; none where it is that of no node.
    pub(super) fn resolve_whole(&self, what: &str, text: &str) -> Option<Result<NodeId, HierarchyError>> {
        if let Some(node) = self.find_id(text) {
            return Some(Ok(node));
        }
        let candidates: Vec<NodeId> = self.inner.names.find(text).collect();
        match candidates[..] {
            [] => None,
            [node] => Some(Ok(node)),
            _ => Some(Err(self.ambiguous(what, text, &candidates))),
        }
    }

    fn resolve_path(&self, what: &str, text: &str) -> Result<NodeId, HierarchyError> {
        if !text.contains(PATH_SEPARATOR) {
            return Err(self.inner.names.unknown(what, text));
        }
        let last = text.rsplit(PATH_SEPARATOR).next().unwrap_or_default().trim();
        let mut matches = Vec::new();
        let mut complete = Vec::new();
        // Names may hold the separator as well: the last name is what is after any of them.
        // Without the space after it, as that may be the one before the next: `a > > b`.
        let mark = PATH_SEPARATOR.trim_end();
        for (at, _) in text.rmatch_indices(mark).filter(|(at, _)| text[*at..].starts_with(PATH_SEPARATOR)) {
            for node in self.inner.names.find(text[at + mark.len()..].trim()) {
                let tops = self.tops_of_path(node, &text[..at]);
                if !tops.is_empty() {
                    matches.push(node);
                    let is_at_top = |top: &NodeId| *top == NodeId::ROOT || self.parents(*top).contains(&NodeId::ROOT);
                    if tops.iter().any(is_at_top) {
                        complete.push(node);
                    }
                }
            }
        }
        match (&matches[..], &complete[..]) {
            ([node], _) | (_, [node]) => Ok(*node),
            ([], _) => {
                let mut error = self.inner.names.unknown(what, text);
                let known: Vec<NodeId> = self.inner.names.find(last).collect();
                if !known.is_empty() {
                    let paths = list(known.iter().map(|node| self.path(*node)), 5);
                    let message = format!("unknown {what} \"{text}\"; \"{last}\" is at {paths}");
                    error = HierarchyError::new(Kind::UnknownName, message).shortened();
                }
                Err(error)
            }
            _ => Err(self.ambiguous(what, text, &matches)),
        }
    }

    /// The nodes of the first name of a path that ends above this node.
    fn tops_of_path(&self, node: NodeId, path: &str) -> Vec<NodeId> {
        let mut tops = Vec::new();
        // Paths that meet again are one from there on.
        let mut seen = HashSet::new();
        let mut open = vec![(node, path)];
        while let Some((node, path)) = open.pop() {
            for &parent in self.parents(node) {
                let Some(before) = path.trim_end().strip_suffix(self.name(parent)) else { continue };
                if before.trim().is_empty() {
                    tops.push(parent);
                } else if let Some(path) = before_separator(before)
                    && seen.insert((parent, path.len()))
                {
                    open.push((parent, path));
                }
            }
        }
        tops
    }

    fn ambiguous(&self, what: &str, text: &str, nodes: &[NodeId]) -> HierarchyError {
        let ids: Option<Vec<&str>> = nodes.iter().map(|node| self.id(*node)).collect();
        let message = match ids {
            Some(ids) => format!("the {what} \"{text}\" is ambiguous; give its id: {}", list(ids, 5)),
            None => {
                let paths = list(nodes.iter().map(|node| self.path(*node)), 5);
                format!("the {what} \"{text}\" is ambiguous; give it as a path: {paths}")
            }
        };
        HierarchyError::new(Kind::AmbiguousName, message).shortened()
    }

    fn not_a_class(&self, node: NodeId) -> HierarchyError {
        let below = self.classes_below(node);
        let message = format!(
            "\"{}\" is not a class; the classes below it are {}",
            self.unique_name(node),
            list(below.iter().map(|&class| self.class_name(class)), 5)
        );
        HierarchyError::new(Kind::UnknownName, message)
    }
}

/// What is before ` > ` at the end of a text.
fn before_separator(text: &str) -> Option<&str> {
    text.strip_suffix(' ')?.trim_end().strip_suffix('>')?.strip_suffix(' ')
}
