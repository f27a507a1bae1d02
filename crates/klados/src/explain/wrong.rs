//! The gradient of a batch with a mistake in it.

use super::probability::{Formula, classes};
use super::terms::{Cost, Reading};
use super::wrong_formula::{Row, Where};
use super::{Criterion, InputError, Mistake, for_each_term};
use crate::criterion::{Form, check_length};
use crate::loss::Reduction;
use crate::{Label, LogProb, NodeId, Term, TermSet};

/// Rows of a batch whose loss is reduced.
pub(super) struct Batch<'a> {
    criterion: &'a Criterion,
    logits: &'a [f64],
    labels: &'a [Label],
    reduction: Reduction,
    /// Of the whole batch, what the mean divides by, and the number of rows.
    normalizer: f64,
    all_rows: usize,
    /// The place of the first of these rows in the whole batch.
    first: usize,
}

type Gradients = Result<Vec<Vec<f64>>, InputError>;

impl<'a> Batch<'a> {
    pub(super) fn new(
        criterion: &'a Criterion,
        logits: &'a [f64],
        labels: &'a [Label],
        reduction: Reduction,
    ) -> Result<Self, InputError> {
        check_length("the logits", logits.len(), labels.len() * criterion.columns(), "labels times columns")?;
        let normalizer = criterion.normalizer(labels)?;
        Ok(Self { criterion, logits, labels, reduction, normalizer, all_rows: labels.len(), first: 0 })
    }

    pub(super) fn columns(&self) -> usize {
        self.criterion.columns()
    }

    /// One row of the batch: what is said of it is what is said of it in the whole batch.
    pub(super) fn only(&self, row: usize) -> Self {
        let columns = self.columns();
        Self {
            logits: &self.logits[row * columns..(row + 1) * columns],
            labels: &self.labels[row..=row],
            first: self.first + row,
            ..*self
        }
    }

    /// What the gradient of the sum is multiplied with.
    fn scale(&self) -> f64 {
        match self.reduction {
            Reduction::Mean if self.normalizer != 0.0 => 1.0 / self.normalizer,
            Reduction::Mean => 0.0,
            Reduction::Sum | Reduction::None => 1.0,
        }
    }

    /// The right gradient, and the largest share of a term in it.
    pub(super) fn right(&self) -> Result<(Vec<f64>, f64), InputError> {
        let mut largest: f64 = 0.0;
        let scale = self.scale();
        let right = self.gradient(self.logits, |_, shares| {
            shares.iter().for_each(|(_, share)| largest = largest.max((scale * share).abs()));
            1.0
        })?;
        Ok((right, largest))
    }

    /// The gradient where each term's shares are multiplied with a number.
    fn gradient(
        &self,
        logits: &[f64],
        mut factor: impl FnMut(&Term, &[(u32, f64)]) -> f64,
    ) -> Result<Vec<f64>, InputError> {
        let (columns, scale) = (self.criterion.columns(), self.scale());
        let mut gradient = vec![0.0; logits.len()];
        let rows = logits.chunks(columns).zip(gradient.chunks_mut(columns));
        for (row, ((z, gradient), label)) in (self.first..).zip(rows.zip(self.labels)) {
            let outcome = for_each_term(self.criterion, z, label, row, |at| {
                let factor = scale * factor(&at.term, &at.shares);
                at.shares.iter().for_each(|(column, share)| gradient[*column as usize] += factor * share);
            });
            if outcome.map_err(|error| error.in_row(row))? == super::Outcome::NotANumber {
                gradient.fill(f64::NAN);
            }
        }
        Ok(gradient)
    }

    /// The gradient with a mistake, in the ways in which it can be made; none where it is none in this loss.
    pub(super) fn with(&self, mistake: Mistake, right: &[f64]) -> Gradients {
        let times = |factor: f64| Ok(vec![right.iter().map(|entry| entry * factor).collect()]);
        let is_mean = self.reduction == Reduction::Mean;
        let (rows, columns) = (self.all_rows as f64, self.columns() as f64);
        let unreduced = if is_mean { self.normalizer } else { 1.0 };
        match mistake {
            Mistake::SignFlipped => times(-1.0),
            Mistake::SumNotMean if is_mean && self.normalizer != 1.0 => times(unreduced),
            Mistake::MeanNotSum if !is_mean && rows > 1.0 => times(1.0 / rows),
            Mistake::MeanOverAllRows if is_mean && self.normalizer != rows => times(unreduced / rows),
            Mistake::MeanOverClasses => {
                let mut wrong = Vec::new();
                for factor in [unreduced / columns, unreduced / (rows * columns), 1.0 / columns] {
                    wrong.extend(times(factor)?);
                }
                Ok(wrong)
            }
            Mistake::SumNotMean | Mistake::MeanNotSum | Mistake::MeanOverAllRows => Ok(Vec::new()),
            Mistake::TreeOrder => self.reordered(&self.tree_order(), right),
            Mistake::NameOrder => self.reordered(&self.name_order(), right),
            Mistake::ClassWeightsTwice => self.class_weights_twice(),
            Mistake::FocalLeftOut if self.criterion.gamma() != 0.0 => self.focal_left_out(),
            Mistake::FocalLeftOut => Ok(Vec::new()),
            Mistake::WeightsTwice
            | Mistake::WeightsLeftOut
            | Mistake::LevelsFromBelow
            | Mistake::LevelsOffByOne
            | Mistake::MeanOverLevels => self.reweighted(mistake),
            formula => self.misread(formula),
        }
    }

    /// The classes' places in the order of the tree; none where the columns are nodes.
    fn tree_order(&self) -> Vec<usize> {
        match self.criterion.has_node_columns() {
            true => Vec::new(),
            false => self.criterion.hierarchy().tree_order().iter().map(|class| *class as usize).collect(),
        }
    }

    fn name_order(&self) -> Vec<usize> {
        let names: Vec<String> = super::column_names(self.criterion).collect();
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|column| &names[*column]);
        order
    }

    /// Gradient, or logits and gradient, with the columns in another order, or back from one.
    fn reordered(&self, order: &[usize], right: &[f64]) -> Gradients {
        if order.iter().enumerate().all(|(place, column)| place == *column) {
            return Ok(Vec::new());
        }
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, column)| back[*column] = place);
        let reorder = |values: &[f64], order: &[usize]| -> Vec<f64> {
            values.chunks(order.len()).flat_map(|row| order.iter().map(|column| row[*column])).collect()
        };
        let mut wrong = vec![reorder(right, order), reorder(right, &back)];
        for (there, back) in [(order, &*back), (&*back, order)] {
            wrong.push(reorder(&self.gradient(&reorder(self.logits, there), |_, _| 1.0)?, back));
        }
        Ok(wrong)
    }

    fn class_weights_twice(&self) -> Gradients {
        if self.criterion.class_weight().is_none() {
            return Ok(Vec::new());
        }
        let mut wrong = self.gradient(self.logits, |_, _| 1.0)?;
        for (gradient, label) in wrong.chunks_mut(self.criterion.columns()).zip(self.labels) {
            let weight = self.criterion.normalizer(std::slice::from_ref(label))?;
            gradient.iter_mut().for_each(|entry| *entry *= weight);
        }
        Ok(vec![wrong])
    }

    /// Without the focal factor, and with one that is taken for a constant.
    fn focal_left_out(&self) -> Gradients {
        let mut wrong = Vec::new();
        for is_constant in [false, true] {
            wrong.extend(self.formula(|row, term| {
                let at = Formula::new(term, self.criterion).at(&row.scores);
                let focal = if is_constant { Cost::new(&at, self.criterion.gamma()).focal } else { 1.0 };
                Some(at.slopes.into_iter().map(|(column, slope)| (column, -focal * slope)).collect())
            })?);
        }
        Ok(wrong)
    }

    /// By node, the weights of a loss on one class softmax, and whether its probabilities are conditional.
    fn weights(&self) -> Option<(&'a [f64], bool)> {
        match self.criterion.form() {
            Form::Marginal { weights, .. } => Some((weights, false)),
            Form::Conditional { lambda, .. } => Some((lambda, true)),
            _ => None,
        }
    }

    fn reweighted(&self, mistake: Mistake) -> Gradients {
        let Some((weights, _)) = self.weights() else { return Ok(Vec::new()) };
        if mistake == Mistake::MeanOverLevels {
            return Ok(vec![
                self.mean_over_levels(|_| 1.0)?,
                self.mean_over_levels(|term| node_weight(term, weights))?,
            ]);
        }
        let hierarchy = self.criterion.hierarchy();
        let by_depth = self.by_depth(weights);
        let deepest = by_depth.as_ref().map_or(0, Vec::len).saturating_sub(1);
        let at = |depth: usize| by_depth.as_ref().and_then(|by_depth| by_depth.get(depth)).copied().unwrap_or(0.0);
        let (depth, height) = (|node| hierarchy.depth(node), |node| hierarchy.height(node));
        let other: Vec<Box<dyn Fn(NodeId) -> f64 + '_>> = match mistake {
            Mistake::WeightsTwice => vec![Box::new(|node| weights[node.index()] * weights[node.index()])],
            Mistake::WeightsLeftOut => vec![Box::new(|_| 1.0)],
            _ if by_depth.is_none() => Vec::new(),
            Mistake::LevelsFromBelow => {
                vec![Box::new(move |node| at(height(node) + 1)), Box::new(move |node| at(deepest + 1 - depth(node)))]
            }
            _ => vec![Box::new(move |node| at(depth(node) - 1)), Box::new(move |node| at(depth(node) + 1))],
        };
        let factor = |term: &Term, other: &dyn Fn(NodeId) -> f64| match &term.of {
            TermSet::Node(node) if *node != NodeId::ROOT && weights[node.index()] != 0.0 => {
                other(*node) / weights[node.index()]
            }
            _ => 1.0,
        };
        other.iter().map(|other| self.gradient(self.logits, |term, _| factor(term, other))).collect()
    }

    fn mean_over_levels(&self, count: impl Fn(&Term) -> f64) -> Result<Vec<f64>, InputError> {
        let columns = self.criterion.columns();
        let mut wrong = self.gradient(self.logits, |_, _| 1.0)?;
        for (row, (gradient, label)) in (self.first..).zip(wrong.chunks_mut(columns).zip(self.labels)) {
            let total: f64 = self.criterion.terms_of_row(label, row)?.iter().map(&count).sum();
            if total != 0.0 {
                gradient.iter_mut().for_each(|entry| *entry /= total);
            }
        }
        Ok(wrong)
    }

    /// The weight of each depth, where it is the same for all nodes of it; that of the root is 0.
    fn by_depth(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let hierarchy = self.criterion.hierarchy();
        let mut by_depth = vec![None; hierarchy.height(NodeId::ROOT) + 1];
        for node in hierarchy.nodes().skip(1) {
            let (known, weight) = (&mut by_depth[hierarchy.depth(node)], weights[node.index()]);
            if known.is_some_and(|known| known != weight) {
                return None;
            }
            *known = Some(weight);
        }
        Some(by_depth.into_iter().map(|weight| weight.unwrap_or(0.0)).collect())
    }

    /// Another formula, on all nodes or on superclasses alone.
    fn misread(&self, mistake: Mistake) -> Gradients {
        let is_wrong_kind = match self.weights() {
            Some((_, conditional)) => {
                (mistake == Mistake::NotConditional && !conditional) || (mistake == Mistake::Conditional && conditional)
            }
            None => matches!(mistake, Mistake::NotConditional | Mistake::Conditional),
        };
        if is_wrong_kind || self.criterion.gamma() != 0.0 {
            return Ok(Vec::new());
        }
        let mut wrong = Vec::new();
        for place in [Where::Everywhere, Where::Superclasses] {
            wrong.extend(self.formula(|row, term| row.slopes(mistake, place, term))?);
        }
        Ok(wrong)
    }

    /// The gradient of another formula, which gives the derivative of a term of weight 1 by the scores; none where some
    /// term is not of a class softmax.
    fn formula(
        &self,
        slopes: impl Fn(&Row<'_>, &Term) -> Option<Vec<(u32, f64)>>,
    ) -> Result<Option<Vec<f64>>, InputError> {
        let (columns, scale, reading) = (self.criterion.columns(), self.scale(), Reading::new(self.criterion));
        let mut gradient = vec![0.0; self.logits.len()];
        let rows = self.logits.chunks(columns).zip(gradient.chunks_mut(columns));
        for (at, ((z, gradient), label)) in (self.first..).zip(rows.zip(self.labels)) {
            let row = Row::new(self.criterion, reading.scores(z));
            for term in self.criterion.terms_of_logits(label, at, z)?.unwrap_or_default() {
                if !matches!(term.log_p, LogProb::Classes { .. }) {
                    return Ok(None);
                }
                let Some(slopes) = slopes(&row, &term) else { return Ok(None) };
                for (column, share) in reading.shares(&slopes, scale * term.weight) {
                    gradient[column as usize] += share;
                }
            }
        }
        Ok(Some(gradient))
    }
}

/// The weight of a term's node, without that of the sample; 0 of a union.
fn node_weight(term: &Term, weights: &[f64]) -> f64 {
    match &term.of {
        TermSet::Node(node) => weights[node.index()],
        TermSet::Union(_) | TermSet::Superclass(_) => 0.0,
    }
}

/// Whether a term is about one class.
pub(super) fn is_class(hierarchy: &crate::Hierarchy, of: &TermSet) -> bool {
    classes(hierarchy, of).len() == 1
}
