//! Names that stand for no name: what spreadsheets and programs write where there is nothing.

use super::shape::Shape;
use super::{Report, Rule};

/// In lower case.
const PLACEHOLDERS: [&str; 27] = [
    "na",
    "n/a",
    "n.a.",
    "#n/a",
    "<na>",
    "nan",
    "none",
    "null",
    "(null)",
    "nil",
    "undefined",
    "unknown",
    "unclassified",
    "unassigned",
    "unspecified",
    "unidentified",
    "undetermined",
    "incertae sedis",
    "sp",
    "sp.",
    "spp.",
    "-",
    "--",
    "\u{2013}",
    "\u{2014}",
    "?",
    ".",
];

pub(super) fn check(report: &mut Report<'_>, shape: &Shape) {
    let draft = report.draft;
    for node in shape.kept().filter(|&node| is_placeholder(draft.name(node))) {
        let (label, children) = (draft.label(node), shape.children(node).collect::<Vec<_>>());
        let gathers = children.len() > 1 || (!children.is_empty() && shape.parents(node).len() > 1);
        if gathers {
            let what =
                if children.len() == 1 { "1 node is".to_owned() } else { format!("{} nodes are", children.len()) };
            let message = format!(
                "\"{label}\" is no name, and {what} below it as if that said something: {}",
                report.list(&children)
            );
            report.add_node(Rule::PlaceholderSuperclass, node, message);
        } else {
            report.add_node(Rule::PlaceholderName, node, format!("\"{label}\" is no name"));
        }
    }
}

/// Whether a name stands for none. `Na` is sodium.
fn is_placeholder(name: &str) -> bool {
    // The longest has 14 letters.
    name.len() <= 14 && name != "Na" && PLACEHOLDERS.contains(&name.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_names() {
        assert!(PLACEHOLDERS.iter().all(|name| is_placeholder(name)));
        for name in ["NA", "NaN", "Unknown", "Incertae sedis", "\u{2014}"] {
            assert!(is_placeholder(name), "{name}");
        }
        for name in ["Na", "Nan goat", "unknown bird", "Corvus sp.", "a-b", "other", ""] {
            assert!(!is_placeholder(name), "{name}");
        }
    }
}
