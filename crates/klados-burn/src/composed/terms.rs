//! From the terms of a batch's labels to sets of columns and what is made of their values.

use std::collections::HashMap;

use burn::tensor::{Device, Int, Tensor, TensorData};
use klados::{Criterion, Hierarchy, InputError, Label, LogProb, NodeId, Pick, Score, TermSet};

use super::sets::{Members, Reduce, Set};

/// The logits, or the class logits that are sums of them: the first of the sources.
pub(super) const LOGITS: usize = 0;
/// `log sigma` of the logits.
pub(super) const LOG_SIGMOID: usize = 1;
/// `log sigma` of the negated logits.
pub(super) const LOG_SIGMOID_NEGATED: usize = 2;

/// A set, by its place among those of the batch; `None` for the constant 0.
pub(super) type Place = Option<usize>;

/// `log P = set - given`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    pub(super) set: Place,
    pub(super) given: Place,
}

/// `log P = log sigma(sign x)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sigmoid {
    pub(super) x: Place,
    pub(super) sign: f64,
}

/// `log P = log(1 - exp(rest))`, where the logarithm of `-rest` is `log` if that is small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complement {
    pub(super) rest: Place,
    pub(super) log: Place,
}

/// Items that each belong to a row, with a weight.
#[derive(Debug)]
pub(super) struct Rows<T>(Vec<(usize, T, f64)>);

/// The terms of a batch.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) rows: usize,
    /// The sets, each with its row.
    pub(super) sets: Vec<(usize, Set)>,
    pub(super) ratios: Rows<Ratio>,
    pub(super) sigmoids: Rows<Sigmoid>,
    pub(super) complements: Rows<Complement>,
    /// The factors of the alternatives of unions.
    pub(super) factors: Rows<Ratio>,
    /// The number of factors of the row in hand.
    row_factors: u32,
    /// The alternatives: the places of their factors among those of the row.
    pub(super) alternatives: Vec<(usize, Set)>,
    /// `log P` is the log-sum-exp of alternatives.
    pub(super) unions: Rows<Vec<usize>>,
    has_term: Vec<bool>,
    /// The sets of the row in hand.
    of_row: HashMap<Key, usize>,
    /// The classes of what terms are about.
    classes: HashMap<TermSet, Members>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Classes(TermSet),
    Columns(usize, Reduce, Vec<(Option<u32>, u64)>),
}

impl Terms {
    pub(super) fn collect(criterion: &Criterion, labels: &[Label]) -> Result<Self, InputError> {
        let mut terms = Self { rows: labels.len(), ..Self::default() };
        for (row, label) in labels.iter().enumerate() {
            terms.of_row.clear();
            terms.row_factors = 0;
            let of_label = criterion.terms_of_row(label, row)?;
            terms.has_term.push(!of_label.is_empty());
            of_label.into_iter().for_each(|term| terms.push(criterion.hierarchy(), row, term));
        }
        Ok(terms)
    }

    /// Which rows have no term; `None` if all have one.
    pub(super) fn empty_rows(&self) -> Option<Vec<bool>> {
        let empty: Vec<bool> = self.has_term.iter().map(|has_term| !has_term).collect();
        empty.contains(&true).then_some(empty)
    }

    /// Whether a set is of this source.
    pub(super) fn needs(&self, source: usize) -> bool {
        self.sets.iter().any(|(_, set)| set.source == source)
    }

    fn push(&mut self, hierarchy: &Hierarchy, row: usize, term: klados::Term) {
        let weight = term.weight;
        match term.log_p {
            LogProb::Classes { given } => {
                let given = TermSet::Node(given);
                let [set, given_size] = [&term.of, &given].map(|of| self.class_count(hierarchy, of));
                // The set is within the given one. Where it is all of it P = 1 and there is nothing to compute.
                if set < given_size {
                    let [set, given] = [term.of, given].map(|of| Some(self.class_set(row, of)));
                    self.ratios.push(row, Ratio { set, given }, weight);
                }
            }
            LogProb::Ratio { set, given, hard } => {
                let reduce = if hard { Reduce::Max } else { Reduce::LogSumExp };
                let set = self.scores(row, Reduce::LogSumExp, &set);
                let given = self.scores(row, reduce, &given);
                self.ratios.push(row, Ratio { set, given }, weight);
            }
            LogProb::AnyOf(alternatives) => {
                let union = alternatives.iter().map(|factors| self.alternative(row, factors)).collect();
                self.unions.push(row, union, weight);
            }
            LogProb::Sigmoid { columns, pick, negative } => {
                let reduce = match pick {
                    Pick::Max => Reduce::Max,
                    Pick::Min => Reduce::Min,
                };
                let x = self.set(row, LOGITS, reduce, plain(&columns));
                self.sigmoids.push(row, Sigmoid { x, sign: if negative { -1.0 } else { 1.0 } }, weight);
            }
            LogProb::NoisyOr { columns, negative } => {
                let rest = self.set(row, LOG_SIGMOID_NEGATED, Reduce::Sum, plain(&columns));
                if negative {
                    self.ratios.push(row, Ratio { set: rest, given: None }, weight);
                } else {
                    // Where every sigmoid is so small that 1 minus it is 1, their sum is that of e^z.
                    let log = self.set(row, LOGITS, Reduce::LogSumExp, plain(&columns));
                    self.complements.push(row, Complement { rest, log }, weight);
                }
            }
            LogProb::WeightedSigmoid { columns, negative } => {
                let source = if negative { LOG_SIGMOID_NEGATED } else { LOG_SIGMOID };
                let members = columns.into_iter().map(|(column, weight)| (Some(column), ln(weight))).collect();
                let set = self.set(row, source, Reduce::LogSumExp, members);
                self.ratios.push(row, Ratio { set, given: None }, weight);
            }
            other => panic!("not composed of tensor operations: {other:?}"),
        }
    }

    /// One of the alternatives of a union: a product of ratios.
    fn alternative(&mut self, row: usize, factors: &[(Score, Vec<Score>)]) -> usize {
        let mut members = Vec::new();
        for (one, given) in factors {
            let set = self.scores(row, Reduce::LogSumExp, &[*one]);
            let given = self.scores(row, Reduce::LogSumExp, given);
            self.factors.push(row, Ratio { set, given }, 1.0);
            members.push((Some(self.row_factors), 0.0));
            self.row_factors += 1;
        }
        self.alternatives.push((row, Set { source: 0, reduce: Reduce::Sum, members: Members::Some(members) }));
        self.alternatives.len() - 1
    }

    fn scores(&mut self, row: usize, reduce: Reduce, scores: &[Score]) -> Place {
        self.set(row, LOGITS, reduce, scores.iter().map(|score| (score.column, score.plus)).collect())
    }

    fn set(&mut self, row: usize, source: usize, reduce: Reduce, members: Vec<(Option<u32>, f64)>) -> Place {
        let bits = members.iter().map(|&(column, plus)| (column, plus.to_bits())).collect();
        let set = || Set { source, reduce, members: Members::Some(members) };
        Some(place(&mut self.of_row, &mut self.sets, row, Key::Columns(source, reduce, bits), set))
    }

    /// Of a set whose classes have been counted.
    fn class_set(&mut self, row: usize, of: TermSet) -> usize {
        let members = &self.classes[&of];
        let set = || Set { source: LOGITS, reduce: Reduce::LogSumExp, members: members.clone() };
        place(&mut self.of_row, &mut self.sets, row, Key::Classes(of), set)
    }

    /// Finds the classes of a node or union.
    fn class_count(&mut self, hierarchy: &Hierarchy, of: &TermSet) -> usize {
        if !self.classes.contains_key(of) {
            self.classes.insert(of.clone(), classes(hierarchy, of));
        }
        match &self.classes[of] {
            Members::All => hierarchy.class_count(),
            Members::Some(members) => members.len(),
        }
    }
}

/// The place of a set, which is added to those of the batch where its row has not asked for it yet.
fn place(
    of_row: &mut HashMap<Key, usize>,
    sets: &mut Vec<(usize, Set)>,
    row: usize,
    key: Key,
    set: impl FnOnce() -> Set,
) -> usize {
    *of_row.entry(key).or_insert_with(|| {
        sets.push((row, set()));
        sets.len() - 1
    })
}

/// The classes of a node or union.
pub(super) fn classes(hierarchy: &Hierarchy, of: &TermSet) -> Members {
    let nodes: &[NodeId] = match of {
        TermSet::Node(node) => &[*node],
        TermSet::Union(nodes) => nodes,
        // A superclass of a map has no place in a hierarchy: the core writes it as a ratio.
        TermSet::Superclass(_) => &[],
    };
    let mut classes: Vec<usize> = nodes.iter().flat_map(|&node| hierarchy.classes_below(node)).collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.len() == hierarchy.class_count() {
        return Members::All;
    }
    Members::Some(classes.into_iter().map(|class| (Some(class as u32), 0.0)).collect())
}

fn plain(columns: &[u32]) -> Vec<(Option<u32>, f64)> {
    columns.iter().map(|&column| (Some(column), 0.0)).collect()
}

#[expect(clippy::disallowed_methods, reason = "of a weight, once a batch: a constant of the loss")]
fn ln(weight: f64) -> f64 {
    weight.ln()
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Rows<T> {
    /// Adds an item to the last row or to one after it.
    fn push(&mut self, row: usize, item: T, weight: f64) {
        self.0.push((row, item, weight));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().map(|(row, item, _)| (*row, item))
    }

    /// `[rows, most items of a row]`; what pads the rows is said.
    fn padded<V: burn::tensor::Element>(
        &self,
        rows: usize,
        padding: V,
        value: impl Fn(usize, &T, f64) -> V,
    ) -> TensorData {
        let mut lengths = vec![0; rows];
        self.0.iter().for_each(|(row, ..)| lengths[*row] += 1);
        let width = lengths.iter().copied().max().unwrap_or(0);
        let mut values = vec![padding; rows * width];
        let mut next = vec![0; rows];
        for (at, (row, item, weight)) in self.0.iter().enumerate() {
            values[row * width + next[*row]] = value(at, item, *weight);
            next[*row] += 1;
        }
        TensorData::new(values, [rows, width])
    }

    /// A column an item.
    pub(super) fn columns(
        &self,
        rows: usize,
        padding: i32,
        device: &Device,
        column: impl Fn(usize, &T) -> i32,
    ) -> Tensor<2, Int> {
        Tensor::from_data(self.padded(rows, padding, |at, item, _| column(at, item)), device)
    }

    /// A number an item.
    pub(super) fn numbers(
        &self,
        rows: usize,
        padding: f64,
        like: &Tensor<2>,
        number: impl Fn(&T, f64) -> f64,
    ) -> Tensor<2> {
        let data = self.padded(rows, padding, |_, item, weight| number(item, weight));
        Tensor::from_data(data, (&like.device(), like.dtype()))
    }
}
