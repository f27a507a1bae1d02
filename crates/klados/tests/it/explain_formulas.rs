//! A row's loss as data: every row of the golden suite, for the kernel in the page of `klados explain --report`.
//!
//! `cargo xtask test browser` has them written into a folder, and holds what the kernel makes of them to the golden
//! numbers (`crates/klados-cli/tests/browser/test_explain_kernel.py`).

use std::fs;
use std::path::PathBuf;

use klados::explain::{Explanation, Formulas};
use klados_testing::golden::{self, Case};
use serde_json::{Value, json};

use crate::explain::compile;

/// Each row of a case: what it is computed by and from, and what is to come of it.
fn rows(case: &Case) -> Vec<Value> {
    let (criterion, labels) = compile(case);
    let written = serde_json::to_value(case).unwrap();
    let row = |row: usize| {
        let formulas = Formulas::of_row(&criterion, &case.logits[row], &labels[row], row).unwrap();
        let formulas = serde_json::to_value(formulas).unwrap();
        let explanation = Explanation::of_row(&criterion, &case.logits[row], &labels[row], row).unwrap();
        let terms = formulas["terms"].as_array().unwrap();
        assert_eq!(terms.len(), explanation.terms.len(), "{}", case.name);
        for (term, explained) in terms.iter().zip(&explanation.terms) {
            assert_eq!(term["weight"].as_f64(), Some(explained.weight));
        }
        json!({
            "name": format!("{}, row {row}", case.name), "formulas": formulas, "logits": written["logits"][row],
            "loss": written["losses"][row], "gradient": written["grads"][row], "magnitude": written["magnitude"][row],
        })
    };
    (0..case.batch()).map(row).collect()
}

#[test]
fn every_golden_row_has_formulas() {
    let folder = std::env::var_os("KLADOS_REPORT_PAGES").map(|pages| PathBuf::from(pages).join("golden"));
    if let Some(folder) = &folder {
        fs::create_dir_all(folder).unwrap();
    }
    for stem in golden::FILES {
        let rows: Vec<Value> = golden::load(stem).unwrap().cases.iter().flat_map(rows).collect();
        assert!(rows.len() > 50, "{stem}: {}", rows.len());
        if let Some(folder) = &folder {
            fs::write(folder.join(format!("{stem}.json")), serde_json::to_string(&rows).unwrap()).unwrap();
        }
    }
}
