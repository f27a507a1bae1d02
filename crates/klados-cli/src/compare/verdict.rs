//! What a comparison found, in plain words.

use serde::Serialize;

use super::result::{Difference, Finding};

/// Differences that hold together are found where their probability is at most this.
pub(crate) const ERROR: f64 = 0.05;
/// Above so many times as many rows, the number is left out.
const MOST: f64 = 100.0;

/// What is known of a difference in accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Helps,
    Hurts,
    NoEvidence,
}

impl Verdict {
    /// Of a difference with its adjusted probability.
    pub(crate) fn new(difference: f64, p_adjusted: f64) -> Self {
        match p_adjusted <= ERROR {
            false => Self::NoEvidence,
            true if difference > 0.0 => Self::Helps,
            true => Self::Hurts,
        }
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Helps => "helps",
            Self::Hurts => "hurts",
            Self::NoEvidence => "no evidence",
        }
    }
}

/// A paragraph on one question. `unit` is what more is needed of: rows, or groups of them.
pub(crate) fn paragraph(finding: &Finding, unit: &str) -> String {
    let Finding { effect, name, against, levels, .. } = finding;
    let mut text = format!("{}{} ({name} against {against}): ", effect[..1].to_uppercase(), &effect[1..]);
    let of = |verdict: Verdict| levels.iter().rev().filter(move |level| level.verdict == verdict).collect::<Vec<_>>();
    let mut parts = Vec::new();
    for (verdict, word) in [(Verdict::Helps, "help"), (Verdict::Hurts, "hurt")] {
        let found = of(verdict);
        if !found.is_empty() {
            let each: Vec<String> = found.iter().map(|level| by_how_much(level)).collect();
            parts.push(format!("{word} at {}", and(&each)));
        }
    }
    let open = of(Verdict::NoEvidence);
    if !open.is_empty() {
        let names: Vec<String> = open.iter().map(|level| level.level.clone()).collect();
        parts.push(format!("no evidence of a difference at {}", and(&names)));
    }
    text.push_str(&parts.join("; "));
    text.push('.');
    if let Some(least) = open.iter().max_by(|a, b| a.detectable.total_cmp(&b.detectable)) {
        text.push_str(&what_it_takes(&open, least, unit));
    }
    text
}

/// `species by 1.2 points [0.4, 2.0]`.
fn by_how_much(level: &Difference) -> String {
    let [low, high] = level.interval.map(|end| 100.0 * end);
    format!("{} by {:.1} points [{low:.1}, {high:.1}]", level.level, (100.0 * level.difference).abs())
}

/// How much more data would tell, of the level where least is known.
fn what_it_takes(open: &[&Difference], least: &Difference, unit: &str) -> String {
    let at = if open.len() > 1 { format!(" At {}, where least is known, one", least.level) } else { " One".to_owned() };
    let mut text = format!("{at} of {:.1} points would probably have been found", 100.0 * least.detectable);
    let times = |times: f64| match times {
        times if times > MOST => format!("more than {MOST:.0} times as many {unit}"),
        times if times >= 9.5 => format!("about {times:.0} times as many {unit}"),
        times => format!("about {times:.1} times as many {unit}"),
    };
    if least.times_for_a_point > 1.0 {
        text.push_str(&format!("; one of 1 point takes {}", times(least.times_for_a_point)));
    }
    match least.times_for_this {
        // Less than a tenth of a point is not worth a number of rows.
        Some(for_this) if least.difference.abs() >= 0.001 && for_this > 1.0 => {
            let size = 100.0 * least.difference.abs();
            text.push_str(&format!("; one as large as was measured, {size:.1}, {}.", times(for_this)));
        }
        _ => text.push('.'),
    }
    text
}

/// `a, b and c`.
fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(level: &str, difference: f64, verdict: Verdict) -> Difference {
        Difference {
            level: level.to_owned(),
            difference,
            interval: [difference - 0.01, difference + 0.01],
            standard_error: 0.004,
            p: 0.5,
            p_adjusted: 1.0,
            verdict,
            detectable: 0.02,
            times_for_a_point: 4.0,
            times_for_this: (difference != 0.0).then(|| (0.02 / difference).powi(2)),
            splits: vec![difference; 3],
        }
    }

    fn finding(levels: Vec<Difference>) -> Finding {
        Finding {
            effect: "the coarse labels".to_owned(),
            name: "coarse_labels".to_owned(),
            against: "leaf_only".to_owned(),
            levels,
            others: Vec::new(),
        }
    }

    #[test]
    fn a_verdict_needs_an_adjusted_probability_of_at_most_0_05() {
        assert_eq!(Verdict::new(0.1, 0.05), Verdict::Helps);
        assert_eq!(Verdict::new(-0.1, 0.01), Verdict::Hurts);
        assert_eq!(Verdict::new(0.9, 0.051), Verdict::NoEvidence);
    }

    #[test]
    fn the_words_say_where_by_how_much_and_what_is_missing() {
        let words = paragraph(
            &finding(vec![
                level("order", 0.2, Verdict::Helps),
                level("genus", -0.05, Verdict::Hurts),
                level("species", 0.005, Verdict::NoEvidence),
            ]),
            "rows",
        );
        assert_eq!(
            words,
            "The coarse labels (coarse_labels against leaf_only): help at order by 20.0 points [19.0, 21.0]; hurt at genus by \
             5.0 points [-6.0, -4.0]; no evidence of a difference at species. One of 2.0 points would probably have been \
             found; one of 1 point takes about 4.0 times as many rows; one as large as was measured, 0.5, about 16 times as \
             many rows."
        );
    }

    #[test]
    fn nothing_is_said_of_how_many_rows_where_there_is_no_difference() {
        let words = paragraph(
            &finding(vec![level("genus", 0.0, Verdict::NoEvidence), level("species", 0.0, Verdict::NoEvidence)]),
            "groups",
        );
        assert!(words.contains("no evidence of a difference at species and genus. At "), "{words}");
        assert!(words.ends_with("one of 1 point takes about 4.0 times as many groups."), "{words}");
    }
}
