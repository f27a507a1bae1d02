//! `klados compare`.

use std::fs;

use serde_json::Value;

use crate::animals::{rows, write_csv, write_hierarchy, write_npy};
use crate::metrics::{self, without_times};
use crate::run::Folder;

/// A comparison of a table that takes a second.
const SMALL: [&str; 14] = [
    "compare",
    "animals.csv",
    "--label",
    "species",
    "--hierarchy",
    "tree.csv",
    "--epochs",
    "3",
    "--splits",
    "3",
    "--trials",
    "2",
    "--batch-size",
    "16",
];

fn animals(coarse: usize) -> Folder {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(90, coarse));
    folder
}

#[test]
fn a_table_with_coarse_labels_asks_two_questions() {
    let folder = animals(3);
    let out = folder.run(&SMALL).success();
    assert!(
        out.starts_with("90 rows, 60 labelled by class and 30 by less; 6 classes; levels: class, depth 1.\n"),
        "{out}"
    );
    assert!(out.contains("\n3 arms with 2 trials each, 18 trainings."), "{out}");
    assert!(out.contains("\ncoarse_labels against leaf_only\n"), "{out}");
    assert!(out.contains("\nmarginal_cross_entropy against coarse_labels\n"), "{out}");
    assert!(out.contains("\nThe coarse labels (coarse_labels against leaf_only): "), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    let written = metrics::read(&folder, "klados-compare");
    assert_eq!((written["judged_together"].as_u64(), written["splits"].as_u64()), (Some(4), Some(3)));
    let names: Vec<&str> =
        written["arms"].as_array().expect("arms").iter().filter_map(|arm| arm["name"].as_str()).collect();
    assert_eq!(names, ["leaf_only", "coarse_labels", "marginal_cross_entropy"]);
    for arm in written["arms"].as_array().expect("arms") {
        assert_eq!(arm["chosen"].as_array().map(Vec::len), Some(3));
    }
    for finding in written["findings"].as_array().expect("findings") {
        for level in finding["levels"].as_array().expect("levels") {
            let number = |key: &str| level[key].as_f64().expect("a number");
            let splits: Vec<f64> =
                level["splits"].as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
            let mean = splits.iter().sum::<f64>() / splits.len() as f64;
            assert!(splits.len() == 3 && (number("difference") - mean).abs() < 1e-12);
            let [low, high] = [0, 1].map(|end| level["interval"][end].as_f64().expect("a number"));
            assert!(low <= mean && mean <= high && number("p") <= number("p_adjusted"));
        }
        // Severity and height, and the calibration error of two levels.
        assert_eq!(finding["others"].as_array().map(Vec::len), Some(4));
    }
    let report = fs::read_to_string(folder.path("klados-compare/report.txt")).expect("the report");
    assert!(out.starts_with(&report[..report.len() / 2]), "{report}");
    assert!(!folder.path("klados-compare/checkpoints").exists());
}

#[test]
fn losses_groups_and_coarsening_are_taken_and_json_is_the_file() {
    let folder = animals(0);
    let soft = r#"{"soft_labels": {"beta": 8}}"#;
    let more =
        ["--loss", "soft_labels", "--loss", soft, "--groups", "place", "--fine-share", "0.5", "--format", "json"];
    let out = folder.run(&[&SMALL[..], &more].concat()).success();
    assert_eq!(out, fs::read_to_string(folder.path("klados-compare/metrics.json")).expect("the file"));
    let written: Value = serde_json::from_str(&out).expect("JSON");
    let arms = written["data"]["arms"].as_array().expect("arms");
    let names: Vec<&str> = arms.iter().filter_map(|arm| arm["name"].as_str()).collect();
    assert_eq!(names, ["leaf_only", "coarse_labels", "soft_labels", "soft_labels_2"]);
    // As many trials each; what was typed is not searched.
    assert!(arms.iter().all(|arm| arm["points"].as_array().map(Vec::len) == Some(2)));
    assert_eq!(
        (arms[2]["points"][1]["variant"].as_str(), arms[3]["points"][1]["variant"].as_str()),
        (Some("beta 20"), Some(""))
    );
}

#[test]
fn an_interrupted_comparison_goes_on_to_the_same_numbers() {
    let folder = animals(3);
    folder.run(&[&SMALL[..], &["--out", "whole", "--threads", "1"]].concat()).success();
    #[cfg(unix)]
    {
        // A link in its place, so that the folder stays as an interrupted run leaves it.
        std::os::unix::fs::symlink("nowhere", folder.path("klados-compare")).expect("a link");
        let output = folder.run(&SMALL);
        assert!(output.status == 1 && output.stderr.contains("cannot put the results"), "{}", output.stderr);
        fs::remove_file(folder.path("klados-compare")).expect("removed");
        let trainings = folder.path("klados-compare.partial/checkpoints/trainings");
        assert_eq!(fs::read_dir(&trainings).expect("files").count(), 18);
        fs::remove_file(trainings.join("1-coarse_labels-0.json")).expect("removed");

        assert!(folder.run(&SMALL).failure(1).contains("--resume"));
        let other = folder.run(&[&SMALL[..], &["--resume", "--seed", "3"]].concat()).failure(1);
        assert!(other.contains("settings.seed = 0, now it is 3"), "{other}");
        folder.run(&[&SMALL[..], &["--resume", "--threads", "3"]].concat()).success();
        let read = |out: &str| {
            let mut written = without_times(metrics::read(&folder, out));
            for arm in written["arms"].as_array_mut().expect("arms") {
                arm["cost"].take();
            }
            written
        };
        assert_eq!(read("klados-compare"), read("whole"));
    }
}

#[test]
fn what_does_not_fit_is_told_before_anything_is_trained() {
    let folder = animals(3);
    write_npy(&folder, &rows(90, 3));
    folder.write("sets.csv", "species,a\nbat;dog,1\ncrow,2\nrobin,3\n");
    let with = |more: &[&'static str]| [&SMALL[..], more].concat();
    let usage = |arguments: &[&str]| folder.run(arguments).failure(2);
    assert!(usage(&["compare", "animals.csv", "--hierarchy", "tree.csv"]).contains("animals.csv needs --label COL"));
    assert!(usage(&["compare", "animals.npy", "--hierarchy", "tree.csv"]).contains("animals.npy needs --labels FILE"));
    assert!(usage(&["compare", "animals.csv", "--splits", "2", "--hierarchy", "tree.csv"]).contains("at least 3"));
    assert!(usage(&with(&["--fine-share", "1"])).contains("a share above 0 and below 1"));
    assert!(usage(&["compare", "--groups", "place"]).contains("required"));

    let error = |arguments: &[&str]| folder.run(arguments).failure(1);
    assert!(error(&with(&["--loss", "random_cut"])).starts_with("--loss random_cut: "));
    assert!(error(&with(&["--loss", "nonsense"])).contains("nonsense"));
    assert!(error(&with(&["--groups", "nowhere"])).contains("has no column \"nowhere\""));
    let sets = ["compare", "sets.csv", "--label", "species", "--hierarchy", "tree.csv", "--splits", "3"];
    assert!(error(&sets).contains("sets.csv line 2: the label \"bat;dog\" names several nodes"));
    folder.write("few.csv", "species,a,place\nbat,1,x\ncrow,2,y\nrobin,3,y\n");
    let few = ["compare", "few.csv", "--label", "species", "--hierarchy", "tree.csv", "--groups", "place"];
    assert!(error(&few).contains("2 groups: expected at least 3"));
    assert!(!folder.path("klados-compare").exists() && !folder.path("klados-compare.partial").exists());
}

#[test]
fn of_the_embedded_pictures_vendors_stay_whole() {
    let folder = Folder::new();
    // Two vendors a part, and all pictures in one step.
    let out =
        folder.run(&["compare", "--epochs", "1", "--trials", "1", "--splits", "3", "--batch-size", "5196"]).success();
    assert!(out.starts_with("5196 rows, 5196 labelled by class and 0 by less; 866 classes"), "{out}");
    assert!(out.contains("\n3 splits, groups whole: "), "{out}");
    let written = metrics::read(&folder, "klados-compare");
    assert_eq!((written["splits"].as_u64(), written["judged_together"].as_u64()), (Some(3), Some(3)));
    assert_eq!(written["levels"], serde_json::json!(["group", "subgroup", "emoji"]));
    for arm in written["arms"].as_array().expect("arms") {
        assert_eq!((arm["mean"]["rows"][2].as_u64(), arm["train_rows"].as_f64()), (Some(2 * 866), Some(2.0 * 866.0)));
        // Even one step is worth more than chance.
        assert!(arm["mean"]["accuracy"][2].as_f64() > Some(0.05));
    }
}
