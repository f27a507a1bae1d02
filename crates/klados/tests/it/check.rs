//! What the linter finds, rule by rule, and what it puts right.

use klados::HierarchyErrorKind as Kind;
use klados::check::{Finding, Rule, Severity, check, fix};
use klados::format::{Draft, ReadOptions};
use klados::matching::ClassList;

fn draft(text: &str) -> Draft {
    Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap().0
}

/// What is found of one rule, with the names of the nodes.
fn of(rule: Rule, draft: &Draft, classes: Option<&ClassList>) -> Vec<(Option<u64>, Vec<String>, String)> {
    let named = |finding: &Finding| {
        let names = finding.nodes.iter().map(|&node| draft.name(node).to_owned()).collect();
        (finding.location.line, names, finding.message.clone())
    };
    check(draft, classes).iter().filter(|finding| finding.rule == rule).map(named).collect()
}

/// The line and the nodes of what is found of one rule in edges `child,parent`.
fn lines(rule: Rule, edges: &str) -> Vec<(Option<u64>, Vec<String>)> {
    let found = of(rule, &draft(&format!("child,parent\n{edges}")), None);
    found.into_iter().map(|(line, nodes, _)| (line, nodes)).collect()
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_plain_tree_has_nothing_to_say() {
    let tree = draft("child,parent\ncrow,bird\nrobin,bird\nbat,mammal\ndog,mammal\nbird,animal\nmammal,animal\n");
    assert_eq!(check(&tree, None), []);
    assert_eq!(check(&tree, Some(&ClassList::new(["crow", "robin", "bat", "dog"]))), []);
    // A list of classes is no hierarchy that lacks its edges.
    let mut flat = Draft::new();
    ["a", "b", "c"].iter().for_each(|name| assert!(flat.by_name(name).is_some()));
    assert_eq!(check(&flat, None), []);
}

#[test]
fn each_cycle_has_its_nodes_and_the_line_that_closes_it() {
    let edges = "a,b\nb,c\nx,y\nc,a\nd,c\ny,x\ne,top\nf,top\n";
    let found = lines(Rule::Cycle, edges);
    assert_eq!(found, [(Some(5), named(&["a", "b", "c"])), (Some(7), named(&["x", "y"]))]);
    // Two cycles through one node are one set: one is shown, the other counted.
    let both = of(Rule::Cycle, &draft("child,parent\na,b\nb,a\nb,c\nc,b\n"), None);
    assert_eq!(both.len(), 1);
    assert!(both[0].2.ends_with("; 1 more nodes are in cycles with them"), "{}", both[0].2);
    // Other rules go on beside a cycle.
    assert_eq!(lines(Rule::DuplicateEdge, "a,b\nb,a\ne,t\nf,t\ne,t\n"), [(Some(6), named(&["t", "e"]))]);
}

#[test]
fn a_cycle_of_many_nodes_takes_no_recursion() {
    let mut draft = Draft::new();
    let nodes: Vec<usize> = (0..200_000).filter_map(|number| draft.by_name(&format!("n{number}"))).collect();
    for pair in nodes.windows(2) {
        draft.add_edge(pair[0], pair[1]);
    }
    assert!(of(Rule::Cycle, &draft, None).is_empty());
    draft.add_edge(nodes[nodes.len() - 1], nodes[0]);
    let found = of(Rule::Cycle, &draft, None);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.len(), 200_000);
    assert!(found[0].2.ends_with(" and 199995 more"), "{}", found[0].2);
}

#[test]
fn what_the_reader_found_is_found() {
    let text = b"child,parent\na,a\nb,c,d\nb\xe4r,c\n,c\ne,c\nf,c\n";
    let (draft, _) = Draft::from_bytes(text, &ReadOptions::new()).unwrap();
    let errors: Vec<(Rule, Option<u64>)> = check(&draft, None)
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| (finding.rule, finding.location.line))
        .collect();
    assert_eq!(
        errors,
        [(Rule::SelfLoop, Some(2)), (Rule::Syntax, Some(3)), (Rule::Encoding, Some(4)), (Rule::EmptyName, Some(5))]
    );
    let mut options = ReadOptions::new();
    options.limits.problems = 2;
    let (draft, _) = Draft::from_bytes(&b"child,parent\na,a\na,a\na,a\na,a\n"[..], &options).unwrap();
    assert_eq!(of(Rule::MoreProblems, &draft, None)[0].2, "2 more problems are not listed");
    options.limits.nodes = 1;
    let (draft, _) = Draft::from_bytes(&b"child,parent\na,b\n"[..], &options).unwrap();
    assert_eq!(of(Rule::Limit, &draft, None).len(), 1);
    let guessed = self::draft("from,to\ncrow,bird\nrobin,bird\nbird,animal\nbat,animal\n");
    let reading = of(Rule::Reading, &guessed, None);
    assert!(reading[0].2.contains("is taken to be the parent"), "{reading:?}");
}

#[test]
fn nodes_by_themselves() {
    assert_eq!(of(Rule::EmptyHierarchy, &Draft::new(), None).len(), 1);
    let mut draft = Draft::new();
    draft.expect_declarations();
    let top = draft.at_line(Some(1)).declare("T:1", "top").unwrap();
    let old = draft.at_line(Some(2)).declare("T:2", "old").unwrap();
    let child = draft.at_line(Some(3)).declare("T:3", "child").unwrap();
    let gone = draft.at_line(Some(4)).declare("T:4", "gone").unwrap();
    let other = draft.at_line(Some(5)).by_id("T:5").unwrap();
    draft.at_line(Some(6)).declare("T:3", "again");
    draft.set_root(child);
    draft.at_line(None);
    draft.add_edge(top, old);
    draft.add_edge(old, child);
    draft.add_edge(top, other);
    [old, gone].iter().for_each(|&node| draft.set_obsolete(node));
    [(top, "T:2"), (top, "T:9"), (child, "T:9"), (child, "T:8")]
        .iter()
        .for_each(|&(node, id)| draft.add_alternative_id(node, id));
    draft.set_rank_names(["genus", "family", "genus"]);
    let found = |rule| of(rule, &draft, None).into_iter().map(|(line, nodes, _)| (line, nodes)).collect::<Vec<_>>();
    assert_eq!(found(Rule::UndeclaredNode), [(Some(5), named(&["T:5"]))]);
    assert_eq!(found(Rule::DuplicateNode), [(Some(6), vec![])]);
    assert_eq!(found(Rule::ObsoleteSuperclass), [(Some(2), named(&["old"]))]);
    assert_eq!(found(Rule::RootWithParent), [(Some(6), named(&["child", "old"]))]);
    assert_eq!(found(Rule::DuplicateRank).len(), 1);
    assert_eq!(found(Rule::AlternativeId), [(Some(1), named(&["top"])), (Some(3), named(&["child"]))]);
    // What is out of use and has nothing below it stands alone, and nobody is told.
    assert!(found(Rule::IsolatedNode).is_empty());
}

#[test]
fn classes_that_the_file_states_twice() {
    let mut draft = draft("child,parent\ncrow,bird\nrobin,bird\n rock  dove,bird\nrock dove,bird\n");
    let nodes: Vec<usize> = (0..draft.node_count()).filter(|&node| draft.name(node) != "bird").collect();
    nodes.iter().for_each(|&node| draft.set_class(node));
    assert!(of(Rule::DuplicateClass, &draft, None).is_empty());
    // Which of the columns is wrong is not known: the class that was two stays two, and is reported.
    let fixed = fix(&draft);
    assert_eq!(of(Rule::DuplicateClass, &fixed.draft, None)[0].1, named(&["rock dove"]));
    assert_eq!(fixed.draft.build().unwrap_err().kind(), Kind::DuplicateClass);
}

#[test]
fn an_alternative_id_of_a_node_that_is_out_of_use_is_free() {
    let mut draft = Draft::new();
    let top = draft.declare("T:1", "top").unwrap();
    let gone = draft.declare("T:2", "gone").unwrap();
    draft.set_obsolete(gone);
    draft.add_alternative_id(top, "T:2");
    assert!(of(Rule::AlternativeId, &draft, None).is_empty());
    assert_eq!(draft.build().unwrap().warnings().len(), 1, "of the node that is left out");
}

#[test]
fn roots_and_nodes_that_stand_alone() {
    let edges = "crow,bird\nrobin,bird\nbat,mammal\ndog,mammal\nlost,\nbird,\nmammal,\n";
    assert_eq!(lines(Rule::SeveralRoots, edges), [(None, named(&["bird", "mammal"]))]);
    assert_eq!(lines(Rule::IsolatedNode, edges), [(Some(6), named(&["lost"]))]);
}

#[test]
fn several_parents_and_edges_that_longer_paths_repeat() {
    let edges = "d,b\nd,c\nb,a\nc,a\nd,a\ne,a\nf,e\ng,e\nf,a\n";
    let parents = lines(Rule::SeveralParents, edges);
    assert_eq!(parents, [(Some(2), named(&["d", "b", "c", "a"])), (Some(8), named(&["f", "e", "a"]))]);
    let repeated = lines(Rule::TransitiveEdge, edges);
    assert_eq!(repeated, [(Some(6), named(&["a", "d"])), (Some(10), named(&["a", "f"]))]);
}

#[test]
fn every_repeated_edge_of_a_random_dag_is_found() {
    // Edges go from lower numbers to higher; the truth is the closure, node by node.
    let mut state = 7u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for nodes in 3..40 {
        let mut draft = Draft::new();
        let numbers: Vec<usize> = (0..nodes).filter_map(|node| draft.by_name(&node.to_string())).collect();
        let mut edges = std::collections::BTreeSet::new();
        for child in 1..nodes {
            for _ in 0..1 + random(3) {
                edges.insert((random(child), child));
            }
        }
        edges.iter().for_each(|&(parent, child)| draft.add_edge(numbers[parent], numbers[child]));
        let mut above = vec![vec![false; nodes]; nodes];
        for child in 1..nodes {
            for parent in (0..child).filter(|&parent| edges.contains(&(parent, child))) {
                above[child][parent] = true;
                (0..nodes).for_each(|node| above[child][node] |= above[parent][node]);
            }
        }
        let expected: Vec<(usize, usize)> = edges
            .iter()
            .copied()
            .filter(|&(parent, child)| (0..child).any(|other| edges.contains(&(other, child)) && above[other][parent]))
            .collect();
        let found: Vec<(usize, usize)> = check(&draft, None)
            .iter()
            .filter(|finding| finding.rule == Rule::TransitiveEdge)
            .map(|finding| (finding.nodes[0], finding.nodes[1]))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_search_that_would_take_too_long_says_that_it_ended() {
    // Each of many nodes has a parent at the top and one at the bottom of a long chain.
    let mut draft = Draft::new();
    let chain: Vec<usize> = (0..3000).filter_map(|number| draft.by_name(&format!("c{number}"))).collect();
    chain.windows(2).for_each(|pair| draft.add_edge(pair[0], pair[1]));
    for number in 0..3000 {
        let node = draft.by_name(&format!("n{number}")).unwrap();
        draft.add_edge(chain[1], node);
        draft.add_edge(chain[2999], node);
    }
    let found = of(Rule::TransitiveEdge, &draft, None);
    assert!(found[found.len() - 1].2.starts_with("the search took too long"), "{:?}", found[found.len() - 1]);
    assert!(found.len() > 300, "{}", found.len());
}

#[test]
fn chains_are_whole() {
    let edges = "species,genus\ngenus,family\nfamily,order\nother,order\nx,other\ny,other\n";
    let found = of(Rule::SingleChild, &draft(&format!("child,parent\n{edges}")), None);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, &found[0].1), (Some(3), &named(&["family", "genus", "species"])));
    assert_eq!(found[0].2, "2 nodes have one child each: \"family\", \"genus\", \"species\"");
    // A node with two parents ends two chains and begins a third.
    let edges = "m,a\nm,b\nn,m\nz,n\ny,n\na,t\nb,t\n";
    let chains: Vec<Vec<String>> = lines(Rule::SingleChild, edges).into_iter().map(|(_, nodes)| nodes).collect();
    assert_eq!(chains, [named(&["m", "n"]), named(&["a", "m"]), named(&["b", "m"])]);
    // The cycle below a chain has an end.
    assert_eq!(
        lines(Rule::SingleChild, "b,a\nc,b\nb,c\n"),
        [(Some(2), named(&["b", "c", "b"])), (Some(2), named(&["a", "b"]))]
    );
}

#[test]
fn columns_the_wrong_way_round_are_suspected() {
    let found = of(Rule::ColumnOrder, &draft("parent,child\ncrow,bird\nrobin,bird\nbat,mammal\ndog,mammal\n"), None);
    assert_eq!(found.len(), 1);
    assert!(found[0].2.contains("2 have several parents: the columns of parents and children"), "{}", found[0].2);
    let options = ReadOptions::new();
    let mut wrong = options.clone();
    wrong.rank_columns = Some(named(&["species", "genus"]));
    let text = "species,genus\ncorax,Corvus\ncorone,Corvus\nbubo,Bubo\n";
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &wrong).unwrap();
    let found = of(Rule::ColumnOrder, &draft, None);
    assert!(found[0].2.ends_with("the ranks seem to be from the bottom up"), "{found:?}");
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &options).unwrap();
    assert!(of(Rule::ColumnOrder, &draft, None).is_empty());
    assert!(lines(Rule::ColumnOrder, "b,a\nc,b\n").is_empty(), "a chain may be meant");
}

#[test]
fn names_that_are_nearly_the_same() {
    let found = lines(Rule::NearDuplicateName, "Barn Owl,bird\nbarn_owl,bird\nBARN-OWL,bird\ncrow,bird\nCrow's,bird\n");
    assert_eq!(found, [(Some(4), named(&["Barn Owl", "barn_owl", "BARN-OWL"]))]);
    // One as a letter and a mark, one as one letter.
    let found = lines(Rule::NearDuplicateName, "caf\u{e9},a\ncafe\u{301},a\ncafe,a\n");
    assert_eq!(found, [(Some(3), named(&["caf\u{e9}", "cafe\u{301}"]))]);
    assert_eq!(lines(Rule::NotNfc, "caf\u{e9},a\ncafe\u{301},a\n"), [(Some(3), named(&["cafe\u{301}"]))]);
}

#[test]
fn nodes_of_one_name_are_told_by_where_they_are() {
    let ranks = draft("genus,family\nIris,Iridaceae\nIris,Tarachodidae\nCrocus,Iridaceae\n");
    let found = of(Rule::Homonym, &ranks, None);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, &found[0].1), (Some(3), &named(&["Iris", "Iris"])));
    assert_eq!(found[0].2, "2 nodes have the name \"Iris\", below \"Iridaceae\", \"Tarachodidae\"");
    let ids = draft("id,name,parent\n1,Iris,3\n2,Iris,3\n3,life,\n");
    assert_eq!(of(Rule::Homonym, &ids, None)[0].2, "2 nodes have the name \"Iris\": \"Iris [1]\", \"Iris [2]\"");
}

#[test]
fn characters_that_are_not_what_they_seem() {
    let edges =
        "a  b,top\nc\u{a0}d,top\ne\u{200b}f,top\nK\u{c3}\u{a4}fer,top\n\u{fffd}x,top\n\u{1f469}\u{200d}\u{1f33e},top\n";
    let at = |rule| lines(rule, edges).into_iter().filter_map(|(line, _)| line).collect::<Vec<u64>>();
    assert_eq!(at(Rule::OddSpace), [2, 3]);
    assert_eq!(at(Rule::InvisibleCharacter), [4]);
    assert_eq!(at(Rule::GarbledName), [5, 6]);
    let found = of(Rule::GarbledName, &draft(&format!("child,parent\n{edges}")), None);
    assert_eq!(found[0].2, "\"KÃ¤fer\" is \"Käfer\" as UTF-8 that was read as Latin-1 or Windows-1252");
}

#[test]
fn branches_that_have_nearly_all() {
    let many = |count: usize, parent: &str| -> String {
        (0..count).map(|leaf| format!("{parent}{leaf},{parent}\n")).collect()
    };
    let text = |large, small| format!("{}{}x,top\ny,top\n", many(large, "x"), many(small, "y"));
    assert_eq!(
        lines(Rule::UnbalancedBranches, &text(100, 11)),
        [(Some(2), named(&["top", "x"]))].map(|(_, nodes)| (Some(113), nodes))
    );
    assert!(lines(Rule::UnbalancedBranches, &text(100, 12)).is_empty(), "9 times 12 is more");
    assert!(lines(Rule::UnbalancedBranches, &text(99, 2)).is_empty(), "small");
    let roots = format!("{}{}", many(100, "x"), many(3, "y"));
    assert_eq!(lines(Rule::UnbalancedBranches, &roots), [(Some(2), named(&["x"]))]);
}

#[test]
fn depths_that_differ_matter_without_ranks() {
    let edges = "a,top\nb,top\nc,b\nd,b\ne,d\nf,d\n";
    assert_eq!(lines(Rule::UnevenDepth, edges), [(None, named(&["a", "e"]))]);
    assert!(lines(Rule::UnevenDepth, "a,top\nb,top\nc,b\nd,b\n").is_empty());
    let mut ranked = draft(&format!("child,parent\n{edges}"));
    ranked.set_rank(0, "species");
    assert!(of(Rule::UnevenDepth, &ranked, None).is_empty());
}

#[test]
fn classes_are_looked_up() {
    let mut draft = draft("id,name,parent\n1,animal,\n2,bird,1\n3,crow,2\n4,Iris,2\n5,Iris,1\n6,bat,1\n7,old,\n");
    draft.set_obsolete(6);
    draft.add_synonym(5, "flying fox");
    let list = ClassList::new(["crow", "3", "", "Iris", "Bat", "crwo", "flying fox", "bird", "old", "submarine"]);
    let list = list.in_file("classes.txt");
    let found: Vec<String> = check(&draft, Some(&list))
        .iter()
        .filter(|finding| finding.location.file.is_some())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            "classes.txt:2: error[duplicate-class]: \"crow [3]\" is a class already, in line 1",
            "classes.txt:3: error[empty-class]: the line has no name",
            "classes.txt:4: error[ambiguous-class]: \"Iris\" may be any of 2 nodes: \"Iris [4]\", \"Iris [5]\"",
            "classes.txt:5: error[missing-class]: no node is called \"Bat\"; \"bat [6]\" is the same but for case, spaces, \
             brackets or the like",
            "classes.txt:6: error[missing-class]: no node is called \"crwo\"; the nearest are \"crow [3]\"",
            "classes.txt:7: error[missing-class]: no node is called \"flying fox\"; it is another name of \"bat [6]\"",
            "classes.txt:7: error[duplicate-class]: \"bat [6]\" is a class already, in line 5",
            "classes.txt:8: note[internal-class]: \"bird [2]\" has others below it: \"crow [3]\", \"Iris [4]\"",
            "classes.txt:9: error[obsolete-class]: \"old [7]\" is out of use",
            "classes.txt:10: error[missing-class]: no node is called \"submarine\"; no name is like it",
        ]
    );
}

#[test]
fn a_name_that_is_in_use_is_meant_before_one_that_is_not() {
    let mut draft = draft("id,name,parent\n1,top,\n2,cell,1\n3,cell,\n4,other,1\n");
    draft.set_obsolete(2);
    assert_eq!(check(&draft, Some(&ClassList::new(["cell", "other"]))), []);
}

#[test]
fn superclasses_without_a_class_or_with_one() {
    let text = "child,parent\ncrow,bird\nrobin,bird\nbat,mammal\ndog,mammal\nbird,animal\nmammal,animal\npoodle,dog\nrock,\nstone,rock\nmud,rock\n";
    let draft = draft(text);
    let classes = ClassList::new(["crow", "robin", "bat"]);
    let found =
        |rule| of(rule, &draft, Some(&classes)).into_iter().map(|(line, nodes, _)| (line, nodes)).collect::<Vec<_>>();
    assert_eq!(found(Rule::EmptySuperclass), [(Some(5), named(&["dog"])), (Some(9), named(&["rock"]))]);
    assert!(found(Rule::UnusedLeaf).is_empty(), "what is below an empty superclass goes without saying");
    assert_eq!(found(Rule::SingleClass), [(Some(4), named(&["mammal"]))]);
    let classes = ClassList::new(["crow", "bat", "poodle", "stone", "mud"]);
    assert_eq!(of(Rule::UnusedLeaf, &draft, Some(&classes))[0].1, named(&["robin"]));
    // Where no class is found there is nothing to say of what lacks one.
    assert!(of(Rule::EmptySuperclass, &draft, Some(&ClassList::new(["x"]))).is_empty());
}

#[test]
fn a_fixed_draft_is_built() {
    let text = "child,parent\ncrow,bird\ncrow,crow\nrock  dove,bird\nrock dove,bird\nbird\u{200b},animal\nbird,animal\nbat,animal\n";
    let fixed = fix(&draft(text));
    let changes: Vec<(Option<u64>, &str, Option<&str>)> =
        fixed.changes.iter().map(|change| (change.location.line, &*change.before, change.after.as_deref())).collect();
    assert_eq!(
        changes,
        [
            (Some(3), "\"crow\" as its own parent", None),
            (Some(4), "the name \"rock  dove\"", Some("\"rock dove\"")),
            (Some(5), "the node \"rock dove\"", Some("that of line 4")),
            (Some(5), "the edge from \"bird\" to \"rock dove\"", None),
            (Some(6), "the name \"bird\\u{200b}\"", Some("\"bird\"")),
            (Some(6), "the node \"bird\"", Some("that of line 2")),
            (Some(7), "the edge from \"animal\" to \"bird\"", None),
        ]
    );
    let hierarchy = fixed.draft.build().unwrap();
    assert_eq!(hierarchy.to_string(), "animal\n  bird\n    crow\n    rock dove\n  bat\n");
    assert_eq!(hierarchy.warnings(), []);
}

#[test]
fn nodes_at_paths_are_joined_below_one_parent_alone() {
    let mut fixed =
        fix(&draft("species,genus,family\na x,Corvus,one \na  x,Corvus ,one\na x,Corvus,two\na\u{a0}x,Bubo,two\n"));
    let nodes = fixed.draft.node_count();
    fixed.draft.add_path(["two", "Corvus", "a x"].map(|name| (name, None)));
    assert_eq!(fixed.draft.node_count(), nodes, "paths are found where they are now");
    let hierarchy = fixed.draft.build().unwrap();
    assert_eq!(hierarchy.to_string(), "one\n  Corvus\n    a x\ntwo\n  Corvus\n    a x\n  Bubo\n    a x\n");
    assert_eq!(hierarchy.rank(hierarchy.node("Bubo").unwrap()), Some("genus"));
}

#[test]
fn what_would_be_a_guess_is_left() {
    let text = "child,parent\ncrow,bird\nCrow,bird\nbird,animal\nanimal,bird\nd,e,f\n";
    let fixed = fix(&draft(text));
    assert_eq!(fixed.changes, []);
    let left: Vec<Rule> = check(&fixed.draft, None)
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(left, [Rule::Cycle, Rule::Syntax]);
    assert_eq!(fixed.draft.build().unwrap_err().kind(), Kind::Format);
}

#[test]
fn ids_are_kept_where_names_are_joined() {
    let mut draft = Draft::new();
    let a = draft.at_line(Some(1)).by_name("a b").unwrap();
    let b = draft.at_line(Some(2)).by_name("a  b").unwrap();
    let c = draft.at_line(Some(3)).by_id("c  1").unwrap();
    let d = draft.at_line(Some(4)).by_name("d").unwrap();
    draft.add_edge(a, c);
    draft.add_edge(b, d);
    draft.add_synonym(b, "also");
    draft.set_rank(b, "kind");
    draft.set_root(b);
    let fixed = fix(&draft);
    assert_eq!(fixed.draft.line(2), Some(4));
    let hierarchy = fixed.draft.build().unwrap();
    let joined = hierarchy.node("a b").unwrap();
    assert_eq!(hierarchy.synonyms(joined).collect::<Vec<_>>(), ["also"]);
    assert_eq!((hierarchy.rank(joined), hierarchy.children(joined).len()), (Some("kind"), 2));
    // An id is what others refer to: it stays as it is.
    assert!(hierarchy.node("c  1").is_ok());
}

#[test]
fn codes_are_unique_and_rules_say_why_and_what_to_do() {
    let codes: std::collections::HashSet<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    assert_eq!(codes.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(rule.code().chars().all(|char| char.is_ascii_lowercase() || char == '-'), "{}", rule.code());
        assert!(rule.why().len() > 10 && rule.help().len() > 10, "{}", rule.code());
    }
}

#[test]
fn every_cut_of_every_fixture_is_checked_and_fixed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hierarchies");
    let mut seen = 0;
    for format in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(format.unwrap().path()).unwrap().map(|file| file.unwrap().path()) {
            let Ok(bytes) = std::fs::read(file) else { continue };
            for end in (0..bytes.len().min(1000)).step_by(7) {
                let Ok((draft, _)) = Draft::from_bytes(&bytes[..end], &ReadOptions::new()) else { continue };
                check(&draft, Some(&ClassList::new(["crow", "x"])));
                fix(&draft);
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

/// A file of the real hierarchies, or none where they are not there.
fn real(file: &str) -> Option<Draft> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    let path = folder.join(file);
    if !path.exists() {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("SKIPPED: no {}", path.display());
        }
        return None;
    }
    Some(Draft::from_path(path, &ReadOptions::new()).unwrap().0)
}

/// How often each rule is found that is asked for.
fn counts<const N: usize>(draft: &Draft, rules: [Rule; N]) -> [usize; N] {
    rules.map(|rule| of(rule, draft, None).len())
}

/// The nodes with one child: all but the last of each chain.
fn single_children(draft: &Draft) -> usize {
    of(Rule::SingleChild, draft, None).iter().map(|(_, chain, _)| chain.len() - 1).sum()
}

// The numbers are from a few lines of Python over the edge lists, with sets of ancestors.

#[test]
fn inat21_has_homonyms_and_chains() {
    let Some(ranks) = real("inat21/inat21.ranks.csv") else { return };
    assert_eq!(counts(&ranks, [Rule::Homonym, Rule::NearDuplicateName, Rule::SeveralRoots]), [17, 0, 0]);
    assert_eq!(single_children(&ranks), 3899);
    let Some(edges) = real("inat21/inat21.edges.csv") else { return };
    assert_eq!(single_children(&edges), 3899);
    assert_eq!(counts(&edges, [Rule::SeveralParents, Rule::DuplicateEdge, Rule::Cycle]), [0, 0, 0]);
    assert_eq!(fix(&edges).changes, []);
}

#[test]
fn the_cell_ontology_has_several_roots_and_parents() {
    let Some(cells) = real("cell-ontology-cl-basic-2022-12/cell-ontology-cl-basic-2022-12.edges.csv") else { return };
    let rules = [Rule::IsolatedNode, Rule::SeveralRoots, Rule::SeveralParents, Rule::TransitiveEdge];
    assert_eq!(counts(&cells, rules), [9, 0, 922, 0]);
    assert_eq!(single_children(&cells), 244);
    // The same as the ontology itself says it, where terms that are out of use stand alone as well and do not count.
    let Some(cells) = real("cell-ontology-cl-basic-2022-12/cl-basic.obo") else { return };
    assert_eq!((counts(&cells, rules), single_children(&cells)), ([9, 0, 922, 0], 244));
}

#[test]
fn other_real_hierarchies_have_what_they_have() {
    let rules = [Rule::SeveralRoots, Rule::SeveralParents, Rule::TransitiveEdge];
    for (file, expected, single) in [
        ("imagenet1k-wordnet-dag/imagenet1k-wordnet-dag.edges.csv", [0, 75, 2], 461),
        ("openimages-600/openimages-600.edges.csv", [0, 45, 3], 5),
        ("pypi-trove-classifiers/pypi-trove-classifiers.edges.csv", [1, 0, 0], 29),
        ("nabirds/nabirds.edges.csv", [0, 0, 0], 282),
        ("cub200-wikispecies/cub200-wikispecies.edges.csv", [0, 0, 0], 112),
    ] {
        let Some(draft) = real(file) else { return };
        assert_eq!((counts(&draft, rules), single_children(&draft)), (expected, single), "{file}");
        assert!(check(&draft, None).iter().all(|finding| finding.severity() != Severity::Error), "{file}");
    }
}
