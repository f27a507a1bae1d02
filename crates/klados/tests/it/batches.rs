//! A row is what it is in any company.

use klados::{Element, Hierarchy, Label};

/// 70 classes under 7, these under 2, in the order of the tree or in another.
fn hierarchies() -> [Hierarchy; 2] {
    let leaf = |k: usize| (format!("middle {}", k / 10), format!("leaf {k}"));
    let middle = |k: usize| (format!("top {}", k / 4), format!("middle {k}"));
    let tree = Hierarchy::from_edges((0..70).map(leaf).chain((0..7).map(middle))).unwrap();
    let shuffled = tree.with_classes((0..70).map(|k| format!("leaf {}", k * 37 % 70))).unwrap();
    [tree, shuffled]
}

/// Rows of every kind: ordinary, far from 0, with a set far below the others, masked, NaN.
fn logit(row: usize, column: usize) -> f64 {
    let z = ((row * 31 + column * 17) % 97) as f64 / 16.0 - 3.0;
    match row % 11 {
        3 => z + 40.0,
        4 => z - 9000.0,
        5 if column < 40 => z - 120.0,
        6 if column.is_multiple_of(3) => f64::NEG_INFINITY,
        7 if column == 69 => f64::NAN,
        8 => f64::NEG_INFINITY,
        _ => z,
    }
}

fn labels(hierarchy: &Hierarchy, rows: usize) -> Vec<Label> {
    let label = |row: usize| match row {
        9 => Label::Ignored,
        17 => hierarchy.parse_label("middle 2").unwrap(),
        26 => hierarchy.parse_label("leaf 3|leaf 12").unwrap(),
        row => Label::Class(row * 13 % 70),
    };
    (0..rows).map(label).collect()
}

fn assert_that_rows_do_not_depend_on_the_batch<T: Element>(bits: impl Fn(T) -> u64, wide: impl Fn(T::Wide) -> u64) {
    for hierarchy in hierarchies() {
        for loss in ["marginal_cross_entropy", "hierarchical_cross_entropy"] {
            let criterion = loss.parse::<klados::Loss>().unwrap().compile(&hierarchy).unwrap();
            let run = |first: usize, rows: usize| {
                let z: Vec<T> = (first * 70..(first + rows) * 70).map(|k| T::from_f64(logit(k / 70, k % 70))).collect();
                let labels = &labels(&hierarchy, first + rows)[first..];
                let (mut losses, mut only) = (vec![T::Wide::default(); rows], vec![T::Wide::default(); rows]);
                let mut grad = vec![T::default(); z.len()];
                criterion.forward_backward_scaled(&z, labels, &mut losses, &mut grad, 0.1).unwrap();
                criterion.forward(&z, labels, &mut only).unwrap();
                let (mut over, mut again) = (z.clone(), only.clone());
                criterion.forward_backward_in_place(&mut over, labels, &mut again, 0.1).unwrap();
                assert!(over.into_iter().map(&bits).eq(grad.iter().copied().map(&bits)));
                assert!(again.into_iter().map(&wide).eq(only.iter().copied().map(&wide)));
                let grad: Vec<u64> = grad.into_iter().map(&bits).collect();
                let losses: Vec<u64> = losses.into_iter().map(&wide).collect();
                assert_eq!(losses, only.into_iter().map(&wide).collect::<Vec<u64>>());
                losses.into_iter().zip(grad.chunks(70).map(<[u64]>::to_vec)).collect::<Vec<_>>()
            };
            let alone: Vec<_> = (0..41).flat_map(|row| run(row, 1)).collect();
            for (first, rows) in [(0, 41), (1, 7), (2, 4), (8, 3), (20, 14)] {
                assert_eq!(run(first, rows), alone[first..first + rows], "{loss}, rows {first} and {rows} more");
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    assert_that_rows_do_not_depend_on_the_batch::<f32>(|z| z.to_bits().into(), |z| z.to_bits().into());
    assert_that_rows_do_not_depend_on_the_batch::<f64>(f64::to_bits, f64::to_bits);
}

#[cfg(feature = "half")]
#[test]
fn a_row_of_halves_has_the_same_bits_in_any_batch() {
    assert_that_rows_do_not_depend_on_the_batch::<half::bf16>(|z| z.to_bits().into(), |z| z.to_bits().into());
}

/// One row of 300,000 classes is spread over threads by its columns.
#[cfg(feature = "rayon")]
#[test]
fn a_long_row_has_the_same_bits_on_any_number_of_threads() {
    let classes = klados::PARALLEL_ELEMENTS + 50_001;
    let edge = |at: usize| (format!("middle {}", at / 600), format!("leaf {at}"));
    let tree = Hierarchy::from_edges((0..classes).map(edge)).unwrap();
    let shuffled = tree.with_classes((0..classes).map(|k| format!("leaf {}", k * 37 % classes))).unwrap();
    // Ordinary; with a logit above 32; with a set far below the others; all masked but three.
    for (hierarchy, rows) in [(tree, [0, 3]), (shuffled, [5, 8])] {
        let criterion = "marginal_cross_entropy".parse::<klados::Loss>().unwrap().compile(&hierarchy).unwrap();
        for row in rows {
            let z: Vec<f32> = (0..classes).map(|k| if k < 3 { 1.0 } else { logit(row, k) as f32 }).collect();
            let run = || {
                let (mut loss, mut grad) = ([0.0], vec![0.0; classes]);
                criterion.forward_backward(&z, &[Label::Class(2)], &mut loss, &mut grad).unwrap();
                (loss, grad)
            };
            let alone = klados::on_one_thread(run);
            assert!(alone.0[0] > 0.0 && alone.0[0].is_finite());
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            assert!(pool.install(run) == alone, "row {row}");
        }
    }
}

/// Losses on one thread and on some, which 4,000 rows of 70 classes are enough for.
#[test]
fn the_gradient_over_the_logits_has_the_bits_of_the_gradient_beside_them() {
    let [tree, shuffled] = hierarchies();
    for loss in klados::Loss::NAMES {
        for (hierarchy, rows) in [(&tree, 11), (&shuffled, 9), (&shuffled, 4_000)] {
            let is_for_many = loss.starts_with("marginal") || loss.starts_with("sibling");
            if rows > 100 && !is_for_many {
                continue;
            }
            // A map is a matter of its own, and not of where the gradient is.
            let Ok(criterion) = loss.parse::<klados::Loss>().unwrap().compile(hierarchy) else { continue };
            let columns = criterion.columns();
            let mut values: Vec<f32> = (0..rows * columns).map(|k| logit(k / columns, k % columns) as f32).collect();
            let labels: Vec<Label> = (0..rows).map(|row| Label::Class(row * 13 % 70)).collect();
            let (mut losses, mut grad) = (vec![0f32; rows], vec![0f32; values.len()]);
            let mut again = losses.clone();
            criterion.forward_backward_scaled(&values, &labels, &mut losses, &mut grad, 0.5).unwrap();
            criterion.forward_backward_in_place(&mut values, &labels, &mut again, 0.5).unwrap();
            assert!(again.iter().map(|loss| loss.to_bits()).eq(losses.iter().map(|loss| loss.to_bits())), "{loss}");
            assert!(values.iter().map(|grad| grad.to_bits()).eq(grad.iter().map(|grad| grad.to_bits())), "{loss}");
        }
    }
}
