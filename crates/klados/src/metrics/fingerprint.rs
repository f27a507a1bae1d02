//! Which hierarchy an accumulator is of.

use serde::{Deserialize, Serialize};

use super::JudgedLevel;
use crate::Hierarchy;

/// A hash of a hierarchy's nodes, edges, classes and levels: what is kept of them in an accumulator, so that one of another
/// hierarchy is not merged into it. The same on every machine and in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn new(hierarchy: &Hierarchy, levels: &[JudgedLevel]) -> Self {
        // FNV-1a, of numbers and of texts with their lengths.
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut byte = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let mut number = |number: usize| (number as u64).to_le_bytes().into_iter().for_each(&mut byte);
        let text = |number: &mut dyn FnMut(usize), text: &str| {
            number(text.len());
            text.bytes().for_each(|byte| number(usize::from(byte)));
        };
        number(hierarchy.node_count());
        for node in hierarchy.nodes() {
            text(&mut number, hierarchy.name(node));
            number(hierarchy.parents(node).len());
            hierarchy.parents(node).iter().for_each(|parent| number(parent.index()));
        }
        (0..hierarchy.class_count()).for_each(|class| number(hierarchy.class_node(class).index()));
        for level in levels {
            text(&mut number, level.name());
            number(level.candidates().len());
            level.candidates().iter().for_each(|node| number(node.index()));
        }
        Self(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Levels;
    use crate::Hierarchy;

    #[test]
    fn hierarchies_that_differ_have_other_fingerprints() {
        let of = |hierarchy: &Hierarchy| Levels::new(hierarchy).fingerprint();
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let mut renamed = edges;
        renamed[2].1 = "wren";
        let others = [
            Hierarchy::from_edges(renamed).unwrap(),
            hierarchy.with_classes(["dog", "bat", "crow"]).unwrap(),
            hierarchy.with_level_names(["class"]).unwrap(),
            Hierarchy::from_edges([("mammal", "bat"), ("bird", "dog"), ("bird", "crow")]).unwrap(),
        ];
        assert!(others.iter().all(|other| of(other) != of(&hierarchy)));
        assert_eq!(of(&hierarchy), of(&Hierarchy::from_edges(edges).unwrap()));
    }
}
