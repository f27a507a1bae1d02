//! The composed path: the same losses from Burn's own tensor operations, on any device, differentiated by Burn.
//!
//! A criterion says which log-probabilities a label's loss is made of; here they are computed, whatever the loss. Each row
//! gathers the columns that its own terms need, in buckets of similar size, and each set's log-sum-exp is taken about its
//! own maximum, so that a set's mass does not underflow against the row's. There is no mask of classes x nodes.
//!
//! This is plain floating point: a log-probability is a difference of two log-sum-exps of the size of the logits, so its
//! error is absolute, some units in the last place of the largest logit. A loss of `1e-9` comes out as 0 or as `1e-7`;
//! the fused path has it to 6 digits.

mod sets;
mod terms;

use burn::tensor::activation::softplus_with_threshold;
use burn::tensor::{Bool, DType, Tensor, TensorData};
use klados::{Criterion, Hierarchy, InputError, Label, NodeId, TermSet};
use sets::{Members, Reduce, Set, Values};
use terms::{LOG_SIGMOID, LOG_SIGMOID_NEGATED, Place, Ratio, Rows, Terms};

/// The unreduced losses of a batch.
///
/// # Shapes
///
/// - logits: `[batch, columns]`, `f32` or `f64`
/// - labels: `[batch]`
/// - returns `[batch]`
///
/// # Errors
///
/// A label that the criterion does not take.
pub(crate) fn losses(logits: Tensor<2>, criterion: &Criterion, labels: &[Label]) -> Result<Tensor<1>, InputError> {
    let terms = Terms::collect(criterion, labels)?;
    let [rows, columns] = logits.dims();
    if rows == 0 {
        return Ok(logits.sum_dim(1).squeeze_dim(1));
    }
    let logits = match terms.empty_rows() {
        Some(empty) => {
            // 0 times NaN is NaN: a row that takes no part must not even be looked at.
            let empty = Tensor::<2, Bool>::from_data(TensorData::new(empty, [rows, 1]), &logits.device());
            logits.mask_fill(empty.expand([rows, columns]), 0.0)
        }
        None => logits,
    };
    let logits = if criterion.sums_over_ancestors() { class_sums(logits, criterion.hierarchy()) } else { logits };
    let (log_p, weight) = log_probs(logits, &terms);
    // A row with a term of probability 0 has an infinite loss and no gradient.
    let is_infinite = log_p.clone().equal_scalar(f64::NEG_INFINITY).any_dim(1);
    let log_p = log_p.clone().mask_fill(is_infinite.clone().expand(log_p.dims()), -1.0);
    let loss = match criterion.gamma() {
        0.0 => log_p,
        gamma => focal(log_p, gamma),
    };
    Ok((loss * weight).sum_dim(1).neg().mask_fill(is_infinite, f64::INFINITY).squeeze_dim(1))
}

/// The log-probabilities of all terms, and their weights: `[rows, most terms of a row]` each. Padding has `log P = 0` and
/// weight 0.
fn log_probs(logits: Tensor<2>, terms: &Terms) -> (Tensor<2>, Tensor<2>) {
    let rows = terms.rows;
    let mut sources = vec![sets::with_zeros(logits.clone())];
    for (source, sign) in [(LOG_SIGMOID, 1.0), (LOG_SIGMOID_NEGATED, -1.0)] {
        // A source that is not needed stays what it is.
        let used = terms.needs(source);
        sources.push(if used { sets::with_zeros(log_sigmoid(logits.clone() * sign)) } else { sources[0].clone() });
    }
    let values = sets::by_row(&sources, &terms.sets);
    let (mut log_p, mut weight) = (Vec::new(), Vec::new());
    if !terms.ratios.is_empty() {
        log_p.push(ratios(&values, &terms.ratios, rows));
        weight.push(terms.ratios.numbers(rows, 0.0, &logits, |_, weight| weight));
    }
    if !terms.sigmoids.is_empty() {
        let x = take(&values, &terms.sigmoids, rows, |sigmoid| sigmoid.x);
        let sign = terms.sigmoids.numbers(rows, 1.0, &logits, |sigmoid, _| sigmoid.sign);
        log_p.push(log_sigmoid(x * sign));
        weight.push(terms.sigmoids.numbers(rows, 0.0, &logits, |_, weight| weight));
    }
    if !terms.complements.is_empty() {
        let rest = take(&values, &terms.complements, rows, |complement| complement.rest);
        let log = take(&values, &terms.complements, rows, |complement| complement.log);
        log_p.push(log_one_minus_exp(rest, log));
        weight.push(terms.complements.numbers(rows, 0.0, &logits, |_, weight| weight));
    }
    if !terms.unions.is_empty() {
        log_p.push(unions(&values, terms));
        weight.push(terms.unions.numbers(rows, 0.0, &logits, |_, weight| weight));
    }
    if log_p.is_empty() {
        // Zeros that come of the logits, so that there is a gradient.
        let all = Tensor::<2, Bool>::from_data(TensorData::new(vec![true; rows], [rows, 1]), &logits.device());
        let zeros = logits.narrow(1, 0, 1).mask_fill(all, 0.0);
        return (zeros.clone(), zeros);
    }
    (Tensor::cat(log_p, 1), Tensor::cat(weight, 1))
}

/// Of each item one set's value: `[rows, most items of a row]`.
fn take<T>(values: &Values, items: &Rows<T>, rows: usize, place: impl Fn(&T) -> Place) -> Tensor<2> {
    let zero = values.zero();
    let column = |_, item: &T| place(item).map_or(zero, |place| values.column[place]);
    values.tensor.clone().gather(1, items.columns(rows, zero, &values.tensor.device(), column))
}

fn ratios(values: &Values, items: &Rows<Ratio>, rows: usize) -> Tensor<2> {
    let set = take(values, items, rows, |ratio| ratio.set);
    let given = take(values, items, rows, |ratio| ratio.given);
    // Nothing of nothing: -inf less -inf is NaN.
    let masked = given.clone().equal_scalar(f64::NEG_INFINITY);
    (set - given.mask_fill(masked.clone(), 0.0)).mask_fill(masked, f64::NEG_INFINITY)
}

/// The logarithm of a sum over alternatives of a product of ratios.
fn unions(values: &Values, terms: &Terms) -> Tensor<2> {
    let factors = sets::with_zeros(ratios(values, &terms.factors, terms.rows));
    let products = sets::by_row(&[factors], &terms.alternatives);
    let members = |alternatives: &Vec<usize>| {
        let column = |&alternative: &usize| (Some(products.column[alternative] as u32), 0.0);
        Members::Some(alternatives.iter().map(column).collect())
    };
    let set = |(row, union)| (row, Set { source: 0, reduce: Reduce::LogSumExp, members: members(union) });
    let sets: Vec<(usize, Set)> = terms.unions.items().map(set).collect();
    let sums = sets::by_row(std::slice::from_ref(&products.tensor), &sets);
    let columns = terms.unions.columns(terms.rows, sums.zero(), &sums.tensor.device(), |at, _| sums.column[at]);
    sums.tensor.gather(1, columns)
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

/// `log sigma(x)`. From `x = 40` on `e^x` takes over from `1 + e^x` in `f64` too.
fn log_sigmoid(x: Tensor<2>) -> Tensor<2> {
    softplus_with_threshold(x.neg(), 1.0, 40.0).neg()
}

/// `log(1 - exp(rest))` for `rest <= 0`; `log` is the logarithm of `-rest` where that is less than a unit in the last
/// place of 1.
///
/// Near 0 it is the series of `log S - S / 2 + log(sinh(S / 2) / (S / 2))` in `S = -rest`; the next term is `S^10 / 5e8`.
fn log_one_minus_exp(rest: Tensor<2>, log: Tensor<2>) -> Tensor<2> {
    let epsilon = if rest.dtype() == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let s = rest.neg();
    let (tiny, small) = (s.clone().lower_equal_scalar(epsilon), s.clone().lower_scalar(0.25));
    // Each branch is kept from what would give it no derivative where another is taken.
    let inner = s.clone().mask_fill(small.clone(), 1.0).mask_fill(s.clone().equal_scalar(f64::INFINITY), 1.0e3);
    let large = inner.neg().exp().neg().log1p();
    let inner = s.clone().mask_fill(tiny.clone(), 0.125).mask_fill(small.clone().bool_not(), 0.125);
    let square = inner.clone().square();
    let tail = square.clone().mul_scalar(-1.0 / 9_676_800.0).add_scalar(1.0 / 181_440.0);
    let tail = (tail * square.clone()).add_scalar(-1.0 / 2880.0);
    let tail = (tail * square.clone()).add_scalar(1.0 / 24.0) * square;
    let series = inner.clone().log() - inner.mul_scalar(0.5) + tail;
    large.mask_where(small, series).mask_where(tiny, log)
}

/// The class logits of a hierarchy with a logit a node: sums over the class's node and all above.
fn class_sums(logits: Tensor<2>, hierarchy: &Hierarchy) -> Tensor<2> {
    let mut column = vec![None; hierarchy.node_count()];
    for (at, node) in hierarchy.node_columns().into_iter().enumerate() {
        column[node.index()] = Some(at as u32);
    }
    let above = |class| {
        let nodes = hierarchy.lineage(hierarchy.class_node(class)).into_iter();
        Members::Some(nodes.map(|node| (column[node.index()], 0.0)).collect())
    };
    let sets: Vec<Members> = (0..hierarchy.class_count()).map(above).collect();
    sets::for_all(&sets::with_zeros(logits), Reduce::Sum, &sets)
}

/// The log-probabilities of nodes.
///
/// # Shapes
///
/// - logits: `[batch, classes]`
/// - returns `[batch, nodes]`
pub(crate) fn node_log_probs(logits: &Tensor<2>, hierarchy: &Hierarchy, nodes: &[NodeId]) -> Tensor<2> {
    let mut sets: Vec<Members> = nodes.iter().map(|&node| terms::classes(hierarchy, &TermSet::Node(node))).collect();
    sets.push(Members::All);
    let sums = sets::for_all(&sets::with_zeros(logits.clone()), Reduce::LogSumExp, &sets);
    sums.clone().narrow(1, 0, nodes.len()) - sums.narrow(1, nodes.len(), 1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    /// `log_one_minus_exp` and its derivative.
    fn evaluate(rest: f64, dtype: DType) -> (f64, f64) {
        let options = (&Device::flex().autodiff(), dtype);
        let rest = Tensor::<2>::from_data(TensorData::new(vec![rest], [1, 1]), options).require_grad();
        let value = log_one_minus_exp(rest.clone(), rest.clone().neg().log());
        let slope = rest.grad(&value.clone().sum().backward()).unwrap();
        let [value, slope] = [value, slope].map(|tensor| tensor.into_data().iter::<f64>().next().unwrap());
        (value, slope)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the expected numbers")]
    fn the_complement_keeps_its_digits_at_both_ends() {
        for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-13)] {
            for s in [1e-30, 1e-9, 1e-3, 0.1, 0.2499, 0.2501, 0.7, 5.0, 30.0] {
                let (value, slope) = evaluate(-s, dtype);
                let s = if dtype == DType::F32 { f64::from(s as f32) } else { s };
                let (expected, expected_slope) = (f64::ln(-f64::exp_m1(-s)), -1.0 / f64::exp_m1(s));
                assert!((value - expected).abs() <= tolerance * expected.abs().max(1e-3), "{s}: {value}, {expected}");
                assert!((slope / expected_slope - 1.0).abs() <= tolerance, "{s}: {slope}, {expected_slope}");
            }
            // Certain, and impossible: nothing becomes NaN.
            assert_eq!(evaluate(f64::NEG_INFINITY, dtype), (0.0, 0.0));
            assert_eq!(evaluate(0.0, dtype).0, f64::NEG_INFINITY);
        }
    }

    #[test]
    fn log_sigmoid_far_out() {
        let options = (&Device::flex().autodiff(), DType::F32);
        let values = vec![f64::NEG_INFINITY, -1e4, 0.0, 90.0, 1e4, f64::INFINITY];
        let x = Tensor::<2>::from_data(TensorData::new(values, [1, 6]), options).require_grad();
        let value = log_sigmoid(x.clone());
        // The first entry's gradient is not asked for: a term of probability 0 makes the loss infinite.
        let slope = x.grad(&value.clone().narrow(1, 1, 5).sum().backward()).unwrap();
        let [value, slope] = [value, slope].map(|tensor| tensor.into_data().iter::<f32>().collect::<Vec<_>>());
        assert_eq!(value[..2], [f32::NEG_INFINITY, -1e4]);
        assert!((value[2] + std::f32::consts::LN_2).abs() < 1e-7);
        assert!(value[3..].iter().all(|value| value.abs() < 1e-38), "{value:?}");
        assert_eq!(slope[..3], [0.0, 1.0, 0.5]);
        assert!(slope[3..].iter().all(|slope| slope.abs() < 1e-38), "{slope:?}");
    }
}
