//! `klados explain --report`: pages of all losses, and of what is unusual, with what the command prints for moved logits.
//!
//! `cargo xtask test browser` has them written into a folder, moves the sliders of each page, and holds the page's numbers
//! to these (`tests/browser/test_explain.py`).

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::npy;
use crate::run::Folder;

const ANIMALS: &str = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
const Z: [f64; 6] = [-1.20749462, 0.54933286, -0.38559750, 0.69097888, -0.74239856, 0.15704437];

/// A page: its name, the loss, the label, and which hierarchy.
const PAGES: [(&str, &str, &str, &str); 24] = [
    ("animals", "marginal_cross_entropy", "crow", ANIMALS),
    ("coarse", "marginal_cross_entropy", "bird", ANIMALS),
    ("union", "marginal_cross_entropy", "crow|dog", ANIMALS),
    ("smooth", r#"{"marginal_cross_entropy": {"gamma": 2, "label_smoothing": 0.1}}"#, "crow", ANIMALS),
    ("hierarchical", r#"{"hierarchical_cross_entropy": {"alpha": 0.3}}"#, "crow", ANIMALS),
    ("soft", "soft_labels", "crow", ANIMALS),
    ("weighted", "weighted_cross_entropy", "crow", ANIMALS),
    ("levelwise", "levelwise_softmax", "crow", ANIMALS),
    ("sibling", r#"{"sibling_softmax": {"gamma": 1}}"#, "crow", ANIMALS),
    ("sibling-union", "sibling_softmax", "crow|dog", ANIMALS),
    ("sharing", "parameter_sharing_softmax", "crow", ANIMALS),
    ("conditional", "conditional_sigmoid", "crow", ANIMALS),
    ("independent", r#"{"binary_cross_entropy": {"gamma": 1, "pos_weight": 2}}"#, "crow", ANIMALS),
    ("noisy-or", r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#, "crow", ANIMALS),
    ("max", r#"{"binary_cross_entropy": {"form": "max"}}"#, "crow", ANIMALS),
    (
        "weighted-sigmoid",
        r#"{"binary_cross_entropy": {"form": "weighted", "gamma": 1, "map": [["bat", "flies", 0.25], ["crow", "flies", 0.75], ["dog", "pet", 1]]}}"#,
        "crow",
        ANIMALS,
    ),
    ("tree-min", r#"{"tree_min": {"gamma": 2}}"#, "crow", ANIMALS),
    ("descendant", "descendant_softmax", "crow", ANIMALS),
    ("margin", "softmax_margin", "crow", ANIMALS),
    ("margin-hard", r#"{"softmax_margin": {"hard": true}}"#, "crow", ANIMALS),
    ("random-cut", "random_cut", "crow", ANIMALS),
    (
        "dag",
        "marginal_cross_entropy",
        "crow",
        "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\nbat,flying\nbird,flying\n",
    ),
    ("ignored", "marginal_cross_entropy", "", ANIMALS),
    (
        "hostile",
        "marginal_cross_entropy",
        "a</script><img src=x onerror='window.broken = 1'>",
        "child,parent\na</script><img src=x onerror='window.broken = 1'>,<b>top</b>\nb<!--,<b>top</b>\nc,d&amp;\n",
    ),
];

/// Where logits are moved to: by column, as many as there are.
const MOVES: [(usize, f64); 3] = [(0, 2.5), (2, -3.125), (1, 0.71875)];

fn pages() -> (tempfile::TempDir, PathBuf) {
    let own = tempfile::tempdir().expect("a folder");
    let named = std::env::var_os("KLADOS_REPORT_PAGES").map(PathBuf::from);
    let pages = named.unwrap_or_else(|| own.path().to_owned());
    (own, pages)
}

/// Writes the page of a row, and returns what the command prints as JSON.
fn explain(folder: &Folder, loss: &str, more: &[&str]) -> Value {
    let files =
        ["--hierarchy", "h.csv", "--logits", "z.npy", "--labels", "y.csv", "--label-column", "label", "--row", "0"];
    let out = folder.run(&[&["explain"], &files[..], &["--loss", loss, "--format", "json"], more].concat()).success();
    serde_json::from_str(&out).expect("JSON")
}

/// The data of a page.
fn data(html: &str) -> Value {
    let data = html.split(r#"id="report-data">"#).nth(1).and_then(|rest| rest.split("</script>").next());
    serde_json::from_str(data.expect("the data")).expect("JSON")
}

#[test]
fn a_page_has_what_the_row_is_computed_by() {
    let (_own, pages) = pages();
    let mut written = Vec::new();
    for (name, loss, label, hierarchy) in PAGES {
        let folder = Folder::new();
        folder.write("h.csv", hierarchy).write("y.csv", format!("label\n\"{label}\"\n"));
        // The columns of a loss with a logit a node are more: which, the first run says.
        let mut z = Z.to_vec();
        if name == "hostile" {
            z.truncate(3);
        }
        if folder
            .write("z.npy", npy::f8(&[&z]))
            .run(&["loss", "--hierarchy", "h.csv", "--logits", "z.npy", "--labels", "y.csv", "--loss", loss])
            .status
            != 0
        {
            z.extend([1.25, -0.5]);
        }
        let page = pages.join(format!("explain-{name}.html"));
        let path = page.to_str().expect("UTF-8");
        let before = explain(folder.write("z.npy", npy::f8(&[&z])), loss, &["--report", path]);
        let html = fs::read_to_string(&page).expect("the page");
        assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "{name}");
        let data = data(&html);
        assert_eq!(data["label"], label, "{name}");
        let (formulas, terms) = (data["formulas"]["terms"].as_array(), before["terms"].as_array());
        assert_eq!(formulas.map(Vec::len), terms.map(Vec::len), "{name}");
        assert_eq!(data["nodes"].as_array().map(Vec::len), data["node_count"].as_u64().map(|count| count as usize));
        MOVES.iter().for_each(|(column, logit)| z[*column] = *logit);
        let after = explain(folder.write("z.npy", npy::f8(&[&z])), loss, &[]);
        written.push(json!({ "page": format!("explain-{name}"), "before": before, "moves": MOVES, "after": after }));
    }
    fs::write(pages.join("explain.json"), serde_json::to_string(&written).expect("JSON")).expect("written");
}

/// A taxonomy of 5 x 12 x 40 species, whose columns are not in its order, with a species that is masked.
#[test]
fn of_a_large_hierarchy_the_page_keeps_what_it_does_not_draw() {
    let (_own, pages) = pages();
    let mut hierarchy = "child,parent\n".to_owned();
    for species in 0..2400 {
        hierarchy += &format!("species {species},genus {}\n", species % 60);
    }
    for genus in 0..60 {
        hierarchy += &format!("genus {genus},family {}\n", genus % 5);
    }
    let z: Vec<f64> = (0..2400).map(|class| f64::from(class * 7919 % 2400) / 400.0 - 3.0).collect();
    let (mut masked, mut moved) = (z.clone(), z);
    masked[2] = f64::NEG_INFINITY;
    moved[2] = f64::NEG_INFINITY;
    moved[63] = 4.5;
    let folder = Folder::new();
    folder.write("h.csv", hierarchy).write("y.csv", "label\nspecies 63\n").write("z.npy", npy::f8(&[&masked]));
    let page = pages.join("explain-large.html");
    let loss = "marginal_cross_entropy";
    let before = explain(&folder, loss, &["--report", page.to_str().expect("UTF-8")]);
    let html = fs::read_to_string(&page).expect("the page");
    assert!(html.len() < 500_000, "{}", html.len());
    let data = data(&html);
    assert!(data["nodes"].as_array().is_some_and(|nodes| nodes.len() < 100));
    let logits = data["logits"].as_array().expect("logits");
    assert_eq!((logits.len(), &logits[2]), (2400, &json!("-inf")));
    let after = explain(folder.write("z.npy", npy::f8(&[&moved])), loss, &[]);
    let written = json!([{ "page": "explain-large", "before": before, "moves": [[63, 4.5]], "after": after }]);
    fs::write(pages.join("explain-large.json"), written.to_string()).expect("written");
}

#[test]
fn a_page_is_of_a_row() {
    let folder = Folder::new();
    folder.write("h.csv", ANIMALS).write("z.npy", npy::f8(&[&Z])).write("y.txt", "crow\n");
    let files = ["explain", "--hierarchy", "h.csv", "--logits", "z.npy", "--labels", "y.txt", "--report", "page.html"];
    let error = folder.run(&files).failure(2);
    assert!(error.contains("--row <N>"), "{error}");
    assert!(!folder.path("page.html").exists());
}
