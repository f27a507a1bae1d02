//! `klados train` without a table.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

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
    // For the tests in a browser.
    if let Some(pages) = std::env::var_os("KLADOS_REPORT_PAGES") {
        fs::write(std::path::Path::new(&pages).join("real.html"), &report).expect("written");
    }

    identities_hold(&metrics);
    the_majority_rule_is_the_threshold_of_a_half(&folder);
    assert!(out.contains("Backing off by `hedge` until 90 %"), "{out}");

    fs::write(folder.path("p.txt"), "").expect("written");
    let error = folder.run(&["predict", "--model", "klados-out/all_fine", "p.txt"]).failure(1);
    assert!(error.contains("this model takes pictures"), "{error}");
    let atlas = concat!(env!("CARGO_MANIFEST_DIR"), "/data/emoji/atlas/twemoji.png");
    let table = folder.run(&["predict", "--model", "klados-out/all_fine", atlas]).success();
    assert!(table.starts_with("picture,class,probability,group,group_probability,subgroup,subgroup_probability\n"));
}

/// What must hold of any model, held against this one.
fn identities_hold(metrics: &Value) {
    let evaluation = &metrics["evaluation"];
    assert_eq!((evaluation["set"].as_str(), evaluation["rows"].as_u64()), (Some("test"), Some(866)));
    let models = evaluation["models"].as_array().expect("models");
    let names: Vec<&str> = models.iter().filter_map(|model| model["name"].as_str()).collect();
    let expected = ["fine_only", "coarse_labels", "coarse_labels, hedge", "all_fine", "all_fine, hedge"];
    assert_eq!(names, [&expected[..], &["all_fine_superclass"]].concat());
    for model in models {
        let metric = |name: &str| model["metrics"][name]["value"].as_f64().expect("a number");
        let levels = model["levels"].as_array().expect("levels");
        if model["decision"] == "argmax_leaf" {
            // The distance at 1 is the error times the severity of the mistakes.
            let error = 1.0 - levels[2]["accuracy_of_decision"]["value"].as_f64().expect("a number");
            let product = error * metric("mistake_severity");
            assert!((metric("distance_at_1") - product).abs() < 1e-12, "{} is not {product}", metric("distance_at_1"));
            assert!((metric("lca_height") - product).abs() < 1e-12);
            assert!((metric("right") + error - 1.0).abs() < 1e-12);
            // The table of the runs says the same.
            let runs = metrics["runs"].as_array().expect("runs");
            let test = &runs.iter().find(|run| run["name"] == model["name"]).expect("the run")["test"];
            for level in levels {
                let name = level["level"].as_str().expect("a name");
                assert_eq!(level["accuracy"]["value"], test["accuracy"][name]);
                assert_eq!(level["accuracy_of_decision"]["value"], test["accuracy_of_class"][name]);
            }
        }
        // Who tells less of more pictures is seldomer wrong, on the way down the levels.
        let coverage: Vec<f64> = levels.iter().filter_map(|level| level["coverage"]["value"].as_f64()).collect();
        assert!(coverage.len() == 3 && coverage.is_sorted_by(|above, below| above >= below), "{coverage:?}");
        let numbers = |curve: &Value, key: &str| -> Vec<f64> {
            curve[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
        };
        for curve in levels.iter().map(|level| &level["risk_coverage"]) {
            let coverage = numbers(curve, "coverage");
            assert!(coverage.len() > 1 && coverage.is_sorted(), "{coverage:?}");
        }
        let curve = &model["operating_curve"];
        let by_tau: Vec<(f64, f64)> = numbers(curve, "tau").into_iter().zip(numbers(curve, "recall")).collect();
        // A larger threshold never finds more.
        let is_monotone = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0) * (pair[1].1 - pair[0].1) <= 0.0;
        assert!(by_tau.len() > 1 && by_tau.windows(2).all(is_monotone), "{by_tau:?}");
    }
}

/// The answer of `threshold` is the node that a majority is for: the lowest with more than half of the probability, added
/// up here from the logits, by the beginnings of names.
#[expect(clippy::disallowed_methods, reason = "a second statement of the softmax")]
fn the_majority_rule_is_the_threshold_of_a_half(folder: &Folder) {
    let place = folder.path("klados-out/all_fine");
    let config: Value = serde_json::from_slice(&fs::read(place.join("config.json")).expect("read")).expect("JSON");
    let classes: Vec<&str> =
        config["outputs"]["classes"].as_array().expect("classes").iter().filter_map(Value::as_str).collect();
    let file = fs::File::open(place.join("validation.npy")).expect("the logits");
    let logits = npyz::NpyFile::new(file).expect("an array").into_vec::<f32>().expect("numbers");
    let files = ["--hierarchy", "klados-out/all_fine/hierarchy.json", "--logits", "klados-out/all_fine/validation.npy"];
    let table = folder.run(&[&["decide"], &files[..], &["--decision", "threshold"]].concat()).success();
    let mut answers = table.lines().skip(1).map(|line| line.split(',').nth(1).expect("a node"));
    for logits in logits.chunks_exact(classes.len()) {
        let exponentials: Vec<f64> = logits.iter().map(|logit| f64::from(*logit).exp()).collect();
        let total: f64 = exponentials.iter().sum();
        let mut masses: BTreeMap<&str, f64> = BTreeMap::new();
        for (class, mass) in classes.iter().zip(exponentials) {
            let ends = class.match_indices('/').map(|(end, _)| end).chain([class.len()]);
            ends.for_each(|end| *masses.entry(&class[..end]).or_default() += mass / total);
        }
        let majority = masses.iter().filter(|(_, mass)| **mass > 0.5).max_by_key(|(name, _)| name.len());
        let expected = majority.map_or("emoji", |(name, _)| name);
        assert_eq!(answers.next(), Some(expected));
    }
    assert_eq!(answers.next(), None);
    // What is beside the model is judged to what was said of it.
    let labels = ["--labels", "klados-out/all_fine/validation.csv", "--format", "json"];
    let text = folder.run(&[&["evaluate"], &files[..], &labels].concat()).success();
    let judged: Value = serde_json::from_str(&text).expect("JSON");
    let said = &metrics::read(folder, "klados-out")["runs"][2]["calibration"]["accuracy"]["group"];
    assert_eq!(judged["models"][0]["levels"][0]["accuracy"]["value"], *said);
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
