//! Where a loss comes from: what each node's terms add to the mean.
#![expect(clippy::disallowed_methods, reason = "explains a loss to four digits; klados::numeric is not public")]

use std::collections::BTreeMap;

use anyhow::Result;
use klados::{Criterion, Float, Hierarchy, Label, LogProb, Loss, NodeId, NodeLogProbs, Term, TermSet};

/// The terms of one node, of a union of nodes, or of a superclass of the loss's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NodeTerm {
    /// What they are about; the nodes of a union in hierarchy order.
    pub(crate) of: TermSet,
    /// `sum over the samples of -weight (1 - P)^gamma log P`, over the normalizer of the mean.
    pub(crate) mean: f64,
}

/// A batch and what its loss is.
pub(crate) struct Batch<'a, T> {
    pub(crate) criterion: &'a Criterion,
    /// `[batch, columns]`
    pub(crate) logits: &'a [T],
    pub(crate) labels: &'a [Label],
    /// By row, equal where the labels are equal.
    pub(crate) texts: &'a [&'a str],
    pub(crate) losses: &'a [T],
}

/// The terms of everything that has one in some sample: nodes and unions in hierarchy order, then superclasses. Their
/// means add up to the mean loss.
pub(crate) fn means<T: Float>(batch: &Batch<'_, T>) -> Result<Vec<NodeTerm>> {
    let hierarchy = batch.criterion.hierarchy();
    let normalizer = batch.criterion.normalizer(batch.labels)?;
    let (plain, epsilon) = without_smoothing(batch.criterion)?;
    let smooth = prepare(hierarchy, smoothing(&plain, epsilon, |_| true)?);
    let rows = Rows::new(&plain);
    let columns = plain.columns();
    // Rows of one label have the same terms, unless they are drawn: made once, not kept, as soft labels have one for
    // every class.
    let by_row = plain.draws_at_random();
    let mut order: Vec<usize> = (0..batch.labels.len()).collect();
    order.sort_by_key(|&row| batch.texts[row]);
    let mut sums = Sums { nodes: vec![None; hierarchy.node_count()], others: BTreeMap::new() };
    let mut log_p = vec![0.0; hierarchy.node_count()];
    for same in order.chunk_by(|&a, &b| !by_row && batch.texts[a] == batch.texts[b]) {
        let label = &batch.labels[same[0]];
        if *label == Label::Ignored {
            continue;
        }
        let mut terms = plain.terms_of_row(label, same[0])?;
        terms.iter_mut().for_each(|term| term.weight *= 1.0 - epsilon);
        let prepared = prepare(hierarchy, terms.clone());
        for &row in same {
            let logits: Vec<f64> = batch.logits[row * columns..][..columns].iter().map(|z| z.to_f64()).collect();
            let scores = rows.scores(logits);
            if is_softmax(&prepared) || is_softmax(&smooth) {
                rows.node_log_probs.forward(&scores, &mut log_p)?;
            }
            let loss = batch.losses[row].to_f64();
            let is_masked = scores.contains(&f64::NEG_INFINITY) && loss.is_finite();
            let own: [Vec<Prepared>; 2];
            let (terms, smooth) = if is_masked {
                let masked = rows.masked_classes(&scores);
                let open = |class: usize| !masked[class];
                let target = unmasked(&plain, &terms, open);
                own = [prepare(hierarchy, target), prepare(hierarchy, smoothing(&plain, epsilon, open)?)];
                (&own[0], &own[1])
            } else {
                (&prepared, &smooth)
            };
            for term in terms.iter().chain(smooth) {
                // A logit that is no number may not enter every term; the loss is none all the same.
                let value = if loss.is_nan() { loss } else { term.value(&scores, &log_p, &plain) };
                sums.add(term, value);
            }
        }
    }
    let mean = |sum: f64| if normalizer == 0.0 { 0.0 } else { sum / normalizer };
    let nodes = hierarchy.nodes().zip(&sums.nodes).filter_map(|(node, sum)| Some((TermSet::Node(node), (*sum)?)));
    let mut terms: Vec<NodeTerm> = nodes.chain(sums.others).map(|(of, sum)| NodeTerm { of, mean: mean(sum) }).collect();
    terms.sort_by(|a, b| place(&a.of).cmp(&place(&b.of)));
    Ok(terms)
}

/// Where a term stands in the list.
fn place(of: &TermSet) -> (usize, &[NodeId]) {
    match of {
        TermSet::Node(node) => (0, std::slice::from_ref(node)),
        TermSet::Union(nodes) => (0, nodes),
        TermSet::Superclass(superclass) => (1 + superclass, &[]),
    }
}

/// Rows of logits as the terms take them.
struct Rows<'a> {
    criterion: &'a Criterion,
    node_log_probs: NodeLogProbs,
    /// By column, where there is one a node: the node.
    nodes: Vec<NodeId>,
    /// By class, where class logits are sums: the columns at and above it.
    above: Vec<Vec<usize>>,
}

impl<'a> Rows<'a> {
    fn new(criterion: &'a Criterion) -> Self {
        let hierarchy = criterion.hierarchy();
        let nodes = if criterion.has_node_columns() { hierarchy.node_columns() } else { Vec::new() };
        let mut column = vec![0; hierarchy.node_count()];
        nodes.iter().enumerate().for_each(|(place, node)| column[node.index()] = place);
        let above = |class| {
            let lineage = hierarchy.lineage(hierarchy.class_node(class)).into_iter();
            lineage.filter(|node| *node != NodeId::ROOT).map(|node| column[node.index()]).collect()
        };
        let classes = if criterion.sums_over_ancestors() { hierarchy.class_count() } else { 0 };
        let above = (0..classes).map(above).collect();
        Self { criterion, node_log_probs: NodeLogProbs::new(hierarchy), nodes, above }
    }

    /// The logits; sums by class where the loss takes those.
    fn scores(&self, logits: Vec<f64>) -> Vec<f64> {
        match self.criterion.sums_over_ancestors() {
            true => self.above.iter().map(|above| above.iter().map(|&column| logits[column]).sum()).collect(),
            false => logits,
        }
    }

    /// By class: whether its score is `-inf`, or with a column a node one at or above it.
    fn masked_classes(&self, scores: &[f64]) -> Vec<bool> {
        if self.nodes.is_empty() || self.criterion.sums_over_ancestors() {
            return scores.iter().map(|score| *score == f64::NEG_INFINITY).collect();
        }
        let hierarchy = self.criterion.hierarchy();
        let mut masked = vec![false; hierarchy.node_count()];
        self.nodes.iter().zip(scores).for_each(|(node, score)| masked[node.index()] = *score == f64::NEG_INFINITY);
        for node in hierarchy.nodes().skip(1) {
            masked[node.index()] |= hierarchy.parents(node).iter().any(|parent| masked[parent.index()]);
        }
        (0..hierarchy.class_count()).map(|class| masked[hierarchy.class_node(class).index()]).collect()
    }
}

/// Whether some terms are about a softmax over the classes.
fn is_softmax(terms: &[Prepared]) -> bool {
    terms.iter().any(|term| matches!(term.term.log_p, LogProb::Classes { .. }))
}

/// The same loss without label smoothing, and how much of it there was. Apart, because the terms of the smoothing are
/// those of all classes: made once, not for every label.
fn without_smoothing(criterion: &Criterion) -> Result<(Criterion, f64)> {
    let mut written = serde_json::to_value(criterion.loss())?;
    let smoothing = written[criterion.loss().name()].get_mut("label_smoothing");
    let epsilon = smoothing.as_ref().and_then(|value| value.as_f64()).unwrap_or(0.0);
    match smoothing {
        Some(smoothing) if epsilon != 0.0 => *smoothing = 0.0.into(),
        _ => return Ok((criterion.clone(), 0.0)),
    }
    let plain: Loss = serde_json::from_value(written)?;
    Ok((plain.compile(criterion.hierarchy())?, epsilon))
}

/// The terms of the smoothing: `epsilon / N` of the loss of every class that is not masked.
fn smoothing(plain: &Criterion, epsilon: f64, open: impl Fn(usize) -> bool) -> Result<Vec<Term>> {
    if epsilon == 0.0 {
        return Ok(Vec::new());
    }
    let all = plain.hierarchy().class_count();
    let count = (0..all).filter(|&class| open(class)).count() as f64;
    let uniform = (0..all).map(|class| if open(class) { 1.0 / count } else { 0.0 }).collect();
    let mut terms = plain.terms(&Label::Soft(uniform))?;
    let share = epsilon * count / all as f64;
    terms.iter_mut().for_each(|term| term.weight *= share);
    Ok(terms)
}

/// What masked classes leave of a row's terms: the target of soft labels is divided by what is left of it.
fn unmasked(criterion: &Criterion, terms: &[Term], open: impl Fn(usize) -> bool) -> Vec<Term> {
    let mut left = terms.to_vec();
    if matches!(criterion.loss(), Loss::SoftLabels(_)) {
        let total = |terms: &[Term]| terms.iter().map(|term| term.weight).sum::<f64>();
        left.retain(|term| match &term.of {
            TermSet::Node(node) => criterion.hierarchy().class_at(*node).is_none_or(&open),
            _ => true,
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
    others: BTreeMap<TermSet, f64>,
}

impl Sums {
    fn add(&mut self, term: &Prepared, value: f64) {
        match &term.term.of {
            TermSet::Node(node) => *self.nodes[node.index()].get_or_insert(0.0) += value,
            of => *self.others.entry(of.clone()).or_insert(0.0) += value,
        }
    }
}

/// A term with what its probability needs.
struct Prepared {
    term: Term,
    /// By class, whether the union has it; empty for one node.
    member: Vec<bool>,
}

fn prepare(hierarchy: &Hierarchy, terms: Vec<Term>) -> Vec<Prepared> {
    let prepared = terms.into_iter().map(|mut term| {
        let mut member = Vec::new();
        if let TermSet::Union(nodes) = &mut term.of {
            nodes.sort_unstable();
            member = vec![false; hierarchy.class_count()];
            nodes.iter().flat_map(|node| hierarchy.classes_below(*node)).for_each(|class| member[class] = true);
        }
        Prepared { term, member }
    });
    prepared.collect()
}

impl Prepared {
    /// `-weight (1 - P)^gamma log P`. Of a softmax over the classes from the log-probabilities of all nodes, which are
    /// made once a row; all else from the scores.
    fn value(&self, scores: &[f64], log_p: &[f64], criterion: &Criterion) -> f64 {
        let (hierarchy, gamma) = (criterion.hierarchy(), criterion.gamma());
        let LogProb::Classes { given } = self.term.log_p else { return self.term.value(hierarchy, scores, gamma) };
        let set = match &self.term.of {
            TermSet::Node(node) => log_p[node.index()],
            _ => log_sum(hierarchy, log_p, &self.member),
        };
        // A masked set stays masked whatever it is conditional on, which may be masked too.
        let log_p = if set == f64::NEG_INFINITY { set } else { set - log_p[given.index()] };
        let focus = if gamma == 0.0 { 1.0 } else { (-log_p.exp_m1()).max(0.0).powf(gamma) };
        self.term.weight * focus * -log_p
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
