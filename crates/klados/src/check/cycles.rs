//! Nodes that are each other's ancestors.

use super::shape::Shape;
use super::{Report, Rule};

/// Finds a cycle in each set of nodes that reach each other. There may be more cycles in the set, far too many to list, and
/// one has to be broken after the other.
pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    let sets = components(shape);
    if sets.is_empty() {
        return;
    }
    const NONE: usize = usize::MAX;
    let mut set_of = vec![NONE; shape.is_kept.len()];
    for (number, set) in sets.iter().enumerate() {
        set.iter().for_each(|&node| set_of[node] = number);
    }
    let cycles: Vec<Vec<usize>> = sets.iter().map(|set| cycle(shape, set, &set_of)).collect();
    let mut parent_in_cycle = vec![NONE; shape.is_kept.len()];
    for cycle in &cycles {
        for (&child, &parent) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            parent_in_cycle[child] = parent;
        }
    }
    // The line that closes a cycle is the last of its lines.
    let mut lines = vec![None; sets.len()];
    for edge in shape.edges.iter().filter(|edge| parent_in_cycle[edge.child] == edge.parent) {
        let line = &mut lines[set_of[edge.child]];
        *line = edge.line().max(*line);
    }
    for ((set, cycle), line) in sets.iter().zip(cycles).zip(lines) {
        let mut message = format!(
            "{} nodes are each the child of the next, and the last of the first: {}",
            cycle.len(),
            report.list(&cycle)
        );
        if set.len() > cycle.len() {
            message += &format!("; {} more nodes are in cycles with them", set.len() - cycle.len());
        }
        report.add(Rule::Cycle, line, cycle, message);
    }
}

/// A cycle among nodes that reach each other, from its first node in the order of the input, each the child of the next.
fn cycle(shape: &Shape, set: &[usize], set_of: &[usize]) -> Vec<usize> {
    let number = set_of[set[0]];
    let mut place = std::collections::HashMap::new();
    let mut walk = Vec::new();
    let mut next = set.iter().copied().min();
    let start = loop {
        // Each node of the set has a parent in it.
        let Some(node) = next else { break 0 };
        if let Some(&start) = place.get(&node) {
            break start;
        }
        place.insert(node, walk.len());
        walk.push(node);
        next = shape.parents(node).find(|&parent| set_of[parent] == number);
    };
    let mut cycle = walk.split_off(start);
    let first = (0..cycle.len()).min_by_key(|&at| cycle[at]).unwrap_or(0);
    cycle.rotate_left(first);
    cycle
}

/// The sets of two nodes or more that reach each other (Tarjan 1972), without recursion.
fn components(shape: &Shape) -> Vec<Vec<usize>> {
    let nodes = shape.is_kept.len();
    let mut is_open: Vec<bool> = shape.is_kept.clone();
    shape.order.iter().for_each(|&node| is_open[node] = false);
    let (mut number, mut low) = (vec![0; nodes], vec![0; nodes]);
    let mut is_waiting = vec![false; nodes];
    let (mut waiting, mut path, mut sets) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    for start in (0..nodes).filter(|&node| is_open[node]) {
        if number[start] == 0 {
            path.push((start, 0));
        }
        while let Some((node, step)) = path.last_mut() {
            let node = *node;
            if *step == 0 {
                count += 1;
                (number[node], low[node]) = (count, count);
                waiting.push(node);
                is_waiting[node] = true;
            }
            let child = shape.children.row(node).get(*step).map(|child| child.index());
            *step += 1;
            if let Some(child) = child {
                if number[child] == 0 {
                    path.push((child, 0));
                } else if is_waiting[child] {
                    low[node] = low[node].min(number[child]);
                }
                continue;
            }
            path.pop();
            if let Some(&(above, _)) = path.last() {
                low[above] = low[above].min(low[node]);
            }
            if low[node] == number[node] {
                let from = waiting.iter().rposition(|&other| other == node).unwrap_or(0);
                let set = waiting.split_off(from);
                set.iter().for_each(|&node| is_waiting[node] = false);
                if set.len() > 1 {
                    sets.push(set);
                }
            }
        }
    }
    sets
}
