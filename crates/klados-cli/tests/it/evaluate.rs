//! `klados evaluate`: its numbers, and what it says where something is wrong.

use serde_json::{Value, json};

use crate::npy;
use crate::run::{Folder, Output};

const ANIMALS: &str = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
/// bat 0.4, bear 0.1, crow 0.05, dog 0.05, pigeon 0.2, robin 0.2: mammal 0.55, bird 0.45.
const P: [f64; 6] = [0.4, 0.1, 0.05, 0.05, 0.2, 0.2];
const CROW: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
const NAMES: [&str; 6] = ["bat", "bear", "crow", "dog", "pigeon", "robin"];

fn animals() -> Folder {
    let folder = Folder::new();
    folder.write("animals.csv", ANIMALS).write("p.npy", npy::f8(&[&P, &CROW, &P, &P]));
    folder.write("y.txt", "bat\nbird\nrobin\n\n");
    folder
}

fn evaluate(folder: &Folder, more: &[&str]) -> Output {
    folder.run(&[&["evaluate", "--hierarchy", "animals.csv"], more].concat())
}

fn of_probabilities(folder: &Folder, more: &[&str]) -> Output {
    evaluate(folder, &[&["--probabilities", "p.npy", "--labels", "y.txt"], more].concat())
}

fn json(output: Output) -> Value {
    serde_json::from_str(&output.success()).expect("JSON")
}

fn assert_close(found: &Value, expected: f64) {
    let found = found.as_f64().expect("a number");
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// Many rows of logits, in eighths, and a label each: most often the most probable class, sometimes a coarse or none.
fn many(folder: &Folder, rows: usize) {
    folder.write("animals.csv", ANIMALS);
    let logits: Vec<[f64; 6]> = (0..rows)
        .map(|row| std::array::from_fn(|column| ((row * 7 + column * 11 + row / 5 * column) % 33) as f64 / 8.0))
        .collect();
    let labels: String = (0..rows)
        .map(|row| match row % 7 {
            0 => "bird\n".to_owned(),
            1 => "\n".to_owned(),
            2 => "crow|bat\n".to_owned(),
            _ => format!("{}\n", NAMES[(row * 5) % 6]),
        })
        .collect();
    let slices: Vec<&[f64]> = logits.iter().map(|row| &row[..]).collect();
    folder.write("z.npy", npy::f8(&slices)).write("y.txt", labels);
}

#[test]
fn by_hand() {
    let result = json(of_probabilities(&animals(), &["--format", "json"]));
    assert_eq!(
        (&result["rows"], &result["ignored"], &result["levels"]),
        (&json!(3), &json!(1), &json!(["depth 1", "class"]))
    );
    let model = &result["models"][0];
    assert_eq!((&model["name"], &model["decision"]), (&json!("p"), &json!("argmax_leaf")));
    let [top, class] = &model["levels"].as_array().expect("levels")[..] else { panic!("two levels") };
    // A bat is right, a bird is a crow, a robin is taken for a bat. "bird" says nothing of the class.
    assert_close(&top["rows"], 3.0);
    assert_close(&top["accuracy"]["value"], 2.0 / 3.0);
    assert_close(&class["rows"], 2.0);
    assert_close(&class["accuracy"]["value"], 0.5);
    assert_close(&class["accuracy_of_decision"]["value"], 0.5);
    assert_close(&class["balanced_accuracy"]["value"], 0.5);
    // -ln 0.55 = 0.597837..., -ln 0.45 = 0.798507..., -ln 0.4 = 0.916290..., -ln 0.2 = 1.609437...
    assert_close(&top["log_loss"]["value"], (0.597_837_000_755_620_5 + 0.0 + 0.798_507_696_217_771_6) / 3.0);
    assert_close(&class["log_loss"]["value"], (0.916_290_731_874_155 + 1.609_437_912_434_100_3) / 2.0);
    // The crow first, of which nothing is wrong; then two bats that are as sure, one of them wrong: 1 / 3, twice.
    assert_close(&top["aurc"]["value"], 2.0 / 9.0);
    let metrics = &model["metrics"];
    assert_close(&metrics["lca_height"]["value"], 2.0 / 3.0);
    assert_close(&metrics["mistake_severity"]["value"], 2.0);
    // Answers: mammal, bat; bird; mammal, bat. Truths: mammal, bat; bird; bird, robin.
    assert_close(&metrics["hierarchical_f1_micro"]["value"], 0.6);
    assert!(
        metrics["lca_height"]["low"].as_f64().expect("an end") < metrics["lca_height"]["high"].as_f64().expect("one")
    );
    // Curves: the class is asked of two rows; without the most probable one wrong the risk is 1 / 2.
    assert_eq!(class["risk_coverage"]["coverage"].as_array().expect("a curve").last(), Some(&json!(1.0)));
    assert_close(class["risk_coverage"]["risk"].as_array().expect("a curve").last().expect("a point"), 0.5);
    let recall = model["operating_curve"]["recall"].as_array().expect("a curve");
    assert!(recall.iter().map(|x| x.as_f64().expect("a number")).is_sorted());
    assert!(metrics["wasserstein"]["value"].is_number() && metrics["average_precision"]["value"].is_number());
    // root, and by name.
    let names: Vec<&str> =
        result["hierarchy"]["name"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    let at = |name: &str| names.iter().position(|other| *other == name).expect("a node");
    let pair = |a: &str, b: &str| json!([at(a), at(b), 1]);
    let mut expected = [pair("bat", "bat"), pair("bird", "bird"), pair("robin", "bat")];
    expected.sort_by_key(|pair| (pair[0].as_u64(), pair[1].as_u64()));
    assert_eq!(model["confusion"], json!(expected));
    assert_eq!((&model["nodes"]["rows"][at("bird")], &model["nodes"]["wrong"][at("bird")]), (&json!(2), &json!(1)));
    let worst = model["worst"].as_array().expect("rows");
    assert_eq!(worst.len(), 1);
    assert_eq!(
        (&worst[0]["row"], &worst[0]["label"], &worst[0]["predicted"]),
        (&json!("2"), &json!("robin"), &json!("bat"))
    );
    assert_eq!((&worst[0]["height"], &worst[0]["lca_node"]), (&json!(2), &json!(0)));
    assert_close(&worst[0]["loss"], 1.609_437_912_434_100_3);
}

#[test]
fn text_is_for_people() {
    let text = of_probabilities(&animals(), &["--replicates", "0"]).success();
    let expected = "3 rows, 1 ignored; ↑ more is better, ↓ less

depth 1, 3 rows      p
  accuracy ↑         0.6667
  of the decision ↑  0.6667
  balanced ↑         0.7500
  ece ↓              0.0333
  brier ↓            0.3367
  log loss ↓         0.4654
  aurc ↓             0.2222

class, 2 rows        p
  accuracy ↑         0.5000
  of the decision ↑  0.5000
  balanced ↑         0.5000
  ece ↓              0.1000
  brier ↓            0.6550
  log loss ↓         1.2629
  aurc ↓             0.5000
";
    assert!(text.starts_with(expected), "{text}");
    let text = of_probabilities(&animals(), &[]).success();
    assert!(text.starts_with("3 rows, 1 ignored; in brackets: 95 % intervals; ↑ more is better, ↓ less\n"), "{text}");
}

#[test]
fn text_fits_a_terminal_whatever_the_number_of_models() {
    let folder = Folder::new();
    many(&folder, 500);
    let models = ["--logits", "first=z.npy", "--logits", "second=z.npy", "--logits", "third=z.npy"];
    let rules = ["--decision", "argmax_leaf", "--decision", "threshold", "--labels", "y.txt", "--replicates", "20"];
    let text = evaluate(&folder, &[&models[..], &rules].concat()).success();
    let widest = text.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
    // All six have a column in the tables of each level; those that back off say how much they answer.
    for model in ["first, argmax_leaf", "first, threshold", "third, threshold"] {
        let tables = text.lines().filter(|line| line.contains(" rows ") && line.contains(model)).count();
        assert_eq!(tables, 2, "{text}");
    }
    assert!(text.contains("\n  answered") && text.contains("\n  wrong of these ↓"), "{text}");
    // What does not differ is named, not listed.
    assert!(
        text.contains("\nfirst, argmax_leaf less second, argmax_leaf, on the same rows\n  the same: accuracy@"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn labels_are_read_once_so_that_a_pipe_will_do() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let folder = animals();
    let files = ["evaluate", "--hierarchy", "animals.csv", "--probabilities", "p.npy", "--replicates", "0"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_klados"))
        .args(files)
        .args(["--labels", "/dev/stdin"])
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let labels = std::fs::read(folder.path("y.txt")).expect("the labels");
    child.stdin.take().expect("a pipe").write_all(&labels).expect("written");
    let piped = child.wait_with_output().expect("it ends");
    assert!(piped.status.success(), "{}", String::from_utf8_lossy(&piped.stderr));
    let from_file = of_probabilities(&folder, &["--replicates", "0"]).success();
    assert_eq!(String::from_utf8(piped.stdout).expect("UTF-8"), from_file);
}

#[test]
fn any_number_of_threads_and_rows_of_a_batch_gives_the_same() {
    let folder = Folder::new();
    many(&folder, 10_000);
    let files = ["--logits", "z.npy", "--labels", "y.txt", "--format", "json", "--replicates", "50"];
    let of = |threads: &str| evaluate(&folder, &[&files[..], &["--threads", threads]].concat()).success();
    let one = of("1");
    assert!(one == of("3"));
    // Weights of 1, and groups of one row, are none.
    let rows: String = (0..10_000).map(|row| format!("{row}\n")).collect();
    folder.write("g.txt", rows).write("w.txt", "1\n".repeat(10_000));
    let grouped = evaluate(&folder, &[&files[..], &["--groups", "g.txt", "--weights", "w.txt"]].concat()).success();
    assert!(one == grouped);
}

#[test]
fn models_and_rules_are_judged_side_by_side() {
    let folder = Folder::new();
    many(&folder, 3_000);
    let rules = ["--decision", "argmax_leaf", "--decision", r#"{"threshold": {"tau": 0.4}}"#];
    let files = ["--logits", "a=z.npy", "--logits", "b=z.npy", "--labels", "y.txt"];
    let result =
        json(evaluate(&folder, &[&files[..], &rules[..], &["--format", "json", "--replicates", "100"]].concat()));
    let names: Vec<&str> =
        result["models"].as_array().expect("models").iter().filter_map(|m| m["name"].as_str()).collect();
    assert_eq!(names, ["a, argmax_leaf", "a, threshold", "b, argmax_leaf", "b, threshold"]);
    let comparisons = result["comparisons"].as_array().expect("comparisons");
    assert_eq!(comparisons.len(), 6);
    // a and b are the same: on the same rows they never differ.
    let same = comparisons.iter().find(|c| c["a"] == "a, argmax_leaf" && c["b"] == "b, argmax_leaf").expect("a pair");
    assert_eq!(same["metrics"]["lca_height"], json!({"difference": 0.0, "low": 0.0, "high": 0.0}));
    // Backing off leaves answers open: it cannot be right at more rows of the classes.
    let other = comparisons.iter().find(|c| c["a"] == "a, argmax_leaf" && c["b"] == "a, threshold").expect("a pair");
    assert!(other["metrics"]["accuracy_of_decision@class"]["low"].as_f64().expect("an end") > 0.0);
    assert_eq!(other["metrics"]["accuracy@class"]["difference"], json!(0.0));
    let text = evaluate(&folder, &[&files[..], &["--replicates", "100"]].concat()).success();
    assert!(text.contains("\na less b, on the same rows\n"), "{text}");
    folder.write("conf.csv", "");
    evaluate(&folder, &[&files[..], &["--confusion", "conf.csv"]].concat()).success();
    let confusion = std::fs::read_to_string(folder.path("conf.csv")).expect("written");
    assert!(confusion.starts_with("model,label,answer,rows\na,"), "{confusion}");
}

#[test]
fn multi_label_rows_are_judged_by_sets() {
    let folder = animals();
    let rows: [&[f64]; 3] = [
        // bat, mammal, bear, crow, bird, dog, pigeon, robin
        &[0.9, 0.8, 0.1, 0.75, 0.2, 0.1, 0.1, 0.1],
        &[0.1; 8],
        &[0.1, 0.9, 0.1, 0.1, 0.75, 0.1, 0.1, 0.1],
    ];
    folder.write("p.npy", npy::f8(&rows)).write("y.txt", "bat;crow\n;\nbird\n");
    let result = json(of_probabilities(&folder, &["--form", "node_probabilities", "--format", "json"]));
    assert_eq!(result["is_multi_label"], json!(true));
    let model = &result["models"][0];
    assert_eq!(model["decision"], json!("consistent"));
    // Row 0: all four are right. Row 2: mammal and bird, of which bird holds.
    assert_close(&model["metrics"]["hierarchical_precision_micro"]["value"], 5.0 / 6.0);
    assert_close(&model["metrics"]["hierarchical_recall_micro"]["value"], 1.0);
    assert_close(&model["metrics"]["hierarchical_f1_micro"]["value"], 10.0 / 11.0);
    // Of eight edges a row: bat over mammal and crow over bird in row 0.
    assert_close(&model["metrics"]["violations"]["value"], 2.0 / 24.0);
    // By falling probability: 0.9 bat of row 0 holds, 0.9 mammal of row 2 does not, and so on.
    assert!(model["metrics"]["auprc_micro"]["value"].as_f64().expect("an area") > 0.5);
    assert_eq!(model["levels"].as_array().expect("levels").len(), 2);
    let error = of_probabilities(&folder, &["--form", "node_probabilities", "--decision", "threshold"]).failure(2);
    assert!(error.contains("threshold answers with one node, but the labels are multi-label"), "{error}");
    let error = of_probabilities(&animals(), &["--decision", "consistent"]).failure(2);
    assert!(error.contains("consistent answers with sets, but no label is multi-label"), "{error}");
}

#[test]
fn rules_are_calibrated_for_each_model() {
    let folder = animals();
    let rows: Vec<&[f64]> = (0..40).map(|row| if row % 2 == 0 { &P[..] } else { &CROW[..] }).collect();
    let labels: String = (0..40).map(|row| if row % 2 == 0 { "bat\n" } else { "crow\n" }).collect();
    folder.write("val.npy", npy::f8(&rows)).write("val.txt", labels);
    let models = ["--probabilities", "a=p.npy", "--probabilities", "b=p.npy", "--labels", "y.txt"];
    let rule = ["--decision", "conformal", "--calibration-labels", "val.txt", "--calibration-logits", "a=val.npy"];
    let run = |more: &[&str]| evaluate(&folder, &[&models[..], &rule[..], more].concat());
    let error = run(&[]).failure(2);
    assert_eq!(error, "--calibration-logits: expected b=FILE for that model");
    let result = json(run(&["--calibration-logits", "b=val.npy", "--format", "json"]));
    let rules: Vec<&Value> = result["models"].as_array().expect("models").iter().map(|model| &model["rule"]).collect();
    assert!(rules[0] == rules[1] && rules[0]["conformal"]["log_q"].is_number(), "{rules:?}");
    let error = evaluate(&folder, &[&models[..], &["--decision", "conformal"]].concat()).failure(2);
    assert!(error.contains("conformal is calibrated on labelled rows"), "{error}");
}

#[test]
fn the_report_is_one_page_with_the_numbers() {
    let folder = animals();
    of_probabilities(&folder, &["--report", "report.html", "--title", "Six animals"]).success();
    let page = std::fs::read_to_string(folder.path("report.html")).expect("a page");
    assert!(page.contains("Six animals") && page.contains("mistake_severity"));
    let error = of_probabilities(&folder, &["--report", "no/report.html"]).failure(1);
    assert!(error.starts_with("cannot write no/report.html"), "{error}");
}

#[test]
fn rows_that_cannot_be_used_are_named_or_counted() {
    let folder = animals();
    let mut nan = P;
    nan[2] = f64::NAN;
    folder.write("p.npy", npy::f8(&[&P, &nan, &CROW, &nan])).write("y.txt", "bat\ncrow\ncrwo\n\n");
    let error = of_probabilities(&folder, &[]).failure(1);
    let expected = "p.npy: row 1 (from 0): column \"crow\" is NaN (or no value), expected a number\n\
                    y.txt:3: unknown label \"crwo\"; the nearest names are \"crow\"\n\
                    --skip-bad-rows leaves such rows out, and counts them";
    assert_eq!(error, expected);
    let output = of_probabilities(&folder, &["--skip-bad-rows", "--format", "json"]);
    assert!(output.stderr.contains("rows that cannot be used, which are left out: 2"), "{}", output.stderr);
    let result = json(output);
    assert_eq!((&result["rows"], &result["ignored"], &result["skipped"]), (&json!(1), &json!(1), &json!(2)));
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = animals();
    folder.write("y.txt", "bat\n");
    let error = of_probabilities(&folder, &[]).failure(1);
    assert_eq!(error, "y.txt has 1 labels, but p.npy has 4 rows: expected one a row");
    folder.write("y.txt", "bat\nbat\nbat\nbat\n").write("w.txt", "1\n2\n-1\n1\n").write("q.npy", npy::f8(&[&P]));
    let error = of_probabilities(&folder, &["--weights", "w.txt"]).failure(1);
    assert_eq!(error, "w.txt:3: the weight is \"-1\", expected a number from 0 up");
    let error = of_probabilities(&folder, &["--groups", "site"]).failure(1);
    assert!(error.starts_with("there is no file \"site\", nor such a column"), "{error}");
    let error = of_probabilities(&folder, &["--probabilities", "q.npy"]).failure(1);
    assert_eq!(error, "p.npy has 4 rows, but q.npy has 1: expected the same rows in all files");
    let error = of_probabilities(&folder, &["--probabilities", "p.npy"]).failure(2);
    assert!(error.contains("two models are named \"p\""), "{error}");
    assert_eq!(evaluate(&folder, &["--labels", "y.txt"]).status, 2);
}

#[test]
fn labels_groups_and_weights_are_columns_of_a_table() {
    let folder = animals();
    folder.write("y.csv", "label,site,w\nbat,a,2\nbird,a,1\nrobin,b,1\n,b,1\n");
    let files = ["--probabilities", "p.npy", "--labels", "y.csv", "--format", "json"];
    let result = json(evaluate(&folder, &[&files[..], &["--groups", "site", "--weights", "w"]].concat()));
    // 2 and 1 of 4 are right at the top; of the classes 2 of 3.
    assert_close(&result["models"][0]["levels"][0]["accuracy"]["value"], 0.75);
    assert_close(&result["models"][0]["levels"][1]["accuracy"]["value"], 2.0 / 3.0);
}

/// An interval of many rows holds the value that it is of.
fn assert_intervals_hold_values(result: &Value) {
    let mut found = 0;
    for model in result["models"].as_array().expect("models") {
        let levels = model["levels"].as_array().expect("levels").iter();
        let of_levels = levels.flat_map(|level| [&level["accuracy"], &level["accuracy_of_decision"]]);
        for estimate in model["metrics"].as_object().expect("metrics").values().chain(of_levels) {
            let (Some(low), Some(high)) = (estimate["low"].as_f64(), estimate["high"].as_f64()) else { continue };
            let value = estimate["value"].as_f64().expect("what has an interval has a value");
            assert!(low <= value && value <= high, "{estimate}");
            found += 1;
        }
    }
    assert!(found > 0);
}

/// What is drawn from is what the metric is of: the difference of two models, which the bootstrap knows by its own point
/// values, is that of the values.
fn assert_differences_are_of_values(result: &Value) {
    let models = result["models"].as_array().expect("models");
    let value = |model: &Value, name: &str| match name.split_once('@') {
        Some((name, level)) => {
            let levels = model["levels"].as_array().expect("levels");
            let of = &levels.iter().find(|of| of["level"] == level).expect("a level")[name];
            of.get("value").unwrap_or(of).as_f64()
        }
        None => model["metrics"][name]["value"].as_f64(),
    };
    let comparison = &result["comparisons"][0];
    for (name, difference) in comparison["metrics"].as_object().expect("metrics") {
        let (a, b) = (value(&models[0], name), value(&models[1], name));
        let (Some(a), Some(b)) = (a, b) else {
            assert!(difference["difference"].is_null(), "{name}");
            continue;
        };
        let found = difference["difference"].as_f64().expect("a number");
        assert!((found - (a - b)).abs() < 1e-12, "{name}: {found} is not {a} - {b}");
    }
}

#[test]
fn intervals_of_sets_hold_their_values() {
    let folder = Folder::new();
    folder.write("animals.csv", "child,parent\nbat,mammal\ncrow,bird\nrobin,bird\n");
    // bat, mammal, crow, bird, robin. The mammal is the bat, its only child, to a label that is no set.
    let rows = [[0.1, 0.9, 0.1, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9, 0.1]];
    let rows: Vec<&[f64]> = (0..400).map(|row| &rows[row / 200][..]).collect();
    folder.write("p.npy", npy::f8(&rows)).write("y.txt", "crow|robin\n".repeat(200) + &"crow;\n".repeat(200));
    let result = json(of_probabilities(&folder, &["--form", "node_probabilities", "--format", "json"]));
    // Right are crow and bird of the second half, of mammal and bat, crow and bird.
    assert_close(&result["models"][0]["metrics"]["hierarchical_precision_micro"]["value"], 0.5);
    assert!(result["models"][0]["metrics"]["hierarchical_f1_samples"]["low"].is_number());
    assert_intervals_hold_values(&result);
    folder.write("q.npy", npy::f8(&vec![&[0.9, 0.9, 0.1, 0.8, 0.3][..]; 400]));
    let more = ["--form", "node_probabilities", "--format", "json", "--probabilities", "q.npy"];
    assert_differences_are_of_values(&json(of_probabilities(&folder, &more)));
}

#[test]
fn intervals_of_answers_hold_their_values() {
    let folder = Folder::new();
    many(&folder, 1_000);
    let rules = ["--decision", "argmax_leaf", "--decision", r#"{"threshold": {"tau": 0.4}}"#];
    let files = ["--logits", "z.npy", "--labels", "y.txt", "--format", "json"];
    let result = json(evaluate(&folder, &[&files[..], &rules[..]].concat()));
    assert_intervals_hold_values(&result);
    assert_differences_are_of_values(&result);
}

#[test]
fn intervals_of_probabilities_hold_their_values() {
    let folder = Folder::new();
    many(&folder, 700);
    let other: Vec<[f64; 6]> = (0..700)
        .map(|row| std::array::from_fn(|column| ((row * 5 + column * 13 + row / 3) % 29) as f64 / 16.0))
        .collect();
    let other: Vec<&[f64]> = other.iter().map(|row| &row[..]).collect();
    folder.write("other.npy", npy::f8(&other));
    let files = ["--logits", "a=z.npy", "--logits", "b=other.npy", "--labels", "y.txt", "--format", "json"];
    let result = json(evaluate(&folder, &[&files[..], &["--replicates", "300"]].concat()));
    assert_intervals_hold_values(&result);
    // The replicates are of the metrics that the values are of: computed in another way, for each model.
    assert_differences_are_of_values(&result);
    let is_interval = |estimate: &Value| {
        let [low, value, high] = ["low", "value", "high"].map(|end| estimate[end].as_f64().expect("a number"));
        // Percentiles of an error of calibration lie too high: docs/metrics.md.
        assert!(low < high && value < high && high - low < 0.5, "{estimate}");
    };
    for model in result["models"].as_array().expect("models") {
        for level in model["levels"].as_array().expect("levels") {
            for name in ["balanced_accuracy", "ece", "brier", "log_loss", "aurc", "risk"] {
                is_interval(&level[name]);
            }
            assert_eq!(level["coverage"], json!({ "value": 1.0, "low": 1.0, "high": 1.0 }));
        }
        is_interval(&model["metrics"]["average_precision"]);
    }
    // As wide as the formula says: that of a mean of n rows is 2 * 1.96 times its standard error. The Brier score of a row is
    // within 0 and 2.
    let (brier, rows) = (&result["models"][0]["levels"][0]["brier"], 500.0_f64);
    let width = brier["high"].as_f64().expect("an end") - brier["low"].as_f64().expect("an end");
    assert!(width < 4.0 / rows.sqrt(), "{width}");
    // Without curves nothing is kept of a row, and there are none.
    let result = json(evaluate(&folder, &[&files[..], &["--no-curves", "--replicates", "50"]].concat()));
    let level = &result["models"][0]["levels"][0];
    assert!(level["brier"]["value"].is_number() && level["brier"]["low"].is_null() && level["aurc"].is_null());
    assert!(level["accuracy"]["low"].is_number());
    assert!(result["comparisons"][0]["metrics"].get("average_precision").is_none());
    assert_differences_are_of_values(&result);
}

#[test]
fn options_that_cannot_be_are_refused() {
    let folder = animals();
    for (option, wrong) in [
        ("--bins", "0"),
        ("--confidence", "7"),
        ("--confidence", "1"),
        ("--confidence", "nan"),
        ("--replicates", "10000001"),
        ("--threads", "0"),
    ] {
        let error = of_probabilities(&folder, &[option, wrong]).failure(2);
        assert!(error.contains(option), "{error}");
    }
    let error = of_probabilities(&folder, &["--decision", "threshold", "--decision", "threshold"]).failure(2);
    assert_eq!(error, "--decision threshold is given twice");
    let calibration = ["--calibration-logits", "p.npy", "--calibration-labels", "y.txt"];
    let error = of_probabilities(&folder, &calibration).failure(2);
    assert_eq!(error, "no --decision is calibrated on rows; leave out --calibration-logits");
    folder.write("q.npy", npy::f8(&[&P[..]; 4]));
    let more = ["--probabilities", "q.npy", "--decision", "hedge", "--calibration-logits", "r=q.npy"];
    let error = of_probabilities(&folder, &[&calibration[..], &more[..]].concat()).failure(2);
    assert!(error.starts_with("--calibration-logits r=q.npy: there is no model \"r\""), "{error}");
    folder.write("y.txt", "bat;crow\n;\nbird\nbat\n");
    for option in [&["--confusion", "c.csv"][..], &["--bins", "7"], &["--no-curves"]] {
        let error = of_probabilities(&folder, option).failure(2);
        assert!(error.starts_with(&format!("{} is for rows with one label", option[0])), "{error}");
    }
    assert!(!folder.path("c.csv").exists());
}

#[test]
fn models_are_compared_without_replicates_too() {
    let folder = Folder::new();
    many(&folder, 500);
    let rules = ["--decision", "argmax_leaf", "--decision", r#"{"threshold": {"tau": 0.4}}"#];
    let files = [&["--logits", "z.npy", "--labels", "y.txt", "--replicates", "0"][..], &rules].concat();
    let result = json(evaluate(&folder, &[&files[..], &["--format", "json"]].concat()));
    assert_differences_are_of_values(&result);
    let difference = &result["comparisons"][0]["metrics"]["coverage@class"];
    assert!(difference["difference"].as_f64().expect("a number") > 0.0);
    assert!(difference["low"].is_null() && difference["high"].is_null());
    let text = evaluate(&folder, &files).success();
    assert!(!text.contains('['), "{text}");
}

#[test]
fn names_of_models_may_have_dots() {
    let folder = animals();
    folder.write("with=sign.npy", npy::f8(&[&P[..]; 4]));
    let files = ["--probabilities", "v1.2=p.npy", "--probabilities", "with=sign.npy", "--format", "json"];
    let result = json(evaluate(&folder, &[&files[..], &["--labels", "y.txt"]].concat()));
    let names: Vec<&Value> = result["models"].as_array().expect("models").iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["v1.2", "with=sign"]);
}

#[test]
fn labels_of_the_root_take_no_part() {
    let folder = animals();
    folder.write("animals.csv", ANIMALS.to_owned() + "mammal,animal\nbird,animal\n");
    folder.write("p.npy", npy::f8(&[&P[..]; 3])).write("y.txt", "animal\nbat|bear|crow|dog|pigeon|robin\n\n");
    let result = json(of_probabilities(&folder, &["--format", "json"]));
    assert_eq!((&result["rows"], &result["ignored"]), (&json!(0), &json!(3)));
    let metrics = result["models"][0]["metrics"].as_object().expect("metrics");
    metrics.iter().for_each(|(name, metric)| assert!(metric["value"].is_null(), "{name}: {metric}"));
}

#[test]
fn help_teaches_and_fits_a_terminal() {
    let folder = Folder::new();
    let commands: &[&str] =
        if cfg!(feature = "train") { &["evaluate", "decide", "train"] } else { &["evaluate", "decide"] };
    for command in commands {
        let help = folder.run(&[command, "--help"]).success();
        // The options above are as wide as the terminal is.
        let (_, below) = help.split_once("-h, --help").expect("the last option");
        let (_, examples) = below.split_once("Examples:\n").expect("examples");
        assert!(examples.contains(&format!("  klados {command} ")), "{examples}");
        // The flags of `train` are listed between the two.
        let text = if *command == "train" { examples } else { below };
        let widest = text.lines().max_by_key(|line| line.chars().count()).expect("lines");
        assert!(widest.chars().count() <= 80, "{command}: {widest}");
    }
}
