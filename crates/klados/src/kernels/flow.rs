//! What weighs on the log-probabilities of all nodes of a class softmax, as a loss and its gradient: the way back of
//! [`rollup`](super::rollup), in `f64`. One exponential a class, and a logarithm a node with children.
//!
//! A sum over the siblings of a node is that of all less its own, but for the one that has more than half: of that the others
//! are added up. So nothing cancels.

use super::rollup::{ClassRollup, DagRollup, Rollup, Terms, TreeRollup};
use crate::numeric::{Float, doubles, scalar};

/// Sums from here up leave digits to logarithms whose differences are taken.
const LEAST_OF_DIFFERENCES: f64 = 1e-60;

/// What a row reuses.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) rollup: Rollup,
    /// What weighs on the log-probability of each node; by class and by inner node in a tree, else by node.
    pub(crate) of_class: Vec<f64>,
    pub(crate) of_inner: Vec<f64>,
    /// By inner node of a tree: what weighs on its children, and the gradient by the logarithm of its mass.
    below: Vec<f64>,
    by_log_mass: Vec<f64>,
    logs: Vec<f64>,
    ordered: Vec<f64>,
    /// The gradient by class, in the order of the tree.
    by_entry: Vec<f64>,
}

/// What of each node is the probability: that of the node, or given its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Node,
    GivenParent,
}

impl ClassRollup {
    /// Adds up over the classes below the nodes what weighs on each class, times the weight of the node: `of_class` comes by
    /// class in the order of the table and becomes what weighs on the class's own node.
    pub(crate) fn weigh(&self, node_weights: &NodeWeights, flow: &mut Flow) {
        let Flow { of_class, of_inner, .. } = flow;
        match self {
            Self::Tree(tree, _) => {
                of_inner.clear();
                of_inner.resize(tree.inner.len(), 0.0);
                for run in &tree.runs {
                    of_inner[run.at as usize] += super::rollup::sum(&of_class[run.entries()]);
                }
                for at in (1..of_inner.len()).rev() {
                    of_inner[tree.above[at] as usize] += of_inner[at];
                }
            }
            Self::Dag(dag) => {
                of_inner.clear();
                of_inner.resize(dag.inner.len(), 0.0);
                for (class, &own) in of_class.iter().enumerate().filter(|(_, own)| **own != 0.0) {
                    for &at in dag.closure.of(class) {
                        of_inner[at as usize] += own;
                    }
                }
            }
        }
        of_class.iter_mut().zip(&node_weights.of_class).for_each(|(flow, weight)| *flow *= weight);
        of_inner.iter_mut().zip(&node_weights.of_inner).for_each(|(flow, weight)| *flow *= weight);
        if let (Self::Tree(..), Some(root)) = (self, of_inner.first_mut()) {
            *root = 0.0;
        }
    }

    /// Adds the terms of the classes up to the inner nodes.
    pub(super) fn add_up(&self, rollup: &mut Rollup) {
        match self {
            Self::Tree(tree, _) => tree.add_up(rollup),
            Self::Dag(dag) => dag.add_up(rollup),
        }
    }

    /// Adds to each class what the nodes above it have. Those of a tree have it of the nodes above them too, after it.
    pub(super) fn hand_down(&self, of_inner: &mut [f64], of_class: &mut [f64]) {
        match self {
            Self::Tree(tree, _) => {
                for at in 1..of_inner.len() {
                    of_inner[at] += of_inner[tree.above[at] as usize];
                }
                for run in &tree.runs {
                    let above = of_inner[run.at as usize];
                    of_class[run.entries()].iter_mut().for_each(|own| *own += above);
                }
            }
            Self::Dag(dag) => {
                for (class, own) in of_class.iter_mut().enumerate() {
                    *own += dag.closure.of(class).iter().map(|&at| of_inner[at as usize]).sum::<f64>();
                }
            }
        }
    }

    /// The classes in the order of the table, where it is another one than that of the columns.
    pub(crate) fn order(&self) -> Option<&[u32]> {
        match self {
            Self::Tree(_, order) => order.as_deref(),
            Self::Dag(_) => None,
        }
    }

    /// By class in the order of the table, and by inner node, what stands by node.
    pub(crate) fn node_weights(&self, by_node: &[f64]) -> NodeWeights {
        let mut weights = NodeWeights::default();
        self.split(by_node, &mut weights.of_class, &mut weights.of_inner);
        weights
    }

    fn split(&self, by_node: &[f64], of_class: &mut Vec<f64>, of_inner: &mut Vec<f64>) {
        of_class.clear();
        of_inner.clear();
        match self {
            Self::Tree(tree, _) => {
                of_class.resize(tree.entries(), 0.0);
                for run in &tree.runs {
                    of_class[run.entries()].copy_from_slice(&by_node[run.nodes()]);
                }
                of_inner.extend(tree.inner.iter().map(|&node| by_node[node as usize]));
                of_inner[0] = 0.0;
            }
            Self::Dag(dag) => {
                of_class.extend(dag.class_node.iter().map(|&node| by_node[node as usize]));
                of_inner.extend(dag.inner.iter().map(|&node| by_node[node as usize]));
            }
        }
    }

    /// Takes what weighs on each log-probability by node.
    pub(crate) fn take(&self, by_node: &[f64], flow: &mut Flow) {
        self.split(by_node, &mut flow.of_class, &mut flow.of_inner);
    }

    /// Takes what weighs on each class by column.
    pub(crate) fn take_classes(&self, by_class: &[f64], flow: &mut Flow) {
        flow.of_class.clear();
        match self.order() {
            Some(order) => flow.of_class.extend(order.iter().map(|&class| by_class[class as usize])),
            None => flow.of_class.extend_from_slice(by_class),
        }
    }

    /// `sum -flow log P`, and the gradient, which is handed to `store` by class; `None` where a sum is too small to be told.
    /// The row comes in the order of the columns. `wants_loss` as `false` leaves the loss at 0.
    pub(crate) fn flow<T: Float>(
        &self,
        (of, wants_loss): (Of, bool),
        z: &[T],
        flow: &mut Flow,
        wants_gradient: bool,
        mut store: impl FnMut(usize, f64),
    ) -> Option<f64> {
        let mut ordered = std::mem::take(&mut flow.ordered);
        ordered.clear();
        match self.order() {
            Some(order) => ordered.extend(order.iter().map(|&class| z[class as usize].to_f64())),
            None => ordered.extend(z.iter().map(|z| z.to_f64())),
        }
        let max = doubles::max_of(&ordered);
        let loss = match self {
            _ if !max.is_finite() => None,
            Self::Tree(tree, _) => tree.flow((of, wants_loss), (&ordered, max), flow, wants_gradient),
            Self::Dag(dag) => dag.flow((&ordered, max), flow, wants_gradient),
        };
        if wants_gradient && loss.is_some() {
            match self.order() {
                Some(order) => {
                    order.iter().zip(&flow.by_entry).for_each(|(&class, &value)| store(class as usize, value));
                }
                None => flow.by_entry.iter().enumerate().for_each(|(class, &value)| store(class, value)),
            }
        }
        flow.ordered = ordered;
        loss
    }
}

/// What the log-probabilities of the nodes are multiplied with.
#[derive(Debug, Default)]
pub(crate) struct NodeWeights {
    pub(super) of_class: Vec<f64>,
    pub(super) of_inner: Vec<f64>,
}

/// `sum -flow log P` over what has a flow.
fn loss_of(flows: &[f64], logs: &[f64]) -> f64 {
    let term = |(&flow, &log): (&f64, &f64)| if flow == 0.0 { 0.0 } else { flow * log };
    let (fours, rest) = flows.as_chunks::<4>();
    let (four_logs, rest_logs) = logs[..flows.len()].as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (flows, logs) in fours.iter().zip(four_logs) {
        for lane in 0..4 {
            sums[lane] += term((&flows[lane], &logs[lane]));
        }
    }
    let rest: f64 = rest.iter().zip(rest_logs).map(term).sum();
    -((sums[0] + sums[1]) + (sums[2] + sums[3]) + rest)
}

impl TreeRollup {
    fn flow(
        &self,
        (of, wants_loss): (Of, bool),
        (z, max): (&[f64], f64),
        flow: &mut Flow,
        wants_gradient: bool,
    ) -> Option<f64> {
        let Flow { rollup, of_class, of_inner, below, by_log_mass, logs, by_entry, .. } = flow;
        if !self.measure(Terms::Logarithms(max), z, rollup) {
            return None;
        }
        let loss = match of {
            _ if !wants_loss => 0.0,
            Of::Node => {
                self.logs(Terms::Logarithms(max), z, rollup);
                loss_of(of_class, &rollup.log_shares) + loss_of(of_inner, &rollup.logs)
            }
            Of::GivenParent => {
                if rollup.sums.iter().any(|sum| *sum < LEAST_OF_DIFFERENCES && *sum > 0.0) {
                    return None;
                }
                self.logs_given_parent((z, max), rollup, logs);
                loss_of(of_class, &rollup.log_shares) + loss_of(of_inner, &rollup.logs)
            }
        };
        if wants_gradient {
            self.flow_down(of, rollup, (of_class, of_inner), (below, by_log_mass), by_entry);
        }
        Some(loss)
    }

    /// `log P` given the parent, of the entries of the row into `log_shares` and of the inner nodes into `logs`.
    fn logs_given_parent(&self, (z, max): (&[f64], f64), rollup: &mut Rollup, log_sums: &mut Vec<f64>) {
        let Rollup { terms, sums, logs, log_shares, .. } = rollup;
        log_sums.clone_from(sums);
        doubles::ln(log_sums);
        logs.clear();
        logs.push(0.0);
        logs.extend((1..sums.len()).map(|at| sums[at] / sums[self.above[at] as usize]));
        doubles::ln(logs);
        log_shares.clear();
        log_shares.extend(z.iter().map(|z| z - max));
        for run in &self.runs {
            let log_sum = log_sums[run.at as usize];
            log_shares[run.entries()].iter_mut().for_each(|log| *log -= log_sum);
        }
        for at in 0..sums.len() {
            let all = sums[at];
            match self.heavy(at, all, |child| sums[child], terms) {
                Some((Heavy::Child(child), others)) => logs[child] = scalar::ln_1p(-others / all),
                Some((Heavy::Entry(entry), others)) => log_shares[entry] = scalar::ln_1p(-others / all),
                None => {}
            }
        }
    }

    /// The child of a node that has more than half of `all`, the sum of the sizes, and what the others add up to.
    fn heavy(&self, at: usize, all: f64, of_child: impl Fn(usize) -> f64, of_entry: &[f64]) -> Option<(Heavy, f64)> {
        let is_heavy = |part: f64| 2.0 * part.abs() > all;
        let children = || self.children(at).iter().map(|&child| child as usize);
        let sum_of_children = |but: usize| children().filter(|child| *child != but).map(&of_child).sum::<f64>();
        let runs = || self.runs(at).iter().map(|run| run.entries());
        if let Some(child) = children().find(|&child| is_heavy(of_child(child))) {
            let entries: f64 = runs().map(|run| super::rollup::sum(&of_entry[run])).sum();
            return Some((Heavy::Child(child), sum_of_children(child) + entries));
        }
        for run in runs() {
            if let Some(entry) = run.clone().find(|&entry| is_heavy(of_entry[entry])) {
                let sum = |run: std::ops::Range<usize>| super::rollup::sum(&of_entry[run]);
                let without = |run: std::ops::Range<usize>| match run.contains(&entry) {
                    true => sum(run.start..entry) + sum(entry + 1..run.end),
                    false => sum(run),
                };
                return Some((Heavy::Entry(entry), sum_of_children(usize::MAX) + runs().map(without).sum::<f64>()));
            }
        }
        None
    }

    /// The gradient by entry of the row. With `P` given the parent: `(1 - P) flow - P (flows of the siblings) + P (that of the
    /// parent)`, of which the derivative of `-log P` is the negative.
    fn flow_down(
        &self,
        of: Of,
        rollup: &Rollup,
        (of_entry, of_inner): (&[f64], &mut [f64]),
        (below, by_log_mass): (&mut Vec<f64>, &mut Vec<f64>),
        by_entry: &mut Vec<f64>,
    ) {
        let Rollup { terms, sums, .. } = rollup;
        below.clear();
        below.resize(sums.len(), 0.0);
        for run in &self.runs {
            below[run.at as usize] += super::rollup::sum(&of_entry[run.entries()]);
        }
        for at in (1..sums.len()).rev() {
            // `log P` of a node is the sum of those above it given their parents: these have what weighs below them.
            if of == Of::Node {
                of_inner[at] += below[at];
            }
            below[self.above[at] as usize] += of_inner[at];
        }
        by_log_mass.clear();
        by_log_mass.resize(sums.len(), 0.0);
        by_entry.resize(terms.len(), 0.0);
        for at in 0..sums.len() {
            let (all, flows, from_above) = (sums[at], below[at], by_log_mass[at]);
            let inverse = if all == 0.0 { 0.0 } else { 1.0 / all };
            let down = |own: f64, term: f64| {
                let p = term * inverse;
                (1.0 - p) * own - p * ((flows - own) - from_above)
            };
            for &child in self.children(at) {
                by_log_mass[child as usize] = down(of_inner[child as usize], sums[child as usize]);
            }
            for run in self.runs(at) {
                let entries = run.entries();
                let pairs = of_entry[entries.clone()].iter().zip(&terms[entries.clone()]);
                for (grad, (&own, &term)) in by_entry[entries].iter_mut().zip(pairs) {
                    *grad = -down(own, term);
                }
            }
            // The one that has more than half of the mass, or of the flows, once more.
            let of_mass = self.heavy(at, all, |child| sums[child], terms);
            let sizes: f64 = self.children(at).iter().map(|&child| of_inner[child as usize].abs()).sum();
            let sizes = self.runs(at).iter().fold(sizes, |sum, run| sum + sum_of_sizes(&of_entry[run.entries()]));
            let of_flow = self.heavy(at, sizes, |child| of_inner[child], of_entry);
            for heavy in [of_mass, of_flow].into_iter().flatten().map(|(heavy, _)| heavy) {
                let (own, term) = match heavy {
                    Heavy::Child(child) => (of_inner[child], sums[child]),
                    Heavy::Entry(entry) => (of_entry[entry], terms[entry]),
                };
                let others = |found: Option<(Heavy, f64)>, all: f64, own: f64| match found {
                    Some((of, others)) if of == heavy => others,
                    _ => all - own,
                };
                let rest = others(of_mass, all, term) * inverse;
                let value = rest * own - term * inverse * (others(of_flow, flows, own) - from_above);
                match heavy {
                    Heavy::Child(child) => by_log_mass[child] = value,
                    Heavy::Entry(entry) => by_entry[entry] = -value,
                }
            }
        }
    }
}

/// A child of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heavy {
    /// By its place among the inner nodes.
    Child(usize),
    /// By its entry in the row.
    Entry(usize),
}

impl DagRollup {
    fn flow(&self, (z, max): (&[f64], f64), flow: &mut Flow, wants_gradient: bool) -> Option<f64> {
        let Flow { rollup, of_class, of_inner, below: pulls, by_entry, .. } = flow;
        if !self.measure(Terms::Logarithms(max), z, rollup) {
            return None;
        }
        let total = self.logs(Terms::Logarithms(max), z, rollup);
        let Rollup { terms, sums, logs, log_shares, heavy, outside, .. } = rollup;
        let loss = loss_of(of_class, log_shares) + loss_of(of_inner, logs);
        if !wants_gradient {
            return Some(loss);
        }
        // `flow (1 - P) / mass` of each inner node, by which its classes' exponentials are multiplied.
        let rest = |share: f64| 1.0 - share;
        pulls.clear();
        pulls.extend(sums.iter().zip(&*of_inner).map(|(&sum, &flow)| match sum == 0.0 {
            true => 0.0,
            false => flow * rest(sum / total) / sum,
        }));
        for (&at, &outside) in heavy.iter().zip(&*outside) {
            pulls[at as usize] = of_inner[at as usize] * (outside / total) / sums[at as usize];
        }
        let all: f64 = of_inner.iter().sum::<f64>() + of_class.iter().sum::<f64>();
        let senders = of_inner.iter().chain(&*of_class).filter(|flow| **flow != 0.0).count();
        by_entry.clear();
        for (class, (&term, &own)) in terms.iter().zip(&*of_class).enumerate() {
            let (mut pull, mut inside, mut counted) = (0.0, own, usize::from(own != 0.0));
            for &at in self.closure.of(class) {
                pull += pulls[at as usize];
                inside += of_inner[at as usize];
                counted += usize::from(of_inner[at as usize] != 0.0);
            }
            let p = term / total;
            // A class with more than half is known by what is outside of it.
            let rest = if 2.0 * term > total { rollup_outside(terms, class) / total } else { 1.0 - p };
            // Where every sender is above the class the difference is 0, which rounding must not hide.
            let others = if counted == senders { 0.0 } else { all - inside };
            by_entry.push(others * p - pull * term - own * rest);
        }
        Some(loss)
    }
}

fn sum_of_sizes(flows: &[f64]) -> f64 {
    let (fours, rest) = flows.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        (0..4).for_each(|lane| sums[lane] += four[lane].abs());
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest.iter().map(|flow| flow.abs()).sum::<f64>()
}

/// The sum of the terms but one.
fn rollup_outside(terms: &[f64], class: usize) -> f64 {
    doubles::sum_of(&terms[..class]) + doubles::sum_of(&terms[class + 1..])
}
