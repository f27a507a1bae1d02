//! Ranks: nodes that are above what they should be below, and columns in another order than their values show.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::shape::{Edge, Shape};
use super::{Report, Rule};
use crate::hierarchy::{Draft, Identity};

/// Of more ranks nothing is said: they are hardly ranks.
const RANKS: usize = u64::BITS as usize;

/// What is called a rank, and may be above and below any.
const PLACELESS: [&str; 5] = ["no rank", "no_rank", "norank", "unranked", "clade"];

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    if (2..=RANKS).contains(&report.draft.rank_names().len()) {
        inversions(report, shape);
        column_order(report, shape);
    }
}

/// An edge between nodes of different ranks.
struct Step {
    edge: Edge,
    upper: usize,
    lower: usize,
}

fn steps(draft: &Draft, shape: &Shape) -> Vec<Step> {
    let rank = |node: usize| {
        draft.rank_index(node).filter(|&rank| !PLACELESS.contains(&draft.rank_names()[rank].to_lowercase().as_str()))
    };
    let step = |edge: &Edge| Some(Step { edge: *edge, upper: rank(edge.parent)?, lower: rank(edge.child)? });
    shape.edges.iter().filter_map(step).filter(|step| step.upper != step.lower).collect()
}

fn inversions(report: &mut Report<'_>, shape: &Shape) {
    let draft = report.draft;
    let (names, steps) = (draft.rank_names(), steps(draft, shape));
    let below = below(names.len(), &steps);
    for Step { edge, upper, lower } in steps.into_iter().filter(|step| is_in(below[step.lower], step.upper)) {
        let (upper, lower) = (&names[upper], &names[lower]);
        let message = format!(
            "\"{}\", of the rank \"{lower}\", is below \"{}\", of the rank \"{upper}\", which is below \"{lower}\" by most edges",
            draft.label(edge.child),
            draft.label(edge.parent)
        );
        report.add(Rule::RankInversion, edge.line(), [edge.child, edge.parent], message);
    }
}

/// By rank: the set of those below it, as most edges have it. Of what the edges say in a circle, that counts which more of
/// them say; where there are as many up as down, the order of the ranks. (Tideman's ranked pairs.)
fn below(ranks: usize, steps: &[Step]) -> Vec<u64> {
    let mut votes: HashMap<(usize, usize), usize> = HashMap::new();
    for step in steps {
        *votes.entry((step.upper, step.lower)).or_default() += 1;
    }
    let against = |&(upper, lower): &(usize, usize)| votes.get(&(lower, upper)).copied().unwrap_or(0);
    let mut pairs: Vec<(Reverse<usize>, usize, usize)> = votes
        .iter()
        .filter(|(pair, votes)| **votes > against(pair) || (**votes == against(pair) && pair.0 < pair.1))
        .map(|(pair, votes)| (Reverse(votes - against(pair)), pair.0, pair.1))
        .collect();
    pairs.sort_unstable();
    let mut below = vec![0_u64; ranks];
    for (_, upper, lower) in pairs {
        if is_in(below[lower], upper) {
            continue;
        }
        let added = below[lower] | 1 << lower;
        for rank in 0..ranks {
            if rank == upper || is_in(below[rank], upper) {
                below[rank] |= added;
            }
        }
    }
    below
}

fn is_in(set: u64, rank: usize) -> bool {
    set >> rank & 1 == 1
}

/// Ranks from a table, whose nodes are told apart by their paths: one has more names than the one right below it, where
/// these names are below several of its own.
fn column_order(report: &mut Report<'_>, shape: &Shape) {
    if report.found.iter().any(|finding| finding.rule == Rule::ColumnOrder) {
        return;
    }
    let draft = report.draft;
    let identities = draft.identities();
    let mut pairs = vec![(HashSet::new(), HashSet::new()); draft.rank_names().len()];
    for edge in shape.edges.iter().filter(|edge| identities[edge.child] == Identity::Path) {
        if let Some((upper, lower)) = draft.rank_index(edge.parent).zip(draft.rank_index(edge.child))
            && lower == upper + 1
        {
            pairs[upper].0.insert(draft.name(edge.parent));
            pairs[upper].1.insert(draft.name(edge.child));
        }
    }
    for (names, (above, below)) in draft.rank_names().windows(2).zip(pairs) {
        if above.len() > below.len() {
            let message = format!(
                "{} names of the rank \"{}\" have no more than {} of the rank \"{}\" below them: the columns seem to be in \
                 another order",
                above.len(),
                names[0],
                below.len(),
                names[1]
            );
            report.add(Rule::ColumnOrder, None, [], message);
        }
    }
}
