//! The composed path: the same losses from Burn's own tensor operations, on any device, differentiated by Burn.
//!
//! The class sets that a batch needs are gathered in buckets of similar size and each one's log-sum-exp is taken about
//! its own maximum, so that a set's mass does not underflow against the row's. There is no mask of classes x nodes.
//!
//! This is plain floating point: a log-probability is a difference of two log-sum-exps of the size of the logits, so its
//! error is absolute, some units in the last place of the largest logit. A loss of `1e-9` comes out as 0 or as `1e-7`;
//! the fused path has it to 6 digits.

use std::collections::HashMap;

use burn::tensor::{Bool, DType, Device, Int, Tensor, TensorData};
use klados::{Criterion, Hierarchy, InputError, Label, LogProb, NodeId, TermSet};

/// The unreduced losses of a batch.
///
/// # Shapes
///
/// - logits: `[batch, classes]`, `f32` or `f64`
/// - labels: `[batch]`
/// - returns `[batch]`
///
/// # Errors
///
/// A label that the criterion does not take.
pub(crate) fn losses(logits: Tensor<2>, criterion: &Criterion, labels: &[Label]) -> Result<Tensor<1>, InputError> {
    let (device, dtype) = (logits.device(), logits.dtype());
    let batch = Terms::collect(criterion, labels)?;
    let logits = match batch.empty_rows() {
        Some(empty) => {
            // 0 times NaN is NaN: a row that takes no part must not even be looked at.
            let [rows, columns] = logits.dims();
            let empty = Tensor::<2, Bool>::from_data(TensorData::new(empty, [rows, 1]), &device);
            logits.mask_fill(empty.expand([rows, columns]), 0.0)
        }
        None => logits,
    };
    let sums = log_sum_exps(&logits, &batch.sets.classes);
    let log_p = sums.clone().gather(1, batch.indices(&batch.set, &device))
        - sums.gather(1, batch.indices(&batch.given, &device));
    let weight = batch.weights(&device, dtype);
    let loss = match criterion.gamma() {
        0.0 => log_p,
        gamma => focal(log_p, gamma),
    };
    Ok((loss * weight).sum_dim(1).neg().squeeze_dim(1))
}

/// `(1 - P)^gamma log P`.
///
/// Where `P` rounds to 1 (padding, for which it is 1, among it) that is 0, as is its gradient. Differentiating the power
/// there would give `0^(gamma - 1)`.
fn focal(log_p: Tensor<2>, gamma: f64) -> Tensor<2> {
    let certain = log_p.clone().exp().greater_equal_scalar(1.0);
    // Any value at which the power has a derivative will do: what comes of it is dropped.
    let log_p = log_p.mask_fill(certain.clone(), -1.0);
    let rest = log_p.clone().exp().neg().add_scalar(1.0);
    (rest.powf_scalar(gamma) * log_p).mask_fill(certain, 0.0)
}

/// The log-probabilities of nodes.
///
/// # Shapes
///
/// - logits: `[batch, classes]`
/// - returns `[batch, nodes]`
pub(crate) fn node_log_probs(logits: &Tensor<2>, hierarchy: &Hierarchy, nodes: &[NodeId]) -> Tensor<2> {
    let mut sets: Vec<Vec<usize>> = nodes.iter().map(|&node| hierarchy.classes_below(node)).collect();
    sets.push((0..hierarchy.class_count()).collect());
    let sums = log_sum_exps(logits, &sets);
    sums.clone().narrow(1, 0, nodes.len()) - sums.narrow(1, nodes.len(), 1)
}

/// The distinct class sets of a batch.
#[derive(Default)]
struct Sets {
    of_node: HashMap<NodeId, usize>,
    of_union: HashMap<Vec<NodeId>, usize>,
    classes: Vec<Vec<usize>>,
}

impl Sets {
    fn node(&mut self, hierarchy: &Hierarchy, node: NodeId) -> usize {
        *self.of_node.entry(node).or_insert_with(|| {
            self.classes.push(hierarchy.classes_below(node));
            self.classes.len() - 1
        })
    }

    fn union(&mut self, hierarchy: &Hierarchy, nodes: Vec<NodeId>) -> usize {
        *self.of_union.entry(nodes).or_insert_with_key(|nodes| {
            let mut classes: Vec<usize> = nodes.iter().flat_map(|&node| hierarchy.classes_below(node)).collect();
            classes.sort_unstable();
            classes.dedup();
            self.classes.push(classes);
            self.classes.len() - 1
        })
    }
}

/// The terms of a batch's labels, each row padded to the longest with terms of weight 0.
struct Terms {
    sets: Sets,
    rows: usize,
    width: usize,
    /// `[rows * width]`, into the sets.
    set: Vec<usize>,
    given: Vec<usize>,
    weight: Vec<f64>,
    /// The number of terms of each row.
    lengths: Vec<usize>,
}

impl Terms {
    fn collect(criterion: &Criterion, labels: &[Label]) -> Result<Self, InputError> {
        let hierarchy = criterion.hierarchy();
        let mut sets = Sets::default();
        // What padding points at: P(root | root) = 1.
        let root = sets.node(hierarchy, NodeId::ROOT);
        let mut rows = Vec::with_capacity(labels.len());
        for label in labels {
            let mut row = Vec::new();
            for term in criterion.terms(label)? {
                let (set, given) = match (term.of, term.log_p) {
                    (TermSet::Node(node), LogProb::Classes { given }) => (sets.node(hierarchy, node), given),
                    (TermSet::Union(nodes), LogProb::Classes { given }) => (sets.union(hierarchy, nodes), given),
                    (_, other) => panic!("not composed of tensor operations: {other:?}"),
                };
                let given = sets.node(hierarchy, given);
                // The set is within the given one. Where it is all of it P = 1 and there is nothing to compute.
                if sets.classes[set].len() < sets.classes[given].len() {
                    row.push((set, given, term.weight));
                }
            }
            rows.push(row);
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut terms = Self {
            sets,
            rows: rows.len(),
            width,
            set: vec![root; rows.len() * width],
            given: vec![root; rows.len() * width],
            weight: vec![0.0; rows.len() * width],
            lengths: rows.iter().map(Vec::len).collect(),
        };
        for (row, row_terms) in rows.into_iter().enumerate() {
            for (column, (set, given, weight)) in row_terms.into_iter().enumerate() {
                let at = row * width + column;
                (terms.set[at], terms.given[at], terms.weight[at]) = (set, given, weight);
            }
        }
        Ok(terms)
    }

    /// Which rows have no term; `None` if all have one.
    fn empty_rows(&self) -> Option<Vec<bool>> {
        let empty: Vec<bool> = self.lengths.iter().map(|&length| length == 0).collect();
        empty.contains(&true).then_some(empty)
    }

    fn indices(&self, of: &[usize], device: &Device) -> Tensor<2, Int> {
        let values: Vec<i32> = of.iter().map(|&set| set as i32).collect();
        Tensor::from_data(TensorData::new(values, [self.rows, self.width]), device)
    }

    fn weights(&self, device: &Device, dtype: DType) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.weight.clone(), [self.rows, self.width]), (device, dtype))
    }
}

/// The log-sum-exp of every row over each of some sets of columns.
///
/// # Shapes
///
/// - logits: `[batch, classes]`
/// - returns `[batch, sets]`
fn log_sum_exps(logits: &Tensor<2>, sets: &[Vec<usize>]) -> Tensor<2> {
    let [rows, columns] = logits.dims();
    // Sets of one bucket are padded to the same power of two; a set of all columns needs no gathering.
    let mut buckets: Vec<(usize, Vec<usize>)> = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        let width = if set.len() == columns { columns } else { set.len().next_power_of_two() };
        match buckets.iter_mut().find(|(known, _)| *known == width) {
            Some((_, members)) => members.push(index),
            None => buckets.push((width, vec![index])),
        }
    }
    let mut place = vec![0_i32; sets.len()];
    let mut next = 0;
    let mut results = Vec::with_capacity(buckets.len());
    for (width, members) in buckets {
        for &set in &members {
            place[set] = next;
            next += 1;
        }
        let members: Vec<&[usize]> = members.iter().map(|&set| &sets[set][..]).collect();
        results.push(match width {
            1 => select(logits.clone(), members.iter().map(|set| set[0])),
            _ if width == columns && members.iter().all(|set| set.len() == columns) => {
                let all = log_sum_exp(logits.clone().reshape([rows, 1, columns]), None);
                all.repeat_dim(1, members.len())
            }
            _ => bucket(logits.clone(), &members, width),
        });
    }
    let place = Tensor::from_data(TensorData::new(place, [sets.len()]), &logits.device());
    Tensor::cat(results, 1).select(1, place)
}

/// The log-sum-exps of sets of at most `width` columns: `[batch, sets]`.
fn bucket(logits: Tensor<2>, sets: &[&[usize]], width: usize) -> Tensor<2> {
    let ([rows, _], device, dtype) = (logits.dims(), logits.device(), logits.dtype());
    // Padding repeats a member and counts it 0 times: its logit changes neither the maximum nor the sum.
    let columns = sets.iter().flat_map(|set| (0..width).map(|at| *set.get(at).unwrap_or(&set[0])));
    let gathered = select(logits, columns).reshape([rows, sets.len(), width]);
    let counted = sets.iter().flat_map(|set| (0..width).map(|at| f32::from(u8::from(at < set.len()))));
    let counted = TensorData::new(counted.collect::<Vec<_>>(), [1, sets.len(), width]);
    log_sum_exp(gathered, Some(Tensor::from_data(counted, (&device, dtype))))
}

/// `[batch, sets, width]` to `[batch, sets]`.
fn log_sum_exp(values: Tensor<3>, counted: Option<Tensor<3>>) -> Tensor<2> {
    // The maximum cancels, and so does its gradient.
    let max = values.clone().max_dim(2).detach();
    // A set whose classes are all masked has no maximum to take off and no gradient, only the value -inf. What it would
    // do to the gradient, 0 times infinity, must not reach the row's other sets.
    let masked = max.clone().equal_scalar(f64::NEG_INFINITY);
    let max = max.mask_fill(masked.clone(), 0.0);
    let terms = (values - max.clone()).exp();
    let terms = match counted {
        Some(counted) => terms * counted,
        None => terms,
    };
    let sum = terms.sum_dim(2).mask_fill(masked.clone(), 1.0).log() + max;
    sum.mask_fill(masked, f64::NEG_INFINITY).squeeze_dim(2)
}

fn select(logits: Tensor<2>, columns: impl Iterator<Item = usize>) -> Tensor<2> {
    let columns: Vec<i32> = columns.map(|column| column as i32).collect();
    let columns = Tensor::from_data(TensorData::new(columns.clone(), [columns.len()]), &logits.device());
    logits.select(1, columns)
}
