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
    // Without the columns, of which most are of no node that is shown.
    assert_eq!(shown.split("\n\n").nth(1), Some("mammal (2 classes)\nbird (2 classes)\n"));
    let message = folder.run(&["hierarchy", "show", "h.csv", "--depth", "1", "--format", "json"]).failure(2);
    assert!(message.contains("--find, --below and --depth print a tree"), "{message}");
}

#[test]
fn show_indents_a_deep_tree_no_further_than_can_be_read() {
    let folder = Folder::new();
    let lines: String = (1..2000).map(|node| format!("n{node},n{}\nleaf {node},n{}\n", node - 1, node - 1)).collect();
    folder.write("deep.csv", format!("child,parent\n{lines}"));
    let shown = folder.run(&["hierarchy", "show", "deep.csv"]).success();
    let line = |name: &str| shown.lines().find(|line| line.split(' ').any(|word| word == name)).unwrap_or_default();
    assert_eq!(line("n40"), format!("{:80}n40", ""));
    assert_eq!(line("n41"), format!("{:80}(41) n41", ""));
    assert_eq!(line("n1998"), format!("{:80}(1998) n1998", ""));
    assert!(shown.len() < 4000 * 150, "{}", shown.len());
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

const FINGER: &str = "format-version: 1.4\n\n[Term]\nid: A:1\nname: hand\n\n[Term]\nid: A:2\nname: finger\nrelationship: part_of A:1 ! hand\n";

#[test]
fn relationships_that_lead_to_a_parent_are_asked_for() {
    let folder = Folder::new();
    folder.write("body.obo", FINGER);
    let shown = folder.run(&["hierarchy", "show", "body.obo"]).success();
    assert!(shown.contains("\nhand [0]\nfinger [1]\n"), "{shown}");
    let shown = folder.run(&["hierarchy", "show", "body.obo", "--relationship", "part_of"]).success();
    assert!(shown.contains("\nhand\n  finger [0]\n"), "{shown}");
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

#[test]
fn show_finds_names_ids_and_synonyms_with_what_is_above() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES);
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--find", "O"]).success();
    let expected = "\
tree of 8 nodes, 4 classes, height 3; [n] is a class's column
4 found, with *

mammal
  dog *
    poodle [2] *
bird
  crow [1] *
  robin [3] *
";
    assert_eq!(shown, expected);
    // A match is not opened where nothing below it matches.
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--find", "Dog"]).success();
    assert_eq!(shown.split("\n\n").nth(1), Some("mammal\n  dog (1 classes) *\n"));
    let message = folder.run(&["hierarchy", "show", "h.csv", "--find", "cat"]).failure(1);
    assert_eq!(message, "nothing there has \"cat\" in its name, id or a synonym");
    folder.write("ids.csv", "id,parent_id,name\nX:1,,Iris\nX:2,X:1,sepal\n");
    let shown = folder.run(&["hierarchy", "show", "ids.csv", "--find", "x:2"]).success();
    assert_eq!(shown.split("\n\n").nth(1), Some("Iris\n  sepal [0] *\n"));
}

#[test]
fn show_prints_what_is_below_a_node() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES);
    let shown = folder.run(&["hierarchy", "show", "h.csv", "--below", "mammal", "--depth", "1"]).success();
    assert_eq!(shown.split("\n\n").nth(1), Some("mammal\n  bat [0]\n  dog (1 classes)\n"));
    let message = folder.run(&["hierarchy", "show", "h.csv", "--below", "mamal"]).failure(1);
    assert!(message.starts_with("unknown node \"mamal\"; the nearest names are \"mammal\""), "{message}");
    let message = folder.run(&["hierarchy", "show", "h.csv", "--below", "dog", "--find", "bat"]).failure(1);
    assert!(message.starts_with("nothing there has \"bat\""), "{message}");
    folder.run(&["hierarchy", "show", "h.csv", "--below", "dog", "--format", "json"]).failure(2);
}

#[test]
fn stats_are_for_people_and_programs() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES);
    let expected = "\
tree of height 3
nodes            7
edges            5
roots            2
classes          4
class depth      2 to 3, mean 2.25, median 2
children a node  1 to 2, mean 1.67, median 2
single child     1, up to 1 in a row from \"dog\"
several parents  0
largest branch   \"mammal\", 2 classes, 50.0 %

depth      nodes    classes
1              2          0
2              4          3
3              1          1

     children      nodes
            1          1
            2          2
";
    assert_eq!(folder.run(&["hierarchy", "stats", "h.csv"]).success(), expected);
    let json = folder.run(&["hierarchy", "stats", "h.csv", "--format", "json"]).success();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["nodes"], 7);
    assert_eq!(json["class_depth"], serde_json::json!({"min": 2, "mean": 2.25, "median": 2.0, "max": 3}));
    assert_eq!(json["children"], serde_json::json!([[1, 1], [2, 2]]));
    folder.write("ranks.csv", "species,genus\nC. corax,Corvus\nP. pica,Pica\nC. corone,Corvus\n");
    let text = folder.run(&["hierarchy", "stats", "ranks.csv"]).success();
    assert!(
        text.contains(
            "\nrank         nodes    classes\ngenus            2          0\nspecies          3          3\n"
        ),
        "{text}"
    );
}

#[test]
fn convert_writes_by_the_ending_and_says_what_is_lost() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES).write("columns.txt", "robin\nmammal\nbat\ncrow\npoodle\n");
    let output = folder.run(&["hierarchy", "convert", "h.csv", "out.json"]);
    assert_eq!(output.stderr, "");
    assert_eq!(output.success(), "");
    let shown = |file: &str| folder.run(&["hierarchy", "show", file]).success();
    assert_eq!(shown("out.json"), shown("h.csv"));
    let output = folder.run(&["hierarchy", "convert", "h.csv", "edges.csv"]);
    assert_eq!(output.stderr, "");
    assert_eq!(shown("edges.csv"), shown("h.csv"));
    let arguments = ["hierarchy", "convert", "h.csv", "out.csv", "--to", "ranks", "--columns", "columns.txt"];
    let output = folder.run(&arguments);
    let warnings: Vec<&str> = output.stderr.lines().collect();
    assert!(
        warnings.contains(&"warning: lost in out.csv: that 1 internal node is a class: \"mammal\""),
        "{warnings:?}"
    );
    assert!(warnings.iter().all(|line| line.starts_with("warning: lost in out.csv: ")), "{warnings:?}");
    output.success();
    let text = std::fs::read_to_string(folder.path("out.csv")).expect("written");
    assert_eq!(text, "level 1,level 2,level 3\nbird,robin,\nmammal,bat,\nbird,crow,\nmammal,dog,poodle\n");
}

#[test]
fn convert_writes_to_standard_output_and_nothing_where_something_is_wrong() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES).write("dag.csv", "child,parent\nguppy,fish\nguppy,pet\n").write("old.nwk", "old");
    let output = folder.run(&["hierarchy", "convert", "h.csv", "-", "--to", "newick"]);
    assert!(output.stderr.starts_with("warning: lost: that the root was added"), "{}", output.stderr);
    assert_eq!(output.success(), "((bat,(poodle)dog)mammal,(crow,robin)bird);\n");
    let message = folder.run(&["hierarchy", "convert", "dag.csv", "old.nwk"]).failure(1);
    assert!(message.starts_with("Newick has trees only"), "{message}");
    assert_eq!(std::fs::read(folder.path("old.nwk")).expect("there"), b"old");
    let message = folder.run(&["hierarchy", "convert", "h.csv", "out.txt"]).failure(2);
    assert!(message.starts_with("the ending of out.txt says no format; say it with --to: edges, "), "{message}");
    folder.run(&["hierarchy", "convert", "h.csv", "out.csv", "--to", "xml"]).failure(2);
    assert!(!folder.path("out.csv").exists());
}

#[test]
fn prune_keeps_classes_cuts_and_contracts() {
    let folder = Folder::new();
    folder.write("h.csv", EDGES).write("classes.txt", "poodle\nrobin\ncrow\n");
    let read = || std::fs::read_to_string(folder.path("out.csv")).expect("written");
    let prune = |more: &[&str]| {
        let output = folder.run(&[&["hierarchy", "prune", "h.csv", "out.csv"], more].concat());
        output.success()
    };
    let said = prune(&["--classes", "classes.txt"]);
    assert_eq!(said, "h.csv: 7 nodes, 4 classes\nout.csv: 6 nodes, 3 classes\n");
    assert_eq!(read(), "child,parent\ndog,mammal\npoodle,dog\nrobin,bird\ncrow,bird\n");
    prune(&["--classes", "classes.txt", "--contract-chains"]);
    assert_eq!(read(), "child,parent\npoodle,\nrobin,bird\ncrow,bird\n");
    prune(&["--cut", "2"]);
    assert_eq!(read(), "child,parent\nbat,mammal\ncrow,bird\ndog,mammal\nrobin,bird\n");
    folder.write("h.csv", "species,genus\nC. corax,Corvus\nP. pica,Pica\nC. corone,Corvus\n");
    prune(&["--cut", "genus"]);
    assert_eq!(read(), "child,parent,rank\nCorvus,,genus\nPica,,genus\n");
    folder.run(&["hierarchy", "prune", "h.csv", "other.csv"]).failure(2);
    let message = folder.run(&["hierarchy", "prune", "h.csv", "other.csv", "--cut", "family"]).failure(1);
    assert!(message.starts_with("there is no rank \"family\"; the ranks are \"genus\", \"species\""), "{message}");
    assert!(!folder.path("other.csv").exists());
}

#[test]
fn help_of_every_command_has_examples_and_fits_a_terminal() {
    let folder = Folder::new();
    for command in ["show", "stats", "convert", "prune"] {
        let help = folder.run(&["hierarchy", command, "--help"]).success();
        // The options above are as wide as the terminal is.
        let (_, below) = help.split_once("-h, --help").expect("the last option");
        let (_, examples) = below.split_once("Examples:\n").expect("examples");
        assert!(examples.contains(&format!("  klados hierarchy {command} ")), "{examples}");
        let widest = below.lines().max_by_key(|line| line.chars().count()).expect("lines");
        assert!(widest.chars().count() <= 80, "{command}: {widest}");
    }
}

/// The class of id 1 is named 2, and that of id 2 is named 1.
#[test]
fn names_that_are_ids_of_others_are_written_as_ids() {
    let folder = Folder::new();
    folder.write("h.csv", "id,parent_id,name\n1,3,2\n2,3,1\n3,,top\n");
    let json: serde_json::Value =
        serde_json::from_str(&folder.run(&["hierarchy", "show", "h.csv", "--format", "json"]).success()).expect("JSON");
    assert_eq!(json["classes"], serde_json::json!(["1", "2"]));
}

#[test]
fn the_file_that_is_read_is_not_written_over() {
    let folder = Folder::new();
    let text = "child,parent,note\nbat,mammal,x\nbat,mammal,x\n";
    folder.write("h.csv", text);
    for arguments in [
        &["convert", "h.csv", "h.csv"][..],
        &["prune", "h.csv", "./h.csv", "--contract-chains"],
        &["check", "h.csv", "--fix", "h.csv"],
    ] {
        let message = folder.run(&[&["hierarchy"], arguments].concat()).failure(2);
        assert!(message.contains("h.csv is the file that is read: expected another one to write"), "{message}");
    }
    assert_eq!(std::fs::read_to_string(folder.path("h.csv")).expect("read"), text);
    let message = folder.run(&["hierarchy", "check", "h.csv", "--fix", "-"]).failure(2);
    assert!(message.contains("--fix writes a file"), "{message}");
}
