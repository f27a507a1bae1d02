//! Weighted cross-entropy: from a label to its class and its superclasses.

use super::ordinary::OrdinaryRows;
use super::row_loss::no_meaning;
use super::{Form, InputError, LogProb, RowLoss, Sample, Score, Superclasses, Term, TermSet, labels};
use crate::kernels::focal;
use crate::kernels::groups::{measure, spread};
use crate::kernels::mass::Mass;
use crate::kernels::ordinary::{Buffers, Scaled};
use crate::kernels::pool::Pool;
use crate::numeric::{Float, scalar};
use crate::{Hierarchy, Label, NodeId};

/// `leaf_weight` times cross-entropy plus `superclass_weight` times that of the superclasses.
#[derive(Debug)]
pub(crate) struct WeightedRows {
    pub(crate) superclasses: Superclasses,
    pub(crate) leaf_weight: f64,
    pub(crate) superclass_weight: f64,
    pub(crate) gamma: f64,
}

/// What a label is to this loss.
enum Meaning {
    Class(usize),
    Superclass(usize),
    /// A distribution, all of which is in the sample's target.
    Target,
}

/// The classes and the superclasses that have a term, with the weight of each.
#[derive(Default)]
struct Terms {
    classes: Vec<(usize, f64)>,
    superclasses: (Vec<u32>, Vec<f64>),
}

impl WeightedRows {
    fn meaning(&self, hierarchy: &Hierarchy, label: &Label) -> Option<Meaning> {
        match label {
            Label::Class(class) => Some(Meaning::Class(*class)),
            Label::Node(node) => match hierarchy.class_at(*node) {
                Some(class) if hierarchy.class_node(class) == *node => Some(Meaning::Class(class)),
                _ => self.superclasses.of_node(hierarchy, *node).map(Meaning::Superclass),
            },
            Label::Superclass(superclass) if *superclass < self.superclasses.names.len() => {
                Some(Meaning::Superclass(*superclass))
            }
            Label::Soft(_) | Label::Ignored => Some(Meaning::Target),
            _ => None,
        }
    }

    fn terms_of(&self, sample: &Sample<'_>) -> Terms {
        let map = &self.superclasses.map;
        let mut by_class = Vec::new();
        let mut terms = Terms::default();
        match self.meaning(sample.hierarchy, sample.label) {
            Some(Meaning::Class(class)) => by_class.push((class, sample.factor)),
            Some(Meaning::Superclass(superclass)) => {
                terms.superclasses.0.push(superclass as u32);
                terms.superclasses.1.push(sample.factor * self.superclass_weight);
            }
            _ => {}
        }
        if let Some(target) = sample.target {
            by_class.extend(target.iter().copied().enumerate());
            // Every superclass may have a term: add them up in one array.
            let mut of_superclass = vec![0.0; self.superclasses.names.len()];
            terms.superclasses.0.iter().zip(&terms.superclasses.1).for_each(|(&v, w)| of_superclass[v as usize] += w);
            for &(class, weight) in by_class.iter().filter(|(_, weight)| *weight != 0.0) {
                for &(superclass, of_class) in map.of_class.row(class) {
                    of_superclass[superclass as usize] += weight * self.superclass_weight * of_class;
                }
            }
            terms.superclasses = (0..of_superclass.len() as u32).zip(of_superclass).filter(|(_, w)| *w != 0.0).unzip();
            let mut of_class = vec![0.0; sample.hierarchy.class_count()];
            by_class.iter().for_each(|(class, weight)| of_class[*class] += weight * self.leaf_weight);
            terms.classes = of_class.into_iter().enumerate().filter(|(_, weight)| *weight != 0.0).collect();
            return terms;
        }
        for (class, weight) in by_class {
            terms.classes.push((class, weight * self.leaf_weight));
            for &(superclass, of_class) in map.of_class.row(class) {
                terms.superclasses.0.push(superclass);
                terms.superclasses.1.push(weight * self.superclass_weight * of_class);
            }
        }
        terms.classes.retain(|(_, weight)| *weight != 0.0);
        let (superclasses, weights) = std::mem::take(&mut terms.superclasses);
        terms.superclasses = superclasses.into_iter().zip(weights).filter(|(_, weight)| *weight != 0.0).unzip();
        terms
    }
}

impl WeightedRows {
    /// The loss of a row by column; `None` where it is not for this kernel.
    pub(super) fn ordinary_row<T: Float>(
        &self,
        sample: &Sample<'_>,
        z: &[T],
        grad: Scaled<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Option<f64> {
        let Superclasses { map, .. } = &self.superclasses;
        let of_superclasses = sample.factor * self.superclass_weight;
        let not_zero = |term: &(u32, f64)| term.1 != 0.0;
        if let Some(target) = sample.target {
            if self.gamma != 0.0 {
                return None;
            }
            let mut classes = std::mem::take(&mut buffers.wide[0]);
            let mut superclasses = std::mem::take(&mut buffers.wide[1]);
            classes.clear();
            classes.extend_from_slice(target);
            superclasses.clear();
            superclasses.resize(self.superclasses.names.len(), 0.0);
            match self.meaning(sample.hierarchy, sample.label)? {
                Meaning::Class(class) => classes[class] += sample.factor,
                Meaning::Superclass(superclass) => superclasses[superclass] = of_superclasses,
                Meaning::Target => {}
            }
            for (class, flow) in classes.iter_mut().enumerate() {
                for &(superclass, weight) in map.of_class.row(class) {
                    superclasses[superclass as usize] += *flow * self.superclass_weight * weight;
                }
                *flow *= self.leaf_weight;
            }
            let loss = map.flow_row(&classes, &superclasses, z, grad, buffers);
            buffers.wide[0] = classes;
            buffers.wide[1] = superclasses;
            return loss;
        }
        match self.meaning(sample.hierarchy, sample.label)? {
            Meaning::Class(class) => {
                let superclasses = map.of_class.row(class).iter();
                let superclasses = superclasses.map(|&(v, weight)| (v, of_superclasses * weight)).filter(not_zero);
                let class = (class, sample.factor * self.leaf_weight);
                map.ordinary_row(class, superclasses, self.gamma, z, grad, buffers)
            }
            Meaning::Superclass(superclass) => {
                let superclasses = std::iter::once((superclass as u32, of_superclasses)).filter(not_zero);
                map.ordinary_row((0, 0.0), superclasses, self.gamma, z, grad, buffers)
            }
            Meaning::Target => None,
        }
    }
}

impl RowLoss for WeightedRows {
    fn is_class_softmax(&self) -> bool {
        true
    }

    fn check_label(&self, hierarchy: &Hierarchy, label: &Label) -> Result<(), InputError> {
        match (self.meaning(hierarchy, label), label) {
            (Some(_), _) => Ok(()),
            (None, Label::Node(node)) => {
                let message = format!(
                    "\"{}\" is neither a class nor a superclass of the map; weighted_cross_entropy knows no other nodes",
                    hierarchy.name(*node)
                );
                Err(InputError::new(super::InputErrorKind::LabelForm, message))
            }
            (None, Label::Superclass(superclass)) => {
                let count = self.superclasses.names.len();
                let message = format!("superclass {superclass} is outside of 0..{count}");
                Err(InputError::new(super::InputErrorKind::OutOfRange, message))
            }
            (None, label) => Err(no_meaning(
                "weighted_cross_entropy",
                "one class, superclass or distribution over the classes a sample",
                label,
            )),
        }
    }

    fn row(&self, sample: &Sample<'_>, z: &[f64], mut grad: Option<&mut [f64]>, pool: &mut Pool) -> f64 {
        let terms = self.terms_of(sample);
        let mut loss = 0.0;
        if !terms.classes.is_empty() {
            let mut columns = pool.indices(0, 0);
            columns.extend(0..z.len() as u32);
            let mut log_p = pool.floats(0, 0.0);
            measure(&columns, |class| Mass::of(z[class as usize]), &mut log_p);
            let mut flow = pool.floats(z.len(), 0.0);
            for (class, weight) in terms.classes {
                let term = focal::term(log_p[class], scalar::one_minus_exp(log_p[class]), self.gamma);
                loss += weight * term.value;
                flow[class] = weight * term.slope;
            }
            if let Some(grad) = grad.as_deref_mut()
                && loss.is_finite()
            {
                let mut after = pool.floats(0, 0.0);
                spread(&columns, &log_p, &flow, &mut after, grad);
                pool.keep(after);
            }
            pool.keep_indices(columns);
            pool.keep(log_p);
            pool.keep(flow);
        }
        let (superclasses, weights) = &terms.superclasses;
        if !superclasses.is_empty() {
            loss += self.superclasses.map.row(superclasses, weights, self.gamma, z, grad, pool);
        }
        loss
    }

    fn ordinary(&self) -> Option<OrdinaryRows<'_>> {
        Some(OrdinaryRows::Weighted(self))
    }

    fn form(&self) -> Form<'_> {
        let Self { superclasses, leaf_weight, superclass_weight, .. } = self;
        let (leaf_weight, superclass_weight) = (*leaf_weight, *superclass_weight);
        Form::WeightedSoftmax { map: superclasses, leaf_weight, superclass_weight }
    }

    fn terms(&self, sample: &Sample<'_>) -> Vec<Term> {
        let terms = self.terms_of(sample);
        let of_class = |&(class, weight): &(usize, f64)| {
            labels::class_term(TermSet::Node(sample.hierarchy.class_node(class)), NodeId::ROOT, weight)
        };
        let given: Vec<Score> =
            (0..sample.hierarchy.class_count() as u32).map(|class| Score { column: Some(class), plus: 0.0 }).collect();
        let of_superclass = |(&superclass, &weight): (&u32, &f64)| {
            let classes = self.superclasses.map.of_superclass.row(superclass as usize).iter();
            let set = classes.map(|&(class, weight)| Score { column: Some(class), plus: scalar::ln(weight) }).collect();
            let log_p = LogProb::Ratio { set, given: given.clone(), hard: false };
            Term { of: TermSet::Superclass(superclass as usize), weight, log_p }
        };
        let (superclasses, weights) = &terms.superclasses;
        terms.classes.iter().map(of_class).chain(superclasses.iter().zip(weights).map(of_superclass)).collect()
    }

    fn superclass(&self, name: &str) -> Option<usize> {
        self.superclasses.index.get(name).copied()
    }

    fn superclass_name(&self, superclass: usize) -> Option<&str> {
        self.superclasses.names.get(superclass).map(String::as_str)
    }

    fn label_classes(&self, hierarchy: &Hierarchy, label: &Label) -> Option<Vec<usize>> {
        match self.meaning(hierarchy, label)? {
            Meaning::Class(class) => Some(vec![class]),
            Meaning::Superclass(superclass) => {
                let classes = self.superclasses.map.of_superclass.row(superclass);
                Some(classes.iter().map(|(class, _)| *class as usize).collect())
            }
            Meaning::Target => None,
        }
    }
}
