//! Dividing the rows again and again: into rows to train on, to choose settings on, and to test on.

use std::collections::BTreeMap;
use std::collections::HashMap;

use anyhow::{Result, bail};

/// One division of the rows, each part ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Division {
    /// Divisions with the same number test on the same rows, with other seeds: they are averaged before they count.
    pub(crate) split: usize,
    /// Which repetition it belongs to, from 0.
    pub(crate) repetition: usize,
    /// Rows to train on.
    pub(crate) train: Vec<usize>,
    /// Rows to choose settings on.
    pub(crate) validation: Vec<usize>,
    /// Rows to test on.
    pub(crate) test: Vec<usize>,
}

/// Divides the rows into `folds`, each of which is tested on once and validated on once, while the others train;
/// `repetitions` times, each with folds of its own. With `groups` a group is in one fold; where there are no more groups
/// than folds each is a fold, and repetitions only have other seeds. Otherwise every label is spread over the folds.
///
/// # Errors
///
/// Fewer than three groups, or fewer rows than folds.
pub(crate) fn divide(
    labels: &[String],
    groups: Option<&[String]>,
    folds: usize,
    repetitions: usize,
    seed: u64,
) -> Result<Vec<Division>> {
    let kinds = groups.map(numbered);
    let is_one_each = kinds.as_ref().is_some_and(|(_, count)| *count <= folds);
    let folds = kinds.as_ref().map_or(folds, |(_, count)| folds.min(*count));
    if let Some((_, count @ 0..3)) = kinds {
        bail!("{count} groups: expected at least 3, as one is tested on, one chosen on, and the others are trained on");
    }
    if labels.len() < folds {
        bail!("{} rows: expected at least {folds}, one a split", labels.len());
    }
    let mut divisions = Vec::new();
    for repetition in 0..repetitions {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(repetition as u64));
        let fold_of = match &kinds {
            Some((of_row, _)) if is_one_each => of_row.clone(),
            Some((of_row, count)) => by_group(of_row, *count, folds, &mut random),
            None => stratified(labels, folds, &mut random),
        };
        for fold in 0..folds {
            let split = if is_one_each { fold } else { repetition * folds + fold };
            let next = (fold + 1) % folds;
            let rows = |is_in: &dyn Fn(usize) -> bool| (0..labels.len()).filter(|&row| is_in(fold_of[row])).collect();
            divisions.push(Division {
                split,
                repetition,
                train: rows(&|of| of != fold && of != next),
                validation: rows(&|of| of == next),
                test: rows(&|of| of == fold),
            });
        }
    }
    Ok(divisions)
}

/// By row a number for its text, by first appearance; and how many there are.
fn numbered(texts: &[String]) -> (Vec<usize>, usize) {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut number = |text| {
        let next = known.len();
        *known.entry(text).or_insert(next)
    };
    let numbers = texts.iter().map(|text| number(text.as_str())).collect();
    (numbers, known.len())
}

/// Whole groups, in random order, the largest first, each to the fold that has the fewest rows.
fn by_group(of_row: &[usize], count: usize, folds: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    let mut sizes = vec![0usize; count];
    of_row.iter().for_each(|&group| sizes[group] += 1);
    let mut order: Vec<usize> = (0..count).collect();
    random.shuffle(&mut order);
    order.sort_by_key(|&group| std::cmp::Reverse(sizes[group]));
    let (mut filled, mut fold_of) = (vec![0usize; folds], vec![0; count]);
    for group in order {
        let fold = (0..folds).min_by_key(|&fold| filled[fold]).unwrap_or(0);
        filled[fold] += sizes[group];
        fold_of[group] = fold;
    }
    of_row.iter().map(|&group| fold_of[group]).collect()
}

/// The rows of each label in random order, dealt out to the folds in turn, one label after the other.
fn stratified(labels: &[String], folds: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, label) in labels.iter().enumerate() {
        strata.entry(label).or_default().push(row);
    }
    let mut fold_of = vec![0; labels.len()];
    let mut next = random.usize(..folds);
    for rows in strata.values_mut() {
        random.shuffle(rows);
        for &row in rows.iter() {
            fold_of[row] = next;
            next = (next + 1) % folds;
        }
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn every_row_is_tested_on_once_a_repetition() {
        let labels = names(&format!("{}{}{}", "a".repeat(12), "b".repeat(7), "c".repeat(6)));
        let divisions = divide(&labels, None, 5, 2, 3).expect("divided");
        assert_eq!(divisions.iter().map(|division| division.split).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        for repetition in divisions.chunks(5) {
            let mut tested: Vec<usize> = repetition.iter().flat_map(|division| division.test.clone()).collect();
            tested.sort_unstable();
            assert_eq!(tested, (0..25).collect::<Vec<_>>());
        }
        for division in &divisions {
            let mut all = [&division.train[..], &division.validation, &division.test].concat();
            all.sort_unstable();
            assert_eq!(all, (0..25).collect::<Vec<_>>());
            // Each label in its share, to within a row.
            let of = |label: &str| division.test.iter().filter(|&&row| labels[row] == label).count();
            assert!(division.test.len() == 5 && (2..=3).contains(&of("a")) && (1..=2).contains(&of("c")));
        }
        assert_ne!(divisions[0].test, divisions[5].test);
        assert_eq!(divisions, divide(&labels, None, 5, 2, 3).expect("divided"));
    }

    #[test]
    fn as_many_groups_as_folds_are_left_out_one_by_one() {
        let (labels, groups) = (names("xyxyxyxy"), names("aabbccdd"));
        let divisions = divide(&labels, Some(&groups), 6, 2, 0).expect("divided");
        assert_eq!(divisions.len(), 8);
        assert_eq!((&divisions[0].test[..], &divisions[0].validation[..]), (&[0, 1][..], &[2, 3][..]));
        assert_eq!((&divisions[3].test[..], &divisions[3].validation[..]), (&[6, 7][..], &[0, 1][..]));
        // The second repetition tests on the same rows.
        assert_eq!((divisions[4].split, divisions[4].repetition, &divisions[4].test), (0, 1, &divisions[0].test));
    }

    #[test]
    fn groups_stay_together() {
        let groups = names("aaaabbbccddeefgh");
        let divisions = divide(&names("xxxxxxxxxxxxxxxx"), Some(&groups), 3, 1, 5).expect("divided");
        assert_eq!(divisions.len(), 3);
        for division in divisions {
            let of = |rows: &[usize]| rows.iter().map(|&row| groups[row].clone()).collect::<Vec<_>>();
            let (train, test) = (of(&division.train), of(&division.test));
            assert!((5..=6).contains(&test.len()) && test.iter().all(|group| !train.contains(group)));
        }
    }

    #[test]
    fn too_little_to_divide_is_an_error() {
        let message = |result: Result<Vec<Division>>| result.expect_err("an error").to_string();
        assert!(message(divide(&names("xxxx"), Some(&names("aabb")), 6, 1, 0)).contains("2 groups"));
        assert!(message(divide(&names("xxxx"), None, 6, 1, 0)).contains("4 rows: expected at least 6"));
    }
}
