//! `report.html`: one page without a network, for a desk, a phone and paper, light and dark.
//!
//! There are two: the page of an evaluation, and that of an explained row ([`write_explanation`]), whose data is that of
//! `cmd/explain/page.rs`.
//!
//! The page of an evaluation carries its data as one JSON object and draws itself from it with the scripts in `page/` and a build of
//! Apache ECharts (`data/echarts/`). Whatever is null or absent is not drawn. The keys of the object:
//!
//! ```json
//! {"title": "...", "notes": ["..."], "rows": 866, "ignored": 0, "set": "test", "numbers": "metrics.json",
//!  "levels": ["group", "subgroup", "emoji"],
//!  "hierarchy": {"name": ["..."], "parent": [-1, 0], "classes": [7], "level": [-1, 0]},
//!  "models": [{"name": "...", "about": "...", "probabilities": "...", "decision": "hedge", "rule": {"hedge": {"accuracy": 0.9}},
//!    "metrics": {"lca_height": {"value": 1.2, "low": 1.1, "high": 1.3}},
//!    "levels": [{"level": "group", "rows": 866, "accuracy": {"value": 0.9, "low": 0.88, "high": 0.92}, "ece": 0.02,
//!      "reliability": [{"low": 0.0, "high": 0.067, "rows": 12, "confidence": 0.05, "accuracy": 0.08}],
//!      "risk_coverage": {"coverage": [0.1], "risk": [0.01]}}],
//!    "operating_curve": {"recall": [0.1], "precision": [0.99], "tau": [0.9], "average_precision": 0.9},
//!    "nodes": {"rows": [866], "wrong": [0]},
//!    "confusion": [[5, 6, 3]],
//!    "worst": [{"row": "17", "label": "...", "label_node": 5, "predicted": "...", "predicted_node": 6,
//!      "probability": 0.98, "lca": "...", "lca_node": 0, "height": 3, "loss": 7.1}]}],
//!  "comparisons": [{"a": "m1", "b": "m2", "metrics": {"accuracy@group": {"difference": 0.01, "low": -0.01, "high": 0.03}}}],
//!  "training": {"measure": "accuracy", "runs": [{"name": "...", "epochs": [{"epoch": 1, "train_loss": 2.1,
//!    "validation_loss": 2.0, "levels": [{"level": "group", "value": 0.7}]}]}]},
//!  "galleries": [{"run": "...", "pictures": [{"picture": "data:...", "truth": ["..."], "taken_for": "data:...",
//!    "predicted": [{"name": "...", "percent": "98", "right": false}]}]}]}
//! ```
//!
//! `probabilities` names the model whose probabilities these are, where several rules are judged on one. `hierarchy` is by node
//! index; `parent` is the first one, -1 at the top; `level` is the place in `levels`, or -1.
//! `nodes` is by node index: the rows whose label is at or below the node, and those of them where the decision is wrong
//! at it. `confusion` counts pairs of a label's node and a decision's node, the right ones too. `comparisons` are of `a`
//! minus `b`, and a metric of a level is `NAME@LEVEL`. A value with an interval may be a number alone; what is not finite
//! is one of the strings `"nan"`, `"inf"`, `"-inf"`.

#[cfg(test)]
mod fixtures;
#[cfg(feature = "train")]
mod training;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use minijinja::{Environment, value::Serde};
use serde::Serialize;

use crate::data::replace::replace;
#[cfg(feature = "train")]
pub(crate) use training::{FILE, Gallery, Mistake, Page, Step, write_training};

/// The template's name, by whose ending what it is filled with is escaped.
const TEMPLATE: &str = "page.html";
/// Apache ECharts, built by `data/echarts/build.mjs`.
const CHARTS: &str = include_str!("../../data/echarts/echarts.min.js");
/// What a page is made of, but for its data.
struct Parts {
    style: &'static [&'static str],
    charts: Option<&'static str>,
    /// In their order: the last one starts the page.
    scripts: &'static [&'static str],
}

const EVALUATION: Parts = Parts {
    style: &[include_str!("page/page.css")],
    charts: Some(CHARTS),
    scripts: &[
        include_str!("page/dom.js"),
        include_str!("page/metrics.js"),
        include_str!("page/tree.js"),
        include_str!("page/charts.js"),
        include_str!("page/summary.js"),
        include_str!("page/levels.js"),
        include_str!("page/decisions.js"),
        include_str!("page/comparisons.js"),
        include_str!("page/curves.js"),
        include_str!("page/icicle.js"),
        include_str!("page/node.js"),
        include_str!("page/search.js"),
        include_str!("page/confusion.js"),
        include_str!("page/mistakes.js"),
        include_str!("page/training.js"),
        include_str!("page/main.js"),
    ],
};

const EXPLANATION: Parts = Parts {
    style: &[include_str!("page/page.css"), include_str!("page/explain/explain.css")],
    charts: None,
    scripts: &[
        include_str!("page/dom.js"),
        include_str!("page/explain/kernel.js"),
        include_str!("page/explain/state.js"),
        include_str!("page/explain/arrow.js"),
        include_str!("page/explain/tree.js"),
        include_str!("page/explain/terms.js"),
        include_str!("page/explain/main.js"),
    ],
};

/// What the template is filled with.
#[derive(Serialize)]
struct Filling<'a> {
    title: &'a str,
    notes: Vec<&'a str>,
    numbers: Option<&'a str>,
    version: &'static str,
    style: String,
    charts: Option<&'static str>,
    script: String,
    data: String,
}

/// Writes the page of `evaluation`, the object of this module's documentation, to `path`, whole or not at all.
///
/// # Errors
///
/// When `evaluation` is no JSON object, or the file cannot be written.
pub(crate) fn write(path: &Path, evaluation: &impl Serialize) -> Result<()> {
    write_page(path, evaluation, &EVALUATION)
}

/// Writes the page of an explained row.
///
/// # Errors
///
/// As [`write()`].
pub(crate) fn write_explanation(path: &Path, explanation: &impl Serialize) -> Result<()> {
    write_page(path, explanation, &EXPLANATION)
}

fn write_page(path: &Path, data: &impl Serialize, parts: &Parts) -> Result<()> {
    let html = render(data, parts).context("the report")?;
    replace(path, |file| std::io::Write::write_all(file, html.as_bytes()))
}

fn render(data: &impl Serialize, parts: &Parts) -> Result<String> {
    let object = serde_json::to_value(data)?;
    ensure!(object.is_object(), "the data of a page is a JSON object");
    let text = |key: &str| object[key].as_str();
    let notes = object["notes"].as_array().into_iter().flatten().filter_map(|note| note.as_str());
    let filling = Filling {
        title: text("title").unwrap_or("Evaluation"),
        notes: notes.collect(),
        numbers: text("numbers"),
        version: env!("CARGO_PKG_VERSION"),
        style: parts.style.concat(),
        charts: parts.charts,
        script: parts.scripts.concat(),
        // No text of the data can end the script that holds it, nor begin a comment in it.
        data: serde_json::to_string(&object)?.replace('<', "\\u003c"),
    };
    let mut environment = Environment::new();
    environment.add_template(TEMPLATE, include_str!("page/page.html"))?;
    Ok(environment.get_template(TEMPLATE)?.render(Serde(&filling))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::{CHARTS, EVALUATION, EXPLANATION, render};

    #[test]
    fn the_charts_are_those_that_were_built() {
        let recorded = include_str!("../../data/echarts/echarts.min.js.sha256");
        let found: String = Sha256::digest(CHARTS).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(recorded, format!("{found}  echarts.min.js\n"));
    }

    #[test]
    fn names_cannot_leave_the_data() {
        let name = "</script><script>alert(1)</script><!--";
        let evaluation = json!({ "title": name, "notes": [name], "hierarchy": { "name": [name], "parent": [-1] } });
        for parts in [&EVALUATION, &EXPLANATION] {
            let html = render(&evaluation, parts).expect("a page");
            assert!(!html.contains("alert(1)</script>"), "the text is escaped wherever it is");
            let data = html.split(r#"id="report-data">"#).nth(1).and_then(|rest| rest.split("</script>").next());
            let data: serde_json::Value = serde_json::from_str(data.expect("the data")).expect("JSON");
            assert_eq!(data["hierarchy"]["name"][0], name);
            assert_eq!(
                html.contains("Apache ECharts"),
                parts.charts.is_some(),
                "who made the charts, where there are any"
            );
        }
    }

    #[test]
    fn what_is_not_an_object_is_an_error() {
        let error = render(&[1], &EVALUATION).expect_err("no object");
        assert_eq!(error.to_string(), "the data of a page is a JSON object");
    }
}
