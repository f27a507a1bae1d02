//! Superclasses of a loss's own, which classes belong to by weights.

use std::collections::HashMap;

use super::{CriterionError, CriterionErrorKind};
use crate::hierarchy::error::list;
use crate::kernels::sparse::Sparse;
use crate::kernels::weighted::ClassMap;
use crate::{Hierarchy, NodeId};

/// Classes in superclasses of a loss's own, with weights: a sparse matrix of classes x superclasses.
#[derive(Debug)]
pub struct Superclasses {
    /// In the order of first appearance in the map.
    pub(crate) names: Vec<String>,
    pub(crate) index: HashMap<String, usize>,
    pub(crate) map: ClassMap,
}

/// Along which side of the map the weights sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumsToOne {
    /// Each class's, so that the superclasses are a distribution.
    Classes,
    /// Each superclass's, so that its probability is a mean.
    Superclasses,
}

impl Superclasses {
    /// From rows of class, superclass, weight.
    ///
    /// # Errors
    ///
    /// An unknown class, a weight that is negative or not finite, a pair that is there twice, or weights that do not sum to
    /// 1 within 1e-6, unless `normalize` divides them.
    pub(crate) fn new(
        rows: &[(String, String, f64)],
        hierarchy: &Hierarchy,
        side: SumsToOne,
        normalize: bool,
    ) -> Result<Self, CriterionError> {
        let mut names: Vec<String> = Vec::new();
        let mut index = HashMap::new();
        let mut seen = HashMap::new();
        let mut triples = Vec::new();
        for (class_name, superclass_name, weight) in rows {
            let (class_name, superclass_name) = (class_name.trim(), superclass_name.trim());
            let class = hierarchy.class(class_name).map_err(|error| {
                CriterionError::new(CriterionErrorKind::Mismatch, format!("map: {}", error.message()))
            })?;
            if !(*weight >= 0.0 && weight.is_finite()) {
                let message = format!(
                    "map: the weight of \"{class_name}\" in \"{superclass_name}\" is {weight}, expected a number from 0 up"
                );
                return Err(CriterionError::parameter(message));
            }
            let superclass = *index.entry(superclass_name.to_owned()).or_insert_with(|| {
                names.push(superclass_name.to_owned());
                names.len() - 1
            });
            if seen.insert((class, superclass), ()).is_some() {
                let message = format!("map: \"{class_name}\" in \"{superclass_name}\" is there twice");
                return Err(CriterionError::parameter(message));
            }
            if *weight > 0.0 {
                triples.push((class as u32, superclass as u32, *weight));
            }
        }
        let mut has_class = vec![false; names.len()];
        triples.iter().for_each(|(_, superclass, _)| has_class[*superclass as usize] = true);
        let empty: Vec<&String> = names.iter().zip(has_class).filter(|(_, has)| !has).map(|(name, _)| name).collect();
        if !empty.is_empty() {
            let message = format!("map: superclasses without a weight above 0: {}", list(&empty, 5));
            return Err(CriterionError::parameter(message));
        }
        if !names.is_empty() {
            let (count, what) = match side {
                SumsToOne::Classes => (hierarchy.class_count(), "class"),
                SumsToOne::Superclasses => (names.len(), "superclass"),
            };
            let of = |triple: &(u32, u32, f64)| match side {
                SumsToOne::Classes => triple.0 as usize,
                SumsToOne::Superclasses => triple.1 as usize,
            };
            let mut sums = vec![0.0; count];
            triples.iter().for_each(|triple| sums[of(triple)] += triple.2);
            let is_wrong = |sum: f64| if normalize { sum == 0.0 } else { (sum - 1.0).abs() > 1e-6 };
            let name = |at: usize| match side {
                SumsToOne::Classes => hierarchy.class_name(at),
                SumsToOne::Superclasses => &names[at],
            };
            let wrong: Vec<String> =
                (0..count).filter(|&at| is_wrong(sums[at])).map(|at| format!("{} ({})", name(at), sums[at])).collect();
            if !wrong.is_empty() {
                let message = match normalize {
                    true => format!("map: a {what} needs a weight above 0; without are {}", list(&wrong, 5)),
                    false => format!(
                        "map: the weights of a {what} have to sum to 1 within 1e-6 (\"normalize\" divides them); the sums \
                         of these do not: {}",
                        list(&wrong, 5)
                    ),
                };
                return Err(CriterionError::parameter(message));
            }
            if normalize {
                triples.iter_mut().for_each(|triple| triple.2 /= sums[of(triple)]);
            }
        }
        let swapped: Vec<(u32, u32, f64)> = triples.iter().map(|&(k, v, weight)| (v, k, weight)).collect();
        let of_class = Sparse::new(hierarchy.class_count(), &triples);
        let of_superclass = Sparse::new(names.len(), &swapped);
        Ok(Self { names, index, map: ClassMap { of_class, of_superclass } })
    }

    /// The names, in the order of first appearance in the map.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The weights above 0, as class, superclass and weight: class by class, and in the order of the map within one.
    ///
    /// ```
    /// use klados::{Hierarchy, NodeForm, NodeLogProbs};
    ///
    /// let hierarchy = Hierarchy::from_edges([("animal", "bat"), ("animal", "crow")])?;
    /// let map = [("crow", "flies", 1.0), ("bat", "flies", 0.75), ("bat", "furry", 0.25)];
    /// let map = map.map(|(class, superclass, weight)| (class.into(), superclass.into(), weight)).to_vec();
    /// let operation = NodeLogProbs::of_form(&NodeForm::WeightedClassSoftmax { map, normalize: false }, &hierarchy)?;
    /// let weights: Vec<(usize, usize, f64)> = operation.map().unwrap().weights().collect();
    /// assert_eq!(weights, [(0, 0, 0.75), (0, 1, 0.25), (1, 0, 1.0)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn weights(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let rows = &self.map.of_class;
        let of = |class| rows.row(class).iter().map(move |&(superclass, weight)| (class, superclass as usize, weight));
        (0..rows.row_count()).flat_map(of)
    }

    /// The superclass with the name of a node, as a path or short.
    pub fn of_node(&self, hierarchy: &Hierarchy, node: NodeId) -> Option<usize> {
        self.index.get(&hierarchy.path(node)).or_else(|| self.index.get(hierarchy.name(node))).copied()
    }
}
