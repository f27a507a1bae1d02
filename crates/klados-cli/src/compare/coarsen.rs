//! Labels made coarse on purpose, to see what fine ones are worth.

use anyhow::{Result, bail};
use klados::Label;
use klados::metrics::Levels;

/// The labels of which a share, drawn at random, stays as it is; the others name what is above their class on the level
/// above that of the classes. Labels that name no class stay as they are.
///
/// # Errors
///
/// A hierarchy with no level above that of the classes; labels that are distributions.
pub(crate) fn coarsen(labels: &[Label], levels: &Levels, fine_share: f64, seed: u64) -> Result<Vec<Label>> {
    let [.., above, _] = levels.all() else {
        bail!("the hierarchy has no level above that of the classes, so labels cannot be made coarser");
    };
    let truths = levels.truths(labels)?;
    let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| truths.class(row).is_some()).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut rows);
    let fine = (fine_share * rows.len() as f64).round() as usize;
    let mut coarse = labels.to_vec();
    for &row in rows.iter().skip(fine) {
        let nodes = above.at(truths.node(row));
        coarse[row] = match nodes {
            // The class ends above the level.
            [] => continue,
            [node] => Label::Node(*node),
            // In a DAG it may be below several of them.
            several => Label::Union(several.to_vec()),
        };
    }
    Ok(coarse)
}

#[cfg(test)]
mod tests {
    use klados::{Hierarchy, Level};

    use super::*;

    #[test]
    fn a_share_stays_and_the_rest_names_what_is_above() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        let levels = Levels::new(&hierarchy);
        let mut labels = vec![Label::Class(2); 20];
        labels.push(hierarchy.parse_label("mammal").expect("a label"));
        let coarse = coarsen(&labels, &levels, 0.25, 1).expect("coarse");
        let bird = hierarchy.parse_label("bird").expect("a label");
        assert_eq!(coarse.iter().filter(|label| **label == bird).count(), 15);
        assert_eq!(coarse.iter().filter(|label| **label == Label::Class(2)).count(), 5);
        assert_eq!(coarse[20], labels[20]);
        assert_eq!(coarsen(&labels, &levels, 1.0, 1).expect("as they are"), labels);

        let top = hierarchy.cut_at(&Level::Depth(1)).expect("mammal and bird");
        let error = coarsen(&[Label::Class(0)], &Levels::new(&top), 0.5, 1).expect_err("an error");
        assert!(error.to_string().contains("no level above that of the classes"), "{error}");
    }

    #[test]
    fn below_several_nodes_the_label_is_one_of_these() {
        let edges = [("pet", "dog"), ("mammal", "dog"), ("mammal", "bat"), ("pet", "parrot"), ("bird", "parrot")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a DAG");
        let labels = [hierarchy.parse_label("dog").expect("a label")];
        let coarse = coarsen(&labels, &Levels::new(&hierarchy), 0.0, 0).expect("coarse");
        let Label::Union(nodes) = &coarse[0] else { panic!("{coarse:?}") };
        assert_eq!(nodes.len(), 2);
    }
}
