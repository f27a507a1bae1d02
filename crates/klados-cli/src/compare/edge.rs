//! Whether a search ended at its edge, so that better settings may lie beyond.

use serde::Serialize;

/// Of the learning rates that were tried, the one that was mostly taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Edge {
    Smallest,
    Largest,
}

impl Edge {
    /// The edge at which more than two thirds of the searches ended, if there is one.
    pub(crate) fn of(tried: &[f64], chosen: &[f64]) -> Option<Self> {
        let [low, high] = [f64::min, f64::max].map(|pick| tried.iter().copied().reduce(pick));
        let (low, high) = low.zip(high).filter(|(low, high)| low < high)?;
        let most = |edge: f64| 3 * chosen.iter().filter(|rate| **rate == edge).count() > 2 * chosen.len();
        match (most(low), most(high)) {
            (true, _) => Some(Self::Smallest),
            (_, true) => Some(Self::Largest),
            _ => None,
        }
    }

    /// What to do about it, of the arm with this name.
    pub(crate) fn note(self, name: &str) -> String {
        let (edge, other) = match self {
            Self::Smallest => ("smallest", "smaller"),
            Self::Largest => ("largest", "larger"),
        };
        format!(
            "Note: {name} mostly took the {edge} learning rate that was tried. A {other} one may suit it better, and change \
             the differences: compare again with a {other} --learning-rate, or more --trials."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_told_where_most_searches_ended_there() {
        let tried = [0.1, 0.2, 0.2, 0.4];
        assert_eq!(Edge::of(&tried, &[0.4, 0.4, 0.4, 0.1]), Some(Edge::Largest));
        assert_eq!(Edge::of(&tried, &[0.1, 0.1, 0.1]), Some(Edge::Smallest));
        // Two of three are as likely by chance where there are few.
        assert_eq!(Edge::of(&tried, &[0.4, 0.4, 0.1]), None);
        assert_eq!(Edge::of(&tried, &[0.2, 0.2, 0.2]), None);
        // One rate is no search.
        assert_eq!(Edge::of(&[0.1, 0.1], &[0.1, 0.1]), None);
        assert!(Edge::Largest.note("leaf_only").contains("compare again with a larger --learning-rate"));
    }
}
