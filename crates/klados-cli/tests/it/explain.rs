//! `klados explain`: its numbers, its checks, and what it says where something is wrong.
//!
//! The numbers are those of `docs/explain.md`, which a doctest holds to the core; the mean is half the sum of both rows'.

use serde_json::Value;

use crate::npy;
use crate::run::{Folder, Output};

const ANIMALS: &str = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
const Z: [f64; 6] = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];
const FILES: [&str; 6] = ["--hierarchy", "animals.csv", "--logits", "z.npy", "--labels", "y.txt"];

/// The forum's animals: the same logits twice, a crow and a dog.
fn animals() -> Folder {
    let folder = Folder::new();
    folder.write("animals.csv", ANIMALS).write("z.npy", npy::f8(&[&Z, &Z])).write("y.txt", "crow\ndog\n");
    folder
}

fn explain(folder: &Folder, more: &[&str]) -> Output {
    folder.run(&[&["explain"], &FILES[..], more].concat())
}

fn json(folder: &Folder, more: &[&str]) -> Value {
    let text = explain(folder, &[more, &["--format", "json"]].concat()).success();
    serde_json::from_str(&text).expect("JSON")
}

/// The gradient that `klados loss` writes, row after row.
fn gradient(folder: &Folder, more: &[&str]) -> Vec<f64> {
    folder.run(&[&["loss"], &FILES[..], &["--grad", "grad.npy"], more].concat()).success();
    let bytes = std::fs::read(folder.path("grad.npy")).expect("a gradient");
    npyz::NpyFile::new(&bytes[..]).expect("an npy").into_vec::<f64>().expect("f8")
}

/// Writes a gradient of two rows.
fn write_gradient(folder: &Folder, entries: &[f64]) {
    folder.write("own.npy", npy::f8(&[&entries[..6], &entries[6..]]));
}

#[test]
fn a_row_is_explained_node_by_node() {
    let expected = "\
marginal_cross_entropy: 3.2392 (row 0, label crow)

node        logit    log P       P    loss
mammal             -0.4559  0.6339
bird *             -1.0047  0.3661  1.0047
  crow *  -0.3856  -2.2345  0.1070  2.2345
  pigeon  -0.7424  -2.5913  0.0749
  robin    0.1570  -1.6918  0.1842

term     weight  -log P    loss
P(crow)  1.0000  2.2345  2.2345
P(bird)  1.0000  1.0047  1.0047

pushed up  gradient  by
crow        -1.0783  P(crow) -0.8930, P(bird) -0.1853
robin       -0.1347  P(bird) -0.3188; against it P(crow) +0.1842
pigeon      -0.0548  P(bird) -0.1297; against it P(crow) +0.0749

pushed down  gradient  by
dog           +0.6283  P(crow) +0.3141, P(bird) +0.3141
bear          +0.5453  P(crow) +0.2727, P(bird) +0.2727
bat           +0.0941  P(crow) +0.0471, P(bird) +0.0471
";
    let folder = animals();
    assert_eq!(explain(&folder, &["--row", "0"]).success(), expected);
    // As NumPy would write them: shares that are equal but for rounding stay in the order of the terms.
    folder.write("z.npy", npy::f4(&[&Z, &Z]));
    assert_eq!(explain(&folder, &["--row", "0"]).success(), expected);
}

#[test]
fn without_a_row_it_is_the_mean() {
    let expected = "\
marginal_cross_entropy: 2.4265 (mean over 2 rows)

node        logit       P    loss
mammal *           0.6339  0.2280
  bat     -1.2075  0.0471
  bear     0.5493  0.2727
  dog *    0.6910  0.3141  0.5790
bird *             0.3661  0.5024
  crow *  -0.3856  0.1070  1.1172
  pigeon  -0.7424  0.0749
  robin    0.1570  0.1842

term       rows  -log P    loss
P(crow)       1  2.2345  1.1172
P(dog)        1  1.1579  0.5790
P(bird)       1  1.0047  0.5024
P(mammal)     1  0.4559  0.2280

pushed up  gradient  by
crow        -0.4321  depth 2 -0.3930, depth 1 -0.0391
dog         -0.1195  depth 2 -0.1859; against it depth 1 +0.0663

pushed down  gradient  by
bear          +0.3302  depth 2 +0.2727, depth 1 +0.0576
robin         +0.1168  depth 2 +0.1842; against it depth 1 -0.0673
bat           +0.0570  depth 2 +0.0471, depth 1 +0.0099
pigeon        +0.0475  depth 2 +0.0749; against it depth 1 -0.0274
";
    assert_eq!(explain(&animals(), &[]).success(), expected);
}

#[test]
fn rows_without_a_gradient_say_why_and_the_mean_is_of_the_others() {
    let folder = animals();
    let (mut masked, mut nan) = (Z, Z);
    masked[2] = f64::NEG_INFINITY;
    nan[0] = f64::NAN;
    folder.write("z.npy", npy::f8(&[&Z, &masked, &nan, &Z])).write("y.txt", "crow\ncrow\ncrow\n\n");
    let of_row = |row: &str| explain(&folder, &["--row", row]).success();
    assert!(of_row("1").starts_with("marginal_cross_entropy: inf (row 1, label crow)\nthe label has probability 0"));
    assert!(of_row("2").starts_with("marginal_cross_entropy: nan (row 2, label crow)\nthe row has NaN or +inf"));
    assert!(of_row("3").starts_with("marginal_cross_entropy: 0 (row 3)\nthe label is empty"));
    let mean = explain(&folder, &[]).success();
    let left_out = "marginal_cross_entropy: 3.2392 (mean over 1 row)
left out: 1 row ignored, as the label is empty
left out: 1 row of probability 0, with loss inf and gradient 0
left out: 1 row with NaN or +inf, of which loss and gradient are nan
";
    assert!(mean.starts_with(left_out), "{mean}");
    assert_eq!(json(&folder, &["--row", "2"])["loss"], Value::Null);
}

#[test]
fn a_mean_with_weights_says_what_the_loss_divides_by() {
    let weighted = r#"{"marginal_cross_entropy": {"class_weight": [1, 1, 3, 0.5, 1, 1]}}"#;
    let mean = explain(&animals(), &["--loss", weighted]).success();
    assert!(mean.contains("\nthe mean of `klados loss` divides by 3.5000 and not by the number of rows\n"), "{mean}");
}

#[test]
fn many_columns_and_siblings_are_cut_and_counted() {
    let folder = Folder::new();
    let edges: String = (0..30).map(|class| format!("c{class},all\n")).collect();
    let logits: Vec<f64> = (0..30).map(|class| f64::from(class) / 10.0).collect();
    folder.write("animals.csv", format!("child,parent\n{edges}")).write("z.npy", npy::f8(&[&logits]));
    folder.write("y.txt", "c0\n");
    let text = explain(&folder, &["--row", "0"]).success();
    // c0 and the 19 most probable: c11 to c29.
    assert!(text.contains("c0 *") && text.contains("c11 ") && !text.contains("c10 "), "{text}");
    assert!(text.contains("... and 10 more\n"), "{text}");
    // All 29 others are pushed down.
    assert!(text.ends_with("... and 19 more\n"), "{text}");
}

#[test]
fn shares_for_and_against_fit_a_terminal() {
    let folder = animals();
    folder.write("y.txt", "crow|robin\ndog\n");
    let smooth = r#"{"marginal_cross_entropy": {"gamma": 2, "label_smoothing": 0.1}}"#;
    let text = explain(&folder, &["--row", "0", "--loss", smooth]).success();
    assert!(text.contains("term           weight   focal  -log P    loss\n"), "{text}");
    // The target's term has 1 - label_smoothing, and gamma pushes it to 0.5024 = (1 - P(crow|robin))^2.
    assert!(text.contains("P(crow|robin)  0.9000  0.5024  1.2337  0.5578\n"), "{text}");
    assert!(text.contains("\n                     against it P(crow) "), "{text}");
    let widest = text.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = animals();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_klados"));
    command.arg("explain").args(FILES).args(["--format", "json"]).current_dir(folder.path(""));
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn json_is_the_explanation() {
    let folder = animals();
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let row = json(&folder, &["--row", "0"]);
    assert_eq!(keys(&row), ["columns", "loss", "nodes", "outcome", "terms"]);
    assert_eq!(row["outcome"], "finite");
    assert_eq!(row["terms"][1]["quantity"], "P(bird)");
    assert_eq!(keys(&row["columns"][0]), ["gradient", "logit", "name", "shares"]);
    let gradients = row["columns"].as_array().expect("columns").iter().map(|column| column["gradient"].as_f64());
    let expected = gradient(&folder, &["--reduction", "none"]);
    for (gradient, expected) in gradients.zip(&expected) {
        assert!((gradient.expect("a number") - expected).abs() < 1e-13);
    }
    let mean = json(&folder, &["--check"]);
    let expected = ["check", "columns", "ignored", "impossible", "loss", "nodes", "not_a_number", "rows", "terms"];
    assert_eq!(keys(&mean), expected);
    assert_eq!((&mean["rows"], &mean["check"]["agrees"]), (&2.into(), &true.into()));
    // As docs/explain.md has them.
    assert!((mean["loss"].as_f64().expect("a loss") - 2.4265288).abs() < 1e-6);
}

#[test]
fn central_differences_are_the_gradient() {
    let folder = animals();
    let one = explain(&folder, &["--row", "1", "--check"]).success();
    assert!(one.contains("\ncentral differences in 1 row: it is the gradient\noff by "), "{one}");
    assert!(one.trim_end().ends_with("is allowed") && one.contains(" in row 1, where "), "{one}");
    let all = explain(&folder, &["--check", "--loss", r#"{"marginal_cross_entropy": {"gamma": 2}}"#]).success();
    assert!(all.contains("\ncentral differences in 2 rows: it is the gradient\n"), "{all}");
}

/// A hard margin takes the largest of scores. Those of bat, bear and dog are equal, furthest from crow: the first has the
/// gradient, and a step up by any of them raises the loss.
#[test]
fn at_a_kink_the_check_fails() {
    let folder = animals();
    folder.write("z.npy", npy::f8(&[&[0.0; 8]])).write("y.txt", "crow\n");
    let out = explain(&folder, &["--check", "--row", "0", "--loss", r#"{"softmax_margin": {"hard": true}}"#]);
    assert_eq!(out.status, 1, "{}", out.stdout);
    assert!(out.stdout.contains("\ncentral differences in 1 row: it is not the gradient\noff by "), "{}", out.stdout);
    assert_eq!(out.stderr, "error: the gradient is not that of central differences\n");
}

#[test]
fn the_right_gradient_is_right_in_every_reduction() {
    let folder = animals();
    for (reduction, of) in [("mean", "the mean loss"), ("sum", "the sum loss"), ("none", "each row's own loss")] {
        gradient(&folder, &["--reduction", reduction]);
        let text = explain(&folder, &["--against", "grad.npy", "--reduction", reduction]).success();
        assert!(text.contains(&format!("\ngrad.npy: right, the gradient of {of}\noff by ")), "{text}");
    }
}

#[test]
fn a_wrong_gradient_is_told_where_it_differs_and_what_it_is() {
    let folder = animals();
    let right = gradient(&folder, &[]);
    let wrong = |factor: f64| {
        write_gradient(&folder, &right.iter().map(|entry| factor * entry).collect::<Vec<_>>());
        explain(&folder, &["--row", "0", "--against", "own.npy"])
    };
    let flipped = wrong(-1.0);
    assert_eq!(flipped.status, 1);
    assert_eq!(flipped.stderr, "error: own.npy: the gradient is not that of the loss\n");
    // Half of what crow has in docs/explain.md: the mean over two rows. Furthest off is crow, by twice that.
    let expected = "
own.npy: wrong, not the gradient of the mean loss
12 of 12 entries differ by more than 4.465e-6, by 1.0783 at most
column  row    right    given   off by
crow      0  -0.5391   0.5391   1.0783
";
    assert!(flipped.stdout.contains(expected), "{}", flipped.stdout);
    let message = "
This gives the same:
- the sign is flipped: the loss is minus the logarithm
";
    assert!(flipped.stdout.ends_with(message), "{}", flipped.stdout);
    // Doubled, with two rows, is their sum.
    let doubled = wrong(2.0).stdout;
    assert!(
        doubled.ends_with("- the sum over the rows: the mean is asked for; divide by the sum of the rows' weights\n"),
        "{doubled}"
    );
    let unknown = wrong(1.5).stdout;
    assert!(unknown.contains("\nNone of the usual mistakes alone gives these numbers."), "{unknown}");
    let text = explain(&folder, &["--against", "own.npy", "--format", "json"]).stdout;
    let against = &serde_json::from_str::<Value>(&text).expect("JSON")["against"];
    assert_eq!((&against["is_right"], &against["mistakes"]), (&false.into(), &Value::Array(Vec::new())));
    assert_eq!(against["comparison"]["columns"][0]["name"], "crow");
}

#[test]
fn what_does_not_fit_is_an_error_of_its_file() {
    let folder = animals();
    let row = explain(&folder, &["--row", "2"]).failure(1);
    assert_eq!(row, "--row 2: z.npy has 2 rows, expected a number below that, as rows count from 0");
    folder.write("own.npy", npy::f8(&[&Z]));
    let rows = explain(&folder, &["--against", "own.npy"]).failure(1);
    let expected = "own.npy has shape [1, 6], but z.npy has shape [2, 6]: expected the gradient by each logit";
    assert_eq!(rows, expected);
    folder.write("own.npy", npy::f8(&[&Z[..5], &Z[..5]]));
    let columns = explain(&folder, &["--against", "own.npy"]).failure(1);
    assert!(columns.starts_with("own.npy has shape [2, 5], but animals.csv has 6 classes"), "{columns}");
    let none = explain(&folder, &["--against", "none.npy"]).failure(1);
    assert!(none.starts_with("cannot read none.npy: "), "{none}");
    folder.write("y.txt", "crow\n");
    let labels = explain(&folder, &[]).failure(1);
    assert_eq!(labels, "y.txt has 1 labels, but z.npy has shape [2, 6]: expected one label a row");
    let usage =
        explain(&folder, &["--loss", r#"{"marginal_cross_entropy": {"reduction": "sum"}}"#, "--reduction", "mean"]);
    assert_eq!(usage.status, 2, "{}", usage.stderr);
}

/// Colours are for a terminal: `script` is one.
#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::print_stderr, reason = "says that it was skipped")]
fn colours_are_for_a_terminal_without_no_color() {
    let folder = animals();
    assert!(!explain(&folder, &[]).success().contains('\x1b'));
    let command = format!("{} explain {} --row 0", env!("CARGO_BIN_EXE_klados"), FILES.join(" "));
    let on_a_terminal = |no_color: &str| {
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(folder.path("")).env("TERM", "xterm");
        script.env("NO_COLOR", no_color).stdin(std::process::Stdio::null()).output()
    };
    let Ok(coloured) = on_a_terminal("") else {
        return eprintln!("SKIPPED: there is no `script` to be a terminal");
    };
    let coloured = String::from_utf8(coloured.stdout).expect("UTF-8");
    assert!(coloured.contains("\x1b[32mcrow\x1b[0m"), "{coloured}");
    let plain = String::from_utf8(on_a_terminal("1").expect("it ran before").stdout).expect("UTF-8");
    assert!(plain.contains("crow") && !plain.contains('\x1b'), "{plain}");
}

#[test]
fn help_teaches_and_fits_a_terminal() {
    let help = Folder::new().run(&["explain", "--help"]).success();
    // The options above are as wide as the terminal is.
    let (_, below) = help.split_once("-h, --help").expect("the last option");
    assert!(below.contains("Examples:\n") && below.contains("  klados explain --hierarchy "), "{below}");
    let widest = below.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
}
