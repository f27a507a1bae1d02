//! `klados hierarchy check`.

use crate::run::Folder;

const BAD: &str =
    "child,parent\ncrow,bird\ncrow,crow\nrobin,bird\nrobin,bird\nrock  dove,bird\nbat,mammal\ndog,mammal\n";

#[test]
fn findings_are_printed_as_a_compiler_does_with_why_and_help() {
    let folder = Folder::new();
    folder.write("h.csv", BAD);
    let output = folder.run(&["hierarchy", "check", "h.csv"]);
    assert_eq!(output.status, 1);
    assert_eq!(output.stderr, "error: h.csv: 1 error, 2 warnings, 1 note\n");
    let expected = "\
h.csv:3: error[self-loop]: \"crow\" is given as its own parent
   why: a class cannot be its own superclass
  help: remove the line, or name the parent that was meant; a root has an empty parent
        --fix OUT does it

h.csv:5: warning[duplicate-edge]: the edge from \"bird\" to \"robin\" is there already, in line 4
   why: it counts once; another one may have been meant
  help: remove one of the lines
        --fix OUT does it

h.csv:6: warning[odd-space]: the spaces in \"rock  dove\" are several, or of another kind
   why: who types the name with one space does not find it
  help: write one space
        --fix OUT does it

h.csv: note[several-roots]: 2 nodes with others below them have no parent: \"bird\", \"mammal\"
   why: they are joined under a root that is added; where an edge is missing a whole branch hangs too high
  help: see whether all of these are at the top

1 error, 2 warnings, 1 note
";
    assert_eq!(output.stdout, expected);
}

#[test]
fn a_hierarchy_without_errors_is_fine_and_with_strict_one_without_warnings() {
    let folder = Folder::new();
    folder.write("h.csv", "child,parent\ncrow,bird\nrobin,bird\nbat,mammal\ndog,mammal\nbird,life\nmammal,life\n");
    assert_eq!(folder.run(&["hierarchy", "check", "h.csv", "--strict"]).success(), "nothing to say\n");
    folder.write("twice.csv", "child,parent\ncrow,bird\nrobin,bird\ncrow,bird\n");
    let checked = folder.run(&["hierarchy", "check", "twice.csv"]).success();
    assert!(checked.ends_with("\n1 warning\n"), "{checked}");
    let strict = folder.run(&["hierarchy", "check", "twice.csv", "--strict"]);
    assert_eq!((strict.status, strict.stderr.as_str()), (1, "error: twice.csv: 1 warning\n"));
}

#[test]
fn many_findings_of_a_rule_are_a_few_and_a_count() {
    let folder = Folder::new();
    folder.write("h.csv", format!("child,parent\nrobin,bird\n{}", "crow,bird\n".repeat(10_001)));
    let checked = folder.run(&["hierarchy", "check", "h.csv"]).success();
    assert_eq!(checked.lines().filter(|line| line.contains("warning[duplicate-edge]")).count(), 5);
    assert!(checked.contains("\n  ... 10000 of these in all\n"), "{checked}");
    assert!(checked.ends_with("\n10000 warnings\n"), "{checked}");
}

#[test]
fn classes_are_looked_at_in_their_own_file() {
    let folder = Folder::new();
    folder.write("h.csv", "child,parent\ncrow,bird\nrobin,bird\nbat,mammal\ndog,mammal\nbird,life\nmammal,life\n");
    folder.write("classes.txt", "crow\nRobin\nbat\n");
    let output = folder.run(&["hierarchy", "check", "h.csv", "--classes", "classes.txt"]);
    assert_eq!(output.status, 1);
    assert!(
        output.stdout.starts_with(
            "classes.txt:2: error[missing-class]: no node is called \"Robin\"; \"robin\" is the same but for case, spaces, \
             brackets or the like\n"
        ),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("h.csv:5: note[unused-leaf]: \"dog\" is no class\n"), "{}", output.stdout);
    folder.write("classes.csv", "node,class\ncrow,1\nrobin,2\nbat,3\ndog,4\n");
    let checked = folder.run(&["hierarchy", "check", "h.csv", "--classes", "classes.csv"]).success();
    assert_eq!(checked, "nothing to say\n");
    let message = folder.run(&["hierarchy", "check", "h.csv", "--classes", "none.txt"]).failure(1);
    assert!(message.starts_with("cannot read none.txt"), "{message}");
}

#[test]
fn fix_lists_each_change_and_writes_what_is_read_again() {
    let folder = Folder::new();
    folder.write("h.csv", BAD);
    let fixed = folder.run(&["hierarchy", "check", "h.csv", "--fix", "fixed.csv"]).success();
    let changes = "\
h.csv:3: \"crow\" as its own parent is left out: a node cannot be above itself
h.csv:5: the edge from \"bird\" to \"robin\" is left out: it is there already, in line 4
h.csv:6: the name \"rock  dove\" is now \"rock dove\": white space, characters that nobody sees, or Unicode's form
3 changes

h.csv: note[several-roots]";
    assert!(fixed.starts_with(changes), "{fixed}");
    assert!(fixed.ends_with("\n1 note\n"), "{fixed}");
    let written = std::fs::read_to_string(folder.path("fixed.csv")).expect("written");
    assert_eq!(written, "child,parent\ncrow,bird\nrobin,bird\nrock dove,bird\nbat,mammal\ndog,mammal\n");
    let again = folder.run(&["hierarchy", "check", "fixed.csv"]).success();
    assert!(again.ends_with("\n1 note\n"), "{again}");
}

#[test]
fn what_cannot_be_fixed_is_not_written() {
    let folder = Folder::new();
    folder.write("h.csv", "child,parent\na,b\nb,a\nc,c\nd,a\n");
    let output = folder.run(&["hierarchy", "check", "h.csv", "--fix", "fixed.csv"]);
    assert_eq!(output.status, 1);
    assert!(output.stdout.contains("h.csv:3: error[cycle]: 2 nodes are each the child"), "{}", output.stdout);
    assert!(
        output.stderr.starts_with("error: fixed.csv is not written, as this is left: line 3: 2 nodes"),
        "{}",
        output.stderr
    );
    assert!(!folder.path("fixed.csv").exists());
}

#[test]
fn json_has_everything() {
    let folder = Folder::new();
    folder.write("h.csv", BAD);
    let output = folder.run(&["hierarchy", "check", "h.csv", "--fix", "fixed.csv", "--format", "json"]).success();
    let expected = concat!(
        r#"{"findings":[{"code":"several-roots","severity":"note","file":"h.csv","line":null,"nodes":["bird","mammal"],"#,
        r#""message":"2 nodes with others below them have no parent: \"bird\", \"mammal\"","#,
        r#""why":"they are joined under a root that is added; where an edge is missing a whole branch hangs too high","#,
        r#""help":"see whether all of these are at the top","can_be_fixed":false}],"#,
        r#""changes":[{"line":3,"before":"\"crow\" as its own parent","after":null,"why":"a node cannot be above itself"},"#,
    );
    assert!(output.starts_with(expected), "{output}");
    assert!(output.ends_with(concat!(r#""errors":0,"warnings":0,"notes":1}"#, "\n")), "{output}");
}

#[test]
fn what_cannot_be_read_at_all_is_an_error() {
    let folder = Folder::new();
    folder.write("words.txt", "what is this\n");
    let message = folder.run(&["hierarchy", "check", "words.txt"]).failure(1);
    assert!(message.starts_with("words.txt: the format is none of those that are known"), "{message}");
    let message = folder.run(&["hierarchy", "check", "none.csv"]).failure(1);
    assert!(message.starts_with("cannot read none.csv"), "{message}");
}
