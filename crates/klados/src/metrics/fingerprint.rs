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
        // Nothing for a hierarchy without ids, so that its fingerprint is that of versions that had none.
        for (node, id) in hierarchy.nodes().filter_map(|node| Some((node, hierarchy.id(node)?))) {
            number(node.index());
            text(&mut number, id);
        }
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
        let with_id = |id: &str| {
            let mut draft = crate::hierarchy::Draft::new();
            for (parent, child) in edges {
                let (child, parent) = (draft.by_name(child).unwrap(), draft.by_name(parent).unwrap());
                draft.add_edge(parent, child);
                draft.set_id(child, &format!("{id}{child}"));
            }
            draft.build().unwrap()
        };
        assert_ne!(of(&with_id("a")), of(&hierarchy));
        assert_ne!(of(&with_id("a")), of(&with_id("b")));
        assert!(others.iter().all(|other| of(other) != of(&hierarchy)));
        assert_eq!(of(&hierarchy), of(&Hierarchy::from_edges(edges).unwrap()));
    }
}
