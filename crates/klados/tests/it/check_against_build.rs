//! The linter has errors where no hierarchy can be built, or none with these classes, and nowhere else; a match is exact
//! where the hierarchy finds the node.

use klados::check::{Finding, Severity, check, fix};
use klados::format::Draft;
use klados::matching::{ClassList, How, match_classes};

/// Random numbers, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Names of which some are the same but for spaces or case.
const NAMES: [&str; 9] = ["a", "a b", "a  b", "a\u{a0}b", "A", "b", "c\u{200b}", "c", "caf\u{65}\u{301}"];

/// Nodes by name, by id or by path, or a mixture, with some of all that can be wrong.
fn draft(random: &mut Random) -> Draft {
    let mut draft = Draft::new();
    let kind = random.below(4);
    if kind == 1 && random.one_in(3) {
        draft.expect_declarations();
    }
    let mut nodes = Vec::new();
    for line in 1..2 + random.below(12) as u64 {
        draft.at_line(Some(line));
        let name = random.pick(&NAMES);
        let id = format!("{}", random.below(6));
        let node = match kind {
            0 => draft.by_name(name),
            1 => {
                if random.one_in(3) {
                    draft.by_id(&id)
                } else {
                    draft.declare(&id, name)
                }
            }
            2 => draft.add_path([random.pick(&NAMES), random.pick(&NAMES), name].map(|name| (name, None))),
            _ => {
                if random.one_in(2) {
                    draft.by_name(name)
                } else {
                    draft.by_id(&id)
                }
            }
        };
        nodes.extend(node);
        let (one, other) = (random.pick(&nodes), random.pick(&nodes));
        // Mostly without cycles.
        if kind != 2 && (one < other || random.one_in(12)) {
            draft.add_edge(one, other);
        }
        if random.one_in(15) {
            draft.set_root(one);
        }
        if random.one_in(12) {
            draft.set_obsolete(other);
        }
        if random.one_in(12) {
            draft.add_alternative_id(one, &format!("{}", random.below(9)));
        }
        if random.one_in(40) {
            draft.set_class(one);
        }
    }
    draft.at_line(None);
    draft
}

fn has_errors(found: &[Finding]) -> bool {
    found.iter().any(|finding| finding.severity() == Severity::Error)
}

#[test]
fn there_are_errors_where_nothing_can_be_built() {
    let mut random = Random(1);
    let mut built = 0;
    for round in 0..4000 {
        let draft = draft(&mut random);
        let found = check(&draft, None);
        let hierarchy = draft.clone().build();
        assert_eq!(has_errors(&found), hierarchy.is_err(), "round {round}: {found:?}\n{hierarchy:?}\n{draft:?}");
        built += usize::from(hierarchy.is_ok());
    }
    assert!((1000..3000).contains(&built), "{built}");
}

#[test]
fn fixing_breaks_nothing_and_once_is_enough() {
    let mut random = Random(2);
    let mut changed = 0;
    for round in 0..4000 {
        let draft = draft(&mut random);
        let fixed = fix(&draft);
        let rules = check(&fixed.draft, None);
        assert!(!rules.iter().any(|finding| finding.rule.can_be_fixed()), "round {round}: {rules:?}");
        assert_eq!(fix(&fixed.draft).changes, [], "round {round}");
        changed += usize::from(!fixed.changes.is_empty());
        // Nodes that become one may be both above and below another, which nobody can know how to break.
        if let (Ok(before), Err(error)) = (draft.build(), fixed.draft.build()) {
            let kind = error.kind();
            use klados::HierarchyErrorKind as Kind;
            let is_known = matches!(kind, Kind::Cycle | Kind::MissingParent | Kind::DuplicateClass);
            assert!(is_known, "round {round}: {error}\n{before:?}");
        }
    }
    assert!(changed > 1000, "{changed}");
}

#[test]
fn classes_have_errors_where_they_cannot_be_taken() {
    let mut random = Random(3);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..8000 {
        let draft = draft(&mut random);
        let Ok(hierarchy) = draft.clone().build() else { continue };
        let names: Vec<String> = (0..1 + random.below(3))
            .map(|_| match random.below(6) {
                0 => format!("{}", random.below(9)),
                1 => format!("{} > {}", random.pick(&NAMES), random.pick(&NAMES)),
                2 => random.pick(&["none", "B", "", "caf\u{e9}"]).to_owned(),
                _ => draft.label(random.below(draft.node_count())).split(" [").next().unwrap_or_default().to_owned(),
            })
            .collect();
        let found = check(&draft, Some(&ClassList::new(&names)));
        for row in match_classes(&hierarchy, &ClassList::new(&names)).rows() {
            let is_exact = matches!(row.how, How::Exact | How::AlternativeId);
            let exact = row.node.filter(|_| is_exact);
            assert_eq!(hierarchy.node(&row.class).ok(), exact, "round {round}: {row:?}\n{draft:?}");
        }
        let with_classes = hierarchy.with_classes(&names);
        assert_eq!(
            has_errors(&found),
            with_classes.is_err(),
            "round {round}: {names:?}\n{found:?}\n{:?}\n{draft:?}",
            with_classes.map(|_| ())
        );
        *(if has_errors(&found) { &mut refused } else { &mut taken }) += 1;
    }
    assert!(taken > 500 && refused > 500, "{taken} {refused}");
}
