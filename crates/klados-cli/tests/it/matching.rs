//! `klados hierarchy match`.

use crate::run::Folder;

/// Birds, and classes that are written in other ways.
fn birds() -> Folder {
    let folder = Folder::new();
    folder.write(
        "h.csv",
        "id,name,parent_id\n1,bird,\n2,Yellow Warbler,1\n3,crane (bird),1\n4,Iris,1\n5,Iris,1\n6,crow,1\n",
    );
    folder.write("classes.txt", "crow\nyellow_warbler\ncrane\nIris\nsubmarine\nyelow warbler\n");
    folder
}

#[test]
fn the_report_says_what_to_confirm() {
    let expected = "\
6 classes: 1 exact, 2 normalised, 1 nearest, 1 ambiguous, 1 unmatched

but for case, spaces or the like
  line 2: \"yellow_warbler\" -> \"Yellow Warbler\"
  line 3: \"crane\" -> \"crane (bird)\"

nearly: please confirm
  line 6: \"yelow warbler\" -> \"Yellow Warbler\" (0.93)

ambiguous: write which one is meant
  line 4: \"Iris\": 4 (1), 5 (1)

not found
  line 5: \"submarine\"

classes with the same node, of which each needs its own
  \"Yellow Warbler\": \"yellow_warbler\" (line 2), \"yelow warbler\" (line 6)
";
    assert_eq!(birds().run(&["hierarchy", "match", "classes.txt", "h.csv"]).success(), expected);
}

#[test]
fn the_table_is_taken_as_columns_once_it_is_complete() {
    let folder = birds();
    folder.run(&["hierarchy", "match", "classes.txt", "h.csv", "--out", "table.csv"]).success();
    let table = std::fs::read_to_string(folder.path("table.csv")).expect("written");
    let expected = "\
class,node,how,score,alternatives
crow,crow,exact,1,
yellow_warbler,Yellow Warbler,normalised,1,
crane,crane (bird),normalised,1,
Iris,,ambiguous,0,\"4 (1), 5 (1)\"
submarine,,unmatched,0,
yelow warbler,Yellow Warbler,nearest,0.93,
";
    assert_eq!(table, expected);
    let show = ["hierarchy", "show", "h.csv", "--columns", "table.csv"];
    let message = folder.run(&show).failure(1);
    assert!(message.starts_with("table.csv:5: "), "{message}");
    // As somebody would complete it.
    let lines: Vec<&str> = table.lines().take(4).collect();
    folder.write("table.csv", format!("{}\nIris,5,ambiguous,0,\n", lines.join("\n")));
    let shown = folder.run(&show).success();
    assert!(
        shown.ends_with("columns of the logits\n0  crow\n1  Yellow Warbler\n2  crane (bird)\n3  Iris\n"),
        "{shown}"
    );
    // The class names are there still, to be matched again.
    let again = folder.run(&["hierarchy", "match", "table.csv", "h.csv"]).success();
    assert!(again.starts_with("4 classes: 1 exact, 2 normalised, 1 ambiguous\n"), "{again}");
}

#[test]
fn json_has_every_row() {
    let folder = birds();
    folder.write("classes.txt", "Crow\ncrow\ncrows\n");
    let output = folder.run(&["hierarchy", "match", "classes.txt", "h.csv", "--format", "json"]).success();
    let expected = concat!(
        r#"{"rows":[{"class":"Crow","line":1,"node":"crow","how":"normalised","score":1.0,"alternatives":[],"#,
        r#""more_alternatives":0},"#,
        r#"{"class":"crow","line":2,"node":"crow","how":"exact","score":1.0,"alternatives":[],"more_alternatives":0},"#,
        r#"{"class":"crows","line":3,"node":"crow","how":"nearest","score":0.8,"alternatives":[],"more_alternatives":0}],"#,
        r#""counts":{"alternative_id":0,"ambiguous":0,"exact":1,"nearest":1,"normalised":1,"synonym":0,"unmatched":0},"#,
        r#""shared":[{"node":"crow","classes":["Crow","crow","crows"]}]}"#,
        "\n"
    );
    assert_eq!(output, expected);
}

#[test]
fn an_empty_list_and_a_broken_hierarchy_are_errors() {
    let folder = birds();
    folder.write("empty.txt", "").write("bad.csv", "child,parent\na,a\n");
    let message = folder.run(&["hierarchy", "match", "empty.txt", "h.csv"]).failure(1);
    assert!(message.starts_with("empty.txt is empty"), "{message}");
    let message = folder.run(&["hierarchy", "match", "classes.txt", "bad.csv"]).failure(1);
    assert_eq!(message, "bad.csv:2: \"a\" is given as its own parent");
}
