//! Soft-max-margin.

use super::extremum::first_that;
use super::options::Share;
use super::part::Part;
use super::term::{self, Term};
use crate::hierarchy::{Hierarchy, Node};
use crate::label::Label;
use crate::loss::SoftmaxMargin;
use crate::real::Real;

/// `-s_y + LSE_v (s_v + tau m(y, v))` over all nodes, the root with score 0; with `hard` the maximum.
pub(super) fn parts<R: Real>(
    loss: &SoftmaxMargin,
    hierarchy: &Hierarchy,
    scores: &[Option<R>],
    shares: &[Share<R>],
    split: bool,
) -> Result<Option<Vec<Part<R>>>, String> {
    if !hierarchy.is_tree() {
        return Err("soft-max-margin is for trees".into());
    }
    let columns = scores.len();
    // The root's entry comes after those of the columns.
    let entry = |v: Node| if v == hierarchy.root() { columns } else { hierarchy.column(v) };
    let mut parts = Vec::new();
    for (share, label) in shares {
        let Label::Nodes(nodes) = label else { return Err("a multi-label label".into()) };
        let &[y] = nodes.as_slice() else { return Err("soft-max-margin takes one node, not a union".into()) };
        let mut entries = scores.to_vec();
        entries.push(Some(R::zero()));
        for v in 0..hierarchy.nodes() {
            let distance = hierarchy.path(y).symmetric_difference(&hierarchy.path(v)).count();
            let margin = R::of(loss.tau) * R::of(distance as f64);
            entries[entry(v)] = entries[entry(v)].clone().map(|s| s + margin);
        }
        let own = if loss.hard {
            let Some(own) = &entries[entry(y)] else { return Ok(None) };
            let all = (0..hierarchy.nodes()).collect();
            let score = |v: Node| entries[entry(v)].clone();
            let top = first_that(hierarchy, &all, |v, best| match (score(v), score(best)) {
                (Some(v), Some(best)) => best < v,
                (Some(_), None) => true,
                (None, _) => false,
            });
            let value = score(top).map_or(R::zero(), |top| share.clone() * (top - own.clone()));
            let (up, down) = ((entry(top), share.clone()), (entry(y), -share.clone()));
            let halves = if split { vec![vec![up], vec![down]] } else { vec![vec![up, down]] };
            vec![Part { key: None, value, halves }]
        } else {
            let term = Term { weight: share.clone(), set: vec![entry(y)], given: (0..=columns).collect() };
            let Some(own) = term::parts(vec![term], &entries, 0.0, split) else { return Ok(None) };
            own
        };
        parts.extend(own.into_iter().map(|mut part| {
            part.halves.iter_mut().for_each(|half| half.retain(|(column, _)| *column < columns));
            part.with_key(y, [y])
        }));
    }
    Ok(Some(parts))
}
