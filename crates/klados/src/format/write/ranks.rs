//! A column a rank, a path a line.

use std::collections::HashSet;

use super::super::Draft;
use super::super::ranks::{from_the_top, is_without_header};
use super::super::table::Table;
use super::fields::push_line;
use super::identity::check_siblings;
use super::lost::{count, leaf_classes};
use super::{Losses, LostKind};
use crate::hierarchy::NONE;
use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId};

/// A table of more columns is no table of ranks, and its size is the square of the hierarchy's.
const MOST_COLUMNS: usize = 1000;

pub(super) fn text(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    if !hierarchy.is_tree() {
        let message = "a table of ranks has trees only, and here nodes have several parents; edges say this";
        return Err(HierarchyError::new(Kind::NotATree, message));
    }
    check_siblings(hierarchy, "a table of ranks")?;
    let columns = by_rank(hierarchy, lost).unwrap_or_else(|| by_depth(hierarchy, lost));
    let wanted = 2..=MOST_COLUMNS;
    if !wanted.contains(&columns.names.len()) {
        let message = format!(
            "a table of ranks has 2 to {MOST_COLUMNS} columns, and this hierarchy has {}; edges say any",
            count(columns.names.len(), "level")
        );
        return Err(HierarchyError::new(Kind::UnknownLevel, message));
    }
    let mut text = String::new();
    push_line(&mut text, columns.names.iter().map(String::as_str));
    let mut line = vec![""; columns.names.len()];
    for leaf in leaf_classes(hierarchy) {
        line.fill("");
        for node in up_from(hierarchy, leaf) {
            line[columns.of[node.index()] as usize] = hierarchy.name(node).trim();
        }
        push_line(&mut text, line.iter().copied());
    }
    say_what_is_lost(hierarchy, lost);
    check_header(&text, &columns.names, lost);
    Ok(text)
}

/// The node and those above it, without an added root.
fn up_from(hierarchy: &Hierarchy, node: NodeId) -> impl Iterator<Item = NodeId> {
    let up = std::iter::successors(Some(node), |node| hierarchy.parents(*node).first().copied());
    up.take_while(|node| !hierarchy.is_added(*node))
}

struct Columns {
    names: Vec<String>,
    /// By node: its column.
    of: Vec<u32>,
}

/// A column for each rank, and one for a root without; where every other node has a rank, below that of its parent.
fn by_rank(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Option<Columns> {
    let (mut names, mut of) = (Vec::new(), vec![NONE; hierarchy.node_count()]);
    let root_is_bare = !hierarchy.root_is_added() && hierarchy.rank(NodeId::ROOT).is_none();
    if root_is_bare {
        names.push("root".to_owned());
        of[0] = 0;
    }
    let used: HashSet<&str> = hierarchy.nodes().filter_map(|node| hierarchy.rank(node)).collect();
    names.extend(hierarchy.rank_names().iter().filter(|name| used.contains(name.as_str())).cloned());
    let mut seen = HashSet::new();
    if used.is_empty() || !names.iter().all(|name| !name.trim().is_empty() && seen.insert(name.trim())) {
        return None;
    }
    let place: std::collections::HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
    for node in hierarchy.nodes().filter(|node| !hierarchy.is_added(*node)).skip(usize::from(root_is_bare)) {
        let column = *place.get(hierarchy.rank(node)?)?;
        let above = hierarchy.parents(node).first().map(|parent| of[parent.index()]).filter(|above| *above != NONE);
        if above.is_some_and(|above| above >= column) {
            return None;
        }
        of[node.index()] = column;
    }
    if root_is_bare {
        lost.add(LostKind::Ranks, "that the root has no rank: its column is \"root\"");
    }
    Some(Columns { names, of })
}

/// A column for each depth.
fn by_depth(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Columns {
    let first = usize::from(hierarchy.root_is_added());
    let of: Vec<u32> = hierarchy.nodes().map(|node| hierarchy.depth(node).saturating_sub(first) as u32).collect();
    let own = hierarchy.nodes().filter(|node| !hierarchy.is_added(*node));
    let deepest = own.map(|node| of[node.index()]).max().unwrap_or(0);
    lost.ranks();
    let levels = deepest + 1;
    let message = format!("that the nodes have no ranks: the columns are \"level 1\" to \"level {levels}\"");
    lost.add(LostKind::Ranks, message);
    Columns { names: (1..=levels).map(|level| format!("level {level}")).collect(), of }
}

fn say_what_is_lost(hierarchy: &Hierarchy, lost: &mut Losses<'_>) {
    lost.of_any_text();
    lost.internal_classes();
    lost.ids();
    lost.synonyms();
    // A path is read from its end up to where it is known.
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    let mut seen = vec![false; hierarchy.node_count()];
    for leaf in leaf_classes(hierarchy) {
        for node in up_from(hierarchy, leaf) {
            if std::mem::replace(&mut seen[node.index()], true) {
                break;
            }
            nodes.push(node);
            edges.extend(hierarchy.parents(node).first().map(|parent| (*parent, node)));
        }
    }
    let edges = edges.into_iter().filter(|(parent, _)| !hierarchy.is_added(*parent));
    let tops = nodes.iter().copied().filter(|node| hierarchy.parents(*node) == [NodeId::ROOT]);
    lost.edge_order(edges, tops);
    lost.node_order(nodes.iter().copied());
}

/// Whether the reader takes the first line for the names of ranks, from the top.
fn check_header(text: &str, names: &[String], lost: &mut Losses<'_>) {
    let is_read = Table::open(text.as_bytes()).is_ok_and(|table| {
        !is_without_header(&table) && from_the_top(&table, &mut Draft::new()).into_iter().eq(0..table.header().len())
    });
    if !is_read {
        let names = names.join(",");
        lost.add(LostKind::Format, format!("which column is the top rank: name them when reading it ({names})"));
    }
}
