//! The mean explanation of many rows, for people.

use std::io::Write;

use anyhow::Result;
use klados::explain::{MeanExplanation, MeanNode};
use klados::{Criterion, Hierarchy, Label, NodeId};

use super::pushes::{self, Push};
use super::table::{Side, Table};
use super::tree::{self, TreeNode, cell};
use crate::cmd::colour::{Colours, Tone};
use crate::cmd::format::rounded;

/// So many terms are shown to people; programs get all.
const SHOWN: usize = 20;

/// The tree ends above the depth with which more nodes than this would be in it.
const NODES: usize = 60;

/// Writes the loss, the nodes, the terms and the columns.
pub(super) fn write(
    mean: &MeanExplanation,
    criterion: &Criterion,
    labels: &[Label],
    colours: Colours,
    out: &mut dyn Write,
) -> Result<()> {
    let loss = colours.paint(Tone::Strong, &rounded(mean.loss()));
    writeln!(out, "{}: {loss} (mean over {})", criterion.loss().name(), counted(mean.rows()))?;
    write_left_out(mean, criterion, labels, out)?;
    if mean.rows() == 0 {
        return Ok(());
    }
    let nodes = mean.nodes();
    let columns = mean.columns();
    let deepest = deepest(criterion.hierarchy());
    let has_loss = has_loss(&nodes);
    let shown = nodes.iter().filter(|node| node.depth <= deepest);
    let shown: Vec<TreeNode<'_>> = shown
        .map(|node| {
            let logit = node.column.map(|column| columns[column].logit);
            tree_node(node, logit, has_loss[node.node])
        })
        .collect();
    writeln!(out)?;
    tree::table(&shown, criterion.hierarchy().root_is_added(), &["logit", "P", "loss"]).write(colours, out)?;
    if deepest < criterion.hierarchy().height(NodeId::ROOT) {
        writeln!(out, "nodes below depth {deepest} are left out: --format json has all")?;
    }
    writeln!(out)?;
    terms(mean).write(colours, out)?;
    let gradients: Vec<f64> = columns.iter().map(|column| column.gradient).collect();
    let push = |column: usize| {
        let column = &columns[column];
        let shares = column.shares.iter().map(|(level, share)| (level.to_string(), *share)).collect();
        Push { name: column.name.clone(), gradient: column.gradient, shares }
    };
    pushes::write(&gradients, push, colours, out)
}

/// Which rows the mean is not over, and what the mean loss divides by where that is not their number.
fn write_left_out(mean: &MeanExplanation, criterion: &Criterion, labels: &[Label], out: &mut dyn Write) -> Result<()> {
    let left_out = [
        (mean.ignored(), "ignored, as the label is empty"),
        (mean.impossible(), "of probability 0, with loss inf and gradient 0"),
        (mean.not_a_number(), "with NaN or +inf, of which loss and gradient are nan"),
    ];
    for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "left out: {} {what}", counted(count))?;
    }
    let normalizer = criterion.normalizer(labels)?;
    if normalizer != (labels.len() - mean.ignored()) as f64 {
        writeln!(out, "the mean of `klados loss` divides by {} and not by the number of rows", rounded(normalizer))?;
    }
    Ok(())
}

fn counted(rows: usize) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

/// By node, whether the loss is about it or something below it.
fn has_loss(nodes: &[MeanNode]) -> Vec<bool> {
    let mut has_loss: Vec<bool> = nodes.iter().map(|node| node.loss != 0.0).collect();
    // Parents come before their children.
    for node in nodes.iter().rev() {
        if has_loss[node.node] {
            node.parents.iter().for_each(|&parent| has_loss[parent] = true);
        }
    }
    has_loss
}

/// The depth down to which nodes are shown, 1 or more.
fn deepest(hierarchy: &Hierarchy) -> usize {
    let mut at_depth = vec![0; hierarchy.height(NodeId::ROOT) + 1];
    hierarchy.nodes().for_each(|node| at_depth[hierarchy.depth(node)] += 1);
    let mut count = 0;
    let fits = |of_depth: &&usize| {
        count += **of_depth;
        count <= NODES
    };
    at_depth.iter().take_while(fits).count().saturating_sub(1).max(1)
}

fn tree_node(node: &MeanNode, logit: Option<f64>, is_on_path: bool) -> TreeNode<'_> {
    let loss = (node.loss != 0.0).then_some(node.loss);
    TreeNode {
        node: node.node,
        parents: &node.parents,
        name: &node.name,
        is_on_path,
        p: node.p,
        cells: vec![cell(logit), cell(node.p), cell(loss)],
    }
}

fn terms(mean: &MeanExplanation) -> Table {
    let header = [("term", Side::Left), ("rows", Side::Right), ("-log P", Side::Right), ("loss", Side::Right)];
    let mut table = Table::new(&header);
    let terms = mean.terms();
    for term in terms.iter().take(SHOWN) {
        let (log_p, value) = (rounded(0.0 - term.log_p), rounded(term.value));
        table.push(Tone::Plain, vec![term.quantity.clone(), term.rows.to_string(), log_p, value]);
    }
    if terms.len() > SHOWN {
        table.push(Tone::Plain, vec![format!("... and {} more", terms.len() - SHOWN)]);
    }
    table
}
