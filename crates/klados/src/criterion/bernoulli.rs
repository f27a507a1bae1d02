//! Losses of yes and no at the nodes: from a label to what weighs on each.

use super::ordinary::OrdinaryRows;
use super::path_sum::column_by_node;
use super::row_loss::no_meaning;
use super::{Events, Form, InputError, LogProb, Pick, RowLoss, Sample, Superclasses, Term, TermSet};
use crate::kernels::bernoulli::{self, Pull};
use crate::kernels::extremum::{Parents, Positive};
use crate::kernels::nodes::NodeTables;
use crate::kernels::noisy_or::{NoisyOr, OrdinaryNoisyOr};
use crate::kernels::pool::Pool;
use crate::kernels::weighted_sigmoid;
use crate::numeric::Sum;
use crate::{Hierarchy, Label, NodeId};

/// How the probabilities of yes follow from the scores.
#[derive(Debug)]
pub(crate) enum BernoulliEvents {
    /// A sigmoid a node.
    Independent,
    /// Any of the classes of a node.
    NoisyOr(NodeTables, Box<OrdinaryNoisyOr>),
    /// The largest score below for no, and for yes as `Positive` says.
    Extremum(Parents, Positive),
    /// Weighted means of the sigmoids of classes: the superclasses of a map, then the classes themselves.
    Weighted {
        superclasses: Superclasses,
        /// By superclass: what its weights sum to beyond 1.
        excess: Vec<f64>,
    },
}

impl BernoulliEvents {
    /// Any of the classes of a node, with the weights of the nodes.
    pub(crate) fn noisy_or(hierarchy: &Hierarchy, weights: &[f64]) -> Self {
        let tables = hierarchy.node_tables();
        let ordinary = OrdinaryNoisyOr::new(&tables, parent_rows(hierarchy), weights);
        Self::NoisyOr(tables, Box::new(ordinary))
    }
}

/// Which events of a [`Form::Bernoulli`] have a term for a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All.
    All {
        /// Whether those strictly below a positive node that has no positive child have none.
        incomplete: bool,
    },
    /// All but those below the node of a single-label label.
    NotBelowLabel,
    /// The children of the nodes strictly above the label.
    Path,
}

/// `sum_v weights[v] (t_v pos_weight[v] f(log P(v)) + (1 - t_v) f(log(1 - P(v))))`.
#[derive(Debug)]
pub(crate) struct BernoulliRows {
    /// For messages.
    pub(crate) loss: &'static str,
    pub(crate) events: BernoulliEvents,
    pub(crate) asked: Asked,
    /// By event: node, or superclass and then class.
    pub(crate) weights: Vec<f64>,
    pub(crate) pos_weight: Vec<f64>,
    pub(crate) gamma: f64,
    /// Whether the mean divides by the number of terms.
    pub(crate) counts_terms: bool,
    /// By node.
    pub(crate) column: Vec<u32>,
    /// By column, where there is one a node: the weight of its node.
    pub(super) weight_by_column: Vec<f64>,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Positive,
    Negative,
    /// It has no term.
    Unasked,
}

/// What a set of classes weighs in a distribution, and how many of them weigh anything.
type Share = (Sum, usize);

/// The parents of each node but the root, in compressed rows.
pub(crate) fn parent_rows(hierarchy: &Hierarchy) -> Parents {
    let (mut offsets, mut parents) = (vec![0], Vec::new());
    for node in hierarchy.nodes() {
        parents.extend(hierarchy.parents(node).iter().map(|parent| parent.0));
        offsets.push(parents.len() as u32);
    }
    Parents { offsets, parents }
}

/// What the weights of each superclass sum to beyond 1; nothing where they were divided by their sum.
pub(crate) fn weighted_excess(superclasses: &Superclasses, is_normalized: bool) -> Vec<f64> {
    let weights = |superclass| superclasses.map.of_superclass.row(superclass).iter().map(|(_, weight)| *weight);
    let excess = |superclass| if is_normalized { 0.0 } else { weighted_sigmoid::excess(weights(superclass)) };
    (0..superclasses.names.len()).map(excess).collect()
}

impl BernoulliRows {
    pub(crate) fn new(loss: &'static str, hierarchy: &Hierarchy, events: BernoulliEvents, weights: Vec<f64>) -> Self {
        let pos_weight = vec![1.0; weights.len()];
        let asked = Asked::All { incomplete: false };
        let column = column_by_node(hierarchy);
        let mut weight_by_column = Vec::new();
        if !matches!(events, BernoulliEvents::Weighted { .. }) {
            weight_by_column.extend(hierarchy.node_columns().iter().map(|node| weights[node.index()]));
        }
        Self { loss, events, asked, weights, pos_weight, gamma: 0.0, counts_terms: false, column, weight_by_column }
    }

    /// What is known of each node, by a label that is no distribution; masks apart.
    fn states(&self, hierarchy: &Hierarchy, label: &Label) -> Vec<State> {
        let named: Vec<NodeId> = match label {
            Label::Class(class) => vec![hierarchy.class_node(*class)],
            Label::Node(node) => vec![*node],
            Label::Set { positive, .. } => positive.clone(),
            _ => Vec::new(),
        };
        let mut is_positive = vec![false; hierarchy.node_count()];
        is_positive[0] = true;
        let mut has_positive_child = vec![false; hierarchy.node_count()];
        named.iter().for_each(|node| is_positive[node.index()] = true);
        let mut stack = named;
        while let Some(node) = stack.pop() {
            for parent in hierarchy.parents(node) {
                has_positive_child[parent.index()] = true;
                if !std::mem::replace(&mut is_positive[parent.index()], true) {
                    stack.push(*parent);
                }
            }
        }
        let state = |positive: bool| if positive { State::Positive } else { State::Negative };
        let mut states: Vec<State> = is_positive.iter().map(|&positive| state(positive)).collect();
        states[0] = State::Unasked;
        let is_set = matches!(label, Label::Set { .. });
        // Strictly below a positive node that has no positive child. The root is one where a single label names it and the
        // loss asks nothing of what is below a single label; elsewhere naming the root says that nothing is positive.
        let hides_below = match self.asked {
            Asked::All { incomplete } => incomplete,
            Asked::NotBelowLabel => !is_set,
            Asked::Path => false,
        };
        if hides_below {
            let root_hides = self.asked == Asked::NotBelowLabel;
            let mut hidden = vec![false; states.len()];
            for node in hierarchy.nodes().skip(1).filter(|node| !is_positive[node.index()]) {
                hidden[node.index()] =
                    hierarchy.parents(node).iter().map(|parent| parent.index()).any(|at| {
                        hidden[at] || (is_positive[at] && !has_positive_child[at] && (at != 0 || root_hides))
                    });
            }
            states.iter_mut().zip(hidden).filter(|(_, hidden)| *hidden).for_each(|(state, _)| *state = State::Unasked);
        }
        if self.asked == Asked::Path {
            for node in hierarchy.nodes().skip(1) {
                let parent = hierarchy.parents(node)[0];
                let goes_on = has_positive_child[parent.index()] || (parent == NodeId::ROOT && is_set);
                if !goes_on {
                    states[node.index()] = State::Unasked;
                }
            }
        }
        states
    }

    /// What weighs on each event of a label that is no distribution.
    fn pulls(&self, hierarchy: &Hierarchy, label: &Label, factor: f64) -> (Vec<Pull>, Vec<bool>) {
        let mut states = self.states(hierarchy, label);
        let masked: &[NodeId] = if let Label::Set { masked, .. } = label { masked } else { &[] };
        let mut pulls = Vec::new();
        if let BernoulliEvents::Weighted { superclasses, .. } = &self.events {
            let state = |class: u32| states[hierarchy.class_node(class as usize).index()];
            let mut is_masked = vec![false; superclasses.names.len()];
            let superclass_of = |node: &NodeId| superclasses.of_node(hierarchy, *node);
            masked.iter().filter_map(superclass_of).for_each(|superclass| is_masked[superclass] = true);
            for (superclass, is_masked) in is_masked.into_iter().enumerate() {
                let classes = superclasses.map.of_superclass.row(superclass);
                if is_masked || classes.iter().any(|(class, _)| state(*class) == State::Unasked) {
                    continue;
                }
                let sum = |wanted: State| -> f64 {
                    classes.iter().filter(|(class, _)| state(*class) == wanted).map(|(_, weight)| weight).sum()
                };
                self.push(&mut pulls, superclass, factor * sum(State::Positive), factor * sum(State::Negative));
            }
            masked.iter().for_each(|node| states[node.index()] = State::Unasked);
            for class in 0..hierarchy.class_count() {
                let state = states[hierarchy.class_node(class).index()];
                pulls.extend(self.pull_at(superclasses.names.len() + class, state, factor));
            }
            return (pulls, Vec::new());
        }
        let is_positive = states.iter().map(|state| *state == State::Positive).collect();
        masked.iter().for_each(|node| states[node.index()] = State::Unasked);
        pulls.extend(states.iter().enumerate().filter_map(|(node, state)| self.pull_at(node, *state, factor)));
        (pulls, is_positive)
    }

    fn pull_at(&self, at: usize, state: State, factor: f64) -> Option<Pull> {
        let weight = factor * self.weights[at];
        let (yes, no) = match state {
            State::Positive => (weight * self.pos_weight[at], 0.0),
            State::Negative => (0.0, weight),
            State::Unasked => return None,
        };
        (weight != 0.0).then_some(Pull { at: at as u32, yes, no })
    }

    fn push(&self, pulls: &mut Vec<Pull>, at: usize, yes: f64, no: f64) {
        let weight = self.weights[at];
        if weight != 0.0 {
            pulls.push(Pull { at: at as u32, yes: yes * weight * self.pos_weight[at], no: no * weight });
        }
    }

    /// What weighs on each event of a distribution, where the loss is linear in it.
    fn soft_pulls(&self, hierarchy: &Hierarchy, target: &[f64]) -> Vec<Pull> {
        let share = |weight: f64| (Sum::from_iter([weight]), usize::from(weight != 0.0));
        let all: Share = (target.iter().copied().collect(), target.iter().filter(|weight| **weight != 0.0).count());
        let mut below: Vec<Share> = vec![(Sum::default(), 0); hierarchy.node_count()];
        let mut seen = vec![u32::MAX; hierarchy.node_count()];
        for (class, &weight) in target.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            hierarchy.walk_up(hierarchy.class_node(class), &mut seen, class as u32, |node| {
                below[node.index()].0.add(weight);
                below[node.index()].1 += 1;
            });
        }
        below[0] = all;
        // Where every class of weight is inside there is nothing outside, which rounding must not hide.
        let without = |all: Share, own: Share| if all.1 == own.1 { 0.0 } else { all.0.less(own.0) };
        let mut pulls = Vec::new();
        match &self.events {
            BernoulliEvents::Weighted { superclasses, .. } => {
                for superclass in 0..superclasses.names.len() {
                    let classes = superclasses.map.of_superclass.row(superclass);
                    let (mut yes, mut no) = (0.0, 0.0);
                    for &(class, of_class) in classes {
                        let weight = target[class as usize];
                        yes += of_class * weight;
                        no += of_class * without(all, share(weight));
                    }
                    self.push(&mut pulls, superclass, yes, no);
                }
                for (class, &weight) in target.iter().enumerate() {
                    self.push(&mut pulls, superclasses.names.len() + class, weight, without(all, share(weight)));
                }
            }
            _ => {
                for node in hierarchy.nodes().skip(1) {
                    let own = below[node.index()];
                    let asked = match self.asked {
                        Asked::Path => below[hierarchy.parents(node)[0].index()],
                        _ => all,
                    };
                    self.push(&mut pulls, node.index(), own.0.value(), without(asked, own));
                }
            }
        }
        pulls
    }

    /// Calls `part` with the pulls of each label that a sample is made of: of itself, or, where the loss is not linear in a
    /// distribution, of each of its classes in turn.
    fn for_each_part(&self, sample: &Sample<'_>, mut part: impl FnMut(&[Pull], &[bool])) {
        let hierarchy = sample.hierarchy;
        match (sample.target, &self.events) {
            (None, _) => {
                let (pulls, is_positive) = self.pulls(hierarchy, sample.label, sample.factor);
                part(&pulls, &is_positive);
            }
            // Where the term of a positive node comes from depends on which nodes are.
            (Some(target), BernoulliEvents::Extremum(_, Positive::LargestPositiveBelow)) => {
                for (class, &weight) in target.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                    let (pulls, is_positive) = self.pulls(hierarchy, &Label::Class(class), weight);
                    part(&pulls, &is_positive);
                }
            }
            (Some(target), _) => part(&self.soft_pulls(hierarchy, target), &[]),
        }
    }

    fn part(
        &self,
        (pulls, is_positive): (&[Pull], &[bool]),
        scores: &[f64],
        mut grad: Option<&mut [f64]>,
        pool: &mut Pool,
    ) -> f64 {
        match &self.events {
            BernoulliEvents::Independent => bernoulli::independent(pulls, self.gamma, scores, grad),
            BernoulliEvents::Extremum(parents, positive) => {
                parents.row(*positive, (pulls, is_positive), self.gamma, scores, grad, pool)
            }
            BernoulliEvents::NoisyOr(tables, _) => {
                let mut sums = NoisyOr::default();
                sums.measure(tables, scores);
                let mut by_yes = pool.floats(tables.nodes, 0.0);
                let mut by_no = pool.floats(tables.nodes, 0.0);
                let mut loss = 0.0;
                for pull in pulls {
                    let judged = sums.odds(pull.at as usize).judge(pull.yes, pull.no, self.gamma);
                    loss += judged.value;
                    by_yes[pull.at as usize] = judged.by_yes;
                    by_no[pull.at as usize] = judged.by_no;
                }
                if let Some(grad) = grad
                    && loss.is_finite()
                {
                    sums.backward(tables, (&by_yes, &by_no), scores, grad, pool);
                }
                pool.keep(by_yes);
                pool.keep(by_no);
                loss
            }
            BernoulliEvents::Weighted { superclasses, excess } => {
                let first_class = superclasses.names.len();
                let mut loss = 0.0;
                for pull in pulls {
                    let at = pull.at as usize;
                    if at >= first_class {
                        let own = Pull { at: (at - first_class) as u32, ..*pull };
                        loss += bernoulli::independent(&[own], self.gamma, scores, grad.as_deref_mut());
                        continue;
                    }
                    let classes = superclasses.map.of_superclass.row(at);
                    let measured = weighted_sigmoid::measure(classes, excess[at], scores);
                    let judged = measured.odds.judge(pull.yes, pull.no, self.gamma);
                    loss += judged.value;
                    if let Some(grad) = grad.as_deref_mut()
                        && loss.is_finite()
                    {
                        measured.backward(judged, classes, scores, grad);
                    }
                }
                loss
            }
        }
    }

    /// The log-probability of an event, or of its complement.
    fn log_prob(&self, hierarchy: &Hierarchy, is_positive: &[bool], at: usize, negative: bool) -> LogProb {
        let one = |column: u32| LogProb::Sigmoid { columns: vec![column], pick: Pick::Max, negative };
        let node = NodeId(at as u32);
        match &self.events {
            BernoulliEvents::Independent => one(self.column[at]),
            BernoulliEvents::NoisyOr(..) => {
                let columns = hierarchy.classes_below(node).into_iter().map(|class| class as u32).collect();
                LogProb::NoisyOr { columns, negative }
            }
            BernoulliEvents::Extremum(_, positive) => {
                let columns = |nodes: Vec<NodeId>| nodes.iter().map(|node| self.column[node.index()]).collect();
                if !negative && *positive == Positive::SmallestAbove {
                    let mut above = hierarchy.lineage(node);
                    above.sort_unstable();
                    return LogProb::Sigmoid { columns: columns(above), pick: Pick::Min, negative };
                }
                let (mut below, mut stack) = (Vec::new(), vec![node]);
                while let Some(next) = stack.pop() {
                    below.push(next);
                    stack.extend_from_slice(hierarchy.children(next));
                }
                below.sort_unstable();
                below.dedup();
                below.retain(|node| negative || is_positive[node.index()]);
                LogProb::Sigmoid { columns: columns(below), pick: Pick::Max, negative }
            }
            BernoulliEvents::Weighted { superclasses, .. } => match at.checked_sub(superclasses.names.len()) {
                Some(class) => one(class as u32),
                None => LogProb::WeightedSigmoid { columns: superclasses.map.of_superclass.row(at).to_vec(), negative },
            },
        }
    }

    fn subject(&self, hierarchy: &Hierarchy, at: usize) -> TermSet {
        match &self.events {
            BernoulliEvents::Weighted { superclasses, .. } => match at.checked_sub(superclasses.names.len()) {
                Some(class) => TermSet::Node(hierarchy.class_node(class)),
                None => TermSet::Superclass(at),
            },
            _ => TermSet::Node(NodeId(at as u32)),
        }
    }
}

impl RowLoss for BernoulliRows {
    fn check_label(&self, _: &Hierarchy, label: &Label) -> Result<(), InputError> {
        match label {
            Label::Union(_) | Label::Superclass(_) => {
                Err(no_meaning(self.loss, "one class or node, several that all hold (a;b), or a distribution", label))
            }
            _ => Ok(()),
        }
    }

    fn row(&self, sample: &Sample<'_>, scores: &[f64], mut grad: Option<&mut [f64]>, pool: &mut Pool) -> f64 {
        let mut loss = 0.0;
        self.for_each_part(sample, |pulls, is_positive| {
            loss += self.part((pulls, is_positive), scores, grad.as_deref_mut(), pool);
        });
        loss
    }

    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        Some(OrdinaryRows::Bernoulli(self))
    }

    fn form(&self) -> Form<'_> {
        let events = match &self.events {
            BernoulliEvents::Independent => Events::Independent,
            BernoulliEvents::NoisyOr(..) => Events::NoisyOr,
            BernoulliEvents::Extremum(_, Positive::SmallestAbove) => Events::SmallestAbove,
            BernoulliEvents::Extremum(_, _) => Events::LargestBelow,
            BernoulliEvents::Weighted { superclasses, .. } => Events::Weighted { map: superclasses },
        };
        let Self { asked, weights, pos_weight, counts_terms, .. } = self;
        Form::Bernoulli { events, asked: *asked, weights, pos_weight, counts_terms: *counts_terms }
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let hierarchy = sample.hierarchy;
        let mut terms = Vec::new();
        self.for_each_part(sample, |pulls, is_positive| {
            for &Pull { at, yes, no } in pulls {
                for (weight, negative) in [(yes, false), (no, true)].into_iter().filter(|(weight, _)| *weight != 0.0) {
                    let log_p = self.log_prob(hierarchy, is_positive, at as usize, negative);
                    terms.push(Term { of: self.subject(hierarchy, at as usize), weight, log_p });
                }
            }
        });
        terms
    }

    fn term_count(&self, hierarchy: &Hierarchy, label: &Label) -> Option<f64> {
        if !self.counts_terms {
            return None;
        }
        let all = |weights: &[f64]| weights.iter().filter(|weight| **weight > 0.0).count();
        Some(match label {
            Label::Soft(_) => all(match self.events {
                BernoulliEvents::Weighted { .. } => &self.weights,
                _ => &self.weights[1..],
            }),
            _ => self.pulls(hierarchy, label, 1.0).0.len(),
        } as f64)
    }

    fn superclass_name(&self, superclass: usize) -> Option<&str> {
        match &self.events {
            BernoulliEvents::Weighted { superclasses, .. } => superclasses.names.get(superclass).map(String::as_str),
            _ => None,
        }
    }
}
