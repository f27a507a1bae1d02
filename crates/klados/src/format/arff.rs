//! The class attribute of hierarchical ARFF, in which Clus and the data sets on functions of genes are.

use std::collections::HashSet;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let mut lines = head.text().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('%'));
    lines.next().filter(|line| after_word(line, "@relation").is_some()).map(|_| Confidence::Certain)
}

/// Reads the header, and of that the attribute of the classes.
pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut lines = Lines::new(input)?;
    let mut found: Option<u64> = None;
    while let Some((number, line)) = lines.next(draft) {
        let line = line.trim();
        if after_word(line, "@data").is_some() {
            break;
        }
        let Some(classes) = after_word(line, "@attribute").and_then(classes) else { continue };
        match found {
            None => add(classes, draft),
            Some(first) => {
                let message = format!("a second hierarchical attribute, after that in line {first}; expected one");
                draft.problem(Kind::Format, message);
            }
        }
        found = found.or(Some(number));
    }
    if found.is_none() {
        let message = "no attribute is hierarchical; expected \"@attribute class hierarchical a,a/b,a/c\" before @data";
        draft.at_line(None).problem(Kind::Format, message);
    }
    Ok(())
}

/// What is after a word, whatever its case.
fn after_word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = line.split_at_checked(word.len())?;
    (start.eq_ignore_ascii_case(word) && !rest.starts_with(|char: char| char.is_alphanumeric())).then_some(rest)
}

/// What is after `class hierarchical`. The name may be quoted.
fn classes(attribute: &str) -> Option<&str> {
    let attribute = attribute.trim_start();
    let quote = attribute.chars().next().filter(|char| matches!(char, '\'' | '"'));
    let after_name = match quote {
        Some(quote) => attribute[1..].split_once(quote)?.1,
        None => attribute.split_once(char::is_whitespace)?.1,
    };
    after_word(after_name.trim_start(), "hierarchical")
}

fn add(classes: &str, draft: &mut Draft) {
    let classes: Vec<&str> = classes.split(',').map(str::trim).filter(|class| !class.is_empty()).collect();
    let pairs: Vec<(&str, &str)> = classes.iter().filter_map(|class| class.split_once('/')).collect();
    if pairs.len() == classes.len() && are_edges(&pairs) {
        for (parent, child) in pairs {
            // The child first: it appears before the parent.
            if let (Some(child), Some(parent)) = (draft.by_name(child), draft.by_name(parent)) {
                draft.add_edge(parent, child);
            }
        }
        return;
    }
    for class in classes {
        let node = draft.add_path(class.split('/').map(|name| (name, None)));
        if let Some(node) = node {
            draft.set_id(node, class);
        }
    }
}

/// Whether pairs of names are edges of a DAG and not paths of two names: none is below itself, and a parent here is a child
/// elsewhere. Where there is no such one, both are the same.
fn are_edges(pairs: &[(&str, &str)]) -> bool {
    let children: HashSet<&str> = pairs.iter().map(|(_, child)| *child).collect();
    pairs.iter().all(|(parent, child)| parent != child && !child.contains('/'))
        && pairs.iter().any(|(parent, _)| children.contains(parent))
}
