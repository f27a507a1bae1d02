//! `klados predict`.

use std::fs;

use crate::animals::{rows, write_csv, write_hierarchy};
use crate::run::Folder;

#[test]
fn a_trained_model_gives_the_predictions_of_training_again() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(120, 3));
    let args = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--val", "animals.csv"];
    folder.run(&[&args[..], &["--epochs", "5", "--model", "mlp"]].concat()).success();
    let then = fs::read_to_string(folder.path("klados-out/predictions.csv")).expect("predictions");
    // The model is complete on its own: the hierarchy's file is not needed any more.
    fs::remove_file(folder.path("tree.csv")).expect("removed");
    let now = folder.run(&["predict", "--model", "klados-out", "animals.csv"]).success();
    let without_label = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        [&fields[..1], &fields[2..]].concat().join(",")
    };
    let then: Vec<String> = then.lines().map(without_label).collect();
    assert_eq!(now.lines().collect::<Vec<_>>(), then);
    assert_eq!(now.lines().next(), Some("line,class,probability,depth_1,depth_1_probability"));

    folder.run(&["predict", "--model", "klados-out", "animals.csv", "--out", "p.csv"]).success();
    assert_eq!(fs::read_to_string(folder.path("p.csv")).expect("predictions"), now);
}

#[test]
fn an_ancestor_is_at_least_as_probable_as_the_class() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 3));
    folder.run(&["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "2"]).success();
    let table = folder.run(&["predict", "--model", "klados-out", "animals.csv"]).success();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let probability = |index: usize| fields[index].parse::<f64>().expect("a number");
        assert!(probability(4) >= probability(2), "{line}");
        assert_eq!(fields[3] == "bird", ["crow", "pigeon", "robin"].contains(&fields[1]), "{line}");
    }
}

#[test]
fn a_rule_answers_beside_the_class() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 3));
    folder.run(&["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "2"]).success();
    let predict = |decision: &str| {
        let output = folder.run(&["predict", "--model", "klados-out", "animals.csv", "--decision", decision]);
        let notes = output.stderr.clone();
        (output.success(), notes)
    };
    let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let (table, _) = predict("argmax_leaf");
    let lines = || table.lines().skip(1).map(fields);
    assert!(lines().all(|line| line[1] == line[4] && line[3] == "class"));
    // Half of the classes are less probable than that: these rows back off.
    let mut sure: Vec<f64> = lines().map(|line| line[5].parse().expect("a number")).collect();
    sure.sort_by(f64::total_cmp);
    let tau = sure[sure.len() / 2];
    let (table, notes) = predict(&format!(r#"{{"threshold": {{"tau": {tau}}}}}"#));
    assert_eq!(notes, "");
    let header = "line,decision,decision_probability,decision_level,class,probability,depth_1,depth_1_probability";
    assert_eq!(table.lines().next(), Some(header));
    let mut levels = std::collections::BTreeSet::new();
    for line in table.lines().skip(1).map(fields) {
        let number = |index: usize| line[index].parse::<f64>().expect("a number");
        levels.insert(line[3].clone());
        match line[3].as_str() {
            "class" => assert!(line[1] == line[4] && line[2] == line[5] && number(2) >= tau, "{line:?}"),
            "depth 1" => assert!(number(5) <= 0.3 && number(2) >= tau, "{line:?}"),
            other => panic!("{other} is no level here"),
        }
    }
    assert_eq!(levels.len(), 2, "some rows back off and some do not");
    // The majority rule is the threshold of 0.5; a rule may come from a file.
    folder.write("rule.json", r#"{"threshold": {"tau": 0.5}}"#);
    assert_eq!(predict("threshold"), predict("rule.json"));
}

#[test]
fn a_rule_takes_its_numbers_from_the_validation_rows() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(120, 3));
    let train = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "2"];
    folder.run(&[&train[..], &["--patience", "1"]].concat()).success();
    let predict = |decision: &str| {
        folder.run(&["predict", "--model", "klados-out", "animals.csv", "--decision", decision, "--out", "p.csv"])
    };
    let output = predict(r#"{"hedge": {"accuracy": 0.8}}"#);
    assert_eq!(output.status, 0, "{}", output.stderr);
    // Of 120 rows a fifth is held out; every third label is coarse, and is a label all the same.
    assert!(
        output.stderr.starts_with("hedge from the 24 validation rows of klados-out: {\"hedge\":"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("warning: the epoch was chosen by these rows (--patience)"), "{}", output.stderr);
    let then = fs::read_to_string(folder.path("p.csv")).expect("predictions");
    // What is printed is the rule with its number.
    let rule = output.stderr.lines().next().and_then(|line| line.split_once(": ")).expect("a rule").1.to_owned();
    let again = predict(&rule);
    assert_eq!((again.status, again.stderr.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(folder.path("p.csv")).expect("predictions"), then);
    let npy = fs::read(folder.path("klados-out/validation.npy")).expect("the logits");
    assert!(npy.len() > 24 * 6 * 4);
    assert_eq!(fs::read_to_string(folder.path("klados-out/validation.csv")).expect("the labels").lines().count(), 25);

    let without = [&train[..], &["--val", "0", "--out", "without"]].concat();
    folder.run(&without).success();
    let error = folder.run(&["predict", "--model", "without", "animals.csv", "--decision", "conformal"]).failure(1);
    assert!(error.contains("conformal takes numbers from validation rows, and without has none"), "{error}");
    let error = folder.run(&["predict", "--model", "without", "animals.csv", "--decision", "tresholt"]).failure(2);
    assert!(error.contains("unknown decision \"tresholt\"; the decisions are argmax_leaf"), "{error}");
    let error = folder.run(&["predict", "--model", "without", "animals.csv", "--decision", "no.json"]).failure(1);
    assert!(error.contains("cannot read no.json"), "{error}");
}

#[test]
fn a_set_is_a_multi_label_label() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    let mut table = rows(60, 0);
    table.push(("bat;crow".to_owned(), [1.0; 4]));
    write_csv(&folder, &table);
    let train = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "2"];
    folder.run(&[&train[..], &["--loss", "binary_cross_entropy"]].concat()).success();
    let predict =
        |decision: &str| folder.run(&["predict", "--model", "klados-out", "animals.csv", "--decision", decision]);
    // With no threshold every node is in the set: all classes, and what is above them.
    let table = predict(r#"{"consistent": {"threshold": 0}}"#).success();
    let line = table.lines().nth(1).expect("a row");
    assert!(table.starts_with("line,decision,"), "{table}");
    assert_eq!(line.split(',').nth(1).map(|set| set.split(';').count()), Some(6), "{line}");
    let error = predict("hedge").failure(1);
    assert!(error.contains("hedge takes numbers from rows of one label"), "{error}");
}

#[test]
fn other_columns_do_not_matter_and_missing_ones_are_named() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let args = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--features", "b,a"];
    folder.run(&[&args[..], &["--epochs", "2"]].concat()).success();
    fs::write(folder.path("ab.csv"), "a,b\n2,3\n").expect("written");
    fs::write(folder.path("ba.csv"), "z,b,y,a\n,3,,2\n").expect("written");
    let predict = |file: &str| folder.run(&["predict", "--model", "klados-out", file]).success();
    assert_eq!(predict("ab.csv"), predict("ba.csv"));
    fs::write(folder.path("a.csv"), "a\n2\n").expect("written");
    let error = folder.run(&["predict", "--model", "klados-out", "a.csv"]).failure(1);
    assert!(error.contains("a.csv has no column \"b\""), "{error}");
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    let folder = Folder::new();
    let error = folder.run(&["predict", "--model", ".", "x.csv"]).failure(1);
    assert!(error.contains("has no config.json"), "{error}");
}
