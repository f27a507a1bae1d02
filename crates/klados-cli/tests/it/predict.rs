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
