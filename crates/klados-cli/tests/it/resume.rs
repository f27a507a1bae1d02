//! Interrupting and going on.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::animals::{rows, write_csv, write_hierarchy};
use crate::metrics::{self, without_times};
use crate::run::Folder;

const TRAIN: [&str; 18] = [
    "train",
    "animals.csv",
    "--label",
    "species",
    "--hierarchy",
    "tree.csv",
    "--model",
    "mlp",
    "--hidden",
    "16",
    "--epochs",
    "120",
    "--patience",
    "200",
    "--batch-size",
    "16",
    "--optimizer",
    "adam",
];

/// Starts training and kills it after some epochs. Says whether it was killed in time.
fn interrupt(folder: &Folder) -> bool {
    let mut args = TRAIN.to_vec();
    args.extend(["--out", "broken"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_klados"))
        .args(args)
        .current_dir(folder.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let checkpoints = folder.path("broken.partial/checkpoints/marginal_cross_entropy");
    let started = Instant::now();
    while !checkpoints.exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(30));
    child.kill().expect("killed");
    child.wait().expect("ended");
    folder.path("broken.partial").exists()
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_numbers_of_one_that_was_not() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(120, 3));
    folder.run(&[&TRAIN[..], &["--out", "whole"]].concat()).success();
    assert!(interrupt(&folder), "the run ended before it could be killed");

    let again = |more: &[&'static str]| [&TRAIN[..], &["--out", "broken"], more].concat();
    assert!(folder.run(&again(&[])).failure(1).contains("--resume"));
    assert!(folder.run(&again(&["--resume", "--seed", "5"])).failure(1).contains("seed"));
    folder.run(&again(&["--resume"])).success();

    let read = |out: &str| without_times(metrics::read(&folder, out));
    assert_eq!(read("broken"), read("whole"));
    let file = |out: &str, name: &str| fs::read(folder.path(out).join(name)).expect("a file");
    for name in ["model.safetensors", "predictions.csv"] {
        assert_eq!(file("broken", name), file("whole", name), "{name}");
    }
    assert!(!folder.path("broken.partial").exists() && !folder.path("broken/checkpoints").exists());
}

#[test]
fn resuming_where_nothing_is_starts() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    let args = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "1", "--resume"];
    folder.run(&args).success();
}
