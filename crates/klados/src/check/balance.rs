//! Branches that are much larger or deeper than those beside them.

use std::cmp::Reverse;

use super::shape::Shape;
use super::{Report, Rule};

/// Branches with fewer leaves are small enough for any share of them.
const LEAVES: usize = 100;
/// A branch with this many times the leaves of those beside it, all together, has nearly all.
const TIMES: usize = 9;

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    let leaves = leaves_below(shape);
    for node in shape.kept() {
        let children: Vec<usize> = shape.children(node).collect();
        check_branches(report, &leaves, Some(node), &children);
    }
    // Nodes that stand alone are reported as such.
    let roots: Vec<usize> = shape.kept().filter(|&node| shape.is_root(node) && !shape.is_leaf(node)).collect();
    check_branches(report, &leaves, None, &roots);
    if report.draft.rank_names().is_empty() {
        check_depths(report, shape);
    }
}

fn check_branches(report: &mut Report<'_>, leaves: &[usize], above: Option<usize>, branches: &[usize]) {
    let Some(&largest) = branches.iter().min_by_key(|&&branch| Reverse(leaves[branch])) else { return };
    let others = branches.iter().map(|&branch| leaves[branch]).sum::<usize>() - leaves[largest];
    if branches.len() < 2 || leaves[largest] < LEAVES || leaves[largest] < TIMES * others {
        return;
    }
    let draft = report.draft;
    let place = above.map_or("there are".to_owned(), |node| format!("\"{}\" has", draft.label(node)));
    let message = format!(
        "{place} {} branches, with {} of {} leaves in \"{}\"",
        branches.len(),
        leaves[largest],
        leaves[largest] + others,
        draft.label(largest)
    );
    let nodes: Vec<usize> = above.into_iter().chain([largest]).collect();
    report.add(Rule::UnbalancedBranches, draft.line(above.unwrap_or(largest)), nodes, message);
}

/// The number of leaves below each node; one with several parents counts below its first.
fn leaves_below(shape: &Shape) -> Vec<usize> {
    let mut leaves = vec![0; shape.is_kept.len()];
    for &node in shape.order.iter().rev() {
        leaves[node] += usize::from(shape.is_leaf(node));
        if let Some(parent) = shape.parents(node).next() {
            leaves[parent] += leaves[node];
        }
    }
    leaves
}

/// Says so where the deepest class is more than twice as deep as the one that is least deep.
fn check_depths(report: &mut Report<'_>, shape: &Shape) {
    let depth = shape.depths();
    let leaves = || shape.order.iter().copied().filter(|&node| shape.is_leaf(node) && !shape.is_root(node));
    let ends = leaves().min_by_key(|&leaf| depth[leaf]).zip(leaves().min_by_key(|&leaf| Reverse(depth[leaf])));
    let Some((shallow, deep)) = ends.filter(|&(shallow, deep)| depth[deep] > 2 * depth[shallow]) else { return };
    let message = format!(
        "the leaves are {} to {} edges below the top: \"{}\" and \"{}\"",
        depth[shallow],
        depth[deep],
        report.draft.label(shallow),
        report.draft.label(deep)
    );
    report.add(Rule::UnevenDepth, None, [shallow, deep], message);
}
