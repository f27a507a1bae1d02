//! The page of an explained row: its data, and which nodes are drawn.
//!
//! The page computes everything again while a logit is moved: its data are the logits and the [`Formulas`] of the loss and
//! of the nodes that are drawn.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use klados::explain::{ExplainedNode, Explanation, Formulas, LogP};
use klados::{Criterion, Hierarchy, Label, NodeId, TermSet};
use serde::Serialize;

use super::reason;
use crate::cmd::format::Number;
use crate::report;

/// Hierarchies of so many nodes are drawn whole.
const WHOLE: usize = 60;

/// Of larger ones no more nodes than this are drawn.
const DRAWN: usize = 120;

/// Of the nodes that a label names and those above them so many are drawn, those first whose terms cost most.
const ON_PATH: usize = 40;

/// Of their other children so many are drawn, the most probable first.
const BESIDE: usize = 40;

/// Of the logits that are pushed up most, and down, so many are drawn.
const EACH_WAY: usize = 10;

/// The data of the page.
#[derive(Serialize)]
struct Page<'a> {
    title: String,
    notes: Vec<&'static str>,
    loss: &'static str,
    label: &'a str,
    /// By column.
    columns: Vec<&'a str>,
    logits: Vec<Number<f64>>,
    formulas: Formulas,
    /// What each term is about, as `P(crow)`.
    terms: Vec<&'a str>,
    /// Those that are drawn, parents first.
    nodes: Vec<Node<'a>>,
    node_count: usize,
    root_is_added: bool,
}

/// A node that is drawn.
#[derive(Serialize)]
struct Node<'a> {
    /// Its place in the hierarchy.
    node: usize,
    name: &'a str,
    /// The place, among those that are drawn, of the one that it is below.
    parent: Option<usize>,
    /// Its other parents, in a DAG.
    also_below: Vec<&'a str>,
    /// The column of its logit.
    column: Option<usize>,
    /// Whether the label is at or below it.
    is_on_path: bool,
    /// Whether the label names it.
    is_label: bool,
    /// The places of the terms about it.
    terms: Vec<usize>,
    /// What `log P` is the sum of.
    log_p: Option<Vec<LogP>>,
    /// How many of its children are not drawn.
    hidden: usize,
}

/// Writes the page. `text` is the label as it was written.
pub(super) fn write(
    path: &Path,
    explanation: &Explanation,
    criterion: &Criterion,
    (row, label, text): (usize, &Label, &str),
) -> Result<()> {
    let hierarchy = criterion.hierarchy();
    let logits: Vec<f64> = explanation.columns.iter().map(|column| column.logit).collect();
    let page = Page {
        title: format!("Where the loss of row {row} comes from"),
        notes: reason(explanation.outcome).into_iter().collect(),
        loss: criterion.loss().name(),
        label: text,
        columns: explanation.columns.iter().map(|column| &*column.name).collect(),
        formulas: Formulas::of_row(criterion, &logits, label, row)?,
        logits: logits.into_iter().map(Number).collect(),
        terms: explanation.terms.iter().map(|term| &*term.quantity).collect(),
        nodes: nodes(explanation, criterion),
        node_count: hierarchy.node_count(),
        root_is_added: hierarchy.root_is_added(),
    };
    report::write_explanation(path, &page)
}

fn nodes<'a>(explanation: &Explanation, criterion: &'a Criterion) -> Vec<Node<'a>> {
    let hierarchy = criterion.hierarchy();
    let column_nodes = column_nodes(criterion);
    let places = drawn(explanation, hierarchy, &column_nodes);
    let drawn: Vec<NodeId> = places.iter().filter_map(|place| hierarchy.node_at(*place)).collect();
    let mut columns = vec![None; hierarchy.node_count()];
    column_nodes.iter().enumerate().for_each(|(column, node)| columns[node.index()] = Some(column));
    let mut terms = vec![Vec::new(); hierarchy.node_count()];
    for (place, term) in explanation.terms.iter().enumerate() {
        if let TermSet::Node(node) = term.of {
            terms[node.index()].push(place);
        }
    }
    let mut is_on_path = vec![false; hierarchy.node_count()];
    explanation.nodes.iter().for_each(|node| is_on_path[node.node] = node.is_on_path);
    let mut formulas = Formulas::of_nodes(criterion, &drawn).map(Vec::into_iter);
    let mut node = |node: &NodeId| {
        let (at, children) = (node.index(), hierarchy.children(*node));
        let parent = parent(*node, hierarchy, &places);
        let others = hierarchy.parents(*node).iter().filter(|other| Some(**other) != parent);
        let ends = children.iter().all(|child| !is_on_path[child.index()]);
        Node {
            node: at,
            name: hierarchy.name(*node),
            parent: above(*node, hierarchy, &places).map(|parent| places.range(..parent.index()).count()),
            also_below: others.map(|parent| hierarchy.name(*parent)).collect(),
            column: columns[at],
            is_on_path: is_on_path[at],
            is_label: is_on_path[at] && ends && *node != NodeId::ROOT,
            terms: std::mem::take(&mut terms[at]),
            log_p: formulas.as_mut().and_then(Iterator::next),
            hidden: children.iter().filter(|child| !places.contains(&child.index())).count(),
        }
    };
    drawn.iter().map(&mut node).collect()
}

/// By column, its node.
fn column_nodes(criterion: &Criterion) -> Vec<NodeId> {
    let hierarchy = criterion.hierarchy();
    match criterion.has_node_columns() {
        true => hierarchy.node_columns(),
        false => (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect(),
    }
}

/// The nearest node above that is drawn.
fn above(node: NodeId, hierarchy: &Hierarchy, drawn: &BTreeSet<usize>) -> Option<NodeId> {
    let above = std::iter::successors(parent(node, hierarchy, drawn), |at| parent(*at, hierarchy, drawn));
    above.into_iter().find(|at| drawn.contains(&at.index()))
}

/// The parent by which the line to a node goes: the first that is drawn, or else the first.
fn parent(node: NodeId, hierarchy: &Hierarchy, drawn: &BTreeSet<usize>) -> Option<NodeId> {
    let parents = hierarchy.parents(node);
    parents.iter().find(|parent| drawn.contains(&parent.index())).or(parents.first()).copied()
}

/// The places of the nodes to draw: those that the label names and those above, the most probable children of these, those
/// of the logits that are pushed most, and what is above them as far as there is room.
fn drawn(explanation: &Explanation, hierarchy: &Hierarchy, column_nodes: &[NodeId]) -> BTreeSet<usize> {
    if hierarchy.node_count() <= WHOLE {
        return (0..hierarchy.node_count()).collect();
    }
    let (mut on_path, mut beside): (Vec<&ExplainedNode>, Vec<_>) =
        explanation.nodes.iter().partition(|node| node.is_on_path);
    on_path.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    let p = |node: &ExplainedNode| node.p.unwrap_or(0.0);
    beside.sort_by(|a, b| p(b).total_cmp(&p(a)));
    let pushed: Vec<NodeId> = pushed(explanation).into_iter().map(|column| column_nodes[column]).collect();
    let parent = |node: &NodeId| hierarchy.parents(*node).first().copied();
    let above = pushed.iter().flat_map(|node| std::iter::successors(parent(node), parent));
    let around = on_path.into_iter().take(ON_PATH).chain(beside.into_iter().take(BESIDE)).map(|node| node.node);
    let places = around.chain(pushed.iter().copied().chain(above).map(NodeId::index));
    let mut drawn = BTreeSet::from([NodeId::ROOT.index()]);
    for place in places {
        if drawn.len() == DRAWN {
            break;
        }
        drawn.insert(place);
    }
    drawn
}

/// The columns with the largest gradients either way, the largest first.
fn pushed(explanation: &Explanation) -> Vec<usize> {
    let size = |column: &usize| explanation.columns[*column].gradient.abs();
    let largest = |goes_up: bool| {
        let goes = |column: &usize| {
            let gradient = explanation.columns[*column].gradient;
            if goes_up { gradient < 0.0 } else { gradient > 0.0 }
        };
        let mut columns: Vec<usize> = (0..explanation.columns.len()).filter(goes).collect();
        columns.sort_by(|a, b| size(b).total_cmp(&size(a)));
        columns.truncate(EACH_WAY);
        columns
    };
    let mut columns = [largest(true), largest(false)].concat();
    columns.sort_by(|a, b| size(b).total_cmp(&size(a)));
    columns
}

#[cfg(test)]
mod tests {
    use klados::loss::MarginalCrossEntropy;

    use super::*;

    /// A thousand species in fifty genera, and one that stands below a chain of two hundred nodes.
    #[test]
    fn of_a_large_hierarchy_those_that_matter_are_drawn() {
        let mut edges: Vec<(String, String)> =
            (0..1000).map(|species| (format!("genus {}", species % 50), format!("species {species}"))).collect();
        edges.extend((1..=200).map(|link| (format!("link {}", link - 1), format!("link {link}"))));
        let hierarchy = Hierarchy::from_edges(edges).expect("a hierarchy");
        let criterion = MarginalCrossEntropy::new().compile(&hierarchy).expect("a criterion");
        let mut logits: Vec<f64> = (0..1001).map(|class| f64::from(class % 7) / 10.0).collect();
        logits[777] = 9.0;
        let drawn_for = |label: &str| {
            let label = hierarchy.parse_label(label).expect("a label");
            let explanation = Explanation::of_row(&criterion, &logits, &label, 0).expect("a row");
            let nodes = nodes(&explanation, &criterion);
            assert!(nodes.len() <= DRAWN && nodes[0].parent.is_none());
            assert!(
                nodes.iter().enumerate().skip(1).all(|(place, node)| node.parent.is_some_and(|above| above < place))
            );
            nodes
        };
        let nodes = drawn_for("species 3");
        let find = |name: &str| nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("{name}"));
        assert!(find("species 3").is_label && find("genus 3").is_on_path && !find("genus 3").is_label);
        // 777 has most of the probability, and so is pushed down most.
        let parent = find("species 777").parent.map(|parent| nodes[parent].name);
        assert_eq!(parent, Some("genus 27"));
        let below = nodes.iter().filter(|node| node.parent.is_some_and(|at| nodes[at].name == "genus 27")).count();
        assert_eq!(find("genus 27").hidden, 20 - below);
        // Of the chain as much as there is room for: none of the others is left out for it.
        let chain = drawn_for("link 200");
        let on_path = chain.iter().filter(|node| node.is_on_path).count();
        assert!((ON_PATH..100).contains(&on_path), "{on_path}");
        assert!(chain.iter().any(|node| node.name == "species 777"));
    }
}
