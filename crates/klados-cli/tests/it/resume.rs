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
fn stopping_by_a_metric_goes_on_to_the_same_epoch() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(120, 3));
    let train = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "40"];
    let run = |metric: &str, out: &str| {
        folder.run(&[&train[..], &["--patience", "3", "--stop-on", metric, "--out", out]].concat()).success();
        metrics::read(&folder, out)["runs"][0].clone()
    };
    let by_accuracy = run("accuracy@depth 1", "accuracy");
    let epochs = by_accuracy["epochs"].as_array().expect("epochs");
    let kept = by_accuracy["kept_epoch"].as_u64().expect("a number") as usize;
    let followed: Vec<f64> = epochs.iter().map(|epoch| epoch["stop_on"].as_f64().expect("a number")).collect();
    // The first of the best, and three epochs after it that are not better.
    assert!(followed[..kept - 1].iter().all(|before| *before < followed[kept - 1]), "{followed:?}");
    assert!(followed[kept..].iter().all(|after| *after <= followed[kept - 1]), "{followed:?}");
    assert_eq!(epochs.len(), (kept + 3).min(40));
    // It is the accuracy that is in the table, of the kept epoch.
    let levels = epochs[kept - 1]["validation"]["levels"].as_array().expect("levels");
    assert_eq!(levels[0]["accuracy"].as_f64(), Some(followed[kept - 1]));
    assert_eq!(by_accuracy["settings"]["stop_on"], "accuracy@depth 1");
    // `loss` is the default.
    assert!(run("loss", "loss")["settings"].get("stop_on").is_none());

    // A run that was cut off after an epoch: its checkpoint is there, and no result.
    #[cfg(unix)]
    {
        let args = [&train[..], &["--patience", "3", "--stop-on", "log_loss"]].concat();
        folder.run(&[&args[..], &["--out", "whole"]].concat()).success();
        leave_unfinished(&folder, &args);
        let run = folder.path("klados-out.partial/checkpoints/marginal_cross_entropy");
        fs::remove_file(run.join("done.json")).expect("removed");
        folder.run(&[&args[..], &["--resume"]].concat()).success();
        let read = |out: &str| without_times(metrics::read(&folder, out));
        assert_eq!(read("klados-out"), read("whole"));
    }
}

#[test]
fn a_metric_that_is_not_there_is_said_before_anything_is_trained() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    let train = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv"];
    let error = folder.run(&[&train[..], &["--patience", "3", "--stop-on", "accuracy@genus"]].concat()).failure(2);
    assert_eq!(error, "--stop-on: there is no level \"genus\": expected depth 1, class");
    assert!(folder.run(&[&train[..], &["--stop-on", "brier"]].concat()).failure(2).contains("--patience"));
    let error = folder.run(&["train", "--patience", "3", "--stop-on", "auprc_micro"]).failure(2);
    assert!(error.contains("--stop-on: there is no metric \"auprc_micro\" of these rows"), "{error}");
}

#[test]
fn resuming_where_nothing_is_starts() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(30, 0));
    let args = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "1", "--resume"];
    folder.run(&args).success();
}

/// Trains with a link to nowhere at the place of the results, so that they cannot be put there and the run is left
/// unfinished after its last epoch.
#[cfg(unix)]
fn leave_unfinished(folder: &Folder, args: &[&str]) {
    std::os::unix::fs::symlink("nowhere", folder.path("klados-out")).expect("a link");
    let output = folder.run(args);
    assert!(output.status == 1 && output.stderr.contains("cannot put the results"), "{}", output.stderr);
    fs::remove_file(folder.path("klados-out")).expect("removed");
}

#[cfg(unix)]
#[test]
fn a_run_that_diverged_goes_on() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let args = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "4"];
    let args = [&args[..], &["--optimizer", "sgd", "--learning-rate", "1e38"]].concat();
    leave_unfinished(&folder, &args);
    let run = folder.path("klados-out.partial/checkpoints/marginal_cross_entropy");
    let done = fs::read_to_string(run.join("done.json")).expect("it is done");
    assert!(done.contains("\"train_loss\":null"), "{done}");
    // Both from the checkpoint and from the whole result.
    fs::remove_file(run.join("done.json")).expect("removed");
    let resume = [&args[..], &["--resume"]].concat();
    leave_unfinished(&folder, &resume);
    folder.run(&resume).success();
}

#[cfg(unix)]
#[test]
fn other_class_weights_are_another_run() {
    let folder = Folder::new();
    write_hierarchy(&folder);
    write_csv(&folder, &rows(60, 0));
    let weights = |bat: u32| format!("class,weight\nbat,{bat}\nbear,1\ncrow,1\ndog,1\npigeon,1\nrobin,1\n");
    let train = ["train", "animals.csv", "--label", "species", "--hierarchy", "tree.csv", "--epochs", "1"];
    let in_loss = r#"{"marginal_cross_entropy": {"class_weight": "w.csv"}}"#;
    for more in [["--class-weight", "w.csv"], ["--loss", in_loss]] {
        fs::write(folder.path("w.csv"), weights(1)).expect("written");
        let args = [&train[..], &more].concat();
        leave_unfinished(&folder, &args);
        fs::write(folder.path("w.csv"), weights(2)).expect("written");
        let error = folder.run(&[&args[..], &["--resume"]].concat()).failure(1);
        assert!(error.contains("had sha256 of w.csv = "), "{error}");
        fs::remove_dir_all(folder.path("klados-out.partial")).expect("removed");
    }
}
