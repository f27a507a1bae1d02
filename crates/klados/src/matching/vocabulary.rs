//! What nodes are called.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::How;
use super::key::{key, without_brackets};
use super::near::Near;
use crate::Hierarchy;
use crate::hierarchy::{Csr, Draft, PATH_SEPARATOR};

/// All that the nodes of a hierarchy or of a draft are called, sorted. Nodes are indices.
pub(crate) struct Vocabulary<'a> {
    names: Vec<&'a str>,
    parents: Csr,
    /// By node: whether another of the same name is meant where there is one.
    is_retired: Vec<bool>,
    by_id: Table<&'a str>,
    by_name: Table<&'a str>,
    by_alternative_id: Table<&'a str>,
    by_synonym: Table<&'a str>,
    /// Built when first needed, as is `near`.
    keys: OnceCell<Keys>,
    near: OnceCell<Near>,
}

/// What nodes are called, by [`key`].
struct Keys {
    names: Table<String>,
    synonyms: Table<String>,
    ids: Table<String>,
    /// Names by what is before their brackets.
    bare_names: Table<String>,
}

/// What a text was found to mean.
pub(crate) struct Found {
    pub(crate) how: How,
    /// With their similarity, the best first, and no more than [`CANDIDATES`]. Where `how` is a match the first is the match.
    pub(crate) nodes: Vec<(u32, f64)>,
    /// How many more are as good.
    pub(crate) more: usize,
}

/// A name that is this similar is taken to be meant; see [`How::Nearest`].
pub(super) const NEAREST: f64 = 0.75;
/// So many candidates are handed out: a name may be that of every node, and so may the next one.
const CANDIDATES: usize = 5;

impl<'a> Vocabulary<'a> {
    pub(crate) fn of_hierarchy(hierarchy: &'a Hierarchy) -> Self {
        let nodes = || hierarchy.nodes().map(|node| (node.index() as u32, node));
        let first = u32::from(hierarchy.root_is_added());
        let named = || nodes().skip(first as usize);
        let pairs = nodes().flat_map(|(at, node)| hierarchy.parents(node).iter().map(move |parent| (at, parent.0)));
        let pairs = pairs.filter(|(_, parent)| *parent >= first);
        Self {
            names: nodes().map(|(_, node)| hierarchy.name(node)).collect(),
            parents: Csr::from_pairs(hierarchy.node_count(), pairs),
            is_retired: vec![false; hierarchy.node_count()],
            by_id: Table::new(named().filter_map(|(at, node)| Some((hierarchy.id(node)?, at)))),
            by_name: Table::new(named().map(|(at, node)| (hierarchy.name(node), at))),
            by_alternative_id: Table::new(hierarchy.all_alternative_ids().map(|(node, id)| (id, node.0))),
            by_synonym: Table::new(named().flat_map(|(at, node)| hierarchy.synonyms(node).map(move |name| (name, at)))),
            keys: OnceCell::new(),
            near: OnceCell::new(),
        }
    }

    /// `is_retired` says of which nodes others of the same name are meant.
    pub(crate) fn of_draft(draft: &'a Draft, is_retired: Vec<bool>) -> Self {
        let nodes = 0..draft.node_count() as u32;
        let edges: Vec<_> = draft.edges().map(|(parent, child, _)| (child as u32, parent as u32)).collect();
        let with_node = |(node, text)| (text, node as u32);
        Self {
            names: (0..draft.node_count()).map(|node| draft.name(node)).collect(),
            parents: Csr::from_pairs(draft.node_count(), edges.iter().copied()),
            is_retired,
            by_id: Table::new(nodes.clone().filter_map(|node| Some((draft.id(node as usize)?, node)))),
            by_name: Table::new(nodes.map(|node| (draft.name(node as usize), node))),
            by_alternative_id: Table::new(draft.alternative_ids().map(with_node)),
            by_synonym: Table::new(draft.synonyms().map(with_node)),
            keys: OnceCell::new(),
            near: OnceCell::new(),
        }
    }

    /// The nodes that a text stands for, by the first of the ways in which it stands for any.
    pub(crate) fn find(&self, text: &str) -> Found {
        if text.is_empty() {
            return Found { how: How::Unmatched, nodes: Vec::new(), more: 0 };
        }
        self.exact(text).or_else(|| self.normalised(text)).unwrap_or_else(|| self.nearest(text))
    }

    fn exact(&self, text: &str) -> Option<Found> {
        self.all_of(How::Exact, self.by_id.find(text))
            .or_else(|| self.all_of(How::AlternativeId, self.by_alternative_id.find(text)))
            .or_else(|| self.all_of(How::Exact, self.by_name.find(text)))
            .or_else(|| self.all_of(How::Exact, self.at_path(text)))
            .or_else(|| self.all_of(How::Synonym, self.by_synonym.find(text)))
    }

    fn normalised(&self, text: &str) -> Option<Found> {
        let key = key(text);
        let keys = self.keys();
        let in_table = |table: &Table<String>, key: &str| self.all_of(How::Normalised, table.find(key));
        in_table(&keys.names, &key)
            .or_else(|| in_table(&keys.synonyms, &key))
            .or_else(|| in_table(&keys.ids, &key))
            .or_else(|| in_table(&keys.names, without_brackets(&key)?))
            .or_else(|| in_table(&keys.bare_names, &key))
            .or_else(|| self.all_of(How::Normalised, self.called_all_of(text)))
    }

    /// The nodes that have each of the names in a list with commas: `tench, Tinca tinca`.
    fn called_all_of(&self, text: &str) -> Vec<u32> {
        let keys = self.keys();
        let called = |part: &str| -> HashSet<u32> {
            let key = key(part);
            [&keys.names, &keys.synonyms, &keys.bare_names].iter().flat_map(|table| table.find(&key)).collect()
        };
        let Some((first, others)) = text.split_once(',') else { return Vec::new() };
        let mut nodes = called(first);
        for part in others.split(',') {
            if nodes.is_empty() {
                break;
            }
            let also = called(part);
            nodes.retain(|node| also.contains(node));
        }
        nodes.into_iter().collect()
    }

    fn nearest(&self, text: &str) -> Found {
        let near = self.near.get_or_init(|| {
            // An id that is nearly another is another.
            let texts = self.keys().names.entries().chain(self.keys().synonyms.entries());
            Near::new(texts.map(|(text, node)| (text.to_owned(), node)).collect())
        });
        let mut nodes = near.find(&key(text));
        let best = nodes.first().map_or(0.0, |(_, similarity)| *similarity);
        let how = match nodes.iter().filter(|(_, similarity)| *similarity == best).count() {
            _ if best < NEAREST => How::Unmatched,
            1 => How::Nearest,
            _ => How::Ambiguous,
        };
        nodes.truncate(CANDIDATES);
        Found { how, nodes, more: 0 }
    }

    /// What was found, where that is anything.
    fn all_of(&self, how: How, nodes: impl IntoIterator<Item = u32>) -> Option<Found> {
        let mut nodes: Vec<u32> = nodes.into_iter().collect();
        if nodes.iter().any(|&node| !self.is_retired[node as usize]) {
            nodes.retain(|&node| !self.is_retired[node as usize]);
        }
        nodes.sort_unstable();
        nodes.dedup();
        let how = if nodes.len() > 1 { How::Ambiguous } else { how };
        let more = nodes.len().saturating_sub(CANDIDATES);
        nodes.truncate(CANDIDATES);
        (!nodes.is_empty()).then(|| Found { how, nodes: nodes.into_iter().map(|node| (node, 1.0)).collect(), more })
    }

    /// The nodes at the end of a path `A > B > C`, or of an end of one; those of whole paths alone where there are any.
    fn at_path(&self, text: &str) -> Vec<u32> {
        let mut names = text.rsplit(PATH_SEPARATOR).map(str::trim);
        let last = names.next().unwrap_or_default();
        let above: Vec<&str> = names.collect();
        if above.is_empty() {
            return Vec::new();
        }
        let (mut whole, mut all) = (Vec::new(), Vec::new());
        for node in self.by_name.find(last) {
            let mut tops = vec![node];
            for name in &above {
                tops = tops.iter().flat_map(|&top| self.parents.row(top as usize)).map(|parent| parent.0).collect();
                tops.retain(|&top| self.names[top as usize] == *name);
                tops.sort_unstable();
                tops.dedup();
            }
            if !tops.is_empty() {
                all.push(node);
            }
            if tops.iter().any(|&top| self.parents.row(top as usize).is_empty()) {
                whole.push(node);
            }
        }
        if whole.is_empty() { all } else { whole }
    }

    fn keys(&self) -> &Keys {
        self.keys.get_or_init(|| {
            let keyed = |table: &Table<&str>| table.entries().map(|(text, node)| (key(text), node)).collect::<Vec<_>>();
            let names = Table::new(keyed(&self.by_name));
            let bare = names.entries().filter_map(|(key, node)| Some((without_brackets(key)?.to_owned(), node)));
            Keys {
                bare_names: Table::new(bare.collect::<Vec<_>>()),
                synonyms: Table::new(keyed(&self.by_synonym)),
                ids: Table::new(keyed(&self.by_id).into_iter().chain(keyed(&self.by_alternative_id))),
                names,
            }
        })
    }
}

/// Texts with their nodes, sorted by text.
struct Table<T>(Vec<(T, u32)>);

impl<T: AsRef<str> + Ord> Table<T> {
    fn new(entries: impl IntoIterator<Item = (T, u32)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().filter(|(text, _)| !text.as_ref().is_empty()).collect();
        entries.sort_unstable();
        Self(entries)
    }

    fn entries(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(text, node)| (text.as_ref(), *node))
    }

    fn find(&self, text: &str) -> impl Iterator<Item = u32> + '_ {
        let start = self.0.partition_point(|(other, _)| other.as_ref() < text);
        let end = start + self.0[start..].partition_point(|(other, _)| other.as_ref() == text);
        self.0[start..end].iter().map(|(_, node)| *node)
    }
}
