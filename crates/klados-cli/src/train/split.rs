//! Holding rows out for validation.

use std::collections::BTreeMap;

/// Which rows train and which validate, both ascending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Rows to train on.
    pub(crate) train: Vec<usize>,
    /// Rows held out.
    pub(crate) validation: Vec<usize>,
}

/// Holds out `fraction` of the rows so that every label keeps its share to within one row. A label that only one row
/// has stays in training.
pub(crate) fn stratified(labels: &[String], fraction: f64, seed: u64) -> Split {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, label) in labels.iter().enumerate() {
        strata.entry(label).or_default().push(row);
    }
    let mut held = vec![false; labels.len()];
    // One walk over all strata: every 1/fraction-th row, so that small strata together give their share too.
    let mut due = random.f64();
    for rows in strata.values_mut().filter(|rows| rows.len() > 1) {
        random.shuffle(rows);
        let mut taken = 0;
        for &row in rows.iter() {
            due += fraction;
            if due >= 1.0 && taken + 1 < rows.len() {
                due -= 1.0;
                taken += 1;
                held[row] = true;
            }
        }
    }
    from_mask(&held)
}

/// Holds out whole groups, in random order, until they make up `fraction` of the rows as nearly as can be.
pub(crate) fn grouped(groups: &[String], fraction: f64, seed: u64) -> Split {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(row);
    }
    let mut order: Vec<Vec<usize>> = members.into_values().collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut order);
    let wanted = fraction * groups.len() as f64;
    let mut held = vec![false; groups.len()];
    let mut taken = 0;
    for rows in order {
        let nearer = (taken as f64 + rows.len() as f64 - wanted).abs() < (taken as f64 - wanted).abs();
        if nearer && taken + rows.len() < groups.len() {
            taken += rows.len();
            rows.iter().for_each(|&row| held[row] = true);
        }
    }
    from_mask(&held)
}

fn from_mask(held: &[bool]) -> Split {
    let (validation, train) = (0..held.len()).partition(|&row| held[row]);
    Split { train, validation }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn every_label_keeps_its_share_and_a_single_row_trains() {
        let labels = names(&format!("{}{}c", "a".repeat(40), "b".repeat(20)));
        let split = stratified(&labels, 0.25, 7);
        let held = |label: &str| split.validation.iter().filter(|&&row| labels[row] == label).count();
        assert_eq!((held("a"), held("b"), held("c")), (10, 5, 0));
        assert_eq!(split, stratified(&labels, 0.25, 7));
        assert_ne!(split, stratified(&labels, 0.25, 8));
    }

    #[test]
    fn small_strata_together_give_their_share() {
        let labels: Vec<String> = (0..100).map(|row| format!("{}", row / 2)).collect();
        let split = stratified(&labels, 0.2, 1);
        assert!((19..=21).contains(&split.validation.len()), "{}", split.validation.len());
    }

    #[test]
    fn groups_stay_together() {
        let groups = names("aaabbbcccdddeeefffggghhhiiijjj");
        let split = grouped(&groups, 0.2, 3);
        assert_eq!(split.validation.len(), 6);
        for row in &split.validation {
            assert!(split.train.iter().all(|train| groups[*train] != groups[*row]));
        }
    }
}
