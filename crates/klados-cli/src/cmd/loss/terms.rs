//! Where a loss comes from: what each node's terms add to the mean.
#![expect(clippy::disallowed_methods, reason = "explains a loss to four digits; klados::numeric is not public")]

use std::collections::BTreeMap;

use anyhow::Result;
use klados::{Criterion, Element, Hierarchy, Label, Loss, NodeId, NodeLogProbs, Term, TermSet};

/// The terms of one node, or of a union of nodes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NodeTerm {
    /// One node; several where a label is a union.
    pub(crate) nodes: Vec<NodeId>,
    /// `sum over the samples of -weight (1 - P)^gamma log P`, over the normalizer of the mean.
    pub(crate) mean: f64,
}

/// A batch and what its loss is.
pub(crate) struct Batch<'a, T> {
    pub(crate) criterion: &'a Criterion,
    /// `[batch, classes]`
    pub(crate) logits: &'a [T],
    pub(crate) labels: &'a [Label],
    /// By row, equal where the labels are equal.
    pub(crate) texts: &'a [&'a str],
    pub(crate) losses: &'a [T],
}

/// The terms of every node that has one in some sample, in hierarchy order. Their means add up to the mean loss.
pub(crate) fn means<T: Element>(batch: &Batch<'_, T>) -> Result<Vec<NodeTerm>> {
    let hierarchy = batch.criterion.hierarchy();
    let normalizer = batch.criterion.normalizer(batch.labels)?;
    let gamma = batch.criterion.gamma();
    let node_log_probs = NodeLogProbs::new(hierarchy);
    let (plain, epsilon) = without_smoothing(batch.criterion)?;
    let smooth = prepare(hierarchy, smoothing(&plain, epsilon, |_| true)?);
    let columns = plain.columns();
    // Rows of one label have the same terms: made once, not kept, as soft labels have one for every class.
    let mut order: Vec<usize> = (0..batch.labels.len()).collect();
    order.sort_by_key(|&row| batch.texts[row]);
    let mut sums = Sums { nodes: vec![None; hierarchy.node_count()], unions: BTreeMap::new() };
    let mut log_p = vec![0.0; hierarchy.node_count()];
    for rows in order.chunk_by(|&a, &b| batch.texts[a] == batch.texts[b]) {
        let label = &batch.labels[rows[0]];
        if *label == Label::Ignored {
            continue;
        }
        let mut terms = plain.terms(label)?;
        terms.iter_mut().for_each(|term| term.weight *= 1.0 - epsilon);
        let prepared = prepare(hierarchy, terms.clone());
        for &row in rows {
            let logits: Vec<f64> = batch.logits[row * columns..][..columns].iter().map(|z| z.to_f64()).collect();
            node_log_probs.forward(&logits, &mut log_p)?;
            let is_masked = logits.contains(&f64::NEG_INFINITY) && batch.losses[row].to_f64().is_finite();
            let open = |class: usize| logits[class] != f64::NEG_INFINITY;
            let own: [Vec<Prepared>; 2];
            let (terms, smooth) = if is_masked {
                let target = unmasked(&plain, &terms, open);
                own = [prepare(hierarchy, target), prepare(hierarchy, smoothing(&plain, epsilon, open)?)];
                (&own[0], &own[1])
            } else {
                (&prepared, &smooth)
            };
            for term in terms.iter().chain(smooth) {
                sums.add(term, term.value(&log_p, hierarchy, gamma));
            }
        }
    }
    let mean = |sum: f64| if normalizer == 0.0 { 0.0 } else { sum / normalizer };
    let nodes = hierarchy.nodes().zip(&sums.nodes).filter_map(|(node, sum)| Some((vec![node], (*sum)?)));
    let mut terms: Vec<NodeTerm> =
        nodes.chain(sums.unions).map(|(nodes, sum)| NodeTerm { nodes, mean: mean(sum) }).collect();
    terms.sort_by(|a, b| a.nodes.cmp(&b.nodes));
    Ok(terms)
}

/// The same loss without label smoothing, and how much of it there was. Apart, because the terms of the smoothing are
/// those of all classes: made once, not for every label.
fn without_smoothing(criterion: &Criterion) -> Result<(Criterion, f64)> {
    let plain = match criterion.loss().clone() {
        Loss::MarginalCrossEntropy(loss) => Loss::from(loss.label_smoothing(0.0)),
        Loss::HierarchicalCrossEntropy(loss) => Loss::from(loss.label_smoothing(0.0)),
        _ => return Ok((criterion.clone(), 0.0)),
    };
    let written = serde_json::to_value(criterion.loss())?;
    let epsilon = written[plain.name()]["label_smoothing"].as_f64().unwrap_or(0.0);
    Ok((plain.compile(criterion.hierarchy())?, epsilon))
}

/// The terms of the smoothing: `epsilon / N` of the loss of every class that is not masked.
fn smoothing(plain: &Criterion, epsilon: f64, open: impl Fn(usize) -> bool) -> Result<Vec<Term>> {
    if epsilon == 0.0 {
        return Ok(Vec::new());
    }
    let classes = 0..plain.columns();
    let count = classes.clone().filter(|&class| open(class)).count() as f64;
    let uniform = classes.map(|class| if open(class) { 1.0 / count } else { 0.0 }).collect();
    let mut terms = plain.terms(&Label::Soft(uniform))?;
    let share = epsilon * count / plain.columns() as f64;
    terms.iter_mut().for_each(|term| term.weight *= share);
    Ok(terms)
}

/// What masked classes leave of a row's terms: the target of soft labels is divided by what is left of it.
fn unmasked(criterion: &Criterion, terms: &[Term], open: impl Fn(usize) -> bool) -> Vec<Term> {
    let mut left = terms.to_vec();
    if matches!(criterion.loss(), Loss::SoftLabels(_)) {
        let total = |terms: &[Term]| terms.iter().map(|term| term.weight).sum::<f64>();
        left.retain(|term| match &term.set {
            TermSet::Node(node) => criterion.hierarchy().class_at(*node).is_none_or(&open),
            TermSet::Union(_) => true,
        });
        let factor = total(terms) / total(&left);
        left.iter_mut().for_each(|term| term.weight *= factor);
    }
    left
}

/// Sums over samples.
struct Sums {
    /// By node; none where it has had no term.
    nodes: Vec<Option<f64>>,
    unions: BTreeMap<Vec<NodeId>, f64>,
}

impl Sums {
    fn add(&mut self, term: &Prepared, value: f64) {
        match term.nodes[..] {
            [node] => *self.nodes[node.index()].get_or_insert(0.0) += value,
            _ => *self.unions.entry(term.nodes.clone()).or_insert(0.0) += value,
        }
    }
}

/// A term with what its probability needs.
struct Prepared {
    nodes: Vec<NodeId>,
    given: NodeId,
    weight: f64,
    /// By class, whether the union has it; empty for one node.
    member: Vec<bool>,
}

fn prepare(hierarchy: &Hierarchy, terms: Vec<Term>) -> Vec<Prepared> {
    let prepared = terms.into_iter().map(|term| {
        let (nodes, member) = match term.set {
            TermSet::Node(node) => (vec![node], Vec::new()),
            TermSet::Union(mut nodes) => {
                nodes.sort_unstable();
                let mut member = vec![false; hierarchy.class_count()];
                nodes.iter().flat_map(|node| hierarchy.classes_below(*node)).for_each(|class| member[class] = true);
                (nodes, member)
            }
        };
        Prepared { nodes, given: term.given, weight: term.weight, member }
    });
    prepared.collect()
}

impl Prepared {
    /// `-weight (1 - P)^gamma log P`.
    fn value(&self, log_p: &[f64], hierarchy: &Hierarchy, gamma: f64) -> f64 {
        let set = match self.nodes[..] {
            [node] => log_p[node.index()],
            _ => log_sum(hierarchy, log_p, &self.member),
        };
        // A masked set stays masked whatever it is conditional on, which may be masked too.
        let log_p = if set == f64::NEG_INFINITY { set } else { set - log_p[self.given.index()] };
        let focus = if gamma == 0.0 { 1.0 } else { (-log_p.exp_m1()).max(0.0).powf(gamma) };
        self.weight * focus * -log_p
    }
}

/// The log-probability of a set of classes: their sum, or where that is near 1 the complement of the others'.
fn log_sum(hierarchy: &Hierarchy, log_p: &[f64], member: &[bool]) -> f64 {
    let of = |inside: bool| {
        let classes = (0..member.len()).filter(move |&class| member[class] == inside);
        classes.map(|class| log_p[hierarchy.class_node(class).index()])
    };
    let max = of(true).fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return if of(true).any(f64::is_nan) { f64::NAN } else { max };
    }
    let sum = max + of(true).map(|log_p| (log_p - max).exp()).sum::<f64>().ln();
    let rest: f64 = of(false).map(f64::exp).sum();
    if rest < 0.5 { (-rest).ln_1p() } else { sum }
}
