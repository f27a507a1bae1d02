//! What the reader of the file found.

use super::{Report, Rule};
use crate::HierarchyErrorKind as Kind;

pub(super) fn check(report: &mut Report<'_>) {
    let draft = report.draft;
    for problem in draft.problems() {
        report.add_at(rule(problem.kind()), problem.location().clone(), [], problem.message());
    }
    if draft.problems_left_out() > 0 {
        let message = format!("{} more problems are not listed", draft.problems_left_out());
        report.add(Rule::MoreProblems, None, [], message);
    }
    for warning in draft.warnings() {
        report.add_at(Rule::Reading, warning.location.clone(), [], &*warning.message);
    }
}

/// The rule that a problem is a case of. Kinds that no reader gives are a matter of the format.
fn rule(kind: Kind) -> Rule {
    match kind {
        Kind::Io => Rule::Unreadable,
        Kind::Encoding => Rule::Encoding,
        Kind::TooLarge => Rule::Limit,
        Kind::Empty => Rule::EmptyHierarchy,
        Kind::EmptyName => Rule::EmptyName,
        Kind::DuplicateNode => Rule::DuplicateNode,
        Kind::MissingNode => Rule::UndeclaredNode,
        Kind::DuplicateRank => Rule::DuplicateRank,
        Kind::SelfLoop => Rule::SelfLoop,
        Kind::Cycle => Rule::Cycle,
        Kind::MissingParent => Rule::RootWithParent,
        _ => Rule::Syntax,
    }
}
