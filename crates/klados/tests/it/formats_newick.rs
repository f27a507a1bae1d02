//! Trees in Newick and NEXUS.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyErrorKind as Kind};

use crate::data::{fixture, real, shape};

fn read(text: &str) -> Hierarchy {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap()
}

fn draft(text: &str, format: Format) -> Draft {
    Draft::from_bytes(text.as_bytes(), &ReadOptions::new().format(format)).unwrap().0
}

fn problems(text: &str) -> Vec<String> {
    draft(text, Format::Newick).problems().iter().map(ToString::to_string).collect()
}

fn warnings(hierarchy: &Hierarchy) -> Vec<String> {
    hierarchy.warnings().iter().map(ToString::to_string).collect()
}

fn messages(hierarchy: &Hierarchy) -> Vec<&str> {
    hierarchy.warnings().iter().map(|warning| &*warning.message).collect()
}

const BIRDS: &str = "Aves\n  Passeriformes\n    Corvus\n      Corvus_corax\n      Corvus_corone\n    Erithacus rubecula\n  \
                     Columba (genus)\n    Columba_livia\n    Columba_palumbus\n  Struthio_camelus\n";

#[test]
fn names_quotes_lengths_and_comments() {
    let hierarchy = Hierarchy::from_path(fixture("newick/birds.nwk"), &ReadOptions::new()).unwrap();
    assert_eq!(hierarchy.to_string(), BIRDS);
    assert_eq!(hierarchy.class_name(2), "Erithacus rubecula");
    assert!(hierarchy.warnings().is_empty() && !hierarchy.has_ids());
    // In one line, and with NHX's comments.
    let text = "(((Corvus_corax[&&NHX:S=1:B=(2)]:1,Corvus_corone)Corvus[x],'Erithacus rubecula')Passeriformes,\
                (Columba_livia,Columba_palumbus)'Columba (genus)',Struthio_camelus)Aves : 0 ;";
    assert_eq!(read(text).to_string(), BIRDS);
    assert_eq!(read("('it''s', O'Brien ,two words)x;").to_string(), "x\n  it's\n  O'Brien\n  two words\n");
}

#[test]
fn nodes_without_names_are_named_by_two_leaves() {
    let hierarchy = read("((b,(c,a)),(e,d)f);");
    assert_eq!(hierarchy.to_string(), "a & d\n  a & b\n    b\n    a & c\n      c\n      a\n  f\n    e\n    d\n");
    // In another order of the children, names are the same.
    let other = read("((d,e)f,((a,c),b));");
    for node in hierarchy.nodes() {
        assert!(other.node(hierarchy.name(node)).is_ok(), "{}", hierarchy.name(node));
    }
}

#[test]
fn numbers_of_inner_nodes_are_support_where_leaves_have_words() {
    let hierarchy = Hierarchy::from_path(fixture("newick/supports.txt"), &ReadOptions::new()).unwrap();
    assert_eq!(
        hierarchy.to_string(),
        "Columba_livia & Corvus_corax\n  Corvus_corax & Corvus_corone\n    Corvus_corax\n    Corvus_corone\n  \
         Columba_livia & Peter's finfoot\n    Columba_livia & Columba_palumbus\n      Columba_livia\n      Columba_palumbus\n    \
         Peter's finfoot\n"
    );
    assert_eq!(messages(&hierarchy), ["3 labels of inner nodes are numbers: support of the branch, and no names"]);
    // Ids of NCBI's taxonomy are names.
    assert_eq!(read("((9606,9598)9604,9544)9526;").to_string(), "9526\n  9604\n    9606\n    9598\n  9544\n");
}

#[test]
fn a_name_may_be_there_again_elsewhere() {
    let hierarchy = read("((Iris,Rosa)plants,(Iris,Bufo)animals);");
    assert_eq!(hierarchy.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
    assert_eq!(hierarchy.path(hierarchy.node("animals > Iris").unwrap()), "Bufo & Iris > animals > Iris");
    assert_eq!(problems("(a,b,\na)x;"), ["line 2: \"a\" is the name of two nodes below \"x\""]);
}

#[test]
fn nodes_without_a_name_and_with_one_child_are_left_out() {
    let hierarchy = read("(((a,(b))),(c)d);");
    assert_eq!(hierarchy.to_string(), "a & c\n  a & b\n    a\n    b\n  d\n    c\n");
    assert_eq!(warnings(&hierarchy), ["2 nodes without a name and with one child are left out"]);
}

#[test]
fn what_is_surprising_is_a_warning() {
    assert_eq!(warnings(&read("(a,b)x;\n(a,c)y;\n")), ["line 2: another tree begins here; only the first is read"]);
    assert_eq!(draft("(a,b)x\n", Format::Newick).warnings()[0].to_string(), "line 2: the tree ends without \";\"");
    assert_eq!(draft("only;", Format::Newick).build().unwrap().class_name(0), "only");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, problem) in [
        ("((a,b)x,\nc", "line 2: the text ends before the \")\" to the \"(\" in line 1"),
        ("(\n(a,b;\n", "line 2: \";\" before the \")\" to the \"(\" in line 2"),
        ("(a,b));", "line 1: \")\" outside of all parentheses"),
        ("a,b;", "line 1: \",\" outside of all parentheses"),
        ("(a(b));", "line 1: \"(\" after a node; expected \",\", \")\" or \";\", or quotes around a name"),
        ("(a,\nb\nc);", "line 3: \"c\" after a node; expected \",\", \")\" or \";\", or quotes around a name"),
        ("(a,'b'é);", "line 1: \"é\" after a node; expected \",\", \")\" or \";\", or quotes around a name"),
        ("(a,\n'b);", "line 2: the quote that begins here has no end"),
        ("(a,\n[[b];", "line 2: the comment that begins here with \"[\" has no end"),
        ("(a,b)x; c", "line 1: \"c\" after the end of the tree"),
        ("(a,,b)x;", "line 1: a leaf without a name"),
        ("(a:one,b:1)x;", "line 1: the branch length \"one\" is no number"),
        ("(a,b\0)x;", "line 1: the name \"b\\0\" holds the control character U+0000"),
    ] {
        assert_eq!(problems(text), [problem], "{text}");
    }
    let error = Hierarchy::from_bytes(b"(a,\nb\xe4r)x;", &ReadOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.location().line), (Kind::Encoding, Some(2)));
}

#[test]
fn limits_are_kept() {
    let mut options = ReadOptions::new();
    options.limits.nodes = 3;
    let error = Hierarchy::from_bytes(b"(a,\nb,c)x;", &options).unwrap_err();
    assert_eq!(error.to_string(), "line 2: more than 3 nodes, the limit");
}

#[test]
fn a_deep_caterpillar_is_read() {
    let levels = 100_000; // a million take ten times as long
    let leaves: String = (0..levels).map(|leaf| format!(",l{leaf})")).collect();
    let text = format!("{}l{leaves};", "(".repeat(levels));
    let draft = draft(&text, Format::Newick);
    assert!(draft.problems().is_empty());
    let hierarchy = draft.build().unwrap();
    assert_eq!((hierarchy.class_count(), hierarchy.node_count()), (levels + 1, 2 * levels + 1));
    // Without an end, and as parentheses alone, which are a chain without a leaf's name.
    let unclosed =
        Draft::from_bytes("(".repeat(levels).as_bytes(), &ReadOptions::new().format(Format::Newick)).unwrap().0;
    assert_eq!(unclosed.problems().len(), 1);
    let comments = "[".repeat(levels);
    assert_eq!(
        Draft::from_bytes(comments.as_bytes(), &ReadOptions::new().format(Format::Newick)).unwrap().0.problems().len(),
        1
    );
    let empty = format!("{}{};", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(Hierarchy::from_bytes(empty.as_bytes(), &ReadOptions::new()).unwrap_err().kind(), Kind::EmptyName);
}

#[test]
fn the_mammals_of_phytools_are_read() {
    let Some(path) = real("newick-mammals/newick-mammals.nwk") else { return };
    let hierarchy = Hierarchy::from_path(&path, &ReadOptions::new()).unwrap();
    // Counted from newick-mammals.edges.csv.
    assert_eq!(shape(&hierarchy), (97, 49, 1, 0, 12));
    assert!(hierarchy.warnings().is_empty());
    let bears = hierarchy.node("U._americanus & U._arctos").unwrap();
    assert_eq!(hierarchy.classes_below(bears).len(), 3);
}

#[test]
fn nexus_has_trees_in_a_block_with_names_translated() {
    let hierarchy = Hierarchy::from_path(fixture("nexus/birds.nex"), &ReadOptions::new()).unwrap();
    assert_eq!(
        hierarchy.to_string(),
        "Columba_livia & Corvus_corax\n  Passeriformes\n    Corvus\n      Corvus_corax\n      Corvus_corone\n    \
         Erithacus rubecula\n  Columba_livia\n"
    );
    assert_eq!(messages(&hierarchy), ["the file has 2 trees; the one in line 24 is read"]);
    let first = read("#nexus begin trees; tree t = (a,b)x; tree u = ('c;d',[;]e); end; begin x; y 'z;'; end;");
    assert_eq!(first.to_string(), "x\n  a\n  b\n");
    // A number that is a name itself is no number of a taxon.
    let numbers = read("#NEXUS begin taxa; taxlabels 2 1 c; end; begin trees; utree t = (1,2,3)x; end;");
    assert_eq!(numbers.to_string(), "x\n  1\n  2\n  c\n");
}

#[test]
fn what_is_wrong_in_nexus_is_named_with_its_line() {
    for (text, problem) in [
        ("(a,b);", "line 1: the text does not begin with \"#NEXUS\""),
        ("#NEXUS\nbegin taxa; taxlabels a; end;", "the file has no tree; expected a TREES block with one"),
        ("#NEXUS begin trees;\ntree t (a,b);", "line 2: a tree without \"=\"; expected TREE name = (a,b);"),
        ("#NEXUS begin trees;\ntranslate 1 a 2 b;", "line 2: \"2\" in TRANSLATE; expected \",\" or \";\""),
        ("#NEXUS begin trees;\ntranslate 1, 2 b;", "line 2: \"1\" and \"\" in TRANSLATE; expected a key and its name"),
        ("#NEXUS begin trees;\ntree t = (a,b", "line 2: the text ends before the \")\" to the \"(\" in line 2"),
        ("#NEXUS begin x;\ny 'z;", "line 2: the quote that begins here has no end"),
    ] {
        let draft = draft(text, Format::Nexus);
        assert_eq!(draft.problems().iter().map(ToString::to_string).collect::<Vec<_>>(), [problem], "{text}");
    }
}
