//! Softmaxes over groups of nodes: siblings, or the nodes of a level. Only the groups that a row's terms are in are read.

use super::focal;
use super::mass::Mass;
use super::ordinary::{self, Buffers, Heavy, Scaled};
use super::pool::Pool;
use crate::numeric::{Float, Run, doubles, scalar};

const ONE: Mass = Mass { top: 0.0, sum: 1.0 };

/// A partition of the nodes but the root. Scores are by node.
#[derive(Debug)]
pub(crate) struct Groups {
    /// By node: its group; the root's is not used.
    of_node: Vec<u32>,
    /// Into `members`, by group.
    offsets: Vec<u32>,
    members: Vec<u32>,
    /// By node: its place among the members of its group.
    place: Vec<u32>,
    /// By node: what is added to its score, where there is such a thing.
    log_prior: Option<Vec<f64>>,
}

/// A node of a union's subtree and the group of its children.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inner {
    pub(crate) node: u32,
    pub(crate) children: u32,
}

impl Groups {
    /// `of_node` by node, with groups `0..count`; the entry of the root is not used.
    pub(crate) fn new(of_node: Vec<u32>, count: usize, log_prior: Option<Vec<f64>>) -> Self {
        let mut offsets = vec![0u32; count + 1];
        of_node[1..].iter().for_each(|&group| offsets[group as usize + 1] += 1);
        (0..count).for_each(|group| offsets[group + 1] += offsets[group]);
        let mut next = offsets.clone();
        let mut members = vec![0; of_node.len() - 1];
        let mut place = vec![0; of_node.len()];
        for (node, &group) in of_node.iter().enumerate().skip(1) {
            members[next[group as usize] as usize] = node as u32;
            place[node] = next[group as usize] - offsets[group as usize];
            next[group as usize] += 1;
        }
        Self { of_node, offsets, members, place, log_prior }
    }

    /// The nodes of a group, ascending.
    pub(crate) fn members(&self, group: u32) -> &[u32] {
        &self.members[self.offsets[group as usize] as usize..self.offsets[group as usize + 1] as usize]
    }

    /// The group of a node.
    pub(crate) fn group(&self, node: usize) -> u32 {
        self.of_node[node]
    }

    /// By node, its group.
    pub(crate) fn by_node(&self) -> &[u32] {
        &self.of_node
    }

    /// By node, what is added to its score.
    pub(crate) fn log_priors(&self) -> Option<&[f64]> {
        self.log_prior.as_deref()
    }

    /// What is added to the score of a node.
    pub(crate) fn log_prior(&self, node: u32) -> f64 {
        self.log_prior.as_ref().map_or(0.0, |prior| prior[node as usize])
    }

    /// All nodes, group by group.
    pub(crate) fn nodes(&self) -> &[u32] {
        &self.members
    }

    /// `sum_i weights[i] * -(1 - P_i)^gamma log P_i`, `P_i` the probability of `nodes[i]` in its group. Nodes of one group
    /// are adjacent and ascend. The gradient is added.
    pub(crate) fn row(
        &self,
        nodes: &[u32],
        weights: &[f64],
        gamma: f64,
        scores: &[f64],
        mut grad: Option<&mut [f64]>,
        pool: &mut Pool,
    ) -> f64 {
        let mut loss = 0.0;
        let mut start = 0;
        let mut log_p = pool.floats(0, 0.0);
        let mut flow = pool.floats(0, 0.0);
        let mut after = pool.floats(0, 0.0);
        for run in nodes.chunk_by(|a, b| self.of_node[*a as usize] == self.of_node[*b as usize]) {
            let members = self.members(self.of_node[run[0] as usize]);
            self.measure(members, scores, &mut log_p);
            flow.clear();
            flow.resize(members.len(), 0.0);
            let mut at = 0;
            for (node, weight) in run.iter().zip(&weights[start..]) {
                while members[at] != *node {
                    at += 1;
                }
                let term = focal::term(log_p[at], scalar::one_minus_exp(log_p[at]), gamma);
                loss += weight * term.value;
                flow[at] = weight * term.slope;
            }
            start += run.len();
            if let Some(grad) = grad.as_deref_mut()
                && loss.is_finite()
            {
                spread(members, &log_p, &flow, &mut after, grad);
            }
        }
        [log_p, flow, after].into_iter().for_each(|array| pool.keep(array));
        loss
    }

    /// As [`row`](Self::row) for one node a group, of an ordinary row by column; `None` for another. `columns` are those of
    /// the members, group by group. The gradient is written.
    pub(crate) fn ordinary_row<T: Float>(
        &self,
        columns: &[u32],
        terms: impl Iterator<Item = (usize, f64)>,
        gamma: f64,
        z: &[T],
        mut grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        if let Some((grad, _)) = &mut grad {
            grad.fill(T::default());
        }
        let mut loss = 0.0;
        for (node, weight) in terms {
            let group = self.of_node[node] as usize;
            let columns = &columns[self.offsets[group] as usize..self.offsets[group + 1] as usize];
            let (at, count) = (self.place[node] as usize, columns.len());
            if count == 1 && z[columns[0] as usize] > T::NEG_INFINITY {
                continue; // it is certain
            }
            ordinary::gather(z, columns, &mut buffers.z);
            let runs = [Run::new(at, 0), Run::new(at + 1, 1), Run::new(count, 0)];
            let mut sums = [0.0; 2];
            let mut exponentials = grad.is_some().then(|| ordinary::first(&mut buffers.terms, count));
            let top = T::exp_runs(&buffers.z, &runs, &mut sums, exponentials.as_deref_mut());
            let [others, own] = sums;
            if !top.is_finite() || own < T::LEAST_SUM || others < T::LEAST_SUM {
                return None;
            }
            let term = ordinary::term(own, others, gamma);
            loss += weight * term.value;
            if let (Some((grad, scale)), Some(terms)) = (&mut grad, exponentials) {
                let slope = weight * term.slope * *scale;
                T::scale_runs(terms, &runs, &[slope * term.outside, slope * term.inside]);
                for (&column, &value) in columns.iter().zip(&*terms) {
                    grad[column as usize] = value;
                }
            }
        }
        Some(loss)
    }

    /// `sum -weights[v] log P(v)` over all nodes, of a row without `-inf`, by column. `weights` is by node, and `columns` are those
    /// of the members, group by group. The gradient is written.
    pub(crate) fn flow_row<T: Float>(
        &self,
        columns: &[u32],
        weights: &[f64],
        z: &[T],
        grad: Scaled<'_, T>,
        wide: [&mut Vec<f64>; 4],
    ) -> f64 {
        let [scores, terms, flows, log_sums] = wide;
        scores.clear();
        scores.extend(columns.iter().map(|&column| z[column as usize].to_f64()));
        flows.clear();
        flows.extend(self.members.iter().map(|&node| weights[node as usize]));
        let groups = || {
            let ends = self.offsets.windows(2).filter(|ends| ends[0] < ends[1]);
            ends.map(|ends| ends[0] as usize..ends[1] as usize)
        };
        for group in groups() {
            let scores = &mut scores[group];
            let top = scores.iter().fold(f64::NEG_INFINITY, |top, &score| if score > top { score } else { top });
            scores.iter_mut().for_each(|score| *score -= top);
        }
        terms.resize(scores.len(), 0.0);
        doubles::exp_below(scores, 0.0, terms);
        // What stands beside the largest, of which the term is 1.
        log_sums.clear();
        for group in groups() {
            let terms = &terms[group];
            let top = terms.iter().position(|&term| term == 1.0).unwrap_or(0);
            log_sums.push(terms[..top].iter().sum::<f64>() + terms[top + 1..].iter().sum::<f64>());
        }
        let (mut grad, scale) = grad.map_or((None, 1.0), |(grad, scale)| (Some(grad), scale));
        if let Some(grad) = &mut grad {
            for (group, &others) in groups().zip(&*log_sums) {
                let (terms, flows, columns) = (&terms[group.clone()], &flows[group.clone()], &columns[group]);
                let all: f64 = flows.iter().sum();
                let inverse = 1.0 / (1.0 + others);
                let (heavy, heavy_flow) = (Heavy::find(terms, 1.0 + others), Heavy::find(flows, all));
                for (at, ((&term, &own), &column)) in terms.iter().zip(flows).zip(columns).enumerate() {
                    let rest = Heavy::others(heavy, at, term, 1.0 + others) * inverse;
                    let others = Heavy::others(heavy_flow, at, own, all);
                    grad[column as usize] = T::from_f64(scale * (term * inverse * others - rest * own));
                }
            }
        }
        doubles::ln_1p(log_sums);
        let mut loss = 0.0;
        for (group, log_sum) in groups().zip(&*log_sums) {
            let terms = flows[group.clone()].iter().zip(&scores[group]);
            loss += terms.map(|(flow, score)| flow * (log_sum - score)).sum::<f64>();
        }
        loss
    }

    /// `-weight (1 - P)^gamma log P` of `P`, the sum over the `named` nodes of the products of the conditional
    /// probabilities from the first of `inner` down to them. Groups are those of siblings; `inner` are the nodes above a
    /// named one, parents first. The gradient is added.
    pub(crate) fn union_row(
        &self,
        (inner, named): (&[Inner], &[u32]),
        (weight, gamma): (f64, f64),
        scores: &[f64],
        grad: Option<&mut [f64]>,
        pool: &mut Pool,
    ) -> f64 {
        // By node: the probability of a named node below it, given the node, as its logarithm and its complement.
        let mut log_in = pool.floats(scores.len(), f64::NEG_INFINITY);
        let mut outside = pool.floats(scores.len(), 1.0);
        // The same as masses: where it is far below 1 a single logarithm would lose digits of ratios.
        let mut within = vec![Mass::NONE; scores.len()];
        for &node in named {
            within[node as usize] = ONE;
            (log_in[node as usize], outside[node as usize]) = (0.0, 0.0);
        }
        let mut log_p = pool.floats(0, 0.0);
        for at in inner.iter().rev() {
            let members = self.members(at.children);
            self.measure(members, scores, &mut log_p);
            let mut inside = Mass::NONE;
            let mut rest = 0.0;
            let all = members.iter().fold(Mass::NONE, |all, &child| all.plus(self.mass(child, scores)));
            for (&child, &log_p) in members.iter().zip(&log_p) {
                inside = inside.plus(self.mass(child, scores).part_of(all).times(within[child as usize]));
                rest += scalar::exp(log_p) * outside[child as usize];
            }
            if inside.is_none() {
                continue; // all that is named below is masked
            }
            outside[at.node as usize] = rest;
            within[at.node as usize] = inside;
            log_in[at.node as usize] = if rest < 0.5 { scalar::ln_1p(-rest) } else { inside.log_over(ONE) };
        }
        let top = inner[0].node as usize;
        let term = focal::term(log_in[top], outside[top], gamma);
        let loss = weight * term.value;
        if let Some(grad) = grad
            && loss.is_finite()
        {
            // By node: how much of the term's weight goes through it.
            let mut through = pool.floats(scores.len(), 0.0);
            through[top] = weight * term.slope;
            for at in inner {
                if through[at.node as usize] == 0.0 {
                    continue; // all that is named below is masked, or has no share that a number holds
                }
                let members = self.members(at.children);
                self.measure(members, scores, &mut log_p);
                let all = members.iter().fold(Mass::NONE, |all, &child| all.plus(self.mass(child, scores)));
                for (&child, &log_p) in members.iter().zip(&log_p) {
                    let own = self.mass(child, scores).part_of(all).times(within[child as usize]);
                    let share = own.over(within[at.node as usize]);
                    // `p (1 - in_c / in_v)`, near `in = 1` from the logarithms, which have their digits there.
                    let is_near = outside[child as usize] < 0.5 && outside[at.node as usize] < 0.5;
                    let pull = if is_near {
                        scalar::exp(log_p) * scalar::one_minus_exp(log_in[child as usize] - log_in[at.node as usize])
                    } else {
                        scalar::exp(log_p) - share
                    };
                    grad[child as usize] += through[at.node as usize] * pull;
                    through[child as usize] = through[at.node as usize] * share;
                }
            }
            pool.keep(through);
        }
        [log_in, outside, log_p].into_iter().for_each(|array| pool.keep(array));
        loss
    }

    /// `log P` of every node in its group; that of the root is 0. Of groups without a prior.
    pub(crate) fn log_probs(&self, scores: &[f64], log_p: &mut [f64], pool: &mut Pool) {
        let mut below_top = pool.floats(0, 0.0);
        below_top.extend(self.members.iter().map(|&node| scores[node as usize]));
        // The siblings below a leaf are none.
        let groups = || {
            let ends = self.offsets.windows(2).filter(|ends| ends[0] < ends[1]);
            ends.map(|ends| ends[0] as usize..ends[1] as usize)
        };
        for group in groups() {
            let group = &mut below_top[group];
            let top = group.iter().fold(f64::NEG_INFINITY, |top, &score| if score > top { score } else { top });
            if top > f64::NEG_INFINITY {
                group.iter_mut().for_each(|score| *score -= top);
            }
        }
        let mut terms = pool.floats(self.members.len(), 0.0);
        doubles::exp_below(&below_top, 0.0, &mut terms);
        // What stands beside the largest, of which the term is 1, so that its probability has all its digits.
        let mut log_sums = pool.floats(0, 0.0);
        for group in groups() {
            let (mut ones, mut others) = (0.0, 0.0);
            for &term in &terms[group] {
                ones += if term == 1.0 { 1.0 } else { 0.0 };
                others += if term == 1.0 { 0.0 } else { term };
            }
            log_sums.push(others + f64::max(ones - 1.0, 0.0));
        }
        doubles::ln_1p(&mut log_sums);
        log_p[0] = 0.0;
        for (group, log_sum) in groups().zip(&log_sums) {
            for (&node, below_top) in self.members[group.clone()].iter().zip(&below_top[group]) {
                log_p[node as usize] = below_top - log_sum;
            }
        }
        [below_top, terms, log_sums].into_iter().for_each(|array| pool.keep(array));
    }

    /// From `upstream[v] = dL / d log P(v)` and the `log P` of each node in its group to the gradient, which is added.
    pub(crate) fn backward(&self, log_p: &[f64], upstream: &[f64], grad: &mut [f64], pool: &mut Pool) {
        let mut of_group = pool.floats(0, 0.0);
        let mut flow = pool.floats(0, 0.0);
        let mut after = pool.floats(0, 0.0);
        for group in 0..self.offsets.len() - 1 {
            let members = self.members(group as u32);
            if members.iter().all(|&node| upstream[node as usize] == 0.0) {
                continue;
            }
            of_group.clear();
            of_group.extend(members.iter().map(|&node| log_p[node as usize]));
            flow.clear();
            flow.extend(members.iter().map(|&node| -upstream[node as usize]));
            spread(members, &of_group, &flow, &mut after, grad);
        }
        [of_group, flow, after].into_iter().for_each(|array| pool.keep(array));
    }

    fn mass(&self, node: u32, scores: &[f64]) -> Mass {
        let score = scores[node as usize];
        match &self.log_prior {
            Some(prior) => Mass::shifted(score, prior[node as usize]),
            None => Mass::of(score),
        }
    }

    fn measure(&self, members: &[u32], scores: &[f64], log_p: &mut Vec<f64>) {
        measure(members, |node| self.mass(node, scores), log_p);
    }
}

/// The log-probabilities of the members of a softmax. The largest is taken as the complement of the others, so that it
/// keeps its digits near 1.
pub(crate) fn measure(members: &[u32], mass: impl Fn(u32) -> Mass, log_p: &mut Vec<f64>) {
    log_p.clear();
    let mut top = 0;
    let mut max = mass(members[0]);
    for (at, &node) in members.iter().enumerate().skip(1) {
        let mass = mass(node);
        if max.is_less_than(mass) {
            (top, max) = (at, mass);
        }
    }
    if max.is_none() {
        log_p.resize(members.len(), f64::NEG_INFINITY);
        return;
    }
    let mut others = 0.0;
    for (at, &node) in members.iter().enumerate() {
        let mass = mass(node);
        others += if at == top { 0.0 } else { mass.over(max) };
        log_p.push(mass.log_over(max));
    }
    let log_all = scalar::ln_1p(others);
    log_p[top] = 0.0;
    log_p.iter_mut().for_each(|log_p| *log_p -= log_all);
}

/// From `flow = -dL / d log P` of the members to the gradient by their scores, which is added: the others are summed
/// without the member itself, so that nothing cancels.
pub(crate) fn spread(members: &[u32], log_p: &[f64], flow: &[f64], after: &mut Vec<f64>, grad: &mut [f64]) {
    after.clear();
    let mut sum = 0.0;
    for own in flow.iter().rev() {
        after.push(sum);
        sum += own;
    }
    let mut before = 0.0;
    for ((&node, &log_p), &own) in members.iter().zip(log_p).zip(flow) {
        let others = before + after.pop().unwrap_or(0.0);
        // A member of probability 0 sends and receives nothing.
        if log_p > f64::NEG_INFINITY {
            grad[node as usize] += scalar::exp(log_p) * others - scalar::one_minus_exp(log_p) * own;
        }
        before += own;
    }
}
