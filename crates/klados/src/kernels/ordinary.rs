//! What the kernels of ordinary rows share: those that compute in the type of the logits, relative to one number a row or a
//! group. A row in which a sum is too small for that is not ordinary; they hand it back, and it is computed in `f64` from
//! masses that have a top each.

use super::focal;
use super::noisy_or::OrdinaryBuffers;
use crate::numeric::{Element, Run, scalar};

/// The gradient of a row, and what it is multiplied with.
pub(crate) type Scaled<'a, T> = Option<(&'a mut [T], f64)>;

/// Arrays that a thread reuses from row to row.
#[derive(Debug, Default)]
pub(crate) struct Buffers<T> {
    pub(crate) z: Vec<T>,
    pub(crate) terms: Vec<T>,
    pub(crate) best: Vec<T>,
    pub(crate) weights: Vec<T>,
    pub(crate) runs: Vec<Run>,
    pub(crate) sums: Vec<f64>,
    pub(crate) factors: Vec<f64>,
    pub(crate) nodes: Vec<u32>,
    pub(crate) from: Vec<u32>,
    /// By node or class; all 0 between the rows.
    pub(crate) marks: Vec<u32>,
    pub(crate) members: Vec<Member>,
    pub(crate) noisy_or: OrdinaryBuffers,
    /// In `f64`, whatever the type of the logits.
    pub(crate) wide: [Vec<f64>; 6],
}

/// A class that the gradient treats on its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) class: u32,
    /// Its exponential.
    pub(crate) term: f64,
    /// What it gets from the sets that it is in.
    pub(crate) pull: f64,
    /// The slopes of these sets, and how many they are.
    pub(crate) inside: f64,
    pub(crate) count: usize,
}

/// The gradient once more.
pub(crate) fn again<'a, T>(grad: &'a mut Scaled<'_, T>) -> Scaled<'a, T> {
    grad.as_mut().map(|(grad, scale)| (&mut **grad, *scale))
}

/// The first elements of a buffer, whatever is in them.
pub(crate) fn first<T: Element>(buffer: &mut Vec<T>, count: usize) -> &mut [T] {
    if buffer.len() < count {
        buffer.resize(count, T::default());
    }
    &mut buffer[..count]
}

/// The values at some places.
pub(crate) fn gather<T: Element>(values: &[T], places: &[u32], out: &mut Vec<T>) {
    out.clear();
    out.extend(places.iter().map(|&place| values[place as usize]));
}

/// A term of a set in a softmax, `-(1 - P)^gamma log P`.
pub(crate) struct Term {
    pub(crate) value: f64,
    pub(crate) slope: f64,
    /// What a term `e^z` in the set is multiplied with in the gradient, and one outside, but for the slope.
    pub(crate) inside: f64,
    pub(crate) outside: f64,
}

/// The term of a set whose exponentials add up to `own`, beside those of the others.
pub(crate) fn term(own: f64, others: f64, gamma: f64) -> Term {
    let inverse = 1.0 / (own + others);
    let complement = others * inverse;
    let focal::Term { value, slope } = focal::term(-scalar::ln_1p(others / own), complement, gamma);
    Term { value, slope, inside: -complement / own, outside: inverse }
}

/// What a softmax, or a sum, has of which one member is more than half: its place, and what the others add up to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heavy {
    at: usize,
    others: f64,
}

impl Heavy {
    /// Of members that are not negative and add up to `all`.
    pub(crate) fn find(members: &[f64], all: f64) -> Option<Self> {
        let at = members.iter().position(|member| 2.0 * member > all)?;
        Some(Self { at, others: members[..at].iter().sum::<f64>() + members[at + 1..].iter().sum::<f64>() })
    }

    /// What all but one add up to: nothing is taken away from the sum where most of it would go.
    pub(crate) fn others(heavy: Option<Self>, at: usize, own: f64, all: f64) -> f64 {
        match heavy {
            Some(heavy) if heavy.at == at => heavy.others,
            _ => all - own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_others_have_keeps_its_digits() {
        let members = [1e-30, 1.0, 2e-30];
        let all: f64 = members.iter().sum();
        let heavy = Heavy::find(&members, all);
        assert_eq!(Heavy::others(heavy, 1, members[1], all), 1e-30 + 2e-30);
        assert_eq!(Heavy::others(heavy, 0, members[0], all), 1.0);
        assert!(Heavy::find(&[1.0, 1.0], 2.0).is_none());
    }
}
