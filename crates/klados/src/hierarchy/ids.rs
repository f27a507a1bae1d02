//! What nodes are called beside their names: ids, which are unique, and synonyms.

use std::sync::Arc;

use super::assemble::Graph;
use super::{Hierarchy, Names, NodeId, PATH_SEPARATOR};

/// Of a hierarchy in which some node has an id or a synonym.
#[derive(Debug)]
pub(super) struct Ids {
    /// By node, empty where it has none.
    ids: Names,
    /// Sorted by id.
    alternatives: Vec<(Box<str>, NodeId)>,
    /// Sorted by node, those of one node in the order of the input.
    synonyms: Vec<(NodeId, Box<str>)>,
}

/// As they are in a [`Graph`].
type Parts = (Vec<Option<Arc<str>>>, Vec<(Box<str>, u32)>, Vec<(u32, Box<str>)>);

impl Ids {
    /// `order` has the nodes of the graph in hierarchy order, `place` is its inverse.
    pub(super) fn new(graph: &Graph, order: &[u32], place: &[u32]) -> Option<Self> {
        if graph.ids.is_empty() && graph.synonyms.is_empty() && graph.alternative_ids.is_empty() {
            return None;
        }
        let kept = |node: u32| Some(NodeId(place[node as usize])).filter(|node| node.index() < order.len());
        let alternatives = graph.alternative_ids.iter();
        let mut alternatives: Vec<_> = alternatives.filter_map(|(id, node)| Some((id.clone(), kept(*node)?))).collect();
        alternatives.sort_unstable();
        let synonyms = graph.synonyms.iter();
        let mut synonyms: Vec<_> =
            synonyms.filter_map(|(node, synonym)| Some((kept(*node)?, synonym.clone()))).collect();
        synonyms.sort_by_key(|(node, _)| *node);
        let ids = Names::new(order.iter().map(|&old| graph.id(old).unwrap_or_default()));
        Some(Self { ids, alternatives, synonyms })
    }

    fn find(&self, id: &str) -> Option<NodeId> {
        if id.is_empty() {
            return None;
        }
        self.ids.find(id).next().or_else(|| {
            let at = self.alternatives.binary_search_by(|(other, _)| (**other).cmp(id)).ok()?;
            Some(self.alternatives[at].1)
        })
    }
}

impl Hierarchy {
    /// The id of a node, where the input has ids beside names: `CL:0000540`, `n02084071`. No two nodes have the same.
    ///
    /// ```
    /// let mut draft = klados::format::Draft::new();
    /// let (plant, mantis) = (draft.declare("7", "Iris"), draft.declare("8", "Iris"));
    /// let hierarchy = draft.build()?;
    /// let node = hierarchy.node("8")?;
    /// assert_eq!((hierarchy.name(node), hierarchy.id(node)), ("Iris", Some("8")));
    /// assert_eq!(hierarchy.id(klados::NodeId::ROOT), None); // it was added
    /// let error = hierarchy.node("Iris").unwrap_err();
    /// assert_eq!(error.to_string(), "the node \"Iris\" is ambiguous; give its id: \"7\", \"8\"");
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn id(&self, node: NodeId) -> Option<&str> {
        self.inner.ids.as_ref().map(|ids| ids.ids.get(node.index())).filter(|id| !id.is_empty())
    }

    /// Whether some node has an id.
    pub fn has_ids(&self) -> bool {
        self.inner.ids.as_ref().is_some_and(|ids| ids.ids.iter().any(|id| !id.is_empty()))
    }

    /// Other names of a node, in the order of the input. Nodes are not looked up by them, as they need not be unique.
    pub fn synonyms(&self, node: NodeId) -> impl ExactSizeIterator<Item = &str> {
        let all = self.inner.ids.as_ref().map_or(&[][..], |ids| &ids.synonyms);
        let start = all.partition_point(|(other, _)| *other < node);
        let end = all.partition_point(|(other, _)| *other <= node);
        all[start..end].iter().map(|(_, synonym)| &**synonym)
    }

    /// The ids that a node is found by beside its own, such as those of terms that were merged into it.
    pub fn alternative_ids(&self, node: NodeId) -> impl Iterator<Item = &str> {
        let all = self.inner.ids.as_ref().map_or(&[][..], |ids| &ids.alternatives);
        all.iter().filter(move |(_, of)| *of == node).map(|(id, _)| &**id)
    }

    /// The alternative ids of all nodes.
    pub(crate) fn all_alternative_ids(&self) -> impl Iterator<Item = (NodeId, &str)> {
        let all = self.inner.ids.as_ref().map_or(&[][..], |ids| &ids.alternatives);
        all.iter().map(|(id, node)| (*node, &**id))
    }

    /// How a node is written so that [`node`](Self::node) finds it again: its name where that is unique, else its id,
    /// else its path. `=name` or `=id` is the leaf that was added for a class that is an internal node.
    ///
    /// Where nodes without ids share their name and all names above, none of these is theirs alone, and it is the path. Where
    /// that is the id or the name of another node, which is then found by it, it begins with the root that was added, and is
    /// the path all the same where none was.
    ///
    /// ```
    /// let mut builder = klados::HierarchyBuilder::new();
    /// builder.add_path(["Plantae", "Iris"])?.add_path(["Animalia", "Iris"])?.add_path(["Animalia", "Bufo"])?;
    /// let hierarchy = builder.build()?;
    /// let names: Vec<String> = hierarchy.nodes().map(|node| hierarchy.unique_name(node)).collect();
    /// assert_eq!(names, ["root", "Plantae", "Plantae > Iris", "Animalia", "Animalia > Iris", "Bufo"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn unique_name(&self, node: NodeId) -> String {
        let finds = |text: &str| self.node(text).is_ok_and(|found| found == node);
        let name = self.name(node);
        if finds(name) {
            return name.to_owned();
        }
        if let Some(id) = self.id(node) {
            return id.to_owned();
        }
        let owner = self.parents(node).first().filter(|parent| self.inner.carrier[parent.index()] == node.0);
        if let Some(id) = owner.and_then(|owner| self.id(*owner)) {
            return format!("={id}");
        }
        let path = self.path(node);
        let is_of_another = self.resolve_whole("node", &path).is_some();
        match is_of_another && self.inner.root_is_added {
            true => format!("{}{PATH_SEPARATOR}{path}", self.name(NodeId::ROOT)),
            false => path,
        }
    }

    /// The node of an id.
    pub(super) fn find_id(&self, id: &str) -> Option<NodeId> {
        self.inner.ids.as_ref()?.find(id)
    }

    /// The parts of a graph whose nodes are `nodes` of this hierarchy; `place` is where each of them went.
    pub(super) fn ids_of(&self, nodes: &[u32], place: &[u32]) -> Parts {
        let Some(ids) = &self.inner.ids else { return Parts::default() };
        let own = |node: &u32| Some(ids.ids.get(*node as usize)).filter(|id| !id.is_empty()).map(Arc::from);
        let alternatives = ids.alternatives.iter().map(|(id, node)| (id.clone(), place[node.index()]));
        let synonyms = ids.synonyms.iter().map(|(node, synonym)| (place[node.index()], synonym.clone()));
        let mut own: Vec<_> = nodes.iter().map(own).collect();
        if own.iter().all(Option::is_none) {
            own.clear();
        }
        (own, alternatives.collect(), synonyms.collect())
    }
}
