//! The largest of some numbers that stand apart.

use super::Float;

/// The first of the items with the largest number, also where all are `-inf`; NaN is passed over. None of no items.
pub(crate) fn first_largest<T: Copy, F: Float>(items: &[T], number: impl Fn(T) -> F) -> Option<T> {
    let larger = |a: F, b: F| if b > a { b } else { a };
    // Four at a time, of which none waits for the one before it.
    let (fours, rest) = items.as_chunks::<4>();
    let mut most = [F::NEG_INFINITY; 4];
    for four in fours {
        (0..4).for_each(|lane| most[lane] = larger(most[lane], number(four[lane])));
    }
    let most = most.into_iter().chain(rest.iter().map(|item| number(*item))).fold(F::NEG_INFINITY, larger);
    items.iter().find(|item| number(**item) == most).or(items.first()).copied()
}
