//! Where a loss comes from: what each node's terms add to the mean.
#![expect(clippy::disallowed_methods, reason = "explains a loss to four digits; klados::numeric is not public")]

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use klados::{Criterion, Element, Hierarchy, Label, Loss, NodeId, NodeLogProbs, TermSet};

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
    let node_log_probs = NodeLogProbs::new(hierarchy);
    let smoothing = Smoothing::of(batch.criterion)?;
    let columns = batch.criterion.columns();
    // Rows of one label have the same terms: made once, not kept, as soft labels have one for every class.
    let mut order: Vec<usize> = (0..batch.labels.len()).collect();
    order.sort_by_key(|&row| batch.texts[row]);
    let mut sums = Sums { nodes: vec![None; hierarchy.node_count()], unions: BTreeMap::new() };
    let mut log_p = vec![0.0; hierarchy.node_count()];
    for rows in order.chunk_by(|&a, &b| batch.texts[a] == batch.texts[b]) {
        let label = &batch.labels[rows[0]];
        let terms = prepare(hierarchy, batch.criterion.terms(label)?);
        for &row in rows {
            let logits: Vec<f64> = batch.logits[row * columns..][..columns].iter().map(|z| z.to_f64()).collect();
            node_log_probs.forward(&logits, &mut log_p)?;
            let is_masked = logits.contains(&f64::NEG_INFINITY) && batch.losses[row].to_f64().is_finite();
            let own_terms = match is_masked {
                true => smoothing.masked_terms(batch.criterion, label, &logits)?,
                false => None,
            };
            let own_terms = own_terms.map(|terms| prepare(hierarchy, terms));
            for term in own_terms.as_ref().unwrap_or(&terms) {
                sums.add(term, term.value(&log_p, hierarchy, batch.criterion.gamma()));
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

fn prepare(hierarchy: &Hierarchy, terms: Vec<klados::Term>) -> Vec<Prepared> {
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

/// What masked classes change in a row's terms: the losses leave them out of a soft target and of the smoothing, which
/// [`Criterion::terms`] cannot know.
enum Smoothing {
    /// Terms of nodes only: nothing changes.
    None,
    /// A soft target over the classes, divided by what the mask leaves.
    SoftLabels,
    /// The loss without its smoothing, and the smoothing.
    Label { plain: Criterion, epsilon: f64 },
}

impl Smoothing {
    fn of(criterion: &Criterion) -> Result<Self> {
        let plain = match criterion.loss().clone() {
            Loss::SoftLabels(_) => return Ok(Self::SoftLabels),
            Loss::MarginalCrossEntropy(loss) => Loss::from(loss.label_smoothing(0.0)),
            Loss::HierarchicalCrossEntropy(loss) => Loss::from(loss.label_smoothing(0.0)),
            _ => return Ok(Self::None),
        };
        if plain == *criterion.loss() {
            return Ok(Self::None);
        }
        let written = serde_json::to_value(criterion.loss())?;
        let epsilon = written[plain.name()]["label_smoothing"].as_f64().context("a loss without its smoothing")?;
        Ok(Self::Label { plain: plain.compile(criterion.hierarchy())?, epsilon })
    }

    /// The terms of a row with masked classes, where they differ.
    fn masked_terms(&self, criterion: &Criterion, label: &Label, logits: &[f64]) -> Result<Option<Vec<klados::Term>>> {
        let open = |class: usize| logits[class] != f64::NEG_INFINITY;
        match self {
            Self::None => Ok(None),
            Self::SoftLabels => {
                let mut terms = criterion.terms(label)?;
                let total = |terms: &[klados::Term]| terms.iter().map(|term| term.weight).sum::<f64>();
                let before = total(&terms);
                terms.retain(|term| match &term.set {
                    TermSet::Node(node) => criterion.hierarchy().class_at(*node).is_none_or(open),
                    TermSet::Union(_) => true,
                });
                let factor = before / total(&terms);
                terms.iter_mut().for_each(|term| term.weight *= factor);
                Ok(Some(terms))
            }
            Self::Label { plain, epsilon } => {
                if *label == Label::Ignored {
                    return Ok(None);
                }
                let count = (0..logits.len()).filter(|&class| open(class)).count() as f64;
                let uniform = (0..logits.len()).map(|class| if open(class) { 1.0 / count } else { 0.0 }).collect();
                let mut terms = plain.terms(label)?;
                terms.iter_mut().for_each(|term| term.weight *= 1.0 - epsilon);
                let mut smooth = plain.terms(&Label::Soft(uniform))?;
                let share = epsilon * count / logits.len() as f64;
                smooth.iter_mut().for_each(|term| term.weight *= share);
                terms.extend(smooth);
                Ok(Some(terms))
            }
        }
    }
}
