//! `klados loss`: its numbers, and what it says where something is wrong.

use serde_json::Value;

use crate::npy;
use crate::run::{Folder, Output};

const ANIMALS: &str = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
const Z: [f64; 6] = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];
const LEVELS: &str = r#"{"marginal_cross_entropy": {"weights": {"levels": [1, 0]}}}"#;
const FILES: [&str; 7] = ["loss", "--hierarchy", "animals.csv", "--logits", "z.npy", "--labels", "y.txt"];

/// The forum's animals: the same logits twice, a crow and a dog.
fn animals() -> Folder {
    let folder = Folder::new();
    folder.write("animals.csv", ANIMALS).write("z.npy", npy::f4(&[&Z, &Z])).write("y.txt", "crow\ndog\n");
    folder
}

fn loss(folder: &Folder, more: &[&str]) -> Output {
    folder.run(&[&FILES, more].concat())
}

fn json(folder: &Folder, more: &[&str]) -> Value {
    let text = loss(folder, &[more, &["--format", "json"]].concat()).success();
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn assert_close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1e-300), "{a} is not {b}");
}

#[test]
fn the_forums_animals() {
    let result = json(&animals(), &["--loss", LEVELS]);
    let per_sample = numbers(&result["per_sample"]);
    assert_close(per_sample[0], 1.0047, 5e-5);
    assert_close(per_sample[1], 0.4559, 1e-4);
    assert_eq!(result["count"], 2);
    assert_close(result["loss"].as_f64().expect("a loss"), (per_sample[0] + per_sample[1]) / 2.0, 1e-7);
    let terms = result["terms"].as_array().expect("terms");
    assert_eq!(terms.len(), 2);
    assert_eq!((&terms[0]["node"], &terms[0]["level"]), (&"mammal".into(), &1.into()));
    assert_eq!((&terms[1]["node"], &terms[1]["level"]), (&"bird".into(), &1.into()));
    assert_close(terms[1]["mean"].as_f64().expect("a mean"), per_sample[0] / 2.0, 1e-6);
}

#[test]
fn text_shows_the_loss_its_terms_by_level_and_the_samples() {
    let expected = "\
marginal_cross_entropy: 2.4265 (mean over 2 samples)

terms, by level and node
depth 1   0.7303
  bird    0.5024
  mammal  0.2280
depth 2   1.6962
  crow    1.1172
  dog     0.5790

row  label    loss
  0  crow   3.2392
  1  dog    1.6139
";
    assert_eq!(loss(&animals(), &[]).success(), expected);
}

#[test]
fn every_layout_of_the_same_array_gives_the_same() {
    let folder = animals();
    let other = [0.5, -1.0, 2.0, 0.25, -0.125, 4.0];
    let mut results = Vec::new();
    for bytes in [npy::f8(&[&Z, &other]), npy::big_endian_fortran(&[&Z, &other])] {
        folder.write("z.npy", bytes);
        results.push(loss(&folder, &["--format", "json"]).success());
    }
    assert_eq!(results[0], results[1]);
}

#[test]
fn the_gradient_has_shape_and_dtype_of_the_logits_and_is_that_of_the_loss() {
    let folder = animals();
    let gradient = |reduction: &str, is_f8: bool| -> Vec<f64> {
        loss(&folder, &["--grad", "g.npy", "--reduction", reduction]).success();
        let bytes = std::fs::read(folder.path("g.npy")).expect("a gradient");
        let npy = npyz::NpyFile::new(&bytes[..]).expect("an npy");
        assert_eq!(npy.shape(), [2, 6]);
        assert_eq!(npy.dtype().descr(), if is_f8 { "'<f8'" } else { "'<f4'" });
        match is_f8 {
            true => npy.into_vec::<f64>().expect("f8"),
            false => npy.into_vec::<f32>().expect("f4").into_iter().map(f64::from).collect(),
        }
    };
    gradient("mean", false);
    folder.write("z.npy", npy::f8(&[&Z, &Z]));
    let (none, sum, mean) = (gradient("none", true), gradient("sum", true), gradient("mean", true));
    assert_eq!(none, sum);
    assert_eq!(sum.iter().map(|entry| entry / 2.0).collect::<Vec<_>>(), mean);
    // Central differences of what is printed, in one entry of each row.
    let loss_at = |row: usize, column: usize, step: f64| {
        let mut rows = [Z, Z];
        rows[row][column] += step;
        folder.write("z.npy", npy::f8(&[&rows[0], &rows[1]]));
        json(&folder, &[])["loss"].as_f64().expect("a loss")
    };
    for (row, column) in [(0, 2), (1, 3), (1, 0)] {
        let slope = (loss_at(row, column, 1e-5) - loss_at(row, column, -1e-5)) / 2e-5;
        assert_close(slope, mean[row * 6 + column], 1e-8);
    }
}

#[test]
fn a_mean_divides_by_the_class_weights_and_its_gradient_too() {
    let folder = animals();
    folder.write("w.csv", "class,weight\nbat,1\nbear,1\ncrow,3\ndog,0.5\npigeon,1\nrobin,1\n");
    let by_file = json(&folder, &["--loss", r#"{"marginal_cross_entropy": {"class_weight": "w.csv"}}"#]);
    let by_list = json(&folder, &["--loss", r#"{"marginal_cross_entropy": {"class_weight": [1, 1, 3, 0.5, 1, 1]}}"#]);
    assert_eq!(by_file, by_list);
    let per_sample = numbers(&by_list["per_sample"]);
    assert_close(by_list["loss"].as_f64().expect("a loss"), (per_sample[0] + per_sample[1]) / 3.5, 1e-7);
    // One crow and one dog of six classes: n / (K n_k) = 1/3 on both, which the mean divides out again.
    let balanced = json(&folder, &["--loss", r#"{"marginal_cross_entropy": {"class_weight": "balanced"}}"#]);
    assert_close(numbers(&balanced["per_sample"])[0], 3.2392034 / 3.0, 1e-6);
    assert_close(balanced["loss"].as_f64().expect("a loss"), 2.4265288, 1e-6);
}

#[test]
fn the_terms_add_up_to_the_mean_loss() {
    let folder = animals();
    let masked = [f64::NEG_INFINITY, 0.5, 1.0, -0.5, 0.25, 2.0];
    folder.write("z.npy", npy::f8(&[&Z, &masked, &Z, &masked, &Z]));
    let every_label = "crow\ndog\nmammal\nbird|dog\n\n";
    for (labels, loss) in [
        (every_label, r#""marginal_cross_entropy""#),
        (every_label, r#"{"marginal_cross_entropy": {"gamma": 2, "label_smoothing": 0.1}}"#),
        (every_label, r#"{"marginal_cross_entropy": {"weights": "leaves", "class_weight": [1, 2, 3, 4, 5, 6]}}"#),
        (every_label, r#"{"hierarchical_cross_entropy": {"alpha": 0.3, "label_smoothing": 0.2}}"#),
        (every_label, r#"{"hierarchical_cross_entropy": {"weighting": "height", "gamma": 1}}"#),
        ("crow\ndog\nmammal\nrobin\n\n", r#"{"soft_labels": {"beta": 1}}"#),
        ("crow\ndog\nmammal\nrobin\n\n", r#"{"soft_labels": {"gamma": 1.5, "class_weight": "balanced"}}"#),
    ] {
        folder.write("y.txt", labels);
        let result = json(&folder, &["--loss", loss]);
        assert_eq!(result["count"], 4);
        let means = result["terms"].as_array().expect("terms").iter().map(|term| &term["mean"]);
        let sum: f64 = means.map(|mean| mean.as_f64().expect("a number")).sum();
        assert_close(sum, result["loss"].as_f64().expect("a loss"), 1e-12);
    }
}

#[test]
fn a_union_is_one_term_and_has_the_level_that_its_nodes_share() {
    let folder = animals();
    folder.write("y.txt", "crow|bat\nrobin|mammal\n");
    let result = json(&folder, &["--loss", r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#]);
    let terms: Vec<String> = result["terms"]
        .as_array()
        .expect("terms")
        .iter()
        .map(|term| format!("{} {}", term["node"].as_str().expect("a name"), term["level"]))
        .collect();
    assert_eq!(terms, ["mammal|robin null", "bat|crow 2"]);
}

#[test]
fn levels_are_ranks_where_the_hierarchy_names_them() {
    let folder = animals();
    folder.write("ranks.csv", "species,class\nbat,Mammalia\ndog,Mammalia\ncrow,Aves\nrobin,Aves\n");
    folder.write("z.npy", npy::f4(&[&Z[..4], &Z[..4]]));
    let output = folder.run(&["loss", "--hierarchy", "ranks.csv", "--logits", "z.npy", "--labels", "y.txt"]).success();
    assert!(output.contains("\nclass "), "{output}");
    assert!(output.contains("\nspecies "), "{output}");
}

#[test]
fn numbers_that_json_does_not_know_are_strings() {
    let folder = animals();
    let (mut nan, mut masked) = (Z, Z);
    nan[0] = f64::NAN;
    masked[2] = f64::NEG_INFINITY;
    folder.write("z.npy", npy::f8(&[&nan, &masked, &nan, &Z])).write("y.txt", "bat\ncrow\n\nmammal\n");
    let output = loss(&folder, &["--format", "json", "--grad", "g.npy"]);
    let expected = "\
warning: z.npy: NaN or +inf in row 0 (from 0): loss and gradient are nan there
warning: z.npy: the label has probability 0 in row 1 (from 0), masked by -inf: the loss is inf and the gradient 0 there
warning: y.txt: 1 of 4 labels are empty: ignored
";
    assert_eq!(output.stderr, expected);
    let result: Value = serde_json::from_str(&output.success()).expect("JSON");
    assert_eq!(result["loss"], "nan");
    assert_eq!(result["count"], 3);
    let per_sample = result["per_sample"].as_array().expect("a list");
    assert_eq!(per_sample[..3], [Value::from("nan"), Value::from("inf"), Value::from(0.0)]);
    assert!(per_sample[3].is_f64());
    let bytes = std::fs::read(folder.path("g.npy")).expect("a gradient");
    let grad = npyz::NpyFile::new(&bytes[..]).expect("an npy").into_vec::<f64>().expect("f8");
    assert!(grad[..6].iter().all(|entry| entry.is_nan()));
    assert_eq!(grad[6..18], [0.0; 12]);
    assert!(grad[18..].iter().all(|entry| entry.is_finite()));
}

#[test]
fn without_samples_the_mean_is_0() {
    let folder = animals();
    folder.write("z.npy", npy::npy("<f4", false, 0, 6, Vec::new())).write("y.txt", "");
    let expected = "{\"loss\":0.0,\"per_sample\":[],\"count\":0,\"terms\":[]}\n";
    assert_eq!(loss(&folder, &["--format", "json"]).success(), expected);
    folder.write("z.npy", npy::f4(&[&Z, &Z])).write("y.txt", "\n\n");
    let result = json(&folder, &[]);
    assert_eq!((&result["loss"], &result["count"]), (&0.0.into(), &0.into()));
}

#[test]
fn the_reduction_is_said_once_or_twice_the_same() {
    let folder = animals();
    let none = json(&folder, &["--reduction", "none"]);
    assert!(none["loss"].is_null());
    let inside = r#"{"marginal_cross_entropy": {"reduction": "sum"}}"#;
    let sum = json(&folder, &["--loss", inside]);
    assert_eq!(sum, json(&folder, &["--loss", inside, "--reduction", "sum"]));
    assert_eq!(sum, json(&folder, &["--reduction", "sum"]));
    assert_eq!(sum["terms"], none["terms"]);
    let message = loss(&folder, &["--loss", inside, "--reduction", "mean"]).failure(2);
    assert_eq!(message, "--reduction mean contradicts the reduction \"sum\" in --loss");
    let named = r#"{"name": "soft_labels", "reduction": "mean"}"#;
    let message = loss(&folder, &["--loss", named, "--reduction", "none"]).failure(2);
    assert_eq!(message, "--reduction none contradicts the reduction \"mean\" in --loss");
}

#[test]
fn labels_may_be_a_column_of_a_table() {
    let folder = animals();
    let by_line = json(&folder, &[]);
    folder.write("y.csv", "id,label,other\n1,crow,x\n2,\" dog\",y\n");
    let table = |more: &[&str]| {
        let files =
            ["loss", "--hierarchy", "animals.csv", "--logits", "z.npy", "--labels", "y.csv", "--format", "json"];
        folder.run(&[&files, more].concat())
    };
    assert_eq!(serde_json::from_str::<Value>(&table(&[]).success()).expect("JSON"), by_line);
    let message = table(&["--label-column", "species"]).failure(1);
    assert_eq!(message, "y.csv:1: there is no column \"species\"; the columns are id, label, other");
    let message = table(&["--label-column", "other"]).failure(1);
    assert_eq!(message, "y.csv:2: unknown label \"x\"\ny.csv:3: unknown label \"y\"");
}

#[test]
fn columns_name_the_classes_in_the_logits_order() {
    let folder = animals();
    let before = json(&folder, &[]);
    let turned: Vec<f64> = Z.iter().rev().copied().collect();
    folder.write("z.npy", npy::f4(&[&turned, &turned])).write("columns.txt", "robin\npigeon\ndog\ncrow\nbear\nbat\n");
    let after = json(&folder, &["--columns", "columns.txt"]);
    assert_eq!(before["per_sample"], after["per_sample"]);

    let message = |columns: &str| {
        folder.write("columns.txt", columns);
        loss(&folder, &["--columns", "columns.txt"]).failure(1)
    };
    let unknown = message("robin\npigoen\ndog\ncrow\nbear\nbat\n");
    assert_eq!(unknown, "columns.txt:2: unknown class \"pigoen\"; the nearest names are \"pigeon\"");
    let twice = message("robin\npigeon\ndog\ncrow\nrobin\nbat\n");
    assert_eq!(twice, "columns.txt:5: class \"robin\" is named twice, as columns 0 and 4");
    assert_eq!(
        message("robin\ncrow\ndog\n"),
        "z.npy has shape [2, 6], but columns.txt names 3 classes: expected [rows, 3]"
    );
    assert_eq!(message(""), "columns.txt is empty; expected the name of a class on each line");
}

#[test]
fn logits_that_do_not_fit_are_described() {
    let folder = animals();
    let message = |bytes: Vec<u8>| {
        folder.write("z.npy", bytes);
        loss(&folder, &[]).failure(1)
    };
    let five = message(npy::f4(&[&Z[..5], &Z[..5]]));
    let expected = "z.npy has shape [2, 5], but animals.csv has 6 classes: expected [rows, 6] (`klados hierarchy show` \
                    prints the classes; --columns names others)";
    assert_eq!(five, expected);
    let three = message(npy::f4(&[&Z, &Z, &Z]));
    assert_eq!(three, "y.txt has 2 labels, but z.npy has shape [3, 6]: expected one label a row");
    let whole = message(npy::npy("<i8", false, 2, 6, vec![0; 96]));
    assert_eq!(whole, "z.npy has dtype int64 ('<i8'), expected float16, float32 or float64");
    let mut short = npy::f4(&[&Z, &Z]);
    short.truncate(short.len() - 5);
    assert_eq!(
        message(short),
        "z.npy is truncated: its shape [2, 6] promises 2 x 6 values of 4 bytes, but there are only 10"
    );
    let huge = message(npy::npy("<f4", false, 4_000_000_000, 6, vec![0; 8]));
    assert!(huge.starts_with("z.npy is truncated: its shape [4000000000, 6]"), "{huge}");
    assert!(message(npy::f4(&[&Z, &Z])[..30].to_vec()).starts_with("z.npy is not a whole .npy file: "));
    assert!(message(b"1,2,3\n".to_vec()).starts_with("z.npy is not a whole .npy file: "));
}

#[test]
fn labels_that_do_not_fit_are_listed_with_their_lines() {
    let folder = animals();
    folder.write("y.txt", "crwo\ndog\n");
    let message = loss(&folder, &[]).failure(1);
    assert_eq!(message, "y.txt:1: unknown label \"crwo\"; the nearest names are \"crow\"");
    folder.write("y.txt", "crow|mammal\ncrow;dog\n");
    let message = loss(&folder, &[]).failure(1);
    assert!(
        message.starts_with("y.txt:2: marginal_cross_entropy takes one class, node, union or distribution"),
        "{message}"
    );
    folder.write("y.txt", "crow|mammal\ndog\n");
    let message = loss(&folder, &["--loss", "soft_labels"]).failure(1);
    assert!(
        message.starts_with("y.txt:1: soft_labels takes one class or node, of which it makes a target"),
        "{message}"
    );
    folder.write("z.npy", npy::f4(&[&Z[..]; 8])).write("y.txt", "1\n2\n3\n4\n5\n6\n7\n8\n");
    let message = loss(&folder, &[]).failure(1);
    assert!(message.ends_with("y.txt:5: unknown label \"5\"\nand 3 more labels that cannot be used"), "{message}");
    folder.write("y.txt", b"crow\nd\xffg\n");
    let message = loss(&folder, &[]).failure(1);
    assert!(message.starts_with("y.txt:2: the line is not UTF-8 text"), "{message}");
}

#[test]
fn losses_that_do_not_fit_say_what_is_known() {
    let folder = animals();
    let message = loss(&folder, &["--loss", "marginal"]).failure(2);
    assert!(message.starts_with("--loss: unknown loss \"marginal\"; the losses are \"marginal_cross_entropy\""));
    let message = loss(&folder, &["--loss", r#"{"soft_labels": {"alpha": 1}}"#]).failure(2);
    assert!(message.contains("unknown field `alpha`, expected one of `beta`"), "{message}");
    let weights = r#"{"marginal_cross_entropy": {"weights": {"levels": {"genus": 1}}}}"#;
    let message = loss(&folder, &["--loss", weights]).failure(1);
    assert!(message.starts_with("--loss marginal_cross_entropy: "), "{message}");
    folder.write("w.csv", "class,weight\nbat,1\ncrow,x\n");
    let by_file = r#"{"marginal_cross_entropy": {"class_weight": "w.csv"}}"#;
    let message = loss(&folder, &["--loss", by_file]).failure(1);
    assert_eq!(message, "w.csv:3: the weight of \"crow\" is \"x\", expected a number from 0 up");
    folder.write("w.csv", "class,weight\nbat,1\ncrow,2\n");
    let message = loss(&folder, &["--loss", by_file]).failure(1);
    assert_eq!(message, "w.csv: 4 of 6 classes have no weight, the first is \"bear\"");
}

#[test]
fn a_gradient_that_cannot_be_written_leaves_nothing_and_prints_nothing() {
    let folder = animals();
    let message = loss(&folder, &["--grad", "nowhere/g.npy"]).failure(1);
    assert!(message.starts_with("cannot write nowhere/g.npy: "), "{message}");
    loss(&folder, &["--grad", "g.npy"]).success();
    let mut names: Vec<_> = std::fs::read_dir(folder.path(""))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["animals.csv", "g.npy", "y.txt", "z.npy"]);
}

/// Logits of the nodes bat, mammal, bear, crow, bird, dog, pigeon, robin.
const NODES: [f64; 8] = [-1.2, 0.5, 0.25, -0.4, 0.75, 0.7, -0.7, 0.1];

#[test]
fn a_loss_of_nodes_takes_a_column_for_each() {
    let folder = animals();
    folder.write("z.npy", npy::f8(&[&NODES, &NODES]));
    let sharing = ["--loss", "parameter_sharing_softmax"];
    let before = json(&folder, &sharing);
    // The logit of a class is the sum of its own and its superclass's: the loss is that of these class logits.
    let classes = [-0.7, 0.75, 0.35, 1.2, 0.05, 0.85];
    folder.write("z.npy", npy::f8(&[&classes, &classes]));
    let by_class = json(&folder, &["--loss", r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#]);
    for (a, b) in numbers(&before["per_sample"]).into_iter().zip(numbers(&by_class["per_sample"])) {
        assert_close(a, b, 1e-12);
    }
    // Six columns are too few, and the message says of what.
    let message = loss(&folder, &sharing).failure(1);
    let expected = "z.npy has shape [2, 6], but animals.csv has 8 nodes but the root, and parameter_sharing_softmax takes \
                    a column for each: expected [rows, 8] (`klados hierarchy show --format json` lists the nodes; \
                    --columns names them in another order)";
    assert_eq!(message, expected);

    let turned: Vec<f64> = NODES.iter().rev().copied().collect();
    folder.write("z.npy", npy::f8(&[&turned, &turned]));
    let columns = |text: &str| {
        folder.write("columns.txt", text);
        loss(&folder, &["--loss", "parameter_sharing_softmax", "--columns", "columns.txt", "--format", "json"])
    };
    let after = columns("robin\npigeon\ndog\nbird\ncrow\nbear\nmammal\nbat\n").success();
    assert_eq!(serde_json::from_str::<Value>(&after).expect("JSON")["per_sample"], before["per_sample"]);
    let message = columns("robin\npigeon\ndgo\nbird\ncrow\nbear\nmammal\nbat\n").failure(1);
    assert_eq!(message, "columns.txt:3: unknown node \"dgo\"; the nearest names are \"dog\"");
    let message = columns("robin\nbird\nbird\ncrow\nbear\nmammal\nbat\n").failure(1);
    assert_eq!(message, "columns.txt:3: the node \"bird\" is named twice as a column");
    let message = columns("robin\npigeon\nbird\ncrow\nbear\nbat\n").failure(1);
    assert_eq!(message, "columns.txt: nodes without a column: \"mammal\", \"mammal > dog\"");
}

#[test]
fn the_terms_of_losses_of_nodes_add_up_too() {
    let folder = animals();
    let mut masked = NODES;
    masked[0] = f64::NEG_INFINITY;
    folder.write("z.npy", npy::f8(&[&NODES, &masked, &NODES, &masked, &NODES]));
    let frequencies = "node,count\nmammal,5\nbird,2\nbat,1\nbear,3\ndog,1\ncrow,1\npigeon,2\nrobin,9\n";
    folder.write("counts.csv", frequencies);
    for (labels, loss) in [
        ("crow\ndog\nmammal\nbird|dog\n\n", r#""parameter_sharing_softmax""#),
        (
            "crow\ndog\nmammal\nbird|dog\n\n",
            r#"{"parameter_sharing_softmax": {"weights": "uniform", "gamma": 2, "label_smoothing": 0.1}}"#,
        ),
        ("crow\ndog\nmammal\nrobin|dog\n\n", r#"{"sibling_softmax": {"label_smoothing": 0.1, "gamma": 2}}"#),
        ("crow\ndog\nmammal\nrobin|dog\n\n", r#"{"sibling_softmax": {"tau": 0.5, "frequencies": "counts.csv"}}"#),
        ("crow\ndog\nmammal\nrobin\n\n", r#""descendant_softmax""#),
        ("crow\ndog\nmammal\nrobin\n\n", r#"{"softmax_margin": {"class_weight": [1, 2, 3, 4, 5, 6]}}"#),
        ("crow\ndog\nmammal\nrobin\n\n", r#"{"softmax_margin": {"hard": true, "tau": 0.5}}"#),
        ("crow\ndog\ncrow\nrobin\n\n", r#"{"random_cut": {"p": 0.5, "seed": 3}}"#),
        (
            "crow\ndog\nmammal\nrobin\n\n",
            r#"{"levelwise_softmax": {"label_smoothing": 0.2, "class_weight": "balanced"}}"#,
        ),
    ] {
        folder.write("y.txt", labels);
        let result = json(&folder, &["--loss", loss]);
        assert_eq!(result["count"], 4);
        let means = result["terms"].as_array().expect("terms").iter().map(|term| &term["mean"]);
        let sum: f64 = means.map(|mean| mean.as_f64().expect("a number")).sum();
        assert_close(sum, result["loss"].as_f64().expect("a loss"), 1e-12);
    }
}

#[test]
fn multi_label_labels_are_sets_and_their_terms_add_up() {
    let folder = animals();
    let mut masked = NODES;
    masked[3] = f64::NEG_INFINITY;
    let nodes = npy::f8(&[&NODES, &masked, &NODES, &NODES, &NODES]);
    let mut masked = Z;
    masked[1] = f64::NEG_INFINITY;
    let classes = npy::f8(&[&Z, &masked, &Z, &Z, &Z]);
    folder.write("y.txt", "bat;crow\nbat;dog\n;\nbird\n\n");
    folder.write("map.csv", "class,superclass,weight\nbat,flies,0.25\ncrow,flies,0.25\nrobin,flies,0.5\n");
    for (logits, loss) in [
        (&nodes, r#"{"conditional_sigmoid": {}}"#),
        (&nodes, r#"{"conditional_sigmoid": {"class_weight": [1, 2, 3, 4, 5, 6]}}"#),
        (&nodes, r#"{"tree_min": {"gamma": 1.5}}"#),
        (&nodes, r#"{"binary_cross_entropy": {}}"#),
        (&nodes, r#"{"binary_cross_entropy": {"form": "max", "gamma": 2, "pos_weight": 3, "incomplete": true}}"#),
        (&classes, r#"{"binary_cross_entropy": {"form": "noisy_or", "weights": "leaves"}}"#),
        (&classes, r#"{"binary_cross_entropy": {"form": "noisy_or", "gamma": 2, "pos_weight": 0.5}}"#),
        (&classes, r#"{"binary_cross_entropy": {"form": "weighted", "map": "map.csv"}}"#),
    ] {
        folder.write("z.npy", logits);
        let labels = if loss.contains("noisy_or") || loss.contains("weighted") {
            "bat;crow\ndog;crow\n;\nbird\n\n"
        } else {
            "bat;crow\nbat;dog\n;\nbird\n\n"
        };
        folder.write("y.txt", labels);
        let result = json(&folder, &["--loss", loss]);
        assert_eq!(result["count"], 4);
        let means = result["terms"].as_array().expect("terms").iter().map(|term| &term["mean"]);
        let sum: f64 = means.map(|mean| mean.as_f64().expect("a number")).sum();
        assert_close(sum, result["loss"].as_f64().expect("a loss"), 1e-12);
    }
    folder.write("z.npy", &nodes);
    // 8 nodes a row, and what the mean is of is said.
    let text = loss(&folder, &["--loss", "binary_cross_entropy"]).success();
    assert!(text.contains("(mean over 32 terms of 4 samples)"), "{text}");
    folder.write("y.txt", "bat;crow\nbat|dog\n;\nbird\n\n");
    let message = loss(&folder, &["--loss", "binary_cross_entropy"]).failure(1);
    assert!(message.starts_with("y.txt:2: binary_cross_entropy takes "), "{message}");
    folder.write("y.txt", "bat;crwo\nbat|dog;crow\n;\nbird\n\n");
    let message = loss(&folder, &["--loss", "binary_cross_entropy"]).failure(1);
    assert!(message.starts_with("y.txt:1: unknown label \"crwo\""), "{message}");
    assert!(message.contains("y.txt:2: the label \"bat|dog;crow\" mixes | (one of) and ; (all of)"), "{message}");
}

#[test]
fn a_superclass_of_a_map_is_a_label_and_a_term() {
    let folder = animals();
    let rows = "bat,flies,0.5\nbat,furry,0.5\nbear,furry,1\ndog,furry,1\ncrow,flies,1\npigeon,flies,1\nrobin,flies,1\n";
    folder.write("map.csv", format!("class,superclass,weight\n{rows}"));
    let mut masked = Z;
    masked[1] = f64::NEG_INFINITY;
    folder.write("z.npy", npy::f8(&[&Z, &masked, &Z])).write("y.txt", "crow\nflies\nfurry\n");
    let by = |parameters: &str| {
        let loss = format!(r#"{{"weighted_cross_entropy": {{"map": "map.csv"{parameters}}}}}"#);
        json(&folder, &["--loss", &loss])
    };
    for parameters in
        ["", r#", "gamma": 2, "label_smoothing": 0.1"#, r#", "superclass_weight": 0.5, "class_weight": "balanced""#]
    {
        let result = by(parameters);
        let means = result["terms"].as_array().expect("terms").iter().map(|term| &term["mean"]);
        let sum: f64 = means.map(|mean| mean.as_f64().expect("a number")).sum();
        assert_close(sum, result["loss"].as_f64().expect("a loss"), 1e-12);
    }
    let result = by("");
    let terms: Vec<String> = result["terms"]
        .as_array()
        .expect("terms")
        .iter()
        .map(|term| format!("{} {}", term["node"].as_str().expect("a name"), term["level"]))
        .collect();
    assert_eq!(terms, ["crow 2", "flies null", "furry null"]);
    folder.write("map.csv", "class,superclass,weight\nbat,flies,1\nbaer,furry,1\n");
    let loss_of_file = ["--loss", r#"{"weighted_cross_entropy": {"map": "map.csv"}}"#];
    let message = loss(&folder, &loss_of_file).failure(1);
    assert_eq!(message, "map.csv:3: unknown class \"baer\"; the nearest names are \"bear\", \"bat\"");
    folder.write("map.csv", "class,superclass,weight\nbat,flies,1\nbat,flies,0.5\n");
    let message = loss(&folder, &loss_of_file).failure(1);
    assert_eq!(message, "map.csv:3: \"bat, flies\" is there already, in line 2");
}

#[test]
fn files_of_a_loss_name_the_line_that_is_wrong() {
    let folder = animals();
    folder.write("z.npy", npy::f8(&[&NODES, &NODES]));
    let message = |text: &str| {
        folder.write("counts.csv", text);
        loss(&folder, &["--loss", r#"{"sibling_softmax": {"tau": 1, "frequencies": "counts.csv"}}"#]).failure(1)
    };
    let header = message("name,count\nbat,1\n");
    let columns = "expected the columns [\"node\", \"count\"] for frequencies, found [\"name\", \"count\"]";
    assert_eq!(header, format!("counts.csv:1: {columns}"));
    let number = message("node,count\nmammal,5\nbird,-2\n");
    assert_eq!(number, "counts.csv:3: the count of \"bird\" is \"-2\", expected a number from 0 up");
    let twice = message("node,count\nmammal,5\nbird,2\nmammal,2\n");
    assert_eq!(twice, "counts.csv:4: \"mammal\" is there already, in line 2");
    let unknown = message("node,count\nmammal,5\n\nbrid,2\n");
    assert_eq!(unknown, "counts.csv:4: unknown node \"brid\"; the nearest names are \"bird\"");
    let missing = message("node,count\nmammal,5\nbird,2\n");
    assert!(missing.starts_with("--loss sibling_softmax: frequencies: "), "{missing}");
    let no_file = r#"{"sibling_softmax": {"tau": 1, "frequencies": "none.csv"}}"#;
    let message = loss(&folder, &["--loss", no_file]).failure(1);
    assert!(message.starts_with("cannot read none.csv (frequencies): "), "{message}");
}

#[cfg(all(feature = "train", feature = "parquet"))]
#[test]
fn labels_from_a_parquet_column() {
    let folder = animals();
    let rows = [("crow".to_owned(), [0.0; 4]), ("dog".to_owned(), [0.0; 4])];
    crate::animals::write_parquet(&folder, &rows, true); // animals.parquet: species, embedding
    let files = ["loss", "--hierarchy", "animals.csv", "--logits", "z.npy", "--labels", "animals.parquet"];
    let out = folder.run(&[&files[..], &["--label-column", "species", "--loss", LEVELS, "--format", "json"]].concat());
    let result: Value = serde_json::from_str(&out.success()).expect("JSON");
    assert_eq!(result["per_sample"], json(&folder, &["--loss", LEVELS])["per_sample"]);
    let error = folder.run(&files).failure(1);
    assert!(error.contains("there is no column \"label\"; the columns are species, embedding"), "{error}");
}

#[test]
fn a_label_table_with_crlf_names_the_right_line() {
    let folder = animals();
    folder.write("y.csv", "label\r\ncrow\r\ndgo\r\n");
    let files = ["loss", "--hierarchy", "animals.csv", "--logits", "z.npy", "--labels", "y.csv"];
    let error = folder.run(&files).failure(1);
    assert!(error.contains("y.csv:3: unknown label \"dgo\"; the nearest names are \"dog\""), "{error}");
}
