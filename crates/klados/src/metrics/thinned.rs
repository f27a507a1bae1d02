//! Fewer points of a curve, for a picture.

/// At most so many points of a curve (at least two), the first and the last among them, next to each other where it changes
/// most: by the length of the curve in the coordinates.
pub(super) fn thinned<P: Copy, const N: usize>(
    curve: &[P],
    points: usize,
    coordinates: impl Fn(&P) -> [f64; N],
) -> Vec<P> {
    let points = points.max(2);
    if curve.len() <= points {
        return curve.to_vec();
    }
    let length = |pair: &[P]| -> f64 {
        let (from, to) = (coordinates(&pair[0]), coordinates(&pair[1]));
        from.iter().zip(to).map(|(from, to)| (to - from).abs()).sum()
    };
    let total: f64 = curve.windows(2).map(length).sum();
    let step = total / (points - 1) as f64;
    let mut kept = vec![curve[0]];
    let mut way = 0.0;
    for pair in curve.windows(2).take(curve.len() - 2) {
        way += length(pair);
        if way >= step * kept.len() as f64 && kept.len() < points - 1 {
            kept.push(pair[1]);
        }
    }
    kept.push(curve[curve.len() - 1]);
    kept
}
