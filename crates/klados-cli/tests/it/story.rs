//! `klados train` without a table.

use std::fs;

use crate::metrics;
use crate::run::Folder;

#[test]
fn the_four_runs_are_trained_scored_and_shown() {
    let folder = Folder::new();
    let out = folder.run(&["train", "--epochs", "1", "--batch-size", "866"]).success();
    let place = folder.path("klados-out");
    let metrics = metrics::read(&folder, "klados-out");
    let names = ["fine_only", "coarse_labels", "all_fine", "all_fine_superclass"];
    for (name, run) in names.iter().zip(metrics["runs"].as_array().expect("runs")) {
        assert_eq!(run["name"], *name);
        assert!(out.contains(name) && place.join(name).join("model.safetensors").exists());
        let test = &run["test"];
        assert_eq!(test["rows"], 866);
        let levels: Vec<&String> = test["accuracy"].as_object().expect("levels").keys().collect();
        assert_eq!(levels.len(), 3);
        for level in ["emoji", "subgroup", "group"] {
            let accuracy = test["accuracy"][level].as_f64().expect("a number");
            assert!((0.0..=1.0).contains(&accuracy));
        }
        assert!(test["mistake_severity"].as_f64() > Some(1.0) && run["seconds"].is_number());
    }
    // Even one pass over all labels is worth more than chance, and the report shows pictures of what is wrong.
    assert!(metrics["runs"][2]["test"]["accuracy"]["emoji"].as_f64() > Some(0.1));
    let report = fs::read_to_string(place.join("report.html")).expect("the report");
    assert!(report.matches("data:image/png;base64,").count() >= 2 * 4 * 10);

    fs::write(folder.path("p.txt"), "").expect("written");
    let error = folder.run(&["predict", "--model", "klados-out/all_fine", "p.txt"]).failure(1);
    assert!(error.contains("this model takes pictures"), "{error}");
    let atlas = concat!(env!("CARGO_MANIFEST_DIR"), "/data/emoji/atlas/twemoji.png");
    let table = folder.run(&["predict", "--model", "klados-out/all_fine", atlas]).success();
    assert!(table.starts_with("picture,class,probability,group,group_probability,subgroup,subgroup_probability\n"));
}

#[test]
fn options_of_a_table_are_refused_without_one() {
    let folder = Folder::new();
    for options in [["--val", "0.5"], ["--loss", "soft_labels"], ["--group", "who"]] {
        let error = folder.run(&[&["train"], &options[..]].concat()).failure(2);
        assert!(error.contains("DATA"), "{error}");
    }
    folder.run(&["train", "--licenses"]).success(); // the default of --val asks for nothing
}

#[test]
fn licences_are_printed() {
    let folder = Folder::new();
    assert!(folder.run(&["train", "--licenses"]).success().contains("Mozilla Foundation"));
}

#[test]
fn help_has_examples_and_formats() {
    let folder = Folder::new();
    for (name, part) in
        [("train", "klados train birds.csv"), ("predict", "klados predict --model klados-out birds.csv")]
    {
        let help = folder.run(&[name, "--help"]).success();
        assert!(help.contains(part) && help.contains("Examples:"), "{help}");
    }
}
