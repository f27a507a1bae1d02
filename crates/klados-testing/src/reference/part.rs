//! What one printed term adds to the loss and to its gradient.

use std::collections::{BTreeMap, BTreeSet};

use crate::hierarchy::Node;
use crate::real::Real;

/// A printed term of the loss of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part<R> {
    /// Terms that are the same but for the weight, as those of several classes of a distribution, have the same key.
    pub(super) key: Option<Key>,
    /// What it adds to the loss.
    pub(super) value: R,
    /// What it adds to the gradient, a column and a number each. It is one list, or two where the term's halves count as
    /// summands each for themselves; within a list a column's numbers are one summand.
    pub(super) halves: Vec<Vec<(usize, R)>>,
}

/// What a term is of, and the nodes of which it says that they hold; none in a negative term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    place: usize,
    holds: BTreeSet<Node>,
}

impl<R: Real> Part<R> {
    /// What costs nothing.
    pub(super) fn nothing() -> Self {
        Self { key: None, value: R::zero(), halves: Vec::new() }
    }

    /// A term in one piece.
    pub(super) fn whole(value: R, slopes: Vec<(usize, R)>) -> Self {
        Self { key: None, value, halves: vec![slopes] }
    }

    pub(super) fn with_key(self, place: usize, holds: impl IntoIterator<Item = Node>) -> Self {
        Self { key: Some(Key { place, holds: holds.into_iter().collect() }), ..self }
    }

    /// Adds a term of the same key.
    fn add(&mut self, other: Self) {
        self.value = self.value.clone() + other.value;
        if self.halves.len() < other.halves.len() {
            self.halves.resize(other.halves.len(), Vec::new());
        }
        for (half, more) in self.halves.iter_mut().zip(other.halves) {
            half.extend(more);
        }
    }

    /// The numbers of each half, those of a column added up.
    pub(super) fn summands(&self) -> impl Iterator<Item = (usize, R)> + '_ {
        self.halves.iter().flat_map(|half| {
            let mut columns: BTreeMap<usize, R> = BTreeMap::new();
            for (column, slope) in half {
                let sum = columns.remove(column).unwrap_or_else(R::zero) + slope.clone();
                columns.insert(*column, sum);
            }
            columns
        })
    }
}

/// Terms of the same key are one.
pub(super) fn merge<R: Real>(parts: Vec<Part<R>>) -> Vec<Part<R>> {
    let mut result: Vec<Part<R>> = Vec::new();
    for part in parts {
        match result.iter_mut().find(|known| known.key.is_some() && known.key == part.key) {
            Some(known) => known.add(part),
            None => result.push(part),
        }
    }
    result
}

/// `f = -weight (1 - c)^gamma log c` and `df/dlog c`, of a probability above 0 and what it lacks to 1.
///
/// `df/dlog c = -weight ((1 - c)^gamma - gamma (1 - c)^(gamma - 1) c log c)`: both summands have the same sign.
pub(super) fn focal<R: Real>(weight: &R, c: R, rest: R, gamma: f64) -> (R, R) {
    let log = c.ln();
    let focus = rest.power(gamma);
    let mut slope = focus.clone();
    if gamma != 0.0 && !rest.is_zero() {
        slope = slope - R::of(gamma) * focus.clone() / rest * c * log.clone();
    }
    (-weight.clone() * focus * log, -weight.clone() * slope)
}

/// `sigma(x)`.
pub(super) fn sigma<R: Real>(x: &R) -> R {
    R::one() / (R::one() + (-x.clone()).exp())
}

/// `-weight (1 - p)^gamma log p` with `p = sigma(s)` where the node is positive, else `sigma(-s)`. A masked score makes
/// the first infinite, `None`, and the second 0.
pub(super) fn sigmoid<R: Real>(
    weight: &R,
    column: usize,
    score: &Option<R>,
    is_positive: bool,
    gamma: f64,
) -> Option<Part<R>> {
    let Some(s) = score else {
        return (!is_positive).then(Part::nothing);
    };
    let x = if is_positive { s.clone() } else { -s.clone() };
    let rest = sigma(&-x.clone());
    let (value, slope) = focal(weight, sigma(&x), rest.clone(), gamma);
    // dlog sigma(x)/dx = sigma(-x).
    let slope = slope * rest;
    Some(Part::whole(value, vec![(column, if is_positive { slope } else { -slope })]))
}
