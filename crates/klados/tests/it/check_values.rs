//! What the linter finds in the values of a table: placeholders, ranks in the wrong order, columns in another.

use klados::check::{Rule, check};
use klados::format::{Draft, ReadOptions};
use klados::matching::ClassList;

fn draft(text: &str) -> Draft {
    Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap().0
}

/// The lines and messages of what is found of one rule.
fn found(rule: Rule, draft: &Draft) -> Vec<(Option<u64>, String)> {
    let found = check(draft, None).into_iter().filter(|finding| finding.rule == rule);
    found.map(|finding| (finding.location.line, finding.message)).collect()
}

fn messages(rule: Rule, text: &str) -> Vec<String> {
    found(rule, &draft(text)).into_iter().map(|(_, message)| message).collect()
}

#[test]
fn placeholders_are_no_names() {
    let edges = draft("child,parent\ncrow,NA\nbat,NA\nNA,animal\nrobin,bird\n?,bird\nbird,animal\n");
    let superclass = "\"NA\" is no name, and 2 nodes are below it as if that said something: \"crow\", \"bat\"";
    assert_eq!(found(Rule::PlaceholderSuperclass, &edges), [(Some(2), superclass.to_owned())]);
    assert_eq!(found(Rule::PlaceholderName, &edges), [(Some(6), "\"?\" is no name".to_owned())]);
    // One node below several parents gathers even a single child.
    let shared = "child,parent\ncrow,unknown\nunknown,Corvidae\nunknown,Felidae\nCorvidae,animal\nFelidae,animal\n";
    assert_eq!(
        messages(Rule::PlaceholderSuperclass, shared),
        ["\"unknown\" is no name, and 1 node is below it as if that said something: \"crow\""]
    );
    // In a table of ranks each is below its own.
    let ranks = "family,genus,species\nCorvidae,Corvus,NA\nCorvidae,NA,one\nFelidae,NA,two\nFelidae,NA,three\n";
    assert_eq!(messages(Rule::PlaceholderName, ranks).len(), 2);
    assert_eq!(
        messages(Rule::PlaceholderSuperclass, ranks),
        ["\"NA\" is no name, and 2 nodes are below it as if that said something: \"two\", \"three\""]
    );
}

#[test]
fn a_rank_below_one_that_it_is_mostly_above() {
    let text =
        "id,parent_id,name,rank\n1,,A,family\n2,1,B,genus\n3,2,C,species\n4,1,D,species\n5,4,E,genus\n6,2,F,species\n";
    let message = "\"E [5]\", of the rank \"genus\", is below \"D [4]\", of the rank \"species\", which is below \"genus\" by most \
                   edges";
    assert_eq!(found(Rule::RankInversion, &draft(text)), [(Some(6), message.to_owned())]);
    // No other edge is between species and an order: the ranks between tell.
    let text = "name,parent,rank\nO,,order\nF,O,family\nG,F,genus\nF2,O,family\nG2,F2,genus\nS,G,species\nS2,G2,species\nP,S,order\n";
    let lines: Vec<_> = found(Rule::RankInversion, &draft(text)).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [Some(9)]);
    // As many up as down: the order in which the ranks are stated.
    let mut stated = Draft::new();
    stated.set_rank_names(["genus", "species"]);
    for (child, parent, ranks) in [("a", "b", ["species", "genus"]), ("c", "d", ["genus", "species"])] {
        if let (Some(below), Some(above)) = (stated.by_name(child), stated.by_name(parent)) {
            stated.set_rank(below, ranks[0]);
            stated.set_rank(above, ranks[1]);
            stated.add_edge(above, below);
        }
    }
    let [(_, message)] = &found(Rule::RankInversion, &stated)[..] else { panic!("one edge is upside down") };
    assert!(message.starts_with("\"c\", of the rank \"genus\", is below \"d\""), "{message}");
    // Clades are anywhere.
    let text = "name,parent,rank\nA,,clade\nF,A,family\nB,F,clade\nG,B,genus\nC,G,clade\nH,C,clade\nI,A,family\n";
    assert_eq!(messages(Rule::RankInversion, text), [""; 0]);
}

#[test]
fn as_many_ranks_as_nodes_are_none() {
    let mut text = "name,parent,rank\n".to_owned();
    for node in 0..3000 {
        text += &format!("n{node},n{},rank {node}\n", node / 2);
    }
    assert_eq!(messages(Rule::RankInversion, &text), [""; 0]);
}

#[test]
fn columns_in_another_order_than_their_values_show() {
    let text = "kingdom,genus,family,species\nA,Corvus,Corvidae,C. corax\nA,Corvus,Corvidae,C. corone\nA,Pica,Corvidae,P. pica\n\
                A,Turdus,Turdidae,T. merula\n";
    // Known ranks are put in order where the file is read: here they are asked for as they stand.
    let mut options = ReadOptions::new();
    options.rank_columns = Some(["kingdom", "genus", "family", "species"].map(str::to_owned).to_vec());
    let (swapped, _) = Draft::from_bytes(text.as_bytes(), &options).unwrap();
    assert_eq!(
        found(Rule::ColumnOrder, &swapped),
        [(
            None,
            "3 names of the rank \"genus\" have no more than 2 of the rank \"family\" below them: the columns seem to be in \
             another order"
                .to_owned()
        )]
    );
    assert_eq!(messages(Rule::ColumnOrder, text), [""; 0]);
    // Few species have subspecies: only what is below one another counts.
    let text = "genus,species,subspecies\nA,a,\nA,b,\nA,c,\nB,d,x\nB,d,y\n";
    assert_eq!(messages(Rule::ColumnOrder, text), [""; 0]);
}

#[test]
fn an_ambiguous_class_names_the_first_nodes_and_counts_all() {
    let mut many = Draft::new();
    for parent in 0..2000 {
        many.add_path([(format!("p{parent}").as_str(), None), ("same", None)]);
    }
    let classes = ClassList::new(vec!["same"; 2000]);
    let found: Vec<_> =
        check(&many, Some(&classes)).into_iter().filter(|finding| finding.rule == Rule::AmbiguousClass).collect();
    assert_eq!((found.len(), found[1999].nodes.len()), (2000, 5));
    assert!(found[0].message.starts_with("\"same\" may be any of 2000 nodes: \"same\""), "{}", found[0].message);
    assert!(found[0].message.ends_with(" and 1995 more"), "{}", found[0].message);
}
