//! `klados train` on tables.

use std::fs;

use crate::animals::{rows, write_csv, write_hierarchy, write_npy};
use crate::metrics::{self, without_times};
use crate::run::Folder;

const CSV: [&str; 6] = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv"];

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

/// What the page draws itself from.
fn report_data(page: &str) -> serde_json::Value {
    let data = page.split("id=\"report-data\">").nth(1).and_then(|rest| rest.split("</script>").next());
    serde_json::from_str(data.expect("data in the page")).expect("JSON")
}

#[test]
fn a_csv_with_coarse_labels_is_learnt_and_everything_is_written() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(240, 3));
    let out = folder.run(&with(&CSV, &["--epochs", "30", "--learning-rate", "0.05", "--batch-size", "16"])).success();
    assert!(
        out.contains("with a coarse label") && out.contains("Columns that are no features: id, note (text)"),
        "{out}"
    );

    let place = folder.path("klados-out");
    let metrics = metrics::read(&folder, "klados-out");
    let run = &metrics["runs"][0];
    assert_eq!(run["name"], "marginal_cross_entropy");
    let accuracy = &run["validation"]["accuracy"];
    assert!(accuracy["class"].as_f64() > Some(0.95) && accuracy["depth 1"].as_f64() > Some(0.95), "{accuracy}");
    assert_eq!(run["epochs"].as_array().map(Vec::len), Some(30));
    for file in ["model.safetensors", "config.json", "hierarchy.json", "predictions.csv", "report.html"] {
        assert!(place.join(file).exists(), "{file}");
    }
    let predictions = fs::read_to_string(place.join("predictions.csv")).expect("predictions");
    assert!(predictions.starts_with("line,label,class,probability,depth_1,depth_1_probability\n"), "{predictions}");
    let report = fs::read_to_string(place.join("report.html")).expect("the report");
    let data = report_data(&report);
    assert_eq!(data["training"]["runs"][0]["epochs"].as_array().map(Vec::len), Some(30));
    // It opens without a network.
    assert!(!report.contains("src=\"http") && !report.contains("href=\"http") && !report.contains("url(http"));
    assert!(!folder.path("klados-out.partial").exists());
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_one_others() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(120, 4));
    let run = |out: &str, seed: &str| {
        let more = ["--out", out, "--seed", seed, "--epochs", "3", "--model", "mlp", "--hidden", "8"];
        folder.run(&with(&CSV, &more)).success();
        without_times(metrics::read(&folder, out))
    };
    let (first, second, third) = (run("a", "1"), run("b", "1"), run("c", "2"));
    assert_eq!(first, second);
    assert_ne!(first["runs"], third["runs"]);
}

#[test]
fn losses_are_compared_side_by_side() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let leaves = r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#;
    let losses = ["--loss", "soft_labels", "--loss", leaves, "--loss", "marginal_cross_entropy", "--epochs", "2"];
    let out = folder.run(&with(&CSV, &losses)).success();
    assert!(out.contains("marginal_cross_entropy_2"), "{out}");
    let place = folder.path("klados-out");
    let names: Vec<String> = metrics::read(&folder, "klados-out")["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| run["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names, ["soft_labels", "marginal_cross_entropy", "marginal_cross_entropy_2"]);
    assert!(names.iter().all(|name| place.join(name).join("model.safetensors").exists()));
    let error = folder.run(&["predict", "--model", "klados-out", "animals.csv"]).failure(1);
    assert!(error.contains("several models") && error.contains("soft_labels"), "{error}");
}

#[test]
fn bad_rows_are_listed_with_their_lines_and_left_out_only_on_request() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let path = folder.path("animals.csv");
    let mut text = fs::read_to_string(&path).expect("the table");
    text.push_str("60,crwo,1,2,3,4,seen,x\n61,crow,1,,3,4,seen,x\n62,crow,1,oops,3,4,seen,x\n63,,1,2,3,4,seen,x\n");
    fs::write(&path, text).expect("written");
    let error = folder.run(&with(&CSV, &["--epochs", "1"])).failure(1);
    for part in [
        "4 of 64 rows cannot be used",
        "line 62: unknown label \"crwo\"; the nearest names are \"crow\"",
        "line 63: column \"b\" has no value",
        "line 64: column \"b\" has \"oops\", expected a number",
        "line 65: the label column \"species\" has no value",
        "--skip-bad-rows",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!folder.path("klados-out").exists());
    folder.run(&with(&CSV, &["--epochs", "1", "--skip-bad-rows"])).success();
    assert_eq!(metrics::read(&folder, "klados-out")["data"]["rows"]["train"], 48);
}

#[test]
fn an_existing_folder_is_not_overwritten() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    folder.run(&with(&CSV, &["--epochs", "1"])).success();
    let error = folder.run(&with(&CSV, &["--epochs", "2"])).failure(1);
    assert!(error.contains("klados-out is there already; --force replaces it"), "{error}");
    folder.run(&with(&CSV, &["--epochs", "2", "--force"])).success();
    assert_eq!(metrics::read(&folder, "klados-out")["runs"][0]["epochs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn groups_stay_on_one_side_of_the_split() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    folder.run(&with(&CSV, &["--epochs", "1", "--group", "place", "--val", "0.3"])).success();
    let predictions = fs::read_to_string(folder.path("klados-out/predictions.csv")).expect("predictions");
    let lines: Vec<usize> = predictions
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().expect("a line").parse().expect("a number"))
        .collect();
    assert_eq!(lines.len(), 18);
    // Groups are three rows that follow on each other, from line 2 on.
    assert!(lines.chunks(3).all(|group| (group[0] - 2) % 3 == 0 && group[2] == group[0] + 2), "{lines:?}");
}

#[test]
fn an_npy_with_a_file_of_labels() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_npy(&folder, &rows(120, 5));
    let npy = ["train", "animals.npy", "--labels", "labels.txt", "--hierarchy", "tree.csv"];
    folder
        .run(&with(&npy, &["--epochs", "20", "--learning-rate", "0.05", "--batch-size", "16", "--patience", "3"]))
        .success();
    let accuracy = metrics::read(&folder, "klados-out")["runs"][0]["validation"]["accuracy"]["class"].clone();
    assert!(accuracy.as_f64() > Some(0.9), "{accuracy}");

    fs::write(folder.path("labels.txt"), "crow\ndog\n").expect("written");
    let error = folder.run(&with(&npy, &["--force"])).failure(1);
    assert!(error.contains("animals.npy has 120 rows, but labels.txt has 2 labels"), "{error}");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_with_embeddings_in_a_list_column() {
    for fixed in [true, false] {
        let folder = Folder::new();
        write_hierarchy(&folder);
        crate::animals::write_parquet(&folder, &rows(120, 5), fixed);
        let args = ["train", "animals.parquet", "--label", "species", "--hierarchy", "tree.csv"];
        folder
            .run(&with(
                &args,
                &["--epochs", "20", "--learning-rate", "0.05", "--batch-size", "16", "--class-weight", "balanced"],
            ))
            .success();
        let metrics = metrics::read(&folder, "klados-out");
        assert_eq!(metrics["data"]["features"], 4);
        assert!(metrics["runs"][0]["validation"]["accuracy"]["class"].as_f64() > Some(0.9));
        let out = folder.run(&["predict", "--model", "klados-out", "animals.parquet"]).success();
        assert_eq!(out.lines().count(), 121);
    }
}

#[test]
fn wrong_usage_has_status_2() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    write_npy(&folder, &rows(30, 0));
    let error = folder.run(&["train", "animals.csv", "--hierarchy", "tree.csv"]).failure(2);
    assert!(error.contains("needs --label COL"), "{error}");
    let error = folder.run(&["train", "animals.npy", "--hierarchy", "tree.csv"]).failure(2);
    assert!(error.contains("needs --labels FILE"), "{error}");
    folder.run(&["train", "animals.csv", "--label", "species"]).failure(2);
    folder.run(&with(&CSV, &["--val", "1.5"])).failure(2);
    folder.run(&with(&CSV, &["--epochs", "0"])).failure(2);
    folder.run(&with(&CSV, &["--val", "0", "--patience", "2"])).failure(2);
}

#[test]
fn mistakes_in_names_are_named() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    let error = folder.run(&["train", "animals.csv", "--label", "kind", "--hierarchy", "tree.csv"]).failure(1);
    assert!(error.contains("animals.csv has no column \"kind\"; its columns are \"id\", \"species\""), "{error}");
    let error = folder.run(&with(&CSV, &["--loss", "cross_entropy"])).failure(1);
    assert!(error.contains("marginal_cross_entropy"), "{error}");
    let error = folder.run(&["train", "none.csv", "--label", "x", "--hierarchy", "tree.csv"]).failure(1);
    assert!(error.contains("none.csv"), "{error}");
    fs::write(folder.path("union.csv"), "species,a\ncrow|bat,1\ncrow,2\nbat,3\n").expect("written");
    let union = ["train", "union.csv", "--label", "species", "--hierarchy", "tree.csv", "--loss", "soft_labels"];
    let error = folder.run(&with(&union, &["--val", "0"])).failure(1);
    assert!(error.contains("union.csv line 2") && error.contains("union"), "{error}");
}

#[test]
fn force_replaces_results_beside_a_folder_named_old() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    fs::create_dir(folder.path("klados-out")).expect("made");
    folder.run(&with(&CSV, &["--epochs", "1"])).success();
    fs::create_dir_all(folder.path("klados-out.old/x")).expect("made");
    let error = folder.run(&with(&CSV, &["--epochs", "1", "--resume"])).failure(1);
    assert!(error.contains("is finished"), "{error}");
    folder.run(&with(&CSV, &["--epochs", "1", "--force"])).success();
    assert!(folder.path("klados-out.old/x").exists() && !folder.path("klados-out.partial").exists());
}

#[test]
fn divergence_is_said_once_by_train_and_by_predict() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let diverging = ["--epochs", "4", "--optimizer", "sgd", "--learning-rate", "1e38"];
    let output = folder.run(&with(&CSV, &diverging));
    assert_eq!(output.stderr.matches("try a smaller --learning-rate").count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("warning: marginal_cross_entropy: the loss is not finite in epoch"));
    output.success();
    let output = folder.run(&["predict", "--model", "klados-out", "animals.csv"]);
    assert!(output.stderr.contains("60 of 60 rows have NaN for probabilities"), "{}", output.stderr);
    output.success();
}

#[test]
fn the_label_may_be_the_group_and_no_validation_rows_are_explained() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    folder.run(&with(&CSV, &["--epochs", "1", "--group", "species"])).success();
    assert_eq!(metrics::read(&folder, "klados-out")["data"]["rows"]["validation"], 10);

    let warning = |text: &str, more: &[&str]| {
        fs::write(folder.path("few.csv"), text).expect("written");
        let few = ["train", "few.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "1", "--force"];
        let output = folder.run(&with(&few, more));
        assert_eq!(output.status, 0, "{}", output.stderr);
        output.stderr
    };
    let one = warning("species,a,place\ncrow,1,x\nbat,2,x\ncrow,3,x\n", &["--group", "place"]);
    assert!(one.contains("no validation rows: all rows have the same value of --group place"), "{one}");
    let unique = warning("species,a\ncrow,1\nbat,2\n", &[]);
    assert!(unique.contains("no validation rows: no label is on more than one row"), "{unique}");
}

#[test]
fn what_would_take_all_memory_or_none_is_refused() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    folder.write("none.npy", crate::npy::npy("<f4", false, 3, 0, Vec::new())).write("y.txt", "crow\nbat\ncrow\n");
    let error = folder.run(&["train", "none.npy", "--labels", "y.txt", "--hierarchy", "tree.csv"]).failure(1);
    assert!(error.contains("none.npy has shape [3, 0]: there are no features in it"), "{error}");
    let error = folder.run(&with(&CSV, &["--model", "mlp", "--hidden", "18446744073709551615"])).failure(2);
    assert!(error.contains("from 1 to 65536"), "{error}");
    fs::write(folder.path("animals.csv"), "species,a\n").expect("written");
    let error = folder.run(&CSV).failure(1);
    assert!(error.contains("animals.csv has no rows"), "{error}");
}

#[test]
fn a_bad_first_cell_does_not_lose_the_column() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    let text = "species,a,b\ncrow,1,?\nbat,2,5\ncrow,3,6\nbat,4,7\n";
    fs::write(folder.path("animals.csv"), text).expect("written");
    let error = folder.run(&with(&CSV, &["--epochs", "1"])).failure(1);
    assert!(error.contains("line 2: column \"b\" has \"?\", expected a number"), "{error}");
    folder.run(&with(&CSV, &["--epochs", "1", "--skip-bad-rows"])).success();
    assert_eq!(metrics::read(&folder, "klados-out")["data"]["features"], 2);
}

#[test]
fn what_is_wrong_in_a_file_of_labels_is_found_there() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_npy(&folder, &rows(3, 0));
    let error = |labels: &str, text: &str| {
        fs::write(folder.path(labels), text).expect("written");
        folder.run(&["train", "animals.npy", "--labels", labels, "--hierarchy", "tree.csv"]).failure(1)
    };
    let unknown = error("y.txt", "crow\ncrwo\n\n");
    assert!(unknown.contains("row 2: y.txt line 2: unknown label \"crwo\""), "{unknown}");
    let unknown = error("y.csv", "label\ncrow\ncrwo\nbat\n");
    assert!(unknown.contains("row 2: y.csv line 3: unknown label \"crwo\""), "{unknown}");
    let missing = error("z.csv", "kind\ncrow\nbat\nbat\n");
    assert!(missing.contains("z.csv has no column \"label\"; its columns are \"kind\""), "{missing}");
}

#[cfg(feature = "parquet")]
#[test]
fn two_columns_of_one_name_are_refused() {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};

    let folder = Folder::new();
    write_hierarchy(&folder);
    let numbers = || Arc::new(Float32Array::from(vec![1.0, 2.0])) as ArrayRef;
    let labels = Arc::new(StringArray::from(vec!["crow", "bat"])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("species", labels), ("a", numbers()), ("a", numbers())]).expect("a batch");
    let file = fs::File::create(folder.path("animals.parquet")).expect("a file");
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let parquet = ["train", "animals.parquet", "--label", "species", "--hierarchy", "tree.csv"];
    let error = folder.run(&parquet).failure(1);
    assert!(error.contains("animals.parquet names the column \"a\" twice"), "{error}");
    fs::write(folder.path("animals.csv"), "species,a,a\ncrow,1,2\n").expect("written");
    let error = folder.run(&CSV).failure(1);
    assert!(error.contains("animals.csv names the column \"a\" twice"), "{error}");
}

/// Its superclasses are the nodes above the classes, so that these are labels.
const WEIGHTED: &str = r#"{"weighted_cross_entropy": {"map": [["bat", "mammal", 1], ["bear", "mammal", 1], ["dog", "mammal", 1],
    ["crow", "bird", 1], ["pigeon", "bird", 1], ["robin", "bird", 1]]}}"#;

/// Losses that take coarse labels, with what their models give: a logit a class, or a node.
const LOSSES: [(&str, &str); 14] = [
    ("marginal_cross_entropy", "classes"),
    ("hierarchical_cross_entropy", "classes"),
    ("soft_labels", "classes"),
    ("levelwise_softmax", "nodes"),
    ("sibling_softmax", "nodes"),
    ("parameter_sharing_softmax", "nodes"),
    (WEIGHTED, "classes"),
    ("descendant_softmax", "nodes"),
    ("softmax_margin", "nodes"),
    ("conditional_sigmoid", "nodes"),
    ("binary_cross_entropy", "nodes"),
    (r#"{"binary_cross_entropy": {"form": "max", "gamma": 1}}"#, "nodes"),
    (r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#, "classes"),
    ("tree_min", "nodes"),
];

#[test]
fn every_loss_is_learnt_scored_at_every_level_and_predicted_with() {
    learn(&LOSSES, 3);
    // Where the tree is cut at random the label has to be a class.
    learn(&[("random_cut", "nodes"), ("levelwise_softmax", "nodes")], 0);
}

/// Trains on rows of which every `coarse`-th label is not a class.
fn learn(losses: &[(&str, &str)], coarse: usize) {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(180, coarse));
    let typed: Vec<&str> = losses.iter().flat_map(|(loss, _)| ["--loss", loss]).collect();
    let more = ["--epochs", "30", "--learning-rate", "0.05", "--batch-size", "16"];
    folder.run(&with(&CSV, &[&typed[..], &more].concat())).success();
    let metrics = metrics::read(&folder, "klados-out");
    for (run, &(text, outputs)) in metrics["runs"].as_array().expect("runs").iter().zip(losses) {
        // A loss that is there before has a number in its name.
        let loss = run["name"].as_str().expect("a name");
        let kind = loss.trim_end_matches(|end: char| end == '_' || end.is_ascii_digit());
        assert!(text.contains(kind), "{loss}");
        let accuracy = &run["validation"]["accuracy"];
        assert!(
            accuracy["class"].as_f64() > Some(0.9) && accuracy["depth 1"].as_f64() > Some(0.9),
            "{loss}: {accuracy}"
        );
        let place = format!("klados-out/{loss}");
        let config = fs::read_to_string(folder.path(&place).join("config.json")).expect("the configuration");
        let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
        let names = config["outputs"][outputs].as_array().expect("names of the outputs");
        assert_eq!(names.len(), if outputs == "nodes" { 8 } else { 6 }, "{loss}");
        assert!(config["loss"][kind].is_object(), "{loss}");
        assert_eq!(config["form"].is_null(), ["levelwise_softmax", "random_cut"].contains(&kind), "{config}");
        assert_eq!(config["multi_label"], false);
        // What is predicted is what was scored.
        let then = fs::read_to_string(folder.path(&place).join("predictions.csv")).expect("predictions");
        let now = folder.run(&["predict", "--model", &place, "animals.csv"]).success();
        let without_label = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            [&fields[..1], &fields[2..]].concat().join(",")
        };
        let now: Vec<&str> = now.lines().collect();
        assert!(then.lines().all(|line| now.contains(&&without_label(line)[..])), "{loss}");
        for line in &now[1..] {
            let probability: f64 = line.split(',').nth(2).expect("a probability").parse().expect("a number");
            assert!((0.0..=1.0).contains(&probability), "{loss}: {line}");
        }
    }
}

#[test]
fn files_of_a_loss_are_saved_with_the_model() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    folder.write("counts.csv", "node,count\nmammal,3\nbird,3\nbat,1\nbear,1\ncrow,1\ndog,1\npigeon,1\nrobin,1\n");
    let loss = r#"{"sibling_softmax": {"tau": 1, "frequencies": "counts.csv"}}"#;
    folder.run(&with(&CSV, &["--epochs", "1", "--loss", loss])).success();
    fs::remove_file(folder.path("counts.csv")).expect("removed");
    folder.run(&["predict", "--model", "klados-out", "animals.csv"]).success();
    folder.write("counts.csv", "node,count\nmamal,3\n");
    let error = folder.run(&with(&CSV, &["--epochs", "1", "--force", "--loss", loss])).failure(1);
    assert_eq!(error, "counts.csv:2: unknown node \"mamal\"; the nearest names are \"mammal\"");
}

/// The losses that take multi-label labels.
const SIGMOIDS: [&str; 5] = [
    "conditional_sigmoid",
    "binary_cross_entropy",
    "tree_min",
    r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#,
    r#"{"binary_cross_entropy": {"form": "weighted", "map": [["bat", "flies", 0.5], ["crow", "flies", 0.5]]}}"#,
];

#[test]
fn multi_label_rows_are_learnt_and_ranked() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    // Whether there is a bat, a dog, a crow is one number each; some rows have none of them, some are only known coarsely.
    let mut text = String::from("label,bat,dog,crow\n");
    for row in 0..120u32 {
        let there: Vec<bool> = (0..3).map(|animal| (row >> animal) & 1 == 1).collect();
        let names = ["bat", "dog", "crow"].iter().zip(&there).filter(|(_, there)| **there).map(|(name, _)| *name);
        let mut label = names.collect::<Vec<_>>().join(";");
        match (&label[..], row % 16) {
            ("", _) => label = ";".to_owned(),
            ("bat", 9) => label = "mammal".to_owned(),
            _ => {}
        }
        let noise = f64::from(row * 7 % 13) / 40.0;
        let number = |there: bool| if there { 1.0 + noise } else { -1.0 - noise };
        text += &format!("{label},{},{},{}\n", number(there[0]), number(there[1]), number(there[2]));
    }
    folder.write("sets.csv", &text);
    let args = ["train", "sets.csv", "--label", "label", "--hierarchy", "tree.csv", "--epochs", "40"];
    let losses: Vec<&str> = SIGMOIDS.iter().flat_map(|loss| ["--loss", loss]).collect();
    let more = ["--learning-rate", "0.05", "--batch-size", "16"];
    let out = folder.run(&[&args[..], &losses, &more].concat()).success();
    assert!(out.contains("Average precision on the validation rows"), "{out}");
    assert!(out.contains("all nodes") && out.contains(" of them multi-label)"), "{out}");
    let metrics = metrics::read(&folder, "klados-out");
    let runs = metrics["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), SIGMOIDS.len());
    for run in runs {
        let loss = run["name"].as_str().expect("a name");
        let scores = &run["validation"];
        assert!(scores["rows"].as_u64() > Some(15), "{scores}");
        assert!(scores["average_precision"]["class"].as_f64() > Some(0.9), "{loss}: {scores}");
        assert!(scores["micro_average_precision"].as_f64() > Some(0.9), "{loss}: {scores}");
        assert!(scores.get("accuracy").is_none(), "{scores}");
        let table = folder.run(&["predict", "--model", &format!("klados-out/{loss}"), "sets.csv"]).success();
        assert!(table.starts_with("line,bat,mammal,bear,crow,bird,dog,pigeon,robin\n"), "{table}");
        // The second row has a bat and nothing else.
        let row: Vec<f64> = table.lines().nth(2).expect("a row").split(',').map(|x| x.parse().expect("x")).collect();
        assert!(row[1] > 0.5 && row[4] < 0.5 && row[6] < 0.5, "{loss}: {row:?}");
    }
    let report = fs::read_to_string(folder.path("klados-out/report.html")).expect("the report");
    let data = report_data(&report);
    assert_eq!(data["training"]["measure"], "average precision");
    assert!(
        data["models"][0]["levels"][0]["auprc_micro"]["value"].is_number()
            && data["models"][0]["levels"][0]["accuracy"].is_null()
    );

    let error = folder.run(&[&args[..], &["--force", "--loss", "sibling_softmax"]].concat()).failure(1);
    assert!(error.contains("sets.csv line 2: sibling_softmax takes"), "{error}");
    assert!(error.contains("it has no meaning for a multi-label set"), "{error}");
}

#[test]
fn class_weights_of_a_loss_that_takes_none_are_an_error() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    let more = ["--loss", "binary_cross_entropy", "--class-weight", "balanced"];
    let error = folder.run(&with(&CSV, &more)).failure(2);
    assert_eq!(error, "--class-weight: binary_cross_entropy takes no class weights");
}

#[test]
fn a_loss_for_trees_refuses_a_dag() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let tree = fs::read_to_string(folder.path("tree.csv")).expect("the tree");
    folder.write("tree.csv", tree + "bat,flier\ncrow,flier\n");
    let error = folder.run(&with(&CSV, &["--epochs", "1", "--loss", "sibling_softmax"])).failure(1);
    assert!(error.starts_with("--loss sibling_softmax: ") && error.contains("trees"), "{error}");
    folder.run(&with(&CSV, &["--epochs", "1", "--loss", "parameter_sharing_softmax", "--loss", "tree_min"])).success();
}
