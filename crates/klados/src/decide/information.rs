//! The largest `P` times a gain: what expected information and hedging maximise.

use super::Order;
use super::rule::{NodeRule, Scratch};
use crate::numeric::scalar;
use crate::{Hierarchy, NodeId};

/// Values that differ by less than this, relative to their summands, are ties of which rounding made a difference.
const SLACK: f64 = 1e-13;

/// `argmax_v P(v) g(v)`, compared by logarithms: `log P + log g`, without an exponential.
#[derive(Debug)]
pub(super) struct LargestGain {
    order: Order,
    /// `log g` by node, up to a constant.
    log_gain: Vec<f64>,
}

/// `I(v) = -log2(|D(v)| / |D(root)|)` by node.
pub(super) fn information(hierarchy: &Hierarchy) -> Vec<f64> {
    let bits = |node| scalar::information(hierarchy.count_classes_below(node), hierarchy.class_count());
    hierarchy.nodes().map(bits).collect()
}

impl LargestGain {
    /// With `g = I + lambda`.
    pub(super) fn new(hierarchy: &Hierarchy, lambda: f64) -> Self {
        // Over lambda, so that the difference of two nodes is kept where lambda is much larger than what they tell.
        let log_gain = |bits: f64| match lambda > 1.0 {
            true => scalar::ln_1p(bits / lambda),
            false => scalar::ln(bits + lambda),
        };
        Self { order: Order::new(hierarchy), log_gain: information(hierarchy).into_iter().map(log_gain).collect() }
    }

    pub(super) fn best(&self, log_p: &[f64]) -> NodeId {
        let value = |node: usize| log_p[node] + self.log_gain[node];
        let mut best = (0, f64::NEG_INFINITY);
        for node in 0..self.log_gain.len() {
            if value(node) > best.1 {
                best = (node, value(node));
            }
        }
        let slack = SLACK * (log_p[best.0].abs() + self.log_gain[best.0].abs());
        // Where nothing tells anything, all nodes tie.
        let least = if best.1 == f64::NEG_INFINITY { best.1 } else { best.1 - slack };
        self.order.first(least, value).unwrap_or(NodeId::ROOT)
    }
}

impl NodeRule for LargestGain {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        self.best(log_p)
    }
}
