//! The settings of the golden cases of all losses but the first three, as the JSON that a user writes.

use serde_json::{Value, json};

use super::losses::class_weight;
use crate::hierarchy::{Hierarchy, HierarchySpec};

/// The parameters of a loss under the names of the cases. The first are the defaults, the last is everything at once.
///
/// # Panics
///
/// There is no loss of that name here.
pub(super) fn settings(loss: &str, spec: &HierarchySpec, hierarchy: &Hierarchy) -> Vec<(&'static str, Value)> {
    let weight = class_weight(spec.classes.len());
    let terms = |count: usize| -> Vec<f64> { (0..count).map(|i| (i * 5 % 7 + 2) as f64 / 4.0).collect() };
    match loss {
        "weighted_cross_entropy" => vec![
            ("default", json!({})),
            ("parents", json!({"map": parents(spec, hierarchy)})),
            ("fractions", json!({"map": fractions(spec, hierarchy), "superclass_weight": 0.5})),
            ("normalize", json!({"map": counts(spec, hierarchy), "normalize": true, "leaf_weight": 0.25})),
            ("superclasses", json!({"map": parents(spec, hierarchy), "leaf_weight": 0})),
            ("zero_rows", json!({"map": zero_rows(spec, hierarchy), "gamma": 2})),
            ("smoothing", json!({"map": parents(spec, hierarchy), "label_smoothing": 0.125})),
            ("class_weight", json!({"map": parents(spec, hierarchy), "class_weight": weight})),
            (
                "everything",
                json!({
                    "map": counts(spec, hierarchy), "normalize": true, "leaf_weight": 0.75, "superclass_weight": 1.5,
                    "label_smoothing": 0.2, "gamma": 1.5, "class_weight": weight
                }),
            ),
        ],
        "levelwise_softmax" => vec![
            ("default", json!({})),
            ("leaves", json!({"weights": "leaves"})),
            ("levels", json!({"weights": {"levels": [1, 0, 0.5]}})),
            ("balanced", json!({"weights": "balanced"})),
            ("gamma_2", json!({"gamma": 2})),
            ("smoothing", json!({"label_smoothing": 0.125})),
            ("class_weight", json!({"class_weight": weight})),
            (
                "everything",
                json!({
                    "weights": {"power": {"q": 0.5, "total": 2}}, "label_smoothing": 0.2, "gamma": 1.5,
                    "class_weight": weight
                }),
            ),
        ],
        "sibling_softmax" => vec![
            ("default", json!({})),
            ("alpha", json!({"alpha": 0.5})),
            ("height", json!({"alpha": 0.5, "weighting": "height"})),
            ("tau", json!({"tau": 1, "frequencies": frequencies(hierarchy)})),
            ("gamma_half", json!({"gamma": 0.5})),
            ("gamma_2", json!({"gamma": 2})),
            ("smoothing", json!({"label_smoothing": 0.125})),
            ("class_weight", json!({"class_weight": weight})),
            (
                "everything",
                json!({
                    "alpha": 0.25, "weighting": "depth_normalized", "tau": 0.5, "frequencies": frequencies(hierarchy),
                    "label_smoothing": 0.2, "gamma": 1.5, "class_weight": weight
                }),
            ),
        ],
        "parameter_sharing_softmax" => vec![
            ("default", json!({})),
            ("uniform", json!({"weights": "uniform"})),
            ("levels", json!({"weights": {"levels": [1, 0, 0.5]}})),
            ("gamma_2", json!({"weights": "uniform", "gamma": 2})),
            ("smoothing", json!({"label_smoothing": 0.125})),
            ("class_weight", json!({"class_weight": weight})),
            (
                "everything",
                json!({
                    "weights": {"levels": [0.5, 1.5, 1, 0.25]}, "label_smoothing": 0.2, "gamma": 1.5, "class_weight": weight
                }),
            ),
        ],
        "conditional_sigmoid" => vec![
            ("default", json!({})),
            ("leaves", json!({"weights": "leaves"})),
            ("levels", json!({"weights": {"levels": [0.5, 0, 2]}})),
            ("everything", json!({"weights": "balanced", "class_weight": weight})),
        ],
        "binary_cross_entropy" => {
            let nodes = terms(hierarchy.columns().len());
            let map = shares(spec, hierarchy);
            let superclasses = distinct(&map);
            vec![
                ("default", json!({})),
                ("independent_incomplete", json!({"incomplete": true, "pos_weight": 3})),
                ("independent_levels", json!({"weights": {"levels": [2, 0.5, 0]}, "gamma": 2, "pos_weight": nodes})),
                ("max", json!({"form": "max"})),
                ("max_incomplete", json!({"form": "max", "incomplete": true, "weights": "leaves"})),
                ("max_everything", json!({"form": "max", "gamma": 1.5, "pos_weight": nodes, "incomplete": true})),
                ("noisy_or", json!({"form": "noisy_or"})),
                (
                    "noisy_or_everything",
                    json!({
                        "form": "noisy_or", "gamma": 1.5, "pos_weight": nodes, "incomplete": true,
                        "weights": {"levels": [1, 0.5, 0.25, 0.125]}
                    }),
                ),
                ("weighted", json!({"form": "weighted", "map": map})),
                (
                    "weighted_incomplete",
                    json!({
                        "form": "weighted", "map": counts(spec, hierarchy), "normalize": true, "incomplete": true
                    }),
                ),
                (
                    "weighted_everything",
                    json!({
                        "form": "weighted", "map": map, "gamma": 1.5, "incomplete": true,
                        "pos_weight": terms(superclasses + spec.classes.len())
                    }),
                ),
                ("everything", json!({"gamma": 1.5, "pos_weight": nodes, "incomplete": true, "weights": "leaves"})),
            ]
        }
        "tree_min" => vec![
            ("default", json!({})),
            ("gamma_2", json!({"gamma": 2})),
            ("leaves", json!({"weights": "leaves"})),
            ("everything", json!({"weights": {"levels": [0.5, 1.5, 1]}, "gamma": 1.5, "class_weight": weight})),
        ],
        "descendant_softmax" => vec![("default", json!({})), ("everything", json!({"class_weight": weight}))],
        "softmax_margin" => vec![
            ("default", json!({})),
            ("tau_0", json!({"tau": 0})),
            ("tau_5", json!({"tau": 5, "class_weight": weight})),
            ("hard", json!({"hard": true})),
            ("everything", json!({"hard": true, "tau": 0.5, "margin": "path_length", "class_weight": weight})),
        ],
        "random_cut" => vec![
            ("default", json!({"seed": 3})),
            ("p_0", json!({"p": 0})),
            ("p_1", json!({"p": 1})),
            ("p_half", json!({"p": 0.5, "seed": 11})),
            ("everything", json!({"p": 0.625, "seed": 18_446_744_073_709_551_557_u64, "class_weight": weight})),
        ],
        _ => panic!("no loss {loss:?}"),
    }
}

type Rows = Vec<(String, String, f64)>;

/// The superclass that stands for the parents of a class without a named parent.
const ELSEWHERE: &str = "elsewhere";

/// The names of a class's parents, of the class itself where it is an inner node.
fn above(hierarchy: &Hierarchy, class: usize) -> Vec<String> {
    let parents = hierarchy.parents(hierarchy.class_node(class)).iter();
    parents.map(|&parent| hierarchy.name(parent).unwrap_or(ELSEWHERE).to_string()).collect()
}

/// Each class in its first parent.
fn parents(spec: &HierarchySpec, hierarchy: &Hierarchy) -> Rows {
    let row = |(k, class): (usize, &String)| (class.clone(), above(hierarchy, k)[0].clone(), 1.0);
    spec.classes.iter().enumerate().map(row).collect()
}

/// Three quarters in the first parent, the rest in a superclass that the hierarchy does not know; some classes wholly in
/// the latter.
fn fractions(spec: &HierarchySpec, hierarchy: &Hierarchy) -> Rows {
    let mut rows = Rows::new();
    for (k, class) in spec.classes.iter().enumerate() {
        if k % 3 == 2 {
            rows.push((class.clone(), "striped".into(), 1.0));
        } else {
            rows.push((class.clone(), above(hierarchy, k)[0].clone(), 0.75));
            rows.push((class.clone(), "striped".into(), 0.25));
        }
    }
    rows
}

/// Numbers that must be divided by their sums, also in a third superclass.
fn counts(spec: &HierarchySpec, hierarchy: &Hierarchy) -> Rows {
    let mut rows = Rows::new();
    for (k, class) in spec.classes.iter().enumerate() {
        for (i, superclass) in above(hierarchy, k).into_iter().enumerate() {
            rows.push((class.clone(), superclass, (k + i + 1) as f64));
        }
        if k % 2 == 0 {
            rows.push((class.clone(), "even".into(), 1.5));
        }
    }
    rows
}

/// As [`parents`], and rows of weight 0 that say nothing.
fn zero_rows(spec: &HierarchySpec, hierarchy: &Hierarchy) -> Rows {
    let rows = parents(spec, hierarchy);
    let other = rows[0].1.clone();
    let zero = rows.iter().filter(|row| row.1 != other).map(|row| (row.0.clone(), other.clone(), 0.0));
    rows.iter().cloned().chain(zero).collect()
}

/// As [`parents`], where a superclass is shared out among its classes by halves, the last two in equal parts.
fn shares(spec: &HierarchySpec, hierarchy: &Hierarchy) -> Rows {
    let mut rows = parents(spec, hierarchy);
    for i in 0..rows.len() {
        let before = rows[..i].iter().filter(|row| row.1 == rows[i].1).count() as i32;
        let is_last = !rows[i + 1..].iter().any(|row| row.1 == rows[i].1);
        rows[i].2 = 0.5f64.powi(if is_last { before } else { before + 1 });
    }
    rows
}

fn distinct(map: &Rows) -> usize {
    map.iter().enumerate().filter(|(i, row)| map[..*i].iter().all(|known| known.1 != row.1)).count()
}

/// Small numbers that differ, for every node.
fn frequencies(hierarchy: &Hierarchy) -> Vec<(String, f64)> {
    let count = |(i, name): (usize, String)| (name, (i * 7 % 11 + 1) as f64);
    hierarchy.column_names().into_iter().enumerate().map(count).collect()
}
