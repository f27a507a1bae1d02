//! What is counted of a model with a rule: its answers.

use std::collections::HashMap;

use anyhow::Result;
use klados::metrics::{
    Accuracy, BalancedAccuracy, Coverage, Hierarchical, LcaHeight, LcaScores, Levels, Metric, Truths, ValuedBy,
};
use klados::{Decider, NodeId};

use super::Rows;

/// How many of the worst rows are kept.
const WORST: usize = 20;

/// The accumulators of the answers of one rule on one model's probabilities.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    pub(crate) accuracy: Accuracy,
    pub(crate) balanced: BalancedAccuracy,
    pub(crate) coverage: Coverage,
    pub(crate) heights: LcaHeight,
    pub(crate) hierarchical: Hierarchical,
    pub(crate) by_depth: LcaScores,
    pub(crate) by_information: LcaScores,
    /// By node: the rows whose label is at or below it, and those of them whose answer is not.
    pub(crate) nodes: Vec<[u64; 2]>,
    /// By label's node and answer: rows.
    pub(crate) pairs: HashMap<(NodeId, NodeId), u64>,
    /// The worst first.
    pub(crate) worst: Vec<Far>,
}

/// A row that is far off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Far {
    pub(crate) height: usize,
    /// `-log P` of the label's node.
    pub(crate) loss: f64,
    pub(crate) row: usize,
    pub(crate) label: NodeId,
    pub(crate) answer: NodeId,
    /// `log P` of the answer.
    pub(crate) log_p: f64,
}

impl Answers {
    /// Of no rows yet.
    pub(crate) fn new(levels: &Levels) -> Self {
        Self {
            accuracy: Accuracy::new(levels),
            balanced: BalancedAccuracy::new(levels),
            coverage: Coverage::new(levels),
            heights: LcaHeight::new(levels),
            hierarchical: Hierarchical::new(levels),
            by_depth: LcaScores::new(levels, ValuedBy::Depth),
            by_information: LcaScores::new(levels, ValuedBy::Information),
            nodes: vec![[0; 2]; levels.hierarchy().node_count()],
            pairs: HashMap::new(),
            worst: Vec::new(),
        }
    }

    /// Adds answers of one node a row.
    pub(crate) fn update(
        &mut self,
        rows: &Rows<'_>,
        truths: &Truths<'_>,
        log_probs: &[f64],
        answers: &[NodeId],
    ) -> Result<()> {
        let hierarchy = truths.levels().hierarchy();
        let nodes = hierarchy.node_count();
        self.accuracy.update(truths, answers, rows.weights)?;
        self.balanced.update(truths, answers, rows.weights)?;
        self.coverage.update(truths, answers, rows.weights)?;
        self.heights.update(truths, answers, rows.weights)?;
        self.hierarchical.update(truths, answers, rows.weights)?;
        self.by_depth.update(truths, answers, rows.weights)?;
        self.by_information.update(truths, answers, rows.weights)?;
        for (row, &answer) in answers.iter().enumerate() {
            if !truths.takes_part(row) {
                continue;
            }
            let (label, told) = (truths.node(row), truths.as_far_as_known(row, answer));
            let lowest = truths.levels().lowest(told);
            self.nodes[NodeId::ROOT.index()][0] += 1;
            for &node in truths.known(row) {
                let [rows, wrong] = &mut self.nodes[node.index()];
                *rows += 1;
                *wrong += u64::from(!hierarchy.is_at_or_above(node, lowest));
            }
            *self.pairs.entry((label, told)).or_default() += 1;
            let height = truths.lca_height(row, answer);
            if height > 0 {
                let log_p = &log_probs[row * nodes..(row + 1) * nodes];
                let loss = -log_p[label.index()];
                let number = rows.numbers[row];
                self.keep(Far { height, loss, row: number, label, answer, log_p: log_p[answer.index()] });
            }
        }
        Ok(())
    }

    /// Adds answers of a set of nodes a row.
    pub(crate) fn update_sets(&mut self, rows: &Rows<'_>, truths: &Truths<'_>, sets: &[bool]) -> Result<()> {
        Ok(self.hierarchical.update_sets(truths, sets, rows.weights)?)
    }

    fn keep(&mut self, far: Far) {
        if self.worst.len() == WORST && self.worst.last().is_some_and(|last| last.order(&far).is_le()) {
            return;
        }
        let place = self.worst.partition_point(|other| other.order(&far).is_lt());
        self.worst.insert(place, far);
        self.worst.truncate(WORST);
    }

    /// Adds what another has seen.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        self.accuracy.merge(&other.accuracy)?;
        self.balanced.merge(&other.balanced)?;
        self.coverage.merge(&other.coverage)?;
        self.heights.merge(&other.heights)?;
        self.hierarchical.merge(&other.hierarchical)?;
        self.by_depth.merge(&other.by_depth)?;
        self.by_information.merge(&other.by_information)?;
        for (counts, more) in self.nodes.iter_mut().zip(&other.nodes) {
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
        for (pair, rows) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += rows;
        }
        other.worst.iter().for_each(|far| self.keep(far.clone()));
        Ok(())
    }
}

impl Far {
    /// The worse first: the higher, then that of the larger loss, then the first. No two rows are equal.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.height.cmp(&self.height).then(other.loss.total_cmp(&self.loss)).then(self.row.cmp(&other.row))
    }
}

/// The answers of a rule: one node a row, or a set of nodes.
pub(crate) enum Answered {
    Nodes(Vec<NodeId>),
    Sets(Vec<bool>),
}

impl Answered {
    /// By the log-probabilities of all nodes, `[rows, nodes]`.
    pub(crate) fn new(decider: &Decider, log_probs: &[f64], rows: usize) -> Result<Self> {
        if decider.is_multi_label() {
            let mut sets = vec![false; log_probs.len()];
            decider.decide_sets(log_probs, &mut sets)?;
            return Ok(Self::Sets(sets));
        }
        let mut answers = vec![NodeId::ROOT; rows];
        decider.decide(log_probs, &mut answers)?;
        Ok(Self::Nodes(answers))
    }
}
