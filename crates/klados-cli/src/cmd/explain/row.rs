//! The explanation of a row, for people.

use std::io::Write;

use anyhow::Result;
use klados::Criterion;
use klados::explain::{ExplainedNode, ExplainedTerm, Explanation, Share};

use super::pushes::{self, Push};
use super::reason;
use super::table::{Side, Table};
use super::tree::{self, TreeNode, cell};
use crate::cmd::colour::{Colours, Tone};
use crate::cmd::format::rounded;

/// So many terms are shown to people; programs get all.
const SHOWN: usize = 20;

/// Writes the loss, the nodes around the label, the terms and the columns.
pub(super) fn write(
    explanation: &Explanation,
    criterion: &Criterion,
    row: usize,
    label: &str,
    colours: Colours,
    out: &mut dyn Write,
) -> Result<()> {
    let (name, loss) = (criterion.loss().name(), colours.paint(Tone::Strong, &rounded(explanation.loss)));
    let label = if label.is_empty() { String::new() } else { format!(", label {label}") };
    writeln!(out, "{name}: {loss} (row {row}{label})")?;
    let reason = reason(explanation.outcome);
    if let Some(reason) = reason {
        writeln!(out, "{reason}")?;
    }
    let nodes: Vec<TreeNode<'_>> = explanation.nodes.iter().map(node).collect();
    writeln!(out)?;
    tree::table(&nodes, criterion.hierarchy().root_is_added(), &["logit", "log P", "P", "loss"]).write(colours, out)?;
    if !explanation.terms.is_empty() {
        writeln!(out)?;
        terms(&explanation.terms).write(colours, out)?;
    }
    if reason.is_some() {
        return Ok(());
    }
    let push = |column: usize| {
        let column = &explanation.columns[column];
        let mut shares: Vec<&Share> = column.shares.iter().collect();
        shares.sort_by_key(|share| share.term);
        let shares = shares.into_iter().map(|share| (explanation.terms[share.term].quantity.clone(), share.share));
        Push { name: column.name.clone(), gradient: column.gradient, shares: shares.collect() }
    };
    pushes::write(&explanation.gradient(), push, colours, out)
}

fn node(node: &ExplainedNode) -> TreeNode<'_> {
    let loss = (node.loss != 0.0).then_some(node.loss);
    TreeNode {
        node: node.node,
        parents: &node.parents,
        name: &node.name,
        is_on_path: node.is_on_path,
        p: node.p,
        cells: vec![cell(node.logit), cell(node.log_p), cell(node.p), cell(loss)],
    }
}

/// The terms, the costliest first.
fn terms(terms: &[ExplainedTerm]) -> Table {
    let has_focal = terms.iter().any(|term| term.focal != 1.0);
    let focal = has_focal.then_some(("focal", Side::Right));
    let header = [("term", Side::Left), ("weight", Side::Right)].into_iter().chain(focal);
    let header = header.chain([("-log P", Side::Right), ("loss", Side::Right)]);
    let mut table = Table::new(&header.collect::<Vec<_>>());
    let mut order: Vec<&ExplainedTerm> = terms.iter().collect();
    order.sort_by(|a, b| b.value.total_cmp(&a.value));
    for term in order.iter().take(SHOWN) {
        let focal = has_focal.then(|| rounded(term.focal));
        let cells = [term.quantity.clone(), rounded(term.weight)].into_iter().chain(focal);
        table.push(Tone::Plain, cells.chain([rounded(0.0 - term.log_p), rounded(term.value)]).collect());
    }
    if order.len() > SHOWN {
        table.push(Tone::Plain, vec![format!("... and {} more", order.len() - SHOWN)]);
    }
    table
}
