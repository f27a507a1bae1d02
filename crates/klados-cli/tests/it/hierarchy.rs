//! `klados hierarchy show`.

use crate::run::Folder;

const EDGES: &str = "parent,child\r\nmammal,bat\r\nbird,crow\r\nmammal,dog\r\ndog,poodle\r\nbird,robin\r\n";

#[test]
fn show_prints_the_tree_and_the_column_of_each_class() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES);
    let expected = "\
tree of 8 nodes, 4 classes, height 3; [n] is a class's column

mammal
  bat [0]
  dog
    poodle [2]
bird
  crow [1]
  robin [3]

columns of the logits
0  bat
1  crow
2  poodle
3  robin
";
    assert_eq!(folder.run(&["hierarchy", "show", "h.csv"]).success(), expected);
}

#[test]
fn show_stops_at_a_depth_and_says_how_many_classes_are_below() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES);
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--depth", "1"]).success();
    assert_eq!(shown.split("\n\n").nth(1), Some("mammal (2 classes)\nbird (2 classes)"));
}

#[test]
fn show_takes_the_columns_from_a_file_and_an_internal_class_has_its_own_leaf() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES).write("columns.txt", "robin\ndog\npoodle\nbat\ncrow\n");
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--columns", "columns.txt"]).success();
    let tree = "mammal\n  bat [3]\n  dog\n    poodle [2]\n    =dog [1]\nbird\n  crow [4]\n  robin [0]";
    assert_eq!(shown.split("\n\n").nth(1), Some(tree));
    assert!(shown.ends_with("columns of the logits\n0  robin\n1  dog\n2  poodle\n3  bat\n4  crow\n"), "{shown}");
}

#[test]
fn a_node_of_a_dag_is_printed_whole_below_its_first_parent() {
    let folder = Folder::new();
    folder.write("h.csv", "child,parent\nguppy,fish\nguppy,pet\nfish,animal\npet,animal\nminnow,guppy\n");
    let shown = folder.run(&["hierarchy", "show", "h.csv"]).success();
    let tree = "animal\n  fish\n    guppy\n      minnow [0]\n  pet\n    guppy (above)";
    assert_eq!(shown.split("\n\n").nth(1), Some(tree));
    assert!(shown.starts_with("DAG of 5 nodes, 1 classes, height 3"), "{shown}");
}

#[test]
fn json_has_the_order_of_classes_and_of_nodes() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES);
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--format", "json"]).success();
    let expected = concat!(
        r#"{"classes":["bat","crow","poodle","robin"],"#,
        r#""nodes":["bat","mammal","crow","bird","dog","poodle","robin"]}"#,
        "\n"
    );
    assert_eq!(shown, expected);
}

#[test]
fn names_that_are_not_unique_are_printed_as_paths() {
    let folder = Folder::new();
    folder.write("h.csv", "genus,family\nIris,Iridaceae\nIris,Tarachodidae\nCrocus,Iridaceae\n");
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--format", "json"]).success();
    let expected = r#"{"classes":["Iridaceae > Iris","Tarachodidae > Iris","Crocus"],"#;
    assert!(shown.starts_with(expected), "{shown}");
    // What is printed is taken back.
    let text = folder.run(&["hierarchy", "show", "h.csv"]).success();
    let columns: String =
        text.lines().skip_while(|line| !line.starts_with("columns")).skip(1).fold(String::new(), |columns, line| {
            columns + line.split_once("  ").expect("a column and a name").1 + "\n"
        });
    folder.write("columns.txt", columns);
    let again = folder.run(&["hierarchy", "show", "h.csv", "--columns", "columns.txt"]).success();
    assert_eq!(text, again);
}

#[test]
fn errors_name_file_and_line() {
    let folder = Folder::new();
    folder.write("h.csv", "child,parent\nbat,mammal\ncrow,crow\n").write("j.json", "{\"nodes\": 3}");
    let message = folder.run(&["hierarchy", "show", "h.csv"]).failure(1);
    assert_eq!(message, "h.csv:3: \"crow\" is given as its own parent");
    let message = folder.run(&["hierarchy", "show", "j.json", "--hierarchy-format", "klados"]).failure(1);
    assert!(message.starts_with("j.json:1: not a hierarchy as klados writes it: invalid type: integer"), "{message}");
    folder.write("words.txt", "what is this\n");
    let message = folder.run(&["hierarchy", "show", "words.txt"]).failure(1);
    assert!(message.starts_with("words.txt: the format is none of those that are known: \"edges\", "), "{message}");
    assert!(message.ends_with("; say which with --hierarchy-format NAME"), "{message}");
    let message = folder.run(&["hierarchy", "show", "h.csv", "--hierarchy-format", "edgs"]).failure(2);
    assert!(message.contains("invalid value 'edgs' for '--hierarchy-format <NAME>'"), "{message}");
    let message = folder.run(&["hierarchy", "show", "none.csv"]).failure(1);
    assert!(message.starts_with("cannot read none.csv: "), "{message}");
    folder.write("edges.csv", "from,to\na,b\nb,c\n");
    let options = ["--child-column", "to", "--parent-column", "from"];
    let shown = folder.run(&[&["hierarchy", "show", "edges.csv"][..], &options[..]].concat()).success();
    assert!(shown.contains("\na\n  b\n    c [0]\n"), "{shown}");
}

#[test]
fn rank_columns_are_chosen_and_ordered() {
    let folder = Folder::new();
    folder.write("ranks.csv", "id,low,high\n1,a,x\n2,b,y\n");
    let out = folder.run(&["hierarchy", "show", "ranks.csv", "--rank-columns", "high,low"]).success();
    assert!(out.contains("x\n  a [0]\ny\n  b [1]\n"), "{out}");
}
