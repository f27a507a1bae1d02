//! Log-probabilities of all nodes as shares of one sum, where each node has the terms `e^s` at and below it; and those of a
//! noisy-or, which are sums too. Forward alone, in `f64`, with few exponentials and logarithms, which are taken in vector
//! code.
//!
//! All terms of a softmax are relative to the row's largest score. A node with at most half of the sum is the logarithm of its share,
//! and where it is one term, a difference. The nodes with more, which in a tree are one path from the root, are known by
//! what the others have, which is added up without them. So every one has full relative precision. Rows in which a node's
//! sum has less than [`LEAST`] are left to kernels that give each node a maximum of its own.

use std::ops::Range;

use super::extremum::Parents;
use super::nodes::{NodeTables, Shape};
use super::paths::Tree;
use crate::hierarchy::Closure;
use crate::numeric::{Float, doubles, scalar};

/// Sums from here up have lost nothing to the terms that are 0 since they are too small.
const LEAST: f64 = f64::LEAST_SUM;

/// What a row's numbers are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Terms {
    /// Their logarithms, of which this finite one is the largest.
    Logarithms(f64),
    /// The terms themselves.
    Plain,
    /// Of a noisy-or: of independent classes there is one with `P = sigma(score)`, so that `-log(1 - P)` of all below a node
    /// is the sum of the terms `softplus(score)`.
    Sigmoids,
}

impl Terms {
    fn fill_terms(self, row: &[f64], terms: &mut Vec<f64>) {
        if let Self::Logarithms(max) = self {
            terms.resize(row.len(), 0.0);
            return doubles::exp_below(row, max, terms);
        }
        terms.clear();
        terms.extend_from_slice(row);
        if let Self::Sigmoids = self {
            doubles::softplus(terms);
        }
    }

    /// `log P` of the entries of a row.
    fn log_shares(self, row: &[f64], total: f64, log_shares: &mut Vec<f64>) {
        log_shares.clear();
        match self {
            Self::Logarithms(max) => {
                let log_total = scalar::ln(total);
                log_shares.extend(row.iter().map(|score| (score - max) - log_total));
            }
            Self::Plain => {
                log_shares.extend(row.iter().map(|term| term / total));
                doubles::ln(log_shares);
            }
            Self::Sigmoids => {
                log_shares.extend_from_slice(row);
                doubles::log_sigmoid(log_shares);
            }
        }
    }

    /// `log P` of nodes, of the sums of their terms; where these are shares, of those with at most half of the total.
    fn logs(self, sums: &[f64], total: f64, logs: &mut Vec<f64>) {
        logs.clear();
        match self {
            Self::Sigmoids => {
                logs.extend_from_slice(sums);
                doubles::ln_one_minus_exp(logs);
            }
            _ => {
                logs.extend(sums.iter().map(|sum| sum / total));
                doubles::ln(logs);
            }
        }
    }

    fn are_shares(self) -> bool {
        !matches!(self, Self::Sigmoids)
    }

    /// Whether terms may be 0 that are not.
    fn may_be_lost(self) -> bool {
        !matches!(self, Self::Plain)
    }
}

/// The tables of a tree. Nodes are in depth-first order; a row has an entry for each of them, or for the leaves alone, in
/// this order.
#[derive(Debug)]
pub(crate) struct TreeRollup {
    /// The nodes that have children, ascending; the root is the first.
    pub(super) inner: Vec<u32>,
    /// By inner node: the place of its parent among them, and its entries in the row with those below it.
    pub(super) above: Vec<u32>,
    pub(super) span: Vec<(u32, u32)>,
    /// By inner node, into `children`.
    pub(super) offsets: Vec<u32>,
    /// The children that are inner nodes, by their place.
    pub(super) children: Vec<u32>,
    /// By inner node, into `runs`.
    pub(super) run_offsets: Vec<u32>,
    pub(super) runs: Vec<LeafRun>,
    /// Inner nodes with one child and no term of their own, from the last to the first, and the child.
    pub(super) alone: Vec<(u32, Only)>,
    pub(super) nodes: usize,
    /// Whether inner nodes have entries too.
    pub(super) has_own: bool,
}

/// A stretch of leaves of one parent.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeafRun {
    /// The parent's place.
    pub(super) at: u32,
    /// The first entry in the row, and the first node.
    pub(super) entry: u32,
    pub(super) node: u32,
    pub(super) length: u32,
}

impl LeafRun {
    pub(super) fn entries(self) -> Range<usize> {
        self.entry as usize..(self.entry + self.length) as usize
    }

    pub(super) fn nodes(self) -> Range<usize> {
        self.node as usize..(self.node + self.length) as usize
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Only {
    /// By its place.
    Inner(u32),
    /// By its entry in the row.
    Leaf(u32),
}

/// What a row reuses.
#[derive(Debug, Default)]
pub(crate) struct Rollup {
    pub(super) ordered: Vec<f64>,
    pub(super) terms: Vec<f64>,
    /// By inner node.
    pub(super) sums: Vec<f64>,
    pub(super) logs: Vec<f64>,
    /// By entry of the row.
    pub(super) log_shares: Vec<f64>,
    /// The inner nodes of a DAG with more than half of the sum, and what is outside of each.
    pub(super) heavy: Vec<u32>,
    pub(super) outside: Vec<f64>,
}

impl TreeRollup {
    pub(crate) fn new(tree: &Tree, has_own: bool) -> Self {
        let nodes = tree.parent.len();
        let is_inner = |node: usize| !tree.children(node).is_empty();
        let inner: Vec<u32> = (0..nodes as u32).filter(|&node| is_inner(node as usize)).collect();
        let mut place = vec![0; nodes];
        inner.iter().enumerate().for_each(|(at, &node)| place[node as usize] = at as u32);
        // By node, and at the end: how many entries come before.
        let mut entry = vec![0u32];
        for node in 0..nodes {
            entry.push(entry[node] + u32::from(has_own || !is_inner(node)));
        }
        let mut end: Vec<usize> = (1..=nodes).collect();
        for node in (1..nodes).rev() {
            let parent = tree.parent[node] as usize;
            end[parent] = end[parent].max(end[node]);
        }
        let (mut runs, mut run_offsets): (Vec<LeafRun>, _) = (Vec::new(), vec![0]);
        let (mut children, mut offsets, mut alone) = (Vec::new(), vec![0], Vec::new());
        for (at, &node) in inner.iter().enumerate() {
            let of_node = tree.children(node as usize);
            for &child in of_node {
                let first = entry[child as usize];
                match runs.last_mut() {
                    _ if is_inner(child as usize) => children.push(place[child as usize]),
                    Some(run) if run.at == at as u32 && run.node + run.length == child => run.length += 1,
                    _ => runs.push(LeafRun { at: at as u32, entry: first, node: child, length: 1 }),
                }
            }
            offsets.push(children.len() as u32);
            run_offsets.push(runs.len() as u32);
            if let (&[child], false) = (of_node, has_own || at == 0) {
                let only = match is_inner(child as usize) {
                    true => Only::Inner(place[child as usize]),
                    false => Only::Leaf(entry[child as usize]),
                };
                alone.push((at as u32, only));
            }
        }
        alone.reverse();
        let above = inner.iter().map(|&node| place[tree.parent[node as usize] as usize]).collect();
        let span = inner.iter().map(|&node| (entry[node as usize], entry[end[node as usize]])).collect();
        Self { inner, above, span, offsets, children, run_offsets, runs, alone, nodes, has_own }
    }

    pub(super) fn children(&self, at: usize) -> &[u32] {
        &self.children[self.offsets[at] as usize..self.offsets[at + 1] as usize]
    }

    pub(super) fn runs(&self, at: usize) -> &[LeafRun] {
        &self.runs[self.run_offsets[at] as usize..self.run_offsets[at + 1] as usize]
    }

    /// The number of entries of a row.
    pub(super) fn entries(&self) -> usize {
        self.span[0].1 as usize
    }

    /// Takes the terms of a row and adds them up to the inner nodes. False where a node's sum is too small to be told.
    pub(super) fn measure(&self, of: Terms, row: &[f64], rollup: &mut Rollup) -> bool {
        of.fill_terms(row, &mut rollup.terms);
        self.add_up(rollup);
        let is_lost = |(at, sum): (usize, &f64)| *sum < LEAST && self.has_a_score(at, row);
        !(of.may_be_lost() && rollup.sums.iter().enumerate().any(is_lost))
    }

    /// Adds the terms up to the inner nodes.
    pub(super) fn add_up(&self, rollup: &mut Rollup) {
        let Rollup { terms, sums, .. } = rollup;
        sums.clear();
        match self.has_own {
            true => sums.extend(self.inner.iter().map(|&node| terms[node as usize])),
            false => sums.resize(self.inner.len(), 0.0),
        }
        for run in &self.runs {
            sums[run.at as usize] += sum(&terms[run.entries()]);
        }
        for at in (1..sums.len()).rev() {
            sums[self.above[at] as usize] += sums[at];
        }
    }

    /// `log P` of the inner nodes and of the entries, of what was measured.
    pub(super) fn logs(&self, of: Terms, row: &[f64], rollup: &mut Rollup) {
        let Rollup { terms, sums, logs, log_shares, .. } = rollup;
        let total = sums[0];
        of.logs(sums, total, logs);
        logs[0] = 0.0;
        of.log_shares(row, total, log_shares);
        for &(at, only) in &self.alone {
            logs[at as usize] = match only {
                Only::Inner(child) => logs[child as usize],
                Only::Leaf(entry) => log_shares[entry as usize],
            };
        }
        if of.are_shares()
            && let Some((entry, outside)) = self.heavy_path(terms, sums, logs)
        {
            log_shares[entry] = scalar::ln_1p(-outside / total);
        }
    }

    /// Fills `log_p` by node from a row. False, and nothing that counts, where a node's sum is too small to be told.
    pub(crate) fn log_probs(&self, of: Terms, row: &[f64], log_p: &mut Vec<f64>, rollup: &mut Rollup) -> bool {
        if !self.measure(of, row, rollup) {
            return false;
        }
        self.logs(of, row, rollup);
        let Rollup { logs, log_shares, .. } = rollup;
        // No rounding makes a node more probable than its parent.
        log_p.resize(self.nodes, 0.0);
        for (at, &node) in self.inner.iter().enumerate() {
            logs[at] = smaller(logs[at], logs[self.above[at] as usize]);
            log_p[node as usize] = logs[at];
        }
        for run in &self.runs {
            let above = logs[run.at as usize];
            for (log_p, log_share) in log_p[run.nodes()].iter_mut().zip(&log_shares[run.entries()]) {
                *log_p = smaller(*log_share, above);
            }
        }
        true
    }

    /// Whether any node of a subtree has a score.
    fn has_a_score(&self, at: usize, row: &[f64]) -> bool {
        let (start, end) = self.span[at];
        row[start as usize..end as usize].iter().any(|score| *score > f64::NEG_INFINITY)
    }

    /// Puts the logarithms of the inner nodes with more than half of the sum right. A leaf with more than that is returned,
    /// by its entry, with what the other terms add up to.
    fn heavy_path(&self, terms: &[f64], sums: &[f64], logs: &mut [f64]) -> Option<(usize, f64)> {
        let total = sums[0];
        let is_heavy = |sum: f64| 2.0 * sum > total;
        let (mut at, mut outside) = (0, 0.0);
        loop {
            if self.has_own {
                outside += terms[self.inner[at] as usize];
            }
            let children = self.children(at);
            let heavy = children.iter().copied().find(|&child| is_heavy(sums[child as usize]));
            let others = children.iter().filter(|child| heavy != Some(**child));
            let inner: f64 = others.map(|&child| sums[child as usize]).sum();
            let runs = self.runs(at).iter().map(|run| run.entries());
            let Some(heavy) = heavy else {
                let leaf = runs.clone().flatten().find(|&leaf| is_heavy(terms[leaf]))?;
                let without = |run: Range<usize>| match run.contains(&leaf) {
                    true => sum(&terms[run.start..leaf]) + sum(&terms[leaf + 1..run.end]),
                    false => sum(&terms[run]),
                };
                return Some((leaf, outside + (inner + runs.map(without).sum::<f64>())));
            };
            outside += inner + runs.map(|run| sum(&terms[run])).sum::<f64>();
            logs[heavy as usize] = scalar::ln_1p(-outside / total);
            at = heavy as usize;
        }
    }
}

/// The tables of a DAG.
#[derive(Debug)]
pub(crate) struct DagRollup {
    /// By class: the node that carries it.
    pub(super) class_node: Vec<u32>,
    /// The nodes that carry no class, ascending, without the root.
    pub(super) inner: Vec<u32>,
    /// By class: the inner nodes above it, by their place.
    pub(super) closure: Closure,
    /// The inner nodes with one class, and the node that carries it.
    pub(super) alone: Vec<(u32, u32)>,
    pub(super) parents: Parents,
}

impl DagRollup {
    /// `closure` has the class's own node too, and not the root.
    pub(crate) fn new(class_node: Vec<u32>, closure: &Closure, parents: Parents) -> Self {
        let nodes = parents.offsets.len() - 1;
        let mut carries = vec![false; nodes];
        class_node.iter().for_each(|&node| carries[node as usize] = true);
        let inner: Vec<u32> = (1..nodes as u32).filter(|&node| !carries[node as usize]).collect();
        let mut place = vec![0; nodes];
        inner.iter().enumerate().for_each(|(at, &node)| place[node as usize] = at as u32);
        let mut of_inner = Closure { offsets: vec![0], above: Vec::new() };
        // How many classes an inner node has, and the last of them.
        let mut classes = vec![(0, 0); inner.len()];
        for (class, &carrier) in class_node.iter().enumerate() {
            for &node in closure.of(class).iter().filter(|&&node| !carries[node as usize]) {
                let at = place[node as usize];
                of_inner.above.push(at);
                classes[at as usize] = (classes[at as usize].0 + 1, carrier);
            }
            of_inner.offsets.push(of_inner.above.len() as u32);
        }
        let alone = inner.iter().zip(classes).filter(|(_, (count, _))| *count == 1);
        let alone = alone.map(|(&node, (_, carrier))| (node, carrier)).collect();
        Self { class_node, inner, closure: of_inner, alone, parents }
    }

    /// As [`TreeRollup::measure`], with the row by class.
    pub(super) fn measure(&self, of: Terms, row: &[f64], rollup: &mut Rollup) -> bool {
        of.fill_terms(row, &mut rollup.terms);
        self.add_up(rollup);
        let sums = &rollup.sums;
        !(of.may_be_lost() && sums.iter().any(|sum| *sum < LEAST) && self.is_lost(row, sums))
    }

    /// Adds the terms up to the inner nodes.
    pub(super) fn add_up(&self, rollup: &mut Rollup) {
        let Rollup { terms, sums, .. } = rollup;
        sums.clear();
        sums.resize(self.inner.len(), 0.0);
        for (class, &term) in terms.iter().enumerate() {
            for &at in self.closure.of(class) {
                sums[at as usize] += term;
            }
        }
    }

    /// As [`TreeRollup::logs`]; returns the sum of all terms.
    pub(super) fn logs(&self, of: Terms, row: &[f64], rollup: &mut Rollup) -> f64 {
        let Rollup { terms, sums, logs, log_shares, heavy, outside, .. } = rollup;
        let total = doubles::sum_of(terms);
        of.log_shares(row, total, log_shares);
        of.logs(sums, total, logs);
        heavy.clear();
        outside.clear();
        if of.are_shares() {
            self.find_heavy((terms, sums, total), heavy, outside);
            for (&at, outside) in heavy.iter().zip(&*outside) {
                logs[at as usize] = scalar::ln_1p(-outside / total);
            }
            if let Some(top) = terms.iter().position(|&term| 2.0 * term > total) {
                let outside = sum(&terms[..top]) + sum(&terms[top + 1..]);
                log_shares[top] = scalar::ln_1p(-outside / total);
            }
        }
        total
    }

    /// As [`TreeRollup::log_probs`], with the row by class.
    pub(crate) fn log_probs(&self, of: Terms, row: &[f64], log_p: &mut Vec<f64>, rollup: &mut Rollup) -> bool {
        if !self.measure(of, row, rollup) {
            return false;
        }
        self.logs(of, row, rollup);
        let Rollup { logs, log_shares, .. } = rollup;
        log_p.clear();
        log_p.resize(self.parents.offsets.len() - 1, 0.0);
        self.class_node.iter().zip(&*log_shares).for_each(|(&node, &log)| log_p[node as usize] = log);
        self.inner.iter().zip(&*logs).for_each(|(&node, &log)| log_p[node as usize] = log);
        self.alone.iter().for_each(|&(node, carrier)| log_p[node as usize] = log_p[carrier as usize]);
        // No rounding makes a node more probable than its parents.
        log_p[0] = 0.0;
        for node in 1..log_p.len() {
            let parents = self.parents.of(node).iter();
            log_p[node] = parents.fold(log_p[node], |log, &parent| smaller(log, log_p[parent as usize]));
        }
        // A class that another parent lowered takes those along that are no more than it.
        self.alone.iter().for_each(|&(node, carrier)| log_p[node as usize] = log_p[carrier as usize]);
        true
    }

    /// Whether a class that has a score is below an inner node whose sum is too small.
    fn is_lost(&self, row: &[f64], sums: &[f64]) -> bool {
        let mut scores = row.iter().enumerate().filter(|(_, score)| **score > f64::NEG_INFINITY);
        scores.any(|(class, _)| self.closure.of(class).iter().any(|&at| sums[at as usize] < LEAST))
    }

    /// The nodes with more than half of the sum, and what is outside of each.
    fn find_heavy(&self, (terms, sums, total): (&[f64], &[f64], f64), heavy: &mut Vec<u32>, outside: &mut Vec<f64>) {
        heavy.extend((0..sums.len() as u32).filter(|&at| 2.0 * sums[at as usize] > total));
        outside.resize(heavy.len(), 0.0);
        if heavy.is_empty() {
            return;
        }
        for (class, &term) in terms.iter().enumerate() {
            // Both lists ascend.
            let mut next = self.closure.of(class).iter().peekable();
            for (outside, at) in outside.iter_mut().zip(&*heavy) {
                while next.next_if(|above| *above < at).is_some() {}
                if next.peek().is_none_or(|above| *above != at) {
                    *outside += term;
                }
            }
        }
    }
}

/// The tables of a class softmax.
#[derive(Debug)]
pub(crate) enum ClassRollup {
    /// With the classes in the order of the tree, where they are in another one.
    Tree(TreeRollup, Option<Vec<u32>>),
    Dag(DagRollup),
}

impl ClassRollup {
    pub(crate) fn new(tables: &NodeTables, parents: Parents) -> Self {
        let class_node = tables.class_node.clone();
        match &tables.shape {
            Shape::Tree(tree) => {
                let mut order: Vec<u32> = (0..class_node.len() as u32).collect();
                order.sort_unstable_by_key(|&class| class_node[class as usize]);
                Self::Tree(TreeRollup::new(tree, false), (!order.is_sorted()).then_some(order))
            }
            Shape::Dag(closure) => Self::Dag(DagRollup::new(class_node, closure, parents)),
        }
    }

    /// As [`TreeRollup::log_probs`], with the row by class.
    pub(crate) fn log_probs(&self, of: Terms, row: &[f64], log_p: &mut Vec<f64>, rollup: &mut Rollup) -> bool {
        match self {
            Self::Tree(tree, None) => tree.log_probs(of, row, log_p, rollup),
            Self::Tree(tree, Some(order)) => {
                let mut ordered = std::mem::take(&mut rollup.ordered);
                ordered.clear();
                ordered.extend(order.iter().map(|&class| row[class as usize]));
                let is_told = tree.log_probs(of, &ordered, log_p, rollup);
                rollup.ordered = ordered;
                is_told
            }
            Self::Dag(dag) => dag.log_probs(of, row, log_p, rollup),
        }
    }
}

/// Where a node stands in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The class that it carries, in the order of the table.
    Class(u32),
    /// Among the inner nodes.
    Inner(u32),
}

impl ClassRollup {
    /// By node. The root of a DAG, which has no place, stands nowhere.
    pub(crate) fn places(&self, nodes: usize) -> Vec<Place> {
        let mut places = vec![Place::Inner(u32::MAX); nodes];
        match self {
            Self::Tree(tree, _) => {
                for (at, &node) in tree.inner.iter().enumerate() {
                    places[node as usize] = Place::Inner(at as u32);
                }
                for run in &tree.runs {
                    for (node, entry) in run.nodes().zip(run.entries()) {
                        places[node] = Place::Class(entry as u32);
                    }
                }
            }
            Self::Dag(dag) => {
                for (at, &node) in dag.inner.iter().enumerate() {
                    places[node as usize] = Place::Inner(at as u32);
                }
                for (class, &node) in dag.class_node.iter().enumerate() {
                    places[node as usize] = Place::Class(class as u32);
                }
            }
        }
        places
    }
}

/// The smaller of two numbers, of which none is NaN.
#[inline(always)]
fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The sum of some terms, of few without a call.
#[inline]
pub(super) fn sum(terms: &[f64]) -> f64 {
    if terms.len() >= 32 {
        return doubles::sum_of(terms);
    }
    let (fours, rest) = terms.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        (0..4).for_each(|lane| sums[lane] += four[lane]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest.iter().sum::<f64>()
}
