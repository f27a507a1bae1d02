//! Superclasses by a sparse matrix of weights, classes x superclasses.

use std::collections::BTreeSet;

use crate::hierarchy::Hierarchy;
use crate::real::Real;

/// A superclass.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Superclass<R> {
    pub(super) name: String,
    /// `W_kv` of every class.
    pub(super) weights: Vec<R>,
}

/// What must sum to 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// A class's weights.
    Rows,
    /// A superclass's weights.
    Columns,
}

/// The superclasses of a map in the order of first appearance.
///
/// # Errors
///
/// A class that is not there, a row that is there twice, a weight that is no number from 0 up, or a sum that is not 1.
pub(super) fn superclasses<R: Real>(
    map: &[(String, String, f64)],
    normalize: bool,
    sums: Sums,
    hierarchy: &Hierarchy,
) -> Result<Vec<Superclass<R>>, String> {
    let classes = hierarchy.classes().len();
    let mut result: Vec<Superclass<R>> = Vec::new();
    let mut seen = BTreeSet::new();
    for (class, superclass, weight) in map {
        let k = hierarchy.classes().iter().position(|name| name == class);
        let k = k.ok_or_else(|| format!("no class {class:?}"))?;
        if !seen.insert((class, superclass)) {
            return Err(format!("{class:?} has two weights for {superclass:?}"));
        }
        if !weight.is_finite() || *weight < 0.0 {
            return Err(format!("a weight of {weight}"));
        }
        let at = result.iter().position(|known| known.name == *superclass).unwrap_or_else(|| {
            result.push(Superclass { name: superclass.clone(), weights: vec![R::zero(); classes] });
            result.len() - 1
        });
        result[at].weights[k] = R::of(*weight);
    }
    let check = |sum: &R, name: &str| {
        if sum.is_zero() || (!normalize && (sum.clone() - R::one()).abs() > R::of(1e-6)) {
            return Err(format!("the weights of {name:?} sum to {}", sum.to_f64()));
        }
        Ok(())
    };
    match sums {
        Sums::Rows if result.is_empty() => {}
        Sums::Rows => {
            for k in 0..classes {
                let sum = R::sum(result.iter().map(|superclass| superclass.weights[k].clone()));
                check(&sum, &hierarchy.classes()[k])?;
                if normalize {
                    for superclass in &mut result {
                        superclass.weights[k] = superclass.weights[k].clone() / sum.clone();
                    }
                }
            }
        }
        Sums::Columns => {
            for superclass in &mut result {
                let sum = R::sum(superclass.weights.iter().cloned());
                check(&sum, &superclass.name)?;
                if normalize {
                    superclass.weights.iter_mut().for_each(|weight| *weight = weight.clone() / sum.clone());
                }
            }
        }
    }
    Ok(result)
}
