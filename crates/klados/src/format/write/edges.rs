//! An edge a line.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Losses;
use super::fields::push_line;
use super::identity::{ids, names_are_unique};
use super::lost::{internal_classes, is_leaf};
use super::rows::{Row, rows};
use crate::{Hierarchy, HierarchyError, NodeId};

pub(super) fn text(hierarchy: &Hierarchy, lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    let by_id = hierarchy.has_ids() || !names_are_unique(hierarchy);
    let ranked = hierarchy.nodes().any(|node| hierarchy.rank(node).is_some());
    let classes = stated_classes(hierarchy);
    let is_class = |node: NodeId| classes.as_ref().is_some_and(|classes| classes.contains(&node));
    let needs_line = |root| by_id || hierarchy.rank(root).is_some() || is_class(root);
    let rows = rows(hierarchy, classes.is_some(), needs_line);
    say_what_is_lost(hierarchy, &rows, by_id, classes.as_ref(), lost);

    let ids = if by_id { ids(hierarchy) } else { Vec::new() };
    let key = |node: NodeId| ids.get(node.index()).map_or(hierarchy.name(node).trim(), Cow::as_ref);
    let mut text = if by_id { "id,parent_id,name" } else { "child,parent" }.to_owned();
    text += if ranked { ",rank" } else { "" };
    text += if classes.is_some() { ",class\n" } else { "\n" };
    for row in rows {
        let parent = row.parent.map_or("", key);
        let name = by_id.then(|| hierarchy.name(row.child).trim());
        let rank = ranked.then(|| hierarchy.rank(row.child).unwrap_or_default());
        let class = classes.is_some().then(|| if is_class(row.child) { "true" } else { "false" });
        push_line(&mut text, [key(row.child), parent].into_iter().chain(name).chain(rank).chain(class));
    }
    Ok(text)
}

/// The nodes that are classes, where a column has to say it: some of them are no leaves.
fn stated_classes(hierarchy: &Hierarchy) -> Option<HashSet<NodeId>> {
    internal_classes(hierarchy).next()?;
    Some((0..hierarchy.class_count()).map(|class| hierarchy.class_owner(class)).collect())
}

fn say_what_is_lost(
    hierarchy: &Hierarchy,
    rows: &[Row],
    by_id: bool,
    classes: Option<&HashSet<NodeId>>,
    lost: &mut Losses<'_>,
) {
    lost.of_any_text();
    lost.synonyms();
    if by_id {
        lost.missing_ids();
    }
    lost.rank_order(rows.iter().map(|row| row.child));
    let nodes = in_order(hierarchy, rows);
    let tops = nodes.iter().copied().filter(|node| is_top(hierarchy, *node));
    lost.edge_order(rows.iter().filter_map(|row| Some((row.parent?, row.child))), tops);
    match classes {
        Some(classes) => {
            let mut seen = HashSet::new();
            let children = rows.iter().map(|row| row.child);
            lost.order_of_all_classes(children.filter(|node| classes.contains(node) && seen.insert(*node)));
        }
        None => lost.class_order(nodes.iter().copied().filter(|node| is_leaf(hierarchy, *node))),
    }
    lost.node_order(nodes.iter().copied());
}

fn is_top(hierarchy: &Hierarchy, node: NodeId) -> bool {
    hierarchy.parents(node).iter().all(|parent| hierarchy.is_added(*parent))
}

/// The nodes in the order in which the lines mention them.
fn in_order(hierarchy: &Hierarchy, rows: &[Row]) -> Vec<NodeId> {
    let mut seen = vec![false; hierarchy.node_count()];
    let nodes = rows.iter().flat_map(|row| std::iter::once(row.child).chain(row.parent));
    nodes.filter(|node| !std::mem::replace(&mut seen[node.index()], true)).collect()
}
