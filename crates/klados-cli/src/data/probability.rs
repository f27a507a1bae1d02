//! Probabilities as text.

/// Six digits behind the point, more where a probability is small.
pub(crate) fn text(value: f64) -> String {
    if value < 1e-4 { format!("{value:.5e}") } else { format!("{value:.6}") }
}
