//! Warnings: what was legal but may not be what was meant, on standard error.

use std::fmt::Display;
use std::io::Write;

/// How many warnings of one kind are shown.
const SHOWN: usize = 10;

/// Writes the first of `warnings`, and how many more there are.
pub(crate) fn print<W: Display>(warnings: impl IntoIterator<Item = W>) {
    let mut err = std::io::stderr().lock();
    let mut warnings = warnings.into_iter();
    for warning in warnings.by_ref().take(SHOWN) {
        // Nobody is told less because nobody reads standard error.
        let _ = writeln!(err, "warning: {warning}");
    }
    let more = warnings.count();
    if more > 0 {
        let _ = writeln!(err, "warning: and {more} more");
    }
}

/// `1, 4, 7 and 12 more`.
pub(crate) fn list(rows: &[usize]) -> String {
    let shown: Vec<String> = rows.iter().take(SHOWN).map(ToString::to_string).collect();
    match rows.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
