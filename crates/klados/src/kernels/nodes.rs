//! Log-probabilities of all nodes of a class softmax, and the way back from their gradient to the logits. In `f64`.
//!
//! In a tree they run down the edges: `log P(v) = log P(v | parent) + log P(parent)`, a sum of terms of one sign, each
//! taken with the largest sibling left out of the sum, so that every one has full relative precision however close to
//! 0 or 1 the probability is. In a DAG each node's classes are summed by way of the closure.

use super::mass::Mass;
use super::paths::Tree;
use super::pool::Pool;
use crate::hierarchy::Closure;
use crate::numeric::{Float, scalar};

/// The indices that the kernel needs of a hierarchy.
#[derive(Debug)]
pub(crate) struct NodeTables {
    /// By column: the node that carries the class.
    pub(crate) class_node: Vec<u32>,
    pub(crate) nodes: usize,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Tree(Tree),
    Dag(Closure),
}

impl NodeTables {
    /// By class: the sum of `of_node` over the nodes at and above it, the root left out.
    pub(crate) fn sum_above(&self, of_node: &[f64], by_class: &mut [f64], pool: &mut Pool) {
        match &self.shape {
            Shape::Tree(Tree { parent, .. }) => {
                let mut sums = pool.floats(self.nodes, 0.0);
                for node in 1..self.nodes {
                    sums[node] = sums[parent[node] as usize] + of_node[node];
                }
                by_class.iter_mut().zip(&self.class_node).for_each(|(sum, &node)| *sum = sums[node as usize]);
                pool.keep(sums);
            }
            Shape::Dag(closure) => {
                for (class, sum) in by_class.iter_mut().enumerate() {
                    *sum = closure.of(class).iter().map(|&node| of_node[node as usize]).sum();
                }
            }
        }
    }

    /// By node: the sum of `of_class` over the classes at or below it, the root's left at 0.
    pub(crate) fn sum_below(&self, of_class: &[f64], by_node: &mut Vec<f64>) {
        by_node.clear();
        by_node.resize(self.nodes, 0.0);
        match &self.shape {
            Shape::Tree(Tree { parent, .. }) => {
                for (&value, &node) in of_class.iter().zip(&self.class_node) {
                    by_node[node as usize] = value;
                }
                for node in (1..self.nodes).rev() {
                    by_node[parent[node] as usize] += by_node[node];
                }
                by_node[0] = 0.0;
            }
            Shape::Dag(Closure { offsets, above }) => {
                for (class, &value) in of_class.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    for &node in &above[offsets[class] as usize..offsets[class + 1] as usize] {
                        by_node[node as usize] += value;
                    }
                }
            }
        }
    }
}

/// A row's node quantities; reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    /// `log P(v)`; 0 for the root.
    pub(crate) log_p: Vec<f64>,
    /// `log P(v | parent)`, in a tree.
    pub(crate) log_cond: Vec<f64>,
    /// The mass below `v`.
    mass: Vec<Mass>,
    flow: Vec<f64>,
    after: Vec<f64>,
}

impl Nodes {
    /// Fills `log_p` and, in a tree, `log_cond`. False if there is a NaN or `+inf`; a masked row has all `-inf` below
    /// the root.
    pub(crate) fn forward<T: Float>(&mut self, z: &[T], tables: &NodeTables) -> bool {
        let max = T::max_of(z).to_f64();
        if scalar::is_poison(max) {
            return false;
        }
        for values in [&mut self.log_p, &mut self.log_cond] {
            values.clear();
            values.resize(tables.nodes, f64::NEG_INFINITY);
        }
        self.mass.clear();
        self.mass.resize(tables.nodes, Mass::NONE);
        self.log_p[0] = 0.0;
        if max == f64::NEG_INFINITY {
            return true;
        }
        match &tables.shape {
            Shape::Tree(Tree { parent, offsets, children }) => {
                for (z, &node) in z.iter().zip(&tables.class_node) {
                    self.mass[node as usize] = Mass::of(z.to_f64());
                }
                for node in (0..tables.nodes).rev() {
                    self.normalize_children(node, &children[offsets[node] as usize..offsets[node + 1] as usize]);
                }
                for node in 1..tables.nodes {
                    self.log_p[node] = self.log_p[parent[node] as usize] + self.log_cond[node];
                }
            }
            Shape::Dag(Closure { offsets, above }) => self.forward_dag(z, max, tables, offsets, above),
        }
        true
    }

    /// The mass of a node and the conditional log-probabilities of its children.
    fn normalize_children(&mut self, node: usize, children: &[u32]) {
        let Some(&first) = children.first() else { return };
        let mut top = first as usize;
        for &child in &children[1..] {
            if self.mass[top].is_less_than(self.mass[child as usize]) {
                top = child as usize;
            }
        }
        let max = self.mass[top];
        if max.is_none() {
            return;
        }
        let mut others = 0.0;
        for &child in children {
            if child as usize != top {
                others += self.mass[child as usize].over(max);
            }
        }
        let log_all = scalar::ln_1p(others);
        for &child in children {
            let log_over = if child as usize == top { 0.0 } else { self.mass[child as usize].log_over(max) };
            self.log_cond[child as usize] = log_over - log_all;
        }
        self.mass[node] = Mass { top: max.top, sum: max.sum * (1.0 + others) };
    }

    fn forward_dag<T: Float>(&mut self, z: &[T], max: f64, tables: &NodeTables, offsets: &[u32], above: &[u32]) {
        let rows = || {
            let ends = offsets.windows(2).map(|pair| &above[pair[0] as usize..pair[1] as usize]);
            z.iter().map(|z| z.to_f64()).zip(ends).filter(|(z, _)| *z > f64::NEG_INFINITY)
        };
        self.mass[0] = Mass { top: max, sum: 0.0 };
        for (z, nodes) in rows() {
            self.mass[0].sum += scalar::exp(z - max);
            for &node in nodes {
                self.mass[node as usize].top = self.mass[node as usize].top.max(z);
            }
        }
        for (z, nodes) in rows() {
            for &node in nodes {
                let mass = &mut self.mass[node as usize];
                mass.sum += scalar::exp(z - mass.top);
            }
        }
        let all = self.mass[0];
        // Probabilities near 1 come from the complement, which only the few nodes above one half need.
        let mut heavy = Vec::new();
        for node in 1..tables.nodes {
            self.log_p[node] = self.mass[node].log_over(all);
            if self.log_p[node] > -std::f64::consts::LN_2 {
                heavy.push(node as u32);
            }
        }
        let mut outside = vec![0.0; heavy.len()];
        for (z, nodes) in rows() {
            let share = scalar::exp(z - max) / all.sum;
            // Both lists ascend.
            let mut next = nodes.iter().peekable();
            for (outside, node) in outside.iter_mut().zip(&heavy) {
                while next.next_if(|at| *at < node).is_some() {}
                if next.peek().is_none_or(|at| *at != node) {
                    *outside += share;
                }
            }
        }
        for (outside, node) in outside.into_iter().zip(heavy) {
            self.log_p[node as usize] = scalar::ln_1p(-outside);
        }
    }

    /// From `upstream[v] = dL / d log P(v)` of the last [`forward`](Self::forward) to `dL / dz`, which is handed to
    /// `store` a class at a time. The root's entry has no effect, nor has that of a node of probability 0.
    pub(crate) fn backward_marginal<T: Float>(
        &mut self,
        z: &[T],
        tables: &NodeTables,
        upstream: &[f64],
        store: impl FnMut(usize, f64),
    ) {
        self.flow.clear();
        let live = |(&up, &log_p): (&f64, &f64)| if log_p == f64::NEG_INFINITY { 0.0 } else { up };
        self.flow.extend(upstream.iter().zip(&self.log_p).map(live));
        self.flow[0] = 0.0;
        match &tables.shape {
            Shape::Tree(Tree { parent, offsets, children }) => {
                // log P(v) is the sum of the conditional ones above v, so those have what is sent from below.
                for node in (1..tables.nodes).rev() {
                    self.flow[parent[node] as usize] += self.flow[node];
                }
                self.flow_down(z, tables, offsets, children, store);
            }
            Shape::Dag(Closure { offsets, above }) => self.backward_dag(z, offsets, above, store),
        }
    }

    /// As [`backward_marginal`](Self::backward_marginal) for `upstream[v] = dL / d log P(v | parent)`, in a tree.
    pub(crate) fn backward_conditional<T: Float>(
        &mut self,
        z: &[T],
        tables: &NodeTables,
        upstream: &[f64],
        store: impl FnMut(usize, f64),
    ) {
        let Shape::Tree(Tree { offsets, children, .. }) = &tables.shape else { return };
        self.flow.clear();
        self.flow.extend_from_slice(upstream);
        self.flow_down(z, tables, offsets, children, store);
    }

    /// From `flow[v] = dL / d log P(v | parent)` to the gradient by the log-mass of each node, from the root down:
    /// `(1 - P) flow(v) - P (flow of the siblings) + P (gradient of the parent)`, `P = P(v | parent)`. The siblings are
    /// summed without `v`, so that nothing cancels.
    fn flow_down<T: Float>(
        &mut self,
        z: &[T],
        tables: &NodeTables,
        offsets: &[u32],
        children: &[u32],
        mut store: impl FnMut(usize, f64),
    ) {
        self.flow[0] = 0.0;
        for node in 0..tables.nodes {
            let children = &children[offsets[node] as usize..offsets[node + 1] as usize];
            self.after.clear();
            let mut sum = 0.0;
            for &child in children.iter().rev() {
                self.after.push(sum);
                sum += self.flow[child as usize];
            }
            let mut before = 0.0;
            for &child in children {
                let own = self.flow[child as usize];
                let siblings = before + self.after.pop().unwrap_or(0.0);
                let log_p = self.log_cond[child as usize];
                self.flow[child as usize] =
                    scalar::one_minus_exp(log_p) * own + scalar::exp(log_p) * (self.flow[node] - siblings);
                before += own;
            }
        }
        for (class, (z, &node)) in z.iter().zip(&tables.class_node).enumerate() {
            let masked = z.to_f64() == f64::NEG_INFINITY;
            store(class, if masked { 0.0 } else { self.flow[node as usize] });
        }
    }

    /// `sum_{v above k} flow(v) (1 - P(v)) p_k / P(v) - p_k (flow of the nodes that are not above k)`.
    fn backward_dag<T: Float>(&mut self, z: &[T], offsets: &[u32], above: &[u32], mut store: impl FnMut(usize, f64)) {
        let sending = |flow: &&f64| **flow != 0.0;
        let total: f64 = self.flow.iter().sum();
        let senders = self.flow.iter().filter(sending).count();
        for (class, z) in z.iter().enumerate() {
            let mass = Mass::of(z.to_f64());
            if mass.is_none() {
                store(class, 0.0);
                continue;
            }
            let (mut pull, mut inside, mut counted) = (0.0, 0.0, 0);
            for &node in &above[offsets[class] as usize..offsets[class + 1] as usize] {
                let flow = self.flow[node as usize];
                if flow != 0.0 {
                    let outside = scalar::one_minus_exp(self.log_p[node as usize]);
                    pull += flow * outside * mass.over(self.mass[node as usize]);
                    inside += flow;
                    counted += 1;
                }
            }
            // Where every sender is above the class the difference is 0, which rounding must not hide.
            let others = if counted == senders { 0.0 } else { total - inside };
            store(class, pull - others * mass.over(self.mass[0]));
        }
    }
}
