//! Which rank is above which, where only the edges show it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::Draft;

/// The ranks from the top, of `count` that are numbered by appearance: a rank is above another where more edges go down from
/// it to that one than the other way. What the edges leave open, or say in a circle, goes by appearance.
pub(super) fn rank_order(count: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut votes: HashMap<(usize, usize), usize> = HashMap::new();
    for edge in edges.filter(|(above, below)| above != below) {
        *votes.entry(edge).or_default() += 1;
    }
    let mut below = vec![Vec::new(); count];
    let mut waits_for = vec![0usize; count];
    for (&(upper, lower), &for_it) in &votes {
        if for_it > votes.get(&(lower, upper)).copied().unwrap_or(0) {
            below[upper].push(lower);
            waits_for[lower] += 1;
        }
    }
    let mut ready: BinaryHeap<_> = (0..count).filter(|&rank| waits_for[rank] == 0).map(Reverse).collect();
    let (mut order, mut is_placed) = (Vec::with_capacity(count), vec![false; count]);
    let mut by_appearance = 0..count;
    while order.len() < count {
        let next = ready.pop().map(|Reverse(rank)| rank).or_else(|| by_appearance.find(|&rank| !is_placed[rank]));
        let Some(rank) = next else { break };
        if std::mem::replace(&mut is_placed[rank], true) {
            continue;
        }
        order.push(rank);
        for &lower in &below[rank] {
            waits_for[lower] -= 1;
            if waits_for[lower] == 0 {
                ready.push(Reverse(lower));
            }
        }
    }
    order
}

/// Puts the ranks of a draft in the order that its edges show.
pub(super) fn order_ranks(draft: &mut Draft) {
    let edges = draft.edges().filter_map(|(parent, child, _)| draft.rank_index(parent).zip(draft.rank_index(child)));
    let order = rank_order(draft.rank_names().len(), edges);
    draft.reorder_ranks(&order);
}

#[cfg(test)]
mod tests {
    use super::rank_order;

    #[test]
    fn ranks_are_in_the_order_of_most_edges() {
        // 0 species, 1 genus, 2 family, 3 clade, which is above and below families, more often above.
        let edges = [(1, 0), (2, 1), (3, 2), (2, 3), (3, 2), (3, 3)];
        assert_eq!(rank_order(4, edges.into_iter()), [3, 2, 1, 0]);
        assert_eq!(rank_order(3, [(0, 1), (1, 0)].into_iter()), [0, 1, 2]); // left open
        assert_eq!(rank_order(4, [(1, 2), (2, 3), (3, 1)].into_iter()), [0, 1, 2, 3]); // a circle
        assert!(rank_order(0, std::iter::empty()).is_empty());
    }
}
