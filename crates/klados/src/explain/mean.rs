//! The mean explanation of many rows.

use std::collections::BTreeMap;
use std::fmt;

use super::nodes::{columns_by_node, log_probabilities, reader};
use super::terms::{Outcome, for_each_term, quantity, subject};
use super::{Criterion, InputError, column_names};
use crate::criterion::TermSet;
use crate::numeric::scalar;
use crate::{Hierarchy, Label, NodeId, NodeLogProbs};

/// The mean over rows of what [`Explanation`](super::Explanation) says of one: what each term costs, what each node's
/// probability is, and which levels of the hierarchy push each logit up and down.
///
/// Rows are added one by one. Memory is that of the nodes, and of the columns times the levels. Every mean is over the rows
/// whose loss is finite; the others are counted. Divide by [`Criterion::normalizer`] instead where the mean of a loss is to
/// be weighted.
///
/// ```
/// use klados::{Hierarchy, Label, explain::MeanExplanation, loss::MarginalCrossEntropy};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")])?;
/// let criterion = MarginalCrossEntropy::new().compile(&hierarchy)?;
/// let mut mean = MeanExplanation::new(&criterion);
/// mean.add(&[0.5, -1.0, 2.0], &Label::Class(0))?;
/// mean.add(&[0.1, 0.2, 0.3], &Label::Ignored)?;
/// assert_eq!((mean.rows(), mean.ignored()), (1, 1));
/// let loss: f64 = mean.terms().iter().map(|term| term.value).sum();
/// assert!((loss - mean.loss()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MeanExplanation {
    criterion: Criterion,
    reader: Option<NodeLogProbs>,
    /// The place in the batch of the next row.
    next: usize,
    rows: usize,
    ignored: usize,
    impossible: usize,
    not_a_number: usize,
    terms: BTreeMap<(TermSet, String), Sums>,
    shares: BTreeMap<Place, Vec<f64>>,
    logits: Vec<f64>,
    probabilities: Option<Vec<f64>>,
}

/// Of the terms that say the same.
#[derive(Clone, Debug, Default)]
struct Sums {
    rows: usize,
    value: f64,
    log_p: f64,
}

/// Which terms belong together in the mean: those of nodes of one level, or those of unions, or of superclasses. Its text
/// is the name of the rank, `depth 2`, `unions` or `superclasses`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TermLevel {
    /// Of nodes of this rank.
    Rank(String),
    /// Of nodes of this depth that have no rank.
    Depth(usize),
    /// Of unions of nodes.
    Union,
    /// Of superclasses of the loss's own.
    Superclass,
}

impl fmt::Display for TermLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rank(name) => f.write_str(name),
            Self::Depth(depth) => write!(f, "depth {depth}"),
            Self::Union => f.write_str("unions"),
            Self::Superclass => f.write_str("superclasses"),
        }
    }
}

/// A [`TermLevel`] with its rank by place, in the order in which levels are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Rank(usize),
    Depth(usize),
    Union,
    Superclass,
}

impl Place {
    fn new(hierarchy: &Hierarchy, of: &TermSet) -> Self {
        match of {
            TermSet::Node(node) => match hierarchy.rank_index(*node) {
                Some(rank) => Self::Rank(rank),
                None => Self::Depth(hierarchy.depth(*node)),
            },
            TermSet::Union(_) => Self::Union,
            TermSet::Superclass(_) => Self::Superclass,
        }
    }

    fn level(self, hierarchy: &Hierarchy) -> TermLevel {
        match self {
            Self::Rank(rank) => TermLevel::Rank(hierarchy.rank_names()[rank].clone()),
            Self::Depth(depth) => TermLevel::Depth(depth),
            Self::Union => TermLevel::Union,
            Self::Superclass => TermLevel::Superclass,
        }
    }
}

/// The mean of the terms about one probability.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MeanTerm {
    /// The node, union or superclass, in words.
    pub subject: String,
    /// Which probability it is about.
    pub quantity: String,
    /// In how many rows there is such a term.
    pub rows: usize,
    /// The mean of `log P` over these.
    pub log_p: f64,
    /// What it adds to the mean loss of all rows.
    pub value: f64,
}

/// The mean gradient by a logit.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MeanColumn {
    /// The class, or the node in losses with a logit a node.
    pub name: String,
    /// The mean logit.
    pub logit: f64,
    /// The mean gradient, the sum of the shares.
    pub gradient: f64,
    /// What each level's terms add to it.
    pub shares: Vec<(TermLevel, f64)>,
}

/// The mean of a node.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MeanNode {
    /// Its place in the hierarchy, [`NodeId::index`].
    pub node: usize,
    /// Its name.
    pub name: String,
    /// The places of its parents.
    pub parents: Vec<usize>,
    /// Its depth.
    pub depth: usize,
    /// Its column in the logits, where it has one.
    pub column: Option<usize>,
    /// The mean of its probability; none where the loss has no form in which logits are read.
    pub p: Option<f64>,
    /// What the terms about it add to the mean loss.
    pub loss: f64,
}

impl MeanExplanation {
    /// Of no rows yet.
    pub fn new(criterion: &Criterion) -> Self {
        Self {
            criterion: criterion.clone(),
            reader: reader(criterion),
            next: 0,
            rows: 0,
            ignored: 0,
            impossible: 0,
            not_a_number: 0,
            terms: BTreeMap::new(),
            shares: BTreeMap::new(),
            logits: vec![0.0; criterion.columns()],
            probabilities: None,
        }
    }

    /// Adds the next row of the batch, and says what kind it is.
    ///
    /// # Errors
    ///
    /// A label that does not fit, or logits of another number than the criterion's columns. Nothing is added then.
    pub fn add(&mut self, logits: &[f64], label: &Label) -> Result<Outcome, InputError> {
        let Self { criterion, terms, shares, .. } = self;
        let columns = criterion.columns();
        let mut of_row: Vec<((TermSet, String), f64, f64)> = Vec::new();
        let mut share_of_row: BTreeMap<Place, Vec<f64>> = BTreeMap::new();
        let outcome = for_each_term(criterion, logits, label, self.next, |at| {
            let place = Place::new(criterion.hierarchy(), &at.term.of);
            let sums = share_of_row.entry(place).or_insert_with(|| vec![0.0; columns]);
            at.shares.iter().for_each(|(column, share)| sums[*column as usize] += share);
            of_row.push(((at.term.of.clone(), quantity(criterion, &at.term)), at.value, at.log_p));
        })?;
        let log_p = self.reader.as_ref().map(|reader| log_probabilities(reader, logits)).transpose()?;
        self.next += 1;
        match outcome {
            Outcome::Ignored => self.ignored += 1,
            Outcome::Impossible => self.impossible += 1,
            Outcome::NotANumber => self.not_a_number += 1,
            Outcome::Finite => {
                self.rows += 1;
                for (key, value, log_p) in of_row {
                    let sums = terms.entry(key).or_default();
                    *sums = Sums { rows: sums.rows + 1, value: sums.value + value, log_p: sums.log_p + log_p };
                }
                for (place, of_row) in share_of_row {
                    let sums = shares.entry(place).or_insert_with(|| vec![0.0; columns]);
                    sums.iter_mut().zip(of_row).for_each(|(sum, share)| *sum += share);
                }
                self.logits.iter_mut().zip(logits).for_each(|(sum, z)| *sum += z);
                if let Some(log_p) = log_p {
                    let sums = self.probabilities.get_or_insert_with(|| vec![0.0; log_p.len()]);
                    sums.iter_mut().zip(log_p).for_each(|(sum, log_p)| *sum += scalar::exp(log_p));
                }
            }
        }
        Ok(outcome)
    }

    /// The number of rows that the means are over: those whose loss is finite.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of rows that take no part.
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// The number of rows whose loss is infinite.
    pub fn impossible(&self) -> usize {
        self.impossible
    }

    /// The number of rows with NaN or `+inf`.
    pub fn not_a_number(&self) -> usize {
        self.not_a_number
    }

    /// The mean loss; 0 of no rows.
    pub fn loss(&self) -> f64 {
        self.mean(self.terms.values().map(|sums| sums.value).sum())
    }

    /// The mean terms, the costliest first.
    pub fn terms(&self) -> Vec<MeanTerm> {
        let term = |((of, quantity), sums): (&(TermSet, String), &Sums)| MeanTerm {
            subject: subject(&self.criterion, of),
            quantity: quantity.clone(),
            rows: sums.rows,
            log_p: sums.log_p / sums.rows as f64,
            value: self.mean(sums.value),
        };
        let mut terms: Vec<MeanTerm> = self.terms.iter().map(term).collect();
        terms.sort_by(|a, b| b.value.total_cmp(&a.value));
        terms
    }

    /// The mean gradient, by column; shares by rank from the top, then by depth.
    pub fn columns(&self) -> Vec<MeanColumn> {
        let hierarchy = self.criterion.hierarchy();
        let levels: Vec<(TermLevel, &Vec<f64>)> =
            self.shares.iter().map(|(place, sums)| (place.level(hierarchy), sums)).collect();
        let column = |(column, name): (usize, String)| {
            let share = |(level, sums): &(TermLevel, &Vec<f64>)| (level.clone(), self.mean(sums[column]));
            let shares: Vec<(TermLevel, f64)> = levels.iter().map(share).collect();
            let gradient = shares.iter().map(|(_, share)| share).sum();
            MeanColumn { name, logit: self.mean(self.logits[column]), gradient, shares }
        };
        column_names(&self.criterion).enumerate().map(column).collect()
    }

    /// All nodes, parents first.
    pub fn nodes(&self) -> Vec<MeanNode> {
        let hierarchy = self.criterion.hierarchy();
        let columns = columns_by_node(&self.criterion);
        let mut loss = vec![0.0; hierarchy.node_count()];
        for ((of, _), sums) in &self.terms {
            if let TermSet::Node(node) = of {
                loss[node.index()] += self.mean(sums.value);
            }
        }
        let node = |node: NodeId| MeanNode {
            node: node.index(),
            name: hierarchy.name(node).to_owned(),
            parents: hierarchy.parents(node).iter().map(|parent| parent.index()).collect(),
            depth: hierarchy.depth(node),
            column: columns[node.index()],
            p: self.probabilities.as_ref().map(|sums| self.mean(sums[node.index()])),
            loss: loss[node.index()],
        };
        hierarchy.nodes().map(node).collect()
    }

    fn mean(&self, sum: f64) -> f64 {
        if self.rows == 0 { 0.0 } else { sum / self.rows as f64 }
    }
}

/// The JSON that `klados explain` prints of many rows.
impl serde::Serialize for MeanExplanation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("MeanExplanation", 8)?;
        fields.serialize_field("rows", &self.rows)?;
        fields.serialize_field("ignored", &self.ignored)?;
        fields.serialize_field("impossible", &self.impossible)?;
        fields.serialize_field("not_a_number", &self.not_a_number)?;
        fields.serialize_field("loss", &self.loss())?;
        fields.serialize_field("terms", &self.terms())?;
        fields.serialize_field("columns", &self.columns())?;
        fields.serialize_field("nodes", &self.nodes())?;
        fields.end()
    }
}
