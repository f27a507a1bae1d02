//! `klados decide`: its answers, and what it says where something is wrong.

use crate::npy;
use crate::run::{Folder, Output};

const ANIMALS: &str = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
/// P = 0.4, 0.1, 0.05, 0.05, 0.2, 0.2: mammal 0.55; and crow for certain.
const P: [f64; 6] = [0.4, 0.1, 0.05, 0.05, 0.2, 0.2];
const CROW: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];

fn animals() -> Folder {
    let folder = Folder::new();
    folder.write("animals.csv", ANIMALS).write("p.npy", npy::f8(&[&P, &CROW]));
    folder
}

fn decide(folder: &Folder, more: &[&str]) -> Output {
    folder.run(&[&["decide", "--hierarchy", "animals.csv"], more].concat())
}

#[test]
fn an_answer_a_row() {
    let folder = animals();
    let of = |decision: &str| decide(&folder, &["--probabilities", "p.npy", "--decision", decision]).success();
    assert_eq!(of("argmax_leaf"), "row,node,probability,level\n0,bat,0.400000,class\n1,crow,1.000000,class\n");
    assert_eq!(of("threshold"), "row,node,probability,level\n0,mammal,0.550000,depth 1\n1,crow,1.000000,class\n");
    let all = of(r#"{"threshold": {"tau": 0.9}}"#);
    assert_eq!(all, "row,node,probability,level\n0,root,1.000000,\n1,crow,1.000000,class\n");
}

#[test]
fn logits_are_read_by_their_form() {
    let folder = animals();
    // bat, mammal, bear, crow, bird, dog, pigeon, robin: by first appearance, the child first.
    folder.write("s.npy", npy::f8(&[&[1.0, 3.0, 0.0, 0.0, -3.0, 0.0, 0.0, 0.0]]));
    let by_form = decide(&folder, &["--logits", "s.npy", "--form", "sibling_softmax", "--decision", "top_down"]);
    let by_loss = decide(&folder, &["--logits", "s.npy", "--loss", "sibling_softmax", "--decision", "top_down"]);
    let text = by_form.success();
    assert_eq!(text, by_loss.success());
    // (e / (e + 2)) / (1 + e^-6)
    assert!(text.starts_with("row,node,probability,level\n0,bat,0.574692,class"), "{text}");
    let error = decide(&folder, &["--logits", "s.npy", "--decision", "threshold"]).failure(1);
    assert!(error.starts_with("s.npy has shape [1, 8], but animals.csv has 6 classes: expected [rows, 6]"), "{error}");
    let error = decide(&folder, &["--logits", "s.npy", "--loss", "random_cut", "--decision", "threshold"]).failure(2);
    assert!(error.contains("no probabilities of nodes"), "{error}");
}

#[test]
fn multi_label_answers_are_labels() {
    let folder = animals();
    folder.write(
        "p.npy",
        // bat, mammal, bear, crow, bird, dog, pigeon, robin
        npy::f8(&[&[0.9, 0.8, 0.1, 0.75, 0.2, 0.1, 0.1, 0.1], &[0.0; 8], &[0.1, 0.1, 0.1, 0.1, 0.75, 0.1, 0.1, 0.1]]),
    );
    let given = ["--probabilities", "p.npy", "--form", "node_probabilities", "--decision", "consistent"];
    let expected =
        "row,node,probability,level\n0,bat;crow,0.900000;0.750000,class;class\n1,;,,\n2,bird;,0.750000,depth 1\n";
    assert_eq!(decide(&folder, &given).success(), expected);
}

#[test]
fn a_calibrated_rule_is_saved_and_taken_up_again() {
    let folder = animals();
    let rows: Vec<&[f64]> = (0..40).map(|row| if row % 2 == 0 { &P[..] } else { &CROW[..] }).collect();
    let labels: String = (0..40).map(|row| if row % 2 == 0 { "bat\n" } else { "crow\n" }).collect();
    folder.write("val.npy", npy::f8(&rows)).write("val.txt", labels);
    let files = ["--probabilities", "p.npy"];
    let error = decide(&folder, &[&files[..], &["--decision", "conformal"]].concat()).failure(2);
    assert!(error.contains("conformal is calibrated on labelled rows: give --calibration-logits"), "{error}");
    let calibration = ["--calibration-logits", "val.npy", "--calibration-labels", "val.txt"];
    let save = ["--decision", "conformal", "--save-decision", "rule.json"];
    let first = decide(&folder, &[&files[..], &calibration[..], &save[..]].concat()).success();
    let again = decide(&folder, &[&files[..], &["--decision", "rule.json"]].concat()).success();
    assert_eq!(first, again);
    let error = decide(&folder, &[&files[..], &calibration[..], &["--decision", "threshold"]].concat()).failure(2);
    assert!(error.contains("threshold is not calibrated; leave out --calibration-logits"), "{error}");
    folder.write("val.txt", "bat\n");
    let error = decide(&folder, &[&files[..], &calibration[..], &["--decision", "conformal"]].concat()).failure(1);
    assert_eq!(error, "val.txt has 1 labels, but val.npy has 40 rows: expected one a row");
}

#[test]
fn bad_rows_are_named_or_left_out() {
    let folder = animals();
    let mut nan = P;
    nan[2] = f64::NAN;
    folder.write("z.npy", npy::f8(&[&P, &nan, &[f64::NEG_INFINITY; 6], &CROW]));
    let given = ["--logits", "z.npy", "--decision", "argmax_leaf"];
    let error = decide(&folder, &given).failure(1);
    let expected = "z.npy: row 1 (from 0): column \"crow\" is NaN (or no value), expected a number\n\
                    z.npy: row 2 (from 0): everything is masked by -inf: there are no probabilities\n\
                    --skip-bad-rows leaves such rows out";
    assert_eq!(error, expected);
    let error = decide(&folder, &[&given[..], &["--out", "answers.csv"]].concat()).failure(1);
    assert_eq!(error, expected);
    assert!(!folder.path("answers.csv").exists());
    let output = decide(&folder, &[&given[..], &["--skip-bad-rows"]].concat());
    assert!(output.stderr.contains("z.npy: 2 rows cannot be used and are left out"), "{}", output.stderr);
    let rows: Vec<String> = output.success().lines().skip(1).map(|line| line[..6].to_owned()).collect();
    assert_eq!(rows, ["0,bat,", "3,crow"]);
    folder.write("p.npy", npy::f8(&[&P, &[0.5; 6]]));
    let error = decide(&folder, &["--probabilities", "p.npy", "--decision", "argmax_leaf"]).failure(1);
    assert!(
        error.starts_with("p.npy: row 1 (from 0): the probabilities add up to 3, expected 1 within 1e-6"),
        "{error}"
    );
}

#[test]
fn wrong_usage_is_status_2() {
    let folder = animals();
    let error = decide(&folder, &["--logits", "p.npy", "--decision", "treshold"]).failure(2);
    assert!(
        error.starts_with("--decision treshold: unknown decision \"treshold\"; the decisions are argmax_leaf"),
        "{error}"
    );
    let error = decide(&folder, &["--logits", "p.npy", "--decision", "threshold", "--form", "softmax"]).failure(2);
    assert!(error.starts_with("--form: unknown variant `softmax`"), "{error}");
    assert_eq!(decide(&folder, &["--logits", "p.npy"]).status, 2);
    let error = decide(&folder, &["--logits", "p.txt", "--decision", "threshold"]).failure(1);
    assert_eq!(error, "p.txt: expected a file named .npy, .safetensors, .parquet, .arrow or .feather");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to() {
    use std::os::unix::fs::symlink;

    let folder = animals();
    folder.write("answers.csv", "old");
    symlink("answers.csv", folder.path("link.csv")).expect("a link");
    decide(&folder, &["--probabilities", "p.npy", "--decision", "argmax_leaf", "--out", "link.csv"]).success();
    assert!(folder.path("link.csv").is_symlink());
    let written = std::fs::read_to_string(folder.path("answers.csv")).expect("written");
    assert!(written.starts_with("row,node,probability,level\n"), "{written}");

    let made = std::process::Command::new("mkfifo").arg(folder.path("pipe")).status().expect("mkfifo runs");
    assert!(made.success());
    let pipe = folder.path("pipe");
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).expect("read"));
    decide(&folder, &["--probabilities", "p.npy", "--decision", "argmax_leaf", "--out", "pipe"]).success();
    assert!(!folder.path("pipe").is_file());
    assert_eq!(reader.join().expect("read"), written);
}

#[test]
fn out_without_rows_is_refused() {
    let folder = animals();
    let error = folder
        .run(&[
            "decide",
            "--hierarchy",
            "animals.csv",
            "--decision",
            "threshold",
            "--save-decision",
            "t.json",
            "--out",
            "a",
        ])
        .failure(2);
    assert_eq!(error, "--out is for the answers: give --logits or --probabilities too");
    assert!(!folder.path("t.json").exists());
}
